//! The test media of scripts/make-media.sh, and publishers that loop it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::eventually;
use super::ports::free_port;
use super::process::Process;

/// A file of `target/media`; says how to make it if it is not there.
pub(crate) fn clip(name: &str) -> PathBuf {
    let path = root().join("target/media").join(name);
    assert!(path.is_file(), "{} is missing: run scripts/make-media.sh", path.display());
    path
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The current ffmpeg of scripts/install.sh, which knows enhanced RTMP.
pub(crate) fn current_ffmpeg() -> PathBuf {
    let path = root().join("target/tools/ffmpeg");
    assert!(path.exists(), "{} is missing: run scripts/install.sh test", path.display());
    path
}

/// ffmpeg publishing `clip` over and over by RTMP, at its own pace. `log` gets its words.
pub(crate) fn publish(program: &Path, clip_name: &str, url: &str, log: &Path) -> Process {
    let mut command = Command::new(program);
    command
        .args(["-hide_banner", "-loglevel", "warning", "-re", "-stream_loop", "-1", "-i"])
        .arg(clip(clip_name))
        .args(["-c", "copy", "-f", "flv", "-flvflags", "no_duration_filesize", url]);
    Process::start(&format!("ffmpeg to {url}"), &mut command, log)
}

/// GStreamer's RTSP server with one clip under `/cam`, and only by UDP under `/udp`, played once
/// for each client.
pub(crate) struct RtspServer {
    /// Where it listens on 127.0.0.1.
    pub(crate) port: u16,
    process: Process,
}

impl RtspServer {
    /// Starts it; `codec` is that of the clip's video, `login` asked for by digest.
    pub(crate) fn start(
        clip_name: &str,
        codec: &str,
        login: Option<(&str, &str)>,
        log: &Path,
    ) -> Self {
        let port = free_port();
        // Debian's own Python: others do not see its modules.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(root().join("tests/support/rtsp_server.py"));
        command.arg(port.to_string()).arg(codec).arg(clip(clip_name));
        if let Some((user, password)) = login {
            command.args([user, password]);
        }
        let process = Process::start("rtsp_server.py", &mut command, log);
        eventually(Duration::from_secs(10), "the RTSP server is ready", || {
            let log = process.log();
            if log.contains("ready") { Ok(()) } else { Err(log) }
        });
        Self { port, process }
    }

    /// SIGKILL: the connections are reset.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGSTOP: it vanishes without closing anything.
    pub(crate) fn freeze(&self) {
        self.process.signal("STOP");
    }
}
