//! `RtmpSession`: one RTMP client's connection, from its handshake to its end.
//!
//! The protocol is `media::rtmp::ServerSession`; this actor moves bytes between it and the socket,
//! asks where streams are, and hands a publisher's media straight to its stream. Media passes no
//! mailbox: a publisher's is read in this actor's context and written through an [`InputWriter`], a
//! player's goes from the stream's [`fan_out`] to the outbox.
//!
//! ```text
//!  socket ─▶ read_paced ─▶ ServerSession ─▶ Outbox ─▶ socket
//!                          │ Item   │ ▲        ▲
//!             InputWriter ◀┘        ▼ │        └══ fan_out ◀══ ring
//!             RtmpRouting, StreamHub: redirect, refuse, grant
//! ```
//!
//! It ends by the client's EOF, an error, a deadline, [`EndSession`], or when its stream says so.

mod listener;
pub mod messages;
mod routing;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::fut::wrap_future;
use actix::prelude::*;
use bytes::Bytes;
use watershed_media::rtmp::{
    ConnectRequest, Event, Output, RtmpError, ServerConfig, ServerSession, StreamRequest,
};

pub use listener::RtmpListener;
pub use routing::RtmpRouting;

use crate::fan_out::{self, FanOutSettings, Media};
use crate::limits::LimitHits;
use crate::live_stream::{Container, InputWriter, PasswordProof, PublishRefused};
use crate::names::{Protocol, StreamName};
use crate::outbox::{Outbox, OutboxError, OutboxLimits, read_paced};
use crate::published::Published;
use crate::relay::{ClientFacts, RelayRefused, Relays};
use crate::session_registry::{Client, Connected, SessionGuard, Sessions};
use crate::stream_directory::{PeerRoute, SETTLES_WITHIN};
use crate::stream_hub::{LocalEntry, LocalStreams, PublishTo};
use crate::tcp_listener::{Connection, ConnectionPermit};
use messages::EndSession;
use routing::{PLAY_FAILED, PUBLISH_REFUSED, PlayAnswer};

/// How often a session looks whether its client is overdue.
const DEADLINE_TICK: Duration = Duration::from_millis(250);
/// How often a player is routed anew while the node has not heard from its peers.
const SETTLE_TICK: Duration = Duration::from_millis(50);
/// A stream that was just started may take this long to its first frame.
const START_WITHIN: Duration = Duration::from_secs(10);
/// How long a client that was told to go elsewhere may stay.
const LEAVE_WITHIN: Duration = Duration::from_secs(10);

/// How sessions are served.
#[derive(Clone)]
pub struct RtmpSessionSettings {
    /// Limits and sizes of the protocol.
    pub protocol: ServerConfig,
    /// Limits of what waits to be written.
    pub outbox: OutboxLimits,
    /// Most bytes taken from the socket at once.
    pub read_bytes_max: usize,
    /// How long a session that ends waits for the client to close first.
    pub linger: Duration,
    /// Where streams are.
    pub routing: RtmpRouting,
    /// Who grants publishing.
    pub hub: Recipient<PublishTo>,
    /// The streams that are played from here.
    pub streams: LocalStreams,
    /// Gives the streams of other nodes to players that cannot be redirected.
    pub relays: Relays,
    /// How players are written to.
    pub fan_out: Published<FanOutSettings>,
    /// Where granted clients are entered.
    pub sessions: Sessions,
}

/// One client; see the module's head.
pub struct RtmpSession {
    session: ServerSession,
    settings: RtmpSessionSettings,
    outbox: Outbox,
    limit_hits: LimitHits,
    client: SocketAddr,
    app: String,
    user_agent: String,
    follows_reconnect: bool,
    /// Where the media of a granted publisher goes.
    writer: Option<InputWriter>,
    /// The place in the list of a granted client.
    guard: Option<SessionGuard>,
    /// When the publisher last sent media.
    last_media: Instant,
    /// When a client that was sent elsewhere must have left.
    leave_by: Option<Instant>,
    /// Looks after the deadlines; players have none.
    watch: Option<SpawnHandle>,
    is_ending: bool,
    _permit: ConnectionPermit,
}

impl RtmpSession {
    /// Starts a session for `connection` on the current arbiter.
    pub fn start_on(
        connection: Connection,
        settings: RtmpSessionSettings,
        limit_hits: LimitHits,
    ) -> Addr<Self> {
        let Connection { stream, peer, permit } = connection;
        let (reader, writer) = stream.split();
        let (outbox, writing) = Outbox::new(writer, settings.outbox);
        let mut seed = [0; 8];
        let _ = getrandom::fill(&mut seed);
        Self::create(|ctx| {
            ctx.spawn(wrap_future(writing).map(|result, session: &mut Self, ctx| {
                session.writing_ended(result, ctx);
            }));
            ctx.add_stream(read_paced(reader, outbox.clone(), settings.read_bytes_max));
            let seed = u64::from_ne_bytes(seed);
            Self {
                session: ServerSession::new(settings.protocol, seed, Instant::now()),
                settings,
                outbox,
                limit_hits,
                client: peer,
                app: String::new(),
                follows_reconnect: false,
                writer: None,
                guard: None,
                user_agent: String::new(),
                last_media: Instant::now(),
                leave_by: None,
                watch: None,
                is_ending: false,
                _permit: permit,
            }
        })
    }

    /// Does what the session value wants, and gives it the answers it waits for.
    fn follow(&mut self, outputs: Result<Vec<Output>, RtmpError>, ctx: &mut Context<Self>) {
        let mut outputs = match outputs {
            Ok(outputs) => VecDeque::from(outputs),
            Err(error) => return self.fail(&error),
        };
        while let Some(output) = outputs.pop_front() {
            let more = match output {
                Output::Send(bytes) => match self.outbox.push(bytes) {
                    Ok(()) => continue,
                    Err(error) => return self.give_up(&error, ctx),
                },
                Output::Event(event) => self.obey(event, ctx),
            };
            match more {
                Ok(more) => outputs.extend(more),
                Err(error) => return self.fail(&error),
            }
        }
    }

    fn obey(&mut self, event: Event, ctx: &mut Context<Self>) -> Result<Vec<Output>, RtmpError> {
        match event {
            Event::ConnectRequested(request) => return self.connect(request),
            Event::PlayRequested(request) => {
                let patient_until = Instant::now() + SETTLES_WITHIN;
                return self.play(request, patient_until, ctx);
            }
            Event::PublishRequested(request) => self.publish(request, ctx),
            Event::Item(item) => {
                self.last_media = Instant::now();
                if self.writer.as_ref().is_some_and(|writer| writer.write(item).is_err()) {
                    log::info!("rtmp client {}: its stream ended the publication", self.client);
                    self.end();
                }
            }
            Event::PublishEnded => {
                self.writer = None;
                self.guard = None;
            }
            Event::PlayEnded => {
                self.outbox.follow(None);
                self.guard = None;
                self.start_watch(ctx);
            }
            Event::MetaData(_) => {}
        }
        Ok(Vec::new())
    }

    /// Lets the client in, or sends it on if its application alone names a peer's stream.
    fn connect(&mut self, request: ConnectRequest) -> Result<Vec<Output>, RtmpError> {
        let address = &request.address;
        let routing = &self.settings.routing;
        let is_name = !request.reconnects && address.name.parse::<StreamName>().is_ok();
        if is_name
            && let PlayAnswer::Redirect(target) =
                routing.play(&request.app, &address.name, &address.query, false, Instant::now())
        {
            self.leave_by = Some(Instant::now() + LEAVE_WITHIN);
            return self.session.redirect_connect(&target.full_url);
        }
        self.app = request.app;
        self.user_agent = request.flash_version;
        self.follows_reconnect = request.reconnects;
        self.session.accept_connect()
    }

    /// Routes a player; waits for the peers of a node that has just started, but not for ever.
    fn play(
        &mut self,
        request: StreamRequest,
        patient_until: Instant,
        ctx: &mut Context<Self>,
    ) -> Result<Vec<Output>, RtmpError> {
        let now = Instant::now();
        let StreamRequest { name, query, .. } = &request;
        let reconnects = self.follows_reconnect;
        match self.settings.routing.play(&self.app, name, query, reconnects, now) {
            PlayAnswer::Redirect(target) => {
                self.leave_by = Some(Instant::now() + LEAVE_WITHIN);
                if self.follows_reconnect {
                    return Ok(self.session.request_reconnect(&target.tc_url));
                }
                self.session.redirect_play(request.request, &target.tc_url, &target.full_url)
            }
            PlayAnswer::Here => {
                self.play_here(request, ctx);
                Ok(Vec::new())
            }
            PlayAnswer::Relay(route) => {
                self.play_relayed(route, request, ctx);
                Ok(Vec::new())
            }
            PlayAnswer::Refuse(code, words) => {
                self.session.reject_play(request.request, code, words)
            }
            PlayAnswer::Unsettled if now >= patient_until => {
                let words = "this node has not heard from its peers yet; try again";
                self.session.reject_play(request.request, PLAY_FAILED, words)
            }
            PlayAnswer::Unsettled => {
                ctx.run_later(SETTLE_TICK, move |session, ctx| {
                    let outputs = session.play(request, patient_until, ctx);
                    session.follow(outputs, ctx);
                });
                Ok(Vec::new())
            }
        }
    }

    /// Waits for the stream to run; one on demand starts. The session value reads no further until
    /// it is answered.
    fn play_here(&self, request: StreamRequest, ctx: &mut Context<Self>) {
        let entry = self.settings.streams.find(&request.name);
        let running = async move {
            let entry = entry?;
            entry.wait_until_running(START_WITHIN).await.then_some(entry)
        };
        let waiting = running.into_actor(self).map(move |entry, session, ctx| {
            let entry = entry.ok_or("the stream has no picture right now; try again");
            session.play_answered(entry, &request, ctx);
        });
        ctx.spawn(waiting);
    }

    /// Asks for the stream of another node; its holder may refuse the client.
    fn play_relayed(&self, route: Arc<PeerRoute>, asked: StreamRequest, ctx: &mut Context<Self>) {
        let Client { ip, user_agent, token } = self.as_client(&asked.parameters);
        let client = ClientFacts {
            protocol: Protocol::Rtmp,
            ip: Some(ip),
            token: token.map(str::to_owned),
            user_agent: user_agent.map(str::to_owned),
            referer: None,
            session: getrandom::u64().unwrap_or_default(),
        };
        let (relays, name) = (self.settings.relays.clone(), asked.name.parse());
        let opening = async move {
            let name = name.map_err(|_| RelayRefused::NotRunning)?;
            relays.open(route, name, client).await
        };
        ctx.spawn(opening.into_actor(self).map(move |opened, session, ctx| {
            let entry = opened.map_err(|refused| {
                log::debug!("rtmp client {}: not relayed: {refused}", session.client);
                match refused {
                    RelayRefused::Denied { .. } => "the node that has the stream does not allow it",
                    RelayRefused::NoAnswer(_)
                    | RelayRefused::NotRunning
                    | RelayRefused::Draining => "the stream has no picture right now; try again",
                }
            });
            session.play_answered(entry, &asked, ctx);
        }));
    }

    fn play_answered(
        &mut self,
        entry: Result<LocalEntry, &'static str>,
        asked: &StreamRequest,
        ctx: &mut Context<Self>,
    ) {
        let outputs = match entry {
            Ok(entry) => self.play_granted(&entry, asked, ctx),
            Err(words) => self.session.reject_play(asked.request, PLAY_FAILED, words),
        };
        self.follow(outputs, ctx);
    }

    /// Lets the client play, unless there are too many; its media goes out behind the answer.
    fn play_granted(
        &mut self,
        entry: &LocalEntry,
        asked: &StreamRequest,
        ctx: &mut Context<Self>,
    ) -> Result<Vec<Output>, RtmpError> {
        let broadcast = Arc::clone(&entry.broadcast);
        let connected = self.connected(ctx);
        let client = self.as_client(&asked.parameters);
        match self.settings.sessions.open_play(&broadcast, Protocol::Rtmp, client, connected) {
            Ok(guard) => self.guard = Some(guard),
            Err(refused) => {
                let words = refused.to_string();
                return self.session.reject_play(asked.request, PLAY_FAILED, &words);
            }
        }
        let outputs = self.session.accept_play(asked.request)?;
        let output = broadcast.output(Container::RtmpChunks);
        let media = Media::from_newest_start(broadcast, output, Protocol::Rtmp);
        fan_out::follow(&self.outbox, media, *self.settings.fan_out.load());
        self.leave_by = None;
        // Thousands of players are not to be looked at four times a second.
        if let Some(watch) = self.watch.take() {
            ctx.cancel_future(watch);
        }
        Ok(outputs)
    }

    fn connected(&self, ctx: &Context<Self>) -> Connected {
        Connected { end: ctx.address().recipient(), bytes: self.outbox.sent_bytes() }
    }

    fn as_client<'a>(&'a self, parameters: &'a [(String, String)]) -> Client<'a> {
        let token = parameters.iter().find(|(key, _)| key == "token");
        Client {
            ip: self.client.ip(),
            user_agent: (!self.user_agent.is_empty()).then_some(&*self.user_agent),
            token: token.map(|(_, value)| &**value),
        }
    }

    /// Asks the hub; the session value reads no further until the answer is there.
    fn publish(&self, asked: StreamRequest, ctx: &mut Context<Self>) {
        let stream = asked.name.parse::<StreamName>();
        let password = asked.parameters.iter().find(|(key, _)| key == "password");
        let proof = PasswordProof::Password(password.map(|(_, value)| value.clone()));
        let (hub, client) = (self.settings.hub.clone(), self.client);
        let asking = async move {
            let stream = stream.map_err(|_| PublishRefused::UnknownStream)?;
            let answer = hub.send(PublishTo { stream, proof, client }).await;
            answer.unwrap_or(Err(PublishRefused::NotReady))
        };
        ctx.spawn(asking.into_actor(self).map(move |granted, session, ctx| {
            let outputs = match granted {
                Ok(writer) => session.publish_granted(writer, &asked, ctx),
                Err(refused) => session.publish_refused(refused, &asked),
            };
            session.follow(outputs, ctx);
        }));
    }

    fn publish_granted(
        &mut self,
        writer: InputWriter,
        asked: &StreamRequest,
        ctx: &Context<Self>,
    ) -> Result<Vec<Output>, RtmpError> {
        if let Ok(stream) = asked.name.parse() {
            let connected = Connected::new(ctx.address().recipient());
            let client = self.as_client(&asked.parameters);
            let sessions = &self.settings.sessions;
            self.guard = Some(sessions.open_publish(&stream, Protocol::Rtmp, client, connected));
        }
        self.writer = Some(writer);
        self.leave_by = None;
        self.last_media = Instant::now();
        self.session.accept_publish(asked.request)
    }

    fn publish_refused(
        &mut self,
        refused: PublishRefused,
        asked: &StreamRequest,
    ) -> Result<Vec<Output>, RtmpError> {
        let name = &asked.name;
        let words = self.settings.routing.publish_refused(name, refused, Instant::now());
        log::info!("rtmp client {}: may not publish {name:?}: {words}", self.client);
        self.session.reject_publish(asked.request, PUBLISH_REFUSED, &words)
    }

    /// Ends because of what the client sent.
    fn fail(&mut self, error: &RtmpError) {
        log::debug!("rtmp client {}: {error}", self.client);
        if let Some(limit) = error.limit() {
            self.limit_hits.hit(limit);
        }
        self.end();
    }

    /// Ends in order: what is queued is still written.
    fn end(&mut self) {
        self.is_ending = true;
        self.writer = None;
        self.guard = None;
        self.outbox.close();
    }

    /// Ends at once: the client takes nothing more.
    fn give_up(&self, error: &OutboxError, ctx: &mut Context<Self>) {
        log::debug!("rtmp client {}: {error}", self.client);
        match error {
            OutboxError::Full { .. } => self.limit_hits.hit("rtmp_outbox"),
            OutboxError::TimedOut(_) => self.limit_hits.hit("rtmp_write_timeout"),
            OutboxError::FellBehind => self.limit_hits.hit("slow_viewers"),
            OutboxError::Closed | OutboxError::Write(_) => {}
        }
        ctx.stop();
    }

    fn writing_ended(&self, result: Result<(), OutboxError>, ctx: &mut Context<Self>) {
        match result {
            Err(error) => self.give_up(&error, ctx),
            Ok(()) => {
                ctx.run_later(self.settings.linger, |_, ctx| ctx.stop());
            }
        }
    }

    fn start_watch(&mut self, ctx: &mut Context<Self>) {
        self.watch.get_or_insert_with(|| {
            ctx.run_interval(DEADLINE_TICK, |session, _| {
                if !session.is_ending {
                    session.watch_deadlines();
                }
            })
        });
    }

    /// Ends clients that stay too long where they are.
    fn watch_deadlines(&mut self) {
        let now = Instant::now();
        let is_over = |deadline: Option<Instant>| deadline.is_some_and(|deadline| now >= deadline);
        let silence = now.saturating_duration_since(self.last_media);
        if self.writer.as_ref().is_some_and(|writer| silence >= writer.source_timeout()) {
            log::info!("rtmp client {}: published nothing for too long", self.client);
        } else if is_over(self.leave_by) {
            log::debug!("rtmp client {}: was sent elsewhere and did not go", self.client);
        } else if is_over(self.session.deadline()) {
            log::debug!("rtmp client {}: deadline passed", self.client);
            self.limit_hits.hit("rtmp_handshake_timeout");
        } else {
            return;
        }
        self.end();
    }
}

impl Actor for RtmpSession {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.start_watch(ctx);
    }
}

impl StreamHandler<io::Result<Bytes>> for RtmpSession {
    fn handle(&mut self, piece: io::Result<Bytes>, ctx: &mut Self::Context) {
        match piece {
            // What comes after the end is read only to be thrown away.
            Ok(_) if self.is_ending => {}
            Ok(bytes) => {
                if let (Some(guard), Some(_)) = (&self.guard, &self.writer) {
                    guard.add_bytes(bytes.len());
                }
                let outputs = self.session.receive(&bytes, Instant::now());
                self.follow(outputs, ctx);
            }
            Err(error) => {
                log::debug!("rtmp client {}: {error}", self.client);
                ctx.stop();
            }
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        let rest = self.session.finish();
        self.follow(Ok(rest), ctx);
        ctx.stop();
    }
}

impl Handler<EndSession> for RtmpSession {
    type Result = ();

    fn handle(&mut self, _: EndSession, _ctx: &mut Self::Context) {
        self.end();
    }
}
