//! `onMetaData`: what a publisher says of its stream, and what this node tells a player.

use bytes::{Bytes, BytesMut};

use super::amf0::{Value, encode_all};
use crate::flv::MetaData;
use crate::track::{CodecConfig, Track};

/// Reads the hints that the demuxer can use from the object behind `onMetaData`.
///
/// A codec id that is left out says that there is no such track, if the other one is there: so
/// write ffmpeg, OBS and GStreamer.
#[must_use]
pub fn hints(value: &Value) -> MetaData {
    let number = |name| value.get(name).and_then(Value::as_number);
    let positive = |name| value.get(name).and_then(Value::as_u32).filter(|number| *number > 0);
    let names_codec = ["videocodecid", "audiocodecid"].iter().any(|id| value.get(id).is_some());
    let has = |claim, codec_id| match value.get(claim) {
        Some(Value::Boolean(has)) => Some(*has),
        _ if names_codec => Some(value.get(codec_id).is_some_and(|id| *id != Value::Null)),
        _ => None,
    };
    MetaData {
        has_video: has("hasVideo", "videocodecid"),
        has_audio: has("hasAudio", "audiocodecid"),
        width: positive("width"),
        height: positive("height"),
        fps: number("framerate").or_else(|| number("videoframerate")),
    }
}

/// The body of the data message or script tag that describes `tracks` to a player.
#[must_use]
pub fn meta_data_body(tracks: &[Track]) -> Bytes {
    let mut body = BytesMut::with_capacity(256);
    encode_all(&["onMetaData".into(), on_meta_data(tracks)], &mut body);
    body.freeze()
}

/// Describes `tracks` to a player.
#[must_use]
pub fn on_meta_data(tracks: &[Track]) -> Value {
    let mut properties = vec![("server".to_owned(), Value::from("Watershed"))];
    let mut add = |name: &str, value: Value| properties.push((name.to_owned(), value));
    if let Some(track) = tracks.iter().find(|track| track.codec.video().is_some()) {
        let video = track.codec.video().unwrap_or_default();
        add("hasVideo", true.into());
        add("width", f64::from(video.width).into());
        add("height", f64::from(video.height).into());
        if let Some((numerator, denominator)) = video.fps.filter(|(_, under)| *under > 0) {
            add("framerate", (f64::from(numerator) / f64::from(denominator)).into());
        }
        add("videocodecid", codec_id(&track.codec).into());
    }
    if let Some(track) = tracks.iter().find(|track| track.codec.audio().is_some()) {
        let audio = track.codec.audio().unwrap_or_default();
        add("hasAudio", true.into());
        add("audiosamplerate", f64::from(audio.sample_rate).into());
        add("audiochannels", f64::from(audio.channels).into());
        add("stereo", (audio.channels > 1).into());
        add("audiocodecid", codec_id(&track.codec).into());
    }
    Value::EcmaArray(properties)
}

/// The codec's number in old tags, or its `FourCC` as a number. Source: FLV annex E.4.2 and E.4.3;
/// E-RTMP v2, metadata.
fn codec_id(codec: &CodecConfig) -> f64 {
    let fourcc = |name: &[u8; 4]| f64::from(u32::from_be_bytes(*name));
    match codec {
        CodecConfig::H264 { .. } => 7.0,
        CodecConfig::H265 { .. } => fourcc(b"hvc1"),
        CodecConfig::Av1 { .. } => fourcc(b"av01"),
        CodecConfig::Vp9 { .. } => fourcc(b"vp09"),
        CodecConfig::Aac { .. } => 10.0,
        CodecConfig::Mp3 { .. } => 2.0,
        CodecConfig::G711 { is_alaw: true, .. } => 7.0,
        CodecConfig::G711 { is_alaw: false, .. } => 8.0,
        CodecConfig::Opus { .. } => fourcc(b"Opus"),
        CodecConfig::Ac3 { is_enhanced: false, .. } => fourcc(b"ac-3"),
        CodecConfig::Ac3 { is_enhanced: true, .. } => fourcc(b"ec-3"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codec_ids_tell_which_tracks_there_are() {
        let both = Value::ecma_array([("videocodecid", 7.0.into()), ("audiocodecid", 10.0.into())]);
        assert_eq!((hints(&both).has_video, hints(&both).has_audio), (Some(true), Some(true)));
        let video = Value::object([("videocodecid", "avc1".into()), ("width", 640.0.into())]);
        assert_eq!((hints(&video).has_video, hints(&video).has_audio), (Some(true), Some(false)));
        assert_eq!(hints(&video).width, Some(640));
        assert_eq!(hints(&Value::object([])), MetaData::default());
        let claim = Value::object([("hasAudio", false.into())]);
        assert_eq!((hints(&claim).has_video, hints(&claim).has_audio), (None, Some(false)));
    }
}
