//! A peer that answers badly on purpose: its row says so in words, memory stays bounded, nothing
//! is followed, and the honest peer beside it is asked on time.

use std::time::{Duration, Instant};

use crate::support::cluster::KEY;
use crate::support::hostile::{Canary, HostilePeer, MANNERS, Manner};
use crate::support::mock_peer::MockPeer;
use crate::support::node::Node;
use crate::support::{SLACK, eventually, promise_count, slots};

/// What an idle node may have, and what a hostile report may cost above the last good one.
const MEMORY_MAX: u64 = (32 << 20) + (64 << 20);
const FETCH_TIMEOUT: Duration = Duration::from_millis(500);
const WATCHED: Duration = Duration::from_secs(6);

/// Watches one node between an honest peer and one of that manner; its row says `words`.
fn survives(manner: Manner, words: &str) {
    assert!(MANNERS.contains(&manner));
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let canary = Canary::start();
    let honest = MockPeer::start("honest", KEY, &["good"]);
    let hostile = HostilePeer::start(manner, KEY, &canary);
    let mut node = Node::new("north", folder.path());
    let every = FETCH_TIMEOUT.as_millis();
    node.configure(&format!(
        "cluster_key {KEY};\n\
         peer honest {{ api_url http://127.0.0.1:{}; fetch_timeout {every}; }}\n\
         peer hostile {{ api_url http://127.0.0.1:{}; fetch_timeout {every}; }}\n",
        honest.port, hostile.port
    ));
    node.start();
    node.wait_ready();
    node.wait_peer("honest", "up", Duration::from_secs(5));

    let (start, asked_before) = (Instant::now(), honest.requests());
    let mut memory_max = 0;
    while start.elapsed() < WATCHED {
        memory_max = memory_max.max(node.resident_bytes());
        let (state, _) = node.peer_state("honest");
        assert_eq!(state, "up", "the honest peer beside {manner:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    // Asked every 500 ms ± 10 %; a slack of one.
    let due = WATCHED.as_millis() / (every * 11 / 10);
    let asked = u128::from(honest.requests() - asked_before);
    assert!(asked + 1 >= due, "honest peer asked {asked} times, due {due}");
    promise_count(&format!("{manner:?}: memory, bytes"), memory_max, MEMORY_MAX);
    promise_count(&format!("{manner:?}: redirects followed"), canary.touched(), 0);
    assert!(hostile.requests() > 0, "the hostile peer was never asked");

    eventually(Duration::from_secs(5) + SLACK, &format!("the row of {manner:?}"), || {
        let (state, error) = node.peer_state("hostile");
        let error = error.unwrap_or_default();
        let is_told = error.contains(words);
        let is_bad = ["down", "unauthorized", "incompatible"].contains(&state.as_str());
        if is_told && is_bad {
            println!("{manner:?}: {state}, {error}");
            return Ok(());
        }
        Err(format!("{state}: {error:?}"))
    });
    node.assert_running();
}

#[test]
fn a_peer_that_answers_with_garbage_is_told_by_its_row() {
    survives(Manner::Garbage, "not HTTP");
}

#[test]
fn a_peer_that_signs_garbage_is_told_by_its_row() {
    survives(Manner::SignedGarbage, "not a report: ");
}

#[test]
fn a_peer_that_answers_with_a_gigabyte_is_cut_off() {
    survives(Manner::Gigabyte, "answer over 8 MiB");
}

#[test]
fn a_peer_that_answers_with_a_gzip_bomb_is_cut_off() {
    survives(Manner::GzipBomb, "answer over 8 MiB");
}

#[test]
fn a_peer_that_answers_with_a_redirect_is_not_followed() {
    survives(Manner::Redirect, "answered 302 (a redirect is not followed)");
}

#[test]
fn a_peer_that_answers_401_is_told_by_its_row() {
    survives(Manner::Unauthorized, "401 wrong key");
}

#[test]
fn a_peer_that_answers_one_byte_a_second_is_given_up() {
    survives(Manner::OneByteASecond, "answers slower than 64 KiB/s");
}

#[test]
fn a_peer_that_never_answers_is_given_up() {
    survives(Manner::Never, "timed out after 1 s");
}
