//! Who may do what (SPEC sections 3 and 7): decided on a few facts, without the web framework.
//!
//! With `edit_auth` or `view_auth` a request shows a name and a password. Without both, only a
//! program or browser on this very machine is let in, and only if nothing hints at a proxy or at a
//! page of another site: those are how a stranger would borrow the machine's own address.

use std::net::IpAddr;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{ResponseError as _, web};
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use url::Url;

use super::ApiState;
use super::error::ApiError;
use crate::http_front::client_of;
use crate::settings::model::{Credentials, Settings};

/// Headers by which a proxy says for whom it asks.
const FORWARDED: [HeaderName; 4] = [
    header::FORWARDED,
    header::X_FORWARDED_FOR,
    header::X_FORWARDED_HOST,
    header::X_FORWARDED_PROTO,
];
/// The same, of older proxies.
const FORWARDED_OLD: [&str; 3] = ["x-real-ip", "x-forwarded-server", "via"];

/// Lets a request of the API in, or answers why not.
pub(super) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if let Err(refusal) = check(&request) {
        return Ok(request.into_response(refusal.error_response()));
    }
    let mut response = next.call(request).await?.map_into_boxed_body();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

/// Guards a page that holds no facts: open to all once passwords are set, because it asks for them
/// itself; else like the API.
///
/// Needs the API's state in the application: [`super::configure`] puts it there.
pub async fn guard_page(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let is_open = state_of(&request).is_some_and(|state| access(state).is_configured());
    match check(&request) {
        Err(refusal) if !is_open => Ok(request.into_response(refusal.error_response())),
        _ => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

fn check(request: &ServiceRequest) -> Result<(), ApiError> {
    let state = state_of(request).ok_or_else(|| ApiError::internal("the API has no state"))?;
    access(state).check(&facts(request))
}

fn state_of(request: &ServiceRequest) -> Option<&ApiState> {
    request.app_data::<web::Data<ApiState>>().map(|state| state.get_ref())
}

fn access(state: &ApiState) -> Access {
    Access::of(&state.keeper.current().settings)
}

fn facts(request: &ServiceRequest) -> Facts<'_> {
    let text = |name: HeaderName| {
        // A header that is no text is none of ours, and must not look like a missing one.
        request.headers().get(name).map(|value| value.to_str().unwrap_or("?"))
    };
    let headers = request.headers();
    let client = client_of(request.request());
    Facts {
        is_write: !request.method().is_safe(),
        is_secure: client.is_https,
        client: request.peer_addr().map(|address| address.ip()),
        host: text(header::HOST),
        authorization: text(header::AUTHORIZATION),
        origin: text(header::ORIGIN),
        fetch_site: text(HeaderName::from_static("sec-fetch-site")),
        is_forwarded: client.is_proxied
            || FORWARDED.iter().any(|name| headers.contains_key(name))
            || FORWARDED_OLD.iter().any(|name| headers.contains_key(*name)),
    }
}

/// What the settings say about access.
#[derive(Clone, Default)]
pub(crate) struct Access {
    edit: Option<[u8; 32]>,
    view: Option<[u8; 32]>,
}

/// What is known of a request before its body.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts<'a> {
    /// Whether it would change something.
    pub(crate) is_write: bool,
    /// Whether it came over TLS.
    pub(crate) is_secure: bool,
    /// Where the connection comes from.
    pub(crate) client: Option<IpAddr>,
    /// `Host`.
    pub(crate) host: Option<&'a str>,
    /// `Authorization`.
    pub(crate) authorization: Option<&'a str>,
    /// `Origin`.
    pub(crate) origin: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub(crate) fetch_site: Option<&'a str>,
    /// Whether any header says that a proxy stands between.
    pub(crate) is_forwarded: bool,
}

/// Base64 with or without its padding: programs send both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Access {
    /// Access by these logins and passwords, if any.
    pub(crate) fn new(edit: Option<(&str, &str)>, view: Option<(&str, &str)>) -> Self {
        let digest = |(login, password)| digest(format!("{login}:{password}").as_bytes());
        Self { edit: edit.map(digest), view: view.map(digest) }
    }

    /// Access as configured.
    fn of(settings: &Settings) -> Self {
        fn pair(user: &Credentials) -> (&str, &str) {
            (&user.login, user.password.reveal())
        }
        Self::new(settings.edit_auth.as_ref().map(pair), settings.view_auth.as_ref().map(pair))
    }

    /// Whether any password is set.
    pub(crate) const fn is_configured(&self) -> bool {
        self.edit.is_some() || self.view.is_some()
    }

    /// Lets the request in, or says why not.
    pub(crate) fn check(&self, facts: &Facts<'_>) -> Result<(), ApiError> {
        if facts.is_write && !is_same_origin_write(facts) {
            let title = "a page of another site may not change anything here";
            return Err(ApiError::forbidden("cross_origin_write", title));
        }
        if !self.is_configured() {
            return check_is_local(facts);
        }
        self.check_credentials(facts)
    }

    fn check_credentials(&self, facts: &Facts<'_>) -> Result<(), ApiError> {
        let Some(credentials) = facts.authorization.and_then(decode) else {
            let title = "a login and a password are needed";
            return Err(ApiError::unauthorized("credentials_needed", title));
        };
        let shown = digest(&credentials);
        let is = |wanted: &Option<[u8; 32]>| match wanted {
            Some(wanted) => wanted.ct_eq(&shown),
            None => Choice::from(0),
        };
        // Both are compared always, so that the time taken does not tell which one was near.
        let (may_edit, may_view) = (is(&self.edit), is(&self.view));
        match (bool::from(may_edit), bool::from(may_edit | may_view), facts.is_write) {
            (true, _, _) | (_, true, false) => Ok(()),
            (false, true, true) => {
                Err(ApiError::forbidden("read_only_user", "this login may not change anything"))
            }
            (false, false, _) => {
                Err(ApiError::unauthorized("wrong_credentials", "wrong login or password"))
            }
        }
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Access {{ is_configured: {} }}", self.is_configured())
    }
}

fn digest(credentials: &[u8]) -> [u8; 32] {
    Sha256::digest(credentials).into()
}

/// `user:pass` out of `Basic` (RFC 7617 §2) or `Bearer`, both in base64.
fn decode(authorization: &str) -> Option<Vec<u8>> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") && !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    BASE64.decode(token.trim()).ok()
}

/// Without any password: this machine only, by its own name, with nothing in between.
fn check_is_local(facts: &Facts<'_>) -> Result<(), ApiError> {
    let is_local = facts.client.is_some_and(|address| address.to_canonical().is_loopback())
        && facts.host.is_some_and(is_loopback_host)
        && facts.origin.is_none_or(|origin| is_same_origin(origin, facts))
        && !facts.is_forwarded;
    if is_local {
        return Ok(());
    }
    let title = "no edit_auth is configured: only this machine itself is answered, at a loopback \
                 address and without a proxy; set edit_auth in the config file";
    Err(ApiError::forbidden("auth_not_configured", title))
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
        authorization: None,
        origin: None,
        fetch_site: None,
        is_forwarded: false,
    };

    fn configured() -> Access {
        Access::new(Some(("admin", "se:cret")), Some(("viewer", "look")))
    }

    fn with(scheme: &str, credentials: &str) -> String {
        format!("{scheme} {}", BASE64.encode(credentials))
    }

    /// The code of the refusal, empty for none.
    fn refusal(access: &Access, facts: &Facts<'_>) -> String {
        let Err(error) = access.check(facts) else {
            return String::new();
        };
        let text = format!("{error:?}");
        let code = text.split("code: \"").nth(1).and_then(|rest| rest.split('"').next());
        code.unwrap_or_default().to_owned()
    }

    #[test]
    fn without_passwords_only_this_machine_is_let_in() {
        let remote = Some("10.0.0.9".parse().unwrap());
        let mapped = Some("::ffff:127.0.0.1".parse().unwrap());
        let cases = [
            (LOCAL, ""),
            (Facts { client: mapped, host: Some("[::1]:80"), ..LOCAL }, ""),
            (Facts { host: Some("localhost"), ..LOCAL }, ""),
            (Facts { origin: Some("http://127.0.0.1:8081"), ..LOCAL }, ""),
            (Facts { client: remote, ..LOCAL }, "auth_not_configured"),
            (Facts { client: None, ..LOCAL }, "auth_not_configured"),
            (Facts { host: Some("rebound.example:8081"), ..LOCAL }, "auth_not_configured"),
            (Facts { host: Some("127.0.0.1.example"), ..LOCAL }, "auth_not_configured"),
            (Facts { host: Some("127.0.0.1@evil.example"), ..LOCAL }, "auth_not_configured"),
            (Facts { host: None, ..LOCAL }, "auth_not_configured"),
            (Facts { is_forwarded: true, ..LOCAL }, "auth_not_configured"),
            (Facts { origin: Some("http://127.0.0.1:9999"), ..LOCAL }, "auth_not_configured"),
            (Facts { origin: Some("null"), ..LOCAL }, "auth_not_configured"),
        ];
        for (facts, expected) in cases {
            assert_eq!(refusal(&Access::default(), &facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn logins_may_what_they_are_for() {
        let cases = [
            (with("Basic", "admin:se:cret"), true, ""),
            (with("bearer", "admin:se:cret"), true, ""),
            (with("Basic", "viewer:look"), false, ""),
            (with("Basic", "viewer:look").trim_end_matches('=').to_owned(), false, ""),
            (with("Basic", "viewer:look"), true, "read_only_user"),
            (with("Basic", "admin:wrong"), false, "wrong_credentials"),
            (with("Basic", "admin:"), true, "wrong_credentials"),
            (with("Digest", "admin:se:cret"), false, "credentials_needed"),
            ("Basic ä".to_owned(), false, "credentials_needed"),
            (String::new(), false, "credentials_needed"),
        ];
        for (authorization, is_write, expected) in cases {
            let authorization = Some(authorization.as_str()).filter(|text| !text.is_empty());
            let client = Some("10.0.0.9".parse().unwrap());
            let facts = Facts { authorization, is_write, client, ..LOCAL };
            assert_eq!(refusal(&configured(), &facts), expected, "{authorization:?} {is_write}");
        }
    }

    #[test]
    fn edit_login_is_needed_to_read_where_it_is_the_only_one() {
        let access = Access::new(Some(("admin", "x")), None);
        assert_eq!(refusal(&access, &LOCAL), "credentials_needed");
        let access = Access::new(None, Some(("viewer", "x")));
        let viewer = with("Basic", "viewer:x");
        let facts = Facts { authorization: Some(&viewer), is_write: true, ..LOCAL };
        assert_eq!(refusal(&access, &facts), "read_only_user");
    }

    #[test]
    fn pages_of_other_sites_change_nothing() {
        let admin = with("Basic", "admin:se:cret");
        let write = Facts { is_write: true, authorization: Some(&admin), ..LOCAL };
        let node = Some("node.example");
        let cases = [
            (write, ""),
            (Facts { origin: Some("http://127.0.0.1:8081"), ..write }, ""),
            (Facts { fetch_site: Some("same-origin"), ..write }, ""),
            (Facts { host: node, origin: Some("https://node.example"), ..write }, ""),
            (Facts { origin: Some("https://evil.example"), ..write }, "cross_origin_write"),
            (Facts { origin: Some("null"), ..write }, "cross_origin_write"),
            (Facts { fetch_site: Some("cross-site"), ..write }, "cross_origin_write"),
            (Facts { fetch_site: Some("same-site"), ..write }, "cross_origin_write"),
            (
                Facts { is_secure: true, host: node, origin: Some("http://node.example"), ..write },
                "cross_origin_write",
            ),
        ];
        for (facts, expected) in cases {
            assert_eq!(refusal(&configured(), &facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn access_prints_no_password() {
        assert_eq!(format!("{:?}", configured()), "Access { is_configured: true }");
    }
}
