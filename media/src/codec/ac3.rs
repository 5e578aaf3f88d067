//! AC-3 and E-AC-3: the sync frame header.

use super::CodecError;
use super::bits::Bits;
use crate::track::AudioShape;

/// What the header of a sync frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ac3Header {
    /// Bytes of the frame, header included.
    pub frame_bytes: usize,
    /// Samples the frame decodes to.
    pub samples: u16,
    /// Rate and channels.
    pub audio: AudioShape,
    /// Whether it is E-AC-3.
    pub is_enhanced: bool,
    /// Whether the frame adds to the one before and takes no time of its own (E-AC-3 substreams).
    pub is_dependent: bool,
}

impl Ac3Header {
    /// How many bytes [`parse`](Self::parse) wants to see.
    pub const BYTES: usize = 8;

    /// Reads the header at the start of `bytes`.
    ///
    /// Source: ETSI TS 102 366 §4.3 and §4.4 (AC-3), §E.1.2 and §E.1.3 (E-AC-3).
    /// Errors: `NoSync`, `BitsEnded`, `OutOfRange` for reserved values.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut bits = Bits::new(bytes);
        if bits.bits(16)? != 0x0b77 {
            return Err(CodecError::NoSync("ac-3"));
        }
        // Both forms have bsid in the same place, bits 40 to 44.
        let mut ahead = bits.clone();
        ahead.skip(24)?;
        match ahead.small(5)? {
            0..=10 => Self::parse_plain(&mut bits),
            11..=16 => Self::parse_enhanced(&mut bits),
            other => Err(CodecError::OutOfRange { field: "bsid", value: other.into() }),
        }
    }

    fn parse_plain(bits: &mut Bits<'_>) -> Result<Self, CodecError> {
        bits.skip(16)?;
        let rate_code = bits.small(2)?;
        let size_code = bits.small(6)?;
        bits.skip(5 + 3)?;
        let mode = bits.small(3)?;
        // Centre and surround levels stand before lfeon, each for some modes only (§4.3.2).
        if mode & 1 == 1 && mode != 1 {
            bits.skip(2)?;
        }
        if mode & 4 == 4 {
            bits.skip(2)?;
        }
        if mode == 2 {
            bits.skip(2)?;
        }
        let has_low_frequency = bits.flag()?;
        let kbit = BIT_RATES
            .get(usize::from(size_code >> 1))
            .copied()
            .ok_or(CodecError::OutOfRange { field: "frmsizecod", value: size_code.into() })?;
        let (sample_rate, words) = match rate_code {
            0 => (48_000, usize::from(kbit) * 2),
            1 => (44_100, usize::from(kbit) * 96_000 / 44_100 + usize::from(size_code & 1)),
            2 => (32_000, usize::from(kbit) * 3),
            other => {
                return Err(CodecError::OutOfRange { field: "fscod", value: other.into() });
            }
        };
        Ok(Self {
            frame_bytes: words * 2,
            samples: 1536,
            audio: AudioShape { sample_rate, channels: channels(mode, has_low_frequency) },
            is_enhanced: false,
            is_dependent: false,
        })
    }

    fn parse_enhanced(bits: &mut Bits<'_>) -> Result<Self, CodecError> {
        let stream_type = bits.small(2)?;
        bits.skip(3)?;
        let words = usize::try_from(bits.bits(11)?).unwrap_or(0) + 1;
        let rate_code = bits.small(2)?;
        let second = bits.small(2)?;
        let (sample_rate, blocks) = match (rate_code, second) {
            (3, 0) => (24_000, 6),
            (3, 1) => (22_050, 6),
            (3, 2) => (16_000, 6),
            (3, _) => {
                return Err(CodecError::OutOfRange { field: "fscod2", value: 3 });
            }
            (code, blocks) => {
                let rate = match code {
                    0 => 48_000,
                    1 => 44_100,
                    _ => 32_000,
                };
                (
                    rate,
                    match blocks {
                        0 => 1,
                        1 => 2,
                        2 => 3,
                        _ => 6,
                    },
                )
            }
        };
        let mode = bits.small(3)?;
        let has_low_frequency = bits.flag()?;
        Ok(Self {
            frame_bytes: words * 2,
            samples: 256 * blocks,
            audio: AudioShape { sample_rate, channels: channels(mode, has_low_frequency) },
            is_enhanced: true,
            is_dependent: stream_type == 1,
        })
    }
}

/// Kilobits per second by half of `frmsizecod`. Source: ETSI TS 102 366 table 4.13.
const BIT_RATES: [u16; 19] =
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];

/// Source: ETSI TS 102 366 table 4.3 (`acmod`).
fn channels(mode: u8, has_low_frequency: bool) -> u8 {
    let full = match mode {
        0 | 2 => 2,
        1 => 1,
        3 | 4 => 3,
        5 | 6 => 4,
        _ => 5,
    };
    full + u8::from(has_low_frequency)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_frame_says_size_and_shape() {
        // 48 kHz, 192 kbit/s, bsid 8, acmod 2 (stereo).
        let header = Ac3Header::parse(&[0x0b, 0x77, 0, 0, 0x14, 0x40, 0x43, 0xe1]).unwrap();
        assert_eq!((header.frame_bytes, header.samples), (768, 1536));
        assert_eq!(header.audio, AudioShape { sample_rate: 48_000, channels: 2 });
        assert!(!header.is_enhanced);
    }

    #[test]
    fn enhanced_frame_says_size_and_shape() {
        // Independent, 384 words, 48 kHz, 6 blocks, acmod 7 with LFE, bsid 16.
        let header = Ac3Header::parse(&[0x0b, 0x77, 0x01, 0x7f, 0x3f, 0x86, 0xff, 0]).unwrap();
        assert_eq!((header.frame_bytes, header.samples), (768, 1536));
        assert_eq!(header.audio, AudioShape { sample_rate: 48_000, channels: 6 });
        assert!(header.is_enhanced && !header.is_dependent);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut frame = vec![0x0b, 0x77];
            frame.extend_from_slice(&bytes);
            let _ = Ac3Header::parse(&frame);
            let _ = Ac3Header::parse(&bytes);
        }
    }
}
