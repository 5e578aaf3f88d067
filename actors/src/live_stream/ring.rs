//! The ring between one writer and any number of readers: shared entries, own cursors.
//!
//! The writer appends and never waits; a reader takes what is new since its cursor. An entry is
//! stored once and handed out by clone, so it should be cheap to clone (`Bytes`). The ring is
//! bounded in bytes and in age: a reader that falls out of it goes on at the last keyframe, or with
//! whatever comes next where there is none, and is told so, which costs no one else anything.
//!
//! ```text
//!  first                    keyframe            next
//!    ▼                          ▼                 ▼
//!  [ . . . . . . . . . . . . .  K . . . . . . . ] ← writer
//!              ▲ reader a            ▲ reader b
//! ```

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use tokio::sync::watch;
use watershed_media::time::Ticks;

/// How much a ring keeps.
#[derive(Clone, Copy, Debug)]
pub struct RingLimits {
    /// Most bytes kept, whatever their age.
    pub bytes_max: usize,
    /// Entries this much older than the newest go, except those since the last keyframe.
    pub age_max: Ticks,
}

/// What a ring must know of an entry.
pub trait RingEntry: Clone {
    /// Size of what it holds.
    fn bytes(&self) -> usize;
    /// Whether a new reader can begin here.
    fn is_start(&self) -> bool;
    /// Its time, for the age limit.
    fn time(&self) -> Ticks;
}

/// Where a reader stands; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RingCursor(u64);

/// What a read found.
#[derive(Debug, PartialEq, Eq)]
pub enum RingRead {
    /// Entries were appended to the reader's batch.
    Taken,
    /// The reader had fallen out of the ring and skipped some entries; later ones may have been
    /// appended.
    Skipped,
    /// Nothing new: wait for a change.
    Empty,
    /// Nothing new, and there never will be.
    Closed,
}

/// The ring. Shared by `Arc`.
#[derive(Debug)]
pub struct Ring<T> {
    state: RwLock<State<T>>,
    limits: RingLimits,
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct State<T> {
    entries: VecDeque<T>,
    /// Sequence number of the first entry.
    first: u64,
    /// Sequence number of the last entry that is a start.
    last_start: Option<u64>,
    bytes: usize,
    is_closed: bool,
}

impl<T: RingEntry> Ring<T> {
    /// Makes an empty ring.
    #[must_use]
    pub fn new(limits: RingLimits) -> Self {
        let state = State {
            entries: VecDeque::new(),
            first: 0,
            last_start: None,
            bytes: 0,
            is_closed: false,
        };
        Self { state: RwLock::new(state), limits, changed: watch::Sender::new(0) }
    }

    /// Appends `entry`, drops what is too old, and wakes the readers that wait.
    pub fn push(&self, entry: T) {
        let next = {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            let sequence = state.first + state.entries.len() as u64;
            if entry.is_start() {
                state.last_start = Some(sequence);
            }
            state.bytes += entry.bytes();
            let newest = entry.time();
            state.entries.push_back(entry);
            state.trim(newest, self.limits);
            sequence + 1
        };
        self.changed.send_replace(next);
    }

    /// Ends the ring: readers drain it and see [`RingRead::Closed`].
    pub fn close(&self) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).is_closed = true;
        self.changed.send_modify(|_| {});
    }

    /// Forgets all entries; readers go on with whatever comes next.
    pub fn clear(&self) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.first += state.entries.len() as u64;
        state.entries.clear();
        state.bytes = 0;
        state.last_start = None;
    }

    /// A cursor at the last keyframe, so that a picture comes at once; at the next one to be
    /// written where there is none.
    #[must_use]
    pub fn newest_start(&self) -> RingCursor {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        RingCursor(state.last_start.unwrap_or(state.first + state.entries.len() as u64))
    }

    /// The entry at the last keyframe with its cursor; `None` where there is none.
    #[must_use]
    pub fn newest_start_entry(&self) -> Option<(RingCursor, T)> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let start = state.last_start?;
        let index = usize::try_from(start.checked_sub(state.first)?).ok()?;
        Some((RingCursor(start), state.entries.get(index)?.clone()))
    }

    /// A cursor behind the last entry.
    #[must_use]
    pub fn end(&self) -> RingCursor {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.end()
    }

    /// A copy of what is kept from the last keyframe on.
    #[must_use]
    pub fn since_newest_start(&self) -> Vec<T> {
        let mut entries = Vec::new();
        self.read(&mut self.newest_start(), usize::MAX, &mut entries);
        entries
    }

    /// Notified on each append.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Appends what is new since `cursor` to `batch`, at most about `bytes_max` bytes (always at
    /// least one entry), and moves the cursor.
    pub fn read(&self, cursor: &mut RingCursor, bytes_max: usize, batch: &mut Vec<T>) -> RingRead {
        self.read_until(RingCursor(u64::MAX), cursor, bytes_max, batch)
    }

    /// [`Ring::read`], but nothing from `end` on.
    pub fn read_until(
        &self,
        end: RingCursor,
        cursor: &mut RingCursor,
        bytes_max: usize,
        batch: &mut Vec<T>,
    ) -> RingRead {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let has_skipped = cursor.0 < state.first;
        if has_skipped {
            *cursor = state.start_after_loss();
        }
        let from = usize::try_from(cursor.0 - state.first).unwrap_or(usize::MAX);
        let mut bytes = 0;
        for entry in state.entries.range(from.min(state.entries.len())..) {
            if *cursor >= end || bytes > 0 && bytes + entry.bytes() > bytes_max {
                break;
            }
            bytes += entry.bytes();
            batch.push(entry.clone());
            cursor.0 += 1;
        }
        match (bytes > 0, has_skipped) {
            (true, false) => RingRead::Taken,
            (_, true) => RingRead::Skipped,
            (false, _) if state.is_closed && *cursor >= state.end() => RingRead::Closed,
            (false, _) => RingRead::Empty,
        }
    }
}

impl<T: RingEntry> State<T> {
    /// Behind the last entry.
    fn end(&self) -> RingCursor {
        RingCursor(self.first + self.entries.len() as u64)
    }

    /// Drops from the front: over the byte limit always, over the age only before the last start.
    fn trim(&mut self, newest: Ticks, limits: RingLimits) {
        while let Some(front) = self.entries.front() {
            let is_behind_start = self.last_start.is_some_and(|start| self.first < start);
            let is_old = newest - front.time() > limits.age_max && is_behind_start;
            if self.bytes <= limits.bytes_max && !is_old {
                break;
            }
            self.bytes -= front.bytes();
            self.entries.pop_front();
            if self.last_start == Some(self.first) {
                self.last_start = None;
            }
            self.first += 1;
        }
    }

    /// Where a reader goes on that has lost entries: the last start, else whatever comes next.
    fn start_after_loss(&self) -> RingCursor {
        RingCursor(self.last_start.unwrap_or(self.first + self.entries.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Entry(i64, bool);

    impl RingEntry for Entry {
        fn bytes(&self) -> usize {
            10
        }

        fn is_start(&self) -> bool {
            self.1
        }

        fn time(&self) -> Ticks {
            Ticks(self.0)
        }
    }

    fn ring(bytes_max: usize, age_max: i64) -> Ring<Entry> {
        Ring::new(RingLimits { bytes_max, age_max: Ticks(age_max) })
    }

    fn read_all(ring: &Ring<Entry>, cursor: &mut RingCursor) -> (RingRead, Vec<i64>) {
        let mut batch = Vec::new();
        let read = ring.read(cursor, usize::MAX, &mut batch);
        (read, batch.into_iter().map(|entry| entry.0).collect())
    }

    #[test]
    fn new_reader_begins_at_the_last_keyframe() {
        let ring = ring(1000, 1000);
        for time in 0..10 {
            ring.push(Entry(time, time % 4 == 0));
        }
        let mut cursor = ring.newest_start();
        assert_eq!(read_all(&ring, &mut cursor), (RingRead::Taken, vec![8, 9]));
        assert_eq!(read_all(&ring, &mut cursor), (RingRead::Empty, vec![]));
        ring.push(Entry(10, false));
        assert_eq!(read_all(&ring, &mut cursor), (RingRead::Taken, vec![10]));
    }

    #[test]
    fn reader_that_fell_out_goes_on_at_a_keyframe() {
        let ring = ring(50, 1000);
        let mut cursor = ring.newest_start();
        for time in 0..20 {
            ring.push(Entry(time, time % 4 == 0));
        }
        assert_eq!(read_all(&ring, &mut cursor), (RingRead::Skipped, vec![16, 17, 18, 19]));
    }

    #[test]
    fn age_never_drops_what_a_new_reader_needs() {
        let ring = ring(1000, 3);
        for time in 0..20 {
            ring.push(Entry(time, time == 0));
        }
        let mut cursor = ring.newest_start();
        assert_eq!(read_all(&ring, &mut cursor).1.len(), 20);
    }

    #[test]
    fn bytes_are_bounded_even_without_keyframes() {
        let ring = ring(50, 1000);
        for time in 0..20 {
            ring.push(Entry(time, false));
        }
        let state = ring.state.read().unwrap();
        assert_eq!(state.entries.len(), 5);
        assert_eq!(state.bytes, 50);
    }

    #[test]
    fn one_read_is_bounded_but_never_stuck() {
        let ring = ring(1000, 1000);
        let mut cursor = ring.newest_start();
        for time in 0..4 {
            ring.push(Entry(time, false));
        }
        let mut batch = Vec::new();
        assert_eq!(ring.read(&mut cursor, 25, &mut batch), RingRead::Taken);
        assert_eq!(batch.len(), 2);
        assert_eq!(ring.read(&mut cursor, 5, &mut batch), RingRead::Taken);
        assert_eq!(batch.len(), 3);
    }

    #[test]
    fn closed_ring_is_drained_first() {
        let ring = ring(1000, 1000);
        let mut cursor = ring.newest_start();
        ring.push(Entry(0, true));
        ring.close();
        assert_eq!(read_all(&ring, &mut cursor).0, RingRead::Taken);
        assert_eq!(read_all(&ring, &mut cursor).0, RingRead::Closed);
    }

    #[test]
    fn reader_that_stops_short_of_the_end_is_not_told_of_it() {
        let ring = ring(1000, 1000);
        let mut cursor = ring.newest_start();
        ring.push(Entry(0, true));
        ring.close();
        let here = cursor;
        assert_eq!(ring.read_until(here, &mut cursor, 1, &mut Vec::new()), RingRead::Empty);
        assert_eq!(read_all(&ring, &mut cursor).0, RingRead::Taken);
    }

    #[test]
    fn cleared_ring_moves_readers_to_what_comes_next() {
        let ring = ring(1000, 1000);
        let mut cursor = ring.newest_start();
        ring.push(Entry(0, true));
        ring.push(Entry(1, false));
        ring.clear();
        ring.push(Entry(2, true));
        assert_eq!(read_all(&ring, &mut cursor), (RingRead::Skipped, vec![2]));
    }
}
