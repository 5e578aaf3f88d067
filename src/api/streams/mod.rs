//! `/streams`: the cluster's streams, one item a name.
//!
//! ```text
//! settings (own, as configured) ─┐
//! directory (own and peers')     ├─ by name ─▶ item
//! own streams (details)          ┘
//! ```

pub(super) mod egress;
mod item;

use std::collections::BTreeMap;
use std::time::Instant;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use watershed_actors::names::StreamName;
use watershed_actors::stream_directory::StreamListing;

pub use item::StreamDetails;

use super::error::ApiError;
use super::list::ListQuery;
use super::{ApiState, body, precondition};
use crate::settings::{Edit, Loaded};
use item::Sources;

const COLLECTION: &str = "streams";

/// All streams of the cluster.
pub(super) async fn list(
    state: web::Data<ApiState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = ListQuery::parse(COLLECTION, request.query_string())?;
    // A directory of 200,000 streams takes a while: not on a worker that redirects players.
    let json = web::block(move || serde_json::to_vec(&list_now(&state, &query)));
    let json = json.await.ok().and_then(Result::ok);
    let json = json.ok_or_else(|| ApiError::internal("the list broke off"))?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(json))
}

fn list_now(state: &ApiState, query: &ListQuery) -> Value {
    let now = Instant::now();
    let mut streams: BTreeMap<String, Sources> = BTreeMap::new();
    for listing in state.directory.list(now) {
        let name = listing.name.to_string();
        streams.insert(name, Sources { listing: Some(listing), configured: None });
    }
    for configured in state.keeper.current().items(COLLECTION) {
        let name = configured.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        streams.entry(name).or_default().configured = Some(configured);
    }
    let item = |(name, sources): &(&String, &Sources)| Some(item_of(state, name, sources));
    query.answer(COLLECTION, &streams, |(name, _)| name.as_str(), item)
}

fn item_of(state: &ApiState, name: &str, sources: &Sources) -> Value {
    let details = name.parse().ok().and_then(|name| state.own_streams.details(&name));
    item::item(name, sources, details.as_ref(), state.identity.hostname.as_str())
}

/// One stream.
pub(super) async fn show(
    state: web::Data<ApiState>,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    answer(&state, &state.keeper.current(), &name)
}

/// Creates or changes one of this node's own.
pub(super) async fn put(
    state: web::Data<ApiState>,
    name: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let name = valid(&name)?.to_string();
    let patch = body::read_object(&request, payload, state.body_limits()).await?;
    egress::check(&state.keeper.current(), &name, &patch)?;
    let edit = Edit::Put { collection: COLLECTION.to_owned(), name: name.clone(), patch };
    let settings = state.keeper.change(edit, precondition::of(&request)).await?;
    answer(&state, &settings, &name)
}

/// Removes one of this node's own; one from a template ends with its publisher.
pub(super) async fn delete(
    state: web::Data<ApiState>,
    name: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let is_configured = state.keeper.current().item(COLLECTION, &name).is_some();
    if !is_configured && find(&state, &name).is_some() {
        return stop(state, name).await;
    }
    let edit = Edit::Delete { collection: COLLECTION.to_owned(), name: name.into_inner() };
    state.keeper.change(edit, precondition::of(&request)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Ends the capture of one; a static stream starts anew.
pub(super) async fn stop(
    state: web::Data<ApiState>,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    if state.own_streams.stop(valid(&name)?).await {
        return Ok(HttpResponse::NoContent().finish());
    }
    match find(&state, &name) {
        Some(_) => Err(not_local(&name)),
        None => Err(not_found(&name)),
    }
}

fn answer(state: &ApiState, settings: &Loaded, name: &str) -> Result<HttpResponse, ApiError> {
    let sources =
        Sources { configured: settings.item(COLLECTION, name), listing: find(state, name) };
    if sources.configured.is_none() && sources.listing.is_none() {
        return Err(not_found(name));
    }
    let mut response = HttpResponse::Ok();
    if let Some(tag) = state.keeper.tag(settings, COLLECTION, name) {
        response.insert_header(precondition::etag(&tag));
    }
    Ok(response.json(item_of(state, name, &sources)))
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

fn not_found(name: &str) -> ApiError {
    ApiError::not_found("stream_not_found", format!("no node has a stream `{name}`"))
}

fn not_local(name: &str) -> ApiError {
    let title = format!("`{name}` is a stream of another node: ask that one");
    ApiError::conflict("not_local", title)
}
