//! Tracks as bytes, so that a stream is announced here exactly as it is there.
//!
//! ```text
//!  track:  id 1 B | language: length 1 B, text (length 255: none) | codec 1 B | its fields
//!  bytes:  length 4 B, bytes       sets: count 1 B, each as bytes
//!  video:  width 4 B | height 4 B | has fps 1 B | numerator 4 B | denominator 4 B
//!  audio:  rate 4 B | channels 1 B
//! ```

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::RelayError;
use crate::cursor::Cursor;
use crate::track::{AudioShape, CodecConfig, Track, TrackId, VideoShape};

/// Most tracks of a stream: as many as have a name.
const TRACKS_MAX: usize = 256;
/// Written in place of a length where there is no language.
const NO_LANGUAGE: u8 = 255;

const H264: u8 = 1;
const H265: u8 = 2;
const AAC: u8 = 3;
const MP3: u8 = 4;
const OPUS: u8 = 5;
const AC3: u8 = 6;
const G711: u8 = 7;
const AV1: u8 = 8;
const VP9: u8 = 9;

/// Writes `tracks`, which have names of their own.
pub(super) fn write(tracks: &[Track], out: &mut BytesMut) {
    let count = tracks.len().min(TRACKS_MAX);
    out.put_u16(u16::try_from(count).unwrap_or(0));
    for track in tracks.iter().take(count) {
        out.put_u8(track.id.0);
        match track.language.as_deref().map(|text| (text, u8::try_from(text.len()))) {
            Some((text, Ok(length))) if length < NO_LANGUAGE => {
                out.put_u8(length);
                out.put_slice(text.as_bytes());
            }
            _ => out.put_u8(NO_LANGUAGE),
        }
        write_codec(&track.codec, out);
    }
}

fn write_codec(codec: &CodecConfig, out: &mut BytesMut) {
    match codec {
        CodecConfig::H264 { sps, pps, video } => {
            out.put_u8(H264);
            write_bytes(sps, out);
            write_sets(pps, out);
            write_video(*video, out);
        }
        CodecConfig::H265 { vps, sps, pps, video } => {
            out.put_u8(H265);
            for sets in [vps, sps, pps] {
                write_sets(sets, out);
            }
            write_video(*video, out);
        }
        CodecConfig::Aac { config, audio } => {
            out.put_u8(AAC);
            write_bytes(config, out);
            write_audio(*audio, out);
        }
        CodecConfig::Mp3 { audio } => {
            out.put_u8(MP3);
            write_audio(*audio, out);
        }
        CodecConfig::Opus { audio } => {
            out.put_u8(OPUS);
            write_audio(*audio, out);
        }
        CodecConfig::Ac3 { is_enhanced, audio } => {
            out.put_slice(&[AC3, u8::from(*is_enhanced)]);
            write_audio(*audio, out);
        }
        CodecConfig::G711 { is_alaw, audio } => {
            out.put_slice(&[G711, u8::from(*is_alaw)]);
            write_audio(*audio, out);
        }
        CodecConfig::Av1 { config, video } => {
            out.put_u8(AV1);
            write_bytes(config, out);
            write_video(*video, out);
        }
        CodecConfig::Vp9 { config, video } => {
            out.put_u8(VP9);
            write_bytes(config, out);
            write_video(*video, out);
        }
    }
}

fn write_bytes(bytes: &[u8], out: &mut BytesMut) {
    // Longer than the length can say is longer than a frame may be, and is refused as such.
    out.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.put_slice(bytes);
}

fn write_sets(sets: &[Bytes], out: &mut BytesMut) {
    // No codec has more than 255 sets of a kind. Source: H.264 §7.4.2.2, H.265 §7.4.3.3.
    let count = u8::try_from(sets.len()).unwrap_or(u8::MAX);
    out.put_u8(count);
    for set in sets.iter().take(count.into()) {
        write_bytes(set, out);
    }
}

fn write_video(video: VideoShape, out: &mut BytesMut) {
    let (numerator, denominator) = video.fps.unwrap_or_default();
    out.put_u32(video.width);
    out.put_u32(video.height);
    out.put_u8(u8::from(video.fps.is_some()));
    out.put_u32(numerator);
    out.put_u32(denominator);
}

fn write_audio(audio: AudioShape, out: &mut BytesMut) {
    out.put_u32(audio.sample_rate);
    out.put_u8(audio.channels);
}

/// Reads what [`write()`] wrote.
///
/// Errors: [`RelayError`].
pub(super) fn read(body: &mut Cursor<'_>) -> Result<Arc<[Track]>, RelayError> {
    let count = usize::from(body.u16()?);
    if count > TRACKS_MAX {
        return Err(RelayError::TooMany { what: "tracks", count, limit: TRACKS_MAX });
    }
    (0..count).map(|_| read_track(body)).collect()
}

fn read_track(body: &mut Cursor<'_>) -> Result<Track, RelayError> {
    let id = body.u8()?;
    let language = match body.u8()? {
        NO_LANGUAGE => None,
        length => {
            let text = std::str::from_utf8(body.take(length.into())?)
                .map_err(|_| RelayError::Language { track: id })?;
            Some(text.to_owned())
        }
    };
    Ok(Track { id: TrackId(id), codec: read_codec(body)?, language })
}

fn read_codec(body: &mut Cursor<'_>) -> Result<CodecConfig, RelayError> {
    Ok(match body.u8()? {
        H264 => CodecConfig::H264 {
            sps: read_bytes(body)?,
            pps: read_sets(body)?,
            video: read_video(body)?,
        },
        H265 => CodecConfig::H265 {
            vps: read_sets(body)?,
            sps: read_sets(body)?,
            pps: read_sets(body)?,
            video: read_video(body)?,
        },
        AAC => CodecConfig::Aac { config: read_bytes(body)?, audio: read_audio(body)? },
        MP3 => CodecConfig::Mp3 { audio: read_audio(body)? },
        OPUS => CodecConfig::Opus { audio: read_audio(body)? },
        AC3 => CodecConfig::Ac3 { is_enhanced: body.u8()? != 0, audio: read_audio(body)? },
        G711 => CodecConfig::G711 { is_alaw: body.u8()? != 0, audio: read_audio(body)? },
        AV1 => CodecConfig::Av1 { config: read_bytes(body)?, video: read_video(body)? },
        VP9 => CodecConfig::Vp9 { config: read_bytes(body)?, video: read_video(body)? },
        value => return Err(RelayError::Unknown { what: "codec", value }),
    })
}

fn read_bytes(body: &mut Cursor<'_>) -> Result<Bytes, RelayError> {
    let length = usize::try_from(body.u32()?).unwrap_or(usize::MAX);
    Ok(Bytes::copy_from_slice(body.take(length)?))
}

fn read_sets(body: &mut Cursor<'_>) -> Result<Vec<Bytes>, RelayError> {
    let count = body.u8()?;
    (0..count).map(|_| read_bytes(body)).collect()
}

fn read_video(body: &mut Cursor<'_>) -> Result<VideoShape, RelayError> {
    let (width, height) = (body.u32()?, body.u32()?);
    let has_fps = body.u8()? != 0;
    let fps = (body.u32()?, body.u32()?);
    Ok(VideoShape { width, height, fps: has_fps.then_some(fps) })
}

fn read_audio(body: &mut Cursor<'_>) -> Result<AudioShape, RelayError> {
    Ok(AudioShape { sample_rate: body.u32()?, channels: body.u8()? })
}
