//! FAULTS rows 14 and 15: a directory that is behind the truth, and peers whose claims would send
//! a client in a circle.

use std::time::{Duration, Instant};

use crate::support::cluster::{Cluster, KEY, plan, publishable};
use crate::support::http::{self, Answer};
use crate::support::media;
use crate::support::mock_peer::MockPeer;
use crate::support::node::Node;
use crate::support::probe::port_of;
use crate::support::proxy::TcpProxy;
use crate::support::{promise, promise_count, slots, unix_seconds};

/// 404, or 503 that says when to come again.
fn is_honest_nothing(answer: &Answer) -> bool {
    answer.status == 404 || (answer.status == 503 && answer.header("retry-after").is_some())
}

/// Stops `cam` at south by ending its publisher and asks north at once; how long north goes on
/// to redirect.
fn stop_and_ask(cluster: &Cluster) -> Duration {
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let log = south.log_path("ffmpeg");
    let mut publisher =
        media::publish("ffmpeg".as_ref(), "bars.mp4", &south.publish_url("cam"), &log);
    south.wait_playing("cam");
    north.wait_redirect("cam", south, Duration::from_secs(10));
    publisher.kill();
    let stopped = Instant::now();
    let mut last_redirect = Duration::ZERO;
    while stopped.elapsed() < Duration::from_secs(4) {
        let asked = stopped.elapsed();
        let answer = north.get("/cam/index.m3u8");
        promise("row 14: north answers", answer.took, Duration::from_millis(500));
        if let Some(location) = answer.location().map(str::to_owned) {
            last_redirect = asked;
            // One hop, and the holder says honestly that there is nothing; it may still have the
            // last frames for the moment it takes to notice.
            assert_eq!(port_of(&location), Some(south.http), "{location}");
            let target = &location[format!("http://127.0.0.1:{}", south.http).len()..];
            let second = south.get(target);
            promise("row 14: south answers", second.took, Duration::from_millis(500));
            let is_served = second.status == 200;
            assert!(is_served || is_honest_nothing(&second), "{} {target}", second.status);
        } else {
            assert!(is_honest_nothing(&answer), "{}: {}", answer.status, answer.text());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    last_redirect
}

#[test]
fn row_14_a_stopped_stream_is_forgotten_within_200_ms_by_hint() {
    let cluster = plan().config("south", &publishable(&["cam"])).alone().start_connected();
    let last = stop_and_ask(&cluster);
    promise("row 14: last wrong redirect, by hint", last, Duration::from_millis(200));
}

#[test]
fn row_14_a_stopped_stream_is_forgotten_within_a_poll_without_hints() {
    let cluster = plan()
        .config("south", &publishable(&["cam"]))
        .proxied("south", "north")
        .alone()
        .start_connected();
    let proxy = cluster.proxy("south", "north");
    proxy.drop_requests_with("POST /streamer/api/v3/cluster/changed");
    let last = stop_and_ask(&cluster);
    // fetch_timeout is kept to ±10 %, which the row's T_f + 0.2 s includes.
    promise("row 14: last wrong redirect, by polls", last, Duration::from_millis(1200));
    assert!(proxy.requests_dropped() > 0, "no hint was sent, so none was cut off");
}

/// One node between two mocks that both claim `loop`.
struct Circle {
    node: Node,
    mocks: [MockPeer; 2],
    _folder: tempfile::TempDir,
    _slot: slots::Slot,
}

fn circle(more_lines: impl Fn(&Node) -> String) -> Circle {
    let slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mocks = ["south", "east"].map(|name| MockPeer::start(name, KEY, &["loop"]));
    let mut node = Node::new("north", folder.path());
    let peers: String = ["south", "east"]
        .iter()
        .zip(&mocks)
        .map(|(name, mock)| format!("peer {name} {{ api_url http://127.0.0.1:{}; }}\n", mock.port))
        .collect();
    node.configure(&format!("cluster_key {KEY};\n{peers}{}", more_lines(&node)));
    node.start();
    node.wait_ready();
    for name in ["south", "east"] {
        node.wait_peer(name, "up", Duration::from_secs(10));
    }
    Circle { node, mocks, _folder: folder, _slot: slot }
}

#[test]
fn row_15_a_marked_client_is_not_sent_on_a_second_time() {
    let circle = circle(|_| String::new());
    let node = &circle.node;
    let first = node.get("/loop/index.m3u8");
    let port = port_of(first.location().expect("one redirect is right"));
    assert!(circle.mocks.iter().any(|mock| Some(mock.port) == port));

    let loops_before = node.metric("watershed_redirect_loops_total");
    let young = format!("/loop/index.m3u8?token=a&_via=0123abcd.{}", unix_seconds());
    let second = node.get(&young);
    assert_eq!(second.status, 503, "{:?}", second.location());
    assert_eq!(second.header("retry-after"), Some("1"));
    let loops = node.metric("watershed_redirect_loops_total") - loops_before;
    assert!((loops - 1.0).abs() < 0.1, "the loop counter rose by {loops}");

    // The mark of a future clock counts as young; an old one of a known node does not, and is
    // replaced, not repeated.
    let future = format!("/loop/index.m3u8?_via=0123abcd.{}", unix_seconds() + 3600);
    assert_eq!(node.get(&future).status, 503);
    let own = &node.id().replace('-', "")[..8];
    let old = format!("/loop/index.m3u8?_via={own}.{}", unix_seconds() - 60);
    let answer = node.get(&old);
    let location = answer.location().expect("an old mark does not stop a client");
    assert_eq!(location.matches("_via=").count(), 1, "{location}");
}

#[test]
fn row_15_an_entry_that_points_home_is_shown_and_not_asked_again() {
    let slot_free_proxy = |node: &Node| TcpProxy::start(node.http);
    let proxy = std::cell::OnceCell::new();
    let circle = circle(|node| {
        let proxy = proxy.get_or_init(|| slot_free_proxy(node));
        format!("peer me {{ api_url http://127.0.0.1:{}; }}\n", proxy.port)
    });
    let (node, proxy) = (&circle.node, proxy.get().unwrap());
    node.wait_peer("me", "self", Duration::from_secs(5));
    let asked = proxy.connections();
    std::thread::sleep(Duration::from_secs(3));
    promise_count("row 15: requests to oneself", proxy.connections() - asked, 0);
}

#[test]
fn row_15_a_node_known_by_two_entries_is_shown_as_duplicate() {
    let slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mock = MockPeer::start("south", KEY, &["cam"]);
    let mut node = Node::new("north", folder.path());
    node.configure(&format!(
        "cluster_key {KEY};\npeer south {{ api_url http://127.0.0.1:{0}; }}\n\
         peer again {{ api_url http://127.0.0.1:{0}; }}\n",
        mock.port
    ));
    node.start();
    node.wait_ready();
    let states = crate::support::eventually(Duration::from_secs(8), "one is a duplicate", || {
        let mut states = [node.peer_state("south").0, node.peer_state("again").0];
        states.sort();
        let is_told = states == ["duplicate".to_owned(), "up".to_owned()];
        if is_told { Ok(states) } else { Err(format!("{states:?}")) }
    });
    println!("row 15: the two entries are {states:?}");
    let limit = Duration::from_secs(5);
    let answer = http::request(node.http, "GET", "/cam/index.m3u8", &[], b"", limit).unwrap();
    assert_eq!(port_of(answer.location().unwrap()), Some(mock.port));
    drop(slot);
}
