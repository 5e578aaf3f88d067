//! `/config/stats`: this node in numbers.

use std::iter;
use std::time::SystemTime;

use actix_web::{HttpResponse, web};
use serde_json::Value;
use watershed_actors::report::{NodeStats, StreamerStatus};

use super::ApiState;
use super::address::{Address, READ};
use super::error::ApiError;
use super::monitoring::NodePhase;
use super::openapi::{About, Schema};

/// Its address.
pub(super) fn address() -> Address {
    let about = || {
        About::new("This node in numbers, any of which may be null").json(
            200,
            "as last sampled",
            Schema::of_type::<NodeStats>(),
        )
    };
    Address::guarded("/config/stats").on(READ, web::to(show), about)
}

/// Answers with the numbers as last sampled, and the status as of now.
async fn show(state: web::Data<ApiState>) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(now(&state)))
}

/// The only item, by hostname, as [`show`] answers.
pub(super) fn all(state: &ApiState) -> impl ExactSizeIterator<Item = (String, Value)> + use<> {
    let stats = serde_json::to_value(now(state)).unwrap_or_default();
    iter::once((state.identity.hostname.to_string(), stats))
}

/// The same for those who show it otherwise.
pub(super) fn now(state: &ApiState) -> NodeStats {
    let mut stats = NodeStats::clone(&state.stats.load());
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    stats.now = u64::try_from(unix.as_millis()).ok();
    stats.uptime = stats.started_at.map(|started| unix.as_secs().saturating_sub(started));
    stats.streamer_status = Some(status(state));
    stats
}

fn status(state: &ApiState) -> StreamerStatus {
    match state.readiness.phase() {
        NodePhase::Draining => StreamerStatus::Draining,
        NodePhase::Starting => StreamerStatus::Starting,
        NodePhase::Running if state.keeper.is_file_broken() => StreamerStatus::BrokenConfig,
        NodePhase::Running => StreamerStatus::Running,
    }
}
