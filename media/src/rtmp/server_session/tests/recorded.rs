//! What real clients sent; `testdata/rtmp/README.md` tells how it was recorded.

use super::*;

/// What a recording led to, when everything is accepted.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    name: String,
    query: String,
    tracks: Vec<&'static str>,
    announced: usize,
    /// Packets, and first and last decode time in milliseconds, of each track.
    packets: [(usize, i64, i64); 2],
    has_ended: bool,
}

impl Seen {
    fn add(&mut self, event: &Event) {
        match event {
            Event::PublishRequested(asked) | Event::PlayRequested(asked) => {
                self.name.clone_from(&asked.name);
                self.query.clone_from(&asked.query);
            }
            Event::Item(StreamItem::Tracks(tracks)) => {
                self.tracks = tracks.iter().map(|track| track.codec.name()).collect();
                self.announced += 1;
            }
            Event::Item(StreamItem::Packet(packet)) => {
                let (count, first, last) = &mut self.packets[usize::from(packet.track.0)];
                *first = if *count == 0 { packet.dts.millis() } else { *first };
                *last = packet.dts.millis();
                *count += 1;
            }
            Event::PublishEnded | Event::PlayEnded => self.has_ended = true,
            _ => {}
        }
    }
}

/// Feeds a recording in pieces of `cut` bytes.
fn replay(recording: &[u8], cut: usize) -> Seen {
    let now = Instant::now();
    let mut session = ServerSession::new(ServerConfig::default(), 3, now);
    let mut seen = Seen::default();
    for part in recording.chunks(cut) {
        let mut outputs = std::collections::VecDeque::from(session.receive(part, now).unwrap());
        while let Some(output) = outputs.pop_front() {
            let Output::Event(event) = output else {
                continue;
            };
            seen.add(&event);
            let more = match event {
                Event::ConnectRequested(_) => session.accept_connect(),
                Event::PublishRequested(asked) => session.accept_publish(asked.request),
                Event::PlayRequested(asked) => session.accept_play(asked.request),
                _ => continue,
            };
            outputs.extend(more.unwrap());
        }
    }
    seen
}

fn check(recording: &[u8], expected: &Seen) {
    for cut in [1, 7, 1460, recording.len()] {
        assert_eq!(&replay(recording, cut), expected, "in pieces of {cut} bytes");
    }
}

/// A second of video and audio, published to `live/cam1` and ended properly.
fn one_second() -> Seen {
    Seen {
        name: "live/cam1".to_owned(),
        query: String::new(),
        tracks: vec!["h264", "aac"],
        announced: 1,
        packets: [(25, 0, 880), (45, 0, 998)],
        has_ended: true,
    }
}

#[test]
fn ffmpeg_publishes_h264_and_aac() {
    let expected = Seen {
        name: "studio/cam1".to_owned(),
        query: "token=abc".to_owned(),
        packets: [(25, 0, 960), (45, 57, 1078)],
        ..one_second()
    };
    let recording = include_bytes!("../../../../testdata/rtmp/ffmpeg-5.1-h264-aac.bin");
    check(recording, &expected);
}

#[test]
fn ffmpeg_publishes_h265_by_enhanced_rtmp() {
    let packets = [(25, 0, 960), (45, 57, 1078)];
    let expected = Seen { tracks: vec!["hevc", "aac"], packets, ..one_second() };
    check(include_bytes!("../../../../testdata/rtmp/ffmpeg-9.0-h265-aac.bin"), &expected);
}

#[test]
fn times_of_ffmpeg_go_on_past_24_bits() {
    let packets = [(10, 16_776_943, 16_777_303), (19, 16_777_000, 16_777_418)];
    let expected = Seen { packets, ..one_second() };
    check(include_bytes!("../../../../testdata/rtmp/ffmpeg-5.1-after-5-hours.bin"), &expected);
}

#[test]
fn gstreamer_publishes() {
    let recording = include_bytes!("../../../../testdata/rtmp/gstreamer-1.22-rtmp2sink.bin");
    check(recording, &one_second());
}

#[test]
fn librtmp_publishes() {
    check(include_bytes!("../../../../testdata/rtmp/librtmp-2.4-rtmpsink.bin"), &one_second());
}

#[test]
fn rtmpdump_plays() {
    let expected =
        Seen { name: "live/cam1".to_owned(), query: "token=abc&x=1".to_owned(), ..Seen::default() };
    check(include_bytes!("../../../../testdata/rtmp/rtmpdump-2.4-play.bin"), &expected);
}
