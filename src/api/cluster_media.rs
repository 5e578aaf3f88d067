//! What a node asks that relays a stream of this one (SPEC 5.4): its packets, and whether a client
//! may play it. Signed as all that nodes ask each other.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt as _;
use watershed_actors::live_stream::StreamStatus;
use watershed_actors::relay::{AuthorizeAnswer, AuthorizeAsk, feed};

use super::ApiState;
use super::address::{Address, GET, POST};
use super::openapi::{About, JSON, Schema};
use super::signed::{WRONG_BODY, admit, admit_with_body, answer, signed, unix_s};

/// The longest question about a client: that of an HTTP head, and some.
const QUESTION_BYTES_MAX: usize = 64 << 10;
/// Time for it.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Their addresses.
pub(super) fn addresses() -> [Address; 2] {
    let packets = || {
        About::signed("The packets of a stream of this node, for a node that relays it")
            .answers(
                200,
                "frames without end, each of which proves itself",
                [("application/octet-stream", Schema::text())],
            )
            .empty(404, "no stream of this node")
            .empty(503, "it has no frames, or the node is stopping")
    };
    let judged = || {
        About::signed("Whether a client of the asking node may play a stream of this one")
            .asks([(JSON, Schema::of_type::<AuthorizeAsk>())])
            .json(200, "the verdict", Schema::of_type::<AuthorizeAnswer>())
            .empty(400, "no such question")
    };
    [
        Address::open("/cluster/media/{name}").on(GET, web::to(media), packets),
        Address::open("/cluster/authorize").on(POST, web::to(authorize), judged),
    ]
}

/// `GET /cluster/media/{name}`: the packets of a stream of this node, without end.
///
/// Only its own streams: what is relayed here is not relayed on, so a relay is one hop.
async fn media(
    state: web::Data<ApiState>,
    name: Option<web::Path<String>>,
    request: HttpRequest,
) -> HttpResponse {
    let verified = match admit(&state, &request) {
        Ok(verified) if verified.body_matches(b"") => verified,
        Ok(_) => return state.refusals.answer(&request, &WRONG_BODY),
        Err(refusal) => return state.refusals.answer(&request, &refusal),
    };
    let name = name.map(web::Path::into_inner).unwrap_or_default();
    let Some(entry) = state.streams.find(&name) else {
        return answer(&state, &verified, StatusCode::NOT_FOUND, Vec::new());
    };
    let is_dry = matches!(entry.broadcast.status(), StreamStatus::Waiting | StreamStatus::Failed);
    if is_dry || state.directory.is_draining() {
        return answer(&state, &verified, StatusCode::SERVICE_UNAVAILABLE, Vec::new());
    }
    log::info!("stream {name}: relayed to node {}", verified.sender);
    // The head is signed as that of an empty body; each frame proves itself.
    let headers = state.guard.sign_answer(&verified, StatusCode::OK.as_u16(), b"", unix_s());
    signed(StatusCode::OK, &headers)
        .insert_header((header::CONTENT_TYPE, "application/octet-stream"))
        .streaming(Box::pin(feed(&entry, &verified.frame_key()).map(Ok::<_, Infallible>)))
}

/// `POST /cluster/authorize`: whether a client of the asking node may play a stream of this one.
async fn authorize(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let limits = (QUESTION_BYTES_MAX, QUESTION_TIMEOUT);
    let (verified, question) = match admit_with_body(&state, &request, payload, limits).await {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let Ok(question) = serde_json::from_slice::<AuthorizeAsk>(&question) else {
        return answer(&state, &verified, StatusCode::BAD_REQUEST, Vec::new());
    };
    let verdict = question.judge(state.streams.find(&question.name).is_some());
    let body = serde_json::to_vec(&verdict).unwrap_or_default();
    let mut response = answer(&state, &verified, StatusCode::OK, body);
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
