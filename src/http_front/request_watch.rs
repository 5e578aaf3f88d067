//! Where the bytes of a connection stand in its requests, to hold slow clients to their times.
//!
//! The framework times the first head of a connection only, and takes heads far above the limit. So
//! what it reads is followed here: how long a head may be and take, and how long a body, also one
//! that its handler no longer wants.
//!
//! ```text
//!  Between ─ first byte ▸ Head ─ empty line ─┬ no body ▸ Between
//!                          │                 └ body    ▸ Sized | Chunked ─ its end ▸ Between
//!                          └ malformed ▸ Malformed: the framework answers and closes
//! ```
//! Source: RFC 9112 §2.2 (empty lines before a request), §6.3 (length of a body), §7.1 (chunks).
//! Pure.

use std::mem;
use std::time::Duration;

use httparse::Status;
use tokio::time::Instant;

use super::FrontConfig;
use super::head::{FIELDS_PARSED, HeadLimits};

/// What the requests of a connection are held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLimits {
    head: HeadLimits,
    head_timeout: Duration,
    body_timeout: Duration,
}

impl From<&FrontConfig> for RequestLimits {
    fn from(config: &FrontConfig) -> Self {
        Self {
            head: HeadLimits {
                bytes_max: config.head_bytes_max,
                fields_max: config.head_fields_max,
            },
            head_timeout: config.head_timeout,
            // A handler that reads the body answers when its time is over; it comes first.
            body_timeout: config.body_timeout + config.head_timeout,
        }
    }
}

/// The name of the limit that a client broke.
pub(crate) type Broken = &'static str;

/// Follows the requests of one connection.
#[derive(Debug)]
pub(crate) struct RequestWatch {
    limits: RequestLimits,
    phase: Phase,
    deadline: Option<Instant>,
    heads: usize,
}

#[derive(Debug)]
enum Phase {
    Between,
    /// The bytes of a head that is not whole yet.
    Head(Vec<u8>),
    /// So many bytes of a body are missing.
    Sized(u64),
    Chunked(Chunks),
    Malformed,
}

impl RequestWatch {
    pub(crate) const fn new(limits: RequestLimits) -> Self {
        Self { limits, phase: Phase::Between, deadline: None, heads: 0 }
    }

    /// When the head or body that has begun must be whole, and the limit that says so; none for a
    /// body that has no limit.
    pub(crate) fn deadline(&self, is_body_untimed: bool) -> Option<(Instant, Broken)> {
        let limit = match self.phase {
            Phase::Head(_) => "http_head_timeout",
            _ if is_body_untimed => return None,
            _ => "http_body_timeout",
        };
        self.deadline.map(|deadline| (deadline, limit))
    }

    /// How many heads have ended since this was asked last.
    pub(crate) const fn take_heads(&mut self) -> usize {
        mem::replace(&mut self.heads, 0)
    }

    /// Follows `bytes`, read at `now`.
    ///
    /// Errors: the limit that they break.
    pub(crate) fn take(&mut self, mut bytes: &[u8], now: Instant) -> Result<(), Broken> {
        while !bytes.is_empty() {
            let used = match mem::replace(&mut self.phase, Phase::Between) {
                Phase::Between => {
                    self.deadline = Some(now + self.limits.head_timeout);
                    self.take_head(Vec::new(), bytes, now)?
                }
                Phase::Head(held) => self.take_head(held, bytes, now)?,
                Phase::Sized(missing) => self.take_sized(missing, bytes),
                Phase::Chunked(chunks) => self.take_chunked(chunks, bytes),
                Phase::Malformed => {
                    self.phase = Phase::Malformed;
                    bytes.len()
                }
            };
            bytes = bytes.get(used..).unwrap_or_default();
        }
        Ok(())
    }

    fn take_head(
        &mut self,
        mut held: Vec<u8>,
        bytes: &[u8],
        now: Instant,
    ) -> Result<usize, Broken> {
        let held_before = held.len();
        held.extend_from_slice(bytes);
        // A head ends with a line: no byte within one needs another look at all before.
        let read = match bytes.contains(&b'\n') {
            true => read_framing(&held),
            false => Framing::Partial,
        };
        let limits = self.limits.head;
        match read {
            Framing::Whole { len, .. } if len > limits.bytes_max => Err("http_head_size"),
            Framing::Partial if held.len() > limits.bytes_max => Err("http_head_size"),
            Framing::Whole { fields, .. } if fields > limits.fields_max => Err("http_headers"),
            Framing::TooManyFields => Err("http_headers"),
            Framing::Partial => {
                self.phase = Phase::Head(held);
                Ok(bytes.len())
            }
            Framing::Malformed => {
                (self.phase, self.deadline) = (Phase::Malformed, None);
                Ok(bytes.len())
            }
            Framing::Whole { len, body, .. } => {
                let has_body = !matches!(body, Phase::Between);
                self.phase = body;
                self.heads += 1;
                self.deadline = has_body.then(|| now + self.limits.body_timeout);
                Ok(len.saturating_sub(held_before))
            }
        }
    }

    fn take_sized(&mut self, missing: u64, bytes: &[u8]) -> usize {
        let here = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if here < missing {
            self.phase = Phase::Sized(missing - here);
            return bytes.len();
        }
        self.deadline = None;
        usize::try_from(missing).unwrap_or(bytes.len())
    }

    fn take_chunked(&mut self, mut chunks: Chunks, bytes: &[u8]) -> usize {
        let (used, state) = chunks.take(bytes);
        match state {
            ChunksState::Unfinished => self.phase = Phase::Chunked(chunks),
            ChunksState::Finished => self.deadline = None,
            ChunksState::Malformed => (self.phase, self.deadline) = (Phase::Malformed, None),
        }
        used
    }
}

enum Framing {
    Partial,
    Whole { len: usize, fields: usize, body: Phase },
    TooManyFields,
    Malformed,
}

fn read_framing(head: &[u8]) -> Framing {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_PARSED];
    let mut request = httparse::Request::new(&mut fields);
    let len = match request.parse(head) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) => return Framing::Partial,
        Err(httparse::Error::TooManyHeaders) => return Framing::TooManyFields,
        Err(_) => return Framing::Malformed,
    };
    let field = |name: &str| request.headers.iter().find(|f| f.name.eq_ignore_ascii_case(name));
    let body = if field("transfer-encoding").is_some() {
        Phase::Chunked(Chunks::default())
    } else {
        let length = field("content-length").map(|field| std::str::from_utf8(field.value));
        match length.map(|text| text.ok().and_then(|text| text.trim().parse().ok())) {
            None | Some(Some(0)) => Phase::Between,
            Some(Some(length)) => Phase::Sized(length),
            Some(None) => return Framing::Malformed,
        }
    };
    Framing::Whole { len, fields: request.headers.len(), body }
}

/// Where a chunked body stands.
#[derive(Debug, Default)]
struct Chunks {
    /// So much of the chunk's bytes and of the line end behind them is missing.
    missing: u64,
    size: u64,
    is_size_read: bool,
    /// Whether the last chunk was read: the rest is trailer lines up to an empty one.
    is_trailer: bool,
    /// Whether the line has anything in it.
    has_text: bool,
}

enum ChunksState {
    Unfinished,
    Finished,
    Malformed,
}

impl Chunks {
    /// Follows `bytes` up to the end of the body; answers how many that were.
    fn take(&mut self, bytes: &[u8]) -> (usize, ChunksState) {
        let mut used = 0;
        while let Some(byte) = bytes.get(used) {
            if self.missing > 0 {
                let here = u64::try_from(bytes.len() - used).unwrap_or(u64::MAX);
                let skipped = here.min(self.missing);
                self.missing -= skipped;
                used += usize::try_from(skipped).unwrap_or(bytes.len());
                continue;
            }
            used += 1;
            match byte {
                b'\n' if self.is_trailer && !self.has_text => return (used, ChunksState::Finished),
                b'\n' if self.is_trailer => self.has_text = false,
                b'\n' if !self.has_text => return (used, ChunksState::Malformed),
                b'\n' => self.end_size_line(),
                b'\r' => {}
                _ if self.is_trailer => self.has_text = true,
                _ if self.is_size_read => {}
                byte => match char::from(*byte).to_digit(16) {
                    Some(digit) if self.size < 1 << 32 => {
                        self.size = self.size << 4 | u64::from(digit);
                        self.has_text = true;
                    }
                    Some(_) => return (used, ChunksState::Malformed),
                    None => self.is_size_read = true,
                },
            }
        }
        (used, ChunksState::Unfinished)
    }

    fn end_size_line(&mut self) {
        // The bytes of a chunk are followed by a line end of their own.
        let missing = if self.size == 0 { 0 } else { self.size + 2 };
        *self = Self { missing, is_trailer: self.size == 0, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> RequestWatch {
        RequestWatch::new(RequestLimits {
            head: HeadLimits { bytes_max: 256, fields_max: 8 },
            head_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(15),
        })
    }

    fn limit_of(watch: &RequestWatch) -> Option<Broken> {
        watch.deadline(false).map(|(_, limit)| limit)
    }

    #[test]
    fn whole_requests_leave_no_deadline_however_they_are_split() {
        let requests = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n\
            PUT /b HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello\
            PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
            5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n\
            GET /d HTTP/1.1\r\n\r\n";
        for piece in 1..requests.len() {
            let mut watch = watch();
            for bytes in requests.chunks(piece) {
                watch.take(bytes, Instant::now()).unwrap();
            }
            assert!(matches!(watch.phase, Phase::Between), "pieces of {piece}: {watch:?}");
            assert_eq!(watch.deadline(false), None);
            assert_eq!(watch.take_heads(), 4);
        }
    }

    #[test]
    fn a_head_is_timed_from_its_first_byte_also_behind_others() {
        let mut watch = watch();
        let start = Instant::now();
        watch.take(b"GET / HTTP/1.1\r\n\r\nGET / HT", start).unwrap();
        watch.take(b"TP/1.1\r\n", start + Duration::from_secs(4)).unwrap();
        let expected = (start + Duration::from_secs(5), "http_head_timeout");
        assert_eq!(watch.deadline(false), Some(expected));
        assert_eq!(watch.deadline(true), Some(expected), "only bodies have no limit");
    }

    #[test]
    fn a_body_is_timed_until_its_end() {
        for head in ["Content-Length: 9\r\n\r\n1234", "Transfer-Encoding: chunked\r\n\r\n9\r\n12"] {
            let mut watch = watch();
            let request = format!("PUT / HTTP/1.1\r\n{head}");
            watch.take(request.as_bytes(), Instant::now()).unwrap();
            assert_eq!(limit_of(&watch), Some("http_body_timeout"), "{head}");
            assert_eq!(watch.deadline(true), None, "{head}");
        }
    }

    #[test]
    fn heads_over_their_limits_are_named() {
        let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(256));
        assert_eq!(watch().take(long.as_bytes(), Instant::now()), Err("http_head_size"));
        let unended = [b'a'; 257];
        assert_eq!(watch().take(&unended, Instant::now()), Err("http_head_size"));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(9));
        assert_eq!(watch().take(many.as_bytes(), Instant::now()), Err("http_headers"));
    }

    #[test]
    fn what_is_malformed_is_left_to_the_framework() {
        for text in [
            "\x16\x03\x01\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n",
        ] {
            let mut watch = watch();
            watch.take(text.as_bytes(), Instant::now()).unwrap();
            assert!(matches!(watch.phase, Phase::Malformed), "{text:?}: {watch:?}");
            watch.take(&[0; 4096], Instant::now()).unwrap();
            assert_eq!(watch.deadline(false), None);
        }
    }
}
