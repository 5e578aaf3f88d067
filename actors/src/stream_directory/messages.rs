//! All that others may tell or ask the stream directory.
//!
//! ```text
//!  StreamHub ── LocalStreamChanged, LocalStreamRemoved ─▶┐
//!  RelayHub ─── LocalRelaysChanged ────────────────────▶│
//!  node ─────── LocalNodeChanged, LocalVodsChanged ─────▶│ StreamDirectory ─▶ DirectoryView
//!  PeerActor ── PeerReported, PeerLost ─────────────────▶│       (read by every session)
//!  supervisor ─ PeersSettled ───────────────────────────▶┘
//!  HTTP ─────── ReportSince ─▶ Report
//! ```
//! Where a stream is, is not asked by message: see [`super::DirectoryView::locate`].

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;

use super::peer_link::PeerLink;
use crate::names::StreamName;
use crate::report::{
    Listener, NodeState, Relayed, Report, StreamReport, StreamState, Title, Tracks,
};

/// What this node knows of a stream of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalStream {
    /// Whether it has frames.
    pub state: StreamState,
    /// What it is called for people.
    pub title: Option<Title>,
    /// When capture began, Unix milliseconds; `None` while idle.
    pub opened_at_ms: Option<NonZeroU64>,
    /// In kbit/s; `None` when not known.
    pub bitrate_kbit: Option<u32>,
    /// Sessions playing it here.
    pub clients: u32,
    /// Its tracks; `None` when not known.
    pub tracks: Tracks,
    /// Whether a publisher may be sent here.
    pub accepts_publish: bool,
    /// Whether `cluster_ingest` decides which node captures it.
    pub is_cluster_ingest: bool,
}

impl LocalStream {
    /// A stream in `state` of which nothing else is known yet.
    #[must_use]
    pub fn in_state(state: StreamState) -> Self {
        Self {
            state,
            title: None,
            opened_at_ms: None,
            bitrate_kbit: None,
            clients: 0,
            tracks: None,
            accepts_publish: false,
            is_cluster_ingest: false,
        }
    }

    /// The stream as peers are told of it.
    #[must_use]
    pub fn report(&self, name: &StreamName) -> StreamReport {
        StreamReport {
            name: name.clone(),
            title: self.title.clone(),
            state: self.state,
            opened_at: self.opened_at_ms,
            bitrate: self.bitrate_kbit,
            clients: self.clients,
            tracks: self.tracks.clone(),
            accepts_publish: self.accepts_publish,
        }
    }
}

/// A stream of this node is new or different. Sent by the stream hub, as often as it likes: the
/// directory decides what peers need to hear.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct LocalStreamChanged {
    /// The stream.
    pub name: StreamName,
    /// What it is now.
    pub stream: LocalStream,
}

/// A stream is no longer configured or published here. Sent by the stream hub.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct LocalStreamRemoved {
    /// The stream.
    pub name: StreamName,
}

/// What this node says of itself has changed. Sent by the node when it has bound its listeners, and
/// when it drains.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct LocalNodeChanged {
    /// Whether it takes new clients.
    pub state: NodeState,
    /// Its open ports.
    pub listeners: Vec<Listener>,
}

/// The file collections of this node are others now. Sent by the node when its config is applied.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct LocalVodsChanged {
    /// Their prefixes.
    pub prefixes: Vec<String>,
}

/// The relays of this node have other viewers now. Sent by the relay hub: the directory decides
/// what peers need to hear.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct LocalRelaysChanged {
    /// All streams that are relayed here and watched, by name.
    pub relayed: Vec<Relayed>,
}

/// A peer has answered. Sent by its actor, all pages of one fetch as one.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct PeerReported {
    /// The peer.
    pub link: Arc<PeerLink>,
    /// What it said; `more` has no meaning any more.
    pub report: Box<Report>,
    /// By how much its clock is ahead of ours, in milliseconds.
    pub clock_offset_ms: i64,
}

/// A peer may no longer be redirected to. Sent by its actor, or by the supervisor for a dead one,
/// after [`PeerLink::close`].
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct PeerLost {
    /// The peer.
    pub link: Arc<PeerLink>,
    /// For how long its streams are expected back; zero if it was removed from the config.
    pub stale_timeout: Duration,
}

/// Every peer has answered once, or there are none. Sent by the supervisor.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct PeersSettled;

/// Asks for one page of this node's report. Sent by the HTTP API for a verified peer.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Report")]
pub struct ReportSince {
    /// The cursor of the last page; none, or one that is not known, gets everything.
    pub cursor: Option<String>,
}

/// A stream started or stopped here, or the node drains: peers should ask at once. Sent by the
/// directory to the cluster supervisor.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct LocalTruthChanged;

/// Asks the directory to send [`LocalTruthChanged`]. Sent once, by the node, when both exist.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct SubscribeLocalTruth {
    /// Who wants to hear it.
    pub recipient: Recipient<LocalTruthChanged>,
}
