//! FAULTS rows 1 and 2: a node dies by SIGKILL; a node dies and is back within half a second,
//! twenty times.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::cluster::{Cluster, KEY, NAMES, plan};
use crate::support::node::Node;
use crate::support::probe::{self, Outcome, Probe, Sample, failures, wrong_redirects};
use crate::support::truth::Truth;
use crate::support::{SLACK, eventually, media, promise, promise_count, reduced};

/// The stated load: streams a node, of 1 Mbit/s each, and questions a second an entry.
const STREAMS_PER_NODE: usize = 20;
const RATE: u32 = 50;

/// The stated number, or `WATERSHED_FAULT_STREAMS` of them where a machine is too small.
fn stream_count() -> usize {
    let given = std::env::var("WATERSHED_FAULT_STREAMS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(STREAMS_PER_NODE).clamp(1, STREAMS_PER_NODE)
}

/// Three nodes with `count` looped streams each, all known to all; and the truth of it.
fn loaded(row: &str, count: usize) -> (Cluster, Truth) {
    let clip = media::clip("load.ts");
    let mut plan = plan().alone();
    for node in NAMES {
        for index in 0..count {
            let line = format!("stream {node}-{index} {{ input file://{}; }}\n", clip.display());
            plan = plan.config(node, &line);
        }
    }
    let cluster = plan.start_connected();
    // All at once: each has to fill its first segment.
    std::thread::scope(|scope| {
        for holder in &cluster.nodes {
            for index in 0..count {
                scope.spawn(move || holder.wait_playing(&format!("{}-{index}", holder.name)));
            }
        }
    });
    let truth = Truth::default();
    for holder in &cluster.nodes {
        for index in 0..count {
            let stream = format!("{}-{index}", holder.name);
            for entry in cluster.nodes.iter().filter(|node| node.name != holder.name) {
                entry.wait_redirect(&stream, holder, Duration::from_secs(10));
            }
            truth.hold(&stream, &holder.name);
        }
    }
    if count < STREAMS_PER_NODE {
        let how = format!("{count} streams a node, stated {STREAMS_PER_NODE}");
        reduced(row, &how);
    }
    (cluster, truth)
}

fn to(name: &str) -> Outcome {
    Outcome::To(name.to_owned())
}

/// Samples of the entries that live, of streams that the dead node does not hold.
fn of_others<'a>(samples: &'a [Sample], dead: &str) -> Vec<&'a Sample> {
    samples.iter().filter(|sample| !sample.stream.starts_with(dead)).collect()
}

#[test]
fn row_1_a_killed_node_gets_no_clients_and_others_notice_nothing() {
    let (mut cluster, truth) = loaded("1", stream_count());
    let bound = cluster.notice_bound();
    let entries = [cluster.node("north"), cluster.node("east")];
    let probe = Probe::start(&entries, &cluster.nodes, &truth.streams(), RATE);
    std::thread::sleep(Duration::from_secs(3));
    cluster.node_mut("south").kill();
    let killed = Instant::now();
    truth.release_all("south");
    for entry in ["north", "east"] {
        cluster.node(entry).wait_peer("south", "down", bound * 2);
        promise(&format!("row 1: {entry}'s row is down"), killed.elapsed(), bound);
    }
    std::thread::sleep(bound);
    let samples = probe.finish();

    let last = samples.iter().rfind(|sample| sample.outcome == to("south"));
    let last = last.expect("the probe saw redirects to south before the kill");
    let late = last.asked.saturating_duration_since(killed);
    promise("row 1: last redirect to the dead node", late, bound + Duration::from_millis(200));
    let wrong = wrong_redirects(&samples, &truth, bound + Duration::from_millis(200));
    promise_count("row 1: other wrong redirects", wrong.len() as u64, 0);
    let failed = failures(&samples, &truth, Duration::ZERO);
    println!("row 1: {} questions on streams of others", of_others(&samples, "south").len());
    assert!(failed.is_empty(), "row 1: errors: {:#?}", &failed[..failed.len().min(5)]);
    let p99 = probe::percentile_99(&samples);
    promise("row 1: p99 of the entries", p99, Duration::from_millis(50));
}

/// The lines of a node with one more stream, which only one of its starts has.
fn with_on_demand(stream: &str) -> String {
    let clip = media::clip("load.ts");
    format!(
        "cluster_key {KEY};\nstream {stream} {{ input file://{}; static off; }}\n",
        clip.display()
    )
}

/// How often `entry` sends a client of `stream` anywhere, asked a few times.
fn redirects_of(entry: &Node, stream: &str) -> u64 {
    let target = format!("/{stream}/index.m3u8");
    (0..20).map(|_| u64::from(entry.get(&target).location().is_some())).sum()
}

#[test]
fn row_2_a_node_back_within_half_a_second_is_never_down() {
    const RESTARTS: usize = 20;
    let count = stream_count();
    let (mut cluster, truth) = loaded("2", count);
    let (fetch_timeout, bound) = (Duration::from_millis(1000), cluster.notice_bound());
    let entries = [cluster.node("north"), cluster.node("east")];
    let probe = Probe::start(&entries, &cluster.nodes, &truth.streams(), RATE);
    let mut was_down = false;
    let (mut back_longest, mut id_longest) = (Duration::ZERO, Duration::ZERO);
    let mut from_old_list = 0;
    for round in 0..RESTARTS {
        let (old, new) = (format!("south-of-{round}"), format!("south-of-{}", round + 1));
        cluster.configure("south", &with_on_demand(&old));
        cluster.node_mut("south").reload();
        cluster.node("north").wait_redirect(&old, cluster.node("south"), bound * 3);
        cluster.configure("south", &with_on_demand(&new));
        let id_before = cluster.node("south").id();
        cluster.node_mut("south").kill();
        let killed = Instant::now();
        truth.release_all("south");
        cluster.node_mut("south").start();
        let accepting = cluster.node("south").wait_accepting();
        let (south, north) = (cluster.node("south"), cluster.node("north"));
        let down = AtomicBool::new(false);
        eventually(bound * 3, "north has seen the new start of south", || {
            let row = north.api("/cluster/peers/south");
            down.fetch_or(row["stats"]["state"] == "down", Ordering::Relaxed);
            let id = row["stats"]["id"].as_str().unwrap_or_default().to_owned();
            if id == id_before || id.is_empty() { Err(row.to_string()) } else { Ok(()) }
        });
        id_longest = id_longest.max(accepting.elapsed());
        // The directory hears of it a moment after the one who asks.
        north.wait_redirect(&new, south, bound);
        from_old_list += redirects_of(north, &old);
        was_down |= down.load(Ordering::Relaxed);
        for index in 0..count {
            let stream = format!("south-{index}");
            truth.hold(&stream, "south");
            north.wait_redirect(&stream, south, bound * 3);
        }
        from_old_list += redirects_of(north, &old);
        back_longest = back_longest.max(killed.elapsed());
    }
    let samples = probe.finish();
    was_down |= cluster.node_mut("north").log().contains("peer south: down");
    promise_count("row 2: times seen down", u64::from(was_down), 0);
    promise_count("row 2: answers from the old list beside the new one", from_old_list, 0);
    let asked_within = fetch_timeout * 11 / 10 + SLACK;
    promise("row 2: new id seen after it accepts", id_longest, asked_within);
    promise("row 2: its streams are back after the kill", back_longest, bound);
    let failed: Vec<Sample> = failures(&samples, &truth, bound)
        .into_iter()
        .filter(|s| s.entry != "south")
        .cloned()
        .collect();
    let others = of_others(&failed, "south");
    assert!(others.is_empty(), "row 2: errors: {:#?}", &others[..others.len().min(5)]);
}
