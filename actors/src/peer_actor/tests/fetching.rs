//! The real fetcher against small servers on loopback: good ones, wrong ones, hostile ones.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::SystemTime;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::super::*;
use super::scripted::config;
use crate::names::NodeId;
use crate::signature::{ClusterGuard, ClusterKey};

const PEER: NodeId = NodeId::from_random(2);

/// What the server sends for a request: target, `Authorization`, which request it is.
type Respond = Box<dyn Fn(&str, &str, usize) -> Vec<u8>>;

/// Serves requests one after another; a `None` of bytes left open hangs.
async fn serve(respond: Respond) -> (SocketAddr, Rc<std::cell::Cell<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Rc::new(std::cell::Cell::new(0));
    let counter = Rc::clone(&count);
    let respond = Rc::new(respond);
    actix_rt::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (respond, counter) = (Rc::clone(&respond), Rc::clone(&counter));
            actix_rt::spawn(async move {
                while let Some(head) = read_head(&mut socket).await {
                    counter.set(counter.get() + 1);
                    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    let header = |line: &str| {
                        let (name, value) = line.split_once(": ")?;
                        name.eq_ignore_ascii_case("authorization").then(|| value.to_owned())
                    };
                    let signed = head.lines().find_map(header).unwrap_or_default();
                    let answer = respond(&target, &signed, counter.get());
                    if answer.is_empty() {
                        std::future::pending::<()>().await;
                    }
                    if socket.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, count)
}

async fn read_head(socket: &mut tokio::net::TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

fn unix_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn http(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        answer += &format!("{name}: {value}\r\n");
    }
    let mut bytes = (answer + "\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A server that checks signatures by `guard`, `ahead_s` ahead of us, and answers with `body`.
fn signed_by(
    guard: ClusterGuard,
    ahead_s: u64,
    headers: &'static [(&'static str, &'static str)],
    body: impl Fn(&str) -> Vec<u8> + 'static,
) -> Respond {
    Box::new(move |target, signed, _| {
        let now = unix_s() + ahead_s;
        match guard.check("GET", target, Some(signed), now) {
            Ok(verified) => {
                let body = body(target);
                let answer = guard.sign_answer(&verified, 200, &body, now);
                http(200, &[&answer.pairs()[..], headers].concat(), &body)
            }
            Err(refusal) => {
                let pairs = refusal.answer.as_ref().map(|answer| answer.pairs());
                http(401, pairs.as_ref().map_or(&[], |pairs| &pairs[..]), b"")
            }
        }
    })
}

fn page(cursor: &str, more: bool, stream: &str) -> Vec<u8> {
    format!(
        r#"{{"node":"south","id":"{PEER}","protocol":1,"cursor":"{cursor}","full":{},"more":{more},
        "streams":[{{"name":"{stream}","state":"running"}}]}}"#,
        stream == "one",
    )
    .into_bytes()
}

fn guard(keys: &[&str]) -> ClusterGuard {
    ClusterGuard::new(PEER, keys.iter().map(|key| ClusterKey::derive(key)).collect())
}

fn fetcher(address: SocketAddr, keys: &[&str]) -> HttpFetcher {
    let mut config = config("b");
    config.addresses.api_url = format!("http://{address}").parse().unwrap();
    config.keys = keys.iter().map(|key| ClusterKey::derive(key)).collect();
    HttpFetcher::new(
        &config,
        FetcherParts::new(
            NodeId::from_random(1),
            peer_tls(None).unwrap(),
            FetchLimits::default(),
            crate::limits::LimitHits::default(),
        ),
    )
}

async fn words(respond: Respond) -> String {
    let (address, _) = serve(respond).await;
    fetcher(address, &["k"]).fetch(None).await.unwrap_err().to_string()
}

#[actix::test]
async fn pages_are_fetched_believed_and_merged() {
    let respond = signed_by(guard(&["k"]), 0, &[], |target| {
        if target.ends_with("?since=c1") {
            page("c2", false, "two")
        } else {
            page("c1", true, "one")
        }
    });
    let (address, count) = serve(respond).await;
    let fetcher = fetcher(address, &["k"]);
    let fetched = fetcher.fetch(None).await.unwrap();
    assert!(fetched.report.full && fetched.report.cursor == "c2");
    assert_eq!(fetched.report.streams.len(), 2);
    assert_eq!((count.get(), fetched.clock_offset_ms), (3, 0), "the id was learned by one 401");
    fetcher.fetch(Some("c1".into())).await.unwrap();
    assert_eq!(count.get(), 4, "and remembered");
}

#[actix::test]
async fn a_clock_far_ahead_is_corrected_and_shown() {
    let respond = signed_by(guard(&["k"]), 600, &[], |_| page("c", false, "one"));
    let (address, _) = serve(respond).await;
    let fetched = fetcher(address, &["k"]).fetch(None).await.unwrap();
    assert!((598_000..602_000).contains(&fetched.clock_offset_ms), "{}", fetched.clock_offset_ms);
}

#[actix::test]
async fn the_next_key_is_tried_and_the_good_one_remembered() {
    let (address, count) =
        serve(signed_by(guard(&["old"]), 0, &[], |_| page("c", false, "one"))).await;
    let fetcher = fetcher(address, &["new", "old"]);
    fetcher.fetch(None).await.unwrap();
    assert_eq!(count.get(), 3);
    fetcher.fetch(None).await.unwrap();
    assert_eq!(count.get(), 4);
}

#[actix::test]
async fn compressed_answers_are_read_and_bombs_are_not() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let good = gzip(&page("c", false, "one"));
    let header = &[("Content-Encoding", "gzip")];
    let (address, _) = serve(signed_by(guard(&["k"]), 0, header, move |_| good.clone())).await;
    assert_eq!(fetcher(address, &["k"]).fetch(None).await.unwrap().report.streams.len(), 1);
    let bomb = gzip(&vec![b' '; 40 << 20]);
    let bombed = signed_by(guard(&["k"]), 0, header, move |_| bomb.clone());
    assert_eq!(words(bombed).await, "answer over 8 MiB");
}

#[actix::test]
async fn wrong_answers_are_told_in_words() {
    let garbage = signed_by(guard(&["k"]), 0, &[], |_| b"<html>".to_vec());
    assert!(words(garbage).await.starts_with("not a report: expected value"));
    assert_eq!(words(signed_by(guard(&["x"]), 0, &[], |_| Vec::new())).await, "401 wrong key");
    let unsigned = words(Box::new(|_, _, _| http(200, &[], b"{}"))).await;
    assert_eq!(unsigned, "not a report: the answer is not signed");
    let error = words(Box::new(|_, _, _| http(500, &[], b"x"))).await;
    assert_eq!(error, "answered 500");
    let not_http = words(Box::new(|_, _, _| b"SSH-2.0-OpenSSH\r\n\r\n".to_vec())).await;
    assert!(not_http.starts_with("not HTTP"), "{not_http}");
    let huge = || b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n".iter().copied();
    let endless = Box::new(move |_: &str, _: &str, _| {
        huge().chain(std::iter::repeat_n(b'x', 9 << 20)).collect()
    });
    assert_eq!(words(endless).await, "answer over 8 MiB");
    let forged = Box::new(|_: &str, _: &str, _| {
        let (node, mac) = (PEER.to_string(), "0".repeat(64));
        let time = unix_s().to_string();
        let headers =
            [("Cluster-Node", node.as_str()), ("Cluster-Time", &time), ("Cluster-Signature", &mac)];
        http(200, &headers, b"{}")
    });
    assert_eq!(words(forged).await, "answer signed with a wrong key");
}

#[actix::test]
async fn redirects_are_not_followed() {
    let (canary, visits) = serve(Box::new(|_, _, _| http(200, &[], b""))).await;
    let location = format!("http://{canary}/");
    let redirect = words(Box::new(move |_, _, _| http(302, &[("Location", &location)], b""))).await;
    assert_eq!(redirect, "answered 302 (a redirect is not followed)");
    assert_eq!(visits.get(), 0);
}

#[actix::test]
async fn silence_and_trickles_end_in_time() {
    let began = std::time::Instant::now();
    assert_eq!(words(Box::new(|_, _, _| Vec::new())).await, "timed out after 1 s");
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx";
    assert_eq!(words(Box::new(|_, _, _| head.to_vec())).await, "answers slower than 64 KiB/s");
    assert!(began.elapsed() < Duration::from_secs(4));
}

#[actix::test]
async fn nobody_listening_is_a_refused_connection() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let failure = fetcher(gone, &["k"]).fetch(None).await.unwrap_err();
    assert_eq!(failure.to_string(), "connection refused");
}

#[actix::test]
async fn a_connection_closed_while_idle_is_no_failure() {
    let seen = Arc::new(Mutex::new(0));
    let respond = signed_by(guard(&["k"]), 0, &[], |_| page("c", false, "one"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counter = Arc::clone(&seen);
    actix_rt::spawn(async move {
        // Says keep-alive, answers once, and closes.
        while let Ok((mut socket, _)) = listener.accept().await {
            let Some(head) = read_head(&mut socket).await else {
                continue;
            };
            *counter.lock().unwrap() += 1;
            let target = head.split(' ').nth(1).unwrap().to_owned();
            let find = |line: &str| line.to_ascii_lowercase().starts_with("authorization: ");
            let signed = head.lines().find(|line| find(line)).unwrap()[15..].to_owned();
            socket.write_all(&respond(&target, &signed, 0)).await.unwrap();
        }
    });
    let fetcher = fetcher(address, &["k"]);
    for _ in 0..5 {
        fetcher.fetch(None).await.unwrap();
    }
    assert_eq!(*seen.lock().unwrap(), 6);
}
