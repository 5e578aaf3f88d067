//! `/cluster/peers`: the other nodes, as configured and as they are doing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use watershed_actors::peer_actor::{PeerState, PeerStatus};

use super::error::ApiError;
use super::list::ListQuery;
use super::{ApiState, body, precondition};
use crate::settings::{Edit, Loaded};

const COLLECTION: &str = "peers";
const KEY: &str = "hostname";

/// All peers.
pub(super) async fn list(
    state: web::Data<ApiState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = ListQuery::parse(COLLECTION, request.query_string())?;
    let statuses: HashMap<String, Arc<PeerStatus>> = state
        .peers
        .list()
        .into_iter()
        .map(|status| (status.hostname.to_string(), status))
        .collect();
    let now = Instant::now();
    let peers: Vec<Value> = state.keeper.current().items(COLLECTION);
    let answer = query.answer(
        COLLECTION,
        &peers,
        |peer| name_of(peer),
        |peer| {
            let status = statuses.get(name_of(peer)).map(AsRef::as_ref);
            Some(shown((*peer).clone(), status, now))
        },
    );
    Ok(HttpResponse::Ok().json(answer))
}

/// One peer.
pub(super) async fn show(
    state: web::Data<ApiState>,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    answer(&state, &state.keeper.current(), &name)
}

/// Creates or changes one.
pub(super) async fn put(
    state: web::Data<ApiState>,
    name: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let patch = body::read_object(&request, payload, state.body_limits()).await?;
    let edit = Edit::Put { collection: COLLECTION.to_owned(), name: name.clone(), patch };
    let settings = state.keeper.change(edit, precondition::of(&request)).await?;
    answer(&state, &settings, &name)
}

/// Removes one.
pub(super) async fn delete(
    state: web::Data<ApiState>,
    name: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let edit = Edit::Delete { collection: COLLECTION.to_owned(), name: name.into_inner() };
    state.keeper.change(edit, precondition::of(&request)).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn answer(state: &ApiState, settings: &Loaded, name: &str) -> Result<HttpResponse, ApiError> {
    let Some(peer) = settings.item(COLLECTION, name) else {
        return Err(ApiError::not_found("peer_not_found", format!("there is no peer `{name}`")));
    };
    let peer = shown(peer, state.peers.find(name).as_deref(), Instant::now());
    let mut response = HttpResponse::Ok();
    if let Some(tag) = state.keeper.tag(settings, COLLECTION, name) {
        response.insert_header(precondition::etag(&tag));
    }
    Ok(response.json(peer))
}

fn name_of(peer: &Value) -> &str {
    peer.get(KEY).and_then(Value::as_str).unwrap_or_default()
}

/// A peer as configured, with what is known of it under `stats`.
fn shown(mut peer: Value, status: Option<&PeerStatus>, now: Instant) -> Value {
    let totals = status.and_then(|status| status.stats.as_deref().cloned());
    let mut stats = serde_json::to_value(totals.unwrap_or_default()).unwrap_or_default();
    let state = status.map_or(PeerState::Unknown, |status| status.state);
    let age = status
        .and_then(|status| status.answered_at)
        .and_then(|at| u64::try_from(now.saturating_duration_since(at).as_millis()).ok());
    stats["state"] = json!(state.as_str());
    stats["error"] = json!(status.and_then(|status| status.error.as_ref()));
    stats["age"] = json!(age);
    stats["clock_offset"] = json!(status.and_then(|status| status.clock_offset_ms));
    peer["stats"] = stats;
    peer
}

#[cfg(test)]
mod tests {
    use watershed_actors::report::NodeStats;

    use super::*;

    #[test]
    fn peer_that_never_answered_has_every_field() {
        let peer = shown(json!({"hostname": "south"}), None, Instant::now());
        assert_eq!(peer["stats"]["state"], "unknown");
        for field in ["error", "age", "clock_offset", "cpu_usage", "total_clients", "hostname"] {
            assert_eq!(peer["stats"].get(field), Some(&Value::Null), "{field}");
        }
        let totals = serde_json::to_value(NodeStats::default()).unwrap();
        assert!(totals.as_object().unwrap().len() > 10);
    }
}
