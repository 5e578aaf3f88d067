//! Whole sessions over loopback, with a scripted router.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::messages::StopListening;
use super::*;
use crate::client_stream::MaybeTls;
use crate::live_stream::{InputWriter, PublishRefused};
use crate::relay::tests::no_relays;
use crate::tcp_listener::ListenLimits;

/// Knows `cam` at a peer, `here` on this node, and `boom`, at which it panics.
#[derive(Default)]
struct ScriptedRouter {
    asked: AtomicUsize,
}

impl Router for ScriptedRouter {
    fn locate_rtsp(&self, path: &str, query: Option<&str>, agent: Option<&str>) -> RtspAnswer {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match path {
            "cam" => {
                let (query, agent) = (query.unwrap_or_default(), agent.unwrap_or_default());
                RtspAnswer::Redirect(format!("rtsp://b:8552/cam?{query}&agent={agent}"))
            }
            "here" => RtspAnswer::Here,
            "late" => RtspAnswer::Unavailable,
            "odd" => RtspAnswer::BadRequest("odd".to_owned()),
            "boom" => panic!("the router failed"),
            _ => RtspAnswer::NotFound,
        }
    }

    fn locate_rtsp_publish(&self, path: &str, _: Option<&str>, _: Option<&str>) -> RtspAnswer {
        RtspAnswer::Redirect(format!("rtsp://c/{path}"))
    }
}

/// Refuses all publishers: it has no streams.
struct EmptyHub;

impl Actor for EmptyHub {
    type Context = Context<Self>;
}

impl Handler<PublishTo> for EmptyHub {
    type Result = Result<InputWriter, PublishRefused>;

    fn handle(&mut self, _: PublishTo, _ctx: &mut Self::Context) -> Self::Result {
        Err(PublishRefused::UnknownStream)
    }
}

fn settings() -> RtspSessionSettings {
    RtspSessionSettings {
        limits: RtspLimits::default(),
        outbox: OutboxLimits::CONTROL,
        read_bytes_max: 4096,
        linger: Duration::from_secs(1),
        hub: EmptyHub.start().recipient(),
        streams: LocalStreams::default(),
        relays: no_relays(),
        sessions: Sessions::new(LimitHits::default()),
        fan_out: Published::new(FanOutSettings {
            write_batching: Duration::ZERO,
            silence_max: Duration::from_secs(20),
            skips_max: 5,
        }),
    }
}

struct Door {
    listener: Addr<RtspListener>,
    address: SocketAddr,
    router: Arc<ScriptedRouter>,
    connections: Arc<Semaphore>,
    limits_hit: LimitHits,
}

fn open_door(connections: usize, settings: RtspSessionSettings) -> Door {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let connections = Arc::new(Semaphore::new(connections));
    let limits_hit = LimitHits::default();
    let limits = ListenLimits::new(Arc::clone(&connections), REFUSAL, limits_hit.clone());
    let router = Arc::new(ScriptedRouter::default());
    let listener =
        RtspListener::new(socket, limits, Vec::new(), settings, Arc::clone(&router) as _).start();
    Door { listener, address, router, connections, limits_hit }
}

async fn connect(door: &Door) -> TcpStream {
    TcpStream::connect(door.address).await.unwrap()
}

/// Sends `text`, then reads `count` answers without a body.
async fn ask(client: &mut TcpStream, text: &str, count: usize) -> String {
    client.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    while answer.matches("\r\n\r\n").count() < count {
        answer.push(char::from(client.read_u8().await.unwrap()));
    }
    answer
}

/// Sends `text` on a connection of its own and reads until the server closes.
async fn converse(door: &Door, text: &str) -> String {
    let mut client = connect(door).await;
    client.write_all(text.as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    read_all(&mut client).await
}

async fn read_all(client: &mut TcpStream) -> String {
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    text
}

#[actix::test]
async fn options_then_describe_leads_to_the_location_of_the_stream() {
    let door = open_door(10, settings());
    let mut client = connect(&door).await;
    let options = ask(&mut client, "OPTIONS rtsp://a/cam RTSP/1.0\r\nCSeq: 1\r\n\r\n", 1).await;
    assert!(options.starts_with("RTSP/1.0 200 OK\r\nCSeq: 1\r\n"), "{options}");
    let text = "DESCRIBE rtsp://a/cam?token=t RTSP/1.0\r\nCSeq: 2\r\nUser-Agent: me\r\n\r\n";
    let describe = ask(&mut client, text, 1).await;
    assert!(describe.starts_with("RTSP/1.0 302 Found\r\nCSeq: 2\r\n"), "{describe}");
    let location = "\r\nLocation: rtsp://b:8552/cam?token=t&agent=me\r\n";
    assert!(describe.contains(location), "{describe}");
    let announce = "ANNOUNCE rtsp://a/cam RTSP/1.0\r\nCSeq: 3\r\nContent-Length: 3\r\n\r\nv=0";
    let announce = ask(&mut client, announce, 1).await;
    assert!(announce.contains("302 Found\r\nCSeq: 3\r\n"), "{announce}");
    assert!(announce.contains("Location: rtsp://c/cam\r\n"), "{announce}");
}

#[actix::test]
async fn every_answer_of_the_router_has_its_status() {
    let door = open_door(10, settings());
    for (path, status) in [
        // It has gone since the router looked.
        ("here", "503 Service Unavailable"),
        ("late", "503 Service Unavailable"),
        ("odd", "400 Bad Request"),
        ("none", "404 Not Found"),
    ] {
        let text = format!("DESCRIBE rtsp://a/{path} RTSP/1.0\r\nCSeq: 9\r\n\r\n");
        let answer = converse(&door, &text).await;
        assert!(answer.starts_with(&format!("RTSP/1.0 {status}\r\nCSeq: 9\r\n")), "{answer}");
    }
}

#[actix::test]
async fn what_is_no_stream_name_is_not_found_without_asking_the_router() {
    let door = open_door(10, settings());
    for path in ["../x", "%2e%2e/x", "", "a//b", "streamer/x", &"a".repeat(3000)] {
        let text = format!("DESCRIBE rtsp://a/{path} RTSP/1.0\r\nCSeq: 1\r\n\r\n");
        let answer = converse(&door, &text).await;
        assert!(answer.starts_with("RTSP/1.0 404 Not Found\r\n"), "{path}: {answer}");
    }
    assert_eq!(door.router.asked.load(Ordering::Relaxed), 0);
}

#[actix::test]
async fn panic_in_a_session_ends_that_session_only() {
    let door = open_door(10, settings());
    let mut neighbour = connect(&door).await;
    let mut client = connect(&door).await;
    client.write_all(b"DESCRIBE rtsp://a/boom RTSP/1.0\r\nCSeq: 1\r\n\r\n").await.unwrap();
    assert_eq!(client.read(&mut [0; 10]).await.unwrap_or(0), 0);
    let answer = ask(&mut neighbour, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 1).await;
    assert!(answer.starts_with("RTSP/1.0 200 OK"), "{answer}");
    assert_eq!(door.connections.available_permits(), 9);
}

#[actix::test]
async fn client_over_the_connection_limit_is_told_so_and_its_neighbour_is_served() {
    let door = open_door(1, settings());
    let mut first = connect(&door).await;
    let options = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";
    ask(&mut first, options, 1).await;
    let mut second = connect(&door).await;
    assert_eq!(read_all(&mut second).await.as_bytes(), REFUSAL);
    ask(&mut first, options, 1).await;
    assert_eq!(door.limits_hit.counts().into_iter().collect::<Vec<_>>(), [("connections", 1)]);
}

#[actix::test]
async fn garbage_is_answered_closed_and_counted() {
    let door = open_door(10, settings());
    let mut client = connect(&door).await;
    client.write_all(&[b'A'; 64 * 1024]).await.unwrap();
    let answer = read_all(&mut client).await;
    assert!(answer.starts_with("RTSP/1.0 414 "), "{answer}");
    assert_eq!(door.limits_hit.counts().into_iter().collect::<Vec<_>>(), [("rtsp_line", 1)]);
    drop(client);
    let _all = Arc::clone(&door.connections).acquire_many_owned(10).await.unwrap();
}

#[actix::test]
async fn thousand_pipelined_setups_are_answered_one_by_one() {
    let door = open_door(10, settings());
    let setup = "SETUP rtsp://a/cam/trackID=0 RTSP/1.0\r\nCSeq: 5\r\n\r\n";
    let client = connect(&door).await;
    let (mut reader, mut writer) = client.into_split();
    let text = setup.repeat(1000);
    let writing = actix_rt::spawn(async move {
        writer.write_all(text.as_bytes()).await.unwrap();
        writer
    });
    // The answers wait unread until all requests are on their way.
    let _writer = writing.await.unwrap();
    let mut seen = String::new();
    while seen.matches("RTSP/1.0 455").count() < 1000 {
        let mut piece = [0; 4096];
        let count = reader.read(&mut piece).await.unwrap();
        assert_ne!(count, 0, "closed after {} bytes", seen.len());
        seen.push_str(std::str::from_utf8(&piece[..count]).unwrap());
    }
    assert!(door.limits_hit.counts().is_empty());
}

#[actix::test]
async fn client_that_asks_without_reading_is_closed_after_the_write_timeout() {
    let mut settings = settings();
    settings.outbox.write_timeout = Duration::from_millis(100);
    let door = open_door(10, settings);
    let mut client = connect(&door).await;
    let options = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n".repeat(1000);
    while client.write_all(options.as_bytes()).await.is_ok() {}
    let _all = Arc::clone(&door.connections).acquire_many_owned(10).await.unwrap();
    assert_eq!(
        door.limits_hit.counts().into_iter().collect::<Vec<_>>(),
        [("rtsp_write_timeout", 1)]
    );
}

#[actix::test]
async fn silent_client_is_closed_at_the_deadline() {
    let mut settings = settings();
    settings.limits.play_timeout = Duration::from_millis(50);
    let door = open_door(10, settings);
    let mut client = connect(&door).await;
    client.write_all(b"OPTIONS * RTSP/1.0\r\n").await.unwrap();
    assert_eq!(read_all(&mut client).await, "");
    assert_eq!(
        door.limits_hit.counts().into_iter().collect::<Vec<_>>(),
        [("rtsp_play_timeout", 1)]
    );
}

#[actix::test]
async fn ended_session_writes_its_last_answer_and_closes() {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(socket.local_addr().unwrap()).await.unwrap();
    let (stream, peer) = socket.accept().await.unwrap();
    let connections = Arc::new(Semaphore::new(1));
    let permit = Arc::clone(&connections).try_acquire_owned().unwrap();
    let session = RtspSession::start_on(
        Connection { stream: MaybeTls::Plain(stream), peer, permit },
        settings(),
        Arc::new(ScriptedRouter::default()),
        LimitHits::default(),
    );
    ask(&mut client, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 1).await;
    session.send(EndSession).await.unwrap();
    assert_eq!(read_all(&mut client).await, "");
    drop(client);
    let _permit = connections.acquire().await.unwrap();
}

#[actix::test]
async fn stopped_listener_takes_no_client_but_its_sessions_live_on() {
    let door = open_door(10, settings());
    let mut client = connect(&door).await;
    let options = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";
    ask(&mut client, options, 1).await;
    door.listener.send(StopListening).await.unwrap();
    while door.listener.connected() {
        actix_rt::task::yield_now().await;
    }
    assert!(TcpStream::connect(door.address).await.is_err());
    ask(&mut client, options, 1).await;
}
