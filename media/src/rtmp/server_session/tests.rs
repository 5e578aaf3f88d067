//! Whole dialogues, recorded and hostile.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::{any, prop, proptest};

use super::*;
use crate::packet::StreamItem;
use crate::rtmp::amf0::{AmfLimits, Value, decode_all, encode_all};
use crate::rtmp::chunk_reader::ChunkError;
use crate::rtmp::handshake::ClientHandshake;
use crate::rtmp::message::Command;

mod answers_on_the_wire;
mod hostile;
mod playing;
mod publishing;
mod recorded;

const AMF: AmfLimits = AmfLimits { depth_max: 16, values_max: 4096 };
const AVC_HEADER: &[u8] = b"\x17\0\0\0\0\x01\x42\xC0\x0D\xFF\xE1\0\x18\x67\x42\xC0\x0D\xD9\x01\x41\
    \xFB\x01\x10\0\0\x03\0\x10\0\0\x03\x03\x20\xF1\x42\xA4\x80\x01\0\x05\x68\xCB\x83\xCB\x20";
const AAC_HEADER: &[u8] = b"\xAF\0\x12\x10";

/// A client that speaks to a session directly.
struct Peer {
    session: ServerSession,
    writer: ChunkWriter,
    reader: ChunkReader,
    now: Instant,
}

/// What a session gave out, its bytes read as messages.
#[derive(Default)]
struct Heard {
    messages: Vec<Message>,
    events: Vec<Event>,
}

impl Heard {
    fn commands(&self) -> Vec<Command> {
        let is_command = |message: &&Message| message.kind == MessageKind::CommandAmf0;
        let decode = |message: &Message| Command::decode(message.kind, &message.payload, AMF);
        self.messages.iter().filter(is_command).map(|message| decode(message).unwrap()).collect()
    }

    /// The codes of all `onStatus`.
    fn codes(&self) -> Vec<String> {
        let code =
            |command: &Command| command.arguments.first()?.get("code")?.as_str().map(str::to_owned);
        self.commands().iter().filter_map(code).collect()
    }
}

fn call(name: &str, transaction: f64, object: Value, arguments: Vec<Value>) -> Command {
    Command { name: name.to_owned(), transaction, object, arguments }
}

impl Peer {
    /// A peer that has shaken hands.
    fn new() -> Self {
        let now = Instant::now();
        let mut session = ServerSession::new(ServerConfig::default(), 7, now);
        let (mut handshake, hello) = ClientHandshake::start(9);
        let outputs = session.receive(&hello, now).unwrap();
        let [Output::Send(answer)] = &outputs[..] else {
            panic!("no answer to the handshake");
        };
        let last = handshake.receive(answer).unwrap().send.unwrap();
        assert!(session.receive(&last, now).unwrap().is_empty());
        let mut limits = ServerConfig::default().limits;
        limits.message_bytes_max_before_grant = limits.message_bytes_max;
        Self { session, writer: ChunkWriter::default(), reader: ChunkReader::new(limits), now }
    }

    /// A peer that has connected to `live`.
    fn connected() -> Self {
        let mut peer = Self::new();
        peer.command(0, &call("connect", 1.0, Value::object([("app", "live".into())]), Vec::new()));
        let outputs = peer.session.accept_connect().unwrap();
        assert_eq!(peer.hear(outputs).codes(), ["NetConnection.Connect.Success"]);
        peer
    }

    /// A peer that publishes `live/cam1` on stream 1.
    fn publisher() -> Self {
        let mut peer = Self::connected();
        let request = peer.ask("publish");
        let outputs = peer.session.accept_publish(request).unwrap();
        assert_eq!(peer.hear(outputs).codes(), ["NetStream.Publish.Start"]);
        peer
    }

    /// Asks to publish or play `cam1`.
    fn ask(&mut self, name: &str) -> RequestId {
        let heard = self.command(1, &call(name, 5.0, Value::Null, vec!["cam1?token=x".into()]));
        match &heard.events[..] {
            [Event::PublishRequested(asked) | Event::PlayRequested(asked)] => {
                assert_eq!((&asked.name[..], &asked.query[..]), ("live/cam1", "token=x"));
                assert_eq!(asked.parameters, [("token".to_owned(), "x".to_owned())]);
                asked.request
            }
            other => panic!("{other:?}"),
        }
    }

    fn hear(&mut self, outputs: Vec<Output>) -> Heard {
        let mut heard = Heard::default();
        for output in outputs {
            match output {
                Output::Send(bytes) => heard.messages.extend(self.read(&bytes)),
                Output::Event(event) => heard.events.push(event),
            }
        }
        heard
    }

    fn read(&mut self, mut input: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Some(message) = self.reader.read(&mut input).unwrap() {
            messages.push(message);
        }
        messages
    }

    fn wire(&mut self, message: &Message) -> BytesMut {
        let mut out = BytesMut::new();
        self.writer.write_small(chunk_stream::COMMAND, message, &mut out);
        out
    }

    fn try_send(&mut self, message: &Message) -> Result<Heard, RtmpError> {
        let wire = self.wire(message);
        let outputs = self.session.receive(&wire, self.now)?;
        Ok(self.hear(outputs))
    }

    fn command(&mut self, stream_id: u32, command: &Command) -> Heard {
        self.try_send(&command.clone().encode(stream_id)).unwrap()
    }

    fn media(&mut self, kind: MessageKind, timestamp: i64, body: &[u8]) -> Vec<Event> {
        let payload = Bytes::copy_from_slice(body);
        self.try_send(&Message { kind, stream_id: 1, timestamp, payload }).unwrap().events
    }
}
