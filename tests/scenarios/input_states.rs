//! A stream with three inputs says of each what it is doing, as publishers come and go.

use std::time::Duration;

use serde_json::Value;

use crate::support::node::Node;
use crate::support::{eventually, media, slots};

const LIMIT: Duration = Duration::from_secs(20);

/// Waits until the inputs are in these states; what is known of each.
fn wait_inputs(node: &Node, wanted: [&str; 3]) -> Vec<Value> {
    eventually(LIMIT, &format!("inputs {wanted:?}"), || {
        let stream = node.api("/streams/cam");
        let inputs = stream["inputs"].as_array().unwrap().clone();
        let states: Vec<&str> = inputs
            .iter()
            .map(|input| input["stats"]["status"].as_str().unwrap_or("none"))
            .collect();
        if states == wanted { Ok(inputs) } else { Err(format!("{states:?}")) }
    })
}

#[test]
fn inputs_say_which_is_on_air_and_why_the_others_are_not() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::new("north", folder.path());
    let clip = media::clip("bars.mp4");
    node.configure(&format!(
        "stream cam {{ input publish://; input rtmp://user:s3cret@127.0.0.1:1/live/cam; \
         input file://{}; }}\n",
        clip.display()
    ));
    node.start();
    node.wait_ready();
    let inputs = wait_inputs(&node, ["waiting", "failed", "running"]);
    let [_, failed, running] = &inputs[..] else { panic!("three inputs") };
    assert!(failed["stats"]["retry_count"].as_u64().unwrap() >= 1, "{failed}");
    assert!(failed["stats"]["error"].as_str().unwrap().contains("refused"), "{failed}");
    assert_eq!(failed["stats"]["last_frame_at"], Value::Null);
    assert_eq!(
        (&failed["stats"]["active"], &running["stats"]["active"]),
        (&false.into(), &true.into())
    );
    assert!(running["stats"]["last_frame_at"].is_u64() && running["stats"]["error"].is_null());
    eventually(LIMIT, "a bitrate", || {
        let kbit = node.api("/streams/cam")["inputs"][2]["stats"]["bitrate"].as_u64();
        if kbit.is_some_and(|kbit| kbit > 10) { Ok(()) } else { Err(format!("{kbit:?}")) }
    });

    let url = node.publish_url("cam");
    let publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &url, &node.log_path("ffmpeg"));
    let inputs = wait_inputs(&node, ["running", "standby", "standby"]);
    assert!(inputs[1]["stats"]["error"].as_str().unwrap().contains("refused"), "{}", inputs[1]);
    drop(publisher);
    wait_inputs(&node, ["waiting", "failed", "running"]);
    let text = node.get("/streamer/api/v3/streams").text();
    assert!(text.contains("user:***@127.0.0.1") && !text.contains("s3cret"), "{text}");
}
