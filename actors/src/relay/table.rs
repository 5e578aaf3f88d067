//! The relays as sessions find them, and the way to a new one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix::Addr;

use super::RelayHub;
use super::admissions::Admissions;
use super::messages::{ClientFacts, OpenRelay, RelayRefused};
use crate::live_stream::StreamStatus;
use crate::names::{Protocol, StreamName};
use crate::stream_directory::PeerRoute;
use crate::stream_hub::{LocalEntry, LocalStreams};

/// What the hub and all sessions share; the hub is the only writer.
#[derive(Clone, Debug)]
pub(super) struct Table {
    streams: LocalStreams,
    admissions: Arc<Mutex<Admissions>>,
    start_within: Duration,
}

impl Table {
    pub(super) fn new(session_window: Duration, start_within: Duration) -> Self {
        let admissions = Arc::new(Mutex::new(Admissions::new(session_window)));
        Self { streams: LocalStreams::default(), admissions, start_within }
    }

    pub(super) fn find(&self, name: &str) -> Option<LocalEntry> {
        self.streams.find(name)
    }

    pub(super) fn all(&self) -> Vec<LocalEntry> {
        self.streams.all()
    }

    pub(super) fn insert(&self, entry: LocalEntry) {
        self.streams.insert(entry.spec.name.clone(), entry);
    }

    pub(super) fn remove(&self, name: &StreamName) -> Option<LocalEntry> {
        self.admissions().forget(name);
        self.streams.remove(name)
    }

    pub(super) fn admit(&self, name: StreamName, client: &ClientFacts, now: Instant) {
        if client.protocol == Protocol::Hls {
            self.admissions().admit(name, client.session, now);
        }
    }

    pub(super) fn sweep(&self, now: Instant) {
        self.admissions().sweep(now);
    }

    /// The relay that an HLS player goes on with.
    fn resume(&self, name: &StreamName, client: &ClientFacts) -> Option<LocalEntry> {
        let entry = self.find(name.as_str())?;
        let is_admitted = client.protocol == Protocol::Hls
            && self.admissions().renew(name, client.session, Instant::now());
        is_admitted.then_some(entry)
    }

    fn admissions(&self) -> MutexGuard<'_, Admissions> {
        self.admissions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives sessions the streams of peers. Cheap to clone; every clone sees the same relays.
#[derive(Clone, Debug)]
pub struct Relays {
    table: Table,
    hub: Addr<RelayHub>,
}

impl Relays {
    pub(super) fn new(table: Table, hub: Addr<RelayHub>) -> Self {
        Self { table, hub }
    }

    /// Plays `name`, which the node at `route` holds, through this node.
    ///
    /// The holder is asked about the client first; then the relay is started if there is none, and
    /// waited for, at most `start_within`. Whoever counts as a viewer of the answer keeps it going.
    ///
    /// Errors: [`RelayRefused`].
    pub async fn open(
        &self,
        route: Arc<PeerRoute>,
        name: StreamName,
        client: ClientFacts,
    ) -> Result<LocalEntry, RelayRefused> {
        let entry = match self.table.resume(&name, &client) {
            Some(entry) => entry,
            None => {
                let answer = self.hub.send(OpenRelay { route, name, client }).await;
                answer.map_err(|error| RelayRefused::NoAnswer(error.to_string()))??
            }
        };
        let mut status = entry.broadcast.watch_status();
        let settled = status.wait_for(|now| {
            matches!(now, StreamStatus::Running | StreamStatus::Waiting | StreamStatus::Failed)
        });
        let settled = tokio::time::timeout(self.table.start_within, settled).await;
        let is_running =
            settled.is_ok_and(|status| status.is_ok_and(|now| *now == StreamStatus::Running));
        if is_running { Ok(entry) } else { Err(RelayRefused::NotRunning) }
    }

    /// The relay of that name, if there is one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<LocalEntry> {
        self.table.find(name)
    }

    /// How many play relayed streams here.
    #[must_use]
    pub fn client_count(&self) -> u64 {
        let entries = self.table.all();
        entries.iter().map(|entry| u64::from(entry.broadcast.viewers().count())).sum()
    }
}
