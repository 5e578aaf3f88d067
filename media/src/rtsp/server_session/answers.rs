//! What the owner of a session may answer to its requests.
//!
//! All of them give what is to be done next, as requests that came behind are read then, and fail
//! with [`RtspError::NotWaiting`] where the request does not wait for such an answer.

use std::fmt::Write;

use super::events::{Output, RequestId, RtspError, TrackStart};
use super::presentation::content_base;
use super::{Phase, Question, ServerSession, SetUpTrack, Waiting, send};
use crate::rtsp::authorization::challenges;
use crate::rtsp::message::{Response, Status};

impl ServerSession {
    /// Describes the stream to a player. Tracks are numbered in the order of the `m=` lines, and
    /// found by their `a=control`.
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn describe(&mut self, request: RequestId, sdp: String) -> Result<Vec<Output>, RtspError> {
        let is_asked = |question: &Question| matches!(question, Question::Describe { .. });
        let Waiting { cseq, question: Question::Describe { mut presentation, target }, .. } =
            self.take_waiting(request, is_asked)?
        else {
            return Err(RtspError::NotWaiting);
        };
        presentation.set_tracks(&sdp);
        self.presentation = Some(presentation);
        let response = Response::new(Status::Ok, Some(cseq))
            .header("Content-Base", &content_base(&target))
            .body("application/sdp", sdp);
        Ok(self.proceed(response))
    }

    /// Lets a publisher go on to set up its tracks.
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn accept_announce(&mut self, request: RequestId) -> Result<Vec<Output>, RtspError> {
        let is_asked = |question: &Question| matches!(question, Question::Announce(_));
        let Waiting { cseq, question: Question::Announce(presentation), .. } =
            self.take_waiting(request, is_asked)?
        else {
            return Err(RtspError::NotWaiting);
        };
        self.presentation = Some(presentation);
        Ok(self.proceed(Response::new(Status::Ok, Some(cseq))))
    }

    /// Sets a track up whose packets come from and go to these ports of the server, for RTP and
    /// RTCP. `ssrc` is the synchronization source of what is sent, where it is known.
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn set_up_udp(
        &mut self,
        request: RequestId,
        (rtp_port, rtcp_port): (u16, u16),
        ssrc: Option<u32>,
    ) -> Result<Vec<Output>, RtspError> {
        let is_asked = |question: &Question| matches!(question, Question::Udp { .. });
        let Waiting { cseq, question: Question::Udp { track, mut transport }, .. } =
            self.take_waiting(request, is_asked)?
        else {
            return Err(RtspError::NotWaiting);
        };
        let _ = write!(transport, ";server_port={rtp_port}-{rtcp_port}");
        if let Some(ssrc) = ssrc {
            let _ = write!(transport, ";ssrc={ssrc:08X}");
        }
        let response = self.set_up(cseq, track, &transport);
        Ok(self.proceed(response))
    }

    /// Refuses UDP (461); clients that can then try TCP.
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn refuse_udp(&mut self, request: RequestId) -> Result<Vec<Output>, RtspError> {
        self.refuse(request, |cseq| Response::new(Status::UnsupportedTransport, cseq))
    }

    /// Starts to play; interleaved packets may be written behind the answer. `starts` are those of
    /// the tracks whose first packet is known.
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn play(
        &mut self,
        request: RequestId,
        starts: &[TrackStart],
    ) -> Result<Vec<Output>, RtspError> {
        let is_asked = |question: &Question| matches!(question, Question::Play);
        let waiting = self.take_waiting(request, is_asked)?;
        self.phase = Phase::Playing;
        // Players read `npt=now-` as a time, or not at all; live streams begin at 0 everywhere.
        let response = self.respond_ok(waiting.cseq).header("Range", "npt=0.000-");
        let response = match self.rtp_info(starts) {
            info if info.is_empty() => response,
            info => response.header("RTP-Info", &info),
        };
        Ok(self.proceed(response))
    }

    /// Starts to record.
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn record(&mut self, request: RequestId) -> Result<Vec<Output>, RtspError> {
        let is_asked = |question: &Question| matches!(question, Question::Record);
        let waiting = self.take_waiting(request, is_asked)?;
        self.phase = Phase::Recording;
        let response = self.respond_ok(waiting.cseq);
        Ok(self.proceed(response))
    }

    /// Sends the client to `location` (302).
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn redirect(
        &mut self,
        request: RequestId,
        location: &str,
    ) -> Result<Vec<Output>, RtspError> {
        self.refuse(request, |cseq| Response::new(Status::Found, cseq).header("Location", location))
    }

    /// Says that nobody has the stream (404).
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn not_found(&mut self, request: RequestId) -> Result<Vec<Output>, RtspError> {
        self.refuse(request, |cseq| Response::new(Status::NotFound, cseq))
    }

    /// Asks the client to come back in a second (503).
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn unavailable(&mut self, request: RequestId) -> Result<Vec<Output>, RtspError> {
        self.refuse(request, |cseq| {
            Response::new(Status::ServiceUnavailable, cseq).header("Retry-After", "1")
        })
    }

    /// Asks for a password, or for a better one (401).
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn unauthorized(&mut self, request: RequestId) -> Result<Vec<Output>, RtspError> {
        let challenges = challenges(&self.nonce, self.is_nonce_stale);
        self.refuse(request, |cseq| {
            let response = Response::new(Status::Unauthorized, cseq);
            let add = |response: Response, challenge: &String| {
                response.header("WWW-Authenticate", challenge)
            };
            challenges.iter().fold(response, add)
        })
    }

    /// Says that this must not be done, whoever asks (403).
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn forbidden(
        &mut self,
        request: RequestId,
        reason: &str,
    ) -> Result<Vec<Output>, RtspError> {
        self.refuse(request, |cseq| Response::new(Status::Forbidden, cseq).because(reason))
    }

    /// Says that someone else publishes under the name (409).
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn busy(&mut self, request: RequestId, reason: &str) -> Result<Vec<Output>, RtspError> {
        self.refuse(request, |cseq| Response::new(Status::Conflict, cseq).because(reason))
    }

    /// Says that nothing in the announced SDP can be taken (415).
    ///
    /// Errors: [`RtspError::NotWaiting`].
    pub fn unsupported_media(
        &mut self,
        request: RequestId,
        reason: &str,
    ) -> Result<Vec<Output>, RtspError> {
        self.refuse(request, |cseq| {
            Response::new(Status::UnsupportedMediaType, cseq).because(reason)
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
        self.refuse(request, |cseq| Response::new(Status::BadRequest, cseq).because(reason))
    }

    /// Answers any question, and leaves the session as it was.
    fn refuse(
        &mut self,
        request: RequestId,
        response: impl FnOnce(Option<u32>) -> Response,
    ) -> Result<Vec<Output>, RtspError> {
        let cseq = self.take_waiting(request, |_| true)?.cseq;
        Ok(self.proceed(response(Some(cseq))))
    }

    fn take_waiting(
        &mut self,
        request: RequestId,
        is_asked: impl FnOnce(&Question) -> bool,
    ) -> Result<Waiting, RtspError> {
        self.waiting
            .take_if(|waiting| waiting.request == request && is_asked(&waiting.question))
            .ok_or(RtspError::NotWaiting)
    }

    /// Sends the answer, and reads what came behind the request.
    fn proceed(&mut self, response: Response) -> Vec<Output> {
        let mut outputs = vec![send(response)];
        let mut rest = std::mem::take(&mut self.held).freeze();
        self.read_all(&mut rest, &mut outputs);
        if !self.has_ended {
            self.held = rest.try_into_mut().unwrap_or_else(|shared| shared.as_ref().into());
        }
        outputs
    }

    /// The URLs are those the client set the tracks up by, as ffmpeg compares them literally.
    fn rtp_info(&self, starts: &[TrackStart]) -> String {
        let mut info = String::new();
        for SetUpTrack { setup, url } in &self.tracks {
            let Some(start) = starts.iter().find(|start| start.track == setup.track) else {
                continue;
            };
            let comma = if info.is_empty() { "" } else { "," };
            let TrackStart { sequence, timestamp, .. } = start;
            let _ = write!(info, "{comma}url={url};seq={sequence};rtptime={timestamp}");
        }
        info
    }
}
