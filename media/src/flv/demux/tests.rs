//! What the demuxer makes of tags, old and enhanced, and of hostile ones.

use super::*;

const ASC: &[u8] = b"\xAF\0\x12\x10";

/// Parameter sets of x264 for 320x240 and 640x360 at 25 frames a second.
const SMALL_SPS: &[u8] =
    b"\x67\x42\xC0\x0D\xD9\x01\x41\xFB\x01\x10\0\0\x03\0\x10\0\0\x03\x03\x20\xF1\x42\xA4\x80";
const LARGE_SPS: &[u8] =
    b"\x67\x42\xC0\x1E\xD9\0\xA0\x2F\xF9\x70\x11\0\0\x03\0\x01\0\0\x03\0\x32\x0F\x16\x2E\x48";
const PPS: &[u8] = b"\x68\xCB\x83\xCB\x20";

fn avcc(sps: &'static [u8]) -> Vec<u8> {
    let record = h264::write_avcc(&Bytes::from_static(sps), &[Bytes::from_static(PPS)]);
    [&[0x17, 0, 0, 0, 0], &record[..]].concat()
}

struct Feed(Demuxer);

impl Feed {
    fn new() -> Self {
        Self(Demuxer::new())
    }

    fn tag(&mut self, kind: TagKind, millis: i64, body: &[u8]) -> Vec<String> {
        let body = Bytes::copy_from_slice(body);
        let items = self.0.tag(kind, Ticks::from_millis(millis), &body).unwrap();
        items.iter().map(told).collect()
    }

    fn video(&mut self, millis: i64, body: &[u8]) -> Vec<String> {
        self.tag(TagKind::Video, millis, body)
    }

    fn audio(&mut self, millis: i64, body: &[u8]) -> Vec<String> {
        self.tag(TagKind::Audio, millis, body)
    }
}

/// An item in words: `tracks 0=h264 1=aac`, `0 key 40+0`.
fn told(item: &StreamItem) -> String {
    match item {
        StreamItem::Tracks(tracks) => tracks.iter().fold("tracks".to_owned(), |told, track| {
            format!("{told} {}={}", track.id.0, track.codec.name())
        }),
        StreamItem::Packet(packet) => format!(
            "{} {} {}+{}",
            packet.track.0,
            if packet.is_keyframe { "key" } else { "delta" },
            packet.dts.millis(),
            (packet.pts - packet.dts).millis(),
        ),
        StreamItem::Discontinuity => "jump".to_owned(),
    }
}

fn frame(composition: u8) -> [u8; 10] {
    [0x27, 1, 0, 0, composition, 0, 0, 0, 1, 9]
}

#[test]
fn tracks_are_announced_once_when_both_are_known() {
    let mut feed = Feed::new();
    assert!(feed.video(0, &avcc(SMALL_SPS)).is_empty());
    assert_eq!(feed.audio(0, ASC), ["tracks 0=h264 1=aac"]);
    assert_eq!(feed.video(40, &frame(80)), ["0 delta 40+80"]);
    assert_eq!(feed.audio(41, b"\xAF\x01abc"), ["1 key 41+0"]);
}

#[test]
fn first_packets_wait_for_the_other_track() {
    let mut feed = Feed::new();
    feed.audio(0, ASC);
    assert!(feed.audio(0, b"\xAF\x01abc").is_empty());
    assert!(feed.audio(23, b"\xAF\x01abc").is_empty());
    let told = feed.video(0, &avcc(SMALL_SPS));
    assert_eq!(told, ["tracks 0=h264 1=aac", "1 key 0+0", "1 key 23+0"]);
}

#[test]
fn the_wait_ends_after_a_second_or_32_packets() {
    let mut feed = Feed::new();
    feed.audio(0, ASC);
    assert!(feed.audio(0, b"\xAF\x01abc").is_empty());
    assert_eq!(feed.audio(1000, b"\xAF\x01a"), ["tracks 0=aac", "0 key 0+0", "0 key 1000+0"]);
    assert_eq!(
        feed.video(1040, &avcc(SMALL_SPS)),
        ["tracks 0=aac 1=h264"],
        "late video gets the next id"
    );

    let mut feed = Feed::new();
    feed.audio(0, ASC);
    let counts: Vec<_> = (0..33).map(|n| feed.audio(n, b"\xAF\x01abc").len()).collect();
    assert_eq!(counts[..31], [0; 31]);
    assert_eq!(counts[31..], [33, 1]);
}

#[test]
fn metadata_without_audio_ends_the_wait_at_once() {
    let mut feed = Feed::new();
    feed.0.metadata(MetaData { has_audio: Some(false), ..MetaData::default() });
    assert_eq!(feed.video(0, &avcc(SMALL_SPS)), ["tracks 0=h264"]);
}

#[test]
fn end_of_a_short_stream_yields_what_waits() {
    let mut feed = Feed::new();
    feed.audio(0, ASC);
    feed.audio(0, b"\xAF\x01abc");
    let told: Vec<_> = feed.0.finish().iter().map(told).collect();
    assert_eq!(told, ["tracks 0=aac", "0 key 0+0"]);
    assert!(feed.0.finish().is_empty());
    assert!(Demuxer::new().finish().is_empty());
}

#[test]
fn changed_sequence_header_announces_anew_and_a_repeated_one_does_not() {
    let mut feed = Feed::new();
    feed.video(0, &avcc(SMALL_SPS));
    feed.audio(0, ASC);
    assert!(feed.video(1000, &avcc(SMALL_SPS)).is_empty());
    assert_eq!(feed.video(2000, &avcc(LARGE_SPS)), ["tracks 0=h264 1=aac"]);
}

#[test]
fn frames_before_their_configuration_are_left_out() {
    let mut feed = Feed::new();
    assert!(feed.video(0, &frame(0)).is_empty());
    feed.audio(0, ASC);
    assert_eq!(feed.video(0, &avcc(SMALL_SPS)), ["tracks 0=h264 1=aac"]);
}

#[test]
fn small_steps_back_are_levelled_and_large_ones_are_jumps() {
    let mut feed = Feed::new();
    feed.video(0, &avcc(SMALL_SPS));
    feed.audio(0, ASC);
    assert_eq!(feed.video(5000, &frame(0)), ["0 delta 5000+0"]);
    assert_eq!(feed.video(4990, &frame(40)), ["0 delta 5000+40"]);
    assert_eq!(feed.video(3000, &frame(0)), ["jump", "0 delta 3000+0"]);
    assert_eq!(feed.audio(3001, b"\xAF\x01abc"), ["1 key 3001+0"]);
}

#[test]
fn codecs_that_need_no_header_tell_their_shape_in_the_frame() {
    let shape = |body: &[u8]| {
        let mut demuxer = Demuxer::new();
        demuxer.metadata(MetaData { has_video: Some(false), ..MetaData::default() });
        let items = demuxer.tag(TagKind::Audio, Ticks(0), &Bytes::copy_from_slice(body)).unwrap();
        let Some(StreamItem::Tracks(tracks)) = items.first() else {
            panic!("no tracks");
        };
        let audio = tracks[0].codec.audio().unwrap();
        (tracks[0].codec.name(), audio.sample_rate, audio.channels)
    };
    assert_eq!(shape(b"\x2F\xFF\xF3\x84\xC4body"), ("mp3", 24_000, 1));
    assert_eq!(shape(b"\x2Enot a header"), ("mp3", 44_100, 1));
    assert_eq!(shape(b"\x72body"), ("pcma", 8000, 1));
    assert_eq!(shape(b"\x91Opusbody"), ("opus", 48_000, 2));
    assert_eq!(shape(b"\x90OpusOpusHead\x01\x06"), ("opus", 48_000, 6));
    assert_eq!(shape(b"\x91ec-3\x0B\x77\x01\xFF\x3F\x80"), ("eac3", 48_000, 6));
}

#[test]
fn sizes_come_from_metadata_where_the_codec_is_not_looked_into() {
    let mut demuxer = Demuxer::new();
    let fps = Some(29.97);
    let (width, height) = (Some(1920), Some(1080));
    demuxer.metadata(MetaData {
        has_audio: Some(false),
        width,
        height,
        fps,
        ..MetaData::default()
    });
    let body = Bytes::from_static(b"\x90vp09\x01\0\0\0\0\x1E\x80\x02\x02\x02\0\0");
    let items = demuxer.tag(TagKind::Video, Ticks(0), &body).unwrap();
    let Some(StreamItem::Tracks(tracks)) = items.first() else {
        panic!("no tracks");
    };
    let video = VideoShape { width: 1920, height: 1080, fps: Some((30_000, 1001)) };
    let config = Bytes::from_static(b"\0\x1E\x80\x02\x02\x02\0\0");
    assert_eq!(tracks[0].codec, CodecConfig::Vp9 { config, video });
}

#[test]
fn payload_is_a_slice_of_the_message() {
    let mut feed = Feed::new();
    feed.video(0, &avcc(SMALL_SPS));
    feed.audio(0, ASC);
    let body = Bytes::copy_from_slice(&frame(0));
    let items = feed.0.tag(TagKind::Video, Ticks(0), &body).unwrap();
    let Some(StreamItem::Packet(packet)) = items.first() else {
        panic!("no packet");
    };
    assert_eq!(packet.payload.as_ptr(), body.as_ptr().wrapping_add(5));
}
