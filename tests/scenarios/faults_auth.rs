//! FAULTS row 17: a node with the wrong key; then a new key for all, one node after the other,
//! under load.

use std::time::Duration;

use crate::support::cluster::{Cluster, KEY, NAMES, plan};
use crate::support::probe::{Probe, failures};
use crate::support::truth::Truth;
use crate::support::{SLACK, media, promise};

const NEW_KEY: &str = "the-next-key-of-the-scenarios-9876543210";

/// Polls that failed so far, at all nodes.
fn failed_polls(cluster: &Cluster) -> f64 {
    cluster.nodes.iter().map(|node| node.metric("watershed_peer_poll_failures_total")).sum()
}

fn looped(stream: &str) -> String {
    format!("stream {stream} {{ input file://{}; }}\n", media::clip("bars.mp4").display())
}

#[test]
fn row_17_a_node_with_the_wrong_key_is_told_nothing_and_gets_nobody() {
    let cluster = plan()
        .key("south", "not-the-key-of-the-others-000000")
        .config("south", &looped("south-cam"))
        .config("east", &looped("east-cam"))
        .alone()
        .start();
    let bound = cluster.notice_bound();
    let (north, south, east) = (cluster.node("north"), cluster.node("south"), cluster.node("east"));
    let took = north.wait_peer("south", "unauthorized", bound * 3);
    promise("row 17: north sees south unauthorized", took, bound + SLACK);
    let took = south.wait_peer("north", "unauthorized", bound * 3);
    promise("row 17: south sees north unauthorized", took, bound + SLACK);
    let (_, error) = north.peer_state("south");
    let words = error.expect("the row says why");
    assert!(words.contains("401") && words.contains("key"), "{words}");

    north.wait_redirect("east-cam", east, Duration::from_secs(10));
    for (node, stream) in [(north, "south-cam"), (south, "east-cam")] {
        let answer = node.get(&format!("/{stream}/index.m3u8"));
        assert_eq!(answer.status, 404, "{}: {stream}", node.name);
        let streams = node.get("/streamer/api/v3/streams").text();
        assert!(!streams.contains(stream), "{} knows {stream}", node.name);
    }
}

#[test]
fn row_17_a_key_is_rotated_under_load_without_an_error() {
    let mut plan = plan().alone();
    for name in NAMES {
        plan = plan.config(name, &looped(&format!("{name}-cam")));
        plan = plan.config(name, "drain_timeout 3s;\n");
    }
    let mut cluster = plan.start_connected();
    let truth = Truth::default();
    for holder in &cluster.nodes {
        let stream = format!("{}-cam", holder.name);
        holder.wait_playing(&stream);
        for entry in cluster.nodes.iter().filter(|node| node.name != holder.name) {
            entry.wait_redirect(&stream, holder, Duration::from_secs(10));
        }
        truth.hold(&stream, &holder.name);
    }
    let entries: Vec<_> = cluster.nodes.iter().collect();
    let probe = Probe::start(&entries, &cluster.nodes, &truth.streams(), 50);
    let before = failed_polls(&cluster);
    let both = format!("cluster_key {NEW_KEY};\ncluster_key_accept {KEY};\n");
    let new_only = format!("cluster_key {NEW_KEY};\n");
    for lines in [both, new_only] {
        for name in NAMES {
            cluster.configure(name, &lines);
            cluster.node_mut(name).reload();
            // Two polls and more of each peer, all of which have to succeed.
            std::thread::sleep(Duration::from_millis(2500));
            for node in &cluster.nodes {
                for peer in NAMES.iter().filter(|peer| **peer != node.name) {
                    assert_eq!(node.peer_state(peer).0, "up", "{}: {peer}", node.name);
                }
            }
        }
    }
    let samples = probe.finish();
    let failed = failures(&samples, &truth, Duration::ZERO);
    assert!(failed.is_empty(), "row 17: errors: {:#?}", &failed[..failed.len().min(5)]);
    let failed_polls = failed_polls(&cluster) - before;
    println!("row 17: failed polls: {failed_polls} / 0 allowed; client errors: 0 / 0 allowed");
    assert!(failed_polls < 0.5, "row 17: {failed_polls} polls failed");

    // A node of the old key alone is out now.
    cluster.configure("south", &format!("cluster_key {KEY};\n"));
    cluster.node_mut("south").reload();
    cluster.node("north").wait_peer("south", "unauthorized", cluster.notice_bound() * 3);
    // An orderly end is exit code 0, within drain_timeout and a second, clients or not.
    let code = cluster.node_mut("east").terminate(Duration::from_secs(3 + 1));
    assert_eq!(code, Some(0));
}
