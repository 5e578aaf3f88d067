//! The loop of one HTTP connection up to the point where the framework takes over.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use watershed_actors::client_stream::ClientStream;
use watershed_actors::outbox::drop_written;

use super::head::{HeadLimits, HeadRead, SimpleHead, read_head};
use super::{EndlessAnswer, FrontConfig, Quick, QuickRequest};

/// Room for the heads of a few pipelined requests; grows up to the head's limit.
const BUFFER_BYTES: usize = 4096;
/// Answers are collected up to this before they are written.
const OUT_BYTES: usize = 16 << 10;

/// Most pieces of a body in one write.
const PIECES_AT_ONCE: usize = 64;

/// What a full node still answers: its API, whose calls peers make too, and its metrics.
const RESERVED_FOR: [&[u8]; 3] = [b"/streamer/", b"/flussonic/", b"/metrics"];
/// A connection of the reserve says what it wants within this, or makes room for another one.
pub(super) const RESERVE_PATIENCE: Duration = Duration::from_secs(1);
/// The longest first line that a connection of the reserve may send.
const FIRST_LINE_BYTES_MAX: usize = 8 << 10;

const HEAD_TOO_LARGE: &[u8] = b"HTTP/1.1 431 Request Header Fields Too Large\r\n\
    content-length: 0\r\nconnection: close\r\n\r\n";
const TIMED_OUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-length: 0\r\nretry-after: 1\r\nconnection: close\r\n\r\n";

/// A request that the connection goes on with elsewhere.
pub(crate) enum Unanswered {
    /// The framework takes over, beginning with these bytes.
    Framework(BytesMut),
    /// The client plays until it has gone.
    Endless(Box<EndlessAnswer>),
}

/// Answers quick requests on `socket`.
///
/// Returns what is to be done with the connection; `None` when it is over.
pub(crate) async fn serve(
    socket: &mut ClientStream,
    client: SocketAddr,
    config: &FrontConfig,
) -> Option<Unanswered> {
    let limits =
        HeadLimits { bytes_max: config.head_bytes_max, fields_max: config.head_fields_max };
    let mut buffer = BytesMut::with_capacity(BUFFER_BYTES);
    let mut out = BytesMut::new();
    let mut idle_since = Instant::now();
    let mut deadline = pin!(sleep_until(idle_since + config.head_timeout));
    let mut has_answered = false;
    loop {
        let now = Instant::now();
        let asker = Asker { client, is_https: socket.is_tls(), now: now.into_std() };
        match answer_all(&mut buffer, &mut out, limits, config, asker) {
            Step::ReadMore => {}
            Step::WriteFirst => {
                flush(socket, &mut out, config).await?;
                continue;
            }
            Step::WritePieces(pieces) => {
                flush(socket, &mut out, config).await?;
                write_pieces(socket, pieces, config).await?;
                idle_since = Instant::now();
                has_answered = true;
                continue;
            }
            Step::HandOver => {
                flush(socket, &mut out, config).await?;
                return Some(Unanswered::Framework(buffer));
            }
            Step::Follow(answer) => {
                flush(socket, &mut out, config).await?;
                return Some(Unanswered::Endless(answer));
            }
            Step::Refuse(limit, response) => {
                config.hits.hit(limit);
                out.extend_from_slice(response);
                flush(socket, &mut out, config).await?;
                let _ = socket.shutdown().await;
                return None;
            }
        }
        if !out.is_empty() {
            flush(socket, &mut out, config).await?;
            idle_since = now;
            has_answered = true;
        }
        let is_between = has_answered && buffer.is_empty();
        let allowed = if is_between { config.idle_timeout } else { config.head_timeout };
        if !read_some(socket, &mut buffer, deadline.as_mut(), idle_since + allowed).await? {
            if !is_between {
                config.hits.hit("http_head_timeout");
                out.extend_from_slice(TIMED_OUT);
                flush(socket, &mut out, config).await?;
            }
            return None;
        }
        if is_between {
            idle_since = Instant::now();
        }
    }
}

/// Waits for the first line of a request on `socket`, which holds a connection of the reserve.
///
/// Returns the bytes read for the framework if the request is for the API; `None` when the
/// connection is over.
pub(crate) async fn serve_reserved(
    socket: &mut ClientStream,
    config: &FrontConfig,
) -> Option<Unanswered> {
    let mut buffer = BytesMut::with_capacity(BUFFER_BYTES);
    let until = Instant::now() + config.head_timeout.min(RESERVE_PATIENCE);
    let mut timer = pin!(sleep_until(until));
    while !buffer.contains(&b'\n') && buffer.len() < FIRST_LINE_BYTES_MAX {
        if !read_some(socket, &mut buffer, timer.as_mut(), until).await? {
            break;
        }
    }
    if is_for_the_api(&buffer) {
        return Some(Unanswered::Framework(buffer));
    }
    config.hits.hit("connections");
    refuse(socket).await;
    None
}

/// Whether a request line asks for what peers and operators need of a full node.
fn is_for_the_api(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ');
    let target = words.nth(1).unwrap_or_default();
    let is_whole = words.next().is_some();
    is_whole && RESERVED_FOR.iter().any(|start| target.starts_with(start))
}

/// Tells a client that the node has no connection left, and closes.
pub(crate) async fn refuse(socket: &mut ClientStream) {
    // A fresh socket has room for it, and what is in the way of it is gone after a while.
    let _ = socket.write_all(BUSY).await;
    let _ = socket.shutdown().await;
}

/// Who asks, and when.
#[derive(Clone, Copy)]
struct Asker {
    client: SocketAddr,
    is_https: bool,
    now: std::time::Instant,
}

enum Step {
    ReadMore,
    WriteFirst,
    WritePieces(VecDeque<Bytes>),
    HandOver,
    Follow(Box<EndlessAnswer>),
    Refuse(&'static str, &'static [u8]),
}

/// Answers as many of the requests in `buffer` as are whole and quick.
fn answer_all(
    buffer: &mut BytesMut,
    out: &mut BytesMut,
    limits: HeadLimits,
    config: &FrontConfig,
    asker: Asker,
) -> Step {
    while !buffer.is_empty() {
        if out.len() >= OUT_BYTES {
            return Step::WriteFirst;
        }
        let (len, pieces) = match read_head(buffer, limits) {
            HeadRead::Simple(SimpleHead { target, user_agent, persists, len }) => {
                let Asker { client, is_https, now } = asker;
                let request = QuickRequest { target, user_agent, persists, client, is_https, now };
                match config.quick.answer(request, out) {
                    Quick::Answered => (len, None),
                    Quick::Pieces(pieces) => (len, Some(pieces)),
                    Quick::Endless(answer) => return Step::Follow(answer),
                    Quick::Unknown => return Step::HandOver,
                }
            }
            HeadRead::Partial => return Step::ReadMore,
            HeadRead::Other => return Step::HandOver,
            HeadRead::TooLarge => return Step::Refuse("http_head_size", HEAD_TOO_LARGE),
            HeadRead::TooManyFields => return Step::Refuse("http_headers", HEAD_TOO_LARGE),
        };
        buffer.advance(len);
        if let Some(pieces) = pieces {
            return Step::WritePieces(pieces);
        }
    }
    Step::ReadMore
}

/// Reads at least a byte; `Some(false)` when `until` has passed, `None` at the end.
///
/// The timer is set anew only when it fires, or would fire too late, not for each request.
async fn read_some(
    socket: &mut ClientStream,
    buffer: &mut BytesMut,
    mut timer: std::pin::Pin<&mut Sleep>,
    until: Instant,
) -> Option<bool> {
    // After a long wait between requests the next head has less time than the timer has left.
    if timer.deadline() > until {
        timer.as_mut().reset(until);
    }
    loop {
        tokio::select! {
            biased;
            read = socket.read_buf(buffer) => {
                return read.ok().filter(|count| *count > 0).map(|_| true);
            }
            () = timer.as_mut() => {
                if Instant::now() >= until {
                    return Some(false);
                }
                timer.as_mut().reset(until);
            }
        }
    }
}

async fn flush(socket: &mut ClientStream, out: &mut BytesMut, config: &FrontConfig) -> Option<()> {
    if out.is_empty() {
        return Some(());
    }
    // Nearly always the socket takes it at once, and no timer has to be made.
    out.advance(socket.write_now(out));
    if out.is_empty() {
        return Some(());
    }
    let writing = async {
        socket.write_all(out).await?;
        // TLS may have taken it all and sent only some of it.
        socket.flush().await
    };
    let written = timeout(config.stalled_timeout, writing).await;
    out.clear();
    written.ok()?.ok()
}

/// Writes a body in its pieces; a client that takes nothing for too long ends the connection.
async fn write_pieces(
    socket: &mut ClientStream,
    mut pieces: VecDeque<Bytes>,
    config: &FrontConfig,
) -> Option<()> {
    while !pieces.is_empty() {
        let slices: Vec<IoSlice<'_>> =
            pieces.iter().take(PIECES_AT_ONCE).map(|piece| IoSlice::new(piece)).collect();
        let written = timeout(config.stalled_timeout, socket.write_vectored(&slices)).await;
        let count = written.ok()?.ok().filter(|count| *count > 0)?;
        drop_written(&mut pieces, count);
    }
    timeout(config.stalled_timeout, socket.flush()).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_api_is_served_from_the_reserve() {
        for line in ["GET /streamer/api/v3/streams HTTP/1.1\r\n", "POST /flussonic/api/x HTTP/1.1"]
        {
            assert!(is_for_the_api(line.as_bytes()), "{line}");
        }
        for line in ["GET /cam/mpegts HTTP/1.1\r\n", "GET /streamer/", "", " ", "GET  /metrics "] {
            assert!(!is_for_the_api(line.as_bytes()), "{line}");
        }
    }
}
