//! A change through the API touches exactly its item of the file, or nothing at all.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::cluster::KEY;
use crate::support::http::{self, Answer};
use crate::support::mock_peer::MockPeer;
use crate::support::node::{API, Node};
use crate::support::slots::{self, Slot};

const CONFIG: &str = "\
cluster_key a-key-of-the-scenarios-0123456789;   # the key

# the neighbour in the south
peer south { api_url http://127.0.0.1:9;  fetch_timeout 1000; # once a second
  stale_timeout 7000; }
peer   east;
  stream  odd   {  input   publish:// ; }  # layout that no printer would choose
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

fn text_of(node: &Node) -> String {
    fs::read_to_string(node.config_path()).unwrap()
}

fn put_south(node: &Node) -> Answer {
    let target = format!("{API}/cluster/peers/south");
    http::send_json(node.http, "PUT", &target, &json!({"fetch_timeout": 500}))
}

#[test]
fn put_of_one_field_changes_exactly_that_item_of_the_file() {
    let setup = started();
    let node = &setup.node;
    let before = text_of(node);
    let answer = put_south(node);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["fetch_timeout"], json!(500));
    assert_eq!(text_of(node), before.replace("fetch_timeout 1000;", "fetch_timeout 500;"));
    assert_eq!(node.api("/cluster/peers/south")["fetch_timeout"], json!(500), "in effect");
}

#[test]
fn a_written_fetch_timeout_is_how_often_the_peer_is_asked() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let south = MockPeer::start("south", KEY, &[]);
    let mut node = Node::new("north", folder.path());
    node.configure(&format!(
        "cluster_key {KEY};\npeer south {{ api_url http://127.0.0.1:{}; }}\n",
        south.port
    ));
    node.start();
    node.wait_ready();
    node.wait_peer("south", "up", Duration::from_secs(10));
    let watched = Duration::from_secs(3);
    for fetch_timeout in [1000, 250, 500] {
        let target = format!("{API}/cluster/peers/south");
        let body = json!({"fetch_timeout": fetch_timeout});
        assert_eq!(http::send_json(node.http, "PUT", &target, &body).status, 200);
        let before = south.requests();
        thread::sleep(watched);
        let asked = south.requests() - before;
        let due = u64::try_from(watched.as_millis()).unwrap() / fetch_timeout;
        println!("fetch_timeout {fetch_timeout}: asked {asked} times in {watched:?}");
        // 10 % of the time, and one at either end of it.
        let allowed = (due * 9 / 10).saturating_sub(1)..=due * 11 / 10 + 2;
        assert!(allowed.contains(&asked), "{fetch_timeout}: {asked}, allowed {allowed:?}");
        assert_eq!(node.peer_state("south").0, "up");
    }
}

#[test]
fn a_peer_without_a_block_gets_one_on_its_line() {
    let setup = started();
    let node = &setup.node;
    let before = text_of(node);
    let target = format!("{API}/cluster/peers/east");
    let answer = http::send_json(node.http, "PUT", &target, &json!({"channel_limit": 5}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let after = text_of(node);
    let changed: Vec<(&str, &str)> =
        before.lines().zip(after.lines()).filter(|(old, new)| old != new).collect();
    assert_eq!(changed.len(), 1, "{after}");
    assert_eq!(before.lines().count(), after.lines().count(), "{after}");
    let line = changed[0].1;
    assert!(line.starts_with("peer   east") && line.contains("channel_limit 5;"), "{line}");
}

#[test]
fn a_new_peer_goes_to_the_end_and_leaves_with_delete() {
    let setup = started();
    let node = &setup.node;
    let before = text_of(node);
    let target = format!("{API}/cluster/peers/west");
    let body = json!({"api_url": "http://127.0.0.1:10"});
    assert_eq!(http::send_json(node.http, "PUT", &target, &body).status, 200);
    let after = text_of(node);
    assert!(after.starts_with(&before), "{after}");
    assert!(after[before.len()..].contains("west"), "{after}");
    assert_eq!(http::send_json(node.http, "DELETE", &target, &json!(null)).status, 204);
    assert_eq!(text_of(node).trim_end(), before.trim_end());
    assert_eq!(node.get(&target).status, 404);
}

#[test]
fn a_file_without_its_owners_write_bit_stays_as_it_is() {
    let setup = started();
    let node = &setup.node;
    let before = text_of(node);
    fs::set_permissions(node.config_path(), fs::Permissions::from_mode(0o444)).unwrap();
    let answer = put_south(node);
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().contains("config_read_only"), "{}", answer.text());
    assert_eq!(text_of(node), before);
    assert_eq!(node.api("/cluster/peers/south")["fetch_timeout"], json!(1000), "nothing applied");
}

#[test]
fn a_file_changed_on_disk_meanwhile_is_not_overwritten() {
    let setup = started();
    let node = &setup.node;
    let by_hand = format!("{}# edited by hand\n", text_of(node));
    fs::write(node.config_path(), &by_hand).unwrap();
    let answer = put_south(node);
    assert_eq!(answer.status, 409, "{}", answer.text());
    assert!(answer.text().contains("config_changed"), "{}", answer.text());
    assert_eq!(text_of(node), by_hand);
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_place() {
    let setup = started();
    let node = &setup.node;
    let before = text_of(node);
    let target = format!("{API}/cluster/peers/south");
    let body = json!({"fetch_timeout": "soon"});
    let answer = http::send_json(node.http, "PUT", &target, &body);
    assert_eq!(answer.status, 400, "{}", answer.text());
    let pointer = &answer.json()["errors"][0]["source"]["pointer"];
    assert_eq!(pointer, &json!("/fetch_timeout"), "{}", answer.text());
    assert_eq!(text_of(node), before);
}
