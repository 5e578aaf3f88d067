//! The paths of an older API, asked as old monitoring scripts ask.

use std::time::Duration;

use serde_json::json;

use crate::support::node::Node;
use crate::support::{eventually, http, media, slots};

const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn old_scripts_find_their_numbers() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::new("north", folder.path());
    node.configure("stream stage { input publish://; segment_duration 1; }\nstream dry;\n");
    node.start();
    node.wait_ready();
    let health = |name: &str| node.get(&format!("/flussonic/api/stream_health/{name}"));
    assert_eq!((health("stage").status, health("stage").text()), (424, "false".to_owned()));

    let log = node.log_path("publisher");
    let url = node.publish_url("stage");
    let _publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &url, &log);
    node.wait_playing("stage");
    let _viewer = http::take(node.http, "/stage/mpegts", 64 * 1024);
    assert_eq!((health("stage").status, health("stage").text()), (200, "true".to_owned()));
    assert_eq!((health("dry").status, health("none").status), (424, 424));

    let server = node.get("/flussonic/api/server").json();
    assert!(server["uptime"].is_u64() && server["version"].is_string(), "{server}");
    eventually(LIMIT, "the viewer is counted", || {
        let server = node.get("/flussonic/api/server").json();
        if server["total_clients"] == json!(1) { Ok(()) } else { Err(server.to_string()) }
    });
    let media = node.get("/flussonic/api/media").json();
    let names: Vec<_> = media.as_array().unwrap().iter().map(|one| &one["value"]["name"]).collect();
    assert_eq!(names, [&json!("dry"), &json!("stage")]);
    assert_eq!(media[1]["value"]["stats"]["alive"], json!(true));
    let sessions = node.get("/flussonic/api/sessions?name=stage").json();
    let session = &sessions["sessions"][0];
    assert_eq!((&session["type"], &session["ip"]), (&json!("tshttp"), &json!("127.0.0.1")));
    assert!(session["bytes_sent"].as_u64().unwrap() > 0, "{session}");

    let added = "stream stage { input publish://; segment_duration 1; }\nstream added;\n";
    node.configure(added);
    let reload = http::send_json(node.http, "POST", "/flussonic/api/reload", &json!(null));
    assert_eq!((reload.status, reload.json()), (200, json!({"success": true})));
    assert_eq!(node.api("/streams/added")["named_by"], json!("config"));
}
