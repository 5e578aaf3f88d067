//! Streams pulled by RTMP: from ffmpeg, and from a cluster whose node sends the puller on.

use std::process::Command;
use std::time::Duration;

use crate::support::cluster::{plan, publishable};
use crate::support::media;
use crate::support::node::Node;
use crate::support::players::{assert_rising, ffprobe};
use crate::support::ports::free_port;
use crate::support::process::Process;
use crate::support::slots;

/// ffmpeg as a server: it waits for one player, and gives it the clip over and over.
fn serve(url: &str, node: &Node) -> Process {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "warning", "-re", "-stream_loop", "-1", "-i"]);
    command.arg(media::clip("bars.mp4"));
    command.args(["-c", "copy", "-f", "flv", "-listen", "1", url]);
    Process::start("ffmpeg as a server", &mut command, &node.log_path("ffmpeg"))
}

#[test]
fn rtmp_is_pulled_and_pulled_again_after_its_server_came_back() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::new("north", folder.path());
    let url = format!("rtmp://127.0.0.1:{}/live/cam?token=s3cret", free_port());
    node.configure(&format!("stream cam {{ segment_duration 2; input {url}; }}\n"));
    node.start();
    node.wait_ready();
    let error = node.wait_source_error("cam", "connection refused");
    assert!(error.starts_with("rtmp://127.0.0.1:") && !error.contains("s3cret"), "{error}");

    let mut server = serve(&url, &node);
    node.wait_playing("cam");
    let (_, times) = ffprobe(&node.playback_url("cam", "mpegts"), 2);
    assert_rising("pulled", &times, &["video", "audio"], 25);
    server.kill();
    node.wait_source_error("cam", "connection");
    let _server = serve(&url, &node);
    node.wait_playing("cam");
    assert!(!node.log().contains("s3cret"), "the token is in the log");
}

#[test]
fn a_pull_follows_a_node_that_sends_it_on_where_egress_allows() {
    let cluster = plan().config("south", &publishable(&["cam"])).start_connected();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let log = south.log_path("ffmpeg");
    let _publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &south.publish_url("cam"), &log);
    south.wait_playing("cam");
    north.wait_redirect("cam", south, Duration::from_secs(10));

    let folder = tempfile::tempdir().unwrap();
    let input =
        format!("stream cam {{ segment_duration 2; input {}; }}\n", north.publish_url("cam"));
    let mut refused = Node::new("refused", folder.path());
    refused.configure(&input);
    let mut allowed = Node::new("allowed", folder.path());
    allowed.configure(&format!("egress_allow 127.0.0.1;\n{input}"));
    for node in [&mut refused, &mut allowed] {
        node.start();
        node.wait_ready();
    }
    allowed.wait_playing("cam");
    refused.wait_source_error("cam", "leads to loopback address 127.0.0.1");
}
