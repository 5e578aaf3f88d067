//! RTSP as far as a test has to see it on the wire. Source: RFC 2326 §6, §7.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer: its status and its header lines, names in lower case.
#[derive(Debug)]
pub(crate) struct RtspAnswer {
    /// The status code.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
}

impl RtspAnswer {
    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// One connection that asks one thing after the other.
pub(crate) struct RtspClient {
    reader: BufReader<TcpStream>,
    sequence: u32,
}

impl RtspClient {
    /// Connects.
    pub(crate) fn connect(port: u16) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { reader: BufReader::new(socket), sequence: 0 }
    }

    /// Asks as the agent that ffmpeg is.
    pub(crate) fn ask(&mut self, method: &str, url: &str) -> RtspAnswer {
        self.sequence += 1;
        let request = format!(
            "{method} {url} RTSP/1.0\r\nCSeq: {}\r\nUser-Agent: Lavf59.27.100\r\n\
             Accept: application/sdp\r\n\r\n",
            self.sequence
        );
        self.reader.get_mut().write_all(request.as_bytes()).unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).unwrap();
            if line.trim_end().is_empty() {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        let first = lines.first().unwrap_or_else(|| panic!("no answer to {method} {url}"));
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
        let headers: Vec<(String, String)> = lines[1..]
            .iter()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let answer = RtspAnswer { status: status.unwrap(), headers };
        assert_eq!(answer.header("cseq"), Some(self.sequence.to_string().as_str()), "{answer:?}");
        let length = answer.header("content-length").map_or(0, |text| text.parse().unwrap());
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).unwrap();
        answer
    }
}
