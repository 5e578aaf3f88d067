//! The signed answer: its headers, and checking them.

use subtle::ConstantTimeEq;
use thiserror::Error;

use super::keys::ClusterKey;
use super::request::{Nonce, body_hash, hash, unix_seconds};
use super::{NODE_HEADER, SIGNATURE_HEADER, TIME_HEADER};
use crate::names::NodeId;

/// What an answer carries besides its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerHeaders {
    /// [`NODE_HEADER`].
    pub node: String,
    /// [`TIME_HEADER`].
    pub time: String,
    /// [`SIGNATURE_HEADER`].
    pub signature: String,
}

impl AnswerHeaders {
    /// The headers' names and values.
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, &str); 3] {
        [(NODE_HEADER, &self.node), (TIME_HEADER, &self.time), (SIGNATURE_HEADER, &self.signature)]
    }

    /// Signs an answer to the request with this nonce; `body` is as sent, after compression.
    pub(super) fn sign(
        key: &ClusterKey,
        nonce: Nonce,
        status: u16,
        node: NodeId,
        unix_s: u64,
        body: &[u8],
    ) -> Self {
        let mac = key.response_mac(&text(nonce, status, node, unix_s, body));
        Self { node: node.to_string(), time: unix_s.to_string(), signature: hex::encode(mac) }
    }
}

fn text(nonce: Nonce, status: u16, node: NodeId, unix_s: u64, body: &[u8]) -> String {
    format!("{nonce}\n{status}\n{node}\n{unix_s}\n{}", hex::encode(body_hash(body)))
}

/// Who signed an answer, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerSigner {
    /// The answering node.
    pub node: NodeId,
    /// Its clock.
    pub unix_s: u64,
}

/// Why an answer is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AnswerError {
    /// A header is missing or malformed.
    #[error("not signed")]
    Unsigned,
    /// Another key, another request, or somebody in between.
    #[error("signed wrongly")]
    Forged,
}

/// Checks the answer to the request with `nonce`, signed by whoever has `key`.
///
/// Errors: [`AnswerError`]; then neither status nor body may be believed.
pub fn verify_answer(
    key: &ClusterKey,
    nonce: Nonce,
    status: u16,
    headers: &AnswerHeaders,
    body: &[u8],
) -> Result<AnswerSigner, AnswerError> {
    let node: NodeId = headers.node.parse().map_err(|_| AnswerError::Unsigned)?;
    let unix_s = unix_seconds(&headers.time).ok_or(AnswerError::Unsigned)?;
    let signature = hash(&headers.signature).ok_or(AnswerError::Unsigned)?;
    let wanted = key.response_mac(&text(nonce, status, node, unix_s, body));
    if bool::from(wanted.ct_eq(&signature)) {
        Ok(AnswerSigner { node, unix_s })
    } else {
        Err(AnswerError::Forged)
    }
}
