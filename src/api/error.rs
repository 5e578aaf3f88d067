//! What a refused request is told. The one place of the daemon that knows HTTP status codes.
//!
//! ```text
//! {"error":"not_found","errors":[{"status":"404","code":"stream_not_found","title":"…"}]}
//! ```
//!
//! `error` names the class and follows from the status, `code` the cause, `title` is for people.
//! A refusal of a field carries its `source.pointer` (RFC 6901), one of the query its
//! `source.parameter`, one of the config file its line.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde_json::{Value, json};

use crate::settings::{
    ChangeError, Diagnostic, KeepError, LoadError, Rejected, SaveError, Severity,
};

/// A refusal: one status, and one or more causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    causes: Vec<Cause>,
    /// The methods that the address knows, where the asked one is not among them.
    allow: Option<&'static str>,
    /// In seconds, where another try may go better.
    retry_after: Option<u64>,
}

/// One cause of a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cause {
    code: &'static str,
    title: Cow<'static, str>,
    /// Where in the request: the kind of place, and the place.
    source: Option<(&'static str, String)>,
    /// Where in the config file.
    place: Option<FilePlace>,
}

/// A place in a config file, with what is wrong there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FilePlace {
    /// The file as it was named.
    pub(crate) path: String,
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) col: usize,
    /// What would be right.
    pub(crate) detail: String,
}

impl FilePlace {
    /// What is wrong, and where.
    fn of(diagnostic: Diagnostic) -> (String, Self) {
        let Diagnostic { path, line, column, what, expected, .. } = diagnostic;
        (what, Self { path, line, col: column, detail: expected })
    }
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        let cause = Cause { code, title: title.into(), ..Cause::default() };
        Self { status, causes: vec![cause], allow: None, retry_after: None }
    }

    /// 400: the request's address or query makes no sense.
    pub(crate) fn bad_request(code: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, title)
    }

    /// 400: a field of the body is wrong; `pointer` says which (RFC 6901), empty for the whole.
    pub(crate) fn bad_field(
        code: &'static str,
        title: impl Into<Cow<'static, str>>,
        pointer: impl Into<String>,
    ) -> Self {
        Self::bad_request(code, title).at(pointer.into())
    }

    /// 400: the settings that would result are wrong at these places of the file.
    pub(crate) fn bad_config(causes: impl IntoIterator<Item = (String, FilePlace)>) -> Self {
        let cause = |(title, place): (String, FilePlace)| Cause {
            code: "invalid_config",
            title: title.into(),
            source: None,
            place: Some(place),
        };
        let causes: Vec<Cause> = causes.into_iter().map(cause).collect();
        if causes.is_empty() {
            return Self::bad_request("invalid_config", "the settings would be wrong");
        }
        Self { status: StatusCode::BAD_REQUEST, causes, allow: None, retry_after: None }
    }

    /// 401: who asks? Carries the challenge of Basic authentication.
    pub(crate) fn unauthorized(code: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, title)
    }

    /// 403: known, or not even asked, and not allowed.
    pub(crate) fn forbidden(code: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, title)
    }

    /// 404: there is no such thing.
    pub(crate) fn not_found(code: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, title)
    }

    /// 405: that address knows these methods only.
    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let title = format!("this address knows {allow} only");
        let error = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", title);
        Self { allow: Some(allow), ..error }
    }

    /// 408: the body did not come in time.
    pub(crate) fn body_too_slow() -> Self {
        let title = "the request's body did not come in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", title)
    }

    /// 409: not in the state that things are in.
    pub(crate) fn conflict(code: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, title)
    }

    /// 412: the item is no longer the one that `If-Match` names.
    pub(crate) fn item_changed() -> Self {
        let title = "the item was changed meanwhile: read it again";
        Self::new(StatusCode::PRECONDITION_FAILED, "item_changed", title)
    }

    /// 413: a body above `limit` bytes.
    pub(crate) fn body_too_large(limit: usize) -> Self {
        let title = format!("the request's body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", title)
    }

    /// 429: too many wrong passwords; the next one is looked at after `wait`.
    pub(crate) fn too_many_tries(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let title = format!("too many wrong passwords: try again in {seconds} s");
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", title);
        Self { retry_after: Some(seconds), ..error }
    }

    /// 500: our fault; the log knows more.
    pub(crate) fn internal(title: &'static str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", title)
    }

    /// 503: not now.
    pub(crate) fn unavailable(code: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, title);
        Self { retry_after: Some(1), ..error }
    }

    /// 507: the file cannot be written for want of space.
    pub(crate) fn disk_full() -> Self {
        let title = "no space is left for the config file";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", title)
    }

    /// The same, at that place of the request's body (RFC 6901).
    pub(crate) fn at(self, pointer: String) -> Self {
        self.sourced("pointer", &pointer)
    }

    /// The same, for that parameter of the request's query.
    pub(crate) fn in_query(self, parameter: &str) -> Self {
        self.sourced("parameter", parameter)
    }

    fn sourced(mut self, kind: &'static str, place: &str) -> Self {
        for cause in &mut self.causes {
            cause.source = Some((kind, place.to_owned()));
        }
        self
    }

    /// The same, at that place of the config file.
    fn in_file(mut self, place: FilePlace) -> Self {
        for cause in &mut self.causes {
            cause.place = Some(place.clone());
        }
        self
    }

    /// The class of errors, by its status.
    fn class(&self) -> &'static str {
        match self.status {
            StatusCode::BAD_REQUEST => "bad_request",
            StatusCode::UNAUTHORIZED => "unauthorized",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            StatusCode::REQUEST_TIMEOUT => "request_timeout",
            StatusCode::CONFLICT => "conflict",
            StatusCode::PRECONDITION_FAILED => "precondition_failed",
            StatusCode::PAYLOAD_TOO_LARGE => "payload_too_large",
            StatusCode::TOO_MANY_REQUESTS => "too_many_requests",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            StatusCode::INSUFFICIENT_STORAGE => "insufficient_storage",
            _ => "internal_error",
        }
    }

    /// The answer's body.
    fn body(&self) -> Value {
        let errors: Vec<Value> = self.causes.iter().map(|cause| self.cause(cause)).collect();
        json!({"error": self.class(), "errors": errors})
    }

    fn cause(&self, cause: &Cause) -> Value {
        let status = self.status.as_str();
        let mut value = json!({"status": status, "code": cause.code, "title": cause.title});
        if let Some((kind, place)) = &cause.source {
            value["source"] = json!({ *kind: place });
        }
        if let Some(place) = &cause.place {
            value["path"] = json!(place.path);
            value["line"] = json!(place.line);
            value["col"] = json!(place.col);
            value["detail"] = json!(place.detail);
        }
        value
    }
}

impl From<KeepError> for ApiError {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::ItemChanged => Self::item_changed(),
            KeepError::Change(error) => error.into(),
            KeepError::BrokeOff => Self::internal("the change broke off; the log knows more"),
        }
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        let title = error.to_string();
        match error {
            ChangeError::WrongType { pointer, expected } => {
                Self::bad_field("wrong_type", format!("expected {expected}"), pointer)
            }
            ChangeError::UnknownSecret { pointer } => {
                Self::bad_field("unknown_secret", "`***` stands for no stored secret", pointer)
            }
            ChangeError::UnknownCollection(_) => Self::not_found("no_such_collection", title),
            ChangeError::NotFound { .. } => Self::not_found("item_not_found", title),
            ChangeError::Forbidden { code, pointer, diagnostic: None, .. } => {
                Self::forbidden(code, title).at(pointer)
            }
            ChangeError::Forbidden { code, diagnostic: Some(diagnostic), .. } => {
                Self::forbidden(code, title).in_file(FilePlace::of(*diagnostic).1)
            }
            ChangeError::SetByEnvironment { field } => {
                let pointer = format!("/{}", field.replace('.', "/"));
                Self::conflict("set_by_environment", title).at(pointer)
            }
            ChangeError::Rejected(rejected) => rejected.into(),
            ChangeError::Unwritable => Self::conflict("config_unwritable", title),
            ChangeError::Save(error) => error.into(),
        }
    }
}

impl From<LoadError> for ApiError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Rejected(rejected) => rejected.into(),
            LoadError::Unreadable { .. } => {
                Self::internal("the config file cannot be read; the log knows more")
            }
        }
    }
}

impl From<Rejected> for ApiError {
    fn from(rejected: Rejected) -> Self {
        let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
        Self::bad_config(rejected.diagnostics.into_iter().filter(is_error).map(FilePlace::of))
    }
}

impl From<SaveError> for ApiError {
    fn from(error: SaveError) -> Self {
        let title = error.to_string();
        match error {
            SaveError::ConfigReadOnly { .. } => Self::forbidden("config_read_only", title),
            SaveError::DiskFull { .. } => Self::disk_full(),
            SaveError::ConfigChanged { .. } => Self::conflict("config_changed", title),
            SaveError::Io { .. } => {
                log::error!("config: {title}");
                Self::internal("the config file cannot be written; the log knows more")
            }
        }
    }
}

/// For an address that the API does not have.
pub(crate) fn no_such_resource() -> ApiError {
    ApiError::not_found("no_such_resource", "the API has no such address")
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles: Vec<&str> = self.causes.iter().map(|cause| cause.title.as_ref()).collect();
        f.write_str(&titles.join("; "))
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = r#"Basic realm="watershed", charset="UTF-8""#;
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        if let Some(allow) = self.allow {
            response.insert_header((header::ALLOW, allow));
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if matches!(self.status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
            // The rest of the body is not read, so the connection cannot be used again.
            response.force_close();
        }
        response.json(self.body())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_names_class_status_code_and_place() {
        let error = ApiError::bad_field("wrong_type", "a number is expected", "/inputs/0/url");
        let expected = json!({"error": "bad_request", "errors": [{
            "status": "400", "code": "wrong_type", "title": "a number is expected",
            "source": {"pointer": "/inputs/0/url"},
        }]});
        assert_eq!(error.body(), expected);
    }

    #[test]
    fn rejected_config_names_every_place() {
        let place = |line| FilePlace {
            path: "a.conf".into(),
            line,
            col: 3,
            detail: "a number is expected".into(),
        };
        let error =
            ApiError::bad_config([("bad word".into(), place(1)), ("bad number".into(), place(2))]);
        let body = error.body();
        assert_eq!(body["errors"][1]["line"], 2);
        assert_eq!(body["errors"][0]["path"], "a.conf");
        assert_eq!(error.to_string(), "bad word; bad number");
    }

    #[test]
    fn challenge_and_retry_travel_in_headers() {
        let response = ApiError::unauthorized("credentials_needed", "who is there?");
        let response = response.error_response();
        assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
        let response = ApiError::unavailable("draining", "going").error_response();
        assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), "1");
        let response = ApiError::too_many_tries(Duration::from_millis(1500)).error_response();
        assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), "2", "rounded up");
    }
}
