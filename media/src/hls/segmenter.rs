//! Cuts a live transport stream into segments and keeps the window that can be played.
//!
//! A segment ends at the first keyframe at or after its duration. Its bytes are copied once, into
//! pieces that are handed out as they are. The number of the first segment comes from the clock, so
//! that it never falls when a stream is captured anew, on this node or on another; names carry the
//! capture's id and are never used twice.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::window::{Segment, Window};
use super::{PIECE_BYTES, UnixMillis, playlist};
use crate::time::Ticks;

/// A step of the timeline beyond this, either way, is a break even if nobody announced it.
const STEP_MAX: Ticks = Ticks::from_millis(30_000);
/// How far the clock of the playlist may be off the wall clock before it is set anew.
const DATE_DRIFT_MAX_MILLIS: u64 = 2_000;

/// How to cut, and what to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmenterSettings {
    /// Segments are at least this long. Default 4 s.
    pub segment_duration: Duration,
    /// Segments in the playlist. Default 4.
    pub segment_count: usize,
    /// A segment is cut without a keyframe at this many times its duration. Default 4.
    pub stretch_max: u32,
    /// A segment is cut without a keyframe at this size. Default 64 MiB.
    pub segment_bytes_max: usize,
    /// All segments kept are no larger than this together, the newest excepted. Default 256 MiB.
    pub window_bytes_max: usize,
}

impl Default for SegmenterSettings {
    fn default() -> Self {
        Self {
            segment_duration: Duration::from_secs(4),
            segment_count: 4,
            stretch_max: 4,
            segment_bytes_max: 64 << 20,
            window_bytes_max: 256 << 20,
        }
    }
}

/// A piece of the stream as the muxer wrote it: one access unit and what stands before it.
#[derive(Clone, Debug)]
pub struct MuxedChunk {
    /// Whole transport packets.
    pub bytes: Bytes,
    /// Decode time of the access unit.
    pub dts: Ticks,
    /// Whether a reader can begin here: what `mpegts::Muxer::mux` returned.
    pub starts_keyframe: bool,
}

/// Cuts one stream.
#[derive(Debug)]
pub struct Segmenter {
    settings: SegmenterSettings,
    capture_id: String,
    next_sequence: u64,
    open: Option<OpenSegment>,
    is_next_discontinuous: bool,
    window: Window,
    next_date: Option<UnixMillis>,
    playlist: Bytes,
}

/// The segment that is being filled.
#[derive(Debug)]
struct OpenSegment {
    starts_at: UnixMillis,
    first_dts: Ticks,
    last_dts: Ticks,
    /// The last step between two chunks, as a guess at how long the last frame lasts.
    step: Ticks,
    is_discontinuous: bool,
    pieces: Vec<Bytes>,
    piece: BytesMut,
    size_bytes: usize,
}

impl Segmenter {
    /// Begins a capture whose segments carry `capture_id` in their names.
    ///
    /// `sequence_min` is a number that must not be gone below: the capture before's
    /// [`next_sequence`](Self::next_sequence), or 0.
    #[must_use]
    pub fn new(
        settings: SegmenterSettings,
        capture_id: &str,
        now: UnixMillis,
        sequence_min: u64,
    ) -> Self {
        let duration = settings.segment_duration.max(Duration::from_millis(100));
        let settings = SegmenterSettings {
            segment_duration: duration,
            segment_count: settings.segment_count.max(1),
            ..settings
        };
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let first = (now.0 / millis).max(sequence_min);
        Self {
            settings,
            capture_id: capture_id.to_owned(),
            next_sequence: first,
            open: None,
            is_next_discontinuous: true,
            window: Window::new(settings, first, now),
            next_date: None,
            playlist: Bytes::new(),
        }
    }

    /// Begins the next capture of the same stream: no number goes below those of this one.
    #[must_use]
    pub fn next_capture(
        &self,
        settings: SegmenterSettings,
        capture_id: &str,
        now: UnixMillis,
    ) -> Self {
        let mut next = Self::new(settings, capture_id, now, self.next_sequence);
        next.window.raise_discontinuity(self.window.next_discontinuity());
        next
    }

    /// Takes the next chunk; returns the segment that ended before it, if one did.
    ///
    /// Nothing is kept before the first chunk that a reader can begin with.
    pub fn push(&mut self, chunk: &MuxedChunk, now: UnixMillis) -> Option<Arc<Segment>> {
        let finished = if self.must_cut(chunk) { self.cut(Some(chunk)) } else { None };
        let open = match &mut self.open {
            Some(open) => open,
            // After a forced cut the stream goes on with any frame, after a break with a keyframe.
            None if chunk.starts_keyframe
                || (finished.is_some() && !self.is_next_discontinuous) =>
            {
                let is_discontinuous = std::mem::take(&mut self.is_next_discontinuous);
                let date = playlist_date(self.next_date, now, is_discontinuous);
                self.open.insert(OpenSegment::new(date, chunk.dts, is_discontinuous))
            }
            None => return finished,
        };
        open.append(chunk);
        finished
    }

    /// Says that the next timestamps are not continuous with the last ones.
    ///
    /// Returns the segment that ends here.
    pub fn discontinuity(&mut self) -> Option<Arc<Segment>> {
        let finished = self.cut(None);
        self.is_next_discontinuous = true;
        finished
    }

    /// The finished segments: what the playlist lists, and what may still be asked for.
    #[must_use]
    pub const fn window(&self) -> &Window {
        &self.window
    }

    /// The number that the next segment gets.
    #[must_use]
    pub const fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// The media playlist without a query, rendered once per segment; empty before the first.
    ///
    /// With a query: [`playlist::media`].
    #[must_use]
    pub fn playlist(&self) -> Bytes {
        self.playlist.clone()
    }

    fn must_cut(&mut self, chunk: &MuxedChunk) -> bool {
        let Some(open) = &self.open else { return false };
        let elapsed = chunk.dts - open.first_dts;
        let step = chunk.dts - open.last_dts;
        if step > STEP_MAX || -step > STEP_MAX {
            self.is_next_discontinuous = true;
            return true;
        }
        let duration = Ticks::from(self.settings.segment_duration);
        let longest =
            Ticks::from(self.settings.segment_duration.saturating_mul(self.settings.stretch_max));
        (chunk.starts_keyframe && elapsed >= duration)
            || elapsed >= longest
            || open.size_bytes + chunk.bytes.len() > self.settings.segment_bytes_max
    }

    /// Ends the open segment; it lasts until `next`, unless that is on another timeline.
    fn cut(&mut self, next: Option<&MuxedChunk>) -> Option<Arc<Segment>> {
        let open = self.open.take()?;
        let next = next.filter(|_| !self.is_next_discontinuous);
        let end = next.map_or(open.last_dts + open.step, |chunk| chunk.dts);
        let duration = Ticks((end - open.first_dts).0.max(1));
        self.next_date = Some(UnixMillis(
            open.starts_at.0.saturating_add(u64::try_from(duration.millis()).unwrap_or(0)),
        ));
        let segment = Arc::new(Segment {
            sequence: self.next_sequence,
            name: format!("{}-{}.ts", self.capture_id, self.next_sequence),
            duration,
            starts_at: open.starts_at,
            is_discontinuous: open.is_discontinuous,
            size_bytes: open.size_bytes,
            pieces: open.into_pieces(),
        });
        self.next_sequence += 1;
        self.window.push(Arc::clone(&segment));
        self.playlist = playlist::media(&self.window, "");
        Some(segment)
    }
}

impl OpenSegment {
    fn new(starts_at: UnixMillis, first_dts: Ticks, is_discontinuous: bool) -> Self {
        Self {
            starts_at,
            first_dts,
            last_dts: first_dts,
            step: Ticks::ZERO,
            is_discontinuous,
            pieces: Vec::new(),
            piece: BytesMut::with_capacity(PIECE_BYTES),
            size_bytes: 0,
        }
    }

    fn append(&mut self, chunk: &MuxedChunk) {
        // Tracks are interleaved, so decode times may step back a little.
        if chunk.dts > self.last_dts {
            self.step = chunk.dts - self.last_dts;
            self.last_dts = chunk.dts;
        }
        self.size_bytes += chunk.bytes.len();
        let mut rest: &[u8] = &chunk.bytes;
        while !rest.is_empty() {
            let room = PIECE_BYTES - self.piece.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.piece.extend_from_slice(now);
            rest = later;
            if self.piece.len() == PIECE_BYTES {
                let full = std::mem::replace(&mut self.piece, BytesMut::with_capacity(PIECE_BYTES));
                self.pieces.push(full.freeze());
            }
        }
    }

    fn into_pieces(mut self) -> Vec<Bytes> {
        if !self.piece.is_empty() {
            // Copied, so that a small rest does not keep a whole piece's memory.
            self.pieces.push(Bytes::copy_from_slice(&self.piece));
        }
        self.pieces
    }
}

/// The date of a segment: where the one before ended, unless the wall clock has left it behind.
fn playlist_date(next: Option<UnixMillis>, now: UnixMillis, is_discontinuous: bool) -> UnixMillis {
    match next {
        Some(date) if !is_discontinuous && date.0.abs_diff(now.0) <= DATE_DRIFT_MAX_MILLIS => date,
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn chunk(millis: i64, starts_keyframe: bool, bytes: usize) -> MuxedChunk {
        MuxedChunk {
            bytes: Bytes::from(vec![0x47; bytes]),
            dts: Ticks::from_millis(millis),
            starts_keyframe,
        }
    }

    fn segmenter() -> Segmenter {
        Segmenter::new(SegmenterSettings::default(), "c1", NOW, 0)
    }

    /// A frame each 100 ms, a keyframe each `gop` frames.
    fn run(segmenter: &mut Segmenter, frames: std::ops::Range<i64>, gop: i64) -> Vec<Arc<Segment>> {
        let push = |frame: i64| {
            let now = UnixMillis(NOW.0 + u64::try_from(frame * 100).unwrap());
            segmenter.push(&chunk(frame * 100, frame % gop == 0, 1880), now)
        };
        frames.filter_map(push).collect()
    }

    #[test]
    fn segments_end_at_the_first_keyframe_after_their_duration() {
        let found = run(&mut segmenter(), 0..101, 15);
        let durations: Vec<i64> = found.iter().map(|one| one.duration.millis()).collect();
        assert_eq!(durations, [4500, 4500]);
        let first = found.first().unwrap();
        assert_eq!(first.sequence, NOW.0 / 4000);
        assert_eq!(first.name, format!("c1-{}.ts", NOW.0 / 4000));
        assert_eq!(first.size_bytes, 45 * 1880);
        let sizes: Vec<usize> = first.pieces.iter().map(Bytes::len).collect();
        assert_eq!(sizes, [PIECE_BYTES, 45 * 1880 - PIECE_BYTES]);
        assert_eq!(found.get(1).unwrap().starts_at, UnixMillis(NOW.0 + 4500));
    }

    #[test]
    fn nothing_is_kept_before_the_first_keyframe() {
        let mut segmenter = segmenter();
        assert!(run(&mut segmenter, 1..10, 1000).is_empty());
        assert!(segmenter.open.is_none());
    }

    #[test]
    fn stream_without_keyframes_is_cut_all_the_same() {
        let found = run(&mut segmenter(), 0..400, 1000);
        let durations: Vec<i64> = found.iter().map(|one| one.duration.millis()).collect();
        assert_eq!(durations, [16_000, 16_000]);
        let settings = SegmenterSettings { segment_bytes_max: 18_800, ..Default::default() };
        let mut small = Segmenter::new(settings, "c1", NOW, 0);
        let found = run(&mut small, 0..31, 1000);
        assert!(found.iter().all(|one| one.size_bytes == 18_800));
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn older_segments_stay_for_readers_of_older_playlists() {
        let mut segmenter = segmenter();
        let found = run(&mut segmenter, 0..1000, 10);
        assert_eq!(segmenter.window().listed().len(), 4);
        let alive = found.iter().filter(|one| segmenter.window().find(&one.name).is_some()).count();
        // In the playlist 4; then its own duration and that of a playlist: 5 more.
        assert_eq!(alive, 4 + 6);
        let newest = found.last().unwrap();
        assert!(Arc::ptr_eq(segmenter.window().find(&newest.name).unwrap(), newest));
    }

    #[test]
    fn window_is_bounded_in_bytes() {
        let settings = SegmenterSettings { window_bytes_max: 200_000, ..Default::default() };
        let mut segmenter = Segmenter::new(settings, "c1", NOW, 0);
        run(&mut segmenter, 0..1000, 10);
        assert!(segmenter.window().kept_bytes() <= 200_000);
        assert_eq!(segmenter.window().listed().len(), 2);
    }

    #[test]
    fn new_capture_never_goes_below_the_last_and_begins_with_a_break() {
        let mut first = segmenter();
        run(&mut first, 0..200, 10);
        let mut again = first.next_capture(SegmenterSettings::default(), "c2", NOW);
        assert_eq!(again.next_sequence(), NOW.0 / 4000 + 4);
        let break_before = first.window().discontinuity_sequence();
        assert_eq!(again.window().discontinuity_sequence(), break_before + 1);
        let found = run(&mut again, 0..50, 10);
        assert!(found.first().unwrap().is_discontinuous);
    }

    #[test]
    fn numbers_do_not_fall_when_segments_are_to_be_longer() {
        let mut first = segmenter();
        run(&mut first, 0..200, 10);
        let segment_duration = Duration::from_secs(40);
        let settings = SegmenterSettings { segment_duration, ..Default::default() };
        let next = first.next_capture(settings, "c2", NOW);
        assert_eq!(next.next_sequence(), first.next_sequence());
    }

    #[test]
    fn breaks_end_the_segment_and_mark_the_next() {
        let mut segmenter = segmenter();
        run(&mut segmenter, 0..20, 10);
        let cut = segmenter.discontinuity().unwrap();
        assert_eq!(cut.duration.millis(), 2000);
        let found = run(&mut segmenter, 0..101, 10);
        let breaks: Vec<bool> = found.iter().map(|one| one.is_discontinuous).collect();
        assert_eq!(breaks, [true, false]);
        // Nobody announced this one.
        let cut = segmenter.push(&chunk(-500_000, true, 188), NOW).unwrap();
        assert_eq!(cut.duration.millis(), 2100);
        assert!(segmenter.open.as_ref().unwrap().is_discontinuous);
    }

    #[test]
    fn bandwidth_is_of_the_window() {
        let mut segmenter = segmenter();
        run(&mut segmenter, 0..200, 10);
        assert_eq!(segmenter.window().bandwidth_bps(), (150_400, 150_400));
    }

    proptest! {
        #[test]
        fn whatever_comes_stays_bounded_and_in_order(
            chunks in proptest::collection::vec(
                (any::<i64>(), -2000_i64..9000, any::<bool>(), 0_usize..3000, 0_u8..20), 1..300)
        ) {
            let settings = SegmenterSettings {
                segment_duration: Duration::from_secs(1),
                window_bytes_max: 100_000,
                segment_bytes_max: 20_000,
                ..Default::default()
            };
            let mut segmenter = Segmenter::new(settings, "c", NOW, 0);
            let mut dts = 0_i64;
            let mut last = None;
            for (wild, step, key, bytes, event) in chunks {
                dts = if event == 0 { wild } else { dts.saturating_add(step * 10) };
                let chunk = MuxedChunk { dts: Ticks(dts), ..chunk(0, key, bytes) };
                let mut found = segmenter.push(&chunk, NOW);
                if event == 1 {
                    found = segmenter.discontinuity().or(found);
                }
                if let Some(segment) = found {
                    prop_assert!(last.is_none_or(|last| segment.sequence > last));
                    prop_assert!(segment.duration > Ticks::ZERO);
                    prop_assert!(segment.pieces.iter().all(|piece| piece.len() <= PIECE_BYTES));
                    last = Some(segment.sequence);
                }
                prop_assert!(segmenter.window().kept_bytes() <= 100_000 + 20_000);
                prop_assert!(segmenter.window().older_count() <= 13);
            }
        }
    }
}
