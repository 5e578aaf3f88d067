//! The streams of this node, as sessions find them: by name, without a mailbox.
//!
//! The hub is the only writer. A look-up takes no lock that a writer holds for long, so a session
//! on any thread may ask for every request.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use actix::Addr;

use crate::live_stream::{Broadcast, LiveStream, StartStream, StreamSpec, StreamStatus};
use crate::names::StreamName;

/// One stream of this node.
#[derive(Clone, Debug)]
pub struct LocalEntry {
    /// What it was made from.
    pub spec: Arc<StreamSpec>,
    /// What it gives out.
    pub broadcast: Arc<Broadcast>,
    pub(crate) actor: Addr<LiveStream>,
}

impl LocalEntry {
    /// Wakes the stream if it is on demand and idle. Many clients at once share the start.
    pub fn start(&self) {
        if self.broadcast.status() == StreamStatus::Idle {
            self.actor.do_send(StartStream);
        }
    }

    /// Starts the stream if need be and waits until it has frames; false if it has none in time,
    /// and at once while none can come: no publisher, or a silent input.
    pub async fn wait_until_running(&self, limit: Duration) -> bool {
        let mut status = self.broadcast.watch_status();
        self.start();
        let settled =
            status.wait_for(|now| matches!(now, StreamStatus::Running | StreamStatus::Waiting));
        let settled = tokio::time::timeout(limit, settled).await;
        settled.is_ok_and(|status| status.is_ok_and(|now| *now == StreamStatus::Running))
    }
}

/// The streams of this node by name; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct LocalStreams {
    entries: Arc<RwLock<HashMap<StreamName, LocalEntry>>>,
}

impl LocalStreams {
    /// The stream of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<LocalEntry> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All streams, in no order.
    #[must_use]
    pub fn all(&self) -> Vec<LocalEntry> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// How many were made from templates.
    pub(crate) fn count_from_templates(&self) -> usize {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.values().filter(|entry| entry.spec.is_from_template).count()
    }

    pub(crate) fn insert(&self, name: StreamName, entry: LocalEntry) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).insert(name, entry);
    }

    pub(crate) fn remove(&self, name: &StreamName) -> Option<LocalEntry> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(name)
    }
}
