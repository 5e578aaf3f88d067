//! The finished segments of a stream: those that the playlist lists, and older ones that readers of
//! older playlists may still ask for.
//!
//! Bounded in count and in bytes, whatever the stream does.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::{SegmenterSettings, UnixMillis};
use crate::time::Ticks;

/// A finished segment.
#[derive(Debug, PartialEq, Eq)]
pub struct Segment {
    /// Media sequence number.
    pub sequence: u64,
    /// File name, `<capture id>-<sequence>.ts`.
    pub name: String,
    /// How long it plays.
    pub duration: Ticks,
    /// When it began.
    pub starts_at: UnixMillis,
    /// Whether its timestamps are not continuous with those of the segment before.
    pub is_discontinuous: bool,
    /// The bytes, in order, in pieces of at most [`PIECE_BYTES`](super::PIECE_BYTES).
    pub pieces: Vec<Bytes>,
    /// Size of all pieces.
    pub size_bytes: usize,
}

/// The finished segments.
#[derive(Debug)]
pub struct Window {
    segment_count: usize,
    window_bytes_max: usize,
    /// What the playlist lists.
    listed: VecDeque<Arc<Segment>>,
    /// What readers of older playlists may still ask for, and until which media time.
    older: VecDeque<(Arc<Segment>, Ticks)>,
    /// Media time of all finished segments.
    played: Ticks,
    longest_playlist: Ticks,
    target_seconds: u64,
    next_sequence: u64,
    discontinuity_sequence: u64,
}

impl Window {
    pub(super) fn new(settings: SegmenterSettings, first_sequence: u64, now: UnixMillis) -> Self {
        Self {
            segment_count: settings.segment_count,
            window_bytes_max: settings.window_bytes_max,
            listed: VecDeque::new(),
            older: VecDeque::new(),
            played: Ticks::ZERO,
            longest_playlist: Ticks::ZERO,
            target_seconds: rounded_seconds(settings.segment_duration.into()).max(1),
            next_sequence: first_sequence,
            discontinuity_sequence: first_discontinuity(now),
        }
    }

    /// Takes the next finished segment, and forgets what it pushes out.
    pub(super) fn push(&mut self, segment: Arc<Segment>) {
        self.target_seconds = self.target_seconds.max(rounded_seconds(segment.duration));
        self.played += segment.duration;
        self.next_sequence = segment.sequence + 1;
        self.listed.push_back(segment);
        self.slide();
    }

    /// The segments of the playlist, oldest first.
    pub fn listed(&self) -> impl ExactSizeIterator<Item = &Arc<Segment>> {
        self.listed.iter()
    }

    /// Finds a segment by its name, also one that has left the playlist of late.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Segment>> {
        let older = self.older.iter().map(|(segment, _)| segment);
        self.listed.iter().chain(older).find(|segment| segment.name == name)
    }

    /// `EXT-X-MEDIA-SEQUENCE`: the number of the first segment listed.
    #[must_use]
    pub fn media_sequence(&self) -> u64 {
        self.listed.front().map_or(self.next_sequence, |segment| segment.sequence)
    }

    /// `EXT-X-TARGETDURATION`: never falls, and no segment is longer when rounded.
    #[must_use]
    pub const fn target_seconds(&self) -> u64 {
        self.target_seconds
    }

    /// `EXT-X-DISCONTINUITY-SEQUENCE`: like the media sequence it begins at the clock.
    #[must_use]
    pub const fn discontinuity_sequence(&self) -> u64 {
        self.discontinuity_sequence
    }

    /// The number of the break that comes after all those in the window.
    pub(super) fn next_discontinuity(&self) -> u64 {
        let listed = self.listed.iter().filter(|segment| segment.is_discontinuous).count();
        self.discontinuity_sequence + u64::try_from(listed).unwrap_or(0)
    }

    /// Makes the discontinuity sequence of an empty window begin no lower than `least`.
    pub(super) fn raise_discontinuity(&mut self, least: u64) {
        self.discontinuity_sequence = self.discontinuity_sequence.max(least);
    }

    /// Highest and mean bit rate of the segments in the window, in bits per second.
    #[must_use]
    pub fn bandwidth_bps(&self) -> (u64, u64) {
        let rate = |bytes: u64, ticks: i64| {
            let ticks = u64::try_from(ticks).unwrap_or(0).max(1);
            bytes.saturating_mul(8 * 90_000) / ticks
        };
        let size = |segment: &Arc<Segment>| u64::try_from(segment.size_bytes).unwrap_or(u64::MAX);
        let peak = self.listed.iter().map(|one| rate(size(one), one.duration.0)).max();
        let bytes = self.listed.iter().map(size).sum();
        let ticks = self.listed.iter().map(|one| one.duration.0).sum();
        (peak.unwrap_or(0), rate(bytes, ticks))
    }

    /// Moves segments out of the window, and forgets those that no reader may ask for any more.
    ///
    /// Source: RFC 8216 §6.2.2: a segment stays available, after it has left the playlist, for its
    /// duration and that of the longest playlist that listed it.
    fn slide(&mut self) {
        while self.listed.len() > self.segment_count {
            self.retire();
        }
        let listed = self.listed.iter().fold(Ticks::ZERO, |sum, one| sum + one.duration);
        self.longest_playlist = self.longest_playlist.max(listed);
        let older_max = 2 * self.segment_count + 4;
        while self.older.len() > older_max
            || self.older.front().is_some_and(|(_, until)| *until < self.played)
        {
            self.older.pop_front();
        }
        while self.kept_bytes() > self.window_bytes_max {
            if self.older.pop_front().is_some() {
                continue;
            }
            if self.listed.len() <= 1 {
                break;
            }
            self.retire();
        }
    }

    fn retire(&mut self) {
        let Some(segment) = self.listed.pop_front() else {
            return;
        };
        if segment.is_discontinuous {
            self.discontinuity_sequence += 1;
        }
        let until = self.played + segment.duration + self.longest_playlist;
        self.older.push_back((segment, until));
    }

    #[cfg(test)]
    pub(super) fn older_count(&self) -> usize {
        self.older.len()
    }

    /// Bytes of all segments kept.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        let older = self.older.iter().map(|(segment, _)| segment);
        self.listed.iter().chain(older).map(|segment| segment.size_bytes).sum()
    }
}

/// The discontinuity sequence of a capture that begins at `now`: hours since 2026.
///
/// From the clock, so that it seldom falls when another node takes over. Of a coarse clock, because
/// hls.js (1.7) keeps an array with one place a discontinuity number and copies it whole: a number
/// as large as the media sequence stops its page for 15 s and more.
fn first_discontinuity(now: UnixMillis) -> u64 {
    const YEAR_2026: u64 = 1_767_225_600_000;
    const HOUR: u64 = 3_600_000;
    now.0.saturating_sub(YEAR_2026) / HOUR
}

/// Seconds rounded to the nearest, as RFC 8216 §4.3.3.1 compares them with the target duration.
fn rounded_seconds(ticks: Ticks) -> u64 {
    u64::try_from((ticks.0 + Ticks::PER_SECOND / 2) / Ticks::PER_SECOND).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discontinuity_numbers_stay_small_for_decades() {
        let table = [(0, 0), (1_767_225_600_000, 0), (1_767_229_200_000, 1)];
        for (now, first) in table {
            assert_eq!(first_discontinuity(UnixMillis(now)), first);
        }
        // The end of 2045. A player that copies this many places takes some milliseconds.
        assert!(first_discontinuity(UnixMillis(2_398_291_200_000)) < 200_000);
    }
}
