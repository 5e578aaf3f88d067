//! A hub with real streams and a directory that takes all it is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use watershed_media::packet::StreamItem;

use super::*;
use crate::live_stream::tests::{play, publish_input, spec};
use crate::live_stream::{Password, PasswordProof, StartStream};
use crate::vod::VodLimits;

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

fn no_files() -> Vods {
    let limits = VodLimits {
        index_bytes_max: 0,
        indexes_bytes_max: 0,
        segments_bytes_max: 0,
        folder_entries_max: 0,
    };
    Vods::new(limits, LimitHits::default())
}

fn start_hub() -> (Addr<StreamHub>, LocalStreams) {
    let streams = LocalStreams::default();
    let directory = Directory.start();
    let (changed, removed) = (directory.clone().recipient(), directory.recipient());
    let hub = StreamHub::new(
        streams.clone(),
        Vec::new(),
        Published::default(),
        Besides { relayed: Published::default(), files: no_files() },
        changed,
        removed,
        LimitHits::default(),
    )
    .start();
    (hub, streams)
}

async fn set(hub: &Addr<StreamHub>, spec: StreamSpec) {
    hub.send(SetStreams { streams: vec![spec], ..SetStreams::default() }).await.unwrap();
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
    publish_as("event", password)
}

fn publish_as(stream: &str, password: &str) -> PublishTo {
    let client = "127.0.0.1:1".parse().unwrap();
    let proof = PasswordProof::Password(Some(password.to_owned()));
    PublishTo { stream: stream.parse().unwrap(), proof, client }
}

/// `template studio { input publish://; password studio; clients_timeout 0; }`, for two streams.
fn studio() -> SetStreams {
    let stream = StreamSpec {
        password: Some(Password("studio".to_owned())),
        clients_timeout: Duration::ZERO,
        ..spec(vec![publish_input()])
    };
    let templates = vec![TemplateSpec { prefix: "studio".parse().unwrap(), stream }];
    SetStreams { streams: Vec::new(), templates, template_streams_max: 2 }
}

/// What a publisher of that name is told.
async fn refusal(hub: &Addr<StreamHub>, stream: &str, password: &str) -> Option<PublishRefused> {
    hub.send(publish_as(stream, password)).await.unwrap().err()
}

#[actix::test]
async fn publisher_below_a_prefix_makes_a_stream_and_others_are_refused() {
    let (hub, streams) = start_hub();
    hub.send(studio()).await.unwrap();
    let writer = hub.send(publish_as("studio/a", "studio")).await.unwrap().unwrap();
    assert!(writer.write(StreamItem::Discontinuity).is_ok());
    assert_eq!(refusal(&hub, "studio/a", "studio").await, Some(PublishRefused::Busy));
    assert_eq!(refusal(&hub, "studio/b", "wrong").await, Some(PublishRefused::WrongPassword));
    assert_eq!(refusal(&hub, "studio", "studio").await, Some(PublishRefused::UnknownStream));
    let names: Vec<String> = streams.all().iter().map(|one| one.spec.name.to_string()).collect();
    assert_eq!(names, ["studio/a"], "those who are refused make no stream");
    let second = hub.send(publish_as("studio/b", "studio")).await.unwrap().unwrap();
    assert_eq!(refusal(&hub, "studio/c", "studio").await, Some(PublishRefused::TooManyStreams));
    drop((writer, second));
}

#[actix::test]
async fn stream_from_a_template_goes_after_its_last_client_and_can_come_back() {
    let (hub, streams) = start_hub();
    hub.send(studio()).await.unwrap();
    let writer = hub.send(publish_as("studio/a", "studio")).await.unwrap().unwrap();
    tokio::time::pause();
    let stream = streams.find("studio/a").unwrap();
    tokio::time::sleep(2 * WATCH_INTERVAL).await;
    let viewer = stream.broadcast.viewers().connect();
    drop(writer);
    tokio::time::sleep(2 * WATCH_INTERVAL).await;
    assert!(stream.actor.connected(), "a publisher keeps it, and so does a viewer");
    let relay = stream.broadcast.viewers().connect_relay();
    drop(viewer);
    tokio::time::sleep(2 * WATCH_INTERVAL).await;
    assert!(stream.actor.connected(), "and so does a node that relays it");
    drop(relay);
    tokio::time::sleep(2 * WATCH_INTERVAL).await;
    assert!(streams.find("studio/a").is_none());
    assert!(hub.send(publish_as("studio/a", "studio")).await.unwrap().is_ok());
}

#[actix::test]
async fn streams_from_a_template_follow_it_and_go_with_it() {
    let (hub, streams) = start_hub();
    hub.send(studio()).await.unwrap();
    let writer = hub.send(publish_as("studio/a", "studio")).await.unwrap().unwrap();
    let mut changed = studio();
    changed.templates[0].stream.password = Some(Password("new".to_owned()));
    hub.send(changed).await.unwrap();
    assert!(writer.write(StreamItem::Discontinuity).is_ok());
    assert_eq!(refusal(&hub, "studio/a", "studio").await, Some(PublishRefused::WrongPassword));
    let configured =
        StreamSpec { name: "studio/a".parse().unwrap(), ..spec(vec![publish_input()]) };
    hub.send(SetStreams { streams: vec![configured], ..studio() }).await.unwrap();
    assert!(writer.write(StreamItem::Discontinuity).is_ok(), "it became a configured one");
    assert!(!streams.find("studio/a").unwrap().spec.is_from_template);
    hub.send(SetStreams::default()).await.unwrap();
    hub.send(StopNamed("other".parse().unwrap())).await.unwrap();
    assert!(streams.all().is_empty() && writer.write(StreamItem::Discontinuity).is_err());
}

#[actix::test]
async fn stopping_a_stream_from_a_template_removes_it() {
    let (hub, streams) = start_hub();
    hub.send(studio()).await.unwrap();
    let writer = hub.send(publish_as("studio/a", "studio")).await.unwrap().unwrap();
    assert!(hub.send(StopNamed("studio/a".parse().unwrap())).await.unwrap());
    let stream = streams.find("studio/a").unwrap();
    stream.actor.send(StartStream).await.unwrap_or_default();
    assert!(writer.write(StreamItem::Discontinuity).is_err());
    // A publisher need not wait until the hub has noticed.
    assert!(hub.send(publish_as("studio/a", "studio")).await.unwrap().is_ok());
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
