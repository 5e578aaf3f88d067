//! AAC: `AudioSpecificConfig` (MP4, RTMP, SDP) and ADTS headers (MPEG-TS).
//!
//! The packet model carries raw frames and the configuration in the track. MPEG-TS and HTTP carry
//! ADTS, whose header repeats the parts of the configuration that fit in it.

use bytes::Bytes;

use super::CodecError;
use super::bits::Bits;
use crate::track::{AudioShape, CodecConfig};

/// Size of an ADTS header without check sum.
pub const ADTS_HEADER_BYTES: usize = 7;

/// What an `AudioSpecificConfig` says, as far as framing needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AacDetails {
    /// Audio object type of the core codec: 2 is LC, also beneath HE-AAC.
    pub object_type: u8,
    /// The object type as signalled first: 5 for HE-AAC, 29 for HE-AAC v2, else the core's.
    pub signalled_type: u8,
    /// Samples per second before spectral band replication.
    pub core_rate: u32,
    /// Samples a frame at `core_rate`: 1024 or 960.
    pub frame_samples: u16,
    /// `channelConfiguration`; 0 says that the frames describe the channels themselves.
    pub channel_configuration: u8,
    /// What a decoder puts out.
    pub audio: AudioShape,
}

impl AacDetails {
    /// Reads an `AudioSpecificConfig`.
    ///
    /// Source: ISO/IEC 14496-3 §1.6.2.1, and §1.6.6.1 for the signalling of SBR and PS.
    /// Errors: `BitsEnded`, and `OutOfRange` for reserved rates.
    pub fn parse(config: &[u8]) -> Result<Self, CodecError> {
        let mut bits = Bits::new(config);
        let signalled_type = object_type(&mut bits)?;
        let core_rate = sampling_frequency(&mut bits)?;
        let channel_configuration = bits.small(4)?;
        let mut audio =
            AudioShape { sample_rate: core_rate, channels: channels_of(channel_configuration) };
        let mut object = signalled_type;
        if matches!(signalled_type, TYPE_SBR | TYPE_PS) {
            audio.sample_rate = sampling_frequency(&mut bits)?;
            object = object_type(&mut bits)?;
            if signalled_type == TYPE_PS {
                audio.channels = 2;
            }
        }
        let is_short = bits.flag()?;
        let mut details = Self {
            object_type: object,
            signalled_type,
            core_rate,
            frame_samples: if is_short { 960 } else { 1024 },
            channel_configuration,
            audio,
        };
        if bits.flag()? {
            bits.skip(14)?;
        }
        bits.skip(1)?;
        if channel_configuration == 0 {
            details.audio.channels = program_config_channels(&mut bits).unwrap_or(0);
        } else if object == signalled_type {
            details.read_sync_extension(&mut bits);
        }
        Ok(details)
    }

    /// Reads backward compatible signalling of SBR and PS behind the configuration, if any.
    fn read_sync_extension(&mut self, bits: &mut Bits<'_>) {
        let mut read = || -> Result<Option<(u32, bool)>, CodecError> {
            if bits.bits(11)? != 0x2b7 || object_type(bits)? != TYPE_SBR || !bits.flag()? {
                return Ok(None);
            }
            let rate = sampling_frequency(bits)?;
            let has_stereo = bits.remaining() >= 12 && bits.bits(11)? == 0x548 && bits.flag()?;
            Ok(Some((rate, has_stereo)))
        };
        if let Ok(Some((rate, has_stereo))) = read() {
            self.audio.sample_rate = rate;
            if has_stereo {
                self.audio.channels = 2;
            }
        }
    }

    /// The header that goes before a raw frame of `payload_bytes`; `None` if ADTS cannot say it.
    ///
    /// That is for object types above 4, rates out of the table, and frames over 8,184 bytes.
    /// Source: ISO/IEC 14496-3 §1.A.2.2 (`adts_frame`).
    #[must_use]
    pub fn adts_header(&self, payload_bytes: usize) -> Option<[u8; ADTS_HEADER_BYTES]> {
        let size = u16::try_from(payload_bytes.checked_add(ADTS_HEADER_BYTES)?).ok()?;
        if size > 0x1fff || !(1..=4).contains(&self.object_type) {
            return None;
        }
        let profile = self.object_type - 1;
        let rate = u8::try_from(RATES.iter().position(|&rate| rate == self.core_rate)?).ok()?;
        let channels = self.channel_configuration & 7;
        let [size_high, size_low] = size.to_be_bytes();
        Some([
            0xff,
            0xf1,
            profile << 6 | rate << 2 | channels >> 2,
            (channels & 3) << 6 | size_high >> 3,
            size_high << 5 | size_low >> 3,
            size_low << 5 | 0x1f,
            0xfc,
        ])
    }
}

/// Reads an `AudioSpecificConfig` into a codec configuration.
///
/// Errors: as [`AacDetails::parse`].
pub fn parse_audio_specific_config(config: &[u8]) -> Result<CodecConfig, CodecError> {
    let audio = AacDetails::parse(config)?.audio;
    Ok(CodecConfig::Aac { config: Bytes::copy_from_slice(config), audio })
}

/// One ADTS header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdtsHeader {
    /// Bytes of the header: 7, or 9 with a check sum.
    pub header_bytes: usize,
    /// Bytes of the whole frame, header included.
    pub frame_bytes: usize,
    /// Samples the frame decodes to at `core_rate`.
    pub samples: u16,
    /// Samples per second before spectral band replication.
    pub core_rate: u32,
    /// The `AudioSpecificConfig` that says the same.
    pub config: [u8; 2],
}

impl AdtsHeader {
    /// Reads the header at the start of `bytes`.
    ///
    /// Source: ISO/IEC 14496-3 §1.A.2.2.
    /// Errors: `NoSync`, `Truncated` under 7 bytes, `OutOfRange` for reserved rates and frames that
    /// are shorter than their header.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let [a, b, c, d, e, f, g] = crate::cursor::Cursor::new(bytes).array()?;
        if a != 0xff || b & 0xf6 != 0xf0 {
            return Err(CodecError::NoSync("adts"));
        }
        let header_bytes = if b & 1 == 1 { ADTS_HEADER_BYTES } else { ADTS_HEADER_BYTES + 2 };
        let rate = c >> 2 & 0x0f;
        let core_rate = rate_of(rate)?;
        let channels = (c & 1) << 2 | d >> 6;
        let size = u32::from(d & 3) << 11 | u32::from(e) << 3 | u32::from(f >> 5);
        let frame_bytes = usize::try_from(size).unwrap_or(0);
        if frame_bytes < header_bytes {
            return Err(CodecError::OutOfRange { field: "aac_frame_length", value: size });
        }
        let object = (c >> 6) + 1;
        Ok(Self {
            header_bytes,
            frame_bytes,
            samples: 1024 * (u16::from(g & 3) + 1),
            core_rate,
            config: [object << 3 | rate >> 1, rate << 7 | channels << 3],
        })
    }
}

const TYPE_SBR: u8 = 5;
const TYPE_PS: u8 = 29;

/// Source: ISO/IEC 14496-3 table 1.18.
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

fn rate_of(index: u8) -> Result<u32, CodecError> {
    let out_of_range =
        || CodecError::OutOfRange { field: "samplingFrequencyIndex", value: u32::from(index) };
    RATES.get(usize::from(index)).copied().ok_or_else(out_of_range)
}

fn object_type(bits: &mut Bits<'_>) -> Result<u8, CodecError> {
    match bits.small(5)? {
        31 => Ok(32 + bits.small(6)?),
        kind => Ok(kind),
    }
}

fn sampling_frequency(bits: &mut Bits<'_>) -> Result<u32, CodecError> {
    match bits.small(4)? {
        15 => match bits.bits(24)? {
            0 => Err(CodecError::OutOfRange { field: "samplingFrequency", value: 0 }),
            rate => Ok(rate),
        },
        index => rate_of(index),
    }
}

/// Source: ISO/IEC 14496-3 table 1.19; 0 where the table leaves it open.
const fn channels_of(configuration: u8) -> u8 {
    match configuration {
        1..=6 => configuration,
        7 | 12 | 14 => 8,
        11 => 7,
        13 => 24,
        _ => 0,
    }
}

/// Counts the channels of a `program_config_element`. Source: ISO/IEC 14496-3 §4.4.1.1.
fn program_config_channels(bits: &mut Bits<'_>) -> Result<u8, CodecError> {
    bits.skip(4 + 2 + 4)?;
    let places = [bits.small(4)?, bits.small(4)?, bits.small(4)?];
    let low_frequency = bits.small(2)?;
    bits.skip(3 + 4)?;
    for extra_bits in [4, 4, 3] {
        if bits.flag()? {
            bits.skip(extra_bits)?;
        }
    }
    let mut channels = low_frequency;
    for elements in places {
        for _ in 0..elements {
            channels += if bits.flag()? { 2 } else { 1 };
            bits.skip(4)?;
        }
    }
    Ok(channels)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn configurations_say_rate_and_channels() {
        let table: [(&[u8], u32, u8, u8); 6] = [
            (&[0x12, 0x10], 44_100, 2, 2),
            (&[0x11, 0x88], 48_000, 1, 2),
            // What FFmpeg writes for LC: a sync extension that says "no SBR".
            (&[0x12, 0x10, 0x56, 0xe5, 0x00], 44_100, 2, 2),
            // HE-AAC, signalled first (AOT 5) and behind (0x2b7).
            (&[0x2b, 0x11, 0x88, 0x00], 48_000, 2, 5),
            (&[0x13, 0x10, 0x56, 0xe5, 0x98], 48_000, 2, 2),
            // 24-bit rate of 44,100.
            (&[0x17, 0x80, 0x56, 0x22, 0x10], 44_100, 2, 2),
        ];
        for (config, rate, channels, signalled) in table {
            let details = AacDetails::parse(config).unwrap();
            let shape = AudioShape { sample_rate: rate, channels };
            assert_eq!((details.audio, details.signalled_type), (shape, signalled), "{config:x?}");
            assert_eq!((details.object_type, details.frame_samples), (2, 1024));
        }
    }

    #[test]
    fn adts_headers_round_trip() {
        let details = AacDetails::parse(&[0x11, 0x90]).unwrap();
        let header = details.adts_header(300).unwrap();
        let parsed = AdtsHeader::parse(&header).unwrap();
        let expected = AdtsHeader {
            header_bytes: 7,
            frame_bytes: 307,
            samples: 1024,
            core_rate: 48_000,
            config: [0x11, 0x90],
        };
        assert_eq!(parsed, expected);
    }

    #[test]
    fn adts_says_no_to_what_it_cannot_hold() {
        let details = AacDetails::parse(&[0x11, 0x90]).unwrap();
        assert!(details.adts_header(8184).is_some());
        assert!(details.adts_header(8185).is_none());
        assert!(details.adts_header(usize::MAX).is_none());
        let odd_rate = AacDetails { core_rate: 44_101, ..details };
        assert!(odd_rate.adts_header(10).is_none());
    }

    #[test]
    fn broken_headers_are_errors() {
        assert_eq!(AdtsHeader::parse(&[0; 7]), Err(CodecError::NoSync("adts")));
        assert!(AdtsHeader::parse(&[0xff, 0xf1, 0x4c, 0x80, 0, 0x1f, 0xfc]).is_err());
        assert!(AdtsHeader::parse(&[0xff, 0xf1]).is_err());
        assert!(AacDetails::parse(&[]).is_err());
        assert!(AacDetails::parse(&[0x17, 0, 0, 0, 0]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse_audio_specific_config(&bytes);
            let _ = AdtsHeader::parse(&bytes);
        }
    }
}
