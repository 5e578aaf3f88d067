//! A headless Chromium on a page with a player, driven by browser.mjs.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::media;
use super::node::Node;
use super::process::Process;

/// An open page.
pub(crate) struct Browser {
    process: Process,
}

/// What the page's video does at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    /// Since the page was opened.
    pub(crate) at: Duration,
    /// The player's clock, in seconds.
    pub(crate) current_time: f64,
    /// Frames decoded so far, by the video element now on the page.
    pub(crate) frames: u64,
    /// The page's own address, redirects followed.
    pub(crate) address: String,
}

impl Browser {
    /// Opens `url`; what it sees is logged in the folder of `node`.
    pub(crate) fn open(url: &str, node: &Node) -> Self {
        Self::start(&[url], node)
    }

    /// The same; once the video plays it is sent to `place_s`, in seconds.
    pub(crate) fn open_and_seek(url: &str, place_s: f64, node: &Node) -> Self {
        Self::start(&[url, &place_s.to_string()], node)
    }

    fn start(arguments: &[&str], node: &Node) -> Self {
        let script = media::root().join("tests/support/browser.mjs");
        let mut command = Command::new("node");
        command.arg(script).args(arguments);
        let log = node.log_path("browser");
        Self { process: Process::start("browser", &mut command, &log) }
    }

    /// All it has seen so far.
    pub(crate) fn sights(&self) -> Vec<Sight> {
        let log = self.process.log();
        let lines = log.lines().filter(|line| line.starts_with('{'));
        lines.filter_map(|line| serde_json::from_str(line).ok()).map(|line| sight(&line)).collect()
    }

    /// Waits until the video has played `seconds` more.
    pub(crate) fn wait_playing(&mut self, seconds: f64, limit: Duration) -> Sight {
        let start = Instant::now();
        let from = self.sights().last().map_or(Duration::ZERO, |last| last.at);
        loop {
            let ended = self.process.ended();
            assert!(ended.is_none(), "the browser ended: {ended:?}\n{}", self.process.log());
            let sights = self.sights();
            let last = sights.last().filter(|last| last.frames > 0);
            if let Some(last) = last.filter(|_| seconds_played(&sights, from) >= seconds) {
                return last.clone();
            }
            let tail = &sights[sights.len().saturating_sub(3)..];
            assert!(start.elapsed() < limit, "no {seconds} s played within {limit:?}: {tail:#?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The longest time in which the player's clock stood still, seen since `from`.
    pub(crate) fn longest_pause(&self, from: Duration) -> Duration {
        let sights = self.sights();
        let mut longest = Duration::ZERO;
        let mut moved_at = from;
        let mut place = f64::NAN;
        for sight in sights.iter().filter(|sight| sight.at >= from) {
            if (sight.current_time - place).abs() > 0.01 || place.is_nan() {
                longest = longest.max(sight.at.saturating_sub(moved_at));
                (moved_at, place) = (sight.at, sight.current_time);
            }
        }
        longest
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium ends with the script's pipe; without this it would be left behind.
        self.process.end_input();
    }
}

/// What was played since `from`. A new player starts its clock elsewhere: such jumps do not count.
fn seconds_played(sights: &[Sight], from: Duration) -> f64 {
    let since: Vec<&Sight> = sights.iter().filter(|sight| sight.at >= from).collect();
    let steps = since.windows(2).map(|pair| pair[1].current_time - pair[0].current_time);
    steps.filter(|step| (0.0..1.5).contains(step)).sum()
}

fn sight(line: &Value) -> Sight {
    Sight {
        at: Duration::from_millis(line["ms"].as_u64().unwrap_or_default()),
        current_time: line["currentTime"].as_f64().unwrap_or(-1.0),
        frames: line["frames"].as_u64().unwrap_or_default(),
        address: line["address"].as_str().unwrap_or_default().to_owned(),
    }
}
