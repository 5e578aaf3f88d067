//! The actors of a node and what they share, made in the order in which they need each other.

use std::io;
use std::time::Duration;

use actix::prelude::*;
use actix_rt::{Arbiter, ArbiterHandle};
use thiserror::Error;
use watershed_actors::cluster_supervisor::{ClusterParts, ClusterSupervisor, PeersView, SetPeers};
use watershed_actors::fan_out::FanOutSettings;
use watershed_actors::limits::LimitHits;
use watershed_actors::live_stream::{InputSource, StreamStatus};
use watershed_actors::names::{Hostname, InvalidHostname, NodeId};
use watershed_actors::node_stats::{
    CounterValues, NodeStatsSampler, SetStreamerStatus, SetTotalBandwidth,
};
use watershed_actors::peer_actor::{FetcherParts, TrustError, http_fetchers, peer_tls};
use watershed_actors::published::Published;
use watershed_actors::redirect::RedirectPolicy;
use watershed_actors::relay::{RelayHub, RelayParts, RelaySettings, Relays, SetRelayPeers};
use watershed_actors::report::{Listener, NodeState, NodeStats, StreamerStatus};
use watershed_actors::session_registry::{SessionRegistry, Sessions};
use watershed_actors::signature::ClusterGuard;
use watershed_actors::stream_directory::{
    DirectoryView, LocalNodeChanged, LocalVodsChanged, NodeIdentity, StreamDirectory,
    SubscribeLocalTruth,
};
use watershed_actors::stream_hub::{Besides, LocalStreams, StreamHub};
use watershed_actors::tls::{CertificateError, TlsSetupError};
use watershed_actors::vod::Vods;

use super::translate;
use crate::api::Readiness;
use crate::play::PlaySettings;
use crate::settings::{Keeper, Loaded};

/// How often the node looks whether its actors live.
pub(super) const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Why a node cannot start, or cannot go on.
#[derive(Debug, Error)]
pub(super) enum StartError {
    /// The system refuses something.
    #[error("the system refuses: {0}")]
    Io(#[from] io::Error),
    /// Neither the configuration nor the machine gives a usable name.
    #[error("hostname {name:?}: {source}; set `hostname NAME;` in the configuration")]
    Hostname {
        /// The name.
        name: String,
        /// What is wrong with it.
        #[source]
        source: InvalidHostname,
    },
    /// The certificates of `cluster_ca` cannot be used.
    #[error("cluster_ca: {0}")]
    Trust(#[from] TrustError),
    /// A certificate of a listener cannot be used.
    #[error("certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// TLS refuses its own defaults.
    #[error("{0}")]
    Tls(#[from] TlsSetupError),
    /// There is no randomness.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// A part that the node cannot do without died, most likely of a panic.
    #[error("the {0} died; the node stops, to be started anew")]
    Died(&'static str),
}

impl StartError {
    /// Whether another start with the same configuration would fail as well.
    pub(super) const fn is_of_config(&self) -> bool {
        match self {
            Self::Hostname { .. } | Self::Trust(_) | Self::Certificate(_) => true,
            Self::Io(_) | Self::Tls(_) | Self::Random(_) | Self::Died(_) => false,
        }
    }
}

/// A running node without its doors.
pub(super) struct Parts {
    pub(super) identity: NodeIdentity,
    pub(super) keeper: Keeper,
    pub(super) directory: Addr<StreamDirectory>,
    pub(super) view: DirectoryView,
    pub(super) hub: Addr<StreamHub>,
    pub(super) streams: LocalStreams,
    pub(super) vods: Vods,
    pub(super) sessions: Sessions,
    registry: Addr<SessionRegistry>,
    pub(super) supervisor: Addr<ClusterSupervisor>,
    pub(super) peers: PeersView,
    pub(super) sampler: Addr<NodeStatsSampler>,
    pub(super) stats: Published<NodeStats>,
    pub(super) guard: ClusterGuard,
    pub(super) play_settings: Published<PlaySettings>,
    pub(super) fan_out: Published<FanOutSettings>,
    pub(super) redirect_policy: Published<RedirectPolicy>,
    pub(super) relays: Relays,
    relay_hub: Addr<RelayHub>,
    pub(super) readiness: Readiness,
    pub(super) hits: LimitHits,
    /// Where streams and sessions run.
    media_arbiters: Vec<Arbiter>,
    cluster_arbiter: Arbiter,
}

impl Parts {
    /// Starts all actors and puts `loaded` in force.
    ///
    /// Errors: [`StartError`]; nothing serves yet then.
    pub(super) fn start(loaded: Loaded) -> Result<Self, StartError> {
        let identity = identity(&loaded)?;
        let stats = Published::<NodeStats>::default();
        let totals = Published::<CounterValues>::default();
        let hits = LimitHits::default();

        let directory = StreamDirectory::new(identity.clone(), stats.clone(), random_u64()?);
        let view = directory.view();
        let directory = directory.start();

        let media_arbiters: Vec<Arbiter> = (0..worker_count()).map(|_| Arbiter::new()).collect();
        let arbiters: Vec<_> = media_arbiters.iter().map(Arbiter::handle).collect();
        let relayed = Published::<CounterValues>::default();
        let vods = Vods::new(translate::vod_limits(&loaded.settings), hits.clone());
        let besides = Besides { relayed: relayed.clone(), files: vods.clone() };
        let (hub, streams) = start_hub(&directory, &arbiters, &totals, besides, &hits);

        let sessions = Sessions::new(hits.clone());
        let registry = SessionRegistry::new(sessions.clone()).start();

        let cluster_arbiter = Arbiter::new();
        let nodes = asking(&loaded, &identity, &hits)?;
        let (supervisor, peers) =
            start_cluster(&identity, &nodes, &directory, &stats, &cluster_arbiter.handle())?;
        let (relays, relay_hub) =
            start_relays(&directory, &view, nodes, arbiters, relayed, &cluster_arbiter.handle());

        let sampler = start_sampler(&loaded, &identity, &totals, &sessions, &stats);

        let guard = ClusterGuard::new(identity.id, translate::keys(&loaded.settings));
        let play_settings = Published::new(translate::play(&loaded.settings));
        let fan_out = Published::new(translate::fan_out(&loaded.settings));
        let redirect_policy = Published::new(translate::redirect_policy(&loaded.settings));
        let apply = Applier {
            directory: directory.clone(),
            vods: vods.clone(),
            hub: hub.clone(),
            relay_hub: relay_hub.clone(),
            redirect_policy: redirect_policy.clone(),
            supervisor: supervisor.clone(),
            sampler: sampler.clone(),
            guard: guard.clone(),
            play_settings: play_settings.clone(),
            fan_out: fan_out.clone(),
        };
        apply.apply(&loaded);
        let keeper = Keeper::new(loaded, Box::new(move |loaded| apply.apply(loaded)));
        Ok(Self {
            identity,
            keeper,
            directory,
            view,
            hub,
            streams,
            vods,
            sessions,
            registry,
            supervisor,
            peers,
            sampler,
            stats,
            guard,
            play_settings,
            fan_out,
            redirect_policy,
            relays,
            relay_hub,
            readiness: Readiness::default(),
            hits,
            media_arbiters,
            cluster_arbiter,
        })
    }

    /// Says what the node is doing: to its peers, in its stats.
    pub(super) fn state(&self, state: NodeState, status: StreamerStatus, listeners: &[Listener]) {
        let listeners = listeners.to_vec();
        self.directory.do_send(LocalNodeChanged { state, listeners });
        self.sampler.do_send(SetStreamerStatus { status });
    }

    /// Reads the configuration anew; a file that cannot be used changes nothing, and the keeper
    /// has logged why.
    pub(super) async fn reload(&self) {
        let _ = self.keeper.reload().await;
    }

    /// Whether anybody plays here now, relays from here, or publishes.
    ///
    /// Looked up anew: the totals are summed up once a second, so that a node that has just started
    /// to drain would not see who came last.
    pub(super) fn has_clients(&self) -> bool {
        let is_busy = self.streams.all().iter().any(|entry| {
            let inputs = &entry.spec.inputs;
            let is_published = entry.broadcast.status() == StreamStatus::Running
                && inputs.iter().any(|input| input.source == InputSource::Publish);
            is_published || entry.broadcast.viewers().is_watched()
        });
        is_busy || self.relays.client_count() > 0
    }

    /// Where sessions may run.
    pub(super) fn session_arbiters(&self) -> Vec<actix_rt::ArbiterHandle> {
        self.media_arbiters.iter().map(Arbiter::handle).collect()
    }

    /// Resolves when an actor has died that the node cannot do without: it should stop then, and
    /// whoever started it should start it anew.
    pub(super) async fn first_death(&self) -> StartError {
        let mut watch = tokio::time::interval(WATCH_EVERY);
        loop {
            watch.tick().await;
            let actors = [
                ("stream directory", self.directory.connected()),
                ("stream hub", self.hub.connected()),
                ("session registry", self.registry.connected()),
                ("relay hub", self.relay_hub.connected()),
                ("cluster supervisor", self.supervisor.connected()),
                ("stats sampler", self.sampler.connected()),
            ];
            if let Some((name, _)) = actors.iter().find(|(_, lives)| !lives) {
                return StartError::Died(name);
            }
        }
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        for arbiter in self.media_arbiters.iter().chain([&self.cluster_arbiter]) {
            arbiter.stop();
        }
    }
}

/// Starts what keeps the streams of this node, and tells `directory` which those are.
fn start_hub(
    directory: &Addr<StreamDirectory>,
    arbiters: &[ArbiterHandle],
    totals: &Published<CounterValues>,
    besides: Besides,
    hits: &LimitHits,
) -> (Addr<StreamHub>, LocalStreams) {
    let streams = LocalStreams::default();
    let hub = StreamHub::new(
        streams.clone(),
        arbiters.to_vec(),
        totals.clone(),
        besides,
        directory.clone().recipient(),
        directory.clone().recipient(),
        hits.clone(),
    );
    (hub.start(), streams)
}

/// Starts what gives out the streams of peers.
fn start_relays(
    directory: &Addr<StreamDirectory>,
    view: &DirectoryView,
    nodes: FetcherParts,
    arbiters: Vec<ArbiterHandle>,
    totals: Published<CounterValues>,
    arbiter: &ArbiterHandle,
) -> (Relays, Addr<RelayHub>) {
    let (watched, directory) = (directory.clone().recipient(), view.clone());
    let settings = RelaySettings::default();
    let parts = RelayParts { directory, nodes, arbiters, settings, watched, totals };
    RelayHub::start_on(arbiter, parts)
}

/// Starts what measures this node.
fn start_sampler(
    loaded: &Loaded,
    identity: &NodeIdentity,
    totals: &Published<CounterValues>,
    sessions: &Sessions,
    stats: &Published<NodeStats>,
) -> Addr<NodeStatsSampler> {
    let total_bandwidth = loaded.settings.total_bandwidth_bps;
    let (identity, sessions) = (identity.clone(), sessions.clone());
    let (totals, stats) = (totals.clone(), stats.clone());
    NodeStatsSampler::new(identity, totals, sessions, stats, total_bandwidth).start()
}

/// With what other nodes are asked.
fn asking(
    loaded: &Loaded,
    identity: &NodeIdentity,
    hits: &LimitHits,
) -> Result<FetcherParts, StartError> {
    let tls = peer_tls(cluster_ca(loaded)?.as_deref())?;
    let limits = translate::fetch_limits(&loaded.settings);
    Ok(FetcherParts::new(identity.id, tls, limits, hits.clone()))
}

/// Starts the actors that ask the peers and tell `directory` what those have.
fn start_cluster(
    identity: &NodeIdentity,
    nodes: &FetcherParts,
    directory: &Addr<StreamDirectory>,
    stats: &Published<NodeStats>,
    arbiter: &ArbiterHandle,
) -> Result<(Addr<ClusterSupervisor>, PeersView), StartError> {
    let supervisor = ClusterSupervisor::new(ClusterParts {
        identity: identity.clone(),
        fetchers: http_fetchers(nodes.clone()),
        reported: directory.clone().recipient(),
        lost: directory.clone().recipient(),
        settled: directory.clone().recipient(),
        stats: stats.clone(),
        seed: random_u64()?,
    });
    let peers = supervisor.view();
    let supervisor = ClusterSupervisor::start_in_arbiter(arbiter, move |_| supervisor);
    directory.do_send(SubscribeLocalTruth { recipient: supervisor.clone().recipient() });
    Ok((supervisor, peers))
}

/// Spreads settings to the actors that live by them.
struct Applier {
    directory: Addr<StreamDirectory>,
    vods: Vods,
    hub: Addr<StreamHub>,
    relay_hub: Addr<RelayHub>,
    redirect_policy: Published<RedirectPolicy>,
    supervisor: Addr<ClusterSupervisor>,
    sampler: Addr<NodeStatsSampler>,
    guard: ClusterGuard,
    play_settings: Published<PlaySettings>,
    fan_out: Published<FanOutSettings>,
}

impl Applier {
    fn apply(&self, loaded: &Loaded) {
        let settings = &loaded.settings;
        self.guard.set_keys(translate::keys(settings));
        self.play_settings.publish(translate::play(settings));
        self.fan_out.publish(translate::fan_out(settings));
        self.sampler.do_send(SetTotalBandwidth { bits_per_second: settings.total_bandwidth_bps });
        self.redirect_policy.publish(translate::redirect_policy(settings));
        let peers = translate::peers(settings);
        self.relay_hub.do_send(SetRelayPeers(peers.clone()));
        self.supervisor.do_send(SetPeers { peers });
        self.vods.set(translate::vods(settings, &loaded.folder()));
        self.directory.do_send(LocalVodsChanged { prefixes: self.vods.prefixes() });
        self.hub.do_send(translate::streams(settings, &loaded.folder()));
    }
}

/// Threads for each kind of work.
pub(super) fn worker_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn identity(loaded: &Loaded) -> Result<NodeIdentity, StartError> {
    let name = match &loaded.settings.hostname {
        Some(name) => name.clone(),
        None => std::fs::read_to_string("/proc/sys/kernel/hostname")?.trim().to_owned(),
    };
    let hostname: Hostname =
        name.parse().map_err(|source| StartError::Hostname { name, source })?;
    let bits = u128::from(random_u64()?) << 64 | u128::from(random_u64()?);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(NodeIdentity { id: NodeId::from_random(bits), hostname, version })
}

fn cluster_ca(loaded: &Loaded) -> io::Result<Option<Vec<u8>>> {
    let path = loaded.settings.cluster_ca.as_ref().map(|path| loaded.folder().join(path));
    path.map(std::fs::read).transpose()
}

fn random_u64() -> Result<u64, StartError> {
    getrandom::u64().map_err(StartError::Random)
}
