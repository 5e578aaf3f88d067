//! Containers and codecs: files and streams that somebody else made.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use watershed_media::codec::{aac, ac3, h264, h265, mpeg_audio, nal, rfc6381};
use watershed_media::flv::{self, TagKind};
use watershed_media::live::LivePacket;
use watershed_media::packet::{MediaPacket, StreamItem};
use watershed_media::time::Ticks;
use watershed_media::track::{Track, TrackId};
use watershed_media::{mp4, mpegts, preview};

/// Bytes of one read of a transport stream: prime, so that packets are cut anywhere.
const PIECE: usize = 1009;

/// Most samples read of a file: tables can name millions.
const SAMPLES_MAX: usize = 1000;

/// Most NAL units of a keyframe that are decoded: the daemon looks at the clock.
const UNITS_MAX: u32 = 16;

/// Most ranges that a file may have asked for.
const RANGES_MAX: usize = 1000;

/// The tags of a file, and the first one as a body of any kind.
pub(crate) fn flv(bytes: &[u8]) {
    let mut demuxer = flv::Demuxer::new();
    let mut rest = bytes.get(13..).unwrap_or_default();
    while let Some((head, tail)) = rest.split_at_checked(11) {
        let size = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        let at = u32::from_be_bytes([head[7], head[4], head[5], head[6]]);
        let kind = match head[0] & 0x1f {
            8 => TagKind::Audio,
            9 => TagKind::Video,
            _ => TagKind::Script,
        };
        let body = Bytes::copy_from_slice(tail.get(..size).unwrap_or(tail));
        let _ = demuxer.tag(kind, Ticks::from_millis(at.into()), &body);
        rest = tail.get(size + 4..).unwrap_or_default();
    }
    demuxer.finish();
}

/// A transport stream, whole and in pieces; what comes out goes into the muxer.
pub(crate) fn mpegts(bytes: &[u8]) {
    let whole = ts_items(bytes, bytes.len());
    let pieces = ts_items(bytes, PIECE);
    assert_eq!(whole, pieces, "items depend on where their bytes are cut");
    let mut muxer = mpegts::Muxer::new(&[]);
    let mut out = bytes::BytesMut::new();
    for item in &whole {
        match item {
            StreamItem::Tracks(tracks) => muxer.set_tracks(tracks),
            StreamItem::Packet(packet) => drop(muxer.mux(packet, &mut out)),
            StreamItem::Discontinuity => muxer.discontinuity(),
        }
        assert!(out.len().is_multiple_of(mpegts::PACKET_BYTES));
        out.clear();
    }
}

fn ts_items(bytes: &[u8], piece: usize) -> Vec<StreamItem> {
    let mut demuxer = mpegts::Demuxer::new();
    let mut items = Vec::new();
    bytes.chunks(piece.max(1)).for_each(|piece| demuxer.push(piece, &mut items));
    demuxer.finish(&mut items);
    items
}

/// A file, read twice as a looped input is.
pub(crate) fn mp4(bytes: &[u8]) {
    let _ = play_mp4(bytes);
    let mut demuxer = mp4::Demuxer::new();
    for _ in 0..2 {
        if read_mp4(&mut demuxer, bytes).is_none() {
            return;
        }
        let _ = demuxer.loop_duration();
        demuxer.rewind();
    }
}

/// The index of a file, and its first segments.
fn play_mp4(bytes: &[u8]) -> Result<(), mp4::Mp4Error> {
    let slice = |range: &Range<u64>| {
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
        Bytes::copy_from_slice(bytes.get(at(range.start)..at(range.end)).unwrap_or_default())
    };
    let limits = mp4::IndexLimits { bytes_max: 1 << 20, segment_duration: Duration::from_secs(4) };
    let mut indexer = mp4::Indexer::new(bytes.len() as u64, limits);
    while let Some(range) = indexer.required()? {
        indexer.supply(range.start, &slice(&range))?;
    }
    let index = indexer.finish()?;
    for number in 0..index.segment_count().min(3) {
        let reads = index.reads(number);
        let parts: Vec<_> = reads.iter().map(|range| (range.start, slice(range))).collect();
        index.mux(number, &parts)?;
    }
    Ok(())
}

/// One round through a file; none where it cannot be read on.
fn read_mp4(demuxer: &mut mp4::Demuxer, bytes: &[u8]) -> Option<()> {
    let slice = |begin: u64, end: u64| {
        let begin = usize::try_from(begin).map_or(bytes.len(), |at| at.min(bytes.len()));
        let end = usize::try_from(end).map_or(bytes.len(), |at| at.min(bytes.len()));
        bytes.get(begin..end).unwrap_or_default()
    };
    let mut samples = 0;
    for _ in 0..RANGES_MAX {
        while let Some(range) = demuxer.required() {
            demuxer.supply(range.start, slice(range.start, range.end)).ok()?;
        }
        let sample = match demuxer.next_sample() {
            Ok(Some(sample)) => sample,
            Ok(None) => return Some(()),
            Err(_) => continue,
        };
        let end = sample.offset.saturating_add(sample.size as u64);
        let body = Bytes::copy_from_slice(slice(sample.offset, end));
        let _ = demuxer.packet(&sample, body);
        samples += 1;
        if samples > SAMPLES_MAX {
            return Some(());
        }
    }
    Some(())
}

/// Records and sets of every codec, and the framing of access units.
pub(crate) fn parameter_sets(bytes: &[u8]) {
    let set = || Bytes::copy_from_slice(bytes);
    let configs = [
        h264::parse_avcc(bytes).map(|(config, _)| config),
        h265::parse_hvcc(bytes).map(|(config, _)| config),
        h264::config_from_parameter_sets(set(), vec![set()]),
        h265::config_from_parameter_sets(vec![set()], vec![set()], vec![set()]),
        aac::parse_audio_specific_config(bytes),
    ];
    for config in configs.iter().flatten() {
        let _ = rfc6381(config);
    }
    let _ = aac::AdtsHeader::parse(bytes);
    let _ = ac3::Ac3Header::parse(bytes);
    let _ = mpeg_audio::MpegAudioHeader::parse(bytes);
    let _ = (h264::is_keyframe(bytes), h265::is_keyframe(bytes));
    let lengths = nal::annex_b_to_lengths(bytes);
    assert_eq!(nal::length_prefixed(&lengths).count(), nal::annex_b(bytes).count());
    for width in 1..=4 {
        let _ = nal::to_four_byte_lengths(set(), width);
    }
}

/// A keyframe with start codes: its SPS, its PPS, then all else.
pub(crate) fn preview(bytes: &[u8]) {
    let mut units = nal::annex_b(bytes).map(Bytes::copy_from_slice);
    let sets = (units.next().unwrap_or_default(), units.next().unwrap_or_default());
    let Ok(codec) = h264::config_from_parameter_sets(sets.0, vec![sets.1]) else {
        return;
    };
    let units: Vec<_> = units.collect();
    let (id, time) = (TrackId(0), Ticks(0));
    let payload = nal::to_lengths(units.iter().map(|unit| &unit[..]), bytes.len());
    let keyframe = LivePacket {
        tracks: Arc::new([Track { id, codec, language: None }]),
        packet: MediaPacket { track: id, dts: time, pts: time, is_keyframe: true, payload },
        is_start: true,
        is_discontinuity: false,
    };
    let decoded = Cell::new(0);
    let _ = preview::jpeg(&keyframe, &|| decoded.replace(decoded.get() + 1) > UNITS_MAX);
}
