//! Secrets that stand in the config appear nowhere else: in no answer that the API's document
//! knows, no page, no event, no metric and no line of the log.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::http::{self, Answer};
use crate::support::node::{API, Node};
use crate::support::{eventually, slots};

const LIMIT: Duration = Duration::from_secs(20);
/// What each secret begins with.
const CANARY: &str = "canary-7f3a";

const LINES: &str = "\
edit_auth admin canary-7f3a-edit;
view_auth viewer canary-7f3a-view;
cluster_key canary-7f3a-cluster-key;
cluster_key_accept canary-7f3a-older-key;
# view_auth viewer canary-7f3a-commented;
peer south { api_url http://127.0.0.1:9; cluster_key canary-7f3a-peer-key; }
template studio { input publish://; password canary-7f3a-template; }
stream stage { input publish://; password canary-7f3a-publish; }
stream camera { input rtsp://user:canary-7f3a-camera@127.0.0.1:9/ch1; }
stream signed { input tshttp://127.0.0.1:9/a.ts?token=canary-7f3a-token&quality=high; }
stream origin { input rtmp://user:canary-7f3a-rtmp@127.0.0.1:9/live/a; static off; }
";

/// The header by which the editor asks.
fn basic() -> String {
    format!("Basic {}", STANDARD.encode("admin:canary-7f3a-edit"))
}

fn ask(node: &Node, method: &str, target: &str, body: &str, text: bool) -> Answer {
    let authorization = basic();
    let mut headers = vec![("Authorization", authorization.as_str())];
    if text {
        headers.extend([("Accept", "text/plain"), ("Content-Type", "text/plain")]);
    }
    http::request(node.http, method, target, &headers, body.as_bytes(), LIMIT)
        .unwrap_or_else(|reason| panic!("{method} {target}: {reason}"))
}

fn assert_silent(what: &str, told: &str) {
    assert!(!told.contains(CANARY), "{what}: {told}");
    let encoded = basic();
    assert!(!told.contains(encoded.trim_start_matches("Basic ")), "{what}: {told}");
}

/// Head and body.
fn whole(answer: &Answer) -> String {
    format!("{:?}\n{}", answer.headers, answer.text())
}

/// Every address that the document can be asked by GET, with names that are there.
fn addresses(document: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let server = item.get("servers").unwrap_or(&document["servers"])[0]["url"].as_str();
        let base = server.unwrap().trim_end_matches('/');
        // Its answer has no end; it is followed apart.
        if item.get("get").is_none() || path == "/events" {
            continue;
        }
        let name = match path.split('{').next().unwrap() {
            "/cluster/peers/" => &["south"][..],
            "/templates/" => &["studio"],
            _ => &["stage", "camera", "signed", "origin"],
        };
        let fill = |name: &&str| match (path.split_once('{'), path.split_once('}')) {
            (Some((before, _)), Some((_, after))) => format!("{base}{before}{name}{after}"),
            _ => format!("{base}{path}"),
        };
        all.extend(name.iter().map(fill));
    }
    all.dedup();
    all
}

/// The events of the first moments, up to those of this node's numbers.
fn events(node: &Node) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", node.http)).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let (port, authorization) = (node.http, basic());
    let head = format!("GET {API}/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
    write!(socket, "{head}Authorization: {authorization}\r\n\r\n").unwrap();
    let mut told = String::new();
    let mut piece = [0; 65536];
    while ["peers", "streams", "stats"].iter().any(|name| !told.contains(&format!("event: {name}")))
    {
        let count = socket.read(&mut piece).unwrap();
        assert!(count > 0, "{told}");
        told.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    told
}

#[test]
fn no_secret_is_told_by_anything() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::new("north", folder.path());
    node.configure(LINES);
    node.set_environment("WATERSHED_LOG", "debug");
    node.start();
    node.wait_ready();
    eventually(LIMIT, "inputs have failed", || {
        let streams = ask(&node, "GET", &format!("{API}/streams/camera"), "", false).json();
        streams["stats"]["source_error"].as_str().map(drop).ok_or(streams.to_string())
    });

    let document = ask(&node, "GET", &format!("{API}/openapi.json"), "", false).json();
    let addresses = addresses(&document);
    assert!(addresses.len() > 40, "{addresses:?}");
    for address in &addresses {
        for text in [false, true] {
            let answer = ask(&node, "GET", address, "", text);
            assert!(answer.status < 500, "{address}: {}", answer.status);
            assert_silent(address, &whole(&answer));
        }
    }
    for list in ["streams", "cluster/peers", "templates"] {
        // What is hidden cannot be looked for, either.
        let found = ask(&node, "GET", &format!("{API}/{list}?q={CANARY}"), "", false).json();
        assert_eq!(found["estimated_count"], 0, "{list}");
    }
    for page in ["/", "/stage/embed.html", "/stage/index.m3u8", "/camera/media_info.json"] {
        assert_silent(page, &whole(&ask(&node, "GET", page, "", false)));
    }
    let full = ask(&node, "GET", &format!("{API}/config?full=true"), "", false);
    assert_eq!(full.json()["cluster_key"], "***");
    assert_silent("full config", &whole(&full));
    let shown = ask(&node, "GET", &format!("{API}/config"), "", true).text();
    assert!(shown.matches("***").count() >= 10, "{shown}");

    for (path, body, text) in [
        ("/config", shown.replace("hostname", "hostnmae"), true),
        ("/config", shown.replace("password", "passwrod"), true),
        (
            "/streams/camera",
            json!({"inputs": [{"url": "rtsps://u:***@127.0.0.1:9/1"}]}).to_string(),
            false,
        ),
        ("/streams/stage", json!({"password": "***", "segment_count": "x"}).to_string(), false),
        ("/cluster/peers/south", json!({"stale_timeout": 50}).to_string(), false),
    ] {
        let refused = ask(&node, "PUT", &format!("{API}{path}"), &body, text);
        assert_eq!(refused.status, 400, "{path}: {}", refused.text());
        assert_silent(path, &whole(&refused));
    }
    assert_silent("events", &events(&node));
    let log = node.log();
    assert!(log.contains("node north is up") && log.contains("stream camera"), "{log}");
    assert_silent("log", &log);
}
