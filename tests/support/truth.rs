//! Who held which stream when, as the harness knows it: it starts and ends them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

/// One time span in which a node held a stream.
#[derive(Clone)]
struct Holding {
    node: String,
    from: Instant,
    until: Option<Instant>,
}

/// The record; shared by the scenario that writes and those that compare.
#[derive(Default)]
pub(crate) struct Truth {
    holdings: Mutex<HashMap<String, Vec<Holding>>>,
}

impl Truth {
    /// `node` holds `stream` from now on.
    pub(crate) fn hold(&self, stream: &str, node: &str) {
        let holding = Holding { node: node.to_owned(), from: Instant::now(), until: None };
        self.holdings.lock().unwrap().entry(stream.to_owned()).or_default().push(holding);
    }

    /// `node` has lost all it held, now.
    pub(crate) fn release_all(&self, node: &str) {
        let now = Instant::now();
        for holding in self.holdings.lock().unwrap().values_mut().flatten() {
            if holding.node == node {
                holding.until.get_or_insert(now);
            }
        }
    }

    /// All streams ever held.
    pub(crate) fn streams(&self) -> Vec<String> {
        let mut streams: Vec<String> = self.holdings.lock().unwrap().keys().cloned().collect();
        streams.sort();
        streams
    }

    /// Whether `node` held `stream` at any time from `from` to `until`.
    pub(crate) fn held_within(
        &self,
        stream: &str,
        node: &str,
        from: Instant,
        until: Instant,
    ) -> bool {
        self.spans(stream).iter().any(|holding| {
            let has_ended_before = holding.until.is_some_and(|end| end < from);
            holding.node == node && holding.from <= until && !has_ended_before
        })
    }

    /// Whether some node held `stream` all the time from `from` to `until`.
    pub(crate) fn was_available(&self, stream: &str, from: Instant, until: Instant) -> bool {
        self.spans(stream)
            .iter()
            .any(|holding| holding.from <= from && holding.until.is_none_or(|end| end >= until))
    }

    fn spans(&self, stream: &str) -> Vec<Holding> {
        self.holdings.lock().unwrap().get(stream).cloned().unwrap_or_default()
    }
}

#[test]
fn truth_knows_a_holder_only_within_its_span() {
    let truth = Truth::default();
    let before = Instant::now();
    truth.hold("a", "south");
    let during = Instant::now();
    assert!(truth.held_within("a", "south", before, during));
    assert!(!truth.held_within("a", "north", before, during));
    assert!(!truth.was_available("a", before, during));
    assert!(truth.was_available("a", during, Instant::now()));
    truth.release_all("south");
    let after = Instant::now();
    assert!(truth.held_within("a", "south", during, after));
    assert!(!truth.held_within("a", "south", after + std::time::Duration::from_nanos(1), after));
    assert!(!truth.was_available("a", during, after + std::time::Duration::from_secs(1)));
}
