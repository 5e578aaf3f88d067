//! Live events: everything at once, then what changes, for many listeners at the price of one.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::event_stream::{Block, EventStream};
use crate::support::node::{API, Node};
use crate::support::{SLACK, http, promise, slots};

/// Rows are looked at so often.
const ROUND: Duration = Duration::from_secs(1);
const PING: Duration = Duration::from_secs(15);
const MEBIBYTE: u64 = 1 << 20;

fn node(folder: &std::path::Path, lines: &str) -> Node {
    let mut node = Node::new("north", folder);
    node.configure(&format!("cluster_key 0123456789abcdef;\n{lines}"));
    node.start();
    node.wait_ready();
    node
}

fn add_stream(node: &Node, name: &str) {
    let stream = json!({"inputs": [{"url": "publish://"}]});
    let answer = http::send_json(node.http, "PUT", &format!("{API}/streams/{name}"), &stream);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn has(name: &str) -> impl Fn(&Value) -> bool {
    move |data| data["items"].as_array().unwrap().iter().any(|item| item["name"] == name)
}

#[test]
fn a_listener_gets_all_then_changes_and_a_ping_when_it_is_quiet() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut node = node(folder.path(), "peer south;\nstream cam1 { input publish://; }\n");
    let mut all = EventStream::connect(&node, "");
    let mut quiet = EventStream::connect(&node, "?of=sessions");
    let begin = Instant::now();

    let mut told = BTreeSet::new();
    while told.len() < 4 {
        if let Some(Block::Event(name, data)) = all.next() {
            assert_eq!(data["full"], told.insert(name), "all rows come once, and first");
        }
    }
    add_stream(&node, "cam2");
    let changed = Instant::now();
    // Within a moment of its birth it may be told without its capture.
    let mut event = all.wait("streams", |data| data["items"][0]["stats"]["id"] != Value::Null);
    promise("told of a new stream", changed.elapsed(), ROUND + SLACK);
    let mut asked = node.api("/streams/cam2");
    for item in [&mut event["items"][0], &mut asked] {
        item["stats"]["lifetime"].take();
    }
    assert_eq!(event["items"], json!([asked]), "it alone, as the list has it");
    let answer = http::request(
        node.http,
        "DELETE",
        &format!("{API}/streams/cam1"),
        &[],
        b"",
        Duration::from_secs(10),
    );
    assert_eq!(answer.unwrap().status, 204);
    let event = all.wait("streams", |data| data["gone"] == json!(["cam1"]));
    assert_eq!(event["estimated_count"], 1);

    assert!(matches!(quiet.next(), Some(Block::Other(text)) if text == "retry: 2000"));
    assert!(matches!(quiet.next(), Some(Block::Event(name, ..)) if name == "sessions"));
    assert!(matches!(quiet.next(), Some(Block::Other(text)) if text == ": ping"));
    promise("a ping", begin.elapsed(), PING + SLACK);

    assert_eq!(node.get(&format!("{API}/events?of=nothing")).status, 400);
    assert_eq!(node.terminate(Duration::from_secs(15)), Some(0), "listeners keep no node running");
    while all.next().is_some() {}
}

#[test]
fn deaf_listeners_cost_others_nothing_and_the_node_little() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let streams: String = (0..400)
        .map(|n| format!("stream cam{n:04} {{ input publish://; title \"Main stage {n}\"; }}\n"))
        .collect();
    let limits = "limits { event_listeners 32; }\n";
    let mut node = node(folder.path(), &format!("{limits}{streams}"));

    let mut listeners: Vec<EventStream> =
        (0..12).map(|_| EventStream::connect(&node, "?of=streams,stats")).collect();
    for listener in &mut listeners {
        listener.wait("streams", |data| data["more"] == false);
    }
    let asking = node.twin();
    let told = |listeners: &mut [EventStream], name: &str| {
        add_stream(&asking, name);
        let changed = Instant::now();
        for listener in listeners {
            listener.wait("streams", has(name));
        }
        changed.elapsed()
    };
    for name in ["warm0", "warm1", "warm2"] {
        told(&mut listeners, name);
    }
    // Nobody publishes, so the next that is told of the streams is the next that is added.
    std::thread::sleep(2 * ROUND);
    add_stream(&node, "next");
    for listener in &mut listeners {
        let event = listener.wait("streams", |_| true);
        assert_eq!(event["items"].as_array().unwrap().len(), 1, "idle streams are not told again");
    }
    let before = node.resident_bytes();
    let deaf: Vec<_> =
        (0..20).map(|_| EventStream::connect_deaf(&node, "?of=streams,stats")).collect();
    let worst = (0..5).map(|n| told(&mut listeners, &format!("new{n}"))).max().unwrap();
    promise("12 listeners told beside 20 deaf ones", worst, ROUND + SLACK);
    let grown = node.resident_bytes().saturating_sub(before);
    println!("20 deaf listeners: {} KiB more", grown / 1024);
    assert!(grown < 10 * MEBIBYTE, "{grown} bytes for 20 listeners that read nothing");

    let refused = node.get(&format!("{API}/events"));
    assert_eq!(
        (refused.status, refused.json()["errors"][0]["code"].clone()),
        (503, json!("too_many_listeners"))
    );
    let metrics = node.get("/metrics").text();
    assert!(metrics.contains("limit_hits_total{limit=\"event_listeners\"} 1"), "{metrics}");
    drop(deaf);
}
