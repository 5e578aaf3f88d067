//! The limits that hostile or broken clients and peers are held to (SPEC section 9).

use std::time::Duration;

use serde::Deserialize;

use super::model::seconds;

/// One field a limit. Each has a counter of the same name that counts how often it was hit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Descriptors kept back for the API.
    pub reserved_descriptors: usize,
    /// Streams from templates at once.
    pub template_streams: usize,
    /// Time for a PROXY header and the TLS handshake.
    #[serde(rename = "tls_handshake", deserialize_with = "seconds")]
    pub tls_handshake_timeout: Duration,
    /// An HTTP request's head, in bytes.
    #[serde(rename = "http_head_size")]
    pub http_head_bytes: usize,
    /// Headers of an HTTP request.
    pub http_headers: usize,
    /// Time for an HTTP request's head.
    #[serde(deserialize_with = "seconds")]
    pub http_head_timeout: Duration,
    /// An HTTP request's body, in bytes.
    #[serde(rename = "http_body_size")]
    pub http_body_bytes: usize,
    /// A configuration sent to the API, in bytes.
    #[serde(rename = "http_config_size")]
    pub http_config_bytes: usize,
    /// Time for an HTTP request's body.
    #[serde(deserialize_with = "seconds")]
    pub http_body_timeout: Duration,
    /// Time that a reader may take nothing.
    #[serde(deserialize_with = "seconds")]
    pub http_send_timeout: Duration,
    /// Largest piece of an answer handed on at once, in bytes.
    #[serde(rename = "http_piece_size")]
    pub http_piece_bytes: usize,
    /// Clients that follow the events at once.
    pub event_listeners: usize,
    /// Rows of one collection that the events tell.
    pub event_rows: usize,
    /// Previews decoded at once.
    pub previews: usize,
    /// Age at which a preview is made anew.
    #[serde(deserialize_with = "seconds")]
    pub preview_age: Duration,
    /// Time to make a preview.
    #[serde(deserialize_with = "seconds")]
    pub preview_timeout: Duration,
    /// Wrong passwords before a user or an address has to wait.
    pub sign_in_tries: u32,
    /// Browsers signed in at once, of each user.
    pub sign_ins: usize,
    /// Time without a request that signs a browser out.
    #[serde(deserialize_with = "seconds")]
    pub sign_in_idle: Duration,
    /// Time after which a browser signs in anew.
    #[serde(deserialize_with = "seconds")]
    pub sign_in_lifetime: Duration,
    /// An RTSP line, in bytes.
    #[serde(rename = "rtsp_line_size")]
    pub rtsp_line_bytes: usize,
    /// An RTSP request's head, in bytes.
    #[serde(rename = "rtsp_head_size")]
    pub rtsp_head_bytes: usize,
    /// An RTSP request's body, in bytes.
    #[serde(rename = "rtsp_body_size")]
    pub rtsp_body_bytes: usize,
    /// Tracks of an RTSP session.
    pub rtsp_tracks: usize,
    /// Time from connecting to PLAY or RECORD.
    #[serde(deserialize_with = "seconds")]
    pub rtsp_play_timeout: Duration,
    /// Silence that ends an RTSP session.
    #[serde(deserialize_with = "seconds")]
    pub rtsp_keepalive_timeout: Duration,
    /// Time for the RTMP handshake.
    #[serde(deserialize_with = "seconds")]
    pub rtmp_handshake_timeout: Duration,
    /// An RTMP chunk, in bytes.
    #[serde(rename = "rtmp_chunk_size")]
    pub rtmp_chunk_bytes: usize,
    /// An RTMP message, in bytes.
    #[serde(rename = "rtmp_message_size")]
    pub rtmp_message_bytes: usize,
    /// An RTMP message before publish or play is granted, in bytes.
    #[serde(rename = "rtmp_early_message_size")]
    pub rtmp_early_message_bytes: usize,
    /// Chunk streams of an RTMP connection.
    pub rtmp_chunk_streams: usize,
    /// Nesting of AMF values.
    pub rtmp_amf_depth: usize,
    /// A page of a peer's report, unpacked, in bytes.
    #[serde(rename = "report_page_size")]
    pub report_page_bytes: usize,
    /// Streams of one peer.
    pub report_streams: usize,
    /// Nesting of a report's JSON.
    pub report_json_depth: usize,
    /// Memory that one report may cost above the last good one, in bytes.
    #[serde(rename = "report_memory_size")]
    pub report_memory_bytes: usize,
    /// Slowest delivery of a report, in bytes a second.
    #[serde(rename = "report_rate")]
    pub report_bytes_per_second: usize,
    /// Time for a whole report.
    #[serde(deserialize_with = "seconds")]
    pub report_timeout: Duration,
    /// A playlist that is pulled, in bytes.
    #[serde(rename = "playlist_size")]
    pub playlist_bytes: usize,
    /// A segment that is pulled, in bytes.
    #[serde(rename = "segment_size")]
    pub segment_bytes: usize,
    /// The index of one file, and what it is read from, in bytes.
    #[serde(rename = "vod_index_size")]
    pub vod_index_bytes: usize,
    /// Memory for the indexes of files, in bytes.
    #[serde(rename = "vod_index_memory")]
    pub vod_indexes_bytes: usize,
    /// Memory for segments of files, in bytes.
    #[serde(rename = "vod_segment_memory")]
    pub vod_segments_bytes: usize,
    /// Entries of a folder of files that is listed.
    pub vod_folder_entries: usize,
}
