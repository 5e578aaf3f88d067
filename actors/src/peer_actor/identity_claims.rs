//! Which entry of the config is which node: one node must not count twice, nor two as one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::health::Verdict;
use crate::names::{Hostname, NodeId};

/// Shared by all peers of this node.
#[derive(Clone, Debug)]
pub struct IdentityClaims {
    own_id: NodeId,
    own_name: Hostname,
    claims: Arc<Mutex<Claims>>,
}

#[derive(Debug, Default)]
struct Claims {
    by_label: HashMap<Hostname, (NodeId, Hostname)>,
    by_id: HashMap<NodeId, Hostname>,
    names: HashMap<Hostname, usize>,
}

impl IdentityClaims {
    /// No peers yet; the node itself counts.
    #[must_use]
    pub fn new(own_id: NodeId, own_name: Hostname) -> Self {
        Self { own_id, own_name, claims: Arc::default() }
    }

    /// The entry `label` was answered by node `id`, which calls itself `name`.
    pub(super) fn claim(&self, label: &Hostname, id: NodeId, name: &Hostname) -> Option<Verdict> {
        if id == self.own_id {
            return Some(Verdict::Myself);
        }
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let held_by = claims.by_id.get(&id);
        if held_by.is_some_and(|other| other != label) {
            claims.release(label);
            return Some(Verdict::Duplicate);
        }
        let is_known = claims.by_label.get(label).is_some_and(|(i, n)| *i == id && n == name);
        if !is_known {
            claims.release(label);
            claims.by_label.insert(label.clone(), (id, name.clone()));
            claims.by_id.insert(id, label.clone());
            *claims.names.entry(name.clone()).or_default() += 1;
        }
        let is_twice = *name == self.own_name || claims.names.get(name).is_some_and(|n| *n > 1);
        is_twice.then_some(Verdict::NameTwice)
    }

    /// The entry is no node any more, as far as anybody knows.
    pub(crate) fn release(&self, label: &Hostname) {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner).release(label);
    }

    /// The entry by which node `id` is known.
    #[must_use]
    pub fn label_of(&self, id: NodeId) -> Option<Hostname> {
        let claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        claims.by_id.get(&id).cloned()
    }
}

impl Claims {
    fn release(&mut self, label: &Hostname) {
        let Some((id, name)) = self.by_label.remove(label) else {
            return;
        };
        self.by_id.remove(&id);
        if let Some(count) = self.names.get_mut(&name) {
            *count -= 1;
            if *count == 0 {
                self.names.remove(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Hostname {
        text.parse().unwrap()
    }

    fn id(n: u128) -> NodeId {
        NodeId::from_random(n)
    }

    #[test]
    fn self_duplicates_and_names_used_twice_are_found() {
        let claims = IdentityClaims::new(id(1), name("north"));
        let claim = |label: &str, n, own: &str| claims.claim(&name(label), id(n), &name(own));
        assert_eq!(claim("loop", 1, "north"), Some(Verdict::Myself));
        assert_eq!(claim("b", 2, "south"), None);
        assert_eq!(claim("b", 2, "south"), None, "again");
        assert_eq!(claim("10.0.0.2", 2, "south"), Some(Verdict::Duplicate));
        assert_eq!(claim("c", 3, "south"), Some(Verdict::NameTwice));
        assert_eq!(claim("b", 2, "south"), Some(Verdict::NameTwice), "both are told");
        assert_eq!(claim("d", 4, "north"), Some(Verdict::NameTwice), "our own name");
        claims.release(&name("c"));
        assert_eq!(claim("b", 5, "south"), None, "restarted, and the other has gone");
        assert_eq!(claims.label_of(id(5)), Some(name("b")));
        assert_eq!(claims.label_of(id(2)), None);
    }
}
