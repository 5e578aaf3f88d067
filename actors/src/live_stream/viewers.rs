//! Who watches a stream right now, counted without a registry.
//!
//! Sessions that hold a connection count while their [`Viewer`] lives. An HLS player holds none: it
//! counts while it was last seen less than the window ago.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most HLS players remembered for one stream; beyond it new ones are served but not counted.
const PLAYERS_MAX: usize = 100_000;

/// The viewers of one stream.
#[derive(Debug)]
pub struct Viewers {
    connected: AtomicU32,
    total: AtomicU64,
    /// When each HLS player was last seen.
    players: Mutex<HashMap<u64, Instant>>,
    player_window: Duration,
}

impl Viewers {
    /// Makes an empty count; an HLS player counts for `player_window` after each request.
    #[must_use]
    pub fn new(player_window: Duration) -> Self {
        let (connected, total) = (AtomicU32::new(0), AtomicU64::new(0));
        Self { connected, total, players: Mutex::default(), player_window }
    }

    /// Counts a session that holds a connection, until the answer is dropped.
    #[must_use]
    pub fn connect(self: &Arc<Self>) -> Viewer {
        self.connected.fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
        Viewer { viewers: Arc::clone(self) }
    }

    /// Notes that the HLS player `session` asked at `now`.
    pub fn saw_player(&self, session: u64, now: Instant) {
        let mut players = self.players.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = players.len() < PLAYERS_MAX || players.contains_key(&session);
        if has_room && players.insert(session, now).is_none() {
            self.total.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many sessions there have been.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// How many watch at `now`; forgets the players that have gone.
    pub fn count(&self, now: Instant) -> u32 {
        let window = self.player_window;
        let mut players = self.players.lock().unwrap_or_else(PoisonError::into_inner);
        players.retain(|_, seen| now.saturating_duration_since(*seen) < window);
        let players = u32::try_from(players.len()).unwrap_or(u32::MAX);
        self.connected.load(Ordering::Relaxed).saturating_add(players)
    }
}

/// One connected viewer; counts until it is dropped.
#[derive(Debug)]
pub struct Viewer {
    viewers: Arc<Viewers>,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.viewers.connected.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connected_viewer_counts_while_it_lives() {
        let viewers = Arc::new(Viewers::new(Duration::from_secs(13)));
        let viewer = viewers.connect();
        assert_eq!(viewers.count(Instant::now()), 1);
        drop(viewer);
        assert_eq!(viewers.count(Instant::now()), 0);
    }

    #[test]
    fn player_counts_once_and_only_for_the_window() {
        let viewers = Viewers::new(Duration::from_secs(13));
        let now = Instant::now();
        viewers.saw_player(7, now);
        viewers.saw_player(7, now);
        viewers.saw_player(8, now);
        assert_eq!(viewers.count(now + Duration::from_secs(12)), 2);
        assert_eq!(viewers.count(now + Duration::from_secs(13)), 0);
    }
}
