//! Nonces that were used, kept as long as their request could be repeated.

use std::collections::HashSet;

use super::request::Nonce;

/// Nonces kept at once: a thousand peers asking four times a second for a minute. Only who has the
/// key can fill it.
const NONCES_MAX: usize = 1 << 18;

/// Two generations, each filled for the whole window, so nothing is forgotten too early.
#[derive(Debug, Default)]
pub(super) struct NonceCache {
    young: HashSet<u128>,
    old: HashSet<u128>,
    young_since_s: u64,
}

impl NonceCache {
    /// Notes a nonce; false where it was used before, or where there is no room to remember it.
    ///
    /// `window_s` is how long after now its request would still be taken.
    pub(super) fn use_once(&mut self, nonce: Nonce, now_s: u64, window_s: u64) -> bool {
        if now_s.abs_diff(self.young_since_s) > window_s {
            self.old = std::mem::take(&mut self.young);
            self.young_since_s = now_s;
        }
        let bits = nonce.bits();
        let has_room = self.young.len() + self.old.len() < NONCES_MAX;
        has_room && !self.old.contains(&bits) && self.young.insert(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_once_within_the_window() {
        let mut cache = NonceCache::default();
        let nonce = Nonce::from_random(7);
        assert!(cache.use_once(nonce, 1_000, 60));
        for now in [1_000, 1_030, 1_060, 1_061, 1_090] {
            assert!(!cache.use_once(nonce, now, 60), "{now}");
        }
        assert!(cache.use_once(Nonce::from_random(8), 1_000, 60));
    }

    #[test]
    fn the_cache_is_bounded() {
        let mut cache = NonceCache::default();
        let used =
            (0..NONCES_MAX as u128 + 9).filter(|n| cache.use_once(Nonce::from_random(*n), 1, 60));
        assert_eq!(used.count(), NONCES_MAX);
        assert!(!cache.use_once(Nonce::from_random(1 << 80), 1, 60));
    }
}
