//! Where every stream of the cluster is, and who has files below which prefix.
//!
//! ```text
//!  LocalStreamChanged ─▶ report_log ─▶ ReportSince (peers ask)
//!            └─────────▶ table ◀────── PeerReported, PeerLost
//!                          │
//!                          ▼ read by all threads
//!                     DirectoryView::locate ▸ placement::choose ─▶ Here | At(peer) | …
//! ```
//! The actor is the only writer. It should live on an arbiter of its own: a report of two hundred
//! thousand streams keeps it busy for some tenths of a second, which no session may feel.

mod client_memory;
mod files;
mod messages;
mod peer_link;
mod placement;
mod report_log;
mod route_counters;
mod table;
#[cfg(test)]
mod tests;
mod view;

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::names::{Hostname, NodeId};
use crate::published::Published;
use crate::report::{Listener, NodeState, NodeStats, REPORT_PROTOCOL, Report};
use report_log::{LogLimits, ReportLog};
use table::PeerStreams;

pub use files::FileLocation;
pub use messages::{
    LocalNodeChanged, LocalRelaysChanged, LocalStream, LocalStreamChanged, LocalStreamRemoved,
    LocalTruthChanged, LocalVodsChanged, PeerLost, PeerReported, PeersSettled, ReportSince,
    SubscribeLocalTruth,
};
pub use peer_link::{PeerLink, PeerLoad, PeerRoute};
pub use route_counters::RedirectCount;
pub use view::{
    Ask, Choice, DirectoryView, HolderListing, SETTLES_WITHIN, STARTING_COUNTS_FOR, StreamListing,
    StreamLocation,
};

/// How often what has grown old is swept out.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The mailbox: more than a thousand peers reporting at once.
const MAILBOX_CAPACITY: usize = 4_096;

/// Who this node is.
#[derive(Clone, Debug)]
pub struct NodeIdentity {
    /// Its id, new at each start.
    pub id: NodeId,
    /// Its configured name.
    pub hostname: Hostname,
    /// Its software version.
    pub version: String,
}

/// The only writer of the directory.
#[derive(Debug)]
pub struct StreamDirectory {
    identity: NodeIdentity,
    stats: Published<NodeStats>,
    view: DirectoryView,
    known: PeerStreams,
    log: ReportLog,
    state: NodeState,
    listeners: Vec<Listener>,
    vods: Vec<String>,
    subscriber: Option<Recipient<LocalTruthChanged>>,
}

impl StreamDirectory {
    /// An empty directory. `stats` is what each report carries; `seed` draws between holders.
    #[must_use]
    pub fn new(identity: NodeIdentity, stats: Published<NodeStats>, seed: u64) -> Self {
        let view = DirectoryView::new(now(), seed, &identity.hostname);
        // Our own marks are of a known clock.
        view.set_clock_offset(identity.id.prefix(), 0);
        let log = ReportLog::new(identity.id, LogLimits::default());
        Self {
            identity,
            stats,
            view,
            known: PeerStreams::default(),
            log,
            state: NodeState::Running,
            listeners: Vec::new(),
            vods: Vec::new(),
            subscriber: None,
        }
    }

    /// The read side, for as many sessions as there are.
    #[must_use]
    pub fn view(&self) -> DirectoryView {
        self.view.clone()
    }

    fn sweep(&mut self) {
        self.view.shared.table.expire_lost(now());
        self.log.flush(now());
    }

    fn announce(&self) {
        if let Some(subscriber) = &self.subscriber {
            subscriber.do_send(LocalTruthChanged);
        }
    }
}

impl Actor for StreamDirectory {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_CAPACITY);
        ctx.run_interval(SWEEP_EVERY, |directory, _| directory.sweep());
    }
}

impl Handler<LocalStreamChanged> for StreamDirectory {
    type Result = ();

    fn handle(&mut self, news: LocalStreamChanged, _ctx: &mut Self::Context) {
        let is_news = self.log.change(&news.name, news.stream.clone(), now());
        self.view.shared.table.set_local(news.name, news.stream, now());
        if is_news {
            self.announce();
        }
    }
}

impl Handler<LocalStreamRemoved> for StreamDirectory {
    type Result = ();

    fn handle(&mut self, news: LocalStreamRemoved, _ctx: &mut Self::Context) {
        self.view.shared.table.remove_local(&news.name);
        if self.log.remove(&news.name) {
            self.announce();
        }
    }
}

impl Handler<LocalNodeChanged> for StreamDirectory {
    type Result = ();

    fn handle(&mut self, news: LocalNodeChanged, _ctx: &mut Self::Context) {
        let is_news = self.state != news.state;
        self.state = news.state;
        let is_draining = news.state == NodeState::Draining;
        self.view.shared.is_draining.store(is_draining, Relaxed);
        self.listeners = news.listeners;
        if is_news {
            self.announce();
        }
    }
}

impl Handler<LocalVodsChanged> for StreamDirectory {
    type Result = ();

    fn handle(&mut self, news: LocalVodsChanged, _ctx: &mut Self::Context) {
        if self.vods != news.prefixes {
            self.vods = news.prefixes;
            self.announce();
        }
    }
}

impl Handler<LocalRelaysChanged> for StreamDirectory {
    type Result = ();

    fn handle(&mut self, news: LocalRelaysChanged, _ctx: &mut Self::Context) {
        self.view.shared.table.set_relayed(&mut self.known, None, news.relayed.clone());
        self.log.change_relayed(news.relayed, now());
    }
}

impl Handler<PeerReported> for StreamDirectory {
    type Result = ();

    fn handle(&mut self, news: PeerReported, _ctx: &mut Self::Context) {
        self.view.set_clock_offset(news.report.id.prefix(), news.clock_offset_ms);
        self.view.shared.table.apply(&mut self.known, &news.link, *news.report);
    }
}

impl Handler<PeerLost> for StreamDirectory {
    type Result = ();

    fn handle(&mut self, news: PeerLost, _ctx: &mut Self::Context) {
        let table = &self.view.shared.table;
        table.forget(&mut self.known, &news.link, news.stale_timeout, now());
    }
}

impl Handler<PeersSettled> for StreamDirectory {
    type Result = ();

    fn handle(&mut self, _news: PeersSettled, _ctx: &mut Self::Context) {
        self.view.shared.is_settled.store(true, Relaxed);
    }
}

impl Handler<SubscribeLocalTruth> for StreamDirectory {
    type Result = ();

    fn handle(&mut self, ask: SubscribeLocalTruth, _ctx: &mut Self::Context) {
        self.subscriber = Some(ask.recipient);
    }
}

impl Handler<ReportSince> for StreamDirectory {
    type Result = MessageResult<ReportSince>;

    fn handle(&mut self, ask: ReportSince, _ctx: &mut Self::Context) -> Self::Result {
        let page = self.log.page(ask.cursor.as_deref());
        MessageResult(Report {
            node: self.identity.hostname.clone(),
            id: self.identity.id,
            version: self.identity.version.clone(),
            protocol: REPORT_PROTOCOL,
            state: self.state,
            cursor: page.cursor,
            full: page.full,
            more: page.more,
            listeners: self.listeners.clone(),
            stats: NodeStats::clone(&self.stats.load()),
            streams: page.streams,
            removed: page.removed,
            relayed: page.relayed,
            vods: self.vods.clone(),
            members: Vec::new(),
        })
    }
}

/// The time of the runtime, which tests can hold and move.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
