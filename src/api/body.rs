//! Reads a request's body: bounded in size and time, and JSON or text.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use futures_util::StreamExt as _;
use serde_json::Value;
use watershed_actors::limits::LimitHits;

use super::error::ApiError;

/// What a body is held to.
#[derive(Clone, Debug)]
pub(crate) struct BodyLimits {
    /// Most bytes.
    pub(crate) bytes_max: usize,
    /// The name of that limit.
    pub(crate) bytes_limit: &'static str,
    /// Time until its end.
    pub(crate) timeout: Duration,
    /// Counts each time that a body goes beyond.
    pub(crate) hits: LimitHits,
}

impl BodyLimits {
    fn too_large(&self) -> ApiError {
        self.hits.hit(self.bytes_limit);
        ApiError::body_too_large(self.bytes_max)
    }

    fn too_slow(&self) -> ApiError {
        self.hits.hit("http_body_timeout");
        ApiError::body_too_slow()
    }
}

/// Reads the body as a JSON object.
///
/// Errors: 413 above the limit, 408 when it does not come in time, 400 when it is no object.
pub(crate) async fn read_object(
    request: &HttpRequest,
    payload: web::Payload,
    limits: BodyLimits,
) -> Result<Value, ApiError> {
    object(&read_plain(request, payload, limits).await?)
}

/// Reads the body as text in UTF-8.
///
/// Errors: 413 above the limit, 408 when it does not come in time, 400 when it is no text.
pub(crate) async fn read_text(
    request: &HttpRequest,
    payload: web::Payload,
    limits: BodyLimits,
) -> Result<String, ApiError> {
    let bytes = read_plain(request, payload, limits).await?;
    let no_text = |_| ApiError::bad_request("invalid_text", "the body is no text in UTF-8");
    String::from_utf8(bytes).map_err(no_text)
}

/// Reads a body that is not compressed.
async fn read_plain(
    request: &HttpRequest,
    payload: web::Payload,
    limits: BodyLimits,
) -> Result<Vec<u8>, ApiError> {
    let encoding = request.headers().get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding != "identity") {
        let title = "a body must be sent as it is, without Content-Encoding";
        return Err(ApiError::bad_request("unsupported_encoding", title));
    }
    read(request, payload, limits).await
}

/// Reads the body as it is.
///
/// Errors: 413 above the limit, 408 when it does not come in time, 400 when it breaks off.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    limits: BodyLimits,
) -> Result<Vec<u8>, ApiError> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let announced = announced.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if announced.is_some_and(|bytes| bytes > limits.bytes_max) {
        return Err(limits.too_large());
    }
    let reading = collect(payload, &limits);
    let in_time = actix_web::rt::time::timeout(limits.timeout, reading).await;
    in_time.map_err(|_| limits.too_slow())?
}

async fn collect(mut payload: web::Payload, limits: &BodyLimits) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(piece) = payload.next().await {
        let broke_off = |_| ApiError::bad_request("body_broke_off", "the body broke off");
        let piece = piece.map_err(broke_off)?;
        if body.len() + piece.len() > limits.bytes_max {
            return Err(limits.too_large());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// Reads JSON whose outermost value is an object.
fn object(bytes: &[u8]) -> Result<Value, ApiError> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        let title = format!("the body is no JSON: {error}");
        ApiError::bad_field("invalid_json", title, "")
    })?;
    if value.is_object() {
        return Ok(value);
    }
    Err(ApiError::bad_field("wrong_type", "the body must be a JSON object", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_are_taken() {
        assert!(object(b"{\"a\":1}").is_ok());
        for (bytes, code) in [
            (&b"[1]"[..], "wrong_type"),
            (b"", "invalid_json"),
            (b"{", "invalid_json"),
            (b"\xff", "invalid_json"),
            (&[b'['; 100_000], "invalid_json"),
        ] {
            let error = object(bytes).unwrap_err();
            assert!(format!("{error:?}").contains(code), "{error:?}");
        }
    }
}
