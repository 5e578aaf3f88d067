//! `/cluster/peers`: the other nodes, as configured and as they are doing; and how each was doing
//! in the last hour.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use watershed_actors::cluster_supervisor::{SAMPLE_EVERY, Sample};
use watershed_actors::peer_actor::{KeyUse, PeerState, PeerStatus, StateChange};
use watershed_actors::report::NodeStats;

use super::ApiState;
use super::address::{Address, READ};
use super::collection::{self, Collection};
use super::error::ApiError;
use super::list::ListQuery;
use super::openapi::{About, Schema};
use crate::settings::model::{RedirectMode, Settings};
use crate::settings::{self, Shape};

/// The collection of that name.
pub(super) struct Peers;

impl Collection for Peers {
    const NAME: &'static str = "peers";
    const KEY: &'static str = "hostname";
    const ITEM: &'static str = "Peer";

    fn shown(state: &ApiState, name: &str, configured: Option<Value>) -> Option<Value> {
        let https = https_mode(&state.keeper.current().settings);
        Some(shown(configured?, state.peers.find(name).as_deref(), https, Instant::now()))
    }

    fn blank() -> Value {
        shown(settings::blank_item(Self::NAME), None, None, Instant::now())
    }

    fn schema() -> Schema {
        let state = Schema::of_type::<PeerState>();
        let stats = Schema::fields_of_type::<NodeStats>().map(|mut stats| {
            let more = &mut stats["properties"];
            more["state"] = state.shown.clone();
            more["error"] = json!({
                "type": ["string", "null"],
                "description": "why it does not answer, in words",
            });
            more["age"] = json!({
                "type": ["integer", "null"],
                "description": "milliseconds since it last answered",
            });
            more["clock_offset"] = json!({
                "type": ["integer", "null"],
                "description": "milliseconds that its clock is ahead",
            });
            more["last_error"] = json!({
                "type": ["string", "null"],
                "description": "why it last did not answer, though it may by now",
            });
            more["warning"] = json!({
                "type": ["string", "null"],
                "description": "what becomes of clients that should be sent to it, and cannot",
            });
            more["key"] = json!({
                "enum": ["current", "accepted", null],
                "description": "which of this node's keys it uses",
            });
            for field in ["fetch_ms", "fetch_average_ms"] {
                more[field] = json!({
                    "type": ["integer", "null"],
                    "description": "how long its answers take, in milliseconds",
                });
            }
            stats
        });
        let peer = |stats| {
            let mut peer = Shape::Shown.item(Self::NAME);
            peer["properties"]["stats"] = stats;
            peer
        };
        stats.speaking_of(&state).map(peer)
    }

    fn not_found(name: &str) -> ApiError {
        ApiError::not_found("peer_not_found", format!("there is no peer `{name}`"))
    }

    fn page(state: &ApiState, query: &ListQuery) -> Value {
        let (statuses, now) = (statuses(state), Instant::now());
        let current = state.keeper.current();
        let (peers, https) = (current.items(Self::NAME), https_mode(&current.settings));
        let item = |peer: &&Value| {
            let status = statuses.get(Self::name_of(peer)).map(AsRef::as_ref);
            Some(shown((*peer).clone(), status, https, now))
        };
        query.answer(Self::NAME, &peers, |peer| Self::name_of(peer), item)
    }
}

/// Their addresses.
pub(super) fn addresses() -> Vec<Address> {
    let (list, item) = ("/cluster/peers", "/cluster/peers/{hostname}");
    let mut all = Vec::from(collection::addresses::<Peers>(list, item));
    let lately = Address::guarded("/cluster/peers/{hostname}/history");
    all.push(lately.on(READ, web::to(history), about_history));
    all
}

fn about_history() -> About {
    let number = || json!({"type": ["number", "null"]});
    let state = Schema::of_type::<PeerState>();
    let history = json!({
        "type": "object",
        "properties": {
            "step_ms": {"type": "integer"},
            "samples": {"type": "array", "items": {"type": "object", "properties": {
                "at": {"type": "integer", "description": "unix milliseconds"},
                "cpu_usage": number(),
                "memory_usage": number(),
                "output_kbit": number(),
                "total_clients": number(),
                "fetch_ms": number(),
            }}},
            "changes": {"type": "array", "items": {"type": "object", "properties": {
                "at": {"type": "integer", "description": "unix milliseconds"},
                "state": state.shown,
                "reason": {"type": ["string", "null"]},
            }}},
        },
        "required": ["step_ms", "samples", "changes"],
    });
    About::new("The last hour of a peer, or of this node")
        .json(200, "oldest first", Schema::of(history).speaking_of(&state))
        .refuses(&[404])
}

/// All peers by hostname, each as the list shows it.
pub(super) fn all(state: &ApiState) -> impl ExactSizeIterator<Item = (String, Value)> + use<> {
    let (statuses, now) = (statuses(state), Instant::now());
    let current = state.keeper.current();
    let https = https_mode(&current.settings);
    current.items(Peers::NAME).into_iter().map(move |peer| {
        let name = Peers::name_of(&peer).to_owned();
        let status = statuses.get(&name).map(AsRef::as_ref);
        (name, shown(peer, status, https, now))
    })
}

fn statuses(state: &ApiState) -> HashMap<String, Arc<PeerStatus>> {
    let by_name = |status: Arc<PeerStatus>| (status.hostname.to_string(), status);
    state.peers.list().into_iter().map(by_name).collect()
}

/// A peer as configured, with what is known of it under `stats`.
fn shown(
    mut peer: Value,
    status: Option<&PeerStatus>,
    https: Option<RedirectMode>,
    now: Instant,
) -> Value {
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
    stats["last_error"] = json!(status.and_then(|status| status.last_error.as_ref()));
    let open = status.filter(|status| status.state.is_open());
    let warning =
        https.zip(open).and_then(|(mode, status)| warning(mode, status.targets.is_https()));
    stats["warning"] = json!(warning);
    stats["key"] = json!(status.and_then(|status| status.key).map(KeyUse::as_str));
    let times = status.map(|status| &status.fetch_times);
    stats["fetch_ms"] = json!(times.and_then(|times| times.last).map(millis));
    stats["fetch_average_ms"] = json!(times.and_then(|times| times.average).map(millis));
    peer["stats"] = stats;
    peer
}

/// What is done with clients that come here by https, if any can.
fn https_mode(settings: &Settings) -> Option<RedirectMode> {
    (!settings.listeners.https.is_empty()).then_some(settings.http_redirect)
}

/// What becomes of those where the peer has no https (SPEC 5.4): browsers load nothing by http into
/// a page that came by https.
fn warning(mode: RedirectMode, has_https: bool) -> Option<&'static str> {
    match mode {
        _ if has_https => None,
        RedirectMode::Auto => Some("http only: players that come here by https are relayed"),
        RedirectMode::Always => Some("http only: browsers that come here by https play nothing"),
        RedirectMode::Never => None,
    }
}

/// `/cluster/peers/{hostname}/history`: the last hour of a peer, or of this node.
async fn history(
    state: web::Data<ApiState>,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let is_peer = state.keeper.current().item(Peers::NAME, &name).is_some();
    if !is_peer && state.identity.hostname.as_str() != name.as_str() {
        return Err(Peers::not_found(&name));
    }
    let samples: Vec<Value> = state.peers.history(&name).iter().map(shown_sample).collect();
    let status = state.peers.find(&name);
    let changes = status.as_ref().map_or(&[][..], |status| &status.changes);
    let now = (Instant::now(), SystemTime::now());
    let changes: Vec<Value> = changes.iter().map(|change| shown_change(change, now)).collect();
    let step_ms = millis(SAMPLE_EVERY);
    Ok(HttpResponse::Ok().json(json!({
        "step_ms": step_ms, "samples": samples, "changes": changes,
    })))
}

fn shown_sample(sample: &Sample) -> Value {
    // As it was told: a percentage has one decimal, and the nearest f32 has more.
    let tenths = |percent: f32| (f64::from(percent) * 10.0).round() / 10.0;
    json!({
        "at": sample.at_ms,
        "cpu_usage": sample.cpu_usage.map(tenths),
        "memory_usage": sample.memory_usage.map(tenths),
        "output_kbit": sample.output_kbit,
        "total_clients": sample.total_clients,
        "fetch_ms": sample.fetch_ms,
    })
}

/// `now` is one moment by both clocks: changes are timed by the one that nobody sets.
fn shown_change(change: &StateChange, (now, wall): (Instant, SystemTime)) -> Value {
    let unix = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let at = unix.saturating_sub(now.saturating_duration_since(change.at));
    json!({"at": millis(at), "state": change.state.as_str(), "reason": change.error})
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_that_never_answered_has_every_field() {
        let peer = shown(json!({"hostname": "south"}), None, None, Instant::now());
        assert_eq!(peer["stats"]["state"], "unknown");
        for field in ["error", "age", "clock_offset", "cpu_usage", "total_clients", "hostname"]
            .into_iter()
            .chain(["last_error", "warning", "key", "fetch_ms", "fetch_average_ms"])
        {
            assert_eq!(peer["stats"].get(field), Some(&Value::Null), "{field}");
        }
        let totals = serde_json::to_value(NodeStats::default()).unwrap();
        assert!(totals.as_object().unwrap().len() > 10);
    }

    #[test]
    fn peer_without_https_is_warned_of_where_clients_come_by_it() {
        for (mode, words) in
            [(RedirectMode::Auto, "are relayed"), (RedirectMode::Always, "play nothing")]
        {
            assert!(warning(mode, false).is_some_and(|told| told.ends_with(words)), "{mode:?}");
            assert_eq!(warning(mode, true), None);
        }
        assert_eq!(warning(RedirectMode::Never, false), None);
    }

    #[test]
    fn history_is_told_in_unix_time_and_round_numbers() {
        let sample = Sample {
            at_ms: 1_700_000_000_000,
            cpu_usage: Some(12.3),
            fetch_ms: Some(4),
            ..Sample::default()
        };
        let wanted = json!({
            "at": 1_700_000_000_000_u64, "cpu_usage": 12.3, "memory_usage": null,
            "output_kbit": null, "total_clients": null, "fetch_ms": 4,
        });
        assert_eq!(shown_sample(&sample), wanted);
        let at = Instant::now();
        let error = Some("connection refused".to_owned());
        let change = StateChange { state: PeerState::Down, at, error };
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_100);
        let told = shown_change(&change, (at + Duration::from_secs(40), wall));
        let reason = "connection refused";
        let wanted = json!({"at": 1_700_000_060_000_u64, "state": "down", "reason": reason});
        assert_eq!(told, wanted);
    }
}
