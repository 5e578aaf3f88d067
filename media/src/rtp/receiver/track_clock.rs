//! Where the RTP times of a track lie on the timeline.
//!
//! Each track has a clock of its own that begins anywhere. Sender reports tie it to a wall clock
//! that all tracks share; before they come, the first packets of all tracks are taken to belong
//! together.

use std::time::Instant;

use crate::time::Ticks;

/// A step of the clock beyond this, against the time that has passed, is a jump.
const FORWARD_MAX: Ticks = Ticks::from_millis(10_000);
/// A step back beyond this is a jump; frames shown in another order than sent step back less.
const BACKWARD_MAX: Ticks = Ticks::from_millis(2_000);
/// Reports that differ less from what they said first are noise.
const NOISE_MAX: Ticks = Ticks::from_millis(20);
/// Reports that differ more from the packets are wrong: some cameras report from a clock per track.
const TRUST_MAX: Ticks = Ticks::from_millis(10_000);

/// The clock of one track.
#[derive(Debug)]
pub(super) struct TrackClock {
    rate: u32,
    state: Option<State>,
    /// What the last sender report said: wall clock, and the RTP time then.
    reported: Option<(Ticks, u32)>,
    /// Whether a report has placed the track.
    is_aligned: bool,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// The last RTP time, without coming round.
    last: i64,
    last_at: Instant,
    /// An RTP time, and the time on the timeline that it stands for.
    origin: i64,
    origin_time: Ticks,
}

/// A time on the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) time: Ticks,
    /// Whether the track's clock jumped here.
    pub(super) is_jump: bool,
}

impl TrackClock {
    pub(super) const fn new(rate: u32) -> Self {
        Self { rate, state: None, reported: None, is_aligned: false }
    }

    /// Whether the track has a place on the timeline.
    pub(super) const fn is_placed(&self) -> bool {
        self.state.is_some()
    }

    /// Puts the first access unit at `at`.
    pub(super) fn place(&mut self, time: u32, at: Ticks, now: Instant) {
        let origin = i64::from(time);
        self.state = Some(State { last: origin, last_at: now, origin, origin_time: at });
    }

    /// The time of the next access unit. Behind a jump the track goes on where it was, by as much
    /// later as has passed.
    pub(super) fn next(&mut self, time: u32, now: Instant) -> Option<Placed> {
        let rate = self.rate;
        let state = self.state.as_mut()?;
        let value = nearest(state.last, time);
        let step = Ticks::from_clock(value.saturating_sub(state.last), rate);
        let elapsed = Ticks::from(now.saturating_duration_since(state.last_at));
        let is_jump = step - elapsed > FORWARD_MAX || -step > BACKWARD_MAX;
        if is_jump {
            state.origin_time = state.time_of(state.last, rate) + Ticks(elapsed.0.max(1));
            state.origin = value;
            self.reported = None;
            self.is_aligned = false;
        }
        state.last = value;
        state.last_at = now;
        Some(Placed { time: state.time_of(value, rate), is_jump })
    }

    /// Remembers a sender report.
    pub(super) fn take_report(&mut self, wall_clock: Ticks, time: u32) {
        self.reported = Some((wall_clock, time));
    }

    /// The timeline's time less the wall clock, as the last report and the packets say.
    pub(super) fn wall_clock_shift(&self) -> Option<Ticks> {
        let (wall_clock, value) = self.reported_value()?;
        Some(self.state?.time_of(value, self.rate) - wall_clock)
    }

    /// Moves the track to where its report puts it on a wall clock with that shift.
    pub(super) fn align(&mut self, shift: Ticks) {
        let (Some(current), Some(state)) = (self.wall_clock_shift(), self.state.as_mut()) else {
            return;
        };
        let error = shift - current;
        if error.0.abs() <= TRUST_MAX.0 && (!self.is_aligned || error.0.abs() > NOISE_MAX.0) {
            state.origin_time += error;
            self.is_aligned = true;
        }
    }

    fn reported_value(&self) -> Option<(Ticks, i64)> {
        let (wall_clock, time) = self.reported?;
        Some((wall_clock, nearest(self.state?.last, time)))
    }
}

impl State {
    fn time_of(&self, value: i64, rate: u32) -> Ticks {
        self.origin_time + Ticks::from_clock(value.saturating_sub(self.origin), rate)
    }
}

/// The value nearest to `last` that is `time` modulo 2^32.
fn nearest(last: i64, time: u32) -> i64 {
    let folded = u32::try_from(last.rem_euclid(1 << 32)).unwrap_or(0);
    last.saturating_add(time.wrapping_sub(folded).cast_signed().into())
}
