//! Brings the tracks of an RTSP session onto one timeline.
//!
//! Each RTP stream counts from a time of its own. The answer to PLAY says where they meet, if it
//! says it, and not always truly; the sender reports say it by the server's clock, some seconds
//! later. The reports win. Tracks are only ever moved ahead, so that no time runs backwards.
//!
//! Source: RFC 2326 §12.33 (RTP-Info); RFC 3550 §6.4.1 (sender reports).

use watershed_media::time::Ticks;

/// Tracks nearer than this are left as they are: moving them would be seen more.
const TOLERANCE: Ticks = Ticks(Ticks::PER_SECOND / 50);
/// Clocks that say the tracks are further apart than this do not tell the same time.
const BELIEVED_MAX: Ticks = Ticks(10 * Ticks::PER_SECOND);

/// The clocks of one session's tracks.
#[derive(Debug)]
pub(super) struct RtspClocks {
    tracks: Vec<Clock>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Clock {
    /// The server's clock where the track's time is zero, by its last report.
    zero: Option<Ticks>,
    /// What is added to the track's times.
    shift: Ticks,
}

impl RtspClocks {
    pub(super) fn new(track_count: usize) -> Self {
        Self { tracks: vec![Clock::default(); track_count] }
    }

    /// A time of `track` on the timeline of all.
    pub(super) fn place(&self, track: usize, time: Ticks) -> Ticks {
        self.tracks.get(track).map_or(time, |clock| time + clock.shift)
    }

    /// Takes a sender report: at `ntp` by the server's clock, `track` was at `time`.
    pub(super) fn report(&mut self, track: usize, ntp: u64, time: Ticks) {
        let Some(clock) = self.tracks.get_mut(track) else {
            return;
        };
        clock.zero = Some(ntp_ticks(ntp) - time);
        self.align();
    }

    /// Moves the tracks that have reported, if they are apart.
    fn align(&mut self) {
        let reported = || self.tracks.iter().filter_map(|clock| Some((clock.zero?, clock.shift)));
        // How far each is behind where its report puts it, up to one number for all.
        let lags = || reported().map(|(zero, shift)| zero - shift);
        let (Some(least), Some(most)) = (lags().min(), lags().max()) else {
            return;
        };
        let apart = most - least;
        if apart <= TOLERANCE || apart > BELIEVED_MAX {
            return;
        }
        for clock in &mut self.tracks {
            if let Some(zero) = clock.zero {
                clock.shift = zero - least;
            }
        }
    }
}

/// 32.32 fixed point seconds as ticks.
fn ntp_ticks(ntp: u64) -> Ticks {
    let ticks = (u128::from(ntp) * u128::from(Ticks::PER_SECOND.unsigned_abs())) >> 32;
    Ticks(i64::try_from(ticks).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = Ticks::PER_SECOND;

    fn ntp(millis: u64) -> u64 {
        let millis = u128::from(3_900_000_000_000 + millis);
        u64::try_from((millis << 32) / 1000).unwrap()
    }

    fn is_near(left: Ticks, right: Ticks) -> bool {
        (left - right).0.abs() <= 1
    }

    #[test]
    fn tracks_meet_where_the_reports_say() {
        let mut clocks = RtspClocks::new(2);
        assert_eq!(clocks.place(1, Ticks(SECOND)), Ticks(SECOND));
        // Video began 300 ms after audio, though both count from zero.
        clocks.report(0, ntp(5300), Ticks(5 * SECOND));
        assert_eq!(clocks.place(0, Ticks(SECOND)), Ticks(SECOND), "one report says nothing");
        clocks.report(1, ntp(6000), Ticks(6 * SECOND));
        let video = clocks.place(0, Ticks(5 * SECOND));
        assert!(is_near(video, Ticks(SECOND * 53 / 10)), "{video:?}");
        assert!(is_near(clocks.place(1, Ticks(SECOND * 53 / 10)), video));
    }

    #[test]
    fn tracks_are_never_moved_back() {
        let mut clocks = RtspClocks::new(2);
        clocks.report(0, ntp(0), Ticks(0));
        clocks.report(1, ntp(200), Ticks(0));
        assert!(is_near(clocks.place(1, Ticks(0)), Ticks(SECOND / 5)));
        // The second clock was wrong: now the first moves ahead.
        clocks.report(1, ntp(1000), Ticks(SECOND));
        assert!(is_near(clocks.place(0, Ticks(0)), clocks.place(1, Ticks(0))));
        assert!(clocks.place(1, Ticks(0)) >= Ticks(SECOND / 5 - 1));
    }

    #[test]
    fn small_differences_and_other_times_of_day_are_ignored() {
        for other in [ntp(10), ntp(3_600_000), 0, u64::MAX] {
            let mut clocks = RtspClocks::new(2);
            clocks.report(0, ntp(0), Ticks(0));
            clocks.report(1, other, Ticks(0));
            clocks.report(7, other, Ticks(0));
            assert_eq!(clocks.place(0, Ticks(0)), Ticks(0));
            assert_eq!(clocks.place(1, Ticks(0)), Ticks(0));
        }
    }
}
