//! The daemon under test, as a user runs it: a config that `check` passes, and `run`.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::mock_cluster::MockCluster;
use super::mock_peer::{CLUSTER_KEY, peer_name};
use super::plan::Plan;
use super::process::{Program, free_ports};

/// A running daemon that knows all streams of its peers.
pub(crate) struct Daemon {
    /// Its process.
    pub(crate) program: Program,
    /// Where it listens.
    pub(crate) port: u16,
}

/// Starts a daemon whose peers are `cluster`, all settings at their defaults.
pub(crate) fn start(plan: &Plan, folder: &Path, cluster: &MockCluster) -> io::Result<Daemon> {
    let [port] = free_ports()?;
    let mut config = format!("hostname bench;\nhttp 127.0.0.1:{port};\n");
    let _ = writeln!(config, "cluster_key {CLUSTER_KEY};");
    for (number, port) in cluster.ports().iter().enumerate() {
        let name = peer_name(number);
        let _ = writeln!(config, "peer {name} {{ api_url http://127.0.0.1:{port}; }}");
    }
    let mut program = run(plan, &folder.join("bench.conf"), &config)?;
    program.wait_for_port(port)?;
    cluster.wait_until_known()?;
    Ok(Daemon { program, port })
}

/// Writes `config` to `file`, has it checked, and runs a daemon on it.
pub(crate) fn run(plan: &Plan, file: &Path, config: &str) -> io::Result<Program> {
    fs::write(file, config)?;
    let check = Command::new(&plan.daemon)
        .args(["check", "--config"])
        .arg(file)
        .stdout(Stdio::null())
        .output()?;
    if !check.status.success() {
        let why = String::from_utf8_lossy(&check.stderr);
        return Err(io::Error::other(format!("`watershed check` refuses the config:\n{why}")));
    }
    let mut command = Command::new(&plan.daemon);
    command.args(["run", "--config"]).arg(file).env("WATERSHED_LOG", "error");
    Program::start("watershed", &mut command)
}
