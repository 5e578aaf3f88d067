//! `/metrics`: the node in OpenMetrics text, made from the snapshots of the moment.
//!
//! Nothing is registered per peer, stream or limit: collectors walk what is there now, so nothing
//! is left behind when a peer goes, and nothing is counted for it on the way of a packet.
//!
//! Source: `OpenMetrics` 1.0; names as prometheus.io/docs/practices/naming asks. No label tells of
//! a client: there may be any number of them.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeMetric, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use watershed_actors::live_stream::StreamStatus;
use watershed_actors::node_stats::ProcessReading;
use watershed_actors::peer_actor::{FetchFailure, FetchTimes, PeerState, PeerStatus};
use watershed_actors::stream_hub::LocalEntry;

use super::ApiState;
use super::address::{Address, READ};
use super::error::ApiError;
use super::openapi::{About, Schema};
use crate::panics;

/// What the binary was built from, where whoever built it says so.
const REVISION: Option<&str> = option_env!("WATERSHED_REVISION");

/// What a stream can be doing, and the word for it.
const STREAM_STATES: [(StreamStatus, &str); 5] = [
    (StreamStatus::Idle, "idle"),
    (StreamStatus::Starting, "starting"),
    (StreamStatus::Running, "running"),
    (StreamStatus::Waiting, "waiting"),
    (StreamStatus::Failed, "failed"),
];

/// Its address.
pub(super) fn address() -> Address {
    let about = || {
        About::new("The node's metrics, for Prometheus").answers(
            200,
            "OpenMetrics text",
            [("application/openmetrics-text", Schema::text())],
        )
    };
    Address::guarded("/metrics").on(READ, web::to(show), about)
}

/// Answers with all metrics.
async fn show(state: web::Data<ApiState>) -> Result<HttpResponse, ApiError> {
    // Thousands of streams, and the system's word on the process: not on a worker.
    let text = web::block(move || written(state)).await.ok().and_then(Result::ok);
    let text = text.ok_or_else(|| ApiError::internal("the metrics cannot be written"))?;
    Ok(HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(text))
}

fn written(state: web::Data<ApiState>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(ProcessMetrics));
    let own = registry.sub_registry_with_prefix("watershed");
    own.register_collector(Box::new(NodeMetrics { state }));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// Labels and their values.
type Labels = Vec<(&'static str, String)>;

/// What every process tells, by the names that all of them use.
#[derive(Debug)]
struct ProcessMetrics;

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let process = ProcessReading::now();
        let cpu = process.cpu_ms.map(|ms| (Labels::new(), Duration::from_millis(ms).as_secs_f64()));
        counters(&mut encoder, "process_cpu_seconds", "Processor time of all threads", cpu)?;
        let gauges_of_one = [
            (
                "process_resident_memory_bytes",
                "Memory that is really there",
                process.resident_bytes,
            ),
            ("process_virtual_memory_bytes", "Addresses taken", process.virtual_bytes),
            ("process_start_time_seconds", "When it started, in unix time", process.started_unix_s),
            ("process_open_fds", "Open descriptors", process.descriptors.map(as_u64)),
            ("process_max_fds", "Most descriptors", process.descriptors_max.map(as_u64)),
        ];
        for (name, help, value) in gauges_of_one {
            gauges(&mut encoder, name, help, value.map(|value| (Labels::new(), number(value))))?;
        }
        Ok(())
    }
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

impl Collector for NodeMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_node(&mut encoder)?;
        let peers = self.state.peers.list();
        encode_peer_states(&mut encoder, peers.iter().map(AsRef::as_ref))?;
        encode_peer_polls(&mut encoder, peers.iter().map(AsRef::as_ref))?;
        self.encode_clients(&mut encoder)?;
        let previews = [(Labels::new(), self.state.previews.load(Ordering::Relaxed))];
        counters(&mut encoder, "previews", "Previews made, or tried", previews)?;
        let mut streams = self.state.streams.all();
        encode_stream_states(&mut encoder, &streams)?;
        if self.state.keeper.current().settings.stream_metrics {
            streams.sort_unstable_by(|a, b| a.broadcast.name().cmp(b.broadcast.name()));
            encode_streams(&mut encoder, &streams)?;
        }
        Ok(())
    }
}

impl NodeMetrics {
    fn encode_node(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let state = &self.state;
        let mut build = vec![("version", state.identity.version.clone())];
        build.extend(REVISION.map(|revision| ("revision", revision.to_owned())));
        gauges(encoder, "build_info", "The running version", [(build, 1.0)])?;
        let is_good = [(Labels::new(), truth(!state.keeper.is_file_broken()))];
        let help = "Whether the configuration could be used when it was last read";
        gauges(encoder, "config_last_reload_successful", help, is_good)?;
        let panics = [(Labels::new(), panics::total())];
        counters(encoder, "panics", "Parts of the program that died of a fault in it", panics)?;
        let hits = state.limit_hits.counts().into_iter();
        let hits = hits.map(|(limit, count)| (vec![("limit", limit.to_owned())], count));
        counters(encoder, "limit_hits", "Refusals by the limit that was hit", hits)
    }

    fn encode_clients(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let state = &self.state;
        let redirects = state.directory.redirect_counts().into_iter().map(|redirect| {
            let protocol = ("protocol", redirect.protocol.to_owned());
            (vec![protocol, ("reason", redirect.reason.to_owned())], redirect.count)
        });
        counters(encoder, "redirects", "Clients sent to a peer", redirects)?;
        let loops = [(Labels::new(), state.directory.loop_count())];
        let help = "Clients that came back with a young mark";
        counters(encoder, "redirect_loops", help, loops)?;
        let clients = state
            .sessions
            .count_players()
            .named()
            .into_iter()
            .map(|(protocol, count)| (vec![("protocol", protocol.to_owned())], number(count)));
        gauges(encoder, "clients", "Clients that play from this node", clients)?;
        let streams = state.streams.all();
        let relays = streams.iter().map(|one| u64::from(one.broadcast.viewers().relays())).sum();
        let help = "Streams that other nodes relay from this one";
        gauges(encoder, "relays", help, [(Labels::new(), number(relays))])
    }
}

fn encode_peer_states<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    peers: impl Iterator<Item = &'a PeerStatus> + Clone,
) -> fmt::Result {
    let up = peers.clone().map(|peer| (vec![label(peer)], truth(peer.state.is_open())));
    gauges(encoder, "peer_up", "Whether clients may be sent to the peer", up)?;
    let states = peers.clone().flat_map(|peer| {
        PeerState::ALL.iter().map(|state| {
            let labels = vec![label(peer), ("state", state.as_str().to_owned())];
            (labels, truth(peer.state == *state))
        })
    });
    gauges(encoder, "peer_state", "The peer's state: 1 for the one that it is in", states)?;
    let offsets = peers.filter_map(|peer| {
        let millis = i32::try_from(peer.clock_offset_ms?).ok()?;
        Some((vec![label(peer)], f64::from(millis) / 1000.0))
    });
    let help = "By how much the peer's clock is ahead of this node's";
    gauges(encoder, "peer_clock_offset_seconds", help, offsets)
}

fn encode_peer_polls<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    peers: impl Iterator<Item = &'a PeerStatus> + Clone,
) -> fmt::Result {
    let now = Instant::now();
    let ages = peers.clone().filter_map(|peer| {
        let age = now.saturating_duration_since(peer.answered_at?);
        Some((vec![label(peer)], age.as_secs_f64()))
    });
    gauges(encoder, "peer_data_age_seconds", "Time since the peer last answered", ages)?;
    let (name, help) = ("peer_poll_duration_seconds", "How long the peer took to answer");
    let mut polls = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for peer in peers.clone() {
        Spread(&peer.fetch_times).encode(polls.encode_family(&[label(peer)])?)?;
    }
    let failures = peers.flat_map(|peer| {
        FetchFailure::REASONS.iter().map(|reason| {
            let count = peer.failures.get(reason).copied().unwrap_or(0);
            (vec![label(peer), ("reason", (*reason).to_owned())], count)
        })
    });
    counters(encoder, "peer_poll_failures", "Fetches that failed, by reason", failures)
}

fn encode_stream_states(
    encoder: &mut DescriptorEncoder<'_>,
    streams: &[LocalEntry],
) -> fmt::Result {
    let statuses: Vec<StreamStatus> = streams.iter().map(|one| one.broadcast.status()).collect();
    let counts = STREAM_STATES.map(|(status, word)| {
        let count = statuses.iter().filter(|one| **one == status).count();
        (vec![("state", word.to_owned())], number(as_u64(count)))
    });
    gauges(encoder, "streams", "Streams of this node, by what they are doing", counts)
}

fn encode_streams(encoder: &mut DescriptorEncoder<'_>, streams: &[LocalEntry]) -> fmt::Result {
    let label = |stream: &LocalEntry| ("stream", stream.broadcast.name().to_string());
    let up = streams.iter().map(|stream| {
        (vec![label(stream)], truth(stream.broadcast.status() == StreamStatus::Running))
    });
    gauges(encoder, "stream_up", "Whether frames of the stream come", up)?;
    let received =
        streams.iter().map(|stream| (vec![label(stream)], stream.broadcast.facts().bytes_in));
    counters(encoder, "stream_received_bytes", "Media taken in", received)?;
    let sent = streams.iter().flat_map(|stream| {
        stream.broadcast.counters().bytes_out_by_protocol().map(|(protocol, bytes)| {
            (vec![label(stream), ("protocol", protocol.to_owned())], bytes)
        })
    });
    counters(encoder, "stream_sent_bytes", "Media given out, to clients and other nodes", sent)
}

fn label(peer: &PeerStatus) -> (&'static str, String) {
    ("peer", peer.hostname.to_string())
}

fn truth(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts, seconds and bytes are below 2^53")]
fn number(value: u64) -> f64 {
    value as f64
}

/// A histogram of what was measured elsewhere.
struct Spread<'a>(&'a FetchTimes);

impl EncodeMetric for Spread<'_> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let Self(times) = self;
        let (sum, count, buckets) = (times.sum.as_secs_f64(), times.count(), times.buckets());
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

fn counters<N: EncodeCounterValue>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels, N)>,
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
