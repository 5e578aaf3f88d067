//! The MAC of a frame.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of the key.
pub const FRAME_KEY_BYTES: usize = 32;

/// Bytes of the MAC as sent.
pub const MAC_BYTES: usize = 16;

/// Proves frames with one key.
///
/// Source: HMAC (RFC 2104) with SHA-256, cut to its first 128 bits as RFC 4868 §2.3 does.
#[derive(Clone)]
pub struct FrameMac {
    keyed: Hmac<Sha256>,
}

impl FrameMac {
    /// Proves with `key`, which must be used for one answer only.
    #[must_use]
    pub fn new(key: &[u8; FRAME_KEY_BYTES]) -> Self {
        let keyed = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
        Self { keyed }
    }

    /// The MAC over all `parts` in a row.
    pub(super) fn of(&self, parts: &[&[u8]]) -> [u8; MAC_BYTES] {
        let full = self.over(parts).finalize().into_bytes();
        let mut mac = [0; MAC_BYTES];
        for (to, from) in mac.iter_mut().zip(full) {
            *to = from;
        }
        mac
    }

    /// Whether `mac` is that of `bytes`; takes as long wherever they differ.
    pub(super) fn holds(&self, bytes: &[u8], mac: &[u8]) -> bool {
        mac.len() == MAC_BYTES && self.over(&[bytes]).verify_truncated_left(mac).is_ok()
    }

    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

impl std::fmt::Debug for FrameMac {
    /// Never shows the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FrameMac")
    }
}
