//! A fetcher that does as it is told, and a directory that remembers what it hears.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Mutex;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::super::*;
use crate::names::NodeId;
use crate::redirect::PeerAddresses;
use crate::report::{NodeStats, REPORT_PROTOCOL, Report, Scheme};
use crate::signature::ClusterKey;

/// What one fetch does.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    /// Answers as node `id`, which calls itself `name`.
    Answer {
        id: u128,
        name: &'static str,
        state: NodeState,
    },
    Refuse,
    WrongKey,
    Hang,
    Panic,
}

impl Script {
    pub(crate) fn running(id: u128) -> Self {
        Self::Answer { id, name: "south", state: NodeState::Running }
    }
}

/// Everything that happened, in order: `fetch CURSOR`, `hint`, `reported`, `lost MS`, `heard`.
pub(crate) type Events = Arc<Mutex<Vec<String>>>;

/// Plays its script; the last step repeats for ever.
pub(crate) struct ScriptedFetcher {
    script: RefCell<VecDeque<Script>>,
    events: Events,
}

impl ScriptedFetcher {
    pub(crate) fn new(script: Vec<Script>, events: Events) -> Self {
        Self { script: RefCell::new(script.into()), events }
    }
}

impl PeerFetcher for ScriptedFetcher {
    fn fetch(&self, cursor: Option<String>) -> LocalBoxFuture<'static, FetchResult> {
        note(&self.events, format!("fetch {}", cursor.as_deref().unwrap_or("-")));
        let mut script = self.script.borrow_mut();
        let step = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
        async move {
            match step.unwrap_or(Script::Refuse) {
                Script::Answer { id, name, state } => Ok(answer(id, name, state)),
                Script::Refuse => Err(FetchFailure::Refused),
                Script::WrongKey => Err(FetchFailure::WrongKey),
                Script::Hang => std::future::pending().await,
                Script::Panic => panic!("scripted"),
            }
        }
        .boxed_local()
    }

    fn hint(&self) -> LocalBoxFuture<'static, Result<(), FetchFailure>> {
        note(&self.events, "hint".to_owned());
        async { Ok(()) }.boxed_local()
    }

    fn progress(&self) -> Option<Instant> {
        None
    }
}

fn answer(id: u128, name: &str, state: NodeState) -> Fetched {
    let report = Report {
        node: name.parse().unwrap(),
        id: NodeId::from_random(id),
        version: "1.0".to_owned(),
        protocol: REPORT_PROTOCOL,
        state,
        cursor: format!("c{id}"),
        full: false,
        more: false,
        listeners: vec![Listener { scheme: Scheme::Http, port: 8082 }],
        stats: NodeStats::default(),
        streams: Vec::new(),
        removed: Vec::new(),
        relayed: None,
        vods: Vec::new(),
        members: Vec::new(),
    };
    Fetched { report, invalid_names: 0, clock_offset_ms: 47_000, key: KeyUse::Accepted }
}

/// Stands for the directory and the supervisor.
pub(crate) struct Witness(pub(crate) Events);

impl Actor for Witness {
    type Context = Context<Self>;
}

impl Handler<PeerReported> for Witness {
    type Result = ();

    fn handle(&mut self, _news: PeerReported, _ctx: &mut Self::Context) {
        note(&self.0, "reported".to_owned());
    }
}

impl Handler<PeerLost> for Witness {
    type Result = ();

    fn handle(&mut self, news: PeerLost, _ctx: &mut Self::Context) {
        note(&self.0, format!("lost {}", news.stale_timeout.as_millis()));
    }
}

impl Handler<PeerHeard> for Witness {
    type Result = ();

    fn handle(&mut self, _news: PeerHeard, _ctx: &mut Self::Context) {
        note(&self.0, "heard".to_owned());
    }
}

pub(crate) fn note(events: &Events, event: String) {
    events.lock().unwrap().push(event);
}

/// A peer asked every second.
pub(crate) fn config(hostname: &str) -> PeerConfig {
    PeerConfig {
        hostname: hostname.parse().unwrap(),
        addresses: PeerAddresses {
            api_url: format!("http://{hostname}:8081").parse().unwrap(),
            public_payload_url: None,
            private_payload_url: None,
            public_rtsp_url: None,
            public_rtmp_url: None,
        },
        fetch_timeout: Duration::from_secs(1),
        stale_timeout: Duration::from_secs(10),
        channel_limit: None,
        cpu_limit_percent: None,
        keys: vec![ClusterKey::derive("secret")],
    }
}
