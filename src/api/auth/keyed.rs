//! Hashes under a key of this process: what was shown can be recognised, and is not kept.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// A hash.
pub(super) type Digest = [u8; 32];

/// Random bytes in a cookie's value: as many as nobody guesses.
const COOKIE_BYTES: usize = 32;

/// The key; new at each start.
pub(super) struct Key([u8; 32]);

impl Key {
    /// Draws one.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        random().map(Self)
    }

    /// The hash of `text` for one purpose, useless for any other.
    pub(super) fn hash(&self, purpose: &str, text: &[u8]) -> Digest {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length will do for HMAC");
        mac.update(purpose.as_bytes());
        mac.update(b"\0");
        mac.update(text);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// A value for a cookie.
pub(super) fn cookie_value() -> Result<String, getrandom::Error> {
    random::<COOKIE_BYTES>().map(hex::encode)
}

fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_differ_by_key_purpose_and_text() {
        let (one, other) = (Key::new().unwrap(), Key::new().unwrap());
        assert_eq!(one.hash("a", b"bc"), one.hash("a", b"bc"));
        for different in [one.hash("a", b"bd"), one.hash("ab", b"c"), other.hash("a", b"bc")] {
            assert_ne!(one.hash("a", b"bc"), different);
        }
        assert_ne!(cookie_value().unwrap(), cookie_value().unwrap());
        assert_eq!(cookie_value().unwrap().len(), 2 * COOKIE_BYTES);
    }
}
