//! Which holder an HLS client was last sent to: bounded, lock-free, and allowed to forget.
//!
//! Players reload their playlist every few seconds; one that were sent to another holder each time
//! would see two different timelines. Sets of four slots, each one word: the upper 40 bits say
//! which client, the lower 24 which peer. A full set forgets one of its four.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Sets of slots: 131,072 clients in one mebibyte.
const SETS: usize = 1 << 15;

/// Slots a client may be in.
const WAYS: usize = 4;

const PEER_BITS: u32 = 24;
const PEER_MASK: u64 = (1 << PEER_BITS) - 1;

/// The memory.
#[derive(Debug)]
pub(super) struct ClientMemory {
    sets: Box<[[AtomicU64; WAYS]]>,
}

impl ClientMemory {
    pub(super) fn new() -> Self {
        Self { sets: (0..SETS).map(|_| [const { AtomicU64::new(0) }; WAYS]).collect() }
    }

    /// The serial of the peer this client was last sent to, in its lower 24 bits.
    pub(super) fn recall(&self, client: u64) -> Option<u32> {
        let tag = tag_of(client);
        let words = self.set_of(client).iter().map(|slot| slot.load(Relaxed));
        let word = words.into_iter().find(|word| word & !PEER_MASK == tag)?;
        u32::try_from(word & PEER_MASK).ok()
    }

    /// Notes the peer this client is sent to.
    pub(super) fn remember(&self, client: u64, serial: u32) {
        let tag = tag_of(client);
        let word = tag | (u64::from(serial) & PEER_MASK);
        let set = self.set_of(client);
        let same_or_free = set.iter().find(|slot| {
            let held = slot.load(Relaxed);
            held == 0 || held & !PEER_MASK == tag
        });
        let victim = usize::try_from(client >> 60).unwrap_or(0) % WAYS;
        let slot = same_or_free.unwrap_or(&set[victim]);
        if slot.load(Relaxed) != word {
            slot.store(word, Relaxed);
        }
    }

    fn set_of(&self, client: u64) -> &[AtomicU64; WAYS] {
        &self.sets[usize::try_from(client).unwrap_or(0) % SETS]
    }
}

/// Whether `serial` is the one a recalled word means.
pub(super) fn is_same_peer(recalled: u32, serial: u32) -> bool {
    u64::from(recalled) == u64::from(serial) & PEER_MASK
}

/// The client's upper bits, never zero: a zero word is a free slot.
fn tag_of(client: u64) -> u64 {
    (client & !PEER_MASK).max(1 << PEER_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_remembered_until_others_need_the_room() {
        let memory = ClientMemory::new();
        let client = |n: u64| n << PEER_BITS | 7;
        assert_eq!(memory.recall(client(1)), None);
        memory.remember(client(1), 42);
        memory.remember(client(1), 43);
        memory.remember(client(2), 44);
        assert_eq!((memory.recall(client(1)), memory.recall(client(2))), (Some(43), Some(44)));
        for n in 3..100 {
            memory.remember(client(n), 1);
        }
        let kept = (1..100).filter(|n| memory.recall(client(*n)).is_some()).count();
        assert_eq!(kept, WAYS);
    }
}
