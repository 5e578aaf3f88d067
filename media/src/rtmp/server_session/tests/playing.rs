//! Media for a player.

use std::sync::Arc;

use super::*;
use crate::packet::MediaPacket;
use crate::time::Ticks;
use crate::track::{AudioShape, CodecConfig, Track, TrackId, VideoShape};

fn tracks() -> StreamItem {
    let video = VideoShape { width: 320, height: 240, fps: Some((25, 1)) };
    let h264 = CodecConfig::H264 {
        sps: Bytes::from_static(b"\x67\x42\xC0\x0D\xD9"),
        pps: vec![Bytes::from_static(b"\x68\xCB")],
        video,
    };
    let audio = AudioShape { sample_rate: 44_100, channels: 2 };
    let aac = CodecConfig::Aac { config: Bytes::from_static(b"\x12\x10"), audio };
    let track = |id, codec| Track { id: TrackId(id), codec, language: None };
    StreamItem::Tracks(Arc::new([track(0, h264), track(1, aac.clone()), track(2, aac)]))
}

fn packet(track: u8, millis: i64, payload: &Bytes) -> StreamItem {
    let time = Ticks::from_millis(millis);
    StreamItem::Packet(MediaPacket {
        track: TrackId(track),
        dts: time,
        pts: time,
        is_keyframe: true,
        payload: payload.clone(),
    })
}

fn player() -> Peer {
    let mut peer = Peer::connected();
    let request = peer.ask("play");
    let outputs = peer.session.accept_play(request).unwrap();
    let heard = peer.hear(outputs);
    assert_eq!(heard.codes(), ["NetStream.Play.Reset", "NetStream.Play.Start"]);
    assert_eq!(heard.messages[0].payload, [0, 0, 0, 0, 0, 1][..], "stream 1 begins");
    peer
}

fn play(peer: &mut Peer, items: &[StreamItem]) -> Vec<Message> {
    let mut out = Vec::new();
    for item in items {
        peer.session.send(item, &mut out).unwrap();
    }
    peer.read(&out.concat())
}

#[test]
fn player_gets_metadata_headers_and_frames_from_time_zero() {
    let mut peer = player();
    let payload = Bytes::from_static(b"\0\0\0\x01\x65");
    let items = [tracks(), packet(0, 90_000, &payload), packet(1, 89_990, &payload)];
    let messages = play(&mut peer, &items);
    let seen: Vec<_> = messages.iter().map(|m| (m.kind, m.timestamp)).collect();
    let (video, audio) = (MessageKind::Video, MessageKind::Audio);
    let data = (MessageKind::DataAmf0, 0);
    assert_eq!(seen, [data, (video, 0), (audio, 0), (video, 0), (audio, 0)]);
    let meta = decode_all(&messages[0].payload, AMF).unwrap();
    assert_eq!(meta[0].as_str(), Some("onMetaData"));
    assert_eq!(meta[1].get("width"), Some(&Value::Number(320.0)));
    assert_eq!(messages[3].payload[..5], b"\x17\x01\0\0\0"[..]);
}

#[test]
fn time_goes_on_over_a_discontinuity() {
    let mut peer = player();
    let payload = Bytes::from_static(b"x");
    let items = [
        tracks(),
        packet(0, 5000, &payload),
        packet(0, 6000, &payload),
        StreamItem::Discontinuity,
        packet(0, 100, &payload),
        packet(0, 140, &payload),
    ];
    let messages = play(&mut peer, &items);
    let times: Vec<_> = messages.iter().skip(3).map(|message| message.timestamp).collect();
    assert_eq!(times, [0, 1000, 1000, 1040]);
}

#[test]
fn second_audio_track_is_left_out() {
    let mut peer = player();
    let payload = Bytes::from_static(b"x");
    assert_eq!(play(&mut peer, &[tracks(), packet(2, 0, &payload)]).len(), 3);
}

#[test]
fn payload_goes_out_without_a_copy() {
    let mut peer = player();
    let payload = Bytes::from(vec![1; 10_000]);
    let mut out = Vec::new();
    peer.session.send(&tracks(), &mut out).unwrap();
    out.clear();
    peer.session.send(&packet(0, 0, &payload), &mut out).unwrap();
    assert_eq!(out.len(), 2);
    assert_eq!(out[1].as_ptr(), payload.as_ptr());
}

#[test]
fn player_that_stops_is_told_and_gets_no_more() {
    let mut peer = player();
    let heard = peer.command(1, &call("closeStream", 0.0, Value::Null, Vec::new()));
    assert_eq!(heard.events, [Event::PlayEnded]);
    assert!(play(&mut peer, &[tracks()]).is_empty());
}
