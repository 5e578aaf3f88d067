//! Streams by the console: one of another node is found, played and its viewer turned away where
//! it runs; one of this node is added, stopped, edited and deleted.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::cluster::KEY;
use crate::support::console::{Console, badge, fault_at, row};
use crate::support::node::{API, Node};
use crate::support::{eventually, media, slots};

const LIMIT: Duration = Duration::from_secs(20);

fn started(name: &str, folder: &Path, lines: &str) -> Node {
    let mut node = Node::new(name, folder);
    node.configure(&format!("cluster_key {KEY};\n{lines}"));
    node.start();
    node.wait_ready();
    node
}

/// North knows south, which plays the clip as `cam`.
fn pair(folder: &Path) -> (Node, Node) {
    let clip = media::clip("bars.mp4");
    let cam = format!("stream cam {{ input file://{}; segment_duration 1; }}\n", clip.display());
    let south = started("south", folder, &cam);
    let peer = format!("peer south {{ api_url http://127.0.0.1:{}; }}\n", south.http);
    let north = started("north", folder, &peer);
    north.wait_peer("south", "up", LIMIT);
    (north, south)
}

/// The ids of those who play at `node`.
fn sessions(node: &Node) -> Vec<String> {
    let list = node.api("/sessions");
    let list = list["sessions"].as_array().unwrap().iter();
    list.map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_stream_of_another_node_is_found_played_and_its_viewer_turned_away() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let (north, south) = pair(folder.path());

    let mut console = Console::open(&north.console_url(), &north);
    console.follow("Streams");
    console.sees_in(&badge("cam"), "Running");
    let cam = row("cam");
    for words in ["south", "at its node"] {
        console.sees_in(&cam, words);
    }
    console.follow("cam");
    console.sees("A stream of south: it is edited, stopped and deleted there.");
    console.play();
    console.wait_playing(1.5);
    let frame = console.address_of_frame();
    assert!(frame.starts_with(&north.playback_url("cam", "embed.html")), "{frame}");
    console.sees("Nobody plays or publishes it at this node.");

    console.open_tab(&south.console_url());
    console.follow("Streams");
    console.follow("cam");
    console.sees_in("main table.sessions", "127.0.0.1");
    let [session] = &sessions(&south)[..] else { panic!("{:?}", sessions(&south)) };
    console.follow("Sessions");
    console.sees_in("main table.sessions", "cam");
    console.sees_in("main table.sessions", "HLS");
    console.press("End the session of 127.0.0.1");
    console.sees_in("dialog", "127.0.0.1 plays cam.");
    console.expect_fault("status of 403");
    console.press_in("dialog", "End");
    console.sees("This node has no sessions now.");
    assert_eq!(south.get(&format!("{API}/sessions/{session}")).status, 404);
    console.look(0);
    console.sees_in_player("You may not watch this stream.");
    console.close();
}

#[test]
fn a_stream_is_added_stopped_edited_and_deleted_by_its_pages() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let north = started("north", folder.path(), "stream hall { input publish://; }\n");
    let below = north.config_path().with_file_name("film.mp4");
    fs::copy(media::clip("bars.mp4"), below).unwrap();
    let before = fs::read_to_string(north.config_path()).unwrap();
    let text = || fs::read_to_string(north.config_path()).unwrap();

    let mut console = Console::open(&north.console_url(), &north);
    console.follow("Streams");
    console.sees_in(&badge("hall"), "Waiting");
    console.follow("Add a stream");
    console.fill("Name", "hall");
    console.fill("Input 1", "nonsense");
    console.expect_fault("status of 412");
    console.press("Save");
    console.sees_in(&fault_at("name"), "There is a stream of this name already.");
    console.fill("Name", "film");
    console.expect_fault("status of 400");
    console.press("Save");
    console.sees_in(&fault_at("inputs-0-url"), "`nonsense` is no URL");
    assert_eq!(text(), before, "nothing is written");
    // The player asks for a picture, and a capture that has only begun has none.
    console.allow_fault("/film/preview.jpg");
    console.fill("Input 1", "file://film.mp4");
    console.fill("Title", "The film");
    console.press("Save");
    console.sees_in("body", "film is saved.");
    console.sees_in("main .facts .badge", "Running");
    console.sees_in("main .subtitle", "The film");
    assert!(text().starts_with(&before) && text().contains("title \"The film\""), "{}", text());
    console.play();
    console.wait_playing(1.5);

    let opened_at = || north.api("/streams/film")["stats"]["opened_at"].clone();
    let first = opened_at();
    console.press("Stop");
    console.sees_in("dialog", "Its capture ends and starts anew at once");
    console.press_in("dialog", "Stop");
    console.sees_in("body", "film is stopped.");
    eventually(LIMIT, "its capture starts anew", || {
        let now = opened_at();
        if now != first && now != Value::Null { Ok(()) } else { Err(now.to_string()) }
    });

    console.follow("Edit");
    console.fill("Title", "Another film");
    console.fill("Most clients", "9");
    console.choose("Captured", "while somebody watches");
    console.press("Save");
    console.sees_in("main .subtitle", "Another film");
    let film = north.api("/streams/film");
    let set = ["title", "max_sessions", "static"].map(|field| film[field].clone());
    assert_eq!(set, [json!("Another film"), json!(9), json!(false)]);
    assert!(text().contains("title \"Another film\""), "{}", text());

    console.press("Delete");
    console.sees_in("dialog", "It is taken out of this node's config file");
    console.press_in("dialog", "Delete");
    console.sees_in("main h1", "Streams");
    console.sees_in(&badge("hall"), "Waiting");
    console.lacks_in("main table", "film");
    assert_eq!(north.get(&format!("{API}/streams/film")).status, 404);
    assert_eq!(text(), before);
    console.close();
}

#[test]
fn a_stream_is_waited_for_on_its_page_and_its_publisher_sent_away() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let lines = "stream hall { input publish://; segment_duration 1; }\n";
    let north = started("north", folder.path(), lines);

    let mut console = Console::open(&north.console_url(), &north);
    // The player page, the picture and the playlist of a stream that nobody publishes.
    console.expect_fault("status of 503");
    console.follow("Streams");
    console.follow("hall");
    console.sees_in("main .facts .badge", "Waiting");
    console.play();
    console.sees_in_player("The stream is starting.");
    let log = north.log_path("ffmpeg");
    let url = north.publish_url("hall");
    let mut publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &url, &log);
    console.sees_in("main .facts .badge", "Running");
    console.wait_playing(1.5);

    console.follow("Sessions");
    console.sees_in(&row("RTMP"), "publishes");
    console.press_in(&row("RTMP"), "End the session of 127.0.0.1");
    console.sees_in("dialog", "127.0.0.1 publishes hall.");
    console.press_in("dialog", "End");
    console.lacks_in("main table", "publishes");
    publisher.wait(LIMIT);
    console.follow("Streams");
    console.sees_in(&badge("hall"), "Waiting");
    console.close();
}
