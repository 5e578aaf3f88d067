//! RTSP clients of a peer's stream get a 302 with the holder's own door.

use std::process::Command;
use std::time::Duration;

use crate::support::cluster::{plan, publishable};
use crate::support::media;
use crate::support::players::run;
use crate::support::rtsp_wire::RtspClient;

#[test]
fn describe_of_a_peers_stream_points_to_its_rtsp_door() {
    let cluster = plan().config("south", &publishable(&["cam"])).start_connected();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let log = south.log_path("ffmpeg");
    let _publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &south.publish_url("cam"), &log);
    south.wait_playing("cam");
    north.wait_redirect("cam", south, Duration::from_secs(10));

    let mut client = RtspClient::connect(north.rtsp);
    let base = format!("rtsp://127.0.0.1:{}", north.rtsp);
    let options = client.ask("OPTIONS", &format!("{base}/cam"));
    assert_eq!(options.status, 200);
    assert!(options.header("public").unwrap_or_default().contains("DESCRIBE"), "{options:?}");

    let answer = client.ask("DESCRIBE", &format!("{base}/cam?token=t1"));
    assert_eq!(answer.status, 302);
    let location = answer.header("location").unwrap();
    let wanted = format!("rtsp://127.0.0.1:{}/cam?token=t1&_via=", south.rtsp);
    assert!(location.starts_with(&wanted), "{location}");

    let mut client = RtspClient::connect(north.rtsp);
    assert_eq!(client.ask("DESCRIBE", &format!("{base}/nobody")).status, 404);

    // A real player gets there, and plays.
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-rtsp_transport", "tcp", "-show_entries", "stream=codec_name"]);
    let output = run(ffprobe.arg(format!("{base}/cam")), Duration::from_secs(20));
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(found.contains("h264") && found.contains("aac"), "{found} {words}");
}
