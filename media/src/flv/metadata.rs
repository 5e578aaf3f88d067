//! What `onMetaData` says that the demuxer can use.

/// Hints about a stream, from its publisher. They may be wrong; nothing breaks on that.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MetaData {
    /// Whether there is video.
    pub has_video: Option<bool>,
    /// Whether there is audio.
    pub has_audio: Option<bool>,
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
    /// Frames per second.
    pub fps: Option<f64>,
}

impl MetaData {
    /// The frame rate as a fraction of whole numbers.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "checked to lie within the range")]
    pub fn fps_fraction(&self) -> Option<(u32, u32)> {
        let fps = self.fps.filter(|fps| (0.1..1000.0).contains(fps))?;
        for (factor, denominator) in [(1.0, 1), (1.001, 1001)] {
            let exact = fps * factor;
            if (exact - exact.round()).abs() < 0.002 {
                let numerator = exact.round() as u32;
                let scale = if denominator == 1 { 1 } else { 1000 };
                return Some((numerator.saturating_mul(scale), denominator));
            }
        }
        Some(((fps * 1000.0).round() as u32, 1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_rates_become_the_fractions_that_cameras_mean() {
        let fraction = |fps| MetaData { fps: Some(fps), ..MetaData::default() }.fps_fraction();
        assert_eq!(fraction(25.0), Some((25, 1)));
        assert_eq!(fraction(29.97), Some((30_000, 1001)));
        assert_eq!(fraction(59.94), Some((60_000, 1001)));
        assert_eq!(fraction(12.5), Some((12_500, 1000)));
        assert_eq!(fraction(0.0), None);
        assert_eq!(fraction(f64::NAN), None);
    }
}
