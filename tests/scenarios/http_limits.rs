//! The limits of the HTTP door, each answered with its own status and counted.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::cluster::plan;
use crate::support::http;
use crate::support::{SLACK, promise};

#[test]
fn heads_over_their_limits_are_refused_and_counted() {
    let cluster = plan().start_connected();
    let north = cluster.node("north");
    let limit = Duration::from_secs(5);
    let before = north.metric("watershed_limit_hits_total");
    let large = "x".repeat(40 * 1024);
    let answer = http::request(north.http, "GET", "/", &[("X-Large", &large)], b"", limit).unwrap();
    assert_eq!(answer.status, 431);
    let names: Vec<String> = (0..120).map(|index| format!("X-Header-{index}")).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let answer = http::request(north.http, "GET", "/", &headers, b"", limit).unwrap();
    assert_eq!(answer.status, 431);
    let after = north.metric("watershed_limit_hits_total");
    assert!(after >= before + 2.0, "limit hits went from {before} to {after}");
}

#[test]
fn a_head_that_never_ends_is_408_within_5_seconds() {
    let cluster = plan().start_connected();
    let mut socket = TcpStream::connect(("127.0.0.1", cluster.node("north").http)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let start = Instant::now();
    socket.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).ok();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    promise("a slow head is closed", start.elapsed(), Duration::from_secs(5) + SLACK);
}

#[test]
fn methods_that_are_not_declared_are_405() {
    let cluster = plan().start_connected();
    let north = cluster.node("north");
    for path in ["/streamer/api/v3/cluster/peers", "/streamer/api/v3/config/stats"] {
        let limit = Duration::from_secs(5);
        let answer = http::request(north.http, "PATCH", path, &[], b"", limit).unwrap();
        assert_eq!(answer.status, 405, "{path}");
    }
}

/// A connection that the framework has, by one whole request and its answer.
fn handed_over(port: u16) -> TcpStream {
    let (socket, answer) = asked(port);
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    socket
}

/// A connection with one answered request, and the beginning of the answer.
fn asked(port: u16) -> (TcpStream, String) {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    socket.write_all(b"GET /nobody HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    let mut answer = [0; 4096];
    let count = socket.read(&mut answer).unwrap();
    (socket, String::from_utf8_lossy(&answer[..count]).into_owned())
}

/// How long it takes until the node closes.
fn until_closed(socket: &mut TcpStream) -> Duration {
    let start = Instant::now();
    let mut rest = Vec::new();
    // A reset counts as closed; an open connection runs into the time limit of its test.
    socket.read_to_end(&mut rest).ok();
    start.elapsed()
}

#[test]
fn a_later_head_that_never_ends_is_closed_within_5_seconds() {
    let cluster = plan().start_connected();
    let north = cluster.node("north");
    let before = north.metric("watershed_limit_hits_total");
    let mut socket = handed_over(north.http);
    socket.write_all(b"GET /nobody HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ").unwrap();
    let took = until_closed(&mut socket);
    promise("a slow later head is closed", took, Duration::from_secs(5) + SLACK);
    assert!(north.metric("watershed_limit_hits_total") > before);
}

#[test]
fn a_later_head_over_its_limit_is_closed_at_once() {
    let cluster = plan().start_connected();
    let north = cluster.node("north");
    let mut socket = handed_over(north.http);
    let large = format!("GET /nobody HTTP/1.1\r\nX-Large: {}", "x".repeat(40 * 1024));
    socket.write_all(large.as_bytes()).ok();
    promise("a large later head is closed", until_closed(&mut socket), SLACK);
}

#[test]
fn a_full_node_still_answers_its_api_and_its_peers() {
    let cluster = plan().config("north", "limits { connections 8; }\n").start_connected();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let held: Vec<TcpStream> = (0..8).map(|_| asked(north.http).0).collect();
    assert_eq!(north.get("/nobody").status, 503, "clients are refused");
    assert_eq!(north.get("/metrics").status, 200);
    let (state, reason) = south.peer_state("north");
    assert_eq!(state, "up", "{reason:?}");
    let address = ("127.0.0.1", north.http);
    let mut silent = TcpStream::connect(address).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let took = until_closed(&mut silent);
    promise("a silent client leaves the reserve", took, Duration::from_secs(1) + SLACK);
    drop(held);
}

#[test]
fn pipelined_requests_are_all_answered_in_their_order() {
    let cluster = plan().start_connected();
    let mut socket = TcpStream::connect(("127.0.0.1", cluster.node("north").http)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let request = b"GET /nobody HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let last = b"GET /nobody HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    let mut writer = socket.try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        writer.write_all(&request.repeat(5000)).unwrap();
        writer.write_all(last).unwrap();
    });
    let mut answers = String::new();
    socket.read_to_string(&mut answers).unwrap();
    writing.join().unwrap();
    assert_eq!(answers.matches("HTTP/1.1 404").count(), 5001);
}
