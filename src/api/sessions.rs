//! `/sessions`: who plays and who publishes on this node.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use watershed_actors::names::Protocol;
use watershed_actors::session_registry::{Session, SessionKind};

use super::ApiState;
use super::address::{Address, DELETE, READ};
use super::error::ApiError;
use super::list::{self, ListQuery};
use super::openapi::{About, Schema};

const COLLECTION: &str = "sessions";

/// Who plays or publishes.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct Shown<'a> {
    /// Names it on this node.
    id: String,
    /// `play` or `publish`.
    r#type: &'static str,
    /// The stream.
    name: &'a str,
    /// What it speaks.
    proto: Protocol,
    /// The client's address.
    #[schema(value_type = String)]
    ip: IpAddr,
    /// The client's software.
    user_agent: Option<&'a str>,
    /// Carried so far.
    bytes: u64,
    /// Unix milliseconds.
    opened_at: u64,
    /// A keyed hash of what the client presents.
    token: Option<String>,
    /// Not known.
    country: Option<String>,
}

/// Their addresses.
pub(super) fn addresses() -> [Address; 2] {
    let shape = || {
        // A list may select other fields: none is required.
        let mut shape = Schema::fields_of_type::<Shown<'_>>();
        shape.shown.as_object_mut().into_iter().for_each(|shape| drop(shape.remove("required")));
        shape.call("Session")
    };
    let page = move || {
        let page = About::new("Who plays and who publishes on this node");
        list::described(page, COLLECTION, &shape(), &blank())
    };
    let one = move || About::new("One session").json(200, "as of now", shape()).refuses(&[404]);
    let ended = || About::new("Ends a session").empty(204, "it is over").refuses(&[404]);
    [
        Address::guarded("/sessions").on(READ, web::to(answer_list), page),
        Address::guarded("/sessions/{id}").on(READ, web::to(show), one).on(
            DELETE,
            web::to(delete),
            ended,
        ),
    ]
}

/// All sessions.
async fn answer_list(
    state: web::Data<ApiState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = ListQuery::parse(COLLECTION, &blank(), request.query_string())?;
    let by_id = |session: Arc<Session>| (session.id(), session);
    let sessions: Vec<(String, Arc<Session>)> =
        state.sessions.list().into_iter().map(by_id).collect();
    let item = |(_, session): &&(String, Arc<Session>)| Some(shown(session));
    let answer = query.answer(COLLECTION, &sessions, |(id, _)| id, item);
    Ok(HttpResponse::Ok().json(answer))
}

/// All sessions by id, each as the list shows it.
pub(super) fn all(state: &ApiState) -> impl ExactSizeIterator<Item = (String, Value)> + use<> {
    state.sessions.list().into_iter().map(|session| (session.id(), shown(&session)))
}

/// One session.
async fn show(state: web::Data<ApiState>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let session = state.sessions.find(&id).ok_or_else(|| not_found(&id))?;
    Ok(HttpResponse::Ok().json(shown(&session)))
}

/// Ends one.
async fn delete(
    state: web::Data<ApiState>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    if state.sessions.end(&id, Instant::now()) {
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(not_found(&id))
}

/// All who play here, as they are shown.
pub(super) fn players(state: &ApiState) -> Vec<Value> {
    let sessions = state.sessions.list();
    let players = sessions.iter().filter(|session| session.kind == SessionKind::Play);
    players.map(|session| shown(session)).collect()
}

fn shown(session: &Session) -> Value {
    let kind = match session.kind {
        SessionKind::Play => "play",
        SessionKind::Publish => "publish",
    };
    json!(Shown {
        id: session.id(),
        r#type: kind,
        name: session.stream.as_str(),
        proto: session.protocol,
        ip: session.ip,
        user_agent: session.user_agent.as_deref(),
        bytes: session.bytes(),
        opened_at: session.opened_at_ms,
        token: session.token(),
        country: None,
    })
}

/// A session that is nothing but its fields.
fn blank() -> Value {
    let shape = Schema::fields_of_type::<Shown<'_>>().shown;
    let names = shape["properties"].as_object().into_iter().flat_map(Map::keys);
    Value::Object(names.map(|name| (name.clone(), Value::Null)).collect())
}

fn not_found(id: &str) -> ApiError {
    ApiError::not_found("session_not_found", format!("there is no session `{id}` on this node"))
}
