//! How soon the cluster knows of a new stream: by hint, and by polls alone.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::cluster::{Cluster, plan, publishable};
use crate::support::{SLACK, eventually, media, promise};

/// Publishes `cam` to south; from its first frame there until north redirects to it.
fn time_until_redirected(cluster: &Cluster) -> Duration {
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let log = south.log_path("ffmpeg");
    let url = south.publish_url("cam");
    std::thread::scope(|scope| {
        let redirected = scope.spawn(|| {
            north.wait_redirect("cam", south, Duration::from_secs(20));
            Instant::now()
        });
        let _publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &url, &log);
        eventually(Duration::from_secs(20), "south has a frame of cam", || {
            let stats = &south.api("/streams/cam")["stats"];
            if stats["alive"] == Value::Bool(true) { Ok(()) } else { Err(stats.to_string()) }
        });
        let first_frame = Instant::now();
        redirected.join().unwrap().saturating_duration_since(first_frame)
    })
}

#[test]
fn a_new_stream_is_known_within_200_ms_by_hint() {
    // Polls so rare that only a hint can be in time.
    let cluster = plan()
        .fetch_timeout(Duration::from_secs(5))
        .config("south", &publishable(&["cam"]))
        .alone()
        .start_connected();
    let took = time_until_redirected(&cluster);
    promise("redirected by hint", took, Duration::from_millis(200) + SLACK);
}

#[test]
fn a_new_stream_is_known_within_a_poll_without_hints() {
    let cluster = plan()
        .config("south", &publishable(&["cam"]))
        .proxied("south", "north")
        .alone()
        .start_connected();
    let proxy = cluster.proxy("south", "north");
    proxy.drop_requests_with("POST /streamer/api/v3/cluster/changed");
    let took = time_until_redirected(&cluster);
    promise("redirected by polls", took, Duration::from_millis(1100) + SLACK);
    assert!(proxy.requests_dropped() > 0, "no hint was sent, so none was cut off");
}
