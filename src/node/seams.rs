//! The small traits by which the API and playback reach what they may not know.

use std::net::IpAddr;

use futures_util::future::LocalBoxFuture;
use watershed_actors::cluster_supervisor::PeersView;
use watershed_actors::live_stream::{InputReport, InputSource};
use watershed_actors::names::StreamName;
use watershed_actors::preamble::ProxyTrust;
use watershed_actors::stream_hub::{LocalEntry, LocalStreams, StopNamed, StreamHub};

use crate::api::{InputDetails, OwnStreams, StreamDetails};
use crate::play::EntryNodes;
use crate::settings::Keeper;

/// The node's streams as the API asks for them.
#[derive(Clone, Debug)]
pub(super) struct HubStreams {
    pub(super) streams: LocalStreams,
    pub(super) hub: actix::Addr<StreamHub>,
}

impl OwnStreams for HubStreams {
    fn details(&self, name: &StreamName) -> Option<StreamDetails> {
        self.streams.find(name.as_str()).map(|entry| details(&entry))
    }

    fn stop(&self, name: StreamName) -> LocalBoxFuture<'static, bool> {
        let stopping = self.hub.send(StopNamed(name));
        Box::pin(async move { stopping.await.unwrap_or(false) })
    }
}

fn details(entry: &LocalEntry) -> StreamDetails {
    let facts = entry.broadcast.facts();
    let inputs = entry.spec.inputs.iter().zip(facts.capture.inputs);
    StreamDetails {
        id: Some(facts.capture.capture_id),
        input_bitrate_kbit: facts.capture.input_kbit,
        output_bitrate_kbit: Some(facts.capture.output_kbit),
        client_count: Some(facts.sessions_total),
        relays: Some(entry.broadcast.viewers().relays()),
        opened_at_ms: facts.capture.opened_at_ms,
        retry_count: Some(facts.capture.retry_count),
        bytes_in: Some(facts.bytes_in),
        bytes_out: Some(facts.bytes_out),
        last_dts_ms: facts.last_dts_ms,
        last_frame_ms: facts.last_frame_ms,
        source_error: facts.capture.source_error,
        inputs: inputs.map(|(spec, report)| input_details(&spec.source, report)).collect(),
    }
}

fn input_details(source: &InputSource, report: InputReport) -> InputDetails {
    InputDetails {
        url: match source {
            InputSource::Publish => "publish://".to_owned(),
            InputSource::File(path) => format!("file://{}", path.display()),
            InputSource::Pull(pull) => pull.url.to_string(),
            InputSource::Relay(_) => "another node".to_owned(),
        },
        is_active: report.is_active,
        status: report.state.as_str(),
        error: report.error,
        retry_count: report.retry_count,
        last_frame_ms: report.last_frame_ms,
        bitrate_kbit: report.input_kbit,
    }
}

/// The peers a player may enter the cluster by.
#[derive(Clone, Debug)]
pub(super) struct OpenPeers(pub(super) PeersView);

impl EntryNodes for OpenPeers {
    fn entry_urls(&self) -> Vec<String> {
        let peers = self.0.list();
        let open = peers.iter().filter(|peer| peer.state.is_open());
        open.map(|peer| peer.targets.http_base().to_owned()).collect()
    }

    fn target_urls(&self) -> Vec<String> {
        self.0.list().iter().map(|peer| peer.targets.http_base().to_owned()).collect()
    }
}

/// The proxies that one listener believes: those configured now.
pub(super) struct ListenerProxies {
    pub(super) keeper: Keeper,
    /// Whether the PROXY protocol stands in front; as it was at the start.
    pub(super) expects_header: bool,
}

impl ProxyTrust for ListenerProxies {
    /// With `trusted_proxies` all others come directly, such as the nodes of the cluster.
    fn sends_header(&self, address: IpAddr) -> bool {
        let is_open = || self.keeper.current().settings.trusted_proxies.is_empty();
        self.expects_header && (is_open() || self.is_trusted(address))
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        let loaded = self.keeper.current();
        loaded.settings.trusted_proxies.iter().any(|network| network.contains(address))
    }
}
