//! What others may tell the hub of relays.

use std::net::IpAddr;
use std::sync::Arc;

use actix::prelude::*;
use thiserror::Error;

use crate::names::{Protocol, StreamName};
use crate::peer_actor::PeerConfig;
use crate::stream_directory::PeerRoute;
use crate::stream_hub::LocalEntry;

/// What the holder is told of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFacts {
    /// What it speaks.
    pub protocol: Protocol,
    /// Its address.
    pub ip: Option<IpAddr>,
    /// What it presents.
    pub token: Option<String>,
    /// Its software.
    pub user_agent: Option<String>,
    /// The page that plays it.
    pub referer: Option<String>,
    /// Names the session: the same for all requests of an HLS player, else any number of its own.
    pub session: u64,
}

/// Asks for a peer's stream on behalf of a client; the reply is where to play it, which may have no
/// frames yet. Sent by [`Relays`](super::Relays).
#[derive(Debug, Message)]
#[rtype(result = "Result<LocalEntry, RelayRefused>")]
pub(crate) struct OpenRelay {
    /// The holder.
    pub(crate) route: Arc<PeerRoute>,
    /// The stream.
    pub(crate) name: StreamName,
    /// For whom.
    pub(crate) client: ClientFacts,
}

/// Why a client gets no relay.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RelayRefused {
    /// The holder says no.
    #[error("the holder refuses: {status} {reason}")]
    Denied {
        /// What an HTTP client is to be told.
        status: u16,
        /// Why, in the holder's words.
        reason: String,
    },
    /// The holder did not answer, which is a refusal.
    #[error("the holder does not answer: {0}")]
    NoAnswer(String),
    /// No frame came in time.
    #[error("the stream has not begun in time")]
    NotRunning,
    /// This node is about to stop.
    #[error("the node is draining")]
    Draining,
}

/// States who the peers are, and with what key each is asked. Sent by the daemon at its start and
/// whenever the configuration changes.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SetRelayPeers(pub Vec<PeerConfig>);
