//! A measured program: started, watched through `/proc`, ended by its id.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Ticks of `/proc/PID/stat` in a second. Source: proc(5), `sysconf(_SC_CLK_TCK)` on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// How long a program may take until it listens.
const LISTENS_WITHIN: Duration = Duration::from_secs(20);

/// How long a program may take to end when asked to.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

/// How often is looked whether something has happened.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A program and its children.
pub(crate) struct Program {
    child: Child,
    name: &'static str,
}

impl Program {
    /// Starts `command`; its errors are shown, its output is not.
    pub(crate) fn start(name: &'static str, command: &mut Command) -> io::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let child = child.map_err(|error| io::Error::other(format!("{name}: {error}")))?;
        Ok(Self { child, name })
    }

    /// CPU seconds used so far by the program and its children that still run.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        self.family().iter().filter_map(|id| cpu_ticks(*id)).sum::<f64>() / TICKS_PER_SECOND
    }

    /// Resident memory in bytes, children included.
    pub(crate) fn resident_bytes(&self) -> f64 {
        self.family().iter().filter_map(|id| status_kib(*id, "VmRSS:")).sum::<f64>() * 1024.0
    }

    /// Waits until something listens on `port`.
    pub(crate) fn wait_for_port(&mut self, port: u16) -> io::Result<()> {
        let begin = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            self.expect_running()?;
            if begin.elapsed() > LISTENS_WITHIN {
                return Err(io::Error::other(format!("{} does not listen on {port}", self.name)));
            }
            thread::sleep(LOOK_EVERY);
        }
        self.expect_running()
    }

    /// An error where the program has ended, which is not its to decide.
    pub(crate) fn expect_running(&mut self) -> io::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(io::Error::other(format!("{} ended: {status}", self.name))),
        }
    }

    fn family(&self) -> Vec<u32> {
        let own = self.child.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        let children = children.unwrap_or_default();
        let children = children.split_whitespace().filter_map(|id| id.parse().ok());
        std::iter::once(own).chain(children).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Asked first: a killed nginx would leave its workers behind.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let begin = Instant::now();
        while begin.elapsed() < ENDS_WITHIN {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(LOOK_EVERY);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU seconds that this process itself has used.
pub(crate) fn own_cpu_seconds() -> f64 {
    cpu_ticks(std::process::id()).unwrap_or_default() / TICKS_PER_SECOND
}

/// Ports that were free a moment ago, all at once: one alone may be given a second time.
pub(crate) fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// User and system time of a process. Source: proc(5), fields 14 and 15 of `/proc/PID/stat`.
fn cpu_ticks(id: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The command's name may hold spaces; the fields are counted from behind its bracket.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn status_kib(id: u32, field: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
