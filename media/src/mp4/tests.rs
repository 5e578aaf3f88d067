//! Recorded files, plain and fragmented, and damaged ones.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::{Demuxer, Mp4Error};
use crate::mpegts::Muxer;
use crate::packet::MediaPacket;
use crate::time::Ticks;
use crate::track::{AudioShape, TrackId, VideoShape};

const PLAIN: &[u8] = include_bytes!("../../testdata/h264-aac.mp4");
const FRAGMENTED: &[u8] = include_bytes!("../../testdata/fragmented.mp4");

/// The part of `file` that is in the range, as a read at that place would return it.
fn read(file: &[u8], from: u64, to: u64) -> &[u8] {
    let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(file.len());
    file.get(clamp(from)..clamp(to)).unwrap_or_default()
}

fn settle(demuxer: &mut Demuxer, file: &[u8]) -> Result<(), Mp4Error> {
    while let Some(range) = demuxer.required() {
        demuxer.supply(range.start, read(file, range.start, range.end))?;
    }
    Ok(())
}

fn all(demuxer: &mut Demuxer, file: &[u8]) -> Result<Vec<MediaPacket>, Mp4Error> {
    let mut packets = Vec::new();
    loop {
        settle(demuxer, file)?;
        let Some(sample) = demuxer.next_sample()? else {
            return Ok(packets);
        };
        let size = u64::try_from(sample.size).unwrap();
        let bytes = read(file, sample.offset, sample.offset.saturating_add(size));
        packets.push(demuxer.packet(&sample, Bytes::copy_from_slice(bytes))?);
    }
}

fn of(packets: &[MediaPacket], track: u8) -> Vec<&MediaPacket> {
    packets.iter().filter(|packet| packet.track == TrackId(track)).collect()
}

#[test]
fn plain_file_yields_all_samples_in_order() {
    let mut demuxer = Demuxer::new();
    let packets = all(&mut demuxer, PLAIN).unwrap();
    assert_eq!((of(&packets, 0).len(), of(&packets, 1).len()), (75, 131));
    assert!(packets.is_sorted_by_key(|packet| packet.dts));
    let keys = of(&packets, 0).iter().filter(|packet| packet.is_keyframe).count();
    assert_eq!(keys, 3);
    let tracks = demuxer.tracks();
    let shape = VideoShape { width: 320, height: 180, fps: Some((25, 1)) };
    assert_eq!(tracks.first().unwrap().codec.video(), Some(shape));
    let audio = AudioShape { sample_rate: 44_100, channels: 1 };
    assert_eq!(tracks.get(1).unwrap().codec.audio(), Some(audio));
}

#[test]
fn edit_lists_keep_sound_and_picture_together() {
    let packets = all(&mut Demuxer::new(), PLAIN).unwrap();
    let first = |track| of(&packets, track).into_iter().next().unwrap();
    // Two frames of reordering come before zero, so that the first picture plays at zero …
    assert_eq!((first(0).dts, first(0).pts), (Ticks(-7200), Ticks(0)));
    // … and 1024 samples of priming.
    assert_eq!(first(1).pts, Ticks(-2090));
}

#[test]
fn rewound_file_yields_the_same_again() {
    for file in [PLAIN, FRAGMENTED] {
        let mut demuxer = Demuxer::new();
        let first = all(&mut demuxer, file).unwrap();
        demuxer.rewind();
        assert_eq!(all(&mut demuxer, file).unwrap(), first);
    }
}

#[test]
fn loop_is_as_long_as_the_longest_track() {
    let mut demuxer = Demuxer::new();
    all(&mut demuxer, PLAIN).unwrap();
    assert_eq!(demuxer.duration(TrackId(0)), Some(Ticks(270_000)));
    let audio = demuxer.duration(TrackId(1)).unwrap();
    assert!(audio > Ticks(270_000) && audio < Ticks(275_000), "{audio:?}");
    assert_eq!(demuxer.loop_duration(), audio);
}

#[test]
fn fragmented_file_yields_all_samples() {
    let mut demuxer = Demuxer::new();
    let packets = all(&mut demuxer, FRAGMENTED).unwrap();
    assert_eq!((of(&packets, 0).len(), of(&packets, 1).len()), (50, 88));
    let keys = of(&packets, 0).iter().filter(|packet| packet.is_keyframe).count();
    assert_eq!(keys, 2);
    assert_eq!(demuxer.duration(TrackId(0)), Some(Ticks(180_000)));
}

#[test]
fn file_becomes_a_transport_stream() {
    let mut demuxer = Demuxer::new();
    let packets = all(&mut demuxer, PLAIN).unwrap();
    let mut muxer = Muxer::new(&demuxer.tracks());
    let mut out = BytesMut::new();
    let entries = packets.iter().filter(|packet| muxer.mux(packet, &mut out)).count();
    assert_eq!(entries, 3);
    assert!(muxer.left_out().is_empty());
}

#[test]
fn file_without_moov_is_refused() {
    assert!(matches!(all(&mut Demuxer::new(), &[]), Err(Mp4Error::NoMoov)));
    let cut = PLAIN.get(..600).unwrap();
    assert!(matches!(all(&mut Demuxer::new(), cut), Err(Mp4Error::Ended { .. })));
    let wrong = Demuxer::new().supply(5, &[]);
    assert!(matches!(wrong, Err(Mp4Error::WrongRange { wanted: 0, got: 5 })));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(
        is_plain: bool,
        changes in proptest::collection::vec((0_usize..7000, any::<u8>()), 0..30),
    ) {
        let mut file = if is_plain { PLAIN } else { FRAGMENTED }.to_vec();
        for (at, byte) in changes {
            if let Some(place) = file.get_mut(at) {
                *place = byte;
            }
        }
        let _ = all(&mut Demuxer::new(), &file);
    }
}
