//! Hostile RTMP connections are closed within their limits; the publisher beside them loses
//! nothing.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use crate::support::cluster::{plan, publishable};
use crate::support::media;
use crate::support::players::{assert_rising, ffprobe};
use crate::support::rtmp_wire::{self, RtmpClient, chunks, nested_connect};
use crate::support::{SLACK, promise};

/// The limit of a handshake, and what everything before play and publish is held to.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);

/// Starts as `bytes`, then says nothing; how long until it is closed.
fn raw(port: u16, bytes: &[u8]) -> Duration {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    // The server may close before it has taken all.
    socket.write_all(bytes).ok();
    rtmp_wire::wait_closed(&mut socket, CLOSED_WITHIN * 3)
}

/// The same behind a good handshake.
fn shaken(port: u16, bytes: &[u8]) -> Duration {
    let mut client = RtmpClient::connect(port);
    client.send_raw(bytes).ok();
    client.wait_closed(CLOSED_WITHIN * 3)
}

#[test]
fn hostile_connections_are_closed_and_the_publisher_loses_no_frame() {
    let mut cluster = plan().config("south", &publishable(&["cam"])).alone().start_connected();
    let south = cluster.node("south");
    let log = south.log_path("ffmpeg");
    let _publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &south.publish_url("cam"), &log);
    south.wait_playing("cam");
    let (rtmp, url) = (south.rtmp, south.playback_url("cam", "mpegts"));
    let viewer = std::thread::spawn(move || ffprobe(&url, 20).1);

    let garbage: Vec<u8> = (0..5000_u32).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect();
    let mut half = vec![0; 700];
    half[0] = 3;
    // A message of 16 MiB - 1, the most its head can say.
    let claim = [3, 0, 0, 0, 0xff, 0xff, 0xff, 20, 0, 0, 0, 0];
    let zero_chunks = chunks(2, 1, 0, &0_u32.to_be_bytes());
    let large_chunks = chunks(2, 1, 0, &0x7fff_ffff_u32.to_be_bytes());
    let many_streams: Vec<u8> = (2..64_u8)
        .flat_map(|id| [id, 0, 0, 0, 0x04, 0, 0, 20, 0, 0, 0, 0].into_iter().chain([0; 128]))
        .collect();
    let hello_and = |bytes: &[u8]| shaken(rtmp, bytes);
    for (what, took) in [
        ("garbage", raw(rtmp, &garbage)),
        ("silence", raw(rtmp, b"")),
        ("a handshake that stops half-way", raw(rtmp, &half)),
        ("garbage behind a handshake", hello_and(&garbage)),
        ("a chunk that claims 16 MiB", hello_and(&claim)),
        ("chunk size 0", hello_and(&zero_chunks)),
        ("chunk size 2^31-1", hello_and(&large_chunks)),
        ("62 chunk streams", hello_and(&many_streams)),
        ("AMF 10,000 deep", hello_and(&nested_connect(10_000))),
    ] {
        promise(what, took, CLOSED_WITHIN + SLACK);
    }

    let times = viewer.join().unwrap();
    assert_rising("the viewer beside them", &times, &["video", "audio"], 400);
    for pair in times["video"].windows(2) {
        // 25 a second: a lost one makes 0.08.
        let step = pair[1] - pair[0];
        assert!(step < 0.079, "a frame is lost between {} and {}", pair[0], pair[1]);
    }
    cluster.node_mut("south").assert_running();
}
