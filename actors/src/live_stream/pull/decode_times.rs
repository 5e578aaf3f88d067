//! Decode times for frames that carry only presentation times, as in RTP.
//!
//! Where pictures are reordered, a frame's decode time is the presentation time of the frame that
//! is shown as many frames before as a decoder holds back. How many that is shows when a picture
//! comes that is to be shown before some that were decoded earlier. So the first frames are held
//! until that has had time to show; encoders descend into their pyramids at once.
//!
//! ```text
//!  decoded:    I0  P3  B1  B2  P6  B4  B5  P9      depth 1, from B1 on
//!  dts:         0   0   1   2   3   4   5   6      never falls, never after the pts
//! ```

use watershed_media::time::Ticks;

/// Most pictures that a decoder holds back. Source: ISO/IEC 14496-10 §A.3.1 (`MaxDpbFrames`).
const DEPTH_MAX: usize = 16;
/// A step back by more than this is another timeline, not reordering.
const REORDER_MAX: Ticks = Ticks(2 * Ticks::PER_SECOND);
/// Frames held at the beginning: a pyramid of three levels shows within them.
const HELD_MAX: usize = 6;
/// The longest time that the held frames may span, for cameras with few frames a second.
const HELD_SPAN_MAX: Ticks = Ticks(Ticks::PER_SECOND / 2);

/// A frame with its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timed<T> {
    pub(super) dts: Ticks,
    /// As given, but where a frame comes that is to be shown before the last one's decode time.
    pub(super) pts: Ticks,
    pub(super) frame: T,
}

/// Gives the frames of one video track their decode times.
#[derive(Debug)]
pub(super) struct DecodeTimes<T> {
    /// The first frames, until their order has shown.
    held: Option<Vec<(Ticks, T)>>,
    /// The latest presentation times, in order: as many as a decoder can hold back, and one.
    latest: Vec<Ticks>,
    /// Most frames that were decoded before another one, and are shown after it.
    depth: usize,
    last: Option<Ticks>,
}

impl<T> Default for DecodeTimes<T> {
    fn default() -> Self {
        Self { held: Some(Vec::new()), latest: Vec::new(), depth: 0, last: None }
    }
}

impl<T> DecodeTimes<T> {
    /// Takes the next frame in decoding order; yields those that are ready, in that order.
    pub(super) fn push(&mut self, pts: Ticks, frame: T) -> Vec<Timed<T>> {
        let Some(held) = &mut self.held else {
            return vec![self.place(pts, frame)];
        };
        let later = held.iter().filter(|(earlier, _)| *earlier > pts).count();
        self.depth = self.depth.max(later);
        held.push((pts, frame));
        let times = || held.iter().map(|(pts, _)| *pts);
        let span = times().max().zip(times().min()).map_or(Ticks::ZERO, |(max, min)| max - min);
        if held.len() < HELD_MAX && span < HELD_SPAN_MAX {
            return Vec::new();
        }
        let held = self.held.take().unwrap_or_default();
        held.into_iter().map(|(pts, frame)| self.place(pts, frame)).collect()
    }

    fn place(&mut self, pts: Ticks, frame: T) -> Timed<T> {
        if self.latest.last().is_some_and(|newest| *newest - pts > REORDER_MAX) {
            self.latest.clear();
            self.last = None;
        }
        let at = self.latest.partition_point(|earlier| *earlier <= pts);
        self.latest.insert(at, pts);
        let shown_later = self.latest.len() - 1 - at;
        self.depth = self.depth.max(shown_later).min(DEPTH_MAX);
        if self.latest.len() > DEPTH_MAX + 1 {
            self.latest.remove(0);
        }
        let rank = self.latest.len().saturating_sub(self.depth + 1);
        let dts = self.last.map_or(self.latest[rank], |last| last.max(self.latest[rank]));
        self.last = Some(dts);
        Timed { dts, pts: pts.max(dts), frame }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decode and presentation times of frames with these presentation times.
    fn place_all(times: &mut DecodeTimes<()>, pts: &[i64]) -> Vec<(i64, i64)> {
        let placed = pts.iter().flat_map(|pts| times.push(Ticks(*pts), ()));
        placed.map(|timed| (timed.dts.0, timed.pts.0)).collect()
    }

    #[test]
    fn frames_in_order_are_decoded_when_they_are_shown() {
        let mut times = DecodeTimes::default();
        assert_eq!(place_all(&mut times, &[-5, 0, 40, 80, 120]), [], "held");
        let first = place_all(&mut times, &[160]);
        assert_eq!(first, [-5, 0, 40, 80, 120, 160].map(|pts| (pts, pts)));
        assert_eq!(place_all(&mut times, &[200]), [(200, 200)]);
    }

    #[test]
    fn few_frames_a_second_are_not_held_for_long() {
        let mut times = DecodeTimes::default();
        assert_eq!(place_all(&mut times, &[0, 45_000]), [(0, 0), (45_000, 45_000)]);
    }

    #[test]
    fn reordered_frames_keep_their_presentation_times() {
        let mut times = DecodeTimes::default();
        let placed = place_all(&mut times, &[0, 3, 1, 2, 6, 4, 5, 9, 7, 8]);
        let dts: Vec<i64> = placed.iter().map(|(dts, _)| *dts).collect();
        assert_eq!(dts, [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let pts: Vec<i64> = placed.iter().map(|(_, pts)| *pts).collect();
        assert_eq!(pts, [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]);
    }

    #[test]
    fn decode_times_never_fall_and_are_never_late_however_frames_are_ordered() {
        let pyramids = (0..6).flat_map(|group| [0, 8, 4, 2, 1, 3, 6, 5, 7].map(|f| group * 9 + f));
        let late_reordering = (0..20).chain([23, 21, 22, 26, 24, 25]);
        for pts in [pyramids.collect::<Vec<i64>>(), late_reordering.collect()] {
            let placed = place_all(&mut DecodeTimes::default(), &pts);
            assert_eq!(placed.len(), pts.len());
            assert!(placed.iter().all(|(dts, pts)| dts <= pts));
            assert!(placed.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        }
    }

    #[test]
    fn another_timeline_starts_over() {
        let mut times = DecodeTimes::default();
        let later = 100 * Ticks::PER_SECOND;
        place_all(&mut times, &[later, later + 60_000]);
        assert_eq!(place_all(&mut times, &[0]), [(0, 0)]);
        assert_eq!(place_all(&mut times, &[i64::MAX])[0].1, i64::MAX);
        assert_eq!(place_all(&mut times, &[i64::MIN])[0].0, i64::MIN);
    }
}
