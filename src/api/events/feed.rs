//! One collection, looked at once a second for all who follow it, and only while somebody does.
//!
//! ```text
//!  listen ─▶ first? ▸ task: rows read, compared, told ─▶ sender ═ shared bytes ═▶ Listener ─▶ body
//!                     └── each second, off the worker
//! ```
//! A listener owns no queue. It reads the sender's, which is bounded, and when it has fallen out of
//! that it is told all rows anew, one event at a time as it takes them.

use std::hash::RandomState;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web;
use bytes::Bytes;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::time::{MissedTickBehavior, interval};

use super::collection::Collection;
use super::rows::{Head, Rows};
use crate::api::ApiState;

/// How often rows are looked at.
const ROUND_EVERY: Duration = Duration::from_secs(1);
/// Events kept for listeners that are behind: changes of minutes, or of the largest collection
/// once.
const EVENTS_KEPT: usize = 512;

/// One collection and those who follow it.
pub(super) struct Feed {
    collection: Collection,
    /// Numbers the changes of all feeds.
    revisions: Arc<AtomicU64>,
    marks: RandomState,
    /// None while nobody listens.
    live: Mutex<Option<Live>>,
}

struct Live {
    events: Sender<Bytes>,
    /// None before the first round.
    told: Option<Told>,
}

/// What listeners know, or will once they have read all events.
#[derive(Clone)]
struct Told {
    rows: Arc<Rows>,
    revision: u64,
}

impl Feed {
    pub(super) fn new(collection: Collection, revisions: Arc<AtomicU64>) -> Self {
        Self { collection, revisions, marks: RandomState::new(), live: Mutex::new(None) }
    }

    pub(super) const fn collection(&self) -> Collection {
        self.collection
    }

    /// Follows the collection: all rows at once, then what changes.
    pub(super) fn listen(self: &Arc<Self>, state: &web::Data<ApiState>) -> Listener {
        let mut live = self.live();
        let (events, walk) = match &*live {
            Some(Live { events, told: Some(_) }) => (events.subscribe(), Walk::Begins),
            Some(Live { events, told: None }) => (events.subscribe(), Walk::Over),
            None => {
                let (events, receiver) = broadcast::channel(EVENTS_KEPT);
                *live = Some(Live { events, told: None });
                actix_web::rt::spawn(Arc::clone(self).run(state.clone()));
                (receiver, Walk::Over)
            }
        };
        Listener { feed: Arc::clone(self), events, walk }
    }

    /// Looks at the rows until nobody listens.
    async fn run(self: Arc<Self>, state: web::Data<ApiState>) {
        let mut rounds = interval(ROUND_EVERY);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            if self.is_over() {
                return;
            }
            let (feed, state) = (Arc::clone(&self), state.clone());
            // Thousands of rows take a while: not on a worker that redirects players.
            if web::block(move || feed.round(&state)).await.is_err() {
                log::error!("events: {} cannot be told, listeners are closed", self.name());
                self.live().take();
                return;
            }
        }
    }

    /// Ends if nobody listens any more.
    fn is_over(&self) -> bool {
        let mut live = self.live();
        if live.as_ref().is_some_and(|live| live.events.receiver_count() == 0) {
            *live = None;
        }
        live.is_none()
    }

    /// Reads the rows anew and tells what has changed. Only the feed's own task does.
    fn round(&self, state: &ApiState) {
        let limits = &state.keeper.current().settings.limits;
        let rows = Rows::read(self.collection.items(state), limits.event_rows, &self.marks);
        if rows.is_cut() {
            state.limit_hits.hit("event_rows");
        }
        let revision = self.revisions.fetch_add(1, Ordering::Relaxed) + 1;
        let head = self.head(revision);
        let news = match self.told() {
            Some(told) => rows.changes_since(&told.rows, head),
            None => rows.told_whole(head),
        };
        if let Some(live) = &mut *self.live() {
            // Before they are sent: who begins to listen in between is told the new rows.
            live.told = Some(Told { rows: Arc::new(rows), revision });
            for event in news {
                // Nobody listens: the next round will notice.
                let _ = live.events.send(event);
            }
        }
    }

    fn told(&self) -> Option<Told> {
        self.live().as_ref().and_then(|live| live.told.clone())
    }

    fn head(&self, revision: u64) -> Head {
        Head { collection: self.name(), revision }
    }

    const fn name(&self) -> &'static str {
        self.collection.name()
    }

    fn live(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that follows a feed.
pub(super) struct Listener {
    feed: Arc<Feed>,
    events: Receiver<Bytes>,
    walk: Walk,
}

/// How far a listener has been told all rows.
enum Walk {
    Begins,
    Behind(String),
    Over,
}

impl Listener {
    /// The next event, when there is one; none once the feed has broken off.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.walk_on() {
                return Some(event);
            }
            match self.events.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(_)) => {
                    // What was missed is in the rows, which are looked at after this.
                    self.events = self.events.resubscribe();
                    self.walk = Walk::Begins;
                }
            }
        }
    }

    /// The next event of all rows, unless they have been told.
    ///
    /// It may be of newer rows than the one before: what has changed meanwhile comes again.
    fn walk_on(&mut self) -> Option<Bytes> {
        let after = match &self.walk {
            Walk::Begins => None,
            Walk::Behind(key) => Some(key.as_str()),
            Walk::Over => return None,
        };
        let told = self.feed.told()?;
        let (event, next) = told.rows.told_from(after, self.feed.head(told.revision));
        self.walk = next.map_or(Walk::Over, Walk::Behind);
        Some(event)
    }
}
