//! ffmpeg publishes to south; real players ask north and east and get picture and sound.

use std::time::Duration;

use serde_json::Value;

use crate::support::cluster::{Cluster, plan, publishable};
use crate::support::media;
use crate::support::players::{assert_rising, curl, ffprobe, gstreamer, times_of};
use crate::support::probe::port_of;
use crate::support::process::Process;

const LIMIT: Duration = Duration::from_secs(20);
const BOTH: [&str; 2] = ["video", "audio"];

/// Three nodes; south plays `cam`, published by Debian's ffmpeg, and the others know it.
fn cluster_with_cam() -> (Cluster, Process) {
    let cluster = plan().config("south", &publishable(&["cam"])).start_connected();
    let south = cluster.node("south");
    let log = south.log_path("ffmpeg");
    let publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &south.publish_url("cam"), &log);
    south.wait_playing("cam");
    for entry in ["north", "east"] {
        cluster.node(entry).wait_redirect("cam", south, LIMIT);
    }
    (cluster, publisher)
}

fn stream_of<'a>(streams: &'a [Value], kind: &str) -> &'a Value {
    streams
        .iter()
        .find(|stream| stream["codec_type"] == kind)
        .unwrap_or_else(|| panic!("no {kind} in {streams:?}"))
}

#[test]
fn ffprobe_plays_hls_and_ts_by_asking_either_node() {
    let (cluster, _publisher) = cluster_with_cam();
    for entry in ["north", "east"] {
        for file in ["index.m3u8", "mpegts"] {
            let url = cluster.node(entry).playback_url("cam", file);
            let (streams, times) = ffprobe(&url, 5);
            assert_eq!(stream_of(&streams, "video")["codec_name"], "h264", "{url}");
            assert_eq!(stream_of(&streams, "video")["width"], 640, "{url}");
            assert_eq!(stream_of(&streams, "audio")["codec_name"], "aac", "{url}");
            assert_eq!(stream_of(&streams, "audio")["sample_rate"], "48000", "{url}");
            assert_rising(&url, &times, &BOTH, 50);
        }
    }
}

#[test]
fn curl_follows_to_a_playable_transport_stream() {
    let (cluster, _publisher) = cluster_with_cam();
    for entry in ["north", "east"] {
        let url = cluster.node(entry).playback_url("cam", "mpegts");
        // The answer is endless: curl ends by its own clock.
        let (last, bytes) = curl(&url, 4);
        assert_eq!(port_of(&last), Some(cluster.node("south").http), "{last}");
        assert_rising(&url, &times_of(&bytes), &BOTH, 50);

        let url = cluster.node(entry).playback_url("cam", "index.m3u8");
        let (last, playlist) = curl(&url, 10);
        assert_eq!(port_of(&last), Some(cluster.node("south").http), "{last}");
        assert!(playlist.starts_with(b"#EXTM3U"), "{:?}", String::from_utf8_lossy(&playlist));
    }
}

#[test]
fn gstreamer_plays_hls_and_ts_by_asking_either_node() {
    let (cluster, _publisher) = cluster_with_cam();
    for (entry, file, is_hls) in [("north", "index.m3u8", true), ("east", "mpegts", false)] {
        let url = cluster.node(entry).playback_url("cam", file);
        let times = gstreamer(&url, is_hls, 12);
        // A demuxer hands on whole PES packets, each with several frames of sound.
        assert_rising(&format!("GStreamer {url}"), &times, &BOTH, 20);
    }
}

#[test]
fn every_kind_of_test_clip_plays_through_a_redirect() {
    let clips: [(&str, &[&str]); 6] = [
        ("film.mp4", &BOTH),
        ("mono.mp4", &BOTH),
        ("audio-only.mp4", &["audio"]),
        ("video-only.mp4", &["video"]),
        ("size-change.ts", &BOTH),
        ("hevc.mp4", &BOTH),
    ];
    let lines: String = clips
        .iter()
        .map(|(clip, _)| {
            let path = media::clip(clip);
            format!("stream {} {{ input file://{}; }}\n", name_of(clip), path.display())
        })
        .collect();
    let cluster = plan().config("south", &lines).start_connected();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    std::thread::scope(|scope| {
        for (clip, kinds) in clips {
            scope.spawn(move || {
                north.wait_redirect(name_of(clip), south, LIMIT);
                let url = north.playback_url(name_of(clip), "mpegts");
                // Longer than a clip, so that the loop's seam is within.
                let (_, times) = ffprobe(&url, 12);
                assert_rising(clip, &times, kinds, 200);
            });
        }
    });
}

fn name_of(clip: &str) -> &str {
    clip.split('.').next().unwrap()
}

#[test]
fn an_on_demand_stream_starts_at_its_holder_with_the_first_client() {
    let path = media::clip("bars.mp4");
    let lines = format!("stream film {{ input file://{}; static off; }}\n", path.display());
    let cluster = plan().config("south", &lines).start_connected();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    north.wait_redirect("film", south, LIMIT);
    assert_ne!(south.api("/streams/film")["stats"]["alive"], Value::Bool(true), "not started yet");
    let (_, times) = ffprobe(&north.playback_url("film", "index.m3u8"), 5);
    assert_rising("on demand", &times, &BOTH, 50);
    assert_eq!(south.api("/streams/film")["stats"]["alive"], Value::Bool(true));
}
