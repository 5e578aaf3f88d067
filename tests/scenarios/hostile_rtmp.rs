//! Hostile RTMP connections are closed within their limits; the publisher beside them loses
//! nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::support::cluster::{plan, publishable};
use crate::support::media;
use crate::support::players::{assert_rising, assert_steps, ffprobe};
use crate::support::rtmp_wire::{self, RtmpClient, chunks, nested_connect};
use crate::support::{SLACK, eventually, promise, promise_count};

/// Connections of each case at the same time.
const ATTACKERS: usize = 10;
/// Longer than the cases take.
const VIEWED_SECONDS: u32 = 12;
/// What nine cases of ten connections may cost beside what waits to be read.
const MEMORY_MAX: u64 = 16 << 20;
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

/// What each case sends, and whether it shakes hands before.
fn cases() -> Vec<(&'static str, bool, Vec<u8>)> {
    let garbage: Vec<u8> = (0..5000_u32).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect();
    let mut half = vec![0; 700];
    half[0] = 3;
    // A message of 16 MiB - 1, the most its head can say.
    let claim = vec![3, 0, 0, 0, 0xff, 0xff, 0xff, 20, 0, 0, 0, 0];
    let many_streams = (2..64_u8)
        .flat_map(|id| [id, 0, 0, 0, 0x04, 0, 0, 20, 0, 0, 0, 0].into_iter().chain([0; 128]))
        .collect();
    vec![
        ("garbage", false, garbage.clone()),
        ("silence", false, Vec::new()),
        ("a handshake that stops half-way", false, half),
        ("garbage behind a handshake", true, garbage),
        ("a chunk that claims 16 MiB", true, claim),
        ("chunk size 0", true, chunks(2, 1, 0, &0_u32.to_be_bytes())),
        ("chunk size 2^31-1", true, chunks(2, 1, 0, &0x7fff_ffff_u32.to_be_bytes())),
        ("62 chunk streams", true, many_streams),
        ("AMF 10,000 deep", true, nested_connect(10_000)),
    ]
}

#[test]
fn hostile_connections_are_closed_and_the_publisher_loses_no_frame() {
    let mut cluster = plan().config("south", &publishable(&["cam"])).alone().start_connected();
    let south = cluster.node("south");
    let log = south.log_path("ffmpeg");
    let _publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &south.publish_url("cam"), &log);
    south.wait_playing("cam");
    let (rtmp, url) = (south.rtmp, south.playback_url("cam", "mpegts"));
    let sent = || south.api("/streams/cam")["stats"]["bytes_out"].as_u64().unwrap_or(0);
    let sent_before = sent();
    let viewer = thread::spawn(move || ffprobe(&url, VIEWED_SECONDS).1);
    eventually(CLOSED_WITHIN, "it plays before the first case", || {
        if sent() > sent_before { Ok(()) } else { Err("nothing sent".to_owned()) }
    });
    let memory_before = cluster.node_mut("south").resident_bytes();
    let mut memory_max = memory_before;

    // Many of each case at once: what one may hold is multiplied.
    let attackers: Vec<_> = cases()
        .into_iter()
        .flat_map(|case| vec![case; ATTACKERS])
        .map(|(what, shakes, bytes)| {
            let attack = move || if shakes { shaken(rtmp, &bytes) } else { raw(rtmp, &bytes) };
            (what, thread::spawn(attack))
        })
        .collect();
    while !attackers.iter().all(|(_, attacker)| attacker.is_finished()) {
        memory_max = memory_max.max(cluster.node_mut("south").resident_bytes());
        thread::sleep(Duration::from_millis(20));
    }
    let mut longest: BTreeMap<&str, Duration> = BTreeMap::new();
    for (what, attacker) in attackers {
        let took = attacker.join().unwrap();
        let of_case = longest.entry(what).or_default();
        *of_case = took.max(*of_case);
    }
    for (what, took) in longest {
        promise(what, took, CLOSED_WITHIN + SLACK);
    }
    promise_count("memory, bytes above before", memory_max - memory_before, MEMORY_MAX);
    assert!(!viewer.is_finished(), "the viewer has seen all of it");

    let times = viewer.join().unwrap();
    assert_rising("the viewer beside them", &times, &["video", "audio"], 250);
    // 25 a second: a lost one makes 0.08.
    assert_steps("the viewer beside them", &times, "video", 0.079);
    cluster.node_mut("south").assert_running();
}
