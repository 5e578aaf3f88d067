//! The words of `limits` (SPEC section 9). Each counts how often it was hit.
//!
//! The heads of HTTP end where the framework's do: at 128 KiB and 96 headers.

use super::Kind::{Count, Seconds, Size};
use super::words::row;
use super::{Row, YEAR_S};

pub(super) const LIMITS: &[Row] = &[
    row("connections", Count, "20000", "connections at once").is("20000").range(1, 1_000_000),
    row("reserved_descriptors", Count, "64", "descriptors kept back for the API")
        .is("64")
        .range(0, 10_000),
    row("template_streams", Count, "1000", "streams from templates at once")
        .is("1000")
        .range(0, 1_000_000),
    row("tls_handshake", Seconds, "5", "time for a PROXY header and the TLS handshake")
        .is("5")
        .range(1, 3600),
    row("http_head_size", Size, "32K", "an HTTP request's head").is("32K").range(1024, 128 << 10),
    row("http_headers", Count, "96", "headers of an HTTP request").is("96").range(8, 96),
    row("http_head_timeout", Seconds, "5", "time for an HTTP request's head")
        .is("5")
        .range(1, 3600),
    row("http_body_size", Size, "1M", "an HTTP request's body").is("1M").range(1024, 1 << 30),
    row("http_config_size", Size, "8M", "a configuration sent to the API")
        .is("8M")
        .range(1024, 1 << 30),
    row("http_body_timeout", Seconds, "10", "time for an HTTP request's body")
        .is("10")
        .range(1, 3600),
    row("http_send_timeout", Seconds, "15", "time that a reader may take nothing")
        .is("15")
        .range(1, 3600),
    row("http_piece_size", Size, "64K", "largest piece of an answer handed on at once")
        .is("64K")
        .range(4096, 1 << 20),
    row("event_listeners", Count, "64", "clients that follow `/events` at once")
        .is("64")
        .range(1, 10_000),
    row("event_rows", Count, "20000", "rows of one collection that `/events` tells")
        .is("20000")
        .range(1, 1_000_000),
    row("previews", Count, "1", "previews decoded at once").is("1").range(1, 64),
    row("preview_age", Seconds, "5", "age at which a preview is made anew")
        .is("5")
        .range(1, YEAR_S),
    row("preview_timeout", Seconds, "5", "time to make a preview, waiting for others included")
        .is("5")
        .range(1, 3600),
    row("sign_in_tries", Count, "5", "wrong passwords before a user or an address has to wait")
        .is("5")
        .range(1, 1000),
    row("sign_ins", Count, "1000", "browsers signed in at once, of each user")
        .is("1000")
        .range(1, 100_000),
    row("sign_in_idle", Seconds, "12h", "time without a request that signs a browser out")
        .is("12h")
        .range(1, YEAR_S),
    row("sign_in_lifetime", Seconds, "7d", "time after which a browser signs in anew")
        .is("7d")
        .range(1, YEAR_S),
    row("rtsp_line_size", Size, "4K", "an RTSP line").is("4K").range(512, 1 << 16),
    row("rtsp_head_size", Size, "16K", "an RTSP request's head").is("16K").range(1024, 1 << 20),
    row("rtsp_body_size", Size, "64K", "an RTSP request's body").is("64K").range(1024, 1 << 20),
    row("rtsp_tracks", Count, "8", "tracks of an RTSP session").is("8").range(1, 64),
    row("rtsp_play_timeout", Seconds, "10", "time from connecting to PLAY or RECORD")
        .is("10")
        .range(1, 3600),
    row("rtsp_keepalive_timeout", Seconds, "60", "silence that ends an RTSP session")
        .is("60")
        .range(5, 3600),
    row("rtmp_handshake_timeout", Seconds, "5", "time for the RTMP handshake")
        .is("5")
        .range(1, 3600),
    row("rtmp_chunk_size", Size, "64K", "an RTMP chunk").is("64K").range(128, 1 << 20),
    row("rtmp_message_size", Size, "4M", "an RTMP message").is("4M").range(4096, 16 << 20),
    row(
        "rtmp_early_message_size",
        Size,
        "256K",
        "an RTMP message before publish or play is granted",
    )
    .is("256K")
    .range(4096, 16 << 20),
    row("rtmp_chunk_streams", Count, "16", "chunk streams of an RTMP connection")
        .is("16")
        .range(4, 64),
    row("rtmp_amf_depth", Count, "16", "nesting of AMF values").is("16").range(2, 64),
    row("report_page_size", Size, "8M", "a page of a peer's report, unpacked")
        .is("8M")
        .range(65_536, 64 << 20),
    row("report_streams", Count, "200000", "streams of one peer").is("200000").range(1, 10_000_000),
    row("report_json_depth", Count, "16", "nesting of a report's JSON").is("16").range(4, 64),
    row(
        "report_memory_size",
        Size,
        "64M",
        "memory that one report may cost above the last good one",
    )
    .is("64M")
    .range(1 << 20, 1 << 32),
    row("report_rate", Size, "64K", "slowest delivery of a report, in bytes a second")
        .is("64K")
        .range(1, 1 << 30),
    row("report_timeout", Seconds, "60", "time for a whole report").is("60").range(1, 3600),
    row("playlist_size", Size, "1M", "a playlist that is pulled").is("1M").range(1024, 64 << 20),
    row("segment_size", Size, "64M", "a segment that is pulled").is("64M").range(65_536, 1 << 30),
    row("vod_index_size", Size, "64M", "the index of one file, and what it is read from")
        .is("64M")
        .range(65_536, 1 << 30),
    row("vod_index_memory", Size, "256M", "memory for the indexes of files")
        .is("256M")
        .range(1 << 20, 1 << 40),
    row(
        "vod_segment_memory",
        Size,
        "512M",
        "memory for segments of files, those on their way to clients included",
    )
    .is("512M")
    .range(1 << 20, 1 << 40),
    row("vod_folder_entries", Count, "10000", "entries of a folder of files that is listed")
        .is("10000")
        .range(1, 1_000_000),
];
