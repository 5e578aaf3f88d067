//! MPEG-TS: the muxer behind HTTP-TS and HLS, and the demuxer of what comes by UDP, HTTP and HLS.
//!
//! Source: ISO/IEC 13818-1, whose sections the files cite.
//!
//! ```text
//!  MediaPacket ─ mux ─▶ access unit as slices ─ packetizer ─▶ 188-byte packets
//!                 └ tables (PAT, PMT)
//!
//!  bytes ─ demux ─▶ packets ─ sections ─▶ tables ─▶ which PIDs
//!              └──▶ pes (whole PES packets) ─ elementary ─▶ access units ─▶ StreamItem
//! ```
//!
//! Everything is read through checked cursors. `mpeg2ts-reader` serves as the oracle of the tests:
//! as the reader itself it would log a warning for each broken packet, which lets a hostile sender
//! fill the log.

mod clock;
mod demux;
mod elementary;
mod mux;
mod packet;
mod packetizer;
mod pes;
mod sections;
mod tables;
#[cfg(test)]
mod tests;

pub use demux::{DemuxCounters, Demuxer};
pub use mux::Muxer;

/// Size of a transport packet. Source: ISO/IEC 13818-1 §2.4.3.2.
pub const PACKET_BYTES: usize = 188;

/// First byte of a transport packet. Source: ISO/IEC 13818-1 §2.4.3.3.
pub const SYNC_BYTE: u8 = 0x47;
