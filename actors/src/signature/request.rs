//! The signed request: building the header, and reading it back.

use std::fmt;

use sha2::{Digest, Sha256};

use super::keys::ClusterKey;
use crate::names::NodeId;

/// The longest header that is read.
const HEADER_BYTES_MAX: usize = 1_024;

const SCHEME: &str = "Cluster-V1 ";

/// A number that is good once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nonce(u128);

impl Nonce {
    /// The nonce made of these random bits.
    #[must_use]
    pub fn from_random(bits: u128) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u128 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == 32 && text.bytes().all(is_digit))
            .then(|| u128::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The SHA-256 of a body.
#[must_use]
pub fn body_hash(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// What a signature speaks for.
#[derive(Clone, Copy, Debug)]
pub struct RequestToSign<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// As in the request line, query included.
    pub path_and_query: &'a str,
    /// Of the body as sent.
    pub body_sha256: [u8; 32],
    /// Who asks.
    pub sender: NodeId,
    /// Who is asked; `None` while its id is not known.
    pub target: Option<NodeId>,
    /// The asker's clock, corrected towards the asked node's if known.
    pub unix_s: u64,
    /// Good once.
    pub nonce: Nonce,
}

impl RequestToSign<'_> {
    fn text(&self) -> String {
        format!(
            "v1\n{}\n{}\n{}\n{}\n{}\n{}\n{}",
            self.method,
            self.path_and_query,
            audience(self.target),
            self.sender,
            self.unix_s,
            self.nonce,
            hex::encode(self.body_sha256),
        )
    }

    pub(super) fn mac(&self, key: &ClusterKey) -> [u8; 32] {
        key.request_mac(&self.text())
    }
}

fn audience(target: Option<NodeId>) -> String {
    target.map_or_else(|| "?".to_owned(), |id| id.to_string())
}

/// The value of `Authorization`.
#[must_use]
pub fn authorization(key: &ClusterKey, request: &RequestToSign<'_>) -> String {
    format!(
        "{SCHEME}kid={}, node={}, aud={}, ts={}, nonce={}, body={}, sig={}",
        key.kid(),
        request.sender,
        audience(request.target),
        request.unix_s,
        request.nonce,
        hex::encode(request.body_sha256),
        hex::encode(request.mac(key)),
    )
}

/// The header as read: well-formed, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claims<'a> {
    pub(super) kid: &'a str,
    pub(super) sender: NodeId,
    pub(super) target: Option<NodeId>,
    pub(super) unix_s: u64,
    pub(super) nonce: Nonce,
    pub(super) body_sha256: [u8; 32],
    pub(super) signature: [u8; 32],
}

impl<'a> Claims<'a> {
    /// Reads the header's value. Every field once; unknown ones are ignored.
    pub(super) fn parse(header: &'a str) -> Option<Self> {
        if header.len() > HEADER_BYTES_MAX {
            return None;
        }
        let mut fields: [Option<&'a str>; 7] = [None; 7];
        for part in header.strip_prefix(SCHEME)?.split(',') {
            let (name, value) = part.trim().split_once('=')?;
            let place = match name {
                "kid" => 0,
                "node" => 1,
                "aud" => 2,
                "ts" => 3,
                "nonce" => 4,
                "body" => 5,
                "sig" => 6,
                _ => continue,
            };
            if fields[place].replace(value).is_some() {
                return None;
            }
        }
        let [kid, node, aud, ts, nonce, body, sig] = fields;
        let target = match aud? {
            "?" => None,
            id => Some(id.parse().ok()?),
        };
        Some(Self {
            kid: kid?,
            sender: node?.parse().ok()?,
            target,
            unix_s: unix_seconds(ts?)?,
            nonce: Nonce::parse(nonce?)?,
            body_sha256: hash(body?)?,
            signature: hash(sig?)?,
        })
    }
}

/// Digits only: what is signed is rebuilt from the number, so it must have one way of writing.
pub(super) fn unix_seconds(text: &str) -> Option<u64> {
    let is_plain =
        text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    (is_plain && text.len() <= 12).then(|| text.parse().ok())?
}

/// 64 lowercase hexadecimal digits.
pub(super) fn hash(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0_u8; 32];
    let is_lower = !text.bytes().any(|b| b.is_ascii_uppercase());
    (is_lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}
