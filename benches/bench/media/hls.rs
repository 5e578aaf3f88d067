//! An HLS player: the playlist again and again, each new segment once, on one connection.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::crowd::{Buffer, Player};
use super::http_client;
use super::players::Doors;
use super::wire_check::{TS_PACKET, Ts, WireCheck};

/// How long an answer may take before the player has stalled.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// A player.
pub(crate) struct HlsPlayer {
    socket: TcpStream,
    port: u16,
    playlist: String,
    state: State,
    /// What was asked last.
    path: String,
    /// Whether the connection has answered since it was made.
    has_answered: bool,
    /// Sequence number of the next segment wanted; none before the first playlist.
    next: Option<u64>,
    wanted: VecDeque<String>,
    /// When the last request was sent.
    asked: Instant,
    /// When the playlist is asked for again.
    reload: Instant,
    check: Option<WireCheck<Ts>>,
    segments: usize,
}

enum State {
    /// Waits until it is time for the playlist.
    Idle,
    /// Waits for the head of an answer.
    Head { received: Vec<u8>, is_playlist: bool },
    /// Takes the rest of the playlist.
    Playlist { body: Vec<u8>, length: usize },
    /// Takes the rest of a segment.
    Segment { left: usize },
}

impl HlsPlayer {
    /// Finds the media playlist behind the first one.
    pub(crate) fn open(doors: &Doors, checks: bool) -> io::Result<Self> {
        let mut socket = http_client::connect(doors.http)?;
        let mut playlist = doors.playlist.clone();
        let text = http_client::fetch(&mut socket, &playlist)?;
        if text.contains("#EXT-X-STREAM-INF") {
            let variant = uris(&text).next().map(str::to_owned);
            let variant = variant.ok_or_else(|| io::Error::other("no variant in the playlist"))?;
            playlist = resolve(&playlist, &variant);
        }
        socket.set_nonblocking(true)?;
        let check = checks.then(|| WireCheck::new(Ts::default()));
        let now = Instant::now();
        Ok(Self {
            socket,
            port: doors.http,
            playlist,
            state: State::Idle,
            path: String::new(),
            has_answered: true,
            next: None,
            wanted: VecDeque::new(),
            asked: now,
            reload: now,
            check,
            segments: 0,
        })
    }

    /// One step; `None` when nothing is to be done now.
    fn step(&mut self, buffer: &mut Buffer) -> io::Result<Option<u64>> {
        match &mut self.state {
            State::Idle if self.reload > Instant::now() => Ok(None),
            State::Idle => {
                self.ask(self.playlist.clone(), true)?;
                Ok(None)
            }
            State::Head { received, is_playlist } => {
                let is_playlist = *is_playlist;
                match read_some(&mut self.socket, received) {
                    Ok(Some(_)) => self.has_answered = true,
                    Ok(None) => return Ok(None),
                    // Kept alive for long enough, says the server: players connect again.
                    Err(_) if received.is_empty() && self.has_answered => {
                        self.socket = http_client::connect(self.port)?;
                        self.socket.set_nonblocking(true)?;
                        self.has_answered = false;
                        self.ask(self.path.clone(), is_playlist)?;
                        return Ok(None);
                    }
                    Err(error) => return Err(error),
                }
                let Some(head) = http_client::head(received)? else { return Ok(Some(0)) };
                let Some(length) = head.body_bytes else {
                    return Err(io::Error::other("an answer without Content-Length"));
                };
                let body = received.split_off(head.bytes);
                // Heads and playlists are no media: only segments count.
                if is_playlist {
                    self.state = State::Playlist { body, length };
                    self.finish_playlist()?;
                    return Ok(Some(0));
                }
                let left = length.saturating_sub(body.len());
                self.state = State::Segment { left };
                self.checked(&body)?;
                self.finish_segment()?;
                Ok(Some(body.len() as u64))
            }
            State::Playlist { body, .. } => {
                let Some(_) = read_some(&mut self.socket, body)? else { return Ok(None) };
                self.finish_playlist()?;
                Ok(Some(0))
            }
            State::Segment { left } => {
                let most = *left;
                let count = if self.check.is_some() {
                    let mut bytes = Vec::new();
                    if read_some(&mut self.socket, &mut bytes)?.is_none() {
                        return Ok(None);
                    }
                    self.checked(&bytes)?;
                    bytes.len()
                } else {
                    buffer.discard(&self.socket, most)?
                };
                if count == 0 {
                    return Ok(None);
                }
                self.state = State::Segment { left: most.saturating_sub(count) };
                self.finish_segment()?;
                Ok(Some(count as u64))
            }
        }
    }

    fn ask(&mut self, path: String, is_playlist: bool) -> io::Result<()> {
        // A connection closed meanwhile shows when its answer is read.
        let _ = http_client::ask(&mut self.socket, &path);
        self.path = path;
        self.asked = Instant::now();
        self.state = State::Head { received: Vec::new(), is_playlist };
        Ok(())
    }

    fn checked(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(check) = &mut self.check else { return Ok(()) };
        check.take(bytes).map_err(io::Error::other)
    }

    fn finish_playlist(&mut self) -> io::Result<()> {
        let State::Playlist { body, length } = &self.state else { return Ok(()) };
        if body.len() < *length {
            return Ok(());
        }
        let text = String::from_utf8_lossy(body).into_owned();
        let first = tag(&text, "#EXT-X-MEDIA-SEQUENCE:").unwrap_or(0);
        let target = tag(&text, "#EXT-X-TARGETDURATION:").unwrap_or(4);
        let segments: Vec<&str> = uris(&text).collect();
        let end = first + segments.len() as u64;
        let next = self.next.unwrap_or(end.saturating_sub(1));
        if next < first {
            return Err(io::Error::other(format!("segment {next} was missed: {first} is listed")));
        }
        let skipped = usize::try_from(next - first).unwrap_or(usize::MAX);
        let wanted = segments.iter().skip(skipped).map(|uri| resolve(&self.playlist, uri));
        self.wanted.extend(wanted);
        let is_news = end > next;
        self.next = Some(end.max(next));
        // Source: RFC 8216 §6.3.4: a target duration after news, half of it after none.
        let wait = Duration::from_secs(target) / if is_news { 1 } else { 2 };
        self.reload = Instant::now() + wait;
        self.next_segment()
    }

    fn finish_segment(&mut self) -> io::Result<()> {
        if !matches!(self.state, State::Segment { left: 0 }) {
            return Ok(());
        }
        self.segments += 1;
        if let Some(check) = &mut self.check {
            // Each segment begins anew and must be whole packets.
            if check.pending() > 0 {
                return Err(io::Error::other(format!("a segment of no whole {TS_PACKET} bytes")));
            }
            *check = WireCheck::new(Ts::default());
        }
        self.next_segment()
    }

    fn next_segment(&mut self) -> io::Result<()> {
        match self.wanted.pop_front() {
            Some(path) => self.ask(path, false),
            None => {
                self.state = State::Idle;
                Ok(())
            }
        }
    }
}

impl Player for HlsPlayer {
    fn take(&mut self, buffer: &mut Buffer) -> io::Result<u64> {
        let mut taken = 0;
        while let Some(more) = self.step(buffer)? {
            taken += more;
        }
        if self.is_busy() && self.asked.elapsed() > ANSWERS_WITHIN {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(taken)
    }

    fn proof(&self) -> Result<(), String> {
        if self.segments > 0 { Ok(()) } else { Err("no segment".to_owned()) }
    }

    fn is_busy(&self) -> bool {
        !matches!(self.state, State::Idle)
    }
}

fn tag(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

fn uris(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// A relative reference. Source: RFC 3986 §5.2, as far as servers write them.
fn resolve(base: &str, uri: &str) -> String {
    if uri.starts_with('/') {
        return uri.to_owned();
    }
    let path = base.split('?').next().unwrap_or(base);
    let folder = path.rfind('/').map_or("", |at| &path[..at]);
    format!("{folder}/{uri}")
}

/// Reads what has arrived; none if nothing has.
fn read_some(socket: &mut TcpStream, into: &mut Vec<u8>) -> io::Result<Option<usize>> {
    let mut bytes = [0; 16 << 10];
    match socket.read(&mut bytes) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(count) => {
            into.extend_from_slice(&bytes[..count]);
            Ok(Some(count))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
