//! The names that travel between actors and nodes, checked once where they enter.
//!
//! A [`StreamName`] that exists is valid, so nothing behind the parser asks again whether a name
//! could leave its folder or break a header line.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

/// The longest stream name, in bytes.
pub const STREAM_NAME_BYTES_MAX: usize = 255;

/// First parts of a name that belong to the daemon's own URLs.
const RESERVED_FIRST_PARTS: [&str; 5] = ["streamer", "flussonic", "metrics", "assets", "-"];

/// Last parts of a name that are outputs of a stream.
const RESERVED_LAST_PARTS: [&str; 10] = [
    "index.m3u8",
    "video.m3u8",
    "index.fmp4.m3u8",
    "index.ll.m3u8",
    "mpegts",
    "live.flv",
    "embed.html",
    "media_info.json",
    "preview.jpg",
    "hls",
];

/// The name of a stream: parts of letters, digits, `.`, `-` and `_`, joined by `/`.
///
/// Short names, which is nearly all, lie within the value itself, so that a look-up of one among
/// a hundred thousand follows one pointer less. Ordered and hashed as its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamName(CompactString);

/// Why a text is no stream name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidStreamName {
    /// Nothing, or an empty part: a leading, trailing or doubled `/`.
    #[error("stream name has an empty part")]
    EmptyPart,
    /// A part is `.` or `..`.
    #[error("stream name has a part of dots only")]
    Dots,
    /// A character outside the allowed set.
    #[error("stream name has the character {0:?}; letters, digits, . - _ and / are allowed")]
    Character(char),
    /// Longer than [`STREAM_NAME_BYTES_MAX`].
    #[error("stream name has {0} bytes, limit {STREAM_NAME_BYTES_MAX}")]
    TooLong(usize),
    /// The first part belongs to the daemon, or the last one is an output.
    #[error("stream name has the reserved part {0:?}")]
    Reserved(String),
}

impl StreamName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Says whether `text` is a stream name, and if not why.
///
/// Errors: the first rule of SPEC section 1 that it breaks.
pub fn check_stream_name(text: &str) -> Result<(), InvalidStreamName> {
    if text.len() > STREAM_NAME_BYTES_MAX {
        return Err(InvalidStreamName::TooLong(text.len()));
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    if let Some(c) = text.chars().find(|c| !is_allowed(*c)) {
        return Err(InvalidStreamName::Character(c));
    }
    for part in text.split('/') {
        match part {
            "" => return Err(InvalidStreamName::EmptyPart),
            "." | ".." => return Err(InvalidStreamName::Dots),
            _ => {}
        }
    }
    let first = text.split('/').next().unwrap_or_default();
    let last = text.rsplit('/').next().unwrap_or_default();
    for (part, reserved) in [(first, &RESERVED_FIRST_PARTS[..]), (last, &RESERVED_LAST_PARTS[..])] {
        if reserved.contains(&part) {
            return Err(InvalidStreamName::Reserved(part.to_owned()));
        }
    }
    Ok(())
}

impl FromStr for StreamName {
    type Err = InvalidStreamName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_stream_name(text).map(|()| Self(CompactString::new(text)))
    }
}

impl TryFrom<String> for StreamName {
    type Error = InvalidStreamName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<StreamName> for String {
    fn from(name: StreamName) -> Self {
        name.0.into_string()
    }
}

impl Borrow<str> for StreamName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The longest host name, in bytes (RFC 1035 §2.3.4), with room for a port.
pub const HOSTNAME_BYTES_MAX: usize = 253 + 6;

/// What a node calls itself, or what `peer NAME` calls another: letters, digits, `.`, `-`, `_`,
/// and, for a peer's label, `:` and brackets for a port and an IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hostname(Arc<str>);

/// Why a text is no host name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidHostname {
    /// Nothing, or longer than [`HOSTNAME_BYTES_MAX`].
    #[error("hostname has {0} bytes, wanted 1 to {HOSTNAME_BYTES_MAX}")]
    Length(usize),
    /// A character outside the allowed set.
    #[error("hostname has the character {0:?}; letters, digits, . - _ : [ and ] are allowed")]
    Character(char),
}

impl Hostname {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Hostname {
    type Err = InvalidHostname;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > HOSTNAME_BYTES_MAX {
            return Err(InvalidHostname::Length(text.len()));
        }
        let is_allowed =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        match text.chars().find(|c| !is_allowed(*c)) {
            Some(c) => Err(InvalidHostname::Character(c)),
            None => Ok(Self(text.into())),
        }
    }
}

impl TryFrom<String> for Hostname {
    type Error = InvalidHostname;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Hostname> for String {
    fn from(name: Hostname) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One life of one node: 32 lowercase hexadecimal digits, drawn anew at each start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(u128);

/// A text that is no node id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("node id is not 32 lowercase hexadecimal digits")]
pub struct InvalidNodeId;

impl NodeId {
    /// The id made of these random bits.
    #[must_use]
    pub const fn from_random(bits: u128) -> Self {
        Self(bits)
    }

    /// The first eight hexadecimal digits as a number: what a redirect's mark carries.
    #[must_use]
    pub fn prefix(self) -> u32 {
        u32::try_from(self.0 >> 96).expect("128 bits shifted by 96 fit in 32")
    }
}

impl FromStr for NodeId {
    type Err = InvalidNodeId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(is_digit) {
            return Err(InvalidNodeId);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| InvalidNodeId)
    }
}

impl TryFrom<String> for NodeId {
    type Error = InvalidNodeId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

/// The protocol a client speaks, as far as routing is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HLS playlists and segments.
    Hls,
    /// Endless HTTP: MPEG-TS.
    Tshttp,
    /// HTTP-FLV.
    Flv,
    /// RTSP.
    Rtsp,
    /// RTMP.
    Rtmp,
}

impl Protocol {
    /// All of them, with their names.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Hls, "hls"),
        (Self::Tshttp, "tshttp"),
        (Self::Flv, "flv"),
        (Self::Rtsp, "rtsp"),
        (Self::Rtmp, "rtmp"),
    ];

    /// The protocol's place in a set of protocols kept as bits.
    #[must_use]
    pub const fn bit(self) -> u8 {
        match self {
            Self::Hls => 1,
            Self::Tshttp => 2,
            Self::Flv => 4,
            Self::Rtsp => 8,
            Self::Rtmp => 16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_valid() {
        for name in ["cam1", "studio/a.b-c_d", "a/b/c", "north-cam", "index.m3u8/x"] {
            assert!(name.parse::<StreamName>().is_ok(), "{name}");
        }
    }

    #[test]
    fn node_ids_round_trip_and_refuse_all_else() {
        let id = NodeId::from_random(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(id.to_string(), "0123456789abcdef0123456789abcdef");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.prefix(), 0x0123_4567);
        for text in ["", "+123456789abcdef0123456789abcdef0", "0123456789ABCDEF0123456789abcdef"] {
            assert_eq!(text.parse::<NodeId>(), Err(InvalidNodeId), "{text}");
        }
    }

    #[test]
    fn hostnames_carry_ports_but_no_line_breaks() {
        for name in ["north", "streamer:8081", "[::1]:80", "a.example.com"] {
            assert!(name.parse::<Hostname>().is_ok(), "{name}");
        }
        for name in ["", "a b", "a\r\n", "a/b", &"a".repeat(260)] {
            assert!(name.parse::<Hostname>().is_err(), "{name}");
        }
    }

    #[test]
    fn every_broken_rule_is_named() {
        use InvalidStreamName as Bad;
        assert_eq!(check_stream_name(""), Err(Bad::EmptyPart));
        assert_eq!(check_stream_name("a//b"), Err(Bad::EmptyPart));
        assert_eq!(check_stream_name("/a"), Err(Bad::EmptyPart));
        assert_eq!(check_stream_name("a/"), Err(Bad::EmptyPart));
        assert_eq!(check_stream_name("a/../b"), Err(Bad::Dots));
        assert_eq!(check_stream_name("a\r\nb"), Err(Bad::Character('\r')));
        assert_eq!(check_stream_name("a\0"), Err(Bad::Character('\0')));
        assert_eq!(check_stream_name("%2e%2e"), Err(Bad::Character('%')));
        assert_eq!(check_stream_name("ä"), Err(Bad::Character('ä')));
        assert_eq!(check_stream_name(&"a".repeat(256)), Err(Bad::TooLong(256)));
        assert_eq!(check_stream_name("streamer/x"), Err(Bad::Reserved("streamer".into())));
        assert_eq!(check_stream_name("cam/mpegts"), Err(Bad::Reserved("mpegts".into())));
    }
}
