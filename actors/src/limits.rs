//! The limits of the node, each counted by its name when it is hit.
//!
//! A limit that nobody can see being hit is taken for a fault of the network. So every refusal adds
//! to its counter, and the daemon shows the counters as `watershed_limit_hits_total{limit}`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The counters; clones count into the same ones.
///
/// Names are those of the settings. A hit takes a lock: it ends a connection, it is no packet.
#[derive(Clone, Debug, Default)]
pub struct LimitHits {
    counts: Arc<Mutex<BTreeMap<&'static str, u64>>>,
}

impl LimitHits {
    /// Counts one hit of the limit of that name.
    pub fn hit(&self, limit: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(limit).or_insert(0) += 1;
    }

    /// How often each limit was hit that ever was, by name.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_count_together() {
        let hits = LimitHits::default();
        hits.clone().hit("http_head_bytes");
        hits.hit("http_head_bytes");
        assert_eq!(hits.counts().get("http_head_bytes"), Some(&2));
    }
}
