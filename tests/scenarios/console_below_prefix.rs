//! The console behind a reverse proxy that serves the node below a path: signed in to, live, and
//! with the player of a stream.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::console::{Console, badge, row};
use crate::support::node::{API, Node};
use crate::support::prefix_proxy::PrefixProxy;
use crate::support::{http, media, slots};

const LIMIT: Duration = Duration::from_secs(20);
const PREFIX: &str = "/ops";
const PASSWORD: &str = "word-of-the-operators";

/// Asks the node itself, as a program that knows the password.
fn put(node: &Node, path: &str, body: &Value) {
    let login = STANDARD.encode(format!("admin:{PASSWORD}"));
    let login = format!("Basic {login}");
    let headers = [("Authorization", login.as_str()), ("Content-Type", "application/json")];
    let body = body.to_string();
    let path = format!("{API}{path}");
    let answer = http::request(node.http, "PUT", &path, &headers, body.as_bytes(), LIMIT).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn the_console_is_live_and_plays_below_the_path_of_a_proxy() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut north = Node::new("north", folder.path());
    north.configure(&format!(
        "edit_auth admin {PASSWORD};\ntrusted_proxies 127.0.0.1;\n\
         stream live/cam {{ input file://{}; segment_duration 1; }}\n\
         cluster_key a-key-of-the-scenarios-0123456789;\n",
        media::clip("bars.mp4").display()
    ));
    north.start();
    north.wait_ready();
    let proxy = PrefixProxy::start(PREFIX, north.http);
    let outside = format!("http://127.0.0.1:{}{PREFIX}/", proxy.port);

    let mut console = Console::open(&outside, &north);
    console.expect_fault("status of 401");
    console.fill("User", "admin");
    console.fill("Password", "wrong");
    console.press("Sign in");
    console.sees("User or password is wrong.");
    console.fill("Password", PASSWORD);
    console.press("Sign in");
    console.sees("1 node");

    // By another hand: the page is to tell of it without being asked.
    put(&north, "/cluster/peers/south", &json!({"api_url": "http://127.0.0.1:9"}));
    console.sees_in(&badge("south"), "Down");
    console.reload();
    console.sees_in(&badge("south"), "Down");
    let asked = proxy.asked();
    let events = asked.iter().filter(|line| line.contains("/streamer/api/v3/events?")).count();
    assert!(events >= 2, "one stream of events a load of the page: {asked:?}");
    let lists = asked.iter().find(|line| line.contains("/cluster/peers?"));
    assert_eq!(lists, None, "events come, so lists are not asked for");

    console.follow("Streams");
    console.sees_in(&badge("live/cam"), "Running");
    console.follow("live/cam");
    console.play();
    console.wait_playing(1.5);
    let player = format!("{outside}live/cam/embed.html");
    assert!(console.address_of_frame().starts_with(&player), "{}", console.address_of_frame());
    console.sees_in("main .addresses", &format!("{outside}live/cam/index.m3u8"));
    console.follow("Edit");
    console.fill("Title", "Below the path");
    console.press("Save");
    console.sees_in("main .subtitle", "Below the path");
    console.follow("Sessions");
    console.sees_in(&row("127.0.0.1"), "live/cam");
    for (page, words) in [
        ("Files", "There are no files yet."),
        ("Settings", "New peer hostname"),
        ("Config", "Not changed."),
        ("API", " operations"),
        ("About", "hls.js"),
    ] {
        console.follow(page);
        console.sees(words);
    }
    console.press_in("header", "Sign out");
    console.sees("This node asks for a user");

    console.close();
    let asked = proxy.asked();
    let others: Vec<_> = asked.iter().filter(|line| !line.contains(" /ops/")).collect();
    assert!(others.is_empty(), "outside of the path: {others:?}");
}
