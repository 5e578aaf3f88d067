//! RTMP as values: handshake, chunks, messages, and the sessions of a server and of a player.
//!
//! The layers from the bytes up; each knows only those below it. Nothing here reads a clock or a
//! socket: an actor hands in bytes and the time, and does what comes out.
//!
//! ```text
//!  server_session   connect, publish, play: requests out, answers in; media in as StreamItem
//!  live             media out: one stream's chunks, the same for all its players
//!  client_session   the other end: connect, play; media as StreamItem
//!    ├─ incoming      a peer's media -> StreamItem
//!    ├─ stream_name   app, tcUrl and stream name -> one name and its parameters
//!    ├─ metadata      onMetaData <-> tracks      aggregate  several tags in one message
//!    ├─ message       kinds, commands ── amf0    values of commands
//!    ├─ chunk_reader, chunk_writer               messages <-> chunks
//!    └─ handshake                                the first 3,073 bytes
//! ```
//!
//! Source: Adobe RTMP 1.0 (2012) and Enhanced RTMP v2 (Veovera, 2024).

pub mod aggregate;
pub mod amf0;
pub mod chunk_reader;
pub mod chunk_writer;
pub mod client_session;
pub mod handshake;
mod incoming;
mod limits;
pub mod live;
pub mod message;
pub mod metadata;
pub mod server_session;
pub mod stream_name;

pub use client_session::{ClientEvent, ClientOutput, ClientSession, PlayAddress};
pub use limits::Limits;
pub use server_session::{
    ConnectRequest, Event, Output, RequestId, RtmpError, ServerConfig, ServerSession, StreamRequest,
};
pub use stream_name::StreamAddress;
