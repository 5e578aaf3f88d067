//! Between [`Ticks`] and the 33 bits that MPEG-TS has for a timestamp.
//!
//! 33 bits of 90 kHz come round after 26.5 hours. Writing folds, reading unwraps: each timestamp is
//! taken as the one nearest to its predecessor.

use crate::time::Ticks;

/// Where timestamps come round. Source: ISO/IEC 13818-1 §2.4.3.7.
pub(super) const WRAP: i64 = 1 << 33;

/// What is added to each timestamp written: 1.4 s, so that a stream that begins at zero has room
/// for the clock's lead and for B-frames before it.
pub(super) const OFFSET: Ticks = Ticks(126_000);

/// How far the clock (PCR) runs ahead of decoding: 0.7 s, time for a frame to arrive in pieces.
pub(super) const LEAD: Ticks = Ticks(63_000);

/// Folds a timestamp to 33 bits.
pub(super) fn fold(ticks: Ticks) -> u64 {
    u64::try_from(ticks.0.rem_euclid(WRAP)).unwrap_or(0)
}

/// Encodes a PTS or DTS behind its 4-bit prefix. Source: ISO/IEC 13818-1 table 2-21.
pub(super) fn encode(prefix: u8, ticks: Ticks) -> [u8; 5] {
    let value = fold(ticks);
    let bits = u64::from(prefix) << 36
        | (value >> 30 & 0x7) << 33
        | 1 << 32
        | (value >> 15 & 0x7fff) << 17
        | 1 << 16
        | (value & 0x7fff) << 1
        | 1;
    let [_, _, _, field @ ..] = bits.to_be_bytes();
    field
}

/// Reads a PTS or DTS. Prefix and marker bits are not looked at: some encoders set them wrong.
pub(super) fn decode(field: [u8; 5]) -> i64 {
    let [a, b, c, d, e] = field.map(i64::from);
    (a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1
}

/// Unwraps timestamps of one program.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unwrapper {
    last: Option<i64>,
}

impl Unwrapper {
    /// The timestamp nearest to the last one that folds to `value`.
    pub(super) fn unwrap(&mut self, value: i64) -> Ticks {
        let near = self.nearest(value);
        self.last = Some(near.0);
        near
    }

    /// The last timestamp.
    pub(super) fn last(self) -> Option<Ticks> {
        self.last.map(Ticks)
    }

    fn nearest(self, value: i64) -> Ticks {
        let Some(last) = self.last else {
            return Ticks(value);
        };
        let ahead = (value.saturating_sub(last)).rem_euclid(WRAP);
        let step = if ahead >= WRAP / 2 { ahead - WRAP } else { ahead };
        Ticks(last.saturating_add(step))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn time_runs_on_over_the_wrap_and_back() {
        let mut clock = Unwrapper::default();
        assert_eq!(clock.unwrap(WRAP - 10), Ticks(WRAP - 10));
        assert_eq!(clock.unwrap(5), Ticks(WRAP + 5));
        assert_eq!(clock.unwrap(WRAP - 1), Ticks(WRAP - 1));
    }

    proptest! {
        #[test]
        fn encoded_timestamps_read_the_same(ticks: i64) {
            let field = encode(2, Ticks(ticks));
            prop_assert_eq!(decode(field), ticks.rem_euclid(WRAP));
            let theirs = mpeg2ts_reader::pes::Timestamp::from_pts_bytes(&field).unwrap();
            prop_assert_eq!(theirs.value(), fold(Ticks(ticks)));
        }
    }
}
