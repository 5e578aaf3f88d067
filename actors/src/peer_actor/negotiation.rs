//! What asking a peer has taught: its id, its clock, and which of our keys it takes.
//!
//! Pure: the fetcher sends, this says what to send next after each refusal.

use super::fetcher::FetchFailure;
use crate::names::NodeId;
use crate::signature::{AnswerSigner, CLOCK_SKEW_MAX, ClusterKey};

/// Corrections in one fetch: the id and the clock, once each.
const CORRECTIONS_MAX: u32 = 2;

/// What is remembered from fetch to fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Learned {
    pub(super) target: Option<NodeId>,
    /// By how much the peer's clock is ahead of ours.
    pub(super) offset_s: i64,
    /// The place of the good key among the configured ones.
    pub(super) key_index: usize,
}

/// One fetch's row of attempts.
#[derive(Debug)]
pub(super) struct Negotiation {
    learned: Learned,
    keys_tried: usize,
    corrections: u32,
}

impl Negotiation {
    pub(super) fn new(learned: Learned) -> Self {
        Self { learned, keys_tried: 0, corrections: 0 }
    }

    /// What the next request should use.
    pub(super) fn learned(&self) -> &Learned {
        &self.learned
    }

    /// The key for the next request; none where none is configured.
    pub(super) fn key<'a>(&self, keys: &'a [ClusterKey]) -> Option<&'a ClusterKey> {
        keys.get(self.learned.key_index % keys.len().max(1))
    }

    /// Takes in who answered at our time `now_unix_s`.
    pub(super) fn believed(&mut self, signer: AnswerSigner, now_unix_s: u64) {
        self.learned.target = Some(signer.node);
        self.learned.offset_s = offset_s(signer, now_unix_s);
    }

    /// Takes in a signed refusal: go on where it taught something new.
    ///
    /// Errors: where all that can be corrected has been.
    pub(super) fn corrected(
        &mut self,
        signer: AnswerSigner,
        now_unix_s: u64,
    ) -> Result<(), FetchFailure> {
        let ahead_s = offset_s(signer, now_unix_s);
        let skew = CLOCK_SKEW_MAX.as_secs();
        let is_new_id = self.learned.target != Some(signer.node);
        let is_clock_off = ahead_s.abs_diff(self.learned.offset_s) > skew;
        self.believed(signer, now_unix_s);
        self.corrections += 1;
        if self.corrections <= CORRECTIONS_MAX && (is_new_id || is_clock_off) {
            return Ok(());
        }
        if ahead_s.unsigned_abs() > skew {
            return Err(FetchFailure::Clock { ahead_s });
        }
        Err(FetchFailure::WrongKey)
    }

    /// Takes in a refusal that says nothing: try the next key.
    ///
    /// Errors: where all of `key_count` were tried.
    pub(super) fn refused(&mut self, key_count: usize) -> Result<(), FetchFailure> {
        self.keys_tried += 1;
        if self.keys_tried >= key_count {
            return Err(FetchFailure::WrongKey);
        }
        self.learned.key_index = (self.learned.key_index + 1) % key_count;
        Ok(())
    }
}

fn offset_s(signer: AnswerSigner, now_unix_s: u64) -> i64 {
    signer.unix_s.cast_signed().saturating_sub_unsigned(now_unix_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn signer(id: u128, unix_s: u64) -> AnswerSigner {
        AnswerSigner { node: NodeId::from_random(id), unix_s }
    }

    #[test]
    fn id_and_clock_are_each_corrected_once() {
        let mut negotiation = Negotiation::new(Learned::default());
        assert!(negotiation.corrected(signer(2, NOW), NOW).is_ok());
        assert!(negotiation.corrected(signer(2, NOW + 600), NOW).is_ok());
        assert_eq!(negotiation.learned().offset_s, 600);
        let end = negotiation.corrected(signer(2, NOW + 600), NOW).unwrap_err();
        assert_eq!(end.to_string(), "clock is 600 s ahead");
    }

    #[test]
    fn a_peer_that_changes_its_id_each_time_is_given_up() {
        let mut negotiation = Negotiation::new(Learned::default());
        let results: Vec<_> =
            (0..4).map(|id| negotiation.corrected(signer(id, NOW), NOW).is_ok()).collect();
        assert_eq!(results, [true, true, false, false]);
    }

    #[test]
    fn keys_are_tried_in_turn_from_the_good_one() {
        let keys: Vec<_> = ["a", "b", "c"].map(ClusterKey::derive).into();
        let learned = Learned { key_index: 1, ..Learned::default() };
        let mut negotiation = Negotiation::new(learned);
        let mut tried = vec![negotiation.key(&keys).unwrap().clone()];
        while negotiation.refused(keys.len()).is_ok() {
            tried.push(negotiation.key(&keys).unwrap().clone());
        }
        assert_eq!(tried, [&keys[1], &keys[2], &keys[0]].map(Clone::clone));
        assert!(Negotiation::new(Learned::default()).key(&[]).is_none());
    }
}
