//! From a host's name to a connection, by way of an address that was checked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::error::PullError;
use crate::egress::EgressPolicy;
use crate::peer_actor::peer_tls;

/// From the first packet to an open connection, TLS included, and for a name to be resolved.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Who named an address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin<'a> {
    /// The config file, which is trusted.
    Config,
    /// A server: only where this policy allows.
    Remote(&'a EgressPolicy),
}

/// A connection, plain or by TLS.
pub(super) trait Connection: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection for T {}

/// The addresses of `host`, all of them allowed.
///
/// Errors: [`PullError::Unresolved`]; [`PullError::Egress`] if any is not allowed: a name with one
/// such address is no honest name.
pub(super) async fn resolve(
    host: &str,
    port: u16,
    origin: Origin<'_>,
) -> Result<Vec<SocketAddr>, PullError> {
    let unresolved = || PullError::Unresolved { host: host.to_owned() };
    let found = timeout(CONNECT_TIMEOUT, tokio::net::lookup_host((host, port))).await;
    let found = found.map_err(|_| unresolved())?.map_err(|_| unresolved())?;
    let addresses: Vec<SocketAddr> = found.collect();
    if let Origin::Remote(policy) = origin {
        addresses.iter().try_for_each(|address| policy.check(address.ip()))?;
    }
    if addresses.is_empty() { Err(unresolved()) } else { Ok(addresses) }
}

/// Connects to the first address of `host` that answers.
pub(super) async fn connect(
    host: &str,
    port: u16,
    origin: Origin<'_>,
    is_tls: bool,
) -> Result<Box<dyn Connection>, PullError> {
    let addresses = resolve(host, port, origin).await?;
    let connecting = async {
        let stream = connect_any(&addresses).await?;
        stream.set_nodelay(true)?;
        if is_tls { secure(stream, host).await } else { Ok(Box::new(stream) as Box<_>) }
    };
    timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or(Err(PullError::NoAnswer(CONNECT_TIMEOUT)))
}

/// Tries one address after the other; each has its share of the time, so that one that does not
/// answer does not hide the next.
async fn connect_any(addresses: &[SocketAddr]) -> Result<TcpStream, PullError> {
    let share = CONNECT_TIMEOUT / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut last = PullError::NoAnswer(CONNECT_TIMEOUT);
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error.into(),
            Err(_) => last = PullError::NoAnswer(CONNECT_TIMEOUT),
        }
    }
    Err(last)
}

async fn secure(stream: TcpStream, host: &str) -> Result<Box<dyn Connection>, PullError> {
    let tls = |error: &dyn std::fmt::Display| PullError::Tls(error.to_string());
    let name = ServerName::try_from(host.to_owned()).map_err(|error| tls(&error))?;
    let mut config = (*peer_tls(None).map_err(|error| tls(&error))?).clone();
    config.alpn_protocols.clear();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await.map_err(|error| tls(&error))?;
    Ok(Box::new(stream))
}
