//! What sessions need to know of one peer, readable without a lock held by any writer.
//!
//! The peer's actor writes, the directory's entries point here, sessions read. Whether the peer may
//! be redirected to is one flag and one deadline: a peer that is lost stops being chosen at once,
//! long before its streams have left the table, and a peer whose actor hangs, or a node that was
//! itself suspended, stops being chosen when the deadline passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::names::{Hostname, NodeId, Protocol};
use crate::published::Published;
use crate::redirect::Targets;
use crate::report::NodeStats;

/// A load that is not known.
const UNKNOWN: u32 = u32::MAX;

/// One peer as the routing sees it.
#[derive(Debug)]
pub struct PeerLink {
    serial: u32,
    epoch: Instant,
    route: Published<PeerRoute>,
    /// The protocols it listens for while it may be redirected to, else none.
    open: AtomicU8,
    fresh_until_ms: AtomicU64,
    is_over_cpu_limit: AtomicBool,
    bandwidth_percent: AtomicU32,
    clients: AtomicU32,
    redirects_since_report: AtomicU32,
    streams: AtomicU32,
    /// A hash of the name the node gives itself, equal on all nodes whatever they call it.
    identity: AtomicU64,
}

/// Where a peer is, as of its last report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRoute {
    /// The configured name of the peer.
    pub hostname: Hostname,
    /// Its id, once known.
    pub node: Option<NodeId>,
    /// The beginnings of its URLs.
    pub targets: Targets,
}

impl PeerLink {
    /// A peer that has not answered yet. `serial` is unique among the links of this process.
    #[must_use]
    pub fn new(serial: u32, epoch: Instant, route: PeerRoute) -> Arc<Self> {
        Arc::new(Self {
            serial,
            epoch,
            route: Published::new(route),
            open: AtomicU8::new(0),
            fresh_until_ms: AtomicU64::new(0),
            is_over_cpu_limit: AtomicBool::new(false),
            bandwidth_percent: AtomicU32::new(UNKNOWN),
            clients: AtomicU32::new(0),
            redirects_since_report: AtomicU32::new(0),
            streams: AtomicU32::new(0),
            identity: AtomicU64::new(u64::from(serial)),
        })
    }

    /// Which link this is, for short-lived memories of choices.
    #[must_use]
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// Where the peer is.
    #[must_use]
    pub fn route(&self) -> Arc<PeerRoute> {
        self.route.load()
    }

    /// Replaces where the peer is.
    pub fn set_route(&self, route: PeerRoute) {
        let is_open = self.open.load(Relaxed) != 0;
        let protocols = route.targets.protocols();
        self.route.publish(route);
        if is_open {
            self.open.store(protocols, Relaxed);
        }
    }

    /// Lets the peer be chosen until `fresh_until`, unless closed before.
    pub fn open(&self, fresh_until: Instant) {
        let until = fresh_until.saturating_duration_since(self.epoch);
        self.fresh_until_ms.store(millis(until), Relaxed);
        self.open.store(self.route.load().targets.protocols(), Relaxed);
    }

    /// Stops the peer from being chosen, at once and for everybody.
    pub fn close(&self) {
        self.open.store(0, Relaxed);
    }

    /// Notes the load the peer reports; our own redirects count from here on.
    pub fn set_load(&self, stats: &NodeStats, cpu_limit_percent: Option<f64>) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates, and the peer's word is clamped first"
        )]
        let percent = stats.bandwidth_usage.map_or(UNKNOWN, |p| p.clamp(0.0, 1e6) as u32);
        let clients = u32::try_from(stats.total_clients.unwrap_or(0)).unwrap_or(u32::MAX);
        let is_over = match (stats.cpu_usage, cpu_limit_percent) {
            (Some(usage), Some(limit)) => usage > limit,
            _ => false,
        };
        self.bandwidth_percent.store(percent, Relaxed);
        self.clients.store(clients, Relaxed);
        self.is_over_cpu_limit.store(is_over, Relaxed);
        self.redirects_since_report.store(0, Relaxed);
    }

    /// Whether clients of `protocol` may be sent there now.
    #[must_use]
    pub fn is_open_for(&self, protocol: Protocol, now: Instant) -> bool {
        self.open.load(Relaxed) & protocol.bit() != 0 && self.is_fresh(now)
    }

    /// Whether clients of any protocol may be sent there now.
    #[must_use]
    pub fn is_open(&self, now: Instant) -> bool {
        self.open.load(Relaxed) != 0 && self.is_fresh(now)
    }

    /// Whether nobody has renewed or closed the peer in time: this node was suspended, or the
    /// peer's actor hangs. Soon it will be known again.
    #[must_use]
    pub fn is_overdue_for(&self, protocol: Protocol, now: Instant) -> bool {
        self.open.load(Relaxed) & protocol.bit() != 0 && !self.is_fresh(now)
    }

    fn is_fresh(&self, now: Instant) -> bool {
        millis(now.saturating_duration_since(self.epoch)) <= self.fresh_until_ms.load(Relaxed)
    }

    /// Whether its processors are too busy for anything new.
    #[must_use]
    pub fn is_over_cpu_limit(&self) -> bool {
        self.is_over_cpu_limit.load(Relaxed)
    }

    /// How many streams the directory knows of it.
    #[must_use]
    pub fn stream_count(&self) -> u32 {
        self.streams.load(Relaxed)
    }

    /// Notes how many streams the directory knows of it, and a hash of its own name.
    pub(super) fn set_known(&self, streams: usize, identity: u64) {
        self.streams.store(u32::try_from(streams).unwrap_or(u32::MAX), Relaxed);
        self.identity.store(identity, Relaxed);
    }

    /// See [`PeerLink::set_known`].
    pub(super) fn identity(&self) -> u64 {
        self.identity.load(Relaxed)
    }

    /// Counts a client sent there.
    pub fn count_redirect(&self) {
        self.redirects_since_report.fetch_add(1, Relaxed);
    }

    /// How loaded the peer is, our own redirects included.
    #[must_use]
    pub fn load(&self) -> PeerLoad {
        let reported = u64::from(self.clients.load(Relaxed));
        let clients = reported + u64::from(self.redirects_since_report.load(Relaxed));
        let percent = self.bandwidth_percent.load(Relaxed);
        // Each client we sent takes as much as those that are there, as far as anybody knows.
        let bandwidth_percent =
            (percent != UNKNOWN).then(|| u64::from(percent) * clients.max(1) / reported.max(1));
        PeerLoad { bandwidth_percent, clients }
    }
}

/// How loaded a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerLoad {
    /// Of its busiest interface; `None` when not known.
    pub bandwidth_percent: Option<u64>,
    /// Clients it serves.
    pub clients: u64,
}

impl PeerLoad {
    /// Whether a new client is better off here than there: by bandwidth where both are known, then
    /// by clients.
    #[must_use]
    pub fn is_less_than(self, other: Self) -> bool {
        match (self.bandwidth_percent, other.bandwidth_percent) {
            (Some(mine), Some(theirs)) if mine != theirs => mine < theirs,
            _ => self.clients < other.clients,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::redirect::PeerAddresses;
    use crate::report::{Listener, Scheme};

    pub(crate) fn route(hostname: &str, schemes: &[Scheme]) -> PeerRoute {
        let addresses = PeerAddresses {
            api_url: format!("http://{hostname}:8081").parse().unwrap(),
            public_payload_url: None,
            private_payload_url: None,
            public_rtsp_url: None,
            public_rtmp_url: None,
        };
        let listeners: Vec<_> =
            schemes.iter().map(|&scheme| Listener { scheme, port: 80 }).collect();
        let targets = addresses.targets(&listeners).unwrap();
        PeerRoute { hostname: hostname.parse().unwrap(), node: None, targets }
    }

    fn link(epoch: Instant) -> Arc<PeerLink> {
        PeerLink::new(1, epoch, route("south", &[Scheme::Http]))
    }

    #[test]
    fn a_peer_is_open_between_open_and_close_and_for_what_it_speaks() {
        let epoch = Instant::now();
        let link = link(epoch);
        assert!(!link.is_open(epoch));
        link.open(epoch + Duration::from_secs(3));
        assert!(link.is_open_for(Protocol::Hls, epoch));
        assert!(!link.is_open_for(Protocol::Rtsp, epoch));
        assert!(!link.is_open(epoch + Duration::from_secs(4)), "nobody renewed it");
        link.close();
        assert!(!link.is_open(epoch));
    }

    #[test]
    fn own_redirects_count_until_the_next_report() {
        let link = link(Instant::now());
        let stats = NodeStats {
            bandwidth_usage: Some(20.0),
            total_clients: Some(100),
            ..NodeStats::default()
        };
        link.set_load(&stats, None);
        let before = link.load();
        for _ in 0..50 {
            link.count_redirect();
        }
        assert_eq!(link.load(), PeerLoad { bandwidth_percent: Some(30), clients: 150 });
        assert!(before.is_less_than(link.load()));
        link.set_load(&stats, None);
        assert_eq!(link.load(), before);
    }

    #[test]
    fn cpu_limit_needs_both_numbers() {
        let link = link(Instant::now());
        let stats = NodeStats { cpu_usage: Some(95.0), ..NodeStats::default() };
        for (limit, is_over) in [(None, false), (Some(90.0), true), (Some(95.0), false)] {
            link.set_load(&stats, limit);
            assert_eq!(link.is_over_cpu_limit(), is_over, "{limit:?}");
        }
    }
}
