//! Real players play by RTSP what the node has; nobody can steer another's session.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::http;
use crate::support::media;
use crate::support::node::{API, Node};
use crate::support::players::{assert_rising, gstreamer_rtsp, run};
use crate::support::rtsp_wire::{RtspAnswer, RtspClient};
use crate::support::slots::{self, Slot};

const LIMIT: Duration = Duration::from_secs(5);
/// Length of the looped file.
const CLIP_SECONDS: f64 = 10.0;

/// A node that loops a film with picture and sound.
fn node_with_film() -> (Slot, TempDir, Node) {
    let slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::new("north", folder.path());
    let clip = media::clip("bars.mp4");
    node.configure(&format!("stream film {{ input file://{}; }}\n", clip.display()));
    node.start();
    node.wait_ready();
    (slot, folder, node)
}

fn url(node: &Node) -> String {
    format!("rtsp://127.0.0.1:{}/film", node.rtsp)
}

/// What ffprobe lists of `entries` in `seconds` of `url`.
fn listed(url: &str, options: &[&str], list: &str, entries: &str, seconds: u32) -> Vec<Value> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json"]).args(options).args(["-show_entries", entries]);
    command.args(["-read_intervals", &format!("%+{seconds}"), url]);
    let output = run(&mut command, Duration::from_secs(30));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("ffprobe {url}: {e}; it said: {words}"));
    found[list].as_array().cloned().unwrap_or_default()
}

fn seconds_of(entry: &Value, field: &str) -> Option<f64> {
    entry[field].as_str().and_then(|text| text.parse().ok())
}

#[test]
fn ffmpeg_shows_rising_pictures_and_sound_by_tcp_and_udp() {
    let (_slot, _folder, node) = node_with_film();
    for protocol in ["tcp", "udp"] {
        let options = ["-rtsp_transport", protocol];
        let frames = listed(&url(&node), &options, "frames", "frame=media_type,pts_time", 2);
        let mut times = HashMap::<String, Vec<f64>>::new();
        for frame in &frames {
            let kind = frame["media_type"].as_str().unwrap().to_owned();
            times.entry(kind).or_default().extend(seconds_of(frame, "pts_time"));
        }
        assert_rising(protocol, &times.into_iter().collect(), &["video", "audio"], 40);
    }
}

#[test]
fn gstreamer_shows_rising_pictures_and_sound_by_tcp_and_udp() {
    let (_slot, _folder, node) = node_with_film();
    for protocol in ["tcp", "udp"] {
        let times = gstreamer_rtsp(&url(&node), protocol, 4);
        assert_rising(protocol, &times, &["video", "audio"], 50);
    }
}

/// Where in the file packets stand that there is only once: sound by its bytes, pictures by their
/// sizes, which RTP does not change.
fn landmarks(packets: &[Value]) -> HashMap<String, f64> {
    let mut found = HashMap::<String, Vec<f64>>::new();
    for packet in packets {
        found.entry(landmark(packet)).or_default().extend(seconds_of(packet, "pts_time"));
    }
    let once = |(name, times): (String, Vec<f64>)| (times.len() == 1).then(|| (name, times[0]));
    found.into_iter().filter_map(once).collect()
}

fn landmark(packet: &Value) -> String {
    match packet["codec_type"].as_str() {
        Some("audio") => format!("audio {}", packet["data_hash"]),
        _ => format!("video {}", packet["size"]),
    }
}

#[test]
fn picture_and_sound_are_as_far_apart_as_in_the_file() {
    let (_slot, _folder, node) = node_with_film();
    let entries = "packet=codec_type,pts_time,size,data_hash";
    let clip = media::clip("bars.mp4");
    let hashed = ["-show_data_hash", "md5"];
    let in_file = landmarks(&listed(clip.to_str().unwrap(), &hashed, "packets", entries, 60));
    let options = ["-rtsp_transport", "tcp", "-show_data_hash", "md5"];
    let packets = listed(&url(&node), &options, "packets", entries, 3);
    let shifts = |kind: &str| {
        let of_kind = packets.iter().filter(|packet| packet["codec_type"] == kind);
        let mut shifts: Vec<f64> = of_kind
            .filter_map(|packet| {
                let here = seconds_of(packet, "pts_time")?;
                Some((here - in_file.get(&landmark(packet))?).rem_euclid(CLIP_SECONDS))
            })
            .collect();
        shifts.sort_by(f64::total_cmp);
        assert!(shifts.len() > 10, "{} landmarks of {kind}", shifts.len());
        shifts[shifts.len() / 2]
    };
    let apart = (shifts("video") - shifts("audio")).abs();
    let apart = apart.min(CLIP_SECONDS - apart);
    println!("picture and sound: {:.0} ms / 50 ms allowed", apart * 1000.0);
    assert!(apart <= 0.05, "{apart} s apart");
}

/// DESCRIBE, and SETUP of the tracks with these transports; the last answer.
fn set_up(client: &mut RtspClient, url: &str, transports: &[&str]) -> RtspAnswer {
    let described = client.ask("DESCRIBE", url);
    assert_eq!(described.status, 200, "{described:?}");
    assert_eq!(described.body.matches("m=").count(), 2, "{described:?}");
    let mut last = described;
    for (track, transport) in transports.iter().enumerate() {
        let line = format!("Transport: {transport}");
        last = client.ask_with("SETUP", &format!("{url}/trackID={track}"), &[&line], "");
    }
    last
}

/// Sequence number and SSRC of an RTP packet.
fn rtp_of(packet: &[u8]) -> (u16, u32) {
    let ssrc = u32::from_be_bytes(packet[8..12].try_into().unwrap());
    (u16::from_be_bytes([packet[2], packet[3]]), ssrc)
}

#[test]
fn rtp_info_names_the_first_packet_at_first_and_after_a_pause() {
    let (_slot, _folder, node) = node_with_film();
    let url = url(&node);
    let mut client = RtspClient::connect(node.rtsp);
    let session = set_up(&mut client, &url, &["RTP/AVP/TCP;interleaved=6-7"]).session();
    let line = format!("Session: {session}");
    for _ in 0..2 {
        let play = client.ask_with("PLAY", &url, &[&line], "");
        assert_eq!(play.status, 200, "{play:?}");
        let info = play.header("rtp-info").unwrap().to_owned();
        let after = info.split_once(";seq=").unwrap().1;
        let sequence: u16 = after.split(';').next().unwrap().parse().unwrap();
        let mut channels = Vec::new();
        let first = loop {
            let (channel, packet) = client.frame();
            channels.push(channel);
            if channel == 6 {
                break rtp_of(&packet).0;
            }
        };
        assert_eq!(first, sequence, "{info}");
        assert!(channels.iter().all(|channel| [6, 7].contains(channel)), "{channels:?}");
        assert_eq!(client.ask_with("PAUSE", &url, &[&line], "").status, 200);
        client.forget_frames();
        // Nothing but the answer comes now.
        assert_eq!(client.ask_with("GET_PARAMETER", &url, &[&line], "").status, 200);
    }
}

#[test]
fn a_stranger_cannot_end_a_session_by_its_id() {
    let (_slot, _folder, node) = node_with_film();
    let url = url(&node);
    let mut victim = RtspClient::connect(node.rtsp);
    let transports = ["RTP/AVP/TCP;interleaved=0-1", "RTP/AVP/TCP;interleaved=2-3"];
    let session = set_up(&mut victim, &url, &transports).session();
    let line = format!("Session: {session}");
    assert_eq!(victim.ask_with("PLAY", &url, &[&line], "").status, 200);
    let mut stranger = RtspClient::connect(node.rtsp);
    for method in ["TEARDOWN", "PAUSE", "PLAY", "GET_PARAMETER"] {
        let answer = stranger.ask_with(method, &url, &[&line], "");
        assert_eq!(answer.status, 454, "{method}: {answer:?}");
    }
    let mut last = HashMap::new();
    for _ in 0..300 {
        let (channel, packet) = victim.frame();
        if channel % 2 == 0 {
            let (sequence, ssrc) = rtp_of(&packet);
            if let Some(before) = last.insert(ssrc, sequence) {
                assert_eq!(sequence, before.wrapping_add(1), "channel {channel}");
            }
        }
    }
    assert_eq!(last.len(), 2, "both tracks play on");
    assert_eq!(victim.ask_with("TEARDOWN", &url, &[&line], "").status, 200);
}

#[test]
fn players_are_listed_and_ended_by_tcp_and_udp() {
    let (_slot, _folder, node) = node_with_film();
    let url = url(&node);
    for transport in ["RTP/AVP/TCP;interleaved=0-1", "RTP/AVP;unicast;client_port=5000-5001"] {
        let mut client = RtspClient::connect(node.rtsp);
        let session = set_up(&mut client, &url, &[transport]).session();
        let line = format!("Session: {session}");
        assert_eq!(client.ask_with("PLAY", &url, &[&line], "").status, 200);
        let listed = node.api("/sessions")["sessions"][0].clone();
        assert_eq!((&listed["proto"], &listed["name"]), (&"rtsp".into(), &"film".into()));
        let path = format!("{API}/sessions/{}", listed["id"].as_str().unwrap());
        let answer = http::request(node.http, "DELETE", &path, &[], b"", LIMIT).unwrap();
        assert_eq!(answer.status, 204, "{transport}: {}", answer.text());
        client.read_to_end();
        assert_eq!(node.api("/sessions")["sessions"].as_array().map(Vec::len), Some(0));
    }
}

#[test]
fn media_goes_to_no_third_host() {
    let (_slot, _folder, node) = node_with_film();
    for transport in [
        "RTP/AVP;unicast;destination=127.0.0.2;client_port=5000-5001",
        "RTP/AVP;multicast;destination=239.0.0.1;port=5000-5001",
        "RTP/AVP/TCP;destination=192.0.2.1;interleaved=0-1",
    ] {
        let mut client = RtspClient::connect(node.rtsp);
        let answer = set_up(&mut client, &url(&node), &[transport]);
        assert_eq!(answer.status, 461, "{transport}: {answer:?}");
    }
}
