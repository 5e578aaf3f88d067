//! A client asks north for what south captures: where it is sent, and what travels with it.

use std::time::Duration;

use crate::support::cluster::{Cluster, plan, publishable};
use crate::support::http::{self, Answer};
use crate::support::media;
use crate::support::node::Node;
use crate::support::process::Process;
use crate::support::unix_seconds;

const LIMIT: Duration = Duration::from_secs(20);

/// Three nodes; south plays `cam`, published by ffmpeg.
fn cluster_with_cam() -> (Cluster, Process) {
    let cluster = plan().config("south", &publishable(&["cam"])).start_connected();
    let south = cluster.node("south");
    let log = south.log_path("ffmpeg");
    let publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &south.publish_url("cam"), &log);
    south.wait_playing("cam");
    for entry in ["north", "east"] {
        cluster.node(entry).wait_redirect("cam", south, LIMIT);
    }
    (cluster, publisher)
}

/// `_via=<first 8 hex of the node's id>.<unix seconds>`, checked against node and clock.
fn assert_marked_by(location: &str, node: &Node) {
    let mark = location.rsplit_once("_via=").map(|(_, mark)| mark);
    let (id, seconds) = mark.and_then(|mark| mark.split_once('.')).unwrap_or_default();
    assert_eq!(id, &node.id().replace('-', "")[..8], "the mark names the node: {location}");
    let age = unix_seconds().abs_diff(seconds.parse().unwrap_or(0));
    assert!(age <= 5, "the mark is of now: {location}");
}

#[test]
fn every_path_of_a_peers_stream_is_redirected_with_its_query() {
    let (cluster, _publisher) = cluster_with_cam();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let files = [
        "index.m3u8",
        "video.m3u8",
        "mpegts",
        "live.flv",
        "embed.html",
        "media_info.json",
        "preview.jpg",
        "x-1.ts",
    ];
    let others = ["index.fmp4.m3u8", "index.ll.m3u8"];
    for file in others {
        assert_eq!(south.get(&format!("/cam/{file}")).status, 404, "{file}");
    }
    for file in files.into_iter().chain(others) {
        let answer = north.get(&format!("/cam/{file}?token=a%2Fb&x=1"));
        assert_eq!(answer.status, 302, "{file}: {}", answer.text());
        let location = answer.location().unwrap();
        let wanted = format!("{}?token=a%2Fb&x=1&_via=", south.playback_url("cam", file));
        assert!(location.starts_with(&wanted), "{file}: {location}");
        assert_marked_by(location, north);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{file}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{file}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{file}");
    }

    // But a page that frames the player can have it from the node that it knows.
    let framed = north.get("/cam/embed.html?autoplay=0&redirect=false");
    assert_eq!(framed.status, 200, "{}", framed.text());
    let policy = framed.header("content-security-policy").unwrap();
    let media = policy.split_once("connect-src").unwrap().1;
    assert!(media.contains(&format!(" http://127.0.0.1:{}", south.http)), "{policy}");
    assert_eq!(north.get("/none/embed.html?redirect=false").status, 404);
    assert_eq!(north.get("/cam/index.m3u8?redirect=false").status, 302);
}

#[test]
fn the_target_comes_from_the_config_and_never_from_the_request() {
    let (cluster, _publisher) = cluster_with_cam();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let headers = [
        ("Host", "evil.example"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", "host=evil.example;proto=https"),
    ];
    let answer = http::request(north.http, "GET", "/cam/index.m3u8", &headers, b"", LIMIT).unwrap();
    let location = answer.location().unwrap();
    assert!(location.starts_with(&south.playback_url("cam", "index.m3u8")), "{location}");
}

#[test]
fn playlists_repeat_the_token_and_leave_the_mark_out() {
    let (cluster, _publisher) = cluster_with_cam();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let location = north.get("/cam/index.m3u8?token=t1").location().unwrap().to_owned();
    let target = &location[format!("http://127.0.0.1:{}", south.http).len()..];
    let master = south.get(target);
    assert_eq!(master.status, 200);
    assert_eq!(master.header("cache-control"), Some("no-store"));
    let playlist = south.get("/cam/video.m3u8?token=t1&_via=01234567.1");
    for text in [master.text(), playlist.text()] {
        let uris: Vec<&str> =
            text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        assert!(!uris.is_empty(), "{text}");
        for uri in uris {
            assert!(uri.contains("token=t1"), "token lost: {uri}");
            assert!(!uri.contains("_via"), "mark kept: {uri}");
        }
    }
}

/// Status, header fields in one order and body, without what the clock writes.
fn without_clock(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let mut headers = answer.headers.clone();
    for (name, value) in &mut headers {
        if name == "date" {
            value.clear();
        }
        if name == "location" {
            let (rest, mark) = value.rsplit_once("_via=").expect("a redirect is marked");
            let (id, _) = mark.split_once('.').expect("a mark has a time");
            *value = format!("{rest}_via={id}");
        }
    }
    headers.sort();
    (answer.status, headers, answer.body.clone())
}

#[test]
fn a_redirect_is_the_same_by_the_quick_way_and_by_the_framework() {
    let (cluster, _publisher) = cluster_with_cam();
    let north = cluster.node("north");
    let marked = format!("video.m3u8?token=t&_via=01234567.{}", unix_seconds() - 3600);
    let own = &north.id().replace('-', "")[..8];
    let old = format!("index.m3u8?_via={own}.{}", unix_seconds() - 60);
    let targets =
        ["index.m3u8", "mpegts?token=a%2Fb&x=1", "media_info.json", "x-1.ts?", &old, &marked];
    for target in targets {
        let ask = |more: &str| {
            let head = format!(
                "GET /cam/{target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: a\r\n{more}\r\n"
            );
            http::exchange(north.http, head.as_bytes(), LIMIT).unwrap()
        };
        let quick = ask("");
        if target != marked {
            assert_eq!(quick.status, 302, "{target}");
        }
        let plain = without_clock(&quick);
        for more in ["Connection: keep-alive\r\n", "X-Forwarded-For: 192.0.2.1\r\n"] {
            assert_eq!(plain, without_clock(&ask(more)), "{target} with {more}");
        }
    }
}

#[test]
fn the_head_of_an_endless_answer_opens_no_session() {
    let (cluster, _publisher) = cluster_with_cam();
    let south = cluster.node("south");
    let clients = || south.api("/streams/cam")["stats"]["client_count"].as_u64().unwrap();
    // The player that waited for the stream may be counted still.
    let before = clients();
    let answer = http::request(south.http, "HEAD", "/cam/mpegts", &[], b"", LIMIT).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("video/mp2t"));
    assert!(answer.took < Duration::from_millis(500), "{:?}", answer.took);
    assert!(clients() <= before, "a HEAD counts as a client");
}

#[test]
fn a_preflight_is_answered_where_it_is_asked() {
    let (cluster, _publisher) = cluster_with_cam();
    let north = cluster.node("north");
    let headers = [("Origin", "https://page.example"), ("Access-Control-Request-Method", "GET")];
    let answer =
        http::request(north.http, "OPTIONS", "/cam/index.m3u8", &headers, b"", LIMIT).unwrap();
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn a_stream_of_nobody_is_404_at_once() {
    let cluster = plan().start_connected();
    for node in &cluster.nodes {
        let answer = node.get("/nobody/index.m3u8");
        assert_eq!(answer.status, 404);
        assert!(answer.took < Duration::from_millis(500), "{:?}", answer.took);
    }
}

#[test]
fn a_client_that_follows_gets_segments_from_the_holder() {
    let (cluster, _publisher) = cluster_with_cam();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let playlist = south.get("/cam/video.m3u8");
    let text = playlist.text();
    let segment = text.lines().rfind(|line| !line.is_empty() && !line.starts_with('#')).unwrap();
    let answer = north.get(&format!("/cam/{segment}"));
    let location = answer.location().unwrap_or_else(|| panic!("{segment}: {}", answer.status));
    let target = &location[format!("http://127.0.0.1:{}", south.http).len()..];
    let bytes = south.get(target);
    assert_eq!(bytes.status, 200, "{target}");
    assert_eq!(bytes.body.first(), Some(&0x47), "a transport stream starts with its sync byte");
    assert_eq!(bytes.body.len() % 188, 0);
}
