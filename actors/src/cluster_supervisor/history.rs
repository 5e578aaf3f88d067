//! The last hour of one node in numbers, for its page. Pure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::peer_actor::{PeerState, PeerStatus};
use crate::report::NodeStats;

/// The time from one sample to the next.
pub const SAMPLE_EVERY: Duration = Duration::from_secs(10);
/// An hour of them.
const SAMPLES_MAX: usize = 360;

/// A node at one moment; what is not known is none.
///
/// Small on purpose: there may be 200 nodes with an hour each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Unix milliseconds.
    pub at_ms: u64,
    /// Percent.
    pub cpu_usage: Option<f32>,
    /// Percent.
    pub memory_usage: Option<f32>,
    /// Sent to clients, kbit/s.
    pub output_kbit: Option<u32>,
    /// Open play sessions.
    pub total_clients: Option<u32>,
    /// How long its last answer took, in milliseconds.
    pub fetch_ms: Option<u32>,
}

impl Sample {
    /// What this node says of itself.
    pub(super) fn of_stats(stats: &NodeStats, at_ms: u64) -> Self {
        let count = |number: Option<u64>| number.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        Self {
            at_ms,
            cpu_usage: stats.cpu_usage.map(narrowed),
            memory_usage: stats.memory_usage.map(narrowed),
            output_kbit: count(stats.output_kbit),
            total_clients: count(stats.total_clients),
            fetch_ms: None,
        }
    }

    /// What is known of a peer; nothing of one that does not answer.
    pub(super) fn of_peer(status: &PeerStatus, at_ms: u64) -> Self {
        let answers = status.state.is_open() || status.state == PeerState::Draining;
        let Some(stats) = status.stats.as_ref().filter(|_| answers) else {
            return Self { at_ms, ..Self::default() };
        };
        let took = status.fetch_times.last.map(|took| took.as_millis());
        let fetch_ms = took.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX));
        Self { fetch_ms, ..Self::of_stats(stats, at_ms) }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a percentage is no number of 50 bits")]
const fn narrowed(percent: f64) -> f32 {
    percent as f32
}

/// The samples, the oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    samples: VecDeque<Sample>,
    last: Option<Instant>,
}

impl History {
    /// Adds a sample taken `now`. Times at which none was taken, as while the machine slept, are
    /// filled with samples that know nothing; one that comes too soon is left out.
    pub(super) fn add(&mut self, sample: Sample, now: Instant) {
        let elapsed = self.last.map_or(SAMPLE_EVERY, |last| now.saturating_duration_since(last));
        let step_ms = SAMPLE_EVERY.as_millis();
        let steps = (elapsed.as_millis() + step_ms / 2) / step_ms;
        let Some(missed) = steps.checked_sub(1) else {
            return;
        };
        let missed = u64::try_from(missed).unwrap_or(u64::MAX).min(SAMPLES_MAX as u64);
        for ago in (1..=missed).rev() {
            let ago_ms = u64::try_from(step_ms).unwrap_or(0) * ago;
            let at_ms = sample.at_ms.saturating_sub(ago_ms);
            self.push(Sample { at_ms, ..Sample::default() });
        }
        self.push(sample);
        self.last = Some(now);
    }

    /// All of them, the newest last.
    pub(super) fn samples(&self) -> Vec<Sample> {
        self.samples.iter().copied().collect()
    }

    fn push(&mut self, sample: Sample) {
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIX_MS: u64 = 1_700_000_000_000;

    fn sample(second: u64) -> Sample {
        let stats = NodeStats {
            cpu_usage: Some(12.3),
            output_kbit: Some(1 << 40),
            total_clients: Some(second),
            ..NodeStats::default()
        };
        Sample::of_stats(&stats, UNIX_MS + second * 1000)
    }

    /// A history of samples taken at these seconds.
    fn history(seconds: impl IntoIterator<Item = u64>) -> Vec<Sample> {
        let (mut history, start) = (History::default(), Instant::now());
        for second in seconds {
            history.add(sample(second), start + Duration::from_secs(second));
        }
        history.samples()
    }

    fn seconds_known(samples: &[Sample]) -> Vec<(u64, bool)> {
        let second = |sample: &Sample| (sample.at_ms - UNIX_MS) / 1000;
        samples.iter().map(|sample| (second(sample), sample.cpu_usage.is_some())).collect()
    }

    #[test]
    fn an_hour_is_kept_and_no_more() {
        let samples = history((0..1000).map(|step| step * 10));
        assert_eq!(samples.len(), SAMPLES_MAX);
        assert_eq!(samples[0], sample(6400));
        assert_eq!(samples[SAMPLES_MAX - 1], sample(9990));
        assert_eq!(samples[0].output_kbit, Some(u32::MAX));
        assert!(size_of::<Sample>() <= 48);
    }

    #[test]
    fn times_without_a_sample_are_gaps_not_straight_lines() {
        let samples = history([0, 10, 41]);
        let wanted = [(0, true), (10, true), (21, false), (31, false), (41, true)];
        assert_eq!(seconds_known(&samples), wanted);
        assert_eq!(samples[2], Sample { at_ms: UNIX_MS + 21_000, ..Sample::default() });
        let after_days = history([0, 10_000_000]);
        assert_eq!(after_days.len(), SAMPLES_MAX);
        assert!(after_days[SAMPLES_MAX - 1].cpu_usage.is_some());
    }

    #[test]
    fn ticks_that_come_at_once_make_one_sample() {
        assert_eq!(
            seconds_known(&history([0, 10, 10, 11, 14, 20])),
            [(0, true), (10, true), (20, true)]
        );
    }
}
