//! RTSP as far as a test has to see it on the wire. Source: RFC 2326 §6, §7, §10.12.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer: its status, its header lines with names in lower case, its body.
#[derive(Debug)]
pub(crate) struct RtspAnswer {
    /// The status code.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    /// What came behind the head.
    pub(crate) body: String,
}

impl RtspAnswer {
    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The id in the `Session` header.
    pub(crate) fn session(&self) -> String {
        let session = self.header("session").unwrap_or_else(|| panic!("no session: {self:?}"));
        session.split(';').next().unwrap().to_owned()
    }
}

/// One connection that asks one thing after the other.
pub(crate) struct RtspClient {
    reader: BufReader<TcpStream>,
    sequence: u32,
    frames: VecDeque<(u8, Vec<u8>)>,
}

impl RtspClient {
    /// Connects.
    pub(crate) fn connect(port: u16) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { reader: BufReader::new(socket), sequence: 0, frames: VecDeque::new() }
    }

    /// Asks as the agent that ffmpeg is.
    pub(crate) fn ask(&mut self, method: &str, url: &str) -> RtspAnswer {
        self.ask_with(method, url, &[], "")
    }

    /// The same with header lines and a body of its own.
    pub(crate) fn ask_with(
        &mut self,
        method: &str,
        url: &str,
        headers: &[&str],
        body: &str,
    ) -> RtspAnswer {
        self.sequence += 1;
        let mut request = format!(
            "{method} {url} RTSP/1.0\r\nCSeq: {}\r\nUser-Agent: Lavf59.27.100\r\n\
             Accept: application/sdp\r\n",
            self.sequence
        );
        headers.iter().for_each(|line| request.push_str(&format!("{line}\r\n")));
        if !body.is_empty() {
            let length = body.len();
            request.push_str(&format!(
                "Content-Type: application/sdp\r\nContent-Length: {length}\r\n"
            ));
        }
        request.push_str(&format!("\r\n{body}"));
        self.reader.get_mut().write_all(request.as_bytes()).unwrap();
        while self.is_at_frame() {
            let frame = self.read_frame();
            self.frames.push_back(frame);
        }
        let answer = self.read_answer(&format!("{method} {url}"));
        assert_eq!(answer.header("cseq"), Some(self.sequence.to_string().as_str()), "{answer:?}");
        answer
    }

    /// The next interleaved packet and its channel.
    pub(crate) fn frame(&mut self) -> (u8, Vec<u8>) {
        let kept = self.frames.pop_front();
        kept.unwrap_or_else(|| {
            assert!(self.is_at_frame(), "a packet is due");
            self.read_frame()
        })
    }

    /// Reads until the server closes.
    pub(crate) fn read_to_end(&mut self) {
        self.reader.read_to_end(&mut Vec::new()).unwrap();
    }

    /// Forgets the packets that came before the last answer.
    pub(crate) fn forget_frames(&mut self) {
        self.frames.clear();
    }

    fn is_at_frame(&mut self) -> bool {
        self.reader.fill_buf().unwrap().first() == Some(&b'$')
    }

    fn read_frame(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 4];
        self.reader.read_exact(&mut head).unwrap();
        let mut packet = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]]))];
        self.reader.read_exact(&mut packet).unwrap();
        (head[1], packet)
    }

    fn read_answer(&mut self, to: &str) -> RtspAnswer {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).unwrap();
            if line.trim_end().is_empty() {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        let first = lines.first().unwrap_or_else(|| panic!("no answer to {to}"));
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
        let headers: Vec<(String, String)> = lines[1..]
            .iter()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = RtspAnswer { status: status.unwrap(), headers, body: String::new() };
        let length = answer.header("content-length").map_or(0, |text| text.parse().unwrap());
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).unwrap();
        answer.body = String::from_utf8(body).unwrap();
        answer
    }
}
