//! The head of an HTTP/1 request, read just far enough to see whether it can be answered at once.
//!
//! Source: RFC 9112 §3 (request line), §5 (fields), §9.3 (persistence). Pure.

use httparse::Status;

/// Bounds on a request's head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadLimits {
    /// Most bytes up to and including the empty line.
    pub(crate) bytes_max: usize,
    /// Most fields.
    pub(crate) fields_max: usize,
}

/// More fields than any configured limit, so that the parser's table can be fixed.
pub(super) const FIELDS_PARSED: usize = 128;

/// What a buffer begins with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeadRead<'a> {
    /// No empty line yet.
    Partial,
    /// A head that an immediate answer may be given to.
    Simple(SimpleHead<'a>),
    /// Anything else: the framework's business.
    Other,
    /// More bytes than allowed.
    TooLarge,
    /// More fields than allowed.
    TooManyFields,
}

/// The head of a request without a body: GET over HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SimpleHead<'a> {
    /// Path and query as sent.
    pub(crate) target: &'a str,
    /// The `User-Agent` field, if it is text.
    pub(crate) user_agent: Option<&'a str>,
    /// Whether the client sends more requests on this connection.
    pub(crate) persists: bool,
    /// Bytes of the head.
    pub(crate) len: usize,
}

/// Reads the head that `buffer` begins with.
pub(crate) fn read_head(buffer: &[u8], limits: HeadLimits) -> HeadRead<'_> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_PARSED];
    let mut request = httparse::Request::new(&mut fields);
    let len = match request.parse(buffer) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) if buffer.len() > limits.bytes_max => return HeadRead::TooLarge,
        Ok(Status::Partial) => return HeadRead::Partial,
        Err(httparse::Error::TooManyHeaders) => return HeadRead::TooManyFields,
        Err(_) => return HeadRead::Other,
    };
    if len > limits.bytes_max {
        return HeadRead::TooLarge;
    }
    if request.headers.len() > limits.fields_max {
        return HeadRead::TooManyFields;
    }
    simple_head(&request, len).map_or(HeadRead::Other, HeadRead::Simple)
}

fn simple_head<'a>(request: &httparse::Request<'_, 'a>, len: usize) -> Option<SimpleHead<'a>> {
    let is_get = request.method == Some("GET") && request.version == Some(1);
    let target = request.path.filter(|target| is_get && target.starts_with('/'))?;
    let mut user_agent = None;
    let (mut hosts, mut persists) = (0, true);
    for field in request.headers.iter() {
        let name = field.name;
        if name.eq_ignore_ascii_case("user-agent") {
            user_agent = std::str::from_utf8(field.value).ok();
        } else if name.eq_ignore_ascii_case("host") {
            hosts += 1;
        } else if name.eq_ignore_ascii_case("connection") {
            persists = !field.value.eq_ignore_ascii_case(b"close");
            if persists && !field.value.eq_ignore_ascii_case(b"keep-alive") {
                return None;
            }
        } else if changes_the_exchange(name) {
            return None;
        }
    }
    (hosts == 1).then_some(SimpleHead { target, user_agent, persists, len })
}

/// Whether a field makes the request more than a plain GET: a body, a proxy in front, another
/// protocol.
fn changes_the_exchange(name: &str) -> bool {
    const FIELDS: [&str; 8] = [
        "content-length",
        "transfer-encoding",
        "upgrade",
        "expect",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-proto",
        "authorization",
    ];
    FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits { bytes_max: 1024, fields_max: 8 };

    #[test]
    fn plain_get_is_simple() {
        let head =
            b"GET /cam1/index.m3u8?a=1 HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/8\r\n\r\nrest";
        let HeadRead::Simple(simple) = read_head(head, LIMITS) else { panic!("not simple") };
        assert_eq!(simple.target, "/cam1/index.m3u8?a=1");
        assert_eq!(simple.user_agent, Some("curl/8"));
        assert!(simple.persists);
        assert_eq!(simple.len, head.len() - 4);
    }

    #[test]
    fn client_says_whether_it_stays() {
        for (value, wanted) in [("close", false), ("Close", false), ("keep-alive", true)] {
            let head = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: {value}\r\n\r\n");
            let HeadRead::Simple(simple) = read_head(head.as_bytes(), LIMITS) else {
                panic!("{value} is not simple");
            };
            assert_eq!(simple.persists, wanted);
        }
    }

    #[test]
    fn anything_more_than_a_plain_get_is_left_to_the_framework() {
        for head in [
            "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "\x16\x03\x01 garbage\r\n\r\n",
        ] {
            assert_eq!(read_head(head.as_bytes(), LIMITS), HeadRead::Other, "{head:?}");
        }
    }

    #[test]
    fn unfinished_heads_wait_until_they_are_too_large() {
        assert_eq!(read_head(b"GET / HT", LIMITS), HeadRead::Partial);
        let endless = format!("GET /{} HTTP/1.1\r\n", "a".repeat(2000));
        assert_eq!(read_head(endless.as_bytes(), LIMITS), HeadRead::TooLarge);
        let whole = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(2000));
        assert_eq!(read_head(whole.as_bytes(), LIMITS), HeadRead::TooLarge);
    }

    #[test]
    fn too_many_fields_are_named_as_such() {
        for count in [9, 200] {
            let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count));
            let limits = HeadLimits { bytes_max: 4096, ..LIMITS };
            assert_eq!(read_head(head.as_bytes(), limits), HeadRead::TooManyFields);
        }
    }
}
