//! Endless responses: HTTP MPEG-TS.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use futures_util::StreamExt;
use watershed_actors::http_session::{HttpSession, LiveBodyLimits};
use watershed_actors::stream_hub::LocalEntry;

use super::{PlaySettings, answers};

const TS_TYPE: &str = "video/mp2t";
/// A stream that was just started may take this long to its first frame.
const START_WITHIN: Duration = Duration::from_secs(10);
/// A reader that fell out of the ring this often in one session is too slow for the stream.
const SKIPS_MAX: u32 = 5;

/// The head of [`mpegts`], at once and without a session.
pub(super) fn head() -> HttpResponse {
    answers::uncached(StatusCode::OK).content_type(TS_TYPE).finish()
}

/// Follows the stream live, from its last keyframe.
pub(super) async fn mpegts(entry: &LocalEntry, settings: &PlaySettings) -> HttpResponse {
    if !entry.wait_until_running(START_WITHIN).await {
        return answers::later();
    }
    let limits = LiveBodyLimits {
        write_batching: settings.write_batching,
        silence_max: settings.silence_max,
        skips_max: SKIPS_MAX,
    };
    let body = HttpSession::open(Arc::clone(&entry.broadcast), limits);
    answers::uncached(StatusCode::OK)
        .content_type(TS_TYPE)
        .streaming(Box::pin(body.into_stream().map(Ok::<_, Infallible>)))
}
