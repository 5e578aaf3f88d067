//! How many watch a stream right now, and how many may.
//!
//! Every session that plays holds a [`Viewer`] for as long as it counts; the session registry
//! holds those of HLS players, which have no connection. A node that relays the stream holds a
//! [`Relay`]: it keeps the stream going, but its viewers count there, so that each counts once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The viewers of one stream.
#[derive(Debug)]
pub struct Viewers {
    online: AtomicU32,
    total: AtomicU64,
    relays: AtomicU32,
    /// Most at once, relays too; `u32::MAX` = any number.
    limit: AtomicU32,
}

impl Viewers {
    /// Makes an empty count of at most `limit` viewers.
    #[must_use]
    pub fn new(limit: Option<u32>) -> Self {
        let limit = AtomicU32::new(limit.unwrap_or(u32::MAX));
        let (online, relays) = (AtomicU32::new(0), AtomicU32::new(0));
        Self { online, total: AtomicU64::new(0), relays, limit }
    }

    /// Changes how many there may be; who is there stays.
    pub fn set_limit(&self, limit: Option<u32>) {
        self.limit.store(limit.unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// Whether one more may watch.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.count() < self.places()
    }

    /// Counts a session until the answer is dropped, whatever the limit.
    #[must_use]
    pub fn connect(self: &Arc<Self>) -> Viewer {
        self.online.fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
        Viewer { viewers: Arc::clone(self) }
    }

    /// Counts a session until the answer is dropped; none if there are as many as may be.
    #[must_use]
    pub fn try_connect(self: &Arc<Self>) -> Option<Viewer> {
        let places = self.places();
        let one_more = |online| (online < places).then_some(online + 1);
        self.online.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        self.total.fetch_add(1, Ordering::Relaxed);
        Some(Viewer { viewers: Arc::clone(self) })
    }

    /// Counts a relay until the answer is dropped, whatever the limit.
    #[must_use]
    pub fn connect_relay(self: &Arc<Self>) -> Relay {
        self.relays.fetch_add(1, Ordering::Relaxed);
        Relay { viewers: Arc::clone(self) }
    }

    /// How many sessions there have been.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// How many watch.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.online.load(Ordering::Relaxed)
    }

    /// How many nodes relay it.
    #[must_use]
    pub fn relays(&self) -> u32 {
        self.relays.load(Ordering::Relaxed)
    }

    /// Whether anybody watches, here or by a relay.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.count() > 0 || self.relays() > 0
    }

    /// How many may watch here: a relay takes a place.
    fn places(&self) -> u32 {
        self.limit.load(Ordering::Relaxed).saturating_sub(self.relays())
    }
}

/// One viewer; counts until it is dropped.
#[derive(Debug)]
pub struct Viewer {
    viewers: Arc<Viewers>,
}

impl Viewer {
    /// Whether it counts among `viewers`.
    pub(crate) fn is_of(&self, viewers: &Arc<Viewers>) -> bool {
        Arc::ptr_eq(&self.viewers, viewers)
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.viewers.online.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One relay of the stream, by another node; counts until it is dropped.
#[derive(Debug)]
pub struct Relay {
    viewers: Arc<Viewers>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.viewers.relays.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewer_counts_while_it_lives() {
        let viewers = Arc::new(Viewers::new(None));
        let viewer = viewers.connect();
        assert_eq!((viewers.count(), viewers.total()), (1, 1));
        drop(viewer);
        assert_eq!((viewers.count(), viewers.total()), (0, 1));
    }

    #[test]
    fn relay_counts_apart_and_takes_a_place() {
        let viewers = Arc::new(Viewers::new(Some(2)));
        let viewer = viewers.try_connect();
        let relay = viewers.connect_relay();
        assert_eq!((viewers.count(), viewers.total(), viewers.relays()), (1, 1, 1));
        assert!(!viewers.has_room() && viewers.try_connect().is_none());
        drop(viewer);
        assert!(viewers.is_watched(), "by the relay");
        let more = (viewers.connect_relay(), viewers.connect_relay());
        assert_eq!((viewers.relays(), viewers.has_room()), (3, false), "never refused");
        drop((relay, more));
        assert!(!viewers.is_watched() && viewers.has_room());
    }

    #[test]
    fn limit_is_for_those_who_come_and_can_change() {
        let viewers = Arc::new(Viewers::new(Some(1)));
        let first = viewers.try_connect();
        assert!(first.is_some() && viewers.try_connect().is_none() && !viewers.has_room());
        viewers.set_limit(Some(2));
        let second = viewers.try_connect();
        viewers.set_limit(Some(1));
        assert!(second.is_some() && viewers.count() == 2);
        drop((first, second));
        assert_eq!((viewers.count(), viewers.total()), (0, 2));
    }
}
