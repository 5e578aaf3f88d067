//! What nodes tell each other (SPEC section 4), and how it is read from a peer nobody trusts yet.
//!
//! Written by the stream directory of one node, read by the peer actor of another. Unknown fields
//! are ignored; a known field of the wrong type is an error. Nothing in here may cost more memory
//! than [`ReportLimits`] says, whatever the peer sends.

mod media_tracks;
mod reading;
mod stats;
mod tracks;

use std::num::NonZeroU64;
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::names::{Hostname, NodeId, StreamName};

pub use reading::{ReadReport, ReportError, ReportLimits, read_report};
pub use stats::{ClientsByProtocol, NodeStats, StreamerStatus};
pub use tracks::TrackInterner;

/// The version of the report's meaning. One more or one less is understood, else `incompatible`.
pub const REPORT_PROTOCOL: u32 = 1;

/// The most streams one peer may report, over all pages.
pub const REPORT_STREAMS_MAX: usize = 200_000;

/// The most tracks of one stream that are kept.
pub const REPORT_TRACKS_MAX: usize = 16;

/// The longest title of a stream, in bytes; what is longer is cut.
pub const REPORT_TITLE_BYTES_MAX: usize = 255;

/// The most bytes of titles that are kept of one peer; further streams have none. Two hundred
/// thousand streams with a long title each are a report that somebody can send.
pub const REPORT_TITLES_BYTES_MAX: usize = 8 << 20;

/// The most relays that are kept of one report: more than a node begins.
pub const REPORT_RELAYED_MAX: usize = 1_000;

/// The most `cluster_ingest` shares that are kept of one report.
pub const REPORT_MEMBERS_MAX: usize = 20_000;

/// The most listeners, vod prefixes and such that are kept of one report.
pub const REPORT_ITEMS_MAX: usize = 1_000;

/// One page of what a node says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Report {
    /// The node's configured name.
    #[schema(value_type = String)]
    pub node: Hostname,
    /// The node's id, new at each start.
    #[schema(value_type = String)]
    pub id: NodeId,
    /// The node's software version, for people.
    pub version: String,
    /// See [`REPORT_PROTOCOL`].
    pub protocol: u32,
    /// Whether the node takes new clients.
    pub state: NodeState,
    /// What to ask for next: `<id>.<revision>`.
    pub cursor: String,
    /// Whether this page starts the whole truth anew; what was known before is void.
    pub full: bool,
    /// Whether more pages follow at once.
    pub more: bool,
    /// The ports the node listens on.
    pub listeners: Vec<Listener>,
    /// The node's totals, sent each time.
    pub stats: NodeStats,
    /// Streams that are new or changed since the cursor.
    pub streams: Vec<StreamReport>,
    /// Streams that are gone since the cursor.
    #[schema(value_type = Vec<String>)]
    pub removed: Vec<StreamName>,
    /// Streams of other nodes that it gives out to viewers of its own, all of them; absent where
    /// they are as they were at the cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relayed: Option<Vec<Relayed>>,
    /// The prefixes of the node's file collections.
    pub vods: Vec<String>,
    /// The node's share in `cluster_ingest`.
    pub members: Vec<Member>,
}

/// Whether a node takes new clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NodeState {
    /// It does.
    #[default]
    Running,
    /// It is about to stop and hands everything over.
    Draining,
}

/// One open port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[schema(as = ReportListener)]
pub struct Listener {
    /// What is spoken there.
    pub scheme: Scheme,
    /// The TCP port.
    pub port: u16,
}

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// RTSP.
    Rtsp,
    /// RTSP over TLS.
    Rtsps,
    /// RTMP.
    Rtmp,
    /// RTMP over TLS.
    Rtmps,
    /// Something a later version speaks.
    #[serde(other)]
    Unknown,
}

/// One stream a node captures, or could start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StreamReport {
    /// Its name.
    #[schema(value_type = String)]
    pub name: StreamName,
    /// What it is called for people, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub title: Option<Title>,
    /// Whether it has frames.
    pub state: StreamState,
    /// When its capture began, Unix milliseconds by the clock of that node; `None` while idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub opened_at: Option<NonZeroU64>,
    /// In kbit/s; `None` when not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bitrate: Option<u32>,
    /// Sessions playing it at that node.
    pub clients: u32,
    /// Its tracks; `None` when not known.
    #[serde(serialize_with = "reading::tracks_or_empty")]
    #[schema(value_type = Vec<TrackReport>)]
    pub tracks: Tracks,
    /// Whether a publisher may be sent there.
    pub accepts_publish: bool,
}

impl StreamReport {
    /// What its title takes.
    #[must_use]
    pub fn title_bytes(&self) -> usize {
        self.title.as_ref().map_or(0, |Title(text)| text.len())
    }
}

/// What a stream is called for people: some text, at most [`REPORT_TITLE_BYTES_MAX`] long.
///
/// Short titles, which is nearly all, lie within the value itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Title(CompactString);

impl Title {
    /// The title that `text` is, cut where it is too long; none if it is empty.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = &text[..text.floor_char_boundary(REPORT_TITLE_BYTES_MAX)];
        (!text.is_empty()).then(|| Self(text.into()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Title> for String {
    fn from(Title(text): Title) -> Self {
        text.into()
    }
}

/// The tracks of a stream, shared by all who hold them; `None` when not known.
pub type Tracks = Option<Arc<[TrackReport]>>;

/// Whether a stream has frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamState {
    /// Frames arrive.
    Running,
    /// It would start with the first client.
    Ondemand,
    /// It was started and has no frame yet.
    Starting,
    /// Its source does not answer.
    Failed,
}

/// One track, as `media_info` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct TrackReport {
    /// `video`, `audio`, …
    #[serde(default)]
    pub content: String,
    /// `h264`, `aac`, …
    #[serde(default)]
    pub codec: String,
    /// Pixels across.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Frames a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub fps: Option<Fps>,
    /// Sound channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// Sound samples a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// ISO 639 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Frames a second in thousandths, so that equal rates are equal. A plain number in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct Fps {
    /// Frames in a thousand seconds.
    pub millihertz: u32,
}

impl From<f64> for Fps {
    fn from(fps: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates at the bounds of u32, and no rate is near them"
        )]
        Self { millihertz: (fps * 1_000.0).round() as u32 }
    }
}

impl From<Fps> for f64 {
    fn from(fps: Fps) -> Self {
        f64::from(fps.millihertz) / 1_000.0
    }
}

/// A stream of another node that this one relays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Relayed {
    /// Its name.
    #[schema(value_type = String)]
    pub name: StreamName,
    /// Sessions playing it here.
    pub clients: u32,
}

/// A node's share in one `cluster_ingest` stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// The stream.
    #[schema(value_type = String)]
    pub name: StreamName,
    /// Whether the node captures it now.
    #[serde(default)]
    pub is_capturing: bool,
}
