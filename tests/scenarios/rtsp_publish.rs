//! Real encoders publish by RTSP; what gets lost on the way costs no more than it must.

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::media;
use crate::support::node::Node;
use crate::support::players::{assert_rising, curl, ffprobe, run, times_of};
use crate::support::process::Process;
use crate::support::rtsp_wire::{RtspAnswer, RtspClient};
use crate::support::slots::{self, Slot};
use crate::support::{Dice, SLACK, eventually, promise};

const BOTH: [&str; 2] = ["video", "audio"];

fn node() -> (Slot, TempDir, Node) {
    let slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::new("north", folder.path());
    node.configure(&format!(
        "stream cam {{ input publish://; password s3cret; }}\nstream open {{ input publish://; }}\n\
         stream soon {{ input publish://; source_timeout 2; }}\n\
         stream film {{ input file://{}; }}\n",
        media::clip("bars.mp4").display()
    ));
    node.start();
    node.wait_ready();
    (slot, folder, node)
}

fn url(node: &Node, credentials: &str, stream: &str) -> String {
    format!("rtsp://{credentials}127.0.0.1:{}/{stream}", node.rtsp)
}

/// ffmpeg publishing the clip over and over.
fn publish(url: &str, protocol: &str, log: &Path) -> Process {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "warning", "-re", "-stream_loop", "-1", "-i"]);
    command.arg(media::clip("bars.mp4")).args(["-c", "copy", "-f", "rtsp"]);
    command.args(["-rtsp_transport", protocol, url]);
    Process::start(&format!("ffmpeg to {url}"), &mut command, log)
}

fn wait_alive(node: &Node, stream: &str) {
    eventually(Duration::from_secs(10), &format!("{stream} is alive"), || {
        let stats = node.api(&format!("/streams/{stream}"))["stats"].clone();
        if stats["alive"] == true { Ok(()) } else { Err(stats.to_string()) }
    });
}

/// ffmpeg publishes with a password, and what comes out has picture and sound.
fn publish_with_a_digest(protocol: &str) {
    let (_slot, _folder, node) = node();
    let log = node.log_path("ffmpeg");
    let _publisher = publish(&url(&node, "u:s3cret@", "cam"), protocol, &log);
    wait_alive(&node, "cam");
    assert_plays(&node, "cam");
    let told = std::fs::read_to_string(&log).unwrap();
    assert!(told.is_empty(), "ffmpeg by {protocol}: {told}");
}

/// GStreamer publishes, and what comes out has picture and sound.
fn publish_with_gstreamer(protocol: &str) {
    let (_slot, _folder, node) = node();
    let mut command = Command::new("gst-launch-1.0");
    command.args(["-q", "rtspclientsink", "name=s", &format!("protocols={protocol}")]);
    command.arg(format!("location={}", url(&node, "", "open"))).arg("filesrc");
    command.arg(format!("location={}", media::clip("bars.mp4").display()));
    let tracks = "! qtdemux name=d d.video_0 ! h264parse ! queue ! s. \
                  d.audio_0 ! aacparse ! queue ! s.";
    command.args(tracks.split_whitespace());
    let _publisher = Process::start("gst-launch-1.0", &mut command, &node.log_path("gst"));
    wait_alive(&node, "open");
    assert_plays(&node, "open");
}

fn assert_plays(node: &Node, stream: &str) {
    let (streams, times) = ffprobe(&node.playback_url(stream, "mpegts"), 2);
    assert_eq!(streams.len(), 2, "{streams:?}");
    assert_rising(stream, &times, &BOTH, 25);
}

#[test]
fn ffmpeg_publishes_by_tcp_with_a_digest() {
    publish_with_a_digest("tcp");
}

#[test]
fn ffmpeg_publishes_by_udp_with_a_digest() {
    publish_with_a_digest("udp");
}

#[test]
fn gstreamer_publishes_by_tcp() {
    publish_with_gstreamer("tcp");
}

#[test]
fn gstreamer_publishes_by_udp() {
    publish_with_gstreamer("udp");
}

/// What the node answers to ANNOUNCE of a film's own description.
fn announce(node: &Node, stream: &str, headers: &[&str]) -> RtspAnswer {
    let sdp = RtspClient::connect(node.rtsp).ask("DESCRIBE", &url(node, "", "film")).body;
    let mut client = RtspClient::connect(node.rtsp);
    client.ask_with("ANNOUNCE", &url(node, "", stream), headers, &sdp)
}

#[test]
fn each_refusal_of_a_publisher_has_its_status() {
    let (_slot, _folder, node) = node();
    for (stream, status) in [("nobody", 404), ("../x", 404), ("film", 403), ("cam", 401)] {
        assert_eq!(announce(&node, stream, &[]).status, status, "{stream}");
    }
    let challenge = announce(&node, "cam", &[]);
    assert!(challenge.header("www-authenticate").unwrap().starts_with("Digest "), "{challenge:?}");
    // u:wrong, u:s3cret
    for (credentials, status) in [("dTp3cm9uZw==", 401), ("dTpzM2NyZXQ=", 200)] {
        let line = format!("Authorization: Basic {credentials}");
        assert_eq!(announce(&node, "cam", &[&line]).status, status, "{credentials}");
    }
    let empty = RtspClient::connect(node.rtsp).ask("ANNOUNCE", &url(&node, "", "open"));
    assert_eq!(empty.status, 415, "{empty:?}");
    let _publisher = publish(&url(&node, "", "open"), "tcp", &node.log_path("ffmpeg"));
    wait_alive(&node, "open");
    assert_eq!(announce(&node, "open", &[]).status, 409);
}

/// Freezes a publisher and times how long it is still listed; the next one finds the place free.
fn freeze(protocol: &str) {
    let (_slot, _folder, node) = node();
    let log = node.log_path("ffmpeg");
    let publisher = publish(&url(&node, "", "soon"), protocol, &log);
    wait_alive(&node, "soon");
    publisher.signal("STOP");
    let frozen = Instant::now();
    eventually(Duration::from_secs(10), "nobody publishes any more", || {
        let sessions = node.api("/sessions?type=publish")["sessions"].clone();
        if sessions == serde_json::json!([]) { Ok(()) } else { Err(sessions.to_string()) }
    });
    let promised = Duration::from_secs(2) + SLACK;
    promise(&format!("a frozen publisher by {protocol} is noticed"), frozen.elapsed(), promised);
    assert_eq!(announce(&node, "soon", &[]).status, 200);
}

#[test]
fn a_publisher_that_vanishes_without_closing_is_noticed_in_source_timeout() {
    freeze("tcp");
    freeze("udp");
}

/// Plays `film` by TCP and publishes its packets as `open` by UDP for 9 seconds. From 1 to 4, when
/// a player has its first picture, one in ten gets lost; a keyframe comes every 2. The answer is
/// how many were lost.
fn republish_with_losses(node: &Node) -> usize {
    let mut player = RtspClient::connect(node.rtsp);
    let (from, to) = (url(node, "", "film"), url(node, "", "open"));
    let sdp = player.ask("DESCRIBE", &from).body;
    let mut publisher = RtspClient::connect(node.rtsp);
    assert_eq!(publisher.ask_with("ANNOUNCE", &to, &[], &sdp).status, 200);
    let (mut sockets, mut sessions) = (Vec::new(), Vec::new());
    for track in 0..2 {
        let channels =
            format!("Transport: RTP/AVP/TCP;interleaved={}-{}", 2 * track, 2 * track + 1);
        let setup = player.ask_with("SETUP", &format!("{from}/trackID={track}"), &[&channels], "");
        let [rtp, rtcp] = [0, 1].map(|_| UdpSocket::bind(("127.0.0.1", 0)).unwrap());
        let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
        let ports = format!(
            "Transport: RTP/AVP;unicast;client_port={}-{};mode=record",
            port(&rtp),
            port(&rtcp)
        );
        let answer = publisher.ask_with("SETUP", &format!("{to}/trackID={track}"), &[&ports], "");
        let transport = answer.header("transport").unwrap().to_owned();
        let server = transport.split_once("server_port=").unwrap().1;
        let server: u16 = server.split('-').next().unwrap().parse().unwrap();
        rtp.connect(("127.0.0.1", server)).unwrap();
        rtcp.connect(("127.0.0.1", server + 1)).unwrap();
        sockets.extend([rtp, rtcp]);
        sessions = vec![setup.session(), answer.session()];
    }
    let line = |index: usize| format!("Session: {}", sessions[index]);
    assert_eq!(publisher.ask_with("RECORD", &to, &[&line(1)], "").status, 200);
    assert_eq!(player.ask_with("PLAY", &from, &[&line(0)], "").status, 200);
    let (mut dice, start) = (Dice::new(), Instant::now());
    let mut lost = 0;
    while start.elapsed() < Duration::from_secs(9) {
        let (channel, packet) = player.frame();
        let lossy = (1..4).contains(&start.elapsed().as_secs());
        if channel % 2 == 0 && lossy && dice.below(10) == 0 {
            lost += 1;
            continue;
        }
        sockets[usize::from(channel)].send(&packet).unwrap();
    }
    lost
}

#[test]
fn one_lost_packet_in_ten_costs_no_more_than_the_pictures_up_to_the_next_keyframe() {
    let (_slot, folder, node) = node();
    let twin = node.twin();
    let publishing = std::thread::spawn(move || republish_with_losses(&twin));
    wait_alive(&node, "open");
    let (_, bytes) = curl(&node.playback_url("open", "mpegts"), 8);
    let lost = publishing.join().unwrap();
    assert!(lost > 5, "{lost} packets lost");
    let times = times_of(&bytes);
    assert_rising("with losses", &times, &["video"], 50);
    assert_rising("with losses", &times, &["audio"], 250);
    let last = |kind: &str| *times[kind].last().unwrap();
    let (video, audio) = (last("video"), last("audio"));
    assert!((video - audio).abs() < 0.5, "the picture goes on: to {video}, the sound to {audio}");
    // What is shown is whole: a decoder has nothing to complain of. The end may be cut off.
    let file = folder.path().join("received.ts");
    std::fs::write(&file, bytes).unwrap();
    let mut decode = Command::new("ffmpeg");
    decode.args(["-v", "error", "-i"]).arg(&file).args(["-t", "4", "-f", "null", "-"]);
    let output = run(&mut decode, Duration::from_secs(10));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.is_empty(), "{words}");
}
