//! Secrets: values that no log, answer or page shows.

use std::fmt;

use serde::Deserialize;

/// What stands in a secret's place.
pub(crate) const HIDDEN: &str = "***";

/// Query parameters whose values are secrets.
const SECRET_PARAMETERS: [&str; 8] =
    ["password", "passwd", "pass", "token", "key", "secret", "auth", "signature"];

/// A text that shows itself as `***`; [`Secret::reveal`] is the one way to it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the code that signs or compares with it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// A URL that shows itself without its password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// Wraps a URL.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The URL with its password, for the code that connects.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What stands before `://`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hide_in_url(&self.0))
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hide_in_url(&self.0))
    }
}

/// `url` with its password and the values of secret query parameters hidden.
#[must_use]
pub(crate) fn hide_in_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (before_query, query) = match rest.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (rest, None),
    };
    let mut hidden = format!("{scheme}://");
    match user_info(before_query) {
        Some((user_info, host)) => {
            if let Some((user, _)) = user_info.split_once(':') {
                hidden.push_str(user);
                hidden.push(':');
            }
            hidden.push_str(HIDDEN);
            hidden.push('@');
            hidden.push_str(host);
        }
        None => hidden.push_str(before_query),
    }
    let Some(query) = query else { return hidden };
    for (index, pair) in query.split('&').enumerate() {
        hidden.push(if index == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if is_secret_parameter(name) => {
                hidden.push_str(name);
                hidden.push('=');
                hidden.push_str(HIDDEN);
            }
            _ => hidden.push_str(pair),
        }
    }
    hidden
}

fn is_secret_parameter(name: &str) -> bool {
    SECRET_PARAMETERS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// What stands before the `@` of the authority, and all behind it.
///
/// Cameras' passwords hold unescaped slashes now and then: where the first part is no host and
/// port, the last `@` counts. Such a URL is refused later, and must not be shown before.
fn user_info(rest: &str) -> Option<(&str, &str)> {
    let authority = rest.split('/').next().unwrap_or_default();
    if let Some(at) = authority.rfind('@') {
        return Some((&rest[..at], &rest[at + 1..]));
    }
    let port = authority.rsplit_once(':').map(|(_, port)| port)?;
    let is_port = authority.ends_with(']') || port.bytes().all(|b| b.is_ascii_digit());
    if is_port { None } else { rest.rsplit_once('@') }
}

/// The URL that `written` means when it repeats a `stored` one in its hidden form.
///
/// The password comes back only for the same scheme, user, host and port: sending it elsewhere
/// would tell it to a stranger. `None` when a `***` stands for nothing known.
pub(crate) fn restore_url<'a>(
    written: &str,
    mut stored: impl Iterator<Item = &'a str> + Clone,
) -> Option<String> {
    let hides = |url: &str| url.contains(HIDDEN) && hide_in_url(url) == url;
    if !hides(written) {
        return Some(written.to_owned());
    }
    let whole = stored.clone().find(|stored| hide_in_url(stored) == written);
    if let Some(whole) = whole {
        return Some(whole.to_owned());
    }
    stored.find_map(|stored| {
        let (scheme, rest) = written.split_once("://")?;
        let (_, stored_rest) = stored.split_once("://")?;
        let (_, behind) = user_info(rest)?;
        let (secret, _) = user_info(stored_rest)?;
        let restored = format!("{scheme}://{secret}@{behind}");
        let origin = |url: &str| -> Option<(String, String, String, Option<u16>)> {
            let url = url::Url::parse(url).ok()?;
            let host = url.host_str()?.to_owned();
            Some((url.scheme().to_owned(), url.username().to_owned(), host, url.port()))
        };
        let is_same = origin(&restored) == origin(stored)
            && hide_in_url(&restored) == written
            && !behind.contains(HIDDEN);
        is_same.then_some(restored)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_never_show_themselves() {
        let secret = Secret::new("abcd");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        let url = SecretUrl::new("rtsp://user:pass@h:554/ch1?token=t&x=1");
        assert_eq!(format!("{url:?}"), "rtsp://user:***@h:554/ch1?token=***&x=1");
        assert_eq!(hide_in_url("rtmp://key@h/a"), "rtmp://***@h/a");
        assert_eq!(hide_in_url("rtsp://u:pa/ss@h/a"), "rtsp://u:***@h/a");
        assert_eq!(hide_in_url("http://h:80/@live/x"), "http://h:80/@live/x");
        assert_eq!(hide_in_url("publish://"), "publish://");
    }

    #[test]
    fn hidden_password_comes_back_for_the_same_host_only() {
        let stored = ["publish://", "rtsp://u:p@h:554/1?token=t"];
        let restore = |written: &str| restore_url(written, stored.into_iter());
        assert_eq!(restore("rtsp://u:***@h:554/1?token=***").as_deref(), Some(stored[1]));
        assert_eq!(restore("rtsp://u:***@h:554/2").as_deref(), Some("rtsp://u:p@h:554/2"));
        assert_eq!(restore("rtsp://u:***@evil:554/1"), None);
        assert_eq!(restore("rtsp://v:***@h:554/1"), None);
        assert_eq!(restore("rtsp://new:pw@h/1").as_deref(), Some("rtsp://new:pw@h/1"));
    }
}
