//! One server, one protocol, more and more players: what each step costs.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::clip::{Clip, NOMINAL_BPS};
use super::crowd::Crowd;
use super::players::{self, Doors, Protocol};
use super::servers::{Kind, Server};
use crate::plan::Plan;
use crate::process::{Program, own_cpu_seconds};

/// Players of a crowd that check what they get.
const CHECKING: usize = 8;

/// How long a first frame, or a first segment, may take after publishing began.
const PLAYS_WITHIN: Duration = Duration::from_secs(30);

/// How long new players get over their first picture before they are measured.
const SETTLES_FOR: Duration = Duration::from_secs(2);

/// Whole groups of pictures, of 2 s each; more of them where few players take little CPU, of which
/// the kernel tells hundredths of a second. For HLS whole segments, of 4 s each.
const WINDOW: Duration = Duration::from_secs(4);
const WINDOW_OF_FEW: Duration = Duration::from_secs(6);
const HLS_WINDOW: Duration = Duration::from_secs(8);

/// Fewer players than this are few.
const MANY: usize = 1_000;

/// How far a player's rate may be from the stream's.
const RATE_OFF: f64 = 0.1;

/// What one step showed.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Players.
    pub(crate) players: usize,
    /// CPU seconds of the server for each delivered gigabit.
    pub(crate) cpu_per_gbit: f64,
    /// Delivered.
    pub(crate) gbit_per_second: f64,
    /// Players that did not get the stream's rate, or nothing.
    pub(crate) starved: usize,
    /// Resident memory beyond that without players, for each player.
    pub(crate) bytes_per_player: f64,
    /// CPU seconds of the load for each of the server.
    pub(crate) load_share: f64,
    /// Players that were closed, or got what is not the protocol.
    pub(crate) trouble: Option<String>,
}

/// Why there are no steps: what the server says to a player.
pub(crate) enum Climb {
    /// The steps.
    Steps(Vec<Step>),
    /// It does not offer the protocol.
    Refused(String),
}

/// Starts a fresh server and climbs.
pub(crate) fn climb(
    kind: Kind,
    protocol: Protocol,
    plan: &Plan,
    folder: &Path,
    clip: &Arc<Clip>,
) -> io::Result<Climb> {
    let mut server = Server::start(kind, plan, folder, clip, "")?;
    if let Err(reason) = wait_until_played(protocol, &server.doors) {
        server.expect_running()?;
        return Ok(Climb::Refused(reason));
    }
    let empty = server.program.resident_bytes();
    let mut crowd = Crowd::new();
    let mut steps = Vec::new();
    for &players in &plan.players {
        let doors = &server.doors;
        crowd.grow_to(players, |number| players::open(protocol, doors, number < CHECKING))?;
        thread::sleep(SETTLES_FOR);
        let mut step = measure(protocol, &server.program, &crowd);
        server.expect_running()?;
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let count = players as f64;
        step.bytes_per_player = (server.program.resident_bytes() - empty) / count;
        steps.push(step);
    }
    match crowd.finish() {
        None => Ok(Climb::Steps(steps)),
        Some(trouble) => Err(io::Error::other(format!("{} by {protocol}: {trouble}", kind.name()))),
    }
}

/// Tries until one player plays; what the server last said to it if it never does.
fn wait_until_played(protocol: Protocol, doors: &Doors) -> Result<(), String> {
    let begin = Instant::now();
    let patience = if protocol == Protocol::Hls { PLAYS_WITHIN } else { PLAYS_WITHIN / 6 };
    loop {
        let mut crowd = Crowd::new();
        let opened = crowd.grow_to(1, |_| players::open(protocol, doors, true));
        let said = match opened {
            Err(error) => error.to_string(),
            Ok(()) => {
                thread::sleep(SETTLES_FOR);
                match crowd.finish() {
                    None => return Ok(()),
                    Some(trouble) => trouble,
                }
            }
        };
        if begin.elapsed() > patience {
            return Err(said);
        }
        thread::sleep(Duration::from_millis(250));
    }
}

fn measure(protocol: Protocol, program: &Program, crowd: &Crowd) -> Step {
    let before = crowd.bytes();
    let window = match protocol {
        Protocol::Hls => HLS_WINDOW,
        _ if before.len() < MANY => WINDOW_OF_FEW,
        _ => WINDOW,
    };
    let (begin, cpu, load) = (Instant::now(), program.cpu_seconds(), own_cpu_seconds());
    thread::sleep(window);
    let after = crowd.bytes();
    let cpu = program.cpu_seconds() - cpu;
    let load = own_cpu_seconds() - load;
    let seconds = begin.elapsed().as_secs_f64();
    let got: Vec<u64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let gigabits = got.iter().sum::<u64>() as f64 * 8.0 / 1e9;
    // A segment is counted when it comes, so a window holds one more or less of each player.
    let slack = if protocol == Protocol::Hls { 0.6 } else { RATE_OFF };
    let wanted = NOMINAL_BPS / 8.0 * seconds;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let starved = got.iter().filter(|&&got| (got as f64) < wanted * (1.0 - slack)).count();
    Step {
        players: got.len(),
        cpu_per_gbit: cpu / gigabits,
        gbit_per_second: gigabits / seconds,
        starved,
        bytes_per_player: 0.0,
        load_share: load / cpu,
        trouble: None,
    }
}
