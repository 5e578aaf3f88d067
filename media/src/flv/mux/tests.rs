//! What is muxed is demuxed again.

use super::*;
use crate::flv::Demuxer;
use crate::packet::StreamItem;
use crate::track::{TrackId, VideoShape};

const STEREO: AudioShape = AudioShape { sample_rate: 48_000, channels: 2 };

fn bytes(body: &'static [u8]) -> Bytes {
    Bytes::from_static(body)
}

fn h264() -> CodecConfig {
    let sps = bytes(
        b"\x67\x42\xC0\x0D\xD9\x01\x41\xFB\x01\x10\0\0\x03\0\x10\0\0\x03\x03\x20\xF1\x42\xA4\x80",
    );
    let video = VideoShape::default();
    CodecConfig::H264 { sps, pps: vec![bytes(b"\x68\xCB\x83\xCB\x20")], video }
}

fn track(codec: CodecConfig) -> Track {
    Track { id: TrackId(0), codec, language: None }
}

fn packet(payload: &'static [u8]) -> MediaPacket {
    let (dts, pts) = (Ticks::from_millis(1000), Ticks::from_millis(1040));
    MediaPacket { track: TrackId(0), dts, pts, is_keyframe: true, payload: bytes(payload) }
}

/// Writes the track's header and one packet, reads them back, and yields what was read.
fn round_trip(codec: CodecConfig, sent: MediaPacket) -> (CodecConfig, MediaPacket) {
    let track = track(codec);
    let header = sequence_header(&track, Ticks::ZERO).unwrap();
    let mut demuxer = Demuxer::new();
    let mut items = Vec::new();
    for body in header.into_iter().chain([frame(&track, &sent)]) {
        let joined = Bytes::from([&body.head, &body.payload[..]].concat());
        items.extend(demuxer.tag(body.kind, body.timestamp, &joined).unwrap());
    }
    items.extend(demuxer.finish());
    let [StreamItem::Tracks(tracks), StreamItem::Packet(packet)] = &items[..] else {
        panic!("{items:?}");
    };
    (tracks[0].codec.clone(), packet.clone())
}

#[test]
fn every_video_codec_comes_back_as_it_went() {
    let video = VideoShape::default();
    for codec in [
        h264(),
        CodecConfig::Av1 { config: bytes(&[0x81, 0, 0x0C, 0]), video },
        CodecConfig::Av1 { config: Bytes::new(), video },
        CodecConfig::Vp9 { config: bytes(&[0, 30, 0x80, 2, 2, 2, 0, 0]), video },
    ] {
        let has_composition = matches!(codec, CodecConfig::H264 { .. });
        let mut sent = packet(&[0, 0, 0, 2, 0x65, 1]);
        if !has_composition {
            sent.pts = sent.dts;
        }
        let (read_codec, read) = round_trip(codec.clone(), sent.clone());
        assert_eq!(read, sent);
        if let (CodecConfig::H264 { sps, pps, .. }, CodecConfig::H264 { sps: s, pps: p, .. }) =
            (&codec, &read_codec)
        {
            assert_eq!((sps, pps), (s, p));
        } else {
            assert_eq!(read_codec, codec);
        }
    }
}

#[test]
fn every_audio_codec_comes_back_as_it_went() {
    let mono = AudioShape { sample_rate: 8000, channels: 1 };
    for (codec, payload) in [
        (CodecConfig::Mp3 { audio: STEREO }, &b"\xFF\xFB\x94\x64"[..]),
        (CodecConfig::G711 { is_alaw: true, audio: mono }, b"alaw"),
        (CodecConfig::G711 { is_alaw: false, audio: mono }, b"mulaw"),
        (CodecConfig::Opus { audio: STEREO }, b"opus"),
        (CodecConfig::Opus { audio: AudioShape { channels: 6, ..STEREO } }, b"opus"),
        (
            CodecConfig::Ac3 { is_enhanced: true, audio: AudioShape { channels: 6, ..STEREO } },
            b"\x0B\x77\x01\xFF\x3F\x80",
        ),
    ] {
        let mut sent = packet(payload);
        sent.pts = sent.dts;
        assert_eq!(round_trip(codec.clone(), sent.clone()), (codec, sent));
    }
    let mut sent = packet(b"raw");
    sent.pts = sent.dts;
    let aac = CodecConfig::Aac { config: bytes(&[0x11, 0x90]), audio: STEREO };
    let (CodecConfig::Aac { config, audio }, read) = round_trip(aac, sent.clone()) else {
        panic!("not aac");
    };
    assert_eq!((&config[..], audio, read), (&[0x11, 0x90][..], STEREO, sent));
}

#[test]
fn heads_are_those_of_the_standard() {
    let head = |codec: CodecConfig| frame(&track(codec), &packet(b"x")).head.to_vec();
    assert_eq!(head(h264()), [0x17, 1, 0, 0, 40]);
    assert_eq!(head(CodecConfig::Mp3 { audio: STEREO }), [0x2F]);
    assert_eq!(head(CodecConfig::Opus { audio: STEREO }), b"\x91Opus");
    let video = VideoShape::default();
    let (vps, sps, pps) = (Vec::new(), Vec::new(), Vec::new());
    let h265 = CodecConfig::H265 { vps, sps, pps, video };
    assert_eq!(head(h265.clone()), b"\x91hvc1\0\0\x28");
    let mut packet = packet(b"x");
    packet.pts = packet.dts;
    packet.is_keyframe = false;
    assert_eq!(frame(&track(h265), &packet).head[..], b"\xA3hvc1"[..]);
}

#[test]
fn payload_is_shared() {
    let sent = packet(b"shared");
    assert_eq!(frame(&track(h264()), &sent).payload.as_ptr(), sent.payload.as_ptr());
}

#[test]
fn file_framing_is_that_of_the_standard() {
    assert_eq!(&file_header(true, true), b"FLV\x01\x05\0\0\0\x09\0\0\0\0");
    let time = Ticks::from_millis(0x0102_0304);
    assert_eq!(tag_header(TagKind::Video, time, 0x0A0B), [9, 0, 10, 11, 2, 3, 4, 1, 0, 0, 0]);
    assert_eq!(tag_trailer(0x0A0B), [0, 0, 10, 22]);
}
