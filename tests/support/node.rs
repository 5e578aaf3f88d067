//! One Watershed as a process, with its config in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::eventually;
use super::http::{self, Answer};
use super::ports::free_port;
use super::process::Process;

/// The base of the API.
pub(crate) const API: &str = "/streamer/api/v3";

/// A node and its ports, running or not.
pub(crate) struct Node {
    /// Its hostname.
    pub(crate) name: String,
    /// Where it listens on 127.0.0.1.
    pub(crate) http: u16,
    /// The same for RTSP.
    pub(crate) rtsp: u16,
    /// The same for RTMP.
    pub(crate) rtmp: u16,
    folder: PathBuf,
    environment: Vec<(String, String)>,
    process: Option<Process>,
}

impl Node {
    /// A node that is not started yet; its files go to a folder of its name in `parent`.
    pub(crate) fn new(name: &str, parent: &Path) -> Self {
        let folder = parent.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self {
            name: name.to_owned(),
            http: free_port(),
            rtsp: free_port(),
            rtmp: free_port(),
            folder,
            environment: Vec::new(),
            process: None,
        }
    }

    /// The same node for a thread that only asks.
    pub(crate) fn twin(&self) -> Self {
        let (name, folder) = (self.name.clone(), self.folder.clone());
        let environment = Vec::new();
        Self { name, folder, environment, process: None, ..*self }
    }

    /// Sets a variable for starts to come.
    pub(crate) fn set_environment(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The config file.
    pub(crate) fn config_path(&self) -> PathBuf {
        self.folder.join("watershed.conf")
    }

    /// Where another program of this test may write its words.
    pub(crate) fn log_path(&self, of: &str) -> PathBuf {
        self.folder.join(format!("{of}.log"))
    }

    /// Writes the config: hostname and listeners, then `lines`.
    pub(crate) fn configure(&self, lines: &str) {
        let text = format!(
            "# written by a scenario\nhostname {};\nhttp 127.0.0.1:{};\nrtsp 127.0.0.1:{};\n\
             rtmp 127.0.0.1:{};\n\n{lines}",
            self.name, self.http, self.rtsp, self.rtmp
        );
        std::fs::write(self.config_path(), text).unwrap();
    }

    /// Starts the process; does not wait for it.
    pub(crate) fn start(&mut self) {
        assert!(self.process.is_none(), "{} runs already", self.name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_watershed"));
        command.arg("run").arg("--config").arg(self.config_path());
        command.env("WATERSHED_LOG", "info");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.process = Some(Process::start(&self.name, &mut command, &self.log_path("node")));
    }

    /// Waits until readiness says 200.
    pub(crate) fn wait_ready(&mut self) {
        let start = Instant::now();
        loop {
            let answer = http::get(self.http, &format!("{API}/monitoring/readiness"));
            if answer.as_ref().is_ok_and(|answer| answer.status == 200) {
                return;
            }
            let process = self.process.as_mut().expect("started");
            if let Some(status) = process.ended() {
                panic!("{} ended with {status} before it was ready", self.name);
            }
            assert!(start.elapsed() < Duration::from_secs(15), "{}: {answer:?}", self.name);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// SIGKILL; returns when it is gone.
    pub(crate) fn kill(&mut self) {
        self.running().kill();
        self.process = None;
    }

    /// SIGHUP: reads its config again.
    pub(crate) fn reload(&mut self) {
        self.running().signal("HUP");
    }

    /// SIGTERM, then its exit code.
    pub(crate) fn terminate(&mut self, limit: Duration) -> Option<i32> {
        self.running().signal("TERM");
        let status = self.running().wait(limit);
        self.process = None;
        status.code()
    }

    /// Resident memory now.
    pub(crate) fn resident_bytes(&mut self) -> u64 {
        self.running().resident_bytes()
    }

    /// Whether it still runs: fails with its log if it has ended.
    pub(crate) fn assert_running(&mut self) {
        let ended = self.running().ended();
        assert!(ended.is_none(), "{} has ended: {ended:?}", self.name);
    }

    /// All it has logged.
    pub(crate) fn log(&mut self) -> String {
        self.running().log()
    }

    /// Waits until its HTTP listener accepts.
    pub(crate) fn wait_accepting(&self) -> Instant {
        eventually(Duration::from_secs(15), &format!("{} accepts", self.name), || {
            let address = ("127.0.0.1", self.http);
            std::net::TcpStream::connect(address).map_err(|e| e.to_string())
        });
        Instant::now()
    }

    fn running(&mut self) -> &mut Process {
        self.process.as_mut().expect("the node is started")
    }

    /// GET on its HTTP listener.
    pub(crate) fn get(&self, target: &str) -> Answer {
        http::get(self.http, target)
            .unwrap_or_else(|reason| panic!("{}: GET {target}: {reason}", self.name))
    }

    /// GET below the API's base, as JSON.
    pub(crate) fn api(&self, path: &str) -> Value {
        let answer = self.get(&format!("{API}{path}"));
        assert_eq!(answer.status, 200, "{}: {path}: {}", self.name, answer.text());
        answer.json()
    }

    /// Its id of this start.
    pub(crate) fn id(&self) -> String {
        self.api("/config/stats")["id"].as_str().expect("a node has an id").to_owned()
    }

    /// How it sees a peer: its state, and the error's words.
    pub(crate) fn peer_state(&self, peer: &str) -> (String, Option<String>) {
        let row = self.api(&format!("/cluster/peers/{peer}"));
        let stats = &row["stats"];
        let state = stats["state"].as_str().unwrap_or("no state").to_owned();
        (state, stats["error"].as_str().map(str::to_owned))
    }

    /// Waits until it sees `peer` in `state`; returns how long that took.
    pub(crate) fn wait_peer(&self, peer: &str, state: &str, limit: Duration) -> Duration {
        let start = Instant::now();
        eventually(limit, &format!("{} sees {peer} {state}", self.name), || {
            let seen = self.peer_state(peer);
            if seen.0 == state { Ok(()) } else { Err(format!("{seen:?}")) }
        });
        start.elapsed()
    }

    /// Waits until it sends a client of `stream` to `to`.
    pub(crate) fn wait_redirect(&self, stream: &str, to: &Node, limit: Duration) -> Duration {
        let start = Instant::now();
        let wanted = to.playback_url(stream, "index.m3u8");
        eventually(limit, &format!("{} redirects {stream} to {}", self.name, to.name), || {
            let answer = self.get(&format!("/{stream}/index.m3u8"));
            match answer.location() {
                Some(location) if location.starts_with(&wanted) => Ok(()),
                _ => Err(format!("{} {:?}", answer.status, answer.location())),
            }
        });
        start.elapsed()
    }

    /// Waits until it plays `stream` itself: the first segment is there.
    pub(crate) fn wait_playing(&self, stream: &str) {
        eventually(Duration::from_secs(20), &format!("{} plays {stream}", self.name), || {
            let answer = self.get(&format!("/{stream}/video.m3u8"));
            let has_segment = answer.text().contains("#EXTINF");
            if answer.status == 200 && has_segment { Ok(()) } else { Err(answer.text()) }
        });
    }

    /// Waits until `stream` says why its input does not deliver, with these words in it.
    pub(crate) fn wait_source_error(&self, stream: &str, words: &str) -> String {
        let what = format!("{} says of {stream}: {words}", self.name);
        eventually(Duration::from_secs(15), &what, || {
            let told = &self.api(&format!("/streams/{stream}"))["stats"]["source_error"];
            match told.as_str() {
                Some(error) if error.contains(words) => Ok(error.to_owned()),
                _ => Err(told.to_string()),
            }
        })
    }

    /// `http://127.0.0.1:PORT/STREAM/FILE`.
    pub(crate) fn playback_url(&self, stream: &str, file: &str) -> String {
        format!("http://127.0.0.1:{}/{stream}/{file}", self.http)
    }

    /// Its console.
    pub(crate) fn console_url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.http)
    }

    /// Where ffmpeg publishes `stream`.
    pub(crate) fn publish_url(&self, stream: &str) -> String {
        format!("rtmp://127.0.0.1:{}/static/{stream}", self.rtmp)
    }

    /// The sum of a metric over its labels, 0 if it has been announced and nothing has happened
    /// yet; fails if there is no such metric.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").text();
        // Prometheus announces a counter by its whole name, OpenMetrics without `_total`.
        let short = name.strip_suffix("_total").unwrap_or(name);
        let announced = |line: &str| {
            let told = line.strip_prefix("# TYPE ").and_then(|rest| rest.split(' ').next());
            told.is_some_and(|told| told == name || told == short)
        };
        let mut sum = text.lines().any(announced).then_some(0.0);
        for line in text.lines() {
            let Some(rest) = line.strip_prefix(name) else {
                continue;
            };
            if !rest.starts_with([' ', '{']) {
                continue;
            }
            let value = rest.rsplit_once(' ').and_then(|(_, value)| value.parse::<f64>().ok());
            sum = value.map(|value| value + sum.unwrap_or(0.0)).or(sum);
        }
        sum.unwrap_or_else(|| panic!("{} has no metric {name}", self.name))
    }
}
