//! One peer: ask it, judge its health, tell the directory.
//!
//! ```text
//!  tick ─▶ PeerFetcher::fetch ─▶ Fetched ▸ up   ▸ PeerLink::open  ▸ PeerReported ─▶ directory
//!                        └────▶ failure ▸ late ▸ nothing changes yet
//!                                       ▸ down ▸ PeerLink::close ▸ PeerLost ─────▶ directory
//! ```
//! One fetch at a time, so reports of one peer cannot overtake each other. All peers' actors live
//! on one arbiter; none of them ever blocks it.

mod fetch_times;
mod fetcher;
mod health;
mod http_exchange;
mod http_fetcher;
mod identity_claims;
mod messages;
mod negotiation;
mod page;
mod signed_client;
#[cfg(test)]
pub(crate) mod tests;
mod trust;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::names::Hostname;
use crate::published::Published;
use crate::redirect::Targets;
use crate::report::{Listener, NodeState};
use crate::signature::{CLOCK_SKEW_MAX, clock_words};
use crate::stream_directory::{PeerLink, PeerLost, PeerReported, PeerRoute};
use health::{Health, Verdict};

pub use fetch_times::FetchTimes;
pub use fetcher::{FetchFailure, FetchResult, Fetched, PeerFetcher};
pub use health::STATE_CHANGES_MAX;
pub use http_fetcher::{CHANGED_PATH, FetchLimits, FetcherParts, HttpFetcher, REPORT_PATH};
pub use identity_claims::IdentityClaims;
pub use messages::{
    GetPeerStatus, KeyUse, PeerConfig, PeerHeard, PeerHinted, PeerSignedWith, PeerState,
    PeerStatus, RemovePeer, SendHint, StateChange, UpdatePeer,
};
pub(crate) use signed_client::{SignedAsk, SignedClient};
pub use trust::{TrustError, peer_tls};

/// The shortest time between two fetches, however many hints come.
const FETCH_GAP_MIN: Duration = Duration::from_millis(50);

/// Makes the fetcher of a peer. Called on the arbiter of its actor.
pub type FetcherFactory = Arc<dyn Fn(&PeerConfig) -> Rc<dyn PeerFetcher> + Send + Sync>;

/// Fetchers over HTTP and HTTPS.
#[must_use]
pub fn http_fetchers(parts: FetcherParts) -> FetcherFactory {
    Arc::new(move |config| Rc::new(HttpFetcher::new(config, parts.clone())))
}

/// What a peer's actor is made of.
pub struct PeerParts {
    /// The peer.
    pub config: PeerConfig,
    /// Where its targets lead before it has said what it listens on.
    pub targets: Targets,
    /// A number no other link of this process has.
    pub serial: u32,
    /// Makes its fetcher.
    pub fetchers: FetcherFactory,
    /// Hears what it reports.
    pub reported: Recipient<PeerReported>,
    /// Hears when it is lost.
    pub lost: Recipient<PeerLost>,
    /// Hears when it has first answered.
    pub heard: Recipient<PeerHeard>,
    /// Who is who.
    pub claims: IdentityClaims,
    /// Draws the jitter.
    pub seed: u64,
}

/// Asks one peer.
pub struct PeerActor {
    parts: PeerParts,
    fetcher: Rc<dyn PeerFetcher>,
    link: Arc<PeerLink>,
    health: Health,
    status: Published<PeerStatus>,
    cursor: Option<String>,
    listeners: Vec<Listener>,
    /// Whether the directory holds something of this peer.
    is_known: bool,
    is_heard: bool,
    is_hint_in_flight: bool,
    is_hint_wanted: bool,
    is_hurried: bool,
    last_fetch: Option<Instant>,
    /// The key of the last answer, and of the last request of the peer.
    answer_key: Option<KeyUse>,
    request_key: Option<KeyUse>,
    config_generation: u32,
    wake: Option<SpawnHandle>,
}

impl PeerActor {
    /// A peer that is asked as soon as the actor starts. Must be made on its arbiter.
    #[must_use]
    pub fn new(parts: PeerParts) -> Self {
        let fetcher = (parts.fetchers)(&parts.config);
        let route = PeerRoute {
            hostname: parts.config.hostname.clone(),
            node: None,
            targets: parts.targets.clone(),
        };
        let link = PeerLink::new(parts.serial, now(), route);
        let health = Health::new(parts.config.fetch_timeout, now());
        let status = Published::new(first_status(&parts, &health));
        Self {
            parts,
            fetcher,
            link,
            health,
            status,
            cursor: None,
            listeners: Vec::new(),
            is_known: false,
            is_heard: false,
            is_hint_in_flight: false,
            is_hint_wanted: false,
            is_hurried: false,
            last_fetch: None,
            answer_key: None,
            request_key: None,
            config_generation: 0,
            wake: None,
        }
    }

    /// The status as others see it, published anew with each answer or change.
    #[must_use]
    pub fn status(&self) -> Published<PeerStatus> {
        self.status.clone()
    }

    /// The link as the directory sees it, for the supervisor of a dead actor.
    #[must_use]
    pub fn link(&self) -> Arc<PeerLink> {
        Arc::clone(&self.link)
    }

    fn label(&self) -> &Hostname {
        &self.parts.config.hostname
    }

    /// Lets time pass, fetches if due, and arranges to be woken again.
    fn turn(&mut self, ctx: &mut Context<Self>) {
        let before = self.health.state();
        self.health.wake(now(), self.fetcher.progress());
        if self.health.state() != before {
            self.react(before);
        }
        if self.health.is_fetch_due(now()) {
            self.begin_fetch(ctx);
        }
        if let Some(old) = self.wake.take() {
            ctx.cancel_future(old);
        }
        if let Some(at) = self.health.next_wake() {
            let wait = at.saturating_duration_since(now()).max(Duration::from_millis(1));
            let planned = now() + wait;
            self.wake = Some(ctx.run_later(wait, move |peer, ctx| {
                peer.wake = None;
                // A timer this late means that nobody here ran: the silence is our own.
                if now() > planned + peer.parts.config.fetch_timeout {
                    peer.health.resumed(now());
                }
                peer.turn(ctx);
            }));
        }
    }

    fn begin_fetch(&mut self, ctx: &mut Context<Self>) {
        let jitter = self.jitter();
        self.health.begin_fetch(now(), jitter);
        self.last_fetch = Some(now());
        let generation = self.config_generation;
        let fetch = self.fetcher.fetch(self.cursor.clone()).into_actor(self);
        ctx.spawn(fetch.map(move |result, peer, ctx| {
            // The answer to a config that is no more says nothing about the new one.
            if generation == peer.config_generation {
                peer.end_fetch(result);
                peer.turn(ctx);
                if peer.is_hurried {
                    peer.is_hurried = false;
                    peer.hurry(ctx);
                }
            }
        }));
    }

    fn end_fetch(&mut self, result: FetchResult) {
        let before = self.health.state();
        match result {
            Ok(fetched) => self.take_answer(fetched),
            Err(failure) => {
                self.count_failure(failure.reason());
                self.health.missed(failure.miss(), failure.to_string(), now());
            }
        }
        self.react(before);
        if !self.is_heard && (self.health.answered_at().is_some() || self.is_refused()) {
            self.is_heard = true;
            self.parts.heard.do_send(PeerHeard { hostname: self.label().clone() });
        }
    }

    fn count_failure(&self, reason: &'static str) {
        let mut status = PeerStatus::clone(&self.status.load());
        *status.failures.entry(reason).or_default() += 1;
        self.status.publish(status);
    }

    fn take_answer(&mut self, fetched: Fetched) {
        let Fetched { report, invalid_names, clock_offset_ms, key } = fetched;
        self.answer_key = Some(key);
        let claimed = self.parts.claims.claim(self.label(), report.id, &report.node);
        let verdict = claimed.unwrap_or(match report.state {
            NodeState::Running => Verdict::Running,
            NodeState::Draining => Verdict::Draining,
        });
        self.health.answered(verdict, now());
        self.link.set_load(&report.stats, self.parts.config.cpu_limit_percent);
        self.route_to(&report);
        let stats = Arc::new(report.stats.clone());
        let mut status = PeerStatus::clone(&self.status.load());
        if let Some(began) = self.last_fetch {
            status.fetch_times.add(now().saturating_duration_since(began));
        }
        status.node = Some(report.id);
        status.node_name = Some(report.node.clone());
        status.version = Some(report.version.clone());
        status.stats = Some(stats);
        status.clock_offset_ms = Some(clock_offset_ms);
        status.listeners.clone_from(&report.listeners);
        if report.full {
            status.invalid_names = invalid_names;
        }
        self.status.publish(status);
        if self.health.state().is_open() {
            self.cursor = Some(report.cursor.clone());
            self.link.open(now() + self.health.silence_max());
            self.is_known = true;
            let link = Arc::clone(&self.link);
            let report = Box::new(report);
            self.parts.reported.do_send(PeerReported { link, report, clock_offset_ms });
        }
    }

    /// Builds the targets anew where the listeners are others than before.
    fn route_to(&mut self, report: &crate::report::Report) {
        let route = self.link.route();
        if route.node == Some(report.id) && self.listeners == report.listeners {
            return;
        }
        match self.parts.config.addresses.targets(&report.listeners) {
            Ok(targets) => {
                self.listeners.clone_from(&report.listeners);
                let hostname = self.label().clone();
                self.link.set_route(PeerRoute { hostname, node: Some(report.id), targets });
            }
            Err(error) => log::warn!("peer {}: {error}", self.label()),
        }
    }

    /// Does what a new state asks for, and publishes the status.
    fn react(&mut self, before: PeerState) {
        let state = self.health.state();
        if !state.is_open() {
            self.link.close();
            self.cursor = None;
            if std::mem::take(&mut self.is_known) {
                let stale_timeout = self.parts.config.stale_timeout;
                self.parts.lost.do_send(PeerLost { link: Arc::clone(&self.link), stale_timeout });
            }
        }
        match state {
            PeerState::Down | PeerState::Unauthorized => self.parts.claims.release(self.label()),
            PeerState::Unknown
            | PeerState::Up
            | PeerState::Late
            | PeerState::Incompatible
            | PeerState::Draining
            | PeerState::Myself
            | PeerState::Duplicate => {}
        }
        if state != before {
            let words = self.health.error().unwrap_or("answers");
            let level = if state == PeerState::Up { log::Level::Info } else { log::Level::Warn };
            log::log!(level, "peer {}: {}, {words}", self.label(), state.as_str());
        }
        self.publish_status();
    }

    fn publish_status(&self) {
        let mut status = PeerStatus::clone(&self.status.load());
        status.state = self.health.state();
        let skew_max = i64::try_from(CLOCK_SKEW_MAX.as_millis()).unwrap_or(i64::MAX);
        let skew = status.clock_offset_ms.filter(|offset| offset.abs() > skew_max);
        status.error = self
            .health
            .error()
            .map(str::to_owned)
            .or(skew.map(|ms| clock_words((ms + ms.signum() * 500) / 1_000)));
        if status.error.is_some() {
            status.last_error.clone_from(&status.error);
        }
        let keys = [self.answer_key, self.request_key].into_iter().flatten().min();
        status.key = keys.filter(|_| status.state != PeerState::Unauthorized);
        status.answered_at = self.health.answered_at();
        status.stream_count = self.link.stream_count();
        status.changes = self.health.changes();
        status.targets = self.link.route().targets.clone();
        self.status.publish(status);
    }

    /// Asks at once, or as soon as the fetch in flight has ended.
    fn hurry(&mut self, ctx: &mut Context<Self>) {
        let too_soon = self.last_fetch.map(|at| at + FETCH_GAP_MIN).filter(|at| *at > now());
        self.health.hurry(too_soon.unwrap_or_else(now));
        self.turn(ctx);
    }

    fn is_refused(&self) -> bool {
        matches!(self.health.state(), PeerState::Unauthorized | PeerState::Incompatible)
    }

    /// A number from -1 to 1.
    fn jitter(&mut self) -> f64 {
        // Xorshift64 (Marsaglia, 2003): peers need not be asked in step, nothing more.
        let mut bits = self.parts.seed | 1;
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        self.parts.seed = bits;
        let thousandth = i32::try_from(bits % 2_001).unwrap_or(1_000) - 1_000;
        f64::from(thousandth) / 1_000.0
    }
}

fn first_status(parts: &PeerParts, health: &Health) -> PeerStatus {
    PeerStatus {
        hostname: parts.config.hostname.clone(),
        state: health.state(),
        error: None,
        last_error: None,
        key: None,
        fetch_times: FetchTimes::default(),
        answered_at: None,
        clock_offset_ms: None,
        node: None,
        node_name: None,
        version: None,
        stats: None,
        stream_count: 0,
        invalid_names: 0,
        listeners: Vec::new(),
        failures: BTreeMap::new(),
        targets: parts.targets.clone(),
        changes: Vec::new(),
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl Actor for PeerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.turn(ctx);
    }
}

impl Handler<PeerHinted> for PeerActor {
    type Result = ();

    fn handle(&mut self, _news: PeerHinted, ctx: &mut Self::Context) {
        if self.health.is_fetching() {
            self.is_hurried = true;
        } else {
            self.hurry(ctx);
        }
    }
}

impl Handler<SendHint> for PeerActor {
    type Result = ();

    fn handle(&mut self, _ask: SendHint, ctx: &mut Self::Context) {
        if !matches!(self.health.state(), PeerState::Up | PeerState::Late | PeerState::Draining) {
            return;
        }
        if self.is_hint_in_flight {
            self.is_hint_wanted = true;
            return;
        }
        self.is_hint_in_flight = true;
        let hint = self.fetcher.hint().into_actor(self);
        ctx.spawn(hint.map(|result, peer, ctx| {
            peer.is_hint_in_flight = false;
            if let Err(failure) = result {
                log::debug!("peer {}: hint: {failure}", peer.label());
            }
            if std::mem::take(&mut peer.is_hint_wanted) {
                ctx.notify(SendHint);
            }
        }));
    }
}

impl Handler<PeerSignedWith> for PeerActor {
    type Result = ();

    fn handle(&mut self, news: PeerSignedWith, _ctx: &mut Self::Context) {
        self.request_key = Some(news.key);
        self.publish_status();
    }
}

impl Handler<UpdatePeer> for PeerActor {
    type Result = ();

    fn handle(&mut self, update: UpdatePeer, ctx: &mut Self::Context) {
        let targets = match update.config.addresses.targets(&self.listeners) {
            Ok(targets) => targets,
            Err(error) => {
                log::warn!("peer {}: {error}", self.label());
                return;
            }
        };
        let route = self.link.route();
        self.link.set_route(PeerRoute { targets, ..PeerRoute::clone(&route) });
        self.parts.config = update.config;
        (self.answer_key, self.request_key) = (None, None);
        self.fetcher = (self.parts.fetchers)(&self.parts.config);
        self.config_generation += 1;
        self.is_heard = false;
        self.health.reconfigure(self.parts.config.fetch_timeout, now());
        self.publish_status();
        self.turn(ctx);
    }
}

impl Handler<RemovePeer> for PeerActor {
    type Result = ();

    fn handle(&mut self, _ask: RemovePeer, ctx: &mut Self::Context) {
        self.link.close();
        self.parts.claims.release(self.label());
        let stale_timeout = Duration::ZERO;
        self.parts.lost.do_send(PeerLost { link: Arc::clone(&self.link), stale_timeout });
        ctx.stop();
    }
}

impl Handler<GetPeerStatus> for PeerActor {
    type Result = MessageResult<GetPeerStatus>;

    fn handle(&mut self, _ask: GetPeerStatus, _ctx: &mut Self::Context) -> Self::Result {
        self.publish_status();
        MessageResult(self.status.load())
    }
}
