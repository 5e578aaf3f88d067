//! The index of a whole file: where every sample lies and where its segments begin, so that any
//! segment can be made from its own bytes alone.
//!
//! ```text
//!  Indexer ─ required() ─▶ the caller reads ─ supply() ─▶ FileIndex
//!                                                           ├ durations, bandwidth ▸ playlists
//!  segment n: reads(n) ─▶ the caller reads ─ mux(n, bytes) ─┘▸ MPEG-TS in shared pieces
//! ```
//!
//! A segment begins at a keyframe, at the first one at or after `segment_duration`. Times count
//! from the file's first sample, the same in every segment, so segments join without a seam.

use std::mem::size_of;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::demux::{Demuxer, Mp4Error, Sample, packet};
use crate::hls::PIECE_BYTES;
use crate::mpegts;
use crate::time::Ticks;
use crate::track::{Track, TrackId, TrackKind};

/// A segment is cut without a keyframe at this many times its duration.
const STRETCH_MAX: u32 = 4;
/// A segment is cut without a keyframe at about this size.
const SEGMENT_BYTES_MAX: u64 = 32 << 20;
/// A segment that turns out larger than this is not made: its file is no honest one.
const MUXED_BYTES_MAX: usize = 64 << 20;
/// More segments than this are none of a film: three days of 4 s.
const SEGMENTS_MAX: usize = 1 << 16;
/// Samples closer to each other than this are read at once, with what lies between them.
const GAP_BYTES_MAX: u64 = 16 << 10;
/// What lies between samples is not read beyond this much a segment.
const GAPS_BYTES_MAX: u64 = 4 << 20;

/// What an index may cost, and how it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexLimits {
    /// Largest table read, and largest index made of it, in bytes.
    pub bytes_max: u64,
    /// Segments are at least this long.
    pub segment_duration: Duration,
}

/// Reads the index of one file.
#[derive(Debug)]
pub struct Indexer {
    limits: IndexLimits,
    file_bytes: u64,
    demuxer: Demuxer,
    samples: Vec<Entry>,
    is_done: bool,
}

/// A sample, as small as it can be said.
#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: u64,
    dts: Ticks,
    /// From decode to presentation time, in ticks.
    composition: i32,
    size: u32,
    track: TrackId,
    is_keyframe: bool,
}

/// Where a segment begins.
#[derive(Clone, Copy, Debug)]
struct Cut {
    first_sample: usize,
    duration: Ticks,
}

/// All that is known of a file.
#[derive(Debug)]
pub struct FileIndex {
    /// Those that MPEG-TS carries.
    tracks: Arc<[Track]>,
    /// Width of the NAL units' sizes, by track.
    nal_length_sizes: Vec<(TrackId, Option<u8>)>,
    samples: Vec<Entry>,
    cuts: Vec<Cut>,
    duration: Ticks,
    peak_bps: u64,
    average_bps: u64,
}

impl Indexer {
    /// Begins with nothing known of a file of `file_bytes`.
    #[must_use]
    pub fn new(file_bytes: u64, limits: IndexLimits) -> Self {
        let demuxer = Demuxer::new();
        Self { limits, file_bytes, demuxer, samples: Vec::new(), is_done: false }
    }

    /// The range of the file that is needed next, which may go beyond its end; `None`: the index
    /// can be [finished](Self::finish).
    ///
    /// Errors: `TooLarge` for tables that nobody should make room for.
    pub fn required(&self) -> Result<Option<Range<u64>>, Mp4Error> {
        let range = if self.is_done { None } else { self.demuxer.required() };
        if let Some(range) = &range
            && range.end - range.start > self.limits.bytes_max
        {
            let bytes = range.end - range.start;
            return Err(Mp4Error::TooLarge { what: "tables", bytes });
        }
        Ok(range)
    }

    /// Takes the bytes of the range required; fewer only where the file ends.
    ///
    /// Errors: [`Mp4Error`]; the file cannot be played then.
    pub fn supply(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Mp4Error> {
        self.demuxer.supply(offset, bytes)?;
        while self.demuxer.required().is_none() {
            let Some(sample) = self.demuxer.next_sample()? else {
                self.is_done = true;
                break;
            };
            self.note(&sample)?;
        }
        Ok(())
    }

    fn note(&mut self, sample: &Sample) -> Result<(), Mp4Error> {
        let size = u32::try_from(sample.size).unwrap_or(u32::MAX);
        let end = sample.offset.saturating_add(size.into());
        if end > self.file_bytes {
            return Err(Mp4Error::Ended { missing: end - self.file_bytes });
        }
        let bytes = (self.samples.len() + 1).saturating_mul(size_of::<Entry>());
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if bytes > self.limits.bytes_max {
            return Err(Mp4Error::TooLarge { what: "index", bytes });
        }
        self.samples.push(Entry {
            offset: sample.offset,
            dts: sample.dts,
            composition: i32::try_from((sample.pts - sample.dts).0).unwrap_or(0),
            size,
            track: sample.track,
            is_keyframe: sample.is_keyframe,
        });
        Ok(())
    }

    /// Cuts what was read into segments.
    ///
    /// Errors: `NoTracks` if there is nothing that MPEG-TS carries, `TooLarge` for more segments
    /// than a film has.
    pub fn finish(self) -> Result<FileIndex, Mp4Error> {
        let Self { limits, demuxer, mut samples, .. } = self;
        let all = demuxer.tracks();
        let left_out = mpegts::Muxer::new(&all).left_out().to_vec();
        let is_carried = |track: TrackId| !left_out.contains(&track);
        samples.retain(|sample| is_carried(sample.track));
        samples.shrink_to_fit();
        let tracks: Arc<[Track]> =
            all.iter().filter(|track| is_carried(track.id)).cloned().collect();
        let Some(start) = samples.iter().map(|sample| sample.dts).min() else {
            return Err(Mp4Error::NoTracks);
        };
        for sample in &mut samples {
            sample.dts = sample.dts - start;
        }
        // What the edit list puts before zero, as the priming of AAC, is decoded and not played.
        let firsts: Vec<(TrackId, Ticks)> = tracks
            .iter()
            .filter_map(|track| samples.iter().find(|sample| sample.track == track.id))
            .map(|sample| (sample.track, sample.pts()))
            .collect();
        let begin = firsts.iter().map(|(_, first)| *first).min().unwrap_or_default();
        let begin = begin.max(-start);
        let ends = firsts.iter().filter_map(|(track, first)| {
            demuxer.duration(*track).map(|duration| *first + duration)
        });
        let end = ends.max().unwrap_or_default().max(begin);
        let cuts = cut(&samples, &tracks, limits.segment_duration, begin..end);
        let duration = end - begin;
        if cuts.len() > SEGMENTS_MAX {
            let bytes = u64::try_from(cuts.len()).unwrap_or(u64::MAX);
            return Err(Mp4Error::TooLarge { what: "file, in segments,", bytes });
        }
        let nal_length_sizes = demuxer.nal_length_sizes();
        let mut index = FileIndex {
            tracks,
            nal_length_sizes,
            samples,
            cuts,
            duration,
            peak_bps: 0,
            average_bps: 0,
        };
        index.measure();
        Ok(index)
    }
}

impl FileIndex {
    /// The tracks that are played.
    #[must_use]
    pub const fn tracks(&self) -> &Arc<[Track]> {
        &self.tracks
    }

    /// How long the file plays.
    #[must_use]
    pub const fn duration(&self) -> Ticks {
        self.duration
    }

    /// How many segments there are; at least one.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.cuts.len()
    }

    /// How long each segment plays. Together as long as the file.
    pub fn segment_durations(&self) -> impl ExactSizeIterator<Item = Ticks> + Clone {
        self.cuts.iter().map(|cut| cut.duration)
    }

    /// Highest and mean bits a second, about.
    #[must_use]
    pub const fn bandwidth_bps(&self) -> (u64, u64) {
        (self.peak_bps, self.average_bps)
    }

    /// Bytes of memory that it takes, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.samples.len() * size_of::<Entry>() + self.cuts.len() * size_of::<Cut>() + 4096
    }

    /// What has to be read of the file for segment `number`, in order of offsets; empty if there
    /// is no such segment.
    #[must_use]
    pub fn reads(&self, number: usize) -> Vec<Range<u64>> {
        let mut wanted: Vec<Range<u64>> = self
            .samples_of(number)
            .iter()
            .map(|sample| sample.offset..sample.offset + u64::from(sample.size))
            .collect();
        wanted.sort_unstable_by_key(|range| (range.start, range.end));
        let mut reads: Vec<Range<u64>> = Vec::new();
        let mut gaps_left = GAPS_BYTES_MAX;
        for range in wanted {
            if let Some(last) = reads.last_mut() {
                let gap = range.start.saturating_sub(last.end);
                if gap <= GAP_BYTES_MAX.min(gaps_left) {
                    gaps_left -= gap;
                    last.end = last.end.max(range.end);
                    continue;
                }
            }
            reads.push(range);
        }
        reads
    }

    /// Makes segment `number` of what its [reads](Self::reads) brought, each with its offset.
    ///
    /// Errors: `Ended` where bytes are missing, `Codec` for a sample that is none, `TooLarge` for
    /// a segment beyond what one may be.
    pub fn mux(&self, number: usize, parts: &[(u64, Bytes)]) -> Result<Vec<Bytes>, Mp4Error> {
        let mut muxer = mpegts::Muxer::rejoining(&self.tracks);
        let mut out = BytesMut::new();
        for entry in self.samples_of(number) {
            let sample = entry.sample();
            let bytes = find(parts, &sample)?;
            let width = self.nal_length_sizes.iter().find(|(track, _)| *track == entry.track);
            muxer.mux(&packet(&sample, width.and_then(|(_, width)| *width), bytes)?, &mut out);
            if out.len() > MUXED_BYTES_MAX {
                let bytes = u64::try_from(out.len()).unwrap_or(u64::MAX);
                return Err(Mp4Error::TooLarge { what: "segment", bytes });
            }
        }
        let mut rest = out.freeze();
        let mut pieces = Vec::with_capacity(rest.len().div_ceil(PIECE_BYTES));
        while !rest.is_empty() {
            pieces.push(rest.split_to(PIECE_BYTES.min(rest.len())));
        }
        Ok(pieces)
    }

    fn samples_of(&self, number: usize) -> &[Entry] {
        let start = self.cuts.get(number).map(|cut| cut.first_sample);
        let end = self.cuts.get(number.saturating_add(1)).map(|cut| cut.first_sample);
        let end = end.unwrap_or(self.samples.len());
        start.and_then(|start| self.samples.get(start..end)).unwrap_or_default()
    }

    fn measure(&mut self) {
        let (mut peak, mut total) = (0, 0_u64);
        for (number, duration) in self.segment_durations().enumerate() {
            let bytes = self.samples_of(number).iter().map(Entry::muxed_bytes).sum();
            peak = peak.max(bits_a_second(bytes, duration));
            total = total.saturating_add(bytes);
        }
        self.peak_bps = peak;
        self.average_bps = bits_a_second(total, self.duration);
    }
}

impl Entry {
    fn pts(&self) -> Ticks {
        self.dts + Ticks(self.composition.into())
    }

    fn sample(&self) -> Sample {
        Sample {
            track: self.track,
            dts: self.dts,
            pts: self.pts(),
            is_keyframe: self.is_keyframe,
            offset: self.offset,
            size: usize::try_from(self.size).unwrap_or(usize::MAX),
        }
    }

    /// What it takes in MPEG-TS, about: whole packets, with the header of a PES packet.
    fn muxed_bytes(&self) -> u64 {
        const HEADERS_BYTES: u64 = 32;
        (u64::from(self.size) + HEADERS_BYTES).div_ceil(184) * 188
    }
}

/// Where segments begin, in a file that plays in the time `whole`. The first sample is one,
/// whatever it is.
fn cut(samples: &[Entry], tracks: &[Track], shortest: Duration, whole: Range<Ticks>) -> Vec<Cut> {
    let video = tracks.iter().find(|track| track.codec.kind() == TrackKind::Video);
    let video = video.map(|track| track.id);
    let shortest = Ticks::from(shortest.max(Duration::from_millis(100)));
    let longest = Ticks(shortest.0.saturating_mul(STRETCH_MAX.into()));
    let mut starts: Vec<(usize, Ticks)> = vec![(0, whole.start)];
    let (mut starts_at, mut bytes) = (whole.start, 0_u64);
    for (first_sample, sample) in samples.iter().enumerate() {
        let elapsed = sample.pts() - starts_at;
        let is_entry = video.is_none_or(|video| sample.track == video && sample.is_keyframe);
        let is_full = bytes.saturating_add(sample.muxed_bytes()) > SEGMENT_BYTES_MAX;
        if (is_entry && elapsed >= shortest) || elapsed >= longest || (is_full && bytes > 0) {
            starts_at = sample.pts().max(starts_at);
            bytes = 0;
            starts.push((first_sample, starts_at));
        }
        bytes = bytes.saturating_add(sample.muxed_bytes());
    }
    let ends = starts.iter().skip(1).map(|(_, start)| *start).chain([whole.end]);
    let cut = |(&(first_sample, start), end): (&(usize, Ticks), Ticks)| Cut {
        first_sample,
        duration: Ticks((end - start).0.max(1)),
    };
    starts.iter().zip(ends).map(cut).collect()
}

/// The bytes of `sample` in what was read.
fn find(parts: &[(u64, Bytes)], sample: &Sample) -> Result<Bytes, Mp4Error> {
    let behind = parts.partition_point(|(offset, _)| *offset <= sample.offset);
    let found = behind.checked_sub(1).and_then(|at| parts.get(at)).and_then(|(offset, bytes)| {
        let begin = usize::try_from(sample.offset - offset).ok()?;
        let end = begin.checked_add(sample.size)?;
        (end <= bytes.len()).then(|| bytes.slice(begin..end))
    });
    let missing = u64::try_from(sample.size).unwrap_or(u64::MAX);
    found.ok_or(Mp4Error::Ended { missing })
}

fn bits_a_second(bytes: u64, duration: Ticks) -> u64 {
    let bits = u128::from(bytes) * 8 * 90_000;
    let ticks = u128::try_from(duration.0).unwrap_or(0).max(1);
    u64::try_from(bits / ticks).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::packet::{MediaPacket, StreamItem};

    const PLAIN: &[u8] = include_bytes!("../../testdata/h264-aac.mp4");
    const FRAGMENTED: &[u8] = include_bytes!("../../testdata/fragmented.mp4");

    const LIMITS: IndexLimits =
        IndexLimits { bytes_max: 1 << 20, segment_duration: Duration::from_secs(1) };

    fn read(file: &[u8], range: &Range<u64>) -> Bytes {
        let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(file.len());
        let part = file.get(clamp(range.start)..clamp(range.end)).unwrap_or_default();
        Bytes::copy_from_slice(part)
    }

    fn index_within(file: &[u8], limits: IndexLimits) -> Result<FileIndex, Mp4Error> {
        let mut indexer = Indexer::new(u64::try_from(file.len()).unwrap(), limits);
        while let Some(range) = indexer.required()? {
            indexer.supply(range.start, &read(file, &range))?;
        }
        indexer.finish()
    }

    fn segment(index: &FileIndex, file: &[u8], number: usize) -> Result<Vec<Bytes>, Mp4Error> {
        let reads = index.reads(number);
        let parts: Vec<_> = reads.iter().map(|range| (range.start, read(file, range))).collect();
        index.mux(number, &parts)
    }

    fn demuxed(pieces: &[Bytes]) -> (Vec<MediaPacket>, u64) {
        let (mut items, mut demuxer) = (Vec::new(), mpegts::Demuxer::new());
        for piece in pieces {
            demuxer.push(piece, &mut items);
        }
        demuxer.finish(&mut items);
        let packets = items.into_iter().filter_map(|item| match item {
            StreamItem::Packet(packet) => Some(packet),
            StreamItem::Tracks(_) => None,
            StreamItem::Discontinuity => panic!("a seam"),
        });
        (packets.collect(), demuxer.counters().lost_packets)
    }

    #[test]
    fn segments_begin_at_keyframes_and_last_as_long_as_the_file() {
        for (file, count, duration) in [(PLAIN, 3, 270_000), (FRAGMENTED, 2, 187_200)] {
            let index = index_within(file, LIMITS).unwrap();
            assert_eq!(index.segment_count(), count);
            let total: i64 = index.segment_durations().map(|one| one.0).sum();
            assert_eq!((total, index.duration()), (duration, Ticks(duration)));
            for number in 0..count {
                let (packets, _) = demuxed(&segment(&index, file, number).unwrap());
                let video = packets.iter().find(|one| one.track == TrackId(0)).unwrap();
                assert!(video.is_keyframe, "segment {number}");
            }
            assert!(segment(&index, file, count).unwrap().is_empty());
        }
    }

    #[test]
    fn segments_join_to_the_whole_file_without_a_seam() {
        for (file, video, audio) in [(PLAIN, 75, 131), (FRAGMENTED, 50, 88)] {
            let index = index_within(file, LIMITS).unwrap();
            let pieces = (0..index.segment_count())
                .flat_map(|number| segment(&index, file, number).unwrap());
            let pieces: Vec<Bytes> = pieces.collect();
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE_BYTES));
            let (packets, lost) = demuxed(&pieces);
            let of = |track| packets.iter().filter(move |one| one.track == TrackId(track));
            assert_eq!((of(0).count(), of(1).count(), lost), (video, audio, 0));
            assert!(of(0).is_sorted_by_key(|one| one.dts));
            assert!(of(1).is_sorted_by_key(|one| one.dts));
        }
    }

    #[test]
    fn neighbours_are_read_at_once_and_nothing_twice() {
        let index = index_within(PLAIN, LIMITS).unwrap();
        let reads = index.reads(1);
        assert_eq!(reads.len(), 1);
        let wanted: u64 = index.samples_of(1).iter().map(|one| u64::from(one.size)).sum();
        let read: u64 = reads.iter().map(|range| range.end - range.start).sum();
        assert!(read >= wanted && read < wanted * 2, "{read} for {wanted}");
    }

    #[test]
    fn index_beyond_its_limit_is_refused() {
        for bytes_max in [100, 4000] {
            let found = index_within(PLAIN, IndexLimits { bytes_max, ..LIMITS });
            assert!(matches!(found, Err(Mp4Error::TooLarge { .. })), "{found:?}");
        }
    }

    #[test]
    fn file_cut_short_is_refused() {
        let cut = PLAIN.get(..PLAIN.len() - 10).unwrap();
        assert!(matches!(index_within(cut, LIMITS), Err(Mp4Error::Ended { .. })));
        let index = index_within(PLAIN, LIMITS).unwrap();
        let last = index.segment_count() - 1;
        assert!(matches!(segment(&index, cut, last), Err(Mp4Error::Ended { .. })));
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
            if let Ok(index) = index_within(&file, LIMITS) {
                for number in 0..index.segment_count().min(20) {
                    let _ = segment(&index, &file, number);
                }
            }
        }
    }
}
