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
use serde::Serialize;
use utoipa::ToSchema;

use crate::settings::{
    ChangeError, Diagnostic, KeepError, LoadError, Rejected, SaveError, Severity,
};

/// A refusal: one status, and one or more causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    causes: Vec<Cause>,
    /// The methods that the address knows, where the asked one is not among them.
    allow: Option<String>,
    /// In seconds, where another try may go better.
    retry_after: Option<u64>,
}

/// What a refused request is answered.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct Body<'a> {
    /// The class of errors, which follows from the status.
    error: &'static str,
    /// One or more.
    errors: Cow<'a, [Cause]>,
}

/// One cause of a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Cause {
    /// The HTTP status.
    status: String,
    /// What is wrong, for programs.
    code: &'static str,
    /// The same for people.
    title: Cow<'static, str>,
    #[serde(skip_serializing_if = "Source::is_empty")]
    source: Source,
    /// The config file, where it would be wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    path: Option<String>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    line: Option<usize>,
    /// From 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    col: Option<usize>,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
}

/// Where in the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ErrorSource)]
pub(super) struct Source {
    /// In the body (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pointer: Option<String>,
    /// In the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    parameter: Option<String>,
}

impl Source {
    const fn is_empty(&self) -> bool {
        self.pointer.is_none() && self.parameter.is_none()
    }
}

impl Cause {
    fn new(status: StatusCode, code: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        let status = status.as_str().to_owned();
        Self { status, code, title: title.into(), ..Self::default() }
    }

    /// The same, with its place in the config file, and in the request if that said it.
    fn in_file(mut self, diagnostic: Diagnostic) -> Self {
        let Diagnostic { path, line, column, expected, pointer, .. } = diagnostic;
        self.source.pointer = pointer.or(self.source.pointer);
        Self {
            path: Some(path),
            line: Some(line),
            col: Some(column),
            detail: Some(expected),
            ..self
        }
    }
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        let causes = vec![Cause::new(status, code, title)];
        Self { status, causes, allow: None, retry_after: None }
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

    /// 400: the settings that would result are wrong, at each of these places.
    pub(crate) fn bad_config(diagnostics: impl IntoIterator<Item = Diagnostic>) -> Self {
        let mut error = Self::bad_request("invalid_config", "the settings would be wrong");
        let cause = |found: Diagnostic| {
            Cause::new(error.status, "invalid_config", found.what.clone()).in_file(found)
        };
        let causes: Vec<Cause> = diagnostics.into_iter().map(cause).collect();
        if !causes.is_empty() {
            error.causes = causes;
        }
        error
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
    pub(crate) fn method_not_allowed(allow: String) -> Self {
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
        self.sourced(&Source { pointer: Some(pointer), parameter: None })
    }

    /// The same, for that parameter of the request's query.
    pub(crate) fn in_query(self, parameter: &str) -> Self {
        self.sourced(&Source { pointer: None, parameter: Some(parameter.to_owned()) })
    }

    fn sourced(mut self, source: &Source) -> Self {
        for cause in &mut self.causes {
            cause.source = source.clone();
        }
        self
    }

    /// The same, at that place of the config file.
    fn in_file(mut self, diagnostic: &Diagnostic) -> Self {
        let place = |cause: Cause| cause.in_file(diagnostic.clone());
        self.causes = self.causes.into_iter().map(place).collect();
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
    fn body(&self) -> Body<'_> {
        Body { error: self.class(), errors: Cow::Borrowed(&self.causes) }
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
            ChangeError::Forbidden { code, diagnostic, .. } => {
                let forbidden = Self::forbidden(code, title);
                match diagnostic {
                    Some(diagnostic) => forbidden.in_file(&diagnostic),
                    None => forbidden,
                }
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
        Self::bad_config(rejected.diagnostics.into_iter().filter(is_error))
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
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
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
    use serde_json::{Value, json};

    use super::*;
    use crate::settings::{self, Environment};

    fn body(error: &ApiError) -> Value {
        serde_json::to_value(error.body()).unwrap()
    }

    #[test]
    fn refusal_names_class_status_code_and_place() {
        let error = ApiError::bad_field("wrong_type", "a number is expected", "/inputs/0/url");
        let expected = json!({"error": "bad_request", "errors": [{
            "status": "400", "code": "wrong_type", "title": "a number is expected",
            "source": {"pointer": "/inputs/0/url"},
        }]});
        assert_eq!(body(&error), expected);
    }

    #[test]
    fn rejected_config_names_every_place() {
        let text = "http 1;\nbad;\n  worse;\n";
        let rejected = settings::from_text("a.conf".as_ref(), text, &Environment::default());
        let error = ApiError::from(rejected.unwrap_err());
        let body = body(&error);
        assert_eq!((&body["errors"][1]["line"], &body["errors"][1]["col"]), (&json!(3), &json!(3)));
        assert_eq!(body["errors"][0]["path"], "a.conf");
        assert_eq!(error.to_string(), "unknown word `bad`; unknown word `worse`");
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
