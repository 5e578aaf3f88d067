//! North redirects nobody: it plays what south and east capture itself, pulled once.

use std::io::Read;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::cluster::{Cluster, KEY, plan};
use crate::support::node::{API, Node};
use crate::support::openmetrics::Exposition;
use crate::support::players::{assert_rising, curl, ffprobe};
use crate::support::probe::port_of;
use crate::support::signature::{Keys, Statement, nonce};
use crate::support::{eventually, http, media, promise, promise_count, unix_seconds};

const LIMIT: Duration = Duration::from_secs(20);
const CLIENTS: u64 = 20;
/// How much longer than noticing a death players may wait for another holder, or for their end.
const SEARCH: Duration = Duration::from_secs(6);

/// Three nodes, of which north redirects nobody; `holders` capture `cam`.
fn cluster(holders: &[&str]) -> Cluster {
    let clip = media::clip("bars.mp4");
    let cam = format!("stream cam {{ input file://{}; }}\n", clip.display());
    let mut plan = plan().config("north", "http_redirect never;\n");
    for holder in holders {
        plan = plan.config(holder, &cam);
    }
    let cluster = plan.start_connected();
    let north = cluster.node("north");
    for holder in holders {
        eventually(LIMIT, &format!("north knows the cam of {holder}"), || {
            let running_on = north.get(&format!("{API}/streams/cam")).text();
            if running_on.contains(holder) { Ok(()) } else { Err(running_on) }
        });
    }
    cluster
}

/// Nodes that relay `cam` from `node`; none of them is among its sessions.
fn relays(node: &Node) -> u64 {
    let stats = node.api("/streams/cam")["stats"].take();
    assert_eq!(stats["client_count"], 0, "{stats}");
    stats["relays"].as_u64().unwrap()
}

/// Bytes that came within `time`, and whether the answer has ended then: by its last chunk.
fn read_for(socket: &mut TcpStream, time: Duration) -> (usize, bool) {
    let (begin, mut received, mut buffer) = (Instant::now(), 0, vec![0; 64 << 10]);
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    while begin.elapsed() < time {
        match socket.read(&mut buffer) {
            Ok(0) => return (received, true),
            Ok(bytes) if buffer[..bytes].ends_with(b"0\r\n\r\n") => return (received, true),
            Ok(bytes) => received += bytes,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return (received, true),
        }
    }
    (received, false)
}

#[test]
fn hls_and_ts_of_a_peer_play_at_the_asked_node() {
    let cluster = cluster(&["south"]);
    let north = cluster.node("north");
    for file in ["index.m3u8", "mpegts"] {
        let url = north.playback_url("cam", file);
        let (streams, times) = ffprobe(&url, 5);
        let codecs: Vec<_> = streams.iter().map(|stream| &stream["codec_name"]).collect();
        assert_eq!(codecs, ["h264", "aac"], "{url}");
        assert_rising(&url, &times, &["video", "audio"], 50);
    }
    let url = format!("{}?token=t1", north.playback_url("cam", "video.m3u8"));
    let (last, playlist) = curl(&url, 10);
    assert_eq!(port_of(&last), Some(north.http), "{last}");
    let text = String::from_utf8(playlist).unwrap();
    let segment = text.lines().rfind(|line| !line.is_empty() && !line.starts_with('#')).unwrap();
    assert!(segment.ends_with("?token=t1"), "{segment}");
    let bytes = north.get(&format!("/cam/{segment}"));
    assert_eq!((bytes.status, bytes.body.first()), (200, Some(&0x47)), "{segment}");
    for (file, status) in [("media_info.json", 200), ("none-1.ts", 404)] {
        assert_eq!(north.get(&format!("/cam/{file}")).status, status, "{file}");
    }
    assert_eq!(north.get("/nobody/mpegts").status, 404);
    let young = format!("/cam/mpegts?_via=01234567.{}", unix_seconds());
    assert_eq!(north.get(&young).status, 503, "a mark forbids a relay too");
}

#[test]
fn many_clients_are_one_pull_and_the_relay_is_never_reported() {
    let cluster = cluster(&["south"]);
    let (north, south, east) = (cluster.node("north"), cluster.node("south"), cluster.node("east"));
    let clients: Vec<TcpStream> = thread::scope(|scope| {
        let take = || http::take(north.http, "/cam/mpegts", 64 << 10);
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(take)).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    promise_count("pulls of twenty clients", relays(south), 1);
    let told = Exposition::parse(&south.get("/metrics").text());
    assert_eq!(told.value("watershed_relays", &[]), 1.0);
    eventually(LIMIT, "north counts them all", || {
        let stats = north.api("/config/stats");
        if stats["total_clients"] == CLIENTS { Ok(()) } else { Err(stats.to_string()) }
    });
    let stats = north.api("/config/stats");
    assert_eq!(south.api("/config/stats")["total_clients"], 0, "each counts once");
    assert_eq!(stats["total_streams"], 0, "a relay is no capture: {stats}");
    assert!(stats["output_kbit"].as_u64().unwrap() > 0, "{stats}");
    for node in [north, south, east] {
        eventually(LIMIT, "each node knows the stream's viewers", || {
            let stats = node.api("/streams/cam")["stats"].take();
            assert_eq!(stats["running_on"], serde_json::json!(["south"]), "{stats}");
            if stats["online_clients"] == CLIENTS { Ok(()) } else { Err(stats.to_string()) }
        });
    }
    drop(clients);
}

#[test]
fn players_go_on_with_another_holder_when_theirs_dies() {
    let mut cluster = cluster(&["south", "east"]);
    let mut client = http::take(cluster.node("north").http, "/cam/mpegts", 64 << 10);
    let holder = eventually(LIMIT, "one of them is pulled from", || {
        let counts = ["south", "east"].map(|name| (name, relays(cluster.node(name))));
        counts.iter().find(|(_, count)| *count > 0).map(|(name, _)| *name).ok_or("none".to_owned())
    });
    let other = if holder == "south" { "east" } else { "south" };
    let allowed = cluster.notice_bound() + SEARCH;
    cluster.node_mut(holder).kill();
    let died = Instant::now();
    eventually(allowed, "the other one is pulled from", || {
        let (_, is_over) = read_for(&mut client, Duration::from_millis(50));
        assert!(!is_over, "the player was cut off");
        if relays(cluster.node(other)) > 0 { Ok(()) } else { Err("not yet".to_owned()) }
    });
    let took = died.elapsed();
    let (received, is_over) = read_for(&mut client, Duration::from_secs(3));
    assert!(received > 100_000 && !is_over, "{received} bytes, over: {is_over}");
    promise("another holder", took, allowed);
}

#[test]
fn players_end_when_nobody_holds_the_stream_any_more() {
    let mut cluster = cluster(&["south"]);
    let mut client = http::take(cluster.node("north").http, "/cam/mpegts", 64 << 10);
    let allowed = cluster.notice_bound() + SEARCH;
    cluster.node_mut("south").kill();
    let died = Instant::now();
    let (_, is_over) = read_for(&mut client, allowed * 2);
    assert!(is_over, "the player hangs");
    promise("the end of a relay", died.elapsed(), allowed);
    let later = cluster.node("north").get("/cam/mpegts").status;
    assert!(matches!(later, 404 | 503), "{later}");
}

#[test]
fn packets_are_for_signed_requests_only() {
    let cluster = cluster(&["south"]);
    let south = cluster.node("south");
    let path = |name: &str| format!("{API}/cluster/media/{name}");
    let unsigned: Vec<_> =
        ["cam", "nobody", "%FF"].map(|name| south.get(&path(name))).into_iter().collect();
    for answer in &unsigned {
        assert_eq!((answer.status, answer.text().as_str()), (401, ""), "{answer:?}");
    }
    let ask = |method: &str, target: &str, body: &[u8]| {
        let of = Statement {
            method: method.to_owned(),
            target: target.to_owned(),
            audience: south.id(),
            node: nonce(),
            seconds: unix_seconds(),
            nonce: nonce(),
            body: body.to_owned(),
        };
        let authorization = Keys::new(KEY).authorize(&of);
        let headers = [("Authorization", authorization.as_str())];
        let answer = http::request(south.http, method, target, &headers, body, LIMIT).unwrap();
        let seconds = answer.header("cluster-time").unwrap().parse().unwrap();
        let wanted =
            Keys::new(KEY).answer(&of.nonce, answer.status, &of.audience, seconds, &answer.body);
        assert_eq!(answer.header("cluster-signature"), Some(wanted.as_str()), "{target}");
        answer
    };
    assert_eq!(ask("GET", &path("nobody"), b"").status, 404);
    let question = |name: &str| format!(r#"{{"name":"{name}","proto":"hls","session_id":"1"}}"#);
    let target = format!("{API}/cluster/authorize");
    let yes = ask("POST", &target, question("cam").as_bytes()).json();
    assert_eq!(yes, serde_json::json!({"allowed": true}));
    let no = ask("POST", &target, question("nobody").as_bytes()).json();
    assert_eq!((&no["allowed"], &no["status"]), (&false.into(), &404.into()), "{no}");
    assert_eq!(ask("POST", &target, b"[]").status, 400);
}
