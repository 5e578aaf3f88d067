//! `If-Match` and `If-None-Match` of a write, and the `ETag` that they speak of.
//!
//! The tag is of an item's settings, not of the numbers that are shown beside them.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};

use crate::settings::Precondition;

/// What the request takes for granted. Source: RFC 9110 §13.1.1 and §13.1.2.
pub(crate) fn of(request: &HttpRequest) -> Precondition {
    read(request.headers())
}

/// The header that carries `tag`.
pub(crate) fn etag(tag: &str) -> (HeaderName, String) {
    (header::ETAG, format!("\"{tag}\""))
}

fn read(headers: &HeaderMap) -> Precondition {
    let mut tags = Vec::new();
    let mut lines = headers.get_all(header::IF_MATCH).peekable();
    let is_conditional = lines.peek().is_some();
    for line in lines {
        let line = line.to_str().unwrap_or_default();
        if line.trim() == "*" {
            return Precondition::Exists;
        }
        // A weak tag never matches here (§8.8.3.2), and ours hold no comma.
        let strong = line
            .split(',')
            .filter_map(|tag| tag.trim().strip_prefix('"')?.strip_suffix('"').map(str::to_owned));
        tags.extend(strong);
    }
    if is_conditional {
        return Precondition::HasTag(tags);
    }
    match headers.get(header::IF_NONE_MATCH) {
        Some(value) if value == "*" => Precondition::IsNew,
        _ => Precondition::None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn headers_become_preconditions() {
        let tags = |tags: &[&str]| {
            Precondition::HasTag(tags.iter().map(|tag| (*tag).to_owned()).collect())
        };
        for (name, value, expected) in [
            (header::IF_MATCH, "*", Precondition::Exists),
            (header::IF_MATCH, "\"a\"", tags(&["a"])),
            (header::IF_MATCH, "\"a\", \"b\" ,W/\"c\"", tags(&["a", "b"])),
            (header::IF_MATCH, "a", tags(&[])),
            (header::IF_NONE_MATCH, "*", Precondition::IsNew),
            (header::IF_NONE_MATCH, "\"a\"", Precondition::None),
            (header::ACCEPT, "*", Precondition::None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            assert_eq!(read(&headers), expected, "{value}");
        }
    }
}
