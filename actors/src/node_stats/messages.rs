//! All that others may tell the node's sampler, and the sums they publish for it.

use actix::prelude::*;

use crate::report::StreamerStatus;

/// Sums over all streams, published once a second by the hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CounterValues {
    /// Open play sessions.
    pub play_sessions: u64,
    /// Streams captured here.
    pub captured_streams: u64,
    /// Of them, those with frames.
    pub online_streams: u64,
    /// Media bytes received since the start.
    pub bytes_in: u64,
    /// Media bytes sent to clients since the start.
    pub bytes_out: u64,
}

/// The node is doing something else now. Sent by the node.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct SetStreamerStatus {
    /// What it is doing.
    pub status: StreamerStatus,
}

/// The configured bandwidth is another. Sent by the node when the config changes.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct SetTotalBandwidth {
    /// In bits a second; `None` where it is not configured.
    pub bits_per_second: Option<u64>,
}
