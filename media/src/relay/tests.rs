//! Frames there and back, in any pieces, and bytes from whoever stands in between.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::{any, prop, proptest};

use super::*;
use crate::packet::MediaPacket;
use crate::time::Ticks;
use crate::track::{AudioShape, CodecConfig, Track, TrackId, VideoShape};

fn mac() -> FrameMac {
    FrameMac::new(&[7; FRAME_KEY_BYTES])
}

fn tracks() -> Arc<[Track]> {
    let video = VideoShape { width: 1920, height: 1080, fps: Some((30_000, 1001)) };
    let unknown = VideoShape::default();
    let audio = AudioShape { sample_rate: 44_100, channels: 2 };
    let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
    let codecs = [
        CodecConfig::H264 { sps: bytes("sps"), pps: vec![bytes("p"), bytes("pps")], video },
        CodecConfig::H265 {
            vps: vec![bytes("v")],
            sps: vec![bytes("s"), bytes("")],
            pps: vec![],
            video,
        },
        CodecConfig::Aac { config: bytes("\x12\x10"), audio },
        CodecConfig::Mp3 { audio },
        CodecConfig::Opus { audio: AudioShape { sample_rate: 48_000, channels: 255 } },
        CodecConfig::Ac3 { is_enhanced: false, audio },
        CodecConfig::Ac3 { is_enhanced: true, audio },
        CodecConfig::G711 { is_alaw: false, audio },
        CodecConfig::G711 { is_alaw: true, audio },
        CodecConfig::Av1 { config: bytes(""), video: unknown },
        CodecConfig::Vp9 { config: bytes("vpcC"), video: unknown },
    ];
    let languages = [None, Some("eng"), Some(""), Some("deu")];
    let languages = languages.into_iter().cycle();
    let numbered = codecs.into_iter().zip(languages).zip(3..);
    let track = |((codec, language), id): ((CodecConfig, Option<&str>), u8)| Track {
        id: TrackId(id),
        codec,
        language: language.map(str::to_owned),
    };
    numbered.map(track).collect()
}

fn packet(track: u8, dts: i64, pts: i64, is_keyframe: bool, payload: Bytes) -> Frame {
    let (dts, pts) = (Ticks(dts), Ticks(pts));
    let packet = MediaPacket { track: TrackId(track), dts, pts, is_keyframe, payload };
    Frame::Item(StreamItem::Packet(packet))
}

fn frames() -> Vec<Frame> {
    vec![
        Frame::Heartbeat,
        Frame::Item(StreamItem::Tracks(tracks())),
        packet(3, 153_000_000_000_000, 153_000_000_003_600, true, Bytes::from(vec![9; 70_000])),
        packet(5, -1, i64::MAX, false, Bytes::new()),
        Frame::Item(StreamItem::Discontinuity),
        packet(13, i64::MIN, 0, true, Bytes::from_static(b"x")),
        Frame::End,
    ]
}

fn wire(frames: &[Frame]) -> Vec<u8> {
    let mut encoder = Encoder::new(mac());
    let mut wire = MAGIC.to_vec();
    for frame in frames {
        let EncodedFrame { head, payload, mac } = encoder.encode(frame).unwrap();
        wire.extend([head, payload, mac].concat());
    }
    wire
}

#[test]
fn everything_arrives_as_it_was_in_one_piece_or_byte_by_byte() {
    let (frames, wire) = (frames(), wire(&frames()));
    assert_eq!(Decoder::new(mac()).receive(&wire).unwrap(), frames);
    let mut decoder = Decoder::new(mac());
    let pieces = wire.chunks(1).flat_map(|byte| decoder.receive(byte).unwrap());
    assert_eq!(pieces.collect::<Vec<_>>(), frames);
}

#[test]
fn payload_is_sent_without_a_copy() {
    let payload = Bytes::from(vec![1; 10_000]);
    let mut encoder = Encoder::new(mac());
    let frame = encoder.encode(&packet(0, 0, 0, true, payload.clone())).unwrap();
    assert_eq!(frame.payload.as_ptr(), payload.as_ptr());
    assert_eq!((frame.head.len(), frame.mac.len()), (HEAD_BYTES + PACKET_HEAD_BYTES, MAC_BYTES));
}

#[test]
fn longest_payload_passes_and_a_longer_one_is_left_out() {
    let mut encoder = Encoder::new(mac());
    let too_long = packet(0, 0, 0, true, Bytes::from(vec![0; PAYLOAD_BYTES_MAX + 1]));
    assert_eq!(encoder.encode(&too_long), Err(FrameTooLong { bytes: BODY_BYTES_MAX + 1 }));
    let longest = packet(3, 0, 0, true, Bytes::from(vec![0; PAYLOAD_BYTES_MAX]));
    let announced = [Frame::Item(StreamItem::Tracks(tracks())), longest];
    let wire = wire(&announced);
    assert_eq!(Decoder::new(mac()).receive(&wire).unwrap(), announced);
}

#[test]
fn any_changed_byte_is_noticed() {
    let wire = wire(&frames()[..2]);
    for index in 0..wire.len() {
        let mut changed = wire.clone();
        changed[index] ^= 1;
        // A length that grew waits for bytes that the next frames bring.
        changed.extend([0; 1 << 17]);
        let result = Decoder::new(mac()).receive(&changed);
        assert!(result.is_err(), "byte {index}: {result:?}");
    }
}

#[test]
fn frames_of_another_key_or_out_of_order_are_refused() {
    let all = wire(&[Frame::Heartbeat, Frame::Heartbeat]);
    let other = FrameMac::new(&[8; FRAME_KEY_BYTES]);
    let wrong_key = Decoder::new(other).receive(&all);
    assert_eq!(wrong_key, Err(RelayError::WrongMac { sequence: 0 }));
    let frame_bytes = HEAD_BYTES + MAC_BYTES;
    let (first, second) = all[MAGIC.len()..].split_at(frame_bytes);
    let repeated = [MAGIC, first, first].concat();
    let left_out = [MAGIC, second].concat();
    let is = |bytes: &[u8]| Decoder::new(mac()).receive(bytes).unwrap_err();
    assert_eq!(is(&repeated), RelayError::WrongSequence { wanted: 1, got: 0 });
    assert_eq!(is(&left_out), RelayError::WrongSequence { wanted: 0, got: 1 });
    assert_eq!(is(b"HTTP"), RelayError::WrongMagic(*b"HTTP"));
    let behind = wire(&[Frame::End, Frame::Heartbeat]);
    assert_eq!(is(&behind), RelayError::Ended);
}

#[test]
fn length_over_the_limit_is_refused_before_it_is_waited_for() {
    let mut head = MAGIC.to_vec();
    head.extend(0_u64.to_be_bytes());
    head.push(KIND_PACKET);
    head.extend(u32::MAX.to_be_bytes());
    let refused = Decoder::new(mac()).receive(&head);
    assert_eq!(refused, Err(RelayError::TooLong { bytes: u32::MAX }));
}

/// A frame with a MAC that holds around a body of our making.
fn proved(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = 0_u64.to_be_bytes().to_vec();
    frame.push(kind);
    frame.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
    frame.extend(body);
    let proof = mac().of(&[&frame]);
    [MAGIC.as_slice(), &frame, &proof].concat()
}

#[test]
fn bodies_that_make_no_sense_are_named() {
    let is = |kind, body: &[u8]| Decoder::new(mac()).receive(&proved(kind, body)).unwrap_err();
    let unknown_kind = RelayError::Unknown { what: "kind of frame", value: 9 };
    assert_eq!(is(9, b""), unknown_kind);
    assert_eq!(is(KIND_END, b"x"), RelayError::TrailingBytes { bytes: 1 });
    let too_many = RelayError::TooMany { what: "tracks", count: 257, limit: 256 };
    assert_eq!(is(KIND_TRACKS, &[1, 1]), too_many);
    assert!(matches!(is(KIND_TRACKS, &[0, 1, 0]), RelayError::Truncated(_)));
    assert_eq!(is(KIND_TRACKS, &[0, 1, 4, 1, 0xff]), RelayError::Language { track: 4 });
    let unknown_codec = RelayError::Unknown { what: "codec", value: 77 };
    assert_eq!(is(KIND_TRACKS, &[0, 1, 0, 255, 77]), unknown_codec);
    assert_eq!(is(KIND_TRACKS, &[0, 0, 1]), RelayError::TrailingBytes { bytes: 1 });
    assert!(matches!(is(KIND_PACKET, &[0; 17]), RelayError::Truncated(_)));
    assert_eq!(is(KIND_PACKET, &[2; 18]), RelayError::UnknownTrack { track: 2 });
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic(bytes: Vec<u8>, kind in 0_u8..6, cut in 1_usize..40) {
        let _ = Decoder::new(mac()).receive(&bytes);
        let whole = proved(kind, &bytes);
        let mut decoder = Decoder::new(mac());
        let _ = whole.chunks(cut).try_for_each(|piece| decoder.receive(piece).map(drop));
    }

    #[test]
    fn packets_arrive_whatever_the_pieces(
        packets in prop::collection::vec(
            (any::<i64>(), any::<i64>(), any::<bool>(), any::<Vec<u8>>()),
            1..20,
        ),
        cut in 1_usize..300,
    ) {
        let mut frames = vec![Frame::Item(StreamItem::Tracks(tracks()))];
        let media = packets.into_iter().map(|(dts, pts, is_keyframe, payload)| {
            packet(4, dts, pts, is_keyframe, payload.into())
        });
        frames.extend(media);
        let mut decoder = Decoder::new(mac());
        let wire = wire(&frames);
        let got: Vec<Frame> = wire.chunks(cut).flat_map(|p| decoder.receive(p).unwrap()).collect();
        assert_eq!(got, frames);
    }
}
