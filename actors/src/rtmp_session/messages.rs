//! What others may tell an RTMP session and its listener.

use actix::Message;

pub use crate::session_registry::EndSession;

/// Closes the listening socket; the sessions live on. Sent by the node when it drains.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct StopListening;
