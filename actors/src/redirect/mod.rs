//! Where exactly a client is sent: holder + path + protocol -> URL (SPEC sections 4 and 5).
//!
//! ```text
//!  config: PeerAddresses ─┐
//!  report: listeners ─────┴▶ Targets (once a change) ── path, query, mark ─▶ Location (each)
//! ```
//! A target is made of configuration and of what was asked, never of `Host` or forwarded headers.
//! [`Targets::write_http_location`] is the hottest code of the cluster: it copies bytes into the
//! caller's buffer and allocates nothing where that has room.

mod policy;
#[cfg(test)]
mod tests;
mod via;

use thiserror::Error;
use url::Url;

use crate::names::Protocol;
use crate::report::{Listener, Scheme};

pub use policy::{RedirectMode, RedirectPolicy};
pub use via::{VIA_YOUNG_FOR, ViaMark, find_via, strip_via};

/// A peer's addresses as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddresses {
    /// Where reports are fetched.
    pub api_url: Url,
    /// What clients are redirected to: a bare host, `host:port`, or a URL.
    pub public_payload_url: Option<String>,
    /// Media inside the cluster; `api_url` where there is none.
    pub private_payload_url: Option<Url>,
    /// The RTSP door where it differs from the payload host.
    pub public_rtsp_url: Option<String>,
    /// The RTMP door where it differs from the payload host.
    pub public_rtmp_url: Option<String>,
}

/// Why an address cannot be sent to clients.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Not a URL and not a host.
    #[error("{text:?} is no address: {cause}")]
    Unreadable {
        /// The address as written.
        text: String,
        /// What the URL parser says.
        cause: url::ParseError,
    },
    /// A scheme of another protocol.
    #[error("{text:?} has the scheme {scheme}, wanted {wanted}")]
    Scheme {
        /// The address as written.
        text: String,
        /// Its scheme.
        scheme: String,
        /// The scheme without its TLS variant.
        wanted: &'static str,
    },
    /// A user, a query or a fragment, which clients would see or lose.
    #[error("the address of {host:?} has a user, a query or a fragment; only a path is allowed")]
    Extras {
        /// The address's host.
        host: String,
    },
    /// No host.
    #[error("{text:?} has no host")]
    NoHost {
        /// The address as written.
        text: String,
    },
}

/// A request that cannot be repeated to another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the request holds a byte that cannot stand in a header line")]
pub struct UnsafeRequest;

/// The beginnings of all URLs of one peer, made once per change of its config or listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    http: String,
    private_http: String,
    rtsp: Option<String>,
    rtmp: Option<String>,
    protocols: u8,
}

impl PeerAddresses {
    /// Where clients of each protocol go, given what the peer listens on.
    ///
    /// Errors: the first address that cannot be used; config validation asks with no listeners.
    pub fn targets(&self, listeners: &[Listener]) -> Result<Targets, AddressError> {
        let inside = without_extras(self.private_payload_url.as_ref().unwrap_or(&self.api_url));
        check_url(inside.clone(), inside.as_str(), "http")?;
        let payload = match &self.public_payload_url {
            Some(text) => self.payload_url(text)?,
            None => inside.clone(),
        };
        let door = |configured: &Option<String>, plain, tls, scheme| match configured {
            Some(text) => media_door(text, &payload, listeners, plain, tls, scheme).map(Some),
            None => Ok(reported_door(&payload, listeners, plain, tls, scheme)),
        };
        let rtsp = door(&self.public_rtsp_url, Scheme::Rtsp, Scheme::Rtsps, "rtsp")?;
        let rtmp = door(&self.public_rtmp_url, Scheme::Rtmp, Scheme::Rtmps, "rtmp")?;
        let reports = |a, b| listeners.iter().any(|l| l.scheme == a || l.scheme == b);
        let mut protocols = 0;
        if reports(Scheme::Http, Scheme::Https) {
            protocols |= Protocol::Hls.bit() | Protocol::Tshttp.bit() | Protocol::Flv.bit();
        }
        if self.public_rtsp_url.is_some() || reports(Scheme::Rtsp, Scheme::Rtsps) {
            protocols |= Protocol::Rtsp.bit();
        }
        if self.public_rtmp_url.is_some() || reports(Scheme::Rtmp, Scheme::Rtmps) {
            protocols |= Protocol::Rtmp.bit();
        }
        Ok(Targets {
            http: base_of(&payload),
            private_http: base_of(&inside),
            rtsp,
            rtmp,
            protocols,
        })
    }

    /// Where signed requests go, without a closing slash, user, query and fragment.
    #[must_use]
    pub fn api_base(&self) -> String {
        base_of(&without_extras(&self.api_url))
    }

    /// `public_payload_url` made whole: a bare host takes scheme and port of `api_url`, `host:port`
    /// its scheme, a URL stands as written.
    fn payload_url(&self, text: &str) -> Result<Url, AddressError> {
        if text.contains("://") {
            return check_url(parse_url(text, text)?, text, "http");
        }
        let mut url = parse_url(&format!("{}://{text}", self.api_url.scheme()), text)?;
        if !names_port(text) {
            // `set_port` fails only for URLs without a host, which `parse_url` refused.
            let _ = url.set_port(self.api_url.port());
        }
        check_url(url, text, "http")
    }
}

impl Targets {
    /// The HTTP address clients are sent to, without a closing slash.
    #[must_use]
    pub fn http_base(&self) -> &str {
        &self.http
    }

    /// The HTTP address for media between nodes, without a closing slash.
    #[must_use]
    pub fn private_http_base(&self) -> &str {
        &self.private_http
    }

    /// The RTSP address clients are sent to; none where no door is known.
    #[must_use]
    pub fn rtsp_base(&self) -> Option<&str> {
        self.rtsp.as_deref()
    }

    /// The RTMP address clients are sent to; none where no door is known.
    #[must_use]
    pub fn rtmp_base(&self) -> Option<&str> {
        self.rtmp.as_deref()
    }

    /// Whether the client's page would stay on https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.http.starts_with("https:")
    }

    /// The protocols the peer listens for, as [`Protocol::bit`]s.
    #[must_use]
    pub fn protocols(&self) -> u8 {
        self.protocols
    }

    /// Writes the value of `Location` for an HTTP client behind what `out` holds.
    ///
    /// `path` begins with `/` and keeps its percent-encoding; `query` is without `?`, and loses any
    /// older mark. At most one allocation, none where `out` has room.
    ///
    /// Errors: [`UnsafeRequest`], then `out` is as before.
    pub fn write_http_location(
        &self,
        out: &mut Vec<u8>,
        path: &str,
        query: Option<&str>,
        mark: ViaMark,
    ) -> Result<(), UnsafeRequest> {
        write_location(out, &self.http, path, query, mark)
    }

    /// The value of `Location` for an HTTP client, in a string of its own.
    ///
    /// Errors: [`UnsafeRequest`].
    pub fn http_location(
        &self,
        path: &str,
        query: Option<&str>,
        mark: ViaMark,
    ) -> Result<String, UnsafeRequest> {
        location(&self.http, path, query, mark)
    }

    /// The value of `Location` for an RTSP client; `None` where no door is known: relay.
    ///
    /// Errors: [`UnsafeRequest`].
    pub fn rtsp_location(
        &self,
        path: &str,
        query: Option<&str>,
        mark: ViaMark,
    ) -> Result<Option<String>, UnsafeRequest> {
        self.rtsp.as_ref().map(|base| location(base, path, query, mark)).transpose()
    }

    /// Where an RTMP client goes; `None` where no door is known: relay.
    ///
    /// `app` and `stream` are as the client named them, without queries; `stream` is empty at
    /// connect. `query` is what the client gave with either.
    ///
    /// Errors: [`UnsafeRequest`].
    pub fn rtmp_target(
        &self,
        app: &str,
        stream: &str,
        query: Option<&str>,
        mark: ViaMark,
    ) -> Result<Option<RtmpTarget>, UnsafeRequest> {
        let Some(base) = &self.rtmp else {
            return Ok(None);
        };
        let app_path = format!("/{}", app.trim_matches('/'));
        let tc_url = location(base, &app_path, query, mark)?;
        let full_url = if stream.is_empty() {
            tc_url.clone()
        } else {
            location(base, &format!("{app_path}/{stream}"), query, mark)?
        };
        Ok(Some(RtmpTarget { tc_url, full_url }))
    }
}

/// The two URLs of an RTMP redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtmpTarget {
    /// To connect to: address and application.
    pub tc_url: String,
    /// The same with the stream's name.
    pub full_url: String,
}

fn location(
    base: &str,
    path: &str,
    query: Option<&str>,
    mark: ViaMark,
) -> Result<String, UnsafeRequest> {
    let mut out = Vec::new();
    write_location(&mut out, base, path, query, mark)?;
    String::from_utf8(out).map_err(|_| UnsafeRequest)
}

fn write_location(
    out: &mut Vec<u8>,
    base: &str,
    path: &str,
    query: Option<&str>,
    mark: ViaMark,
) -> Result<(), UnsafeRequest> {
    let query = query.unwrap_or_default();
    if !path.starts_with('/') || path.contains('?') || !is_safe(path) || !is_safe(query) {
        return Err(UnsafeRequest);
    }
    out.reserve(base.len() + path.len() + query.len() + via::MARK_BYTES_MAX + 2);
    out.extend_from_slice(base.as_bytes());
    out.extend_from_slice(path.as_bytes());
    out.push(b'?');
    via::push_without_mark(out, query);
    if !out.ends_with(b"?") {
        out.push(b'&');
    }
    mark.write(out);
    Ok(())
}

/// Visible ASCII without `#`: nothing that could end a header line or the URL before its mark.
fn is_safe(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

fn parse_url(whole: &str, text: &str) -> Result<Url, AddressError> {
    Url::parse(whole).map_err(|cause| AddressError::Unreadable { text: text.to_owned(), cause })
}

fn check_url(url: Url, text: &str, wanted: &'static str) -> Result<Url, AddressError> {
    let scheme = url.scheme();
    if scheme.strip_suffix('s').unwrap_or(scheme) != wanted {
        let scheme = scheme.to_owned();
        return Err(AddressError::Scheme { text: text.to_owned(), scheme, wanted });
    }
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return Err(AddressError::NoHost { text: text.to_owned() });
    };
    let has_user = !url.username().is_empty() || url.password().is_some();
    if has_user || url.query().is_some() || url.fragment().is_some() {
        return Err(AddressError::Extras { host: host.to_owned() });
    }
    Ok(url)
}

/// The URL without user, query and fragment: those of `api_url` are not for clients.
fn without_extras(url: &Url) -> Url {
    let mut url = url.clone();
    // Both fail only for URLs without a host, which have no user either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// Whether `host[:port][/path]` names a port.
fn names_port(text: &str) -> bool {
    let authority = text.split('/').next().unwrap_or_default();
    let host_end = authority.rfind(']').map_or(0, |at| at + 1);
    authority.get(host_end..).is_some_and(|rest| rest.contains(':'))
}

fn base_of(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// The door on the payload host with the port the peer reports: the TLS variant only where it
/// reports that listener and the payload URL is https.
fn reported_door(
    payload: &Url,
    listeners: &[Listener],
    plain: Scheme,
    tls: Scheme,
    scheme: &str,
) -> Option<String> {
    let port_of = |scheme| listeners.iter().find(|l| l.scheme == scheme).map(|l| l.port);
    let host = payload.host_str()?;
    if payload.scheme() == "https"
        && let Some(port) = port_of(tls)
    {
        return Some(format!("{scheme}s://{host}:{port}"));
    }
    port_of(plain).map(|port| format!("{scheme}://{host}:{port}"))
}

/// `public_rtsp_url` or `public_rtmp_url` made whole: a bare host takes scheme and port of what the
/// peer reports, `host:port` the plain scheme, a URL stands as written.
fn media_door(
    text: &str,
    payload: &Url,
    listeners: &[Listener],
    plain: Scheme,
    tls: Scheme,
    scheme: &'static str,
) -> Result<String, AddressError> {
    if text.contains("://") {
        return check_url(parse_url(text, text)?, text, scheme).map(|url| base_of(&url));
    }
    let url = check_url(parse_url(&format!("{scheme}://{text}"), text)?, text, scheme)?;
    if names_port(text) {
        return Ok(base_of(&url));
    }
    let mut host = payload.clone();
    let is_set = host.set_host(url.host_str()).is_ok();
    let reported = reported_door(&host, listeners, plain, tls, scheme).filter(|_| is_set);
    Ok(reported.map_or_else(|| base_of(&url), |door| door + url.path().trim_end_matches('/')))
}
