//! RTSP 1.0 as a value: bytes of one control connection in, answers and questions out.
//!
//! ```text
//!  bytes ─▶ RequestReader ─ Request ─▶ ServerSession ─▶ Send(bytes)   answered by itself
//!           (limits)      ─ Frame ──▶       │
//!                                           └────────▶ Event          who has it? media, the end
//!  describe(..) redirect(..) … ◀── the owner's answer ─┘
//! ```
//!
//! The message layer is our own. `rtsp-types` needs the whole message in one buffer and starts
//! over with every byte that arrives, knows no limits, and where a request is wrong it keeps
//! neither the `CSeq` to echo nor the cause that tells 400 from 505.
//!
//! Source: RFC 2326. Of RFC 7826 (RTSP 2.0) only the version is understood, to refuse it by name.

mod authorization;
mod limits;
mod message;
mod parameters;
mod reader;
mod server_session;
mod url;

#[cfg(test)]
mod hostile_tests;

pub use authorization::Credentials;
pub use limits::RtspLimits;
pub use message::{Headers, Method, Request, Response, Status};
pub use reader::{Incoming, ReadError, RequestReader};
pub use server_session::{
    Event, Output, RequestId, RtspError, ServerConfig, ServerSession, StreamRequest, TrackSetup,
    TrackStart, TrackTransport,
};
pub use url::{InvalidTarget, StreamUrl, Target};
