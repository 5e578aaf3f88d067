//! The keys made of a cluster key: one for each direction, and a name for the pair.

use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::request::Nonce;

/// What is made of one `cluster_key`. Its secrets are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterKey {
    kid: String,
    request: [u8; 32],
    response: [u8; 32],
}

impl ClusterKey {
    /// Derives the keys.
    ///
    /// Source: SPEC section 4; HKDF-SHA256 (RFC 5869) with an empty salt, 32 bytes for each `info`.
    #[must_use]
    pub fn derive(secret: &str) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, secret.as_bytes());
        let expand = |info: &[u8]| {
            let mut key = [0_u8; 32];
            hkdf.expand(info, &mut key).expect("32 bytes are within HKDF's 255 blocks");
            key
        };
        let mut kid = hex::encode(expand(b"watershed/v1/kid"));
        kid.truncate(8);
        Self {
            kid,
            request: expand(b"watershed/v1/request"),
            response: expand(b"watershed/v1/response"),
        }
    }

    /// The pair's name: eight hexadecimal digits.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key by which the frames of one endless answer are proved: that to the request with
    /// `nonce`, and no other.
    #[must_use]
    pub fn frame_key(&self, nonce: Nonce) -> [u8; 32] {
        // No answer's text begins like this: it begins with the digits of a nonce.
        mac(&self.response, &format!("frames\n{nonce}"))
    }

    pub(super) fn request_mac(&self, text: &str) -> [u8; 32] {
        mac(&self.request, text)
    }

    pub(super) fn response_mac(&self, text: &str) -> [u8; 32] {
        mac(&self.response, text)
    }
}

impl fmt::Debug for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClusterKey({})", self.kid)
    }
}

fn mac(key: &[u8; 32], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}
