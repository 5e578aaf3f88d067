//! What a stream has received and given out, and how fast.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::names::Protocol;

/// Who is given media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taker {
    /// A client that speaks this.
    Client(Protocol),
    /// Another node, which relays it.
    Node,
}

/// How many kinds of takers there are.
const TAKERS: usize = Protocol::ALL.len() + 1;

/// Counters of one stream, written by its input and its sessions, read by anyone.
#[derive(Debug, Default)]
pub struct Counters {
    /// Payload bytes received.
    pub bytes_in: AtomicU64,
    /// Bytes given out, by taker: other nodes last.
    bytes_out: [AtomicU64; TAKERS],
    /// Access units received.
    pub frames_in: AtomicU64,
}

impl Counters {
    /// Adds one received access unit of `bytes`.
    pub fn received(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
        self.frames_in.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds `bytes` given to `taker`.
    pub fn sent(&self, taker: Taker, bytes: usize) {
        let place = match taker {
            Taker::Client(protocol) => protocol as usize,
            Taker::Node => TAKERS - 1,
        };
        self.bytes_out[place].fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes given out, to whomever.
    #[must_use]
    pub fn bytes_out(&self) -> u64 {
        self.bytes_out.iter().map(|bytes| bytes.load(Ordering::Relaxed)).sum()
    }

    /// The same by the protocol's name; what other nodes took is `relay`.
    pub fn bytes_out_by_protocol(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = Protocol::ALL.iter().map(|(_, name)| *name).chain(["relay"]);
        names.zip(self.bytes_out.iter().map(|bytes| bytes.load(Ordering::Relaxed)))
    }
}

/// Turns a growing byte count into a rate over the last few samples.
///
/// The time before anything flowed is no part of the rate: while nothing can, the meter
/// [rests](RateMeter::rest).
#[derive(Debug, Default)]
pub(crate) struct RateMeter {
    samples: VecDeque<(Instant, u64)>,
}

impl RateMeter {
    /// The time that a rate is taken over.
    const WINDOW: Duration = Duration::from_secs(5);
    /// A rate of less time would mostly tell the size of a frame.
    const WINDOW_MIN: Duration = Duration::from_secs(1);

    /// Forgets what was: the next sample begins anew.
    pub(crate) fn rest(&mut self) {
        self.samples.clear();
    }

    /// Adds a sample and answers the rate in kbit/s; none while there are too few samples.
    pub(crate) fn sample(&mut self, bytes: u64, now: Instant) -> Option<u64> {
        self.samples.push_back((now, bytes));
        while let [(_, _), (second, _), ..] = self.samples.make_contiguous()
            && now.saturating_duration_since(*second) >= Self::WINDOW
        {
            self.samples.pop_front();
        }
        let (first, begin) = self.samples.front()?;
        let span = now.saturating_duration_since(*first);
        let bits = u128::from(bytes.saturating_sub(*begin)) * 8;
        let rate = (span >= Self::WINDOW_MIN).then(|| bits / span.as_millis());
        rate.map(|rate| u64::try_from(rate).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_by_who_took_them() {
        let counters = Counters::default();
        for (index, (protocol, _)) in Protocol::ALL.into_iter().enumerate() {
            counters.sent(Taker::Client(protocol), index + 1);
        }
        counters.sent(Taker::Node, 100);
        let told: Vec<_> = counters.bytes_out_by_protocol().collect();
        let wanted =
            [("hls", 1), ("tshttp", 2), ("flv", 3), ("rtsp", 4), ("rtmp", 5), ("relay", 100)];
        assert_eq!(told, wanted);
        assert_eq!(counters.bytes_out(), 115);
    }

    #[test]
    fn rate_is_taken_over_the_window() {
        let start = Instant::now();
        let mut meter = RateMeter::default();
        assert_eq!(meter.sample(0, start), None);
        for second in 1..=20 {
            let rate = meter.sample(second * 250_000, start + Duration::from_secs(second));
            assert_eq!(rate, Some(2000));
        }
        for second in 21..=26 {
            meter.sample(5_000_000, start + Duration::from_secs(second));
        }
        assert_eq!(meter.sample(5_000_000, start + Duration::from_secs(27)), Some(0));
    }

    #[test]
    fn rate_of_what_has_just_begun_is_that_of_its_own_time() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut meter = RateMeter::default();
        for half in 0..10 {
            meter.sample(0, at(half * 500));
        }
        meter.rest();
        assert_eq!(meter.sample(9_000, at(5_000)), None);
        assert_eq!(meter.sample(134_000, at(5_500)), None, "half a second tells little");
        assert_eq!(meter.sample(259_000, at(6_000)), Some(2000));
        assert_eq!(meter.sample(384_000, at(6_500)), Some(2000));
    }
}
