//! What goes into and comes out of a server session.

use bytes::Bytes;
use thiserror::Error;

use crate::cursor::Truncated;
use crate::flv::FlvError;
use crate::packet::StreamItem;
use crate::rtmp::Limits;
use crate::rtmp::amf0::{AmfError, Value};
use crate::rtmp::chunk_reader::ChunkError;
use crate::rtmp::handshake::HandshakeError;
use crate::rtmp::message::CommandError;
use crate::rtmp::stream_name::StreamAddress;

/// How a session behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// What the peer may ask for.
    pub limits: Limits,
    /// After how many bytes the peer is to acknowledge. Default 2,500,000.
    pub window_bytes: u32,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { limits: Limits::default(), window_bytes: 2_500_000 }
    }
}

/// What the peer's bytes or an answer led to, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Bytes for the peer.
    Send(Bytes),
    /// News for the owner of the session.
    Event(Event),
}

/// News of a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The peer has connected; answer with `accept_connect`, `redirect_connect` or
    /// `reject_connect`. Until then nothing else is read.
    ConnectRequested(ConnectRequest),
    /// The peer wants to publish; answer likewise.
    PublishRequested(StreamRequest),
    /// The peer wants to play; answer likewise.
    PlayRequested(StreamRequest),
    /// Media from the publisher.
    Item(StreamItem),
    /// The publisher's `onMetaData`.
    MetaData(Value),
    /// The publisher has ended its stream; the connection lives on.
    PublishEnded,
    /// The player has stopped; the connection lives on.
    PlayEnded,
}

/// What a peer says at connect. Source: RTMP 1.0 §7.2.1.1; E-RTMP v2, enhancing connect.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectRequest {
    /// The application, as sent.
    pub app: String,
    /// The address the client was given, as sent.
    pub tc_url: String,
    /// Name and version of the client's software.
    pub flash_version: String,
    /// Whether the client follows `NetConnection.Connect.ReconnectRequest` (`capsEx` bit 0).
    pub reconnects: bool,
    /// Codecs the client names by `FourCC`; `*` is any.
    pub fourccs: Vec<String>,
    /// The stream, if the app alone names one.
    pub address: StreamAddress,
    /// All properties of the command object.
    pub parameters: Value,
}

/// Names a request that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub(crate) u32);

/// A stream that a peer wants to publish or play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRequest {
    /// To be given back with the answer.
    pub request: RequestId,
    /// The stream's name as the client wrote it, in canonical form; not yet known to be valid.
    pub name: String,
    /// Parameters (`password`, `token`) of stream name, app and tcUrl.
    pub parameters: Vec<(String, String)>,
    /// The parameters as written, for a redirect.
    pub query: String,
}

/// Why a session cannot go on.
#[derive(Debug, Error)]
pub enum RtmpError {
    /// The handshake failed.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The chunks are wrong or over a limit.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// A command is wrong or over a limit.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Media is wrong or not supported.
    #[error(transparent)]
    Media(#[from] FlvError),
    /// A message is shorter than its fields.
    #[error("message cut off: {0}")]
    Truncated(#[from] Truncated),
    /// A command that must not come now.
    #[error("command {name} out of order")]
    OutOfOrder {
        /// The command.
        name: &'static str,
    },
    /// The peer sent too much while its request was being looked at.
    #[error("{size} bytes sent before an answer, limit {limit}")]
    Impatient {
        /// How much it sent.
        size: usize,
        /// How much it may send.
        limit: usize,
    },
    /// The owner answered what was not asked.
    #[error("answer to a request that is not open")]
    NotAsked,
}

impl RtmpError {
    /// The limit that the peer ran into, as it is counted; `None` for other errors.
    #[must_use]
    pub const fn limit(&self) -> Option<&'static str> {
        Some(match self {
            Self::Chunk(ChunkError::ChunkSize { .. }) => "rtmp_chunk_size",
            Self::Chunk(ChunkError::MessageSize { .. }) => "rtmp_message",
            Self::Chunk(ChunkError::Unfinished { .. }) | Self::Impatient { .. } => {
                "rtmp_unfinished"
            }
            Self::Chunk(ChunkError::ChunkStreams { .. }) => "rtmp_chunk_streams",
            Self::Command(CommandError::Amf(AmfError::TooDeep { .. })) => "rtmp_amf_depth",
            Self::Command(CommandError::Amf(AmfError::TooMany { .. })) => "rtmp_amf_values",
            _ => return None,
        })
    }
}
