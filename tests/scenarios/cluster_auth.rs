//! Forged, replayed and re-addressed cluster requests: 401, and nothing told.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::cluster::{Cluster, KEY, plan, publishable};
use crate::support::http::{self, Answer};
use crate::support::media;
use crate::support::node::{API, Node};
use crate::support::signature::{Keys, Statement, nonce};
use crate::support::{promise_count, unix_seconds};

const REPORT: &str = "/streamer/api/v3/cluster/report?since=";

/// A statement as a peer of `node` would make it.
fn statement(node: &Node) -> Statement {
    Statement {
        method: "GET".to_owned(),
        target: REPORT.to_owned(),
        audience: node.id(),
        node: nonce(),
        seconds: unix_seconds(),
        nonce: nonce(),
        body: Vec::new(),
    }
}

/// Sends `REPORT` to `node` with that `Authorization`.
fn ask(node: &Node, authorization: &str) -> Answer {
    let headers = [("Authorization", authorization)];
    http::request(node.http, "GET", REPORT, &headers, b"", Duration::from_secs(5)).unwrap()
}

/// Three nodes; south has a stream whose name is not to leak.
fn cluster() -> Cluster {
    let clip = media::clip("bars.mp4");
    let lines = format!("stream secret-cam {{ input file://{}; }}\n", clip.display());
    let cluster = plan().config("south", &lines).start_connected();
    let south = cluster.node("south");
    cluster.node("north").wait_redirect("secret-cam", south, Duration::from_secs(10));
    cluster
}

fn assert_refused(what: &str, answer: &Answer) {
    assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    let all = format!("{:?} {}", answer.headers, answer.text());
    assert!(!all.contains("secret-cam"), "{what} tells a stream: {all}");
    assert!(!all.contains(KEY), "{what} tells the key: {all}");
}

#[test]
fn a_good_signature_gets_a_signed_report() {
    let cluster = cluster();
    let south = cluster.node("south");
    let keys = Keys::new(KEY);
    let of = statement(south);
    let answer = ask(south, &keys.authorize(&of));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = answer.header("cluster-node").unwrap();
    assert_eq!(id, of.audience);
    let seconds = answer.header("cluster-time").unwrap().parse().unwrap();
    let wanted = keys.answer(&of.nonce, 200, id, seconds, &answer.body);
    assert_eq!(answer.header("cluster-signature"), Some(wanted.as_str()));
    let report = answer.json();
    assert_eq!(report["node"], "south");
    assert_eq!(report["protocol"], 1);
    assert_eq!(report["streams"][0]["name"], "secret-cam");
    assert_unchanged_is_small(south, &keys, &report);
}

/// What follows the cursor of `report` is no list again, and under 1 KiB.
fn assert_unchanged_is_small(node: &Node, keys: &Keys, report: &Value) {
    let mut cursor = report["cursor"].as_str().expect("a report has a cursor").to_owned();
    // Numbers of the stream itself may have moved in between, which is told once.
    for _ in 0..3 {
        let target = format!("{REPORT}{cursor}");
        let of = Statement { target: target.clone(), ..statement(node) };
        let authorization = keys.authorize(&of);
        let headers = [("Authorization", authorization.as_str())];
        let limit = Duration::from_secs(5);
        let answer = http::request(node.http, "GET", &target, &headers, b"", limit).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let next = answer.json();
        assert_eq!((&next["full"], &next["more"]), (&json!(false), &json!(false)), "{next}");
        if next["streams"] == json!([]) && next["removed"] == json!([]) {
            promise_count("bytes of an unchanged report", answer.body.len() as u64, 1023);
            return;
        }
        next["cursor"].as_str().expect("a report has a cursor").clone_into(&mut cursor);
    }
    panic!("the report of a quiet node does not come to rest");
}

#[test]
fn strangers_all_get_the_same_401() {
    let cluster = cluster();
    let south = cluster.node("south");
    let keys = Keys::new(KEY);
    let good = statement(south);
    let forged = |change: &dyn Fn(&mut Statement)| {
        // Signed for one thing, sent for another.
        let signed = keys.authorize(&good);
        let mut stated = good.clone();
        change(&mut stated);
        let stated = keys.authorize(&stated);
        let signature = signed.rsplit_once("sig=").unwrap().1;
        format!("{}sig={signature}", stated.rsplit_once("sig=").unwrap().0)
    };
    let cases = [
        ("nothing", String::new()),
        ("basic", "Basic YWRtaW46YWRtaW4=".to_owned()),
        ("half a header", "Cluster-V1 kid=00000000".to_owned()),
        ("a header of 8 KiB", format!("Cluster-V1 kid={}", "a".repeat(8192))),
        ("another key", Keys::new("some-other-key-0123456789").authorize(&good)),
        ("another nonce", forged(&|stated| stated.nonce = nonce())),
        ("another time", forged(&|stated| stated.seconds += 1)),
        ("another sender", forged(&|stated| stated.node = nonce())),
        ("another body", forged(&|stated| stated.body = b"x".to_vec())),
        ("another path", keys.authorize(&Statement { target: "/".to_owned(), ..good.clone() })),
        ("another method", keys.authorize(&Statement { method: "PUT".to_owned(), ..good.clone() })),
    ];
    let mut bodies = Vec::new();
    for (what, authorization) in &cases {
        let answer = ask(south, authorization);
        assert_refused(what, &answer);
        bodies.push((what, answer.body.clone(), answer.headers.len()));
    }
    let (_, body, headers) = &bodies[0];
    for (what, other, count) in &bodies {
        assert_eq!((body, headers), (other, count), "the refusal of {what} looks different");
    }
}

#[test]
fn a_replayed_request_is_refused() {
    let cluster = cluster();
    let south = cluster.node("south");
    let authorization = Keys::new(KEY).authorize(&statement(south));
    assert_eq!(ask(south, &authorization).status, 200);
    assert_refused("a replay", &ask(south, &authorization));
}

#[test]
fn a_request_for_another_node_is_refused_with_a_signed_introduction() {
    let cluster = cluster();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let keys = Keys::new(KEY);
    for audience in [north.id(), "?".to_owned()] {
        let of = Statement { audience, ..statement(south) };
        let answer = ask(south, &keys.authorize(&of));
        assert_refused("re-addressed", &answer);
        let id = answer.header("cluster-node").expect("the 401 says who answers");
        let seconds = answer.header("cluster-time").unwrap().parse().unwrap();
        let wanted = keys.answer(&of.nonce, 401, id, seconds, &answer.body);
        assert_eq!(answer.header("cluster-signature"), Some(wanted.as_str()));
        assert_eq!(id, south.id());
    }
}

#[test]
fn a_request_outside_the_window_of_time_is_refused_with_our_time() {
    let cluster = cluster();
    let south = cluster.node("south");
    let keys = Keys::new(KEY);
    for seconds in [unix_seconds() - 60, unix_seconds() + 60] {
        let of = Statement { seconds, ..statement(south) };
        let answer = ask(south, &keys.authorize(&of));
        assert_refused("out of time", &answer);
        let told: u64 = answer.header("cluster-time").expect("signed time").parse().unwrap();
        assert!(told.abs_diff(unix_seconds()) <= 2, "{told}");
    }
}

#[test]
fn the_cluster_key_shows_in_no_answer_and_no_log() {
    let mut cluster = plan().config("south", &publishable(&["cam"])).start_connected();
    let north = cluster.node("north");
    for path in ["/cluster/peers", "/cluster/peers/south", "/config/stats", "/streams"] {
        let text = north.api(path).to_string();
        assert!(!text.contains(KEY), "{path} shows the key");
    }
    for path in ["/config", "/config?full=true", "/openapi.json"] {
        // These may not be there yet; whatever is answered has no key in it.
        let text = north.get(&format!("{API}{path}")).text();
        assert!(!text.contains(KEY), "{path} shows the key");
    }
    let log = cluster.node_mut("north").log();
    assert!(log.contains("node north is up"), "the log is somewhere else: {log}");
    assert!(!log.contains(KEY), "the log shows the key");
}
