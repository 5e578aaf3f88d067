//! A blocking HTTP/1.1 client as small as a test needs: one request, one connection, every byte
//! of the answer in sight. It follows nothing and forgives nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The longest an answer may take before the client gives up.
const TIMEOUT: Duration = Duration::from_secs(20);

/// An answer, or what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Header lines in their order; names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub(crate) body: Vec<u8>,
    /// From the first byte sent to the last byte received.
    pub(crate) took: Duration,
}

impl Answer {
    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Where it points, if it is a redirect.
    pub(crate) fn location(&self) -> Option<&str> {
        if (300..400).contains(&self.status) { self.header("location") } else { None }
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e} in {} {:?}", self.status, self.text()))
    }
}

/// GET without headers of its own; an error is words on why there is no answer.
pub(crate) fn get(port: u16, target: &str) -> Result<Answer, String> {
    request(port, "GET", target, &[], b"", TIMEOUT)
}

/// A request with JSON.
pub(crate) fn send_json(port: u16, method: &str, target: &str, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json")];
    request(port, method, target, &headers, body.to_string().as_bytes(), TIMEOUT).unwrap()
}

/// GET of an endless answer until `bytes` of it are there; the client stays until it is dropped.
/// The head goes out in one piece: the node has a quick way for such a player.
pub(crate) fn take(port: u16, target: &str, bytes: usize) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(TIMEOUT)).unwrap();
    let head = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let mut received = vec![0; bytes];
    socket.read_exact(&mut received).unwrap_or_else(|e| panic!("{target}: {e}"));
    assert!(received.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&received));
    socket
}

/// One request on a connection of its own. `target` goes out as it is given, hostile or not. A
/// plain GET asks for nothing about its connection, as players do: the node has a quick way for it.
pub(crate) fn request(
    port: u16,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    timeout: Duration,
) -> Result<Answer, String> {
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    if method != "GET" || !headers.is_empty() {
        head.push_str("Connection: close\r\n");
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head.push_str(&format!("Host: 127.0.0.1:{port}\r\n"));
    }
    if !body.is_empty() || matches!(method, "PUT" | "POST") {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    exchange(port, &bytes, timeout)
}

/// Sends `bytes` and reads one answer.
pub(crate) fn exchange(port: u16, bytes: &[u8], timeout: Duration) -> Result<Answer, String> {
    let start = Instant::now();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut socket =
        TcpStream::connect_timeout(&address, timeout).map_err(|e| format!("connect: {e}"))?;
    socket.set_read_timeout(Some(timeout)).map_err(|e| e.to_string())?;
    socket.set_nodelay(true).map_err(|e| e.to_string())?;
    // A server may refuse a long request before it has read all of it; its answer counts.
    let sent = socket.write_all(bytes);
    let mut received = Vec::new();
    let mut piece = [0; 65536];
    loop {
        if let Some(answer) = complete(&received, start) {
            return Ok(answer);
        }
        let left = timeout.checked_sub(start.elapsed()).ok_or("no answer in time")?;
        socket.set_read_timeout(Some(left.max(Duration::from_millis(1)))).ok();
        match socket.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => received.extend_from_slice(&piece[..count]),
            Err(e) => return Err(format!("read: {e}; sent: {sent:?}")),
        }
    }
    at_end(&received, start)
        .ok_or_else(|| format!("connection closed after {} bytes; sent: {sent:?}", received.len()))
}

/// Status and headers, and where the body starts.
fn parse_head(bytes: &[u8]) -> Option<(Answer, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let answer = Answer { status, headers, body: Vec::new(), took: Duration::ZERO };
    Some((answer, end + 4))
}

/// The answer, if its length is known and all of it is there.
fn complete(bytes: &[u8], start: Instant) -> Option<Answer> {
    let (mut answer, at) = parse_head(bytes)?;
    let rest = &bytes[at..];
    answer.body = if answer.header("transfer-encoding") == Some("chunked") {
        dechunk(rest)?
    } else if matches!(answer.status, 204 | 304) {
        Vec::new()
    } else {
        let length: usize = answer.header("content-length")?.parse().ok()?;
        rest.get(..length)?.to_vec()
    };
    answer.took = start.elapsed();
    Some(answer)
}

/// The answer, if the end of the connection ends it.
fn at_end(bytes: &[u8], start: Instant) -> Option<Answer> {
    let (mut answer, at) = parse_head(bytes)?;
    if answer.header("content-length").is_some() {
        return None;
    }
    answer.body = bytes[at..].to_vec();
    answer.took = start.elapsed();
    Some(answer)
}

/// The joined chunks, once the last one is there. Source: RFC 9112 §7.1.
fn dechunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[..end]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        bytes = &bytes[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(..size)?);
        bytes = bytes.get(size + 2..)?;
    }
}
