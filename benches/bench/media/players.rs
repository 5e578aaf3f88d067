//! One way to open a player of each protocol, and what it does with what it gets.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use super::crowd::{Buffer, Player};
use super::hls::HlsPlayer;
use super::http_client;
use super::rtmp_client::RtmpClient;
use super::rtsp_client;
use super::wire_check::{Dechunker, Flv, Interleaved, Ts, WireCheck};

/// How a stream is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// RTMP.
    Rtmp,
    /// RTSP, interleaved in its TCP connection.
    Rtsp,
    /// MPEG-TS in an endless HTTP answer.
    Ts,
    /// FLV in an endless HTTP answer.
    Flv,
    /// HLS with MPEG-TS segments.
    Hls,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rtmp => "RTMP",
            Self::Rtsp => "RTSP/TCP",
            Self::Ts => "HTTP-TS",
            Self::Flv => "HTTP-FLV",
            Self::Hls => "HLS",
        })
    }
}

/// Where a server has the stream.
#[derive(Clone, Debug)]
pub(crate) struct Doors {
    /// Port and app of RTMP; the stream's name in the app.
    pub(crate) rtmp: u16,
    /// Port of RTSP.
    pub(crate) rtsp: u16,
    /// Port of HTTP.
    pub(crate) http: u16,
    /// Path of the first playlist.
    pub(crate) playlist: String,
}

/// The app under which everything is published.
pub(crate) const APP: &str = "live";

/// The stream's name in the app.
pub(crate) const STREAM: &str = "bench";

/// A connection that has begun to play, blocking; what has been received of the stream.
pub(crate) fn connect(protocol: Protocol, doors: &Doors) -> io::Result<(TcpStream, Vec<u8>)> {
    let http = |path: &str| {
        let mut socket = http_client::connect(doors.http)?;
        let (_, rest) = http_client::open(&mut socket, path)?;
        Ok((socket, rest))
    };
    match protocol {
        Protocol::Rtmp => {
            let mut client = RtmpClient::connect(doors.rtmp, APP)?;
            client.play(STREAM)?;
            Ok((client.socket, Vec::new()))
        }
        Protocol::Rtsp => rtsp_client::play(doors.rtsp, &format!("{APP}/{STREAM}")),
        Protocol::Ts => http(&format!("/{APP}/{STREAM}/mpegts")),
        Protocol::Flv => http(&format!("/{APP}/{STREAM}/live.flv")),
        Protocol::Hls => Err(io::Error::other("HLS is no single connection")),
    }
}

/// Opens a player; one that `checks` reads what it gets, the others only count.
pub(crate) fn open(protocol: Protocol, doors: &Doors, checks: bool) -> io::Result<Box<dyn Player>> {
    if protocol == Protocol::Hls {
        return Ok(Box::new(HlsPlayer::open(doors, checks)?));
    }
    if !checks {
        let (socket, rest) = connect(protocol, doors)?;
        socket.set_nonblocking(true)?;
        let taken = rest.len() as u64;
        return Ok(Box::new(Counting { protocol, socket, taken, acknowledged: 0, early: taken }));
    }
    if protocol == Protocol::Rtmp {
        let mut client = RtmpClient::connect(doors.rtmp, APP)?;
        client.play(STREAM)?;
        client.socket.set_nonblocking(true)?;
        return Ok(Box::new(CheckingRtmp { client, frames: 0 }));
    }
    let mut check = match protocol {
        Protocol::Ts => Check::Ts(WireCheck::new(Ts::default())),
        Protocol::Flv => Check::Flv(WireCheck::new(Flv::default())),
        _ => Check::Rtp(WireCheck::new(Interleaved::default())),
    };
    let (socket, chunks, rest) = if protocol == Protocol::Rtsp {
        let (socket, rest) = connect(protocol, doors)?;
        (socket, None, rest)
    } else {
        let mut socket = http_client::connect(doors.http)?;
        let end = if protocol == Protocol::Ts { "mpegts" } else { "live.flv" };
        let (head, rest) = http_client::open(&mut socket, &format!("/{APP}/{STREAM}/{end}"))?;
        (socket, head.is_chunked.then(Dechunker::default), rest)
    };
    socket.set_nonblocking(true)?;
    let mut chunks = chunks;
    check.take(chunks.as_mut(), &rest)?;
    Ok(Box::new(Checking { socket, chunks, check }))
}

/// Counts, and acknowledges where the protocol asks for it.
struct Counting {
    protocol: Protocol,
    socket: TcpStream,
    taken: u64,
    acknowledged: u64,
    early: u64,
}

/// Bytes after which an RTMP client says that it has them.
const ACKNOWLEDGE_EVERY: u64 = 1 << 20;

impl Player for Counting {
    fn take(&mut self, buffer: &mut Buffer) -> io::Result<u64> {
        let count = buffer.discard(&self.socket, usize::MAX)? as u64;
        self.taken += count;
        if self.protocol == Protocol::Rtmp && self.taken > self.acknowledged + ACKNOWLEDGE_EVERY {
            self.acknowledged = self.taken;
            // Chunk stream 2, four bytes of type 3 (acknowledgement). Source: RTMP 1.0 §5.4.3.
            let mut message = [2, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0];
            let received = u32::try_from(self.taken & u64::from(u32::MAX)).unwrap_or_default();
            message[12..].copy_from_slice(&received.to_be_bytes());
            self.socket.write_all(&message)?;
        }
        Ok(count + std::mem::take(&mut self.early))
    }

    fn proof(&self) -> Result<(), String> {
        Ok(())
    }

    fn waits_on(&self) -> Option<&TcpStream> {
        Some(&self.socket)
    }
}

/// Has an RTMP client read it.
struct CheckingRtmp {
    client: RtmpClient,
    frames: usize,
}

impl Player for CheckingRtmp {
    fn take(&mut self, _: &mut Buffer) -> io::Result<u64> {
        let bytes = read_all(&mut self.client.socket)?;
        self.frames += self.client.take(&bytes)?;
        Ok(bytes.len() as u64)
    }

    fn proof(&self) -> Result<(), String> {
        enough(self.frames)
    }

    fn waits_on(&self) -> Option<&TcpStream> {
        Some(&self.client.socket)
    }
}

/// Reads units off the wire.
struct Checking {
    socket: TcpStream,
    chunks: Option<Dechunker>,
    check: Check,
}

enum Check {
    Ts(WireCheck<Ts>),
    Flv(WireCheck<Flv>),
    Rtp(WireCheck<Interleaved>),
}

impl Check {
    fn take(&mut self, chunks: Option<&mut Dechunker>, bytes: &[u8]) -> io::Result<()> {
        let content = chunks.map(|chunks| chunks.take(bytes)).transpose();
        let content = content.map_err(io::Error::other)?;
        let bytes = content.as_deref().unwrap_or(bytes);
        let result = match self {
            Self::Ts(check) => check.take(bytes),
            Self::Flv(check) => check.take(bytes),
            Self::Rtp(check) => check.take(bytes),
        };
        result.map_err(io::Error::other)
    }

    const fn count(&self) -> usize {
        match self {
            Self::Ts(check) => check.count(),
            Self::Flv(check) => check.count(),
            Self::Rtp(check) => check.count(),
        }
    }
}

impl Player for Checking {
    fn take(&mut self, _: &mut Buffer) -> io::Result<u64> {
        let bytes = read_all(&mut self.socket)?;
        self.check.take(self.chunks.as_mut(), &bytes)?;
        Ok(bytes.len() as u64)
    }

    fn proof(&self) -> Result<(), String> {
        enough(self.check.count())
    }

    fn waits_on(&self) -> Option<&TcpStream> {
        Some(&self.socket)
    }
}

/// Whether so many frames or packets are a stream.
fn enough(units: usize) -> Result<(), String> {
    if units >= 50 { Ok(()) } else { Err(format!("only {units} frames or packets")) }
}

/// What has arrived, without waiting.
fn read_all(socket: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 256 << 10];
    match socket.read(&mut bytes) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(count) => {
            bytes.truncate(count);
            Ok(bytes)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
