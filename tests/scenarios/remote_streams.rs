//! A stream of another node through this node's API: shown, not changed; and made this node's own.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::cluster::plan;
use crate::support::node::{API, Node};
use crate::support::{eventually, http, media};

const LIMIT: Duration = Duration::from_secs(20);

/// Status, and the code of the refusal if it is one.
fn ask(node: &Node, method: &str, path: &str, body: &str) -> (u16, String) {
    let target = format!("{API}{path}");
    let answer = http::request(node.http, method, &target, &[], body.as_bytes(), LIMIT).unwrap();
    let told: Value = serde_json::from_str(&answer.text()).unwrap_or_default();
    let code = told["errors"][0]["code"].as_str().unwrap_or_default();
    (answer.status, code.to_owned())
}

#[test]
fn a_stream_of_another_node_is_changed_there_and_can_be_made_here_too() {
    let clip = media::clip("bars.mp4");
    let line = format!("stream cam {{ input file://{}; }}\n", clip.display());
    let cluster = plan().config("south", &line).start_connected();
    let north = cluster.node("north");
    let running_on = || north.api("/streams/cam")["stats"]["running_on"].take();
    let wait_for = |hostnames: Value| {
        eventually(LIMIT, &format!("cam runs on {hostnames}"), || {
            let told = running_on();
            if told == hostnames { Ok(()) } else { Err(told.to_string()) }
        });
    };
    wait_for(json!(["south"]));
    assert_eq!(north.api("/streams/cam")["named_by"], "remote");

    let not_local = (409, "not_local".to_owned());
    assert_eq!(ask(north, "DELETE", "/streams/cam", ""), not_local);
    assert_eq!(ask(north, "POST", "/streams/cam/stop", ""), not_local);

    // Sent on by north's own players before, played here from now on.
    let body = json!({"inputs": [{"url": "publish://"}], "title": "ours"}).to_string();
    assert_eq!(ask(north, "PUT", "/streams/cam", &body).0, 200);
    assert_eq!(north.api("/streams/cam")["named_by"], "config");
    let file = std::fs::read_to_string(north.config_path()).unwrap();
    assert!(file.contains("title ours"), "{file}");
    assert_eq!(ask(north, "DELETE", "/streams/cam", "").0, 204);
    wait_for(json!(["south"]));
    assert_eq!(north.api("/streams/cam")["named_by"], "remote");
}
