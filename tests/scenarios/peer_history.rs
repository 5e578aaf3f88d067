//! What a node remembers of its peers for their pages: numbers of the last hour, what happened,
//! and with which key they sign.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::cluster::{KEY, plan};
use crate::support::eventually;
use crate::support::node::{API, Node};

/// Two samples, and time for a slow machine.
const LIMIT: Duration = Duration::from_secs(40);
const NEW_KEY: &str = "the-next-key-of-the-scenarios-0123";

fn unix_ms() -> u64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(unix.as_millis()).unwrap()
}

/// The samples of `hostname` as `node` tells them, once `is_enough` of the newest.
fn newest_sample(
    node: &Node,
    hostname: &str,
    is_enough: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    eventually(LIMIT, &format!("a sample of {hostname}"), || {
        let history = node.api(&format!("/cluster/peers/{hostname}/history"));
        assert_eq!(history["step_ms"], 10_000);
        match history["samples"].as_array().and_then(|samples| samples.last()) {
            Some(newest) if is_enough(newest) => Ok(newest.clone()),
            other => Err(format!("{other:?}")),
        }
    })
}

#[test]
fn a_peer_has_a_history_and_its_death_is_part_of_it() {
    let mut cluster = plan().start_connected();
    let north = cluster.node("north");
    for hostname in ["south", "north"] {
        let newest = newest_sample(north, hostname, |sample| sample["cpu_usage"].is_number());
        assert!(newest["memory_usage"].is_number() && newest["total_clients"] == 0, "{newest}");
        assert_eq!(newest["fetch_ms"].is_number(), hostname == "south", "{newest}");
        assert!(newest["at"].as_u64().unwrap().abs_diff(unix_ms()) < 15_000, "{newest}");
    }
    assert_eq!(north.get(&format!("{API}/cluster/peers/nobody/history")).status, 404);

    let killed_at = unix_ms();
    cluster.node_mut("south").kill();
    let north = cluster.node("north");
    north.wait_peer("south", "down", LIMIT);
    let south = north.api("/cluster/peers/south");
    assert_eq!(south["stats"]["last_error"], south["stats"]["error"], "{south}");
    assert!(south["stats"]["fetch_average_ms"].is_number(), "{south}");
    let history = north.api("/cluster/peers/south/history");
    let changes = history["changes"].as_array().unwrap();
    let states: Vec<&str> = changes.iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert!(states.contains(&"up") && states.last() == Some(&"down"), "{changes:?}");
    let last = changes.last().unwrap();
    assert!(last["reason"].as_str().unwrap().contains("connection"), "{last}");
    let at = last["at"].as_u64().unwrap();
    assert!((killed_at..=unix_ms() + 1).contains(&at), "{last}, killed at {killed_at}");
    newest_sample(north, "south", |sample| sample["fetch_ms"].is_null());

    cluster.node_mut("south").start();
    let north = cluster.node("north");
    north.wait_peer("south", "up", LIMIT);
    let south = north.api("/cluster/peers/south");
    assert!(south["stats"]["error"].is_null(), "{south}");
    assert!(south["stats"]["last_error"].as_str().unwrap().contains("connection"), "{south}");
    // Its peers ask for the id that it had, and correct that by themselves.
    let log = cluster.node_mut("south").log();
    assert!(log.contains("refused: meant for another node id\n"), "{log}");
    assert!(!log.contains("WARN  watershed::api::refusals"), "{log}");
}

#[test]
fn each_node_says_which_of_its_peers_use_the_new_key() {
    let mut cluster = plan().start_connected();
    let both = format!("cluster_key {NEW_KEY};\ncluster_key_accept {KEY};\n");
    let wait_keys = |node: &Node, wanted: [(&str, &str); 2]| {
        eventually(LIMIT, &format!("{} sees {wanted:?}", node.name), || {
            let seen = wanted.map(|(peer, _)| {
                let stats = &node.api(&format!("/cluster/peers/{peer}"))["stats"];
                (stats["state"].clone(), stats["key"].clone())
            });
            let is_so = seen
                .iter()
                .zip(wanted)
                .all(|((state, key), (_, wanted))| state == "up" && key == wanted);
            if is_so { Ok(()) } else { Err(format!("{seen:?}")) }
        });
    };
    wait_keys(cluster.node("north"), [("south", "current"), ("east", "current")]);
    let mut turn = |name: &str| {
        cluster.configure(name, &both);
        cluster.node_mut(name).reload();
    };
    turn("north");
    let [north, south] = ["north", "south"].map(|name| cluster.node(name).twin());
    wait_keys(&north, [("south", "accepted"), ("east", "accepted")]);
    let mut turn = |name: &str| {
        cluster.configure(name, &both);
        cluster.node_mut(name).reload();
    };
    turn("south");
    wait_keys(&north, [("south", "current"), ("east", "accepted")]);
    wait_keys(&south, [("north", "current"), ("east", "accepted")]);
    turn("east");
    let east = cluster.node("east").twin();
    wait_keys(&north, [("south", "current"), ("east", "current")]);
    wait_keys(&south, [("north", "current"), ("east", "current")]);
    wait_keys(&east, [("north", "current"), ("south", "current")]);
}
