//! A hundred publishers, each stream also cut into HLS.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::clip::Clip;
use super::http_client;
use super::players::APP;
use super::publisher::Publishers;
use super::servers;
use crate::plan::Plan;
use crate::table::{Row, Runs, Wanted};

/// Publishers of the row.
const PUBLISHERS: usize = 100;

/// Cores of the machine that they may take.
const WANTED: Wanted = Wanted::AtMost(0.5);

/// How long streams may take to have a playlist.
const CUT_WITHIN: Duration = Duration::from_secs(30);

/// Two segments.
const WINDOW: Duration = Duration::from_secs(8);

/// Measures, with a fresh daemon for each run.
pub(crate) fn measure(
    plan: &Plan,
    folder: &Path,
    clip: &Arc<Clip>,
    out: &mut impl Write,
) -> io::Result<Vec<Row>> {
    let mut cores = Runs::default();
    for run in 1..=plan.media_runs {
        let used = cores_used(plan, folder, clip)?;
        writeln!(out, "ingest, run {run}: {PUBLISHERS} publishers take {used:.3} of a core")?;
        cores.0.push(used);
    }
    Ok(vec![Row {
        what: format!("{PUBLISHERS} RTMP publishers of 2 Mbit/s, each cut into HLS, cores"),
        verdict: WANTED.verdict(cores.median(), plan.is_media_reduced()),
        watershed: cores.show(3),
        other: "–".to_owned(),
        ratio: "–".to_owned(),
        wanted: WANTED.show("cores"),
    }])
}

fn cores_used(plan: &Plan, folder: &Path, clip: &Arc<Clip>) -> io::Result<f64> {
    let names: Vec<String> = (0..PUBLISHERS).map(|number| format!("cam{number}")).collect();
    let (mut program, doors) = servers::watershed(plan, folder, &names, "")?;
    let mut publishers = Publishers::start(doors.rtmp, APP, names.clone(), clip)?;
    // Playlists are asked for as a player of each stream would, so that all are cut.
    let first = ask_all(doors.http, &names, &[], CUT_WITHIN)?;
    let (begin, cpu) = (Instant::now(), program.cpu_seconds());
    while begin.elapsed() < WINDOW {
        thread::sleep(WINDOW / 2);
        ask_all(doors.http, &names, &[], Duration::ZERO)?;
    }
    let used = (program.cpu_seconds() - cpu) / begin.elapsed().as_secs_f64();
    ask_all(doors.http, &names, &first, Duration::ZERO)?;
    program.expect_running()?;
    publishers.expect_running()?;
    Ok(used)
}

/// The media playlist of every stream; one that is still as in `before` has not been cut.
fn ask_all(
    port: u16,
    names: &[String],
    before: &[String],
    patience: Duration,
) -> io::Result<Vec<String>> {
    let begin = Instant::now();
    let mut playlists = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let text = loop {
            let mut socket = http_client::connect(port)?;
            match http_client::fetch(&mut socket, &format!("/{APP}/{name}/video.m3u8")) {
                Ok(text) => break text,
                Err(_) if begin.elapsed() < patience => thread::sleep(Duration::from_millis(200)),
                Err(error) => return Err(error),
            }
        };
        if before.get(index) == Some(&text) {
            return Err(io::Error::other(format!("{name} is not cut into HLS")));
        }
        playlists.push(text);
    }
    Ok(playlists)
}
