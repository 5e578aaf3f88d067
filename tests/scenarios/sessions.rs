//! Sessions: everybody who plays is listed with what it takes, and goes when it is ended.

use std::io::Read;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::node::{API, Node};
use crate::support::process::Process;
use crate::support::{eventually, http, media, slots};

const LIMIT: Duration = Duration::from_secs(10);
/// `2 × segment_duration + 5`.
const WINDOW: Duration = Duration::from_secs(7);

fn node(folder: &std::path::Path, words: &str) -> Node {
    let mut node = Node::new("north", folder);
    node.configure(&format!(
        "stream film {{ input file://{}; segment_duration 1; {words} }}\n",
        media::clip("bars.mp4").display(),
    ));
    node.start();
    node.wait_ready();
    node
}

fn sessions(node: &Node, query: &str) -> Vec<Value> {
    node.api(&format!("/sessions{query}"))["sessions"].as_array().unwrap().clone()
}

fn end(node: &Node, session: &Value) {
    let path = format!("{API}/sessions/{}", session["id"].as_str().unwrap());
    let answer = http::request(node.http, "DELETE", &path, &[], b"", LIMIT).unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
    eventually(LIMIT, "it is gone", || {
        let status = node.get(&path).status;
        if status == 404 { Ok(()) } else { Err(status.to_string()) }
    });
}

/// Whether the node closes the connection, and without waiting for more media to send.
fn is_closed(mut client: TcpStream) -> bool {
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client.read_to_end(&mut Vec::new()).is_ok()
}

fn get_as(node: &Node, target: &str, user_agent: &str) -> http::Answer {
    http::request(node.http, "GET", target, &[("User-Agent", user_agent)], b"", LIMIT).unwrap()
}

#[test]
fn a_player_with_a_connection_is_listed_and_can_be_ended() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path(), "max_sessions 2;");
    let first = http::take(node.http, "/film/mpegts?token=t1", 64 * 1024);
    let second = http::take(node.http, "/film/mpegts", 64 * 1024);
    let list = sessions(&node, "?sort=opened_at");
    assert_eq!(list.len(), 2, "{list:?}");
    let session = &list[0];
    let told = ["type", "name", "proto", "ip"].map(|field| session[field].as_str().unwrap());
    assert_eq!(told, ["play", "film", "tshttp", "127.0.0.1"]);
    assert!(session["bytes"].as_u64().is_some_and(|bytes| bytes >= 64 * 1024 - 1024), "{session}");
    assert!(session["token"].is_string() && list[1]["token"].is_null(), "{list:?}");
    eventually(LIMIT, "the stream counts as many", || {
        let count = node.api("/streams/film")["stats"]["online_clients"].clone();
        if count == 2 { Ok(()) } else { Err(count.to_string()) }
    });
    assert_eq!(node.get("/film/mpegts").status, 503, "the stream has all that it may have");
    let metrics = node.get("/metrics").text();
    for line in
        ["watershed_clients{protocol=\"tshttp\"} 2", "limit_hits_total{limit=\"max_sessions\"} 1"]
    {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }

    end(&node, session);
    assert!(is_closed(first), "its response ends");
    eventually(LIMIT, "one is left", || {
        let count = sessions(&node, "").len();
        if count == 1 { Ok(()) } else { Err(count.to_string()) }
    });
    drop(second);
    eventually(LIMIT, "who leaves is listed no more", || {
        let list = sessions(&node, "");
        if list.is_empty() { Ok(()) } else { Err(format!("{list:?}")) }
    });
}

#[test]
fn an_hls_player_is_one_session_and_is_refused_for_a_while_once_ended() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path(), "");
    node.wait_playing("film");
    let playlist = "/film/video.m3u8?token=t1";
    let text = get_as(&node, playlist, "one").text();
    let segment = text.lines().find(|line| line.contains(".ts")).unwrap();
    let size = get_as(&node, &format!("/film/{segment}"), "one").body.len();
    get_as(&node, "/film/index.m3u8?token=t1", "one");
    let list = sessions(&node, "?user_agent=one");
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!((&list[0]["proto"], list[0]["bytes"].as_u64()), (&"hls".into(), Some(size as u64)));

    end(&node, &list[0]);
    assert_eq!(get_as(&node, playlist, "one").status, 403);
    assert_eq!(get_as(&node, &format!("/film/{segment}"), "one").status, 403);
    assert_eq!(get_as(&node, playlist, "two").status, 200, "others play on");
    eventually(WINDOW + LIMIT, "it may come back", || {
        let status = get_as(&node, playlist, "one").status;
        if status == 200 { Ok(()) } else { Err(status.to_string()) }
    });
}

/// The one session of that kind, as soon as it is there and media flows.
fn wait_session(node: &Node, kind: &str) -> Value {
    eventually(LIMIT, &format!("a session to {kind}"), || {
        let mut list = sessions(node, &format!("?proto=rtmp&type={kind}&bytes_gt=10000"));
        list.pop().ok_or_else(|| format!("{:?}", sessions(node, "")))
    })
}

#[test]
fn rtmp_clients_are_listed_and_can_be_ended() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::new("north", folder.path());
    node.configure("stream event { input publish://; password s3cret; }\n");
    node.start();
    node.wait_ready();
    let url = format!("{}?password=s3cret&token=t1", node.publish_url("event"));
    let mut publisher =
        media::publish("ffmpeg".as_ref(), "bars.mp4", &url, &node.log_path("publisher"));
    let publishing = wait_session(&node, "publish");
    assert_eq!((&publishing["name"], &publishing["ip"]), (&"event".into(), &"127.0.0.1".into()));
    assert!(publishing["user_agent"].is_string() && publishing["token"].is_string());
    assert!(!publishing.to_string().contains("s3cret"), "{publishing}");

    let mut command = Command::new("ffmpeg");
    command.args(["-loglevel", "warning", "-i", &node.publish_url("event"), "-f", "null", "-"]);
    let mut player = Process::start("ffmpeg that plays", &mut command, &node.log_path("player"));
    let playing = wait_session(&node, "play");
    assert!(node.get("/metrics").text().contains("watershed_clients{protocol=\"rtmp\"} 1"));

    end(&node, &playing);
    player.wait(LIMIT);
    assert!(publisher.ended().is_none(), "the end of a player is nobody else's");
    end(&node, &publishing);
    publisher.wait(LIMIT);
    assert_eq!(sessions(&node, ""), Vec::<Value>::new());
}
