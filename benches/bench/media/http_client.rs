//! HTTP as players speak it: a GET on a connection that stays.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use super::rtmp_client::ANSWERS_WITHIN;

/// The head of an answer.
pub(crate) struct Head {
    /// Its length.
    pub(crate) bytes: usize,
    /// Length of the body, where it is told.
    pub(crate) body_bytes: Option<usize>,
    /// Whether the body comes in chunks.
    pub(crate) is_chunked: bool,
}

/// Connects, blocking.
pub(crate) fn connect(port: u16) -> io::Result<TcpStream> {
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(ANSWERS_WITHIN))?;
    Ok(socket)
}

/// Asks for `path`.
pub(crate) fn ask(socket: &mut TcpStream, path: &str) -> io::Result<()> {
    let agent = "watershed-bench";
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {agent}\r\n\r\n");
    socket.write_all(request.as_bytes())
}

/// The head at the start of `bytes`, once it is all there; any status but 200 is an error.
pub(crate) fn head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(length) = response.parse(bytes).map_err(io::Error::other)?
    else {
        return Ok(None);
    };
    let status = response.code.unwrap_or_default();
    if status != 200 {
        return Err(io::Error::other(format!("HTTP {status}")));
    }
    let field = |name: &str| {
        let field = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        field.map(|field| String::from_utf8_lossy(field.value).into_owned()).unwrap_or_default()
    };
    Ok(Some(Head {
        bytes: length,
        body_bytes: field("content-length").parse().ok(),
        is_chunked: field("transfer-encoding").eq_ignore_ascii_case("chunked"),
    }))
}

/// Asks, and waits for the head; what has come behind it.
pub(crate) fn open(socket: &mut TcpStream, path: &str) -> io::Result<(Head, Vec<u8>)> {
    ask(socket, path)?;
    let mut received = Vec::new();
    let mut buffer = [0; 4 << 10];
    loop {
        if let Some(head) = head(&received)? {
            let rest = received.split_off(head.bytes);
            return Ok((head, rest));
        }
        match socket.read(&mut buffer)? {
            0 => return Err(io::Error::other("closed before an answer")),
            count => received.extend_from_slice(&buffer[..count]),
        }
    }
}

/// A small document.
pub(crate) fn fetch(socket: &mut TcpStream, path: &str) -> io::Result<String> {
    let (head, mut body) = open(socket, path)?;
    let Some(length) = head.body_bytes else {
        return Err(io::Error::other(format!("{path} has no Content-Length")));
    };
    let have = body.len();
    body.resize(length.max(have), 0);
    socket.read_exact(&mut body[have..])?;
    String::from_utf8(body).map_err(io::Error::other)
}
