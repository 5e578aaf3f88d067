//! Players of one output on one thread that are written to together.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::task::{unconstrained, yield_now};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Batch, FanOutSettings, Member};
use crate::live_stream::{Broadcast, LiveOutput, RingCursor, RingRead, Taker};
use crate::names::Protocol;

/// Most bytes joined into one batch; what is beyond follows at once.
const BATCH_BYTES: usize = 256 << 10;
/// Players of a group. What they are given at once lies in memory until they read it: that much
/// stays in the processor's caches, what thousands are given at once does not.
const PLAYERS_MAX: usize = 128;
/// A thread whose players take longer than this part of its time collects for longer: fewer, larger
/// writes are what brings a busy thread back.
const BUSY_SHARE: u32 = 8;
/// But not for longer than this: what costs by the byte costs no less when it is collected, and the
/// ring goes on.
const COLLECT_MAX: Duration = Duration::from_millis(200);

thread_local! {
    /// The groups of this thread, by the address of their output, which they keep alive.
    static GROUPS: RefCell<HashMap<usize, Vec<Rc<Group>>>> = RefCell::default();
    /// How long all groups of this thread write when each has its turn once.
    static ROUND: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The players and where in the stream those in step stand.
pub(super) struct Group {
    broadcast: Arc<Broadcast>,
    output: Arc<LiveOutput>,
    /// What the players of that output speak.
    protocol: Protocol,
    settings: FanOutSettings,
    position: Cell<RingCursor>,
    is_over: Cell<bool>,
    /// This group's part of the round.
    turn: Cell<Duration>,
    /// Empty places are taken again.
    members: RefCell<Vec<Option<Weak<dyn Member>>>>,
}

impl Group {
    /// A group of `output` on this thread with room for a player.
    pub(super) fn of(
        broadcast: Arc<Broadcast>,
        output: Arc<LiveOutput>,
        protocol: Protocol,
        settings: FanOutSettings,
    ) -> Rc<Self> {
        let key = key(&output);
        let with_room = |groups: &HashMap<usize, Vec<Rc<Self>>>| {
            groups.get(&key)?.iter().find(|group| group.has_room()).cloned()
        };
        if let Some(group) = GROUPS.with_borrow(with_room) {
            return group;
        }
        let group = Rc::new(Self {
            broadcast,
            position: Cell::new(output.end()),
            output,
            protocol,
            settings,
            is_over: Cell::new(false),
            turn: Cell::default(),
            members: RefCell::default(),
        });
        GROUPS.with_borrow_mut(|groups| groups.entry(key).or_default().push(Rc::clone(&group)));
        let task = Task(Rc::clone(&group));
        // Not interrupted by tokio's budget, which would make sockets look full that are not.
        actix_rt::spawn(unconstrained(async move { task.0.run().await }));
        group
    }

    pub(super) const fn output(&self) -> &Arc<LiveOutput> {
        &self.output
    }

    pub(super) const fn skips_max(&self) -> u32 {
        self.settings.skips_max
    }

    /// Where players in step stand.
    pub(super) const fn position(&self) -> RingCursor {
        self.position.get()
    }

    /// Whether nothing will come any more.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Counts bytes given to a player.
    pub(super) fn count(&self, bytes: usize) {
        self.broadcast.counters().sent(Taker::Client(self.protocol), bytes);
    }

    fn has_room(&self) -> bool {
        let members = self.members.borrow();
        members.len() < PLAYERS_MAX || members.iter().any(Option::is_none)
    }

    /// Adds a player; the answer is its place.
    pub(super) fn join(&self, player: Weak<dyn Member>) -> usize {
        let mut members = self.members.borrow_mut();
        let place = members.iter().position(Option::is_none).unwrap_or(members.len());
        if place == members.len() {
            members.push(None);
        }
        members[place] = Some(player);
        place
    }

    /// Takes the player at `place` out.
    pub(super) fn leave(&self, place: usize) {
        let mut members = self.members.borrow_mut();
        if let Some(member) = members.get_mut(place) {
            *member = None;
        }
        while members.last().is_some_and(Option::is_none) {
            members.pop();
        }
    }

    async fn run(&self) {
        let mut changed = self.output.subscribe();
        loop {
            changed.borrow_and_update();
            let begin = Instant::now();
            self.set_turn(self.give_all().await);
            if self.is_over() || self.members.borrow().is_empty() {
                return;
            }
            let rested = begin + (BUSY_SHARE * ROUND.get()).min(COLLECT_MAX);
            match timeout(self.settings.silence_max, changed.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return,
            }
            if !self.settings.write_batching.is_zero() {
                // Timed from the first piece, which waits longest.
                sleep_until(rested.max(Instant::now() + self.settings.write_batching)).await;
            }
        }
    }

    /// Notes how long this group's last turn took.
    fn set_turn(&self, turn: Duration) {
        let others = ROUND.get().saturating_sub(self.turn.replace(turn));
        ROUND.set(others + turn);
    }

    /// Gives the players all that is new by now; the answer is how long that took. What comes
    /// meanwhile begins the next batch.
    async fn give_all(&self) -> Duration {
        let now = self.output.end();
        let mut chunks = Vec::new();
        let mut turn = Duration::ZERO;
        loop {
            let begin = self.position.get();
            let mut end = begin;
            let read = self.output.read_until(now, &mut end, BATCH_BYTES, &mut chunks);
            self.position.set(end);
            match read {
                RingRead::Taken => {}
                // Nobody was in step with what is lost.
                RingRead::Skipped => {
                    chunks.clear();
                    self.wake_all();
                    continue;
                }
                RingRead::Empty => return turn,
                RingRead::Closed => {
                    self.is_over.set(true);
                    return turn;
                }
            }
            let bytes = match &chunks[..] {
                [chunk] => chunk.bytes.clone(),
                chunks => {
                    let size = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
                    let mut joined = BytesMut::with_capacity(size);
                    chunks.iter().for_each(|chunk| joined.extend_from_slice(&chunk.bytes));
                    joined.freeze()
                }
            };
            chunks.clear();
            let begun = Instant::now();
            self.offer_to_all(&Batch { begin, end, bytes });
            turn += begun.elapsed();
            // The thread's other tasks.
            yield_now().await;
        }
    }

    fn offer_to_all(&self, batch: &Batch) {
        let members = self.members.borrow();
        let players = members.iter().flatten().filter_map(Weak::upgrade);
        self.count(players.map(|player| player.offer(batch)).sum());
    }

    fn wake_all(&self) {
        let members = self.members.borrow();
        members.iter().flatten().filter_map(Weak::upgrade).for_each(|player| player.wake());
    }
}

/// Ends the group however its task ends.
struct Task(Rc<Group>);

impl Drop for Task {
    fn drop(&mut self) {
        let group = &self.0;
        group.is_over.set(true);
        group.set_turn(Duration::ZERO);
        // Gone with the thread where that ends.
        let _ = GROUPS.try_with(|groups| {
            let mut groups = groups.borrow_mut();
            let Entry::Occupied(mut same) = groups.entry(key(&group.output)) else {
                return;
            };
            same.get_mut().retain(|other| !Rc::ptr_eq(other, group));
            if same.get().is_empty() {
                same.remove();
            }
        });
        group.wake_all();
    }
}

fn key(output: &Arc<LiveOutput>) -> usize {
    Arc::as_ptr(output).addr()
}
