//! RTSP over TCP as far as the load needs it. Source: RFC 2326 §10, §10.12.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use super::http_client;

/// Asks for everything up to PLAY; what has come behind its answer.
pub(crate) fn play(port: u16, path: &str) -> io::Result<(TcpStream, Vec<u8>)> {
    let url = format!("rtsp://127.0.0.1:{port}/{path}");
    let mut client = Client { socket: http_client::connect(port)?, cseq: 0, rest: Vec::new() };
    client.ask("OPTIONS", &url, "")?;
    let (head, sdp) = client.ask("DESCRIBE", &url, "Accept: application/sdp\r\n")?;
    let base = field(&head, "Content-Base").unwrap_or(&url).trim_end_matches('/').to_owned();
    let mut session = String::new();
    let mut channel = 0;
    let tracks = sdp.split("\nm=").skip(1);
    for track in tracks {
        let control = track.lines().find_map(|line| line.strip_prefix("a=control:"));
        let control = control.unwrap_or_default().trim();
        let target = match control.starts_with("rtsp://") {
            true => control.to_owned(),
            false => format!("{base}/{control}"),
        };
        let transport = format!("RTP/AVP/TCP;unicast;interleaved={channel}-{}", channel + 1);
        let fields = format!("Transport: {transport}\r\n{session}");
        let (head, _) = client.ask("SETUP", &target, &fields)?;
        let id = field(&head, "Session").and_then(|id| id.split(';').next()).unwrap_or_default();
        session = format!("Session: {id}\r\n");
        channel += 2;
    }
    if channel == 0 {
        return Err(io::Error::other("the SDP has no tracks"));
    }
    client.ask("PLAY", &format!("{base}/"), &format!("{session}Range: npt=0.000-\r\n"))?;
    Ok((client.socket, client.rest))
}

struct Client {
    socket: TcpStream,
    cseq: u32,
    rest: Vec<u8>,
}

impl Client {
    /// The answer's head and body; any status but 200 is an error.
    fn ask(&mut self, method: &str, url: &str, fields: &str) -> io::Result<(String, String)> {
        self.cseq += 1;
        let cseq = self.cseq;
        let agent = "User-Agent: watershed-bench";
        let request = format!("{method} {url} RTSP/1.0\r\nCSeq: {cseq}\r\n{agent}\r\n{fields}\r\n");
        self.socket.write_all(request.as_bytes())?;
        let end = loop {
            if let Some(at) = self.rest.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.more()?;
        };
        let head = String::from_utf8_lossy(&self.rest[..end]).into_owned();
        if !head.starts_with("RTSP/1.0 200") {
            let line = head.lines().next().unwrap_or_default();
            return Err(io::Error::other(format!("{method}: {line}")));
        }
        let length = field(&head, "Content-Length").and_then(|value| value.parse().ok());
        let whole = end + length.unwrap_or(0usize);
        while self.rest.len() < whole {
            self.more()?;
        }
        let body = String::from_utf8_lossy(&self.rest[end..whole]).into_owned();
        self.rest.drain(..whole);
        Ok((head, body))
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4 << 10];
        match self.socket.read(&mut buffer)? {
            0 => Err(io::Error::other("closed before an answer")),
            count => {
                self.rest.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
