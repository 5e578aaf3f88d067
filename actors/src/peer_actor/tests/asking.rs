//! When a peer is asked, and what the directory hears of it.

use super::super::*;
use super::scripted::{Events, Script, ScriptedFetcher, Witness, config};
use crate::names::NodeId;
use PeerState::{Down, Draining, Duplicate, Incompatible, Late, Myself, Unauthorized, Up};

struct Fixture {
    peer: Addr<PeerActor>,
    status: Published<PeerStatus>,
    link: Arc<PeerLink>,
    events: Events,
}

fn start(label: &str, script: Vec<Script>, claims: &IdentityClaims) -> Fixture {
    let events = Events::default();
    let witness = Witness(Arc::clone(&events)).start();
    let heard = Arc::clone(&events);
    let peer = PeerActor::new(PeerParts {
        config: config(label),
        targets: config(label).addresses.targets(&[]).unwrap(),
        serial: 1,
        fetchers: Arc::new(move |_| {
            Rc::new(ScriptedFetcher::new(script.clone(), Arc::clone(&heard)))
        }),
        reported: witness.clone().recipient(),
        lost: witness.clone().recipient(),
        heard: witness.recipient(),
        claims: claims.clone(),
        seed: 7,
    });
    let (status, link) = (peer.status(), peer.link());
    Fixture { peer: peer.start(), status, link, events }
}

fn claims() -> IdentityClaims {
    IdentityClaims::new(NodeId::from_random(1), "north".parse().unwrap())
}

async fn pass(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

impl Fixture {
    fn state(&self) -> PeerState {
        self.status.load().state
    }

    fn events(&self) -> Vec<String> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }

    fn fetches(&self) -> usize {
        self.events().iter().filter(|event| event.starts_with("fetch")).count()
    }
}

#[actix::test]
async fn an_answering_peer_is_up_and_asked_every_second_from_its_cursor() {
    tokio::time::pause();
    let f = start("b", vec![Script::running(2)], &claims());
    pass(10).await;
    assert_eq!(f.events(), ["fetch -", "reported", "heard"]);
    assert!(f.state() == Up && f.link.is_open(now()));
    pass(1_150).await;
    assert_eq!(f.events(), ["fetch c2", "reported"]);
    let began = f.fetches();
    pass(60_000).await;
    assert!((55..=66).contains(&f.fetches()), "{began}");
    let status = f.peer.send(GetPeerStatus).await.unwrap();
    assert_eq!(status.error.as_deref(), Some("clock is 47 s ahead"));
    assert_eq!(status.node, Some(NodeId::from_random(2)));
    assert_eq!(f.link.route().targets.http_base(), "http://b:8081");
}

#[actix::test]
async fn a_killed_peer_is_down_within_the_promise_and_asked_in_full_when_back() {
    tokio::time::pause();
    let script = [vec![Script::running(2)], vec![Script::Refuse; 4], vec![Script::running(3)]];
    let f = start("b", script.concat(), &claims());
    pass(1_150).await;
    assert!(f.state() == Late && f.link.is_open(now()), "one miss changes nothing for clients");
    pass(1_150).await;
    assert!(f.state() == Down && !f.link.is_open(now()));
    assert_eq!(f.status.load().error.as_deref(), Some("connection refused"));
    let events = f.events();
    assert_eq!(events.last().map(String::as_str), Some("lost 10000"));
    pass(3_400).await;
    assert_eq!(f.state(), Up);
    let events = f.events();
    assert_eq!(events[events.len() - 2..], ["fetch -", "reported"]);
    assert_eq!(f.status.load().changes.len(), 4);
}

#[actix::test]
async fn a_hanging_peer_is_late_then_down_and_has_one_fetch_in_flight() {
    tokio::time::pause();
    let f = start("b", vec![Script::running(2), Script::Hang], &claims());
    pass(2_200).await;
    assert_eq!(f.state(), Late);
    pass(850).await;
    assert_eq!(f.state(), Down);
    assert!(!f.link.is_open(now()));
    pass(60_000).await;
    assert_eq!(f.fetches(), 2);
}

#[actix::test]
async fn refusals_back_off_until_somebody_hurries() {
    tokio::time::pause();
    let script = vec![Script::running(2), Script::WrongKey];
    let f = start("b", script, &claims());
    pass(1_200).await;
    assert_eq!(f.state(), Unauthorized);
    assert!(f.events().contains(&"lost 10000".to_owned()), "at once");
    pass(60_000).await;
    let fetches = f.fetches();
    assert!((6..=10).contains(&fetches), "{fetches}");
    f.peer.send(PeerHinted).await.unwrap();
    pass(1).await;
    assert_eq!(f.fetches(), 1);
    assert_eq!(f.status.load().error.as_deref(), Some("401 wrong key"));
}

#[actix::test]
async fn hints_make_a_peer_be_asked_at_once_but_not_too_often() {
    tokio::time::pause();
    let f = start("b", vec![Script::running(2)], &claims());
    pass(500).await;
    f.events();
    f.peer.send(PeerHinted).await.unwrap();
    pass(1).await;
    assert_eq!(f.fetches(), 1);
    for _ in 0..1_000 {
        f.peer.send(PeerHinted).await.unwrap();
    }
    pass(100).await;
    assert!(f.fetches() <= 3);
}

#[actix::test]
async fn self_duplicate_draining_and_names_used_twice_get_no_clients() {
    tokio::time::pause();
    let claims = claims();
    let answer = |id, name, state| vec![Script::Answer { id, name, state }];
    let running = NodeState::Running;
    let b = start("b", answer(2, "south", running), &claims);
    pass(10).await;
    let cases = [
        ("me", answer(1, "north", running), Myself),
        ("b-again", answer(2, "south", running), Duplicate),
        ("c", answer(3, "south", running), Incompatible),
        ("d", answer(4, "east", NodeState::Draining), Draining),
    ];
    let mut others = Vec::new();
    for (label, script, state) in cases {
        let f = start(label, script, &claims);
        pass(10).await;
        assert!(f.state() == state && !f.link.is_open(now()), "{label}");
        assert!(!f.events().contains(&"reported".to_owned()));
        others.push(f);
    }
    pass(2_000).await;
    assert_eq!(
        (b.state(), b.status.load().error.as_deref()),
        (Incompatible, Some("name used twice"))
    );
    let again: Vec<_> = others.iter().map(Fixture::fetches).collect();
    assert_eq!(again[..2], [0, 0], "self and duplicate are not asked again");
}

#[actix::test]
async fn a_new_config_asks_at_once_and_a_removed_peer_ends() {
    tokio::time::pause();
    let f = start("b", vec![Script::Hang], &claims());
    pass(10).await;
    assert_eq!(f.fetches(), 1);
    let slower = PeerConfig { fetch_timeout: Duration::from_secs(5), ..config("b") };
    f.peer.send(UpdatePeer { config: slower }).await.unwrap();
    pass(1).await;
    assert_eq!(f.fetches(), 1, "the old fetch holds nothing up");
    f.peer.send(RemovePeer).await.unwrap();
    pass(1).await;
    assert_eq!(f.events(), ["lost 0"]);
    assert!(!f.peer.connected());
}

#[actix::test]
async fn hints_go_out_to_live_peers_one_at_a_time() {
    tokio::time::pause();
    let f = start("b", vec![Script::running(2), Script::Refuse], &claims());
    pass(10).await;
    f.peer.send(SendHint).await.unwrap();
    pass(1).await;
    assert!(f.events().contains(&"hint".to_owned()));
    pass(5_000).await;
    assert_eq!(f.state(), Down);
    f.peer.send(SendHint).await.unwrap();
    pass(1).await;
    assert!(!f.events().contains(&"hint".to_owned()));
}
