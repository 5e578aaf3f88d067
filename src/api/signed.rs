//! What nodes ask each other (SPEC section 4): signed, and answered signed.
//!
//! Nothing is told, and no body kept, before the signature holds. To a stranger every refusal is
//! the same answer; why is in this node's log.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use watershed_actors::cluster_supervisor::{PeerAnnouncedChange, PeerSpoke};
use watershed_actors::report::Report;
use watershed_actors::signature::{AnswerHeaders, Refusal, RefusalCause, Verified};
use watershed_actors::stream_directory::ReportSince;

use super::ApiState;
use super::address::{Address, GET, POST};
use super::body::{self, BodyLimits};
use super::openapi::{About, Schema};

/// The longest cursor that is looked at.
const CURSOR_BYTES_MAX: usize = 256;
/// What a node may send along with a hint.
const HINT_BYTES_MAX: usize = 4096;
/// Time for it.
const HINT_TIMEOUT: Duration = Duration::from_secs(5);
/// Reports with more streams than this are encoded off the worker.
const STREAMS_INLINE_MAX: usize = 100;
/// Bodies below this gain nothing by compression.
const GZIP_BYTES_MIN: usize = 1024;

/// For a body that is not the one that was signed.
pub(super) const WRONG_BODY: Refusal = Refusal { answer: None, cause: RefusalCause::Forged };

/// Their addresses.
pub(super) fn addresses() -> [Address; 2] {
    let report_since = || {
        About::signed("What this node has, for its peers")
            .query(
                "since",
                "`cursor` of the last page; without it, everything",
                json!({"type": "string"}),
            )
            .json(200, "one page, compressed where that is accepted", Schema::of_type::<Report>())
            .empty(500, "it cannot be encoded")
            .empty(503, "not now")
    };
    let hint = || {
        About::signed("Says that something changed at the asking node")
            .empty(204, "it will be asked at once")
    };
    [
        Address::open("/cluster/report").on(GET, web::to(report), report_since),
        Address::open("/cluster/changed").on(POST, web::to(changed), hint),
    ]
}

/// `GET /cluster/report?since=CURSOR`: what this node has.
async fn report(state: web::Data<ApiState>, request: HttpRequest) -> HttpResponse {
    let verified = match admit(&state, &request) {
        Ok(verified) if verified.body_matches(b"") => verified,
        Ok(_) => return state.refusals.answer(&request, &WRONG_BODY),
        Err(refusal) => return state.refusals.answer(&request, &refusal),
    };
    // A full mailbox means that it hears enough; the polls stay the truth.
    let kid = verified.kid().to_owned();
    let _ = state.peer_spoke.try_send(PeerSpoke { node: verified.sender, kid });
    let cursor = since(request.query_string());
    let Ok(report) = state.report.send(ReportSince { cursor }).await else {
        log::error!("cluster report: the stream directory does not answer");
        return answer(&state, &verified, StatusCode::SERVICE_UNAVAILABLE, Vec::new());
    };
    let takes_gzip = takes_gzip(&request);
    let is_short = report.streams.len() + report.removed.len() <= STREAMS_INLINE_MAX;
    let encoded = if is_short {
        encode(&report, takes_gzip)
    } else {
        web::block(move || encode(&report, takes_gzip)).await.ok().flatten()
    };
    let Some((bytes, is_gzip)) = encoded else {
        log::error!("cluster report: it cannot be encoded");
        return answer(&state, &verified, StatusCode::INTERNAL_SERVER_ERROR, Vec::new());
    };
    let mut response = answer(&state, &verified, StatusCode::OK, bytes);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    if is_gzip {
        headers.insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
    }
    response
}

/// `POST /cluster/changed`: a peer says that something changed there, so it is asked at once.
async fn changed(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let asked = admit_with_body(&state, &request, payload, (HINT_BYTES_MAX, HINT_TIMEOUT)).await;
    let verified = match asked {
        Ok((verified, _)) => verified,
        Err(refusal) => return refusal,
    };
    let _ = state.peer_changed.try_send(PeerAnnouncedChange { node: verified.sender });
    answer(&state, &verified, StatusCode::NO_CONTENT, Vec::new())
}

/// Checks who asks, then reads the body that was signed, within bytes and a time.
///
/// Errors: the answer to a stranger.
pub(super) async fn admit_with_body(
    state: &ApiState,
    request: &HttpRequest,
    payload: web::Payload,
    (bytes_max, timeout): (usize, Duration),
) -> Result<(Verified, Vec<u8>), HttpResponse> {
    let refused = |refusal: &Refusal| state.refusals.answer(request, refusal);
    let verified = admit(state, request).map_err(|refusal| refused(&refusal))?;
    let hits = state.limit_hits.clone();
    let limits = BodyLimits { bytes_max, bytes_limit: "http_body_size", timeout, hits };
    match body::read(request, payload, limits).await {
        Ok(body) if verified.body_matches(&body) => Ok((verified, body)),
        Ok(_) | Err(_) => Err(refused(&WRONG_BODY)),
    }
}

/// Checks who asks, before anything of the body is kept.
pub(super) fn admit(state: &ApiState, request: &HttpRequest) -> Result<Verified, Refusal> {
    let authorization = request.headers().get(header::AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    state.guard.check(request.method().as_str(), target, authorization, unix_s())
}

/// Answers with a whole body, and signs it.
pub(super) fn answer(
    state: &ApiState,
    verified: &Verified,
    status: StatusCode,
    body: Vec<u8>,
) -> HttpResponse {
    let headers = state.guard.sign_answer(verified, status.as_u16(), &body, unix_s());
    signed(status, &headers).body(body)
}

/// Begins an answer that was signed.
pub(super) fn signed(
    status: StatusCode,
    headers: &AnswerHeaders,
) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    for (name, value) in headers.pairs() {
        response.insert_header((name, value));
    }
    response
}

fn since(query: &str) -> Option<String> {
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    let cursor = parameters.find(|(name, _)| name == "since")?.1;
    (!cursor.is_empty() && cursor.len() <= CURSOR_BYTES_MAX).then(|| cursor.into_owned())
}

/// The report as it is sent, and whether that is compressed.
fn encode(report: &Report, takes_gzip: bool) -> Option<(Vec<u8>, bool)> {
    let json = serde_json::to_vec(report).ok()?;
    if !takes_gzip || json.len() < GZIP_BYTES_MIN {
        return Some((json, false));
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&json).ok()?;
    Some((encoder.finish().ok()?, true))
}

fn takes_gzip(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(header::ACCEPT_ENCODING);
    let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| coding.trim() == "gzip")
}

/// This node's clock.
pub(super) fn unix_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
