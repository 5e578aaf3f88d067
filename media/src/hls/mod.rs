//! HLS with MPEG-TS segments: the live cutter and its playlists.
//!
//! A stream is muxed once; HTTP-TS hands the chunks on as they are, and the [`Segmenter`] joins the
//! same chunks to segments. Both parts are pure: the wall clock is an argument.
//!
//! ```text
//!  MuxedChunk ─▶ Segmenter ─▶ Segment (pieces of at most 64 KiB, shared by all readers)
//!                    └ Window ─▶ playlist::media, playlist::master
//! ```
//!
//! Source: RFC 8216.

pub mod playlist;
mod segmenter;
mod window;

pub use segmenter::{MuxedChunk, Segmenter, SegmenterSettings};
pub use window::{Segment, Window};

/// Largest piece of a segment: what a slow reader can hold up at a time.
pub const PIECE_BYTES: usize = 64 << 10;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMillis(pub u64);
