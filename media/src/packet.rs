//! What flows between an input and the outputs of a stream.
//!
//! A demuxer yields [`StreamItem`]s, a muxer takes them. The payload of a packet is one access unit
//! in the form that most outputs want: H.264 and H.265 as NAL units behind 4-byte big-endian sizes
//! (never Annex B start codes), AAC as raw frames (never ADTS), all others as the elementary
//! stream carries them. Parameter sets live in the [`Track`] and may also stay in the payload.

use std::sync::Arc;

use bytes::Bytes;

use crate::time::Ticks;
use crate::track::{Track, TrackId};

/// One access unit of one track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaPacket {
    /// The track it belongs to; always one of the last announced [`StreamItem::Tracks`].
    pub track: TrackId,
    /// Decode time; never falls within a track between two [`StreamItem::Discontinuity`].
    pub dts: Ticks,
    /// Presentation time; at or after `dts`.
    pub pts: Ticks,
    /// Whether decoding can begin here: always true for audio.
    pub is_keyframe: bool,
    /// The access unit, in the form the module's head describes. Shared, never copied.
    pub payload: Bytes,
}

/// What an input tells the outputs, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamItem {
    /// All tracks from here on: sent before the first packet and on every change of any of them.
    Tracks(Arc<[Track]>),
    /// The next access unit.
    Packet(MediaPacket),
    /// Timestamps after this are not continuous with those before it.
    Discontinuity,
}
