//! Inputs that this node fetches: a local future each, from its start until it fails or is not
//! wanted any more.
//!
//! Whatever the protocol, silence is judged here: an input that yields no packet for
//! `source_timeout` has failed, be it that the server hangs, sends nothing but pings, or vanished
//! without closing. The stream starts it again, as it does all inputs.
//!
//! ```text
//!  LiveStream ▸ run ─┬▸ rtmp  rtsp  mpegts_http  mpegts_udp  hls ▸ Sink ▸ InputWriter
//!                    └▸ Sink::watch: silence, or not wanted any more
//!  connection   name ▸ checked address ▸ TCP or TLS        web  one GET, redirects followed
//!  rtsp_clocks, decode_times: pure, for what RTP leaves open        hls_playlist: pure
//! ```

mod connection;
mod decode_times;
mod error;
mod hls;
mod hls_playlist;
mod mpegts_http;
mod mpegts_udp;
mod rtmp;
mod rtsp;
mod rtsp_clocks;
mod sink;
mod source;
#[cfg(test)]
mod tests;
mod web;

use std::convert::Infallible;
use std::time::Duration;

use error::PullError;
use sink::Sink;
pub use source::{InvalidPullUrl, PullLimits, PullSource, PullUrl, RtspTransport};

use super::writer::InputWriter;

/// How this node calls itself.
const USER_AGENT: &str = concat!("Watershed/", env!("CARGO_PKG_VERSION"));

/// Fetches `source` into `writer` until it fails or is revoked.
pub(super) async fn run(source: PullSource, silence_max: Duration, writer: InputWriter) {
    let sink = Sink::new(writer);
    let error = tokio::select! {
        ended = play(&source, &sink) => match ended {
            Err(error) => error,
        },
        error = sink.watch(silence_max) => error,
    };
    if !error.is_revoked() {
        let error = error.map_words(|words| source.url.without_secrets(words));
        sink.fail(format!("{}: {error}", source.url));
    }
}

async fn play(source: &PullSource, sink: &Sink) -> Result<Infallible, PullError> {
    match source.url.scheme() {
        "rtmp" | "rtmps" => rtmp::play(source, sink).await,
        "rtsp" => rtsp::play(source, sink).await,
        "tshttp" | "tshttps" => mpegts_http::play(source, sink).await,
        "hls" | "hlss" | "http" | "https" => hls::play(source, sink).await,
        "udp" => mpegts_udp::play(source, sink).await,
        _ => Err(PullError::Scheme),
    }
}
