//! Who may publish where: every refusal with its own words, and the way to the node that takes it.

use std::time::Duration;

use serde_json::Value;

use crate::support::cluster::{Cluster, plan};
use crate::support::node::Node;
use crate::support::rtmp_wire::RtmpClient;
use crate::support::rtsp_wire::RtspClient;
use crate::support::{eventually, media};

const LIMIT: Duration = Duration::from_secs(10);

fn cluster() -> Cluster {
    let lines = format!(
        "stream cam {{ input publish://; password s3cret; }}\nstream open {{ input publish://; }}\n\
         stream film {{ input file://{}; }}\n",
        media::clip("bars.mp4").display()
    );
    plan().config("south", &lines).start_connected()
}

/// The words of the refusal of `name` as an encoder gives it, by the code of the contract.
fn refusal(node: &Node, name: &str) -> String {
    let mut client = RtmpClient::connect(node.rtmp);
    client.send_connect("static", &format!("rtmp://127.0.0.1:{}/static", node.rtmp), None);
    client.wait_command(&["_result"]);
    client.send_on_stream("publish", name);
    let answer = client.wait_command(&["onStatus"]);
    let code = answer.text_property("code");
    assert_eq!(code.as_deref(), Some("NetStream.Publish.BadName"), "{name}: {answer:?}");
    answer.text_property("description").unwrap_or_default()
}

fn is_alive(node: &Node, stream: &str) -> bool {
    node.api(&format!("/streams/{stream}"))["stats"]["alive"] == Value::Bool(true)
}

#[test]
fn each_refusal_of_a_publisher_has_its_words_and_leaves_the_stream_alone() {
    let cluster = cluster();
    let south = cluster.node("south");
    for (name, words) in [
        ("nobody", "no such stream"),
        ("../x", "no such stream"),
        ("film", "no publish:// input"),
        ("cam", "wrong password"),
        ("cam?password=", "wrong password"),
        ("cam?password=S3CRET", "wrong password"),
    ] {
        let told = refusal(south, name);
        assert!(told.contains(words), "{name}: {told}");
        assert!(!told.contains("s3cret"), "{name}: {told}");
    }
    assert!(!is_alive(south, "cam"), "a refused publisher is not on air");
    let log = south.log_path("ffmpeg");
    let url = format!("{}?password=s3cret", south.publish_url("cam"));
    let _publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &url, &log);
    south.wait_playing("cam");
    cluster.node("north").wait_redirect("cam", south, LIMIT);
    let id = south.api("/streams/cam")["stats"]["id"].clone();
    let told = refusal(south, "cam?password=s3cret");
    assert!(told.contains("another publisher is connected"), "{told}");
    let stats = &south.api("/streams/cam")["stats"];
    assert_eq!((&stats["id"], &stats["alive"]), (&id, &Value::Bool(true)), "{stats}");
    assert!(is_alive(south, "film"), "a refused publisher ends nothing");
}

#[test]
fn a_publisher_of_a_peers_stream_is_told_where_to_go() {
    let cluster = cluster();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let address = format!("rtmp://127.0.0.1:{}/open", south.rtmp);
    eventually(LIMIT, "north knows who takes publishers", || {
        let told = refusal(north, "open");
        if told.contains(&address) { Ok(()) } else { Err(told) }
    });
    // What a peer captures from elsewhere takes no publisher there either.
    let told = refusal(north, "film");
    assert!(told.contains("no such stream") && !told.contains("rtmp://"), "{told}");
    let told = refusal(north, "nobody");
    assert!(told.contains("no such stream") && !told.contains("rtmp://"), "{told}");

    let url = |stream: &str| format!("rtsp://127.0.0.1:{}/{stream}", north.rtsp);
    let answer = RtspClient::connect(north.rtsp).ask("ANNOUNCE", &url("open?token=t1"));
    assert_eq!(answer.status, 302, "{answer:?}");
    let wanted = format!("rtsp://127.0.0.1:{}/open?token=t1&_via=", south.rtsp);
    let location = answer.header("location").unwrap();
    assert!(location.starts_with(&wanted), "{location}");
    let answer = RtspClient::connect(north.rtsp).ask("ANNOUNCE", &url("nobody"));
    assert_eq!(answer.status, 404, "{answer:?}");

    // The address in words is one that works.
    let log = south.log_path("ffmpeg");
    let _publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &address, &log);
    north.wait_redirect("open", south, LIMIT);
}
