//! How much is measured: the contract's load, or less on request.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// The stated load. Less of anything is `REDUCED`.
const FULL: Load = Load { runs: 5, seconds: 5, peers: 100, streams_per_peer: 1_000 };

#[derive(Clone, Copy)]
struct Load {
    runs: usize,
    seconds: usize,
    peers: usize,
    streams_per_peer: usize,
}

/// What this call of the bench does.
pub(crate) struct Plan {
    /// How often each measurement is repeated.
    pub(crate) runs: usize,
    /// How long one server is loaded in one run.
    pub(crate) seconds: usize,
    /// Peers of the daemon.
    pub(crate) peers: usize,
    /// Streams each of them reports.
    pub(crate) streams_per_peer: usize,
    /// The daemon's binary.
    pub(crate) daemon: PathBuf,
}

impl Plan {
    /// The stated load, as changed by the environment.
    pub(crate) fn from_env() -> io::Result<Self> {
        let daemon = std::env::var_os("BENCH_DAEMON");
        Ok(Self {
            runs: number("BENCH_RUNS", FULL.runs, 1_000)?,
            seconds: number("BENCH_SECONDS", FULL.seconds, 3_600)?,
            peers: number("BENCH_PEERS", FULL.peers, 1_000)?,
            streams_per_peer: number("BENCH_STREAMS", FULL.streams_per_peer, 10_000)?,
            daemon: daemon.map_or_else(|| env!("CARGO_BIN_EXE_watershed").into(), PathBuf::from),
        })
    }

    /// Streams in the directory.
    pub(crate) fn streams(&self) -> usize {
        self.peers * self.streams_per_peer
    }

    /// Whether this is less than the contract's load, and so does not count.
    pub(crate) fn is_reduced(&self) -> bool {
        self.runs < FULL.runs
            || self.seconds < FULL.seconds
            || self.peers < FULL.peers
            || self.streams_per_peer < FULL.streams_per_peer
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, seconds, peers, .. } = self;
        let streams = self.streams();
        write!(
            f,
            "plan     {runs} runs, {seconds} s a server, {streams} streams of {peers} peers"
        )?;
        if self.is_reduced() { f.write_str("  REDUCED") } else { Ok(()) }
    }
}

fn number(name: &str, default: usize, most: usize) -> io::Result<usize> {
    let Ok(text) = std::env::var(name) else {
        return Ok(default);
    };
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(io::Error::other(format!("{name}={text}: wanted a number from 1 to {most}"))),
    }
}
