//! What stands before the first byte of a client's protocol: a proxy's header, a TLS handshake.
//!
//! ```text
//!  accepted ─▶ PROXY header? ─▶ TLS handshake? ─▶ Opened: the stream and whose it is
//!                  └── not within the timeout, not readable: that connection ends ──┘
//! ```
//! Both together have one deadline, so that a client that says nothing costs little for long.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use thiserror::Error;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;

use crate::client_stream::{ClientStream, MaybeTls};
use crate::limits::LimitHits;
use crate::proxy_protocol::{ProxyHeader, ProxyHeaderError};
use crate::tcp_listener::own_address;

/// Most bytes that wait within TLS for a client that reads slowly.
const TLS_WAITING_BYTES: usize = 32 << 10;
/// How much of a PROXY header is looked at in one go: nearly all are shorter.
const LOOK_BYTES: usize = 256;

/// Which proxies are believed, as the settings say now.
pub trait ProxyTrust: Send + Sync {
    /// Whether connections from `address` begin with a PROXY header. Those of others have none.
    fn sends_header(&self, address: IpAddr) -> bool;

    /// Whether what `address` says of its clients in HTTP fields is believed.
    fn is_trusted(&self, address: IpAddr) -> bool;
}

/// Believes no proxy: every client is who it connects as.
#[derive(Clone, Copy, Debug)]
pub struct NoProxies;

impl ProxyTrust for NoProxies {
    fn sends_header(&self, _: IpAddr) -> bool {
        false
    }

    fn is_trusted(&self, _: IpAddr) -> bool {
        false
    }
}

/// How the connections of one listener begin.
#[derive(Clone)]
pub struct Preamble {
    tls: Option<TlsAcceptor>,
    proxies: Arc<dyn ProxyTrust>,
    timeout: Duration,
    limit_hits: LimitHits,
}

/// A connection on which the client's protocol begins.
#[derive(Debug)]
pub struct Opened {
    /// Its bytes.
    pub stream: ClientStream,
    /// The client's address: a proxy's client, where the proxy said so.
    pub client: SocketAddr,
    /// Whether a proxy opened it, by a PROXY header.
    pub is_proxied: bool,
}

/// Why a connection never came to its protocol.
#[derive(Debug, Error)]
pub enum PreambleError {
    /// The time was over before there was a whole PROXY header.
    #[error("no whole PROXY header within {0:?}")]
    HeaderTimedOut(Duration),
    /// The connection begins otherwise.
    #[error("{0}")]
    Header(#[from] ProxyHeaderError),
    /// The time was over before TLS was agreed on.
    #[error("no TLS within {0:?}")]
    HandshakeTimedOut(Duration),
    /// The connection failed, or the client speaks no TLS that we do.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Preamble {
    /// Over TLS with that configuration, or in the clear without; all of it within `timeout`.
    #[must_use]
    pub fn new(
        tls: Option<Arc<ServerConfig>>,
        proxies: Arc<dyn ProxyTrust>,
        timeout: Duration,
        limit_hits: LimitHits,
    ) -> Self {
        Self { tls: tls.map(TlsAcceptor::from), proxies, timeout, limit_hits }
    }

    /// None at all: the protocol begins with the connection.
    #[must_use]
    pub fn none() -> Self {
        Self::new(None, Arc::new(NoProxies), Duration::ZERO, LimitHits::default())
    }

    /// Whom to believe.
    #[must_use]
    pub fn proxies(&self) -> &Arc<dyn ProxyTrust> {
        &self.proxies
    }

    /// Whether connections of this listener are encrypted.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether a connection from `peer` has one.
    #[must_use]
    pub fn is_expected_of(&self, peer: SocketAddr) -> bool {
        self.is_tls() || self.proxies.sends_header(peer.ip())
    }

    /// Reads the header and shakes hands, as far as the connection from `peer` has either.
    ///
    /// Errors: [`PreambleError`]; what took too long is counted as `proxy_header` or
    /// `tls_handshake`.
    pub async fn open(
        &self,
        mut socket: TcpStream,
        peer: SocketAddr,
    ) -> Result<Opened, PreambleError> {
        let deadline = Instant::now() + self.timeout;
        let is_proxied = self.proxies.sends_header(peer.ip());
        let mut client = peer;
        if is_proxied {
            let header = timeout_at(deadline, read_header(&mut socket)).await;
            let header = header.map_err(|_| {
                self.limit_hits.hit("proxy_header");
                PreambleError::HeaderTimedOut(self.timeout)
            })??;
            client = header.client.map_or(peer, own_address);
        }
        let stream = match &self.tls {
            None => MaybeTls::Plain(socket),
            Some(acceptor) => {
                let shaking = acceptor
                    .accept_with(socket, |tls| tls.set_buffer_limit(Some(TLS_WAITING_BYTES)));
                let shaken = timeout_at(deadline, shaking).await.map_err(|_| {
                    self.limit_hits.hit("tls_handshake");
                    PreambleError::HandshakeTimedOut(self.timeout)
                })??;
                MaybeTls::Tls(Box::new(shaken))
            }
        };
        Ok(Opened { stream, client, is_proxied })
    }
}

impl fmt::Debug for Preamble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preamble").field("is_tls", &self.is_tls()).finish_non_exhaustive()
    }
}

/// Reads exactly a header: what follows belongs to the client, perhaps to its TLS.
///
/// It is looked at in the kernel's buffer first, and only what belongs to it is taken out.
async fn read_header(socket: &mut TcpStream) -> Result<ProxyHeader, PreambleError> {
    let mut bytes = Vec::new();
    loop {
        let taken = bytes.len();
        bytes.resize(taken + LOOK_BYTES, 0);
        let seen = socket.peek(bytes.get_mut(taken..).unwrap_or_default()).await?;
        if seen == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        bytes.truncate(taken + seen);
        let header = ProxyHeader::read(&bytes)?;
        if let Some(header) = header {
            bytes.truncate(header.len);
        }
        socket.read_exact(bytes.get_mut(taken..).unwrap_or_default()).await?;
        if let Some(header) = header {
            return Ok(header);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    /// A load balancer in front of everything.
    struct Balancer;

    impl ProxyTrust for Balancer {
        fn sends_header(&self, _: IpAddr) -> bool {
            true
        }

        fn is_trusted(&self, _: IpAddr) -> bool {
            true
        }
    }

    async fn pair() -> (TcpStream, TcpStream, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let far = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (near, peer) = listener.accept().await.unwrap();
        (near, far, peer)
    }

    fn behind_balancer(limit_hits: &LimitHits) -> Preamble {
        let timeout = Duration::from_millis(200);
        Preamble::new(None, Arc::new(Balancer), timeout, limit_hits.clone())
    }

    #[actix::test]
    async fn header_in_pieces_is_taken_off_and_nothing_behind_it() {
        let (near, mut far, peer) = pair().await;
        let preamble = behind_balancer(&LimitHits::default());
        let opening = actix_rt::spawn(async move { preamble.open(near, peer).await });
        for piece in ["PROXY TCP4 192.0.2.7 ", "10.0.0.1 5632", "4 443\r", "\nGET /"] {
            far.write_all(piece.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut opened = opening.await.unwrap().unwrap();
        assert_eq!(opened.client, "192.0.2.7:56324".parse().unwrap());
        assert!(opened.is_proxied && !opened.stream.is_tls());
        let mut first = [0; 5];
        opened.stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"GET /");
    }

    #[actix::test]
    async fn long_header_is_read_in_several_looks() {
        let (near, mut far, peer) = pair().await;
        let addresses = [192, 0, 2, 7, 10, 0, 0, 1, 0, 80, 1, 0xbb];
        let header =
            [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x07\xd0"[..], &addresses, &[4; 1988]].concat();
        far.write_all(&header).await.unwrap();
        far.write_all(b"x").await.unwrap();
        let mut opened = behind_balancer(&LimitHits::default()).open(near, peer).await.unwrap();
        assert_eq!(opened.client, "192.0.2.7:80".parse().unwrap());
        assert_eq!(opened.stream.read_u8().await.unwrap(), b'x');
    }

    #[actix::test]
    async fn client_that_says_nothing_is_given_up_and_counted() {
        let (near, _far, peer) = pair().await;
        let limit_hits = LimitHits::default();
        let opened = behind_balancer(&limit_hits).open(near, peer).await;
        assert!(matches!(opened, Err(PreambleError::HeaderTimedOut(_))));
        assert_eq!(limit_hits.counts().get("proxy_header"), Some(&1));
    }

    #[actix::test]
    async fn connection_that_ends_or_begins_otherwise_is_an_error() {
        let (near, far, peer) = pair().await;
        drop(far);
        let opened = behind_balancer(&LimitHits::default()).open(near, peer).await;
        assert!(matches!(opened, Err(PreambleError::Io(_))));
        let (near, mut far, peer) = pair().await;
        far.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let opened = behind_balancer(&LimitHits::default()).open(near, peer).await;
        assert!(matches!(opened, Err(PreambleError::Header(ProxyHeaderError::Missing))));
    }
}
