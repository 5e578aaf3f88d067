//! A node behind proxies: who its clients are by PROXY headers and `X-Forwarded-For`, and what
//! comes of a proxy that lies.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::http;
use crate::support::node::{API, Node};
use crate::support::ports::free_port;
use crate::support::rtmp_wire::RtmpClient;
use crate::support::tls_wire::Authority;
use crate::support::{SLACK, eventually, media, promise, slots};

const LIMIT: Duration = Duration::from_secs(10);

/// A PROXY header of the second version for an IPv4 client. Source: `HAProxy`, §2.2.
fn v2(client: [u8; 4]) -> Vec<u8> {
    let [a, b, c, d] = client;
    let addresses = [a, b, c, d, 127, 0, 0, 1, 0xdc, 0x04, 0x1f, 0x91];
    [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c"[..], &addresses].concat()
}

fn v1(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 127.0.0.1 56324 8081\r\n").into_bytes()
}

/// A node that plays a film, with these lines.
fn node(folder: &Path, lines: &str) -> Node {
    let mut node = Node::new("north", folder);
    let film = media::clip("bars.mp4");
    node.configure(&format!("{lines}\nstream film {{ input file://{}; }}\n", film.display()));
    node.start();
    node.wait_ready();
    node.wait_playing("film");
    node
}

/// Waits until the film has so many players; the first is the one that waited for it.
fn wait_players(node: &Node, wanted: u64) {
    eventually(LIMIT, "players by their addresses", || {
        let item = node.api("/streams/film");
        match item["stats"]["online_clients"].as_u64() {
            Some(count) if count == wanted => Ok(()),
            other => Err(format!("{other:?}, wanted {wanted}")),
        }
    });
}

/// The answer to a request that follows `header`; empty if the node closes without one.
fn ask(port: u16, header: &[u8], request: &str) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    // The node may close before it has read all of it.
    socket.write_all(header).ok();
    socket.write_all(request.as_bytes()).ok();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).ok();
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
}

#[test]
fn proxy_headers_say_who_the_clients_are() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let block = authority.issue("node", &["a.test"]);
    let [http, https, rtmp] = [free_port(), free_port(), free_port()];
    let mut node = node(
        folder.path(),
        &format!(
            "http 127.0.0.1:{http} {{ proxy_protocol on; }}\n\
             https 127.0.0.1:{https} {{ {block} proxy_protocol on; }}\n\
             rtmp 127.0.0.1:{rtmp} {{ proxy_protocol on; }}\n"
        ),
    );
    wait_players(&node, 1);
    for client in ["192.0.2.7", "192.0.2.8", "192.0.2.7"] {
        let answer = ask(http, &v1(client), &get("/film/index.m3u8"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let answer = ask(http, &v2([192, 0, 2, 8]), &get("/film/index.m3u8"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut client = authority.connect(https, "a.test", &v2([192, 0, 2, 9])).unwrap();
    let answer = client.get("/film/index.m3u8");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    wait_players(&node, 4);

    let mut publisher = RtmpClient::connect_through(rtmp, &v1("192.0.2.7"));
    publisher.send_connect("static", "rtmp://127.0.0.1/static", None);
    publisher.wait_command(&["_result"]);
    publisher.send_on_stream("publish", "nobody");
    publisher.wait_command(&["onStatus"]);
    let log = node.log();
    assert!(log.contains("rtmp client 192.0.2.7:56324: may not publish"), "{log}");
}

#[test]
fn bad_or_missing_header_closes_and_lends_nobody_this_machines_rights() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let http = free_port();
    let lines = format!("http 127.0.0.1:{http} {{ proxy_protocol on; }}\n");
    let mut node = node(folder.path(), &lines);
    let request = get("/film/index.m3u8");
    let mut long = v2([192, 0, 2, 7]);
    (long[14], long[15]) = (0xff, 0xff);
    for header in [
        &b""[..],
        b"PROXY TCP4 nobody 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 1.1.1.1 127.0.0.1 1\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\x00\x0c............",
        &long,
        &[b'P'; 4096],
    ] {
        let start = Instant::now();
        let answer = ask(http, header, &request);
        assert_eq!(answer, "", "{:?}", String::from_utf8_lossy(header));
        promise("a bad header closes at once", start.elapsed(), SLACK);
    }
    let target = format!("{API}/config/stats");
    for header in [v1("127.0.0.1"), b"PROXY UNKNOWN\r\n".to_vec(), v2([127, 0, 0, 1])] {
        let answer = ask(http, &header, &get(&target));
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    let start = Instant::now();
    let answer = ask(http, b"PROXY TCP4 192.0", "");
    assert_eq!(answer, "");
    promise("half a header is closed", start.elapsed(), Duration::from_secs(5) + SLACK);
    assert!(node.get("/metrics").text().contains("limit=\"proxy_header\""));
    node.assert_running();
}

#[test]
fn forwarded_addresses_count_only_from_trusted_proxies() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let [trusting, from_others] = [free_port(), free_port()];
    // With trusted proxies only those send a header: this machine here, and another there.
    let mut node = node(
        folder.path(),
        &format!(
            "trusted_proxies 127.0.0.1 10.0.0.0/8;\nhttp 127.0.0.1:{trusting};\n\
             http 127.0.0.1:{from_others} {{ proxy_protocol on; }}\n"
        ),
    );
    let play = |port: u16, forwarded: &str| {
        let headers = [("X-Forwarded-For", forwarded), ("User-Agent", "player")];
        let answer = http::request(port, "GET", "/film/index.m3u8", &headers, b"", LIMIT).unwrap();
        assert_eq!(answer.status, 200, "{forwarded}");
    };
    wait_players(&node, 1);
    play(trusting, "192.0.2.7");
    play(trusting, "6.6.6.6, 192.0.2.7");
    play(trusting, "192.0.2.7, 10.0.0.3");
    wait_players(&node, 2);
    play(trusting, "192.0.2.8");
    wait_players(&node, 3);
    let answer = ask(from_others, &v1("192.0.2.9"), &get("/film/index.m3u8"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    wait_players(&node, 4);

    // This machine is not trusted any more: what it says for others is one more player, itself.
    let text = std::fs::read_to_string(node.config_path()).unwrap();
    let untrusting = text.replace("127.0.0.1 10.0.0.0/8", "10.0.0.0/8");
    std::fs::write(node.config_path(), untrusting).unwrap();
    node.reload();
    eventually(LIMIT, "those who are not trusted send no header", || {
        let answer = ask(from_others, b"", &get("/film/index.m3u8"));
        if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(answer) }
    });
    let answer = ask(from_others, &v1("192.0.2.9"), &get("/film/index.m3u8"));
    assert!(!answer.contains("200 OK"), "{answer}");
    play(trusting, "192.0.2.20");
    play(trusting, "192.0.2.21");
    wait_players(&node, 5);
    node.assert_running();
}
