//! `/cluster/peers`: the other nodes, as configured and as they are doing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use watershed_actors::peer_actor::{PeerState, PeerStatus};

use super::ApiState;
use super::collection::Collection;
use super::error::ApiError;
use super::list::ListQuery;
use crate::settings;

/// The collection of that name.
pub(super) struct Peers;

impl Collection for Peers {
    const NAME: &'static str = "peers";
    const KEY: &'static str = "hostname";

    fn shown(state: &ApiState, name: &str, configured: Option<Value>) -> Option<Value> {
        Some(shown(configured?, state.peers.find(name).as_deref(), Instant::now()))
    }

    fn blank() -> Value {
        shown(settings::blank_item(Self::NAME), None, Instant::now())
    }

    fn not_found(name: &str) -> ApiError {
        ApiError::not_found("peer_not_found", format!("there is no peer `{name}`"))
    }

    fn page(state: &ApiState, query: &ListQuery) -> Value {
        let (statuses, now) = (statuses(state), Instant::now());
        let peers = state.keeper.current().items(Self::NAME);
        let item = |peer: &&Value| {
            let status = statuses.get(Self::name_of(peer)).map(AsRef::as_ref);
            Some(shown((*peer).clone(), status, now))
        };
        query.answer(Self::NAME, &peers, |peer| Self::name_of(peer), item)
    }
}

/// All peers by hostname, each as the list shows it.
pub(super) fn all(state: &ApiState) -> impl ExactSizeIterator<Item = (String, Value)> + use<> {
    let (statuses, now) = (statuses(state), Instant::now());
    state.keeper.current().items(Peers::NAME).into_iter().map(move |peer| {
        let name = Peers::name_of(&peer).to_owned();
        let status = statuses.get(&name).map(AsRef::as_ref);
        (name, shown(peer, status, now))
    })
}

fn statuses(state: &ApiState) -> HashMap<String, Arc<PeerStatus>> {
    let by_name = |status: Arc<PeerStatus>| (status.hostname.to_string(), status);
    state.peers.list().into_iter().map(by_name).collect()
}

/// A peer as configured, with what is known of it under `stats`.
fn shown(mut peer: Value, status: Option<&PeerStatus>, now: Instant) -> Value {
    let totals = status.and_then(|status| status.stats.as_deref().cloned());
    let mut stats = serde_json::to_value(totals.unwrap_or_default()).unwrap_or_default();
    let state = status.map_or(PeerState::Unknown, |status| status.state);
    let age = status
        .and_then(|status| status.answered_at)
        .and_then(|at| u64::try_from(now.saturating_duration_since(at).as_millis()).ok());
    stats["state"] = json!(state.as_str());
    stats["error"] = json!(status.and_then(|status| status.error.as_ref()));
    stats["age"] = json!(age);
    stats["clock_offset"] = json!(status.and_then(|status| status.clock_offset_ms));
    peer["stats"] = stats;
    peer
}

#[cfg(test)]
mod tests {
    use watershed_actors::report::NodeStats;

    use super::*;

    #[test]
    fn peer_that_never_answered_has_every_field() {
        let peer = shown(json!({"hostname": "south"}), None, Instant::now());
        assert_eq!(peer["stats"]["state"], "unknown");
        for field in ["error", "age", "clock_offset", "cpu_usage", "total_clients", "hostname"] {
            assert_eq!(peer["stats"].get(field), Some(&Value::Null), "{field}");
        }
        let totals = serde_json::to_value(NodeStats::default()).unwrap();
        assert!(totals.as_object().unwrap().len() > 10);
    }
}
