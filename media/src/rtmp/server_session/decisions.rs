//! What the owner of a session may answer to its requests.

use bytes::BytesMut;

use super::answers;
use super::events::{Output, RequestId, RtmpError};
use super::{Asked, Phase, Role, ServerSession};
use crate::rtmp::chunk_writer::chunk_stream;
use crate::rtmp::live::CHUNK_BYTES;
use crate::rtmp::message::{MessageKind, event};

impl ServerSession {
    /// Lets the peer in.
    ///
    /// Errors: [`RtmpError::NotAsked`], or what the bytes that waited lead to.
    pub fn accept_connect(&mut self) -> Result<Vec<Output>, RtmpError> {
        let Some(Asked::Connect { transaction, is_enhanced }) = self.asked else {
            return Err(RtmpError::NotAsked);
        };
        if let Some(client) = &mut self.client {
            client.is_accepted = true;
        }
        // The order that ffmpeg and old Flash players expect.
        let window = self.config.window_bytes.to_be_bytes();
        self.control(MessageKind::WindowAcknowledgementSize, &window);
        let [a, b, c, d] = window;
        self.control(MessageKind::SetPeerBandwidth, &[a, b, c, d, 2]);
        self.writer.set_chunk_size(CHUNK_BYTES, &mut self.out);
        self.command(&answers::connect_result(transaction, is_enhanced));
        self.resume()
    }

    /// Sends the peer to `full_url` instead of letting it in.
    ///
    /// Errors: [`RtmpError::NotAsked`].
    pub fn redirect_connect(&mut self, full_url: &str) -> Result<Vec<Output>, RtmpError> {
        self.refuse_connect("the stream is on another node", Some(full_url))
    }

    /// Turns the peer away.
    ///
    /// Errors: [`RtmpError::NotAsked`].
    pub fn reject_connect(&mut self, description: &str) -> Result<Vec<Output>, RtmpError> {
        self.refuse_connect(description, None)
    }

    /// Lets the peer publish; media follows as `Event::Item`.
    ///
    /// Errors: [`RtmpError::NotAsked`], or what the bytes that waited lead to.
    pub fn accept_publish(&mut self, request: RequestId) -> Result<Vec<Output>, RtmpError> {
        let stream_id = self.asked_stream(request)?;
        let Some(Asked::Publish { .. }) = self.asked else {
            return Err(RtmpError::NotAsked);
        };
        self.reader.set_granted(true);
        self.role = Role::Publisher { stream_id, demuxer: Box::default() };
        self.stream_event(event::STREAM_BEGIN, stream_id);
        if self.client.as_ref().is_some_and(|client| client.uses_fc_publish) {
            self.command(&answers::on_fc_publish());
        }
        self.status(stream_id, "NetStream.Publish.Start", "publishing");
        self.resume()
    }

    /// Refuses to let the peer publish, with a code such as `NetStream.Publish.BadName`.
    ///
    /// Errors: [`RtmpError::NotAsked`], or what the bytes that waited lead to.
    pub fn reject_publish(
        &mut self,
        request: RequestId,
        code: &str,
        description: &str,
    ) -> Result<Vec<Output>, RtmpError> {
        self.reject(request, code, description)
    }

    /// Lets the peer play: behind the bytes yielded, what a
    /// [`ChunkMuxer`](crate::rtmp::live::ChunkMuxer) makes of the stream is to follow.
    ///
    /// Errors: [`RtmpError::NotAsked`], or what the bytes that waited lead to.
    pub fn accept_play(&mut self, request: RequestId) -> Result<Vec<Output>, RtmpError> {
        let stream_id = self.asked_stream(request)?;
        let Some(Asked::Play { .. }) = self.asked else {
            return Err(RtmpError::NotAsked);
        };
        self.role = Role::Player { stream_id };
        self.stream_event(event::STREAM_BEGIN, stream_id);
        self.status(stream_id, "NetStream.Play.Reset", "playing from the beginning");
        self.status(stream_id, "NetStream.Play.Start", "playing");
        let access = answers::sample_access(stream_id);
        self.writer.write_small(chunk_stream::DATA, &access, &mut self.out);
        self.resume()
    }

    /// Refuses to play, with a code such as `NetStream.Play.StreamNotFound`.
    ///
    /// Errors: [`RtmpError::NotAsked`], or what the bytes that waited lead to.
    pub fn reject_play(
        &mut self,
        request: RequestId,
        code: &str,
        description: &str,
    ) -> Result<Vec<Output>, RtmpError> {
        self.reject(request, code, description)
    }

    /// Sends a player elsewhere: `tc_url` is the address without the stream, `full_url` with it.
    ///
    /// Errors: [`RtmpError::NotAsked`], or what the bytes that waited lead to.
    pub fn redirect_play(
        &mut self,
        request: RequestId,
        tc_url: &str,
        full_url: &str,
    ) -> Result<Vec<Output>, RtmpError> {
        self.asked_stream(request)?;
        self.command(&answers::stream_redirect(tc_url, full_url));
        self.resume()
    }

    /// Sends a publisher elsewhere, in the same form.
    ///
    /// Errors: [`RtmpError::NotAsked`], or what the bytes that waited lead to.
    pub fn redirect_publish(
        &mut self,
        request: RequestId,
        tc_url: &str,
        full_url: &str,
    ) -> Result<Vec<Output>, RtmpError> {
        self.redirect_play(request, tc_url, full_url)
    }

    /// Asks the peer to connect to `tc_url` instead, at any time after connect was accepted; for
    /// those that said they follow (`ConnectRequest::reconnects`).
    pub fn request_reconnect(&mut self, tc_url: &str) -> Vec<Output> {
        self.command(&answers::reconnect_request(tc_url));
        self.take_outputs()
    }

    /// Goes on after an answer, with what the peer has sent meanwhile.
    fn resume(&mut self) -> Result<Vec<Output>, RtmpError> {
        self.asked = None;
        let waiting = std::mem::take(&mut self.waiting);
        self.process(&waiting)?;
        Ok(self.take_outputs())
    }

    fn refuse_connect(
        &mut self,
        description: &str,
        redirect: Option<&str>,
    ) -> Result<Vec<Output>, RtmpError> {
        let Some(Asked::Connect { transaction, .. }) = self.asked.take() else {
            return Err(RtmpError::NotAsked);
        };
        self.command(&answers::connect_error(transaction, description, redirect));
        self.waiting = BytesMut::new();
        self.phase = Phase::Refused;
        Ok(self.take_outputs())
    }

    fn reject(
        &mut self,
        request: RequestId,
        code: &str,
        description: &str,
    ) -> Result<Vec<Output>, RtmpError> {
        let stream_id = self.asked_stream(request)?;
        self.command(&answers::stream_status(stream_id, answers::ERROR, code, description));
        self.resume()
    }

    /// The message stream of the open request, which must be `request`.
    fn asked_stream(&self, request: RequestId) -> Result<u32, RtmpError> {
        match self.asked {
            Some(
                Asked::Publish { request: asked, stream_id }
                | Asked::Play { request: asked, stream_id },
            ) if asked == request => Ok(stream_id),
            _ => Err(RtmpError::NotAsked),
        }
    }
}
