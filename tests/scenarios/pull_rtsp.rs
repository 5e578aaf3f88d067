//! Streams pulled by RTSP from a server that is not ours (GStreamer's).

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::media::{RtspServer, clip};
use crate::support::node::Node;
use crate::support::players::{assert_rising, curl, ffprobe, run};
use crate::support::{SLACK, promise, slots};

/// How far sound and picture may be apart.
const SYNC: f64 = 0.05;

fn node(folder: &Path, lines: &str) -> Node {
    let mut node = Node::new("north", folder);
    node.configure(lines);
    node.start();
    node.wait_ready();
    node
}

fn first_segment(node: &Node, stream: &str) -> Vec<u8> {
    let (_, playlist) = curl(&node.playback_url(stream, "video.m3u8"), 5);
    let playlist = String::from_utf8(playlist).unwrap();
    let segment = playlist.lines().find(|line| !line.starts_with('#')).unwrap();
    curl(&node.playback_url(stream, segment), 5).1
}

/// When each frame of `kind` (`v` or `a`) is shown, by the hash of its content; frames that occur
/// twice are left out. Pictures are decoded; sound is compared as it was encoded.
fn frames(path: &Path, kind: &str) -> HashMap<String, f64> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "quiet", "-copyts", "-i"]).arg(path).args(["-map", &format!("0:{kind}")]);
    if kind == "a" {
        command.args(["-c", "copy", "-bsf:a", "aac_adtstoasc"]);
    } else {
        command.args(["-vsync", "passthrough", "-enc_time_base", "-1"]);
    }
    command.args(["-f", "framemd5", "-"]);
    let output = run(&mut command, Duration::from_secs(30));
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let tick = words.lines().find_map(|line| line.strip_prefix("#tb 0: 1/")).unwrap();
    let rate: f64 = tick.trim().parse().unwrap();
    let (mut found, mut twice) = (HashMap::new(), Vec::new());
    for line in words.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let time = fields[2].parse::<f64>().unwrap() / rate;
        if found.insert(fields[5].to_owned(), time).is_some() {
            twice.push(fields[5].to_owned());
        }
    }
    found.retain(|hash, _| !twice.contains(hash));
    found
}

/// By how much `kind` was moved on its way from `source` to `received`: the middle of all frames.
fn shift(source: &Path, received: &Path, kind: &str) -> f64 {
    let (source, received) = (frames(source, kind), frames(received, kind));
    let moved = |(hash, time): (&String, &f64)| Some(time - source.get(hash)?);
    let mut shifts: Vec<f64> = received.iter().filter_map(moved).collect();
    assert!(shifts.len() > 20, "{} of {} frames known: {kind}", shifts.len(), received.len());
    shifts.sort_by(f64::total_cmp);
    shifts[shifts.len() / 2]
}

#[test]
fn rtsp_is_pulled_over_tcp_and_udp_with_a_login_and_in_sync() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("server.log");
    let server = RtspServer::start("bars.mp4", "h264", Some(("viewer", "pa/ss")), &log);
    let url = |password: &str| format!("rtsp://viewer:{password}@127.0.0.1:{}/cam", server.port);
    let mut node = node(
        folder.path(),
        &format!(
            "stream tcp {{ segment_duration 2; input {}; }}\n\
             stream udp {{ segment_duration 2; input {} {{ rtsp_transport udp; }} }}\n\
             stream wrong {{ input {}; }}\n",
            url("pa%2Fss"),
            url("pa%2Fss"),
            url("s3cret")
        ),
    );
    for stream in ["tcp", "udp"] {
        node.wait_playing(stream);
        let received = folder.path().join(format!("{stream}.ts"));
        std::fs::write(&received, first_segment(&node, stream)).unwrap();
        let (_, times) = ffprobe(received.to_str().unwrap(), 10);
        assert_rising(stream, &times, &["video", "audio"], 25);
        let source = clip("bars.mp4");
        let apart = shift(&source, &received, "v") - shift(&source, &received, "a");
        println!("{stream}: sound and picture are {apart:.3} s apart");
        assert!(apart.abs() < SYNC, "{stream}: sound and picture are {apart} s apart");
    }
    let error = node.wait_source_error("wrong", "401: wrong user or password");
    assert!(!error.contains("s3cret"), "{error}");
    let log = node.log();
    assert!(!log.contains("s3cret") && !log.contains("pa/ss") && !log.contains("pa%2Fss"));
}

#[test]
fn a_server_that_refuses_tcp_is_pulled_over_udp_unless_tcp_is_wanted() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let server = RtspServer::start("bars.mp4", "h264", None, &folder.path().join("server.log"));
    let url = format!("rtsp://127.0.0.1:{}/udp", server.port);
    let lines = format!(
        "stream cam {{ input {url}; }}\nstream tcp {{ input {url} {{ rtsp_transport tcp; }} }}\n"
    );
    let node = node(folder.path(), &lines);
    node.wait_playing("cam");
    let (_, times) = ffprobe(&node.playback_url("cam", "mpegts"), 2);
    assert_rising("cam", &times, &["video", "audio"], 25);
    node.wait_source_error("tcp", "461: transport not supported by the server");
}

#[test]
fn h265_is_pulled_by_rtsp() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let server = RtspServer::start("hevc.mp4", "h265", None, &folder.path().join("server.log"));
    let lines = format!(
        "stream cam {{ segment_duration 2; input rtsp://127.0.0.1:{}/cam; }}\n",
        server.port
    );
    let node = node(folder.path(), &lines);
    node.wait_playing("cam");
    let (streams, times) = ffprobe(&node.playback_url("cam", "mpegts"), 2);
    assert!(streams.iter().any(|stream| stream["codec_name"] == "hevc"), "{streams:?}");
    assert_rising("pulled", &times, &["video", "audio"], 25);
}

#[test]
fn a_camera_that_vanishes_is_noticed_and_the_next_input_takes_over() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut server = RtspServer::start("bars.mp4", "h264", None, &folder.path().join("server.log"));
    let node = node(
        folder.path(),
        &format!(
            "stream cam {{ source_timeout 2; input rtsp://127.0.0.1:{}/cam; input file://{}; }}\n",
            server.port,
            clip("mono.mp4").display()
        ),
    );
    let width = || {
        let stats = node.api("/streams/cam")["stats"].clone();
        let tracks = stats["media_info"]["tracks"].as_array().cloned().unwrap_or_default();
        tracks.iter().find_map(|track| track["width"].as_u64())
    };
    let wait_width = |wanted: u64| {
        crate::support::eventually(Duration::from_secs(10), "the right input is on air", || {
            if width() == Some(wanted) { Ok(()) } else { Err(format!("{:?}", width())) }
        });
    };
    wait_width(640);
    server.freeze();
    let frozen = Instant::now();
    wait_width(320);
    promise("fail-over after silence", frozen.elapsed(), Duration::from_secs(4) + SLACK);
    node.wait_source_error("cam", "no data for 2 s");
    server.kill();
}
