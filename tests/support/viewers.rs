//! Viewers that cost next to nothing: a thread each, which counts what comes and tells when the
//! server ends it.

use std::collections::HashSet;
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::http;
use super::node::Node;
use super::rtmp_wire::RtmpClient;

/// How often a viewer looks whether its time is over; of HLS, for a new segment as well.
const PACE: Duration = Duration::from_millis(250);

/// What a viewer plays by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Protocol {
    /// The media playlist and each new segment of it.
    Hls,
    /// `/NAME/mpegts`.
    HttpTs,
    /// `/NAME/live.flv`.
    HttpFlv,
    /// RTMP play.
    Rtmp,
}

/// A viewer at work until it is dropped.
pub(crate) struct Viewer {
    /// What it plays by.
    pub(crate) protocol: Protocol,
    received: Arc<AtomicU64>,
    end: Arc<Mutex<Option<String>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Viewer {
    /// Plays `stream` at `node`.
    pub(crate) fn start(protocol: Protocol, node: &Node, stream: &str) -> Self {
        let (received, end) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(None)));
        let is_over = Arc::new(AtomicBool::new(false));
        let (count, told, over) = (Arc::clone(&received), Arc::clone(&end), Arc::clone(&is_over));
        let (http, rtmp, stream) = (node.http, node.rtmp, stream.to_owned());
        let thread = std::thread::spawn(move || {
            let get = |file: &str| http::take(http, &format!("/{stream}/{file}"), 16);
            let result = match protocol {
                Protocol::Hls => poll(http, &stream, &count, &over),
                Protocol::HttpTs => drain(get("mpegts"), &count, &over),
                Protocol::HttpFlv => drain(get("live.flv"), &count, &over),
                Protocol::Rtmp => drain(play_rtmp(rtmp, &stream), &count, &over),
            };
            *told.lock().unwrap() = result.err();
        });
        Self { protocol, received, end, is_over, thread: Some(thread) }
    }

    /// Bytes so far; by HLS, segments.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// How the server ended it, if it has.
    pub(crate) fn ended(&self) -> Option<String> {
        self.end.lock().unwrap().clone()
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn play_rtmp(port: u16, stream: &str) -> TcpStream {
    let mut client = RtmpClient::connect(port);
    client.send_connect("static", &format!("rtmp://127.0.0.1:{port}/static"), None);
    client.wait_command(&["_result"]);
    client.send_on_stream("play", stream);
    client.wait_command(&["onStatus"]);
    client.into_socket()
}

/// Reads until the server ends it, which is an error, or the viewer is over.
fn drain(mut socket: TcpStream, count: &AtomicU64, is_over: &AtomicBool) -> Result<(), String> {
    socket.set_read_timeout(Some(PACE)).map_err(|e| e.to_string())?;
    let mut piece = vec![0; 64 << 10];
    while !is_over.load(Ordering::Relaxed) {
        match socket.read(&mut piece) {
            Ok(0) => return Err("closed".to_owned()),
            Ok(bytes) => {
                count.fetch_add(u64::try_from(bytes).unwrap(), Ordering::Relaxed);
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(e) => return Err(e.to_string()),
        }
    }
    Ok(())
}

/// Asks for the playlist again and again, and for each segment once. While there is no input the
/// playlist may be refused; a segment that it names may not.
fn poll(port: u16, stream: &str, count: &AtomicU64, is_over: &AtomicBool) -> Result<(), String> {
    let mut seen = HashSet::new();
    while !is_over.load(Ordering::Relaxed) {
        let playlist = http::get(port, &format!("/{stream}/video.m3u8"))?;
        let text = if playlist.status == 200 { playlist.text() } else { String::new() };
        for segment in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if !seen.insert(segment.to_owned()) {
                continue;
            }
            let answer = http::get(port, &format!("/{stream}/{segment}"))?;
            if answer.status != 200 || answer.body.len() < 188 {
                return Err(format!("{segment}: {}", answer.status));
            }
            count.fetch_add(1, Ordering::Relaxed);
        }
        std::thread::sleep(PACE);
    }
    Ok(())
}
