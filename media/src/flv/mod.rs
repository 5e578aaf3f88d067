//! FLV tags, which are also RTMP's audio and video messages.
//!
//! A tag's body is a head of 1 to 9 bytes and one access unit. [`Demuxer`] turns bodies into
//! [`StreamItem`](crate::packet::StreamItem)s, [`mux`] makes bodies from tracks and packets;
//! neither copies the access unit.
//!
//! ```text
//!  tag ▸ TagData: codec, part, times, body ▸ Demuxer: tracks, order of time ▸ StreamItem
//! ```
//!
//! Source: Adobe Flash Video File Format 10.1, annex E, for H.264, AAC, MP3 and G.711; Enhanced
//! RTMP v2 (Veovera, 2024) for codecs named by a `FourCC`.

mod announcement;
mod demux;
pub mod live;
mod metadata;
pub mod mux;
mod opus_head;
mod tag;

pub use demux::{Demuxer, Items};
pub use metadata::MetaData;

use thiserror::Error;

use crate::codec::CodecError;
use crate::cursor::Truncated;

/// What a tag carries. Source: FLV annex E.4.1; the numbers are those of RTMP messages too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKind {
    /// Audio, 8.
    Audio,
    /// Video, 9.
    Video,
    /// Metadata, 18.
    Script,
}

impl TagKind {
    /// The tag's type byte.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Audio => 8,
            Self::Video => 9,
            Self::Script => 18,
        }
    }
}

/// Why a tag cannot be read or written.
#[derive(Debug, Error)]
pub enum FlvError {
    /// The body ends within its head.
    #[error("flv tag cut off: {0}")]
    Truncated(#[from] Truncated),
    /// A video codec by its old number.
    #[error("video codec {id} is not supported, expected 7 (h264) or 12 (hevc)")]
    VideoCodec {
        /// `CodecID`.
        id: u8,
    },
    /// An audio codec by its old number.
    #[error("audio codec {id} is not supported, expected 2 or 14 (mp3), 7, 8 (g711) or 10 (aac)")]
    AudioCodec {
        /// `SoundFormat`.
        id: u8,
    },
    /// A codec by its new name.
    #[error("codec {} is not supported", fourcc.escape_ascii())]
    FourCc {
        /// The name.
        fourcc: [u8; 4],
    },
    /// A parameter set or an access unit is wrong.
    #[error(transparent)]
    Codec(#[from] CodecError),
}
