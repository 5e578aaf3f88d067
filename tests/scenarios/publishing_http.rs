//! MPEG-TS by HTTP: encoders and uploads on air, who is refused before a byte is sent, who is sent
//! to another node, and who is ended.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::cluster::plan;
use crate::support::node::{API, Node};
use crate::support::process::Process;
use crate::support::{SLACK, eventually, http, media, players, promise, slots};

const LIMIT: Duration = Duration::from_secs(10);

/// A node where bodies have two seconds, except those that publish.
fn node(folder: &Path) -> Node {
    let mut node = Node::new("north", folder);
    node.configure(&format!(
        "limits {{ http_body_timeout 1; http_head_timeout 1; }}\n\
         stream cam {{ input publish://; password \"s 3\"; segment_duration 1; }}\n\
         stream open {{ input publish://; source_timeout 1; }}\n\
         template studio {{ input publish://; password s3cret; clients_timeout 1; }}\n\
         stream film {{ input file://{}; }}\n",
        media::clip("bars.mp4").display()
    ));
    node.start();
    node.wait_ready();
    node
}

/// ffmpeg that publishes a clip over and over.
fn ffmpeg(node: &Node, method: &str, target: &str) -> Process {
    let url = format!("http://127.0.0.1:{}{target}", node.http);
    let mut command = Command::new("ffmpeg");
    command
        .args(["-hide_banner", "-loglevel", "warning", "-re", "-stream_loop", "-1", "-i"])
        .arg(media::clip("bars.mp4"))
        .args(["-c", "copy", "-f", "mpegts", "-method", method, &url]);
    Process::start(&format!("ffmpeg to {url}"), &mut command, &node.log_path("ffmpeg"))
}

/// What curl is told when it uploads: the status and the words.
fn curl(arguments: &[&str], file: &Path, url: &str) -> (String, String) {
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "8", "-w", "\n%{http_code}"]).args(arguments);
    command.arg("-T").arg(file).arg(url);
    let output = players::run(&mut command, LIMIT);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (words, status) = text.rsplit_once('\n').unwrap_or_default();
    let errors = String::from_utf8_lossy(&output.stderr);
    (status.to_owned(), format!("{words}{errors}"))
}

fn publisher(node: &Node, name: &str) -> Value {
    eventually(LIMIT, &format!("{name} is published"), || {
        let query = format!("/sessions?type=publish&name={name}&bytes_gt=50000");
        let list = &node.api(&query)["sessions"];
        list.get(0).cloned().ok_or_else(|| node.api("/sessions").to_string())
    })
}

/// The head of a request to publish.
fn head(method: &str, target: &str, fields: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n")
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
const ASKING: &str = "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n";

/// A connection that has sent `bytes`.
fn connect(port: u16, bytes: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.write_all(bytes).unwrap();
    socket
}

/// The status line that comes next.
fn next_status(socket: &mut TcpStream) -> String {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap_or_else(|e| panic!("{e} after {text:?}"));
        text.push(char::from(byte[0]));
    }
    text.lines().next().unwrap().to_owned()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

#[test]
fn an_encoder_is_on_air_for_longer_than_a_body_may_take() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path());
    let start = Instant::now();
    let mut encoder = ffmpeg(&node, "POST", "/cam/mpegts?password=s%203");
    publisher(&node, "cam");
    let (streams, times) = players::ffprobe(&node.publish_url("cam"), 1);
    assert_eq!(streams.len(), 2, "{streams:?}");
    players::assert_rising("cam by RTMP", &times, &["video", "audio"], 20);
    let (_, times) = players::ffprobe(&node.playback_url("cam", "mpegts"), 1);
    players::assert_rising("cam by HTTP", &times, &["video", "audio"], 20);
    std::thread::sleep(Duration::from_secs(3).saturating_sub(start.elapsed()));
    assert_eq!(encoder.ended(), None, "{}", encoder.log());

    let busy =
        curl(&["-u", "any:s 3"], &media::clip("bars.ts"), &node.playback_url("cam", "mpegts"));
    assert_eq!(busy.0, "409", "{}", busy.1);
    let session = publisher(&node, "cam");
    let told = ["type", "name", "proto", "ip"].map(|field| session[field].as_str().unwrap());
    assert_eq!(told, ["publish", "cam", "tshttp", "127.0.0.1"]);
    let path = format!("{API}/sessions/{}", session["id"].as_str().unwrap());
    let answer = http::request(node.http, "DELETE", &path, &[], b"", LIMIT).unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert!(!encoder.wait(LIMIT).success(), "one that was ended learns it");
}

#[test]
fn an_upload_is_on_air_until_its_end() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path());
    let clip = media::clip("bars.ts");
    // Below a template, by login, at a pace that takes three seconds.
    let url = node.playback_url("studio/a", "mpegts");
    let wrong = curl(&["-u", "any:wrong"], &clip, &url);
    assert_eq!(wrong.0, "401", "{}", wrong.1);
    let uploading = std::thread::spawn({
        let (clip, url) = (clip.clone(), url.clone());
        move || curl(&["-u", "any:s3cret", "--limit-rate", "150K"], &clip, &url)
    });
    let session = publisher(&node, "studio/a");
    assert_eq!(session["proto"], "tshttp");
    let (streams, _) = players::ffprobe(&url, 1);
    assert_eq!(streams.len(), 2, "{streams:?}");
    let (status, words) = uploading.join().unwrap();
    assert_eq!((status.as_str(), words.trim()), ("200", "published to its end"));
    // All at once, and twice on one connection.
    let url = node.playback_url("open", "mpegts");
    let mut command = Command::new("curl");
    command.args([
        "-sS",
        "--max-time",
        "8",
        "-w",
        "%{http_code} %{num_connects},",
        "-o",
        "/dev/null",
    ]);
    command.arg("-T").arg(&clip).arg(&url).args(["-o", "/dev/null"]).arg("-T").arg(&clip).arg(&url);
    let output = players::run(&mut command, LIMIT);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "200 1,200 0,");
}

#[test]
fn who_may_not_publish_hears_it_before_anything_is_sent() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path());
    let _publisher = ffmpeg(&node, "PUT", "/open/mpegts");
    publisher(&node, "open");
    for (target, status) in [
        ("/nobody/mpegts", "404 Not Found"),
        ("/film/mpegts", "403 Forbidden"),
        ("/cam/mpegts", "401 Unauthorized"),
        ("/cam/mpegts?password=s3", "401 Unauthorized"),
        ("/studio/a/mpegts", "401 Unauthorized"),
        ("/open/mpegts", "409 Conflict"),
        ("/open/live.flv", "405 Method Not Allowed"),
    ] {
        let expected = format!("HTTP/1.1 {status}");
        if !target.ends_with(".flv") {
            let mut asking = connect(node.http, head("POST", target, ASKING).as_bytes());
            assert_eq!(next_status(&mut asking), expected, "{target}");
        }
        let mut sending = connect(node.http, head("PUT", target, CHUNKED).as_bytes());
        assert_eq!(next_status(&mut sending), expected, "{target}");
    }
    let answer = http::request(node.http, "POST", "/cam/mpegts", &[], b"", LIMIT).unwrap();
    assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"Watershed\""));
    assert_eq!(node.get(&format!("{API}/streams/studio%2Fa")).status, 404);

    // Refused again and again on one connection, which is still read.
    let asking = head("POST", "/cam/mpegts", "Content-Length: 0\r\nExpect: 100-continue\r\n");
    let mut socket = connect(node.http, b"");
    for _ in 0..4 {
        socket.write_all(asking.as_bytes()).unwrap();
        assert_eq!(next_status(&mut socket), "HTTP/1.1 401 Unauthorized");
        socket.read_exact(&mut [0; "wrong password".len()]).unwrap();
    }

    // The endless body of one who was refused is not read on.
    let mut socket = connect(node.http, head("POST", "/cam/mpegts", CHUNKED).as_bytes());
    let start = Instant::now();
    let noise = chunk(&[0x47; 1316]);
    while socket.write_all(&noise).is_ok() && start.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(20));
    }
    promise("a refused publisher is closed", start.elapsed(), Duration::from_secs(2) + SLACK);
}

#[test]
fn a_body_without_media_ends_the_publication() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path());
    let unsupported = "HTTP/1.1 415 Unsupported Media Type";
    let text = "no transport stream, and going on and on. ".repeat(100);

    // Nothing that could be media.
    let mut socket = connect(node.http, head("POST", "/open/mpegts", ASKING).as_bytes());
    assert_eq!(next_status(&mut socket), "HTTP/1.1 100 Continue");
    for _ in 0..20 {
        socket.write_all(&chunk(text.as_bytes())).unwrap();
    }
    assert_eq!(next_status(&mut socket), unsupported);
    // Too little to be anything.
    let body = [chunk(b"short"), b"0\r\n\r\n".to_vec()].concat();
    let request = [head("POST", "/open/mpegts", CHUNKED).into_bytes(), body].concat();
    assert_eq!(next_status(&mut connect(node.http, &request)), unsupported);
    // Packets without a program, for ever.
    let start = Instant::now();
    let mut socket = connect(node.http, head("POST", "/open/mpegts", CHUNKED).as_bytes());
    let null = [&[0x47, 0x1f, 0xff, 0x10][..], &[0xff; 184]].concat().repeat(7);
    while start.elapsed() < Duration::from_millis(800) {
        socket.write_all(&chunk(&null)).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(next_status(&mut socket), unsupported);
    promise("padding is silence", start.elapsed(), Duration::from_secs(1) + SLACK);
    // Media, and then nothing more.
    let clip = std::fs::read(media::clip("bars.ts")).unwrap();
    let start = Instant::now();
    let request = [head("POST", "/open/mpegts", CHUNKED).into_bytes(), chunk(&clip)].concat();
    let mut socket = connect(node.http, &request);
    assert_eq!(next_status(&mut socket), "HTTP/1.1 408 Request Timeout");
    promise("silence ends a publisher", start.elapsed(), Duration::from_secs(1) + SLACK);
    // Chunks that are none: the connection ends, and the stream is free for the next one.
    let request = [head("POST", "/open/mpegts", CHUNKED).as_bytes(), b"zz\r\n"].concat();
    eventually(LIMIT, "the connection is closed without an answer", || {
        let mut answer = Vec::new();
        match connect(node.http, &request).read_to_end(&mut answer) {
            // A close that leaves bytes unread resets.
            Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error.to_string()),
            _ if answer.is_empty() => Ok(()),
            _ => Err(String::from_utf8_lossy(&answer).into_owned()),
        }
    });
    let (status, words) = curl(&[], &media::clip("bars.ts"), &node.playback_url("open", "mpegts"));
    assert_eq!(status, "200", "{words}");
}

#[test]
fn a_publisher_of_a_peers_stream_is_sent_there() {
    let lines = "stream stage { input publish://; segment_duration 1; }\n";
    let cluster = plan().config("south", lines).start_connected();
    let (north, south) = (cluster.node("north"), cluster.node("south"));
    let target = "/stage/mpegts?token=t1";
    let location = eventually(LIMIT, "north knows who takes publishers", || {
        let answer = http::request(north.http, "POST", target, &[], b"", LIMIT).unwrap();
        match answer.location() {
            Some(location) if answer.status == 307 => Ok(location.to_owned()),
            _ => Err(answer.status.to_string()),
        }
    });
    let wanted = format!("http://127.0.0.1:{}{target}&_via=", south.http);
    assert!(location.starts_with(&wanted), "{location}");
    let marked = location.split_once("/stage").unwrap().1;
    let mut socket =
        connect(north.http, head("PUT", &format!("/stage{marked}"), ASKING).as_bytes());
    assert_eq!(next_status(&mut socket), "HTTP/1.1 503 Service Unavailable", "no going in circles");

    // From a pipe, nothing can be sent twice: the redirect has to come before the first byte.
    let log = north.log_path("curl");
    let mut command = Command::new("sh");
    let url = north.playback_url("stage", "mpegts");
    command.arg("-c").arg(format!(
        "ffmpeg -v error -re -i '{}' -c copy -f mpegts - | curl -sSL -T - '{url}'",
        media::clip("bars.mp4").display()
    ));
    let _uploading = Process::start("ffmpeg to curl", &mut command, &log);
    assert_eq!(publisher(south, "stage")["proto"], "tshttp");
    north.wait_redirect("stage", south, LIMIT);
}
