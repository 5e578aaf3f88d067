//! What peers hear of this node: cursors, pages and throttled numbers.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use actix::prelude::*;
use proptest::prelude::*;

use super::super::report_log::{LogLimits, LogPage, ReportLog};
use super::*;
use StreamState::{Ondemand, Running};

async fn since(f: &Fixture, cursor: Option<&str>) -> Report {
    let cursor = cursor.map(str::to_owned);
    f.address.send(ReportSince { cursor }).await.unwrap()
}

fn names(report: &Report) -> Vec<&str> {
    report.streams.iter().map(|stream| stream.name.as_str()).collect()
}

#[actix::test]
async fn a_peer_hears_everything_once_and_then_what_changed() {
    let f = fixture();
    f.local("a", LocalStream::in_state(Running)).await;
    f.local("b", LocalStream::in_state(Ondemand)).await;
    let first = since(&f, None).await;
    assert!(first.full && !first.more);
    assert_eq!(names(&first), ["a", "b"]);
    let quiet = since(&f, Some(&first.cursor)).await;
    assert_eq!((quiet.full, quiet.streams.len(), &quiet.cursor), (false, 0, &first.cursor));
    assert!(serde_json::to_vec(&quiet).unwrap().len() < 1_024);
    f.local("b", LocalStream::in_state(Running)).await;
    f.address.send(LocalStreamRemoved { name: name("a") }).await.unwrap();
    let news = since(&f, Some(&first.cursor)).await;
    assert_eq!((news.full, names(&news)), (false, vec!["b"]));
    assert_eq!(news.removed, [name("a")]);
}

#[actix::test]
async fn cursors_of_other_lives_get_everything() {
    let f = fixture();
    f.local("a", LocalStream::in_state(Running)).await;
    let good = since(&f, None).await.cursor;
    let other_life = good.replace(&NodeId::from_random(1).to_string(), &"0".repeat(32));
    let future = good.replace(".1", ".99");
    for cursor in [other_life.as_str(), &future, "", "x", ".", &format!("{good}9")] {
        let report = since(&f, Some(cursor)).await;
        assert!(report.full && report.streams.len() == 1, "{cursor}");
    }
}

#[actix::test]
async fn numbers_alone_travel_every_ten_seconds_if_they_moved_by_a_tenth() {
    let f = fixture();
    let with = |clients, bitrate| LocalStream {
        clients,
        bitrate_kbit: Some(bitrate),
        ..LocalStream::in_state(Running)
    };
    f.local("a", LocalStream { clients: 100, ..LocalStream::in_state(Running) }).await;
    let cursor = since(&f, None).await.cursor;
    f.local("a", with(100, 2_000)).await;
    let news = since(&f, Some(&cursor)).await;
    assert_eq!(news.streams[0].bitrate, Some(2_000), "what was not known is no change");
    let cursor = news.cursor;
    tokio::time::advance(Duration::from_secs(20)).await;
    f.local("a", with(110, 2_200)).await;
    assert!(since(&f, Some(&cursor)).await.streams.is_empty(), "a tenth is not over a tenth");
    f.local("a", with(111, 2_200)).await;
    let news = since(&f, Some(&cursor)).await;
    assert_eq!(news.streams[0].clients, 111);
    f.local("a", with(500, 2_200)).await;
    assert!(since(&f, Some(&news.cursor)).await.streams.is_empty(), "too soon");
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(since(&f, Some(&news.cursor)).await.streams[0].clients, 500, "by itself");
}

#[actix::test]
async fn title_and_opening_are_told_at_once_and_a_peer_lists_them() {
    let mut f = fixture();
    f.local("a", LocalStream::in_state(Running)).await;
    let cursor = since(&f, None).await.cursor;
    let opened_at_ms = NonZeroU64::new(1_790_000_000_123);
    let titled =
        LocalStream { title: Title::of("Hall"), opened_at_ms, ..LocalStream::in_state(Running) };
    f.local("a", titled).await;
    let news = since(&f, Some(&cursor)).await.streams;
    assert_eq!((&news[0].title, news[0].opened_at), (&Title::of("Hall"), opened_at_ms));
    let south = f.peer("south");
    let told = StreamReport { name: name("b"), ..news[0].clone() };
    f.report(&south, true, vec![told]).await;
    let listed = f.view.find("b", now()).unwrap().holders.remove(0);
    assert_eq!((listed.title, listed.opened_at_ms), (Title::of("Hall"), opened_at_ms));
}

fn relays(of: &[(&str, u32)]) -> Vec<Relayed> {
    of.iter().map(|&(text, clients)| Relayed { name: name(text), clients }).collect()
}

#[actix::test]
async fn what_is_relayed_is_told_whole_when_it_is_news_and_at_most_every_ten_seconds() {
    let f = fixture();
    let watch =
        async |of| f.address.send(LocalRelaysChanged { relayed: relays(of) }).await.unwrap();
    f.local("a", LocalStream::in_state(Running)).await;
    let first = since(&f, None).await;
    assert_eq!(first.relayed, None);
    watch(&[("south-cam", 20)]).await;
    let news = since(&f, Some(&first.cursor)).await;
    assert_eq!((news.full, news.relayed), (false, Some(relays(&[("south-cam", 20)]))));
    assert_eq!(since(&f, Some(&news.cursor)).await.relayed, None, "nothing new");
    assert!(since(&f, None).await.relayed.is_some(), "a part of everything");
    tokio::time::advance(Duration::from_secs(20)).await;
    watch(&[("south-cam", 22)]).await;
    assert_eq!(since(&f, Some(&news.cursor)).await.relayed, None, "a tenth is not over a tenth");
    watch(&[("south-cam", 23)]).await;
    let news = since(&f, Some(&news.cursor)).await;
    assert_eq!(news.relayed, Some(relays(&[("south-cam", 23)])));
    watch(&[]).await;
    assert_eq!(since(&f, Some(&news.cursor)).await.relayed, None, "too soon");
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(since(&f, Some(&news.cursor)).await.relayed, Some(Vec::new()), "by itself");
}

#[actix::test]
async fn viewers_by_relay_count_at_every_node_while_the_relaying_one_is_heard() {
    let mut f = fixture();
    let (south, east) = (f.peer("south"), f.peer("east"));
    f.report(&south, true, vec![stream("cam", Running)]).await;
    let viewers = |f: &Fixture| f.view.find("cam", now()).unwrap().relay_clients;
    let told = async |f: &Fixture, full, relayed| {
        f.report_with(&east, |report| Report { full, relayed, ..report }).await;
    };
    told(&f, true, Some(relays(&[("cam", 4), ("gone", 1)]))).await;
    let relayed = relays(&[("cam", 2)]);
    f.address.send(LocalRelaysChanged { relayed }).await.unwrap();
    assert_eq!(viewers(&f), 6);
    assert_eq!(f.view.find("gone", now()), None, "a relay holds nothing");
    told(&f, false, None).await;
    assert_eq!(viewers(&f), 6, "as it was");
    told(&f, true, None).await;
    assert_eq!(viewers(&f), 2, "it has begun anew");
    told(&f, false, Some(relays(&[("cam", 9)]))).await;
    assert_eq!(viewers(&f), 11);
    east.close();
    assert_eq!(viewers(&f), 2);
    f.address.send(PeerLost { link: east, stale_timeout: STALE }).await.unwrap();
    f.address.send(LocalRelaysChanged { relayed: Vec::new() }).await.unwrap();
    assert_eq!(viewers(&f), 0);
    assert!(f.view.shared.table.relayed.is_empty());
}

/// Counts what the directory announces.
struct Listener(usize);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<LocalTruthChanged> for Listener {
    type Result = ();

    fn handle(&mut self, _news: LocalTruthChanged, _ctx: &mut Self::Context) {
        self.0 += 1;
    }
}

#[derive(Message)]
#[rtype(result = "usize")]
struct Count;

impl Handler<Count> for Listener {
    type Result = usize;

    fn handle(&mut self, _ask: Count, _ctx: &mut Self::Context) -> usize {
        self.0
    }
}

#[actix::test]
async fn starts_stops_and_drains_are_announced_and_numbers_are_not() {
    let f = fixture();
    let listener = Listener(0).start();
    let recipient = listener.clone().recipient();
    f.address.send(SubscribeLocalTruth { recipient }).await.unwrap();
    f.local("a", LocalStream::in_state(Ondemand)).await;
    f.local("a", LocalStream { clients: 9, ..LocalStream::in_state(Ondemand) }).await;
    assert_eq!(listener.send(Count).await.unwrap(), 1);
    f.local("a", LocalStream::in_state(Running)).await;
    f.address.send(LocalStreamRemoved { name: name("a") }).await.unwrap();
    f.address.send(LocalStreamRemoved { name: name("a") }).await.unwrap();
    assert_eq!(listener.send(Count).await.unwrap(), 3);
    let (state, listeners) = (NodeState::Draining, Vec::new());
    f.address.send(LocalNodeChanged { state, listeners }).await.unwrap();
    assert_eq!(listener.send(Count).await.unwrap(), 4);
    assert_eq!(since(&f, None).await.state, NodeState::Draining);
}

/// What a peer would know after reading page by page.
#[derive(Default)]
struct Replica {
    cursor: Option<String>,
    streams: BTreeMap<StreamName, StreamReport>,
}

impl Replica {
    fn read(&mut self, log: &ReportLog) -> usize {
        for pages in 1..1_000 {
            let LogPage { cursor, full, more, streams, removed, .. } =
                log.page(self.cursor.as_deref());
            if full {
                self.streams.clear();
            }
            for name in removed {
                self.streams.remove(&name);
            }
            self.streams.extend(streams.into_iter().map(|stream| (stream.name.clone(), stream)));
            self.cursor = Some(cursor);
            if !more {
                return pages;
            }
        }
        panic!("pages without end")
    }
}

#[derive(Clone, Debug)]
enum Step {
    Change(u8, bool),
    Remove(u8),
    Read,
    ReadOnePage,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..40_u8, any::<bool>()).prop_map(|(n, running)| Step::Change(n, running)),
        3 => (0..40_u8).prop_map(Step::Remove),
        1 => Just(Step::Read),
        1 => Just(Step::ReadOnePage),
    ]
}

proptest! {
    #[test]
    fn a_replica_fed_by_pages_equals_the_source(steps in prop::collection::vec(step(), 0..200)) {
        let limits = LogLimits { page_bytes_max: 400, removed_max: 5, ..LogLimits::default() };
        let mut log = ReportLog::new(NodeId::from_random(7), limits);
        let mut truth = BTreeMap::new();
        let mut replica = Replica::default();
        let started = Instant::now();
        for step in steps {
            match step {
                Step::Change(n, is_running) => {
                    let state = if is_running { Running } else { Ondemand };
                    let stream = LocalStream::in_state(state);
                    let name = name(&format!("cam{n}"));
                    truth.insert(name.clone(), stream.report(&name));
                    log.change(&name, stream, started);
                }
                Step::Remove(n) => {
                    let name = name(&format!("cam{n}"));
                    prop_assert_eq!(log.remove(&name), truth.remove(&name).is_some());
                }
                Step::Read => {
                    replica.read(&log);
                    prop_assert_eq!(&replica.streams, &truth);
                }
                Step::ReadOnePage => {
                    let page = log.page(replica.cursor.as_deref());
                    prop_assert!(page.streams.len() + page.removed.len() < 200);
                    if page.full {
                        replica.streams.clear();
                    }
                    page.removed.iter().for_each(|name| drop(replica.streams.remove(name)));
                    replica.streams.extend(page.streams.into_iter().map(|s| (s.name.clone(), s)));
                    replica.cursor = Some(page.cursor);
                }
            }
        }
        replica.read(&log);
        prop_assert_eq!(&replica.streams, &truth);
    }
}

#[test]
fn everything_travels_in_pages() {
    let limits = LogLimits { page_bytes_max: 10_000, ..LogLimits::default() };
    let mut log = ReportLog::new(NodeId::from_random(7), limits);
    for n in 0..1_000 {
        log.change(&name(&format!("cam{n}")), LocalStream::in_state(Running), Instant::now());
    }
    let mut replica = Replica::default();
    assert!(replica.read(&log) > 10);
    assert_eq!(replica.streams.len(), 1_000);
}
