//! ffmpeg publishes to south; real players ask north and east and get picture and sound.

use std::time::Duration;

use serde_json::Value;

use crate::support::cluster::{Cluster, plan, publishable};
use crate::support::media;
use crate::support::players::{
    assert_rising, assert_steps, curl, ffprobe, gstreamer, times_of, widths,
};
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

/// A clip, its tracks, and how long a frame of each lasts at most.
struct Clip {
    file: &'static str,
    video: Option<f64>,
    audio: Option<f64>,
    /// Fields of ffprobe's description of its tracks.
    facts: &'static [(&'static str, &'static str, &'static str)],
}

const fn clip(file: &'static str, video: Option<f64>, audio: Option<f64>) -> Clip {
    Clip { file, video, audio, facts: &[] }
}

/// 25 pictures a second.
const PAL: Option<f64> = Some(0.04);
/// AAC: 1024 samples a frame.
const AAC_48: Option<f64> = Some(1024.0 / 48_000.0);
const AAC_44: Option<f64> = Some(1024.0 / 44_100.0);
const FILM: Clip = Clip {
    facts: &[("video", "r_frame_rate", "30000/1001"), ("audio", "sample_rate", "48000")],
    ..clip("film.mp4", Some(1001.0 / 30_000.0), AAC_48)
};
const MONO: Clip = Clip {
    facts: &[("audio", "channels", "1"), ("audio", "sample_rate", "44100")],
    ..clip("mono.mp4", PAL, AAC_44)
};
const HEVC: Clip =
    Clip { facts: &[("video", "codec_name", "hevc")], ..clip("hevc.mp4", PAL, AAC_48) };

#[test]
fn every_kind_of_test_clip_plays_through_a_redirect() {
    let clips = [
        FILM,
        MONO,
        HEVC,
        clip("audio-only.mp4", None, AAC_48),
        clip("video-only.mp4", PAL, None),
        clip("size-change.ts", PAL, AAC_48),
    ];
    let lines: String = clips
        .iter()
        .map(|clip| {
            let path = media::clip(clip.file);
            format!("stream {} {{ input file://{}; }}\n", name_of(clip.file), path.display())
        })
        .collect();
    let cluster = plan().config("south", &lines).start_connected();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    std::thread::scope(|scope| {
        for clip in &clips {
            scope.spawn(move || {
                north.wait_redirect(name_of(clip.file), south, LIMIT);
                plays_over_its_seam(clip, &north.playback_url(name_of(clip.file), "mpegts"));
            });
        }
        scope.spawn(|| {
            north.wait_redirect("size-change", south, LIMIT);
            let widths = widths(&north.playback_url("size-change", "mpegts"), 12);
            assert!(widths.len() >= 3, "a size, the other, and the first again: {widths:?}");
            assert!(widths.contains(&640) && widths.contains(&320), "{widths:?}");
        });
    });
}

/// Plays for longer than a clip lasts, so that the loop's seam is within.
fn plays_over_its_seam(clip: &Clip, url: &str) {
    let (streams, times) = ffprobe(url, 12);
    for (kind, frame) in [("video", clip.video), ("audio", clip.audio)] {
        let Some(frame) = frame else {
            assert!(!times.contains_key(kind), "{}: {kind}", clip.file);
            continue;
        };
        assert_rising(clip.file, &times, &[kind], 200);
        assert_steps(clip.file, &times, kind, frame * 3.0);
    }
    for (kind, field, wanted) in clip.facts {
        let value = &stream_of(&streams, kind)[field];
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert_eq!(&text, wanted, "{}: {field} of {kind}", clip.file);
    }
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
