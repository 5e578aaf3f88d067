//! What a monitoring system is told: strict OpenMetrics, and true, while clients are sent on, a
//! peer dies, and a reload fails and succeeds.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::cluster::{Cluster, KEY, plan};
use crate::support::node::Node;
use crate::support::openmetrics::Exposition;
use crate::support::{eventually, http, media};

const LIMIT: Duration = Duration::from_secs(10);
/// What a player takes before it is counted.
const TAKEN: usize = 64 * 1024;

fn scrape(node: &Node) -> Exposition {
    let answer = node.get("/metrics");
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    let text = answer.text();
    // Clients and this machine alike.
    assert!(!text.contains("127.0.0.1"), "an address in a label: {text}");
    Exposition::parse(&text)
}

fn looped(name: &str) -> String {
    format!("stream {name} {{ input file://{}; }}\n", media::clip("bars.mp4").display())
}

#[test]
fn metrics_are_strict_and_true_through_a_death_and_two_reloads() {
    let lines = format!("{}stream idle {{ input publish://; }}\n", looped("here"));
    let mut cluster =
        plan().config("north", &lines).config("south", &looped("there")).start_connected();
    knows_what_charts_and_alerts_name(&scrape(cluster.node("north")));
    tells_of_itself(&mut cluster);
    tells_of_clients(&cluster);
    tells_of_a_dead_peer(&mut cluster);
    tells_of_reloads(&mut cluster);
}

/// A chart or an alert of something that is not there never shows that.
fn knows_what_charts_and_alerts_name(told: &Exposition) {
    for file in ["watershed.json", "alerts.yml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/grafana").join(file);
        let text = fs::read_to_string(path).unwrap();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let is_metric =
            |word: &&str| word.starts_with("watershed_") || word.starts_with("process_");
        let named: BTreeSet<&str> = words.filter(is_metric).collect();
        assert!(named.len() > 8, "{file}: {named:?}");
        for name in named {
            assert!(told.knows(name), "{file} asks for {name}, which is not told");
        }
    }
}

fn tells_of_itself(cluster: &mut Cluster) {
    let north = cluster.node_mut("north");
    let (told, resident) = (scrape(north), north.resident_bytes() as f64);
    let process = |name: &str| told.value(&format!("process_{name}"), &[]);
    let memory = process("resident_memory_bytes");
    assert!((resident / 2.0..resident * 2.0).contains(&memory), "{memory}, measured {resident}");
    assert!(process("virtual_memory_bytes") > memory);
    assert!((10.0..process("max_fds")).contains(&process("open_fds")));
    assert!(process("cpu_seconds_total") > 0.0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let age = now - process("start_time_seconds");
    assert!((-2.0..300.0).contains(&age), "started {age} s ago");
    let version = north.api("/config/stats")["server_version"].as_str().unwrap().to_owned();
    let builds = told.labels_of("watershed_build_info");
    assert_eq!(builds[0]["version"], version);
    assert_eq!(told.value("watershed_panics_total", &[]), 0.0);
    for peer in ["south", "east"] {
        assert_eq!(told.value("watershed_peer_up", &[("peer", peer)]), 1.0);
        assert!(told.value("watershed_peer_data_age_seconds", &[("peer", peer)]) < 3.0);
        assert_eq!(told.value("watershed_peer_clock_offset_seconds", &[("peer", peer)]), 0.0);
        let polls = |what: &str| {
            told.value(&format!("watershed_peer_poll_duration_seconds_{what}"), &[("peer", peer)])
        };
        assert!(polls("count") >= 1.0 && polls("sum") > 0.0 && polls("sum") < polls("count"));
    }
}

fn tells_of_clients(cluster: &Cluster) {
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    north.wait_redirect("there", south, LIMIT);
    // The first one had no other holder to go to; who comes again is kept there.
    let redirects = |told: &Exposition| {
        ["only_holder", "kept_holder"].map(|reason| {
            let labels = [("protocol", "hls"), ("reason", reason)];
            told.value("watershed_redirects_total", &labels)
        })
    };
    assert_eq!(redirects(&scrape(north)), [1.0, 0.0]);
    assert_eq!(north.get("/there/index.m3u8").status, 302);
    assert_eq!(redirects(&scrape(north)), [1.0, 1.0]);
    assert_eq!(scrape(north).value("watershed_redirect_loops_total", &[]), 0.0);

    north.wait_playing("here");
    let player = http::take(north.http, "/here/mpegts", TAKEN);
    let told = scrape(north);
    assert_eq!(told.value("watershed_clients", &[("protocol", "tshttp")]), 1.0);
    let sent = |protocol: &str| {
        let labels = [("stream", "here"), ("protocol", protocol)];
        told.value("watershed_stream_sent_bytes_total", &labels)
    };
    assert!(sent("tshttp") >= TAKEN as f64 * 0.9, "{}", sent("tshttp"));
    assert_eq!((sent("rtmp"), sent("relay")), (0.0, 0.0));
    assert!(told.value("watershed_stream_received_bytes_total", &[("stream", "here")]) > 1000.0);
    for (stream, up) in [("here", 1.0), ("idle", 0.0)] {
        assert_eq!(told.value("watershed_stream_up", &[("stream", stream)]), up, "{stream}");
    }
    let states = ["idle", "starting", "running", "waiting", "failed"];
    let counts = states.map(|state| told.value("watershed_streams", &[("state", state)]));
    assert_eq!(counts, [0.0, 0.0, 1.0, 1.0, 0.0]);
    drop(player);
    eventually(LIMIT, "who leaves is counted no more", || {
        let count = scrape(north).value("watershed_clients", &[("protocol", "tshttp")]);
        if count == 0.0 { Ok(()) } else { Err(count.to_string()) }
    });
}

fn tells_of_a_dead_peer(cluster: &mut Cluster) {
    cluster.node_mut("south").kill();
    let north = cluster.node("north");
    north.wait_peer("south", "down", LIMIT);
    let told = scrape(north);
    let ups = ["south", "east"].map(|peer| told.value("watershed_peer_up", &[("peer", peer)]));
    assert_eq!(ups, [0.0, 1.0]);
    for (peer, is) in [("south", "down"), ("east", "up")] {
        let all = told.labels_of("watershed_peer_state").into_iter();
        let states: Vec<&str> = all
            .filter(|labels| labels["peer"] == peer)
            .map(|labels| labels["state"].as_str())
            .collect();
        assert_eq!(states.len(), 9, "{states:?}");
        for state in states {
            let value = told.value("watershed_peer_state", &[("peer", peer), ("state", state)]);
            assert_eq!(value, f64::from(u8::from(state == is)), "{peer} {state}");
        }
    }
    let failures = |reason| {
        let labels = [("peer", "south"), ("reason", reason)];
        told.value("watershed_peer_poll_failures_total", &labels)
    };
    assert!(failures("connection") >= 2.0 && failures("key") == 0.0);
}

fn tells_of_reloads(cluster: &mut Cluster) {
    let was_good = |node: &Node, wanted: f64| {
        eventually(LIMIT, &format!("the last reload counts as {wanted}"), || {
            let told = scrape(node).value("watershed_config_last_reload_successful", &[]);
            if told == wanted { Ok(()) } else { Err(told.to_string()) }
        });
    };
    let north = cluster.node_mut("north");
    was_good(north, 1.0);
    fs::write(north.config_path(), "htpp 8081;\n").unwrap();
    north.reload();
    was_good(north, 0.0);
    assert!(scrape(north).get("watershed_stream_up", &[("stream", "here")]).is_some());

    cluster.configure("north", &format!("cluster_key {KEY};\nstream_metrics off;\n"));
    let north = cluster.node_mut("north");
    north.reload();
    was_good(north, 1.0);
    let told = scrape(north);
    assert_eq!(told.labels_of("watershed_stream_up").len(), 0, "they were switched off");
    assert_eq!(told.labels_of("watershed_stream_sent_bytes_total").len(), 0);
    assert_eq!(told.value("watershed_streams", &[("state", "running")]), 1.0);
}
