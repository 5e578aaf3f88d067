//! When a packet of a file is due: in step with its timestamps, over any number of loops.
//!
//! A file's times are shifted by the length of the loops before, so that the stream's times go on.
//! A reader that has fallen far behind (the machine slept) starts a new step instead of rushing
//! through what it missed; so does one whose file jumps ahead, instead of waiting for hours.

use std::time::{Duration, Instant};

use watershed_media::time::Ticks;

/// A reader further behind than this does not catch up.
const BEHIND_MAX: Duration = Duration::from_secs(2);
/// A packet due later than this is behind a jump of the file's times, which is not waited for.
const AHEAD_MAX: Duration = Duration::from_secs(10);

/// The step of one file.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    /// A moment and the shifted time that was due then.
    anchor: Option<(Instant, Ticks)>,
    shift: Ticks,
}

impl Pacer {
    /// The file begins again `length` after it last began.
    pub(crate) fn next_loop(&mut self, length: Ticks) {
        self.shift += length;
    }

    /// The file's next times do not follow from those before: it goes on at once.
    pub(crate) fn restart(&mut self) {
        self.anchor = None;
    }

    /// A time of the file on the timeline over all loops.
    pub(crate) fn shifted(&self, time: Ticks) -> Ticks {
        time + self.shift
    }

    /// When the packet of shifted time `dts` is due.
    pub(crate) fn due(&mut self, dts: Ticks, now: Instant) -> Instant {
        let (begin, first) = *self.anchor.get_or_insert((now, dts));
        let due = begin + (dts - first).duration();
        let is_behind = now.saturating_duration_since(due) > BEHIND_MAX;
        if is_behind || due.saturating_duration_since(now) > AHEAD_MAX {
            self.anchor = Some((now, dts));
            return now;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_due_in_step_with_their_times() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        assert_eq!(pacer.due(Ticks(9000), start), start);
        assert_eq!(pacer.due(Ticks(99_000), start), start + Duration::from_secs(1));
    }

    #[test]
    fn loops_go_on_where_the_file_ended() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.due(pacer.shifted(Ticks(0)), start);
        pacer.next_loop(Ticks(900_000));
        assert_eq!(pacer.shifted(Ticks(90)), Ticks(900_090));
        let due = pacer.due(pacer.shifted(Ticks(0)), start);
        assert_eq!(due, start + Duration::from_secs(10));
    }

    #[test]
    fn sleeper_does_not_rush() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.due(Ticks(0), start);
        let late = start + Duration::from_secs(60);
        assert_eq!(pacer.due(Ticks(90_000), late), late);
        assert_eq!(pacer.due(Ticks(180_000), late), late + Duration::from_secs(1));
    }
    #[test]
    fn jump_ahead_is_not_waited_for() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.due(Ticks(0), start);
        let hour = 3600 * Ticks::PER_SECOND;
        assert_eq!(pacer.due(Ticks(hour), start), start);
        let due = pacer.due(Ticks(hour + 90_000), start);
        assert_eq!(due, start + Duration::from_secs(1));
        assert_eq!(pacer.due(Ticks(i64::MAX), start), start);
    }

    #[test]
    fn announced_break_is_not_waited_for() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.due(Ticks(0), start);
        pacer.restart();
        assert_eq!(pacer.due(Ticks(8 * Ticks::PER_SECOND), start), start);
    }
}
