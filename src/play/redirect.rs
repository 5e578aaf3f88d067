//! The redirect by way of the framework; the same before it is in [`quick`](super::quick).

use actix_web::HttpResponse;
use actix_web::http::{Method, StatusCode, Uri, header};
use watershed_actors::redirect::ViaMark;
use watershed_actors::stream_directory::PeerRoute;
use watershed_actors::wall_clock::unix_ms;

use super::{Play, answers};

/// Answers with the redirect to `route`.
pub(super) fn answer(play: &Play, route: &PeerRoute, method: &Method, uri: &Uri) -> HttpResponse {
    let mark = ViaMark::of(play.node, unix_ms() / 1000);
    let Ok(location) = route.targets.http_location(uri.path(), uri.query(), mark) else {
        return answers::not_found("no such page, and no stream output of that name");
    };
    let status = match *method {
        Method::POST | Method::PUT => StatusCode::TEMPORARY_REDIRECT,
        _ => StatusCode::FOUND,
    };
    answers::uncached(status).insert_header((header::LOCATION, location)).finish()
}
