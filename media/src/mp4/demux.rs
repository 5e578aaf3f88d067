//! The demuxer: finds `moov`, then hands out samples of all tracks in decoding order.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use shiguredo_mp4::boxes::{MoofBox, MoovBox};
use shiguredo_mp4::{BoxHeader, Decode};
use thiserror::Error;

use super::fragments;
use super::tracks::FileTrack;
use crate::codec::{self, CodecError};
use crate::packet::MediaPacket;
use crate::time::Ticks;
use crate::track::{Track, TrackId};

/// A `moov` or `moof` beyond this is refused: 40 hours of video and audio need about that.
const TABLES_BYTES_MAX: u64 = 128 << 20;
/// A sample beyond this is refused.
const SAMPLE_BYTES_MAX: usize = 16 << 20;
/// Tracks beyond this many are not read.
const TRACKS_MAX: usize = 16;
/// How many bytes of a box are asked for to learn its kind and size.
const HEADER_BYTES: u64 = 32;

/// Why a file cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Mp4Error {
    /// The file ends before its `moov`.
    #[error("no moov box")]
    NoMoov,
    /// No track of a codec that we know.
    #[error("no track that can be read")]
    NoTracks,
    /// Other bytes were supplied than were asked for.
    #[error("bytes from {got} supplied, from {wanted} wanted")]
    WrongRange {
        /// First byte wanted.
        wanted: u64,
        /// First byte supplied.
        got: u64,
    },
    /// The file ends within a box or a sample.
    #[error("file ends {missing} bytes early")]
    Ended {
        /// Bytes that are missing.
        missing: u64,
    },
    /// A box or sample is larger than we read.
    #[error("{what} of {bytes} bytes")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        bytes: u64,
    },
    /// A box breaks the standard.
    #[error("broken box: {0}")]
    Box(#[from] shiguredo_mp4::Error),
    /// The tables of a track contradict each other.
    #[error("broken sample table: {0}")]
    Table(#[from] shiguredo_mp4::aux::SampleTableAccessorError),
    /// A sample is not in the form its codec wants.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// Where a sample is, and when it plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The track it belongs to.
    pub track: TrackId,
    /// Decode time; negative where the edit list cuts into the beginning.
    pub dts: Ticks,
    /// Presentation time.
    pub pts: Ticks,
    /// Whether decoding can begin here.
    pub is_keyframe: bool,
    /// Its first byte in the file.
    pub offset: u64,
    /// Its size in bytes.
    pub size: usize,
}

/// Reads one file, again and again if wanted.
#[derive(Debug, Default)]
pub struct Demuxer {
    phase: Phase,
    tracks: Vec<FileTrack>,
    /// Where the first fragment may be; `None` for a plain file.
    fragments_at: Option<u64>,
    /// Samples of the fragment in hand.
    fragment: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Looking at the box that begins here.
    Header { offset: u64 },
    /// Waiting for a whole `moov`.
    Moov { offset: u64, size: u64 },
    /// Waiting for a whole `moof`.
    Moof { offset: u64, size: u64 },
    /// Nothing more is needed.
    Ready,
}

impl Default for Phase {
    fn default() -> Self {
        Self::Header { offset: 0 }
    }
}

impl Demuxer {
    /// Begins with nothing known of the file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The range of the file that must be supplied before anything else; `None` if nothing is
    /// missing. The range may go beyond the end of the file.
    #[must_use]
    pub fn required(&self) -> Option<Range<u64>> {
        if !self.fragment.is_empty() {
            return None;
        }
        match self.phase {
            Phase::Header { offset } => Some(offset..offset.saturating_add(HEADER_BYTES)),
            Phase::Moov { offset, size } | Phase::Moof { offset, size } => {
                Some(offset..offset.saturating_add(size))
            }
            Phase::Ready => None,
        }
    }

    /// Takes the bytes of the range required; fewer only where the file ends.
    ///
    /// Errors: [`Mp4Error`]; the file cannot be read then.
    pub fn supply(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Mp4Error> {
        let Some(required) = self.required() else {
            return Ok(());
        };
        if required.start != offset {
            return Err(Mp4Error::WrongRange { wanted: required.start, got: offset });
        }
        match self.phase {
            Phase::Header { .. } => self.read_header(offset, bytes),
            Phase::Moov { size, .. } => {
                let bytes = whole(bytes, size)?;
                self.read_moov(offset.saturating_add(size), bytes)
            }
            Phase::Moof { size, .. } => {
                let bytes = whole(bytes, size)?;
                fragments::check_sample_count(bytes)?;
                let (moof, _) = MoofBox::decode(bytes)?;
                self.fragment = fragments::samples(&moof, offset, &mut self.tracks);
                self.phase = Phase::Header { offset: offset.saturating_add(size) };
                Ok(())
            }
            Phase::Ready => Ok(()),
        }
    }

    /// The tracks that can be read; empty until [`required`](Self::required) has been met.
    #[must_use]
    pub fn tracks(&self) -> Arc<[Track]> {
        self.tracks.iter().map(|track| track.track.clone()).collect()
    }

    /// How long a track is, from its first decode time to the end of its last sample; of a
    /// fragmented file as far as it has been read.
    #[must_use]
    pub fn duration(&self, track: TrackId) -> Option<Ticks> {
        self.tracks.iter().find(|one| one.track.id == track).map(FileTrack::duration)
    }

    /// What must be added to all timestamps of the next round so that no track steps back: the
    /// longest track's duration.
    #[must_use]
    pub fn loop_duration(&self) -> Ticks {
        self.tracks.iter().map(FileTrack::duration).max().unwrap_or_default()
    }

    /// The next sample in the order of decode times; `None` at the end.
    ///
    /// Before each call, [`required`](Self::required) must be `None`: a fragmented file needs its
    /// next fragment from time to time.
    /// Errors: `TooLarge` for a sample that nobody should make room for; the next call goes on
    /// behind it.
    pub fn next_sample(&mut self) -> Result<Option<Sample>, Mp4Error> {
        let next = match self.fragments_at {
            Some(_) => self.fragment.pop_front(),
            None => self.next_of_tables(),
        };
        match next {
            Some(sample) if sample.size > SAMPLE_BYTES_MAX => {
                let bytes = u64::try_from(sample.size).unwrap_or(u64::MAX);
                Err(Mp4Error::TooLarge { what: "sample", bytes })
            }
            next => Ok(next),
        }
    }

    fn next_of_tables(&mut self) -> Option<Sample> {
        let next = |(index, track): (usize, &FileTrack)| Some((track.peek()?, index));
        let (sample, index) =
            self.tracks.iter().enumerate().filter_map(next).min_by_key(|(one, _)| one.dts)?;
        if let Some(track) = self.tracks.get_mut(index) {
            track.next_index = track.next_index.saturating_add(1);
        }
        Some(sample)
    }

    /// Goes back to the first sample.
    pub fn rewind(&mut self) {
        for track in &mut self.tracks {
            track.next_index = NonZeroU32::MIN;
            track.fragment_time = 0;
        }
        self.fragment.clear();
        if let Some(offset) = self.fragments_at {
            self.phase = Phase::Header { offset };
        }
    }

    /// Makes a packet of a sample and its bytes.
    ///
    /// Errors: `Ended` if these are not all of its bytes, `Codec` for NAL units that run past the
    /// sample's end.
    pub fn packet(&self, sample: &Sample, bytes: Bytes) -> Result<MediaPacket, Mp4Error> {
        let track = self.tracks.iter().find(|one| one.track.id == sample.track);
        packet(sample, track.and_then(|track| track.nal_length_size), bytes)
    }

    /// How wide the sizes of NAL units are in each track that has some.
    pub(super) fn nal_length_sizes(&self) -> Vec<(TrackId, Option<u8>)> {
        self.tracks.iter().map(|track| (track.track.id, track.nal_length_size)).collect()
    }

    fn read_header(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Mp4Error> {
        let is_end = bytes.len() < BoxHeader::MIN_SIZE;
        if is_end && self.tracks.is_empty() {
            return Err(Mp4Error::NoMoov);
        }
        if is_end {
            self.phase = Phase::Ready;
            return Ok(());
        }
        let (header, _) = BoxHeader::decode(bytes)?;
        let size = header.box_size.get();
        let is_wanted = if self.tracks.is_empty() {
            header.box_type.as_bytes() == b"moov"
        } else {
            header.box_type.as_bytes() == b"moof"
        };
        if is_wanted && size > TABLES_BYTES_MAX {
            return Err(Mp4Error::TooLarge { what: "tables", bytes: size });
        }
        self.phase = match (is_wanted, size) {
            // Size 0 is "to the end of the file".
            (_, 0) if self.tracks.is_empty() => return Err(Mp4Error::NoMoov),
            (_, 0) => Phase::Ready,
            (true, size) if self.tracks.is_empty() => Phase::Moov { offset, size },
            (true, size) => Phase::Moof { offset, size },
            (false, size) => Phase::Header { offset: offset.saturating_add(size) },
        };
        Ok(())
    }

    fn read_moov(&mut self, end: u64, bytes: &[u8]) -> Result<(), Mp4Error> {
        let (moov, _) = MoovBox::decode(bytes)?;
        let MoovBox { mvhd_box, trak_boxes, mvex_box, .. } = moov;
        let movie_rate = mvhd_box.timescale.get();
        let defaults = mvex_box.map(|mvex| mvex.trex_boxes);
        for trak in trak_boxes {
            let Some(id) = u8::try_from(self.tracks.len()).ok().map(TrackId) else {
                break;
            };
            if self.tracks.len() >= TRACKS_MAX {
                break;
            }
            let number = trak.tkhd_box.track_id;
            let own = defaults.iter().flatten().find(|one| one.track_id == number).cloned();
            if let Some(track) = FileTrack::new(id, trak, movie_rate, own)? {
                self.tracks.push(track);
            }
        }
        if self.tracks.is_empty() {
            return Err(Mp4Error::NoTracks);
        }
        self.fragments_at = defaults.map(|_| end);
        self.phase = match self.fragments_at {
            Some(offset) => Phase::Header { offset },
            None => Phase::Ready,
        };
        Ok(())
    }
}

/// See [`Demuxer::packet`]; `nal_length_size` is that of the sample's track.
pub(super) fn packet(
    sample: &Sample,
    nal_length_size: Option<u8>,
    bytes: Bytes,
) -> Result<MediaPacket, Mp4Error> {
    let missing = u64::try_from(sample.size.abs_diff(bytes.len())).unwrap_or(u64::MAX);
    if missing > 0 {
        return Err(Mp4Error::Ended { missing });
    }
    if sample.size > SAMPLE_BYTES_MAX {
        let bytes = u64::try_from(sample.size).unwrap_or(u64::MAX);
        return Err(Mp4Error::TooLarge { what: "sample", bytes });
    }
    let payload = match nal_length_size {
        Some(width) => codec::to_four_byte_lengths(bytes, width)?,
        None => bytes,
    };
    let Sample { track, dts, pts, is_keyframe, .. } = *sample;
    Ok(MediaPacket { track, dts, pts: pts.max(dts), is_keyframe, payload })
}

/// The first `size` bytes, if there are as many.
fn whole(bytes: &[u8], size: u64) -> Result<&[u8], Mp4Error> {
    let got = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let wanted = usize::try_from(size).ok();
    wanted
        .and_then(|size| bytes.get(..size))
        .ok_or(Mp4Error::Ended { missing: size.saturating_sub(got) })
}
