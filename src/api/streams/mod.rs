//! `/streams`: the cluster's streams, one item a name.
//!
//! ```text
//! settings (own, as configured) ─┐
//! directory (own and peers')     ├─ by name ─▶ item
//! own streams (details)          ┘
//! ```

mod item;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use watershed_actors::names::{Hostname, StreamName};
use watershed_actors::peer_actor::{PeerState, PeerStatus};
use watershed_actors::stream_directory::StreamListing;

pub use item::{InputDetails, StreamDetails};

use super::ApiState;
use super::address::{Address, POST};
use super::collection::{self, Collection};
use super::error::ApiError;
use super::list::ListQuery;
use super::openapi::{About, Schema};
use crate::settings::{self, Shape};
use item::Sources;

/// The collection of that name. A PUT makes the stream one of this node's own.
pub(super) struct Streams;

impl Collection for Streams {
    const NAME: &'static str = "streams";
    const KEY: &'static str = "name";
    const ITEM: &'static str = "Stream";
    const ITEM_DETAILS: &'static str = "Of a stream that nobody has the code is \
        `stream_not_found`. It is `stream_lost` while the last node that had it drains, or was \
        lost less than its `stale_timeout` ago; the title says which.";

    fn shown(state: &ApiState, name: &str, configured: Option<Value>) -> Option<Value> {
        let sources = Sources { configured, listing: find(state, name) };
        let is_known = sources.configured.is_some() || sources.listing.is_some();
        is_known.then(|| item_of(state, name, &sources))
    }

    fn blank() -> Value {
        let configured = Some(settings::blank_item(Self::NAME));
        item::item("", &Sources { configured, listing: None }, None, "")
    }

    fn schema() -> Schema {
        item::schema(Shape::Shown.item(Self::NAME))
    }

    fn not_found(name: &str) -> ApiError {
        ApiError::not_found("stream_not_found", format!("no node has a stream `{name}`"))
    }

    fn absent(state: &ApiState, name: &str) -> ApiError {
        match state.directory.find_lost(name, Instant::now()) {
            Some((peer, ago)) => lost(&peer, ago, state.peers.find(peer.as_str()).as_deref()),
            None => Self::not_found(name),
        }
    }

    fn check_name(name: &str) -> Result<(), ApiError> {
        valid(name).map(drop)
    }

    fn page(state: &ApiState, query: &ListQuery) -> Value {
        let item = |(name, sources): &(&String, &Sources)| Some(item_of(state, name, sources));
        query.answer(Self::NAME, &sources(state), |(name, _)| name.as_str(), item)
    }
}

/// Their addresses.
pub(super) fn addresses() -> Vec<Address> {
    let stopped = || {
        About::new("Ends the capture of a stream; a static one starts anew")
            .empty(204, "it is ended")
            .refuses(&[400, 404, 409])
    };
    // Names hold slashes, and proxies such as nginx hand `%2F` on as one.
    let stop = Address::guarded("/streams/{name:.+}/stop").on(POST, web::to(stop), stopped);
    let (list, item) = ("/streams", "/streams/{name:.+}");
    let others = collection::addresses_with_delete::<Streams>(list, item, web::to(delete));
    [stop].into_iter().chain(others).collect()
}

/// All streams by name, each as the list shows it.
pub(super) fn all(state: &ApiState) -> impl ExactSizeIterator<Item = (String, Value)> {
    sources(state).into_iter().map(|(name, sources)| {
        let item = item_of(state, &name, &sources);
        (name, item)
    })
}

/// All that is known of each stream of the cluster.
fn sources(state: &ApiState) -> BTreeMap<String, Sources> {
    let mut streams: BTreeMap<String, Sources> = BTreeMap::new();
    for listing in state.directory.list(Instant::now()) {
        let name = listing.name.to_string();
        streams.insert(name, Sources { listing: Some(listing), configured: None });
    }
    for configured in state.keeper.current().items(Streams::NAME) {
        let name = Streams::name_of(&configured).to_owned();
        streams.entry(name).or_default().configured = Some(configured);
    }
    streams
}

/// This node's own streams as they are shown.
pub(super) fn own(state: &ApiState) -> Vec<Value> {
    let all = sources(state);
    let own = all.iter().filter(|(_, sources)| sources.is_own());
    own.map(|(name, sources)| item_of(state, name, sources)).collect()
}

fn item_of(state: &ApiState, name: &str, sources: &Sources) -> Value {
    let details = name.parse().ok().and_then(|name| state.own_streams.details(&name));
    item::item(name, sources, details.as_ref(), state.identity.hostname.as_str())
}

/// Removes one of this node's own; one from a template ends with its publisher.
async fn delete(
    state: web::Data<ApiState>,
    name: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let is_configured = state.keeper.current().item(Streams::NAME, &name).is_some();
    if !is_configured && find(&state, &name).is_some() {
        return stop(state, name).await;
    }
    collection::delete::<Streams>(state, name, request).await
}

/// Ends the capture of one; a static stream starts anew.
async fn stop(
    state: web::Data<ApiState>,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    if state.own_streams.stop(valid(&name)?).await {
        return Ok(HttpResponse::NoContent().finish());
    }
    match find(&state, &name) {
        Some(_) => Err(not_local(&name)),
        None => Err(Streams::not_found(&name)),
    }
}

fn find(state: &ApiState, name: &str) -> Option<StreamListing> {
    state.directory.find(name, Instant::now())
}

fn valid(name: &str) -> Result<StreamName, ApiError> {
    let invalid = |error: &dyn std::error::Error| {
        ApiError::bad_request("invalid_stream_name", error.to_string())
    };
    name.parse().map_err(|error| invalid(&error))
}

/// Says with whom a stream went.
fn lost(peer: &Hostname, ago: Duration, status: Option<&PeerStatus>) -> ApiError {
    let fate = match status {
        Some(status) if status.state == PeerState::Draining => "is draining".to_owned(),
        _ => {
            let reason = status.and_then(|status| status.error.as_ref());
            let reason = reason.map_or_else(String::new, |error| format!(": {error}"));
            format!("was lost {} s ago{reason}", ago.as_secs())
        }
    };
    ApiError::not_found("stream_lost", format!("{peer}, which had it, {fate}"))
}

fn not_local(name: &str) -> ApiError {
    let title = format!("`{name}` is a stream of another node: ask that one");
    ApiError::conflict("not_local", title)
}
