//! What a running stream gives its outputs, and what an output makes of it: bytes that all its
//! players share.
//!
//! ```text
//!  LivePacket ─▶ LiveMuxer (one a stream and container) ─▶ the same bytes for every player
//!                    └─ StartPoint: what a player that begins here must be given first
//! ```
//!
//! Nothing in those bytes may depend on a player. A player begins at a start point: from there on
//! the bytes refer to nothing before it.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::packet::MediaPacket;
use crate::track::{Track, TrackId};

/// A packet on its stream's timeline.
#[derive(Clone, Debug)]
pub struct LivePacket {
    /// All tracks of the stream as of this packet; the same `Arc` until they change.
    pub tracks: Arc<[Track]>,
    /// The packet. Its times count from the unix epoch, on the clock of the node.
    pub packet: MediaPacket,
    /// Whether a new player can begin here: at a keyframe, or, where there is no video, now and
    /// then at an audio frame.
    pub is_start: bool,
    /// Whether its times do not follow from those before.
    pub is_discontinuity: bool,
}

impl LivePacket {
    /// The track of the packet.
    #[must_use]
    pub fn track(&self) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == self.packet.track)
    }
}

/// What a player needs that begins at a start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartPoint {
    /// The bytes before those of the start itself, such as sequence headers.
    pub prelude: Bytes,
    /// Where the RTP of each track begins; empty for all but RTP.
    pub rtp: Vec<RtpHead>,
}

/// The first RTP packet of a track at or after a start. Source: RFC 2326 §12.33 (`RTP-Info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHead {
    /// The track.
    pub track: TrackId,
    /// Its sequence number.
    pub sequence: u16,
    /// The RTP time that is shown together with the start.
    pub time: u32,
}

/// Muxes a stream once for all players of one container.
pub trait LiveMuxer: Debug + Send {
    /// Adds the bytes of `packet` to `out`, with whatever its tracks need before it when they have
    /// changed. Yields the start point if players can begin at the bytes added.
    ///
    /// A packet of a track that the container cannot carry adds nothing.
    fn mux(&mut self, packet: &LivePacket, out: &mut BytesMut) -> Option<StartPoint>;
}
