//! What peers still have to hear about this node's streams: a log of revisions.
//!
//! ```text
//!  revision   1      2       3        4
//!             cam1   cam2    -cam3    cam1'        cursor <id>.2  ─▶ page { cam1', removed cam3 }
//!             (gone: superseded by 4)
//! ```
//! A reader in the middle of everything has the cursor `<id>.<revision>-<newest when it began>`:
//! what was removed and forgotten before it began does not matter to it.
//!
//! What this node relays is in the log once, as a whole: it is short, and most nodes relay nothing.
//! Each stream is in the log once, at the revision of its last change; each removed name too, as
//! long as there is room. A cursor older than the oldest forgotten removal, or of another life of
//! this node, gets everything from the start, in the same pages.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::time::{Duration, Instant};

use super::messages::LocalStream;
use crate::names::{NodeId, StreamName};
use crate::report::{Relayed, StreamReport};

/// Bounds of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogLimits {
    /// Bytes of streams in one page; peers accept eight times as much.
    pub(super) page_bytes_max: usize,
    /// Removed names that are remembered.
    pub(super) removed_max: usize,
    /// How often a stream's numbers alone may make it change.
    pub(super) numbers_every: Duration,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            page_bytes_max: 1 << 20,
            removed_max: 10_000,
            numbers_every: Duration::from_secs(10),
        }
    }
}

/// The log of one life of one node.
#[derive(Debug)]
pub(super) struct ReportLog {
    id: NodeId,
    limits: LogLimits,
    revision: u64,
    forgotten: u64,
    streams: HashMap<StreamName, Logged>,
    removed: HashMap<StreamName, u64>,
    relayed: RelayedLog,
    order: BTreeMap<u64, Entry>,
}

/// What stands at a revision.
#[derive(Clone, Debug)]
enum Entry {
    Stream(StreamName),
    Relayed,
}

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogPage {
    /// What to ask for next.
    pub(super) cursor: String,
    /// Whether what was known before is void.
    pub(super) full: bool,
    /// Whether more pages follow at once.
    pub(super) more: bool,
    /// Streams as they are now.
    pub(super) streams: Vec<StreamReport>,
    /// Names that are gone.
    pub(super) removed: Vec<StreamName>,
    /// All that is relayed, if it is news.
    pub(super) relayed: Option<Vec<Relayed>>,
}

/// How far a reader has come.
#[derive(Clone, Copy, Debug)]
struct Place {
    after: u64,
    /// The newest revision when it began to read everything, while it still does.
    began: Option<u64>,
}

#[derive(Debug)]
struct Logged {
    revision: u64,
    current: LocalStream,
    told: LocalStream,
    told_at: Instant,
}

/// What this node relays, and what was told of it last.
#[derive(Debug, Default)]
struct RelayedLog {
    current: Vec<Relayed>,
    told: Vec<Relayed>,
    /// Its revision and the time, once it was told.
    told_at: Option<(u64, Instant)>,
}

impl ReportLog {
    /// An empty log.
    pub(super) fn new(id: NodeId, limits: LogLimits) -> Self {
        Self {
            id,
            limits,
            revision: 0,
            forgotten: 0,
            streams: HashMap::new(),
            removed: HashMap::new(),
            relayed: RelayedLog::default(),
            order: BTreeMap::new(),
        }
    }

    /// Notes what a stream is now; whether peers should be told at once, because it is new or began
    /// or ceased to have frames.
    pub(super) fn change(&mut self, name: &StreamName, stream: LocalStream, now: Instant) -> bool {
        let Some(logged) = self.streams.get_mut(name) else {
            let revision = self.advance(Entry::Stream(name.clone()), None);
            if let Some(old) = self.removed.remove(name) {
                self.order.remove(&old);
            }
            let told = stream.clone();
            let logged = Logged { revision, current: stream, told, told_at: now };
            self.streams.insert(name.clone(), logged);
            return true;
        };
        logged.current = stream;
        let is_news = logged.current.state != logged.told.state
            || logged.current.accepts_publish != logged.told.accepts_publish;
        if logged.is_due(now, self.limits.numbers_every) {
            self.tell(name, now);
        }
        is_news
    }

    /// Notes that a stream is gone; whether it was there.
    pub(super) fn remove(&mut self, name: &StreamName) -> bool {
        let Some(logged) = self.streams.remove(name) else {
            return false;
        };
        let revision = self.advance(Entry::Stream(name.clone()), Some(logged.revision));
        self.removed.insert(name.clone(), revision);
        if self.removed.len() > self.limits.removed_max {
            self.forget_oldest_removals();
        }
        true
    }

    /// Notes all that this node relays now.
    pub(super) fn change_relayed(&mut self, relayed: Vec<Relayed>, now: Instant) {
        self.relayed.current = relayed;
        if self.relayed.is_due(now, self.limits.numbers_every) {
            let old = self.relayed.told_at.map(|(revision, _)| revision);
            let revision = self.advance(Entry::Relayed, old);
            self.relayed.told_at = Some((revision, now));
            self.relayed.told.clone_from(&self.relayed.current);
        }
    }

    /// Logs changes of numbers that were held back and are due now.
    pub(super) fn flush(&mut self, now: Instant) {
        let relayed = std::mem::take(&mut self.relayed.current);
        self.change_relayed(relayed, now);
        let every = self.limits.numbers_every;
        let due: Vec<_> = self
            .streams
            .iter()
            .filter(|(_, logged)| logged.is_due(now, every))
            .map(|(name, _)| name.clone())
            .collect();
        for name in due {
            self.tell(&name, now);
        }
    }

    /// The page behind `cursor`, or the first of everything.
    pub(super) fn page(&self, cursor: Option<&str>) -> LogPage {
        let known = cursor.and_then(|cursor| self.place_of(cursor));
        let mut page = LogPage {
            cursor: String::new(),
            full: known.is_none(),
            more: false,
            streams: Vec::new(),
            removed: Vec::new(),
            relayed: None,
        };
        let Place { after, began } =
            known.unwrap_or(Place { after: 0, began: Some(self.revision) });
        let (mut last, mut bytes) = (after, 0);
        for (&revision, entry) in self.order.range((Bound::Excluded(after), Bound::Unbounded)) {
            if bytes >= self.limits.page_bytes_max {
                page.more = true;
                break;
            }
            last = revision;
            let Entry::Stream(name) = entry else {
                let relayed = self.relayed.current.clone();
                bytes +=
                    relayed.iter().map(|relayed| 40 + relayed.name.as_str().len()).sum::<usize>();
                page.relayed = Some(relayed);
                continue;
            };
            match self.streams.get(name) {
                Some(logged) => {
                    let stream = logged.current.report(name);
                    bytes += json_bytes(&stream);
                    page.streams.push(stream);
                }
                // A reader that starts anew has nothing to remove.
                None if page.full => {}
                None => {
                    bytes += name.as_str().len() + 3;
                    page.removed.push(name.clone());
                }
            }
        }
        page.cursor = match began {
            Some(began) if page.more => format!("{}.{last}-{began}", self.id),
            None if page.more => format!("{}.{last}", self.id),
            _ => format!("{}.{}", self.id, self.revision),
        };
        page
    }

    /// Where a reader stands; `None` where it has to start anew.
    fn place_of(&self, cursor: &str) -> Option<Place> {
        let (id, place) = cursor.split_once('.')?;
        let (after, began) = match place.split_once('-') {
            Some((after, began)) => (after, Some(began.parse::<u64>().ok()?)),
            None => (place, None),
        };
        let after: u64 = after.parse().ok()?;
        // What was removed before a reader began, it never had.
        let knows_removals_to = began.unwrap_or(after);
        let is_ours = id.parse() == Ok(self.id);
        let is_known = (self.forgotten..=self.revision).contains(&knows_removals_to);
        (is_ours && is_known && after <= self.revision).then_some(Place { after, began })
    }

    fn tell(&mut self, name: &StreamName, now: Instant) {
        let old = self.streams.get(name).map(|logged| logged.revision);
        let revision = self.advance(Entry::Stream(name.clone()), old);
        if let Some(logged) = self.streams.get_mut(name) {
            logged.revision = revision;
            logged.told = logged.current.clone();
            logged.told_at = now;
        }
    }

    /// Moves an entry to the end of the log.
    fn advance(&mut self, entry: Entry, old: Option<u64>) -> u64 {
        if let Some(old) = old {
            self.order.remove(&old);
        }
        self.revision += 1;
        self.order.insert(self.revision, entry);
        self.revision
    }

    /// Forgets a quarter at once, so that a long row of removals does not sort each time.
    fn forget_oldest_removals(&mut self) {
        let mut revisions: Vec<_> = self.removed.values().copied().collect();
        revisions.sort_unstable();
        let Some(&forgotten) = revisions.get(revisions.len() / 4) else {
            return;
        };
        self.forgotten = forgotten;
        self.removed.retain(|_, revision| *revision > forgotten);
        for revision in revisions.iter().take_while(|revision| **revision <= forgotten) {
            self.order.remove(revision);
        }
    }
}

impl Logged {
    /// Whether the difference between what is and what was told is worth telling now.
    fn is_due(&self, now: Instant, numbers_every: Duration) -> bool {
        let (new, old) = (&self.current, &self.told);
        if new.state != old.state
            || new.title != old.title
            || new.opened_at_ms != old.opened_at_ms
            || new.tracks != old.tracks
            || new.accepts_publish != old.accepts_publish
            || (new.bitrate_kbit.is_some() && old.bitrate_kbit.is_none())
        {
            return true;
        }
        let is_far = is_over_a_tenth(Some(new.clients), Some(old.clients))
            || is_over_a_tenth(new.bitrate_kbit, old.bitrate_kbit);
        is_far && now.saturating_duration_since(self.told_at) >= numbers_every
    }
}

impl RelayedLog {
    /// As for a stream's numbers; a relay that came or went is news like them.
    fn is_due(&self, now: Instant, numbers_every: Duration) -> bool {
        let (new, old) = (&self.current, &self.told);
        let is_far = |(new, old): (&Relayed, &Relayed)| {
            new.name != old.name || is_over_a_tenth(Some(new.clients), Some(old.clients))
        };
        let is_news = new.len() != old.len() || new.iter().zip(old).any(is_far);
        let since = self.told_at.map(|(_, at)| now.saturating_duration_since(at));
        is_news && since.is_none_or(|since| since >= numbers_every)
    }
}

fn is_over_a_tenth(new: Option<u32>, old: Option<u32>) -> bool {
    match (new, old) {
        (Some(new), Some(old)) => u64::from(new.abs_diff(old)) * 10 > u64::from(old),
        (None, None) => false,
        _ => true,
    }
}

/// What the stream takes in JSON, a little more rather than less.
fn json_bytes(stream: &StreamReport) -> usize {
    let tracks = stream.tracks.iter().flat_map(|tracks| tracks.iter());
    let text = |t: &str| t.len() * 2;
    let of_tracks: usize = tracks
        .map(|t| {
            let language = t.language.as_deref().map_or(0, text);
            160 + text(&t.content) + text(&t.codec) + language
        })
        .sum();
    let title = stream.title_bytes() * 2;
    172 + stream.name.as_str().len() + title + of_tracks
}
