//! TLS at every door: real clients, several names, new certificates while clients stay, and those
//! who never finish their handshake.

use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::support::cluster::KEY;
use crate::support::node::Node;
use crate::support::players::{self, assert_rising, run};
use crate::support::ports::free_port;
use crate::support::rtsp_wire::RtspClient;
use crate::support::tls_wire::Authority;
use crate::support::{SLACK, eventually, media, promise, slots};

const LIMIT: Duration = Duration::from_secs(10);

fn looped(name: &str) -> String {
    format!("stream {name} {{ input file://{}; }}\n", media::clip("bars.mp4").display())
}

/// What curl says of `url`, trusting `authority` only, redirects followed.
fn curl(authority: &Authority, url: &str) -> String {
    let mut command = Command::new("curl");
    command.args(["-sSL", "--max-time", "10", "-w", " %{http_code} %{url_effective}", "--cacert"]);
    command.arg(authority.path()).arg(url);
    let Output { stdout, stderr, .. } = run(&mut command, Duration::from_secs(15));
    let errors = String::from_utf8_lossy(&stderr);
    assert!(errors.is_empty(), "curl {url}: {errors}");
    String::from_utf8_lossy(&stdout).into_owned()
}

#[test]
fn encoders_publish_by_rtmps_and_players_play_by_https() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let block = authority.issue("node", &["127.0.0.1"]);
    let (https, rtmps, rtsps) = (free_port(), free_port(), free_port());
    let mut node = Node::new("north", folder.path());
    node.configure(&format!(
        "https 127.0.0.1:{https} {{ {block} }}\nrtmps 127.0.0.1:{rtmps} {{ {block} }}\n\
         rtsps 127.0.0.1:{rtsps} {{ {block} }}\nstream cam {{ input publish://; }}\n"
    ));
    node.start();
    node.wait_ready();
    let url = format!("rtmps://127.0.0.1:{rtmps}/static/cam");
    let log = node.log_path("ffmpeg");
    let _publisher = media::publish("ffmpeg".as_ref(), "bars.mp4", &url, &log);
    node.wait_playing("cam");

    let base = format!("https://127.0.0.1:{https}");
    let playlist = curl(&authority, &format!("{base}/cam/index.m3u8"));
    assert!(playlist.starts_with("#EXTM3U") && playlist.contains(" 200 "), "{playlist}");
    let (streams, times) = players::ffprobe(&format!("{base}/cam/index.m3u8"), 4);
    assert_eq!(streams.len(), 2, "{streams:?}");
    assert_rising("hls over https", &times, &["video", "audio"], 50);
    let (_, times) = players::ffprobe(&format!("{base}/cam/mpegts"), 4);
    assert_rising("mpegts over https", &times, &["video", "audio"], 50);
    let (_, times) = players::ffprobe(&url, 4);
    assert_rising("rtmps", &times, &["video", "audio"], 50);

    let mut client = authority.connect(rtsps, "127.0.0.1", b"").unwrap();
    let answer = client.ask("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n");
    assert!(answer.starts_with("RTSP/1.0 200"), "{answer}");
    // The API is behind the same door, and knows that a page of http is not its own.
    let mut client = authority.connect(https, "127.0.0.1", b"").unwrap();
    assert_eq!(client.protocol().as_deref(), Some("http/1.1"));
    let host = format!("Host: 127.0.0.1:{https}\r\n");
    for (origin, status) in [("https", "200"), ("http", "403")] {
        let answer = client.ask(&format!(
            "GET /streamer/api/v3/config/stats HTTP/1.1\r\n{host}\
             Origin: {origin}://127.0.0.1:{https}\r\n\r\n"
        ));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{origin}: {answer}");
        client = authority.connect(https, "127.0.0.1", b"").unwrap();
    }
}

#[test]
fn each_name_gets_its_certificate_and_strangers_the_first() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let (a, b) = (authority.issue("a", &["a.test"]), authority.issue("b", &["*.b.test"]));
    let c = authority.issue("c", &["c.test"]);
    let (https, rtmps) = (free_port(), free_port());
    let mut node = Node::new("north", folder.path());
    node.configure(&format!(
        "https 127.0.0.1:{https} {{ {a} {b} }}\nrtmps 127.0.0.1:{rtmps} {{ {c} }}\n"
    ));
    node.start();
    node.wait_ready();
    let shown = |port, name: &str| authority.connect(port, name, b"").unwrap().certificate();
    let (a, b, c) = (shown(https, "a.test"), shown(https, "x.b.test"), shown(rtmps, "c.test"));
    assert!(a != b && b != c && a != c);
    assert_eq!(shown(https, "c.test"), c, "a listener knows the certificates of the others");
    assert_eq!(shown(rtmps, "a.test"), a);
    let error = authority.connect(https, "stranger.test", b"").err().unwrap().to_string();
    assert!(error.contains("NotValidForName") || error.contains("not valid for name"), "{error}");
    assert!(error.contains("a.test"), "the first is shown: {error}");
}

#[test]
fn new_certificate_is_shown_to_new_clients_and_drops_nobody() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let block = authority.issue("node", &["a.test"]);
    let https = free_port();
    let mut node = Node::new("north", folder.path());
    let lines = looped("film");
    node.configure(&format!("https 127.0.0.1:{https} {{ {block} }}\n{lines}"));
    node.start();
    node.wait_ready();
    node.wait_playing("film");
    let mut viewer = authority.connect(https, "a.test", b"").unwrap();
    let head = viewer.get("/film/mpegts");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    viewer.take(64 << 10);
    let first = viewer.certificate();

    let shown = || authority.connect(https, "a.test", b"").unwrap().certificate();
    let wait_other = |than: &[u8], how: &str| {
        eventually(LIMIT, how, || {
            let shown = shown();
            if shown == than { Err("still the old one".to_owned()) } else { Ok(shown) }
        })
    };
    authority.issue("node", &["a.test"]);
    let second = wait_other(&first, "changed files are seen without a signal");
    authority.issue("node", &["a.test"]);
    node.reload();
    let third = wait_other(&second, "SIGHUP reads them as well");

    fs::write(folder.path().join("node.pem"), "half of a fil").unwrap();
    eventually(LIMIT, "the broken file is told", || {
        let log = node.log();
        let words = "node.pem has no certificate in PEM; the older one goes on";
        if log.contains(words) { Ok(()) } else { Err(log) }
    });
    assert_eq!(shown(), third);
    viewer.take(256 << 10);
    node.assert_running();
}

#[test]
fn handshake_that_never_ends_is_closed_within_5_seconds() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let block = authority.issue("node", &["a.test"]);
    let (https, rtmps) = (free_port(), free_port());
    let mut node = Node::new("north", folder.path());
    node.configure(&format!(
        "https 127.0.0.1:{https} {{ {block} }}\nrtmps 127.0.0.1:{rtmps} {{ {block} }}\n"
    ));
    node.start();
    node.wait_ready();
    let silent = [https, rtmps].map(|port| {
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        (socket, Instant::now())
    });
    // In the clear: closed at once, with nothing said about HTTP.
    let mut plain = players::run(
        Command::new("curl").args([
            "-sS",
            "--max-time",
            "5",
            &format!("http://127.0.0.1:{https}/"),
        ]),
        LIMIT,
    );
    plain.stdout.retain(u8::is_ascii_alphabetic);
    assert!(!plain.status.success() && !plain.stdout.starts_with(b"HTTP"), "{plain:?}");
    for (mut socket, since) in silent {
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).ok();
        promise("a silent handshake is closed", since.elapsed(), Duration::from_secs(5) + SLACK);
        assert!(since.elapsed() > Duration::from_secs(4), "{:?}", since.elapsed());
    }
    eventually(LIMIT, "both are counted", || {
        let metrics = node.get("/metrics").text();
        let line = metrics.lines().find(|line| line.contains("limit=\"tls_handshake\""));
        let is_told = line.is_some_and(|line| line.ends_with(" 2"));
        if is_told { Ok(()) } else { Err(format!("{line:?}")) }
    });
    authority.connect(https, "a.test", b"").unwrap();
}

#[test]
fn full_node_answers_its_api_over_tls_as_well() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let block = authority.issue("node", &["a.test"]);
    let https = free_port();
    let mut node = Node::new("north", folder.path());
    node.configure(&format!(
        "https 127.0.0.1:{https} {{ {block} }}\nlimits {{ connections 4; }}\n"
    ));
    node.start();
    node.wait_ready();
    // Half of them have not shaken hands yet.
    let silent: Vec<TcpStream> =
        (0..2).map(|_| TcpStream::connect(("127.0.0.1", https)).unwrap()).collect();
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = authority.connect(https, "a.test", b"").unwrap();
        assert!(client.get("/nobody/index.m3u8").starts_with("HTTP/1.1 404"));
        held.push(client);
    }
    let ask = |target: &str| {
        let mut client = authority.connect(https, "a.test", b"").unwrap();
        client.ask(&format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
    };
    assert!(ask("/nobody/index.m3u8").starts_with("HTTP/1.1 503"), "clients are refused");
    assert!(ask("/metrics").starts_with("HTTP/1.1 200"));
    drop((silent, held));
}

#[test]
fn clients_are_sent_to_the_tls_doors_of_a_peer_with_an_https_address() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let block = authority.issue("node", &["localhost"]);
    let ports = [free_port(), free_port(), free_port(), free_port()];
    let [own, https, rtsps, rtmps] = ports;
    let mut south = Node::new("south", folder.path());
    south.configure(&format!(
        "cluster_key {KEY};\nhttps 127.0.0.1:{https} {{ {block} }}\n\
         rtsps 127.0.0.1:{rtsps} {{ {block} }}\nrtmps 127.0.0.1:{rtmps} {{ {block} }}\n{}",
        looped("film")
    ));
    south.start();
    south.wait_ready();
    south.wait_playing("film");
    let mut north = Node::new("north", folder.path());
    north.configure(&format!(
        "cluster_key {KEY};\ncluster_ca {};\nhttps 127.0.0.1:{own} {{ {block} }}\n\
         peer south {{ api_url https://localhost:{https}; }}\n",
        authority.path().display()
    ));
    north.start();
    north.wait_ready();
    // Reports travel over TLS as well.
    north.wait_peer("south", "up", LIMIT);

    let wanted = format!("https://localhost:{https}/film/index.m3u8");
    let answer = eventually(LIMIT, "north redirects", || {
        let answer = curl(&authority, &format!("https://localhost:{own}/film/index.m3u8"));
        if answer.contains(&wanted) { Ok(answer) } else { Err(answer) }
    });
    assert!(answer.starts_with("#EXTM3U") && answer.contains(" 200 "), "{answer}");
    let url = format!("rtsp://127.0.0.1:{}/film", north.rtsp);
    let answer = RtspClient::connect(north.rtsp).ask("DESCRIBE", &url);
    let location = answer.header("location").unwrap_or_default();
    assert!(location.starts_with(&format!("rtsps://localhost:{rtsps}/film?")), "{answer:?}");
}

#[test]
fn certificates_that_cannot_be_used_are_named_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    authority.issue("good", &["a.test"]);
    authority.issue("other", &["a.test"]);
    authority.issue_until("old", &["a.test"], 2020);
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
    fs::write(folder.path().join("locked.key"), encrypted).unwrap();
    let port = free_port();
    let check = |verb: &str, certificate: &str, key: &str| {
        let path = folder.path().join("watershed.conf");
        let text = format!("https 127.0.0.1:{port} {{ certificate {certificate}; key {key}; }}\n");
        fs::write(&path, text).unwrap();
        let output = watershed(verb, &path);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (certificate, key, words) in [
        ("good.pem", "other.key", "other.key is not that of the certificate in "),
        ("good.pem", "locked.key", "locked.key is encrypted"),
        ("good.pem", "good.pem", "good.pem has no private key"),
        ("good.key", "good.key", "good.key has no certificate"),
        ("gone.pem", "good.key", "gone.pem: No such file"),
    ] {
        for verb in ["check", "run"] {
            let (code, told) = check(verb, certificate, key);
            assert_eq!(code, Some(1), "{verb} {certificate} {key}: {told}");
            assert!(told.contains("watershed.conf:1:") && told.contains(words), "{verb}: {told}");
        }
    }
    let (code, told) = check("check", "old.pem", "old.key");
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("warning") && told.contains("old.pem has expired"), "{told}");
}

fn watershed(verb: &str, config: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watershed"));
    command.arg(verb).arg("--config").arg(config);
    run(&mut command, Duration::from_secs(10))
}
