//! How a client shows that it knows a password: Basic, Digest, or a parameter of the URL.
//!
//! The client is asked for Digest with MD5 or Basic, which every RTSP client has at least one of;
//! SHA-256 is understood from those that bring it. A digest is good only for the nonce of its own
//! connection, so that one overheard is of no use on another. Nonce counts are not kept: whoever
//! can replay inside a TCP connection could as well change what follows.
//!
//! Source: RFC 2326 §12.44 and appendix D.1.2, RFC 7617 (Basic), RFC 7616 and 2617 (Digest).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::message::Request;
use super::parameters::{Parameter, parameters};

/// Names what the password is for; part of what a digest signs.
const REALM: &str = "Watershed";

/// What a client has sent to show that it knows a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    scheme: Scheme,
    query_password: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
enum Scheme {
    /// No header, or one that nobody could be let in by.
    None,
    Basic {
        user: String,
        password: String,
    },
    Digest {
        digest: DigestResponse,
        is_nonce_ours: bool,
    },
}

/// The parameters of a digest, as sent. Source: RFC 7616 §3.4.
#[derive(Clone, PartialEq, Eq)]
struct DigestResponse {
    method: String,
    user: String,
    nonce: String,
    uri: String,
    response: String,
    is_sha256: bool,
    /// `nc` and `cnonce` where `qop=auth`; without, the older form of RFC 2069 is meant.
    qop_auth: Option<(String, String)>,
}

impl Credentials {
    /// Reads what `request`, whose URL has this query, carries; `nonce` is the connection's.
    pub(super) fn of(request: &Request, method: &str, query: Option<&str>, nonce: &str) -> Self {
        let header = request.headers.get("Authorization");
        Self {
            scheme: header
                .and_then(|value| Scheme::parse(value, method, nonce))
                .unwrap_or(Scheme::None),
            query_password: query.and_then(password_of),
        }
    }

    /// Whether nothing was sent at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.scheme, Scheme::None) && self.query_password.is_none()
    }

    /// The user named, if any.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match &self.scheme {
            Scheme::None => None,
            Scheme::Basic { user, .. } => Some(user),
            Scheme::Digest { digest, .. } => Some(&digest.user),
        }
    }

    /// Whether the client knows `password`; whom it names as user makes no difference.
    #[must_use]
    pub fn prove(&self, password: &str) -> bool {
        let is_equal = |sent: &str| bool::from(sent.as_bytes().ct_eq(password.as_bytes()));
        let by_header = match &self.scheme {
            Scheme::None => false,
            Scheme::Basic { password, .. } => is_equal(password),
            Scheme::Digest { digest, is_nonce_ours } => *is_nonce_ours && digest.is_of(password),
        };
        by_header || self.query_password.as_deref().is_some_and(is_equal)
    }

    /// Whether the digest was made for another connection, so that the client should make a new
    /// one without asking its user. Source: RFC 7616 §3.3, `stale`.
    pub(super) const fn is_stale(&self) -> bool {
        matches!(self.scheme, Scheme::Digest { is_nonce_ours: false, .. })
    }
}

impl fmt::Debug for Credentials {
    /// Shows no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user()).finish_non_exhaustive()
    }
}

impl Scheme {
    fn parse(value: &str, method: &str, nonce: &str) -> Option<Self> {
        let (scheme, rest) = value.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("Basic") {
            let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
            let (user, password) = decoded.split_once(':')?;
            return Some(Self::Basic { user: user.to_owned(), password: password.to_owned() });
        }
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let digest = DigestResponse::parse(rest, method)?;
        let is_nonce_ours = digest.nonce == nonce;
        Some(Self::Digest { digest, is_nonce_ours })
    }
}

impl DigestResponse {
    /// `None` where a part is missing, or of a kind that was not asked for: another realm,
    /// `auth-int`, the session variants of the algorithms.
    fn parse(text: &str, method: &str) -> Option<Self> {
        let all: Vec<Parameter> = parameters(text, ',').collect();
        let get = |name: &str| {
            let found = all.iter().find(|parameter| parameter.is(name))?;
            found.value.clone()
        };
        let is_sha256 = match get("algorithm") {
            None => false,
            Some(name) if name.eq_ignore_ascii_case("MD5") => false,
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => true,
            Some(_) => return None,
        };
        let qop_auth = match get("qop") {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => Some((get("nc")?, get("cnonce")?)),
            Some(_) => return None,
        };
        if get("realm")? != REALM {
            return None;
        }
        Some(Self {
            method: method.to_owned(),
            user: get("username")?,
            nonce: get("nonce")?,
            uri: get("uri")?,
            response: get("response")?.to_ascii_lowercase(),
            is_sha256,
            qop_auth,
        })
    }

    /// Source: RFC 7616 §3.4.1. The `uri` is not compared with the request's: live555 signs the
    /// stream's URL for every request, and the nonce already ties the digest to its connection.
    fn is_of(&self, password: &str) -> bool {
        let secret = self.hash(&format!("{}:{REALM}:{password}", self.user));
        let request = self.hash(&format!("{}:{}", self.method, self.uri));
        let nonce = &self.nonce;
        let wanted = match &self.qop_auth {
            Some((count, client_nonce)) => {
                format!("{secret}:{nonce}:{count}:{client_nonce}:auth:{request}")
            }
            None => format!("{secret}:{nonce}:{request}"),
        };
        self.hash(&wanted).as_bytes().ct_eq(self.response.as_bytes()).into()
    }

    fn hash(&self, text: &str) -> String {
        if self.is_sha256 {
            hex::encode(Sha256::digest(text))
        } else {
            hex::encode(Md5::digest(text))
        }
    }
}

/// The values of the `WWW-Authenticate` headers that ask for a password, the better one first.
pub(super) fn challenges(nonce: &str, is_stale: bool) -> [String; 2] {
    let stale = if is_stale { ", stale=true" } else { "" };
    [
        format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\", algorithm=MD5{stale}"),
        format!("Basic realm=\"{REALM}\""),
    ]
}

/// The first `password` in a URL's query, its percent escapes decoded.
fn password_of(query: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("password="))?;
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = after.split_at_checked(2).filter(|_| *first == b'%');
        let byte = escape.and_then(|(digits, _)| hex::decode(digits).ok());
        match (byte.as_deref(), escape) {
            (Some(&[byte]), Some((_, left))) => {
                decoded.push(byte);
                rest = left;
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::super::message::{Headers, Method};
    use super::*;

    const NONCE: &str = "dcd98b7102dd2f0e8b11d0f600bfb0c0";

    fn credentials(authorization: &str, query: Option<&str>) -> Credentials {
        let mut headers = Headers::default();
        headers.push("Authorization".into(), authorization.into());
        let request = Request {
            method: Method::Announce,
            target: "rtsp://h/cam".into(),
            is_version_1_0: true,
            cseq: Some(1),
            headers,
            body: bytes::Bytes::new(),
        };
        Credentials::of(&request, "ANNOUNCE", query, NONCE)
    }

    /// The responses below were computed with `printf … | md5sum` and `sha256sum`.
    #[test]
    fn password_is_known_by_any_of_the_accepted_ways_and_no_other() {
        let digest = |more: &str| {
            format!(
                "Digest username=\"u\", realm=\"Watershed\", nonce=\"{NONCE}\", \
                 uri=\"rtsp://h/cam\", {more}"
            )
        };
        let md5 = "response=\"ae78808633fc2a6c895dea81dc3cd180\"";
        let with_qop = "cnonce=\"c\", response=\"bcbb1f4e889a42f303bcfde7d70cd9f0\"";
        let sha256 = concat!(
            "response=\"bcceec9627fa154436c105b6294bffee",
            "90601bda25e961fa5bcce228a2ce20bb\""
        );
        let table = [
            ("Basic dTpzM2NyZXQ=".to_owned(), true),
            ("basic dTpzM2NyZXQ=".to_owned(), true),
            ("Basic dTp3cm9uZw==".to_owned(), false),
            ("Basic s3cret".to_owned(), false),
            ("Bearer s3cret".to_owned(), false),
            ("Digest".to_owned(), false),
            (digest(md5), true),
            (digest(&format!("algorithm=\"MD5\", {md5}")), true),
            (digest(&md5.replace("ae788086", "AE788086")), true),
            (digest(&format!("qop=auth, nc=00000001, {with_qop}")), true),
            (digest(&format!("qop=\"auth\", nc=00000001, {with_qop}")), true),
            (digest(&format!("qop=auth, nc=00000002, {with_qop}")), false),
            (digest(&format!("qop=auth-int, nc=00000001, {with_qop}")), false),
            (digest(&format!("algorithm=SHA-256, {sha256}")), true),
            (digest(&format!("algorithm=MD5, {sha256}")), false),
            (digest(&format!("algorithm=MD5-sess, {md5}")), false),
            (digest(md5).replace("Watershed", "x"), false),
            (digest("response=\"\""), false),
        ];
        for (header, wanted) in table {
            assert_eq!(credentials(&header, None).prove("s3cret"), wanted, "{header}");
        }
    }

    #[test]
    fn digest_of_another_nonce_is_stale_and_proves_nothing() {
        let header =
            "Digest username=\"u\", realm=\"Watershed\", nonce=\"x\", uri=\"y\", response=\"z\"";
        let stale = credentials(header, None);
        assert!(stale.is_stale() && !stale.prove("s3cret"));
        assert!(!credentials("Basic dTpzM2NyZXQ=", None).is_stale());
        assert!(challenges("n", true)[0].ends_with("algorithm=MD5, stale=true"));
    }

    #[test]
    fn password_of_the_query_is_decoded() {
        for (query, wanted) in [
            ("password=s3cret", true),
            ("token=t&password=s3%63ret&x", true),
            ("password=", false),
            ("passwords=s3cret", false),
            ("password=s3cret%", false),
            ("password=%ff", false),
        ] {
            assert_eq!(credentials("", Some(query)).prove("s3cret"), wanted, "{query}");
        }
        assert!(credentials("", Some("token=t")).is_empty());
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let text = format!("{:?}", credentials("Basic dTpzM2NyZXQ=", Some("password=s3cret")));
        assert!(text.contains("\"u\"") && !text.contains("s3cret"), "{text}");
    }
}
