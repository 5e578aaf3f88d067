//! Finds the decode times of video, of which RTP carries only the presentation times.
//!
//! Frames arrive in decoding order. With at most `depth` frames before one that is shown earlier,
//! the decode times are the presentation times in order, `depth` frames late:
//!
//! ```text
//!  pts   0  3  1  2  6  4  5      depth 1
//!  dts  -1  0  1  2  3  4  5
//! ```

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Ticks;

/// The standards allow no more frames. Source: ISO/IEC 14496-10 §A.3.1, ITU-T H.265 §A.4.2.
const DEPTH_MAX: usize = 16;

/// The decode times of one track.
#[derive(Debug)]
pub(super) struct DecodeTimes {
    depth: usize,
    frame: Ticks,
    /// Presentation times not yet used as decode times.
    waiting: BinaryHeap<Reverse<Ticks>>,
    last: Option<Ticks>,
}

impl DecodeTimes {
    /// Begins without reordering, which is right for audio too.
    pub(super) const fn new() -> Self {
        Self { depth: 0, frame: Ticks(3600), waiting: BinaryHeap::new(), last: None }
    }

    /// Takes over what the parameter sets say; a depth they do not say is learnt.
    pub(super) fn configure(&mut self, depth: Option<u8>, frame: Ticks) {
        if let Some(depth) = depth {
            self.depth = usize::from(depth).min(DEPTH_MAX);
        }
        self.frame = frame;
    }

    /// Begins anew behind a jump; times still never fall.
    pub(super) fn reset(&mut self) {
        self.waiting.clear();
    }

    /// The decode time of the next frame, and its presentation time, which a frame that comes
    /// earlier than any depth allows gives up.
    pub(super) fn next(&mut self, pts: Ticks) -> (Ticks, Ticks) {
        let is_early = self.last.is_some_and(|last| pts < last);
        if is_early && self.depth < DEPTH_MAX {
            self.depth += 1;
        }
        self.waiting.push(Reverse(pts));
        let missing = self.depth.saturating_sub(self.waiting.len() - 1);
        let earliest = self.waiting.peek().map_or(pts, |earliest| earliest.0);
        let mut dts =
            earliest - Ticks(self.frame.0.saturating_mul(i64::try_from(missing).unwrap_or(0)));
        while self.waiting.len() > self.depth {
            if let Some(Reverse(time)) = self.waiting.pop() {
                dts = time;
            }
        }
        let dts = self.last.map_or(dts, |last| dts.max(last));
        self.last = Some(dts);
        (dts, pts.max(dts))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(times: &mut DecodeTimes, frames: &[i64]) -> Vec<(i64, i64)> {
        let next = |frame: &i64| {
            let (dts, pts) = times.next(Ticks(*frame));
            (dts.0, pts.0)
        };
        frames.iter().map(next).collect()
    }

    #[test]
    fn known_depth_gives_rising_times_from_the_first_frame() {
        let mut times = DecodeTimes::new();
        times.configure(Some(2), Ticks(10));
        // I P b B b: pyramid.
        let found = run(&mut times, &[0, 40, 20, 10, 30, 80, 60, 50, 70]);
        let expected: Vec<i64> = (-2..7).map(|index| index * 10).collect();
        assert_eq!(found.iter().map(|(dts, _)| *dts).collect::<Vec<_>>(), expected);
        assert!(found.iter().all(|(dts, pts)| dts <= pts));
    }

    #[test]
    fn unknown_depth_is_learnt_within_a_group_of_frames() {
        let mut times = DecodeTimes::new();
        let frames: Vec<i64> =
            (0..20).flat_map(|group| [0, 30, 10, 20].map(|t| group * 60 + t)).collect();
        let found = run(&mut times, &frames);
        assert!(found.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        // From the second group on, the times are those sent.
        for (found, sent) in found.iter().zip(&frames).skip(8) {
            assert_eq!(found.1, *sent);
        }
    }

    #[test]
    fn without_reordering_both_times_are_the_same() {
        let found = run(&mut DecodeTimes::new(), &[5, 10, 15]);
        assert_eq!(found, [(5, 5), (10, 10), (15, 15)]);
    }

    proptest! {
        #[test]
        fn times_never_fall_nor_pass_presentation(
            depth in 0_u8..20, frames in proptest::collection::vec(-1000_i64..1000, 0..60)
        ) {
            let mut times = DecodeTimes::new();
            times.configure(Some(depth), Ticks(40));
            let found = run(&mut times, &frames);
            prop_assert!(found.windows(2).all(|pair| pair[0].0 <= pair[1].0));
            prop_assert!(found.iter().all(|(dts, pts)| dts <= pts));
            prop_assert!(times.waiting.len() <= DEPTH_MAX);
        }
    }
}
