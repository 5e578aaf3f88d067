//! Who holds which stream: written by the directory actor alone, read by every session.
//!
//! ```text
//!  remote  name ─▶ [ Holder ─▶ PeerLink ]      what peers report
//!  local   name ─▶ LocalEntry                  what is captured or configured here
//!  files   prefix ─▶ [ PeerLink ]              file collections of peers
//!  relayed name ─▶ [ Relayer ]                 streams that nodes give out without having them
//!  lost    name ─▶ Loss                        streams whose last holder was lost
//! ```
//! The maps are concurrent: a reader never waits for the writer, and a report of a thousand streams
//! is a thousand small writes, not a new copy of everything. Names a peer chooses are hashed with a
//! keyed hash. A stream with one holder costs about 235 bytes, its name in the peer's set included.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::messages::LocalStream;
use super::peer_link::PeerLink;
use crate::names::{Hostname, StreamName};
use crate::report::{
    REPORT_TITLES_BYTES_MAX, Relayed, Report, StreamReport, StreamState, Title, Tracks,
};

/// One peer's word about one stream.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) link: Arc<PeerLink>,
    pub(super) title: Option<Title>,
    pub(super) opened_at_ms: Option<NonZeroU64>,
    pub(super) tracks: Tracks,
    pub(super) bitrate_kbit: Option<u32>,
    pub(super) clients: u32,
    pub(super) state: StreamState,
    pub(super) accepts_publish: bool,
}

/// All peers' word about one stream.
pub(super) type Holders = SmallVec<[Holder; 1]>;

/// All peers that have files below a prefix.
pub(super) type Links = SmallVec<[Arc<PeerLink>; 2]>;

/// A node that relays a stream.
#[derive(Clone, Debug)]
pub(super) struct Relayer {
    /// The peer; none for this node.
    pub(super) link: Option<Arc<PeerLink>>,
    pub(super) clients: u32,
}

/// All nodes that relay a stream.
pub(super) type Relayers = SmallVec<[Relayer; 1]>;

/// A peer that was lost, and with it the streams that nobody else holds.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) hostname: Hostname,
    pub(super) at: Instant,
    /// For so long its streams are expected back.
    pub(super) until: Instant,
}

/// This node's own stream.
#[derive(Clone, Debug)]
pub(super) struct LocalEntry {
    pub(super) stream: LocalStream,
    /// When it began to start, if it is starting.
    pub(super) starting_since: Option<Instant>,
}

/// The maps that sessions read.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) remote: papaya::HashMap<StreamName, Holders>,
    pub(super) local: papaya::HashMap<StreamName, LocalEntry>,
    pub(super) relayed: papaya::HashMap<StreamName, Relayers>,
    pub(super) files: papaya::HashMap<StreamName, Links>,
    pub(super) lost: papaya::HashMap<StreamName, Arc<Loss>>,
    /// How many streams are captured anywhere, each once.
    captured: AtomicUsize,
    /// By the first 32 bits of a node's id: by how much its clock is ahead, in milliseconds.
    pub(super) clock_offsets: papaya::HashMap<u32, i64>,
}

/// What only the writer needs: which streams and which prefixes each peer holds, and which streams
/// each node relays.
#[derive(Debug, Default)]
pub(super) struct PeerStreams {
    by_serial: HashMap<u32, Reported>,
    prefixes: HashMap<u32, Vec<StreamName>>,
    /// By the serial of the peer; none for this node.
    relayed: HashMap<Option<u32>, Vec<StreamName>>,
}

/// The streams of one peer.
#[derive(Debug, Default)]
struct Reported {
    names: HashSet<StreamName>,
    /// What their titles take together.
    titles_bytes: usize,
}

impl Table {
    /// Notes a stream of this node.
    pub(super) fn set_local(&self, name: StreamName, stream: LocalStream, now: Instant) {
        let local = self.local.pin();
        let since = local.get(&name).and_then(|entry| entry.starting_since);
        let is_starting = stream.state == StreamState::Starting;
        let starting_since = is_starting.then(|| since.unwrap_or(now));
        let before = self.is_captured(&name);
        local.insert(name.clone(), LocalEntry { stream, starting_since });
        self.count_captured(&name, before);
    }

    /// Forgets a stream of this node.
    pub(super) fn remove_local(&self, name: &StreamName) {
        let before = self.is_captured(name);
        self.local.pin().remove(name);
        self.count_captured(name, before);
    }

    /// Takes in what a peer said, all of it or what has changed.
    pub(super) fn apply(&self, known: &mut PeerStreams, link: &Arc<PeerLink>, report: Report) {
        let Reported { names, titles_bytes } = known.by_serial.entry(link.serial()).or_default();
        let remote = self.remote.pin();
        if report.full {
            let told: HashSet<_> = report.streams.iter().map(|stream| &stream.name).collect();
            names.retain(|name| {
                let is_told = told.contains(name);
                if !is_told {
                    *titles_bytes -= self.title_bytes(name, link);
                    self.drop_holder(name, link.serial());
                }
                is_told
            });
        }
        for name in &report.removed {
            if names.remove(name) {
                *titles_bytes -= self.title_bytes(name, link);
                self.drop_holder(name, link.serial());
            }
        }
        for mut stream in report.streams {
            // One allocation for each name, whoever reports it.
            let name = match remote.get_key_value(&stream.name) {
                Some((name, _)) => name.clone(),
                None => stream.name.clone(),
            };
            *titles_bytes -= self.title_bytes(&name, link);
            if *titles_bytes + stream.title_bytes() > REPORT_TITLES_BYTES_MAX {
                stream.title = None;
            }
            *titles_bytes += stream.title_bytes();
            self.set_holder(&name, link, stream);
            names.insert(name);
        }
        link.set_known(names.len(), hash_of(report.node.as_str()));
        // Whoever tells everything and no relays has none.
        if let Some(relayed) = report.relayed.or(report.full.then(Vec::new)) {
            self.set_relayed(known, Some(link), relayed);
        }
        let told: Vec<StreamName> =
            report.vods.iter().filter_map(|prefix| prefix.parse().ok()).collect();
        let before = known.prefixes.entry(link.serial()).or_default();
        if *before != told {
            for prefix in before.iter() {
                self.drop_link(prefix, link.serial());
            }
            for prefix in &told {
                self.add_link(prefix, link);
            }
            *before = told;
        }
    }

    /// Forgets a peer; streams nobody else holds are expected back until `stale_timeout` from now.
    pub(super) fn forget(
        &self,
        known: &mut PeerStreams,
        link: &PeerLink,
        stale_timeout: Duration,
        now: Instant,
    ) {
        let Some(Reported { names, .. }) = known.by_serial.remove(&link.serial()) else {
            return;
        };
        self.forget_relayed(known, Some(link.serial()));
        let lost = self.lost.pin();
        let (hostname, until) = (link.route().hostname.clone(), now + stale_timeout);
        let loss = Arc::new(Loss { hostname, at: now, until });
        let note = |name, is_last: bool| {
            if is_last && !stale_timeout.is_zero() {
                lost.insert(name, Arc::clone(&loss));
            }
        };
        for name in names {
            let is_last = self.drop_holder(&name, link.serial());
            note(name, is_last);
        }
        for prefix in known.prefixes.remove(&link.serial()).unwrap_or_default() {
            let is_last = self.drop_link(&prefix, link.serial());
            note(prefix, is_last);
        }
        link.set_known(0, link.identity());
    }

    /// Notes all that a node relays: a peer, or this one.
    pub(super) fn set_relayed(
        &self,
        known: &mut PeerStreams,
        link: Option<&Arc<PeerLink>>,
        relayed: Vec<Relayed>,
    ) {
        let serial = link.map(|link| link.serial());
        self.forget_relayed(known, serial);
        let map = self.relayed.pin();
        let mut names = Vec::with_capacity(relayed.len());
        for Relayed { name, clients } in relayed {
            let mut relayers = map.get(&name).cloned().unwrap_or_default();
            relayers.retain(|held| !held.is_of(serial));
            relayers.push(Relayer { link: link.cloned(), clients });
            map.insert(name.clone(), relayers);
            names.push(name);
        }
        if !names.is_empty() {
            known.relayed.insert(serial, names);
        }
    }

    fn forget_relayed(&self, known: &mut PeerStreams, serial: Option<u32>) {
        let map = self.relayed.pin();
        for name in known.relayed.remove(&serial).unwrap_or_default() {
            let mut rest = map.get(&name).cloned().unwrap_or_default();
            rest.retain(|held| !held.is_of(serial));
            if rest.is_empty() {
                map.remove(&name);
            } else {
                map.insert(name, rest);
            }
        }
    }

    /// Lets go of streams that were expected back and did not come.
    pub(super) fn expire_lost(&self, now: Instant) {
        self.lost.pin().retain(|_, loss| loss.until > now);
    }

    fn set_holder(&self, name: &StreamName, link: &Arc<PeerLink>, stream: StreamReport) {
        let holder = Holder {
            link: Arc::clone(link),
            title: stream.title,
            opened_at_ms: stream.opened_at,
            tracks: stream.tracks,
            bitrate_kbit: stream.bitrate,
            clients: stream.clients,
            state: stream.state,
            accepts_publish: stream.accepts_publish,
        };
        let remote = self.remote.pin();
        let mut holders = remote.get(name).cloned().unwrap_or_default();
        match holders.iter_mut().find(|held| held.link.serial() == link.serial()) {
            Some(held) => *held = holder,
            None => holders.push(holder),
        }
        let before = self.is_captured(name);
        remote.insert(name.clone(), holders);
        self.count_captured(name, before);
        self.lost.pin().remove(name);
    }

    /// What the title takes that a peer has given a stream.
    fn title_bytes(&self, name: &StreamName, link: &PeerLink) -> usize {
        let remote = self.remote.pin();
        let held = remote
            .get(name)
            .and_then(|holders| holders.iter().find(|held| held.link.serial() == link.serial()));
        held.and_then(|held| held.title.as_ref()).map_or(0, |title| title.as_str().len())
    }

    fn add_link(&self, prefix: &StreamName, link: &Arc<PeerLink>) {
        let files = self.files.pin();
        let mut links = files.get(prefix).cloned().unwrap_or_default();
        links.retain(|held| held.serial() != link.serial());
        links.push(Arc::clone(link));
        files.insert(prefix.clone(), links);
        self.lost.pin().remove(prefix);
    }

    /// Removes one peer from those with files below `prefix`; whether it was the last one.
    fn drop_link(&self, prefix: &StreamName, serial: u32) -> bool {
        let files = self.files.pin();
        let Some(links) = files.get(prefix) else {
            return false;
        };
        let mut rest = links.clone();
        rest.retain(|held| held.serial() != serial);
        if rest.is_empty() {
            files.remove(prefix);
            return true;
        }
        files.insert(prefix.clone(), rest);
        false
    }

    /// Removes one peer's word; whether it was the last one.
    fn drop_holder(&self, name: &StreamName, serial: u32) -> bool {
        let remote = self.remote.pin();
        let Some(holders) = remote.get(name) else {
            return false;
        };
        let mut rest = holders.clone();
        rest.retain(|held| held.link.serial() != serial);
        let (before, is_last) = (self.is_captured(name), rest.is_empty());
        if is_last {
            remote.remove(name);
        } else {
            remote.insert(name.clone(), rest);
        }
        self.count_captured(name, before);
        is_last
    }

    /// How many streams are captured by this node or by a peer, each once.
    pub(super) fn captured_count(&self) -> usize {
        self.captured.load(Relaxed)
    }

    fn is_captured(&self, name: &StreamName) -> bool {
        let is_captured =
            |state: StreamState| matches!(state, StreamState::Running | StreamState::Starting);
        self.local.pin().get(name).is_some_and(|entry| is_captured(entry.stream.state))
            || self
                .remote
                .pin()
                .get(name)
                .is_some_and(|holders| holders.iter().any(|holder| is_captured(holder.state)))
    }

    /// Counts `name` anew after a change; `before` is whether it was captured. Kept up to date, for
    /// nobody could go through a million streams each second.
    fn count_captured(&self, name: &StreamName, before: bool) {
        match (before, self.is_captured(name)) {
            (false, true) => drop(self.captured.fetch_add(1, Relaxed)),
            (true, false) => drop(self.captured.fetch_sub(1, Relaxed)),
            (false, false) | (true, true) => {}
        }
    }
}

impl Relayer {
    fn is_of(&self, serial: Option<u32>) -> bool {
        self.link.as_ref().map(|link| link.serial()) == serial
    }

    /// Whether its word counts: this node's own does, and that of a peer that is heard.
    pub(super) fn is_heard(&self, now: Instant) -> bool {
        self.link.as_ref().is_none_or(|link| link.is_open(now))
    }
}

/// A hash that is the same on every node: FNV-1a, 64 bits
/// (<http://www.isthe.com/chongo/tech/comp/fnv/>).
pub(super) fn hash_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
