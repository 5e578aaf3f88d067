//! MP4 files, plain and fragmented: as inputs, and indexed to be played from anywhere.
//!
//! The boxes are read by `shiguredo_mp4`; what is ours is the timeline (edit lists), the order of
//! samples and the form of packets. No file is touched here: the demuxer says which range it needs.
//!
//! ```text
//!  Demuxer ─ required() ─▶ the caller reads ─ supply() ─▶ moov: tracks
//!     └ next_sample() ─▶ where the sample is ─▶ the caller reads ─ packet() ─▶ MediaPacket
//! ```
//!
//! Source: ISO/IEC 14496-12 (ISO base media file format), -14 (MP4), -15 (NAL units in it).

mod demux;
mod fragments;
mod index;
#[cfg(test)]
mod tests;
mod tracks;

pub use demux::{Demuxer, Mp4Error, Sample};
pub use index::{FileIndex, IndexLimits, Indexer};
