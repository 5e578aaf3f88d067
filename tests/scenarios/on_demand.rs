//! On demand: many first clients share one start, the last one's leaving ends it, and it can be
//! started again.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::node::Node;
use crate::support::{SLACK, eventually, http, media, promise, slots};

const CLIENTS: usize = 20;
const CLIENTS_TIMEOUT: Duration = Duration::from_secs(2);
/// How soon after its time a stream is looked at.
const TICK: Duration = Duration::from_secs(1);

fn stats(node: &Node) -> Value {
    node.api("/streams/film")["stats"].clone()
}

/// All at once take some of the stream, and ask what it is while they do; when the last one left.
fn play_at_once(node: &Node) -> (Vec<Value>, Instant) {
    let barrier = Barrier::new(CLIENTS);
    let told = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let client = http::take(node.http, "/film/mpegts", 64 * 1024);
                    let told = stats(node);
                    drop(client);
                    told
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    (told, Instant::now())
}

#[test]
fn many_first_clients_share_one_start_and_the_last_one_ends_it() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::new("north", folder.path());
    node.configure(&format!(
        "stream film {{ input file://{}; static off; clients_timeout {}; }}\n",
        media::clip("bars.mp4").display(),
        CLIENTS_TIMEOUT.as_secs()
    ));
    node.start();
    node.wait_ready();
    assert_eq!(stats(&node)["alive"], Value::Bool(false), "nobody has asked for it yet");

    for round in 1..=2 {
        let (told, left) = play_at_once(&node);
        for stats in &told {
            assert_eq!(stats["alive"], Value::Bool(true), "round {round}: {stats}");
            assert_eq!(stats["id"], told[0]["id"], "round {round}: one start for all");
            assert!(stats["id"].is_string(), "round {round}: {stats}");
            assert_eq!(stats["retry_count"], 0, "round {round}: {stats}");
            assert_eq!(stats["opened_at"], told[0]["opened_at"], "round {round}: {stats}");
        }
        thread::sleep(CLIENTS_TIMEOUT / 2);
        assert_eq!(stats(&node)["alive"], Value::Bool(true), "round {round}: it stays a while");
        eventually(CLIENTS_TIMEOUT * 3, "it ends when nobody wants it", || {
            let stats = stats(&node);
            if stats["alive"] == Value::Bool(false) { Ok(()) } else { Err(stats.to_string()) }
        });
        promise("ends after its last client", left.elapsed(), CLIENTS_TIMEOUT + TICK + SLACK);
    }
}
