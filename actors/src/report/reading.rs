//! Reading a report page within bounds.
//!
//! ```text
//!  bytes ─ size? ─ depth? ─▶ serde_json ─▶ lists cut off at their limit ─▶ names checked ─▶ Report
//! ```
//! The lists are read item by item, so that eight mebibytes of `[[],[],…` or of tiny streams cannot
//! grow to a multiple of that in memory before anybody counts.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU64;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{
    Listener, Member, NodeState, NodeStats, REPORT_ITEMS_MAX, REPORT_MEMBERS_MAX, REPORT_PROTOCOL,
    REPORT_RELAYED_MAX, REPORT_STREAMS_MAX, Relayed, Report, StreamReport, StreamState, Title,
    TrackInterner, Tracks,
};
use crate::names::{Hostname, NodeId, StreamName};

/// The longest cursor that is sent back.
const CURSOR_BYTES_MAX: usize = 128;

/// What a report page may cost.
#[derive(Clone, Copy, Debug)]
pub struct ReportLimits {
    /// Bytes of one page after decompression.
    pub page_bytes_max: usize,
    /// Nested objects and lists.
    pub depth_max: usize,
    /// Streams of one peer over all pages, at most [`REPORT_STREAMS_MAX`].
    pub streams_max: usize,
}

impl Default for ReportLimits {
    fn default() -> Self {
        Self { page_bytes_max: 8 << 20, depth_max: 16, streams_max: REPORT_STREAMS_MAX }
    }
}

/// A page that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadReport {
    /// The page.
    pub report: Report,
    /// Streams left out because their name is none.
    pub invalid_names: usize,
}

/// Why bytes are no report.
#[derive(Debug, Error)]
pub enum ReportError {
    /// More bytes than [`ReportLimits::page_bytes_max`].
    #[error("answer over {} MiB", .bytes_max >> 20)]
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// More nesting than [`ReportLimits::depth_max`].
    #[error("not a report: nested deeper than {depth_max}")]
    TooDeep {
        /// The limit.
        depth_max: usize,
    },
    /// More streams than [`ReportLimits::streams_max`].
    #[error("more than {streams_max} streams")]
    TooManyStreams {
        /// The limit.
        streams_max: usize,
    },
    /// A report whose meaning this version does not know.
    #[error("speaks protocol {theirs}, this node {REPORT_PROTOCOL}")]
    Protocol {
        /// What it says it speaks.
        theirs: u32,
    },
    /// A cursor that cannot be sent back in a URL.
    #[error("not a report: unusable cursor")]
    Cursor,
    /// Not JSON, or not of the report's shape.
    #[error("not a report: {0}")]
    Shape(#[source] serde_json::Error),
}

/// Reads one page.
///
/// `tracks` is the peer's own and lives as long as its streams are known.
///
/// Errors: the first limit or rule that `bytes` breaks; invalid stream names are only counted.
pub fn read_report(
    bytes: &[u8],
    limits: &ReportLimits,
    tracks: &mut TrackInterner,
) -> Result<ReadReport, ReportError> {
    if bytes.len() > limits.page_bytes_max {
        return Err(ReportError::TooLong { bytes_max: limits.page_bytes_max });
    }
    if is_deeper_than(bytes, limits.depth_max) {
        return Err(ReportError::TooDeep { depth_max: limits.depth_max });
    }
    let understood = |theirs: u32| theirs.abs_diff(REPORT_PROTOCOL) <= 1;
    let wire: WireReport = match serde_json::from_slice(bytes) {
        Ok(wire) => wire,
        Err(error) => {
            // A version far from ours may have another shape; then the version is the cause.
            return Err(match serde_json::from_slice::<WireProtocol>(bytes) {
                Ok(wire) if !understood(wire.protocol) => {
                    ReportError::Protocol { theirs: wire.protocol }
                }
                Ok(_) | Err(_) => ReportError::Shape(error),
            });
        }
    };
    if !understood(wire.protocol) {
        return Err(ReportError::Protocol { theirs: wire.protocol });
    }
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if wire.cursor.len() > CURSOR_BYTES_MAX || !wire.cursor.bytes().all(is_plain) {
        return Err(ReportError::Cursor);
    }
    if wire.streams.seen > limits.streams_max.min(REPORT_STREAMS_MAX) {
        return Err(ReportError::TooManyStreams { streams_max: limits.streams_max });
    }
    wire.into_report(tracks).map_err(ReportError::Shape)
}

/// Whether brackets outside of strings nest deeper than `depth_max`. Does not check the grammar.
fn is_deeper_than(bytes: &[u8], depth_max: usize) -> bool {
    let (mut depth, mut is_string, mut is_escaped) = (0_usize, false, false);
    for &byte in bytes {
        if is_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => is_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => is_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > depth_max {
            return true;
        }
    }
    false
}

#[derive(Deserialize)]
struct WireProtocol {
    protocol: u32,
}

#[derive(Deserialize)]
struct WireReport<'a> {
    node: Hostname,
    id: NodeId,
    #[serde(default)]
    version: String,
    protocol: u32,
    #[serde(default)]
    state: NodeState,
    cursor: String,
    #[serde(default)]
    full: bool,
    #[serde(default)]
    more: bool,
    #[serde(default)]
    listeners: Few<Listener, REPORT_ITEMS_MAX>,
    #[serde(default)]
    stats: NodeStats,
    #[serde(borrow, default)]
    streams: Few<WireStream<'a>, REPORT_STREAMS_MAX>,
    #[serde(default)]
    removed: Few<WireName, REPORT_STREAMS_MAX>,
    #[serde(default)]
    relayed: Option<Few<WireRelayed, REPORT_RELAYED_MAX>>,
    #[serde(default)]
    vods: Few<String, REPORT_ITEMS_MAX>,
    #[serde(default)]
    members: Few<Member, REPORT_MEMBERS_MAX>,
}

impl WireReport<'_> {
    fn into_report(self, tracks: &mut TrackInterner) -> Result<ReadReport, serde_json::Error> {
        let sent = self.streams.items.len();
        let mut streams = Vec::with_capacity(sent);
        for wire in self.streams.items {
            if let Some(name) = wire.name.0 {
                let tracks = wire.tracks.map_or(Ok(None), |json| tracks.intern(json.get()))?;
                let title = wire.title.map(|json| serde_json::from_str::<Cow<'_, str>>(json.get()));
                let title = title.transpose()?.and_then(|text| Title::of(&text));
                streams.push(StreamReport {
                    name,
                    title,
                    state: wire.state,
                    opened_at: wire.opened_at.and_then(NonZeroU64::new),
                    bitrate: wire.bitrate,
                    clients: wire.clients.unwrap_or(0),
                    tracks,
                    accepts_publish: wire.accepts_publish,
                });
            }
        }
        let invalid_names = sent - streams.len();
        let report = Report {
            node: self.node,
            id: self.id,
            version: self.version,
            protocol: self.protocol,
            state: self.state,
            cursor: self.cursor,
            full: self.full,
            more: self.more,
            listeners: self.listeners.items,
            stats: self.stats,
            streams,
            removed: self.removed.items.into_iter().filter_map(|name| name.0).collect(),
            relayed: self.relayed.map(Few::into_relayed),
            vods: self.vods.items,
            members: self.members.items,
        };
        Ok(ReadReport { report, invalid_names })
    }
}

/// A list of which at most `MAX` items are kept and all are counted.
struct Few<T, const MAX: usize> {
    items: Vec<T>,
    seen: usize,
}

impl<T, const MAX: usize> Default for Few<T, MAX> {
    fn default() -> Self {
        Self { items: Vec::new(), seen: 0 }
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Few<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FewVisitor(PhantomData))
    }
}

struct FewVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for FewVisitor<T, MAX> {
    type Value = Few<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut few = Few::default();
        while few.items.len() < MAX {
            match list.next_element()? {
                Some(item) => few.items.push(item),
                None => break,
            }
        }
        few.seen = few.items.len();
        while list.next_element::<IgnoredAny>()?.is_some() {
            few.seen += 1;
        }
        Ok(few)
    }
}

/// A stream name, or `None` where the text is none.
struct WireName(Option<StreamName>);

impl<'de> Deserialize<'de> for WireName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer).map(|text| Self(text.parse().ok()))
    }
}

#[derive(Deserialize)]
struct WireRelayed {
    name: WireName,
    #[serde(default)]
    clients: u32,
}

impl<const MAX: usize> Few<WireRelayed, MAX> {
    fn into_relayed(self) -> Vec<Relayed> {
        let named = |wire: WireRelayed| Some(Relayed { name: wire.name.0?, clients: wire.clients });
        self.items.into_iter().filter_map(named).collect()
    }
}

/// A stream whose title and tracks are still JSON.
#[derive(Deserialize)]
struct WireStream<'a> {
    name: WireName,
    #[serde(borrow, default)]
    title: Option<&'a RawValue>,
    state: StreamState,
    #[serde(default)]
    opened_at: Option<u64>,
    #[serde(default)]
    bitrate: Option<u32>,
    #[serde(default)]
    clients: Option<u32>,
    #[serde(borrow, default)]
    tracks: Option<&'a RawValue>,
    #[serde(default)]
    accepts_publish: bool,
}

/// Writes unknown tracks as an empty list, which is what the contract shows.
pub(super) fn tracks_or_empty<S: Serializer>(
    tracks: &Tracks,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(tracks.iter().flat_map(|tracks| tracks.iter()))
}

#[cfg(test)]
mod tests {
    use super::super::REPORT_TITLE_BYTES_MAX;
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn page(fields: &str) -> String {
        format!(r#"{{"node":"south","id":"{ID}","protocol":1,"cursor":"c"{fields}}}"#)
    }

    fn read(text: &str) -> Result<ReadReport, ReportError> {
        read_report(text.as_bytes(), &ReportLimits::default(), &mut TrackInterner::default())
    }

    #[test]
    fn a_page_survives_writing_and_reading() {
        let text = page(
            r#","full":true,"listeners":[{"scheme":"http","port":80},{"scheme":"quic","port":9}],
            "stats":{"cpu_usage":12.5,"future":{"a":[1]}},"streams":[{"name":"cam1",
            "title":"caf\u00e9","opened_at":1790000000123,"state":"running","bitrate":2000,
            "clients":3,"tracks":[{"content":"video","codec":"h264","fps":29.97}],
            "accepts_publish":false,"new":1}],"removed":["old"],
            "relayed":[{"name":"../a","clients":1},{"name":"east-cam","clients":7}]"#,
        );
        let first = read(&text).unwrap();
        assert_eq!(first.invalid_names, 0);
        assert_eq!(first.report.streams.len(), 1);
        assert_eq!(first.report.streams[0].title, Title::of("café"));
        let relayed = Relayed { name: "east-cam".parse().unwrap(), clients: 7 };
        assert_eq!(first.report.relayed, Some(vec![relayed]));
        let again = serde_json::to_vec(&first.report).unwrap();
        let second = self::read(&String::from_utf8(again).unwrap()).unwrap();
        assert_eq!(second.report.streams, first.report.streams);
        assert_eq!(second.report.removed, first.report.removed);
        assert_eq!(second.report.relayed, first.report.relayed);
    }

    #[test]
    fn titles_are_cut_between_characters_and_are_text() {
        let titled = |json: &str| {
            let stream = format!(r#"{{"name":"a","state":"running","title":{json}}}"#);
            read(&page(&format!(r#","streams":[{stream}]"#))).map(|read| read.report.streams)
        };
        let long = format!("\"{}\"", "ä".repeat(200));
        let wanted = "ä".repeat(REPORT_TITLE_BYTES_MAX / 2);
        assert_eq!(titled(&long).unwrap()[0].title.as_ref().unwrap().as_str(), wanted);
        for none in ["null", "\"\""] {
            assert_eq!(titled(none).unwrap()[0].title, None, "{none}");
        }
        assert!(titled("7").is_err());
    }

    #[test]
    fn quiet_report_of_a_busy_node_is_short() {
        let name = "n".repeat(63);
        let ports = ["http", "https", "rtsp", "rtsps", "rtmp", "rtmps"];
        let listeners = ports.map(|scheme| format!(r#"{{"scheme":"{scheme}","port":58443}}"#));
        let text = format!(
            r#"{{"node":"{name}","id":"{ID}","version":"10.10.10","protocol":1,
            "cursor":"{ID}.1000000","listeners":[{}],"stats":{{"server_version":"10.10.10",
            "hostname":"{name}","id":"{ID}","streamer_status":"running","now":1790000000000,
            "started_at":1790000000,"uptime":31536000,"cpu_usage":99.9,"memory_usage":99.9,
            "bandwidth_usage":99.9,"total_clients":20000,"total_streams":100000,
            "online_streams":100000,"clients_by_protocol":{{"hls":18000,"rtmp":1000,"rtsp":1000}},
            "input_kbit":10000000,"output_kbit":10000000}}}}"#,
            listeners.join(","),
        );
        let report = read(&text).unwrap().report;
        let bytes = serde_json::to_vec(&report).unwrap().len();
        assert!((900..1_024).contains(&bytes), "{bytes}");
    }

    #[test]
    fn invalid_names_are_left_out_and_counted() {
        let text = page(
            r#","streams":[{"name":"../etc","state":"running"},{"name":"a\r\nb","state":"failed"},
            {"name":"good","state":"ondemand"}],"removed":["javascript:alert(1)"]"#,
        );
        let read = read(&text).unwrap();
        assert_eq!((read.invalid_names, read.report.streams.len()), (2, 1));
        assert!(read.report.removed.is_empty());
    }

    #[test]
    fn hostile_pages_are_refused_in_words() {
        let deep = page(&format!(r#","x":{}{}"#, "[".repeat(100_000), "]".repeat(100_000)));
        let cases = [
            ("<html>".to_owned(), "not a report: expected value at line 1 column 1"),
            (deep, "not a report: nested deeper than 16"),
            (page(r#","streams":{}"#), "not a report: invalid type: map, expected a list"),
            (page("").replace(":1,", ":3,"), "speaks protocol 3, this node 1"),
            (r#"{"protocol":9}"#.to_owned(), "speaks protocol 9, this node 1"),
            (" ".repeat((8 << 20) + 1), "answer over 8 MiB"),
        ];
        for (text, words) in cases {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.starts_with(words), "{error}");
        }
    }

    #[test]
    fn more_streams_than_the_limit_are_an_error() {
        let streams = [r#"{"name":"a","state":"running"}"#; 4].join(",");
        let limits = ReportLimits { streams_max: 3, ..ReportLimits::default() };
        let text = page(&format!(r#","streams":[{streams}]"#));
        let error = read_report(text.as_bytes(), &limits, &mut TrackInterner::default());
        assert!(matches!(error, Err(ReportError::TooManyStreams { streams_max: 3 })));
    }

    #[test]
    fn brackets_in_strings_are_not_depth() {
        let text = page(&format!(r#","x":"{}\"[","full":true"#, "[".repeat(99)));
        assert!(read(&text).unwrap().report.full);
    }
}
