//! What only shows on a real connection: early refusals, slow bodies, HEAD.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use actix_web::HttpServer;

use super::*;

/// Sends `request` on a connection of its own, and answers all that came until its end.
async fn exchange(bench: &Bench, request: &'static str) -> String {
    let state = bench.state.clone();
    let server = HttpServer::new(move || App::new().configure(configure(state.clone())))
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    let running = actix_rt::spawn(server);
    let asking = actix_rt::task::spawn_blocking(move || {
        let mut connection = TcpStream::connect(address).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    });
    let answer = asking.await.unwrap();
    handle.stop(false).await;
    running.await.unwrap().unwrap();
    answer
}

#[actix_web::test]
async fn body_announced_too_large_is_refused_before_it_comes() {
    let bench = Bench::new(FILE);
    let answer = exchange(
        &bench,
        "PUT /streamer/api/v3/streams/cam1 HTTP/1.1\r\nHost: localhost\r\n\
           Content-Length: 9999999999\r\n\r\n{",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains(r#""code":"body_too_large""#), "{answer}");
}

#[actix_web::test]
async fn body_that_does_not_come_is_not_waited_for() {
    let bench = Bench::new(&format!("{FILE}limits {{ http_body_timeout 1; }}\n"));
    let answer = exchange(
        &bench,
        "PUT /streamer/api/v3/streams/cam1 HTTP/1.1\r\nHost: localhost\r\n\
           Content-Length: 100\r\n\r\n{",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(bench.state.limit_hits.counts().get("http_body_timeout"), Some(&1));
    assert_eq!(bench.text(), format!("{FILE}limits {{ http_body_timeout 1; }}\n"));
}

#[actix_web::test]
async fn stranger_sends_no_body_to_signed_addresses() {
    let bench = Bench::new(FILE);
    let answer = exchange(
        &bench,
        "POST /streamer/api/v3/cluster/changed HTTP/1.1\r\nHost: localhost\r\n\
           Content-Length: 1000000\r\n\r\nx",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\n") && answer.contains("connection: close"), "{answer}");
}

#[actix_web::test]
async fn head_is_get_without_the_body() {
    let bench = Bench::new(FILE);
    let answer = exchange(
        &bench,
        "HEAD /streamer/api/v3/cluster/peers HTTP/1.1\r\nHost: localhost\r\n\
           Connection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("content-length: ") && answer.ends_with("\r\n\r\n"), "{answer}");
}
