//! Cuts a control connection's bytes into requests and frames, whatever pieces they arrive in.
//!
//! Each byte is looked at once; what is kept is at most one head and one body, or one frame.
//! A frame that lies whole in a piece is handed on as a part of that piece, without a copy.
//! Frames of channels that are not due are passed over without being kept, up to a limit.
//!
//! ```text
//!                              ┌─ due ───▶ Frame(n) ─▶ frame, Between
//!  Between ─ '$' ─▶ FrameHead ─┴─ else ──▶ Skip(n) ──▶ Between
//!     └── other ──▶ Line ─ empty line ─▶ Body(n) ────▶ request, Between
//! ```

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use super::limits::RtspLimits;
use super::message::{Headers, Method, Request, Status, is_token};

/// Why the bytes are no RTSP; the connection cannot go on, as its framing is lost.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// A line without an end within the limit.
    #[error("line over the limit of {limit} bytes")]
    LineTooLong {
        /// The limit.
        limit: usize,
        /// Whether it is the request line.
        is_request_line: bool,
    },
    /// A head without an end within the limit.
    #[error("head over the limit of {limit} bytes")]
    HeadTooLong {
        /// The limit.
        limit: usize,
    },
    /// More header lines than allowed.
    #[error("more than {limit} header lines")]
    TooManyHeaders {
        /// The limit.
        limit: usize,
    },
    /// A body announced as larger than allowed.
    #[error("body of {announced} bytes, limit {limit}")]
    BodyTooLong {
        /// What `Content-Length` says.
        announced: usize,
        /// The limit.
        limit: usize,
    },
    /// More interleaved data than allowed where none is due.
    #[error("more than {limit} bytes of interleaved data for nothing set up")]
    TooMuchInterleaved {
        /// The limit.
        limit: usize,
    },
    /// `Content-Length` is no number of 32 bits, or is given twice with different values.
    #[error("invalid Content-Length")]
    ContentLength,
    /// The first line is not `METHOD URI RTSP/x.y`.
    #[error("malformed request line")]
    RequestLine,
    /// A header line is not `Name: value`, or holds control characters.
    #[error("malformed header line")]
    HeaderLine,
}

impl ReadError {
    /// The status to close with.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::LineTooLong { is_request_line: true, .. } => Status::RequestUriTooLarge,
            Self::BodyTooLong { .. } => Status::RequestEntityTooLarge,
            _ => Status::BadRequest,
        }
    }

    /// The name of the limit that was hit, for counting; `None` for plain nonsense.
    #[must_use]
    pub const fn limit_name(&self) -> Option<&'static str> {
        match self {
            Self::LineTooLong { .. } => Some("rtsp_line"),
            Self::HeadTooLong { .. } => Some("rtsp_head"),
            Self::TooManyHeaders { .. } => Some("rtsp_headers"),
            Self::BodyTooLong { .. } => Some("rtsp_body"),
            Self::TooMuchInterleaved { .. } => Some("rtsp_interleaved"),
            Self::ContentLength | Self::RequestLine | Self::HeaderLine => None,
        }
    }
}

/// What a control connection carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A request.
    Request(Request),
    /// An interleaved frame of a channel that is due. Source: RFC 2326 §10.12.
    Frame {
        /// Its channel.
        channel: u8,
        /// An RTP or RTCP packet, unchecked.
        packet: Bytes,
    },
}

/// Reads requests and frames; see the module's head.
#[derive(Debug)]
pub struct RequestReader {
    limits: RtspLimits,
    state: State,
    line: Vec<u8>,
    head_bytes: usize,
    interleaved_bytes: usize,
    request: Option<Request>,
}

#[derive(Debug)]
enum State {
    /// Before the first byte of a request or frame.
    Between,
    /// Within the request line or a header line.
    Line,
    /// Within the body; what has arrived of it, and its length.
    Body(Vec<u8>, usize),
    /// Within the 4 bytes before interleaved data. Source: RFC 2326 §10.12.
    FrameHead(Vec<u8>),
    /// Within interleaved data that is due; its channel, what has arrived, and its length.
    Frame(u8, BytesMut, usize),
    /// Within interleaved data; the bytes left.
    Skip(usize),
}

impl RequestReader {
    /// Starts before the first byte of a connection.
    #[must_use]
    pub const fn new(limits: RtspLimits) -> Self {
        Self {
            limits,
            state: State::Between,
            line: Vec::new(),
            head_bytes: 0,
            interleaved_bytes: 0,
            request: None,
        }
    }

    /// Takes bytes from the front of `input` until something is complete or `input` is empty.
    ///
    /// `is_due` says of which channels frames are wanted.
    /// Errors: [`ReadError`]; the reader is of no use afterwards.
    pub fn read(
        &mut self,
        input: &mut Bytes,
        is_due: impl Fn(u8) -> bool,
    ) -> Result<Option<Incoming>, ReadError> {
        while let Some(first) = input.first().copied() {
            let complete = match &mut self.state {
                State::Between => {
                    match first {
                        b'$' => self.state = State::FrameHead(Vec::with_capacity(4)),
                        // Empty lines between requests are ignored. Source: RFC 2616 §4.1.
                        b'\r' | b'\n' => input.advance(1),
                        _ => self.state = State::Line,
                    }
                    None
                }
                State::Line => self.read_line(input)?,
                State::Body(body, length) => {
                    let missing = length.saturating_sub(body.len());
                    body.extend_from_slice(&take(input, missing));
                    if body.len() < *length {
                        return Ok(None);
                    }
                    let body = Bytes::from(std::mem::take(body));
                    self.finish(body)
                }
                State::FrameHead(head) => {
                    let missing = 4_usize.saturating_sub(head.len());
                    head.extend_from_slice(&take(input, missing));
                    match *head.as_slice() {
                        [_, channel, high, low] => {
                            let length = usize::from(u16::from_be_bytes([high, low]));
                            self.begin_frame(channel, length, is_due(channel))?;
                            self.read_frame(input)
                        }
                        _ => None,
                    }
                }
                State::Frame(..) => self.read_frame(input),
                State::Skip(left) => {
                    *left = left.saturating_sub(take(input, *left).len());
                    if *left == 0 {
                        self.state = State::Between;
                    }
                    None
                }
            };
            if complete.is_some() {
                return Ok(complete);
            }
        }
        Ok(None)
    }

    /// The `CSeq` of the request that is being read, if it has come by.
    #[must_use]
    pub fn cseq(&self) -> Option<u32> {
        self.request.as_ref().and_then(|request| cseq_of(&request.headers))
    }

    /// Counts a frame nobody waits for as soon as its length is known, so that the limit does not
    /// depend on how the bytes were cut.
    fn begin_frame(&mut self, channel: u8, length: usize, is_due: bool) -> Result<(), ReadError> {
        if is_due {
            self.state = State::Frame(channel, BytesMut::new(), length);
            return Ok(());
        }
        self.interleaved_bytes = self.interleaved_bytes.saturating_add(length).saturating_add(4);
        let limit = self.limits.interleaved_bytes_max;
        if self.interleaved_bytes > limit {
            return Err(ReadError::TooMuchInterleaved { limit });
        }
        self.state = if length == 0 { State::Between } else { State::Skip(length) };
        Ok(())
    }

    /// Completes the frame under way, without a copy where all of it is in `input`.
    fn read_frame(&mut self, input: &mut Bytes) -> Option<Incoming> {
        let State::Frame(channel, begun, length) = &mut self.state else {
            return None;
        };
        let channel = *channel;
        let piece = take(input, length.saturating_sub(begun.len()));
        let packet = if piece.len() == *length {
            piece
        } else {
            begun.reserve(length.saturating_sub(begun.len()));
            begun.extend_from_slice(&piece);
            if begun.len() < *length {
                return None;
            }
            std::mem::take(begun).freeze()
        };
        self.state = State::Between;
        Some(Incoming::Frame { channel, packet })
    }

    fn read_line(&mut self, input: &mut Bytes) -> Result<Option<Incoming>, ReadError> {
        let end = memchr::memchr(b'\n', input);
        let piece = take(input, end.map_or(input.len(), |end| end.saturating_add(1)));
        self.check_line_fits(self.line.len().saturating_add(piece.len()))?;
        self.line.extend_from_slice(&piece);
        if end.is_none() {
            return Ok(None);
        }
        self.head_bytes = self.head_bytes.saturating_add(self.line.len());
        let line = std::mem::take(&mut self.line);
        let result = self.take_line(trim_line_end(&line));
        self.line = line;
        self.line.clear();
        result
    }

    /// Checks the line's length so far. The smaller of what line and head still allow decides,
    /// so that a line that breaks both gives one error, however it was cut.
    fn check_line_fits(&self, line_bytes: usize) -> Result<(), ReadError> {
        let head_left = self.limits.head_bytes_max.saturating_sub(self.head_bytes);
        if line_bytes <= head_left.min(self.limits.line_bytes_max) {
            return Ok(());
        }
        if head_left < self.limits.line_bytes_max {
            return Err(ReadError::HeadTooLong { limit: self.limits.head_bytes_max });
        }
        Err(ReadError::LineTooLong {
            limit: self.limits.line_bytes_max,
            is_request_line: self.request.is_none(),
        })
    }

    fn take_line(&mut self, line: &[u8]) -> Result<Option<Incoming>, ReadError> {
        let Some(request) = &mut self.request else {
            self.request = Some(parse_request_line(line)?);
            return Ok(None);
        };
        if !line.is_empty() {
            return take_header_line(&mut request.headers, line, self.limits.header_count_max)
                .map(|()| None);
        }
        let length = content_length(&request.headers)?;
        let limit = self.limits.body_bytes_max;
        if length > limit {
            return Err(ReadError::BodyTooLong { announced: length, limit });
        }
        if length == 0 {
            return Ok(self.finish(Bytes::new()));
        }
        self.state = State::Body(Vec::new(), length);
        Ok(None)
    }

    fn finish(&mut self, body: Bytes) -> Option<Incoming> {
        self.state = State::Between;
        self.head_bytes = 0;
        self.interleaved_bytes = 0;
        let mut request = self.request.take()?;
        request.cseq = cseq_of(&request.headers);
        request.body = body;
        Some(Incoming::Request(request))
    }
}

/// Takes at most `count` bytes from the front of `input`.
fn take(input: &mut Bytes, count: usize) -> Bytes {
    input.split_to(count.min(input.len()))
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Source: RFC 2326 §6.1. More than one space between the parts is tolerated.
fn parse_request_line(line: &[u8]) -> Result<Request, ReadError> {
    if !line.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(ReadError::RequestLine);
    }
    let text = std::str::from_utf8(line).map_err(|_| ReadError::RequestLine)?;
    let mut parts = text.split_ascii_whitespace();
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(ReadError::RequestLine);
    };
    if !is_version(version) {
        return Err(ReadError::RequestLine);
    }
    Ok(Request {
        method: Method::parse(method).ok_or(ReadError::RequestLine)?,
        target: target.to_owned(),
        is_version_1_0: version == "RTSP/1.0",
        cseq: None,
        headers: Headers::default(),
        body: Bytes::new(),
    })
}

fn is_version(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.strip_prefix("RTSP/")
        .and_then(|number| number.split_once('.'))
        .is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

/// Source: RFC 2326 §4.2, the rules of RFC 822: a line that begins with white space continues the
/// one before.
fn take_header_line(headers: &mut Headers, line: &[u8], limit: usize) -> Result<(), ReadError> {
    let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    if line.iter().any(is_control) {
        return Err(ReadError::HeaderLine);
    }
    if matches!(line.first(), Some(b' ' | b'\t')) {
        let value = headers.last_value_mut().ok_or(ReadError::HeaderLine)?;
        value.push(' ');
        value.push_str(String::from_utf8_lossy(line.trim_ascii()).as_ref());
        return Ok(());
    }
    if headers.len() >= limit {
        return Err(ReadError::TooManyHeaders { limit });
    }
    let colon = line.iter().position(|byte| *byte == b':').ok_or(ReadError::HeaderLine)?;
    let (name, value) = line.split_at_checked(colon).ok_or(ReadError::HeaderLine)?;
    let name = name.trim_ascii_end();
    if !is_token(name) {
        return Err(ReadError::HeaderLine);
    }
    let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
    // Agents exist that send Latin-1 names of themselves; what is not UTF-8 becomes U+FFFD.
    headers.push(
        String::from_utf8_lossy(name).into_owned(),
        String::from_utf8_lossy(value).into_owned(),
    );
    Ok(())
}

fn content_length(headers: &Headers) -> Result<usize, ReadError> {
    let mut lengths = headers.all("Content-Length").map(parse_digits);
    let Some(first) = lengths.next() else {
        return Ok(0);
    };
    let length = first.ok_or(ReadError::ContentLength)?;
    if lengths.any(|other| other != first) {
        return Err(ReadError::ContentLength);
    }
    usize::try_from(length).map_err(|_| ReadError::ContentLength)
}

fn cseq_of(headers: &Headers) -> Option<u32> {
    headers.get("CSeq").and_then(parse_digits)
}

/// Digits alone: `parse` would take a sign.
fn parse_digits(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads what `bytes` hold; no frame is due.
    fn read_all(bytes: &[u8]) -> Result<Vec<Request>, ReadError> {
        let mut bytes = Bytes::copy_from_slice(bytes);
        let mut reader = RequestReader::new(RtspLimits::default());
        let mut requests = Vec::new();
        while !bytes.is_empty() {
            match reader.read(&mut bytes, |_| false)? {
                Some(Incoming::Request(request)) => requests.push(request),
                Some(frame) => panic!("{frame:?}"),
                None => {}
            }
        }
        Ok(requests)
    }

    fn read_one(text: &str) -> Request {
        let mut requests = read_all(text.as_bytes()).unwrap();
        assert_eq!(requests.len(), 1, "{text:?}");
        requests.remove(0)
    }

    #[test]
    fn request_has_method_target_headers_and_body() {
        let request = read_one(
            "ANNOUNCE rtsp://h/cam RTSP/1.0\r\ncseq: 03\r\nContent-Length: 4\r\n\
             User-Agent : Lavf\r\n\r\nv=0\n",
        );
        assert_eq!(request.method, Method::Announce);
        assert_eq!(request.target, "rtsp://h/cam");
        assert_eq!(request.cseq, Some(3));
        assert_eq!(request.headers.get("user-agent"), Some("Lavf"));
        assert_eq!(request.body, "v=0\n");
    }

    #[test]
    fn bare_line_feeds_empty_lines_and_folding_are_tolerated() {
        let request = read_one("\r\n\nOPTIONS  * RTSP/1.0\nCSeq: 1\nX: a\n\tb \n\n");
        assert_eq!(request.headers.get("X"), Some("a b"));
    }

    #[test]
    fn pipelined_requests_come_in_order_with_frames_between_passed_over() {
        let bytes = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n$\x01\x00\x03OPT$\x00\x00\x00\
            PLAY rtsp://h/c RTSP/2.0\r\nCSeq: 2\r\n\r\n";
        let requests = read_all(bytes).unwrap();
        let seen: Vec<_> = requests.iter().map(|r| (r.method, r.cseq, r.is_version_1_0)).collect();
        assert_eq!(seen, [(Method::Options, Some(1), true), (Method::Play, Some(2), false)]);
    }

    #[test]
    fn frames_that_are_due_are_parts_of_the_piece_they_came_in() {
        let mut input =
            Bytes::from_static(b"$\x02\x00\x03abc$\x02\x00\x00$\x05\x00\x01x$\x02\x00\x02de");
        let whole = input.clone();
        let mut reader = RequestReader::new(RtspLimits::default());
        let mut packets = Vec::new();
        while !input.is_empty() {
            if let Some(Incoming::Frame { channel, packet }) =
                reader.read(&mut input, |channel| channel == 2).unwrap()
            {
                assert_eq!(channel, 2);
                packets.push(packet);
            }
        }
        assert_eq!(packets, [&b"abc"[..], b"", b"de"]);
        let inside = whole.as_ptr_range();
        assert!(inside.contains(&packets[0].as_ptr()) && inside.contains(&packets[2].as_ptr()));
    }

    #[test]
    fn malformed_heads_are_refused_with_their_cause() {
        let table = [
            ("\u{16}\u{3}\u{1}\n", ReadError::RequestLine),
            ("GET / HTTP/1.1\r\n", ReadError::RequestLine),
            ("RTSP/1.0 200 OK\r\n", ReadError::RequestLine),
            ("OPTIONS rtsp://h/a b RTSP/1.0\r\n", ReadError::RequestLine),
            ("OPTIONS rtsp://h/ä RTSP/1.0\r\n", ReadError::RequestLine),
            ("OPTIONS * RTSP/1.\r\n", ReadError::RequestLine),
            ("OPTIONS *\rRTSP/1.0\r\n", ReadError::RequestLine),
            ("OPTIONS * RTSP/1.0\r\n folded\r\n", ReadError::HeaderLine),
            ("OPTIONS * RTSP/1.0\r\nno colon\r\n", ReadError::HeaderLine),
            ("OPTIONS * RTSP/1.0\r\n: value\r\n", ReadError::HeaderLine),
            ("OPTIONS * RTSP/1.0\r\nA: \0\r\n", ReadError::HeaderLine),
        ];
        for (text, wanted) in table {
            assert_eq!(read_all(text.as_bytes()), Err(wanted), "{text:?}");
        }
    }

    #[test]
    fn content_length_is_digits_within_the_limit_and_said_once() {
        let head = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n";
        for value in ["-1", "+1", "", "1 2", "0x10", "9223372036854775808", "4294967296"] {
            let text = format!("{head}Content-Length: {value}\r\n\r\n");
            assert_eq!(read_all(text.as_bytes()), Err(ReadError::ContentLength), "{value}");
        }
        let twice = format!("{head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n");
        assert_eq!(read_all(twice.as_bytes()), Err(ReadError::ContentLength));
        let large = format!("{head}Content-Length: 65537\r\n\r\n");
        let wanted = ReadError::BodyTooLong { announced: 65_537, limit: 65_536 };
        assert_eq!(read_all(large.as_bytes()), Err(wanted));
    }

    #[test]
    fn the_longest_line_is_taken_and_one_byte_more_is_not() {
        let fixed = "OPTIONS  RTSP/1.0\r\n".len();
        let line = |length: usize| format!("OPTIONS {} RTSP/1.0\r\n", "*".repeat(length - fixed));
        assert!(read_all(line(4096).as_bytes()).is_ok());
        let error = read_all(line(4097).as_bytes()).unwrap_err();
        assert_eq!(error, ReadError::LineTooLong { limit: 4096, is_request_line: true });
        assert_eq!(error.status(), Status::RequestUriTooLarge);
    }
}
