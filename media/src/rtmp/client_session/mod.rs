//! One RTMP connection as a player sees it: bytes in, bytes and events out.
//!
//! ```text
//!  ClientSession::start ▸ C0 C1 ▸ handshake ▸ connect ▸ createStream ▸ play ▸ Item, Item, …
//!                                                └─ at any time: Refused, Redirected, Ended
//! ```
//!
//! After one of these three nothing more is read. What a redirect names comes from the server: the
//! owner checks where it leads before it follows.

mod address;
mod calls;

use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};

pub use address::PlayAddress;

use super::amf0::Value;
use super::chunk_reader::ChunkReader;
use super::chunk_writer::{ChunkWriter, chunk_stream, control};
use super::handshake::ClientHandshake;
use super::incoming::{self, Incoming};
use super::message::{Command, Message, MessageKind, event};
use super::{Limits, RtmpError};
use crate::cursor::Cursor;
use crate::flv::Demuxer;
use crate::packet::StreamItem;

/// After how many bytes a server is to acknowledge, and the most that it lets us go without.
const WINDOW_BYTES: u32 = 2_500_000;
/// The least bytes between two acknowledgements, whatever the server asks for.
const WINDOW_BYTES_MIN: u64 = 1024;
/// How much the server may send ahead, in milliseconds; some send nothing before they know.
const BUFFER_MS: u32 = 3000;

/// What the server's bytes led to, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientOutput {
    /// Bytes for the server.
    Send(Bytes),
    /// News for the owner of the session.
    Event(ClientEvent),
}

/// News of a playing session.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientEvent {
    /// Media.
    Item(StreamItem),
    /// The server does not let us play.
    Refused {
        /// Such as `NetStream.Play.StreamNotFound`.
        code: String,
        /// In the server's words, maybe empty.
        description: String,
    },
    /// The stream is elsewhere: at this URL, which is whatever the server sent.
    Redirected {
        /// The whole URL of the stream.
        url: String,
    },
    /// The server ended the stream.
    Ended {
        /// Such as `NetStream.Play.UnpublishNotify`.
        code: String,
    },
}

/// A connection to a server, to play one stream.
#[derive(Debug)]
pub struct ClientSession {
    address: PlayAddress,
    limits: Limits,
    phase: Phase,
    reader: ChunkReader,
    writer: ChunkWriter,
    demuxer: Demuxer,
    /// Bytes for the server, moved to `outputs` before each event.
    out: BytesMut,
    outputs: Vec<ClientOutput>,
    received: u64,
    acknowledged: u64,
    window: u64,
    deadline: Instant,
}

#[derive(Debug)]
enum Phase {
    Handshake(ClientHandshake),
    Connecting,
    CreatingStream,
    /// Play was asked for; media may come before the answer.
    Asked,
    Playing,
    Over,
}

impl ClientSession {
    /// Starts to play `address`; the bytes are to be sent first. `random_seed` fills the
    /// handshake's random bytes.
    #[must_use]
    pub fn start(
        address: PlayAddress,
        limits: Limits,
        random_seed: u64,
        now: Instant,
    ) -> (Self, Bytes) {
        let (handshake, hello) = ClientHandshake::start(random_seed);
        let session = Self {
            address,
            limits,
            phase: Phase::Handshake(handshake),
            reader: ChunkReader::new(limits),
            writer: ChunkWriter::default(),
            demuxer: Demuxer::new(),
            out: BytesMut::new(),
            outputs: Vec::new(),
            received: 0,
            acknowledged: 0,
            window: WINDOW_BYTES.into(),
            deadline: now + limits.handshake_timeout,
        };
        (session, hello)
    }

    /// Takes the next bytes from the server.
    ///
    /// Errors: [`RtmpError`]; the connection is to be closed then.
    pub fn receive(&mut self, bytes: &[u8], now: Instant) -> Result<Vec<ClientOutput>, RtmpError> {
        self.received = self.received.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        let mut input = bytes;
        if let Phase::Handshake(handshake) = &mut self.phase {
            let progress = handshake.receive(input)?;
            input = input.get(progress.consumed..).unwrap_or_default();
            if let Some(answer) = progress.send {
                self.out.put_slice(&answer);
            }
            if !progress.is_done {
                return Ok(self.take_outputs());
            }
            self.phase = Phase::Connecting;
            self.deadline = now + self.limits.request_timeout;
            self.command(&calls::connect(&self.address));
        }
        while !matches!(self.phase, Phase::Over) {
            let Some(message) = self.reader.read(&mut input)? else {
                break;
            };
            self.obey(&message)?;
        }
        self.acknowledge();
        Ok(self.take_outputs())
    }

    /// When the server must have let us play; `None` once it has.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Playing | Phase::Over => None,
            _ => Some(self.deadline),
        }
    }

    /// Ends the session when the connection has closed; yields the media that still waits.
    pub fn finish(&mut self) -> Vec<ClientOutput> {
        for item in self.demuxer.finish() {
            self.raise(ClientEvent::Item(item));
        }
        self.phase = Phase::Over;
        self.take_outputs()
    }

    fn obey(&mut self, message: &Message) -> Result<(), RtmpError> {
        match message.kind {
            MessageKind::WindowAcknowledgementSize => {
                let window = Cursor::new(&message.payload).u32()?;
                self.window = u64::from(window).max(WINDOW_BYTES_MIN);
            }
            // The answer that the standard wants. Source: RTMP 1.0 §5.4.5.
            MessageKind::SetPeerBandwidth => {
                let window = Cursor::new(&message.payload).u32()?;
                self.control(MessageKind::WindowAcknowledgementSize, &window.to_be_bytes());
            }
            MessageKind::UserControl => {
                let mut cursor = Cursor::new(&message.payload);
                if cursor.u16()? == event::PING_REQUEST {
                    let time = cursor.u32()?;
                    self.user_control(event::PING_RESPONSE, &[time]);
                }
            }
            MessageKind::Audio
            | MessageKind::Video
            | MessageKind::Aggregate
            | MessageKind::DataAmf0
            | MessageKind::DataAmf3 => self.media(message)?,
            MessageKind::CommandAmf0 | MessageKind::CommandAmf3 => {
                let command = Command::decode(message.kind, &message.payload, self.limits.amf)?;
                self.obey_command(&command);
            }
            // The reader has obeyed the first two; the rest asks for nothing.
            MessageKind::SetChunkSize
            | MessageKind::Abort
            | MessageKind::Acknowledgement
            | MessageKind::Other(_) => {}
        }
        Ok(())
    }

    fn media(&mut self, message: &Message) -> Result<(), RtmpError> {
        if !matches!(self.phase, Phase::Asked | Phase::Playing) {
            return Ok(());
        }
        for media in incoming::read(&mut self.demuxer, message, self.limits.amf)? {
            if let Incoming::Item(item) = media {
                self.phase = Phase::Playing;
                self.raise(ClientEvent::Item(item));
            }
        }
        Ok(())
    }

    /// Obeys a command. Calls of the server (`onBWDone`, `_checkbw`, …) want no answer of a player.
    fn obey_command(&mut self, command: &Command) {
        match (command.name.as_str(), &self.phase) {
            ("_result", Phase::Connecting) if command.transaction == calls::CONNECT => {
                self.control(MessageKind::WindowAcknowledgementSize, &WINDOW_BYTES.to_be_bytes());
                self.command(&calls::create_stream());
                self.phase = Phase::CreatingStream;
            }
            ("_result", Phase::CreatingStream) if command.transaction == calls::CREATE_STREAM => {
                self.play(command.arguments.first().and_then(Value::as_u32).unwrap_or(1));
            }
            ("_error", Phase::Connecting | Phase::CreatingStream) => self.refuse(command),
            ("onStatus", _) => self.obey_status(command),
            ("close", _) => self.end(ClientEvent::Ended { code: "close".to_owned() }),
            _ => {}
        }
    }

    fn play(&mut self, stream_id: u32) {
        self.reader.set_granted(true);
        self.command(&calls::play(stream_id, &self.address.stream));
        self.user_control(event::SET_BUFFER_LENGTH, &[stream_id, BUFFER_MS]);
        self.phase = Phase::Asked;
    }

    fn obey_status(&mut self, command: &Command) {
        let code = information(command, "code").unwrap_or_default();
        match code {
            "NetStream.Play.Start" if matches!(self.phase, Phase::Asked) => {
                self.phase = Phase::Playing;
            }
            "NetStream.Play.Stop"
            | "NetStream.Play.Complete"
            | "NetStream.Play.UnpublishNotify"
            | "NetConnection.Connect.Closed" => {
                self.end(ClientEvent::Ended { code: code.to_owned() });
            }
            "NetConnection.Connect.ReconnectRequest" => {
                let tc_url = information(command, "tcUrl").unwrap_or(&self.address.tc_url);
                let url = self.address.beneath(tc_url);
                self.end(ClientEvent::Redirected { url });
            }
            _ if information(command, "level") == Some("error") => self.refuse(command),
            _ => {}
        }
    }

    /// Ends with what an error says: where the stream is, or why it is not given.
    ///
    /// At connect, `redirect` alone is where to connect to; `redirect2` is SRS's word for the whole
    /// URL.
    fn refuse(&mut self, command: &Command) {
        let elsewhere = command.arguments.first().and_then(|about| about.get("ex"));
        let text = |name| elsewhere.and_then(|ex| ex.get(name)).and_then(Value::as_str);
        let event = match (text("redirect2"), text("redirect")) {
            (Some(url), _) => ClientEvent::Redirected { url: url.to_owned() },
            (None, Some(tc_url)) => ClientEvent::Redirected { url: self.address.beneath(tc_url) },
            (None, None) => ClientEvent::Refused {
                code: information(command, "code").unwrap_or(&command.name).to_owned(),
                description: information(command, "description").unwrap_or_default().to_owned(),
            },
        };
        self.end(event);
    }

    /// Raises the session's last event, behind the media that still waits.
    fn end(&mut self, event: ClientEvent) {
        for item in self.demuxer.finish() {
            self.raise(ClientEvent::Item(item));
        }
        self.raise(event);
        self.phase = Phase::Over;
    }

    /// Tells the server how much has arrived, when it wants to know.
    fn acknowledge(&mut self) {
        if self.received - self.acknowledged >= self.window {
            self.acknowledged = self.received;
            // The counter wraps. Source: RTMP 1.0 §5.4.3.
            let count = u32::try_from(self.received & 0xFFFF_FFFF).unwrap_or(0);
            self.control(MessageKind::Acknowledgement, &count.to_be_bytes());
        }
    }

    fn control(&mut self, kind: MessageKind, body: &[u8]) {
        self.writer.write_small(chunk_stream::CONTROL, &control(kind, body), &mut self.out);
    }

    fn user_control(&mut self, event: u16, values: &[u32]) {
        let mut body = event.to_be_bytes().to_vec();
        body.extend(values.iter().flat_map(|value| value.to_be_bytes()));
        self.control(MessageKind::UserControl, &body);
    }

    fn command(&mut self, message: &Message) {
        self.writer.write_small(chunk_stream::COMMAND, message, &mut self.out);
    }

    fn raise(&mut self, event: ClientEvent) {
        self.flush();
        self.outputs.push(ClientOutput::Event(event));
    }

    fn flush(&mut self) {
        if !self.out.is_empty() {
            self.outputs.push(ClientOutput::Send(self.out.split().freeze()));
        }
    }

    fn take_outputs(&mut self) -> Vec<ClientOutput> {
        self.flush();
        std::mem::take(&mut self.outputs)
    }
}

/// A text of the information object that `onStatus` and `_error` carry.
fn information<'a>(command: &'a Command, name: &str) -> Option<&'a str> {
    command.arguments.first()?.get(name)?.as_str()
}

#[cfg(test)]
mod tests;
