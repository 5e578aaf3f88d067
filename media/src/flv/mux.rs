//! Makes tag bodies from tracks and packets, for RTMP players and FLV over HTTP.
//!
//! H.264, AAC, MP3 and G.711 take the old form that every player knows, all others the enhanced
//! one. A body is a few bytes of head and the packet's own payload, shared.

use bytes::Bytes;
use smallvec::SmallVec;

use super::opus_head::write_opus_head;
use super::{FlvError, TagKind};
use crate::codec::{h264, h265};
use crate::packet::MediaPacket;
use crate::time::Ticks;
use crate::track::{AudioShape, CodecConfig, Track, TrackKind};

/// The first bytes of a tag's body.
pub type TagHead = SmallVec<[u8; 16]>;

/// The body of a tag, in two parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagBody {
    /// Audio or video.
    pub kind: TagKind,
    /// Decode time.
    pub timestamp: Ticks,
    /// What comes first.
    pub head: TagHead,
    /// What follows it.
    pub payload: Bytes,
}

/// Packet types. Source: E-RTMP v2, `VideoPacketType` and `AudioPacketType`.
const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const CODED_FRAMES_X: u8 = 3;
/// First byte of AAC tags: 44 kHz, 16 bits, stereo, whatever the stream is. Source: FLV E.4.2.1.
const AAC_HEAD: u8 = 0xAF;

/// Makes the sequence header of a track; `None` for codecs that have none.
///
/// Errors: [`FlvError::Codec`] if the parameter sets cannot be written.
pub fn sequence_header(track: &Track, timestamp: Ticks) -> Result<Option<TagBody>, FlvError> {
    let (head, payload) = match &track.codec {
        CodecConfig::H264 { sps, pps, .. } => {
            (TagHead::from_slice(&[0x17, 0, 0, 0, 0]), h264::write_avcc(sps, pps))
        }
        CodecConfig::H265 { vps, sps, pps, .. } => {
            (enhanced_video(true, SEQUENCE_START, b"hvc1"), h265::write_hvcc(vps, sps, pps)?)
        }
        CodecConfig::Aac { config, .. } => (TagHead::from_slice(&[AAC_HEAD, 0]), config.clone()),
        CodecConfig::Opus { audio } => {
            (enhanced_audio(SEQUENCE_START, b"Opus"), write_opus_head(audio.channels))
        }
        CodecConfig::Av1 { config, .. } if !config.is_empty() => {
            (enhanced_video(true, SEQUENCE_START, b"av01"), config.clone())
        }
        CodecConfig::Vp9 { config, .. } if !config.is_empty() => {
            (enhanced_video(true, SEQUENCE_START, b"vp09"), config.clone())
        }
        CodecConfig::Mp3 { .. }
        | CodecConfig::Ac3 { .. }
        | CodecConfig::G711 { .. }
        | CodecConfig::Av1 { .. }
        | CodecConfig::Vp9 { .. } => return Ok(None),
    };
    Ok(Some(TagBody { kind: tag_kind(track), timestamp, head, payload }))
}

/// Makes the tag of a packet of `track`.
#[must_use]
pub fn frame(track: &Track, packet: &MediaPacket) -> TagBody {
    let is_key = packet.is_keyframe;
    let composition = (packet.pts - packet.dts).millis();
    let head = match &track.codec {
        CodecConfig::H264 { .. } => {
            let first = if is_key { 0x17 } else { 0x27 };
            with_composition(TagHead::from_slice(&[first, 1]), composition)
        }
        CodecConfig::H265 { .. } if composition == 0 => {
            enhanced_video(is_key, CODED_FRAMES_X, b"hvc1")
        }
        CodecConfig::H265 { .. } => {
            with_composition(enhanced_video(is_key, CODED_FRAMES, b"hvc1"), composition)
        }
        CodecConfig::Av1 { .. } => enhanced_video(is_key, CODED_FRAMES, b"av01"),
        CodecConfig::Vp9 { .. } => enhanced_video(is_key, CODED_FRAMES, b"vp09"),
        CodecConfig::Aac { .. } => TagHead::from_slice(&[AAC_HEAD, 1]),
        CodecConfig::Mp3 { audio } => TagHead::from_slice(&[mp3_head(*audio)]),
        CodecConfig::G711 { is_alaw, audio } => {
            let format = if *is_alaw { 0x72 } else { 0x82 };
            TagHead::from_slice(&[format | u8::from(audio.channels > 1)])
        }
        CodecConfig::Opus { .. } => enhanced_audio(CODED_FRAMES, b"Opus"),
        CodecConfig::Ac3 { is_enhanced, .. } => {
            enhanced_audio(CODED_FRAMES, if *is_enhanced { b"ec-3" } else { b"ac-3" })
        }
    };
    let payload = packet.payload.clone();
    TagBody { kind: tag_kind(track), timestamp: packet.dts, head, payload }
}

/// The beginning of an FLV file, with the size of the tag before the first one, which is none.
///
/// Source: FLV annex E.2 and E.3.
#[must_use]
pub const fn file_header(has_video: bool, has_audio: bool) -> [u8; 13] {
    let flags = (has_audio as u8) << 2 | has_video as u8;
    [b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]
}

/// What a file has before a tag's body.
///
/// Units: a body over 24 bits does not fit and is cut by readers; the packet model has none.
/// Source: FLV annex E.4.1. Layout: `| type 1 B | size 3 B | time 3 B, its top 1 B | stream 3 B |`
#[must_use]
pub fn tag_header(kind: TagKind, timestamp: Ticks, body_bytes: usize) -> [u8; 11] {
    let [_, size @ ..] = u32::try_from(body_bytes).unwrap_or(u32::MAX).to_be_bytes();
    let wrapped = u32::try_from(timestamp.millis() & 0xFFFF_FFFF).unwrap_or(0);
    let [top, time @ ..] = wrapped.to_be_bytes();
    let ([s1, s2, s3], [t1, t2, t3]) = (size, time);
    [kind.number(), s1, s2, s3, t1, t2, t3, top, 0, 0, 0]
}

/// What a file has after a tag's body: the size of the tag. Source: FLV annex E.3.
#[must_use]
pub fn tag_trailer(body_bytes: usize) -> [u8; 4] {
    u32::try_from(body_bytes.saturating_add(11)).unwrap_or(u32::MAX).to_be_bytes()
}

const fn tag_kind(track: &Track) -> TagKind {
    match track.codec.kind() {
        TrackKind::Video => TagKind::Video,
        TrackKind::Audio => TagKind::Audio,
    }
}

fn enhanced_video(is_keyframe: bool, packet_type: u8, fourcc: &[u8; 4]) -> TagHead {
    let frame_type = if is_keyframe { 0x90 } else { 0xA0 };
    let mut head = TagHead::from_slice(&[frame_type | packet_type]);
    head.extend_from_slice(fourcc);
    head
}

fn enhanced_audio(packet_type: u8, fourcc: &[u8; 4]) -> TagHead {
    let mut head = TagHead::from_slice(&[0x90 | packet_type]);
    head.extend_from_slice(fourcc);
    head
}

fn with_composition(mut head: TagHead, millis: i64) -> TagHead {
    let clamped = i32::try_from(millis.clamp(-0x80_0000, 0x7F_FFFF)).unwrap_or(0);
    let [_, low @ ..] = clamped.to_be_bytes();
    head.extend_from_slice(&low);
    head
}

/// Source: FLV annex E.4.2.1; the nearest rate is named, players read the frame's own.
const fn mp3_head(audio: AudioShape) -> u8 {
    let format_and_rate = match audio.sample_rate {
        8000 => 0xE0,
        11_025 => 0x24,
        22_050 => 0x28,
        _ => 0x2C,
    };
    format_and_rate | 0x02 | if audio.channels > 1 { 1 } else { 0 }
}

#[cfg(test)]
mod tests;
