//! The load: `wrk` over a fixed list of paths, the same for every server of a run.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What one run of the load saw.
pub(crate) struct LoadResult {
    /// Answers.
    pub(crate) requests: f64,
    /// Answers a second.
    pub(crate) per_second: f64,
    /// Answers that were no redirect.
    pub(crate) unexpected: f64,
}

/// Writes the script that asks for `paths` in turn and counts what is not a 302.
pub(crate) fn write_script(folder: &Path, paths: &[String]) -> io::Result<PathBuf> {
    let mut script = String::from("local paths = {\n");
    for path in paths {
        let _ = writeln!(script, "\"{path}\",");
    }
    script.push_str(
        r#"}
local requests = {}
local index = 0
wrong = 0
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init()
  for i, path in ipairs(paths) do requests[i] = wrk.format("GET", path) end
end
function request()
  index = index % #requests + 1
  return requests[index]
end
function response(status) if status ~= 302 then wrong = wrong + 1 end end
function done(summary)
  local bad = 0
  for _, thread in ipairs(threads) do bad = bad + thread:get("wrong") end
  io.write(string.format("RESULT %d %d %d\n", summary.requests, summary.duration, bad))
end
"#,
    );
    let file = folder.join("paths.lua");
    fs::write(&file, script)?;
    Ok(file)
}

/// Runs the load against `port` for `seconds`.
pub(crate) fn run(script: &Path, port: u16, seconds: u32) -> io::Result<LoadResult> {
    let output = Command::new("wrk")
        .args(["-t1", "-c64", &format!("-d{seconds}s"), "-s"])
        .arg(script)
        .arg(format!("http://127.0.0.1:{port}"))
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Option<Vec<f64>> = text
        .lines()
        .find_map(|line| line.strip_prefix("RESULT "))
        .map(|numbers| numbers.split(' ').filter_map(|number| number.parse().ok()).collect());
    match numbers.as_deref() {
        Some(&[requests, micros, unexpected]) => {
            Ok(LoadResult { requests, per_second: requests / (micros / 1e6), unexpected })
        }
        _ => Err(io::Error::other(format!("wrk printed no result: {text}"))),
    }
}
