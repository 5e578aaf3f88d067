//! `make bench`: rows of the contract's table of speed and memory (SPEC section 10).
//!
//! ```text
//!  MockCluster: 100 peers ◀─ signed reports ─ watershed ◀─┐
//!                                             nginx     ◀─┴─ wrk: the same paths, turn by turn
//! ```
//! Everything runs on this machine, on loopback, in one go, so a row is a ratio of two programs
//! under the same load and not a number of some machine. The rows of media are told in `media`.
//!
//! `cargo bench --bench bench -- rtmp latency` measures these parts only; see [`plan::Section`].
//! `BENCH_RUNS`, `BENCH_SECONDS`, `BENCH_PEERS`, `BENCH_STREAMS` and `BENCH_PLAYERS` make it
//! shorter or smaller; then the rows say `REDUCED` and do not count. `BENCH_DAEMON` names another
//! build of the daemon.

mod daemon;
mod load;
mod machine;
mod media;
mod memory;
mod mock_check;
mod mock_cluster;
mod mock_peer;
mod nginx;
mod plan;
mod process;
mod redirect_check;
mod redirects;
mod table;

use std::io::{self, Write as _};
use std::process::ExitCode;

use plan::{Plan, Section};

/// Descriptors of this process, and of each server.
const DESCRIPTORS: u64 = 20_000;

fn main() -> ExitCode {
    // `cargo test --all-targets` also runs this, and measures nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let mut out = io::stdout();
    let plan = Plan::from_env()?;
    writeln!(out, "{}\n{plan}\n", machine::describe(&plan))?;
    let folder = tempfile::tempdir()?;
    // Thousands of connections on either side; children inherit it.
    let _ = rlimit::increase_nofile_limit(DESCRIPTORS);

    let mut rows = Vec::new();
    let mut redirects = None;
    if plan.has(Section::Redirects) || plan.has(Section::Memory) {
        mock_check::ask_as_a_node_would()?;
    }
    if plan.has(Section::Redirects) {
        let mut measured = redirects::measure(&plan, folder.path(), &mut out)?;
        rows.append(&mut measured.rows);
        redirects = Some(measured);
    }
    if plan.has(Section::Memory) {
        rows.extend(memory::measure(&plan, folder.path(), &mut out)?);
    }
    rows.extend(media::measure(&plan, folder.path(), &mut out)?);

    writeln!(out, "\n{}", table::render(&rows))?;
    if let Some(redirects) = redirects {
        writeln!(out, "{}", redirects.note)?;
        writeln!(out, "unexpected answers: {} (must be 0)", redirects.unexpected)?;
        if redirects.unexpected > 0 {
            return Err(io::Error::other("answers that were no redirect: the rows do not count"));
        }
    }
    if rows.iter().any(|row| row.verdict == table::FAILED) {
        return Err(io::Error::other("players were closed or got what is not the protocol"));
    }
    Ok(())
}
