//! When to try a failed input again: 1 s, doubling to 15 s, with jitter.

use std::time::{Duration, Instant};

const DELAY_MIN: Duration = Duration::from_secs(1);
const DELAY_MAX: Duration = Duration::from_secs(15);

/// The tries of one input.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    failures: u32,
    not_before: Option<Instant>,
}

impl Retry {
    /// Whether `attempts_max` attempts have failed since the last success. The first is always
    /// made.
    pub(crate) fn has_given_up(&self, attempts_max: u32) -> bool {
        self.failures >= attempts_max.max(1)
    }

    /// Whether the next try is due.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|due| now >= due)
    }

    /// Notes a failure at `now`; `jitter` in 0..=255 spreads the next try by up to a quarter.
    pub(crate) fn fail(&mut self, now: Instant, jitter: u8) {
        let doublings = self.failures.min(4);
        let delay = (DELAY_MIN * (1 << doublings)).min(DELAY_MAX);
        let spread = delay / 4 * u32::from(jitter) / 255;
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now + delay + spread);
    }

    /// Notes that frames arrive.
    pub(crate) fn succeed(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_limit_and_start_over_after_success() {
        let start = Instant::now();
        let mut retry = Retry::default();
        assert!(retry.is_due(start));
        for wanted in [1, 2, 4, 8, 15, 15] {
            retry.fail(start, 0);
            assert!(!retry.is_due(start + Duration::from_secs(wanted) - Duration::from_millis(1)));
            assert!(retry.is_due(start + Duration::from_secs(wanted)));
        }
        retry.succeed();
        assert!(retry.is_due(start));
    }

    #[test]
    fn attempts_are_bounded_but_the_first_is_always_made() {
        for (attempts_max, made) in [(0, 1), (1, 1), (2, 2), (5, 5)] {
            let mut retry = Retry::default();
            for _ in 0..made {
                assert!(!retry.has_given_up(attempts_max), "{attempts_max}");
                retry.fail(Instant::now(), 0);
            }
            assert!(retry.has_given_up(attempts_max), "{attempts_max}");
        }
    }

    #[test]
    fn jitter_adds_at_most_a_quarter() {
        let start = Instant::now();
        let mut retry = Retry::default();
        retry.fail(start, 255);
        assert!(!retry.is_due(start + Duration::from_millis(1249)));
        assert!(retry.is_due(start + Duration::from_millis(1250)));
    }
}
