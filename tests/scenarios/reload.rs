//! Peers come, change and go, by SIGHUP and by the API, and a file that cannot be used changes
//! nothing: neither a viewer nor the other peer notices any of it.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::cluster::KEY;
use crate::support::http;
use crate::support::mock_peer::MockPeer;
use crate::support::node::{API, Node};
use crate::support::players::{assert_rising, assert_steps, ffprobe};
use crate::support::{eventually, media, slots};

const LIMIT: Duration = Duration::from_secs(5);
/// Longer than the story takes.
const WATCHED_SECONDS: u32 = 20;

/// The lines that stay: a stream of its own, and the peer that is not touched.
fn kept_lines(honest: &MockPeer) -> String {
    format!(
        "cluster_key {KEY};\nstream cam {{ input file://{}; }}\n\
         peer honest {{ api_url http://127.0.0.1:{}; }}\n",
        media::clip("bars.mp4").display(),
        honest.port
    )
}

/// Asks for the untouched peer and its stream until `is_over`.
fn watch_honest(node: &Node, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        assert_eq!(node.peer_state("honest").0, "up", "the peer that nobody touched");
        assert_eq!(node.get("/honest-cam/index.m3u8").status, 302, "its stream");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until the node redirects to the mock.
fn wait_redirect(node: &Node, to: &MockPeer) {
    let wanted = format!("http://127.0.0.1:{}/", to.port);
    eventually(LIMIT, &format!("{} redirects to {wanted}", node.name), || {
        let answer = node.get("/guest-cam/index.m3u8");
        let is_there = answer.location().is_some_and(|location| location.starts_with(&wanted));
        if is_there { Ok(()) } else { Err(format!("{} {:?}", answer.status, answer.location())) }
    });
}

/// Waits until the guest is no peer any more; its streams have gone with it.
fn wait_gone(node: &Node) {
    eventually(LIMIT, "the guest is no peer any more", || {
        let status = node.get(&format!("{API}/cluster/peers/guest")).status;
        if status == 404 { Ok(()) } else { Err(status.to_string()) }
    });
    eventually(LIMIT, "nobody is sent to a peer that was removed", || {
        let status = node.get("/guest-cam/index.m3u8").status;
        if matches!(status, 404 | 503) { Ok(()) } else { Err(status.to_string()) }
    });
}

fn by_signal(node: &mut Node, kept: &str, guests: &[MockPeer; 2]) {
    let guest =
        |mock: &MockPeer| format!("peer guest {{ api_url http://127.0.0.1:{}; }}\n", mock.port);
    for mock in guests {
        node.configure(&format!("{kept}{}", guest(mock)));
        node.reload();
        wait_redirect(node, mock);
    }
    node.configure(kept);
    node.reload();
    wait_gone(node);
}

fn by_api(node: &Node, guests: &[MockPeer; 2]) {
    let target = format!("{API}/cluster/peers/guest");
    for mock in guests {
        let body = json!({"api_url": format!("http://127.0.0.1:{}", mock.port)});
        let answer = http::send_json(node.http, "PUT", &target, &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        wait_redirect(node, mock);
    }
    assert_eq!(http::send_json(node.http, "DELETE", &target, &Value::Null).status, 204);
    wait_gone(node);
}

/// What the node says of itself and of its peers, without what changes by itself.
fn told(node: &Node) -> (Value, Vec<Value>) {
    let mut peers = node.api("/cluster/peers")["peers"].as_array().unwrap().clone();
    peers.iter_mut().for_each(|peer| peer["stats"] = json!(peer["stats"]["state"]));
    (node.api("/config/stats")["streamer_status"].clone(), peers)
}

fn by_a_broken_file(node: &mut Node, kept: &str) {
    let (status, peers) = told(node);
    assert_eq!(status, "running");
    node.configure(&format!("{kept}peer honest;\npeer guest {{ fetch_timeuot 1; }}\n"));
    let broken = fs::read_to_string(node.config_path()).unwrap();
    node.reload();
    eventually(LIMIT, "the broken file shows", || {
        let (status, _) = told(node);
        if status == "broken_config" { Ok(()) } else { Err(status.to_string()) }
    });
    assert_eq!(told(node).1, peers, "a broken file has changed something");
    assert_eq!(fs::read_to_string(node.config_path()).unwrap(), broken, "the file was written");
    let log = node.log();
    for words in ["`fetch_timeuot`", "`peer honest` is given twice", "stay as they were"] {
        assert!(log.contains(words), "{words} is not in the log: {log}");
    }
    let target = format!("{API}/cluster/peers/honest");
    let answer = http::send_json(node.http, "PUT", &target, &json!({"fetch_timeout": 2000}));
    assert_eq!(answer.status, 409, "{}", answer.text());

    node.configure(kept);
    node.reload();
    eventually(LIMIT, "the good file is in force", || {
        let (status, _) = told(node);
        if status == "running" { Ok(()) } else { Err(status.to_string()) }
    });
    assert_eq!(told(node).1, peers);
}

#[test]
fn nobody_else_notices_that_peers_come_change_and_go() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let honest = MockPeer::start("honest", KEY, &["honest-cam"]);
    let guests = [0, 1].map(|_| MockPeer::start("guest", KEY, &["guest-cam"]));
    let mut node = Node::new("north", folder.path());
    let kept = kept_lines(&honest);
    node.configure(&kept);
    node.start();
    node.wait_ready();
    node.wait_playing("cam");
    node.wait_peer("honest", "up", LIMIT);
    let id = |node: &Node| node.api("/streams/cam")["stats"]["id"].clone();
    let before = id(&node);
    let url = node.playback_url("cam", "mpegts");
    let viewer = thread::spawn(move || ffprobe(&url, WATCHED_SECONDS).1);

    by_watched(&mut node, |node| by_signal(node, &kept, &guests));
    by_watched(&mut node, |node| by_api(node, &guests));
    by_watched(&mut node, |node| by_a_broken_file(node, &kept));
    assert!(!viewer.is_finished(), "the viewer has seen all of it");

    let times = viewer.join().unwrap();
    assert_rising("the viewer", &times, &["video", "audio"], 400);
    assert_steps("the viewer", &times, "video", 0.119);
    assert_eq!(id(&node), before, "the stream was started anew");
    node.assert_running();
}

/// Does `change` while another thread watches the peer that is not touched.
fn by_watched(node: &mut Node, change: impl FnOnce(&mut Node)) {
    let is_over = AtomicBool::new(false);
    let watched = node.twin();
    thread::scope(|scope| {
        let watching = scope.spawn(|| watch_honest(&watched, &is_over));
        change(node);
        is_over.store(true, Ordering::Relaxed);
        watching.join().unwrap();
    });
}
