//! RTP and RTCP as values: packets of a stream for all its players, and a publisher's packets back
//! into a stream.
//!
//! ```text
//!  LivePacket ─▶ Muxer ─ payload/ ─▶ interleaved frames ─▶ RTSP connection, or frames() ─▶ UDP
//!  UDP, RTSP ─▶ Receiver ─ payload/ ─▶ StreamItem
//! ```
//!
//! Source: RFC 3550, RFC 3551 and the payload formats, each named in its file.

mod format;
mod interleaved;
mod muxer;
pub mod packet;
pub(crate) mod payload;
mod receiver;
#[cfg(test)]
mod recordings;
pub mod rtcp;
mod source;

pub use format::{Format, carried, format};
pub use interleaved::{FRAME_HEAD_BYTES, frames};
pub use muxer::{Muxer, goodbye};
pub use receiver::{Receiver, ReceiverCounters, Transport};
use thiserror::Error;

use crate::cursor::Truncated;

/// Longest packet we send: fits in Ethernet behind the heads of IPv6, UDP and a tunnel or two.
/// Only Opus packets, which nothing may cut, can be longer.
pub const PACKET_BYTES_MAX: usize = 1400;

/// Longest access unit that is put together from packets.
pub const ACCESS_UNIT_BYTES_MAX: usize = 4 << 20;

/// Why a packet was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RtpError {
    /// The packet ends before its last field.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// Another version than 2.
    #[error("rtp version {0}")]
    Version(u8),
    /// The padding counts itself wrong.
    #[error("padding of {0} bytes")]
    Padding(usize),
    /// A packet type that the payload format does not have.
    #[error("packet form {0}")]
    PacketForm(u8),
    /// The headers of access units end early.
    #[error("au headers ended early")]
    AuHeader,
    /// Pieces of an access unit are missing or do not fit together.
    #[error("access unit is not whole")]
    Damaged,
    /// An access unit over the limit.
    #[error("access unit of {0} bytes is too long")]
    TooLong(usize),
}
