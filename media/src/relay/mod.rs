//! How one node hands a stream to another: packets as they are, in frames that prove their sender.
//!
//! The stream begins with [`MAGIC`], then come frames without end. A frame is numbered, so none can
//! be left out, repeated or swapped, and carries a MAC whose key both nodes have derived for this
//! one answer. Nothing is lost on the way: tracks, times, flags and payloads are those of the
//! holder.
//!
//! ```text
//!  | "WSR1" |  then:  | sequence 8 B | kind 1 B | length 4 B | body | MAC 16 B |   big-endian
//!                       └────────────── the MAC is over these ─────────────┘
//!  kind 0 tracks         count 2 B, then each track: see `tracks`
//!       1 packet         track 1 B | flags 1 B (1: keyframe) | dts 8 B | pts 8 B | payload
//!       2 discontinuity  empty
//!       3 heartbeat      empty: the holder lives, and has nothing to send
//!       4 end            empty: the holder has no more; a connection that ends without it was cut
//! ```

mod decoder;
mod encoder;
mod mac;
#[cfg(test)]
mod tests;
mod tracks;

use thiserror::Error;

pub use decoder::Decoder;
pub use encoder::{EncodedFrame, Encoder};
pub use mac::{FRAME_KEY_BYTES, FrameMac, MAC_BYTES};

use crate::cursor::Truncated;
use crate::packet::StreamItem;

/// The form and its version.
pub const MAGIC: &[u8; 4] = b"WSR1";

/// Most bytes of one access unit, or of all tracks together.
pub const PAYLOAD_BYTES_MAX: usize = 4 << 20;

/// Sequence, kind and length.
const HEAD_BYTES: usize = 8 + 1 + 4;
/// What stands before the payload of a packet: track, flags, dts and pts.
const PACKET_HEAD_BYTES: usize = 1 + 1 + 8 + 8;
/// Most bytes of a body.
const BODY_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + PACKET_HEAD_BYTES;

const KIND_TRACKS: u8 = 0;
const KIND_PACKET: u8 = 1;
const KIND_DISCONTINUITY: u8 = 2;
const KIND_HEARTBEAT: u8 = 3;
const KIND_END: u8 = 4;

const FLAG_KEYFRAME: u8 = 1;

/// What travels in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Media.
    Item(StreamItem),
    /// Nothing new, but the holder lives.
    Heartbeat,
    /// Nothing more will come.
    End,
}

/// More than a frame may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("frame of {bytes} bytes, limit {BODY_BYTES_MAX}")]
pub struct FrameTooLong {
    /// Size of its body.
    pub bytes: usize,
}

/// Why what came cannot be believed or read. The relay ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RelayError {
    /// Another form, or another version of it.
    #[error("not a relayed stream: begins with {0:02x?}")]
    WrongMagic([u8; 4]),
    /// A frame was left out, repeated or swapped.
    #[error("frame {got}, expected {wanted}")]
    WrongSequence {
        /// The number that was due.
        wanted: u64,
        /// The number that came.
        got: u64,
    },
    /// A frame says that it is longer than any may be.
    #[error("frame of {bytes} bytes, limit {BODY_BYTES_MAX}")]
    TooLong {
        /// What it says.
        bytes: u32,
    },
    /// A byte was changed on the way, or the sender has another key.
    #[error("frame {sequence} has a wrong MAC")]
    WrongMac {
        /// The frame.
        sequence: u64,
    },
    /// A kind of frame, or a codec, that this version does not know.
    #[error("unknown {what} {value}")]
    Unknown {
        /// What it names.
        what: &'static str,
        /// Its number.
        value: u8,
    },
    /// A body ends before its last field does.
    #[error("frame body: {0}")]
    Truncated(#[from] Truncated),
    /// A body goes on behind its last field.
    #[error("frame body has {bytes} bytes too many")]
    TrailingBytes {
        /// How many.
        bytes: usize,
    },
    /// More of something than anything real has.
    #[error("{count} {what}, limit {limit}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many it says.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// A language that is no text.
    #[error("language of track {track} is not UTF-8")]
    Language {
        /// The track.
        track: u8,
    },
    /// A packet of a track that was not announced.
    #[error("packet of track {track}, which was not announced")]
    UnknownTrack {
        /// The track.
        track: u8,
    },
    /// Something behind the end.
    #[error("frame behind the end")]
    Ended,
}
