//! The cookie of a browser that is signed in (RFC 6265).
//!
//! Cookies ignore ports, so its name carries the node's id: three nodes on one host do not sign
//! each other out. It names no path: the browser takes the folder that it has asked, which is the
//! API's as the browser sees it, below whatever sub-path a reverse proxy adds. Over https it has
//! another name, because a browser lets no plain page replace what came over TLS.

use std::time::Duration;

use actix_web::http::header::{self, HeaderMap};
use watershed_actors::names::NodeId;

/// Looked at in one request; more are not ours.
const VALUES_MAX: usize = 8;

/// What it is called.
pub(in crate::api) fn name(node: NodeId, is_https: bool) -> String {
    // Browsers take the prefix from secure pages only. Source: RFC 6265bis §4.1.3.
    let prefix = if is_https { "__Secure-" } else { "" };
    format!("{prefix}watershed-{node}")
}

/// The values of this node's cookies that a request carries.
pub(super) fn values(headers: &HeaderMap, node: NodeId) -> Vec<&str> {
    let names = [name(node, false), name(node, true)];
    let texts = headers.get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
    let ours = pairs.filter(|(name, _)| names.iter().any(|known| known == name.trim()));
    ours.map(|(_, value)| value.trim()).take(VALUES_MAX).collect()
}

/// `Set-Cookie` that signs in.
pub(super) fn set(node: NodeId, is_https: bool, value: &str, lifetime: Duration) -> String {
    let secure = if is_https { "; Secure" } else { "" };
    format!(
        "{}={value}; Max-Age={}; HttpOnly; SameSite=Strict{secure}",
        name(node, is_https),
        lifetime.as_secs()
    )
}

/// `Set-Cookie` that signs out.
pub(super) fn clear(node: NodeId, is_https: bool) -> String {
    set(node, is_https, "", Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn cookie_is_for_the_browser_and_this_site_alone() {
        let node = NodeId::from_random(7);
        let set = |is_https| set(node, is_https, "v", Duration::from_secs(60));
        let name = "watershed-00000000000000000000000000000007";
        assert_eq!(set(false), format!("{name}=v; Max-Age=60; HttpOnly; SameSite=Strict"));
        let secure = format!("__Secure-{name}=v; Max-Age=60; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(set(true), secure);
        assert!(clear(node, false).starts_with(&format!("{name}=; Max-Age=0;")));
    }

    #[test]
    fn only_cookies_of_this_node_are_read() {
        let mut headers = HeaderMap::new();
        let node = NodeId::from_random(7);
        let (mine, other) = (name(node, true), name(NodeId::from_random(8), true));
        for text in
            [format!("a=b; {mine}=one;{other}=two"), format!("x; {}=three", name(node, false))]
        {
            headers.append(header::COOKIE, HeaderValue::from_str(&text).unwrap());
        }
        assert_eq!(values(&headers, node), ["one", "three"]);
        let many = format!("{mine}=v; ").repeat(100);
        headers.insert(header::COOKIE, HeaderValue::from_str(&many).unwrap());
        assert_eq!(values(&headers, node).len(), VALUES_MAX);
    }
}
