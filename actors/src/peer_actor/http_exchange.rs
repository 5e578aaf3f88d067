//! One signed request and its answer, within bounds of time and size.
//!
//! The answer is kept as it came: the signature is over the bytes as sent, so nothing is inflated
//! before it holds. No redirect is followed and no proxy asked (awc reads no proxy variables).

use std::sync::Arc;
use std::time::Duration;

use awc::ClientResponse;
use awc::error::{ConnectError, PayloadError, SendRequestError};
use awc::http::{Method, Uri};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use super::fetcher::FetchFailure;
use crate::signature::{AnswerHeaders, NODE_HEADER, SIGNATURE_HEADER, TIME_HEADER};

/// How long an idle connection may wait for the next fetch beyond the fetch timeout.
const KEEP_ALIVE_GRACE: Duration = Duration::from_secs(5);

/// How long a connection may live; a peer behind a changed DNS name is found again after it.
const CONNECTION_LIFETIME: Duration = Duration::from_secs(600);

/// What one exchange may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExchangeLimits {
    /// To the first byte of the answer, connecting included.
    pub(super) first_byte: Duration,
    /// The slowest rate of a body, after one second of grace.
    pub(super) bytes_per_second: u64,
    /// The longest body as sent.
    pub(super) body_bytes_max: usize,
}

/// What an answer begins with.
#[derive(Debug)]
pub(super) struct AnswerHead {
    pub(super) status: u16,
    /// `None` where a header is missing.
    pub(super) headers: Option<AnswerHeaders>,
    pub(super) is_gzip: bool,
}

/// An answer as it came.
#[derive(Debug)]
pub(super) struct RawAnswer {
    pub(super) head: AnswerHead,
    pub(super) body: Vec<u8>,
}

/// A client of its own for each peer, so that none waits for another's connections.
pub(super) fn client(
    tls: Arc<rustls::ClientConfig>,
    fetch_timeout: Duration,
    connections_max: usize,
) -> awc::Client {
    // Not `max_http_version`: it would replace `tls`, which offers http/1.1 alone by itself.
    let connector = awc::Connector::new()
        .rustls_0_23(tls)
        .timeout(fetch_timeout.max(Duration::from_secs(1)))
        .limit(connections_max)
        .conn_keep_alive(fetch_timeout * 2 + KEEP_ALIVE_GRACE)
        .conn_lifetime(CONNECTION_LIFETIME);
    awc::Client::builder().connector(connector).disable_redirects().disable_timeout().finish()
}

/// Sends one request and waits for the head of its answer, whose body is still to come.
///
/// Errors: [`FetchFailure`], for everything but a status.
pub(super) async fn send(
    client: &awc::Client,
    method: Method,
    uri: Uri,
    authorization: String,
    body: Bytes,
    limits: &ExchangeLimits,
    whole_until: Instant,
) -> Result<(AnswerHead, ClientResponse), FetchFailure> {
    let request = client
        .request(method, uri)
        .insert_header(("Authorization", authorization))
        .insert_header(("Accept-Encoding", "gzip"))
        .no_decompress();
    let until = whole_until.min(Instant::now() + limits.first_byte);
    let late = FetchFailure::TimedOut { after: limits.first_byte };
    let response = match timeout_at(until, request.send_body(body)).await {
        Err(_elapsed) => return Err(late),
        Ok(Err(error)) => return Err(failure_of(error, limits.first_byte)),
        Ok(Ok(response)) => response,
    };
    let header = |name: &str| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let signed = || {
        Some(AnswerHeaders {
            node: header(NODE_HEADER)?,
            time: header(TIME_HEADER)?,
            signature: header(SIGNATURE_HEADER)?,
        })
    };
    let is_gzip = header("Content-Encoding").is_some_and(|it| it.eq_ignore_ascii_case("gzip"));
    let head = AnswerHead { status: response.status().as_u16(), headers: signed(), is_gzip };
    Ok((head, response))
}

/// Reads the body that follows a head, within bounds.
///
/// Errors: [`FetchFailure`].
pub(super) async fn read_body<S>(
    body: &mut S,
    limits: &ExchangeLimits,
    whole_until: Instant,
) -> Result<Vec<u8>, FetchFailure>
where
    S: futures_util::Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    let started = Instant::now();
    let mut bytes = Vec::new();
    loop {
        let received = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let allowed = Duration::from_secs(1)
            + Duration::from_millis(received.saturating_mul(1_000) / limits.bytes_per_second);
        let until = whole_until.min(started + allowed);
        let chunk = match timeout_at(until, body.next()).await {
            Err(_elapsed) => {
                return Err(FetchFailure::TooSlow { bytes_per_second: limits.bytes_per_second });
            }
            Ok(None) => return Ok(bytes),
            Ok(Some(Err(error))) => return Err(FetchFailure::Connection(error.to_string())),
            Ok(Some(Ok(chunk))) => chunk,
        };
        if bytes.len() + chunk.len() > limits.body_bytes_max {
            return Err(FetchFailure::TooLong { bytes_max: limits.body_bytes_max });
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// Whether a kept connection had just been closed by the peer: no fault of the peer's.
pub(super) fn is_stale_connection(failure: &FetchFailure) -> bool {
    matches!(failure, FetchFailure::Connection(words) if words == CLOSED)
}

const CLOSED: &str = "connection closed";

fn failure_of(error: SendRequestError, first_byte: Duration) -> FetchFailure {
    let closed = || FetchFailure::Connection(CLOSED.to_owned());
    match error {
        SendRequestError::Connect(ConnectError::Io(error)) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused => FetchFailure::Refused,
            std::io::ErrorKind::TimedOut => FetchFailure::TimedOut { after: first_byte },
            _ => FetchFailure::Connection(error.to_string()),
        },
        SendRequestError::Connect(ConnectError::Resolver(_) | ConnectError::NoRecords) => {
            FetchFailure::HostNotFound
        }
        SendRequestError::Connect(ConnectError::Timeout) | SendRequestError::Timeout => {
            FetchFailure::TimedOut { after: first_byte }
        }
        SendRequestError::Connect(ConnectError::Disconnected) | SendRequestError::Send(_) => {
            closed()
        }
        SendRequestError::Response(error) => FetchFailure::Connection(format!("not HTTP: {error}")),
        error => FetchFailure::Connection(error.to_string()),
    }
}
