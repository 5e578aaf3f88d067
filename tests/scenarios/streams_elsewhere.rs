//! What a node says of streams that it has not itself: their titles, since when they run, who has
//! them, how many distinct ones there are, and with whom they went.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::cluster::{Cluster, plan};
use crate::support::node::{API, Node};
use crate::support::{eventually, http, media};

const LIMIT: Duration = Duration::from_secs(20);

/// South captures `cam` and can start `film`; east captures `cam`, too, if `is_shared`.
fn cluster(is_shared: bool) -> Cluster {
    let clip = media::clip("bars.mp4");
    let input = format!("input file://{};", clip.display());
    let south = format!(
        "drain_timeout 8s;\nstream cam {{ title \"Main stage\"; {input} }}\n\
         stream film {{ {input} static off; }}\n"
    );
    let mut plan = plan().config("south", &south);
    if is_shared {
        plan = plan.config("east", &format!("stream cam {{ {input} }}\n"));
    }
    plan.start_connected()
}

/// Waits until the item of `name` at `node` is as wanted, and answers it.
fn wait_item(node: &Node, name: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let mut found = Value::Null;
    eventually(LIMIT, &format!("the {name} that is wanted"), || {
        found = node.get(&format!("{API}/streams/{name}")).json();
        if is_wanted(&found) { Ok(()) } else { Err(found.to_string()) }
    });
    found
}

#[test]
fn a_peers_stream_has_its_title_its_age_and_its_holder() {
    let cluster = cluster(false);
    let north = cluster.node("north");
    let cam = wait_item(north, "cam", |cam| cam["stats"]["status"] == "running");
    assert_eq!((&cam["title"], &cam["named_by"]), (&json!("Main stage"), &json!("remote")));
    let lifetime = cam["stats"]["lifetime"].as_u64().unwrap();
    let own = cluster.node("south").api("/streams/cam")["stats"].take();
    assert_eq!(cam["stats"]["opened_at"], own["opened_at"]);
    assert!(own["lifetime"].as_u64().unwrap() >= lifetime, "the one was asked after the other");
    let film = wait_item(north, "film", |film| film["stats"]["status"] == "waiting");
    assert_eq!(film["stats"]["running_on"], json!([]));
    assert_eq!(film["stats"]["lifetime"], Value::Null);
    for (of, count) in [("south", 2), ("north", 0)] {
        let list = north.api(&format!("/streams?stats.held_by={of}"));
        assert_eq!(list["estimated_count"], count, "{list}");
    }
}

#[test]
fn a_stream_of_two_nodes_is_one_of_the_cluster() {
    let cluster = cluster(true);
    let north = cluster.node("north");
    wait_item(north, "cam", |cam| cam["stats"]["running_on"] == json!(["east", "south"]));
    let _player = http::take(cluster.node("south").http, "/cam/mpegts", 64 << 10);
    eventually(LIMIT, "north knows what its peers count", || {
        let peer = north.api("/cluster/peers/south")["stats"].take();
        let is_told =
            peer["clients_by_protocol"] == json!({"tshttp": 1}) && peer["total_streams"] == 1;
        if is_told { Ok(()) } else { Err(peer.to_string()) }
    });
    let stats = north.api("/config/stats");
    assert_eq!((&stats["cluster_streams"], &stats["total_streams"]), (&json!(1), &json!(0)));
}

#[test]
fn a_stream_that_went_with_its_node_is_missing_with_a_reason() {
    let mut cluster = cluster(false);
    let north = cluster.node("north").http;
    let south = cluster.node("south");
    wait_item(cluster.node("north"), "cam", |cam| cam["stats"]["alive"] == true);
    // Who plays keeps a node that drains from stopping at once.
    let _player = http::take(south.http, "/cam/mpegts", 64 << 10);
    let wait_told = |words: &str| {
        eventually(LIMIT, &format!("the reason {words:?}"), || {
            let answer = http::get(north, &format!("{API}/streams/cam"))?;
            let cause = &answer.json()["errors"][0];
            let is_told = cause["title"].as_str().is_some_and(|title| title.contains(words));
            let is_lost = (answer.status, &cause["code"]) == (404, &json!("stream_lost"));
            if is_told && is_lost { Ok(()) } else { Err(answer.text()) }
        });
    };
    thread::scope(|scope| {
        let south = cluster.node_mut("south");
        let stopping = scope.spawn(move || south.terminate(LIMIT));
        wait_told("south, which had it, is draining");
        assert_eq!(stopping.join().unwrap(), Some(0));
    });
    cluster.node_mut("south").start();
    cluster.node_mut("south").wait_ready();
    wait_item(cluster.node("north"), "cam", |cam| cam["stats"]["alive"] == true);
    cluster.node_mut("south").kill();
    wait_told("south, which had it, was lost ");
    eventually(LIMIT, "it is forgotten", || {
        let answer = http::get(north, &format!("{API}/streams/cam"))?;
        if answer.json()["errors"][0]["code"] == "stream_not_found" {
            Ok(())
        } else {
            Err(answer.text())
        }
    });
}
