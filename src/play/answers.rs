//! The short answers of playback, all readable by pages of any origin.

use std::borrow::Cow;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde_json::json;
use watershed_actors::report::TrackReport;
use watershed_actors::session_registry::PlayerRefused;
use watershed_media::track::Track;

use super::path::Output;
use super::progressive::Endless;

/// What a page of another origin may read of an answer, besides its body.
pub(crate) const EXPOSED_HEADERS: &str = "content-length, content-range";

/// Begins a playback answer: open to every origin, without credentials.
pub(crate) fn builder(status: StatusCode) -> HttpResponseBuilder {
    let mut builder = HttpResponse::build(status);
    builder
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS));
    builder
}

/// As [`builder`], for what must be asked anew each time.
pub(crate) fn uncached(status: StatusCode) -> HttpResponseBuilder {
    let mut builder = builder(status);
    builder.insert_header((header::CACHE_CONTROL, "no-store"));
    builder
}

/// The answer to a browser's preflight.
pub(crate) fn preflight() -> HttpResponse {
    builder(StatusCode::NO_CONTENT)
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "range"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

/// 404 in words.
pub(crate) fn not_found(reason: impl Into<Cow<'static, str>>) -> HttpResponse {
    uncached(StatusCode::NOT_FOUND)
        .content_type("text/plain; charset=utf-8")
        .body(reason.into().into_owned())
}

/// 404 for an output that streams may have elsewhere, but not here.
pub(crate) fn no_such_output() -> HttpResponse {
    not_found("this node makes no such output of its streams")
}

/// 404 in the manner of the API: there is a stream, but no picture of it.
pub(crate) fn no_preview(reason: &str) -> HttpResponse {
    let error = json!({ "status": "404", "code": "no_preview", "title": reason });
    uncached(StatusCode::NOT_FOUND).json(json!({ "error": "not_found", "errors": [error] }))
}

/// 405: the stream is here, but this is only read, or published.
pub(crate) fn method_not_allowed(output: Output<'_>) -> HttpResponse {
    let allowed = match output {
        Output::Endless(Endless::MpegTs) => "GET, HEAD, OPTIONS, POST, PUT",
        _ => "GET, HEAD, OPTIONS",
    };
    uncached(StatusCode::METHOD_NOT_ALLOWED).insert_header((header::ALLOW, allowed)).finish()
}

/// 503 with a time to ask again.
pub(crate) fn later() -> HttpResponse {
    later_because("the stream has no picture right now; ask again in a second")
}

/// The same for another reason.
pub(crate) fn later_because(reason: &'static str) -> HttpResponse {
    uncached(StatusCode::SERVICE_UNAVAILABLE)
        .insert_header((header::RETRY_AFTER, "1"))
        .content_type("text/plain; charset=utf-8")
        .body(reason)
}

/// 403 or 503 in words: the client may not have, or go on with, a session.
pub(crate) fn player_refused(refused: PlayerRefused) -> HttpResponse {
    let mut answer = match refused {
        PlayerRefused::Ended => uncached(StatusCode::FORBIDDEN),
        PlayerRefused::TooMany(_) => uncached(StatusCode::SERVICE_UNAVAILABLE),
    };
    answer.content_type("text/plain; charset=utf-8").body(refused.to_string())
}

/// The tracks as JSON.
pub(crate) fn media_info(tracks: &[Track]) -> HttpResponse {
    let tracks: Vec<TrackReport> = tracks.iter().map(TrackReport::from).collect();
    uncached(StatusCode::OK).json(json!({ "tracks": tracks }))
}
