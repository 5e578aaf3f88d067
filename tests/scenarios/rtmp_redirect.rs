//! RTMP clients of a peer's stream get `ex.redirect` where all are redirected: on the wire.

use std::time::Duration;

use crate::support::cluster::{Cluster, plan, publishable};
use crate::support::media;
use crate::support::players::rtmpdump;
use crate::support::process::Process;
use crate::support::rtmp_wire::RtmpClient;

/// Three nodes; south plays `cam` and north knows it.
fn cluster_with_cam() -> (Cluster, Process) {
    let plan = plan().config("north", "rtmp_redirect always;\n");
    let cluster = plan.config("south", &publishable(&["cam"])).start_connected();
    let south = cluster.node("south");
    let log = south.log_path("ffmpeg");
    let publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &south.publish_url("cam"), &log);
    south.wait_playing("cam");
    cluster.node("north").wait_redirect("cam", south, Duration::from_secs(10));
    (cluster, publisher)
}

#[test]
fn connect_with_the_streams_name_as_app_is_refused_with_the_full_url() {
    let (cluster, _publisher) = cluster_with_cam();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let mut client = RtmpClient::connect(north.rtmp);
    client.send_connect("cam", &format!("rtmp://127.0.0.1:{}/cam", north.rtmp), None);
    let answer = client.wait_command(&["_error", "_result"]);
    assert_eq!(answer.command().as_deref(), Some("_error"));
    let code = answer.text_property("code");
    assert_eq!(code.as_deref(), Some("NetConnection.Connect.Rejected"));
    assert_eq!(answer.number_property("code"), Some(302.0));
    let redirect = answer.text_property("redirect").unwrap();
    let wanted = format!("rtmp://127.0.0.1:{}/cam", south.rtmp);
    assert!(redirect.starts_with(&wanted), "{redirect}");
}

#[test]
fn play_of_a_peers_stream_is_refused_with_both_urls() {
    let (cluster, _publisher) = cluster_with_cam();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let mut client = RtmpClient::connect(north.rtmp);
    client.send_connect("static", &format!("rtmp://127.0.0.1:{}/static", north.rtmp), None);
    client.wait_command(&["_result"]);
    client.send_on_stream("play", "cam?token=t1");
    let answer = client.wait_command(&["onStatus", "_error"]);
    assert_eq!(answer.number_property("code"), Some(302.0), "{answer:?}");
    let door = format!("rtmp://127.0.0.1:{}/static", south.rtmp);
    let redirect = answer.text_property("redirect").unwrap();
    assert!(redirect.starts_with(&door), "{redirect}");
    let full = answer.text_property("redirect2").unwrap();
    assert!(full.starts_with(&format!("{door}/cam?token=t1")), "{full}");
    assert!(full.contains("_via="), "{full}");
}

#[test]
fn a_client_that_announces_reconnect_is_asked_to() {
    let (cluster, _publisher) = cluster_with_cam();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let mut client = RtmpClient::connect(north.rtmp);
    client.send_connect("static", &format!("rtmp://127.0.0.1:{}/static", north.rtmp), Some(1.0));
    client.wait_command(&["_result"]);
    client.send_on_stream("play", "cam");
    let answer = client.wait_command(&["onStatus"]);
    let code = answer.text_property("code");
    assert_eq!(code.as_deref(), Some("NetConnection.Connect.ReconnectRequest"));
    let door = format!("rtmp://127.0.0.1:{}/static", south.rtmp);
    assert!(answer.text_property("tcUrl").unwrap().starts_with(&door), "{answer:?}");
}

#[test]
fn play_of_nobodys_stream_is_not_found() {
    let cluster = plan().start_connected();
    let north = cluster.node("north");
    let mut client = RtmpClient::connect(north.rtmp);
    client.send_connect("static", &format!("rtmp://127.0.0.1:{}/static", north.rtmp), None);
    client.wait_command(&["_result"]);
    client.send_on_stream("play", "nobody");
    let code = client.wait_command(&["onStatus"]).text_property("code");
    assert_eq!(code.as_deref(), Some("NetStream.Play.StreamNotFound"));
}

#[test]
fn a_stock_player_is_refused_in_words_and_does_not_hang() {
    let (cluster, _publisher) = cluster_with_cam();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let words = rtmpdump(&format!("rtmp://127.0.0.1:{}/static/cam", north.rtmp));
    assert!(words.contains("NetConnection.Connect.Rejected"), "{words}");
    let door = format!("rtmp://127.0.0.1:{}/static/cam", south.rtmp);
    assert!(words.contains(&door), "it is not told {door}: {words}");
}
