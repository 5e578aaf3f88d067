//! `RtspSession`: one RTSP client's connection, from its first request to its end.
//!
//! The protocol is `media::rtsp::ServerSession`; this actor moves bytes between it and the socket,
//! asks the [`Router`] where a stream is, and keeps the session's time. It reads no further
//! requests while answers wait to be written, so nothing here grows with what a client sends.
//!
//! ```text
//!  socket ─▶ read_paced ─▶ ServerSession ─▶ Outbox ─▶ socket
//!                               │  ▲
//!                    where is x?▼  │redirect, not found, …
//!                              Router
//! ```
//!
//! It ends by the client's EOF, an error, the deadline, or [`EndSession`]. A session that ends in
//! order shuts down its writing side and goes on reading for a moment, as closing a socket with
//! unread bytes would make the kernel discard the last answer.

mod cluster_router;
mod listener;
pub mod messages;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::fut::wrap_future;
use actix::prelude::*;
use bytes::Bytes;
use watershed_media::rtsp::{
    Event, Output, RtspLimits, ServerConfig, ServerSession, StreamRequest,
};

pub use self::cluster_router::ClusterRouter;
pub use self::listener::{REFUSAL, RtspListener};
use self::messages::{EndSession, Router, RtspAnswer};
use crate::limits::LimitHits;
use crate::names::check_stream_name;
use crate::outbox::{Outbox, OutboxError, OutboxLimits, read_paced};
use crate::stream_directory::SETTLES_WITHIN;
use crate::tcp_listener::{Connection, ConnectionPermit};

/// How often a client is routed anew while the node has not heard from its peers.
const SETTLE_TICK: Duration = Duration::from_millis(50);

/// How sessions are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtspSessionSettings {
    /// Limits of the protocol.
    pub limits: RtspLimits,
    /// Limits of what waits to be written.
    pub outbox: OutboxLimits,
    /// Most bytes taken from the socket at once. Default 4 KiB.
    pub read_bytes_max: usize,
    /// How long a session that ends waits for the client to close first. Default 1 s.
    pub linger: Duration,
}

impl Default for RtspSessionSettings {
    fn default() -> Self {
        Self {
            limits: RtspLimits::default(),
            outbox: OutboxLimits::CONTROL,
            read_bytes_max: 4096,
            linger: Duration::from_secs(1),
        }
    }
}

/// One client; see the module's head.
pub struct RtspSession {
    session: ServerSession,
    outbox: Outbox,
    router: Arc<dyn Router + Send + Sync>,
    limit_hits: LimitHits,
    peer: SocketAddr,
    linger: Duration,
    is_ending: bool,
    has_client_ended: bool,
    is_written_out: bool,
    _permit: ConnectionPermit,
}

/// Which of its two questions a session asks.
#[derive(Clone, Copy)]
enum Purpose {
    Play,
    Publish,
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
        let (reader, writer) = stream.split();
        let mut seed = [0; 32];
        let _ = getrandom::fill(&mut seed);
        let (limits, client) = (settings.limits, peer.ip());
        let config = ServerConfig { limits, client, allows_udp: false, seed };
        let (outbox, writing) = Outbox::new(writer, settings.outbox);
        Self::create(|ctx| {
            ctx.spawn(wrap_future(writing).map(|result, session: &mut Self, ctx| {
                session.writing_ended(result, ctx);
            }));
            ctx.add_stream(read_paced(reader, outbox.clone(), settings.read_bytes_max));
            Self {
                session: ServerSession::new(config, now()),
                outbox,
                router,
                limit_hits,
                peer,
                linger: settings.linger,
                is_ending: false,
                has_client_ended: false,
                is_written_out: false,
                _permit: permit,
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
                Output::Event(Event::DescribeRequested(asked)) => {
                    let patient_until = now() + SETTLES_WITHIN;
                    outputs.extend(self.answer(*asked, Purpose::Play, patient_until, ctx));
                }
                Output::Event(Event::AnnounceRequested(asked, _)) => {
                    outputs.extend(self.answer(*asked, Purpose::Publish, now(), ctx));
                }
                Output::Event(Event::Failed(error)) => {
                    log::debug!("rtsp client {}: {error}", self.peer);
                    if let Some(limit) = error.limit_name() {
                        self.limit_hits.hit(limit);
                    }
                    self.end();
                }
                Output::Event(Event::Ended) => self.end(),
                // These come only after a granted DESCRIBE or ANNOUNCE, and none is granted.
                Output::Event(
                    Event::UdpRequested(..)
                    | Event::PlayRequested(..)
                    | Event::RecordRequested(..)
                    | Event::Media { .. }
                    | Event::Paused,
                ) => {}
            }
        }
    }

    fn answer(
        &mut self,
        asked: StreamRequest,
        purpose: Purpose,
        patient_until: Instant,
        ctx: &mut Context<Self>,
    ) -> Vec<Output> {
        let request = asked.request;
        let answered = match self.locate(&asked, purpose) {
            RtspAnswer::Unsettled if now() >= patient_until => self.session.unavailable(request),
            RtspAnswer::Unsettled => {
                ctx.run_later(SETTLE_TICK, move |session, ctx| {
                    let outputs = session.answer(asked, purpose, patient_until, ctx);
                    session.follow(outputs, ctx);
                });
                return Vec::new();
            }
            RtspAnswer::Redirect(location) => self.session.redirect(request, &location),
            RtspAnswer::NotFound => self.session.not_found(request),
            RtspAnswer::Unavailable => self.session.unavailable(request),
            RtspAnswer::LocalPlaybackUnsupported | RtspAnswer::Relay(_) => {
                self.session.not_implemented(request)
            }
            RtspAnswer::BadRequest(reason) => self.session.bad_request(request, &reason),
        };
        // The session may have ended behind its own question, and then wants no answer.
        answered.unwrap_or_default()
    }

    /// Asks the router, but only for what can be a stream.
    fn locate(&self, asked: &StreamRequest, purpose: Purpose) -> RtspAnswer {
        let path = asked.path.as_str();
        if let Err(error) = check_stream_name(path) {
            log::debug!("rtsp client {}: {error}", self.peer);
            return RtspAnswer::NotFound;
        }
        let (query, user_agent) = (asked.query.as_deref(), asked.user_agent.as_deref());
        match purpose {
            Purpose::Play => self.router.locate_rtsp(path, query, user_agent),
            Purpose::Publish => self.router.locate_rtsp_publish(path, query, user_agent),
        }
    }

    /// Ends in order: what is queued is still written.
    fn end(&mut self) {
        self.is_ending = true;
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
                ctx.run_later(self.linger, |_, ctx| ctx.stop());
            }
        }
    }

    /// Ends the session at its deadline, which it may have moved since this was set up.
    fn watch_deadline(&mut self, ctx: &mut Context<Self>) {
        let left = self.session.deadline().saturating_duration_since(now());
        if !left.is_zero() {
            ctx.run_later(left, Self::watch_deadline);
        } else if !self.is_ending {
            let outputs = self.session.check_deadline(now());
            self.follow(outputs, ctx);
        }
    }
}

impl Actor for RtspSession {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.watch_deadline(ctx);
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
                    self.end();
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
        self.end();
        if self.is_written_out {
            ctx.stop();
        }
    }
}

impl Handler<EndSession> for RtspSession {
    type Result = ();

    fn handle(&mut self, _: EndSession, _ctx: &mut Self::Context) {
        self.end();
    }
}

/// The time by tokio's clock, which tests can turn.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
