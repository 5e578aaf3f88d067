//! `/sessions`: who plays and who publishes on this node.

use std::sync::Arc;
use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use watershed_actors::session_registry::{Session, SessionKind};

use super::ApiState;
use super::error::ApiError;
use super::list::ListQuery;

const COLLECTION: &str = "sessions";
/// What a session shows.
pub(super) const FIELDS: [&str; 10] =
    ["id", "type", "name", "proto", "ip", "user_agent", "bytes", "opened_at", "token", "country"];

/// All sessions.
pub(super) async fn list(
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

/// All sessions by id, each as [`list`] shows it.
pub(super) fn all(state: &ApiState) -> impl ExactSizeIterator<Item = (String, Value)> + use<> {
    state.sessions.list().into_iter().map(|session| (session.id(), shown(&session)))
}

/// One session.
pub(super) async fn show(
    state: web::Data<ApiState>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let session = state.sessions.find(&id).ok_or_else(|| not_found(&id))?;
    Ok(HttpResponse::Ok().json(shown(&session)))
}

/// Ends one.
pub(super) async fn delete(
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
    json!({
        "id": session.id(),
        "type": kind,
        "name": session.stream.as_str(),
        "proto": session.protocol,
        "ip": session.ip,
        "user_agent": session.user_agent,
        "bytes": session.bytes(),
        "opened_at": session.opened_at_ms,
        "token": session.token(),
        "country": null,
    })
}

/// A session that is nothing but its fields.
fn blank() -> Value {
    let fields = FIELDS.map(|name| (name.to_owned(), Value::Null));
    Value::Object(fields.into_iter().collect())
}

fn not_found(id: &str) -> ApiError {
    ApiError::not_found("session_not_found", format!("there is no session `{id}` on this node"))
}
