//! `make bench`: rows of the contract's table of speed and memory (SPEC section 10).
//!
//! ```text
//!  MockCluster: 100 peers ◀─ signed reports ─ watershed ◀─┐
//!                                             nginx     ◀─┴─ wrk: the same paths, turn by turn
//! ```
//! Everything runs on this machine, on loopback, in one go, so a row is a ratio of two programs
//! under the same load and not a number of some machine. `BENCH_RUNS`, `BENCH_SECONDS`,
//! `BENCH_PEERS` and `BENCH_STREAMS` make it shorter or smaller; then the rows say `REDUCED` and do
//! not count. `BENCH_DAEMON` names another build of the daemon.

mod daemon;
mod load;
mod machine;
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

use plan::Plan;

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
    mock_check::ask_as_a_node_would()?;
    let folder = tempfile::tempdir()?;

    let mut rows = memory::measure(&plan, folder.path(), &mut out)?;
    let redirects = redirects::measure(&plan, folder.path(), &mut out)?;
    rows.splice(0..0, redirects.rows);

    writeln!(out, "\n{}", table::render(&rows))?;
    writeln!(out, "{}", redirects.note)?;
    writeln!(out, "unexpected answers: {} (must be 0)", redirects.unexpected)?;
    if redirects.unexpected == 0 {
        return Ok(());
    }
    Err(io::Error::other("answers that were no redirect: the rows do not count"))
}
