//! Both ends as values: our player against our server, and against servers that do wrong.

use std::sync::Arc;

use proptest::prelude::{any, prop, proptest};

use super::*;
use crate::live::{LiveMuxer, LivePacket};
use crate::packet::MediaPacket;
use crate::rtmp::amf0::AmfLimits;
use crate::rtmp::handshake::ServerHandshake;
use crate::rtmp::live::ChunkMuxer;
use crate::rtmp::{Event, Output, ServerConfig, ServerSession};
use crate::time::Ticks;
use crate::track::{AudioShape, CodecConfig, Track, TrackId};

const AMF: AmfLimits = AmfLimits { depth_max: 16, values_max: 4096 };

fn address() -> PlayAddress {
    PlayAddress::new("rtmp://h:1935", "/studio/cam1?token=x")
}

fn tracks() -> Arc<[Track]> {
    let audio = AudioShape { sample_rate: 44_100, channels: 2 };
    let codec = CodecConfig::Aac { config: Bytes::from_static(b"\x12\x10"), audio };
    Arc::new([Track { id: TrackId(0), codec, language: None }])
}

fn packet(millis: i64) -> MediaPacket {
    let time = Ticks::from_millis(millis);
    MediaPacket {
        track: TrackId(0),
        dts: time,
        pts: time,
        is_keyframe: true,
        payload: Bytes::from(vec![7; 300]),
    }
}

/// How the server answers connect and play.
#[derive(Clone, Copy)]
enum Answer {
    Accept,
    RedirectConnect,
    RedirectPlay,
    Reject,
}

/// A player and a server that speak to each other in pieces of `piece` bytes.
struct Dialogue {
    client: ClientSession,
    server: ServerSession,
    answer: Answer,
    asked: Vec<String>,
    events: Vec<ClientEvent>,
    piece: usize,
    now: Instant,
}

impl Dialogue {
    fn start(piece: usize, answer: Answer) -> Self {
        let now = Instant::now();
        let (client, hello) = ClientSession::start(address(), Limits::default(), 1, now);
        let server = ServerSession::new(ServerConfig::default(), 2, now);
        let (asked, events) = (Vec::new(), Vec::new());
        let mut dialogue = Self { client, server, answer, asked, events, piece, now };
        dialogue.server_hears(&hello);
        dialogue
    }

    fn server_hears(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(self.piece) {
            let outputs = self.server.receive(part, self.now).unwrap();
            self.obey_server(outputs);
        }
    }

    fn obey_server(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send(bytes) => self.client_hears(&bytes),
                Output::Event(event) => self.answer(event),
            }
        }
    }

    fn client_hears(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(self.piece) {
            for output in self.client.receive(part, self.now).unwrap() {
                match output {
                    ClientOutput::Send(bytes) => self.server_hears(&bytes),
                    ClientOutput::Event(event) => self.events.push(event),
                }
            }
        }
    }

    fn answer(&mut self, event: Event) {
        let full = "rtmp://other/studio/cam1?token=x";
        let outputs = match (event, self.answer) {
            (Event::ConnectRequested(asked), Answer::RedirectConnect) => {
                self.asked.push(asked.tc_url);
                self.server.redirect_connect(full)
            }
            (Event::ConnectRequested(asked), _) => {
                assert!(asked.reconnects && asked.fourccs.contains(&"hvc1".to_owned()));
                self.asked.push(asked.tc_url);
                self.server.accept_connect()
            }
            (Event::PlayRequested(asked), answer) => {
                self.asked.push(format!("{}?{}", asked.name, asked.query));
                let request = asked.request;
                match answer {
                    Answer::RedirectPlay => {
                        self.server.redirect_play(request, "rtmp://other/studio", full)
                    }
                    Answer::Reject => {
                        let code = "NetStream.Play.StreamNotFound";
                        self.server.reject_play(request, code, "no such stream")
                    }
                    Answer::Accept | Answer::RedirectConnect => self.server.accept_play(request),
                }
            }
            (other, _) => panic!("{other:?}"),
        };
        self.obey_server(outputs.unwrap());
    }

    fn play(&mut self, packets: &[MediaPacket]) {
        let (mut muxer, tracks) = (ChunkMuxer::default(), tracks());
        let mut out = BytesMut::new();
        for (index, packet) in packets.iter().enumerate() {
            let (tracks, packet) = (Arc::clone(&tracks), packet.clone());
            let is_start = index == 0;
            let live = LivePacket { tracks, packet, is_start, is_discontinuity: false };
            muxer.mux(&live, &mut out);
        }
        self.client_hears(&out);
    }
}

#[test]
fn player_gets_what_our_server_sends_in_pieces_of_any_size() {
    for piece in [1, 100, usize::MAX] {
        let mut dialogue = Dialogue::start(piece, Answer::Accept);
        assert_eq!(dialogue.asked, ["rtmp://h:1935/studio", "studio/cam1?token=x"]);
        assert!(dialogue.client.deadline().is_none());
        dialogue.play(&[packet(0), packet(23)]);
        let packets = [packet(0), packet(23)].map(StreamItem::Packet);
        let wanted = [&[StreamItem::Tracks(tracks())], &packets[..]].concat();
        let wanted: Vec<_> = wanted.into_iter().map(ClientEvent::Item).collect();
        assert_eq!(dialogue.events, wanted, "pieces of {piece}");
    }
}

#[test]
fn redirects_and_refusals_end_the_session() {
    let url = "rtmp://other/studio/cam1?token=x".to_owned();
    for (answer, wanted) in [
        (Answer::RedirectConnect, ClientEvent::Redirected { url: url.clone() }),
        (Answer::RedirectPlay, ClientEvent::Redirected { url }),
        (
            Answer::Reject,
            ClientEvent::Refused {
                code: "NetStream.Play.StreamNotFound".to_owned(),
                description: "no such stream".to_owned(),
            },
        ),
    ] {
        let mut dialogue = Dialogue::start(usize::MAX, answer);
        assert_eq!(dialogue.events, [wanted]);
        dialogue.client_hears(b"\x03 nothing more is read");
    }
}

#[test]
fn reconnect_request_names_the_stream_at_the_other_node() {
    let mut dialogue = Dialogue::start(usize::MAX, Answer::Accept);
    let outputs = dialogue.server.request_reconnect("rtmp://other/studio");
    dialogue.obey_server(outputs);
    let url = "rtmp://other/studio/cam1?token=x".to_owned();
    assert_eq!(dialogue.events, [ClientEvent::Redirected { url }]);
}

/// A server that says what it is told, past the handshake.
struct Script {
    client: ClientSession,
    writer: ChunkWriter,
    now: Instant,
}

impl Script {
    fn new() -> Self {
        let now = Instant::now();
        let (mut client, hello) = ClientSession::start(address(), Limits::default(), 1, now);
        let answer = ServerHandshake::new(2).receive(&hello).unwrap().send.unwrap();
        assert!(!client.receive(&answer, now).unwrap().is_empty());
        Self { client, writer: ChunkWriter::default(), now }
    }

    fn say(&mut self, message: &Message) -> Result<Vec<ClientOutput>, RtmpError> {
        let mut wire = BytesMut::new();
        self.writer.write_small(chunk_stream::COMMAND, message, &mut wire);
        self.client.receive(&wire, self.now)
    }

    fn command(&mut self, name: &str, transaction: f64, argument: Value) -> Vec<ClientOutput> {
        let (name, object, arguments) = (name.to_owned(), Value::Null, vec![argument]);
        self.say(&Command { name, transaction, object, arguments }.encode(0)).unwrap()
    }

    /// Lets the player in and begins its stream.
    fn playing() -> Self {
        let mut script = Self::new();
        script.command("_result", 1.0, Value::Null);
        script.command("_result", 2.0, Value::Number(5.0));
        script.status("NetStream.Play.Start", "status");
        script
    }

    fn status(&mut self, code: &str, level: &str) -> Vec<ClientOutput> {
        let about = Value::object([("code", code.into()), ("level", level.into())]);
        self.command("onStatus", 0.0, about)
    }
}

fn sent(outputs: &[ClientOutput]) -> Vec<Message> {
    let limits = Limits { message_bytes_max_before_grant: 4 << 20, ..Limits::default() };
    let mut reader = ChunkReader::new(limits);
    let mut messages = Vec::new();
    for output in outputs {
        if let ClientOutput::Send(bytes) = output {
            let mut input = &bytes[..];
            while let Some(message) = reader.read(&mut input).unwrap() {
                messages.push(message);
            }
        }
    }
    messages
}

#[test]
fn pings_and_windows_are_answered() {
    let mut script = Script::playing();
    let ping = control(MessageKind::UserControl, &[0, 6, 1, 2, 3, 4]);
    assert_eq!(sent(&script.say(&ping).unwrap())[0].payload, [0, 7, 1, 2, 3, 4][..]);
    let bandwidth = control(MessageKind::SetPeerBandwidth, &[0, 1, 0, 0, 2]);
    let answer = sent(&script.say(&bandwidth).unwrap()).remove(0);
    assert_eq!(answer.kind, MessageKind::WindowAcknowledgementSize);
    let window = control(MessageKind::WindowAcknowledgementSize, &[0, 0, 8, 0]);
    let answer = sent(&script.say(&window).unwrap());
    assert_eq!(answer[0].kind, MessageKind::Acknowledgement);
    assert!(script.say(&ping).unwrap().len() == 1, "not with every message");
}

#[test]
fn play_names_the_stream_on_the_stream_that_was_made() {
    let mut script = Script::new();
    script.command("_result", 1.0, Value::Null);
    assert!(script.command("_result", 9.0, Value::Number(5.0)).is_empty(), "not our call");
    let messages = sent(&script.command("_result", 2.0, Value::Number(5.0)));
    let play = Command::decode(messages[0].kind, &messages[0].payload, AMF).unwrap();
    assert_eq!((&play.name[..], play.text(0)), ("play", Some("cam1?token=x")));
    assert_eq!(messages[0].stream_id, 5);
    assert_eq!(messages[1].payload, [0, 3, 0, 0, 0, 5, 0, 0, 0x0B, 0xB8][..]);
}

#[test]
fn server_that_ends_the_stream_is_understood() {
    for code in ["NetStream.Play.UnpublishNotify", "NetStream.Play.Stop"] {
        let ended = ClientEvent::Ended { code: code.to_owned() };
        let outputs = Script::playing().status(code, "status");
        assert_eq!(outputs, [ClientOutput::Event(ended)]);
    }
    let outputs = Script::playing().status("NetStream.Failed", "error");
    assert!(matches!(&outputs[..], [ClientOutput::Event(ClientEvent::Refused { .. })]));
}

#[test]
fn server_has_deadlines_until_it_lets_us_play() {
    let script = Script::new();
    let limits = Limits::default();
    assert_eq!(script.client.deadline(), Some(script.now + limits.request_timeout));
    let (client, _) = ClientSession::start(address(), limits, 1, script.now);
    assert_eq!(client.deadline(), Some(script.now + limits.handshake_timeout));
    assert_eq!(Script::playing().client.deadline(), None);
}

#[test]
fn media_before_play_is_ignored_and_claims_are_bounded() {
    let mut script = Script::new();
    let payload = Bytes::from_static(b"\xAF\0\x12\x10");
    let audio = Message { kind: MessageKind::Audio, stream_id: 1, timestamp: 0, payload };
    assert!(script.say(&audio).unwrap().is_empty());
    let claim = b"\x06\0\0\0\xFF\xFF\xFF\x09\x01\0\0\0";
    assert!(script.client.receive(claim, script.now).is_err());
}

proptest! {
    #[test]
    fn noise_never_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        cut in 1..100_usize,
        is_playing in any::<bool>(),
    ) {
        let mut script = if is_playing { Script::playing() } else { Script::new() };
        for part in bytes.chunks(cut) {
            if script.client.receive(part, script.now).is_err() {
                break;
            }
        }
        script.client.finish();
    }

    #[test]
    fn noise_in_messages_never_panics(
        messages in prop::collection::vec((1..23_u8, any::<[u8; 24]>(), 0..24_usize), 1..20),
    ) {
        let mut script = Script::playing();
        for (kind, body, length) in messages {
            let payload = Bytes::copy_from_slice(&body[..length]);
            let message = Message { kind: kind.into(), stream_id: 1, timestamp: 0, payload };
            if script.say(&message).is_err() {
                break;
            }
        }
    }
}
