//! Players in step, out of step, and too slow, over pipes with little room.

use std::cell::RefCell;
use std::future::Future;

use actix_rt::spawn;
use actix_rt::task::JoinHandle;
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::time::Instant;
use watershed_media::live::StartPoint;
use watershed_media::time::Ticks;

use super::*;
use crate::live_stream::tests::spec;
use crate::live_stream::{Ring, RingLimits};
use crate::outbox::{OutboxError, OutboxLimits};

const SETTINGS: FanOutSettings = FanOutSettings {
    write_batching: Duration::from_millis(40),
    silence_max: Duration::from_secs(20),
    skips_max: 2,
};

/// A stream whose ring holds ten chunks of ten bytes.
struct Stage {
    broadcast: Arc<Broadcast>,
    output: Arc<LiveOutput>,
    pushed: u8,
}

struct Player {
    outbox: Outbox,
    far: DuplexStream,
    writing: JoinHandle<Result<(), OutboxError>>,
}

impl Stage {
    fn new() -> Self {
        let broadcast = Arc::new(Broadcast::new(&spec(Vec::new()), "id"));
        let limits = RingLimits { bytes_max: 100, age_max: Ticks(1_000_000) };
        Self { broadcast, output: Arc::new(Ring::new(limits)), pushed: 0 }
    }

    /// Pushes ten bytes that hold their number; a start has a prelude.
    fn push(&mut self, is_start: bool) {
        self.pushed += 1;
        let prelude = Bytes::from_static(b"prelude");
        let start = is_start.then(|| Arc::new(StartPoint { prelude, rtp: Vec::new() }));
        let bytes = Bytes::from(vec![self.pushed; 10]);
        self.output.push(ReadyChunk { bytes, dts: Ticks(self.pushed.into()), start });
    }

    fn play(&self, room: usize, rewrite: Option<Rewrite>) -> Player {
        let (near, far) = duplex(room);
        let (outbox, writing) = Outbox::new(near, OutboxLimits::CONTROL);
        let (broadcast, output) = (Arc::clone(&self.broadcast), Arc::clone(&self.output));
        let media = Media::from_newest_start(broadcast, output, Protocol::Rtmp);
        let media = Media { rewrite, ..media };
        follow(&outbox, media, SETTINGS);
        Player { outbox, far, writing: spawn(writing) }
    }
}

impl Player {
    /// What has arrived within `wait`, each run of ten equal bytes as its number.
    async fn read(&mut self, wait: Duration) -> String {
        let mut bytes = Vec::new();
        let _ = tokio::time::timeout(wait, self.far.read_to_end(&mut bytes)).await;
        let mut seen = Vec::new();
        let mut rest = &bytes[..];
        while let Some(first) = rest.first() {
            let prelude = rest.strip_prefix(b"prelude");
            seen.push(prelude.map_or_else(|| first.to_string(), |_| "prelude".to_owned()));
            rest = prelude.unwrap_or_else(|| &rest[10..]);
        }
        seen.join(" ")
    }
}

fn batch() -> impl Future<Output = ()> {
    tokio::time::sleep(Duration::from_millis(100))
}

const MOMENT: Duration = Duration::from_millis(100);

#[actix::test]
async fn player_begins_at_the_last_start_and_goes_on_in_step() {
    tokio::time::pause();
    let mut stage = Stage::new();
    stage.push(true);
    stage.push(true);
    stage.push(false);
    let mut player = stage.play(1000, None);
    assert_eq!(player.read(MOMENT).await, "prelude 2 3");
    stage.push(false);
    stage.push(true);
    assert_eq!(player.read(MOMENT).await, "4 5");
    assert_eq!(player.outbox.sent_bytes().load(std::sync::atomic::Ordering::Relaxed), 47);
    let counted = stage.broadcast.counters().bytes_out_by_protocol();
    let counted: Vec<_> = counted.filter(|(_, bytes)| *bytes > 0).collect();
    assert_eq!(counted, [("rtmp", 47)]);
}

#[actix::test]
async fn player_without_a_start_waits_for_it() {
    tokio::time::pause();
    let mut stage = Stage::new();
    stage.push(false);
    let mut player = stage.play(1000, None);
    stage.push(false);
    assert_eq!(player.read(MOMENT).await, "");
    stage.push(true);
    stage.push(false);
    assert_eq!(player.read(MOMENT).await, "prelude 3 4");
}

#[actix::test]
async fn what_a_socket_does_not_take_at_once_follows_without_loss() {
    tokio::time::pause();
    let mut stage = Stage::new();
    stage.push(true);
    let mut player = stage.play(7, None);
    for _ in 0..6 {
        batch().await;
        stage.push(false);
    }
    assert_eq!(player.read(MOMENT).await, "prelude 1 2 3 4 5 6 7");
    stage.push(false);
    assert_eq!(player.read(MOMENT).await, "8");
}

/// A viewer that stops reading: dropped after the ring passes it, others unaffected, memory flat.
#[actix::test]
async fn viewer_that_stops_reading_is_dropped_and_others_are_unaffected() {
    tokio::time::pause();
    let mut stage = Stage::new();
    stage.push(true);
    let (stalled, mut other) = (stage.play(7, None), stage.play(10_000, None));
    for number in 2..200 {
        stage.push(number % 5 == 0);
        batch().await;
        assert!(stalled.outbox.queued_bytes() <= 20, "{}", stalled.outbox.queued_bytes());
    }
    let seen = other.read(MOMENT).await;
    assert_eq!(seen.split(' ').count(), 200, "{seen}");
    let ended = tokio::time::timeout(Duration::from_secs(60), stalled.writing).await;
    assert!(matches!(ended.unwrap().unwrap(), Err(OutboxError::TimedOut(_))));
}

#[actix::test]
async fn reader_slower_than_its_stream_skips_to_keyframes_and_is_then_dropped() {
    tokio::time::pause();
    let mut stage = Stage::new();
    stage.push(true);
    let mut slow = stage.play(7, None);
    let mut seen = String::new();
    for number in 2..200 {
        stage.push(number % 5 == 0);
        seen += &slow.read(Duration::from_millis(1)).await;
        seen += " ";
        for _ in 0..12 {
            stage.push(false);
        }
        if slow.writing.is_finished() {
            break;
        }
        stage.pushed = stage.pushed.min(100);
    }
    assert!(matches!(slow.writing.await.unwrap(), Err(OutboxError::FellBehind)), "{seen}");
}

#[actix::test]
async fn rewritten_media_is_for_one_player_alone() {
    tokio::time::pause();
    let mut stage = Stage::new();
    stage.push(true);
    let mut plain = stage.play(1000, None);
    let mut other = stage.play(1000, Some(Box::new(|chunk| chunk.bytes.slice(..0))));
    stage.push(true);
    assert_eq!(plain.read(MOMENT).await, "prelude 1 2");
    assert_eq!(other.read(MOMENT).await, "prelude");
}

#[actix::test]
async fn players_end_with_the_stream_and_after_silence() {
    tokio::time::pause();
    let mut stage = Stage::new();
    stage.push(true);
    let player = stage.play(1000, None);
    batch().await;
    stage.output.close();
    player.writing.await.unwrap().unwrap();

    let mut silent = Stage::new();
    silent.push(true);
    let player = silent.play(1000, None);
    let begin = tokio::time::Instant::now();
    player.writing.await.unwrap().unwrap();
    assert_eq!(begin.elapsed().as_secs(), SETTINGS.silence_max.as_secs());
}

/// A player that notes what it is offered and when; the first time, the stream goes on meanwhile.
struct Watcher {
    stage: RefCell<Stage>,
    begin: Instant,
    offered: RefCell<Vec<(u128, usize)>>,
}

impl Watcher {
    fn new() -> Rc<Self> {
        let (stage, offered) = (RefCell::new(Stage::new()), RefCell::default());
        Rc::new(Self { stage, begin: Instant::now(), offered })
    }

    fn group(&self) -> Rc<Group> {
        let stage = self.stage.borrow();
        let (broadcast, output) = (Arc::clone(&stage.broadcast), Arc::clone(&stage.output));
        Group::of(broadcast, output, Protocol::Rtmp, SETTINGS)
    }
}

impl Member for Watcher {
    fn offer(&self, batch: &Batch) -> usize {
        let mut offered = self.offered.borrow_mut();
        if offered.is_empty() {
            self.stage.borrow_mut().push(false);
        }
        // A timer may be a millisecond late.
        offered.push((self.begin.elapsed().as_millis() / 10, batch.bytes.len()));
        batch.bytes.len()
    }

    fn wake(&self) {}
}

#[actix::test]
async fn batch_is_timed_from_its_first_piece_and_given_once() {
    tokio::time::pause();
    let watcher = Watcher::new();
    let player: Rc<dyn Member> = watcher.clone();
    watcher.group().join(Rc::downgrade(&player));
    tokio::time::sleep(Duration::from_millis(100)).await;
    watcher.stage.borrow_mut().push(true);
    tokio::time::sleep(Duration::from_millis(30)).await;
    watcher.stage.borrow_mut().push(false);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(*watcher.offered.borrow(), [(14, 20), (18, 10)]);
}

#[actix::test]
async fn full_group_is_followed_by_another() {
    let watcher = Watcher::new();
    let player: Rc<dyn Member> = watcher.clone();
    let first = watcher.group();
    for place in 0..128 {
        assert!(Rc::ptr_eq(&watcher.group(), &first), "{place}");
        first.join(Rc::downgrade(&player));
    }
    let second = watcher.group();
    assert!(!Rc::ptr_eq(&second, &first));
    first.leave(5);
    assert!(Rc::ptr_eq(&watcher.group(), &first));
}
