//! MPEG-1 and MPEG-2 audio, layers I to III: the frame header.

use super::CodecError;
use crate::cursor::Cursor;
use crate::track::AudioShape;

/// What a frame header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MpegAudioHeader {
    /// Bytes of the frame, header included.
    pub frame_bytes: usize,
    /// Samples the frame decodes to.
    pub samples: u16,
    /// Rate and channels.
    pub audio: AudioShape,
    /// 1 to 3; 3 is MP3.
    pub layer: u8,
}

impl MpegAudioHeader {
    /// Reads the header at the start of `bytes`.
    ///
    /// Source: ISO/IEC 11172-3 §2.4.2.3, ISO/IEC 13818-3 §2.4.2.3; the rates of "MPEG 2.5" are a
    /// common extension. Errors: `NoSync`, `Truncated`, `OutOfRange` for reserved values and the
    /// free format, which does not say where a frame ends.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let [a, b, c, d] = Cursor::new(bytes).array()?;
        if a != 0xff || b & 0xe0 != 0xe0 {
            return Err(CodecError::NoSync("mpeg audio"));
        }
        let out_of_range = |field, value: u8| CodecError::OutOfRange { field, value: value.into() };
        let halvings: u32 = match b >> 3 & 3 {
            3 => 0,
            2 => 1,
            0 => 2,
            reserved => return Err(out_of_range("version", reserved)),
        };
        let layer = 4 - (b >> 1 & 3);
        if layer == 4 {
            return Err(out_of_range("layer", 0));
        }
        let rate = match c >> 2 & 3 {
            0 => 44_100,
            1 => 48_000,
            2 => 32_000,
            reserved => return Err(out_of_range("sampling_frequency", reserved)),
        } >> halvings;
        let row = bit_rates(layer, halvings == 0);
        let kbit = row
            .get(usize::from(c >> 4))
            .copied()
            .filter(|&kbit| kbit > 0)
            .ok_or_else(|| out_of_range("bitrate_index", c >> 4))?;
        let padding = u32::from(c >> 1 & 1);
        let samples: u16 = match (layer, halvings) {
            (1, _) => 384,
            (3, 1..) => 576,
            _ => 1152,
        };
        let bits = u32::from(kbit) * 1000;
        let size = if layer == 1 {
            (12 * bits / rate + padding) * 4
        } else {
            u32::from(samples) / 8 * bits / rate + padding
        };
        Ok(Self {
            frame_bytes: usize::try_from(size).unwrap_or(0),
            samples,
            audio: AudioShape { sample_rate: rate, channels: if d >> 6 == 3 { 1 } else { 2 } },
            layer,
        })
    }
}

/// Kilobits per second by `bitrate_index`. Source: ISO/IEC 11172-3 and 13818-3 §2.4.2.3.
const fn bit_rates(layer: u8, is_mpeg1: bool) -> [u16; 15] {
    match (layer, is_mpeg1) {
        (1, true) => [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        (2, true) => [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        (_, true) => [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        (1, false) => [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        (_, false) => [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_size_and_shape() {
        // header, bytes, samples, rate, channels, layer
        let table: [([u8; 4], usize, u16, u32, u8, u8); 4] = [
            ([0xff, 0xfb, 0x90, 0x00], 417, 1152, 44_100, 2, 3),
            ([0xff, 0xfb, 0x94, 0xc0], 384, 1152, 48_000, 1, 3),
            ([0xff, 0xf3, 0x84, 0x00], 192, 576, 24_000, 2, 3),
            ([0xff, 0xfd, 0xa4, 0x00], 576, 1152, 48_000, 2, 2),
        ];
        for (header, frame_bytes, samples, sample_rate, channels, layer) in table {
            let audio = AudioShape { sample_rate, channels };
            let expected = MpegAudioHeader { frame_bytes, samples, audio, layer };
            assert_eq!(MpegAudioHeader::parse(&header), Ok(expected), "{header:x?}");
        }
    }

    #[test]
    fn reserved_values_are_refused() {
        for header in [
            [0xff, 0xeb, 0x90, 0],
            [0xff, 0xf9, 0x90, 0],
            [0xff, 0xfb, 0xf0, 0],
            [0xff, 0xfb, 0x00, 0],
            [0xff, 0xfb, 0x9c, 0],
            [0xfe, 0xfb, 0x90, 0],
        ] {
            assert!(MpegAudioHeader::parse(&header).is_err(), "{header:x?}");
        }
    }
}
