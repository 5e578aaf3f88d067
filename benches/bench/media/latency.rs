//! From a frame published to the same frame received.
//!
//! The publisher writes the time of sending into each picture (see `clip`), the players look for it
//! in what they get: all are threads of this process, so there is one clock.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use memchr::memmem::Finder;
use tokio::net::TcpStream;

use super::clip::{Clip, FRAMES_PER_SECOND, STAMP_DIGITS, STAMP_MARK};
use super::players::{self, Protocol};
use super::servers::{Kind, Server};
use crate::plan::Plan;
use crate::table::{Row, Runs, Wanted};

/// Players of each protocol.
const PLAYERS: usize = 20;

/// How long the stream runs before it is played.
const WARMS_UP_FOR: Duration = Duration::from_secs(2);

/// How long is measured.
const WINDOW: Duration = Duration::from_secs(3);

/// What was measured of one protocol with one setting.
struct Measured {
    what: String,
    wanted: Wanted,
    p50_ms: Runs,
    p99_ms: Runs,
    refused: Option<String>,
}

/// Measures all protocols with write batching as it comes, and without.
pub(crate) fn measure(
    plan: &Plan,
    folder: &Path,
    clip: &Arc<Clip>,
    out: &mut impl Write,
) -> io::Result<Vec<Row>> {
    let settings = [("", "batching as it comes", 50.0), ("write_batching 0;", "no batching", 5.0)];
    let protocols = [Protocol::Rtmp, Protocol::Rtsp, Protocol::Ts, Protocol::Flv];
    let mut rows = Vec::new();
    for (setting, name, most) in settings {
        let mut all = protocols.map(|protocol| Measured {
            what: format!("{protocol}, latency p99, ms, {name}, {PLAYERS} players"),
            wanted: Wanted::AtMost(most),
            p50_ms: Runs::default(),
            p99_ms: Runs::default(),
            refused: None,
        });
        for run in 0..plan.media_runs {
            let mut server = Server::start(Kind::Watershed, plan, folder, clip, setting)?;
            thread::sleep(WARMS_UP_FOR);
            for (protocol, measured) in protocols.iter().zip(&mut all) {
                if measured.refused.is_none() {
                    measured.run(*protocol, &server, clip)?;
                    server.expect_running()?;
                    writeln!(out, "{}, run {}: {}", measured.what, run + 1, measured.last())?;
                }
            }
        }
        rows.extend(all.into_iter().map(|measured| measured.row(plan)));
    }
    Ok(rows)
}

impl Measured {
    fn run(&mut self, protocol: Protocol, server: &Server, clip: &Arc<Clip>) -> io::Result<()> {
        let mut sockets = Vec::new();
        for _ in 0..PLAYERS {
            match players::connect(protocol, &server.doors) {
                Ok((socket, _)) => sockets.push(socket),
                Err(error) => {
                    self.refused = Some(error.to_string());
                    return Ok(());
                }
            }
        }
        let mut micros = receive(sockets, clip)?;
        let frames = WINDOW.as_secs() as usize * FRAMES_PER_SECOND as usize * PLAYERS;
        if micros.len() < frames * 9 / 10 {
            let found = micros.len();
            return Err(io::Error::other(format!("{protocol}: {found} of {frames} frames came")));
        }
        micros.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "microseconds of seconds")]
        let quantile = |percent: usize| micros[micros.len() * percent / 100] as f64 / 1000.0;
        self.p50_ms.0.push(quantile(50));
        self.p99_ms.0.push(quantile(99));
        Ok(())
    }

    fn last(&self) -> String {
        if let Some(reason) = &self.refused {
            return format!("not played: {reason}");
        }
        let last = |runs: &Runs| runs.0.last().copied().unwrap_or(f64::NAN);
        format!("p50 {:.2} ms, p99 {:.2} ms", last(&self.p50_ms), last(&self.p99_ms))
    }

    fn row(self, plan: &Plan) -> Row {
        let wanted = self.wanted.show("ms");
        if let Some(reason) = &self.refused {
            return Row::skipped(self.what, wanted, reason);
        }
        Row {
            verdict: self.wanted.verdict(self.p99_ms.median(), plan.is_media_reduced()),
            what: self.what,
            watershed: self.p99_ms.show(2),
            other: format!("p50 {}", self.p50_ms.show(2)),
            ratio: "–".to_owned(),
            wanted,
        }
    }
}

/// Microseconds on the way of every frame that was sent and received within the window.
fn receive(sockets: Vec<std::net::TcpStream>, clip: &Arc<Clip>) -> io::Result<Vec<u64>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = Arc::new(Mutex::new(Vec::new()));
    runtime.block_on(async {
        for socket in sockets {
            socket.set_nonblocking(true)?;
            let socket = TcpStream::from_std(socket)?;
            tokio::spawn(watch(socket, Arc::clone(clip), Arc::clone(&found)));
        }
        // The players' first pictures are old ones.
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Ok(mut found) = found.lock() {
            found.clear();
        }
        tokio::time::sleep(WINDOW).await;
        io::Result::Ok(())
    })?;
    drop(runtime);
    found
        .lock()
        .map(|mut found| std::mem::take(&mut *found))
        .map_err(|_| io::ErrorKind::Other.into())
}

/// Looks for stamps until the connection or the measurement ends.
async fn watch(socket: TcpStream, clip: Arc<Clip>, found: Arc<Mutex<Vec<u64>>>) {
    let finder = Finder::new(STAMP_MARK);
    let stamp_bytes = STAMP_MARK.len() + STAMP_DIGITS;
    let mut bytes: Vec<u8> = Vec::with_capacity(128 << 10);
    while socket.readable().await.is_ok() {
        match socket.try_read_buf(&mut bytes) {
            Ok(0) => return,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
            _ => {}
        }
        let now = u64::try_from(clip.epoch.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut done = 0;
        while let Some(at) = finder.find(&bytes[done..]).map(|at| at + done) {
            let Some(digits) = bytes.get(at + STAMP_MARK.len()..at + stamp_bytes) else { break };
            let sent = std::str::from_utf8(digits).ok();
            let sent = sent.and_then(|digits| u64::from_str_radix(digits, 16).ok());
            if let (Some(sent), Ok(mut found)) = (sent, found.lock()) {
                found.push(now.saturating_sub(sent));
            }
            done = at + stamp_bytes;
        }
        // What may be the beginning of a stamp stays.
        bytes.drain(..done.max(bytes.len().saturating_sub(stamp_bytes - 1)));
    }
}
