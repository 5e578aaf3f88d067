//! A current ffmpeg publishes H.265 by enhanced RTMP; a player gets H.265 through a redirect.

use std::time::Duration;

use crate::support::cluster::{plan, publishable};
use crate::support::media;
use crate::support::players::{assert_rising, ffprobe};

#[test]
fn h265_published_by_enhanced_rtmp_plays_through_a_redirect() {
    let cluster = plan().config("south", &publishable(&["cam"])).start_connected();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let program = media::current_ffmpeg();
    let log = south.log_path("ffmpeg");
    let _publisher = media::publish(&program, "hevc.mp4", &south.publish_url("cam"), &log);
    south.wait_playing("cam");
    north.wait_redirect("cam", south, Duration::from_secs(10));
    for file in ["index.m3u8", "mpegts"] {
        let (streams, times) = ffprobe(&north.playback_url("cam", file), 5);
        let video = streams.iter().find(|stream| stream["codec_type"] == "video").unwrap();
        assert_eq!(video["codec_name"], "hevc", "{file}");
        assert_rising(file, &times, &["video", "audio"], 50);
    }
}
