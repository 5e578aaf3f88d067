//! Where clients are sent: SPEC 5.1, 5.2 and 5.7, a test a sentence.

use super::*;
use crate::redirect::ViaMark;
use StreamState::{Failed, Ondemand, Running, Starting};

#[actix::test]
async fn own_streams_are_played_here() {
    let mut f = fixture();
    let b = f.peer("b");
    f.report(&b, true, vec![stream("cam", Running), stream("film", Running)]).await;
    f.local("cam", LocalStream::in_state(Running)).await;
    f.local("film", LocalStream::in_state(Ondemand)).await;
    assert_eq!(f.locate("cam"), StreamLocation::Here { state: Running });
    assert_eq!(f.locate("film"), StreamLocation::Here { state: Ondemand });
}

#[actix::test]
async fn a_draining_node_sends_clients_of_its_streams_to_peers_that_have_them() {
    let mut f = fixture();
    let b = f.peer("b");
    f.report(&b, true, vec![stream("cam", Running)]).await;
    f.local("cam", LocalStream::in_state(Running)).await;
    f.local("alone", LocalStream::in_state(Running)).await;
    for (state, holder) in [(NodeState::Draining, Some("b")), (NodeState::Running, None)] {
        let news = LocalNodeChanged { state, listeners: Vec::new() };
        f.address.send(news).await.unwrap();
        assert_eq!(f.holder("cam", &ask(Protocol::Hls)).as_deref(), holder);
        assert_eq!(f.locate("alone"), StreamLocation::Here { state: Running });
    }
}

#[actix::test]
async fn an_ondemand_cluster_ingest_stream_goes_to_who_runs_it() {
    let mut f = fixture();
    let ingest = LocalStream { is_cluster_ingest: true, ..LocalStream::in_state(Ondemand) };
    f.local("cam", ingest).await;
    assert_eq!(f.locate("cam"), StreamLocation::Here { state: Ondemand }, "nobody else");
    let b = f.peer("b");
    f.report(&b, true, vec![stream("cam", Running)]).await;
    assert_eq!(f.holder("cam", &ask(Protocol::Hls)).as_deref(), Some("b"));
}

#[actix::test]
async fn a_starting_stream_counts_as_here_for_five_seconds() {
    let mut f = fixture();
    f.settle().await;
    f.local("cam", LocalStream::in_state(Starting)).await;
    assert_eq!(f.locate("cam"), StreamLocation::Here { state: Starting });
    tokio::time::advance(Duration::from_secs(4)).await;
    f.local("cam", LocalStream { clients: 1, ..LocalStream::in_state(Starting) }).await;
    assert_eq!(f.locate("cam"), StreamLocation::Here { state: Starting });
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(f.locate("cam"), StreamLocation::ComingBack);
    let b = f.peer("b");
    f.report(&b, true, vec![stream("cam", Running)]).await;
    assert_eq!(f.holder("cam", &ask(Protocol::Hls)).as_deref(), Some("b"));
}

#[actix::test]
async fn running_and_starting_come_before_ondemand_and_failed_never() {
    let mut f = fixture();
    f.settle().await;
    let (a, b, c) = (f.peer("a"), f.peer("b"), f.peer("c"));
    f.report(&a, true, vec![stream("cam", Failed)]).await;
    assert_eq!(f.locate("cam"), StreamLocation::Nowhere);
    f.report(&b, true, vec![stream("cam", Ondemand)]).await;
    assert_eq!(f.holder("cam", &ask(Protocol::Hls)).as_deref(), Some("b"));
    f.report(&c, true, vec![stream("cam", Starting)]).await;
    for _ in 0..20 {
        assert_eq!(f.holder("cam", &ask(Protocol::Hls)).as_deref(), Some("c"));
    }
}

#[actix::test]
async fn only_peers_that_speak_the_protocol_are_holders() {
    let mut f = fixture();
    f.settle().await;
    let b = f.peer("b");
    f.report(&b, true, vec![stream("cam", Running)]).await;
    assert_eq!(f.holder("cam", &ask(Protocol::Rtsp)).as_deref(), Some("b"));
    assert_eq!(f.view.locate("cam", &ask(Protocol::Rtmp)), StreamLocation::Nowhere);
}

#[actix::test]
async fn the_less_loaded_of_two_wins_and_own_redirects_count() {
    let mut f = fixture();
    let (b, c) = (f.peer("b"), f.peer("c"));
    for link in [&b, &c] {
        f.report(link, true, vec![stream("cam", Running)]).await;
    }
    let load = |percent, clients| NodeStats {
        bandwidth_usage: Some(percent),
        total_clients: Some(clients),
        ..NodeStats::default()
    };
    b.set_load(&load(50.0, 100), None);
    c.set_load(&load(40.0, 100), None);
    let mut to_c = 0;
    for _ in 0..100 {
        to_c += usize::from(f.holder("cam", &ask(Protocol::Tshttp)).as_deref() == Some("c"));
    }
    assert!((55..75).contains(&to_c), "until both carry the same: {to_c}");
}

#[actix::test]
async fn peers_over_their_cpu_limit_get_nothing_new() {
    let mut f = fixture();
    f.settle().await;
    let (b, c) = (f.peer("b"), f.peer("c"));
    for link in [&b, &c] {
        f.report(link, true, vec![stream("cam", Running), stream("film", Ondemand)]).await;
    }
    let client = Ask { client: Some(99), ..ask(Protocol::Hls) };
    c.close();
    assert_eq!(f.holder("cam", &client).as_deref(), Some("b"));
    c.open(now() + Duration::from_secs(60));
    let busy = NodeStats { cpu_usage: Some(95.0), ..NodeStats::default() };
    b.set_load(&busy, Some(90.0));
    for protocol in [Protocol::Hls, Protocol::Tshttp] {
        assert_eq!(f.holder("cam", &ask(protocol)).as_deref(), Some("c"));
        assert_eq!(f.holder("film", &ask(protocol)).as_deref(), Some("c"));
    }
    assert_eq!(f.holder("cam", &client).as_deref(), Some("b"), "a client it has is not new");
    c.set_load(&busy, Some(90.0));
    assert_eq!(f.locate("cam"), StreamLocation::ComingBack);
}

#[actix::test]
async fn an_hls_client_keeps_its_holder_while_that_is_open() {
    let mut f = fixture();
    let peers = ["b", "c", "d"].map(|host| f.peer(host));
    for link in &peers {
        f.report(link, true, vec![stream("cam", Running)]).await;
    }
    let client = Ask { client: Some(0xfeed_beef_1234_5678), ..ask(Protocol::Hls) };
    let first = f.holder("cam", &client).unwrap();
    for _ in 0..50 {
        assert_eq!(f.holder("cam", &client).as_ref(), Some(&first));
    }
    let held = peers.iter().find(|link| link.route().hostname.as_str() == first).unwrap();
    held.close();
    let second = f.holder("cam", &client).unwrap();
    assert_ne!(second, first);
    held.open(now() + Duration::from_secs(60));
    assert_eq!(f.holder("cam", &client), Some(second), "and keeps the new one");
}

#[actix::test]
async fn ondemand_streams_start_at_the_same_peer_whoever_asks() {
    let (mut f, mut g) = (fixture(), another_fixture());
    let mut counts = std::collections::HashMap::<String, usize>::new();
    let names: Vec<_> = (0..60).map(|n| format!("film{n}")).collect();
    let streams = || names.iter().map(|n| stream(n, Ondemand)).collect::<Vec<_>>();
    for hosts in [["b", "c", "d"], ["d", "b", "c"]] {
        let fixture = if hosts[0] == "b" { &mut f } else { &mut g };
        for host in hosts {
            let link = fixture.peer(host);
            fixture.report(&link, true, streams()).await;
        }
    }
    for name in &names {
        let at = f.holder(name, &ask(Protocol::Hls)).unwrap();
        assert_eq!(g.holder(name, &ask(Protocol::Rtsp)).as_ref(), Some(&at));
        *counts.entry(at).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count > 8), "{counts:?}");
}

#[actix::test]
async fn a_lost_peer_is_out_at_once_and_its_streams_are_expected_back() {
    let mut f = fixture();
    f.settle().await;
    let (b, c) = (f.peer("b"), f.peer("c"));
    f.report(&b, true, vec![stream("one", Running), stream("both", Running)]).await;
    f.report(&c, true, vec![stream("both", Running)]).await;
    b.close();
    let lost = |text| f.view.find_lost(text, now()).map(|(name, ago)| (name.to_string(), ago));
    assert_eq!(f.locate("one"), StreamLocation::ComingBack, "before the table knows");
    assert_eq!(lost("one"), Some(("b".to_owned(), Duration::ZERO)));
    assert_eq!(f.holder("both", &ask(Protocol::Hls)).as_deref(), Some("c"));
    f.address.send(PeerLost { link: Arc::clone(&b), stale_timeout: STALE }).await.unwrap();
    assert_eq!(f.locate("one"), StreamLocation::ComingBack);
    assert_eq!(f.view.counts(), (1, 0));
    tokio::time::advance(STALE / 2).await;
    assert_eq!((lost("one"), lost("both")), (Some(("b".to_owned(), STALE / 2)), None));
    tokio::time::advance(STALE / 2).await;
    assert_eq!((f.locate("one"), lost("one")), (StreamLocation::Nowhere, None));
}

#[actix::test]
async fn a_peer_nobody_renews_is_not_redirected_to() {
    let mut f = fixture();
    let b = f.peer("b");
    f.report(&b, true, vec![stream("cam", Running)]).await;
    f.settle().await;
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(f.locate("cam"), StreamLocation::Unsettled);
    let waited = f.view.locate_settled("cam", || ask(Protocol::Hls)).await;
    assert_eq!(waited, StreamLocation::ComingBack);
}

#[actix::test]
async fn a_stream_that_was_stopped_is_nowhere() {
    let mut f = fixture();
    f.settle().await;
    let b = f.peer("b");
    f.report(&b, true, vec![stream("one", Running), stream("two", Running)]).await;
    f.report_removing(&b, false, vec![stream("three", Running)], &["one"]).await;
    assert_eq!(f.locate("one"), StreamLocation::Nowhere);
    assert_eq!(f.holder("two", &ask(Protocol::Hls)).as_deref(), Some("b"));
    f.report(&b, true, vec![stream("three", Running)]).await;
    assert_eq!(f.locate("two"), StreamLocation::Nowhere);
    assert_eq!((f.view.counts(), b.stream_count()), ((1, 0), 1));
}

#[actix::test]
async fn a_young_node_waits_for_its_peers_for_two_seconds() {
    let f = fixture();
    assert_eq!(f.locate("cam"), StreamLocation::Unsettled);
    let started = now();
    let found = f.view.locate_settled("cam", || ask(Protocol::Hls)).await;
    assert_eq!(found, StreamLocation::Nowhere);
    let waited = now() - started;
    assert!((SETTLES_WITHIN..SETTLES_WITHIN * 11 / 10).contains(&waited), "{waited:?}");
    let g = another_fixture();
    assert_eq!(g.locate("cam"), StreamLocation::Unsettled);
    g.settle().await;
    assert_eq!(g.locate("cam"), StreamLocation::Nowhere);
}

#[actix::test]
async fn publishers_go_to_a_peer_that_accepts_them() {
    let mut f = fixture();
    let (b, c) = (f.peer("b"), f.peer("c"));
    f.report(&b, true, vec![stream("event", Failed)]).await;
    let open = StreamReport { accepts_publish: true, ..stream("event", Failed) };
    assert_eq!(f.view.locate_publish("event", &ask(Protocol::Rtsp)), None);
    f.report(&c, true, vec![open]).await;
    let at = f.view.locate_publish("event", &ask(Protocol::Rtsp)).unwrap();
    assert_eq!(at.hostname.as_str(), "c");
    assert_eq!(f.view.locate_publish("event", &ask(Protocol::Rtmp)), None);
}

#[actix::test]
async fn marks_are_judged_by_the_clocks_of_known_nodes() {
    let mut f = fixture();
    let b = f.peer("b");
    let set_by_b = ViaMark::new(b.serial(), 1_000);
    assert!(f.view.is_young_mark(set_by_b, 1_020_000), "unknown node");
    f.report(&b, true, Vec::new()).await;
    assert!(!f.view.is_young_mark(set_by_b, 1_020_000));
    let own = ViaMark::of(NodeId::from_random(1), 1_000);
    assert!(!f.view.is_young_mark(own, 1_020_000));
    assert!(f.view.is_young_mark(own, 1_005_000));
}

#[actix::test]
async fn lists_show_own_and_open_peers_streams_by_name() {
    let mut f = fixture();
    let (b, c) = (f.peer("b"), f.peer("c"));
    f.local("mine", LocalStream::in_state(Running)).await;
    f.report(&b, true, vec![stream("mine", Running), stream("a", Running)]).await;
    f.report(&c, true, vec![stream("hidden", Running)]).await;
    c.close();
    let list = f.view.list(now());
    let names: Vec<_> = list.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["a", "mine"]);
    assert!(list[1].local.is_some() && list[1].holders.len() == 1);
    assert_eq!(f.view.find("hidden", now()), None);
}

#[actix::test]
async fn a_thousand_peers_of_a_hundred_streams_load_quickly() {
    let mut f = fixture();
    let began = std::time::Instant::now();
    for peer in 0..1_000 {
        let link = f.peer(&format!("peer{peer}"));
        let streams = (0..100).map(|n| stream(&format!("p{peer}/cam{n}"), Running)).collect();
        f.report(&link, true, streams).await;
    }
    assert_eq!(f.view.counts().0, 100_000);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let wanted = ask(Protocol::Hls);
    assert_eq!(f.holder("p77/cam7", &wanted).as_deref(), Some("peer77"));
}
