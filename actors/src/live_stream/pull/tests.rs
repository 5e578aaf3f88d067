//! Whole inputs against scripted servers on loopback.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;
use watershed_media::live::{LiveMuxer as _, LivePacket};
use watershed_media::packet::MediaPacket;
use watershed_media::rtmp::live::ChunkMuxer;
use watershed_media::rtmp::{Event, Output, ServerConfig, ServerSession};
use watershed_media::time::Ticks;
use watershed_media::track::{AudioShape, CodecConfig, Track, TrackId};

use super::*;
use crate::egress::EgressPolicy;
use crate::live_stream::tests::{publish_input, spec};
use crate::live_stream::{Broadcast, InputSource, InputSpec, LiveStream};
use crate::stream_directory::LocalStreamChanged;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

struct Directory;

impl Actor for Directory {
    type Context = Context<Self>;
}

impl Handler<LocalStreamChanged> for Directory {
    type Result = ();

    fn handle(&mut self, _: LocalStreamChanged, _ctx: &mut Self::Context) {}
}

/// A stream that pulls `url`, and is dead after `silence` without a packet.
fn pull(url: &str, silence: Duration, egress_allow: &[&str]) -> (Addr<LiveStream>, Arc<Broadcast>) {
    let allowed = egress_allow.iter().map(|network| network.parse().unwrap()).collect();
    let source = InputSource::Pull(PullSource {
        url: PullUrl::parse(url).unwrap(),
        rtsp_transport: RtspTransport::Tcp,
        egress: Arc::new(EgressPolicy::new(allowed)),
        limits: PullLimits::default(),
    });
    let input = InputSpec { source, source_timeout: silence, ..publish_input() };
    let spec = spec(vec![input]);
    let broadcast = Arc::new(Broadcast::new(&spec, "first"));
    let directory = Directory.start().recipient();
    (LiveStream::new(spec, Arc::clone(&broadcast), directory).start(), broadcast)
}

/// Waits until the stream shows an error; its words without the URL before them.
async fn error_of(broadcast: &Broadcast) -> String {
    let wait = async {
        loop {
            if let Some(error) = broadcast.facts().capture.source_error {
                return error;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let error = timeout(PATIENCE, wait).await.expect("no error is shown");
    error.split_once(": ").expect("the URL stands first").1.to_owned()
}

async fn wait_tracks(broadcast: &Broadcast) -> Vec<&'static str> {
    let wait = async {
        while broadcast.tracks().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        broadcast.tracks().iter().map(|track| track.codec.name()).collect()
    };
    timeout(PATIENCE, wait).await.expect("no tracks come")
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// What a scripted RTMP server does with a player.
#[derive(Clone)]
enum Script {
    /// Sends frames for ever.
    Play,
    /// Sends one frame, then nothing.
    PlayOnce,
    /// Sends it elsewhere.
    Redirect(String),
    Reject,
}

/// Serves one connection by `script`.
async fn serve_rtmp(mut stream: TcpStream, script: Script) {
    let mut session = ServerSession::new(ServerConfig::default(), 1, std::time::Instant::now());
    let mut buffer = [0; 4096];
    let mut is_playing = false;
    while !is_playing {
        let count = stream.read(&mut buffer).await.unwrap();
        if count == 0 {
            return;
        }
        let mut outputs = session.receive(&buffer[..count], std::time::Instant::now()).unwrap();
        while !outputs.is_empty() {
            match outputs.remove(0) {
                Output::Send(bytes) => stream.write_all(&bytes).await.unwrap(),
                Output::Event(Event::ConnectRequested(_)) => {
                    outputs.extend(session.accept_connect().unwrap());
                }
                Output::Event(Event::PlayRequested(asked)) => {
                    let request = asked.request;
                    outputs.extend(
                        match &script {
                            Script::Redirect(url) => session.redirect_play(request, url, url),
                            Script::Reject => {
                                session.reject_play(request, "x", "no token=abc here")
                            }
                            Script::Play | Script::PlayOnce => {
                                is_playing = true;
                                session.accept_play(request)
                            }
                        }
                        .unwrap(),
                    );
                }
                Output::Event(other) => panic!("{other:?}"),
            }
        }
    }
    let mut muxer = ChunkMuxer::default();
    for time in (0..).step_by(23) {
        let mut out = BytesMut::new();
        muxer.mux(&frame(time), &mut out);
        if stream.write_all(&out).await.is_err() {
            return;
        }
        let pause = if matches!(script, Script::Play) { 5 } else { 60_000 };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

fn frame(millis: i64) -> LivePacket {
    let audio = AudioShape { sample_rate: 44_100, channels: 2 };
    let codec = CodecConfig::Aac { config: b"\x12\x10".as_slice().into(), audio };
    let time = Ticks::from_millis(millis);
    let (track, payload) = (TrackId(0), vec![7; 100].into());
    LivePacket {
        tracks: Arc::new([Track { id: track, codec, language: None }]),
        packet: MediaPacket { track, dts: time, pts: time, is_keyframe: true, payload },
        is_start: millis == 0,
        is_discontinuity: false,
    }
}

/// A server of RTMP that serves every connection by `script`; its URL, and how many it served.
async fn rtmp_server(script: Script) -> (String, Arc<std::sync::atomic::AtomicUsize>) {
    let (listener, address) = listen().await;
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let served = Arc::clone(&count);
    actix_rt::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            served.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            actix_rt::spawn(serve_rtmp(stream, script.clone()));
        }
    });
    (format!("rtmp://{address}/live/cam?token=abc"), count)
}

#[actix::test]
async fn rtmp_is_played() {
    let (url, _) = rtmp_server(Script::Play).await;
    let (_stream, broadcast) = pull(&url, PATIENCE, &[]);
    assert_eq!(wait_tracks(&broadcast).await, ["aac"]);
}

#[actix::test]
async fn rtmp_redirect_is_followed_where_the_policy_allows() {
    let (url, _) = rtmp_server(Script::Play).await;
    let (first, _) = rtmp_server(Script::Redirect(url.clone())).await;
    let (_stream, broadcast) = pull(&first, PATIENCE, &["127.0.0.1"]);
    assert_eq!(wait_tracks(&broadcast).await, ["aac"]);

    let (target, served) = rtmp_server(Script::Play).await;
    let (first, _) = rtmp_server(Script::Redirect(target)).await;
    let (_stream, broadcast) = pull(&first, PATIENCE, &[]);
    let error = error_of(&broadcast).await;
    assert_eq!(error, "leads to loopback address 127.0.0.1, which egress_allow does not name");
    assert_eq!(served.load(std::sync::atomic::Ordering::Relaxed), 0, "it was not even asked");
}

#[actix::test]
async fn rtmp_redirects_end_somewhere_and_stay_with_the_protocol() {
    let (listener, address) = listen().await;
    let own = format!("rtmp://{address}/live/cam");
    actix_rt::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            actix_rt::spawn(serve_rtmp(stream, Script::Redirect(own.clone())));
        }
    });
    let (_stream, broadcast) =
        pull(&format!("rtmp://{address}/live/cam"), PATIENCE, &["127.0.0.1"]);
    assert_eq!(error_of(&broadcast).await, "redirected more than 3 times");

    let (url, _) = rtmp_server(Script::Redirect("file:///etc/passwd".to_owned())).await;
    let (_stream, broadcast) = pull(&url, PATIENCE, &["127.0.0.1"]);
    assert_eq!(error_of(&broadcast).await, "redirected to what is no address");
}

#[actix::test]
async fn refusal_is_told_in_the_servers_words_without_secrets() {
    let (url, _) = rtmp_server(Script::Reject).await;
    let (_stream, broadcast) = pull(&url, PATIENCE, &[]);
    assert_eq!(error_of(&broadcast).await, "refused: no *** here (x)");
}

#[actix::test]
async fn server_that_falls_silent_fails_and_is_asked_again() {
    let (url, served) = rtmp_server(Script::PlayOnce).await;
    let (_stream, broadcast) = pull(&url, Duration::from_secs(1), &[]);
    assert_eq!(error_of(&broadcast).await, "no data for 1 s");
    assert_eq!(broadcast.facts().capture.retry_count, 1);
    let wait = async {
        while served.load(std::sync::atomic::Ordering::Relaxed) < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it is not asked again");
}

#[actix::test]
async fn server_that_accepts_and_says_nothing_fails() {
    for scheme in ["rtmp", "rtsp", "tshttp"] {
        let (_listener, address) = listen().await;
        let (_stream, broadcast) =
            pull(&format!("{scheme}://{address}/live/cam"), Duration::from_secs(1), &[]);
        assert_eq!(error_of(&broadcast).await, "no data for 1 s", "{scheme}");
    }
}

#[actix::test]
async fn nobody_there_is_told_in_words() {
    let (listener, address) = listen().await;
    drop(listener);
    for scheme in ["rtmp", "rtmps", "rtsp", "tshttp"] {
        let (_stream, broadcast) = pull(&format!("{scheme}://{address}/live/cam"), PATIENCE, &[]);
        assert_eq!(error_of(&broadcast).await, "connection refused", "{scheme}");
    }
}

#[actix::test]
async fn noise_for_an_answer_fails() {
    for (scheme, words) in [
        ("rtmp", "rtmp version 71, expected 3"),
        ("tshttp", "invalid HTTP version specified"),
        ("rtsp", "RTSP framing error"),
    ] {
        let (listener, address) = listen().await;
        actix_rt::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.write_all(b"GARBAGE \xff\r\n\r\n").await;
                tokio::time::sleep(PATIENCE).await;
            }
        });
        let (_stream, broadcast) = pull(&format!("{scheme}://{address}/a/b"), PATIENCE, &[]);
        let error = error_of(&broadcast).await;
        assert!(error.contains(words), "{scheme}: {error}");
    }
}

/// Answers each GET by what `answer` makes of its path.
async fn http_server(answer: impl Fn(&str) -> Vec<u8> + Clone + 'static) -> String {
    let (listener, address) = listen().await;
    actix_rt::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            actix_rt::spawn(async move {
                let mut asked = Vec::new();
                while !asked.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => asked.push(byte),
                        Err(_) => return,
                    }
                }
                let asked = String::from_utf8(asked).unwrap();
                let path = asked.split(' ').nth(1).unwrap();
                let _ = stream.write_all(&answer(path)).await;
            });
        }
    });
    address
}

fn transport_stream() -> Vec<u8> {
    let mut muxer = watershed_media::mpegts::Muxer::new(&frame(0).tracks);
    let mut out = BytesMut::new();
    for time in (0..2000).step_by(23) {
        muxer.mux(&frame(time).packet, &mut out);
    }
    out.to_vec()
}

fn redirect(to: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .into_bytes()
}

#[actix::test]
async fn transport_streams_come_by_http_through_a_redirect() {
    let answer = |path: &str| match path {
        "/there?a=1" => {
            [&b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n"[..], &transport_stream()]
                .concat()
        }
        _ => redirect("/there?a=1"),
    };
    let address = http_server(answer).await;
    let url = format!("tshttp://{address}/here");
    let (_stream, broadcast) = pull(&url, PATIENCE, &["127.0.0.0/8"]);
    assert_eq!(wait_tracks(&broadcast).await, ["aac"]);
    let (_stream, broadcast) = pull(&url, PATIENCE, &[]);
    assert!(error_of(&broadcast).await.starts_with("leads to loopback address"));
}

#[actix::test]
async fn http_errors_are_told_in_words() {
    let status = |status: &'static str| {
        move |_: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    };
    for (line, words) in [
        ("401 Unauthorized", "401: wrong user or password"),
        ("404 Not Found", "404: no such stream"),
        ("500 Oops", "500: the server failed"),
    ] {
        let address = http_server(status(line)).await;
        let (_stream, broadcast) = pull(&format!("tshttp://u:p@{address}/x"), PATIENCE, &[]);
        assert_eq!(error_of(&broadcast).await, words);
    }
    let address = http_server(|path| redirect(&format!("{path}x"))).await;
    let (_stream, broadcast) = pull(&format!("tshttp://{address}/x"), PATIENCE, &["127.0.0.1"]);
    assert_eq!(error_of(&broadcast).await, "redirected more than 5 times");
}

#[actix::test]
async fn datagrams_are_taken_by_unicast_and_multicast() {
    for group in ["127.0.0.1", "239.255.77.1"] {
        let probe = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = probe.local_addr().unwrap().port();
        drop(probe);
        let (_stream, broadcast) =
            pull(&format!("udp://{group}:{port}?localaddr=127.0.0.1"), PATIENCE, &[]);
        let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let interface = std::net::Ipv4Addr::LOCALHOST;
        socket2::SockRef::from(&sender).set_multicast_if_v4(&interface).unwrap();
        let sending = actix_rt::spawn(async move {
            loop {
                for datagram in transport_stream().chunks(7 * 188) {
                    let _ = sender.send_to(datagram, (group, port)).await;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        assert_eq!(wait_tracks(&broadcast).await, ["aac"], "{group}");
        sending.abort();
    }
}

#[actix::test]
async fn input_that_is_not_wanted_any_more_lets_go_of_its_server() {
    let (listener, address) = listen().await;
    let (stream, _broadcast) = pull(&format!("rtmp://{address}/live/cam"), PATIENCE, &[]);
    let (mut connection, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    stream.send(crate::live_stream::messages::RemoveStream).await.unwrap();
    let mut rest = Vec::new();
    timeout(PATIENCE, connection.read_to_end(&mut rest)).await.expect("it stays").unwrap();
}

#[actix::test]
async fn hls_is_played_in_step_and_other_servers_are_not_trusted() {
    let ok = |body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let answer = move |path: &str| match path {
        "/live/index.m3u8" => ok(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\nvideo.m3u8?t=1\n"),
        "/live/video.m3u8?t=1" => {
            ok(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n0.ts\n#EXTINF:2,\n1.ts\n")
        }
        "/live/0.ts" => ok(&transport_stream()),
        "/live/evil.m3u8" => ok(b"#EXTM3U\n#EXTINF:2,\nhttp://localhost:1/0.ts\n"),
        "/live/huge.m3u8" => ok(&[b'#'; (1 << 20) + 1]),
        _ => ok(b"no playlist"),
    };
    let address = http_server(answer).await;
    let pull = |name: &str| pull(&format!("hls://{address}/live/{name}"), PATIENCE, &[]);
    let start = std::time::Instant::now();
    let (_stream, broadcast) = pull("index.m3u8");
    assert_eq!(wait_tracks(&broadcast).await, ["aac"]);
    assert!(start.elapsed() < Duration::from_secs(2), "it begins at once");
    let frames = broadcast.facts().bytes_in / 100;
    assert!(frames < 60, "{frames} of 87 frames at once");
    for (name, words) in [
        ("evil.m3u8", "leads to loopback address"),
        ("huge.m3u8", "an answer of more than 1048576 bytes"),
        ("else.m3u8", "not an HLS playlist"),
    ] {
        let (_stream, broadcast) = pull(name);
        let error = error_of(&broadcast).await;
        assert!(error.starts_with(words), "{name}: {error}");
    }
}
