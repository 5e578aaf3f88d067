//! A picture as JPEG, with colours in half the size as every decoder of video has them.

use bytes::Bytes;
use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor};

use super::picture::Picture;
use super::{PreviewError, QUALITY};

/// Writes `picture` as a JPEG file.
pub(super) fn encode(picture: &Picture) -> Result<Bytes, PreviewError> {
    let mut file = Vec::with_capacity(32 << 10);
    let mut encoder = Encoder::new(&mut file, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder
        .encode_image(Rows(picture))
        .map_err(|error| PreviewError::Undecodable(error.to_string()))?;
    Ok(file.into())
}

struct Rows<'a>(&'a Picture);

impl ImageBuffer for Rows<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        u16::try_from(self.0.width()).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from(self.0.height()).unwrap_or(u16::MAX)
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let [luma, blue, red, _] = buffers;
        for [y, cb, cr] in self.0.row(usize::from(y)) {
            luma.push(y);
            blue.push(cb);
            red.push(cr);
        }
    }
}
