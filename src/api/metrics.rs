//! `/metrics`: the node in OpenMetrics text, made from the snapshots of the moment.
//!
//! Nothing is registered per peer or limit: a collector walks what is there now, so nothing is left
//! behind when a peer goes.

use std::fmt;
use std::time::Instant;

use actix_web::{HttpResponse, web};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::ApiState;
use super::error::ApiError;

/// Answers with all metrics.
pub(super) async fn show(state: web::Data<ApiState>) -> Result<HttpResponse, ApiError> {
    let mut registry = Registry::with_prefix("watershed");
    registry.register_collector(Box::new(NodeMetrics { state }));
    let mut text = String::new();
    encode(&mut text, &registry)
        .map_err(|_| ApiError::internal("the metrics cannot be written"))?;
    Ok(HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(text))
}

/// Reads everything when it is asked.
struct NodeMetrics {
    state: web::Data<ApiState>,
}

impl fmt::Debug for NodeMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeMetrics").finish_non_exhaustive()
    }
}

/// Labels and their values.
type Labels = Vec<(&'static str, String)>;

impl Collector for NodeMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let state = &self.state;
        let version = vec![("version", state.identity.version.clone())];
        gauges(&mut encoder, "build_info", "The running version", [(version, 1.0)])?;
        self.encode_peers(&mut encoder)?;
        let redirects = state.directory.redirect_counts().into_iter().map(|redirect| {
            let protocol = ("protocol", redirect.protocol.to_owned());
            (vec![protocol, ("reason", redirect.reason.to_owned())], redirect.count)
        });
        counters(&mut encoder, "redirects", "Clients sent to a peer", redirects)?;
        let loops = [(Labels::new(), state.directory.loop_count())];
        let help = "Clients that came back with a young mark";
        counters(&mut encoder, "redirect_loops", help, loops)?;
        let hits = state.limit_hits.counts().into_iter();
        let hits = hits.map(|(limit, count)| (vec![("limit", limit.to_owned())], count));
        counters(&mut encoder, "limit_hits", "Refusals by the limit that was hit", hits)?;
        self.encode_streams(&mut encoder)
    }
}

impl NodeMetrics {
    fn encode_peers(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let peers = self.state.peers.list();
        let label = |hostname: &dyn fmt::Display| ("peer", hostname.to_string());
        let up = peers
            .iter()
            .map(|peer| (vec![label(&peer.hostname)], f64::from(u8::from(peer.state.is_open()))));
        gauges(encoder, "peer_up", "Whether clients may be sent to the peer", up)?;
        let states = peers.iter().map(|peer| {
            (vec![label(&peer.hostname), ("state", peer.state.as_str().to_owned())], 1.0)
        });
        gauges(encoder, "peer_state", "The peer's state, by name", states)?;
        let now = Instant::now();
        let ages = peers.iter().filter_map(|peer| {
            let age = now.saturating_duration_since(peer.answered_at?);
            Some((vec![label(&peer.hostname)], age.as_secs_f64()))
        });
        gauges(encoder, "peer_data_age_seconds", "Time since the peer last answered", ages)?;
        let failures = peers.iter().flat_map(|peer| {
            peer.failures.iter().map(|(reason, count)| {
                (vec![label(&peer.hostname), ("reason", (*reason).to_owned())], *count)
            })
        });
        counters(encoder, "peer_poll_failures", "Fetches that failed, by reason", failures)
    }

    fn encode_streams(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let stats = self.state.stats.load();
        #[expect(clippy::cast_precision_loss, reason = "counts of clients and streams are small")]
        let number = |value: Option<u64>| value.unwrap_or(0) as f64;
        let streams = [("captured", stats.total_streams), ("online", stats.online_streams)]
            .map(|(state, count)| (vec![("state", state.to_owned())], number(count)));
        gauges(encoder, "streams", "Streams of this node", streams)?;
        let clients = self.state.sessions.count_players().into_iter().map(|(protocol, count)| {
            (vec![("protocol", protocol.to_owned())], number(Some(count)))
        });
        gauges(encoder, "clients", "Clients that play from this node", clients)
    }
}

fn counters(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels, u64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels, f64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
