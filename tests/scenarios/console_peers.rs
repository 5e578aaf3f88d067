//! The console of a running node, used by a person to make it a cluster of two: a peer is added by
//! its hostname, set right, changed at the same time as by somebody else, and removed.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::support::cluster::KEY;
use crate::support::console::{Console, badge, fault_at, row};
use crate::support::http;
use crate::support::node::{API, Node};
use crate::support::{eventually, media, slots};

const LIMIT: Duration = Duration::from_secs(20);
const PEER: &str = "/cluster/peers/south";

fn started(name: &str, folder: &Path, lines: &str) -> Node {
    let mut node = Node::new(name, folder);
    node.configure(lines);
    node.start();
    node.wait_ready();
    node
}

fn config_of(node: &Node) -> String {
    fs::read_to_string(node.config_path()).unwrap()
}

/// Fills in what is wrong, sees the words at the field, and puts back what was there.
fn refuses(console: &mut Console, (label, id): (&str, &str), wrong: &str, words: &str) {
    let before = console.read(label);
    console.fill(label, wrong);
    console.press("Save");
    console.sees_in(&fault_at(id), words);
    console.sees_in("main .summary", label);
    console.fill(label, &before);
}

#[test]
fn a_peer_is_added_set_right_and_removed_by_hand() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let cam = format!("stream cam {{ input file://{}; }}\n", media::clip("bars.mp4").display());
    let south = started("south", folder.path(), &format!("cluster_key {KEY};\n{cam}"));
    let north = started("north", folder.path(), "# no cluster yet\n");
    let before = config_of(&north);

    let mut console = Console::open(&north.console_url(), &north);
    console.sees("This node has no peers yet.");
    console.follow("Add the first peer");
    console.fill("New peer hostname", &format!("south:{}", south.http));
    console.fill("Cluster key", KEY);
    console.press("Save");
    console.sees_in(&fault_at("hostname"), "set the port in API URL");
    assert_eq!(config_of(&north), before, "nothing is written");
    console.fill("New peer hostname", "south");
    console.press("Save");
    console.sees("The key is saved");
    console.sees("south is saved and asked:");
    let with_key = format!("{before}cluster_key {KEY};\n");
    assert!(config_of(&north).starts_with(&with_key), "{}", config_of(&north));
    assert!(config_of(&north)[with_key.len()..].contains("south"), "{}", config_of(&north));

    console.follow("Set its API URL");
    let api_url = format!("http://127.0.0.1:{}", south.http);
    let api = ("API URL", "api_url");
    refuses(&mut console, api, "south:8081", "Wanted: a URL such as");
    let stale = ("Stale timeout, ms", "stale_timeout");
    refuses(&mut console, stale, "1500", "More than twice the fetch timeout: 2001 or more.");
    let public = ("Public payload URL", "public_payload_url");
    console.expect_fault("400");
    refuses(&mut console, public, "not a host", "expected a host");
    assert_eq!(north.api(PEER)["api_url"], json!("http://south"), "nothing is written");
    console.fill("API URL", &api_url);
    console.fill("Public payload URL", &format!("127.0.0.1:{}", south.http));
    console.press("Save");
    console.sees("Saved.");
    assert_eq!(north.api(PEER)["api_url"], json!(api_url));
    console.sees_in("main .facts .badge", "Up");

    change_at_once_with_another(&mut console, &north);

    console.follow("Settings");
    console.sees_in(&badge("south"), "Up");
    console.sees_in(&row("south"), &api_url);
    console.follow("Overview");
    console.sees_in(&badge("south"), "Up");
    console.sees("2 nodes");

    // The console was loaded when there were no peers.
    console.follow("Streams");
    console.follow("cam");
    console.play();
    console.wait_playing(1.0);

    console.follow("Settings");
    console.press("Remove south");
    console.sees_in("dialog", "Remove south?");
    console.press_in("dialog", "Cancel");
    assert_eq!(north.get(&format!("{API}{PEER}")).status, 200, "only asked");
    console.press("Remove south");
    console.press_in("dialog", "Remove");
    console.sees("This node has no peers yet.");
    assert_eq!(north.get(&format!("{API}{PEER}")).status, 404);
    assert_eq!(config_of(&north), with_key);
    console.close();
}

/// A change of a field by somebody else, while another one is typed: both are shown and kept.
fn change_at_once_with_another(console: &mut Console, north: &Node) {
    console.fill("Fetch timeout, ms", "500");
    let theirs = json!({"channel_limit": 7});
    let answer = http::send_json(north.http, "PUT", &format!("{API}{PEER}"), &theirs);
    assert_eq!(answer.status, 200, "{}", answer.text());
    console.expect_fault("412");
    console.press("Save");
    let conflict = "main .conflict";
    console.sees_in(conflict, "Somebody else has changed this meanwhile");
    let told = console.text_of(conflict);
    for words in ["Channel limit", "Fetch timeout, ms", "7", "500"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(north.api(PEER)["fetch_timeout"], json!(1000), "not written over theirs");
    console.press("Save yours over it");
    console.sees("Saved.");
    eventually(LIMIT, "both changes hold", || {
        let peer = north.api(PEER);
        let both = (&peer["channel_limit"], &peer["fetch_timeout"]);
        if both == (&json!(7), &json!(500)) { Ok(()) } else { Err(peer.to_string()) }
    });
}

#[test]
fn a_refused_key_and_a_node_that_is_gone_are_told_until_they_are_right() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let theirs = "another-key-that-only-south-knows";
    let mut south = started("south", folder.path(), &format!("cluster_key {theirs};\n"));
    let url = format!("http://127.0.0.1:{}", south.http);
    let lines = format!("cluster_key {KEY};\npeer south {{ api_url {url}; }}\n");
    let mut north = started("north", folder.path(), &lines);

    let mut console = Console::open(&north.console_url(), &north);
    console.sees_in(&badge("south"), "Key refused");
    console.sees_in("main .banner", "Cluster key mismatch with south");
    console.follow("south");
    console.sees_in("main .facts", "401 wrong key");
    console.fill("Cluster key", theirs);
    console.press("Save");
    console.sees("Saved.");
    console.sees_in("main .facts .badge", "Up");
    assert_eq!(console.read("Cluster key"), "", "it is not shown again");
    assert!(config_of(&north).contains(theirs), "{}", config_of(&north));

    console.follow("Overview");
    console.sees_in(&badge("south"), "Up");
    south.kill();
    console.sees_in(&badge("south"), "Down");
    south.start();
    console.sees_in(&badge("south"), "Up");

    console.allow_fault("ERR_"); // What is asked meanwhile, or was under way when it ended.
    north.kill();
    console.sees_in("main [role=alert]", "Connection to this node lost");
    console.sees_in(&badge("south"), "Up");
    north.start();
    console.lacks_in("main", "Connection to this node lost");
    console.sees_in(&badge("south"), "Up");
    console.close();
}
