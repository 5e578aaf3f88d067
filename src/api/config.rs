//! `/config`: the whole configuration, as JSON or as the text of the main file.
//!
//! ```text
//! GET   settings in force ▸ secrets hidden ─▶ JSON (`?full=true`: with defaults), or the text
//! PUT   JSON or text ▸ keeper (If-Match, validate, write back, apply as on SIGHUP) ─▶ as GET
//! POST  JSON or text ▸ validate as `watershed check` does ─▶ the warnings, and what would wait
//! ```
//!
//! `Accept: text/plain` asks for the text. A body is text if its `Content-Type` is `text/plain`;
//! else it is JSON, which changes what it names: `null` removes, `"$reset": true` replaces, items
//! are merged by name and removed by `"$delete": true`. Secrets read `***`; one that is sent back
//! keeps the secret of the same item and field, and is refused where there is none. The `ETag` is
//! of all files together, so that an edit of one item in between answers 412.

use std::sync::Arc;

use actix_web::http::header::{self, Accept, Header as _};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::address::{Address, POST, PUT, READ};
use super::error::ApiError;
use super::openapi::{About, JSON, Schema};
use super::{ApiState, body, precondition};
use crate::settings::{ChangeError, Diagnostic, Edit, Loaded, Shape};

const TEXT: &str = "text/plain";

/// Its address.
pub(super) fn address() -> Address {
    let form = |about: About| {
        let flag = json!({"type": "boolean", "default": false});
        about.query("full", "with every default", flag)
    };
    let forms = || {
        let shown = Schema::named("Config", Shape::Shown.configuration());
        [(JSON, shown), (TEXT, Schema::text())]
    };
    let sent = || {
        let patch = Schema::named("ConfigChange", Shape::Sent.configuration());
        [(JSON, patch), (TEXT, Schema::text())]
    };
    let shown = move || {
        form(About::new("The configuration in force, as JSON or as the text of its file"))
            .answers(200, "secrets hidden", forms())
            .with("ETag", "of all files together")
            .refuses(&[400])
    };
    let changed = move || {
        form(About::new("Changes what the JSON names, or replaces the text"))
            .details(
                "Items of lists are merged by name, and removed by `\"$delete\": true`; inputs and \
             listeners are replaced.",
            )
            .takes(sent())
            .answers(200, "written, in force and shown", forms())
            .with("ETag", "of all files together")
            .changes_settings()
    };
    let warning = || {
        json!({"type": "object", "properties": {
            "title": {"type": "string"},
            "path": {"type": "string"},
            "line": {"type": "integer"},
            "col": {"type": "integer"},
            "detail": {"type": "string"},
        }})
    };
    let warnings = move || {
        Schema::of(json!({
            "type": "object",
            "properties": {"warnings": {"type": "array", "items": warning()}},
            "required": ["warnings"],
        }))
    };
    let checked = move || {
        About::new("Says what PUT of the same would say, and changes nothing")
            .details("A warning also names each word that only the next start reads.")
            .takes(sent())
            .json(200, "it is valid", warnings())
            .refuses(&[403, 409])
    };
    Address::guarded("/config").on(READ, web::to(show), shown).on(PUT, web::to(put), changed).on(
        POST,
        web::to(check),
        checked,
    )
}

/// Answers with the settings in force.
async fn show(state: web::Data<ApiState>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let form = Form::wanted_by(&request)?;
    answer(&state, state.keeper.current(), form).await
}

/// Replaces the text, or changes what the JSON names.
async fn put(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let form = Form::wanted_by(&request)?;
    let edit = read_edit(&state, &request, payload).await?;
    let settings = state.keeper.change(edit, precondition::of(&request)).await?;
    answer(&state, settings, form).await
}

/// Says what a PUT of the same would say, and changes nothing.
async fn check(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let edit = read_edit(&state, &request, payload).await?;
    let current = state.keeper.current();
    let keeper = state.keeper.clone();
    let found = web::block(move || Ok::<_, ChangeError>(keeper.warnings(&current.edited(&edit)?)));
    let found = found.await.map_err(|_| ApiError::internal("the check broke off"))??;
    let warnings: Vec<Value> = found.iter().map(warning).collect();
    Ok(HttpResponse::Ok().json(json!({ "warnings": warnings })))
}

async fn read_edit(
    state: &ApiState,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<Edit, ApiError> {
    let limits = state.config_limits();
    if request.content_type().eq_ignore_ascii_case("text/plain") {
        return Ok(Edit::Text { text: body::read_text(request, payload, limits).await? });
    }
    Ok(Edit::Config { patch: body::read_object(request, payload, limits).await? })
}

/// How the configuration is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Json { is_full: bool },
}

impl Form {
    /// What `Accept` and the query ask for.
    ///
    /// Errors: 400 for a `full` that is neither true nor false.
    fn wanted_by(request: &HttpRequest) -> Result<Self, ApiError> {
        let mut query = url::form_urlencoded::parse(request.query_string().as_bytes());
        let is_full = match query.find(|(name, _)| name == "full").as_ref().map(|(_, v)| &**v) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                let title = "full: true or false is expected";
                return Err(ApiError::bad_request("invalid_full", title).in_query("full"));
            }
        };
        let accepted = Accept::parse(request).map(|accept| accept.ranked()).unwrap_or_default();
        let mut known = accepted.iter().filter_map(|media| match media.essence_str() {
            "text/plain" => Some(Self::Text),
            "application/json" | "*/*" => Some(Self::Json { is_full }),
            _ => None,
        });
        Ok(known.next().unwrap_or(Self::Json { is_full }))
    }
}

async fn answer(
    state: &ApiState,
    settings: Arc<Loaded>,
    form: Form,
) -> Result<HttpResponse, ApiError> {
    let mut response = HttpResponse::Ok();
    response
        .insert_header(precondition::etag(&state.keeper.config_tag(&settings)))
        .insert_header((header::VARY, "Accept"))
        .content_type(match form {
            Form::Text => "text/plain; charset=utf-8",
            Form::Json { .. } => "application/json",
        });
    // A long configuration takes a while: not on a worker that redirects players.
    let shown = web::block(move || shown(&settings, form)).await;
    Ok(response.body(shown.map_err(|_| ApiError::internal("the answer broke off"))?))
}

fn shown(settings: &Loaded, form: Form) -> String {
    match form {
        Form::Text => settings.text(),
        Form::Json { is_full } => settings.json(is_full).to_string(),
    }
}

fn warning(warning: &Diagnostic) -> Value {
    let Diagnostic { path, line, column, what, expected, .. } = warning;
    json!({"title": what, "path": path, "line": line, "col": column, "detail": expected})
}
