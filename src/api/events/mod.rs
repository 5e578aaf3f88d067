//! `/events`: what changes, as it changes, to browsers and scripts (server-sent events).
//!
//! ```text
//!  peers    ─ Feed ─┐
//!  streams  ─ Feed ─┤  each looked at once a second, while somebody listens,
//!  sessions ─ Feed ─┤  and told once, in shared bytes
//!  stats    ─ Feed ─┘
//!               ╞═ listener: those it asked for ▸ ping when quiet ▸ body
//!               ╘═ listener …
//! ```
//! On connect all rows are told, then those that have changed and the keys of those that are gone:
//! see `rows.rs` for the words.
//! Source: HTML Standard, 9.2 (server-sent events).

mod collection;
mod feed;
mod rows;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::json;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::ApiState;
use super::address::{Address, GET};
use super::auth::{Admitted, is_still_admitted};
use super::error::ApiError;
use super::monitoring::NodePhase;
use super::openapi::{About, Schema};
use collection::Collection;
use feed::{Feed, Listener};

/// How long a browser waits before it connects again.
const OPENING: &[u8] = b"retry: 2000\n\n";
/// Keeps proxies from taking the connection for a dead one.
const PING: &[u8] = b": ping\n\n";
const PING_EVERY: Duration = Duration::from_secs(15);
/// How often it is looked whether a listener must go.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Nothing longer is handed to the framework at once: a slow reader costs so much.
const PIECE_BYTES: usize = 64 << 10;

/// The feeds, and who listens.
pub struct Events {
    feeds: [Arc<Feed>; 4],
    places: Arc<Semaphore>,
}

/// Why a response ends: its length is not known, so that clients must see it break off.
#[derive(Debug, Error)]
#[error("the events cannot be told")]
struct BrokeOff;

impl Events {
    /// Feeds for so many listeners at most.
    #[must_use]
    pub fn new(listeners_max: usize) -> Self {
        let revisions = Arc::new(AtomicU64::new(0));
        let feed = |collection| Arc::new(Feed::new(collection, Arc::clone(&revisions)));
        Self { feeds: Collection::ALL.map(feed), places: Arc::new(Semaphore::new(listeners_max)) }
    }
}

const DETAILS: &str = "\
Server-sent events. On connect all rows are told, then those that have changed and the keys of \
those that are gone: `event` is the collection, `data` \
`{\"full\", \"more\", \"estimated_count\", \"items\", \"gone\"}`. `full`: what was told before is \
void; `more`: the next event belongs to the same change. The answer ends only with the client, its \
right to look, or the node.";

/// Its address.
pub(super) fn address() -> Address {
    let about = || {
        let names = Collection::ALL.map(Collection::name);
        let of = json!({
            "name": "of",
            "in": "query",
            "description": "the collections to follow; all without it",
            "style": "form",
            "explode": false,
        });
        About::new("What changes, as it changes")
            .details(DETAILS)
            .parameter(of, json!({"type": "array", "items": {"enum": names}, "minItems": 1}))
            .answers(200, "events without end", [("text/event-stream", Schema::text())])
            .refuses(&[400])
    };
    Address::guarded("/events").on(GET, web::to(listen), about)
}

/// Tells the collections that the query names, until the client, its right or the node goes.
async fn listen(
    state: web::Data<ApiState>,
    request: HttpRequest,
    admitted: web::ReqData<Admitted>,
) -> Result<HttpResponse, ApiError> {
    let wanted = Collection::parse_query(request.query_string())?;
    if state.readiness.phase() == NodePhase::Draining {
        return Err(ApiError::unavailable("draining", "the node is stopping"));
    }
    let Ok(place) = Arc::clone(&state.events.places).try_acquire_owned() else {
        state.limit_hits.hit("event_listeners");
        return Err(ApiError::unavailable("too_many_listeners", "too many follow the events"));
    };
    let feeds = state.events.feeds.iter().filter(|feed| wanted.contains(&feed.collection()));
    let told = stream::select_all(feeds.map(|feed| events(feed.listen(&state))));
    let opening = stream::iter([Ok(Bytes::from_static(OPENING))]);
    let body = opening
        .chain(stream::select(told, pings()))
        .flat_map(|event| stream::iter(pieces(event)))
        .take_until(Box::pin(must_go(admitted.into_inner(), state)))
        .map(move |piece| {
            let _until_the_end = &place;
            piece
        });
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(body))
}

type Event = Result<Bytes, BrokeOff>;

fn events(listener: Listener) -> impl Stream<Item = Event> + Unpin {
    Box::pin(stream::unfold(Some(listener), async |listener| {
        let mut listener = listener?;
        Some(match listener.next().await {
            Some(event) => (Ok(event), Some(listener)),
            None => (Err(BrokeOff), None),
        })
    }))
}

fn pings() -> impl Stream<Item = Event> {
    Box::pin(stream::unfold((), async |()| {
        sleep(PING_EVERY).await;
        Some((Ok(Bytes::from_static(PING)), ()))
    }))
}

fn pieces(event: Event) -> impl Iterator<Item = Event> {
    let (mut rest, error) = match event {
        Ok(event) => (event, None),
        Err(error) => (Bytes::new(), Some(Err(error))),
    };
    let piece = move || {
        let piece = rest.split_to(rest.len().min(PIECE_BYTES));
        (!piece.is_empty()).then_some(Ok(piece))
    };
    std::iter::from_fn(piece).chain(error)
}

/// Resolves when the node drains, or who was `admitted` may not look any more.
async fn must_go(admitted: Admitted, state: web::Data<ApiState>) {
    while state.readiness.phase() != NodePhase::Draining && is_still_admitted(&state, &admitted) {
        sleep(LOOK_EVERY).await;
    }
}
