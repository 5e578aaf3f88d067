//! The node: starts every actor and listener in order, and stops them in reverse.
//!
//! ```text
//!  doors bound ▸ directory ▸ hub ▸ supervisor ▸ sampler ▸ settings in force ▸ all doors serve
//!  SIGHUP  ▸ the file anew ▸ only what changed is touched
//!  SIGTERM ▸ draining ▸ clients leave ▸ listeners close ▸ arbiters stop
//! ```
//! This is the only place that makes actors and knows all parts.

mod doors;
mod parts;
mod seams;
mod servers;
mod signals;
mod translate;

use std::process::ExitCode;
use std::time::Duration;

use actix_rt::System;
use watershed_actors::report::{NodeState, StreamerStatus};

use crate::api::NodePhase;
use crate::settings::{Loaded, Settings};
use doors::Doors;
use parts::Parts;
use servers::Servers;
use signals::{Signal, Signals};

const INVALID: u8 = 1;
const ADDRESS_TAKEN: u8 = 3;
/// `EX_SOFTWARE` of sysexits.h: starting again may help, unlike with an invalid configuration.
const FAILED: u8 = 70;
/// How often a draining node looks whether its clients have gone.
const DRAIN_TICK: Duration = Duration::from_millis(100);
/// How long a draining node stays at least, so that its peers hear of it.
const DRAIN_AT_LEAST: Duration = Duration::from_millis(500);

/// Runs the node that `loaded` describes until it is told to stop.
///
/// The exit code is 0 after an orderly stop, 1 if a part cannot be made from the configuration, 3
/// if an address is taken, 70 if the system refuses something or a part has died.
#[must_use]
pub fn run(loaded: Loaded) -> ExitCode {
    let doors = match Doors::open(&loaded.settings, &loaded.folder()) {
        Ok(doors) => doors,
        Err(error) => {
            log::error!("{error}");
            return ExitCode::from(ADDRESS_TAKEN);
        }
    };
    System::new().block_on(async move {
        match live(loaded, doors).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                log::error!("{error}");
                ExitCode::from(if error.is_of_config() { INVALID } else { FAILED })
            }
        }
    })
}

/// The life of the node, told as a story.
async fn live(loaded: Loaded, doors: Doors) -> Result<(), parts::StartError> {
    let mut signals = Signals::subscribe()?;
    let listeners = doors.reported();
    let parts = Parts::start(loaded)?;
    let servers = Servers::open(doors, &parts)?;
    parts.state(NodeState::Running, StreamerStatus::Running, &listeners);
    parts.readiness.set(NodePhase::Running);
    log::info!("node {} is up, id {}", parts.identity.hostname, parts.identity.id);

    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Reload => {
                    parts.reload().await;
                    servers.refresh_certificates().await;
                }
                Signal::Stop => break,
            },
            died = parts.first_death() => return Err(died),
            died = servers.first_death() => return Err(died),
        }
    }

    log::info!("node {}: draining", parts.identity.hostname);
    parts.readiness.set(NodePhase::Draining);
    parts.state(NodeState::Draining, StreamerStatus::Draining, &listeners);
    servers.stop_listening();
    let drain_and_close = async {
        drained(&parts).await;
        servers.stop().await;
    };
    tokio::select! {
        () = drain_and_close => log::info!("node {} has stopped", parts.identity.hostname),
        () = signals.stop() => log::info!("node {}: stopped at once", parts.identity.hostname),
    }
    Ok(())
}

/// Waits until all clients and publishers have left, for `drain_timeout` at most less what HTTP may
/// need to close.
async fn drained(parts: &Parts) {
    let begin = tokio::time::Instant::now();
    let drain_timeout = parts.keeper.current().settings.drain_timeout;
    let limit = drain_timeout.saturating_sub(servers::HTTP_SHUTDOWN);
    tokio::time::sleep(DRAIN_AT_LEAST.min(limit)).await;
    while parts.has_clients() && begin.elapsed() < limit {
        tokio::time::sleep(DRAIN_TICK).await;
    }
}

/// One line a peer: where its clients are sent, for `watershed check`.
#[must_use]
pub fn peer_targets(settings: &Settings) -> Vec<String> {
    settings.peers.iter().map(translate::target_line).collect()
}
