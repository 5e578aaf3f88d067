//! What others may tell an RTMP session and its listener.

use actix::Message;

/// Ends the session once what it has answered is written. Sent by whoever lists sessions.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct EndSession;

/// Closes the listening socket; the sessions live on. Sent by the node when it drains.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct StopListening;
