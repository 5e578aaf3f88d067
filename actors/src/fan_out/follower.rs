//! One player's way through an output.

use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use bytes::Bytes;

use super::group::Group;
use super::{Batch, Feed, Member, REFILL_BYTES, Refill, Rewrite};
use crate::live_stream::{ReadyChunk, RingCursor, RingRead};

/// What an outbox is fed from; leaves its group when dropped.
pub(super) struct Follower {
    group: Rc<Group>,
    place: usize,
    cursor: RingCursor,
    /// The bytes up to the next start mean nothing to this player.
    awaits_start: bool,
    skips: u32,
    rewrite: Option<Rewrite>,
}

impl Follower {
    pub(super) fn join(
        group: Rc<Group>,
        player: Weak<dyn Member>,
        begin: RingCursor,
        rewrite: Option<Rewrite>,
    ) -> Self {
        let place = group.join(player);
        Self { group, place, cursor: begin, awaits_start: true, skips: 0, rewrite }
    }

    fn give(&mut self, chunk: &ReadyChunk, queue: &mut VecDeque<Bytes>) {
        if self.awaits_start {
            let Some(start) = &chunk.start else {
                return;
            };
            self.awaits_start = false;
            if !start.prelude.is_empty() {
                queue.push_back(start.prelude.clone());
            }
        }
        let bytes = match &mut self.rewrite {
            Some(rewrite) => rewrite(chunk),
            None => chunk.bytes.clone(),
        };
        if !bytes.is_empty() {
            queue.push_back(bytes);
        }
    }
}

impl Feed for Follower {
    fn refill(&mut self, queue: &mut VecDeque<Bytes>) -> Refill {
        let output = Arc::clone(self.group.output());
        let mut chunks = Vec::new();
        while queue.is_empty() {
            let end = self.group.position();
            match output.read_until(end, &mut self.cursor, REFILL_BYTES, &mut chunks) {
                RingRead::Taken => {}
                RingRead::Skipped => {
                    self.skips += 1;
                    self.awaits_start = true;
                    if self.skips > self.group.skips_max() {
                        return Refill::FellBehind;
                    }
                }
                RingRead::Closed => return Refill::Ended,
                RingRead::Empty if self.group.is_over() => return Refill::Ended,
                RingRead::Empty => return Refill::InStep,
            }
            for chunk in std::mem::take(&mut chunks) {
                self.give(&chunk, queue);
            }
        }
        self.group.count(queue.iter().map(Bytes::len).sum());
        Refill::Added
    }

    fn takes(&mut self, batch: &Batch) -> bool {
        let is_in_step = self.cursor == batch.begin && !self.awaits_start && self.rewrite.is_none();
        if is_in_step {
            self.cursor = batch.end;
        }
        is_in_step
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.group.leave(self.place);
    }
}
