//! Reads the head of an audio or video tag, old and enhanced.

use bytes::Bytes;

use super::FlvError;
use crate::cursor::Cursor;
use crate::track::AudioShape;

/// The codec a tag names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagCodec {
    H264,
    H265,
    Av1,
    Vp9,
    Aac,
    Mp3,
    Opus,
    Ac3,
    Eac3,
    G711 { is_alaw: bool },
}

impl TagCodec {
    /// The codec's name in enhanced tags. Source: E-RTMP v2, `VideoFourCc` and `AudioFourCc`.
    pub(crate) const fn from_fourcc(fourcc: [u8; 4]) -> Result<Self, FlvError> {
        Ok(match &fourcc {
            b"avc1" => Self::H264,
            b"hvc1" => Self::H265,
            b"av01" => Self::Av1,
            b"vp09" => Self::Vp9,
            b"mp4a" => Self::Aac,
            b".mp3" => Self::Mp3,
            b"Opus" => Self::Opus,
            b"ac-3" => Self::Ac3,
            b"ec-3" => Self::Eac3,
            _ => return Err(FlvError::FourCc { fourcc }),
        })
    }

    const fn has_composition_time(self) -> bool {
        matches!(self, Self::H264 | Self::H265)
    }
}

/// What a tag's body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The decoder's configuration.
    Config,
    /// An access unit.
    Frame,
}

/// A tag that matters, without its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TagData {
    pub(crate) codec: TagCodec,
    pub(crate) part: Part,
    /// Milliseconds from decode to presentation.
    pub(crate) composition: i32,
    pub(crate) is_keyframe: bool,
    /// What an old audio head says of rate and channels.
    pub(crate) sound: AudioShape,
    pub(crate) body: Bytes,
}

/// Packet types of enhanced tags; video and audio agree on these.
/// Source: E-RTMP v2, `VideoPacketType` and `AudioPacketType`.
mod packet_type {
    pub(super) const SEQUENCE_START: u8 = 0;
    pub(super) const CODED_FRAMES: u8 = 1;
    pub(super) const CODED_FRAMES_X: u8 = 3;
    pub(super) const MULTITRACK_AUDIO: u8 = 5;
    pub(super) const MULTITRACK_VIDEO: u8 = 6;
    pub(super) const MOD_EX: u8 = 7;
}

/// Bit 7 of a video tag's first byte: the tag is enhanced.
const IS_EX_HEADER: u8 = 0x80;
const KEY_FRAME: u8 = 1;
/// Made by a server for a seeking player; decodable like a key frame.
const GENERATED_KEY_FRAME: u8 = 4;
/// A command to the player, without media.
const COMMAND_FRAME: u8 = 5;
/// `SoundFormat` of enhanced audio tags.
const EX_AUDIO: u8 = 9;

/// Reads a video tag; `None` where it carries nothing of use (commands, ends, metadata, no body).
///
/// Source: FLV annex E.4.3; E-RTMP v2, enhanced video.
/// Layout: `| frame type 4 b, codec 4 b | packet type 1 B | composition 3 B | body |`, or
/// `| 1 b, frame type 3 b, packet type 4 b | FourCC 4 B | composition 3 B where coded | body |`
pub(crate) fn read_video(body: &Bytes) -> Result<Option<TagData>, FlvError> {
    let mut cursor = Cursor::new(body);
    let Ok(first) = cursor.u8() else {
        return Ok(None);
    };
    let frame_type = (first & !IS_EX_HEADER) >> 4;
    if first & IS_EX_HEADER != 0 {
        // Only metadata travels as a command frame that is none; both are of no use here.
        return if frame_type == COMMAND_FRAME {
            Ok(None)
        } else {
            read_enhanced(body, cursor, first & 0x0F, frame_type, packet_type::MULTITRACK_VIDEO)
        };
    }
    if frame_type == COMMAND_FRAME || cursor.is_empty() {
        return Ok(None);
    }
    let codec = match first & 0x0F {
        7 => TagCodec::H264,
        // Not in the standard, but Chinese encoders and players agreed on it before E-RTMP.
        12 => TagCodec::H265,
        id => return Err(FlvError::VideoCodec { id }),
    };
    let part = match cursor.u8()? {
        0 => Part::Config,
        1 => Part::Frame,
        _ => return Ok(None),
    };
    let composition = signed_24(cursor.u24()?);
    Ok(finish(body, cursor, codec, part, composition, frame_type))
}

/// Reads an audio tag; `None` where it carries nothing of use.
///
/// Source: FLV annex E.4.2; E-RTMP v2, enhanced audio.
/// Layout: `| format 4 b, rate 2 b, size 1 b, channels 1 b | AAC: packet type 1 B | body |`, or
/// `| 9: 4 b, packet type 4 b | FourCC 4 B | body |`
pub(crate) fn read_audio(body: &Bytes) -> Result<Option<TagData>, FlvError> {
    let mut cursor = Cursor::new(body);
    let Ok(first) = cursor.u8() else {
        return Ok(None);
    };
    if first >> 4 == EX_AUDIO {
        return read_enhanced(body, cursor, first & 0x0F, KEY_FRAME, packet_type::MULTITRACK_AUDIO);
    }
    if cursor.is_empty() {
        return Ok(None);
    }
    let sample_rate = match (first >> 2) & 3 {
        0 => 5512,
        1 => 11_025,
        2 => 22_050,
        _ => 44_100,
    };
    let mut sound = AudioShape { sample_rate, channels: 1 + (first & 1) };
    let mut part = Part::Frame;
    let codec = match first >> 4 {
        2 => TagCodec::Mp3,
        14 => {
            sound.sample_rate = 8000;
            TagCodec::Mp3
        }
        format @ (7 | 8) => {
            sound.sample_rate = 8000;
            TagCodec::G711 { is_alaw: format == 7 }
        }
        10 => {
            if cursor.u8()? == 0 {
                part = Part::Config;
            }
            TagCodec::Aac
        }
        id => return Err(FlvError::AudioCodec { id }),
    };
    let data = finish(body, cursor, codec, part, 0, KEY_FRAME);
    Ok(data.map(|data| TagData { sound, ..data }))
}

/// Reads what follows the first byte of an enhanced tag. Of several tracks the first one counts.
fn read_enhanced(
    body: &Bytes,
    mut cursor: Cursor<'_>,
    mut packet_type: u8,
    frame_type: u8,
    multitrack: u8,
) -> Result<Option<TagData>, FlvError> {
    while packet_type == packet_type::MOD_EX {
        packet_type = skip_modifier(&mut cursor)?;
    }
    let codec = if packet_type == multitrack {
        let head = cursor.u8()?;
        packet_type = head & 0x0F;
        match seek_first_track(&mut cursor, head >> 4)? {
            Some(codec) => codec,
            None => return Ok(None),
        }
    } else if matches!(
        packet_type,
        packet_type::SEQUENCE_START | packet_type::CODED_FRAMES | packet_type::CODED_FRAMES_X
    ) {
        TagCodec::from_fourcc(cursor.array()?)?
    } else {
        return Ok(None);
    };
    let part = match packet_type {
        packet_type::SEQUENCE_START => Part::Config,
        packet_type::CODED_FRAMES | packet_type::CODED_FRAMES_X => Part::Frame,
        _ => return Ok(None),
    };
    let composition = if packet_type == packet_type::CODED_FRAMES && codec.has_composition_time() {
        signed_24(cursor.u24()?)
    } else {
        0
    };
    Ok(finish(body, cursor, codec, part, composition, frame_type))
}

/// Skips one modifier; yields the packet type behind it.
///
/// Source: E-RTMP v2, `ModEx`.
/// Layout: `| size-1 1 B, 255: size-1 2 B | data | type 4 b, next 4 b |`
fn skip_modifier(cursor: &mut Cursor<'_>) -> Result<u8, FlvError> {
    let mut size = usize::from(cursor.u8()?) + 1;
    if size == 256 {
        size = usize::from(cursor.u16()?) + 1;
    }
    cursor.skip(size)?;
    Ok(cursor.u8()? & 0x0F)
}

/// Goes to the body of track 0 and cuts the cursor to it; `None` where the tag has only others.
///
/// Source: E-RTMP v2, multitrack: one track (0), many of one codec (1), many of many codecs (2).
/// Layout: `| 0, 1: FourCC | { 2: FourCC | track 1 B | 1, 2: size 3 B | body }+ |`
fn seek_first_track(
    cursor: &mut Cursor<'_>,
    multitrack_type: u8,
) -> Result<Option<TagCodec>, FlvError> {
    let shared = if multitrack_type == 2 { None } else { Some(cursor.array()?) };
    while !cursor.is_empty() {
        let fourcc = match shared {
            Some(fourcc) => fourcc,
            None => cursor.array()?,
        };
        let track = cursor.u8()?;
        let size = match multitrack_type {
            0 => cursor.remaining(),
            _ => usize::try_from(cursor.u24()?).unwrap_or(usize::MAX),
        };
        let part = cursor.take(size)?;
        if track == 0 {
            *cursor = Cursor::new(part);
            return TagCodec::from_fourcc(fourcc).map(Some);
        }
    }
    Ok(None)
}

fn finish(
    body: &Bytes,
    cursor: Cursor<'_>,
    codec: TagCodec,
    part: Part,
    composition: i32,
    frame_type: u8,
) -> Option<TagData> {
    (!cursor.is_empty()).then(|| TagData {
        codec,
        part,
        composition,
        is_keyframe: matches!(frame_type, KEY_FRAME | GENERATED_KEY_FRAME),
        sound: AudioShape::default(),
        body: body.slice_ref(cursor.rest()),
    })
}

/// Extends the sign of a 24-bit number.
const fn signed_24(value: u32) -> i32 {
    (value << 8).cast_signed() >> 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video(body: &'static [u8]) -> Option<TagData> {
        read_video(&Bytes::from_static(body)).unwrap()
    }

    #[test]
    fn old_avc_tag_is_read_with_negative_composition_time() {
        let data = video(b"\x27\x01\xFF\xFF\xD8body").unwrap();
        assert_eq!((data.codec, data.part), (TagCodec::H264, Part::Frame));
        assert_eq!((data.composition, data.is_keyframe), (-40, false));
        assert_eq!(data.body, "body");
    }

    #[test]
    fn enhanced_tags_are_read_with_and_without_composition_time() {
        let data = video(b"\x91hvc1\0\0\x28body").unwrap();
        assert_eq!((data.codec, data.composition, data.is_keyframe), (TagCodec::H265, 40, true));
        assert_eq!(data.body, "body");
        assert_eq!(video(b"\xA3hvc1body").unwrap().body, "body");
        let data = video(b"\x91av01body").unwrap();
        assert_eq!((data.codec, &data.body[..]), (TagCodec::Av1, &b"body"[..]));
        assert_eq!(video(b"\x90vp09conf").unwrap().part, Part::Config);
    }

    #[test]
    fn metadata_commands_ends_and_empty_tags_carry_nothing() {
        for body in [&b"\x94hvc1\x02\0\x09colorInfo"[..], b"\xD0\0", b"\x92hvc1", b"", b"\x17"] {
            assert_eq!(video(body), None);
        }
        assert_eq!(video(b"\x17\x02\0\0\0"), None);
        assert_eq!(read_audio(&Bytes::from_static(b"\xAF")).unwrap(), None);
        assert_eq!(read_audio(&Bytes::from_static(b"\xAF\x01")).unwrap(), None);
    }

    #[test]
    fn first_of_several_tracks_counts() {
        let one_track = b"\x96\x01avc1\0\0\0\x28body";
        assert_eq!(video(one_track).unwrap().composition, 40);
        assert_eq!(video(b"\x96\x01avc1\x05\0\0\x28body"), None);
        let two = b"\x96\x13avc1\x01\0\0\x03twO\0\0\0\x03one";
        assert_eq!(video(two).unwrap().body, "one");
        let codecs = b"\x96\x23av01\x01\0\0\x03twOhvc1\0\0\0\x03one";
        let data = video(codecs).unwrap();
        assert_eq!((data.codec, &data.body[..]), (TagCodec::H265, &b"one"[..]));
    }

    #[test]
    fn modifiers_are_skipped() {
        let data = video(b"\x97\x02abc\x03hvc1body").unwrap();
        assert_eq!((data.codec, &data.body[..]), (TagCodec::H265, &b"body"[..]));
    }

    #[test]
    fn codecs_without_support_are_named() {
        let error = |body| read_video(&Bytes::from_static(body)).unwrap_err().to_string();
        assert!(error(b"\x22abc").starts_with("video codec 2 is not supported"));
        assert_eq!(error(b"\x91vvc1body"), "codec vvc1 is not supported");
        let error = read_audio(&Bytes::from_static(b"\xB2ab")).unwrap_err();
        assert!(error.to_string().starts_with("audio codec 11 is not supported"));
    }

    #[test]
    fn audio_heads_tell_codec_and_shape() {
        let audio = |body| read_audio(&Bytes::from_static(body)).unwrap().unwrap();
        let data = audio(b"\xAF\0\x12\x10");
        assert_eq!((data.codec, data.part), (TagCodec::Aac, Part::Config));
        let data = audio(b"\x7Eabc");
        assert_eq!(data.codec, TagCodec::G711 { is_alaw: true });
        assert_eq!(data.sound, AudioShape { sample_rate: 8000, channels: 1 });
        assert_eq!(audio(b"\x91Opusabc").body, "abc");
        assert_eq!(audio(b"\x90mp4a\x12\x10").part, Part::Config);
    }
}
