//! Muxer and demuxer against each other, against recordings and against hostile bytes.

use bytes::{Bytes, BytesMut};
use mpeg2ts_reader::packet::Packet;
use proptest::prelude::*;

use super::clock::OFFSET;
use super::packetizer::PidWriter;
use super::sections;
use super::{Demuxer, Muxer, PACKET_BYTES};
use crate::codec::{aac, h264};
use crate::packet::{MediaPacket, StreamItem};
use crate::time::Ticks;
use crate::track::{AudioShape, CodecConfig, Track, TrackId, VideoShape};

const H264_AAC: &[u8] = include_bytes!("../../testdata/h264-aac.ts");
const H265_AC3: &[u8] = include_bytes!("../../testdata/h265-ac3.ts");
const MP3: &[u8] = include_bytes!("../../testdata/mp3.ts");
const OPUS: &[u8] = include_bytes!("../../testdata/opus.ts");

const SPS: &[u8] = &[
    0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00,
    0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2d, 0x96,
];
const PPS: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];

const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);

fn tracks() -> Vec<Track> {
    let pps = vec![Bytes::from_static(PPS)];
    let video = h264::config_from_parameter_sets(Bytes::from_static(SPS), pps).unwrap();
    let audio = aac::parse_audio_specific_config(&[0x11, 0x90]).unwrap();
    vec![
        Track { id: VIDEO, codec: video, language: None },
        Track { id: AUDIO, codec: audio, language: Some("eng".to_owned()) },
    ]
}

fn demux(bytes: &[u8]) -> Vec<StreamItem> {
    let mut items = Vec::new();
    let mut demuxer = Demuxer::new();
    demuxer.push(bytes, &mut items);
    demuxer.finish(&mut items);
    items
}

fn packets(items: &[StreamItem], track: TrackId) -> Vec<MediaPacket> {
    let packet = |item: &StreamItem| match item {
        StreamItem::Packet(packet) if packet.track == track => Some(packet.clone()),
        StreamItem::Packet(_) | StreamItem::Tracks(_) | StreamItem::Discontinuity => None,
    };
    items.iter().filter_map(packet).collect()
}

fn first_tracks(items: &[StreamItem]) -> Vec<Track> {
    match items.first() {
        Some(StreamItem::Tracks(tracks)) => tracks.to_vec(),
        other => panic!("tracks come first, not {other:?}"),
    }
}

fn mux_all(tracks: &[Track], packets: &[MediaPacket]) -> BytesMut {
    let mut muxer = Muxer::new(tracks);
    let mut out = BytesMut::new();
    for packet in packets {
        muxer.mux(packet, &mut out);
    }
    out
}

fn video(dts: i64, delay: i64, is_keyframe: bool, slice: &[u8]) -> MediaPacket {
    let mut unit = vec![if is_keyframe { 0x65 } else { 0x41 }];
    unit.extend_from_slice(slice);
    let payload = crate::codec::nal::to_lengths(std::iter::once(unit.as_slice()), 0);
    MediaPacket { track: VIDEO, dts: Ticks(dts), pts: Ticks(dts + delay), is_keyframe, payload }
}

fn audio(dts: i64, frame: &[u8]) -> MediaPacket {
    let payload = Bytes::copy_from_slice(frame);
    MediaPacket { track: AUDIO, dts: Ticks(dts), pts: Ticks(dts), is_keyframe: true, payload }
}

#[test]
fn recordings_demux_to_what_ffprobe_counts() {
    type Row = (&'static [u8], &'static [usize], usize, &'static [&'static str]);
    // file, packets by track, keyframes of track 0
    let table: [Row; 4] = [
        (H264_AAC, &[75, 131], 3, &["h264", "aac"]),
        (H265_AC3, &[60, 63], 2, &["hevc", "ac3"]),
        (MP3, &[40], 40, &["mp3"]),
        (OPUS, &[51], 51, &["opus"]),
    ];
    for (bytes, counts, keyframes, names) in table {
        let items = demux(bytes);
        let tracks = first_tracks(&items);
        assert_eq!(tracks.iter().map(|track| track.codec.name()).collect::<Vec<_>>(), names);
        let found: Vec<usize> =
            tracks.iter().map(|track| packets(&items, track.id).len()).collect();
        assert_eq!(found, counts, "{names:?}");
        let keys = packets(&items, TrackId(0)).iter().filter(|p| p.is_keyframe).count();
        assert_eq!(keys, keyframes, "{names:?}");
        assert!(!items.contains(&StreamItem::Discontinuity));
    }
}

#[test]
fn recorded_tracks_say_their_shape() {
    let shape = VideoShape { width: 320, height: 180, fps: Some((25, 1)) };
    let tracks = first_tracks(&demux(H264_AAC));
    let shapes: Vec<_> = tracks.iter().map(|t| (t.codec.video(), t.codec.audio())).collect();
    let audio = AudioShape { sample_rate: 44_100, channels: 1 };
    assert_eq!(shapes, [(Some(shape), None), (None, Some(audio))]);
    let shape = VideoShape { width: 320, height: 180, fps: Some((30_000, 1001)) };
    let tracks = first_tracks(&demux(H265_AC3));
    assert_eq!(tracks.first().unwrap().codec.video(), Some(shape));
}

#[test]
fn recordings_survive_being_muxed_again() {
    for bytes in [H264_AAC, H265_AC3, MP3, OPUS] {
        let items = demux(bytes);
        let tracks = first_tracks(&items);
        let all: Vec<MediaPacket> = items
            .iter()
            .filter_map(|item| match item {
                StreamItem::Packet(packet) => Some(packet.clone()),
                StreamItem::Tracks(_) | StreamItem::Discontinuity => None,
            })
            .collect();
        let again = demux(&mux_all(&tracks, &all));
        assert_eq!(first_tracks(&again), tracks);
        for track in &tracks {
            let moved: Vec<MediaPacket> = packets(&items, track.id)
                .into_iter()
                .map(|p| MediaPacket { dts: p.dts + OFFSET, pts: p.pts + OFFSET, ..p })
                .collect();
            assert_eq!(packets(&again, track.id), moved);
        }
    }
}

#[test]
fn pieces_of_any_size_make_no_difference() {
    let whole = demux(H264_AAC);
    for size in [1, 100, 187, 189, 1316, 5000] {
        let mut items = Vec::new();
        let mut demuxer = Demuxer::new();
        for piece in H264_AAC.chunks(size) {
            demuxer.push(piece, &mut items);
        }
        demuxer.finish(&mut items);
        assert_eq!(items, whole, "pieces of {size}");
        assert_eq!(demuxer.counters(), super::DemuxCounters::default());
    }
}

#[test]
fn joining_in_the_middle_waits_for_the_next_keyframe() {
    let from = H264_AAC.len() / 2 / PACKET_BYTES * PACKET_BYTES + 50;
    let items = demux(H264_AAC.get(from..).unwrap());
    assert_eq!(first_tracks(&items).len(), 2);
    let video = packets(&items, VIDEO);
    assert!(video.first().unwrap().is_keyframe);
    assert_eq!(video.len(), 25);
}

#[test]
fn lost_packets_cost_only_their_frames() {
    let mut damaged = H264_AAC.to_vec();
    let at = 40 * PACKET_BYTES;
    damaged.drain(at..at + PACKET_BYTES);
    damaged.splice(80 * PACKET_BYTES..80 * PACKET_BYTES, [0x47; 100]);
    let mut items = Vec::new();
    let mut demuxer = Demuxer::new();
    demuxer.push(&damaged, &mut items);
    demuxer.finish(&mut items);
    // One was cut out, one is swallowed by the garbage.
    assert_eq!(demuxer.counters().lost_packets, 2);
    let (video, audio) = (packets(&items, VIDEO).len(), packets(&items, AUDIO).len());
    assert!(video >= 72 && audio >= 127, "{video} {audio}");
}

#[test]
fn keyframes_get_parameter_sets_and_tables() {
    let mut muxer = Muxer::new(&tracks());
    let mut out = BytesMut::new();
    assert!(!muxer.mux(&audio(0, b"abc"), &mut out));
    out.clear();
    assert!(muxer.mux(&video(0, 3600, true, b"key"), &mut out));
    let pids: Vec<u16> =
        out.chunks_exact(PACKET_BYTES).map(|p| u16::from(Packet::new(p).pid())).collect();
    assert_eq!(pids, [0, 0x1000, 0x100]);
    let frame = out.get(2 * PACKET_BYTES..).unwrap();
    assert!(memchr::memmem::find(frame, SPS).is_some());
    out.clear();
    assert!(!muxer.mux(&video(3600, 0, false, b"more"), &mut out));
    assert_eq!(out.len(), PACKET_BYTES);
}

#[test]
fn audio_alone_is_an_entry_with_each_table() {
    let tracks: Vec<Track> = tracks().into_iter().skip(1).collect();
    let mut muxer = Muxer::new(&tracks);
    let mut out = BytesMut::new();
    let entries: Vec<i64> =
        (0..100).map(|i| i * 1920).filter(|dts| muxer.mux(&audio(*dts, b"x"), &mut out)).collect();
    assert_eq!(entries, [0, 46_080, 92_160, 138_240, 184_320]);
}

#[test]
fn tracks_that_cannot_be_carried_are_reported() {
    let mut all = tracks();
    let shape = AudioShape { sample_rate: 8000, channels: 1 };
    let codec = CodecConfig::G711 { is_alaw: true, audio: shape };
    all.push(Track { id: TrackId(2), codec, language: None });
    let mut muxer = Muxer::new(&all);
    assert_eq!(muxer.left_out(), [TrackId(2)]);
    let mut out = BytesMut::new();
    assert!(!muxer.mux(&MediaPacket { track: TrackId(2), ..audio(0, b"x") }, &mut out));
    assert!(out.is_empty());
}

#[test]
fn clock_comes_in_time_and_before_what_it_times() {
    let mut frames = Vec::new();
    // One picture a second: the clock must not wait for it.
    for i in 0..200 {
        let dts = i * 1920;
        if dts % 90_240 == 0 {
            frames.push(video(dts, 3600, true, b"key"));
        }
        frames.push(audio(dts, b"abc"));
    }
    let out = mux_all(&tracks(), &frames);
    let clocks: Vec<u64> = out
        .chunks_exact(PACKET_BYTES)
        .filter_map(|p| Packet::new(p).adaptation_field()?.pcr().ok().map(|pcr| pcr.base()))
        .collect();
    assert!(clocks.len() > 30);
    for (earlier, later) in clocks.iter().zip(clocks.iter().skip(1)) {
        assert!(later > earlier && later - earlier <= 9000, "{earlier} {later}");
    }
}

#[test]
fn new_tracks_continue_the_counters_and_are_announced() {
    let mut muxer = Muxer::new(&tracks());
    let mut out = BytesMut::new();
    muxer.mux(&video(0, 0, true, b"a"), &mut out);
    muxer.mux(&audio(100, b"a"), &mut out);
    muxer.set_tracks(tracks().get(..1).unwrap());
    muxer.mux(&video(3600, 0, true, b"b"), &mut out);
    let items = demux(&out);
    let announced: Vec<usize> = items
        .iter()
        .filter_map(|item| match item {
            StreamItem::Tracks(tracks) => Some(tracks.len()),
            StreamItem::Packet(_) | StreamItem::Discontinuity => None,
        })
        .collect();
    assert_eq!(announced, [2, 1]);
    assert_eq!(packets(&items, VIDEO).len(), 2);
}

#[test]
fn program_without_media_is_passed_over() {
    // Two programs whose PMTs share a PID: the first has only data, the second a video track.
    let program = |number: u8| [0, number, 0xe0 | 0x10, 0];
    let pat = sections::write(0, 1, 0, &[program(1), program(2)].concat());
    let data = sections::write(2, 1, 0, &[0xff, 0xff, 0xf0, 0, 0x05, 0xe1, 0x50, 0xf0, 0]);
    let video_of_two = sections::write(2, 2, 0, &[0xe1, 0, 0xf0, 0, 0x1b, 0xe1, 0, 0xf0, 0]);
    let mut out = BytesMut::new();
    PidWriter::new(0).write_section(&mut out, &pat);
    let mut pmts = PidWriter::new(0x1000);
    pmts.write_section(&mut out, &data);
    pmts.write_section(&mut out, &video_of_two);
    pmts.write_section(&mut out, &data);
    let frames = mux_all(tracks().get(..1).unwrap(), &[video(0, 0, true, b"key")]);
    out.extend_from_slice(frames.get(2 * PACKET_BYTES..).unwrap());
    let items = demux(&out);
    assert_eq!(first_tracks(&items).len(), 1);
    assert_eq!(packets(&items, VIDEO).len(), 1);
}

#[test]
fn jump_of_the_timeline_is_a_discontinuity() {
    let frames: Vec<MediaPacket> = [0, 3600, 7200, 9_000_000, 9_003_600, 0, 3600]
        .into_iter()
        .map(|dts| video(dts, 0, true, b"key"))
        .collect();
    let items = demux(&mux_all(tracks().get(..1).unwrap(), &frames));
    let breaks = items.iter().filter(|item| **item == StreamItem::Discontinuity).count();
    assert_eq!((breaks, packets(&items, VIDEO).len()), (2, 7));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn muxed_packets_come_back(
        start in prop_oneof![Just(0_i64), Just((1 << 33) - 200_000), -500_000_i64..500_000],
        frames in proptest::collection::vec(
            (
                proptest::collection::vec(1_u8.., 1..2000),
                0_i64..20_000,
                proptest::collection::vec(any::<u8>(), 1..500),
            ),
            1..40),
    ) {
        let mut sent = Vec::new();
        for (index, (slice, delay, frame)) in frames.iter().enumerate() {
            let dts = start + 3600 * i64::try_from(index).unwrap();
            sent.push(video(dts, *delay, index % 10 == 0, slice));
            sent.push(audio(dts, frame));
        }
        let out = mux_all(&tracks(), &sent);
        let items = demux(&out);
        prop_assert_eq!(first_tracks(&items), tracks());
        for track in [VIDEO, AUDIO] {
            let sent: Vec<&MediaPacket> = sent.iter().filter(|p| p.track == track).collect();
            let found = packets(&items, track);
            prop_assert_eq!(found.len(), sent.len());
            let shift = found.first().unwrap().dts - sent.first().unwrap().dts;
            for (found, sent) in found.iter().zip(sent) {
                prop_assert_eq!(found.dts, sent.dts + shift);
                prop_assert_eq!(found.pts, sent.pts + shift);
                prop_assert!(found.payload.ends_with(&sent.payload));
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(
        cuts in proptest::collection::vec((0_usize..70_000, any::<u8>()), 0..60),
        garbage in proptest::collection::vec(any::<u8>(), 0..600),
        size in 1_usize..2000,
    ) {
        let mut bytes = H264_AAC.to_vec();
        for (at, byte) in cuts {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        bytes.splice(300..300, garbage);
        let mut items = Vec::new();
        let mut demuxer = Demuxer::new();
        for piece in bytes.chunks(size) {
            demuxer.push(piece, &mut items);
        }
        demuxer.finish(&mut items);
        let mut last = [None; 256];
        for item in items {
            match item {
                StreamItem::Discontinuity => last = [None; 256],
                StreamItem::Packet(packet) => {
                    let slot = last.get_mut(usize::from(packet.track.0)).unwrap();
                    prop_assert!(slot.is_none_or(|dts| dts <= packet.dts));
                    prop_assert!(packet.pts >= packet.dts);
                    *slot = Some(packet.dts);
                }
                StreamItem::Tracks(_) => {}
            }
        }
    }
}
