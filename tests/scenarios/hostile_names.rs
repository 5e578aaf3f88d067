//! Names that try to leave their place: 400 or 404, and the node goes on.

use std::time::Duration;

use crate::support::cluster::plan;
use crate::support::http;
use crate::support::node::API;
use crate::support::rtsp_wire::RtspClient;

#[test]
fn names_that_are_none_are_400_or_404() {
    let mut cluster = plan().start_connected();
    let north = cluster.node("north");
    let long = "x".repeat(10 * 1024);
    let names = [
        "..",
        "../../etc/passwd",
        "a/../b",
        "a/./b",
        "a//b",
        "%2e%2e",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "a%00b",
        "a%0d%0aSet-Cookie:%20x=1",
        "a%0ab",
        "%ff%fe",
        "a%20b",
        "a\\b",
        "%5c..%5c",
        "<script>",
        "%3Cscript%3E",
        "a;b",
        "streamer",
        "flussonic/x",
        "-",
        &long,
    ];
    for name in names {
        for file in ["index.m3u8", "mpegts", "embed.html"] {
            let target = format!("/{name}/{file}");
            let limit = Duration::from_secs(5);
            let answer = http::request(north.http, "GET", &target, &[], b"", limit);
            let answer = answer.unwrap_or_else(|reason| panic!("{target}: {reason}"));
            assert!(matches!(answer.status, 400 | 404), "{target}: {}", answer.status);
            assert!(!answer.text().contains("root:"), "{target} shows a file of the system");
            assert_eq!(answer.header("set-cookie"), None, "{target} set a header");
        }
        let target = format!("{API}/streams/{}", name.replace('/', "%2F"));
        let answer = north.get(&target);
        assert!(matches!(answer.status, 400 | 404), "{target}: {}", answer.status);
    }
    cluster.node_mut("north").assert_running();
}

#[test]
fn raw_bytes_in_a_request_line_are_400() {
    let cluster = plan().start_connected();
    let north = cluster.node("north");
    let requests: [&[u8]; 4] = [
        b"GET /a\0b/index.m3u8 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET /a\rb/index.m3u8 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET /a\xff\xfe/index.m3u8 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET /a/index.m3u8 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\
          Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
    ];
    for bytes in requests {
        let words = String::from_utf8_lossy(bytes).into_owned();
        let answer = http::exchange(north.http, bytes, Duration::from_secs(5));
        let answer = answer.unwrap_or_else(|reason| panic!("{words:?}: {reason}"));
        assert!(matches!(answer.status, 400 | 404), "{words:?}: {}", answer.status);
    }
}

#[test]
fn rtsp_names_that_are_none_are_400_or_404() {
    let cluster = plan().start_connected();
    let north = cluster.node("north");
    for name in ["..", "%2e%2e/x", "a%00b", "a%0d%0ab", "a//b", &"x".repeat(3000)] {
        let url = format!("rtsp://127.0.0.1:{}/{name}", north.rtsp);
        let answer = RtspClient::connect(north.rtsp).ask("DESCRIBE", &url);
        assert!(matches!(answer.status, 400 | 404), "{url}: {}", answer.status);
    }
}
