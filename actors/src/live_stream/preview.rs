//! The picture of a stream as it was last made.

use std::time::{Duration, Instant};

use bytes::Bytes;
use watershed_media::preview::PreviewError;

use super::ring::RingCursor;

/// What came of a keyframe: a JPEG, or the reason why there is none.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The keyframe it was made of.
    pub keyframe: RingCursor,
    /// When it was made.
    pub made_at: Instant,
    /// The picture.
    pub jpeg: Result<Bytes, PreviewError>,
}

impl Preview {
    /// Whether it need not be made anew: it is of the newest keyframe, or younger than `age_max`.
    #[must_use]
    pub fn is_good(&self, newest: RingCursor, age_max: Duration, now: Instant) -> bool {
        self.keyframe == newest || now.saturating_duration_since(self.made_at) < age_max
    }
}

#[cfg(test)]
mod tests {
    use watershed_media::time::Ticks;

    use super::*;
    use crate::live_stream::ring::{Ring, RingEntry, RingLimits};

    #[derive(Clone)]
    struct Keyframe;

    impl RingEntry for Keyframe {
        fn bytes(&self) -> usize {
            1
        }

        fn is_start(&self) -> bool {
            true
        }

        fn time(&self) -> Ticks {
            Ticks(0)
        }
    }

    #[test]
    fn preview_is_good_for_a_while_and_as_long_as_there_is_no_newer_keyframe() {
        let ring = Ring::new(RingLimits { bytes_max: 10, age_max: Ticks(10) });
        ring.push(Keyframe);
        let (made_at, age) = (Instant::now(), Duration::from_secs(5));
        let keyframe = ring.newest_start();
        let preview = Preview { keyframe, made_at, jpeg: Err(PreviewError::NoVideo) };
        assert!(preview.is_good(ring.newest_start(), age, made_at + 2 * age));
        ring.push(Keyframe);
        assert!(preview.is_good(ring.newest_start(), age, made_at + age / 2));
        assert!(!preview.is_good(ring.newest_start(), age, made_at + age));
    }
}
