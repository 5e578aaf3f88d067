//! Media for a player: what its session lets in and what the shared muxer writes fit together.

use std::sync::Arc;

use super::*;
use crate::live::{LiveMuxer, LivePacket};
use crate::packet::MediaPacket;
use crate::rtmp::live::{ChunkMuxer, PLAY_STREAM_ID};
use crate::time::Ticks;
use crate::track::{AudioShape, CodecConfig, Track, TrackId, VideoShape};

fn tracks() -> Arc<[Track]> {
    let video = VideoShape { width: 320, height: 240, fps: Some((25, 1)) };
    let h264 = CodecConfig::H264 {
        sps: Bytes::from_static(b"\x67\x42\xC0\x0D\xD9"),
        pps: vec![Bytes::from_static(b"\x68\xCB")],
        video,
    };
    let audio = AudioShape { sample_rate: 44_100, channels: 2 };
    let aac = CodecConfig::Aac { config: Bytes::from_static(b"\x12\x10"), audio };
    let track = |id, codec| Track { id: TrackId(id), codec, language: None };
    Arc::new([track(0, h264), track(1, aac)])
}

fn live(tracks: &Arc<[Track]>, track: u8, millis: i64, is_start: bool) -> LivePacket {
    let time = Ticks::from_millis(millis);
    let payload = Bytes::from(vec![1; 200_000]);
    let (dts, pts) = (time, time);
    let packet = MediaPacket { track: TrackId(track), dts, pts, is_keyframe: is_start, payload };
    LivePacket { tracks: Arc::clone(tracks), packet, is_start, is_discontinuity: false }
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

fn seen(messages: &[Message]) -> Vec<(MessageKind, i64)> {
    messages.iter().map(|message| (message.kind, message.timestamp)).collect()
}

#[test]
fn player_reads_what_the_muxer_writes_for_all() {
    let (mut peer, mut muxer, tracks) = (player(), ChunkMuxer::default(), tracks());
    let mut out = BytesMut::new();
    assert!(muxer.mux(&live(&tracks, 0, 90_000, true), &mut out).is_some());
    assert!(muxer.mux(&live(&tracks, 1, 90_020, false), &mut out).is_none());
    let messages = peer.read(&out);
    let (video, audio) = (MessageKind::Video, MessageKind::Audio);
    let data = (MessageKind::DataAmf0, 0);
    assert_eq!(seen(&messages), [data, (video, 0), (audio, 0), (video, 0), (audio, 20)]);
    let meta = decode_all(&messages[0].payload, AMF).unwrap();
    assert_eq!(meta[0].as_str(), Some("onMetaData"));
    assert_eq!(meta[1].get("width"), Some(&Value::Number(320.0)));
    assert_eq!(messages[3].payload[..5], b"\x17\x01\0\0\0"[..]);
    assert!(messages.iter().all(|message| message.stream_id == PLAY_STREAM_ID));
}

#[test]
fn player_may_begin_at_any_start() {
    let (mut muxer, tracks) = (ChunkMuxer::default(), tracks());
    let mut out = BytesMut::new();
    for time in [0, 40, 80, 120] {
        muxer.mux(&live(&tracks, 0, time, time == 0), &mut out);
        muxer.mux(&live(&tracks, 1, time, false), &mut out);
    }
    out.clear();
    let start = muxer.mux(&live(&tracks, 0, 160, true), &mut out).unwrap();
    muxer.mux(&live(&tracks, 1, 170, false), &mut out);
    muxer.mux(&live(&tracks, 0, 200, false), &mut out);
    let mut late = player();
    let messages = late.read(&[&start.prelude[..], &out[..]].concat());
    let (video, audio, data) = (MessageKind::Video, MessageKind::Audio, MessageKind::DataAmf0);
    let headers = [(data, 0), (video, 160), (audio, 160)];
    assert_eq!(seen(&messages[..3]), headers);
    assert_eq!(seen(&messages[3..]), [(video, 160), (audio, 170), (video, 200)]);
    assert_eq!(messages[5].payload.len(), 200_005);
}

#[test]
fn player_that_stops_is_told() {
    let mut peer = player();
    let heard = peer.command(1, &call("closeStream", 0.0, Value::Null, Vec::new()));
    assert_eq!(heard.events, [Event::PlayEnded]);
}
