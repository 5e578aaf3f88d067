//! Playing a peer's stream through this node, for clients that cannot follow a redirect (SPEC 5.4).
//!
//! A relay is a [`LiveStream`] whose input pulls from the holder, so that all outputs work on it as
//! on a stream of this node. But it stands in a table of its own, and what it says of itself is
//! told to this hub instead of the directory: it is never reported as held.
//!
//! ```text
//!  session ─ Relays::open ─▶ RelayHub ─ authorize, signed ─▶ holder        each client
//!                               └─ spawns, once a stream ─▶ LiveStream ◀─ RelayPull ◀═ feed, there
//!     ◀── LocalEntry ───────────┘      nobody watches, or nobody holds it ▸ it ends
//! ```

mod admissions;
mod authorize;
mod feed;
mod messages;
mod pull;
mod table;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use actix_rt::ArbiterHandle;

pub use authorize::{AuthorizeAnswer, AuthorizeAsk};
pub use feed::feed;
pub use messages::{ClientFacts, RelayRefused, SetRelayPeers};
pub use table::Relays;

use crate::live_stream::{
    Broadcast, InputSource, InputSpec, LiveStream, RemoveStream, StartStream, StreamSpec,
    StreamStatus, new_capture_id,
};
use crate::names::{Hostname, StreamName};
use crate::node_stats::CounterValues;
use crate::peer_actor::{FetcherParts, SignedAsk, SignedClient};
use crate::published::Published;
use crate::report::Relayed;
use crate::stream_directory::{DirectoryView, LocalRelaysChanged, LocalStreamChanged, PeerRoute};
use crate::stream_hub::LocalEntry;
use messages::OpenRelay;
use pull::{PeerKeys, RelayPull};
use table::Table;

/// Where a node is asked for the packets of one of its streams; the name follows as one segment.
pub const MEDIA_PATH: &str = "/streamer/api/v3/cluster/media";

/// Where a node is asked whether a client may play one of its streams.
pub const AUTHORIZE_PATH: &str = "/streamer/api/v3/cluster/authorize";

/// How often the hub looks after its relays.
const TICK: Duration = Duration::from_secs(1);
/// Connections kept to a holder for the questions about clients, of which many may come at once.
const ASKING_CONNECTIONS: usize = 8;
/// Clients that may wait for the hub.
const MAILBOX_CAPACITY: usize = 1024;

/// How streams are relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelaySettings {
    /// How long a relay goes on after its last client. Default 60 s.
    pub clients_timeout: Duration,
    /// Wanted length of an HLS segment. Default 4 s.
    pub segment_duration: Duration,
    /// Segments in a playlist. Default 4.
    pub segment_count: usize,
    /// How long a relay may take to its first frame: the holder may have to start the stream.
    /// Default 10 s.
    pub start_within: Duration,
    /// A holder that sends nothing for this long is lost; it has promised a frame every 2 s.
    /// Default 5 s.
    pub silence_max: Duration,
    /// How long another holder is looked for when one was lost: longer than a node needs to notice
    /// that a peer is dead. Default 8 s.
    pub search_for: Duration,
    /// Most relays at once; a client may ask for every stream of the cluster. Default 1,000.
    pub relays_max: usize,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self {
            clients_timeout: Duration::from_secs(60),
            segment_duration: Duration::from_secs(4),
            segment_count: 4,
            start_within: Duration::from_secs(10),
            silence_max: Duration::from_secs(5),
            search_for: Duration::from_secs(8),
            relays_max: 1000,
        }
    }
}

/// What the hub is made of.
pub struct RelayParts {
    /// Where streams are.
    pub directory: DirectoryView,
    /// Signs what holders are asked.
    pub nodes: FetcherParts,
    /// Where relays run, in turn.
    pub arbiters: Vec<ArbiterHandle>,
    /// How streams are relayed.
    pub settings: RelaySettings,
    /// Hears who watches which relay, so that the stream's viewers are known everywhere.
    pub watched: Recipient<LocalRelaysChanged>,
    /// Where the bytes given out and the clients of all relays are summed up.
    pub totals: Published<CounterValues>,
}

/// Keeps one relay for each stream that is wanted. There is one hub a node.
pub struct RelayHub {
    parts: RelayParts,
    table: Table,
    next_arbiter: usize,
    keys: Published<PeerKeys>,
    /// Clients to ask holders with, made when first needed.
    askers: HashMap<Hostname, (Arc<PeerRoute>, Rc<SignedClient>)>,
    relays: HashMap<StreamName, Life>,
    /// Bytes given out by relays that are no more.
    bytes_gone: u64,
    /// Who watches, as last told.
    told: Vec<Relayed>,
}

/// How far a relay has come.
#[derive(Debug)]
struct Life {
    since: Instant,
    has_begun: bool,
    has_run: bool,
}

impl RelayHub {
    /// Starts a hub without relays on `arbiter`, and answers the way to those it will make.
    #[must_use]
    pub fn start_on(arbiter: &ArbiterHandle, parts: RelayParts) -> (Relays, Addr<Self>) {
        // An HLS session is seen that often at least (SPEC section 6).
        let session_window = 2 * parts.settings.segment_duration + Duration::from_secs(5);
        let table = Table::new(session_window, parts.settings.start_within);
        let shared = table.clone();
        let hub = Self::start_in_arbiter(arbiter, move |_| Self::new(parts, shared));
        (Relays::new(table, hub.clone()), hub)
    }

    fn new(parts: RelayParts, table: Table) -> Self {
        Self {
            parts,
            table,
            next_arbiter: 0,
            keys: Published::default(),
            askers: HashMap::new(),
            relays: HashMap::new(),
            bytes_gone: 0,
            told: Vec::new(),
        }
    }

    /// The client to ask the node at `route` with; another one when that has moved.
    fn asker(&mut self, route: &Arc<PeerRoute>) -> Rc<SignedClient> {
        if let Some((known, asker)) = self.askers.get(&route.hostname)
            && known == route
        {
            return Rc::clone(asker);
        }
        let keys = self.keys.load().get(&route.hostname).cloned().unwrap_or_default();
        let base = route.targets.private_http_base().to_owned();
        let asker = Rc::new(self.parts.nodes.signed_client(base, keys, ASKING_CONNECTIONS));
        asker.expect_node(route.node);
        self.askers.insert(route.hostname.clone(), (Arc::clone(route), Rc::clone(&asker)));
        asker
    }

    /// The relay of `name`, started if there is none.
    fn ensure(
        &mut self,
        name: &StreamName,
        route: Arc<PeerRoute>,
        ctx: &Context<Self>,
    ) -> Result<LocalEntry, RelayRefused> {
        if let Some(entry) = self.table.find(name.as_str()).filter(|e| e.actor.connected()) {
            return Ok(entry);
        }
        self.remove(name, "its actor died");
        if self.relays.len() >= self.parts.settings.relays_max {
            log::warn!("relay {name}: not begun, there are {} others", self.relays.len());
            return Err(RelayRefused::NotRunning);
        }
        log::info!("relay {name}: begins, from {}", route.hostname);
        let spec = self.spec(name, route);
        let broadcast = Arc::new(Broadcast::new(&spec, &new_capture_id()));
        let told = ctx.address().recipient();
        let stream = LiveStream::new(spec.clone(), Arc::clone(&broadcast), told);
        let actor = match self.parts.arbiters.get(self.next_arbiter) {
            Some(arbiter) => LiveStream::start_in_arbiter(arbiter, move |_| stream),
            None => stream.start(),
        };
        self.next_arbiter = (self.next_arbiter + 1) % self.parts.arbiters.len().max(1);
        actor.do_send(StartStream);
        let life = Life { since: Instant::now(), has_begun: false, has_run: false };
        self.relays.insert(name.clone(), life);
        let entry = LocalEntry { spec: Arc::new(spec), broadcast, actor };
        self.table.insert(entry.clone());
        Ok(entry)
    }

    fn spec(&self, name: &StreamName, route: Arc<PeerRoute>) -> StreamSpec {
        let settings = self.parts.settings;
        let pull = RelayPull {
            name: name.clone(),
            route,
            directory: self.parts.directory.clone(),
            nodes: self.parts.nodes.clone(),
            keys: self.keys.clone(),
            settings,
        };
        let source = InputSource::Relay(Arc::new(pull));
        StreamSpec {
            name: name.clone(),
            title: None,
            inputs: vec![InputSpec { source, priority: 1, source_timeout: settings.silence_max }],
            is_static: false,
            clients_timeout: settings.clients_timeout,
            retry_limit: None,
            password: None,
            publish_takeover: false,
            is_from_template: false,
            max_sessions: None,
            segment_duration: settings.segment_duration,
            segment_count: settings.segment_count,
        }
    }

    /// Ends the relay, and with it its players.
    fn remove(&mut self, name: &StreamName, reason: &str) {
        self.relays.remove(name);
        let Some(entry) = self.table.remove(name) else {
            return;
        };
        log::info!("relay {name}: ends, {reason}");
        self.bytes_gone += entry.broadcast.facts().bytes_out;
        entry.broadcast.close();
        entry.actor.do_send(RemoveStream);
    }

    /// Ends the relay if it has nothing to give any more, or nobody to give it to.
    fn judge(&mut self, name: &StreamName, status: StreamStatus) {
        let Some(life) = self.relays.get_mut(name) else {
            return;
        };
        let is_late = life.since.elapsed() >= self.parts.settings.start_within;
        let reason = match status {
            StreamStatus::Idle if life.has_begun => "nobody watches",
            StreamStatus::Failed => "nobody has it",
            StreamStatus::Waiting if life.has_run || is_late => "its holder sends nothing",
            StreamStatus::Idle => return,
            StreamStatus::Starting | StreamStatus::Waiting | StreamStatus::Running => {
                life.has_begun = true;
                life.has_run |= status == StreamStatus::Running;
                return;
            }
        };
        self.remove(name, reason);
    }

    fn tick(&mut self) {
        let now = Instant::now();
        self.table.sweep(now);
        let entries = self.table.all();
        for dead in entries.iter().filter(|entry| !entry.actor.connected()) {
            self.remove(&dead.spec.name, "its actor died");
        }
        let mut totals = CounterValues { bytes_out: self.bytes_gone, ..CounterValues::default() };
        let mut watched = Vec::new();
        for entry in self.table.all() {
            let clients = entry.broadcast.viewers().count();
            totals.bytes_out += entry.broadcast.facts().bytes_out;
            totals.play_sessions += u64::from(clients);
            if clients > 0 {
                watched.push(Relayed { name: entry.spec.name.clone(), clients });
            }
        }
        self.parts.totals.publish(totals);
        watched.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        if self.told != watched {
            self.told.clone_from(&watched);
            self.parts.watched.do_send(LocalRelaysChanged { relayed: watched });
        }
    }
}

impl Actor for RelayHub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_CAPACITY);
        ctx.run_interval(TICK, |hub, _| hub.tick());
    }
}

impl Handler<SetRelayPeers> for RelayHub {
    type Result = ();

    fn handle(&mut self, SetRelayPeers(peers): SetRelayPeers, _ctx: &mut Self::Context) {
        let keys = peers.into_iter().map(|peer| (peer.hostname, peer.keys));
        self.keys.publish(keys.collect());
        self.askers.clear();
    }
}

impl Handler<OpenRelay> for RelayHub {
    type Result = ResponseActFuture<Self, Result<LocalEntry, RelayRefused>>;

    fn handle(&mut self, ask: OpenRelay, _ctx: &mut Self::Context) -> Self::Result {
        let OpenRelay { route, name, client } = ask;
        if self.parts.directory.is_draining() {
            return Box::pin(fut::err(RelayRefused::Draining));
        }
        let asker = self.asker(&route);
        let question = AuthorizeAsk::new(name.as_str(), &client);
        let asking = async move { authorize(&asker, &question).await }.into_actor(self);
        Box::pin(asking.map(move |allowed, hub, ctx| {
            allowed?;
            let entry = hub.ensure(&name, route, ctx)?;
            hub.table.admit(name, &client, Instant::now());
            Ok(entry)
        }))
    }
}

/// What a relay says of itself; another stream's actor says it to the directory.
impl Handler<LocalStreamChanged> for RelayHub {
    type Result = ();

    fn handle(&mut self, news: LocalStreamChanged, _ctx: &mut Self::Context) {
        if let Some(entry) = self.table.find(news.name.as_str()) {
            self.judge(&news.name, entry.broadcast.status());
        }
    }
}

/// Asks the holder about one client. No answer is a refusal.
async fn authorize(holder: &SignedClient, question: &AuthorizeAsk) -> Result<(), RelayRefused> {
    let body = serde_json::to_vec(question).unwrap_or_default();
    let answer = holder.ask_short(SignedAsk::post(AUTHORIZE_PATH, body.into())).await;
    let answer = answer.map_err(|failure| RelayRefused::NoAnswer(failure.to_string()))?;
    let answer: AuthorizeAnswer = serde_json::from_slice(&answer)
        .map_err(|error| RelayRefused::NoAnswer(error.to_string()))?;
    if answer.allowed {
        return Ok(());
    }
    let status = answer.status.filter(|status| (400..600).contains(status)).unwrap_or(403);
    Err(RelayRefused::Denied { status, reason: answer.reason.unwrap_or_default() })
}
