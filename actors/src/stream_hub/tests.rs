//! A hub with real streams and a directory that takes all it is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use watershed_media::packet::StreamItem;

use super::*;
use crate::live_stream::Password;
use crate::live_stream::tests::{play, publish_input, spec};

/// Takes what streams say, and forgets it.
struct Directory;

impl Actor for Directory {
    type Context = Context<Self>;
}

impl Handler<LocalStreamChanged> for Directory {
    type Result = ();

    fn handle(&mut self, _: LocalStreamChanged, _ctx: &mut Self::Context) {}
}

impl Handler<LocalStreamRemoved> for Directory {
    type Result = ();

    fn handle(&mut self, _: LocalStreamRemoved, _ctx: &mut Self::Context) {}
}

fn start_hub() -> (Addr<StreamHub>, LocalStreams) {
    let streams = LocalStreams::default();
    let directory = Directory.start();
    let (changed, removed) = (directory.clone().recipient(), directory.recipient());
    let hub =
        StreamHub::new(streams.clone(), Vec::new(), Published::default(), changed, removed).start();
    (hub, streams)
}

async fn set(hub: &Addr<StreamHub>, spec: StreamSpec) {
    hub.send(SetStreams(vec![spec])).await.unwrap();
    // Answered only after the streams are there.
    hub.send(StopNamed("other".parse().unwrap())).await.unwrap();
}

/// The next media sequence and the discontinuity sequence.
fn numbers(entry: &LocalEntry) -> (u64, u64) {
    entry.broadcast.hls(|hls| (hls.next_sequence(), hls.window().discontinuity_sequence()))
}

/// Plays five segments, the first of them after a break that has left the window.
fn play_segments(entry: &LocalEntry) {
    assert_eq!(play(&entry.broadcast, 0..21, Instant::now()).len(), 4);
}

#[actix::test]
async fn numbers_of_a_stream_that_is_made_anew_never_fall() {
    let (hub, streams) = start_hub();
    let old_spec = spec(vec![publish_input()]);
    set(&hub, old_spec.clone()).await;
    let old = streams.find("event").unwrap();
    play_segments(&old);
    let segment_duration = Duration::from_secs(40);
    set(&hub, StreamSpec { segment_duration, ..old_spec }).await;
    let new = streams.find("event").unwrap();
    assert!(!Arc::ptr_eq(&old.broadcast, &new.broadcast));
    let (before, after) = (numbers(&old), numbers(&new));
    assert!(after.0 >= before.0 && after.1 >= before.1, "{before:?} {after:?}");
}

#[actix::test]
async fn numbers_of_a_stream_whose_actor_died_never_fall() {
    let (hub, streams) = start_hub();
    set(&hub, spec(vec![publish_input()])).await;
    let old = streams.find("event").unwrap();
    play_segments(&old);
    tokio::time::pause();
    old.actor.send(RemoveStream).await.unwrap();
    tokio::time::sleep(2 * WATCH_INTERVAL).await;
    let new = streams.find("event").unwrap();
    assert!(!Arc::ptr_eq(&old.broadcast, &new.broadcast) && new.actor.connected());
    let (before, after) = (numbers(&old), numbers(&new));
    assert!(after.0 >= before.0 && after.1 >= before.1, "{before:?} {after:?}");
}

fn publish(password: &str) -> PublishTo {
    let client = "127.0.0.1:1".parse().unwrap();
    PublishTo { stream: "event".parse().unwrap(), password: Some(password.to_owned()), client }
}

#[actix::test]
async fn new_password_counts_for_the_next_publisher_and_cuts_nobody_off() {
    let (hub, streams) = start_hub();
    let with = |password: &str| StreamSpec {
        password: Some(Password(password.to_owned())),
        clients_timeout: Duration::from_secs(7),
        ..spec(vec![publish_input()])
    };
    set(&hub, spec(vec![publish_input()])).await;
    set(&hub, with("old")).await;
    let before = streams.find("event").unwrap();
    let writer = hub.send(publish("old")).await.unwrap().unwrap();
    set(&hub, with("new")).await;
    let after = streams.find("event").unwrap();
    assert!(Arc::ptr_eq(&before.broadcast, &after.broadcast));
    assert_eq!(*after.spec, with("new"));
    assert!(writer.write(StreamItem::Discontinuity).is_ok());
    drop(writer);
    let refused = hub.send(publish("old")).await.unwrap().unwrap_err();
    assert_eq!(refused, PublishRefused::WrongPassword);
    assert!(hub.send(publish("new")).await.unwrap().is_ok());
}
