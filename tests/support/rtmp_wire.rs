//! RTMP as far as a test has to see it on the wire: a handshake, commands, the answers' AMF.
//!
//! Source: Adobe's RTMP specification 1.0, §5.2 (handshake), §5.3 (chunks), §7 (commands); AMF0
//! specification §2. No code of the daemon is used.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// One value of AMF0, as far as commands need it.
pub(crate) enum Amf<'a> {
    /// A number.
    Number(f64),
    /// A string.
    Text(&'a str),
    /// null.
    Null,
    /// An object.
    Object(Vec<(&'a str, Amf<'a>)>),
}

/// A message from the server.
#[derive(Debug)]
pub(crate) struct Message {
    /// Its type: 20 is an AMF0 command.
    pub(crate) kind: u8,
    /// Its payload.
    pub(crate) body: Vec<u8>,
}

/// A client after its handshake.
pub(crate) struct RtmpClient {
    socket: TcpStream,
    received: Vec<u8>,
    chunk_bytes: usize,
    partial: HashMap<u8, (usize, Message)>,
}

impl Message {
    /// The command's name, if it is one.
    pub(crate) fn command(&self) -> Option<String> {
        if self.kind != 20 || self.body.first() != Some(&2) {
            return None;
        }
        let size = usize::from(u16::from_be_bytes([*self.body.get(1)?, *self.body.get(2)?]));
        Some(String::from_utf8_lossy(self.body.get(3..3 + size)?).into_owned())
    }

    /// The text of the string property `name`, at any depth.
    pub(crate) fn text_property(&self, name: &str) -> Option<String> {
        let rest = self.after_property(name, 2)?;
        let size = usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
        Some(String::from_utf8_lossy(rest.get(2..2 + size)?).into_owned())
    }

    /// The value of the number property `name`, at any depth.
    pub(crate) fn number_property(&self, name: &str) -> Option<f64> {
        let rest = self.after_property(name, 0)?;
        Some(f64::from_be_bytes(rest.get(..8)?.try_into().ok()?))
    }

    fn after_property(&self, name: &str, marker: u8) -> Option<&[u8]> {
        let mut wanted = Vec::new();
        put_key(&mut wanted, name);
        wanted.push(marker);
        let at = self.body.windows(wanted.len()).position(|window| window == wanted)?;
        self.body.get(at + wanted.len()..)
    }
}

impl RtmpClient {
    /// Connects and shakes hands.
    pub(crate) fn connect(port: u16) -> Self {
        Self::connect_through(port, b"")
    }

    /// The same as a proxy that sends `header` in front.
    pub(crate) fn connect_through(port: u16, header: &[u8]) -> Self {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket.write_all(header).unwrap();
        let mut hello = vec![0; 1537];
        hello[0] = 3;
        socket.write_all(&hello).unwrap();
        let mut answer = vec![0; 1 + 1536 * 2];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(answer[0], 3, "version of the handshake");
        socket.write_all(&answer[1..1537]).unwrap();
        Self { socket, received: Vec::new(), chunk_bytes: 128, partial: HashMap::new() }
    }

    /// Sends `connect`; `caps_ex` is the enhanced capability bits to announce, if any.
    pub(crate) fn send_connect(&mut self, app: &str, tc_url: &str, caps_ex: Option<f64>) {
        let mut object = vec![
            ("app", Amf::Text(app)),
            ("flashVer", Amf::Text("LNX 9,0,124,2")),
            ("tcUrl", Amf::Text(tc_url)),
        ];
        if let Some(bits) = caps_ex {
            object.push(("capsEx", Amf::Number(bits)));
        }
        self.command(0, &[Amf::Text("connect"), Amf::Number(1.0), Amf::Object(object)]);
    }

    /// Sends `createStream`, waits for its result, then sends `play` (or `publish`) on it.
    pub(crate) fn send_on_stream(&mut self, verb: &str, stream: &str) {
        self.command(0, &[Amf::Text("createStream"), Amf::Number(2.0), Amf::Null]);
        self.wait_command(&["_result"]);
        self.command(1, &[Amf::Text(verb), Amf::Number(3.0), Amf::Null, Amf::Text(stream)]);
    }

    /// The next command of one of these names; other messages are passed over.
    pub(crate) fn wait_command(&mut self, names: &[&str]) -> Message {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            let message = self.next().unwrap_or_else(|reason| panic!("{names:?}: {reason}"));
            if message.command().is_some_and(|command| names.contains(&command.as_str())) {
                return message;
            }
        }
        panic!("none of {names:?} within 10 s");
    }

    /// Bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.socket.write_all(bytes)
    }

    /// The connection, to be read as it comes.
    pub(crate) fn into_socket(self) -> TcpStream {
        self.socket
    }

    /// How long until the server closes, which it has to within `limit`.
    pub(crate) fn wait_closed(mut self, limit: Duration) -> Duration {
        wait_closed(&mut self.socket, limit)
    }

    fn command(&mut self, stream_id: u8, values: &[Amf<'_>]) {
        let mut body = Vec::new();
        values.iter().for_each(|value| put(&mut body, value));
        let bytes = chunks(3, 20, stream_id, &body);
        self.socket.write_all(&bytes).unwrap();
    }

    fn next(&mut self) -> Result<Message, String> {
        loop {
            if let Some(message) = self.take_chunk() {
                match message {
                    Some(message) if message.kind == 1 => {
                        let size = message.body.get(..4).and_then(|b| b.try_into().ok());
                        let size = u32::from_be_bytes(size.ok_or("short chunk size")?);
                        self.chunk_bytes = usize::try_from(size).unwrap();
                    }
                    Some(message) => return Ok(message),
                    None => {}
                }
                continue;
            }
            let mut piece = [0; 4096];
            match self.socket.read(&mut piece) {
                Ok(0) => return Err("closed by the server".to_owned()),
                Ok(count) => self.received.extend_from_slice(&piece[..count]),
                Err(e) => return Err(e.to_string()),
            }
        }
    }

    /// Takes one chunk off the received bytes: `None` if it is not all there, `Some(None)` if its
    /// message is not.
    fn take_chunk(&mut self) -> Option<Option<Message>> {
        let bytes = &self.received;
        let (format, id) = (bytes.first()? >> 6, bytes.first()? & 0x3f);
        assert!(id >= 2, "chunk stream ids above 63 are not for so small a client");
        let head: usize = [11, 7, 3, 0][usize::from(format)];
        let mut at = 1 + head;
        bytes.get(at - 1)?;
        if format < 3 && bytes[1..4] == [0xff; 3] {
            at += 4;
        }
        if format < 2 {
            let length = u32::from_be_bytes([0, bytes[4], bytes[5], bytes[6]]);
            let message = Message { kind: bytes[7], body: Vec::new() };
            self.partial.insert(id, (usize::try_from(length).unwrap(), message));
        }
        let (length, message) = self.partial.get_mut(&id).expect("a first chunk has a full head");
        let size = (*length - message.body.len()).min(self.chunk_bytes);
        message.body.extend_from_slice(self.received.get(at..at + size)?);
        self.received.drain(..at + size);
        if message.body.len() < *length {
            return Some(None);
        }
        let body = std::mem::take(&mut message.body);
        Some(Some(Message { kind: message.kind, body }))
    }
}

/// Waits until the server closes `socket`; panics if it has not within `limit`.
pub(crate) fn wait_closed(socket: &mut TcpStream, limit: Duration) -> Duration {
    let start = Instant::now();
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut piece = [0; 4096];
    loop {
        match socket.read(&mut piece) {
            Ok(0) => return start.elapsed(),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::ConnectionReset) => {
                return start.elapsed();
            }
            _ => assert!(start.elapsed() < limit, "not closed within {limit:?}"),
        }
    }
}

/// A message in chunks of 128 bytes, the size before any Set Chunk Size.
pub(crate) fn chunks(chunk_stream: u8, kind: u8, stream_id: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let mut bytes = vec![chunk_stream, 0, 0, 0, length[1], length[2], length[3], kind];
    bytes.extend_from_slice(&[stream_id, 0, 0, 0]);
    for (index, piece) in body.chunks(128).enumerate() {
        if index > 0 {
            bytes.push(0xc0 | chunk_stream);
        }
        bytes.extend_from_slice(piece);
    }
    bytes
}

/// `connect` with objects in objects, `depth` deep.
pub(crate) fn nested_connect(depth: usize) -> Vec<u8> {
    let mut body = Vec::new();
    put(&mut body, &Amf::Text("connect"));
    put(&mut body, &Amf::Number(1.0));
    for _ in 0..depth {
        body.push(3);
        put_key(&mut body, "a");
    }
    body.push(5);
    for _ in 0..depth {
        body.extend_from_slice(&[0, 0, 9]);
    }
    chunks(3, 20, 0, &body)
}

fn put(body: &mut Vec<u8>, value: &Amf<'_>) {
    match value {
        Amf::Number(number) => {
            body.push(0);
            body.extend_from_slice(&number.to_be_bytes());
        }
        Amf::Text(text) => {
            body.push(2);
            put_key(body, text);
        }
        Amf::Null => body.push(5),
        Amf::Object(properties) => {
            body.push(3);
            for (name, value) in properties {
                put_key(body, name);
                put(body, value);
            }
            body.extend_from_slice(&[0, 0, 9]);
        }
    }
}

fn put_key(body: &mut Vec<u8>, text: &str) {
    body.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
    body.extend_from_slice(text.as_bytes());
}
