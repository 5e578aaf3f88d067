//! What a stream has received and given out, and how fast.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counters of one stream, written by its input and its sessions, read by anyone.
#[derive(Debug, Default)]
pub struct Counters {
    /// Payload bytes received.
    pub bytes_in: AtomicU64,
    /// Bytes handed to clients.
    pub bytes_out: AtomicU64,
    /// Access units received.
    pub frames_in: AtomicU64,
}

impl Counters {
    /// Adds one received access unit of `bytes`.
    pub fn received(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
        self.frames_in.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds `bytes` handed to a client.
    pub fn sent(&self, bytes: usize) {
        self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Turns a growing byte count into a rate over the last few samples.
#[derive(Debug, Default)]
pub(crate) struct RateMeter {
    samples: std::collections::VecDeque<(Instant, u64)>,
}

impl RateMeter {
    /// The time that a rate is taken over.
    const WINDOW: Duration = Duration::from_secs(5);

    /// Adds a sample and answers the rate in kbit/s.
    pub(crate) fn sample(&mut self, bytes: u64, now: Instant) -> u64 {
        self.samples.push_back((now, bytes));
        while let [(_, _), (second, _), ..] = self.samples.make_contiguous()
            && now.saturating_duration_since(*second) >= Self::WINDOW
        {
            self.samples.pop_front();
        }
        let Some((first, begin)) = self.samples.front() else {
            return 0;
        };
        let millis = now.saturating_duration_since(*first).as_millis();
        let bits = u128::from(bytes.saturating_sub(*begin)) * 8;
        u64::try_from(bits.checked_div(millis).unwrap_or(0)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_taken_over_the_window() {
        let start = Instant::now();
        let mut meter = RateMeter::default();
        assert_eq!(meter.sample(0, start), 0);
        for second in 1..=20 {
            let rate = meter.sample(second * 250_000, start + Duration::from_secs(second));
            assert_eq!(rate, 2000);
        }
        for second in 21..=26 {
            meter.sample(5_000_000, start + Duration::from_secs(second));
        }
        assert_eq!(meter.sample(5_000_000, start + Duration::from_secs(27)), 0);
    }
}
