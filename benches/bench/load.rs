//! The load: `wrk` over a fixed list of paths, the same for every server of a run.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What asks for the paths in turn, requests made beforehand.
///
/// It has no `response` function: with one, wrk builds a Lua table of every answer, and the load
/// then costs as much as the server. wrk itself counts statuses above 399, and every answer is
/// compared before and after the runs.
const SCRIPT: &str = r#"}
local requests = {}
local index = 0
function init()
  for i, path in ipairs(paths) do requests[i] = wrk.format("GET", path) end
end
function request()
  index = index % #requests + 1
  return requests[index]
end
function done(summary)
  local errors = summary.errors
  local bad = errors.connect + errors.read + errors.write + errors.timeout + errors.status
  io.write(string.format("RESULT %d %d %d\n", summary.requests, summary.duration, bad))
end
"#;

/// What one run of the load saw.
pub(crate) struct LoadResult {
    /// Answers.
    pub(crate) requests: f64,
    /// Answers a second.
    pub(crate) per_second: f64,
    /// Answers with an error's status, and connections that failed.
    pub(crate) errors: u64,
}

/// Writes the script that asks for `paths` in turn.
pub(crate) fn write_script<'a>(
    folder: &Path,
    paths: impl Iterator<Item = &'a str>,
) -> io::Result<PathBuf> {
    let mut script = String::from("local paths = {\n");
    for path in paths {
        let _ = writeln!(script, "\"{path}\",");
    }
    script.push_str(SCRIPT);
    let file = folder.join("paths.lua");
    fs::write(&file, script)?;
    Ok(file)
}

/// Runs the load against `port` for `seconds`: one thread, 64 connections.
pub(crate) fn run(script: &Path, port: u16, seconds: usize) -> io::Result<LoadResult> {
    let output = Command::new("wrk")
        .args(["-t1", "-c64", &format!("-d{seconds}s"), "-s"])
        .arg(script)
        .arg(format!("http://127.0.0.1:{port}"))
        .output()
        .map_err(|error| io::Error::other(format!("wrk (package wrk): {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let result = text.lines().find_map(|line| line.strip_prefix("RESULT ")).and_then(parse);
    result.ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        io::Error::other(format!("wrk printed no result: {text}{errors}"))
    })
}

/// Reads `requests microseconds errors`.
fn parse(numbers: &str) -> Option<LoadResult> {
    let mut numbers = numbers.split(' ');
    let requests: f64 = numbers.next()?.parse().ok()?;
    let micros: f64 = numbers.next()?.parse().ok()?;
    let errors = numbers.next()?.parse().ok()?;
    (requests > 0.0).then(|| LoadResult { requests, per_second: requests / (micros / 1e6), errors })
}
