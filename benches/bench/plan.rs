//! How much is measured: the contract's load, or less on request.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// The stated load. Less of anything is `REDUCED`.
const FULL: Load = Load { runs: 5, seconds: 5, peers: 100, streams_per_peer: 1_000 };

/// Players of one stream, step by step.
const PLAYERS: [usize; 3] = [300, 1_000, 3_000];

/// How often the rows of media are repeated; each takes minutes.
const MEDIA_RUNS: usize = 3;

#[derive(Clone, Copy)]
struct Load {
    runs: usize,
    seconds: usize,
    peers: usize,
    streams_per_peer: usize,
}

/// A part that can be asked for by its name: `cargo bench --bench bench -- rtmp latency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// Redirects a second, beside nginx.
    Redirects,
    /// Memory of a stream in the directory.
    Memory,
    /// Playing by RTMP.
    Rtmp,
    /// Playing by RTSP.
    Rtsp,
    /// Playing by HTTP-TS.
    Ts,
    /// Playing by HTTP-FLV.
    Flv,
    /// Playing by HLS.
    Hls,
    /// How late a frame comes.
    Latency,
    /// Many publishers.
    Ingest,
}

const SECTIONS: [(&str, Section); 9] = [
    ("redirects", Section::Redirects),
    ("memory", Section::Memory),
    ("rtmp", Section::Rtmp),
    ("rtsp", Section::Rtsp),
    ("ts", Section::Ts),
    ("flv", Section::Flv),
    ("hls", Section::Hls),
    ("latency", Section::Latency),
    ("ingest", Section::Ingest),
];

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
    /// How often the rows of media are repeated.
    pub(crate) media_runs: usize,
    /// Players of one stream, step by step; never empty.
    pub(crate) players: Vec<usize>,
    /// The daemon's binary.
    pub(crate) daemon: PathBuf,
    sections: Vec<Section>,
}

impl Plan {
    /// The stated load, as changed by the environment.
    pub(crate) fn from_env() -> io::Result<Self> {
        let daemon = std::env::var_os("BENCH_DAEMON");
        let runs = number("BENCH_RUNS", FULL.runs, 1_000)?;
        Ok(Self {
            runs,
            media_runs: runs.min(MEDIA_RUNS),
            players: steps(number("BENCH_PLAYERS", PLAYERS[2], PLAYERS[2])?),
            sections: sections()?,
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

    /// Whether a part was asked for.
    pub(crate) fn has(&self, section: Section) -> bool {
        self.sections.contains(&section)
    }

    /// Whether this is less than the contract's load, and so does not count.
    pub(crate) fn is_reduced(&self) -> bool {
        self.runs < FULL.runs
            || self.seconds < FULL.seconds
            || self.peers < FULL.peers
            || self.streams_per_peer < FULL.streams_per_peer
    }

    /// The same for the rows of media.
    pub(crate) fn is_media_reduced(&self) -> bool {
        self.media_runs < MEDIA_RUNS || self.players != PLAYERS
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

/// The steps up to `most` players.
fn steps(most: usize) -> Vec<usize> {
    let mut steps: Vec<usize> = PLAYERS.into_iter().filter(|players| *players < most).collect();
    steps.push(most);
    steps
}

/// The parts named on the command line; all if none is.
fn sections() -> io::Result<Vec<Section>> {
    let named = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let named = named.map(|name| {
        let known = SECTIONS.iter().find(|(known, _)| *known == name);
        let names = SECTIONS.map(|(name, _)| name).join(" ");
        known
            .map(|(_, section)| *section)
            .ok_or_else(|| io::Error::other(format!("{name}: no such part; there are {names}")))
    });
    let named: Vec<Section> = named.collect::<io::Result<_>>()?;
    Ok(if named.is_empty() { SECTIONS.map(|(_, section)| section).to_vec() } else { named })
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
