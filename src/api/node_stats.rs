//! `/config/stats`: this node in numbers.

use std::iter;
use std::time::SystemTime;

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use watershed_actors::report::{NodeStats, StreamerStatus};

use super::ApiState;
use super::address::{Address, READ};
use super::error::ApiError;
use super::monitoring::NodePhase;
use super::openapi::{About, Schema};

/// The field that no report carries: a node tells its peers only of itself.
const CLUSTER_STREAMS: &str = "cluster_streams";

/// Its address.
pub(super) fn address() -> Address {
    let about = || {
        let stats = Schema::fields_of_type::<NodeStats>().map(|mut stats| {
            stats["properties"][CLUSTER_STREAMS] = json!({
                "type": "integer",
                "description": "streams captured by this node and the peers it hears, each once",
            });
            stats
        });
        About::new("This node in numbers, any of which may be null").json(
            200,
            "as last sampled",
            stats,
        )
    };
    Address::guarded("/config/stats").on(READ, web::to(show), about)
}

/// Answers with the numbers as last sampled, and the status as of now.
async fn show(state: web::Data<ApiState>) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(shown(&state)))
}

/// The only item, by hostname, as [`show`] answers.
pub(super) fn all(state: &ApiState) -> impl ExactSizeIterator<Item = (String, Value)> + use<> {
    iter::once((state.identity.hostname.to_string(), shown(state)))
}

/// The numbers of this node, and the one of the cluster that no sum of nodes tells: several may
/// capture one stream.
fn shown(state: &ApiState) -> Value {
    let mut stats = serde_json::to_value(now(state)).unwrap_or_default();
    stats[CLUSTER_STREAMS] = json!(state.directory.captured_count());
    stats
}

/// The numbers of this node as of now.
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
