//! Protocol sessions: a hostile client on the other end, an owner that grants what it can.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use watershed_media::rtmp::amf0::{self, AmfLimits};
use watershed_media::rtmp::chunk_reader::ChunkReader;
use watershed_media::rtmp::handshake::ClientHandshake;
use watershed_media::rtmp::{self, Event, Output, ServerConfig};
use watershed_media::rtsp::{self, Incoming, RequestReader, RtspLimits, Target};

/// Bytes of one read when a stream of them is cut into pieces: prime, so that cuts fall anywhere.
const PIECE: usize = 7;

/// What there is to play: one track relative to the base, one by its own address.
const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\n\
    m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n\
    m=audio 0 RTP/AVP 97\r\na=control:rtsp://127.0.0.1:8554/cam1/trackID=2\r\n";

/// Most answers that an owner gives in one run.
const ANSWERS_MAX: usize = 64;

/// The reader and the session, whole and in pieces.
pub(crate) fn rtsp(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let whole = rtsp_messages(&bytes, bytes.len());
    let pieces = rtsp_messages(&bytes, PIECE);
    assert_eq!(whole, pieces, "messages depend on where their bytes are cut");
    let _ = std::str::from_utf8(&bytes).map(Target::parse);
    let now = Instant::now();
    let mut session = rtsp::ServerSession::new(
        rtsp::ServerConfig {
            limits: RtspLimits::default(),
            client: Ipv4Addr::LOCALHOST.into(),
            allows_udp: true,
            seed: [7; 32],
        },
        now,
    );
    let mut answers = 0;
    for piece in cut(&bytes, PIECE * 11) {
        let Ok(mut outputs) = session.receive(piece, now + Duration::from_secs(1)) else { return };
        while let Some(output) = outputs.pop() {
            answers += 1;
            let rtsp::Output::Event(event) = output else { continue };
            if answers > ANSWERS_MAX {
                return;
            }
            if let Some(answer) = grant_rtsp(&mut session, event) {
                outputs.extend(answer.expect("the request waits"));
            }
        }
    }
    session.check_deadline(now + Duration::from_secs(100));
}

/// What an owner says that has every stream and takes every publisher.
fn grant_rtsp(
    session: &mut rtsp::ServerSession,
    event: rtsp::Event,
) -> Option<Result<Vec<rtsp::Output>, rtsp::RtspError>> {
    use rtsp::Event;
    Some(match event {
        Event::DescribeRequested(ask) if ask.path.ends_with("gone") => {
            session.redirect(ask.request, "rtsp://b.example/cam")
        }
        Event::DescribeRequested(ask) => session.describe(ask.request, SDP.to_owned()),
        Event::AnnounceRequested(ask, _) => session.accept_announce(ask.request),
        Event::UdpRequested(request, _) => session.set_up_udp(request, (6000, 6001), Some(1)),
        Event::PlayRequested(request, tracks) => {
            let start = |setup: &rtsp::TrackSetup| rtsp::TrackStart {
                track: setup.track,
                sequence: 1,
                timestamp: 2,
            };
            let starts: Vec<_> = tracks.iter().map(start).collect();
            session.play(request, &starts)
        }
        Event::RecordRequested(request, _) => session.record(request),
        _ => return None,
    })
}

/// `bytes` in pieces.
fn cut(bytes: &Bytes, size: usize) -> impl Iterator<Item = Bytes> + '_ {
    let size = size.max(1);
    (0..bytes.len()).step_by(size).map(move |at| bytes.slice(at..bytes.len().min(at + size)))
}

/// The requests and frames in `bytes`, and whether they end in an error.
fn rtsp_messages(bytes: &Bytes, piece: usize) -> (Vec<Incoming>, bool) {
    let mut reader = RequestReader::new(RtspLimits::default());
    let mut messages = Vec::new();
    for mut piece in cut(bytes, piece) {
        while !piece.is_empty() {
            match reader.read(&mut piece, |channel| channel < 4) {
                Ok(message) => messages.extend(message),
                Err(_) => return (messages, true),
            }
        }
    }
    (messages, false)
}

/// Chunks and commands behind a good handshake, granted in turn.
pub(crate) fn rtmp(bytes: &[u8]) {
    let whole = rtmp_messages(bytes, bytes.len());
    let pieces = rtmp_messages(bytes, PIECE);
    assert_eq!(whole, pieces, "messages depend on where their bytes are cut");
    let now = Instant::now();
    let mut session = rtmp::ServerSession::new(ServerConfig::default(), 1, now);
    let (_, hello) = ClientHandshake::start(1);
    let hello = [&hello[..], &[0; 1536]].concat();
    session.receive(&hello, now).expect("a good handshake");
    play_rtmp(&mut session, bytes, now);
}

/// Everything from the first byte of a connection.
pub(crate) fn rtmp_handshake(bytes: &[u8]) {
    let now = Instant::now();
    let mut client = ClientHandshake::start(1).0;
    let _ = client.receive(bytes);
    let mut session = rtmp::ServerSession::new(ServerConfig::default(), 1, now);
    play_rtmp(&mut session, bytes, now);
}

/// Feeds a session and grants what it asks for.
fn play_rtmp(session: &mut rtmp::ServerSession, bytes: &[u8], now: Instant) {
    let mut answers = 0;
    for piece in bytes.chunks(4096) {
        let Ok(mut outputs) = session.receive(piece, now) else { return };
        while !outputs.is_empty() {
            let mut next = Vec::new();
            for output in outputs {
                answers += 1;
                let Output::Event(event) = output else { continue };
                let answer = match event {
                    _ if answers > ANSWERS_MAX * 16 => return,
                    Event::ConnectRequested(_) => session.accept_connect(),
                    Event::PublishRequested(ask) => session.accept_publish(ask.request),
                    Event::PlayRequested(ask) => session.accept_play(ask.request),
                    _ => continue,
                };
                // What one answer led to may have ended the request behind it.
                next.extend(answer.unwrap_or_default());
            }
            outputs = next;
        }
    }
    session.finish();
}

/// The messages in `bytes`, and whether they end in an error.
fn rtmp_messages(bytes: &[u8], piece: usize) -> (Vec<rtmp::message::Message>, bool) {
    let mut reader = ChunkReader::new(rtmp::Limits::default());
    let mut messages = Vec::new();
    for mut piece in bytes.chunks(piece.max(1)) {
        loop {
            match reader.read(&mut piece) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(_) => return (messages, true),
            }
        }
    }
    (messages, false)
}

/// Values that were read are the same once written and read again.
pub(crate) fn amf0(bytes: &[u8]) {
    let limits = AmfLimits { depth_max: 16, values_max: 4096 };
    let Ok(values) = amf0::decode_all(bytes, limits) else { return };
    let mut out = bytes::BytesMut::new();
    amf0::encode_all(&values, &mut out);
    let again = amf0::decode_all(&out, limits).expect("what was written can be read");
    // Not-a-number is unlike itself: compared as text.
    assert_eq!(format!("{values:?}"), format!("{again:?}"));
    for value in &values {
        let _ = rtmp::metadata::hints(value);
    }
}
