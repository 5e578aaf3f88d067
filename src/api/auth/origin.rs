//! Where a request comes from: decided on a few facts, without the web framework.
//!
//! A stranger borrows the machine's own address by a proxy, and a user's browser by a page of
//! another site. Both leave traces in the request's head, which are all that is looked at here.

use std::net::IpAddr;

use url::Url;

use crate::api::error::ApiError;

/// What is known of a request before its body.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts<'a> {
    /// Whether it would change something.
    pub(super) is_write: bool,
    /// Whether it came over TLS.
    pub(super) is_secure: bool,
    /// Where the connection comes from.
    pub(super) client: Option<IpAddr>,
    /// `Host`.
    pub(super) host: Option<&'a str>,
    /// `Origin`.
    pub(super) origin: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub(super) fetch_site: Option<&'a str>,
    /// Whether any header says that a proxy stands between.
    pub(super) is_forwarded: bool,
}

impl Facts<'_> {
    /// Lets no page of another site change anything.
    pub(super) fn check_same_origin(&self) -> Result<(), ApiError> {
        if self.is_write && !is_same_origin_write(self) {
            let title = "a page of another site may not change anything here";
            return Err(ApiError::forbidden("cross_origin_write", title));
        }
        Ok(())
    }

    /// Without any password: this machine only, by its own name, with nothing in between.
    pub(super) fn check_is_local(&self) -> Result<(), ApiError> {
        let is_local = self.client.is_some_and(|address| address.to_canonical().is_loopback())
            && self.host.is_some_and(is_loopback_host)
            && self.origin.is_none_or(|origin| is_same_origin(origin, self))
            && !self.is_forwarded;
        if is_local {
            return Ok(());
        }
        let title = "no edit_auth is configured: only this machine itself is answered, at a \
                     loopback address and without a proxy; set edit_auth in the config file";
        Err(ApiError::forbidden("auth_not_configured", title))
    }
}

/// Whether a `Host` names this machine's loopback, whatever the port.
fn is_loopback_host(host: &str) -> bool {
    let Some(url) = Url::parse(&format!("http://{host}/")).ok().filter(is_bare) else {
        return false;
    };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
        None => false,
    }
}

/// Whether a URL is scheme, host and port only, so that a `Host` cannot smuggle another part.
fn is_bare(url: &Url) -> bool {
    url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
}

/// Whether a browser may send this write: not for a page of another site.
///
/// Programs send neither header. Source: Fetch Metadata Request Headers, §2.4; RFC 6454 §7.
fn is_same_origin_write(facts: &Facts<'_>) -> bool {
    facts.origin.is_none_or(|origin| is_same_origin(origin, facts))
        && facts.fetch_site.is_none_or(|site| site == "same-origin")
}

/// Whether `origin` is the page that this node serves under the request's `Host`.
///
/// An https origin on a plain connection passes: a proxy may have taken the TLS off.
fn is_same_origin(origin: &str, facts: &Facts<'_>) -> bool {
    let Some(origin) = Url::parse(origin).ok().filter(is_bare) else {
        return false;
    };
    let is_scheme_allowed = match origin.scheme() {
        "https" => true,
        "http" => !facts.is_secure,
        _ => false,
    };
    // The host is read under the origin's scheme, so that both know the same default port.
    let ours = facts.host.map(|host| format!("{}://{host}/", origin.scheme()));
    let ours = ours.and_then(|url| Url::parse(&url).ok()).filter(is_bare);
    is_scheme_allowed && ours.is_some_and(|ours| ours.origin() == origin.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: Facts<'_> = Facts {
        is_write: false,
        is_secure: false,
        client: Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
        host: Some("127.0.0.1:8081"),
        origin: None,
        fetch_site: None,
        is_forwarded: false,
    };

    #[test]
    fn without_passwords_only_this_machine_is_let_in() {
        let remote = Some("10.0.0.9".parse().unwrap());
        let mapped = Some("::ffff:127.0.0.1".parse().unwrap());
        let cases = [
            (LOCAL, true),
            (Facts { client: mapped, host: Some("[::1]:80"), ..LOCAL }, true),
            (Facts { host: Some("localhost"), ..LOCAL }, true),
            (Facts { origin: Some("http://127.0.0.1:8081"), ..LOCAL }, true),
            (Facts { client: remote, ..LOCAL }, false),
            (Facts { client: None, ..LOCAL }, false),
            (Facts { host: Some("rebound.example:8081"), ..LOCAL }, false),
            (Facts { host: Some("127.0.0.1.example"), ..LOCAL }, false),
            (Facts { host: Some("127.0.0.1@evil.example"), ..LOCAL }, false),
            (Facts { host: None, ..LOCAL }, false),
            (Facts { is_forwarded: true, ..LOCAL }, false),
            (Facts { origin: Some("http://127.0.0.1:9999"), ..LOCAL }, false),
            (Facts { origin: Some("null"), ..LOCAL }, false),
        ];
        for (facts, expected) in cases {
            assert_eq!(facts.check_is_local().is_ok(), expected, "{facts:?}");
        }
    }

    #[test]
    fn pages_of_other_sites_change_nothing() {
        let write = Facts { is_write: true, ..LOCAL };
        let node = Some("node.example");
        let cases = [
            (write, true),
            (Facts { origin: Some("http://127.0.0.1:8081"), ..write }, true),
            (Facts { fetch_site: Some("same-origin"), ..write }, true),
            (Facts { host: node, origin: Some("https://node.example"), ..write }, true),
            (Facts { origin: Some("https://evil.example"), ..write }, false),
            (Facts { origin: Some("null"), ..write }, false),
            (Facts { fetch_site: Some("cross-site"), ..write }, false),
            (Facts { fetch_site: Some("same-site"), ..write }, false),
            (
                Facts { is_secure: true, host: node, origin: Some("http://node.example"), ..write },
                false,
            ),
            (Facts { origin: Some("https://evil.example"), ..LOCAL }, true),
        ];
        for (facts, expected) in cases {
            assert_eq!(facts.check_same_origin().is_ok(), expected, "{facts:?}");
        }
    }
}
