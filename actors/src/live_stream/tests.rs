//! Whole streams with a scripted input: what goes out, and what the actor makes of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use watershed_media::packet::{MediaPacket, StreamItem};
use watershed_media::time::Ticks;
use watershed_media::track::{AudioShape, CodecConfig, Track, TrackId};

use super::*;
use crate::names::StreamName;

pub(crate) fn spec(inputs: Vec<InputSpec>) -> StreamSpec {
    StreamSpec {
        name: "event".parse::<StreamName>().unwrap(),
        title: None,
        inputs,
        is_static: true,
        clients_timeout: Duration::from_secs(60),
        retry_limit: None,
        password: None,
        segment_duration: Duration::from_secs(4),
        segment_count: 4,
        publish_takeover: false,
        max_sessions: None,
        is_from_template: false,
    }
}

pub(crate) fn publish_input() -> InputSpec {
    InputSpec { source: InputSource::Publish, priority: 1, source_timeout: Duration::from_secs(10) }
}

fn tracks() -> StreamItem {
    let audio = AudioShape { sample_rate: 48_000, channels: 2 };
    let track = Track { id: TrackId(0), codec: CodecConfig::Mp3 { audio }, language: None };
    StreamItem::Tracks(Arc::new([track]))
}

fn packet(seconds: u64) -> StreamItem {
    let time = Ticks::from(Duration::from_secs(seconds));
    StreamItem::Packet(MediaPacket {
        track: TrackId(0),
        dts: time,
        pts: time,
        is_keyframe: true,
        payload: Bytes::from_static(&[0xff; 400]),
    })
}

fn write(broadcast: &Broadcast, input: usize, item: StreamItem, now: Instant) -> bool {
    broadcast.write(input, item, now, &AtomicBool::new(false))
}

fn broadcast() -> Broadcast {
    Broadcast::new(&spec(vec![publish_input()]), "first")
}

#[test]
fn facts_can_be_asked_while_media_is_written_and_captures_change() {
    let broadcast = broadcast();
    let start = Instant::now();
    write(&broadcast, 0, tracks(), start);
    std::thread::scope(|scope| {
        scope.spawn(|| (0..2000).for_each(|time| _ = write(&broadcast, 0, packet(time), start)));
        scope.spawn(|| (0..2000).for_each(|_| broadcast.begin_anew("next")));
        scope.spawn(|| (0..2000).for_each(|_| drop(broadcast.facts())));
    });
}

/// Writes a frame a second, sent at its time after `start`, and says which segments are listed.
pub(crate) fn play(
    broadcast: &Broadcast,
    seconds: std::ops::Range<u64>,
    start: Instant,
) -> Vec<String> {
    write(broadcast, 0, tracks(), start);
    for second in seconds {
        write(broadcast, 0, packet(second), start + Duration::from_secs(second));
    }
    broadcast.hls(|hls| hls.window().listed().map(|segment| segment.name.clone()).collect())
}

fn media_sequence(broadcast: &Broadcast) -> u64 {
    broadcast.hls(|hls| hls.window().media_sequence())
}

#[test]
fn publisher_that_returns_after_long_finds_nothing_of_the_last_one() {
    let (broadcast, start) = (broadcast(), Instant::now());
    let before = play(&broadcast, 0..21, start);
    let (sequence, capture) = (media_sequence(&broadcast), broadcast.facts().capture.capture_id);
    broadcast.lose_input(0);
    let listed = play(&broadcast, 40..41, start);
    assert_eq!((before.len(), listed.len()), (4, 0));
    assert!(media_sequence(&broadcast) >= sequence + 4);
    assert_ne!(broadcast.facts().capture.capture_id, capture);
    let mut batch = Vec::new();
    broadcast.ts().read(&mut broadcast.ts().newest_start(), usize::MAX, &mut batch);
    assert_eq!(batch.len(), 1, "only what came after the return");
}

#[test]
fn publisher_that_returns_soon_keeps_the_window_with_a_break_in_it() {
    let (broadcast, start) = (broadcast(), Instant::now());
    let before = play(&broadcast, 0..21, start);
    broadcast.lose_input(0);
    let listed = play(&broadcast, 30..35, start);
    assert_eq!(before[2..], listed[..2]);
    let breaks = broadcast.hls(|hls| {
        hls.window().listed().map(|segment| segment.is_discontinuous).collect::<Vec<_>>()
    });
    assert_eq!(breaks, [false, false, false, true]);
}

#[test]
fn stream_is_alive_for_twelve_seconds_after_a_frame_whatever_the_wall_clock_says() {
    let (broadcast, start) = (broadcast(), Instant::now());
    assert!(!broadcast.is_alive(start));
    play(&broadcast, 0..1, start);
    let after = |seconds| start + Duration::from_secs(seconds);
    assert!(broadcast.is_alive(after(11)) && !broadcast.is_alive(after(12)));
    broadcast.lose_input(0);
    assert!(!broadcast.is_alive(after(1)));
}

#[test]
fn each_input_that_goes_on_air_is_told_of() {
    let better = publish_input();
    let worse = InputSpec { priority: 2, ..publish_input() };
    let broadcast = Broadcast::new(&spec(vec![better, worse]), "first");
    let now = Instant::now();
    for input in [1, 0] {
        write(&broadcast, input, tracks(), now);
        assert!(write(&broadcast, input, packet(input as u64), now), "input {input}");
        assert!(!write(&broadcast, input, packet(2), now));
    }
}

/// The actor of `spec`, its outputs, and who hears of it.
fn start_stream(spec: StreamSpec) -> (Addr<LiveStream>, Arc<Broadcast>, Addr<Directory>) {
    let broadcast = Arc::new(Broadcast::new(&spec, "first"));
    let directory = Directory::default().start();
    let ear = directory.clone().recipient();
    (LiveStream::new(spec, Arc::clone(&broadcast), ear).start(), broadcast, directory)
}

/// Remembers whether the stream said last that it takes a publisher.
#[derive(Default)]
struct Directory {
    accepts_publish: Option<bool>,
}

impl Actor for Directory {
    type Context = Context<Self>;
}

impl Handler<LocalStreamChanged> for Directory {
    type Result = ();

    fn handle(&mut self, change: LocalStreamChanged, _ctx: &mut Self::Context) {
        self.accepts_publish = Some(change.stream.accepts_publish);
    }
}

#[derive(Debug, Message)]
#[rtype(result = "Option<bool>")]
struct AcceptsPublish;

impl Handler<AcceptsPublish> for Directory {
    type Result = Option<bool>;

    fn handle(&mut self, _: AcceptsPublish, _ctx: &mut Self::Context) -> Self::Result {
        self.accepts_publish
    }
}

/// Starts the first input with a reader that is dropped at once, as by a panic.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct LoseReader;

impl Handler<LoseReader> for LiveStream {
    type Result = ();

    fn handle(&mut self, _: LoseReader, ctx: &mut Self::Context) {
        self.started = Some(Instant::now());
        drop(self.open_input(0, ctx));
    }
}

fn file_input() -> InputSpec {
    InputSpec { source: InputSource::File("no/such/file.mp4".into()), ..publish_input() }
}

#[actix::test]
async fn file_reader_that_vanishes_is_a_failure_that_is_shown() {
    let stream_spec = StreamSpec { is_static: false, ..spec(vec![file_input()]) };
    let (stream, broadcast, _) = start_stream(stream_spec);
    stream.send(LoseReader).await.unwrap();
    stream.send(WentOnAir).await.unwrap();
    let facts = broadcast.facts().capture;
    assert_eq!(facts.retry_count, 1);
    let words = "the reader of the input ended unexpectedly";
    assert_eq!(facts.source_error.as_deref(), Some(words));
    let input = &facts.inputs[0];
    assert_eq!((input.state, input.retry_count), (InputState::Failed, 1));
    assert_eq!((input.error.as_deref(), input.is_active), (Some(words), false));
}

#[actix::test]
async fn inputs_tell_which_of_them_is_on_air_and_how_the_others_fare() {
    let fallback = InputSpec { priority: 2, ..file_input() };
    let (stream, broadcast, _) = start_stream(spec(vec![publish_input(), fallback]));
    let publish =
        Publish { proof: PasswordProof::Password(None), client: "127.0.0.1:1".parse().unwrap() };
    let writer = stream.send(publish).await.unwrap().unwrap();
    let told = async || {
        stream.send(WentOnAir).await.unwrap();
        broadcast.facts().capture.inputs
    };
    assert_eq!(told().await[0].state, InputState::Connecting);
    writer.write(tracks()).unwrap();
    writer.write(packet(0)).unwrap();
    let [first, second] = &told().await[..] else { panic!("two inputs") };
    assert_eq!((first.state, first.is_active, &first.error), (InputState::Running, true, &None));
    assert_eq!(first.last_frame_ms, broadcast.facts().last_frame_ms);
    assert_eq!((second.state, second.is_active), (InputState::Standby, false));
    assert_eq!(second.last_frame_ms, None);
    drop(writer);
    assert_eq!(told().await[0].state, InputState::Waiting);
}

#[actix::test]
async fn publisher_is_accepted_only_while_none_is_connected() {
    let (stream, _, directory) = start_stream(spec(vec![publish_input()]));
    let publish =
        Publish { proof: PasswordProof::Password(None), client: "127.0.0.1:1".parse().unwrap() };
    let writer = stream.send(publish).await.unwrap().unwrap();
    assert_eq!(directory.send(AcceptsPublish).await.unwrap(), Some(false));
    drop(writer);
    stream.send(WentOnAir).await.unwrap();
    assert_eq!(directory.send(AcceptsPublish).await.unwrap(), Some(true));
}

#[actix::test]
async fn takeover_ends_the_old_publisher_and_viewers_go_on() {
    let with_takeover = StreamSpec { publish_takeover: true, ..spec(vec![publish_input()]) };
    let (stream, broadcast, directory) = start_stream(with_takeover);
    let publish =
        || Publish { proof: PasswordProof::Password(None), client: "127.0.0.1:1".parse().unwrap() };
    let old = stream.send(publish()).await.unwrap().unwrap();
    old.write(tracks()).unwrap();
    old.write(packet(0)).unwrap();
    let mut cursor = broadcast.ts().newest_start();
    let mut batch = Vec::new();
    broadcast.ts().read(&mut cursor, usize::MAX, &mut batch);
    let new = stream.send(publish()).await.unwrap().unwrap();
    assert_eq!(old.write(packet(1)), Err(InputRevoked));
    drop(old);
    stream.send(StartStream).await.unwrap();
    assert_eq!(directory.send(AcceptsPublish).await.unwrap(), Some(true));
    new.write(tracks()).unwrap();
    new.write(packet(0)).unwrap();
    batch.clear();
    assert_eq!(broadcast.ts().read(&mut cursor, usize::MAX, &mut batch), RingRead::Taken);
    assert_eq!(batch.len(), 1, "the viewer reads on, and the end of the old one ended nothing");
}

#[test]
fn item_on_its_way_does_not_put_a_stopped_stream_on_air() {
    let (broadcast, now) = (broadcast(), Instant::now());
    let is_revoked = AtomicBool::new(true);
    for item in [tracks(), packet(0)] {
        assert!(!broadcast.write(0, item, now, &is_revoked));
    }
    assert!(!broadcast.is_alive(now) && broadcast.tracks().is_empty());
}

/// A stream whose timestamps jump by an hour, go backwards, or wrap (32-bit RTP and RTMP): played
/// on without a stall, counted.
#[test]
fn stream_whose_timestamps_jump_go_back_or_wrap_plays_on_and_it_is_counted() {
    let broadcast = broadcast();
    write(&broadcast, 0, tracks(), Instant::now());
    let hour = Ticks::from(Duration::from_secs(3600));
    let wrapped_millis = Ticks::from_millis(-(1 << 32));
    let wrapped_rtp = Ticks(-(1 << 32));
    let mut at = Ticks::ZERO;
    for jump in [Ticks::ZERO, hour, -hour, wrapped_millis, wrapped_rtp] {
        at += jump;
        for _ in 0..10 {
            at += Ticks::from_millis(20);
            let StreamItem::Packet(packet) = packet(0) else { unreachable!() };
            let item = StreamItem::Packet(MediaPacket { dts: at, pts: at, ..packet });
            write(&broadcast, 0, item, Instant::now());
        }
    }
    assert_eq!(broadcast.facts().timestamp_jumps, 4);
    let mut played = Vec::new();
    let packets = broadcast.packets();
    packets.read(&mut packets.newest_start(), usize::MAX, &mut played);
    let times: Vec<_> = played.iter().map(|live| live.packet.dts).collect();
    assert_eq!(times.len(), 50, "no packet is lost, and none waits: {times:?}");
    let steps: Vec<_> = times.windows(2).map(|pair| (pair[1] - pair[0]).millis()).collect();
    assert!(steps.iter().all(|step| (0..=100).contains(step)), "{steps:?}");
}

#[test]
fn output_opened_after_the_end_ends_at_once() {
    let broadcast = broadcast();
    broadcast.close();
    let output = broadcast.output(Container::Flv);
    assert_eq!(output.read(&mut output.newest_start(), 1, &mut Vec::new()), RingRead::Closed);
}
