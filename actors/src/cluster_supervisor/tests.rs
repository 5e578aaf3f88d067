//! The supervisor from outside: peers come, go and die.

use std::rc::Rc;

use super::*;
use crate::peer_actor::tests::scripted::{Events, Script, ScriptedFetcher, Witness, config, note};
use crate::signature::ClusterKey;

struct Directory(Events);

impl Actor for Directory {
    type Context = Context<Self>;
}

impl Handler<PeersSettled> for Directory {
    type Result = ();

    fn handle(&mut self, _news: PeersSettled, _ctx: &mut Self::Context) {
        note(&self.0, "settled".to_owned());
    }
}

struct Fixture {
    address: Addr<ClusterSupervisor>,
    view: PeersView,
    events: Events,
}

/// A cluster whose peers do as `script` says by their hostname.
fn cluster(script: fn(&str) -> Vec<Script>) -> Fixture {
    tokio::time::pause();
    let events = Events::default();
    let (witness, seen) = (Witness(Arc::clone(&events)).start(), Arc::clone(&events));
    let supervisor = ClusterSupervisor::new(ClusterParts {
        identity: NodeIdentity {
            id: NodeId::from_random(1),
            hostname: "north".parse().unwrap(),
            version: "1.0".to_owned(),
        },
        fetchers: Arc::new(move |config| {
            let steps = script(config.hostname.as_str());
            note(&seen, format!("made {}", config.hostname));
            Rc::new(ScriptedFetcher::new(steps, Arc::clone(&seen)))
        }),
        reported: witness.clone().recipient(),
        lost: witness.recipient(),
        settled: Directory(Arc::clone(&events)).start().recipient(),
        stats: Published::new(NodeStats { cpu_usage: Some(7.5), ..NodeStats::default() }),
        seed: 9,
    });
    let view = supervisor.view();
    Fixture { address: supervisor.start(), view, events }
}

fn healthy(hostname: &str) -> Vec<Script> {
    let (id, name) = if hostname == "b" { (2, "south") } else { (3, "east") };
    vec![Script::Answer { id, name, state: crate::report::NodeState::Running }]
}

impl Fixture {
    async fn set(&self, hostnames: &[&str]) {
        let peers = hostnames.iter().map(|hostname| config(hostname)).collect();
        self.address.send(SetPeers { peers }).await.unwrap();
    }

    fn take(&self, wanted: &str) -> usize {
        let mut events = self.events.lock().unwrap();
        let before = events.len();
        events.retain(|event| !event.starts_with(wanted));
        before - events.len()
    }

    fn states(&self) -> Vec<(String, PeerState)> {
        let list = self.view.list();
        list.iter().map(|status| (status.hostname.to_string(), status.state)).collect()
    }
}

#[test]
fn actors_can_be_made_on_one_thread_and_started_on_another() {
    fn is_send<T: Send>() {}
    is_send::<ClusterSupervisor>();
    is_send::<crate::stream_directory::StreamDirectory>();
    is_send::<crate::node_stats::NodeStatsSampler>();
}

fn spoke(node: u128, kid: &str) -> PeerSpoke {
    PeerSpoke { node: NodeId::from_random(node), kid: kid.to_owned() }
}

async fn pass(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[actix::test]
async fn peers_are_added_and_removed_without_touching_others() {
    let f = cluster(healthy);
    f.set(&["b"]).await;
    pass(10).await;
    f.set(&["c", "b"]).await;
    pass(10).await;
    assert_eq!(f.states(), [("c".into(), PeerState::Up), ("b".into(), PeerState::Up)]);
    assert_eq!(f.take("made"), 2);
    f.set(&["c"]).await;
    pass(10).await;
    assert_eq!((f.states().len(), f.take("lost 0"), f.take("made")), (1, 1, 0));
    assert_eq!(f.address.send(ListPeers).await.unwrap().len(), 1);
    assert!(f.view.find("c").is_some() && f.view.find("b").is_none());
}

#[actix::test]
async fn the_directory_settles_when_all_were_heard_or_there_are_none() {
    let lonely = cluster(healthy);
    lonely.set(&[]).await;
    pass(1).await;
    assert_eq!(lonely.take("settled"), 1);
}

#[actix::test]
async fn the_directory_waits_for_the_last_peer() {
    let f = cluster(|host| if host == "b" { healthy(host) } else { vec![Script::Hang] });
    f.set(&["b", "c"]).await;
    pass(1_900).await;
    assert_eq!(f.take("settled"), 0);
    f.set(&["b"]).await;
    pass(1).await;
    assert_eq!(f.take("settled"), 1);
}

#[actix::test]
async fn a_dead_peer_is_made_anew() {
    let f = cluster(|_| vec![Script::running(2), Script::Panic]);
    f.set(&["b"]).await;
    pass(3_000).await;
    assert!(f.take("made") >= 2);
    assert!(f.take("lost 10000") >= 1);
    assert_eq!(f.states().len(), 1);
}

#[actix::test]
async fn hints_go_to_all_peers_ten_times_a_second_at_most() {
    let f = cluster(healthy);
    f.set(&["b", "c"]).await;
    pass(10).await;
    f.address.send(LocalTruthChanged).await.unwrap();
    pass(1).await;
    assert_eq!(f.take("hint"), 2, "at once");
    let began = now();
    for _ in 0..100 {
        f.address.send(LocalTruthChanged).await.unwrap();
        pass(10).await;
    }
    pass(200).await;
    let tenths = usize::try_from((now() - began).as_millis() / 100).unwrap();
    let hints = f.take("hint") / 2;
    assert!(hints <= tenths + 1 && hints >= tenths - 4, "{hints} in {tenths} tenths of a second");
}

#[actix::test]
async fn announcements_reach_the_peer_they_are_about() {
    let f = cluster(|host| if host == "x" { vec![Script::WrongKey] } else { healthy(host) });
    f.set(&["b", "c", "x"]).await;
    pass(100).await;
    f.take("fetch");
    f.address.send(PeerAnnouncedChange { node: NodeId::from_random(2) }).await.unwrap();
    pass(1).await;
    assert_eq!(f.take("fetch"), 1);
    f.address.send(spoke(2, "")).await.unwrap();
    pass(1).await;
    assert_eq!(f.take("fetch"), 0, "it is up: nothing to end");
    f.address.send(spoke(99, "")).await.unwrap();
    pass(1).await;
    assert_eq!(f.take("fetch"), 1, "the backed-off peer may be that node");
}

#[actix::test]
async fn each_peer_and_this_node_have_a_history_while_they_are_there() {
    let f = cluster(|host| if host == "b" { healthy(host) } else { vec![Script::Refuse] });
    f.set(&["b", "c"]).await;
    pass(35_000).await;
    let known = |host: &str| -> Vec<bool> {
        f.view.history(host).iter().map(|sample| sample.fetch_ms.is_some()).collect()
    };
    assert_eq!(known("b"), [true; 3]);
    assert_eq!(known("c"), [false; 3], "nothing is known of a peer that is down");
    let own = f.view.history("north");
    assert_eq!(own.iter().map(|sample| sample.cpu_usage).collect::<Vec<_>>(), [Some(7.5); 3]);
    f.set(&["b"]).await;
    pass(10_000).await;
    assert_eq!((known("b").len(), known("c").len(), known("x").len()), (4, 0, 0));
}

#[actix::test]
async fn the_better_key_of_both_directions_is_shown_until_the_keys_change() {
    let keys = ["new", "old"].map(ClusterKey::derive);
    let f = cluster(healthy);
    let peer = |keys: &[ClusterKey]| PeerConfig { keys: keys.to_vec(), ..config("b") };
    f.address.send(SetPeers { peers: vec![peer(&keys)] }).await.unwrap();
    pass(10).await;
    let key = || f.view.find("b").unwrap().key;
    assert_eq!(key(), Some(KeyUse::Accepted), "the scripted answers are signed with the older key");
    f.address.send(spoke(2, keys[0].kid())).await.unwrap();
    pass(1).await;
    assert_eq!(key(), Some(KeyUse::Current));
    for (node, kid) in [(2, keys[1].kid()), (2, "other"), (3, keys[0].kid())] {
        f.address.send(spoke(node, kid)).await.unwrap();
        pass(1).await;
        assert_eq!(key(), Some(KeyUse::Accepted), "{kid}");
    }
    f.address.send(spoke(2, keys[0].kid())).await.unwrap();
    f.address.send(SetPeers { peers: vec![peer(&keys[1..])] }).await.unwrap();
    pass(1).await;
    assert_eq!(key(), Some(KeyUse::Accepted), "what was signed before counts no more");
}
