//! The directory as sessions read it: no mailbox, no network, no lock held by a writer.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::client_memory::ClientMemory;
use super::messages::LocalStream;
use super::peer_link::PeerRoute;
use super::placement::{Random, choose, score};
use super::route_counters::{RedirectCount, RouteCounters};
use super::table::{Holder, Table, hash_of};
use crate::names::{Hostname, Protocol, StreamName};
use crate::redirect::ViaMark;
use crate::report::{StreamState, Title, Tracks};

/// How long a stream that starts here counts as being here.
pub const STARTING_COUNTS_FOR: Duration = Duration::from_secs(5);

/// How long a node that has just started waits for its peers before it calls a stream nowhere.
pub const SETTLES_WITHIN: Duration = Duration::from_secs(2);

/// How often a session that waits for the peers looks again.
const LOOKS_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Node lives whose clocks are remembered; marks of further ones count as young, which is safe.
const CLOCK_OFFSETS_MAX: usize = 100_000;

/// Reads where streams are. Cheap to clone; every clone sees the same.
#[derive(Clone, Debug)]
pub struct DirectoryView {
    pub(super) shared: Arc<Shared>,
}

/// What all views and the actor share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) table: Table,
    pub(super) is_settled: AtomicBool,
    pub(super) is_draining: AtomicBool,
    counters: RouteCounters,
    memory: ClientMemory,
    random: Random,
    started: Instant,
    /// This node's own, as [`PeerLink::identity`](super::peer_link::PeerLink) at its peers.
    pub(super) identity: u64,
}

/// Who asks for a stream.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// What the client speaks.
    pub protocol: Protocol,
    /// A hash of address, token, user agent and stream, for HLS clients to keep their holder.
    pub client: Option<u64>,
    /// The time.
    pub now: Instant,
}

/// Where a client finds a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamLocation {
    /// Play it here.
    Here {
        /// Whether it has frames, is starting, or has to be started.
        state: StreamState,
    },
    /// Redirect there, or relay from there.
    At(Arc<PeerRoute>, Choice),
    /// Not now: 503 with `Retry-After: 1`.
    ComingBack,
    /// The node has just started, or was suspended, and not heard from its peers: wait, see
    /// [`DirectoryView::locate_settled`].
    Unsettled,
    /// Nobody holds it: 404.
    Nowhere,
}

/// Why that peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It is the only one.
    Only,
    /// It was the less loaded of two drawn.
    LessLoaded,
    /// The client was there before.
    Kept,
    /// It would start the stream, and the name chose it.
    ByName,
}

/// One stream of the cluster, for lists.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamListing {
    /// Its name.
    pub name: StreamName,
    /// What this node knows of it as its own.
    pub local: Option<LocalStream>,
    /// The peers that may be redirected to and report it.
    pub holders: Vec<HolderListing>,
    /// Sessions playing it at nodes that relay it, this one too.
    pub relay_clients: u64,
}

/// One peer's word about a stream, for lists.
#[derive(Clone, Debug, PartialEq)]
pub struct HolderListing {
    /// The peer's configured name.
    pub hostname: Hostname,
    /// What the stream is called for people.
    pub title: Option<Title>,
    /// Whether the stream has frames there.
    pub state: StreamState,
    /// When its capture began, Unix milliseconds by the peer's clock.
    pub opened_at_ms: Option<NonZeroU64>,
    /// By how much that clock is ahead, in milliseconds; zero where it is not known.
    pub clock_offset_ms: i64,
    /// In kbit/s.
    pub bitrate_kbit: Option<u32>,
    /// Sessions playing it there.
    pub clients: u32,
    /// Its tracks.
    pub tracks: Tracks,
    /// Whether a publisher may be sent there.
    pub accepts_publish: bool,
}

impl DirectoryView {
    /// An empty directory of a node started at `started`.
    pub(super) fn new(started: Instant, seed: u64, hostname: &Hostname) -> Self {
        let shared = Shared {
            table: Table::default(),
            is_settled: AtomicBool::new(false),
            is_draining: AtomicBool::new(false),
            counters: RouteCounters::default(),
            memory: ClientMemory::new(),
            random: Random::new(seed),
            started,
            identity: hash_of(hostname.as_str()),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Where the client should play `name`. Takes well under a microsecond and never waits.
    ///
    /// While this node drains, a stream of its own is rather played at a peer.
    #[must_use]
    pub fn locate(&self, name: &str, ask: &Ask) -> StreamLocation {
        let table = &self.shared.table;
        let local = table.local.pin().get(name).map(|entry| {
            let since = entry.starting_since.map(|since| ask.now.saturating_duration_since(since));
            (entry.stream.state, entry.stream.is_cluster_ingest, since)
        });
        let is_here = match local {
            Some((StreamState::Running, ..)) => true,
            Some((StreamState::Starting, _, since)) => {
                since.is_none_or(|since| since < STARTING_COUNTS_FOR)
            }
            Some((StreamState::Ondemand, is_cluster_ingest, _)) => !is_cluster_ingest,
            Some((StreamState::Failed, ..)) | None => false,
        };
        if let Some((state, ..)) = local.filter(|_| is_here) {
            let here = StreamLocation::Here { state };
            if !self.is_draining() {
                return here;
            }
            let remote = table.remote.pin();
            let other = remote.get(name).and_then(|holders| self.choose(name, holders, ask));
            return other.unwrap_or(here);
        }
        let mut is_expected = false;
        if let Some(holders) = table.remote.pin().get(name) {
            if let Some(chosen) = self.choose(name, holders, ask) {
                return chosen;
            }
            let is_overdue = |h: &Holder| h.link.is_overdue_for(ask.protocol, ask.now);
            if holders.iter().any(|h| h.state != StreamState::Failed && is_overdue(h)) {
                return StreamLocation::Unsettled;
            }
            is_expected = holders.iter().any(|holder| is_expected_back(holder, ask));
        }
        if let Some((state @ StreamState::Ondemand, ..)) = local {
            return StreamLocation::Here { state };
        }
        if !self.is_settled(ask.now) {
            return StreamLocation::Unsettled;
        }
        let is_lost = || table.lost.pin().get(name).is_some_and(|loss| loss.until > ask.now);
        if local.is_some() || is_expected || is_lost() {
            return StreamLocation::ComingBack;
        }
        StreamLocation::Nowhere
    }

    /// As [`DirectoryView::locate`], but where no holder listens for the client's protocol, one
    /// that can be relayed from will do: nodes hand streams to each other by HTTP.
    #[must_use]
    pub fn locate_or_relay(&self, name: &str, ask: &Ask) -> StreamLocation {
        match self.locate(name, ask) {
            found @ (StreamLocation::Nowhere | StreamLocation::ComingBack) => {
                let by_http = Ask { protocol: Protocol::Tshttp, client: None, ..*ask };
                match self.locate(name, &by_http) {
                    StreamLocation::At(route, choice) => StreamLocation::At(route, choice),
                    _ => found,
                }
            }
            found => found,
        }
    }

    /// As [`DirectoryView::locate`], but waits while the node has not heard from its peers, at most
    /// [`SETTLES_WITHIN`]; then the stream is coming back. `ask` is asked for each look, with the
    /// time then. Never answers [`StreamLocation::Unsettled`].
    pub async fn locate_settled(&self, name: &str, ask: impl Fn() -> Ask) -> StreamLocation {
        let patience = ask().now + SETTLES_WITHIN;
        loop {
            let look = ask();
            match self.locate(name, &look) {
                StreamLocation::Unsettled if look.now >= patience => {
                    return StreamLocation::ComingBack;
                }
                StreamLocation::Unsettled => actix_rt::time::sleep(LOOKS_AGAIN_AFTER).await,
                found => return found,
            }
        }
    }

    /// Whether there is a stream of that name, here or at a peer.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        let table = &self.shared.table;
        table.local.pin().get(name).is_some() || table.remote.pin().get(name).is_some()
    }

    /// The peer to which a publisher of `name` may be sent; none where no peer accepts one.
    #[must_use]
    pub fn locate_publish(&self, name: &str, ask: &Ask) -> Option<Arc<PeerRoute>> {
        let remote = self.shared.table.remote.pin();
        let open = remote.get(name)?.iter().filter(|holder| {
            holder.accepts_publish && holder.link.is_open_for(ask.protocol, ask.now)
        });
        Some(open.max_by_key(|holder| score(name, &holder.link))?.link.route())
    }

    /// Whether a request with this mark must not be redirected again; counts it then.
    #[must_use]
    pub fn is_young_mark(&self, mark: ViaMark, now_unix_ms: u64) -> bool {
        let offsets = self.shared.table.clock_offsets.pin();
        let is_young = mark.is_young(now_unix_ms, |node| offsets.get(&node).copied());
        if is_young {
            self.shared.counters.looped();
        }
        is_young
    }

    /// Counts a client that was sent elsewhere.
    pub fn count_redirect(&self, protocol: Protocol, choice: Choice) {
        self.shared.counters.redirected(protocol, choice);
    }

    /// Clients sent elsewhere so far, by protocol and reason.
    #[must_use]
    pub fn redirect_counts(&self) -> Vec<RedirectCount> {
        self.shared.counters.redirects()
    }

    /// Clients that came with a young mark so far: two nodes had sent them to one another.
    #[must_use]
    pub fn loop_count(&self) -> u64 {
        self.shared.counters.loops()
    }

    /// Notes by how much the clock of the node whose id begins with `prefix` is ahead.
    pub(super) fn set_clock_offset(&self, prefix: u32, offset_ms: i64) {
        let offsets = self.shared.table.clock_offsets.pin();
        if offsets.len() < CLOCK_OFFSETS_MAX || offsets.contains_key(&prefix) {
            offsets.insert(prefix, offset_ms);
        }
    }

    /// Every stream of the cluster by name. Copies the directory: for the API, not for sessions.
    #[must_use]
    pub fn list(&self, now: Instant) -> Vec<StreamListing> {
        let table = &self.shared.table;
        let (local, remote) = (table.local.pin(), table.remote.pin());
        let mut names: Vec<_> = local.keys().chain(remote.keys()).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names.iter().filter_map(|name| self.find(name.as_str(), now)).collect()
    }

    /// One stream of the cluster; none where neither this node nor an open peer has it.
    #[must_use]
    pub fn find(&self, name: &str, now: Instant) -> Option<StreamListing> {
        let (local, remote) = (self.shared.table.local.pin(), self.shared.table.remote.pin());
        let own = local.get_key_value(name);
        let peers = remote.get_key_value(name);
        let full_name = own.map(|(name, _)| name).or(peers.map(|(name, _)| name))?.clone();
        let holders: Vec<_> = peers
            .map(|(_, holders)| {
                let open = holders.iter().filter(|holder| holder.link.is_open(now));
                open.map(|holder| self.listed(holder)).collect()
            })
            .unwrap_or_default();
        let local = own.map(|(_, entry)| entry.stream.clone());
        (local.is_some() || !holders.is_empty()).then_some(StreamListing {
            name: full_name,
            local,
            holders,
            relay_clients: self.relay_clients(name, now),
        })
    }

    /// The peer with which the last holder of `name` was lost, and how long ago; none where that is
    /// not known any more, or the stream is there.
    #[must_use]
    pub fn find_lost(&self, name: &str, now: Instant) -> Option<(Hostname, Duration)> {
        let table = &self.shared.table;
        if let Some(holder) = table.remote.pin().get(name).and_then(|holders| holders.first()) {
            // It was closed, and the directory has not heard of it yet.
            let is_closed = !holder.link.is_open(now);
            return is_closed.then(|| (holder.link.route().hostname.clone(), Duration::ZERO));
        }
        let lost = table.lost.pin();
        let loss = lost.get(name).filter(|loss| loss.until > now)?;
        Some((loss.hostname.clone(), now.saturating_duration_since(loss.at)))
    }

    fn relay_clients(&self, name: &str, now: Instant) -> u64 {
        let relayed = self.shared.table.relayed.pin();
        let relayers = relayed.get(name).map_or(&[][..], |relayers| relayers.as_slice());
        let heard = relayers.iter().filter(|relayer| relayer.is_heard(now));
        heard.map(|relayer| u64::from(relayer.clients)).sum()
    }

    /// How many streams peers report, and how many are this node's own.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.shared.table.remote.len(), self.shared.table.local.len())
    }

    /// How many streams this node and its peers capture, each once however many do.
    #[must_use]
    pub fn captured_count(&self) -> usize {
        self.shared.table.captured_count()
    }

    /// Whether this node is about to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shared.is_draining.load(Relaxed)
    }

    fn choose(&self, name: &str, holders: &[Holder], ask: &Ask) -> Option<StreamLocation> {
        let (memory, random) = (&self.shared.memory, &self.shared.random);
        let (link, choice) = choose(name, holders, ask, memory, random)?;
        Some(StreamLocation::At(link.route(), choice))
    }

    fn listed(&self, holder: &Holder) -> HolderListing {
        let route = holder.link.route();
        let offsets = self.shared.table.clock_offsets.pin();
        let offset = route.node.and_then(|node| offsets.get(&node.prefix()));
        HolderListing {
            hostname: route.hostname.clone(),
            title: holder.title.clone(),
            state: holder.state,
            opened_at_ms: holder.opened_at_ms,
            clock_offset_ms: offset.copied().unwrap_or(0),
            bitrate_kbit: holder.bitrate_kbit,
            clients: holder.clients,
            tracks: holder.tracks.clone(),
            accepts_publish: holder.accepts_publish,
        }
    }

    fn is_settled(&self, now: Instant) -> bool {
        self.shared.is_settled.load(Relaxed)
            || now.saturating_duration_since(self.shared.started) >= SETTLES_WITHIN
    }
}

/// Whether a stream that cannot be redirected to now will be: its peer has just been lost, or is
/// too busy. Not where the peer does not speak the client's protocol.
fn is_expected_back(holder: &Holder, ask: &Ask) -> bool {
    let is_open = holder.link.is_open(ask.now);
    let is_busy = is_open
        && holder.link.is_over_cpu_limit()
        && holder.link.is_open_for(ask.protocol, ask.now);
    holder.state != StreamState::Failed && (!is_open || is_busy)
}
