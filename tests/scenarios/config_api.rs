//! The whole configuration through `/config`: what is good is applied and on disk, what is broken
//! leaves file and node as they were, and no secret comes out.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::{self, Answer};
use crate::support::node::{API, Node};
use crate::support::slots::{self, Slot};

const SECRETS: [&str; 4] =
    ["canary-key-of-the-cluster", "canary-of-the-peer", "canary-publish", "canary-camera"];

const CONFIG: &str = "\
cluster_key canary-key-of-the-cluster;   # cluster_key canary-key-of-the-cluster;
peer south { api_url http://127.0.0.1:9;  cluster_key canary-of-the-peer; }
stream stage { input publish://; password canary-publish; }
  stream  odd   {  input   rtsp://user:canary-camera@10.0.0.9/1 ;static off; }  # odd layout
# edit_auth admin canary-publish
";

struct Setup {
    node: Node,
    _folder: tempfile::TempDir,
    _slot: Slot,
}

fn started() -> Setup {
    let slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::new("north", folder.path());
    node.configure(CONFIG);
    node.start();
    node.wait_ready();
    Setup { node, _folder: folder, _slot: slot }
}

fn file(node: &Node) -> String {
    fs::read_to_string(node.config_path()).unwrap()
}

fn ask(node: &Node, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let target = format!("{API}/config");
    let limit = Duration::from_secs(10);
    http::request(node.http, method, &target, headers, body.as_bytes(), limit).unwrap()
}

fn shown_text(node: &Node) -> Answer {
    ask(node, "GET", &[("Accept", "text/plain")], "")
}

fn put_text(node: &Node, text: &str) -> Answer {
    ask(node, "PUT", &[("Content-Type", "text/plain")], text)
}

#[test]
fn good_text_is_applied_and_keeps_the_secrets_that_nobody_saw() {
    let setup = started();
    let node = &setup.node;
    let before = file(node);
    let shown = shown_text(node);
    let full = node.get(&format!("{API}/config?full=true")).text();
    let own = node.get(&format!("{API}/config")).text();
    for secret in SECRETS {
        let leaks = [shown.text(), full.clone(), own.clone()].iter().any(|s| s.contains(secret));
        assert!(!leaks, "{secret}");
    }
    let edited = shown.text().replace("# odd layout", "# mine").replace("static off", "static on");
    let answer = put_text(node, &format!("{edited}stream new {{ input publish://; }}\n"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let expected = before.replace("# odd layout", "# mine").replace("static off", "static on");
    assert_eq!(file(node), format!("{expected}stream new {{ input publish://; }}\n"));
    assert_eq!(node.api("/streams/new")["named_by"], json!("config"), "in effect");
    assert_eq!(node.api("/streams/odd")["static"], json!(true), "in effect");
}

#[test]
fn broken_text_names_its_place_and_leaves_file_and_node_as_they_were() {
    let setup = started();
    let node = &setup.node;
    let before = file(node);
    let shown = shown_text(node).text();
    for (from, to, what) in [
        ("password", "pasword", "unknown word"),
        ("static off; }", "static off;", "never closed"),
        ("stream stage", "stream renamed", "stands for no stored secret"),
        ("publish://;", "file:///etc/passwd;", "config's folder"),
        ("peer south", "include /etc/passwd; peer south", "include"),
        ("peer south", "egress_allow 127.0.0.0/8; peer south", "egress_allow"),
    ] {
        let broken = shown.replace(from, to);
        let line = 1 + broken.lines().zip(shown.lines()).take_while(|(a, b)| a == b).count();
        for method in ["POST", "PUT"] {
            let answer = ask(node, method, &[("Content-Type", "text/plain")], &broken);
            assert!(matches!(answer.status, 400 | 403), "{from}: {}", answer.status);
            let error = &answer.json()["errors"][0];
            assert!(error["title"].as_str().unwrap().contains(what), "{from}: {error}");
            assert_eq!(error["line"], json!(line), "{from}: {error}");
            assert!(error["col"].as_u64().unwrap() > 0 && error["detail"].is_string(), "{error}");
            assert!(error["path"].as_str().unwrap().ends_with("watershed.conf"), "{error}");
        }
        assert_eq!(file(node), before, "{from}");
    }
    assert_eq!(node.api("/streams/stage")["named_by"], json!("config"), "still there");
    assert_eq!(node.api("/config/stats")["streamer_status"], json!("running"));
}

#[test]
fn json_changes_what_it_names_and_a_stale_tag_changes_nothing() {
    let setup = started();
    let node = &setup.node;
    let tag = ask(node, "GET", &[], "").header("etag").unwrap().to_owned();
    let put = |patch: &Value| {
        let headers = [("Content-Type", "application/json"), ("If-Match", tag.as_str())];
        ask(node, "PUT", &headers, &patch.to_string())
    };
    let answer = put(&json!({"peers": [{"hostname": "south", "$delete": true}]}));
    assert_eq!((answer.status, answer.json().get("peers")), (200, None), "{}", answer.text());
    assert_ne!(answer.header("etag"), Some(tag.as_str()));
    assert_eq!(node.get(&format!("{API}/cluster/peers/south")).status, 404, "in effect");
    let after = file(node);
    assert!(!after.contains("peer south") && after.contains("canary-publish"), "{after}");
    assert_eq!(put(&json!({"streams": null})).status, 412);
    assert_eq!(file(node), after);
    assert_eq!(node.api("/streams/stage")["named_by"], json!("config"), "still there");
}
