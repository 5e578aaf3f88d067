//! The directory from outside: messages in, locations and reports out.

mod counting;
mod files;
mod locating;
mod reporting;

use std::sync::Arc;
use std::time::Duration;

use super::peer_link::tests::route;
use super::*;
use crate::names::{Protocol, StreamName};
use crate::report::{Relayed, Scheme, StreamReport, StreamState, Title};

const STALE: Duration = Duration::from_secs(10);

/// A directory on the arbiter of the test, under a held clock.
struct Fixture {
    address: Addr<StreamDirectory>,
    view: DirectoryView,
    next_serial: u32,
}

fn fixture() -> Fixture {
    tokio::time::pause();
    another_fixture()
}

/// One more under the same held clock.
fn another_fixture() -> Fixture {
    node("north")
}

/// The same by another name.
fn node(hostname: &str) -> Fixture {
    let identity = NodeIdentity {
        id: NodeId::from_random(1),
        hostname: hostname.parse().unwrap(),
        version: "1.0".to_owned(),
    };
    let directory = StreamDirectory::new(identity, Published::default(), 42);
    let view = directory.view();
    Fixture { address: directory.start(), view, next_serial: 0 }
}

fn name(text: &str) -> StreamName {
    text.parse().unwrap()
}

fn ask(protocol: Protocol) -> Ask {
    Ask { protocol, client: None, now: now() }
}

fn stream(stream_name: &str, state: StreamState) -> StreamReport {
    LocalStream::in_state(state).report(&name(stream_name))
}

/// A report that says nothing.
fn blank_report() -> Report {
    Report {
        node: "peer".parse().unwrap(),
        id: NodeId::from_random(2),
        version: "1.0".to_owned(),
        protocol: REPORT_PROTOCOL,
        state: NodeState::Running,
        cursor: "c".to_owned(),
        full: false,
        more: false,
        listeners: Vec::new(),
        stats: NodeStats::default(),
        streams: Vec::new(),
        removed: Vec::new(),
        relayed: None,
        vods: Vec::new(),
        members: Vec::new(),
    }
}

impl Fixture {
    /// A peer that speaks HTTP and RTSP and may be redirected to for a minute.
    fn peer(&mut self, hostname: &str) -> Arc<PeerLink> {
        self.next_serial += 1;
        let route = route(hostname, &[Scheme::Http, Scheme::Rtsp]);
        let link = PeerLink::new(self.next_serial, now(), route);
        link.open(now() + Duration::from_secs(60));
        link
    }

    async fn report(&self, link: &Arc<PeerLink>, full: bool, streams: Vec<StreamReport>) {
        self.report_removing(link, full, streams, &[]).await;
    }

    async fn report_removing(
        &self,
        link: &Arc<PeerLink>,
        full: bool,
        streams: Vec<StreamReport>,
        removed: &[&str],
    ) {
        let removed = removed.iter().map(|text| name(text)).collect();
        self.report_with(link, |report| Report { full, streams, removed, ..report }).await;
    }

    /// Says that the peer has files below these prefixes.
    async fn report_vods(&self, link: &Arc<PeerLink>, prefixes: &[&str]) {
        let vods = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
        self.report_with(link, |report| Report { vods, ..report }).await;
    }

    async fn report_with(&self, link: &Arc<PeerLink>, change: impl FnOnce(Report) -> Report) {
        let report = Report {
            node: link.route().hostname.clone(),
            id: NodeId::from_random(u128::from(link.serial()) << 96),
            ..blank_report()
        };
        let (link, report) = (Arc::clone(link), Box::new(change(report)));
        self.address.send(PeerReported { link, report, clock_offset_ms: 0 }).await.unwrap();
    }

    async fn local(&self, stream_name: &str, stream: LocalStream) {
        let name = name(stream_name);
        self.address.send(LocalStreamChanged { name, stream }).await.unwrap();
    }

    async fn settle(&self) {
        self.address.send(PeersSettled).await.unwrap();
    }

    fn locate(&self, stream_name: &str) -> StreamLocation {
        self.view.locate(stream_name, &ask(Protocol::Hls))
    }

    /// The hostname of the peer a client is sent to.
    fn holder(&self, stream_name: &str, ask: &Ask) -> Option<String> {
        match self.view.locate(stream_name, ask) {
            StreamLocation::At(route, _) => Some(route.hostname.to_string()),
            _ => None,
        }
    }
}
