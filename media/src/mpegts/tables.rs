//! The two tables that say what a transport stream holds: PAT and PMT.
//!
//! Source: ISO/IEC 13818-1 §2.4.4.3 (PAT), §2.4.4.8 (PMT), §2.6 (descriptors).
//! A table of several sections is read section by section; for the streams a streamer meets, one
//! section each is the rule.

use super::sections;
use crate::codec::aac::AacDetails;
use crate::cursor::{Cursor, Truncated};
use crate::track::{AudioShape, CodecConfig};

/// PID of the PAT.
pub(super) const PAT_PID: u16 = 0;
/// PID of no one; the clock's where there is none.
pub(super) const NULL_PID: u16 = 0x1fff;
/// The PMT's PID in what we write.
pub(super) const PMT_PID: u16 = 0x1000;
/// The first track's PID in what we write.
pub(super) const FIRST_TRACK_PID: u16 = 0x0100;

const PAT_ID: u8 = 0;
const PMT_ID: u8 = 2;
const PROGRAM: u16 = 1;
const DESCRIPTOR_REGISTRATION: u8 = 0x05;
const DESCRIPTOR_LANGUAGE: u8 = 0x0a;
const DESCRIPTOR_AC3: u8 = 0x6a;
const DESCRIPTOR_ENHANCED_AC3: u8 = 0x7a;
const DESCRIPTOR_EXTENSION: u8 = 0x7f;
/// User-defined extension under which Opus says its channels.
const EXTENSION_OPUS: u8 = 0x80;

/// What one PID carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    H264,
    H265,
    Adts,
    MpegAudio,
    Ac3 { is_enhanced: bool },
    Opus { channels: u8 },
}

impl Carried {
    /// How a codec is carried; `None` where MPEG-TS has no way.
    pub(super) fn of(codec: &CodecConfig) -> Option<Self> {
        match codec {
            CodecConfig::H264 { .. } => Some(Self::H264),
            CodecConfig::H265 { .. } => Some(Self::H265),
            CodecConfig::Aac { config, .. } => {
                AacDetails::parse(config).ok()?.adts_header(0).map(|_| Self::Adts)
            }
            CodecConfig::Mp3 { .. } => Some(Self::MpegAudio),
            CodecConfig::Ac3 { is_enhanced, .. } => Some(Self::Ac3 { is_enhanced: *is_enhanced }),
            CodecConfig::Opus { audio } if (1..=8).contains(&audio.channels) => {
                Some(Self::Opus { channels: audio.channels })
            }
            CodecConfig::Opus { .. }
            | CodecConfig::G711 { .. }
            | CodecConfig::Av1 { .. }
            | CodecConfig::Vp9 { .. } => None,
        }
    }

    /// `stream_type`. Source: ISO/IEC 13818-1 table 2-34; ATSC A/53 part 3 §6.7 (AC-3).
    const fn stream_type(self, audio: AudioShape) -> u8 {
        match self {
            Self::H264 => 0x1b,
            Self::H265 => 0x24,
            Self::Adts => 0x0f,
            Self::MpegAudio if audio.sample_rate < 32_000 => 0x04,
            Self::MpegAudio => 0x03,
            Self::Ac3 { is_enhanced: false } => 0x81,
            Self::Ac3 { is_enhanced: true } => 0x87,
            Self::Opus { .. } => 0x06,
        }
    }

    fn put_descriptors(self, out: &mut Vec<u8>) {
        let mut register = |name: &[u8; 4]| {
            out.extend_from_slice(&[DESCRIPTOR_REGISTRATION, 4]);
            out.extend_from_slice(name);
        };
        match self {
            Self::H264 | Self::Adts | Self::MpegAudio => {}
            Self::H265 => register(b"HEVC"),
            Self::Ac3 { is_enhanced: false } => register(b"AC-3"),
            Self::Ac3 { is_enhanced: true } => register(b"EAC3"),
            Self::Opus { channels } => {
                register(b"Opus");
                out.extend_from_slice(&[DESCRIPTOR_EXTENSION, 2, EXTENSION_OPUS, channels]);
            }
        }
    }
}

/// One elementary stream of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ElementaryStream {
    pub(super) pid: u16,
    pub(super) carried: Carried,
    pub(super) language: Option<String>,
}

/// Writes the PAT's section: one program, whose PMT is at [`PMT_PID`].
pub(super) fn write_pat() -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&PROGRAM.to_be_bytes());
    body.extend_from_slice(&(0xe000 | PMT_PID).to_be_bytes());
    sections::write(PAT_ID, 1, 0, &body)
}

/// Writes the PMT's section.
pub(super) fn write_pmt(
    version: u8,
    clock_pid: u16,
    streams: &[(ElementaryStream, AudioShape)],
) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&(0xe000 | clock_pid).to_be_bytes());
    body.extend_from_slice(&[0xf0, 0]);
    for (stream, audio) in streams {
        let mut descriptors = Vec::new();
        stream.carried.put_descriptors(&mut descriptors);
        if let Some([a, b, c]) = stream.language.as_deref().map(str::as_bytes) {
            descriptors.extend_from_slice(&[DESCRIPTOR_LANGUAGE, 4, *a, *b, *c, 0]);
        }
        body.push(stream.carried.stream_type(*audio));
        body.extend_from_slice(&(0xe000 | stream.pid).to_be_bytes());
        let size = u16::try_from(descriptors.len()).unwrap_or(0);
        body.extend_from_slice(&(0xf000 | size).to_be_bytes());
        body.extend_from_slice(&descriptors);
    }
    sections::write(PMT_ID, PROGRAM, version, &body)
}

/// One program of a transport stream; several may share the PID of their PMTs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) number: u16,
    pub(super) pmt_pid: u16,
}

/// A whole section whose check sum held.
pub(super) enum Table {
    /// The programs, in order.
    Pat(Vec<Program>),
    /// The streams of program `number` that we can read.
    Pmt { number: u16, streams: Vec<ElementaryStream> },
    /// Something else, or not in force yet.
    Other,
}

/// Reads one whole section.
///
/// Errors: [`Truncated`] for a section that is shorter than its fields, or whose check sum fails
/// (`wanted` and `got` are then 4 and 0).
pub(super) fn read_section(section: &[u8]) -> Result<Table, Truncated> {
    if sections::crc32(section) != 0 {
        return Err(Truncated { wanted: 4, got: 0 });
    }
    let body = section.get(..section.len().saturating_sub(4)).unwrap_or_default();
    let mut cursor = Cursor::new(body);
    let table = cursor.u8()?;
    cursor.skip(2)?;
    let id = cursor.u16()?;
    let is_in_force = cursor.u8()? & 1 == 1;
    cursor.skip(2)?;
    match table {
        PAT_ID if is_in_force => {
            let mut programs = Vec::new();
            while let (Ok(number), Ok(pid)) = (cursor.u16(), cursor.u16()) {
                // Number 0 is the network information table.
                if number != 0 {
                    programs.push(Program { number, pmt_pid: pid & NULL_PID });
                }
            }
            Ok(Table::Pat(programs))
        }
        PMT_ID if is_in_force => {
            let streams = read_pmt(&mut cursor)?;
            Ok(Table::Pmt { number: id, streams })
        }
        _ => Ok(Table::Other),
    }
}

fn read_pmt(cursor: &mut Cursor<'_>) -> Result<Vec<ElementaryStream>, Truncated> {
    cursor.skip(2)?;
    let program_info = usize::from(cursor.u16()? & 0x0fff);
    cursor.skip(program_info)?;
    let mut streams = Vec::new();
    while !cursor.is_empty() {
        let kind = cursor.u8()?;
        let pid = cursor.u16()? & NULL_PID;
        let size = usize::from(cursor.u16()? & 0x0fff);
        let descriptors = Descriptors::read(cursor.take(size)?);
        if let Some(carried) = descriptors.carried(kind) {
            streams.push(ElementaryStream { pid, carried, language: descriptors.language });
        }
    }
    Ok(streams)
}

/// What the descriptors of one elementary stream say.
#[derive(Default)]
struct Descriptors {
    registration: Option<[u8; 4]>,
    language: Option<String>,
    opus_channels: Option<u8>,
    has_ac3: bool,
    has_enhanced_ac3: bool,
}

impl Descriptors {
    fn read(bytes: &[u8]) -> Self {
        let mut found = Self::default();
        let mut cursor = Cursor::new(bytes);
        while let (Ok(tag), Ok(size)) = (cursor.u8(), cursor.u8()) {
            let Ok(content) = cursor.take(usize::from(size)) else {
                break;
            };
            match (tag, content) {
                (DESCRIPTOR_REGISTRATION, [a, b, c, d, ..]) => {
                    found.registration = Some([*a, *b, *c, *d]);
                }
                (DESCRIPTOR_LANGUAGE, [a, b, c, ..]) => {
                    let code = [a, b, c].map(|byte| char::from(*byte).to_ascii_lowercase());
                    if code.iter().all(char::is_ascii_lowercase) {
                        found.language = Some(code.iter().collect());
                    }
                }
                (DESCRIPTOR_EXTENSION, [EXTENSION_OPUS, channels, ..]) => {
                    found.opus_channels = Some(*channels);
                }
                (DESCRIPTOR_AC3, _) => found.has_ac3 = true,
                (DESCRIPTOR_ENHANCED_AC3, _) => found.has_enhanced_ac3 = true,
                _ => {}
            }
        }
        found
    }

    /// Source: as [`Carried::stream_type`]; ETSI EN 300 468 Annex D (AC-3 as private data).
    fn carried(&self, stream_type: u8) -> Option<Carried> {
        match stream_type {
            0x1b => Some(Carried::H264),
            0x24 => Some(Carried::H265),
            0x0f => Some(Carried::Adts),
            0x03 | 0x04 => Some(Carried::MpegAudio),
            0x81 => Some(Carried::Ac3 { is_enhanced: false }),
            0x87 | 0x84 => Some(Carried::Ac3 { is_enhanced: true }),
            0x06 => match self.registration.as_ref().map(<[u8; 4]>::as_slice) {
                Some(b"Opus") => {
                    let channels = match self.opus_channels.unwrap_or(2) {
                        // 0 is dual mono.
                        0 => 2,
                        channels => channels.min(8),
                    };
                    Some(Carried::Opus { channels })
                }
                Some(b"HEVC") => Some(Carried::H265),
                Some(b"AC-3") => Some(Carried::Ac3 { is_enhanced: false }),
                Some(b"EAC3") => Some(Carried::Ac3 { is_enhanced: true }),
                _ if self.has_ac3 => Some(Carried::Ac3 { is_enhanced: false }),
                _ if self.has_enhanced_ac3 => Some(Carried::Ac3 { is_enhanced: true }),
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn streams() -> Vec<(ElementaryStream, AudioShape)> {
        let all = [
            Carried::H264,
            Carried::H265,
            Carried::Adts,
            Carried::MpegAudio,
            Carried::Ac3 { is_enhanced: false },
            Carried::Ac3 { is_enhanced: true },
            Carried::Opus { channels: 6 },
        ];
        let stream = |(index, carried)| {
            let pid = FIRST_TRACK_PID + u16::try_from(index).unwrap();
            let language = (index % 2 == 0).then(|| "deu".to_owned());
            (ElementaryStream { pid, carried, language }, AudioShape::default())
        };
        all.into_iter().enumerate().map(stream).collect()
    }

    #[test]
    fn pmt_round_trips_every_codec() {
        let streams = streams();
        let Ok(Table::Pmt { number: 1, streams: read }) =
            read_section(&write_pmt(3, 0x100, &streams))
        else {
            panic!("no pmt");
        };
        let expected: Vec<_> = streams.into_iter().map(|(stream, _)| stream).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn broken_check_sum_is_refused() {
        let mut section = write_pat();
        *section.last_mut().unwrap() ^= 1;
        assert!(read_section(&section).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(
            body in proptest::collection::vec(any::<u8>(), 0..184),
            table in 0_u8..4,
        ) {
            let _ = read_section(&body);
            let _ = read_section(&sections::write(table, 1, 0, &body));
            let _ = read_pmt(&mut Cursor::new(&body));
        }
    }
}
