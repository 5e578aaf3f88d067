//! Counts the packets of one source: where they come round, what is lost, how even they arrive.
//!
//! Source: RFC 3550 appendices A.1 (sequence numbers), A.3 (loss) and A.8 (jitter).

use std::time::{Duration, Instant};

use crate::rtp::packet::RtpHeader;
use crate::rtp::rtcp::ReportBlock;

/// A step forward up to this is loss, beyond it another sequence. Source: RFC 3550 §A.1.
const DROPOUT_MAX: i16 = 3000;
/// A step back up to this is disorder, beyond it another sequence. Source: RFC 3550 §A.1.
const DISORDER_MAX: i16 = 100;
/// A source that was silent for this long may be followed by another.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// What a packet is to the sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Part of it, by its number that never comes round.
    Counted(u64),
    /// The first one counted of another sequence or source.
    Restarted(u64),
    /// Not ours, or not yet.
    Foreign,
}

/// The state of one source.
#[derive(Debug)]
pub(super) struct Reception {
    clock_rate: u32,
    source: Option<Counts>,
    /// The number that would confirm another sequence.
    expected_restart: Option<u16>,
    last_report: Option<(u32, Instant)>,
}

#[derive(Debug)]
struct Counts {
    ssrc: u32,
    base: u64,
    highest: u64,
    received: u64,
    expected_before: u64,
    received_before: u64,
    began_at: Instant,
    last_at: Instant,
    transit: Option<u32>,
    /// In sixteenths, as RFC 3550 §A.8 keeps it.
    jitter: u32,
}

impl Reception {
    pub(super) const fn new(clock_rate: u32) -> Self {
        Self { clock_rate, source: None, expected_restart: None, last_report: None }
    }

    /// Whether a report of `ssrc` is about this source.
    pub(super) fn is_source(&self, ssrc: u32) -> bool {
        self.source.as_ref().is_none_or(|source| source.ssrc == ssrc)
    }

    pub(super) fn arrive(&mut self, header: &RtpHeader, now: Instant) -> Arrival {
        let Some(source) = &mut self.source else {
            let first = 1 << 16 | u64::from(header.sequence);
            self.source = Some(Counts::new(header.ssrc, first, now));
            return Arrival::Counted(first);
        };
        if source.ssrc != header.ssrc {
            if now.saturating_duration_since(source.last_at) < SILENCE_MAX {
                return Arrival::Foreign;
            }
            return self.restart(header, now);
        }
        let highest = u16::try_from(source.highest & 0xffff).unwrap_or(0);
        let step = header.sequence.wrapping_sub(highest).cast_signed();
        if !(-DISORDER_MAX..=DROPOUT_MAX).contains(&step) {
            // One odd packet is damage; two in a row are another sequence.
            let expected = self.expected_restart.replace(header.sequence.wrapping_add(1));
            if expected != Some(header.sequence) {
                return Arrival::Foreign;
            }
            return self.restart(header, now);
        }
        self.expected_restart = None;
        let sequence = source.highest.saturating_add_signed(step.into());
        source.highest = source.highest.max(sequence);
        source.received += 1;
        source.last_at = now;
        source.measure(header.time, now, self.clock_rate);
        Arrival::Counted(sequence)
    }

    fn restart(&mut self, header: &RtpHeader, now: Instant) -> Arrival {
        let highest = self.source.as_ref().map_or(0, |source| source.highest);
        // Above all that was, so that an older number stays older.
        let first = ((highest >> 16) + 1) << 16 | u64::from(header.sequence);
        self.source = Some(Counts::new(header.ssrc, first, now));
        self.expected_restart = None;
        self.last_report = None;
        Arrival::Restarted(first)
    }

    /// Remembers when a sender report came.
    pub(super) fn take_sender_report(&mut self, ntp: u64, now: Instant) {
        self.last_report = u32::try_from(ntp >> 16 & 0xffff_ffff).ok().map(|middle| (middle, now));
    }

    /// What a receiver report says of the source; `None` before its first packet.
    ///
    /// Source: RFC 3550 §6.4.1 and §A.3.
    pub(super) fn report(&mut self, now: Instant) -> Option<ReportBlock> {
        let source = self.source.as_mut()?;
        let expected = source.highest - source.base + 1;
        let expected_since = expected.saturating_sub(source.expected_before);
        let received_since = source.received - source.received_before;
        source.expected_before = expected;
        source.received_before = source.received;
        let lost_since = expected_since.saturating_sub(received_since);
        let fraction = (lost_since << 8).checked_div(expected_since).unwrap_or(0);
        let lost =
            i64::try_from(expected).unwrap_or(0) - i64::try_from(source.received).unwrap_or(0);
        let (last_report, delay) = match self.last_report {
            Some((middle, at)) => {
                let delay = now.saturating_duration_since(at).as_micros() * 65_536 / 1_000_000;
                (middle, u32::try_from(delay).unwrap_or(u32::MAX))
            }
            None => (0, 0),
        };
        Some(ReportBlock {
            ssrc: source.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: i32::try_from(lost.clamp(-0x80_0000, 0x7f_ffff)).unwrap_or(0),
            highest_sequence: u32::try_from(source.highest & 0xffff_ffff).unwrap_or(0),
            jitter: source.jitter >> 4,
            last_report,
            delay,
        })
    }
}

impl Counts {
    const fn new(ssrc: u32, first: u64, now: Instant) -> Self {
        Self {
            ssrc,
            base: first,
            highest: first,
            received: 1,
            expected_before: 0,
            received_before: 0,
            began_at: now,
            last_at: now,
            transit: None,
            jitter: 0,
        }
    }

    /// Source: RFC 3550 §A.8.
    fn measure(&mut self, time: u32, now: Instant, clock_rate: u32) {
        let elapsed = now.saturating_duration_since(self.began_at).as_nanos();
        let arrival = elapsed * u128::from(clock_rate) / 1_000_000_000;
        let transit = u32::try_from(arrival & 0xffff_ffff).unwrap_or(0).wrapping_sub(time);
        if let Some(before) = self.transit.replace(transit) {
            let distance = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            self.jitter =
                self.jitter.saturating_add(distance) - (self.jitter.saturating_add(8) >> 4);
        }
    }
}
