//! A publisher dies and comes back, ten times; who watches stays, and plays on.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::node::Node;
use crate::support::players::{assert_rising, times_of};
use crate::support::process::Process;
use crate::support::viewers::{Protocol, Viewer};
use crate::support::{SLACK, media, promise, slots};

const ROUNDS: usize = 10;
const VIEWERS: usize = 50;
const PROTOCOLS: [Protocol; 4] =
    [Protocol::Rtmp, Protocol::HttpTs, Protocol::HttpFlv, Protocol::Hls];
/// How long the publisher is away.
const GAP: Duration = Duration::from_secs(1);
/// How soon all have to play again.
const ALLOWED: Duration = Duration::from_secs(5);

/// What is certainly new: half a second of the clip, more than a server says without media; by HLS
/// the second segment, as the first may be the rest of what came before.
fn playing(protocol: Protocol) -> u64 {
    if protocol == Protocol::Hls { 2 } else { 20_000 }
}

#[test]
fn fifty_viewers_play_within_5_seconds_of_each_of_ten_returns() {
    let _slot = slots::alone();
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::new("north", folder.path());
    node.configure("stream cam { input publish://; segment_duration 2; }\n");
    node.start();
    node.wait_ready();
    let publish = || {
        let (url, log) = (node.publish_url("cam"), node.log_path("ffmpeg"));
        media::publish("ffmpeg".as_ref(), "bars.mp4", &url, &log)
    };
    let mut publisher = publish();
    node.wait_playing("cam");
    let files = ["mpegts", "live.flv"];
    let recorders: Vec<Process> = files.iter().map(|file| recorder(&node, file)).collect();
    let viewers: Vec<Viewer> =
        PROTOCOLS.iter().cycle().take(VIEWERS).map(|by| Viewer::start(*by, &node, "cam")).collect();
    let took = wait_all_playing(&viewers);
    println!("{VIEWERS} viewers play after {} ms", took.as_millis());

    let mut slowest = Duration::ZERO;
    for round in 1..=ROUNDS {
        publisher.kill();
        std::thread::sleep(GAP);
        publisher = publish();
        let took = wait_all_playing(&viewers);
        println!("return {round}: all play after {} ms", took.as_millis());
        slowest = slowest.max(took);
    }
    promise("50 viewers play after a return of the input", slowest, ALLOWED + SLACK);
    drop((viewers, recorders));
    for file in files {
        let bytes = std::fs::read(node.log_path(file)).unwrap();
        assert_rising(
            &format!("{file} over all returns"),
            &times_of(&bytes),
            &["video", "audio"],
            300,
        );
    }
}

/// curl, which keeps what it gets of `/cam/FILE`.
fn recorder(node: &Node, file: &str) -> Process {
    let mut command = Command::new("curl");
    command.args(["-sN", "-o"]).arg(node.log_path(file)).arg(node.playback_url("cam", file));
    Process::start(&format!("curl {file}"), &mut command, &node.log_path("curl"))
}

/// How long it takes until each has got new media from now on.
fn wait_all_playing(viewers: &[Viewer]) -> Duration {
    let begin = Instant::now();
    let wanted: Vec<u64> =
        viewers.iter().map(|viewer| viewer.received() + playing(viewer.protocol)).collect();
    let mut waiting: Vec<usize> = (0..viewers.len()).collect();
    while !waiting.is_empty() {
        for viewer in viewers {
            let end = viewer.ended();
            assert!(end.is_none(), "a viewer of {:?} was ended: {end:?}", viewer.protocol);
        }
        waiting.retain(|at| viewers[*at].received() < wanted[*at]);
        let protocols: Vec<Protocol> = waiting.iter().map(|at| viewers[*at].protocol).collect();
        assert!(
            begin.elapsed() < ALLOWED * 3,
            "still waiting after {ALLOWED:?} × 3: {protocols:?}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    begin.elapsed()
}
