//! Asks for every path once and compares every answer: a fast wrong answer is worth nothing.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Requests on the way at once.
const PIPELINED: usize = 16;

/// A path, and where it has to lead; a query may follow.
pub(crate) struct Redirect {
    /// What is asked for.
    pub(crate) path: String,
    /// The `Location` up to its query.
    pub(crate) target: String,
}

/// How many of `redirects` the server on `port` answers otherwise, and the first such answer.
pub(crate) fn count_wrong(port: u16, redirects: &[Redirect]) -> io::Result<(u64, Option<String>)> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut buffer = Vec::new();
    let mut wrong = 0;
    let mut first = None;
    for group in redirects.chunks(PIPELINED) {
        let requests: String = group
            .iter()
            .map(|redirect| format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", redirect.path))
            .collect();
        connection.write_all(requests.as_bytes())?;
        for redirect in group {
            let (status, location) = next_answer(&mut connection, &mut buffer)?;
            if !is_right(redirect, status, &location) {
                wrong += 1;
                let Redirect { path, target } = redirect;
                let what = format!("{path}: {status} {location:?}, wanted 302 {target}");
                first.get_or_insert(what);
            }
        }
    }
    Ok((wrong, first))
}

fn is_right(redirect: &Redirect, status: u16, location: &str) -> bool {
    let query = location.strip_prefix(&redirect.target);
    status == 302 && query.is_some_and(|query| query.is_empty() || query.starts_with('?'))
}

/// Takes one answer off the connection: its status and its `Location`.
fn next_answer(connection: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<(u16, String)> {
    loop {
        if let Some((bytes, answer)) = parse(buffer)? {
            buffer.drain(..bytes);
            return Ok(answer);
        }
        let mut piece = [0; 16 << 10];
        match connection.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => buffer.extend_from_slice(&piece[..count]),
        }
    }
}

/// The first answer's length, status and `Location`; none while it is not complete.
fn parse(buffer: &[u8]) -> io::Result<Option<(usize, (u16, String))>> {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut fields);
    let head = response.parse(buffer).map_err(io::Error::other)?;
    let httparse::Status::Complete(head_bytes) = head else {
        return Ok(None);
    };
    let field = |name: &str| {
        let field = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        field.map(|field| String::from_utf8_lossy(field.value).into_owned()).unwrap_or_default()
    };
    let Ok(body_bytes) = field("content-length").parse::<usize>() else {
        return Err(io::Error::other("an answer without Content-Length"));
    };
    let bytes = head_bytes + body_bytes;
    let answer = (response.code.unwrap_or_default(), field("location"));
    Ok((buffer.len() >= bytes).then_some((bytes, answer)))
}
