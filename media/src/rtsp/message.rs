//! Requests as read and responses as written.

use std::fmt::Write;

use bytes::Bytes;

/// What a request asks for. Source: RFC 2326 §10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the method of that name")]
pub enum Method {
    Options,
    Describe,
    Announce,
    Setup,
    Play,
    Pause,
    Record,
    Redirect,
    Teardown,
    GetParameter,
    SetParameter,
    /// A well-formed name that RTSP 1.0 does not have.
    Unknown,
}

impl Method {
    /// Reads a method; names are case-sensitive. `None` where `name` is no token.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "OPTIONS" => Self::Options,
            "DESCRIBE" => Self::Describe,
            "ANNOUNCE" => Self::Announce,
            "SETUP" => Self::Setup,
            "PLAY" => Self::Play,
            "PAUSE" => Self::Pause,
            "RECORD" => Self::Record,
            "REDIRECT" => Self::Redirect,
            "TEARDOWN" => Self::Teardown,
            "GET_PARAMETER" => Self::GetParameter,
            "SET_PARAMETER" => Self::SetParameter,
            _ if is_token(name.as_bytes()) => Self::Unknown,
            _ => return None,
        })
    }
}

/// Header lines in the order of arrival.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The value of the first header called `name`, whatever its case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The values of every header called `name`, whatever its case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// How many header lines there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no header at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    /// The value of the last header line, which a folded line continues.
    pub(crate) fn last_value_mut(&mut self) -> Option<&mut String> {
        self.0.last_mut().map(|(_, value)| value)
    }
}

/// One request, its framing checked, its meaning not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it asks for.
    pub method: Method,
    /// The request URI as sent: visible ASCII, neither empty nor with white space.
    pub target: String,
    /// Whether it is RTSP/1.0; other versions share the framing and are to be refused.
    pub is_version_1_0: bool,
    /// `CSeq`, when it is there and a number. Source: RFC 2326 §12.17.
    pub cseq: Option<u32>,
    /// All header lines.
    pub headers: Headers,
    /// As long as `Content-Length` says.
    pub body: Bytes,
}

/// The status codes this server uses. Source: RFC 2326 §7.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the status of that name")]
pub enum Status {
    Ok,
    Found,
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    /// HTTP's: RTSP has no status of its own for a name that is taken.
    Conflict,
    RequestEntityTooLarge,
    RequestUriTooLarge,
    UnsupportedMediaType,
    ParameterNotUnderstood,
    SessionNotFound,
    MethodNotValidInThisState,
    AggregateNotAllowed,
    OnlyAggregateAllowed,
    UnsupportedTransport,
    NotImplemented,
    ServiceUnavailable,
    VersionNotSupported,
    OptionNotSupported,
}

impl Status {
    /// Code and reason phrase, as the status line has them.
    #[must_use]
    pub const fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::Found => "302 Found",
            Self::BadRequest => "400 Bad Request",
            Self::Unauthorized => "401 Unauthorized",
            Self::Forbidden => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::Conflict => "409 Conflict",
            Self::RequestEntityTooLarge => "413 Request Entity Too Large",
            Self::RequestUriTooLarge => "414 Request-URI Too Large",
            Self::UnsupportedMediaType => "415 Unsupported Media Type",
            Self::ParameterNotUnderstood => "451 Parameter Not Understood",
            Self::SessionNotFound => "454 Session Not Found",
            Self::MethodNotValidInThisState => "455 Method Not Valid in This State",
            Self::AggregateNotAllowed => "459 Aggregate Operation Not Allowed",
            Self::OnlyAggregateAllowed => "460 Only Aggregate Operation Allowed",
            Self::UnsupportedTransport => "461 Unsupported Transport",
            Self::NotImplemented => "501 Not Implemented",
            Self::ServiceUnavailable => "503 Service Unavailable",
            Self::VersionNotSupported => "505 RTSP Version Not Supported",
            Self::OptionNotSupported => "551 Option Not Supported",
        }
    }
}

/// A response in the making.
#[derive(Clone, Debug)]
pub struct Response {
    head: String,
    body: String,
}

impl Response {
    /// Starts with the status line and, where the request had one, the echoed `CSeq`.
    #[must_use]
    pub fn new(status: Status, cseq: Option<u32>) -> Self {
        let mut head = format!("RTSP/1.0 {}\r\n", status.line());
        if let Some(cseq) = cseq {
            let _ = write!(head, "CSeq: {cseq}\r\n");
        }
        head.push_str("Server: Watershed\r\n");
        Self { head, body: String::new() }
    }

    /// Adds a header. Anything but printable ASCII is left out of `value`, so that no value can
    /// begin a line of its own.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.head.push_str(name);
        self.head.push_str(": ");
        self.head.extend(value.chars().filter(|c| matches!(c, ' '..='~')));
        self.head.push_str("\r\n");
        self
    }

    /// Says in words why; the text becomes the body, as the reason phrase is the standard's.
    #[must_use]
    pub fn because(self, reason: &str) -> Self {
        self.body("text/plain", format!("{reason}\r\n"))
    }

    /// Adds a body of this media type.
    #[must_use]
    pub fn body(mut self, media_type: &'static str, body: String) -> Self {
        self.body = body;
        self.header("Content-Type", media_type)
    }

    /// The bytes for the wire.
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        if !self.body.is_empty() {
            let _ = write!(self.head, "Content-Length: {}\r\n", self.body.len());
        }
        self.head.push_str("\r\n");
        self.head.push_str(&self.body);
        Bytes::from(self.head)
    }
}

/// Whether `bytes` is a token. Source: RFC 2326 §15.1, the set of RFC 2616 §2.2.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    let is_token_byte = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    !bytes.is_empty() && bytes.iter().all(is_token_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_case_sensitive_and_unknown_tokens_are_not_errors() {
        assert_eq!(Method::parse("DESCRIBE"), Some(Method::Describe));
        assert_eq!(Method::parse("describe"), Some(Method::Unknown));
        assert_eq!(Method::parse("RTSP/1.0"), None);
        assert_eq!(Method::parse(""), None);
    }

    #[test]
    fn response_echoes_cseq_and_counts_its_body() {
        let bytes = Response::new(Status::NotFound, Some(7)).because("no such stream").into_bytes();
        let wanted = "RTSP/1.0 404 Not Found\r\nCSeq: 7\r\nServer: Watershed\r\n\
            Content-Type: text/plain\r\nContent-Length: 16\r\n\r\nno such stream\r\n";
        assert_eq!(bytes, wanted);
    }

    #[test]
    fn header_value_cannot_begin_a_line() {
        let location = "rtsp://a/b\r\nSet-Cookie: x\0\u{85}";
        let bytes = Response::new(Status::Found, None).header("Location", location).into_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.contains("Location: rtsp://a/bSet-Cookie: x\r\n"), "{text}");
    }
}
