//! Templates: a name that nobody configured is published, seen by the whole cluster, taken over,
//! and gone when its publisher is.

use std::io::Read;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::cluster::{Cluster, plan};
use crate::support::node::{API, Node};
use crate::support::process::Process;
use crate::support::{eventually, http, media};

const LIMIT: Duration = Duration::from_secs(10);

fn cluster() -> Cluster {
    let lines = "template studio { input publish://; password s3cret; clients_timeout 1; \
                 segment_duration 1; }\n\
                 stream stage { input publish://; publish_takeover on; segment_duration 1; }\n\
                 limits { template_streams 1; }\n";
    plan().config("south", lines).start_connected()
}

fn publish(node: &Node, name: &str, clip: &str, log: &str) -> Process {
    media::publish("ffmpeg".as_ref(), clip, &node.publish_url(name), &node.log_path(log))
}

fn stream(node: &Node, name: &str) -> Value {
    node.get(&format!("{API}/streams/{name}")).json()
}

#[test]
fn a_name_below_the_prefix_lives_as_long_as_its_publisher() {
    let cluster = cluster();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let mut stranger = publish(south, "studio/x", "bars.mp4", "stranger");
    assert!(!stranger.wait(LIMIT).success(), "without the password nobody publishes");
    assert_eq!(south.get(&format!("{API}/streams/studio%2Fx")).status, 404);

    let mut publisher = publish(south, "studio/x?password=s3cret", "bars.mp4", "publisher");
    south.wait_playing("studio/x");
    assert_eq!(stream(south, "studio%2Fx")["named_by"], "user");
    north.wait_redirect("studio/x", south, LIMIT);
    assert_eq!(stream(north, "studio%2Fx")["named_by"], "remote");

    let mut second = publish(south, "studio/x?password=s3cret", "bars.mp4", "second");
    assert!(!second.wait(LIMIT).success(), "another publisher is connected");
    let mut other = publish(south, "studio/y?password=s3cret", "bars.mp4", "other");
    assert!(!other.wait(LIMIT).success(), "one stream is all that the template may make");
    let hits = south.get("/metrics").text();
    assert!(hits.contains("watershed_limit_hits_total{limit=\"template_streams\"} 1"), "{hits}");

    let changed = http::send_json(
        south.http,
        "PUT",
        &format!("{API}/templates/studio"),
        &json!({"title": "T"}),
    );
    assert_eq!((changed.status, &changed.json()["title"]), (200, &json!("T")));
    assert!(publisher.ended().is_none(), "what follows its template cuts nobody off");

    publisher.kill();
    // An HLS player counts for a while, and the stream stays for its own time after it.
    eventually(2 * LIMIT, "the stream goes after its publisher", || {
        let answer = south.get(&format!("{API}/streams/studio%2Fx"));
        if answer.status == 404 { Ok(()) } else { Err(answer.text()) }
    });
    eventually(LIMIT, "north hears of it", || {
        let answer = north.get("/studio/x/index.m3u8");
        if answer.status == 404 { Ok(()) } else { Err(answer.status.to_string()) }
    });
}

#[test]
fn a_second_publisher_takes_over_and_viewers_go_on() {
    let cluster = cluster();
    let south = cluster.node("south");
    let mut first = publish(south, "stage", "bars.mp4", "first");
    south.wait_playing("stage");
    let id = stream(south, "stage")["stats"]["id"].clone();
    let mut viewer = http::take(south.http, "/stage/mpegts", 64 * 1024);
    let mut second = publish(south, "stage", "bars.mp4", "second");
    eventually(LIMIT, "the first is sent away", || {
        first.ended().map(|_| ()).ok_or_else(|| "it still publishes".to_owned())
    });
    // More than can have waited for it: it is fed by the second one.
    viewer.read_exact(&mut vec![0; 256 * 1024]).unwrap();
    let stats = &stream(south, "stage")["stats"];
    assert_eq!((&stats["id"], &stats["alive"]), (&id, &Value::Bool(true)), "{stats}");
    assert!(second.ended().is_none());
}
