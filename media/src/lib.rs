//! Media as values: packets, codecs, containers and protocol wire formats.
//!
//! Bytes in, events and bytes out. Nothing here opens a socket or a file, reads a clock or awaits:
//! time is an argument, so an hour of streaming is tested in milliseconds. Every container reads
//! into and writes from the one packet model, so a format costs two files and never a pair of
//! formats one.
//!
//! ```text
//!  rtmp  rtsp            protocol sessions: receive(bytes, now) -> Send(bytes) | Event
//!    │     │    relay    StreamItem <-> frames between nodes, numbered and proved
//!  flv  mpegts  mp4  hls containers: demux -> StreamItem, mux(StreamItem) -> bytes
//!    │  rtp  sdp │    │   and packets, with what describes them
//!    └──┬──┴─────┴────┘
//!     codec              parameter sets, framing of access units
//!       │    preview       a keyframe as a JPEG, the one thing that is decoded
//!       │
//!  packet  track  time   the packet model; live: what one running stream shares with its players
//!     cursor             checked reads, the only place that indexes into bytes from outside
//! ```

pub mod codec;
pub mod cursor;
pub mod flv;
pub mod hls;
pub mod live;
pub mod mp4;
pub mod mpegts;
pub mod packet;
pub mod preview;
pub mod relay;
pub mod rtmp;
pub mod rtp;
pub mod rtsp;
pub mod sdp;
pub mod time;
pub mod track;
