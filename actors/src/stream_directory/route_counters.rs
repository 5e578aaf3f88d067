//! How often clients were sent elsewhere, and how often they came back too soon.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Choice;
use crate::names::Protocol;

const CHOICES: [(Choice, &str); 4] = [
    (Choice::Only, "only_holder"),
    (Choice::LessLoaded, "less_loaded"),
    (Choice::Kept, "kept_holder"),
    (Choice::ByName, "on_demand"),
];

/// Counts redirects by protocol and reason.
#[derive(Debug, Default)]
pub(super) struct RouteCounters {
    redirects: [[AtomicU64; CHOICES.len()]; Protocol::ALL.len()],
    loops: AtomicU64,
}

/// Redirects of one protocol for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedirectCount {
    /// The label `protocol` in metrics.
    pub protocol: &'static str,
    /// The label `reason` in metrics.
    pub reason: &'static str,
    /// How many there were.
    pub count: u64,
}

impl RouteCounters {
    pub(super) fn redirected(&self, protocol: Protocol, choice: Choice) {
        let row = Protocol::ALL.iter().position(|(known, _)| *known == protocol);
        let column = CHOICES.iter().position(|(known, _)| *known == choice);
        if let (Some(row), Some(column)) = (row, column) {
            self.redirects[row][column].fetch_add(1, Relaxed);
        }
    }

    pub(super) fn looped(&self) {
        self.loops.fetch_add(1, Relaxed);
    }

    pub(super) fn redirects(&self) -> Vec<RedirectCount> {
        let rows = Protocol::ALL.iter().zip(&self.redirects);
        let counts = rows.flat_map(|((_, protocol), row)| {
            CHOICES.iter().zip(row).map(|((_, reason), count)| RedirectCount {
                protocol,
                reason,
                count: count.load(Relaxed),
            })
        });
        counts.collect()
    }

    pub(super) fn loops(&self) -> u64 {
        self.loops.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_and_reason_has_its_own_count() {
        let counters = RouteCounters::default();
        counters.redirected(Protocol::Rtsp, Choice::Kept);
        counters.redirected(Protocol::Rtsp, Choice::Kept);
        let counts = counters.redirects();
        assert_eq!(counts.iter().map(|count| count.count).sum::<u64>(), 2);
        let counted = RedirectCount { protocol: "rtsp", reason: "kept_holder", count: 2 };
        assert!(counts.contains(&counted));
    }
}
