//! The server's side of one RTSP control connection, as a value.
//!
//! What needs no knowledge of streams is answered here; DESCRIBE and ANNOUNCE become an [`Event`]
//! which the owner answers by [`ServerSession::redirect`] and its siblings. Until it does, what
//! the client sends after is kept unread, so that answers leave in the order of the requests.
//!
//! No media session can be set up yet: SETUP, PLAY and RECORD are 501, and whoever names a session
//! gets 454, as no connection owns one. The owner feeds pieces of at most a few KiB, writes every
//! [`Output::Send`], and closes after [`Event::Failed`] or at [`ServerSession::deadline`].

use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use super::limits::RtspLimits;
use super::message::{Method, Request, Response, Status};
use super::reader::{ReadError, RequestReader};
use super::url::{InvalidTarget, StreamUrl, Target};

/// What this server can be asked. SETUP, PLAY and RECORD are among them because GStreamer's
/// rtspsrc gives up before DESCRIBE, and so before the redirect, where SETUP is missing.
const METHODS: &str = "OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, TEARDOWN, \
    GET_PARAMETER, SET_PARAMETER";

const NO_LOCAL_MEDIA: &str =
    "this node redirects RTSP clients but does not serve media by RTSP yet";

/// Names a request that waits for its answer; never used twice on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(u64);

/// What the session wants done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write these bytes to the client.
    Send(Bytes),
    /// Something the owner has to know or decide.
    Event(Event),
}

/// What happened on the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A client wants to play; to be answered.
    DescribeRequested(StreamRequest),
    /// A client wants to publish; to be answered.
    AnnounceRequested(StreamRequest),
    /// The session is over; close once what was sent before is written.
    Failed(RtspError),
}

/// A request about a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRequest {
    /// To name it in the answer.
    pub request: RequestId,
    /// Path of the URL without the leading `/`, as sent: not checked to be a stream's name.
    pub path: String,
    /// Query of the URL, as sent.
    pub query: Option<String>,
    /// `User-Agent`, as sent.
    pub user_agent: Option<String>,
}

/// Why a session ended, or an answer could not be given.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RtspError {
    /// The client's bytes are no RTSP, or over a limit.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The client goes on sending while an answer is due.
    #[error("more than {limit} bytes behind an unanswered request")]
    HeldTooMuch {
        /// The limit.
        limit: usize,
    },
    /// The client took too long to reach PLAY or RECORD.
    #[error("deadline passed")]
    TimedOut,
    /// Bytes came after [`Event::Failed`].
    #[error("session has ended")]
    Ended,
    /// The answered request does not wait for an answer.
    #[error("request does not wait for an answer")]
    NotWaiting,
}

impl RtspError {
    /// The name of the limit that was hit, for counting.
    #[must_use]
    pub const fn limit_name(&self) -> Option<&'static str> {
        match self {
            Self::Read(error) => error.limit_name(),
            Self::HeldTooMuch { .. } => Some("rtsp_held"),
            Self::TimedOut => Some("rtsp_play_timeout"),
            Self::Ended | Self::NotWaiting => None,
        }
    }
}

/// One control connection; see the module's head.
#[derive(Debug)]
pub struct ServerSession {
    limits: RtspLimits,
    reader: RequestReader,
    waiting: Option<Waiting>,
    held: BytesMut,
    next_request: u64,
    deadline: Instant,
    has_ended: bool,
}

/// The request that waits for its answer.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    request: RequestId,
    cseq: u32,
}

impl ServerSession {
    /// Starts at the accepted connection, at `now`.
    #[must_use]
    pub fn new(limits: RtspLimits, now: Instant) -> Self {
        Self {
            limits,
            reader: RequestReader::new(limits),
            waiting: None,
            held: BytesMut::new(),
            next_request: 0,
            deadline: now.checked_add(limits.play_timeout).unwrap_or(now),
            has_ended: false,
        }
    }

    /// When the owner must close unless something moves this: 10 s after the start.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Takes what the client sent. How the bytes are cut makes no difference to what comes out.
    ///
    /// Errors: [`RtspError::Ended`] after [`Event::Failed`]. Whatever the client does wrong is an
    /// output, as what was answered before it must still be sent.
    pub fn receive(&mut self, bytes: &[u8], now: Instant) -> Result<Vec<Output>, RtspError> {
        if self.has_ended {
            return Err(RtspError::Ended);
        }
        let mut outputs = Vec::new();
        if now >= self.deadline {
            self.fail(RtspError::TimedOut, &mut outputs);
            return Ok(outputs);
        }
        let mut rest = bytes;
        self.read_requests(&mut rest, &mut outputs);
        if self.has_ended {
            return Ok(outputs);
        }
        let limit = self.limits.held_bytes_max;
        if self.held.len().saturating_add(rest.len()) > limit {
            self.fail(RtspError::HeldTooMuch { limit }, &mut outputs);
        } else {
            self.held.extend_from_slice(rest);
        }
        Ok(outputs)
    }

    /// Sends the client to `location` (302).
    ///
    /// Errors: [`RtspError::NotWaiting`], as for all the answers below.
    pub fn redirect(
        &mut self,
        request: RequestId,
        location: &str,
    ) -> Result<Vec<Output>, RtspError> {
        self.answer(request, |cseq| Response::new(Status::Found, cseq).header("Location", location))
    }

    /// Says that nobody has the stream (404).
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn not_found(&mut self, request: RequestId) -> Result<Vec<Output>, RtspError> {
        self.answer(request, |cseq| Response::new(Status::NotFound, cseq))
    }

    /// Asks the client to come back in a second (503).
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn unavailable(&mut self, request: RequestId) -> Result<Vec<Output>, RtspError> {
        self.answer(request, |cseq| {
            Response::new(Status::ServiceUnavailable, cseq).header("Retry-After", "1")
        })
    }

    /// Says that the stream is here but cannot be served by RTSP yet (501).
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn not_implemented(&mut self, request: RequestId) -> Result<Vec<Output>, RtspError> {
        self.answer(request, |cseq| {
            Response::new(Status::NotImplemented, cseq).because(NO_LOCAL_MEDIA)
        })
    }

    /// Says what is wrong with the request (400).
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn bad_request(
        &mut self,
        request: RequestId,
        reason: &str,
    ) -> Result<Vec<Output>, RtspError> {
        self.answer(request, |cseq| Response::new(Status::BadRequest, cseq).because(reason))
    }

    fn answer(
        &mut self,
        request: RequestId,
        response: impl FnOnce(Option<u32>) -> Response,
    ) -> Result<Vec<Output>, RtspError> {
        let waiting = self.waiting.take_if(|waiting| waiting.request == request);
        let cseq = waiting.ok_or(RtspError::NotWaiting)?.cseq;
        let mut outputs = vec![send(response(Some(cseq)))];
        let mut held = std::mem::take(&mut self.held);
        let mut rest: &[u8] = &held;
        self.read_requests(&mut rest, &mut outputs);
        let consumed = held.len().saturating_sub(rest.len());
        held.advance(consumed);
        self.held = held;
        Ok(outputs)
    }

    /// Reads and handles requests until one has to wait or nothing is left.
    fn read_requests(&mut self, rest: &mut &[u8], outputs: &mut Vec<Output>) {
        while self.waiting.is_none() && !rest.is_empty() {
            match self.reader.read(rest) {
                Ok(Some(request)) => outputs.push(self.handle(&request)),
                Ok(None) => {}
                Err(error) => {
                    let response = Response::new(error.status(), self.reader.cseq());
                    let response = response.header("Connection", "close");
                    outputs.push(send(response.because(&error.to_string())));
                    return self.fail(error.into(), outputs);
                }
            }
        }
    }

    fn fail(&mut self, error: RtspError, outputs: &mut Vec<Output>) {
        self.has_ended = true;
        self.waiting = None;
        self.held = BytesMut::new();
        outputs.push(Output::Event(Event::Failed(error)));
    }

    fn handle(&mut self, request: &Request) -> Output {
        let response = match self.check(request) {
            Ok((cseq, target)) => match (request.method, target) {
                (Method::Describe, Target::Stream(url)) => {
                    return Output::Event(Event::DescribeRequested(self.wait(cseq, url, request)));
                }
                (Method::Announce, Target::Stream(url)) => {
                    return Output::Event(Event::AnnounceRequested(self.wait(cseq, url, request)));
                }
                (method, target) => respond(method, &target, request, cseq),
            },
            Err(refusal) => refusal,
        };
        send(response)
    }

    /// Checks what all methods have in common, in the order of RFC 2326: version, `CSeq`, URI,
    /// `Require`, `Session`.
    #[expect(clippy::unused_self, reason = "sessions that SETUP creates are looked up here")]
    fn check(&self, request: &Request) -> Result<(u32, Target), Response> {
        let refusal = |status| Response::new(status, request.cseq);
        if !request.is_version_1_0 {
            return Err(refusal(Status::VersionNotSupported));
        }
        let cseq = request
            .cseq
            .ok_or_else(|| refusal(Status::BadRequest).because("CSeq is missing or no number"))?;
        let bad_target =
            |error: InvalidTarget| refusal(Status::BadRequest).because(&error.to_string());
        let target = Target::parse(&request.target).map_err(bad_target)?;
        // No feature has been registered that we would have. Source: RFC 2326 §12.32.
        if let Some(feature) = request.headers.get("Require") {
            return Err(refusal(Status::OptionNotSupported).header("Unsupported", feature));
        }
        // A session belongs to the connection that set it up. Source: RFC 2326 §11.3.5.
        if request.headers.get("Session").is_some() && request.method != Method::Options {
            return Err(refusal(Status::SessionNotFound));
        }
        Ok((cseq, target))
    }

    fn wait(&mut self, cseq: u32, url: StreamUrl, request: &Request) -> StreamRequest {
        let id = RequestId(self.next_request);
        self.next_request = self.next_request.saturating_add(1);
        self.waiting = Some(Waiting { request: id, cseq });
        StreamRequest {
            request: id,
            path: url.path,
            query: url.query,
            user_agent: request.headers.get("User-Agent").map(str::to_owned),
        }
    }
}

/// Answers what needs no knowledge of streams. Source: RFC 2326 §10.
fn respond(method: Method, target: &Target, request: &Request, cseq: u32) -> Response {
    let response = |status| Response::new(status, Some(cseq));
    match method {
        Method::Options => response(Status::Ok).header("Public", METHODS),
        // Empty ones are how clients keep a connection alive. Source: RFC 2326 §10.8.
        Method::GetParameter | Method::SetParameter if request.body.is_empty() => {
            response(Status::Ok)
        }
        Method::GetParameter | Method::SetParameter => response(Status::ParameterNotUnderstood),
        Method::Teardown => response(Status::Ok),
        Method::Pause | Method::Redirect => {
            response(Status::MethodNotAllowed).header("Allow", METHODS)
        }
        Method::Unknown => response(Status::NotImplemented).because("unknown method"),
        _ if *target == Target::Server => response(Status::BadRequest).because("* names no stream"),
        Method::Setup | Method::Play | Method::Record | Method::Describe | Method::Announce => {
            response(Status::NotImplemented).because(NO_LOCAL_MEDIA)
        }
    }
}

fn send(response: Response) -> Output {
    Output::Send(response.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> (ServerSession, Instant) {
        let now = Instant::now();
        (ServerSession::new(RtspLimits::default(), now), now)
    }

    /// The status lines sent for `text`, and the events.
    fn exchange(text: &str) -> (Vec<String>, Vec<Event>) {
        let (mut session, now) = session();
        split(session.receive(text.as_bytes(), now).unwrap())
    }

    fn split(outputs: Vec<Output>) -> (Vec<String>, Vec<Event>) {
        let (mut sent, mut events) = (Vec::new(), Vec::new());
        for output in outputs {
            match output {
                Output::Send(bytes) => sent.push(String::from_utf8(bytes.to_vec()).unwrap()),
                Output::Event(event) => events.push(event),
            }
        }
        (sent, events)
    }

    #[test]
    fn every_method_has_its_status() {
        let table = [
            ("OPTIONS * RTSP/1.0\r\nCSeq: 1", "200 OK"),
            ("OPTIONS rtsp://h/c RTSP/1.0\r\nCSeq: 1\r\nSession: 9", "200 OK"),
            ("GET_PARAMETER rtsp://h/c RTSP/1.0\r\nCSeq: 1", "200 OK"),
            ("GET_PARAMETER rtsp://h/c RTSP/1.0\r\nCSeq: 1\r\nSession: 9", "454"),
            ("TEARDOWN rtsp://h/c RTSP/1.0\r\nCSeq: 1", "200 OK"),
            ("TEARDOWN rtsp://h/c RTSP/1.0\r\nCSeq: 1\r\nSession: 9", "454"),
            ("SETUP rtsp://h/c/trackID=0 RTSP/1.0\r\nCSeq: 1", "501"),
            ("PLAY rtsp://h/c RTSP/1.0\r\nCSeq: 1", "501"),
            ("RECORD rtsp://h/c RTSP/1.0\r\nCSeq: 1", "501"),
            ("SETUP * RTSP/1.0\r\nCSeq: 1", "400"),
            ("DESCRIBE * RTSP/1.0\r\nCSeq: 1", "400"),
            ("PAUSE rtsp://h/c RTSP/1.0\r\nCSeq: 1", "405"),
            ("REDIRECT rtsp://h/c RTSP/1.0\r\nCSeq: 1", "405"),
            ("FETCH rtsp://h/c RTSP/1.0\r\nCSeq: 1", "501"),
            ("OPTIONS * RTSP/2.0\r\nCSeq: 1", "505"),
            ("OPTIONS * RTSP/1.0", "400"),
            ("OPTIONS * RTSP/1.0\r\nCSeq: x", "400"),
            ("DESCRIBE http://h/c RTSP/1.0\r\nCSeq: 1", "400"),
            ("DESCRIBE rtsp://h/c RTSP/1.0\r\nCSeq: 1\r\nRequire: x", "551"),
        ];
        for (head, wanted) in table {
            let (sent, events) = exchange(&format!("{head}\r\n\r\n"));
            assert!(events.is_empty(), "{head}");
            let [sent] = &sent[..] else { panic!("{head}: {sent:?}") };
            assert!(sent.starts_with(&format!("RTSP/1.0 {wanted}")), "{head}: {}", sent);
            let echoes = sent.contains("\r\nCSeq: 1\r\n");
            assert_eq!(echoes, head.contains("CSeq: 1"), "{head}: {}", sent);
        }
    }

    #[test]
    fn describe_asks_the_owner_and_the_redirect_carries_the_location() {
        let (mut session, now) = session();
        let text = "DESCRIBE rtsp://h:1/a/cam?token=t RTSP/1.0\r\nCSeq: 2\r\nUser-Agent: L\r\n\r\n";
        let (sent, events) = split(session.receive(text.as_bytes(), now).unwrap());
        assert!(sent.is_empty());
        let [Event::DescribeRequested(asked)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(asked.path, "a/cam");
        assert_eq!(asked.query.as_deref(), Some("token=t"));
        assert_eq!(asked.user_agent.as_deref(), Some("L"));
        let location = "rtsp://b:8554/a/cam?token=t&_via=1";
        let (sent, _) = split(session.redirect(asked.request, location).unwrap());
        let wanted = format!(
            "RTSP/1.0 302 Found\r\nCSeq: 2\r\nServer: Watershed\r\nLocation: {location}\r\n\r\n"
        );
        assert_eq!(sent, [wanted]);
        assert_eq!(session.redirect(asked.request, location), Err(RtspError::NotWaiting));
    }

    #[test]
    fn requests_behind_an_unanswered_one_are_answered_after_it() {
        let (mut session, now) = session();
        let text = "DESCRIBE rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\n\r\n\
            OPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\nANNOUNCE rtsp://h/b RTSP/1.0\r\nCSeq: 3\r\n\r\n";
        let (sent, events) = split(session.receive(text.as_bytes(), now).unwrap());
        let [Event::DescribeRequested(first)] = &events[..] else { panic!("{events:?}") };
        assert!(sent.is_empty());
        let (sent, events) = split(session.unavailable(first.request).unwrap());
        let [first, second] = &sent[..] else { panic!("{sent:?}") };
        assert!(first.contains("503 Service Unavailable\r\nCSeq: 1\r\n"), "{sent:?}");
        assert!(first.contains("Retry-After: 1\r\n"), "{sent:?}");
        assert!(second.contains("CSeq: 2\r\n"), "{sent:?}");
        let [Event::AnnounceRequested(last)] = &events[..] else { panic!("{events:?}") };
        let (sent, _) = split(session.bad_request(last.request, "no\r\nname").unwrap());
        assert!(sent.concat().contains("400 Bad Request\r\nCSeq: 3\r\n"), "{sent:?}");
    }

    #[test]
    fn client_that_comes_after_the_deadline_is_too_late() {
        let (mut session, now) = session();
        assert_eq!(session.deadline(), now + RtspLimits::default().play_timeout);
        let late = session.deadline();
        let failed = Output::Event(Event::Failed(RtspError::TimedOut));
        assert_eq!(session.receive(b"O", late), Ok(vec![failed]));
        assert_eq!(session.receive(b"P", late), Err(RtspError::Ended));
    }
}
