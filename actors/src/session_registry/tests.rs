//! The table with real streams and real recipients, by a clock of its own.

use std::mem::size_of;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use super::*;
use crate::limits::LimitHits;
use crate::live_stream::tests::{publish_input, spec};
use crate::live_stream::{Broadcast, StreamSpec};
use crate::names::Protocol;

/// Remembers whether it was ended.
#[derive(Default)]
struct Connection {
    is_ended: bool,
}

impl Actor for Connection {
    type Context = Context<Self>;
}

impl Handler<EndSession> for Connection {
    type Result = ();

    fn handle(&mut self, _: EndSession, _ctx: &mut Self::Context) {
        self.is_ended = true;
    }
}

#[derive(Debug, Message)]
#[rtype(result = "bool")]
struct IsEnded;

impl Handler<IsEnded> for Connection {
    type Result = bool;

    fn handle(&mut self, _: IsEnded, _ctx: &mut Self::Context) -> bool {
        self.is_ended
    }
}

/// The stream `event`, whose players count for 13 seconds.
fn stream(max_sessions: Option<u32>) -> Broadcast {
    Broadcast::new(&StreamSpec { max_sessions, ..spec(vec![publish_input()]) }, "first")
}

fn client(user_agent: &'static str) -> Client<'static> {
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    Client { ip, user_agent: Some(user_agent), token: Some("t1") }
}

fn connected() -> Connected {
    Connected::new(Connection::default().start().recipient())
}

fn after(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

#[actix::test]
async fn session_is_listed_and_counted_while_its_guard_lives() {
    let (sessions, stream) = (Sessions::default(), stream(None));
    let player = sessions.open_play(&stream, Protocol::Rtmp, client("VLC"), connected()).unwrap();
    let publisher =
        sessions.open_publish(stream.name(), Protocol::Rtsp, client("Lavf"), connected());
    player.add_bytes(700);
    player.add_bytes(7);
    let id = player.session().id();
    let found = sessions.find(&id).unwrap();
    assert_eq!(
        (found.bytes(), found.protocol, found.kind, found.ip),
        (707, Protocol::Rtmp, SessionKind::Play, IpAddr::V4(Ipv4Addr::LOCALHOST))
    );
    assert_eq!((found.stream.as_str(), found.user_agent.as_deref()), ("event", Some("VLC")));
    assert_eq!(found.token(), publisher.session().token(), "the hash of a token is one");
    assert!(!format!("{found:?}").contains("t1"), "and the token is not kept");
    assert_eq!((sessions.list().len(), stream.viewers().count()), (2, 1));
    assert_ne!(id, publisher.session().id());
    let counts = sessions.count_players();
    let wanted = [("hls", 0), ("tshttp", 0), ("flv", 0), ("rtsp", 0), ("rtmp", 1)];
    assert_eq!(counts.named(), wanted);
    drop(player);
    assert!(sessions.find(&id).is_none());
    assert_eq!((sessions.list().len(), stream.viewers().count()), (1, 0));
    drop(publisher);
    assert!(sessions.list().is_empty());
}

#[actix::test]
async fn session_of_a_connection_hears_that_it_is_ended() {
    let (sessions, stream) = (Sessions::default(), stream(None));
    let connection = Connection::default().start();
    let end = Connected::new(connection.clone().recipient());
    let guard = sessions.open_play(&stream, Protocol::Tshttp, client("curl"), end).unwrap();
    let now = Instant::now();
    for wrong in ["", "0", "zzzzzzzzzzzzzzzz", "00000000000000000", "ffffffffffffffff"] {
        assert!(!sessions.end(wrong, now), "{wrong}");
    }
    assert!(!connection.send(IsEnded).await.unwrap());
    assert!(sessions.end(&guard.session().id(), now));
    assert!(connection.send(IsEnded).await.unwrap());
}

#[actix::test]
async fn one_too_many_is_refused_and_counted_as_a_hit() {
    let hits = LimitHits::default();
    let (sessions, stream) = (Sessions::new(hits.clone()), stream(Some(2)));
    let now = Instant::now();
    let first = sessions.open_play(&stream, Protocol::Rtsp, client("VLC"), connected()).unwrap();
    sessions.saw_player(7, &stream, client("hls.js"), now).unwrap();
    let refused = sessions.open_play(&stream, Protocol::Rtsp, client("VLC"), connected());
    assert_eq!(refused.unwrap_err(), TooManySessions);
    let refused = sessions.saw_player(8, &stream, client("Safari"), now);
    assert_eq!(refused, Err(PlayerRefused::TooMany(TooManySessions)));
    assert_eq!(sessions.saw_player(7, &stream, client("hls.js"), now), Ok(()));
    assert_eq!(hits.counts().get("max_sessions"), Some(&2));
    let publisher =
        sessions.open_publish(stream.name(), Protocol::Rtmp, client("OBS"), connected());
    drop((first, publisher));
    assert_eq!(sessions.saw_player(8, &stream, client("Safari"), now), Ok(()));
}

#[test]
fn player_is_one_session_and_goes_when_it_asks_no_more() {
    let (sessions, stream, start) = (Sessions::default(), stream(None), Instant::now());
    for second in [0, 4, 8] {
        sessions.saw_player(7, &stream, client("hls.js"), after(start, second)).unwrap();
        sessions.player_took(7, 1000, after(start, second)).unwrap();
    }
    assert_eq!(sessions.player_took(8, 1000, start), Ok(()), "a segment alone is no session");
    let list = sessions.list();
    assert_eq!((list.len(), list[0].bytes(), list[0].protocol), (1, 3000, Protocol::Hls));
    sessions.expire(after(start, 20));
    assert_eq!((sessions.list().len(), stream.viewers().count()), (1, 1));
    sessions.expire(after(start, 21));
    assert_eq!((sessions.list().len(), stream.viewers().count()), (0, 0));
    assert_eq!(stream.viewers().total(), 1);
}

#[test]
fn ended_player_is_refused_for_its_window_and_no_longer() {
    let (sessions, stream, start) = (Sessions::default(), stream(None), Instant::now());
    sessions.saw_player(7, &stream, client("hls.js"), start).unwrap();
    let id = sessions.list()[0].id();
    assert!(sessions.end(&id, start) && !sessions.end(&id, start));
    assert_eq!((sessions.list().len(), stream.viewers().count()), (0, 0));
    assert!(sessions.find(&id).is_none());
    let late = after(start, 12);
    sessions.expire(late);
    assert_eq!(sessions.saw_player(7, &stream, client("hls.js"), late), Err(PlayerRefused::Ended));
    assert_eq!(sessions.player_took(7, 1000, late), Err(PlayerRefused::Ended));
    assert_eq!(sessions.saw_player(8, &stream, client("VLC"), late), Ok(()), "others play on");
    sessions.expire(after(start, 13));
    assert_eq!(sessions.saw_player(7, &stream, client("hls.js"), after(start, 13)), Ok(()));
}

#[test]
fn player_of_a_stream_that_was_made_anew_counts_there() {
    let (sessions, old, now) = (Sessions::default(), stream(None), Instant::now());
    sessions.saw_player(7, &old, client("hls.js"), now).unwrap();
    let new = stream(None);
    sessions.saw_player(7, &new, client("hls.js"), now).unwrap();
    assert_eq!((old.viewers().count(), new.viewers().count()), (0, 1));
}

#[actix::test]
async fn registry_takes_players_out_by_itself() {
    let (sessions, stream) = (Sessions::default(), stream(None));
    let _registry = SessionRegistry::new(sessions.clone()).start();
    tokio::time::pause();
    let now = tokio::time::Instant::now().into_std();
    sessions.saw_player(7, &stream, client("hls.js"), now).unwrap();
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(stream.viewers().count(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(stream.viewers().count(), 0);
}

#[test]
fn session_is_small() {
    // Besides: its row in the table, its recipient, and 160 bytes of user agent at most.
    assert!(size_of::<Arc<Session>>() + size_of::<Session>() <= 152, "{}", size_of::<Session>());
    assert!(size_of::<SessionGuard>() <= 32);
}
