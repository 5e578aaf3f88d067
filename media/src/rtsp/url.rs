//! The request URI: which stream is meant.
//!
//! Only path and query are kept. Host and port are what the client believes about us, user and
//! password belong into `Authorization`; nothing is ever built from them. Nothing is decoded:
//! stream names hold no percent sign, so an encoded one is simply not a name.

use thiserror::Error;

/// What a request is about. Source: RFC 2326 §3.2 and §6.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `*`: the server itself.
    Server,
    /// A stream, or a track of one.
    Stream(StreamUrl),
}

/// The part of an RTSP URL that this server looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamUrl {
    /// Without the leading `/`, as sent; not yet checked to be a stream's name.
    pub path: String,
    /// What follows the first `?`, as sent.
    pub query: Option<String>,
}

/// Why a request URI names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidTarget {
    /// Neither `*`, nor a path, nor a URL of one of RTSP's schemes.
    #[error("request URI is neither an rtsp URL nor *")]
    Scheme,
    /// A URL without a host.
    #[error("request URI has no host")]
    Host,
    /// A `#`, which no request may carry.
    #[error("request URI has a fragment")]
    Fragment,
}

impl Target {
    /// Reads the request URI of a request line.
    ///
    /// A bare path is taken too: some cameras and load testers send it, as in HTTP.
    /// Errors: [`InvalidTarget`], the first cause found.
    pub fn parse(uri: &str) -> Result<Self, InvalidTarget> {
        if uri == "*" {
            return Ok(Self::Server);
        }
        if uri.contains('#') {
            return Err(InvalidTarget::Fragment);
        }
        let (hierarchy, query) = match uri.split_once('?') {
            Some((hierarchy, query)) => (hierarchy, Some(query.to_owned())),
            None => (uri, None),
        };
        let path = path_of(hierarchy)?.to_owned();
        Ok(Self::Stream(StreamUrl { path, query }))
    }
}

/// The path without its leading `/`.
fn path_of(hierarchy: &str) -> Result<&str, InvalidTarget> {
    if let Some(path) = hierarchy.strip_prefix('/') {
        return Ok(path);
    }
    let (scheme, rest) = hierarchy.split_once("://").ok_or(InvalidTarget::Scheme)?;
    if !["rtsp", "rtsps", "rtspu"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(InvalidTarget::Scheme);
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.is_empty() { Err(InvalidTarget::Host) } else { Ok(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(path: &str, query: Option<&str>) -> Result<Target, InvalidTarget> {
        Ok(Target::Stream(StreamUrl { path: path.into(), query: query.map(Into::into) }))
    }

    #[test]
    fn path_and_query_are_taken_as_sent() {
        let table = [
            ("rtsp://h/cam1", stream("cam1", None)),
            ("RTSP://h:8554/a/b?token=x&y=%20", stream("a/b", Some("token=x&y=%20"))),
            ("rtsps://user:p@ss@[::1]:322/cam1?", stream("cam1", Some(""))),
            ("rtsp://h/cam1?a=b?c=d", stream("cam1", Some("a=b?c=d"))),
            ("rtsp://h/%2e%2e/x", stream("%2e%2e/x", None)),
            ("rtsp://h//cam1/", stream("/cam1/", None)),
            ("rtsp://h", stream("", None)),
            ("/cam1?x", stream("cam1", Some("x"))),
            ("*", Ok(Target::Server)),
        ];
        for (uri, wanted) in table {
            assert_eq!(Target::parse(uri), wanted, "{uri}");
        }
    }

    #[test]
    fn what_is_no_rtsp_url_is_refused_with_its_cause() {
        let table = [
            ("", InvalidTarget::Scheme),
            ("cam1", InvalidTarget::Scheme),
            ("http://h/cam1", InvalidTarget::Scheme),
            ("rtsp:///cam1", InvalidTarget::Host),
            ("rtsp://user@/cam1", InvalidTarget::Host),
            ("rtsp://h?x/cam1#y", InvalidTarget::Fragment),
        ];
        for (uri, wanted) in table {
            assert_eq!(Target::parse(uri), Err(wanted), "{uri}");
        }
    }
}
