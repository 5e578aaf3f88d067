//! Whole streams with a scripted input: what goes out, and what the actor makes of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use watershed_media::packet::{MediaPacket, StreamItem};
use watershed_media::time::Ticks;
use watershed_media::track::{AudioShape, CodecConfig, Track, TrackId};

use super::*;
use crate::names::StreamName;

fn spec(inputs: Vec<InputSpec>) -> StreamSpec {
    StreamSpec {
        name: "event".parse::<StreamName>().unwrap(),
        title: None,
        inputs,
        is_static: true,
        clients_timeout: Duration::from_secs(60),
        retry_limit: None,
        password: None,
        segment_duration: Duration::from_secs(4),
        segment_count: 4,
    }
}

fn publish_input() -> InputSpec {
    InputSpec { source: InputSource::Publish, priority: 1, source_timeout: Duration::from_secs(10) }
}

fn tracks() -> StreamItem {
    let audio = AudioShape { sample_rate: 48_000, channels: 2 };
    let track = Track { id: TrackId(0), codec: CodecConfig::Mp3 { audio }, language: None };
    StreamItem::Tracks(Arc::new([track]))
}

fn packet(seconds: u64) -> StreamItem {
    let time = Ticks::from(Duration::from_secs(seconds));
    StreamItem::Packet(MediaPacket {
        track: TrackId(0),
        dts: time,
        pts: time,
        is_keyframe: true,
        payload: Bytes::from_static(&[0xff; 400]),
    })
}

fn broadcast() -> Broadcast {
    Broadcast::new(&spec(vec![publish_input()]), "first")
}

#[test]
fn facts_can_be_asked_while_media_is_written_and_captures_change() {
    let broadcast = broadcast();
    let start = Instant::now();
    broadcast.write(0, tracks(), start);
    std::thread::scope(|scope| {
        scope.spawn(|| (0..2000).for_each(|time| _ = broadcast.write(0, packet(time), start)));
        scope.spawn(|| (0..2000).for_each(|_| broadcast.begin_anew("next")));
        scope.spawn(|| (0..2000).for_each(|_| drop(broadcast.facts())));
    });
    assert_eq!(broadcast.facts().capture.capture_id, "next");
}
