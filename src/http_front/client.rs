//! Who the client of a request is: the one place that answers it.
//!
//! A connection's client is known from the socket, or from a PROXY header. A request's may be
//! another one: a trusted proxy writes it into `X-Forwarded-For`, behind what is there already.
//!
//! ```text
//!  X-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.0.0.2     connection from 10.0.0.1
//!                   made up?  the client    trusted                    trusted
//!                                 ◀──────────────────────── read from the right
//! ```

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use actix_http::Request;
use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, X_FORWARDED_FOR, X_FORWARDED_PROTO};
use watershed_actors::preamble::{Opened, ProxyTrust};

/// What is known of a connection before its first request.
#[derive(Clone)]
pub(crate) struct Connected {
    client: SocketAddr,
    is_tls: bool,
    is_proxied: bool,
    proxies: Arc<dyn ProxyTrust>,
}

/// The client of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address; `None` only where there is no connection, in tests.
    pub ip: Option<IpAddr>,
    /// Whether its own connection is over TLS, here or at a trusted proxy.
    pub is_https: bool,
    /// Whether the connection began with a PROXY header: it is not the client's own.
    pub is_proxied: bool,
}

impl Connected {
    pub(super) fn new(opened: &Opened, proxies: &Arc<dyn ProxyTrust>) -> Self {
        Self {
            client: opened.client,
            is_tls: opened.stream.is_tls(),
            is_proxied: opened.is_proxied,
            proxies: Arc::clone(proxies),
        }
    }

    /// The client of a request with these fields.
    fn client_by(&self, fields: &HeaderMap) -> Client {
        let Self { is_tls, is_proxied, .. } = *self;
        let nearest = self.client.ip();
        let is_trusted = |address| self.proxies.is_trusted(address);
        if !is_trusted(nearest) {
            return Client { ip: Some(nearest), is_https: is_tls, is_proxied };
        }
        let texts = |name| fields.get_all(name).filter_map(|value| value.to_str().ok());
        // What is no text is no address, and whatever stands behind it counts all the same.
        let hops = fields.get_all(X_FORWARDED_FOR).flat_map(|value| {
            value.as_bytes().split(|byte| *byte == b',').map(|hop| std::str::from_utf8(hop))
        });
        let hops: Vec<&str> = hops.map(|hop| hop.unwrap_or("?")).collect();
        let scheme = texts(X_FORWARDED_PROTO).flat_map(|text| text.split(',')).last();
        Client {
            ip: Some(first_untrusted(nearest, &hops, is_trusted)),
            is_https: scheme.map_or(is_tls, |scheme| scheme.trim().eq_ignore_ascii_case("https")),
            is_proxied,
        }
    }
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected")
            .field("client", &self.client)
            .field("is_tls", &self.is_tls)
            .field("is_proxied", &self.is_proxied)
            .finish_non_exhaustive()
    }
}

/// Answers who asks by `request`.
#[must_use]
pub fn client_of(request: &HttpRequest) -> Client {
    client(request.conn_data(), request.peer_addr(), request.headers())
}

/// As [`client_of`], of a request that no handler has yet.
#[must_use]
pub fn client_before(request: &Request) -> Client {
    client(request.conn_data(), request.peer_addr(), &request.head().headers)
}

fn client(connected: Option<&Connected>, peer: Option<SocketAddr>, fields: &HeaderMap) -> Client {
    match connected {
        Some(connected) => connected.client_by(fields),
        None => Client { ip: peer.map(|peer| peer.ip()), is_https: false, is_proxied: false },
    }
}

/// The first of `hops` from the right that is no proxy of ours, or the last that can be read:
/// what stands further to the left is only what that one says.
fn first_untrusted(nearest: IpAddr, hops: &[&str], is_trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = nearest;
    for hop in hops.iter().rev() {
        let Some(address) = hop_address(hop.trim()) else {
            break;
        };
        client = address;
        if !is_trusted(address) {
            break;
        }
    }
    client
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn hop_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    /// Proxies in 10.0.0.0/8.
    struct Inside;

    impl ProxyTrust for Inside {
        fn sends_header(&self, _: IpAddr) -> bool {
            false
        }

        fn is_trusted(&self, address: IpAddr) -> bool {
            address.to_string().starts_with("10.")
        }
    }

    #[test]
    fn forwarded_fields_count_from_trusted_proxies_only() {
        let mut fields = HeaderMap::new();
        for hop in ["6.6.6.6", "192.0.2.7"] {
            fields.append(X_FORWARDED_FOR, HeaderValue::from_static(hop));
        }
        fields.append(X_FORWARDED_PROTO, HeaderValue::from_static("http, HTTPS"));
        let client = |peer: &str, is_tls| {
            let client = SocketAddr::new(peer.parse().unwrap(), 1);
            let proxies = Arc::new(Inside);
            let client =
                Connected { client, is_tls, is_proxied: false, proxies }.client_by(&fields);
            (client.ip.unwrap().to_string(), client.is_https)
        };
        assert_eq!(client("10.0.0.1", false), ("192.0.2.7".to_owned(), true));
        assert_eq!(client("192.0.2.1", false), ("192.0.2.1".to_owned(), false));
        assert_eq!(client("192.0.2.1", true), ("192.0.2.1".to_owned(), true));
    }

    #[test]
    fn client_is_the_rightmost_address_that_is_no_trusted_proxy() {
        let client = |hops: &str| {
            let hops: Vec<&str> = hops.split(',').collect();
            let is_trusted = |address: IpAddr| address.to_string().starts_with("10.");
            first_untrusted("10.0.0.1".parse().unwrap(), &hops, is_trusted).to_string()
        };
        assert_eq!(client("192.0.2.7"), "192.0.2.7");
        assert_eq!(client("6.6.6.6, 192.0.2.7,10.0.0.2"), "192.0.2.7");
        assert_eq!(client("192.0.2.7:4711"), "192.0.2.7");
        assert_eq!(client("[2001:db8::7]:4711"), "2001:db8::7");
        assert_eq!(client("[2001:db8::7]"), "2001:db8::7");
        assert_eq!(client("2001:db8::7"), "2001:db8::7");
        assert_eq!(client("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(client("10.0.0.3, 10.0.0.2"), "10.0.0.3", "the proxies alone");
        assert_eq!(client("192.0.2.7, unknown, 10.0.0.2"), "10.0.0.2", "nothing beyond garbage");
        assert_eq!(client(""), "10.0.0.1");
    }
}
