//! A client of `/events`: one connection, read block by block.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use super::node::{API, Node};

/// The longest that a client waits for anything.
const LIMIT: Duration = Duration::from_secs(20);

/// A connection that follows the events.
pub(crate) struct EventStream {
    socket: BufReader<TcpStream>,
    read: Vec<u8>,
}

/// What stands between two empty lines.
#[derive(Debug)]
pub(crate) enum Block {
    /// A name and data; it had a revision too.
    Event(String, Value),
    /// Anything else, as it came.
    Other(String),
}

impl EventStream {
    /// Connects and reads the head of the answer.
    pub(crate) fn connect(node: &Node, query: &str) -> Self {
        Self::answered(open(node, query, None))
    }

    /// Connects and reads nothing at all; the kernel takes next to nothing for it either.
    pub(crate) fn connect_deaf(node: &Node, query: &str) -> TcpStream {
        open(node, query, Some(4096))
    }

    fn answered(socket: TcpStream) -> Self {
        let mut socket = BufReader::new(socket);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(socket.read_line(&mut head).unwrap() > 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.to_lowercase().contains("content-type: text/event-stream"), "{head}");
        Self { socket, read: Vec::new() }
    }

    /// The next block; none when the node ends the answer in good order.
    pub(crate) fn next(&mut self) -> Option<Block> {
        loop {
            if let Some(end) = self.read.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.read.drain(..end + 2).collect();
                return Some(Block::parse(std::str::from_utf8(&block).unwrap().trim_end()));
            }
            let chunk = self.chunk();
            if chunk.is_empty() {
                return None;
            }
            self.read.extend_from_slice(&chunk);
        }
    }

    /// Source: RFC 9112 §7.1.
    fn chunk(&mut self) -> Vec<u8> {
        let mut size = String::new();
        self.socket.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or_else(|e| panic!("{e}: {size}"));
        let mut chunk = vec![0; size + 2];
        self.socket.read_exact(&mut chunk).unwrap();
        chunk.truncate(size);
        chunk
    }

    /// The data of the next event of that name for which `wanted` holds.
    pub(crate) fn wait(&mut self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            match self.next() {
                Some(Block::Event(event, data)) if event == name && wanted(&data) => {
                    return data;
                }
                Some(_) => {}
                None => panic!("the events ended before the wanted one of {name}"),
            }
        }
        panic!("no such event of {name} within {LIMIT:?}");
    }
}

impl Block {
    fn parse(text: &str) -> Self {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        match (field("event: "), field("id: "), field("data: ")) {
            (Some(event), Some(id), Some(data)) if id.parse::<u64>().is_ok() => {
                Self::Event(event.to_owned(), serde_json::from_str(data).unwrap())
            }
            _ => Self::Other(text.to_owned()),
        }
    }
}

fn open(node: &Node, query: &str, receive_bytes: Option<usize>) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    if let Some(bytes) = receive_bytes {
        socket.set_recv_buffer_size(bytes).unwrap();
    }
    socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, node.http)).into()).unwrap();
    let mut socket = TcpStream::from(socket);
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let port = node.http;
    write!(socket, "GET {API}/events{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n").unwrap();
    socket
}
