//! A peer made of a script: speaks the signed protocol well, and reports whatever it is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::signature::{self, Keys};
use super::unix_seconds;

/// The protocol's own head: what a peer's answer to anything is made of.
struct Shared {
    id: String,
    keys: Keys,
    report: Mutex<Value>,
    requests: AtomicU64,
    is_over: AtomicBool,
}

/// A listening mock; ends on drop.
pub(crate) struct MockPeer {
    /// Where it listens on 127.0.0.1.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

/// A request as far as a mock cares.
pub(crate) struct Request {
    /// The method.
    pub(crate) method: String,
    /// Path with query.
    pub(crate) target: String,
    /// The value of `Authorization`, or nothing.
    pub(crate) authorization: String,
}

impl MockPeer {
    /// A peer of that hostname that reports `streams` as running, in full each time.
    pub(crate) fn start(hostname: &str, cluster_key: &str, streams: &[&str]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", super::ports::free_port())).unwrap();
        let port = listener.local_addr().unwrap().port();
        let id = signature::nonce();
        let shared = Arc::new(Shared {
            report: Mutex::new(report(hostname, &id, port, streams)),
            id,
            keys: Keys::new(cluster_key),
            requests: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let serving = Arc::clone(&accepting);
                thread::spawn(move || serving.serve(client));
            }
        });
        Self { port, shared }
    }

    /// Requests answered so far.
    pub(crate) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

impl Drop for MockPeer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

impl Shared {
    /// Answers until the client goes.
    fn serve(&self, client: TcpStream) {
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let mut writer = client;
        while let Some(request) = read_request(&mut reader) {
            self.requests.fetch_add(1, Ordering::Relaxed);
            if writer.write_all(&self.answer(&request)).is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: &Request) -> Vec<u8> {
        let part = |name| signature::parameter(&request.authorization, name).unwrap_or_default();
        let (status, body) = if part("aud") != self.id {
            (401, Value::Null.to_string())
        } else if request.method == "GET" && request.target.contains("/cluster/report") {
            (200, self.report.lock().unwrap().to_string())
        } else {
            (404, Value::Null.to_string())
        };
        signed(&self.keys, &self.id, part("nonce"), status, body.as_bytes())
    }
}

/// A whole signed answer.
pub(crate) fn signed(keys: &Keys, id: &str, nonce: &str, status: u16, body: &[u8]) -> Vec<u8> {
    let now = unix_seconds();
    let signature = keys.answer(nonce, status, id, now, body);
    let mut answer = format!(
        "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Cluster-Node: {id}\r\nCluster-Time: {now}\r\nCluster-Signature: {signature}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// The next request of a connection, its body read and dropped.
pub(crate) fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut authorization, mut length) = (String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|count| *count > 0)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => value.trim().clone_into(&mut authorization),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).ok()?;
    Some(Request { method, target, authorization })
}

fn report(hostname: &str, id: &str, port: u16, streams: &[&str]) -> Value {
    let streams: Vec<Value> = streams
        .iter()
        .map(|name| {
            json!({"name": name, "state": "running", "bitrate": 1000, "clients": 0,
                   "tracks": [], "accepts_publish": false})
        })
        .collect();
    json!({
        "node": hostname, "id": id, "version": "0.0.0", "protocol": 1, "state": "running",
        "cursor": "1", "full": true, "more": false,
        "listeners": [{"scheme": "http", "port": port}],
        "stats": {}, "streams": streams, "removed": [], "vods": [], "members": [],
    })
}
