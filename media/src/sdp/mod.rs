//! Session descriptions: what DESCRIBE answers, and what ANNOUNCE sends.
//!
//! Our own and not `sdp-types`: that refuses lines which real publishers write (white space, bare
//! line feeds, attributes before their media), knows no limits, and leaves `rtpmap` and `fmtp`, the
//! only lines that matter here, as text.
//!
//! Source: RFC 8866, and RFC 2326 appendix C for RTSP's attributes.

mod describe;
mod parse;

pub use describe::{Origin, describe};
pub use parse::{SDP_BYTES_MAX, parse};
use thiserror::Error;

/// What a description says, as far as RTP needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionDescription {
    /// The URL that controls all media together, as written. Source: RFC 2326 §C.1.1.
    pub control: Option<String>,
    /// Its media, in order.
    pub media: Vec<MediaDescription>,
}

/// One medium, with its first payload type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaDescription {
    /// `video`, `audio`, `application` and others, as written.
    pub kind: String,
    /// The URL that controls it, as written: absolute, or relative to the description's.
    pub control: Option<String>,
    /// The payload type of its packets.
    pub payload_type: u8,
    /// The registered name as written; compare without case. Empty if unknown.
    pub encoding: String,
    /// Ticks of RTP time a second; 0 if unknown.
    pub clock_rate: u32,
    /// Channels, where the description says them.
    pub channels: Option<u8>,
    /// The format's parameters (`fmtp`), as written; compare names without case.
    pub parameters: Vec<(String, String)>,
}

impl MediaDescription {
    /// The value of a parameter of the format.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Why a description was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SdpError {
    /// More bytes than [`SDP_BYTES_MAX`].
    #[error("session description of {0} bytes is too long")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("session description is not utf-8")]
    Encoding,
    /// It does not begin with `v=0`.
    #[error("session description has no version")]
    Version,
    /// More media than allowed.
    #[error("session description has more than {0} media")]
    TooManyMedia(usize),
    /// A line about media that cannot be understood.
    #[error("session description line {0} cannot be read")]
    Line(usize),
    /// No media at all.
    #[error("session description has no media")]
    Empty,
}

#[cfg(test)]
mod tests;
