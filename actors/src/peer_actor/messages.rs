//! All that others may tell or ask a peer's actor, and the status it publishes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::names::{Hostname, NodeId};
use crate::redirect::{PeerAddresses, Targets};
use crate::report::{Listener, NodeStats};
use crate::signature::ClusterKey;

use super::fetch_times::FetchTimes;

/// A peer as configured (SPEC section 4).
#[derive(Clone, Debug, PartialEq)]
pub struct PeerConfig {
    /// This node's label for it; unique in the config.
    pub hostname: Hostname,
    /// Its addresses.
    pub addresses: PeerAddresses,
    /// How often it is asked.
    pub fetch_timeout: Duration,
    /// For how long its streams are expected back when it is lost.
    pub stale_timeout: Duration,
    /// Most streams `cluster_ingest` gives it.
    pub channel_limit: Option<u32>,
    /// Above it the peer gets nothing new.
    pub cpu_limit_percent: Option<f64>,
    /// Keys to try, the configured one first, then those of `cluster_key_accept`.
    pub keys: Vec<ClusterKey>,
}

/// What is known of a peer's answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PeerState {
    /// Not answered yet.
    Unknown,
    /// Answers.
    Up,
    /// The last fetch failed or is overdue.
    Late,
    /// Two fetches in a row failed, or no answer for `2 * fetch_timeout + 1000` ms.
    Down,
    /// Another key.
    Unauthorized,
    /// Another protocol, or a name used twice.
    Incompatible,
    /// About to stop.
    Draining,
    /// The entry points to this node.
    #[serde(rename = "self")]
    Myself,
    /// The node is already known by another entry.
    Duplicate,
}

impl PeerState {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Unknown,
        Self::Up,
        Self::Late,
        Self::Down,
        Self::Unauthorized,
        Self::Incompatible,
        Self::Draining,
        Self::Myself,
        Self::Duplicate,
    ];

    /// Whether clients may be redirected to a peer in this state.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Up | Self::Late)
    }

    /// The state's name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Late => "late",
            Self::Down => "down",
            Self::Unauthorized => "unauthorized",
            Self::Incompatible => "incompatible",
            Self::Draining => "draining",
            Self::Myself => "self",
            Self::Duplicate => "duplicate",
        }
    }
}

/// With which of the keys configured for a peer something was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUse {
    /// The one that this node signs with, if it can.
    Current,
    /// One of `cluster_key_accept`, which somebody still uses.
    Accepted,
}

impl KeyUse {
    /// Which of `keys` is named `kid`; none if it is none of them.
    #[must_use]
    pub fn of(kid: &str, keys: &[ClusterKey]) -> Option<Self> {
        let place = keys.iter().position(|key| key.kid() == kid)?;
        Some(if place == 0 { Self::Current } else { Self::Accepted })
    }

    /// The word for it in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Accepted => "accepted",
        }
    }
}

/// One change of state, for the peer's page.
#[derive(Clone, Debug, PartialEq)]
pub struct StateChange {
    /// What it became.
    pub state: PeerState,
    /// When.
    pub at: Instant,
    /// Why, in words.
    pub error: Option<String>,
}

/// What the API and the UI show of a peer. Published anew with each answer or change.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerStatus {
    /// This node's label for it.
    pub hostname: Hostname,
    /// What is known of its answering.
    pub state: PeerState,
    /// Why it is not up, or what is odd about it, in words.
    pub error: Option<String>,
    /// The last such words; they stay when it is up again.
    pub last_error: Option<String>,
    /// The better of the keys that it and this node last used towards each other. Each side keeps
    /// to a key that works, so that one of the two talks may lag behind.
    pub key: Option<KeyUse>,
    /// How long it takes to answer.
    pub fetch_times: FetchTimes,
    /// When it last answered; its age is the time since.
    pub answered_at: Option<Instant>,
    /// By how much its clock is ahead of ours, in milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// Its id.
    pub node: Option<NodeId>,
    /// What it calls itself.
    pub node_name: Option<Hostname>,
    /// Its software version.
    pub version: Option<String>,
    /// Its totals as of the last answer.
    pub stats: Option<Arc<NodeStats>>,
    /// Streams the directory knows of it.
    pub stream_count: u32,
    /// Streams left out of its last full report because their names are none.
    pub invalid_names: usize,
    /// The ports it listens on.
    pub listeners: Vec<Listener>,
    /// Fetches that failed since the peer was configured, by reason in one word.
    pub failures: BTreeMap<&'static str, u64>,
    /// Where clients are sent.
    pub targets: Targets,
    /// The last changes of state, the oldest first, at most [`super::STATE_CHANGES_MAX`].
    pub changes: Vec<StateChange>,
}

/// Asks the peer at once: it said that something changed, or it spoke while we backed off. Sent by
/// the supervisor.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct PeerHinted;

/// The peer signed a request with that key. Sent by the supervisor, when it is another than before.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct PeerSignedWith {
    /// Which one.
    pub key: KeyUse,
}

/// Tells the peer that something changed here. Sent by the supervisor.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct SendHint;

/// The peer's config is another. Sent by the supervisor; the peer is asked at once.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct UpdatePeer {
    /// The new config; the hostname is the same.
    pub config: PeerConfig,
}

/// The peer was removed from the config. Sent by the supervisor; the actor stops.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct RemovePeer;

/// Asks for the peer's status as of now.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Arc<PeerStatus>")]
pub struct GetPeerStatus;

/// A peer has answered something for the first time, if only that it is this node itself. Sent by
/// the peer's actor to the supervisor.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct PeerHeard {
    /// Its label.
    pub hostname: Hostname,
}
