//! Relays from scripted holders: who is let in, what is shared, and how it ends.

mod holder;
mod routing;

use futures_util::future::join_all;

use super::*;
use crate::limits::LimitHits;
use crate::live_stream::Taker;
use crate::names::{NodeId, Protocol};
use crate::peer_actor::{FetchLimits, PeerConfig, peer_tls};
use crate::redirect::PeerAddresses;
use crate::report::{NodeState, NodeStats, REPORT_PROTOCOL, Report, StreamState};
use crate::signature::ClusterKey;
use crate::stream_directory::{
    LocalStream, NodeIdentity, PeerLink, PeerReported, PeersSettled, StreamDirectory,
};
use holder::{Holder, Script, packet, route, tracks};

/// A node that relays.
struct Node {
    relays: Relays,
    hub: Addr<RelayHub>,
    directory: Addr<StreamDirectory>,
    view: DirectoryView,
    totals: Published<CounterValues>,
}

fn name() -> StreamName {
    "a/cam".parse().unwrap()
}

fn settings() -> RelaySettings {
    RelaySettings {
        clients_timeout: Duration::from_millis(600),
        start_within: Duration::from_secs(2),
        silence_max: Duration::from_millis(300),
        search_for: Duration::from_secs(1),
        ..RelaySettings::default()
    }
}

/// The relays of a node without peers: there will be none.
pub(crate) fn no_relays() -> Relays {
    lone_node().relays
}

/// A node that knows `holders` as its peers.
async fn node(holders: &[&Holder]) -> Node {
    let node = lone_node();
    let peers = holders.iter().map(|holder| config(holder)).collect();
    node.hub.send(SetRelayPeers(peers)).await.unwrap();
    for (serial, holder) in (1..).zip(holders) {
        node.directory.send(report(serial, holder)).await.unwrap();
    }
    node.directory.send(PeersSettled).await.unwrap();
    node
}

fn lone_node() -> Node {
    let own_id = NodeId::from_random(1);
    let identity =
        NodeIdentity { id: own_id, hostname: "north".parse().unwrap(), version: String::new() };
    let directory = StreamDirectory::new(identity, Published::default(), 42);
    let view = directory.view();
    let directory = directory.start();
    let limits = (FetchLimits::default(), LimitHits::default());
    let totals = Published::<CounterValues>::default();
    let parts = RelayParts {
        directory: view.clone(),
        nodes: FetcherParts::new(own_id, peer_tls(None).unwrap(), limits.0, limits.1),
        arbiters: Vec::new(),
        settings: settings(),
        watched: directory.clone().recipient(),
        totals: totals.clone(),
    };
    let (relays, hub) = RelayHub::start_on(&actix_rt::Arbiter::current(), parts);
    Node { relays, hub, directory, view, totals }
}

fn config(holder: &Holder) -> PeerConfig {
    PeerConfig {
        hostname: holder.route.hostname.clone(),
        addresses: PeerAddresses {
            api_url: holder.route.targets.http_base().parse().unwrap(),
            public_payload_url: None,
            private_payload_url: None,
            public_rtsp_url: None,
            public_rtmp_url: None,
        },
        fetch_timeout: Duration::from_secs(1),
        stale_timeout: Duration::from_secs(10),
        channel_limit: None,
        cpu_limit_percent: None,
        // The old key is tried first, so that each pull finds the good one.
        keys: ["old", "key"].map(ClusterKey::derive).into(),
    }
}

fn report(serial: u32, holder: &Holder) -> PeerReported {
    let link = PeerLink::new(serial, Instant::now(), PeerRoute::clone(&holder.route));
    link.open(Instant::now() + Duration::from_secs(60));
    let stream = LocalStream::in_state(StreamState::Running).report(&name());
    let report = Report {
        node: holder.route.hostname.clone(),
        id: holder.id,
        version: String::new(),
        protocol: REPORT_PROTOCOL,
        state: NodeState::Running,
        cursor: "c".to_owned(),
        full: true,
        more: false,
        listeners: Vec::new(),
        stats: NodeStats::default(),
        streams: vec![stream],
        removed: Vec::new(),
        relayed: None,
        vods: Vec::new(),
        members: Vec::new(),
    };
    PeerReported { link, report: Box::new(report), clock_offset_ms: 0 }
}

fn client(protocol: Protocol, session: u64) -> ClientFacts {
    let (token, user_agent) = (Some("t1".to_owned()), Some("VLC".to_owned()));
    ClientFacts { protocol, ip: None, token, user_agent, referer: None, session }
}

impl Node {
    async fn open(&self, holder: &Holder, session: u64) -> Result<LocalEntry, RelayRefused> {
        let client = client(Protocol::Rtmp, session);
        self.relays.open(Arc::clone(&holder.route), name(), client).await
    }

    fn has_relay(&self) -> bool {
        self.relays.find(name().as_str()).is_some()
    }
}

/// Waits until `is_true`; fails after five seconds.
async fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_true() {
        assert!(begin.elapsed() < Duration::from_secs(5), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether players of `entry` are at their end.
fn is_over(entry: &LocalEntry) -> bool {
    use crate::live_stream::RingRead;
    let mut end = entry.broadcast.packets().end();
    entry.broadcast.packets().read(&mut end, usize::MAX, &mut Vec::new()) == RingRead::Closed
}

#[actix::test]
async fn clients_that_come_at_once_share_one_pull_and_each_is_asked_for() {
    let holder = Holder::start("south", 2).await;
    let node = node(&[&holder]).await;
    let entries = join_all((0..20).map(|session| node.open(&holder, session))).await;
    let entries: Vec<LocalEntry> = entries.into_iter().map(Result::unwrap).collect();
    assert!(entries.iter().all(|e| Arc::ptr_eq(&e.broadcast, &entries[0].broadcast)));
    assert_eq!(holder.pulls.get(), 1);
    let questions = holder.questions.borrow();
    assert_eq!(questions.len(), 20);
    let (first, token) = (&questions[0], Some("t1".to_owned()));
    assert_eq!((first.name.as_str(), first.proto, &first.token), ("a/cam", Protocol::Rtmp, &token));
    assert_eq!(entries[0].broadcast.tracks().len(), 1);
}

#[actix::test]
async fn hls_player_is_asked_for_once() {
    let holder = Holder::start("south", 2).await;
    let node = node(&[&holder]).await;
    for session in [7, 7, 7, 8] {
        let client = client(Protocol::Hls, session);
        node.relays.open(Arc::clone(&holder.route), name(), client).await.unwrap();
    }
    let asked: Vec<_> = holder.questions.borrow().iter().map(|q| q.session_id.clone()).collect();
    assert_eq!(asked, ["0000000000000007", "0000000000000008"]);
}

#[actix::test]
async fn refusal_and_silence_are_obeyed_and_nothing_is_pulled() {
    let holder = Holder::start("south", 2).await;
    let node = node(&[&holder]).await;
    let reason = "not for you".to_owned();
    holder.verdict.replace(AuthorizeAnswer {
        allowed: false,
        status: Some(402),
        reason: Some(reason.clone()),
    });
    let denied = node.open(&holder, 1).await.unwrap_err();
    assert_eq!(denied, RelayRefused::Denied { status: 402, reason });
    let nobody = Arc::new(route("south", holder.id, 1));
    let silent = node.relays.open(nobody, name(), client(Protocol::Rtmp, 1)).await.unwrap_err();
    assert_eq!(silent, RelayRefused::NoAnswer("connection refused".to_owned()));
    let unknown = Arc::new(PeerRoute {
        hostname: "stranger".parse().unwrap(),
        ..PeerRoute::clone(&holder.route)
    });
    let keyless = node.relays.open(unknown, name(), client(Protocol::Rtmp, 1)).await;
    assert_eq!(keyless.unwrap_err(), RelayRefused::NoAnswer("401 wrong key".to_owned()));
    assert_eq!((holder.pulls.get(), node.has_relay()), (0, false));
}

#[actix::test]
async fn holder_with_another_id_than_reported_is_asked_again() {
    let holder = Holder::start("south", 2).await;
    let node = node(&[&holder]).await;
    let stale = PeerRoute { node: Some(NodeId::from_random(9)), ..PeerRoute::clone(&holder.route) };
    node.relays.open(Arc::new(stale), name(), client(Protocol::Rtmp, 1)).await.unwrap();
    assert_eq!(holder.pulls.get(), 1);
}

#[actix::test]
async fn changed_byte_ends_the_pull_and_the_next_holder_goes_on() {
    let (wrong, good) = (Holder::start("south", 2).await, Holder::start("east", 3).await);
    wrong.script.set(Script::Tamper(10));
    let node = node(&[&wrong, &good]).await;
    let entry = node.open(&wrong, 1).await.unwrap();
    let _viewer = entry.broadcast.viewers().connect();
    eventually("the other one is pulled from", || good.pulls.get() == 1).await;
    let frames = || entry.broadcast.counters().frames_in.load(std::sync::atomic::Ordering::Relaxed);
    let before = frames();
    eventually("its frames arrive", || frames() > before + 5).await;
    assert!(!is_over(&entry));
}

#[actix::test]
async fn relay_ends_when_nobody_holds_the_stream_any_more() {
    for script in [Script::Tamper(10), Script::FallSilent(10), Script::End(10)] {
        let holder = Holder::start("south", 2).await;
        holder.script.set(script);
        let node = node(&[]).await;
        node.hub.send(SetRelayPeers(vec![config(&holder)])).await.unwrap();
        let entry = node.open(&holder, 1).await.unwrap();
        let _viewer = entry.broadcast.viewers().connect();
        eventually(&format!("{script:?}"), || is_over(&entry)).await;
        assert!(!node.has_relay(), "{script:?}");
        assert_eq!(holder.pulls.get(), 1, "{script:?}");
    }
}

#[actix::test]
async fn relay_ends_after_its_last_client_and_begins_anew_with_the_next() {
    let holder = Holder::start("south", 2).await;
    let node = node(&[&holder]).await;
    let entry = node.open(&holder, 1).await.unwrap();
    let viewer = entry.broadcast.viewers().connect();
    entry.broadcast.counters().sent(Taker::Client(Protocol::Hls), 1000);
    tokio::time::sleep(2 * settings().clients_timeout).await;
    assert!(node.has_relay(), "somebody watches");
    assert_eq!(node.relays.client_count(), 1);
    let listed = || node.view.find(name().as_str(), Instant::now()).unwrap().relay_clients;
    eventually("the directory knows", || listed() == 1).await;
    drop(viewer);
    eventually("nobody watches", || !node.has_relay()).await;
    eventually("the directory knows that, too", || listed() == 0).await;
    assert!(is_over(&entry));
    eventually("its bytes stay counted", || node.totals.load().bytes_out == 1000).await;
    node.open(&holder, 2).await.unwrap();
    assert_eq!(holder.pulls.get(), 2);
}

#[actix::test]
async fn what_a_holder_feeds_arrives_as_it_is_there() {
    use crate::live_stream::Publish;
    use crate::live_stream::tests::{publish_input, spec};
    let (there, here) = (Holder::start("south", 2).await, node(&[]).await);
    let spec = spec(vec![publish_input()]);
    let broadcast = Arc::new(Broadcast::new(&spec, "one"));
    let told = here.directory.clone().recipient();
    let actor = LiveStream::new(spec.clone(), Arc::clone(&broadcast), told).start();
    let publish = Publish {
        proof: crate::live_stream::PasswordProof::Password(None),
        client: ([127, 0, 0, 1], 9).into(),
    };
    let writer = actor.send(publish).await.unwrap().unwrap();
    let entry = LocalEntry { spec: Arc::new(spec), broadcast, actor };
    there.stream.replace(Some(entry.clone()));
    there.script.set(Script::Feed);
    here.hub.send(SetRelayPeers(vec![config(&there)])).await.unwrap();
    writer.write(tracks()).unwrap();
    (0..50).for_each(|number| writer.write(packet(number)).unwrap());
    let relayed = here.open(&there, 1).await.unwrap();
    let viewers = entry.broadcast.viewers();
    assert_eq!((viewers.relays(), viewers.count()), (1, 0), "the relay counts apart");
    let (own, theirs) = (relayed.broadcast.packets(), entry.broadcast.packets());
    let wanted = theirs.since_newest_start();
    eventually("all packets arrive", || own.since_newest_start().len() == wanted.len()).await;
    let got = own.since_newest_start();
    assert_eq!(got[0].tracks, wanted[0].tracks);
    let payloads = |all: &[watershed_media::live::LivePacket]| -> Vec<_> {
        all.iter().map(|live| (live.packet.payload.clone(), live.packet.is_keyframe)).collect()
    };
    assert_eq!(payloads(&got), payloads(&wanted));
    let steps = |all: &[watershed_media::live::LivePacket]| -> Vec<i64> {
        all.windows(2).map(|pair| pair[1].packet.dts.0 - pair[0].packet.dts.0).collect()
    };
    assert_eq!(steps(&got), steps(&wanted));
    entry.broadcast.close();
    eventually("the end arrives", || is_over(&relayed)).await;
    eventually("the relay counts no more", || viewers.relays() == 0).await;
}
