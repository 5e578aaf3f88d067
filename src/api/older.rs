//! The paths of an older API, which monitoring scripts still ask (SPEC section 7).
//!
//! ```text
//! GET  /server              the numbers of /config/stats, and `version`
//! GET  /media               this node's streams:
//!                           [{"entry":"stream","value":{"name","title","urls","stats"}}]
//! GET  /sessions            who plays: {"event":"user.list","sessions":[…]}; `?name=`: one stream
//! GET  /stream_health/NAME  200 `true`, or 424 `false` where no node has frames of it
//! POST /reload              reads the files anew, as on SIGHUP: {"success":true}, or what is wrong
//! ```
//!
//! Streams and sessions carry the newer fields, and those by whose older names scripts read them:
//! `client_count` is of now here; sessions have `session_id`, `bytes_sent`, `created_at`,
//! `duration` and `current_time` (milliseconds), `referer` and `user_id` (not known, so null), and
//! their `type` is the protocol.

use std::time::SystemTime;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use watershed_actors::report::NodeStats;

use super::address::{Address, POST, READ};
use super::collection::Collection as _;
use super::error::ApiError;
use super::openapi::{About, Schema};
use super::streams::{self, Streams};
use super::{ApiState, node_stats, sessions};

/// Their addresses.
pub(super) fn addresses() -> Vec<Address> {
    let object = || Schema::of(json!({"type": "object"}));
    let numbers = || {
        let stats = Schema::of_type::<NodeStats>();
        About::new("This node in numbers").json(200, "and its `version`", stats)
    };
    let streams = || {
        let list = Schema::of(json!({"type": "array", "items": {"type": "object"}}));
        About::new("This node's streams").json(200, "all of them", list)
    };
    let sessions = move || {
        About::new("Who plays").query("name", "one stream's", json!({"type": "string"})).json(
            200,
            "all of them",
            object(),
        )
    };
    let health = || {
        let flag = |is_alive: bool| Schema::of(json!({"const": is_alive}));
        About::new("Whether a stream has frames, on any node")
            .json(200, "it has", flag(true))
            .json(424, "it has not, or no node has such a stream", flag(false))
            .refuses(&[404])
    };
    let again = move || {
        About::new("Reads the files anew, as on SIGHUP")
            .json(200, "they are in force", object())
            .refuses(&[400])
    };
    vec![
        Address::guarded("/server").on(READ, web::to(server), numbers),
        Address::guarded("/media").on(READ, web::to(media), streams),
        Address::guarded("/sessions").on(READ, web::to(players), sessions),
        Address::guarded("/stream_health/{name:.+}").on(READ, web::to(self::health), health),
        Address::guarded("/reload").on(POST, web::to(reload), again),
    ]
}

async fn server(state: web::Data<ApiState>) -> HttpResponse {
    let mut stats = json!(node_stats::now(&state));
    stats["version"] = stats["server_version"].clone();
    HttpResponse::Ok().json(stats)
}

async fn media(state: web::Data<ApiState>) -> Result<HttpResponse, ApiError> {
    let list = move || streams::own(&state).into_iter().map(entry).collect::<Vec<_>>();
    let list = web::block(list).await;
    Ok(HttpResponse::Ok().json(list.map_err(|_| ApiError::internal("the list broke off"))?))
}

/// A stream in the older shape.
fn entry(mut stream: Value) -> Value {
    let inputs = stream["inputs"].as_array().map_or(&[][..], Vec::as_slice);
    let urls: Vec<Value> = inputs.iter().map(|input| json!({"value": input["url"]})).collect();
    let mut stats = stream["stats"].take();
    stats["client_count"] = stats["online_clients"].clone();
    let value =
        json!({"name": stream["name"], "title": stream["title"], "urls": urls, "stats": stats});
    json!({"entry": "stream", "value": value})
}

async fn players(state: web::Data<ApiState>, request: HttpRequest) -> HttpResponse {
    let mut query = url::form_urlencoded::parse(request.query_string().as_bytes());
    let wanted = query.find(|(name, _)| name == "name").map(|(_, value)| value);
    let is_wanted =
        |player: &Value| wanted.as_ref().is_none_or(|name| player["name"] == name.as_ref());
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now_ms = u64::try_from(unix.as_millis()).unwrap_or(u64::MAX);
    let players = sessions::players(&state).into_iter().filter(is_wanted);
    let players: Vec<Value> = players.map(|player| older_session(player, now_ms)).collect();
    HttpResponse::Ok().json(json!({"event": "user.list", "sessions": players}))
}

/// A session in the older shape.
fn older_session(mut session: Value, now_ms: u64) -> Value {
    let opened_at = session["opened_at"].as_u64();
    session["type"] = session["proto"].clone();
    session["session_id"] = session["id"].clone();
    session["bytes_sent"] = session["bytes"].clone();
    session["created_at"] = session["opened_at"].clone();
    session["current_time"] = json!(now_ms);
    session["duration"] = json!(opened_at.map(|opened_at| now_ms.saturating_sub(opened_at)));
    session["referer"] = Value::Null;
    session["user_id"] = Value::Null;
    session
}

async fn health(state: web::Data<ApiState>, name: web::Path<String>) -> HttpResponse {
    let configured = state.keeper.current().item(Streams::NAME, &name);
    let stream = Streams::shown(&state, &name, configured);
    let is_alive = stream.is_some_and(|stream| stream["stats"]["alive"] == true);
    let status = if is_alive { StatusCode::OK } else { StatusCode::FAILED_DEPENDENCY };
    HttpResponse::build(status).json(is_alive)
}

async fn reload(state: web::Data<ApiState>) -> Result<HttpResponse, ApiError> {
    state.keeper.reload().await?;
    Ok(HttpResponse::Ok().json(json!({"success": true})))
}
