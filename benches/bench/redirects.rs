//! Redirects a second, and the CPU time of one, beside nginx.

use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::mock_cluster::MockCluster;
use super::mock_peer::stream_name;
use super::plan::Plan;
use super::process::Program;
use super::redirect_check::{Redirect, count_wrong};
use super::table::{Row, Runs, Wanted};
use super::{daemon, load, nginx};

/// Requests that the load repeats.
const REQUESTS: usize = 20_000;

/// Steps through the streams: prime, so that all peers and no neighbours come one after the other.
const STRIDE: usize = 61_813;

/// How long the daemon is watched doing nothing but asking its peers.
const IDLE_FOR: Duration = Duration::from_secs(3);

/// What was measured.
pub(crate) struct Redirects {
    /// The table's rows.
    pub(crate) rows: Vec<Row>,
    /// What belongs to them but is no row.
    pub(crate) note: String,
    /// Answers that were not the wanted redirect.
    pub(crate) unexpected: u64,
}

/// One server's side of the measurement.
struct Server {
    name: &'static str,
    program: Program,
    port: u16,
    per_second: Runs,
    cpu_us: Runs,
    unexpected: u64,
}

/// Measures both servers, turn by turn.
pub(crate) fn measure(plan: &Plan, folder: &Path, out: &mut impl Write) -> io::Result<Redirects> {
    let cluster = MockCluster::start(plan.peers, plan.streams_per_peer)?;
    let redirects = all_redirects(plan, &cluster);
    let daemon = daemon::start(plan, folder, &cluster)?;
    let mut ours = Server::new("watershed", daemon.program, daemon.port);
    let idle = ours.idle_percent();
    let nginx = nginx::start(folder, &redirects)?;
    let mut nginx = Server::new("nginx", nginx.program, nginx.port);

    let picked = (0..REQUESTS).map(|index| index * STRIDE % redirects.len());
    let script = load::write_script(folder, picked.map(|index| redirects[index].path.as_str()))?;
    ours.check(&redirects, out)?;
    nginx.check(&redirects, out)?;
    for run in 0..plan.runs {
        // Who comes first changes, so that neither always finds the machine warmer.
        let mut turns = [&mut ours, &mut nginx];
        turns.rotate_left(run % 2);
        for server in turns {
            server.run(&script, plan.seconds)?;
        }
        writeln!(out, "redirects, run {}: {}; {}", run + 1, ours.last(), nginx.last())?;
    }
    ours.check(&redirects, out)?;
    nginx.check(&redirects, out)?;
    Ok(Redirects {
        rows: rows(plan, &ours, &nginx),
        note: format!(
            "The CPU per redirect includes what the node always does: asking {} quiet peers each \
             second, {idle:.1} % of a core.",
            plan.peers
        ),
        unexpected: ours.unexpected + nginx.unexpected,
    })
}

fn all_redirects(plan: &Plan, cluster: &MockCluster) -> Vec<Redirect> {
    let redirect = |peer: usize, port: u16, stream: usize| {
        let path = format!("/{}/index.m3u8", stream_name(peer, stream));
        Redirect { target: format!("http://127.0.0.1:{port}{path}"), path }
    };
    let peers = cluster.ports().iter().enumerate();
    peers
        .flat_map(|(peer, port)| {
            (0..plan.streams_per_peer).map(move |stream| redirect(peer, *port, stream))
        })
        .collect()
}

fn rows(plan: &Plan, ours: &Server, nginx: &Server) -> Vec<Row> {
    let row = |what: &str, digits, wanted: Wanted, mine: &Runs, beside: &Runs| {
        let ratio = mine.ratio_to(beside);
        Row {
            what: format!("{what}, {} streams of {} peers", plan.streams(), plan.peers),
            watershed: mine.show(digits),
            other: format!("nginx {}", beside.show(digits)),
            verdict: wanted.verdict(ratio.median(), plan.is_reduced()),
            ratio: ratio.show(2),
            wanted: wanted.show("×"),
        }
    };
    vec![
        row("redirects a second", 0, Wanted::AtLeast(1.0), &ours.per_second, &nginx.per_second),
        row("CPU per redirect, µs", 2, Wanted::AtMost(1.0), &ours.cpu_us, &nginx.cpu_us),
    ]
}

impl Server {
    fn new(name: &'static str, program: Program, port: u16) -> Self {
        let (per_second, cpu_us) = (Runs::default(), Runs::default());
        Self { name, program, port, per_second, cpu_us, unexpected: 0 }
    }

    /// Loads the server once.
    fn run(&mut self, script: &Path, seconds: usize) -> io::Result<()> {
        let before = self.program.cpu_seconds();
        let result = load::run(script, self.port, seconds)?;
        let used = self.program.cpu_seconds() - before;
        self.program.expect_running()?;
        if used <= 0.0 {
            return Err(io::Error::other(format!("{}: no CPU time could be read", self.name)));
        }
        self.per_second.0.push(result.per_second);
        self.cpu_us.0.push(used / result.requests * 1e6);
        self.unexpected += result.errors;
        Ok(())
    }

    /// Compares every answer; the first wrong one is told.
    fn check(&mut self, redirects: &[Redirect], out: &mut impl Write) -> io::Result<()> {
        let (wrong, first) = count_wrong(self.port, redirects)?;
        if let Some(first) = first {
            writeln!(out, "{}: {wrong} wrong answers, the first: {first}", self.name)?;
        }
        self.unexpected += wrong;
        Ok(())
    }

    /// Percent of a core that it needs unasked.
    fn idle_percent(&self) -> f64 {
        let before = self.program.cpu_seconds();
        thread::sleep(IDLE_FOR);
        (self.program.cpu_seconds() - before) / IDLE_FOR.as_secs_f64() * 100.0
    }

    fn last(&self) -> String {
        let last = |runs: &Runs| runs.0.last().copied().unwrap_or(f64::NAN);
        let (per_second, cpu_us) = (last(&self.per_second), last(&self.cpu_us));
        format!("{} {per_second:.0}/s at {cpu_us:.2} µs", self.name)
    }
}
