//! All that others may tell or ask the cluster supervisor.
//!
//! Besides these it takes `LocalTruthChanged` of the directory and `PeerHeard` of its peers.

use std::sync::Arc;

use actix::prelude::*;

use crate::names::NodeId;
use crate::peer_actor::{PeerConfig, PeerStatus};

/// The peers as they should be, all of them, in the order they are listed. Peers that are the same
/// as before notice nothing. Sent by the node at its start and when the config changes.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct SetPeers {
    /// Every peer but this node.
    pub peers: Vec<PeerConfig>,
}

/// A peer said by a signed request that something changed there: it is asked at once. Sent by the
/// HTTP API.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct PeerAnnouncedChange {
    /// The sender.
    pub node: NodeId,
}

/// A peer sent a valid signed request: if we backed off from it, that ends. Sent by the HTTP API
/// when it is asked for this node's report; costs little.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct PeerSpoke {
    /// The sender.
    pub node: NodeId,
    /// The name of the key that it signed with.
    pub kid: String,
}

/// Asks for the status of all peers, in the order of the config.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<Arc<PeerStatus>>")]
pub struct ListPeers;
