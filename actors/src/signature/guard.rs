//! The door for signed requests: one shared value that every HTTP worker asks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq;
use thiserror::Error;

use super::answer::AnswerHeaders;
use super::keys::ClusterKey;
use super::nonces::NonceCache;
use super::request::{Claims, Nonce, RequestToSign, body_hash};
use crate::names::NodeId;
use crate::published::Published;

/// How far a request's time may be from ours.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(30);

/// The nonces that were used. What clients can cause has a cache of its own: however much they ask,
/// the reports find room.
#[derive(Debug, Default)]
struct Nonces {
    of_clients: Mutex<NonceCache>,
    of_nodes: Mutex<NonceCache>,
}

/// The question that a node asks for each client that it relays to.
const ASKED_FOR_CLIENTS: &str = "/cluster/authorize";

/// Checks signed requests and signs the answers. Clones share keys and nonces.
#[derive(Clone, Debug)]
pub struct ClusterGuard {
    id: NodeId,
    keys: Published<Vec<ClusterKey>>,
    nonces: Arc<Nonces>,
    /// Compared against where no key fits, so that this takes as long.
    no_key: ClusterKey,
}

/// A request whose signature holds. Its body still has to be compared.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Who asks.
    pub sender: NodeId,
    key: ClusterKey,
    nonce: Nonce,
    body_sha256: [u8; 32],
}

/// A request that gets a 401 with an empty body.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Headers for a peer that only has our id or our clock wrong; strangers get none.
    pub answer: Option<AnswerHeaders>,
    /// For this node's log; never told.
    pub cause: RefusalCause,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RefusalCause {
    /// No `Authorization: Cluster-V1`, or a malformed one.
    #[error("not signed")]
    Unsigned,
    /// Signed with a key that is not ours.
    #[error("unknown key")]
    UnknownKey,
    /// The signature does not hold.
    #[error("wrong signature")]
    Forged,
    /// The peer's first one: it learns this node's id by the answer.
    #[error("it does not know this node's id yet")]
    Introduction,
    /// Meant for another node, or for the one that was here before the last start.
    #[error("meant for another node id")]
    Audience,
    /// Too old or from the future.
    #[error("{}", clock_words(*.ahead_s))]
    Clock {
        /// By how much the sender's clock is ahead of ours.
        ahead_s: i64,
    },
    /// A nonce that was used before.
    #[error("repeated request")]
    Replay,
}

/// By how much a clock is off, for people: `clock is 47 s ahead`.
#[must_use]
pub fn clock_words(ahead_s: i64) -> String {
    let direction = if ahead_s < 0 { "behind" } else { "ahead" };
    format!("clock is {} s {direction}", ahead_s.unsigned_abs())
}

impl ClusterGuard {
    /// The guard of node `id`. `keys` are all that are accepted: the node's own, the older ones of
    /// `cluster_key_accept`, and those of single peers.
    #[must_use]
    pub fn new(id: NodeId, keys: Vec<ClusterKey>) -> Self {
        Self {
            id,
            keys: Published::new(keys),
            nonces: Arc::default(),
            no_key: ClusterKey::derive(""),
        }
    }

    /// Replaces the accepted keys, when the config changes.
    pub fn set_keys(&self, keys: Vec<ClusterKey>) {
        self.keys.publish(keys);
    }

    /// Checks a request before anything of its body is kept. A success uses up its nonce.
    ///
    /// Errors: [`Refusal`].
    pub fn check(
        &self,
        method: &str,
        path_and_query: &str,
        authorization: Option<&str>,
        now_unix_s: u64,
    ) -> Result<Verified, Refusal> {
        let stranger = |cause| Refusal { answer: None, cause };
        let claims = authorization
            .and_then(Claims::parse)
            .ok_or_else(|| stranger(RefusalCause::Unsigned))?;
        let request = RequestToSign {
            method,
            path_and_query,
            body_sha256: claims.body_sha256,
            sender: claims.sender,
            target: claims.target,
            unix_s: claims.unix_s,
            nonce: claims.nonce,
        };
        let keys = self.keys.load();
        let known = keys.iter().find(|key| key.kid() == claims.kid);
        let wanted = request.mac(known.unwrap_or(&self.no_key));
        let holds = bool::from(wanted.ct_eq(&claims.signature));
        let Some(key) = known else {
            return Err(stranger(RefusalCause::UnknownKey));
        };
        if !holds {
            return Err(stranger(RefusalCause::Forged));
        }
        // From here on it is a peer, which may be told what to correct.
        let correct = |cause| {
            let answer = AnswerHeaders::sign(key, claims.nonce, 401, self.id, now_unix_s, b"");
            Refusal { answer: Some(answer), cause }
        };
        match claims.target {
            None => return Err(correct(RefusalCause::Introduction)),
            Some(target) if target != self.id => return Err(correct(RefusalCause::Audience)),
            Some(_) => {}
        }
        if claims.unix_s.abs_diff(now_unix_s) > CLOCK_SKEW_MAX.as_secs() {
            let ahead_s = claims.unix_s.cast_signed().saturating_sub_unsigned(now_unix_s);
            return Err(correct(RefusalCause::Clock { ahead_s }));
        }
        let nonces = match path_and_query.ends_with(ASKED_FOR_CLIENTS) {
            true => &self.nonces.of_clients,
            false => &self.nonces.of_nodes,
        };
        let mut nonces = nonces.lock().unwrap_or_else(PoisonError::into_inner);
        if !nonces.use_once(claims.nonce, now_unix_s, 2 * CLOCK_SKEW_MAX.as_secs()) {
            return Err(stranger(RefusalCause::Replay));
        }
        Ok(Verified {
            sender: claims.sender,
            key: key.clone(),
            nonce: claims.nonce,
            body_sha256: claims.body_sha256,
        })
    }

    /// Signs the answer with the key of the request; `body` is as sent, after compression.
    #[must_use]
    pub fn sign_answer(
        &self,
        verified: &Verified,
        status: u16,
        body: &[u8],
        now_unix_s: u64,
    ) -> AnswerHeaders {
        AnswerHeaders::sign(&verified.key, verified.nonce, status, self.id, now_unix_s, body)
    }
}

impl Verified {
    /// The name of the key that the request was signed with.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.key.kid()
    }

    /// Whether this is the body that was signed. A body that is not is refused as a stranger's.
    #[must_use]
    pub fn body_matches(&self, body: &[u8]) -> bool {
        bool::from(self.body_sha256.ct_eq(&body_hash(body)))
    }

    /// The key by which the frames of an endless answer to this request are proved.
    #[must_use]
    pub fn frame_key(&self) -> [u8; 32] {
        self.key.frame_key(self.nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AnswerError, AnswerSigner, authorization, verify_answer};
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn id(n: u128) -> NodeId {
        NodeId::from_random(n)
    }

    fn request(nonce: u128) -> RequestToSign<'static> {
        RequestToSign {
            method: "GET",
            path_and_query: "/streamer/api/v3/cluster/report?since=x",
            body_sha256: body_hash(b""),
            sender: id(1),
            target: Some(id(2)),
            unix_s: NOW,
            nonce: Nonce::from_random(nonce),
        }
    }

    fn guard() -> ClusterGuard {
        ClusterGuard::new(id(2), vec![ClusterKey::derive("new"), ClusterKey::derive("old")])
    }

    fn check(guard: &ClusterGuard, header: &str) -> Result<Verified, Refusal> {
        guard.check("GET", "/streamer/api/v3/cluster/report?since=x", Some(header), NOW)
    }

    #[test]
    fn key_derivation_and_signatures_have_known_answers() {
        let key = ClusterKey::derive("abcd");
        assert_eq!(key.kid(), KNOWN_KID);
        assert_eq!(hex::encode(request(0xabc).mac(&key)), KNOWN_REQUEST_MAC);
        let answer = AnswerHeaders::sign(&key, Nonce::from_random(0xabc), 200, id(2), NOW, b"{}");
        assert_eq!(answer.signature, KNOWN_ANSWER_MAC);
    }

    const KNOWN_KID: &str = "ab3fc922";
    const KNOWN_REQUEST_MAC: &str =
        "d78e84afa4c7cdd042d5c01a72c181ab0e92649bd5a5a2ef8ab44332cbd46b8c";
    const KNOWN_ANSWER_MAC: &str =
        "b15e465f0cb451f396a53257c3f4d3902323d6c3a7718df4526fc35851398420";

    #[test]
    fn either_key_is_good_and_the_answer_uses_the_same() {
        let guard = guard();
        for (nonce, secret) in [(1, "new"), (2, "old")] {
            let key = ClusterKey::derive(secret);
            let verified = check(&guard, &authorization(&key, &request(nonce))).unwrap();
            assert_eq!((verified.sender, verified.kid()), (id(1), key.kid()));
            assert!(verified.body_matches(b"") && !verified.body_matches(b"x"));
            let answer = guard.sign_answer(&verified, 200, b"body", NOW + 5);
            let nonce = Nonce::from_random(nonce);
            let signer = verify_answer(&key, nonce, 200, &answer, b"body").unwrap();
            assert_eq!(signer, AnswerSigner { node: id(2), unix_s: NOW + 5 });
            for (status, body) in [(201, &b"body"[..]), (200, b"bodY")] {
                let forged = verify_answer(&key, nonce, status, &answer, body);
                assert_eq!(forged, Err(AnswerError::Forged));
            }
        }
    }

    #[test]
    fn strangers_all_look_the_same() {
        let guard = guard();
        let key = ClusterKey::derive("new");
        let good = authorization(&key, &request(3));
        let first = check(&guard, &good);
        assert!(first.is_ok());
        let tampered = good.replace("nonce=0", "nonce=1");
        let wrong_key = authorization(&ClusterKey::derive("wrong"), &request(4));
        let twice = format!("{good}, ts={NOW}");
        let long = format!("{good}, x={}", "y".repeat(2_000));
        let cases = [
            (good.as_str(), RefusalCause::Replay),
            (&tampered, RefusalCause::Forged),
            (&wrong_key, RefusalCause::UnknownKey),
            (&twice, RefusalCause::Unsigned),
            (&long, RefusalCause::Unsigned),
            ("Basic YTpi", RefusalCause::Unsigned),
            ("", RefusalCause::Unsigned),
        ];
        for (header, cause) in cases {
            let refusal = check(&guard, header).unwrap_err();
            assert_eq!((refusal.cause, refusal.answer), (cause, None), "{header}");
        }
        let other_path = guard.check("GET", "/other", Some(&good), NOW).unwrap_err();
        assert_eq!(other_path.cause, RefusalCause::Forged);
        assert_eq!(guard.check("GET", "/", None, NOW).unwrap_err().cause, RefusalCause::Unsigned);
    }

    #[test]
    fn a_peer_is_taught_id_and_clock() {
        let guard = guard();
        let key = ClusterKey::derive("new");
        let mut unknown_id = request(5);
        unknown_id.target = None;
        let mut old_id = request(9);
        old_id.target = Some(id(3));
        let mut ahead = request(6);
        ahead.unix_s = NOW + 47;
        let mut behind = request(7);
        behind.unix_s = NOW - 31;
        for (request, words) in [
            (unknown_id, "it does not know this node's id yet"),
            (old_id, "meant for another node id"),
            (ahead, "clock is 47 s ahead"),
            (behind, "clock is 31 s behind"),
        ] {
            let refusal = check(&guard, &authorization(&key, &request)).unwrap_err();
            assert_eq!(refusal.cause.to_string(), words);
            let answer = refusal.answer.unwrap();
            let signer = verify_answer(&key, request.nonce, 401, &answer, b"").unwrap();
            assert_eq!(signer, AnswerSigner { node: id(2), unix_s: NOW });
        }
    }

    #[test]
    fn keys_can_be_changed_while_running() {
        let guard = guard();
        let header = authorization(&ClusterKey::derive("next"), &request(8));
        assert!(check(&guard, &header).is_err());
        guard.clone().set_keys(vec![ClusterKey::derive("next")]);
        assert!(check(&guard, &header).is_ok());
    }
}
