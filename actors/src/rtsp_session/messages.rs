//! What an RTSP session asks and what others may tell it and its listener.

use std::sync::Arc;

use actix::Message;

pub use crate::session_registry::EndSession;
use crate::stream_directory::PeerRoute;

/// Closes the listening socket; the sessions live on. Sent by the node when it drains.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct StopListening;

/// Where a stream can be played or published, as far as RTSP clients are concerned.
///
/// Asked on every DESCRIBE and ANNOUNCE from the session's arbiter, so it must answer from memory,
/// without waiting for a lock that is held for long.
pub trait Router {
    /// Says where the client that sent DESCRIBE should play `path`.
    ///
    /// `path` is a valid stream name; `query` is as the client sent it.
    fn locate_rtsp(&self, path: &str, query: Option<&str>, user_agent: Option<&str>) -> RtspAnswer;

    /// Says where the client that sent ANNOUNCE should publish `path`; arguments as above.
    fn locate_rtsp_publish(
        &self,
        path: &str,
        query: Option<&str>,
        user_agent: Option<&str>,
    ) -> RtspAnswer;
}

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RtspAnswer {
    /// Go to this URL: 302.
    Redirect(String),
    /// Stay: the stream is to be pulled from there.
    Relay(Arc<PeerRoute>),
    /// Nobody has the stream: 404.
    NotFound,
    /// Come back in a second: 503.
    Unavailable,
    /// The node has just started and not heard from its peers: ask again in a moment.
    Unsettled,
    /// This node has it.
    Here,
    /// The request makes no sense, for this reason: 400.
    BadRequest(String),
}
