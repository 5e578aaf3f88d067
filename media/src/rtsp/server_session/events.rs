//! What goes into and comes out of a server session.

use core::net::IpAddr;

use bytes::Bytes;
use thiserror::Error;

use super::transport::TrackTransport;
use crate::rtsp::authorization::Credentials;
use crate::rtsp::limits::RtspLimits;
use crate::rtsp::reader::ReadError;

/// One connection, as the owner knows it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ServerConfig {
    /// What it may cost.
    pub limits: RtspLimits,
    /// The client's address; no packet goes to another.
    pub client: IpAddr,
    /// Whether UDP is offered. Over TLS it is not, as the packets would travel in the clear.
    pub allows_udp: bool,
    /// Random bytes of this connection alone, of which session id and nonce are made.
    pub seed: [u8; 32],
}

/// Names a request that waits for its answer; never used twice on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub(super) u64);

/// What the session wants done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write these bytes to the client.
    Send(Bytes),
    /// Something the owner has to know or decide.
    Event(Event),
}

/// What happened on the connection. After a `…Requested` nothing else is read until it is
/// answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A client wants to play. Answered by [`describe`](super::ServerSession::describe) or a
    /// refusal.
    DescribeRequested(Box<StreamRequest>),
    /// A client wants to publish what the SDP says. Answered by
    /// [`accept_announce`](super::ServerSession::accept_announce) or a refusal.
    AnnounceRequested(Box<StreamRequest>, String),
    /// A client wants a track by UDP. Answered by
    /// [`set_up_udp`](super::ServerSession::set_up_udp) or
    /// [`refuse_udp`](super::ServerSession::refuse_udp).
    UdpRequested(RequestId, TrackSetup),
    /// The client wants the media of these tracks, at first or after a pause. Answered by
    /// [`play`](super::ServerSession::play) or a refusal.
    PlayRequested(RequestId, Vec<TrackSetup>),
    /// The client wants to send the media of these tracks, at first or after a pause. Answered by
    /// [`record`](super::ServerSession::record) or a refusal.
    RecordRequested(RequestId, Vec<TrackSetup>),
    /// A packet of a track that travels by TCP, unchecked: RTP from a publisher, RTCP from all.
    Media {
        /// The track, by its place in the SDP.
        track: usize,
        /// Whether it is RTCP.
        is_rtcp: bool,
        /// The packet; mostly a part of what was received, without a copy.
        packet: Bytes,
    },
    /// The client wants no media, or sends none, until PLAY or RECORD is asked again.
    Paused,
    /// The client is done; close once what was sent before is written.
    Ended,
    /// The session is over; close once what was sent before is written.
    Failed(RtspError),
}

/// A request about a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRequest {
    /// To name it in the answer.
    pub request: RequestId,
    /// Path of the URL without the leading `/`, as sent: not checked to be a stream's name.
    pub path: String,
    /// Query of the URL, as sent.
    pub query: Option<String>,
    /// `User-Agent`, as sent.
    pub user_agent: Option<String>,
    /// What the client sent to show that it knows a password.
    pub credentials: Credentials,
}

/// A track that was set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackSetup {
    /// Its place in the SDP, from 0.
    pub track: usize,
    /// How its packets travel.
    pub transport: TrackTransport,
}

/// Where a track begins, for the `RTP-Info` header. Source: RFC 2326 §12.33.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackStart {
    /// Its place in the SDP, from 0.
    pub track: usize,
    /// Sequence number of its first packet.
    pub sequence: u16,
    /// RTP time that belongs to the start of the range.
    pub timestamp: u32,
}

/// Why a session ended, or an answer could not be given.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RtspError {
    /// The client's bytes are no RTSP, or over a limit.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The client goes on sending while an answer is due.
    #[error("more than {limit} bytes behind an unanswered request")]
    HeldTooMuch {
        /// The limit.
        limit: usize,
    },
    /// The client announced too many tracks.
    #[error("{announced} tracks announced, limit {limit}")]
    TooManyTracks {
        /// How many.
        announced: usize,
        /// The limit.
        limit: usize,
    },
    /// The client took too long to reach PLAY or RECORD.
    #[error("no PLAY or RECORD in time")]
    NotPlaying,
    /// The client has given no sign of life for too long.
    #[error("no sign of life in time")]
    Silent,
    /// Bytes came after [`Event::Ended`] or [`Event::Failed`].
    #[error("session has ended")]
    Ended,
    /// The answered request does not wait for such an answer.
    #[error("request does not wait for this answer")]
    NotWaiting,
}

impl RtspError {
    /// The name of the limit that was hit, for counting.
    #[must_use]
    pub const fn limit_name(&self) -> Option<&'static str> {
        match self {
            Self::Read(error) => error.limit_name(),
            Self::HeldTooMuch { .. } => Some("rtsp_held"),
            Self::TooManyTracks { .. } => Some("rtsp_tracks"),
            Self::NotPlaying => Some("rtsp_play_timeout"),
            Self::Silent => Some("rtsp_keepalive_timeout"),
            Self::Ended | Self::NotWaiting => None,
        }
    }
}
