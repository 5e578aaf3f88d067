//! The console by other addresses than a node's plain own: behind a reverse proxy that serves the
//! node below a path, that of two nodes below two paths, and by https.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::cluster::KEY;
use crate::support::console::{Console, badge, row};
use crate::support::node::{API, Node};
use crate::support::ports::free_port;
use crate::support::prefix_proxy::PrefixProxy;
use crate::support::tls_wire::Authority;
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
         cluster_key {KEY};\n",
        media::clip("bars.mp4").display()
    ));
    north.start();
    north.wait_ready();
    let proxy = PrefixProxy::start(&[(PREFIX, north.http)]);
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

fn started(name: &str, folder: &Path, lines: &str) -> Node {
    let mut node = Node::new(name, folder);
    node.configure(&format!("cluster_key {KEY};\n{lines}"));
    node.start();
    node.wait_ready();
    node
}

/// South, with the stream that is played through north.
fn south(folder: &Path, lines: &str) -> Node {
    let cam = media::clip("bars.mp4");
    let cam = format!("stream cam {{ input file://{}; segment_duration 1; }}\n", cam.display());
    started("south", folder, &format!("{lines}{cam}"))
}

fn sign_in(console: &mut Console) {
    console.fill("User", "admin");
    console.fill("Password", PASSWORD);
    console.press("Sign in");
    console.press("Pause");
}

#[test]
fn two_nodes_below_paths_of_one_proxy_keep_apart_and_play_each_others_streams() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let login = format!("edit_auth admin {PASSWORD};\ntrusted_proxies 127.0.0.1;\n");
    let south = south(folder.path(), &login);
    let mut north = Node::new("north", folder.path());
    let proxy = PrefixProxy::start(&[("/north", north.http), ("/south", south.http)]);
    let outside = format!("http://127.0.0.1:{}", proxy.port);
    north.configure(&format!(
        "cluster_key {KEY};\n{login}\
         peer south {{ api_url http://127.0.0.1:{}; public {outside}/south; }}\n",
        south.http
    ));
    north.start();
    north.wait_ready();

    let mut console = Console::open(&format!("{outside}/north/"), &north);
    console.expect_fault("status of 401");
    sign_in(&mut console);
    console.sees_in(&badge("south"), "Up");
    console.open_tab(&format!("{outside}/south/"));
    sign_in(&mut console);
    console.sees("1 node");
    console.look(0);
    console.reload();
    console.sees_in(&badge("south"), "Up");

    console.follow("Streams");
    console.follow("cam");
    console.play();
    console.wait_playing(1.5);
    let frame = console.address_of_frame();
    assert!(frame.starts_with(&format!("{outside}/north/cam/embed.html")), "{frame}");
    console.look(1);
    console.follow("Sessions");
    console.sees_in(&row("127.0.0.1"), "cam");
    console.press_in("header", "Sign out");
    console.sees("This node asks for a user");
    console.look(0);
    console.reload();
    console.sees_in("header", "Sign out");
    console.close();
}

#[test]
fn by_https_the_stream_of_a_node_without_it_is_played_too() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let block = Authority::new(folder.path()).issue("node", &["127.0.0.1"]);
    let south = south(folder.path(), "");
    let https = free_port();
    let lines = format!(
        "https 127.0.0.1:{https} {{ {block} }}\npeer south {{ api_url http://127.0.0.1:{}; }}\n",
        south.http
    );
    let north = started("north", folder.path(), &lines);

    let outside = format!("https://127.0.0.1:{https}/");
    let mut console = Console::open(&outside, &north);
    console.sees_in(&badge("south"), "Up");
    // A stream of another node that nobody plays here has no picture here.
    console.allow_fault("/cam/preview.jpg");
    console.follow("Streams");
    console.follow("cam");
    console.play();
    console.wait_playing(1.5);
    let frame = console.address_of_frame();
    assert!(frame.starts_with(&format!("{outside}cam/embed.html")), "{frame}");
    console.close();
}
