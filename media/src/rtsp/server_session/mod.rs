//! The server's side of one RTSP control connection, as a value.
//!
//! What needs no knowledge of streams is answered here. The rest becomes an [`Event`] which the
//! owner answers by [`ServerSession::describe`] and its siblings; until it does, what the client
//! sends after is kept unread, so that answers leave in the order of the requests.
//!
//! ```text
//!  player     DESCRIBE ─▶ SETUP of each track ─▶ PLAY ⇄ PAUSE ─▶ TEARDOWN
//!  publisher  ANNOUNCE ─▶ SETUP of each track ─▶ RECORD ⇄ PAUSE ─▶ TEARDOWN
//!  phase      Initial     Ready                  Playing, Recording; Paused
//! ```
//!
//! A session lives and dies with its connection and cannot be named from another one: RFC 2326
//! would allow that, and whoever guessed an id could end or steer a stranger's session. All state
//! changes are the client's; the owner feeds pieces as they arrive, writes every
//! [`Output::Send`], and closes after [`Event::Ended`], [`Event::Failed`], or when
//! [`ServerSession::check_deadline`] says so.
//!
//! Packets that travel by UDP never come by here; the owner tells of them by
//! [`ServerSession::touch`].

mod answers;
mod events;
mod methods;
mod presentation;
mod transport;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

pub use self::events::{
    Event, Output, RequestId, RtspError, ServerConfig, StreamRequest, TrackSetup, TrackStart,
};
use self::presentation::Presentation;
pub use self::transport::TrackTransport;
use super::message::{Response, Status};
use super::reader::{Incoming, RequestReader};

/// One control connection; see the module's head.
pub struct ServerSession {
    config: ServerConfig,
    reader: RequestReader,
    waiting: Option<Waiting>,
    held: BytesMut,
    next_request: u64,
    started_at: Instant,
    heard_at: Instant,
    id: String,
    nonce: String,
    is_nonce_stale: bool,
    presentation: Option<Presentation>,
    tracks: Vec<SetUpTrack>,
    phase: Phase,
    has_ended: bool,
}

/// How far the client has come. Source: RFC 2326 appendix A.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is set up, so there is no session.
    Initial,
    Ready,
    Playing,
    Recording,
    /// Was playing or recording.
    Paused,
}

/// A track that is set up, and the URL it was set up by.
#[derive(Debug)]
struct SetUpTrack {
    setup: TrackSetup,
    url: String,
}

/// The request that waits for its answer.
#[derive(Debug)]
struct Waiting {
    request: RequestId,
    cseq: u32,
    question: Question,
}

/// What it asks, and what its answer will make true.
#[derive(Debug)]
enum Question {
    Describe { presentation: Presentation, target: String },
    Announce(Presentation),
    Udp { track: SetUpTrack, transport: String },
    Play,
    Record,
}

impl ServerSession {
    /// Starts at the accepted connection, at `now`.
    #[must_use]
    pub fn new(config: ServerConfig, now: Instant) -> Self {
        let (id, nonce) = config.seed.split_at(16);
        Self {
            config,
            reader: RequestReader::new(config.limits),
            waiting: None,
            held: BytesMut::new(),
            next_request: 0,
            started_at: now,
            heard_at: now,
            id: hex::encode(id),
            nonce: hex::encode(nonce),
            is_nonce_stale: false,
            presentation: None,
            tracks: Vec::new(),
            phase: Phase::Initial,
            has_ended: false,
        }
    }

    /// When the session ends unless something moves this: 10 s after the start, and once PLAY or
    /// RECORD was granted, 60 s after the last sign of life.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        let (from, limit) = match self.phase {
            Phase::Initial | Phase::Ready => (self.started_at, self.config.limits.play_timeout),
            Phase::Playing | Phase::Recording | Phase::Paused => {
                (self.heard_at, self.config.limits.keepalive_timeout)
            }
        };
        from.checked_add(limit).unwrap_or(from)
    }

    /// Ends the session if its deadline has passed. To be called at the deadline; it may have moved
    /// since it was asked for.
    pub fn check_deadline(&mut self, now: Instant) -> Vec<Output> {
        let mut outputs = Vec::new();
        if !self.has_ended && now >= self.deadline() {
            let error = match self.phase {
                Phase::Initial | Phase::Ready => RtspError::NotPlaying,
                Phase::Playing | Phase::Recording | Phase::Paused => RtspError::Silent,
            };
            self.fail(error, &mut outputs);
        }
        outputs
    }

    /// Tells of a sign of life that does not come by here: a packet by UDP, or a socket that goes
    /// on taking interleaved media. Players over TCP are right to send nothing, as the connection
    /// itself tells of them; ffmpeg, GStreamer and VLC ask for nothing each half of the timeout,
    /// but not while they are paused.
    pub const fn touch(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// The tracks that are set up.
    pub fn tracks(&self) -> impl Iterator<Item = TrackSetup> + '_ {
        self.tracks.iter().map(|track| track.setup)
    }

    /// Takes what the client sent. How the bytes are cut makes no difference to what comes out.
    ///
    /// Errors: [`RtspError::Ended`] after [`Event::Ended`] or [`Event::Failed`]. Whatever the
    /// client does wrong is an output, as what was answered before it must still be sent.
    pub fn receive(&mut self, mut bytes: Bytes, now: Instant) -> Result<Vec<Output>, RtspError> {
        if self.has_ended {
            return Err(RtspError::Ended);
        }
        let mut outputs = self.check_deadline(now);
        if self.has_ended {
            return Ok(outputs);
        }
        self.heard_at = now;
        self.read_all(&mut bytes, &mut outputs);
        if self.has_ended || bytes.is_empty() {
            return Ok(outputs);
        }
        let limit = self.config.limits.held_bytes_max;
        if self.held.len().saturating_add(bytes.len()) > limit {
            self.fail(RtspError::HeldTooMuch { limit }, &mut outputs);
        } else {
            self.held.extend_from_slice(&bytes);
        }
        Ok(outputs)
    }

    /// Reads and handles what comes until a request has to wait or nothing is left.
    fn read_all(&mut self, rest: &mut Bytes, outputs: &mut Vec<Output>) {
        while self.waiting.is_none() && !self.has_ended && !rest.is_empty() {
            let (tracks, takes_rtp) = (&self.tracks, self.takes_rtp());
            let is_due = |channel| track_of(tracks, takes_rtp, channel).is_some();
            match self.reader.read(rest, is_due) {
                Ok(Some(Incoming::Request(request))) => self.handle(&request, outputs),
                Ok(Some(Incoming::Frame { channel, packet })) => {
                    if let Some((track, is_rtcp)) = track_of(&self.tracks, takes_rtp, channel) {
                        outputs.push(Output::Event(Event::Media { track, is_rtcp, packet }));
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    let response = Response::new(error.status(), self.reader.cseq());
                    let response = response.header("Connection", "close");
                    outputs.push(send(response.because(&error.to_string())));
                    return self.fail(error.into(), outputs);
                }
            }
        }
    }

    /// Whether RTP is due on the channels that are set up. What comes late after PAUSE is, too.
    fn takes_rtp(&self) -> bool {
        let is_record = self.presentation.as_ref().is_some_and(|described| described.is_record);
        is_record && matches!(self.phase, Phase::Recording | Phase::Paused)
    }

    fn fail(&mut self, error: RtspError, outputs: &mut Vec<Output>) {
        self.end();
        outputs.push(Output::Event(Event::Failed(error)));
    }

    fn end(&mut self) {
        self.has_ended = true;
        self.waiting = None;
        self.held = BytesMut::new();
    }

    /// 200, with the session if there is one.
    fn respond_ok(&self, cseq: u32) -> Response {
        let response = Response::new(Status::Ok, Some(cseq));
        match self.phase {
            Phase::Initial => response,
            Phase::Ready | Phase::Playing | Phase::Recording | Phase::Paused => {
                response.header("Session", &self.id)
            }
        }
    }
}

impl fmt::Debug for ServerSession {
    /// Shows neither the session's id nor its nonce.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSession")
            .field("phase", &self.phase)
            .field("tracks", &self.tracks)
            .field("waiting", &self.waiting)
            .field("has_ended", &self.has_ended)
            .finish_non_exhaustive()
    }
}

/// The track that uses `channel`, and whether for RTCP.
fn track_of(tracks: &[SetUpTrack], takes_rtp: bool, channel: u8) -> Option<(usize, bool)> {
    tracks.iter().find_map(|SetUpTrack { setup, .. }| match setup.transport {
        TrackTransport::Tcp { rtcp_channel, .. } if rtcp_channel == channel => {
            Some((setup.track, true))
        }
        TrackTransport::Tcp { rtp_channel, .. } if takes_rtp && rtp_channel == channel => {
            Some((setup.track, false))
        }
        TrackTransport::Tcp { .. } | TrackTransport::Udp { .. } => None,
    })
}

fn send(response: Response) -> Output {
    Output::Send(response.into_bytes())
}
