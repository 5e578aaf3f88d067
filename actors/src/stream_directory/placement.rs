//! Which of several holders a client is sent to (SPEC 5.2).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use smallvec::SmallVec;

use super::client_memory::{ClientMemory, is_same_peer};
use super::peer_link::PeerLink;
use super::table::{Holder, hash_of};
use super::view::{Ask, Choice};
use crate::names::Protocol;
use crate::report::StreamState;

type Candidates<'a> = SmallVec<[&'a Holder; 8]>;

/// Chooses among `holders`: running and starting ones before on-demand ones, never failed ones.
///
/// Of running ones an HLS client keeps its own; else two are drawn and the less loaded wins. Of
/// on-demand ones the name decides, the same on every node, so that one of them starts.
pub(super) fn choose<'a>(
    name: &str,
    holders: &'a [Holder],
    ask: &Ask,
    memory: &ClientMemory,
    random: &Random,
) -> Option<(&'a Arc<PeerLink>, Choice)> {
    let open = |is_wanted: fn(StreamState) -> bool| -> Candidates<'a> {
        let is_open = |h: &&Holder| h.link.is_open_for(ask.protocol, ask.now);
        holders.iter().filter(|h| is_wanted(h.state)).filter(is_open).collect()
    };
    let has_room = |h: &&Holder| !h.link.is_over_cpu_limit();
    let running = open(|s| matches!(s, StreamState::Running | StreamState::Starting));
    let client = ask.client.filter(|_| ask.protocol == Protocol::Hls);
    if let Some(serial) = client.and_then(|client| memory.recall(client)) {
        let kept = running.iter().find(|h| is_same_peer(serial, h.link.serial()));
        if let Some(kept) = kept {
            return Some((&kept.link, Choice::Kept));
        }
    }
    let free: Candidates<'a> = running.into_iter().filter(has_room).collect();
    let (link, choice) = match free.as_slice() {
        [] => {
            let idle = open(|s| s == StreamState::Ondemand);
            let by_name = idle.into_iter().filter(has_room).max_by_key(|h| score(name, &h.link));
            (&by_name?.link, Choice::ByName)
        }
        [only] => (&only.link, Choice::Only),
        several => (draw_two(several, random), Choice::LessLoaded),
    };
    link.count_redirect();
    if let Some(client) = client {
        memory.remember(client, link.serial());
    }
    Some((link, choice))
}

/// Draws two different holders at random and takes the less loaded one.
fn draw_two<'a>(several: &[&'a Holder], random: &Random) -> &'a Arc<PeerLink> {
    let one = random.below(several.len());
    let step = 1 + random.below(several.len() - 1);
    let (one, two) = (several[one], several[(one + step) % several.len()]);
    if two.link.load().is_less_than(one.link.load()) { &two.link } else { &one.link }
}

/// Rendezvous hashing: the holder with the highest score is the same wherever it is computed.
pub(super) fn score(name: &str, link: &PeerLink) -> u64 {
    score_of(name, link.identity())
}

/// The same for the node of that identity.
pub(super) fn score_of(name: &str, identity: u64) -> u64 {
    mix(hash_of(name) ^ identity.rotate_left(32))
}

/// A stream of numbers that are good enough to spread load, shared by all threads.
#[derive(Debug)]
pub(super) struct Random {
    state: AtomicU64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    /// A number below `bound`, which is not zero.
    fn below(&self, bound: usize) -> usize {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let drawn = mix(self.state.fetch_add(STEP, Relaxed).wrapping_add(STEP));
        usize::try_from(drawn >> 33).unwrap_or(0) % bound
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators, 2014).
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
