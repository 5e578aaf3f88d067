//! Makes the timestamps of one stream out of those of its inputs.
//!
//! Inputs begin anywhere, wrap, jump and are replaced by one another. The stream's own time must
//! never run backwards and should stay near the wall clock, also across a restart of the daemon: so
//! it is anchored to unix time wherever it has to be anchored anew.
//!
//! ```text
//!  in:   100 101 102 | (reconnect) 5 6 7 | (jump) 9000 9001
//!  out:  W   W+1 W+2 | max(W', last+1) … | max(W'', last+1) …     W = unix time in ticks
//! ```

use watershed_media::packet::MediaPacket;
use watershed_media::time::Ticks;
use watershed_media::track::TrackId;

/// A step back by more than this within a track is a new timeline, not jitter.
const BACKWARD_MAX: Ticks = Ticks(Ticks::PER_SECOND / 2);
/// A gap longer than this is a jump of the input's clock.
const FORWARD_MAX: Ticks = Ticks(10 * Ticks::PER_SECOND);
/// Least distance of two packets across an anchor.
const ANCHOR_GAP: Ticks = Ticks(Ticks::PER_SECOND / 50);

/// What [`Timeline::place`] made of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Decode time on the stream's timeline.
    pub(crate) dts: Ticks,
    /// Presentation time on the stream's timeline.
    pub(crate) pts: Ticks,
    /// Whether the timeline was anchored anew right before this packet.
    pub(crate) is_discontinuity: bool,
}

/// The mapping from input time to stream time.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    /// Added to input time; `None` until the next packet anchors it.
    offset: Option<Ticks>,
    /// Latest decode time given out, over all tracks.
    latest: Option<Ticks>,
    /// Latest input and output decode time by track.
    tracks: Vec<(TrackId, Ticks, Ticks)>,
    /// How often the input's clock jumped by itself.
    jump_count: u64,
}

impl Timeline {
    /// Makes the next packet anchor the timeline: another input, or the same one reconnected.
    pub(crate) fn restart(&mut self) {
        self.offset = None;
        self.tracks.clear();
    }

    /// How often an input's timestamps jumped without being announced.
    #[must_use]
    pub(crate) const fn jump_count(&self) -> u64 {
        self.jump_count
    }

    /// Gives `packet` its place; `wall` is unix time in ticks.
    ///
    /// `None` for a packet that belongs to the other side of a jump which another track has
    /// already made: it cannot be placed and is to be dropped.
    pub(crate) fn place(&mut self, packet: &MediaPacket, wall: Ticks) -> Option<Placed> {
        match self.last_input(packet.track) {
            Some(last) if is_jump(packet.dts - last) => {
                self.jump_count += 1;
                self.restart();
            }
            None if self.is_stray(packet.dts) => return None,
            _ => {}
        }
        let has_history = self.latest.is_some();
        let (offset, is_anchor) = match self.offset {
            Some(offset) => (offset, false),
            None => (self.anchor(packet.dts, wall), true),
        };
        self.offset = Some(offset);
        let mut dts = packet.dts + offset;
        if let Some((_, _, last)) = self.tracks.iter().find(|(track, ..)| *track == packet.track) {
            dts = dts.max(*last + Ticks(1));
        }
        self.remember(packet.track, packet.dts, dts);
        self.latest = Some(self.latest.map_or(dts, |latest| latest.max(dts)));
        Some(Placed {
            dts,
            pts: (packet.pts + offset).max(dts),
            is_discontinuity: is_anchor && has_history,
        })
    }

    fn anchor(&self, dts: Ticks, wall: Ticks) -> Ticks {
        let begin = self.latest.map_or(wall, |latest| wall.max(latest + ANCHOR_GAP));
        begin - dts
    }

    fn last_input(&self, track: TrackId) -> Option<Ticks> {
        self.tracks.iter().find(|(known, ..)| *known == track).map(|(_, last, _)| *last)
    }

    /// Whether `dts`, the first of its track, is far from all other tracks.
    fn is_stray(&self, dts: Ticks) -> bool {
        let mut others = self.tracks.iter().map(|(_, last, _)| dts - *last).peekable();
        others.peek().is_some() && others.all(|step| step > FORWARD_MAX || step < -FORWARD_MAX)
    }

    fn remember(&mut self, track: TrackId, input: Ticks, output: Ticks) {
        match self.tracks.iter_mut().find(|(known, ..)| *known == track) {
            Some(entry) => *entry = (track, input, output),
            None => self.tracks.push((track, input, output)),
        }
    }
}

fn is_jump(step: Ticks) -> bool {
    step < -BACKWARD_MAX || step > FORWARD_MAX
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const WALL: Ticks = Ticks(1_000_000_000);

    fn packet(track: u8, dts: i64, pts: i64) -> MediaPacket {
        MediaPacket {
            track: TrackId(track),
            dts: Ticks(dts),
            pts: Ticks(pts),
            is_keyframe: true,
            payload: Bytes::new(),
        }
    }

    #[test]
    fn first_packet_lands_on_the_wall_clock_and_keeps_its_composition_offset() {
        let mut timeline = Timeline::default();
        let placed = timeline.place(&packet(0, 500, 4100), WALL).unwrap();
        assert_eq!(placed.dts, WALL);
        assert_eq!(placed.pts, WALL + Ticks(3600));
        assert!(!placed.is_discontinuity);
    }

    #[test]
    fn tracks_share_one_offset_so_they_stay_in_sync() {
        let mut timeline = Timeline::default();
        timeline.place(&packet(0, 9000, 9000), WALL);
        let audio = timeline.place(&packet(1, 8000, 8000), WALL + Ticks(5000)).unwrap();
        assert_eq!(audio.dts, WALL - Ticks(1000));
    }

    #[test]
    fn reconnect_never_steps_back_and_is_marked() {
        let mut timeline = Timeline::default();
        timeline.place(&packet(0, 0, 0), WALL);
        timeline.place(&packet(0, 900_000, 900_000), WALL);
        timeline.restart();
        let placed = timeline.place(&packet(0, 7, 7), WALL + Ticks(90_000)).unwrap();
        assert!(placed.is_discontinuity);
        assert_eq!(placed.dts, WALL + Ticks(900_000) + ANCHOR_GAP);
    }

    #[test]
    fn jump_of_an_hour_either_way_plays_on_and_is_counted() {
        for jump in [3600 * Ticks::PER_SECOND, -3600 * Ticks::PER_SECOND] {
            let mut timeline = Timeline::default();
            timeline.place(&packet(0, 0, 0), WALL);
            let placed = timeline.place(&packet(0, jump, jump), WALL + Ticks(3600)).unwrap();
            assert!(placed.is_discontinuity);
            assert_eq!(placed.dts, WALL + Ticks(3600));
            assert_eq!(timeline.jump_count(), 1);
        }
    }

    #[test]
    fn packets_from_before_a_jump_are_dropped_until_their_track_follows() {
        let jump = 3600 * Ticks::PER_SECOND;
        let mut timeline = Timeline::default();
        timeline.place(&packet(0, 0, 0), WALL);
        timeline.place(&packet(1, 0, 0), WALL);
        timeline.place(&packet(0, jump, jump), WALL);
        assert_eq!(timeline.place(&packet(1, 1800, 1800), WALL), None);
        assert!(timeline.place(&packet(1, jump, jump), WALL).is_some());
        assert_eq!(timeline.jump_count(), 1);
    }

    #[test]
    fn jitter_backwards_is_flattened_not_restarted() {
        let mut timeline = Timeline::default();
        timeline.place(&packet(0, 9000, 9000), WALL);
        let placed = timeline.place(&packet(0, 8990, 8990), WALL).unwrap();
        assert!(!placed.is_discontinuity);
        assert_eq!(placed.dts, WALL + Ticks(1));
        assert_eq!(placed.pts, placed.dts);
    }
}
