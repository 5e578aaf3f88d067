//! A holder that does as it is told: signs, answers questions about clients, and sends frames.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use watershed_media::packet::{MediaPacket, StreamItem};
use watershed_media::relay::{Encoder, Frame, FrameMac, MAGIC};
use watershed_media::time::Ticks;
use watershed_media::track::{AudioShape, CodecConfig, Track, TrackId};

use super::super::*;
use crate::names::NodeId;
use crate::redirect::PeerAddresses;
use crate::report::{Listener, Scheme};
use crate::signature::{ClusterGuard, ClusterKey, Verified};

/// How often a frame is sent.
const FRAME_EVERY: Duration = Duration::from_millis(20);

/// What the holder sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// Frames without end.
    Play,
    /// Frames, until this many were sent; then whoever stands in between changes a byte.
    Tamper(usize),
    /// Frames, until this many were sent; then nothing more, but the connection stays.
    FallSilent(usize),
    /// Frames, until this many were sent; then it says that this was all.
    End(usize),
    /// What a stream of this node is sent as: the real thing.
    Feed,
}

/// The holder; it answers on the arbiter of the test.
pub(super) struct Holder {
    pub(super) id: NodeId,
    pub(super) route: Arc<PeerRoute>,
    /// What it says about clients.
    pub(super) verdict: RefCell<AuthorizeAnswer>,
    pub(super) script: Cell<Script>,
    /// What [`Script::Feed`] sends.
    pub(super) stream: RefCell<Option<LocalEntry>>,
    /// Questions about clients so far.
    pub(super) questions: RefCell<Vec<AuthorizeAsk>>,
    /// Pulls so far.
    pub(super) pulls: Cell<usize>,
    guard: ClusterGuard,
}

impl Holder {
    /// Starts one that calls itself `name`.
    pub(super) async fn start(name: &str, id: u128) -> Rc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let id = NodeId::from_random(id << 96);
        let holder = Rc::new(Self {
            id,
            route: Arc::new(route(name, id, listener.local_addr().unwrap().port())),
            verdict: RefCell::new(AuthorizeAnswer { allowed: true, ..AuthorizeAnswer::default() }),
            script: Cell::new(Script::Play),
            stream: RefCell::default(),
            questions: RefCell::default(),
            pulls: Cell::new(0),
            guard: ClusterGuard::new(id, vec![ClusterKey::derive("key")]),
        });
        let serving = Rc::clone(&holder);
        actix_rt::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                actix_rt::spawn(Rc::clone(&serving).serve(socket));
            }
        });
        holder
    }

    async fn serve(self: Rc<Self>, mut socket: TcpStream) {
        while let Some((head, body)) = read_request(&mut socket).await {
            let mut words = head.split(' ');
            let (method, target) = (words.next().unwrap(), words.next().unwrap());
            let signed = field(&head, "authorization").unwrap_or_default();
            let now = unix_s();
            let answer = match self.guard.check(method, target, Some(&signed), now) {
                Err(refusal) => {
                    let pairs = refusal.answer.as_ref().map(|answer| answer.pairs());
                    answer_head(401, pairs.as_ref().map_or(&[], |p| &p[..])) + CLOSED_BODY
                }
                Ok(verified) if target == AUTHORIZE_PATH => {
                    assert!(verified.body_matches(&body));
                    self.questions.borrow_mut().push(serde_json::from_slice(&body).unwrap());
                    let body = serde_json::to_string(&*self.verdict.borrow()).unwrap();
                    let signed = self.guard.sign_answer(&verified, 200, body.as_bytes(), now);
                    let length = format!("Content-Length: {}\r\n\r\n", body.len());
                    answer_head(200, &signed.pairs()) + &length + &body
                }
                Ok(verified) => {
                    assert_eq!(target, format!("{MEDIA_PATH}/a%2Fcam"));
                    self.pulls.set(self.pulls.get() + 1);
                    let signed = self.guard.sign_answer(&verified, 200, b"", now);
                    let head =
                        answer_head(200, &signed.pairs()) + "Transfer-Encoding: chunked\r\n\r\n";
                    if socket.write_all(head.as_bytes()).await.is_ok() {
                        self.send_frames(socket, &verified).await;
                    }
                    return;
                }
            };
            if socket.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    async fn send_frames(&self, mut socket: TcpStream, verified: &Verified) {
        let script = self.script.get();
        let stream = self.stream.borrow().clone();
        if let (Script::Feed, Some(entry)) = (script, stream) {
            let mut feed = Box::pin(feed(&entry, &verified.frame_key()));
            while let Some(piece) = feed.next().await {
                if !send_chunk(&mut socket, &piece).await {
                    return;
                }
            }
            return;
        }
        let mut encoder = Encoder::new(FrameMac::new(&verified.frame_key()));
        let mut bytes = MAGIC.to_vec();
        for number in 0.. {
            let frame = match (script, number) {
                (_, 0) => Frame::Item(tracks()),
                (Script::End(last), _) if number == last => Frame::End,
                _ => Frame::Item(packet(number)),
            };
            let frame = encoder.encode(&frame).unwrap();
            bytes.extend([frame.head, frame.payload, frame.mac].concat());
            match script {
                Script::Tamper(last) if number == last => bytes[20] ^= 1,
                Script::FallSilent(last) if number == last => std::future::pending().await,
                _ => {}
            }
            if !send_chunk(&mut socket, &std::mem::take(&mut bytes)).await {
                return;
            }
            tokio::time::sleep(FRAME_EVERY).await;
        }
    }
}

/// Sends one piece of a body; false if nobody listens any more.
async fn send_chunk(socket: &mut TcpStream, piece: &[u8]) -> bool {
    let head = format!("{:x}\r\n", piece.len());
    let chunk = [head.as_bytes(), piece, b"\r\n"].concat();
    socket.write_all(&chunk).await.is_ok()
}

const CLOSED_BODY: &str = "Content-Length: 0\r\n\r\n";

/// Where a node is that listens on `port`.
pub(super) fn route(name: &str, id: NodeId, port: u16) -> PeerRoute {
    let addresses = PeerAddresses {
        api_url: format!("http://127.0.0.1:{port}").parse().unwrap(),
        public_payload_url: None,
        private_payload_url: None,
        public_rtsp_url: None,
        public_rtmp_url: None,
    };
    let targets = addresses.targets(&[Listener { scheme: Scheme::Http, port }]).unwrap();
    PeerRoute { hostname: name.parse().unwrap(), node: Some(id), targets }
}

pub(super) fn tracks() -> StreamItem {
    let audio = AudioShape { sample_rate: 48_000, channels: 2 };
    let track = Track { id: TrackId(0), codec: CodecConfig::Mp3 { audio }, language: None };
    StreamItem::Tracks(Arc::new([track]))
}

pub(super) fn packet(number: usize) -> StreamItem {
    let time = Ticks::from(FRAME_EVERY * u32::try_from(number).unwrap());
    StreamItem::Packet(MediaPacket {
        track: TrackId(0),
        dts: time,
        pts: time,
        is_keyframe: true,
        payload: Bytes::from_static(&[0xff; 400]),
    })
}

fn answer_head(status: u16, fields: &[(&str, &str)]) -> String {
    let mut head = format!("HTTP/1.1 {status} X\r\n");
    for (name, value) in fields {
        head += &format!("{name}: {value}\r\n");
    }
    head
}

async fn read_request(socket: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let length = field(&head, "content-length").and_then(|text| text.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    socket.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

fn field(head: &str, wanted: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case(wanted).then(|| value.to_owned())
    })
}

fn unix_s() -> u64 {
    crate::wall_clock::unix_time().as_secs()
}
