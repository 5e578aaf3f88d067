//! `preview.jpg`: the last keyframe as a picture, of the holder by any node, decoded only when
//! somebody asks, once for all who ask, and never at the cost of the node.

use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crate::support::cluster::{plan, publishable};
use crate::support::http::{self, Answer};
use crate::support::node::Node;
use crate::support::players::{curl, run};
use crate::support::rtmp_wire::{RtmpClient, chunks};
use crate::support::{eventually, media, promise_count, slots};

const LIMIT: Duration = Duration::from_secs(20);
/// The size of `bars.mp4`.
const WIDTH: usize = 640;
const HEIGHT: usize = 360;
/// How like the source a picture has to be, in dB: a JPEG of it reaches more, another frame of the
/// moving pattern a third less.
const LIKENESS_MIN: f64 = 30.0;
const DECODED: &str = "watershed_previews_total";

fn node(lines: &str, folder: &tempfile::TempDir) -> Node {
    let mut node = Node::new("north", folder.path());
    node.configure(lines);
    node.start();
    node.wait_ready();
    node
}

/// A stream that loops a file.
fn looped(name: &str, clip: &str) -> String {
    format!("stream {name} {{ input file://{}; }}\n", media::clip(clip).display())
}

fn preview(node: &Node, stream: &str) -> Answer {
    node.get(&format!("/{stream}/preview.jpg"))
}

/// Waits until there is a picture.
fn wait_preview(node: &Node, stream: &str) -> Answer {
    eventually(LIMIT, &format!("{} has a picture of {stream}", node.name), || {
        let answer = preview(node, stream);
        if answer.status == 200 { Ok(answer) } else { Err(answer.text()) }
    })
}

/// Waits until there is no picture for that reason.
fn wait_no_preview(node: &Node, stream: &str, reason: &str) {
    eventually(LIMIT, &format!("no picture of {stream}: {reason}"), || {
        let answer = preview(node, stream);
        let text = answer.text();
        if answer.status != 404 || !text.contains(reason) {
            return Err(format!("{}: {text}", answer.status));
        }
        assert_eq!(answer.json()["errors"][0]["code"], "no_preview", "{text}");
        assert_eq!(answer.json()["error"], "not_found", "{text}");
        Ok(())
    });
}

/// The pixels of every keyframe of a film or picture in red, green and blue, by ffmpeg.
fn keyframes(file: &str) -> Vec<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-skip_frame", "nokey", "-i", file, "-vsync", "passthrough"]);
    command.args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]);
    let output = run(&mut command, LIMIT);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let frames: Vec<_> =
        output.stdout.chunks_exact(WIDTH * HEIGHT * 3).map(<[u8]>::to_vec).collect();
    assert!(!frames.is_empty(), "no picture in {file}: {words}");
    frames
}

/// The peak signal-to-noise ratio of two pictures, in dB.
fn likeness(one: &[u8], other: &[u8]) -> f64 {
    let squares = one.iter().zip(other).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    let count = f64::from(u32::try_from(one.len()).unwrap());
    10.0 * (255.0 * 255.0 * count / squares.sum::<f64>().max(1.0)).log10()
}

/// Fails unless `jpeg` shows a keyframe of `bars.mp4`.
fn assert_is_keyframe(jpeg: &[u8], what: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("preview.jpg");
    std::fs::write(&path, jpeg).unwrap();
    let seen = keyframes(path.to_str().expect("a temporary path is text"));
    assert_eq!(seen.len(), 1, "{what}: one picture of {WIDTH}x{HEIGHT}");
    let source = keyframes(&media::clip("bars.mp4").display().to_string());
    assert!(source.len() > 2, "the clip has several keyframes");
    let mut likenesses: Vec<_> = source.iter().map(|frame| likeness(&seen[0], frame)).collect();
    likenesses.sort_by(f64::total_cmp);
    println!("{what}: like the keyframes by {likenesses:.1?} dB");
    assert!(likenesses.pop().unwrap() > LIKENESS_MIN, "{what} is no keyframe");
    assert!(likenesses.pop().unwrap() < LIKENESS_MIN, "{what} is like every keyframe");
}

#[test]
fn picture_is_the_holders_last_keyframe_at_every_node() {
    let cluster = plan().config("south", &publishable(&["cam"])).start_connected();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    assert_eq!(preview(south, "cam").status, 503, "it may come any moment");
    let log = south.log_path("ffmpeg");
    let _publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &south.publish_url("cam"), &log);
    let answer = wait_preview(south, "cam");
    assert_eq!(answer.header("content-type"), Some("image/jpeg"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_is_keyframe(&answer.body, "the picture at the holder");

    eventually(LIMIT, "north sends to south", || {
        let answer = preview(north, "cam");
        let wanted = south.playback_url("cam", "preview.jpg?_via=");
        match answer.location() {
            Some(location) if answer.status == 302 && location.starts_with(&wanted) => Ok(()),
            _ => Err(format!("{}: {}", answer.status, answer.text())),
        }
    });
    let (last, jpeg) = curl(&north.playback_url("cam", "preview.jpg"), 10);
    assert!(last.starts_with(&south.playback_url("cam", "preview.jpg")), "{last}");
    assert_is_keyframe(&jpeg, "the picture by way of another node");

    let head = run(Command::new("curl").args(["-sSI", &last]), LIMIT).stdout;
    let head = String::from_utf8_lossy(&head);
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("image/jpeg"), "{head}");
    let post = http::request(south.http, "POST", "/cam/preview.jpg", &[], b"", LIMIT).unwrap();
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(preview(south, "nobody").status, 404);

    let stats = south.api("/streams/cam")["stats"].clone();
    let clients = (stats["online_clients"].as_u64(), stats["client_count"].as_u64());
    assert_eq!(clients, (Some(0), Some(0)), "who looks at a picture is no viewer");
}

#[test]
fn pictures_are_decoded_once_for_all_who_ask() {
    const CLIENTS: usize = 20;
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let node =
        node(&format!("limits {{ preview_age 1h; }}\n{}", looped("film", "bars.mp4")), &folder);
    node.wait_playing("film");
    assert!(node.metric(DECODED) < 0.5, "nobody has asked");
    let barrier = Barrier::new(CLIENTS);
    let pictures: Vec<_> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    preview(&node, "film")
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    for picture in &pictures {
        assert_eq!(picture.status, 200, "{}", picture.text());
        assert_eq!(picture.body, pictures[0].body, "all are given the same");
    }
    let decoded = node.metric(DECODED);
    println!("{CLIENTS} at once: {decoded} decoded / 1 allowed");
    assert!((decoded - 1.0).abs() < 0.5);
}

#[test]
fn picture_is_made_anew_when_it_is_old() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let node =
        node(&format!("limits {{ preview_age 1; }}\n{}", looped("film", "bars.mp4")), &folder);
    let first = wait_preview(&node, "film");
    eventually(LIMIT, "another picture", || {
        let next = wait_preview(&node, "film");
        if next.body == first.body { Err("still the first".to_owned()) } else { Ok(()) }
    });
}

#[test]
fn what_has_no_picture_says_why() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let on_demand = looped("idle", "bars.mp4").replace("; }", "; static off; }");
    let streams = [("film", "bars.mp4"), ("hevc", "hevc.mp4"), ("sound", "audio-only.mp4")];
    let streams = streams.map(|(name, clip)| looped(name, clip)).concat();
    let lines = format!("{streams}{on_demand}");
    let mut node = node(&lines, &folder);
    wait_preview(&node, "film");
    wait_no_preview(&node, "hevc", "no decoder for hevc");
    wait_no_preview(&node, "sound", "no video");
    wait_no_preview(&node, "idle", "not running");
    assert_eq!(node.api("/streams/idle")["stats"]["alive"], false, "a look does not start it");

    node.configure(&format!("preview off;\n{lines}"));
    node.reload();
    wait_no_preview(&node, "film", "switched off");
    node.configure(&lines);
    node.reload();
    wait_preview(&node, "film");
}

#[test]
fn node_that_relays_shows_what_it_plays() {
    let cluster = plan()
        .config("north", "http_redirect never;\n")
        .config("south", &looped("cam", "bars.mp4"))
        .start_connected();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    south.wait_playing("cam");
    let clients = || south.api("/streams/cam")["stats"]["client_count"].as_u64();
    let before = clients();
    wait_no_preview(north, "cam", "nobody plays it here");
    assert_eq!(clients(), before, "a look pulls nothing");
    let _viewer = http::take(north.http, "/cam/mpegts", 64 * 1024);
    assert_is_keyframe(&wait_preview(north, "cam").body, "the picture of a relay");
}

/// High, 640x360, as x264 writes it.
const SPS: &[u8] = &[
    0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00,
    0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2d, 0x96,
];
const PPS: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];
/// Baseline, 16,384x16,384 as coded and 16x16 to be seen.
const SPS_VAST: &[u8] = &[
    0x67, 0x42, 0x00, 0x33, 0xda, 0x00, 0x10, 0x00, 0x00, 0x80, 0x1e, 0x00, 0x1f, 0xf9, 0x80, 0x07,
    0xfe, 0x50,
];

/// Publishes one keyframe of those NAL units, and others after it, until the answer is dropped.
fn publish_units(node: &Node, stream: &str, sps: &[u8], units: &[Vec<u8>]) -> RtmpClient {
    let sized = |set: &[u8]| [&u16::try_from(set.len()).unwrap().to_be_bytes(), set].concat();
    let record = [&[1, sps[1], sps[2], sps[3], 0xff, 0xe1][..], &sized(sps), &[1], &sized(PPS)];
    let units = units.iter().flat_map(|unit| {
        let size = u32::try_from(unit.len()).unwrap().to_be_bytes();
        size.into_iter().chain(unit.iter().copied())
    });
    // Keyframe of AVC: the decoder's configuration, then an access unit.
    let header = [&[0x17, 0, 0, 0, 0][..], &record.concat()].concat();
    let keyframe: Vec<u8> = [0x17, 1, 0, 0, 0].into_iter().chain(units).collect();
    let mut client = RtmpClient::connect(node.rtmp);
    client.send_connect("static", &format!("rtmp://127.0.0.1:{}/static", node.rtmp), None);
    client.wait_command(&["_result"]);
    client.send_on_stream("publish", stream);
    client.wait_command(&["onStatus"]);
    client.send_raw(&chunks(4, 9, 1, &header)).unwrap();
    // A second without sound, and the stream goes on air without.
    for at_ms in [0_u32, 1000, 2000] {
        let mut message = chunks(4, 9, 1, &keyframe);
        message[1..4].copy_from_slice(&at_ms.to_be_bytes()[1..]);
        client.send_raw(&message).unwrap();
    }
    client
}

#[test]
fn hostile_pictures_cost_the_node_nothing() {
    const MEMORY_MAX: u64 = 64 << 20;
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let names = ["vast", "inner", "noise", "slices"];
    let lines = looped("film", "bars.mp4") + &publishable(&names);
    let mut node = node(&lines, &folder);
    wait_preview(&node, "film");
    let before = node.resident_bytes();

    let noise = |seed: u32, size: u32| -> Vec<u8> {
        let bytes = (0..size).map(|at| (at.wrapping_add(seed)).wrapping_mul(0x9e37_79b1) >> 24);
        [0x65, 0x88].into_iter().chain(bytes.map(|byte| u8::try_from(byte).unwrap() | 1)).collect()
    };
    let slices: Vec<_> = (0..5000).map(|seed| noise(seed, 40)).collect();
    let _publishers = [
        publish_units(&node, "vast", SPS_VAST, &[noise(1, 1000)]),
        publish_units(&node, "inner", SPS, &[SPS_VAST.to_vec(), noise(1, 1000)]),
        publish_units(&node, "noise", SPS, &[noise(1, 60_000)]),
        publish_units(&node, "slices", SPS, &slices),
    ];
    for stream in ["vast", "inner"] {
        wait_no_preview(&node, stream, "16384x16384 are too large");
    }
    for stream in ["noise", "slices"] {
        // What noise means to a decoder is its own affair.
        eventually(LIMIT, &format!("{stream} is looked at"), || {
            let answer = preview(&node, stream);
            let is_settled = answer.status == 200 || answer.text().contains("not decodable");
            if is_settled { Ok(()) } else { Err(answer.text()) }
        });
    }
    let after = node.resident_bytes();
    promise_count("memory, bytes above before", after.saturating_sub(before), MEMORY_MAX);
    node.assert_running();
    assert_is_keyframe(&wait_preview(&node, "film").body, "the picture beside them");
}
