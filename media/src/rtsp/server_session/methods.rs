//! What each method does.
//!
//! Source: RFC 2326 §10, and appendix A for which is valid when.

use super::events::{Event, Output, RequestId, RtspError, StreamRequest, TrackSetup};
use super::presentation::{Meaning, Presentation};
use super::transport::{Terms, TrackTransport, choose};
use super::{Phase, Question, ServerSession, SetUpTrack, Waiting, send};
use crate::rtsp::authorization::Credentials;
use crate::rtsp::message::{Method, Request, Response, Status};
use crate::rtsp::url::{InvalidTarget, StreamUrl, Target};

/// What this server can be asked. GStreamer's rtspsrc gives up before DESCRIBE where SETUP is
/// missing, and ffmpeg keeps a session alive by `GET_PARAMETER` only where that is named.
const METHODS: &str = "OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, PAUSE, RECORD, TEARDOWN, \
    GET_PARAMETER, SET_PARAMETER";

impl ServerSession {
    pub(super) fn handle(&mut self, request: &Request, outputs: &mut Vec<Output>) {
        let output = match self.check(request) {
            Ok((cseq, target)) => self.dispatch(cseq, &target, request, outputs),
            Err(refusal) => Ok(send(refusal)),
        };
        match output {
            Ok(output) => outputs.push(output),
            Err(error) => self.fail(error, outputs),
        }
    }

    /// Checks what all methods have in common, in the order of RFC 2326: version, `CSeq`, URI,
    /// `Require`, `Session`.
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
        if request.method != Method::Options && !self.is_our_session(request) {
            return Err(refusal(Status::SessionNotFound));
        }
        Ok((cseq, target))
    }

    /// Whether the request names this connection's session, or none where it needs none. Once there
    /// is a session, a client that forgets to name it can only mean that one.
    fn is_our_session(&self, request: &Request) -> bool {
        let has_session = self.phase != Phase::Initial;
        match request.headers.get("Session") {
            Some(named) => has_session && named.split(';').next().map(str::trim) == Some(&self.id),
            None => {
                has_session
                    || !matches!(request.method, Method::Play | Method::Pause | Method::Record)
            }
        }
    }

    /// Gives the answer or the question, or the error that ends the session behind `outputs`.
    fn dispatch(
        &mut self,
        cseq: u32,
        target: &Target,
        request: &Request,
        outputs: &mut Vec<Output>,
    ) -> Result<Output, RtspError> {
        let refuse = |status| Response::new(status, Some(cseq));
        let response = match (request.method, target) {
            (Method::Options, _) => self.respond_ok(cseq).header("Public", METHODS),
            // Empty ones are how clients keep a session alive. Source: RFC 2326 §10.8.
            (Method::GetParameter | Method::SetParameter, _) if request.body.is_empty() => {
                self.respond_ok(cseq)
            }
            (Method::GetParameter | Method::SetParameter, _) => {
                refuse(Status::ParameterNotUnderstood)
            }
            (Method::Describe, Target::Stream(url)) => {
                return Ok(self.ask_describe(cseq, url, request));
            }
            (Method::Announce, Target::Stream(url)) => {
                return self.ask_announce(cseq, url, request, outputs);
            }
            (Method::Setup, Target::Stream(url)) => return Ok(self.setup(cseq, url, request)),
            (Method::Play | Method::Record, _) => return Ok(self.start(cseq, request.method)),
            (Method::Pause, _) => return Ok(self.pause(cseq, outputs)),
            (Method::Teardown, _) => return Ok(self.teardown(cseq, target, outputs)),
            (Method::Describe | Method::Announce | Method::Setup, Target::Server) => {
                refuse(Status::BadRequest).because("* names no stream")
            }
            (Method::Redirect, _) => refuse(Status::MethodNotAllowed).header("Allow", METHODS),
            (Method::Unknown, _) => refuse(Status::NotImplemented).because("unknown method"),
        };
        Ok(send(response))
    }

    fn ask_describe(&mut self, cseq: u32, url: &StreamUrl, request: &Request) -> Output {
        if self.phase != Phase::Initial {
            return not_now(cseq, "tracks are set up already");
        }
        let presentation = Presentation::new(false, url);
        let question = Question::Describe { presentation, target: request.target.clone() };
        let asked = self.stream_request(cseq, url, request, "DESCRIBE", question);
        Output::Event(Event::DescribeRequested(Box::new(asked)))
    }

    fn ask_announce(
        &mut self,
        cseq: u32,
        url: &StreamUrl,
        request: &Request,
        outputs: &mut Vec<Output>,
    ) -> Result<Output, RtspError> {
        if self.phase != Phase::Initial {
            return Ok(not_now(cseq, "tracks are set up already"));
        }
        let media_type = request.headers.get("Content-Type").unwrap_or("application/sdp");
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/sdp") {
            let response = Response::new(Status::UnsupportedMediaType, Some(cseq));
            return Ok(send(response.because("what is announced must be application/sdp")));
        }
        let sdp = String::from_utf8_lossy(&request.body).into_owned();
        let mut presentation = Presentation::new(true, url);
        presentation.set_tracks(&sdp);
        let (announced, limit) = (presentation.track_count(), self.config.limits.track_count_max);
        if announced > limit {
            let error = RtspError::TooManyTracks { announced, limit };
            let response = Response::new(Status::BadRequest, Some(cseq));
            outputs.push(send(response.because(&error.to_string())));
            return Err(error);
        }
        let question = Question::Announce(presentation);
        let asked = self.stream_request(cseq, url, request, "ANNOUNCE", question);
        Ok(Output::Event(Event::AnnounceRequested(Box::new(asked), sdp)))
    }

    fn stream_request(
        &mut self,
        cseq: u32,
        url: &StreamUrl,
        request: &Request,
        method: &str,
        question: Question,
    ) -> StreamRequest {
        let credentials = Credentials::of(request, method, url.query.as_deref(), &self.nonce);
        self.is_nonce_stale = credentials.is_stale();
        StreamRequest {
            request: self.wait(cseq, question),
            path: url.path.clone(),
            query: url.query.clone(),
            user_agent: request.headers.get("User-Agent").map(str::to_owned),
            credentials,
        }
    }

    fn wait(&mut self, cseq: u32, question: Question) -> RequestId {
        let request = RequestId(self.next_request);
        self.next_request = self.next_request.saturating_add(1);
        self.waiting = Some(Waiting { request, cseq, question });
        request
    }

    fn setup(&mut self, cseq: u32, url: &StreamUrl, request: &Request) -> Output {
        let refuse = |status| Response::new(status, Some(cseq));
        let Some(presentation) = &self.presentation else {
            return not_now(cseq, "DESCRIBE or ANNOUNCE comes first");
        };
        if !matches!(self.phase, Phase::Initial | Phase::Ready) {
            return not_now(cseq, "media flows already");
        }
        let track = match presentation.meaning(url) {
            Meaning::Track(track) => track,
            Meaning::Aggregate if presentation.track_count() == 1 => 0,
            Meaning::Aggregate => return send(refuse(Status::AggregateNotAllowed)),
            Meaning::Nothing => return send(refuse(Status::NotFound).because("no such track")),
        };
        if track >= self.config.limits.track_count_max {
            return send(refuse(Status::NotFound).because("too many tracks"));
        }
        let Some(offers) = request.headers.get("Transport") else {
            return send(refuse(Status::BadRequest).because("Transport is missing"));
        };
        let others: Vec<TrackTransport> =
            self.tracks().filter(|other| other.track != track).map(|t| t.transport).collect();
        let terms = Terms {
            client: self.config.client,
            allows_udp: self.config.allows_udp,
            is_record: presentation.is_record,
            others: &others,
        };
        let Some((transport, header)) = choose(offers, &terms) else {
            return send(refuse(Status::UnsupportedTransport));
        };
        let setup = TrackSetup { track, transport };
        let track = SetUpTrack { setup, url: request.target.clone() };
        if transport.is_udp() {
            let id = self.wait(cseq, Question::Udp { track, transport: header });
            return Output::Event(Event::UdpRequested(id, setup));
        }
        send(self.set_up(cseq, track, &header))
    }

    /// Makes `track` part of the session, in place of what it was before, and says so.
    pub(super) fn set_up(&mut self, cseq: u32, track: SetUpTrack, transport: &str) -> Response {
        self.tracks.retain(|other| other.setup.track != track.setup.track);
        self.tracks.push(track);
        self.phase = Phase::Ready;
        let timeout = self.config.limits.keepalive_timeout.as_secs();
        Response::new(Status::Ok, Some(cseq))
            .header("Transport", transport)
            .header("Session", &format!("{};timeout={timeout}", self.id))
    }

    /// PLAY or RECORD. Which track the URL names makes no difference: the tracks of a session start
    /// together, and clients that ask for one after the other get what they want by the first.
    fn start(&mut self, cseq: u32, method: Method) -> Output {
        let is_record = self.presentation.as_ref().is_some_and(|described| described.is_record);
        if is_record != (method == Method::Record) {
            return not_now(cseq, "the session is for the other direction");
        }
        if matches!(self.phase, Phase::Playing | Phase::Recording) {
            return send(self.respond_ok(cseq));
        }
        let tracks = self.tracks().collect();
        Output::Event(if is_record {
            Event::RecordRequested(self.wait(cseq, Question::Record), tracks)
        } else {
            Event::PlayRequested(self.wait(cseq, Question::Play), tracks)
        })
    }

    fn pause(&mut self, cseq: u32, outputs: &mut Vec<Output>) -> Output {
        match self.phase {
            Phase::Initial | Phase::Ready => return not_now(cseq, "nothing flows yet"),
            Phase::Playing | Phase::Recording => outputs.push(Output::Event(Event::Paused)),
            Phase::Paused => {}
        }
        self.phase = Phase::Paused;
        send(self.respond_ok(cseq))
    }

    /// Ends the session, or forgets a track of it that does not flow yet.
    fn teardown(&mut self, cseq: u32, target: &Target, outputs: &mut Vec<Output>) -> Output {
        if let (Some(presentation), Target::Stream(url), [_, _, ..]) =
            (&self.presentation, target, self.tracks.as_slice())
            && let Meaning::Track(track) = presentation.meaning(url)
        {
            if self.phase != Phase::Ready {
                return send(Response::new(Status::OnlyAggregateAllowed, Some(cseq)));
            }
            self.tracks.retain(|other| other.setup.track != track);
            return send(self.respond_ok(cseq));
        }
        outputs.push(send(self.respond_ok(cseq)));
        self.end();
        Output::Event(Event::Ended)
    }
}

fn not_now(cseq: u32, reason: &str) -> Output {
    send(Response::new(Status::MethodNotValidInThisState, Some(cseq)).because(reason))
}
