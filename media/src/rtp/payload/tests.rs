//! Every payload format against itself: recorded access units into packets and out again, and
//! hostile packets.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::aac::{AAC_HBR, AuHeaderForm};
use super::*;
use crate::rtp::frames;
use crate::rtp::packet::RtpHeader;
use crate::rtp::recordings::{H264_AAC, H265_AC3, MP3, OPUS, Recording};
use crate::rtp::source::Source;
use crate::track::{Track, TrackId};

fn source(clock_rate: u32) -> Source {
    Source {
        channel: 0,
        payload_type: 96,
        clock_rate,
        ssrc: 1,
        sequence: 65_530,
        time_offset: 0,
        packets: 0,
        octets: 0,
    }
}

fn depayloader(codec: &CodecConfig) -> Depayloader {
    match codec {
        CodecConfig::H264 { .. } => Depayloader::h264(),
        CodecConfig::H265 { .. } => Depayloader::h265(),
        CodecConfig::Aac { .. } => Depayloader::aac(AAC_HBR, 1024),
        CodecConfig::Mp3 { .. } => Depayloader::mpeg_audio(),
        CodecConfig::Ac3 { .. } => Depayloader::ac3(),
        _ => Depayloader::bare(),
    }
}

/// The packets of each access unit.
fn payload(track: &Track, packets: &[MediaPacket]) -> Vec<Vec<Bytes>> {
    let clock_rate = crate::rtp::format(&track.codec, 0).unwrap().clock_rate;
    let mut source = source(clock_rate);
    let one = |packet: &MediaPacket| {
        let mut out = BytesMut::new();
        put_access_unit(&track.codec, packet, &mut source.at(packet.pts, &mut out));
        frames(&out).map(|(_, packet)| Bytes::copy_from_slice(packet)).collect()
    };
    packets.iter().map(one).collect()
}

fn push_all(depayloader: &mut Depayloader, packets: &[Bytes]) -> Vec<Unit> {
    let mut units = Vec::new();
    for bytes in packets {
        depayloader.push(&RtpPacket::parse(bytes).unwrap(), &mut units).unwrap();
    }
    units
}

#[test]
fn recorded_access_units_survive_the_way_through_packets() {
    let recordings = [H264_AAC, H265_AC3, MP3, OPUS].map(Recording::from_ts);
    for recording in recordings.into_iter().chain([Recording::g711()]) {
        for track in recording.tracks.iter() {
            let sent = recording.of(track.id);
            let runs = payload(track, &sent);
            let units = push_all(&mut depayloader(&track.codec), &runs.concat());
            let name = track.codec.name();
            assert_eq!(units.len(), sent.len(), "{name}");
            for (unit, packet) in units.iter().zip(&sent) {
                assert_eq!(unit.payload, packet.payload, "{name}");
                let rate = crate::rtp::format(&track.codec, 0).unwrap().clock_rate;
                let expected = packet.pts.to_clock(rate).rem_euclid(1 << 32);
                assert_eq!(i64::from(unit.time), expected, "{name}");
            }
        }
    }
}

#[test]
fn no_packet_is_longer_than_a_datagram_should_be() {
    for bytes in [H264_AAC, H265_AC3] {
        let recording = Recording::from_ts(bytes);
        let video = recording.tracks.first().unwrap();
        let packets = payload(video, &recording.of(video.id)).concat();
        assert!(packets.iter().any(|packet| packet.len() == PACKET_BYTES_MAX));
        assert!(packets.iter().all(|packet| packet.len() <= PACKET_BYTES_MAX));
    }
}

#[test]
fn marker_stands_on_the_last_packet_of_an_access_unit() {
    for bytes in [H264_AAC, H265_AC3] {
        let recording = Recording::from_ts(bytes);
        for track in recording.tracks.iter() {
            for run in payload(track, &recording.of(track.id)) {
                let marks: Vec<bool> =
                    run.iter().map(|p| RtpPacket::parse(p).unwrap().header.is_marked).collect();
                assert_eq!(marks.iter().position(|mark| *mark), Some(marks.len() - 1));
            }
        }
    }
}

#[test]
fn small_units_travel_together() {
    let recording = Recording::from_ts(H264_AAC);
    let video = recording.tracks.first().unwrap();
    let CodecConfig::H264 { sps, pps, .. } = &video.codec else { panic!("not h264") };
    let key = recording.of(video.id).into_iter().next().unwrap();
    let run = payload(video, &[key]).concat();
    let first = RtpPacket::parse(run.first().unwrap()).unwrap().payload;
    assert_eq!(first.first().unwrap() & 0x1f, 24);
    for set in pps.iter().chain([sps]) {
        assert!(memchr::memmem::find(first, set).is_some());
    }
}

#[test]
fn keyframe_without_parameter_sets_gets_them() {
    use crate::codec::{h264, h265, nal};
    for bytes in [H264_AAC, H265_AC3] {
        let recording = Recording::from_ts(bytes);
        let video = recording.tracks.first().unwrap();
        let sets: Vec<&Bytes> = match &video.codec {
            CodecConfig::H264 { sps, pps, .. } => [sps].into_iter().chain(pps).collect(),
            CodecConfig::H265 { vps, sps, pps, .. } => vps.iter().chain(sps).chain(pps).collect(),
            _ => panic!("not video"),
        };
        let mut key = recording.of(video.id).into_iter().next().unwrap();
        let is_slice = |unit: &&[u8]| match &video.codec {
            CodecConfig::H264 { .. } => (1..=5).contains(&h264::nal_type(unit)),
            _ => h265::nal_type(unit) < 32,
        };
        let slices = nal::length_prefixed(&key.payload).filter(is_slice);
        key.payload = nal::to_lengths(slices, 0);
        let runs = payload(video, &[key.clone()]);
        let units = push_all(&mut depayloader(&video.codec), &runs.concat());
        let sent = sets.iter().map(|set| set.as_ref());
        let expected = nal::to_lengths(sent.chain(nal::length_prefixed(&key.payload)), 0);
        assert_eq!(units.first().unwrap().payload, expected);
    }
}

#[test]
fn large_audio_frames_travel_in_pieces() {
    let aac = Recording::from_ts(H264_AAC).tracks.get(1).unwrap().clone();
    let big: Vec<u8> = (0..=u8::MAX).cycle().take(5000).collect();
    let packet = MediaPacket {
        track: TrackId(1),
        dts: crate::time::Ticks(0),
        pts: crate::time::Ticks(0),
        is_keyframe: true,
        payload: big.clone().into(),
    };
    let run = payload(&aac, &[packet]).concat();
    assert_eq!(run.len(), 4);
    let mut reader = depayloader(&aac.codec);
    assert_eq!(push_all(&mut reader, &run), [Unit { time: 0, payload: big.into() }]);
    // One piece missing: nothing comes out, and the next frame is whole again.
    let mut units = Vec::new();
    for bytes in [run.first(), run.get(2), run.get(3)].into_iter().flatten() {
        let packet = RtpPacket::parse(bytes).unwrap();
        if packet.header.sequence != RtpPacket::parse(&run[0]).unwrap().header.sequence {
            reader.lose();
        }
        let _ = reader.push(&packet, &mut units);
    }
    assert_eq!(units, []);
}

/// A packet by hand.
fn by_hand(time: u32, is_marked: bool, payload: &[u8]) -> Bytes {
    let header = RtpHeader { is_marked, payload_type: 96, sequence: 0, time, ssrc: 0 };
    let mut out = BytesMut::new();
    header.write(&mut out);
    out.extend_from_slice(payload);
    out.freeze()
}

#[test]
fn several_aac_frames_of_a_packet_follow_each_other_in_time() {
    let mut reader = Depayloader::aac(AAC_HBR, 1024);
    let payload = [&[0, 32, 0, 3 << 3, 0, 2 << 3][..], b"onetw"].concat();
    let units = push_all(&mut reader, &[by_hand(500, true, &payload)]);
    let found: Vec<_> = units.iter().map(|unit| (unit.time, unit.payload.as_ref())).collect();
    assert_eq!(found, [(500, &b"one"[..]), (1524, b"tw")]);
}

#[test]
fn other_au_header_forms_are_read() {
    // Mode AAC-lbr: sizes of six bits, indices of two (RFC 3640 §3.3.5).
    let low = AuHeaderForm { size_length: 6, index_length: 2, index_delta_length: 2, ..AAC_HBR };
    let payload = [&[0, 16, 3 << 2, 2 << 2][..], b"onetw"].concat();
    let units = push_all(&mut Depayloader::aac(low, 1024), &[by_hand(0, true, &payload)]);
    assert_eq!(units.len(), 2);
    // Constant size, no headers at all.
    let constant = AuHeaderForm { constant_size: 3, ..AuHeaderForm::default() };
    let units = push_all(&mut Depayloader::aac(constant, 1024), &[by_hand(0, true, b"onetwo")]);
    assert_eq!(units.last().map(|unit| (unit.time, &unit.payload[..])), Some((1024, &b"two"[..])));
}

#[test]
fn latm_elements_may_be_cut_anywhere() {
    let big = [7; 300];
    let element = [&[3][..], b"one", &[255, 45], &big].concat();
    let (head, tail) = element.split_at(100);
    let packets = [by_hand(9, false, head), by_hand(9, true, tail)];
    let units = push_all(&mut Depayloader::latm(1024), &packets);
    let found: Vec<_> = units.iter().map(|unit| (unit.time, unit.payload.as_ref())).collect();
    assert_eq!(found, [(9, &b"one"[..]), (1033, &big)]);
}

#[test]
fn marker_after_every_slice_does_not_split_pictures_for_long() {
    let mut reader = Depayloader::h264();
    // Two slices a picture; the second begins with a macroblock number above zero.
    let picture = |time| [by_hand(time, true, &[0x41, 0x80]), by_hand(time, true, &[0x41, 0x40])];
    push_all(&mut reader, &picture(0));
    let units = push_all(&mut reader, &[picture(3600), picture(7200)].concat());
    let last = units.last().unwrap();
    assert_eq!(last.time, 3600);
    assert_eq!(last.payload.as_ref(), [0, 0, 0, 2, 0x41, 0x80, 0, 0, 0, 2, 0x41, 0x40]);
}

#[test]
fn parameter_sets_with_a_marker_belong_to_the_next_slice() {
    let mut reader = Depayloader::h264();
    let packets = [
        by_hand(0, true, &[0x67, 1]),
        by_hand(0, true, &[0x68, 2]),
        by_hand(0, true, &[0x65, 0x80]),
    ];
    assert_eq!(push_all(&mut reader, &packets).len(), 1);
}

#[test]
fn forms_of_mode_2_are_skipped() {
    let mut reader = Depayloader::h264();
    for kind in [25, 26, 27, 29] {
        assert_eq!(push_all(&mut reader, &[by_hand(0, false, &[kind, 1, 2, 3])]), []);
    }
    let mut units = Vec::new();
    let reserved = by_hand(0, false, &[30]);
    let result = reader.push(&RtpPacket::parse(&reserved).unwrap(), &mut units);
    assert_eq!(result, Err(RtpError::PacketForm(30)));
}

#[test]
fn access_unit_without_end_is_given_up() {
    let mut reader = Depayloader::h264();
    let piece = vec![0_u8; 60_000];
    let start = by_hand(0, false, &[&[0x7c, 0x85][..], &piece].concat());
    let more = by_hand(0, false, &[&[0x7c, 0x05][..], &piece].concat());
    push_all(&mut reader, &[start]);
    for _ in 0..200 {
        push_all(&mut reader, std::slice::from_ref(&more));
    }
    let mut units = Vec::new();
    let next = by_hand(3600, true, &[0x65, 0x80]);
    let result = reader.push(&RtpPacket::parse(&next).unwrap(), &mut units);
    assert_eq!((result, units.len()), (Err(RtpError::Damaged), 1));
}

fn readers() -> Vec<Depayloader> {
    let odd = AuHeaderForm { cts_delta_length: 40, index_length: 32, ..AAC_HBR };
    vec![
        Depayloader::h264(),
        Depayloader::h265(),
        Depayloader::aac(AAC_HBR, 1024),
        Depayloader::aac(odd, u32::MAX),
        Depayloader::aac(AuHeaderForm::default(), 0),
        Depayloader::latm(1024),
        Depayloader::mpeg_audio(),
        Depayloader::ac3(),
        Depayloader::bare(),
    ]
}

proptest! {
    #[test]
    fn any_packets_are_survived(
        packets in proptest::collection::vec(
            (
                0_u32..3,
                any::<bool>(),
                prop_oneof![
                    Just(vec![]), Just(vec![24]), Just(vec![28, 0x85]), Just(vec![28, 0x45]),
                    Just(vec![96, 1]), Just(vec![98, 1, 0x93]), Just(vec![0, 0, 0, 0, 0xff, 0xfb]),
                    Just(vec![0, 1, 0x0b, 0x77]), Just(vec![3, 1]), Just(vec![0, 16, 1])
                ],
                proptest::collection::vec(any::<u8>(), 0..60),
                any::<bool>(),
            ),
            0..12)
    ) {
        for mut reader in readers() {
            let mut units = Vec::new();
            for (time, is_marked, head, rest, is_lost) in &packets {
                if *is_lost {
                    reader.lose();
                }
                let bytes = by_hand(*time, *is_marked, &[&head[..], rest].concat());
                let _ = reader.push(&RtpPacket::parse(&bytes).unwrap(), &mut units);
            }
            prop_assert!(units.len() <= 800);
        }
    }

    #[test]
    fn units_of_any_sizes_round_trip(
        sizes in proptest::collection::vec(
            prop_oneof![1_usize..40, 1380_usize..1400, 2760_usize..2790, 1_usize..5000], 1..12)
    ) {
        let units: Vec<Vec<u8>> = sizes.iter().map(|size| {
            let mut unit = vec![0x65];
            unit.resize(*size, 0x80);
            unit
        }).collect();
        let payload_bytes = crate::codec::nal::to_lengths(units.iter().map(Vec::as_slice), 0);
        let recording = Recording::from_ts(H264_AAC);
        let video = recording.tracks.first().unwrap();
        let mut packet = recording.packets.first().unwrap().clone();
        packet.is_keyframe = false;
        packet.payload = payload_bytes.clone();
        let run = payload(video, &[packet]).concat();
        prop_assert!(run.iter().all(|packet| packet.len() <= PACKET_BYTES_MAX));
        let units = push_all(&mut Depayloader::h264(), &run);
        prop_assert_eq!(&units.first().unwrap().payload, &payload_bytes);
    }
}
