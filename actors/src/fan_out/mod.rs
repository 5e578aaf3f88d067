//! One stream to many players: one wake-up a group and batch, one write a player.
//!
//! The players of an output on one thread form groups. A group's task waits for media, collects it
//! for `write_batching`, joins it once and offers the same bytes to every player's outbox; a player
//! in step writes them right there. A player that is new, slow or wants them changed follows at its
//! own pace from the ring, and is back in step when it has all that the group has given.
//!
//! ```text
//!  ring ─▶ Group: wait ▸ collect ▸ join ─ offer(Batch) ─▶ outbox, outbox, outbox … (this thread)
//!    └───────────── Follower::refill ────────────────────▶ outbox out of step
//! ```
//!
//! Groups belong to their thread; nothing here is shared between threads but the ring.

mod follower;
mod group;

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::live_stream::{Broadcast, LiveOutput, ReadyChunk, RingCursor};
use crate::names::Protocol;
use crate::outbox::Outbox;
use follower::Follower;
use group::Group;

/// How players are written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FanOutSettings {
    /// Media is collected this long from the first piece on and written at once; zero writes each
    /// piece as it comes.
    pub write_batching: Duration,
    /// Players end after this long without media.
    pub silence_max: Duration,
    /// A player that falls out of the ring more often than this is too slow for the stream.
    pub skips_max: u32,
}

/// Makes of a chunk what one player alone wants; it costs a copy a player.
pub type Rewrite = Box<dyn FnMut(&ReadyChunk) -> Bytes>;

/// What a player follows.
pub struct Media {
    /// The stream.
    pub broadcast: Arc<Broadcast>,
    /// Its ready bytes.
    pub output: Arc<LiveOutput>,
    /// What the player speaks; all that follow one output speak the same.
    pub protocol: Protocol,
    /// Where the player begins.
    pub begin: RingCursor,
    /// Changes the bytes for this player, if it needs them otherwise.
    pub rewrite: Option<Rewrite>,
}

impl Media {
    /// From the last keyframe on, or the next one where there is none.
    #[must_use]
    pub fn from_newest_start(
        broadcast: Arc<Broadcast>,
        output: Arc<LiveOutput>,
        protocol: Protocol,
    ) -> Self {
        let begin = output.newest_start();
        Self { broadcast, output, protocol, begin, rewrite: None }
    }
}

/// A player's connection as its group sees it.
pub trait Member {
    /// Gives the player its media: at once if it is in step with the stream, else it takes it in
    /// its own time. Yields how many bytes were given.
    fn offer(&self, batch: &Batch) -> usize;

    /// Makes the player look at its feed.
    fn wake(&self);
}

/// Where a player's connection takes media from, whenever it has nothing else to write.
pub trait Feed {
    /// Adds the next pieces that the client has not had, about [`REFILL_BYTES`] at most.
    fn refill(&mut self, queue: &mut VecDeque<Bytes>) -> Refill;

    /// Whether `batch` is exactly what the client lacks. If so, it counts as given.
    fn takes(&mut self, batch: &Batch) -> bool;
}

/// What [`Feed::refill`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refill {
    /// There are pieces to be written.
    Added,
    /// Nothing for now: the client is in step.
    InStep,
    /// Nothing any more: the stream has ended.
    Ended,
    /// The client has missed too much.
    FellBehind,
}

/// How much a feed adds at once.
pub const REFILL_BYTES: usize = 64 * 1024;

/// What all players of a stream that are in step are sent next.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Where in the stream it begins.
    pub begin: RingCursor,
    /// Where it ends.
    pub end: RingCursor,
    /// The bytes between.
    pub bytes: Bytes,
}

/// Makes `outbox` write `media`, until it is told to follow something else, the stream ends, or the
/// client cannot keep up.
pub fn follow(outbox: &Outbox, media: Media, settings: FanOutSettings) {
    outbox.follow(Some(feed(&outbox.member(), media, settings)));
}

/// What `player` is to be fed from.
#[must_use]
pub fn feed(player: &Rc<dyn Member>, media: Media, settings: FanOutSettings) -> Box<dyn Feed> {
    let group = Group::of(media.broadcast, media.output, media.protocol, settings);
    Box::new(Follower::join(group, Rc::downgrade(player), media.begin, media.rewrite))
}

#[cfg(test)]
mod tests;
