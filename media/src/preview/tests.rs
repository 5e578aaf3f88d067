//! Recorded keyframes, and what publishers might send instead.

use std::cell::Cell;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::codec::nal;
use crate::cursor::Cursor;
use crate::mpegts::Demuxer;
use crate::packet::StreamItem;
use crate::track::{Track, TrackKind};

const H264: &[u8] = include_bytes!("../../testdata/h264-aac.ts");
const H265: &[u8] = include_bytes!("../../testdata/h265-ac3.ts");
const MP3: &[u8] = include_bytes!("../../testdata/mp3.ts");

/// The first frame of [`H264`] in two rows of four, as values of JPEG:
/// `ffmpeg -i h264-aac.mp4 -frames:v 1 -vf scale=4:2:flags=area:out_range=full -pix_fmt yuvj444p`.
const FIRST_FRAME: [[u8; 3]; 8] = [
    [79, 85, 168],
    [183, 33, 99],
    [62, 235, 132],
    [148, 187, 93],
    [100, 72, 180],
    [199, 16, 105],
    [58, 237, 141],
    [150, 179, 92],
];

/// The first packet of `recording` that a player can begin at: of its video if it has any.
fn keyframe(recording: &[u8]) -> LivePacket {
    let (mut items, mut demuxer) = (Vec::new(), Demuxer::new());
    demuxer.push(recording, &mut items);
    demuxer.finish(&mut items);
    let mut tracks: Arc<[Track]> = Arc::new([]);
    for item in items {
        match item {
            StreamItem::Tracks(announced) => tracks = announced,
            StreamItem::Packet(packet) => {
                let mut videos = tracks.iter().filter(|it| it.codec.kind() == TrackKind::Video);
                if packet.is_keyframe && videos.next().is_none_or(|it| it.id == packet.track) {
                    return LivePacket { tracks, packet, is_start: true, is_discontinuity: false };
                }
            }
            StreamItem::Discontinuity => {}
        }
    }
    panic!("no keyframe");
}

fn never() -> bool {
    false
}

/// The parameter sets and the units of the first keyframe.
fn parts() -> (Bytes, Vec<Bytes>, Vec<Vec<u8>>) {
    let keyframe = keyframe(H264);
    let Some(CodecConfig::H264 { sps, pps, .. }) = keyframe.track().map(|it| &it.codec) else {
        panic!("not H.264");
    };
    let units = nal::length_prefixed(&keyframe.packet.payload).map(<[u8]>::to_vec).collect();
    (sps.clone(), pps.clone(), units)
}

fn decode(sps: &Bytes, pps: &[Bytes], units: &[Vec<u8>]) -> Result<(), PreviewError> {
    let payload = nal::to_lengths(units.iter().map(Vec::as_slice), 0);
    decode::h264(sps, pps, &payload, &never).map(drop)
}

/// The size that a JPEG says it has: width, height. Source: ITU-T T.81 §B.2.2.
fn jpeg_size(file: &[u8]) -> Option<(u16, u16)> {
    const FRAME_HEADER: &[u8] = &[0xff, 0xc0, 0, 17, 8];
    let start = memchr::memmem::find(file, FRAME_HEADER)?;
    let mut cursor = Cursor::new(file.get(start + FRAME_HEADER.len()..)?);
    let (height, width) = (cursor.u16().ok()?, cursor.u16().ok()?);
    Some((width, height))
}

#[test]
fn keyframe_is_decoded_to_the_picture_that_ffmpeg_sees() {
    let (sps, pps, units) = parts();
    let payload = nal::to_lengths(units.iter().map(Vec::as_slice), 0);
    let picture = decode::h264(&sps, &pps, &payload, &never).unwrap();
    assert_eq!((picture.width(), picture.height()), (320, 180));
    let rows: Vec<_> = (0..180).map(|y| picture.row(y)).collect();
    for (index, expected) in FIRST_FRAME.iter().enumerate() {
        let (x, y) = (index % 4 * 80, index / 4 * 90);
        let pixels: Vec<_> = rows[y..y + 90].iter().flat_map(|row| &row[x..x + 80]).collect();
        for component in 0..3 {
            let sum: usize = pixels.iter().map(|pixel| usize::from(pixel[component])).sum();
            let (found, expected) = (sum / pixels.len(), usize::from(expected[component]));
            assert!(found.abs_diff(expected) <= 1, "{index}/{component}: {found}, not {expected}");
        }
    }
}

#[test]
fn keyframe_becomes_a_jpeg_of_its_size() {
    let file = jpeg(&keyframe(H264), &never).unwrap();
    assert_eq!(file[..4], [0xff, 0xd8, 0xff, 0xe0]);
    assert_eq!(file[file.len() - 2..], [0xff, 0xd9]);
    assert_eq!(jpeg_size(&file), Some((320, 180)));
}

#[test]
fn other_codecs_and_sound_alone_are_told_apart() {
    assert_eq!(jpeg(&keyframe(H265), &never), Err(PreviewError::Codec("hevc")));
    assert_eq!(jpeg(&keyframe(MP3), &never), Err(PreviewError::NoVideo));
}

#[test]
fn caller_can_give_up_between_slices() {
    let asked = Cell::new(0);
    let is_late = || asked.replace(asked.get() + 1) > 1;
    assert_eq!(jpeg(&keyframe(H264), &is_late), Err(PreviewError::Late));
    assert_eq!(asked.get(), 3);
}

/// `ue(v)` as bits. Source: ISO/IEC 14496-10 §9.1.
fn ue(bits: &mut Vec<bool>, value: u32) {
    let code = value + 1;
    let length = code.ilog2();
    bits.extend((0..length).map(|_| false));
    bits.extend((0..=length).rev().map(|bit| code >> bit & 1 == 1));
}

/// A Baseline SPS of that many macroblocks, cropped by `crop` steps of two at the right.
fn sps(columns: u32, rows: u32, crop: u32, has_gaps: bool) -> Bytes {
    let mut bits = Vec::new();
    for field in [0, 0, 2, 1] {
        ue(&mut bits, field);
    }
    bits.push(has_gaps);
    ue(&mut bits, columns - 1);
    ue(&mut bits, rows - 1);
    bits.extend([true, true, true]);
    for field in [0, crop, 0, 0] {
        ue(&mut bits, field);
    }
    bits.extend([false, true]);
    let mut unit = vec![0x67, 66, 0, 51];
    let byte = |bits: &[bool]| {
        bits.iter().enumerate().fold(0, |byte, (at, &bit)| byte | u8::from(bit) << (7 - at))
    };
    unit.extend(bits.chunks(8).map(byte));
    unit.into()
}

#[test]
fn pictures_beyond_the_limit_are_refused_before_they_are_decoded() {
    let (_, pps, units) = parts();
    for (sps, width, height) in [
        (sps(257, 1, 0, false), 4112, 16),
        (sps(145, 145, 0, false), 2320, 2320),
        (sps(1024, 1024, 8184, false), 16_384, 16_384),
    ] {
        let too_large = Err(PreviewError::TooLarge { width, height });
        assert_eq!(decode(&sps, &pps, &units), too_large);
        let (good, ..) = parts();
        let within = [&[sps.to_vec()], &units[..]].concat();
        assert_eq!(decode(&good, &pps, &within), too_large);
    }
}

#[test]
fn parameter_sets_cannot_be_smuggled_in() {
    let (good, pps, mut units) = parts();
    let hidden = [&[6, 0, 0, 0, 1][..], &sps(1024, 1024, 0, false)].concat();
    let disguised = [&units.pop().unwrap()[..], &[0, 0, 1], &sps(1024, 1024, 0, false)].concat();
    // What the decoder has no use for is left out, whatever is in it.
    let left_out = decode(&good, &pps, &[hidden]);
    assert_eq!(left_out, Err(PreviewError::Undecodable("the picture is not whole".to_owned())));
    let refused = decode(&good, &pps, &[disguised]);
    let cause = "a start code within a nal unit".to_owned();
    assert_eq!(refused, Err(PreviewError::Undecodable(cause)));
}

#[test]
fn pictures_that_refer_to_others_are_refused_before_the_decoder_looks_for_those() {
    let undecodable = |cause: &str| Err(PreviewError::Undecodable(cause.to_owned()));
    let (sps, pps, _) = parts();
    // The first macroblock is 0, and the slice of type P (5), B (6), or I (7) with nothing in it.
    for slice in [[0x65, 0b1001_1000], [0x41, 0b1001_1100]] {
        let refused = decode(&sps, &pps, &[slice.to_vec()]);
        assert_eq!(refused, undecodable("a slice refers to other pictures"));
    }
    let intra = vec![0x41, 0b1000_1000];
    assert_eq!(
        decode(&sps, &pps, std::slice::from_ref(&intra)),
        undecodable("bitstream truncated")
    );
    let gaps = self::sps(20, 12, 0, true);
    assert_eq!(decode(&gaps, &pps, &[sps.to_vec(), intra]), undecodable("frames may be missing"));
    let sets = vec![pps[0].to_vec(); 300];
    assert_eq!(decode(&sps, &pps, &sets), undecodable("too many parameter sets"));
}

#[test]
fn what_is_no_whole_picture_is_an_error() {
    let (sps, pps, mut units) = parts();
    assert!(decode(&sps, &pps, &[]).is_err());
    assert!(decode(&sps, &[], &units[units.len() - 1..]).is_err());
    units.last_mut().unwrap().truncate(2);
    assert!(decode(&sps, &pps, &units).is_err());
    assert!(decode(&Bytes::from_static(&[0x67]), &pps, &units).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_keyframes_are_survived(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        in_sets in any::<bool>(),
    ) {
        let (sps, pps, mut units) = parts();
        let (mut sps, mut first) = (sps.to_vec(), pps[0].to_vec());
        let slice = units.last_mut().unwrap();
        for (index, byte) in damage {
            if in_sets {
                // The headers stay, so that the decoder looks at the rest.
                *index.get_mut(&mut sps[4..]) = byte;
                *index.get_mut(&mut first[1..]) = byte;
            }
            *index.get_mut(&mut slice[1..]) = byte;
        }
        let _ = decode(&sps.into(), &[first.into()], &units);
    }
}
