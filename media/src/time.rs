//! Media time: ticks of the 90 kHz clock of MPEG, the one clock of the packet model.
//!
//! Every timestamp between a demuxer and a muxer is counted in [`Ticks`]. One clock for all tracks
//! makes interleaving, cutting and comparing a matter of integers. 90 kHz is exact for milliseconds
//! (RTMP), for MPEG-TS and RTP video, and within 6 µs for any audio clock; that error never
//! accumulates, because each timestamp is converted on its own.

use std::ops::{Add, AddAssign, Neg, Sub};
use std::time::Duration;

/// Ticks of [`Ticks::PER_SECOND`] since an origin that the stream chooses; may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticks(pub i64);

impl Ticks {
    /// The clock rate in Hz. Source: ISO/IEC 13818-1 §2.4.3.7 (PTS and DTS).
    pub const PER_SECOND: i64 = 90_000;
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Converts milliseconds, the unit of RTMP and FLV.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(Self::PER_SECOND / 1000))
    }

    /// Converts `value` ticks of a clock of `rate_hz`, rounded to the nearest tick.
    ///
    /// A rate of zero yields [`Ticks::ZERO`], as no clock ticks at it.
    #[must_use]
    pub fn from_clock(value: i64, rate_hz: u32) -> Self {
        Self(rescale(value, i64::from(rate_hz), Self::PER_SECOND))
    }

    /// Converts to ticks of a clock of `rate_hz`, rounded to the nearest tick.
    #[must_use]
    pub fn to_clock(self, rate_hz: u32) -> i64 {
        rescale(self.0, Self::PER_SECOND, i64::from(rate_hz))
    }

    /// Whole milliseconds, rounded down (towards minus infinity).
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(Self::PER_SECOND / 1000)
    }

    /// Seconds as a fraction, for playlists and people.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 ticks, which is 3,000 years")]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / Self::PER_SECOND as f64
    }

    /// The length as a [`Duration`]; zero for a negative length.
    #[must_use]
    pub fn duration(self) -> Duration {
        let ticks = u64::try_from(self.0).unwrap_or(0);
        Duration::from_nanos(ticks.saturating_mul(100_000) / 9)
    }
}

impl From<Duration> for Ticks {
    fn from(duration: Duration) -> Self {
        let ticks = duration.as_nanos().saturating_mul(9) / 100_000;
        Self(i64::try_from(ticks).unwrap_or(i64::MAX))
    }
}

impl Add for Ticks {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Ticks {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Ticks {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Ticks {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

fn rescale(value: i64, from_hz: i64, to_hz: i64) -> i64 {
    if from_hz == 0 {
        return 0;
    }
    let (value, from_hz, to_hz) = (i128::from(value), i128::from(from_hz), i128::from(to_hz));
    let rounded = (2 * value * to_hz + from_hz).div_euclid(2 * from_hz);
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_exact_both_ways() {
        assert_eq!(Ticks::from_millis(40), Ticks(3600));
        assert_eq!(Ticks(3599).millis(), 39);
        assert_eq!(Ticks(-1).millis(), -1);
    }

    #[test]
    fn audio_clocks_round_to_the_nearest_tick_and_back() {
        for samples in (0..100_000_i64).step_by(1024) {
            let ticks = Ticks::from_clock(samples, 44_100);
            assert_eq!(ticks.to_clock(44_100), samples);
        }
    }

    #[test]
    fn extremes_saturate_instead_of_overflowing() {
        assert_eq!(Ticks::from_clock(i64::MAX, 1), Ticks(i64::MAX));
        assert_eq!(Ticks::from_clock(5, 0), Ticks::ZERO);
        assert_eq!(Ticks(i64::MAX) + Ticks(1), Ticks(i64::MAX));
    }

    #[test]
    fn durations_convert_both_ways() {
        assert_eq!(Ticks::from(Duration::from_millis(1500)), Ticks(135_000));
        assert_eq!(Ticks(135_000).duration(), Duration::from_millis(1500));
        assert_eq!(Ticks(-5).duration(), Duration::ZERO);
    }
}
