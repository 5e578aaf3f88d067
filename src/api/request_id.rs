//! Which request an answer belongs to, so that who was refused can name it to who reads the log.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use log::Level;

/// What carries it, in the request where a proxy has given it one, and in every answer.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes of an id that a proxy has given.
const BYTES_MAX: usize = 64;

/// Names a request: as the proxy in front does, else by sixteen hexadecimal digits that no other
/// request of this node has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestId(String);

impl RequestId {
    /// The id of `request`. One that could not stand in a line of the log is not taken.
    pub(super) fn of(request: &ServiceRequest) -> Self {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
        let given = given.filter(|id| (1..=BYTES_MAX).contains(&id.len()));
        match given.filter(|id| id.bytes().all(is_plain)) {
            Some(id) => Self(id.to_owned()),
            None => Self::fresh(),
        }
    }

    /// Hashed, so that it tells a stranger nothing of how much is asked here.
    fn fresh() -> Self {
        static ORDER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self(format!("{:016x}", ORDER.hash_one(COUNT.fetch_add(1, Ordering::Relaxed))))
    }

    /// Puts it into the answer, and into the log if that is one to be asked about.
    pub(super) fn mark(&self, response: &mut ServiceResponse<BoxBody>) {
        if let Some((level, why)) = remarkable(response.request().method(), response.response()) {
            let (method, path) = (response.request().method(), response.request().path());
            log::log!(level, "api: {method} {path}: {} {why} (request {self})", response.status());
        }
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(HEADER, value);
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a handler has refused, on one line: reads are refused every second to scripts that watch for
/// something, so those are no news.
fn remarkable(method: &Method, response: &HttpResponse) -> Option<(Level, String)> {
    let why = response.error()?.to_string().escape_debug().to_string();
    let level = match response.status().as_u16() {
        500.. => Level::Warn,
        _ if method.is_safe() => Level::Debug,
        _ => Level::Info,
    };
    Some((level, why))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::api::error::ApiError;

    fn id(given: &str) -> String {
        let request = TestRequest::default().insert_header((HEADER, given)).to_srv_request();
        RequestId::of(&request).to_string()
    }

    #[test]
    fn the_id_of_a_proxy_is_kept_where_it_can_stand_in_a_log() {
        for good in ["7f3a", "0a1b2c3d-4e5f-6789-abcd-ef0123456789", &"x".repeat(BYTES_MAX)] {
            assert_eq!(id(good), good);
        }
        for bad in ["", "a b", "a\"b", "a\u{e9}", &"x".repeat(BYTES_MAX + 1)] {
            assert_eq!(id(bad).len(), 16, "{bad}");
        }
    }

    #[test]
    fn no_two_requests_share_one() {
        assert_ne!(RequestId::fresh(), RequestId::fresh());
    }

    #[test]
    fn what_is_our_fault_or_was_not_changed_is_told_on_one_line() {
        let remarked = |method, error: ApiError| {
            remarkable(&method, &HttpResponse::from_error(error)).map(|(level, _)| level)
        };
        let broken = || ApiError::internal("the change broke off");
        assert_eq!(remarked(Method::GET, broken()), Some(Level::Warn));
        assert_eq!(remarked(Method::PUT, ApiError::item_changed()), Some(Level::Info));
        let absent = || ApiError::not_found("stream_not_found", "a\nb");
        assert_eq!(remarked(Method::GET, absent()), Some(Level::Debug));
        let (_, why) = remarkable(&Method::GET, &HttpResponse::from_error(absent())).unwrap();
        assert_eq!(why, "a\\nb");
        assert_eq!(remarkable(&Method::GET, &HttpResponse::Ok().finish()), None);
    }
}
