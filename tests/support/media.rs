//! The test media of scripts/make-media.sh, and publishers that loop it.

use std::path::{Path, PathBuf};
use std::process::Command;

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
