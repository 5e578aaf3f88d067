//! The table of all sessions, shared by every thread.
//!
//! It is cut into shards by id, each under a lock of its own that is held for one look-up, so that
//! sessions that come and go at once rarely meet.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::fmt;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::messages::{Connected, EndSession, Ender};
use super::session::{Client, Session, SessionGuard, SessionKind};
use crate::limits::LimitHits;
use crate::live_stream::{Broadcast, Viewer, Viewers};
use crate::names::{Protocol, StreamName};
use crate::report::ClientsByProtocol;
use crate::wall_clock::unix_ms;

const SHARDS: usize = 16;
/// Most HLS players in the list; beyond it new ones are served but not counted. A player costs its
/// sender one request, unlike a session with a connection.
const PLAYERS_MAX: usize = 100_000;

/// The stream has as many sessions as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the stream has all the clients it may have")]
pub struct TooManySessions;

/// Why an HLS player is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PlayerRefused {
    /// As for other sessions.
    #[error(transparent)]
    TooMany(#[from] TooManySessions),
    /// Somebody ended its session a moment ago.
    #[error("the session was ended")]
    Ended,
}

/// What an HLS player plays.
#[derive(Clone, Copy, Debug)]
pub struct Played<'a> {
    /// The stream, or the file.
    pub name: &'a StreamName,
    /// Among whom the player counts.
    pub viewers: &'a Arc<Viewers>,
    /// For how long it counts after a request.
    pub window: Duration,
}

impl<'a> From<&'a Broadcast> for Played<'a> {
    fn from(broadcast: &'a Broadcast) -> Self {
        let window = broadcast.player_window();
        Self { name: broadcast.name(), viewers: broadcast.viewers(), window }
    }
}

/// All sessions of the node; clones see the same ones.
#[derive(Clone, Default)]
pub struct Sessions {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    shards: [Mutex<HashMap<u64, Row>>; SHARDS],
    next: AtomicU64,
    players: AtomicUsize,
    /// A key of this process, for ids and tokens.
    key: RandomState,
    limit_hits: LimitHits,
}

#[derive(Debug)]
struct Row {
    session: Arc<Session>,
    hold: Hold,
}

/// What keeps a session in the list.
#[derive(Debug)]
enum Hold {
    /// Its guard, until it is dropped.
    Guard(Ender),
    /// Its requests: until none has come for `window`.
    Requests { seen: Instant, window: Duration, viewer: Viewer },
    /// Nothing: it was ended, and is refused until then.
    Ended { until: Instant },
}

impl Sessions {
    /// An empty table that counts its refusals in `limit_hits`.
    #[must_use]
    pub fn new(limit_hits: LimitHits) -> Self {
        Self { shared: Arc::new(Shared { limit_hits, ..Shared::default() }) }
    }

    /// Enters a client that plays `broadcast` over a connection.
    ///
    /// Errors: the stream's `max_sessions` is reached.
    pub fn open_play(
        &self,
        broadcast: &Broadcast,
        protocol: Protocol,
        client: Client<'_>,
        connected: Connected,
    ) -> Result<SessionGuard, TooManySessions> {
        let viewer = self.admit(broadcast.viewers())?;
        let session = self.enter(SessionKind::Play, protocol, broadcast.name(), client, connected);
        Ok(SessionGuard { session, sessions: self.clone(), _viewer: Some(viewer) })
    }

    /// Enters a client that was granted to publish `stream`.
    #[must_use]
    pub fn open_publish(
        &self,
        stream: &StreamName,
        protocol: Protocol,
        client: Client<'_>,
        connected: Connected,
    ) -> SessionGuard {
        let session = self.enter(SessionKind::Publish, protocol, stream, client, connected);
        SessionGuard { session, sessions: self.clone(), _viewer: None }
    }

    /// Notes that the HLS player `id` asked for a playlist of what is `played`. The id is a hash of
    /// what tells players apart, under a key of this process.
    ///
    /// Errors: the player was ended a moment ago, or is one too many.
    pub fn saw_player<'a>(
        &self,
        id: u64,
        played: impl Into<Played<'a>>,
        client: Client<'_>,
        now: Instant,
    ) -> Result<(), PlayerRefused> {
        let played = played.into();
        let mut shard = self.shard(id);
        let vacant = match shard.entry(id) {
            Entry::Occupied(mut row) => return row.get_mut().saw_again(played.viewers, now),
            Entry::Vacant(vacant) => vacant,
        };
        let viewer = self.admit(played.viewers)?;
        if self.shared.players.fetch_add(1, Ordering::Relaxed) >= PLAYERS_MAX {
            self.shared.players.fetch_sub(1, Ordering::Relaxed);
            return Ok(());
        }
        let ids = (id, self.token_hash(client));
        let (kind, protocol, name) = (SessionKind::Play, Protocol::Hls, played.name);
        let session = Arc::new(Session::new(ids, kind, protocol, name, client, unix_ms()));
        let hold = Hold::Requests { seen: now, window: played.window, viewer };
        vacant.insert(Row { session, hold });
        Ok(())
    }

    /// Notes that the HLS player `id` takes a segment of that many bytes, if it is in the list.
    ///
    /// Errors: the player was ended a moment ago.
    pub fn player_took(&self, id: u64, bytes: usize, now: Instant) -> Result<(), PlayerRefused> {
        let mut shard = self.shard(id);
        let Some(row) = shard.get_mut(&id) else {
            return Ok(());
        };
        match &mut row.hold {
            Hold::Ended { until } if now < *until => return Err(PlayerRefused::Ended),
            Hold::Requests { seen, .. } => *seen = now,
            Hold::Guard(_) | Hold::Ended { .. } => {}
        }
        row.session.add_bytes(bytes);
        Ok(())
    }

    /// All sessions, in no order.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Session>> {
        let mut list = Vec::new();
        for shard in &self.shared.shards {
            let shard = lock(shard);
            list.extend(shard.values().filter(|row| row.is_open()).map(Row::session));
        }
        list
    }

    /// How many play.
    #[must_use]
    pub fn count_players(&self) -> ClientsByProtocol {
        let mut counts = ClientsByProtocol::default();
        for shard in &self.shared.shards {
            let shard = lock(shard);
            let open = shard.values().filter(|row| row.is_open()).map(|row| &row.session);
            let playing = open.filter(|session| session.kind == SessionKind::Play);
            playing.for_each(|session| counts.count(session.protocol));
        }
        counts
    }

    /// The session of that id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Arc<Session>> {
        let id = parse_id(id)?;
        self.shard(id).get(&id).filter(|row| row.is_open()).map(Row::session)
    }

    /// Ends the session of that id; says whether there is one. A player without a connection is
    /// refused for as long as it would have counted.
    pub fn end(&self, id: &str, now: Instant) -> bool {
        let Some(id) = parse_id(id) else {
            return false;
        };
        let mut shard = self.shard(id);
        let Some(row) = shard.get_mut(&id) else {
            return false;
        };
        match &row.hold {
            Hold::Guard(end) => end.do_send(EndSession),
            Hold::Requests { window, .. } => row.hold = Hold::Ended { until: now + *window },
            Hold::Ended { .. } => return false,
        }
        true
    }

    /// Takes out the players that have not asked for long enough.
    pub(super) fn expire(&self, now: Instant) {
        for shard in &self.shared.shards {
            let mut shard = lock(shard);
            let count = shard.len();
            shard.retain(|_, row| row.is_kept(now));
            self.shared.players.fetch_sub(count - shard.len(), Ordering::Relaxed);
        }
    }

    pub(super) fn close(&self, id: u64) {
        let row = self.shard(id).remove(&id);
        drop(row);
    }

    fn admit(&self, viewers: &Arc<Viewers>) -> Result<Viewer, TooManySessions> {
        viewers.try_connect().ok_or_else(|| {
            self.shared.limit_hits.hit("max_sessions");
            TooManySessions
        })
    }

    fn enter(
        &self,
        kind: SessionKind,
        protocol: Protocol,
        stream: &StreamName,
        client: Client<'_>,
        connected: Connected,
    ) -> Arc<Session> {
        let token = self.token_hash(client);
        loop {
            // A hash, so that the ids of others cannot be guessed from one's own.
            let number = self.shared.next.fetch_add(1, Ordering::Relaxed);
            let id = self.shared.key.hash_one(number);
            if let Entry::Vacant(vacant) = self.shard(id).entry(id) {
                let ids = (id, token);
                let session = Session::new(ids, kind, protocol, stream, client, unix_ms());
                let session = Arc::new(Session { bytes: connected.bytes, ..session });
                let hold = Hold::Guard(connected.end);
                vacant.insert(Row { session: Arc::clone(&session), hold });
                return session;
            }
        }
    }

    fn token_hash(&self, client: Client<'_>) -> Option<u64> {
        client.token.map(|token| self.shared.key.hash_one(token))
    }

    fn shard(&self, id: u64) -> MutexGuard<'_, HashMap<u64, Row>> {
        // The remainder is below the number of shards.
        let index = usize::try_from(id % SHARDS as u64).unwrap_or(0);
        lock(&self.shared.shards[index])
    }
}

impl Row {
    fn session(&self) -> Arc<Session> {
        Arc::clone(&self.session)
    }

    const fn is_open(&self) -> bool {
        !matches!(self.hold, Hold::Ended { .. })
    }

    fn is_kept(&self, now: Instant) -> bool {
        match &self.hold {
            Hold::Guard(_) => true,
            Hold::Requests { seen, window, .. } => now.saturating_duration_since(*seen) < *window,
            Hold::Ended { until } => now < *until,
        }
    }

    fn saw_again(&mut self, viewers: &Arc<Viewers>, now: Instant) -> Result<(), PlayerRefused> {
        match &mut self.hold {
            Hold::Requests { seen, viewer, .. } => {
                *seen = now;
                // The stream may have been made anew since.
                if !viewer.is_of(viewers) {
                    *viewer = viewers.connect();
                }
                Ok(())
            }
            Hold::Ended { .. } => Err(PlayerRefused::Ended),
            Hold::Guard(_) => Ok(()),
        }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("count", &self.list().len()).finish()
    }
}

fn parse_id(text: &str) -> Option<u64> {
    let is_hex = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

fn lock(shard: &Mutex<HashMap<u64, Row>>) -> MutexGuard<'_, HashMap<u64, Row>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
