//! Real players, as programs: ffprobe, curl, GStreamer, rtmpdump; and what they say they got.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Decode times of what a player received, per kind of track, in the order received.
pub(crate) type Times = BTreeMap<String, Vec<f64>>;

/// Runs `command` to its end; after `limit` it is ended, and what it wrote so far is the output.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}; run scripts/install.sh test"));
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read_all = |stream: &mut dyn Read| {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok();
        bytes
    };
    let stdout = thread::spawn(move || read_all(&mut out));
    let stderr = thread::spawn(move || read_all(&mut err));
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > limit {
            child.kill().ok();
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    let status = child.wait().unwrap();
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// What ffprobe says of `seconds` of a live URL: `(streams, packets)`.
pub(crate) fn ffprobe(url: &str, seconds: u32) -> (Vec<Value>, Times) {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json", "-show_streams", "-show_packets"]);
    command.args(["-read_intervals", &format!("%+{seconds}"), url]);
    let output = run(&mut command, Duration::from_secs(60));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("ffprobe {url}: {e}; it said: {words}"));
    let mut times = Times::new();
    for packet in found["packets"].as_array().into_iter().flatten() {
        let kind = packet["codec_type"].as_str().unwrap_or("none").to_owned();
        let time: Option<f64> = packet["dts_time"].as_str().and_then(|text| text.parse().ok());
        times.entry(kind).or_default().extend(time);
    }
    let streams = found["streams"].as_array().cloned().unwrap_or_default();
    assert!(!streams.is_empty(), "ffprobe {url} found nothing; it said: {words}");
    (streams, times)
}

/// The widths of pictures within `seconds` of a live URL, decoded, in their order.
pub(crate) fn widths(url: &str, seconds: u32) -> Vec<u64> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json", "-select_streams", "v"]);
    command.args(["-show_entries", "frame=width", "-read_intervals", &format!("%+{seconds}"), url]);
    let output = run(&mut command, Duration::from_secs(60));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let frames = found["frames"].as_array().into_iter().flatten();
    let mut widths: Vec<u64> = frames.filter_map(|frame| frame["width"].as_u64()).collect();
    widths.dedup();
    widths
}

/// What curl gets of a URL, redirects followed, within `seconds`; the last URL, and the bytes.
pub(crate) fn curl(url: &str, seconds: u32) -> (String, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body");
    let mut command = Command::new("curl");
    command.args(["-sSL", "--max-redirs", "1", "--max-time", &seconds.to_string()]);
    command.args(["-w", "%{http_code} %{url_effective}"]).arg("-o").arg(&body).arg(url);
    let output = run(&mut command, Duration::from_secs(u64::from(seconds) + 5));
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let (status, last) = words.split_once(' ').unwrap_or_default();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(status, "200", "curl {url}: {words} {errors}");
    (last.to_owned(), std::fs::read(&body).unwrap_or_default())
}

/// Decode times in bytes of MPEG-TS, by ffprobe.
pub(crate) fn times_of(bytes: &[u8]) -> Times {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("received.ts");
    std::fs::write(&path, bytes).unwrap();
    ffprobe(path.to_str().expect("a temporary path is text"), 3600).1
}

/// Plays with GStreamer for `seconds`: `hls` says whether the URL is a playlist.
pub(crate) fn gstreamer(url: &str, hls: bool, seconds: u64) -> Times {
    let mut command = Command::new("gst-launch-1.0");
    command.args(["-v", "souphttpsrc", &format!("location={url}"), "!"]);
    if hls {
        command.args(["hlsdemux", "!"]);
    }
    // Timestamps are taken right behind the demuxer; the decoders prove that the bytes are media.
    let video = "tsdemux name=d d. ! video/x-h264 ! queue ! identity silent=false name=video \
                 ! h264parse ! avdec_h264 ! fakesink sync=false";
    let audio = "d. ! audio/mpeg ! queue ! identity silent=false name=audio \
                 ! aacparse ! avdec_aac ! fakesink sync=false";
    command.args(video.split_whitespace()).args(audio.split_whitespace());
    let (times, errors) = chain_times(&mut command, seconds);
    assert!(!times.is_empty(), "GStreamer got nothing from {url}: {errors}");
    times
}

/// Plays RTSP with GStreamer for `seconds`, by `tcp` or `udp`.
pub(crate) fn gstreamer_rtsp(url: &str, protocol: &str, seconds: u64) -> Times {
    let mut command = Command::new("gst-launch-1.0");
    command.args(["-v", "rtspsrc", "name=s", "latency=100"]);
    command.arg(format!("location={url}")).arg(format!("protocols={protocol}"));
    // The video's times are taken behind the decoder, in the order of showing.
    let video = "s. ! rtph264depay ! h264parse ! avdec_h264 ! identity silent=false name=video \
                 ! fakesink sync=false";
    let audio = "s. ! rtpmp4gdepay ! aacparse ! identity silent=false name=audio \
                 ! avdec_aac ! fakesink sync=false";
    command.args(video.split_whitespace()).args(audio.split_whitespace());
    let (times, errors) = chain_times(&mut command, seconds);
    assert!(!times.is_empty(), "GStreamer got nothing from {url} by {protocol}: {errors}");
    times
}

/// The times that the identities `video` and `audio` of a pipeline see within `seconds`, and what
/// it complains of.
fn chain_times(command: &mut Command, seconds: u64) -> (Times, String) {
    let output = run(command, Duration::from_secs(seconds));
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut times = Times::new();
    for line in words.lines().filter(|line| line.contains("= chain")) {
        let kind = if line.contains("(video:sink)") { "video" } else { "audio" };
        let stamp = |name: &str| {
            let text = line.split_once(name)?.1.split(',').next()?;
            let mut parts = text.split(':').map(str::parse::<f64>);
            let mut next = || parts.next()?.ok();
            Some((next()? * 60.0 + next()?) * 60.0 + next()?)
        };
        let time = stamp(" dts: ").or_else(|| stamp(" pts: "));
        times.entry(kind.to_owned()).or_default().extend(time);
    }
    // At the end of a segment it hands on a PES packet in pieces of one time, ffmpeg's own
    // segments included.
    times.values_mut().for_each(Vec::dedup);
    (times, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What rtmpdump says of a stream that it is not given; it has to end by itself.
pub(crate) fn rtmpdump(url: &str) -> String {
    let mut command = Command::new("rtmpdump");
    command.args(["--verbose", "--live", "--timeout", "60", "-o", "/dev/null", "-r", url]);
    let start = Instant::now();
    let output = run(&mut command, Duration::from_secs(15));
    assert!(start.elapsed() < Duration::from_secs(15), "rtmpdump hangs on {url}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Fails unless each of `kinds` has at least `count` packets, each later than the one before.
pub(crate) fn assert_rising(what: &str, times: &Times, kinds: &[&str], count: usize) {
    for kind in kinds {
        let found = times.get(*kind).map_or(&[][..], Vec::as_slice);
        assert!(found.len() >= count, "{what}: {} packets of {kind}, wanted {count}", found.len());
        for pair in found.windows(2) {
            assert!(pair[0] < pair[1], "{what}: {kind} goes from {} to {}", pair[0], pair[1]);
        }
    }
}

/// Fails if two decode times of `kind` in a row are more than `most` seconds apart.
pub(crate) fn assert_steps(what: &str, times: &Times, kind: &str, most: f64) {
    for pair in times[kind].windows(2) {
        let step = pair[1] - pair[0];
        assert!(step < most, "{what}: {kind} is missing between {} and {}", pair[0], pair[1]);
    }
}
