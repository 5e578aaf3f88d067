//! A decoded picture, read row by row in the size and the colours of its preview.
//!
//! Smaller pictures are averages of boxes of the large one. Video mostly leaves 0 to 15 and 236 to
//! 255 unused and, above SD, has other weights for the primary colours; JPEG knows one way only.

use std::ops::Range;

use super::SIDE_MAX;
use crate::codec::ColourCoding;

/// `matrix_coefficients` of BT.709. Source: ISO/IEC 14496-10 table E-5.
const BT_709: u8 = 1;
/// Players take what does not say its colours for BT.709 above this height.
const SD_HEIGHT_MAX: usize = 576;

/// A picture of three planes, of which the two of colour have half the width and height.
pub(super) struct Picture {
    planes: [Plane; 3],
    width: usize,
    height: usize,
    colours: Colours,
}

/// One component of every pixel of a row.
pub(super) type Row = Vec<[u8; 3]>;

impl Picture {
    /// A picture of that size from its planes, row by row without gaps.
    pub(super) fn new(
        [luma, blue, red]: [Vec<u8>; 3],
        width: usize,
        height: usize,
        coding: ColourCoding,
    ) -> Self {
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let is_709 = match coding.matrix {
            Some(matrix) => matrix == BT_709,
            None => height > SD_HEIGHT_MAX,
        };
        let side = width.max(height).max(1);
        let limit = side.min(SIDE_MAX as usize);
        Self {
            planes: [
                Plane { values: luma, width, height },
                Plane { values: blue, width: half_width, height: half_height },
                Plane { values: red, width: half_width, height: half_height },
            ],
            width: (width * limit / side).max(1),
            height: (height * limit / side).max(1),
            colours: Colours::new(coding.is_full_range, is_709),
        }
    }

    /// Width of the preview.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// Height of the preview.
    pub(super) const fn height(&self) -> usize {
        self.height
    }

    /// One row of the preview: brightness and the two colours, as in JPEG.
    pub(super) fn row(&self, y: usize) -> Row {
        let [luma, blue, red] =
            self.planes.each_ref().map(|plane| plane.scaled_row(y, self.width, self.height));
        let pixels = luma.into_iter().zip(blue.into_iter().zip(red));
        pixels.map(|(y, (cb, cr))| self.colours.convert([y, cb, cr])).collect()
    }
}

struct Plane {
    values: Vec<u8>,
    width: usize,
    height: usize,
}

impl Plane {
    /// Row `y` of the plane in another size.
    fn scaled_row(&self, y: usize, width: usize, height: usize) -> Vec<u8> {
        let rows = covered(y, height, self.height);
        let mut sums = vec![0_u32; self.width];
        for row in rows.clone() {
            let values = self.values.get(row * self.width..).unwrap_or_default();
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum += u32::from(value);
            }
        }
        let average = |x| {
            let column = sums.get(covered(x, width, self.width)).unwrap_or_default();
            let count = u32::try_from(column.len() * rows.len()).unwrap_or(u32::MAX).max(1);
            let sum: u32 = column.iter().sum();
            u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX)
        };
        (0..width).map(average).collect()
    }
}

/// What of `size` the part `index` of `parts` covers: at least one.
fn covered(index: usize, parts: usize, size: usize) -> Range<usize> {
    let from = index * size / parts;
    from..((index + 1) * size / parts).max(from + 1)
}

/// From the values of the video to those of JPEG: BT.601, all of 0 to 255.
///
/// Source: ITU-T H.273 §8.3 (equations 38 to 43), ITU-T T.871 §6.2.
struct Colours {
    black: i64,
    matrix: [[i64; 3]; 3],
}

/// 1.0 in the matrix.
const ONE: i64 = 1 << 16;
/// The value that stands for no colour.
const NEUTRAL: i64 = 128;

impl Colours {
    fn new(is_full_range: bool, is_709: bool) -> Self {
        // What BT.709's two colours add to each component of BT.601, in millionths.
        let weights: [[i64; 3]; 3] = if is_709 {
            [[1_000_000, 101_579, 196_076], [0, 989_854, -110_653], [0, -72_453, 983_398]]
        } else {
            [[1_000_000, 0, 0], [0, 1_000_000, 0], [0, 0, 1_000_000]]
        };
        let [luma_steps, colour_steps] = if is_full_range { [255, 255] } else { [219, 224] };
        let scaled = |row: [i64; 3]| {
            let [y, cb, cr] = row.map(|weight| weight * ONE * 255 / 1_000_000);
            [y / luma_steps, cb / colour_steps, cr / colour_steps]
        };
        Self { black: if is_full_range { 0 } else { 16 }, matrix: weights.map(scaled) }
    }

    fn convert(&self, pixel: [u8; 3]) -> [u8; 3] {
        let [y, cb, cr] = pixel.map(i64::from);
        let centred = [y - self.black, cb - NEUTRAL, cr - NEUTRAL];
        let value = |weights: [i64; 3], zero: i64| {
            let sum: i64 = weights.iter().zip(centred).map(|(weight, value)| weight * value).sum();
            let value = (sum + ONE / 2).div_euclid(ONE) + zero;
            u8::try_from(value.clamp(0, 255)).unwrap_or(u8::MAX)
        };
        let [luma, blue, red] = self.matrix;
        [value(luma, 0), value(blue, NEUTRAL), value(red, NEUTRAL)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: usize, height: usize, value: impl Fn(usize, usize) -> u8) -> Picture {
        let y = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let luma = y.map(|(x, y)| value(x, y)).collect();
        let colour = vec![128; width.div_ceil(2) * height.div_ceil(2)];
        let coding = ColourCoding { is_full_range: true, matrix: Some(6) };
        Picture::new([luma, colour.clone(), colour], width, height, coding)
    }

    #[test]
    fn pictures_are_scaled_to_fit_and_never_up() {
        for (size, preview) in [
            ((640, 360), (640, 360)),
            ((1920, 1080), (640, 360)),
            ((1080, 1920), (360, 640)),
            ((854, 480), (640, 359)),
            ((2, 2), (2, 2)),
            ((4096, 2), (640, 1)),
        ] {
            let picture = picture(size.0, size.1, |_, _| 0);
            assert_eq!((picture.width(), picture.height()), preview);
        }
    }

    #[test]
    fn small_pixels_are_averages_of_large_ones() {
        // Columns of 0 and 200, two to a box.
        let picture = picture(1280, 8, |x, _| if x % 2 == 0 { 0 } else { 200 });
        assert_eq!(picture.row(0), vec![[100, 128, 128]; 640]);
        let steps = self::picture(1280, 4, |_, y| if y < 2 { 10 } else { 30 });
        assert_eq!((steps.row(0)[0][0], steps.row(1)[0][0]), (10, 30));
    }

    #[test]
    fn video_levels_become_those_of_jpeg() {
        let limited = Colours::new(false, false);
        assert_eq!(limited.convert([16, 128, 128]), [0, 128, 128]);
        assert_eq!(limited.convert([235, 128, 128]), [255, 128, 128]);
        assert_eq!(limited.convert([0, 240, 16]), [0, 255, 1]);
        let full = Colours::new(true, false);
        assert_eq!(full.convert([16, 200, 3]), [16, 200, 3]);
    }

    #[test]
    fn the_primaries_of_bt_709_become_those_of_bt_601() {
        // Pure red, green and blue in 8 bits, by the equations of both standards.
        let colours = Colours::new(false, true);
        for (hd, jpeg) in [
            ([63, 102, 240], [76, 85, 255]),
            ([173, 42, 26], [150, 44, 21]),
            ([32, 240, 118], [29, 255, 107]),
        ] {
            let found = colours.convert(hd);
            let is_near = found.iter().zip(jpeg).all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 1);
            assert!(is_near, "{hd:?}: {found:?}, not {jpeg:?}");
        }
    }
}
