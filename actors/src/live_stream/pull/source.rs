//! Where a pulled input comes from, as configured.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use url::Url;

use crate::egress::EgressPolicy;

/// An input that is fetched from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullSource {
    /// Where from.
    pub url: PullUrl,
    /// How RTP is asked for, if it is RTSP.
    pub rtsp_transport: RtspTransport,
    /// Where redirects and playlists may lead.
    pub egress: Arc<EgressPolicy>,
    /// What HLS may cost.
    pub limits: PullLimits,
}

/// Bounds of what is fetched as a whole; each is a named setting of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullLimits {
    /// Longest playlist. Default 1 MiB.
    pub playlist_bytes_max: usize,
    /// Longest segment. Default 64 MiB.
    pub segment_bytes_max: usize,
}

impl Default for PullLimits {
    fn default() -> Self {
        Self { playlist_bytes_max: 1 << 20, segment_bytes_max: 64 << 20 }
    }
}

/// How RTP travels from an RTSP server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RtspTransport {
    /// On the RTSP connection; in datagrams where the server refuses that.
    #[default]
    Auto,
    /// On the RTSP connection.
    Tcp,
    /// In datagrams.
    Udp,
}

/// The text is no URL of a pulled input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a URL with a host")]
pub struct InvalidPullUrl;

/// A URL with its secrets; shown without user, password and query.
#[derive(Clone, PartialEq, Eq)]
pub struct PullUrl(Url);

impl PullUrl {
    /// Reads a URL.
    ///
    /// Errors: [`InvalidPullUrl`] if it is none, or names no host.
    pub fn parse(text: &str) -> Result<Self, InvalidPullUrl> {
        let url = Url::parse(text).map_err(|_| InvalidPullUrl)?;
        let has_host = url.host_str().is_some_and(|host| !host.is_empty());
        if has_host { Ok(Self(url)) } else { Err(InvalidPullUrl) }
    }

    /// Its scheme, in lower case.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// The URL itself, secrets included.
    pub(super) const fn reveal(&self) -> &Url {
        &self.0
    }

    /// The URL as HTTP knows it: `tshttp://` and `hls://` say what comes, not how it is asked for.
    pub(super) fn as_http(&self) -> Option<Url> {
        let scheme = match self.scheme() {
            "http" | "tshttp" | "hls" => "http",
            "https" | "tshttps" | "hlss" => "https",
            _ => return None,
        };
        // Between these schemes the parser cannot switch.
        let (_, rest) = self.0.as_str().split_once(':')?;
        Url::parse(&format!("{scheme}:{rest}")).ok()
    }

    /// The host, as it is resolved: an IPv6 address without its brackets.
    pub(super) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// The port, or the usual one of the protocol.
    pub(super) fn port(&self, usual: u16) -> u16 {
        self.0.port_or_known_default().unwrap_or(usual)
    }

    /// User and password, decoded; `None` if neither is given.
    pub(super) fn credentials(&self) -> Option<(String, String)> {
        let user = decoded(self.0.username());
        let password = decoded(self.0.password().unwrap_or_default());
        (!user.is_empty() || !password.is_empty()).then_some((user, password))
    }

    /// The same without user and password.
    pub(super) fn without_credentials(&self) -> Url {
        let mut url = self.0.clone();
        // Both fail only for URLs without a host, which are no pull URLs.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url
    }

    /// `words` of a server or a library, without what this URL keeps secret.
    pub(super) fn without_secrets(&self, words: &str) -> String {
        let password = self.0.password().unwrap_or_default();
        let decoded = decoded(password);
        let query = self.0.query().unwrap_or_default();
        let as_sent = query.split('&').filter_map(|pair| Some(pair.split_once('=')?.1.to_owned()));
        let as_meant = self.0.query_pairs().map(|(_, value)| value.into_owned());
        // Short ones are such as `1` or `tcp`, which words are full of.
        let values: Vec<String> =
            as_sent.chain(as_meant).filter(|value| value.len() >= TOKEN_BYTES_MIN).collect();
        let secrets = [query, password, &decoded].into_iter().chain(values.iter().map(|v| &**v));
        let mut words = words.to_owned();
        for secret in secrets.filter(|secret| !secret.is_empty()) {
            words = words.replace(secret, "***");
        }
        words
    }
}

/// A parameter of the query shorter than this is no secret.
const TOKEN_BYTES_MIN: usize = 4;

impl fmt::Display for PullUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.0.path())
    }
}

impl fmt::Debug for PullUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Decodes `%41`. Source: RFC 3986 §2.1. The URL parser has encoded what was not.
fn decoded(text: &str) -> String {
    // A form of one pair decodes the same, but for `+`.
    let form = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(form.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_used_but_never_shown() {
        let text = "rtsp://ad%40min:p%2Fa+s%26s@[::1]:8554/cam/1?token=abc";
        let url = PullUrl::parse(text).unwrap();
        assert_eq!(url.credentials(), Some(("ad@min".to_owned(), "p/a+s&s".to_owned())));
        assert_eq!((url.host(), url.port(554)), ("::1", 8554));
        for shown in [format!("{url}"), format!("{url:?}")] {
            assert_eq!(shown, "rtsp://[::1]:8554/cam/1");
        }
        assert_eq!(url.without_credentials().as_str(), "rtsp://[::1]:8554/cam/1?token=abc");
        let words = "no p%2Fa+s%26s, no p/a+s&s, no token=abc";
        assert_eq!(url.without_secrets(words), "no ***, no ***, no ***");
    }

    #[test]
    fn schemes_that_name_the_content_are_asked_for_by_http() {
        let asked = |text: &str| PullUrl::parse(text).unwrap().as_http().map(String::from);
        for (text, http) in [
            ("hls://u:p@h:81/a.m3u8?x", Some("http://u:p@h:81/a.m3u8?x")),
            ("hlss://h/a", Some("https://h/a")),
            ("tshttps://h/a", Some("https://h/a")),
            ("http://h/a.m3u8", Some("http://h/a.m3u8")),
            ("rtsp://h/a", None),
        ] {
            assert_eq!(asked(text).as_deref(), http, "{text}");
        }
    }

    #[test]
    fn url_without_a_host_is_refused() {
        for text in ["", "rtsp://", "rtsp:/x", "rtmp:///live", "udp://:5000"] {
            assert!(PullUrl::parse(text).is_err(), "{text}");
        }
        assert_eq!(PullUrl::parse("rtmp://h/live").unwrap().port(1935), 1935);
        assert_eq!(PullUrl::parse("rtmp://h/live").unwrap().credentials(), None);
    }

    #[test]
    fn words_of_a_server_hold_no_token_of_the_url() {
        let url = PullUrl::parse("rtmp://h/live/cam?token=abc123&x=a%20b%20c&n=1").unwrap();
        let words = url.without_secrets("token abc123, not a b c, in 1 of 1");
        assert_eq!(words, "token ***, not ***, in 1 of 1");
    }
}
