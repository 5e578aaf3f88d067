//! `RtspSession`: one RTSP client's connection, from its first request to its end.
//!
//! The protocol is `media::rtsp::ServerSession`; this actor moves bytes between it and the socket,
//! asks the [`Router`] where a stream is, and keeps the session's time. It reads no further
//! requests while answers wait to be written, so nothing here grows with what a client sends.
//!
//! ```text
//!  socket ─▶ read_paced ─▶ ServerSession ─▶ Outbox ─▶ socket
//!                           │ Media │  ▲       ▲
//!   InputWriter ◀─ Receiver ┘       ▼  │       └══ fan_out ◀═╤═ ring
//!               ▲         Router, StreamHub                 │
//!   UDP sockets ┴──────────────────────────▶ UDP sockets ◀══╛
//! ```
//!
//! Media passes no mailbox. A player over TCP is written to by [`fan_out`](crate::fan_out); one
//! over UDP follows the ring by itself. A publisher's packets are read in this actor's context.
//!
//! It ends by the client's EOF, an error, the deadline, [`EndSession`], or when its stream says so.
//! A session that ends in order shuts down its writing side and goes on reading for a moment, as
//! closing a socket with unread bytes would make the kernel discard the last answer.

mod channels;
mod cluster_router;
mod listener;
pub mod messages;
mod player;
mod publisher;
mod udp;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::fut::wrap_future;
use actix::prelude::*;
use bytes::Bytes;
use watershed_media::rtsp::{
    Event, Output, RequestId, RtspLimits, ServerConfig, ServerSession, StreamRequest, TrackSetup,
    TrackTransport,
};

pub use self::cluster_router::ClusterRouter;
pub use self::listener::{REFUSAL, RtspListener};
use self::messages::{EndSession, Router, RtspAnswer};
use self::player::Player;
use self::publisher::Publisher;
use self::udp::{Datagram, Destination, SocketPair};
use crate::fan_out::FanOutSettings;
use crate::limits::LimitHits;
use crate::names::check_stream_name;
use crate::outbox::{Outbox, OutboxError, OutboxLimits, read_paced};
use crate::published::Published;
use crate::relay::Relays;
use crate::session_registry::{Client, Sessions};
use crate::stream_directory::SETTLES_WITHIN;
use crate::stream_hub::{LocalStreams, PublishTo};
use crate::tcp_listener::{Connection, ConnectionPermit};

/// How often a session looks after its client.
const WATCH_TICK: Duration = Duration::from_millis(250);
/// The same while it plays: there may be thousands, and only keep-alives are due.
const PLAYER_TICK: Duration = Duration::from_secs(5);
/// How often a client is routed anew while the node has not heard from its peers.
const SETTLE_TICK: Duration = Duration::from_millis(50);

/// How sessions are served.
#[derive(Clone)]
pub struct RtspSessionSettings {
    /// Limits of the protocol.
    pub limits: RtspLimits,
    /// Limits of what waits to be written.
    pub outbox: OutboxLimits,
    /// Most bytes taken from the socket at once.
    pub read_bytes_max: usize,
    /// How long a session that ends waits for the client to close first.
    pub linger: Duration,
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
pub struct RtspSession {
    session: ServerSession,
    settings: RtspSessionSettings,
    outbox: Outbox,
    router: Arc<dyn Router + Send + Sync>,
    limit_hits: LimitHits,
    peer: SocketAddr,
    /// The address that the client has reached.
    local: IpAddr,
    role: Role,
    /// At most one pair a track.
    sockets: Vec<TrackSockets>,
    is_ending: bool,
    has_client_ended: bool,
    is_written_out: bool,
    permit: ConnectionPermit,
}

/// What a client has come for.
enum Role {
    /// It has not said yet, or was refused.
    Unknown,
    Player(Player),
    Publisher(Box<Publisher>),
}

/// A track that travels by UDP.
struct TrackSockets {
    /// Its place in the SDP.
    track: usize,
    to: Destination,
    reading: SpawnHandle,
    /// They take as many descriptors as two connections, and so count as such.
    _permit: ConnectionPermit,
}

impl RtspSession {
    /// Starts a session for `connection` on the current arbiter.
    pub fn start_on(
        connection: Connection,
        settings: RtspSessionSettings,
        router: Arc<dyn Router + Send + Sync>,
        limit_hits: LimitHits,
    ) -> Addr<Self> {
        let Connection { stream, peer, permit } = connection;
        let local = stream.socket().local_addr().map(|address| address.ip());
        // Over TLS, packets by UDP would travel in the clear.
        let allows_udp = !stream.is_tls() && local.is_ok();
        let (reader, writer) = stream.split();
        let mut seed = [0; 32];
        let _ = getrandom::fill(&mut seed);
        let (limits, client) = (settings.limits, peer.ip());
        let config = ServerConfig { limits, client, allows_udp, seed };
        let (outbox, writing) = Outbox::new(writer, settings.outbox);
        Self::create(|ctx| {
            ctx.spawn(wrap_future(writing).map(|result, session: &mut Self, ctx| {
                session.writing_ended(result, ctx);
            }));
            ctx.add_stream(read_paced(reader, outbox.clone(), settings.read_bytes_max));
            Self {
                session: ServerSession::new(config, now()),
                settings,
                outbox,
                router,
                limit_hits,
                peer,
                local: local.unwrap_or(client),
                role: Role::Unknown,
                sockets: Vec::new(),
                is_ending: false,
                has_client_ended: false,
                is_written_out: false,
                permit,
            }
        })
    }

    /// Does what the session value wants, and gives it the answers it waits for.
    fn follow(&mut self, outputs: Vec<Output>, ctx: &mut Context<Self>) {
        let mut outputs = VecDeque::from(outputs);
        while let Some(output) = outputs.pop_front() {
            match output {
                Output::Send(bytes) => {
                    if let Err(error) = self.outbox.push(bytes) {
                        return self.give_up(&error, ctx);
                    }
                }
                Output::Event(event) => outputs.extend(self.obey(event, ctx)),
            }
        }
    }

    fn obey(&mut self, event: Event, ctx: &mut Context<Self>) -> Vec<Output> {
        match event {
            Event::DescribeRequested(asked) => {
                self.forget_role(ctx);
                return self.describe(*asked, now() + SETTLES_WITHIN, ctx);
            }
            Event::AnnounceRequested(asked, sdp) => {
                self.forget_role(ctx);
                return self.announce(*asked, &sdp, ctx);
            }
            Event::UdpRequested(request, setup) => return self.set_up_udp(request, setup, ctx),
            Event::PlayRequested(request, setups) => return self.play(request, &setups, ctx),
            Event::RecordRequested(request, setups) => return self.record(request, setups, ctx),
            Event::Media { track, is_rtcp, packet } => {
                self.receive_media(track, is_rtcp, &packet, ctx);
            }
            Event::Paused => self.stop_playing(ctx),
            Event::Failed(error) => {
                log::debug!("rtsp client {}: {error}", self.peer);
                if let Some(limit) = error.limit_name() {
                    self.limit_hits.hit(limit);
                }
                self.end(ctx);
            }
            Event::Ended => self.end(ctx),
        }
        Vec::new()
    }

    /// Routes a player; waits for the peers of a node that has just started, but not for ever.
    fn describe(
        &mut self,
        asked: StreamRequest,
        patient_until: Instant,
        ctx: &mut Context<Self>,
    ) -> Vec<Output> {
        match self.locate(&asked) {
            RtspAnswer::Here => self.describe_here(asked, ctx),
            RtspAnswer::Relay(route) => self.describe_relayed(route, asked, ctx),
            RtspAnswer::Unsettled if now() < patient_until => {
                ctx.run_later(SETTLE_TICK, move |session, ctx| {
                    let outputs = session.describe(asked, patient_until, ctx);
                    session.follow(outputs, ctx);
                });
                Vec::new()
            }
            answer => self.tell(asked.request, answer),
        }
    }

    /// Asks the router, but only for what can be a stream.
    fn locate(&self, asked: &StreamRequest) -> RtspAnswer {
        let path = asked.path.as_str();
        if let Err(error) = check_stream_name(path) {
            log::debug!("rtsp client {}: {error}", self.peer);
            return RtspAnswer::NotFound;
        }
        let (query, user_agent) = (asked.query.as_deref(), asked.user_agent.as_deref());
        self.router.locate_rtsp(path, query, user_agent)
    }

    /// Tells a client whose stream is not here where it is, or that it cannot be had.
    fn tell(&mut self, request: RequestId, answer: RtspAnswer) -> Vec<Output> {
        let answered = match answer {
            RtspAnswer::Redirect(location) => self.session.redirect(request, &location),
            RtspAnswer::NotFound => self.session.not_found(request),
            RtspAnswer::Unavailable
            | RtspAnswer::Unsettled
            | RtspAnswer::Here
            | RtspAnswer::Relay(_) => self.session.unavailable(request),
            RtspAnswer::BadRequest(reason) => self.session.bad_request(request, &reason),
        };
        // The session may have ended behind its own question, and then wants no answer.
        answered.unwrap_or_default()
    }

    /// Opens a pair of ports for a track, in place of those it had.
    fn set_up_udp(
        &mut self,
        request: RequestId,
        setup: TrackSetup,
        ctx: &mut Context<Self>,
    ) -> Vec<Output> {
        self.drop_sockets(ctx, |sockets| sockets.track == setup.track);
        let opened = self.open_sockets(setup, ctx);
        let answered = match opened {
            Ok(ports) => self.session.set_up_udp(request, ports, None),
            Err(error) => {
                log::debug!("rtsp client {}: no ports for a track: {error}", self.peer);
                self.session.refuse_udp(request)
            }
        };
        answered.unwrap_or_default()
    }

    fn open_sockets(
        &mut self,
        setup: TrackSetup,
        ctx: &mut Context<Self>,
    ) -> io::Result<(u16, u16)> {
        let TrackSetup { track, transport: TrackTransport::Udp { rtp_port, rtcp_port } } = setup
        else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let permit = Arc::clone(self.permit.semaphore()).try_acquire_many_owned(2);
        let permit = permit.map_err(|_| {
            self.limit_hits.hit("connections");
            io::Error::from(io::ErrorKind::QuotaExceeded)
        })?;
        let pair = Rc::new(SocketPair::bind(self.local, self.peer.ip())?);
        let ports = pair.ports()?;
        let reading = ctx.add_stream(Rc::clone(&pair).datagrams(track));
        let to = Destination { pair, rtp_port, rtcp_port };
        self.sockets.push(TrackSockets { track, to, reading, _permit: permit });
        Ok(ports)
    }

    /// Keeps the sockets of the tracks that are really used.
    fn drop_sockets_but_of(&mut self, setups: &[TrackSetup], ctx: &mut Context<Self>) {
        self.drop_sockets(ctx, |sockets| {
            !setups.iter().any(|setup| setup.track == sockets.track && setup.transport.is_udp())
        });
    }

    fn drop_sockets(&mut self, ctx: &mut Context<Self>, is_over: impl Fn(&TrackSockets) -> bool) {
        for sockets in self.sockets.extract_if(.., |sockets| is_over(sockets)) {
            ctx.cancel_future(sockets.reading);
        }
    }

    /// Where each of `count` tracks goes by UDP.
    fn destinations(&self, count: usize) -> Vec<Option<Destination>> {
        let of = |track| self.sockets.iter().find(|sockets| sockets.track == track);
        (0..count).map(|track| of(track).map(|sockets| sockets.to.clone())).collect()
    }

    /// Lets go of what a player or publisher had.
    fn forget_role(&mut self, ctx: &mut Context<Self>) {
        self.stop_playing(ctx);
        self.role = Role::Unknown;
        self.drop_sockets(ctx, |_| true);
    }

    /// Ends in order: what is queued is still written.
    fn end(&mut self, ctx: &mut Context<Self>) {
        self.is_ending = true;
        self.forget_role(ctx);
        self.outbox.close();
    }

    /// Ends at once: the client takes nothing more.
    fn give_up(&self, error: &OutboxError, ctx: &mut Context<Self>) {
        log::debug!("rtsp client {}: {error}", self.peer);
        match error {
            OutboxError::Full { .. } => self.limit_hits.hit("rtsp_outbox"),
            OutboxError::TimedOut(_) => self.limit_hits.hit("rtsp_write_timeout"),
            OutboxError::FellBehind => self.limit_hits.hit("slow_viewers"),
            OutboxError::Closed | OutboxError::Write(_) => {}
        }
        ctx.stop();
    }

    fn writing_ended(&mut self, result: Result<(), OutboxError>, ctx: &mut Context<Self>) {
        match result {
            Err(error) => self.give_up(&error, ctx),
            Ok(()) if self.has_client_ended => ctx.stop(),
            Ok(()) => {
                self.is_written_out = true;
                ctx.run_later(self.settings.linger, |_, ctx| ctx.stop());
            }
        }
    }

    /// Ends clients that are overdue, and looks after what they play or publish.
    fn watch(&mut self, ctx: &mut Context<Self>) {
        if self.is_ending {
            return;
        }
        self.watch_player(ctx);
        self.watch_publisher(ctx);
        let outputs = self.session.check_deadline(now());
        self.follow(outputs, ctx);
        let tick = if self.is_playing() { PLAYER_TICK } else { WATCH_TICK };
        ctx.run_later(tick, Self::watch);
    }

    const fn is_playing(&self) -> bool {
        matches!(&self.role, Role::Player(player) if player.is_playing())
    }
}

/// What a client is listed as.
#[derive(Clone, Debug)]
struct Asker {
    user_agent: Option<String>,
    token: Option<String>,
}

impl Asker {
    fn new(user_agent: Option<String>, query: Option<&str>) -> Self {
        let mut parameters = query.unwrap_or_default().split('&');
        let token = parameters.find_map(|parameter| parameter.strip_prefix("token="));
        Self { user_agent, token: token.map(str::to_owned) }
    }

    fn as_client(&self, ip: IpAddr) -> Client<'_> {
        Client { ip, user_agent: self.user_agent.as_deref(), token: self.token.as_deref() }
    }
}

impl Actor for RtspSession {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_later(WATCH_TICK, Self::watch);
    }
}

impl StreamHandler<io::Result<Bytes>> for RtspSession {
    fn handle(&mut self, piece: io::Result<Bytes>, ctx: &mut Self::Context) {
        match piece {
            // What comes after the end is read only to be thrown away.
            Ok(_) if self.is_ending => {}
            Ok(bytes) => match self.session.receive(bytes, now()) {
                Ok(outputs) => self.follow(outputs, ctx),
                Err(error) => {
                    log::debug!("rtsp client {}: {error}", self.peer);
                    self.end(ctx);
                }
            },
            Err(error) => {
                log::debug!("rtsp client {}: {error}", self.peer);
                ctx.stop();
            }
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        self.has_client_ended = true;
        self.end(ctx);
        if self.is_written_out {
            ctx.stop();
        }
    }
}

impl StreamHandler<Datagram> for RtspSession {
    fn handle(&mut self, datagram: Datagram, ctx: &mut Self::Context) {
        let Datagram { track, is_rtcp, port, bytes } = datagram;
        self.session.touch(now());
        let sockets = self.sockets.iter_mut().find(|sockets| sockets.track == track);
        if let (Role::Publisher(_), true, Some(sockets)) = (&self.role, is_rtcp, sockets) {
            // Behind a NAT it is another one than the client knows.
            sockets.to.rtcp_port = port;
        }
        self.receive_media(track, is_rtcp, &bytes, ctx);
    }

    /// A socket that failed ends no session; silence will.
    fn finished(&mut self, _ctx: &mut Self::Context) {}
}

impl Handler<EndSession> for RtspSession {
    type Result = ();

    fn handle(&mut self, _: EndSession, ctx: &mut Self::Context) {
        self.end(ctx);
    }
}

/// The time by tokio's clock, which tests can turn.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
