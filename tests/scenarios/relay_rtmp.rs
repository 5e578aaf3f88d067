//! Stock RTMP players follow no redirect: the asked node plays a peer's stream to them itself.

use std::time::Duration;

use crate::support::cluster::plan;
use crate::support::players::{assert_rising, ffprobe};
use crate::support::rtmp_wire::RtmpClient;
use crate::support::{eventually, media};

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn a_stock_player_gets_a_peers_stream_and_one_that_reconnects_is_sent_there() {
    let clip = media::clip("bars.mp4");
    let cam = format!("stream cam {{ input file://{}; }}\n", clip.display());
    let cluster = plan().config("south", &cam).start_connected();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    north.wait_redirect("cam", south, LIMIT);

    let url = format!("rtmp://127.0.0.1:{}/static/cam", north.rtmp);
    let (streams, times) = ffprobe(&url, 5);
    let mut codecs: Vec<_> = streams.iter().map(|stream| &stream["codec_name"]).collect();
    codecs.sort_by_key(|name| name.to_string());
    assert_eq!(codecs, ["aac", "h264"], "{url}");
    assert_rising(&url, &times, &["video", "audio"], 50);
    eventually(LIMIT, "it was north that played", || {
        let stats = south.api("/streams/cam")["stats"].take();
        let is_relayed = stats["relays"] == 1 && stats["client_count"] == 0;
        if is_relayed { Ok(()) } else { Err(stats.to_string()) }
    });

    let mut client = RtmpClient::connect(north.rtmp);
    client.send_connect("static", &format!("rtmp://127.0.0.1:{}/static", north.rtmp), Some(1.0));
    client.wait_command(&["_result"]);
    client.send_on_stream("play", "cam");
    let code = client.wait_command(&["onStatus"]).text_property("code");
    assert_eq!(code.as_deref(), Some("NetConnection.Connect.ReconnectRequest"));
}
