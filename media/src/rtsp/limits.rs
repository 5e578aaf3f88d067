//! What one RTSP control connection may cost.

use std::time::Duration;

/// The limits of one connection; the defaults are the documented ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtspLimits {
    /// Longest line, its line end included. Default 4 KiB.
    pub line_bytes_max: usize,
    /// Longest head: request line and headers together. Default 16 KiB.
    pub head_bytes_max: usize,
    /// Most header lines in a request. Default 64; real clients send at most 12.
    pub header_count_max: usize,
    /// Longest body. Default 64 KiB.
    pub body_bytes_max: usize,
    /// Most interleaved bytes between two requests that belong to nothing set up. Default 128 KiB:
    /// one frame of the largest size, and what a client had under way when it was redirected.
    pub interleaved_bytes_max: usize,
    /// Most bytes kept behind a request that waits for its answer. Default 128 KiB.
    pub held_bytes_max: usize,
    /// Most tracks of a stream that can be set up or announced. Default 8.
    pub track_count_max: usize,
    /// Time from the connection's start to a granted PLAY or RECORD. Default 10 s.
    pub play_timeout: Duration,
    /// Longest silence of a client that plays or publishes; told in the `Session` header. Default
    /// 60 s.
    pub keepalive_timeout: Duration,
}

impl Default for RtspLimits {
    fn default() -> Self {
        Self {
            line_bytes_max: 4 * 1024,
            head_bytes_max: 16 * 1024,
            header_count_max: 64,
            body_bytes_max: 64 * 1024,
            interleaved_bytes_max: 128 * 1024,
            held_bytes_max: 128 * 1024,
            track_count_max: 8,
            play_timeout: Duration::from_secs(10),
            keepalive_timeout: Duration::from_secs(60),
        }
    }
}
