//! What a stream of a peer costs in the directory.
//!
//! Two daemons with the same peers, which report all streams to one and none to the other: what the
//! one holds more, whatever it is (names, tracks, tables, what the allocator keeps of reading the
//! reports), is the price of the streams.

use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::daemon;
use super::mock_cluster::MockCluster;
use super::plan::Plan;
use super::table::{Row, Runs, Wanted};

/// How long a daemon that knows all rests before it is looked at.
const SETTLES_FOR: Duration = Duration::from_secs(2);

/// Bytes of a stream in the directory.
const WANTED: Wanted = Wanted::AtMost(300.0);

/// Measures, with fresh daemons for each run.
pub(crate) fn measure(plan: &Plan, folder: &Path, out: &mut impl Write) -> io::Result<Vec<Row>> {
    let mut per_stream = Runs::default();
    let mut empty_mib = Runs::default();
    for run in 1..=plan.runs {
        let empty = resident_bytes(plan, folder, 0)?;
        let full = resident_bytes(plan, folder, plan.streams_per_peer)?;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let bytes = (full - empty) / plan.streams() as f64;
        let (empty, full) = (empty / MIB, full / MIB);
        writeln!(out, "memory, run {run}: {empty:.1} MiB without and {full:.1} MiB with streams")?;
        per_stream.0.push(bytes);
        empty_mib.0.push(empty);
    }
    let verdict = WANTED.verdict(per_stream.median(), plan.is_reduced());
    Ok(vec![Row {
        what: format!("memory of a stream in the directory, bytes, {} streams", plan.streams()),
        watershed: per_stream.show(0),
        other: format!("without streams {} MiB", empty_mib.show(1)),
        ratio: "–".to_owned(),
        wanted: WANTED.show("bytes"),
        verdict,
    }])
}

const MIB: f64 = 1_048_576.0;

/// Resident memory of a daemon whose peers report `streams` streams each.
fn resident_bytes(plan: &Plan, folder: &Path, streams: usize) -> io::Result<f64> {
    let cluster = MockCluster::start(plan.peers, streams)?;
    let mut daemon = daemon::start(plan, folder, &cluster)?;
    thread::sleep(SETTLES_FOR);
    daemon.program.expect_running()?;
    Ok(daemon.program.resident_bytes())
}
