//! What the environment says is in force and never written to a file; what stands in an included
//! file is changed there and nowhere else.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::support::cluster::KEY;
use crate::support::mock_peer::MockPeer;
use crate::support::node::{API, Node};
use crate::support::{http, slots};

const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn a_key_from_a_file_of_the_environment_and_a_peer_from_an_included_file() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let south = MockPeer::start("south", KEY, &["cam"]);
    let mut node = Node::new("north", folder.path());
    let key_file = folder.path().join("key");
    fs::write(&key_file, format!("{KEY}\n")).unwrap();
    node.set_environment("WATERSHED_CLUSTER_KEY_FILE", key_file.to_str().unwrap());
    let peers = folder.path().join("north/conf.d");
    fs::create_dir(&peers).unwrap();
    let (here, other) = (peers.join("b.conf"), peers.join("a.conf"));
    let line = "peer south { api_url http://127.0.0.1:PORT; fetch_timeout 1000; } # there\n";
    fs::write(&here, line.replace("PORT", &south.port.to_string())).unwrap();
    fs::write(&other, "# nothing   yet\n").unwrap();
    node.configure("include conf.d/*.conf;\n");
    node.start();
    node.wait_ready();
    // The mock signs with the key: up means that the node knows it.
    node.wait_peer("south", "up", LIMIT);

    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let main_file = node.config_path();
    let (main, before, beside) = (read(&main_file), read(&here), read(&other));
    let target = format!("{API}/cluster/peers/south");
    let answer = http::send_json(node.http, "PUT", &target, &json!({"fetch_timeout": 400}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(read(&here), before.replace("fetch_timeout 1000;", "fetch_timeout 400;"));
    assert_eq!((read(&main_file), read(&other)), (main.clone(), beside.clone()));
    assert_eq!(node.api("/cluster/peers/south")["fetch_timeout"], json!(400), "in effect");

    // A new one goes to the end of the main file.
    let west = format!("{API}/cluster/peers/west");
    let body = json!({"api_url": "http://127.0.0.1:10"});
    assert_eq!(http::send_json(node.http, "PUT", &west, &body).status, 200);
    assert!(read(&main_file).starts_with(&main), "{}", read(&main_file));
    assert!(read(&main_file)[main.len()..].contains("west"));
    let answer = http::send_json(node.http, "DELETE", &target, &json!(null));
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert!(!read(&here).contains("south"), "{}", read(&here));
    for path in [&main_file, &here, &other] {
        assert!(!read(path).contains(KEY), "{} has the key", path.display());
    }
    assert_eq!(read(&other), beside);
}
