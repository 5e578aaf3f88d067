//! The peers of this node: one actor for each, none too many, none dead.
//!
//! ```text
//!  node ── SetPeers ─▶ roster ▸ add, change, remove ─▶ PeerActor, PeerActor, …
//!  API ─── PeerAnnouncedChange, PeerSpoke ───────────▶ the one it is about ▸ PeerHinted
//!  tick ── what each peer said last ▸ its history ▸ PeersView
//!  directory ── LocalTruthChanged ── at most 10 a second ─▶ all of them ▸ SendHint
//! ```
//! actix closes a panicked actor's mailbox for good, so dead peers are looked for and made anew.
//! Must live on an arbiter of its own, which its peers share: their connections belong to a thread.

mod history;
mod messages;
mod roster;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::names::{Hostname, NodeId};
use crate::peer_actor::{
    FetcherFactory, IdentityClaims, KeyUse, PeerActor, PeerConfig, PeerHeard, PeerHinted,
    PeerParts, PeerSignedWith, PeerState, PeerStatus, RemovePeer, SendHint, UpdatePeer,
};
use crate::published::Published;
use crate::report::NodeStats;
use crate::stream_directory::{
    LocalTruthChanged, NodeIdentity, PeerLink, PeerLost, PeerReported, PeersSettled,
};
use crate::wall_clock::unix_ms;
use history::History;
use roster::RosterChange;

pub use history::{SAMPLE_EVERY, Sample};
pub use messages::{ListPeers, PeerAnnouncedChange, PeerSpoke, SetPeers};

/// How often dead peers are looked for.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Ten hints a second at most.
const HINT_GAP: Duration = Duration::from_millis(100);

/// The mailbox: hints and calls of a thousand peers at once.
const MAILBOX_CAPACITY: usize = 4_096;

/// What the supervisor is made of.
pub struct ClusterParts {
    /// Who this node is.
    pub identity: NodeIdentity,
    /// Makes the fetchers; see [`crate::peer_actor::http_fetchers`].
    pub fetchers: FetcherFactory,
    /// Hears what peers report: the directory.
    pub reported: Recipient<PeerReported>,
    /// Hears which peers are lost: the directory.
    pub lost: Recipient<PeerLost>,
    /// Hears when all peers have answered once: the directory.
    pub settled: Recipient<PeersSettled>,
    /// This node's numbers, which have a history too.
    pub stats: Published<NodeStats>,
    /// Draws the jitter.
    pub seed: u64,
}

/// Reads the status of all peers, without a mailbox. Clones see the same.
#[derive(Clone, Debug, Default)]
pub struct PeersView {
    peers: Published<Vec<Published<PeerStatus>>>,
    /// By hostname, this node's among them.
    histories: Arc<Mutex<HashMap<Hostname, History>>>,
}

impl PeersView {
    /// The status of all peers, in the order of the config.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<PeerStatus>> {
        self.peers.load().iter().map(Published::load).collect()
    }

    /// The status of one peer.
    #[must_use]
    pub fn find(&self, hostname: &str) -> Option<Arc<PeerStatus>> {
        let peers = self.peers.load();
        peers.iter().map(Published::load).find(|status| status.hostname.as_str() == hostname)
    }

    /// The last hour of a peer or of this node, the newest last; empty if there is none of it.
    #[must_use]
    pub fn history(&self, hostname: &str) -> Vec<Sample> {
        let histories = self.histories();
        let found = histories.iter().find(|(name, _)| name.as_str() == hostname);
        found.map(|(_, history)| history.samples()).unwrap_or_default()
    }

    fn histories(&self) -> MutexGuard<'_, HashMap<Hostname, History>> {
        self.histories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps one actor for each wanted peer.
pub struct ClusterSupervisor {
    parts: ClusterParts,
    claims: IdentityClaims,
    view: PeersView,
    order: Vec<Hostname>,
    children: HashMap<Hostname, Child>,
    /// Peers that have not answered since the start; `None` when that matters no more.
    unheard: Option<HashSet<Hostname>>,
    next_serial: u32,
    last_hint: Option<Instant>,
    is_hint_planned: bool,
}

struct Child {
    config: PeerConfig,
    address: Addr<PeerActor>,
    status: Published<PeerStatus>,
    link: Arc<PeerLink>,
    /// The key of its last request, as its actor was told.
    request_key: Option<KeyUse>,
}

impl ClusterSupervisor {
    /// A supervisor without peers.
    #[must_use]
    pub fn new(parts: ClusterParts) -> Self {
        let claims = IdentityClaims::new(parts.identity.id, parts.identity.hostname.clone());
        Self {
            parts,
            claims,
            view: PeersView::default(),
            order: Vec::new(),
            children: HashMap::new(),
            unheard: Some(HashSet::new()),
            next_serial: 0,
            last_hint: None,
            is_hint_planned: false,
        }
    }

    /// What the API and the UI read.
    #[must_use]
    pub fn view(&self) -> PeersView {
        self.view.clone()
    }

    fn spawn(&mut self, config: PeerConfig, ctx: &Context<Self>) {
        let hostname = config.hostname.clone();
        let targets = match config.addresses.targets(&[]) {
            Ok(targets) => targets,
            Err(error) => {
                log::error!("peer {hostname}: {error}");
                return;
            }
        };
        self.next_serial += 1;
        let serial = self.next_serial;
        let peer = PeerActor::new(PeerParts {
            config: config.clone(),
            targets,
            serial,
            fetchers: Arc::clone(&self.parts.fetchers),
            reported: self.parts.reported.clone(),
            lost: self.parts.lost.clone(),
            heard: ctx.address().recipient(),
            claims: self.claims.clone(),
            seed: self.parts.seed ^ u64::from(serial).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        });
        let (status, link) = (peer.status(), peer.link());
        let address = peer.start();
        let child = Child { config, address, status, link, request_key: None };
        self.children.insert(hostname, child);
    }

    fn publish(&self) {
        let children = self.order.iter().filter_map(|name| self.children.get(name));
        self.view.peers.publish(children.map(|child| child.status.clone()).collect());
    }

    /// Makes peers anew whose actor has died.
    fn watch(&mut self, ctx: &Context<Self>) {
        let is_dead = |child: &Child| !child.address.connected();
        let dead: Vec<_> = self
            .children
            .iter()
            .filter(|(_, c)| is_dead(c))
            .map(|(name, _)| name.clone())
            .collect();
        for name in &dead {
            let Some(child) = self.children.remove(name) else {
                continue;
            };
            log::error!("peer {name}: its actor died and is started anew");
            child.link.close();
            self.claims.release(name);
            let stale_timeout = child.config.stale_timeout;
            self.parts.lost.do_send(PeerLost { link: child.link, stale_timeout });
            self.spawn(child.config, ctx);
        }
        if !dead.is_empty() {
            self.publish();
        }
    }

    /// Tells the directory when all peers have been heard; once.
    fn settle(&mut self) {
        if self.unheard.as_ref().is_some_and(HashSet::is_empty) {
            self.unheard = None;
            self.parts.settled.do_send(PeersSettled);
        }
    }

    /// Until all have been heard, waits for those that are new or different too.
    fn expect_news_of(&mut self, change: &RosterChange) {
        if let Some(unheard) = &mut self.unheard {
            unheard.extend(change.added.iter().chain(&change.changed).map(|c| c.hostname.clone()));
            for name in &change.removed {
                unheard.remove(name);
            }
        }
    }

    fn hint_all(&mut self) {
        self.last_hint = Some(now());
        for child in self.children.values() {
            child.address.do_send(SendHint);
        }
    }

    /// Adds what is known now to the history of each peer and of this node, and forgets those that
    /// are no more.
    fn sample(&self) {
        let (now, at_ms) = (now(), unix_ms());
        // An entry of that name points to this node.
        let own = &self.parts.identity.hostname;
        let mut histories = self.view.histories();
        histories.retain(|name, _| name == own || self.children.contains_key(name));
        let mut add = |name: &Hostname, sample| {
            histories.entry(name.clone()).or_default().add(sample, now);
        };
        add(own, Sample::of_stats(&self.parts.stats.load(), at_ms));
        for (name, child) in self.children.iter().filter(|(name, _)| *name != own) {
            add(name, Sample::of_peer(&child.status.load(), at_ms));
        }
    }

    /// Tells the peer that is node `id` with which key it signed, if that has changed.
    fn note_key(&mut self, id: NodeId, kid: &str) {
        let label = self.claims.label_of(id);
        let Some(child) = label.and_then(|label| self.children.get_mut(&label)) else {
            return;
        };
        let key = KeyUse::of(kid, &child.config.keys);
        if let Some(key) = key.filter(|key| child.request_key != Some(*key)) {
            child.request_key = Some(key);
            child.address.do_send(PeerSignedWith { key });
        }
    }

    /// Asks the peer that is node `id`; where nobody has claimed that id, all that `may_be` it.
    fn hurry(
        &self,
        id: NodeId,
        is_wanted: impl Fn(PeerState) -> bool,
        may_be: impl Fn(PeerState) -> bool,
    ) {
        let ask = |child: &Child| child.address.do_send(PeerHinted);
        let known = self.claims.label_of(id).and_then(|label| self.children.get(&label));
        match known {
            Some(child) if is_wanted(child.status.load().state) => ask(child),
            Some(_) => {}
            None => {
                let strangers = self.children.values();
                strangers.filter(|child| may_be(child.status.load().state)).for_each(ask);
            }
        }
    }
}

fn is_backed_off(state: PeerState) -> bool {
    matches!(state, PeerState::Unauthorized | PeerState::Incompatible)
}

/// Whether a node whose id nobody knows yet may be a peer in this state.
fn has_no_known_id(state: PeerState) -> bool {
    match state {
        PeerState::Unknown
        | PeerState::Late
        | PeerState::Down
        | PeerState::Unauthorized
        | PeerState::Incompatible => true,
        PeerState::Up | PeerState::Draining | PeerState::Myself | PeerState::Duplicate => false,
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl Actor for ClusterSupervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_CAPACITY);
        ctx.run_interval(WATCH_EVERY, |supervisor, ctx| supervisor.watch(ctx));
        ctx.run_interval(SAMPLE_EVERY, |supervisor, _| supervisor.sample());
    }
}

impl Handler<SetPeers> for ClusterSupervisor {
    type Result = ();

    fn handle(&mut self, wanted: SetPeers, ctx: &mut Self::Context) {
        let current = self.children.values().map(|child| &child.config);
        let change = roster::compare(current, &wanted.peers);
        self.expect_news_of(&change);
        for name in change.removed {
            if let Some(child) = self.children.remove(&name) {
                child.link.close();
                child.address.do_send(RemovePeer);
            }
        }
        for config in change.changed {
            if let Some(child) = self.children.get_mut(&config.hostname) {
                child.config = config.clone();
                child.request_key = None;
                child.address.do_send(UpdatePeer { config });
            }
        }
        for config in change.added {
            self.spawn(config, ctx);
        }
        self.order.clear();
        for peer in wanted.peers {
            if !self.order.contains(&peer.hostname) {
                self.order.push(peer.hostname);
            }
        }
        self.publish();
        self.settle();
    }
}

impl Handler<PeerHeard> for ClusterSupervisor {
    type Result = ();

    fn handle(&mut self, news: PeerHeard, _ctx: &mut Self::Context) {
        if let Some(unheard) = &mut self.unheard {
            unheard.remove(&news.hostname);
        }
        self.settle();
    }
}

impl Handler<LocalTruthChanged> for ClusterSupervisor {
    type Result = ();

    fn handle(&mut self, _news: LocalTruthChanged, ctx: &mut Self::Context) {
        let next = self.last_hint.map(|at| at + HINT_GAP).filter(|at| *at > now());
        let Some(next) = next else {
            self.hint_all();
            return;
        };
        if !self.is_hint_planned {
            self.is_hint_planned = true;
            ctx.run_later(next.saturating_duration_since(now()), |supervisor, _| {
                supervisor.is_hint_planned = false;
                supervisor.hint_all();
            });
        }
    }
}

impl Handler<PeerAnnouncedChange> for ClusterSupervisor {
    type Result = ();

    fn handle(&mut self, news: PeerAnnouncedChange, _ctx: &mut Self::Context) {
        self.hurry(news.node, |_| true, has_no_known_id);
    }
}

impl Handler<PeerSpoke> for ClusterSupervisor {
    type Result = ();

    fn handle(&mut self, news: PeerSpoke, _ctx: &mut Self::Context) {
        self.note_key(news.node, &news.kid);
        self.hurry(news.node, is_backed_off, is_backed_off);
    }
}

impl Handler<ListPeers> for ClusterSupervisor {
    type Result = MessageResult<ListPeers>;

    fn handle(&mut self, _ask: ListPeers, _ctx: &mut Self::Context) -> Self::Result {
        MessageResult(self.view.list())
    }
}
