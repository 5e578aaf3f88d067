//! One RTMP connection as a server sees it: bytes in, bytes and events out.
//!
//! The session shakes hands, puts messages together and keeps to the protocol; its owner decides.
//! On each request of an [`Event`] the session stops reading until the owner has answered, so no
//! media is lost or misread between a request and its grant; what the peer sends meanwhile waits.
//!
//! ```text
//!  handshake ▸ connect ▸ ConnectRequested ▸ accept_connect ▸ publish ▸ PublishRequested
//!                          ▸ redirect_connect, reject_connect     ▸ accept_publish ▸ Item, Item, …
//!                                                          ▸ play ▸ accept_play
//! ```
//!
//! A connection publishes or plays one stream at a time.

mod answers;
mod commands;
mod decisions;
mod events;

pub use events::{
    ConnectRequest, Event, Output, RequestId, RtmpError, ServerConfig, StreamRequest,
};

use std::time::Instant;

use bytes::{BufMut, BytesMut};

use super::chunk_reader::ChunkReader;
use super::chunk_writer::{ChunkWriter, chunk_stream, control};
use super::handshake::ServerHandshake;
use super::message::{Message, MessageKind, event};
use crate::cursor::Cursor;
use crate::flv::Demuxer;

/// The least bytes between two acknowledgements, whatever the peer asks for.
const WINDOW_BYTES_MIN: u64 = 1024;

/// A connection from a publisher or player.
#[derive(Debug)]
pub struct ServerSession {
    config: ServerConfig,
    phase: Phase,
    reader: ChunkReader,
    writer: ChunkWriter,
    /// Bytes for the peer, moved to `outputs` before each event.
    out: BytesMut,
    outputs: Vec<Output>,
    client: Option<Client>,
    asked: Option<Asked>,
    /// What the peer sent while a request waits for its answer.
    waiting: BytesMut,
    role: Role,
    requests: u32,
    received: u64,
    acknowledged: u64,
    window: u64,
    now: Instant,
    deadline: Instant,
}

#[derive(Debug)]
enum Phase {
    Handshake(ServerHandshake),
    Open,
    /// Connecting was refused; nothing more is read.
    Refused,
}

/// What the client said at connect.
#[derive(Debug)]
struct Client {
    app: String,
    tc_url: String,
    is_accepted: bool,
    /// It is an old Flash encoder, which wants its own kind of answer.
    uses_fc_publish: bool,
}

/// The request that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Connect { transaction: f64, is_enhanced: bool },
    Publish { request: RequestId, stream_id: u32 },
    Play { request: RequestId, stream_id: u32 },
}

#[derive(Debug)]
enum Role {
    Idle,
    Publisher { stream_id: u32, demuxer: Box<Demuxer> },
    Player { stream_id: u32 },
}

impl Role {
    const fn stream_id(&self) -> Option<u32> {
        match self {
            Self::Idle => None,
            Self::Publisher { stream_id, .. } | Self::Player { stream_id } => Some(*stream_id),
        }
    }
}

impl ServerSession {
    /// Waits for a peer that connected `now`. `random_seed` fills the handshake's random bytes.
    #[must_use]
    pub fn new(config: ServerConfig, random_seed: u64, now: Instant) -> Self {
        Self {
            config,
            phase: Phase::Handshake(ServerHandshake::new(random_seed)),
            reader: ChunkReader::new(config.limits),
            writer: ChunkWriter::default(),
            out: BytesMut::new(),
            outputs: Vec::new(),
            client: None,
            asked: None,
            waiting: BytesMut::new(),
            role: Role::Idle,
            requests: 0,
            received: 0,
            acknowledged: 0,
            window: config.window_bytes.into(),
            now,
            deadline: now + config.limits.handshake_timeout,
        }
    }

    /// Takes the next bytes from the peer.
    ///
    /// Errors: [`RtmpError`]; the connection is to be closed then.
    pub fn receive(&mut self, bytes: &[u8], now: Instant) -> Result<Vec<Output>, RtmpError> {
        self.now = now;
        self.received = self.received.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        if self.asked.is_none() {
            self.process(bytes)?;
        } else {
            self.keep_waiting(bytes)?;
        }
        Ok(self.take_outputs())
    }

    /// When the peer must have gone on; `None` while it publishes, plays or waits for an answer.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        match (&self.role, &self.asked) {
            (Role::Idle, None) => Some(self.deadline),
            _ => None,
        }
    }

    /// Ends the session when the connection has closed; yields what its role still owes.
    pub fn finish(&mut self) -> Vec<Output> {
        self.end_role();
        self.take_outputs()
    }

    /// Reads until a request has to be answered or the bytes end.
    fn process(&mut self, bytes: &[u8]) -> Result<(), RtmpError> {
        let mut input = bytes;
        if let Phase::Handshake(handshake) = &mut self.phase {
            let progress = handshake.receive(input)?;
            input = input.get(progress.consumed..).unwrap_or_default();
            if let Some(answer) = progress.send {
                self.out.put_slice(&answer);
            }
            if progress.is_done {
                self.phase = Phase::Open;
                self.deadline = self.now + self.config.limits.request_timeout;
            }
        }
        while matches!(self.phase, Phase::Open) {
            if self.asked.is_some() {
                self.keep_waiting(input)?;
                break;
            }
            let Some(message) = self.reader.read(&mut input)? else {
                break;
            };
            self.obey(message)?;
        }
        self.acknowledge();
        Ok(())
    }

    fn obey(&mut self, message: Message) -> Result<(), RtmpError> {
        match message.kind {
            MessageKind::WindowAcknowledgementSize => {
                let window = Cursor::new(&message.payload).u32()?;
                self.window = u64::from(window).max(WINDOW_BYTES_MIN);
            }
            MessageKind::UserControl => {
                let mut cursor = Cursor::new(&message.payload);
                if cursor.u16()? == event::PING_REQUEST {
                    let time = cursor.u32()?;
                    self.stream_event(event::PING_RESPONSE, time);
                }
            }
            MessageKind::Audio
            | MessageKind::Video
            | MessageKind::Aggregate
            | MessageKind::DataAmf0
            | MessageKind::DataAmf3 => self.media(&message)?,
            MessageKind::CommandAmf0 | MessageKind::CommandAmf3 => self.obey_command(&message)?,
            // The reader has obeyed the first two; the rest asks for nothing.
            MessageKind::SetChunkSize
            | MessageKind::Abort
            | MessageKind::Acknowledgement
            | MessageKind::SetPeerBandwidth
            | MessageKind::Other(_) => {}
        }
        Ok(())
    }

    /// Keeps what comes while a request waits for its answer.
    fn keep_waiting(&mut self, bytes: &[u8]) -> Result<(), RtmpError> {
        let limits = &self.config.limits;
        let is_granted = !matches!(self.role, Role::Idle);
        let limit = limits.unfinished_bytes_max_now(is_granted);
        let size = self.waiting.len() + bytes.len();
        if size > limit {
            return Err(RtmpError::Impatient { size, limit });
        }
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    /// Tells the peer how much has arrived, when it wants to know.
    fn acknowledge(&mut self) {
        let is_open = matches!(self.phase, Phase::Open);
        if is_open && self.received - self.acknowledged >= self.window {
            self.acknowledged = self.received;
            // The counter wraps. Source: RTMP 1.0 §5.4.3.
            let count = u32::try_from(self.received & 0xFFFF_FFFF).unwrap_or(0);
            self.control(MessageKind::Acknowledgement, &count.to_be_bytes());
        }
    }

    fn control(&mut self, kind: MessageKind, body: &[u8]) {
        self.writer.write_small(chunk_stream::CONTROL, &control(kind, body), &mut self.out);
    }

    fn stream_event(&mut self, event: u16, value: u32) {
        let [a, b] = event.to_be_bytes();
        let [c, d, e, f] = value.to_be_bytes();
        self.control(MessageKind::UserControl, &[a, b, c, d, e, f]);
    }

    fn command(&mut self, message: &Message) {
        self.writer.write_small(chunk_stream::COMMAND, message, &mut self.out);
    }

    fn status(&mut self, stream_id: u32, code: &str, text: &str) {
        self.command(&answers::stream_status(stream_id, answers::STATUS, code, text));
    }

    /// Adds an event behind the bytes written so far.
    fn raise(&mut self, event: Event) {
        self.flush();
        self.outputs.push(Output::Event(event));
    }

    fn flush(&mut self) {
        if !self.out.is_empty() {
            self.outputs.push(Output::Send(self.out.split().freeze()));
        }
    }

    fn take_outputs(&mut self) -> Vec<Output> {
        self.flush();
        std::mem::take(&mut self.outputs)
    }
}

#[cfg(test)]
mod tests;
