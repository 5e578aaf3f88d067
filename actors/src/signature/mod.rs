//! Cluster-V1: how nodes prove to each other that they share a key that never travels (SPEC 4).
//!
//! ```text
//!  asker                                              asked
//!  Authorization: Cluster-V1 kid,node,aud,ts,nonce,   ──▶ ClusterGuard::check
//!                 body=<sha256>,sig=<hmac>                  │ Verified ▸ body_matches ▸ answer
//!                                                           │ Refusal  ▸ 401, signed for a peer
//!  verify_answer ◀── Cluster-Node, Cluster-Time, Cluster-Signature over nonce, status, body
//! ```
//! Pure: the time and the nonce are arguments. An actix-web handler does, before it keeps a body:
//!
//! ```text
//! let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
//! let target = request.uri().path_and_query().map_or("/", |pq| pq.as_str());
//! let verified = match guard.check(request.method().as_str(), target, header, unix_s) {
//!     Ok(verified) => verified,
//!     Err(refusal) => return refusal_401(refusal.answer),  // empty body; headers, if any
//! };
//! let body = read_body_within_limit().await?;
//! if !verified.body_matches(&body) { return refusal_401(None); }
//! let bytes = encode_and_maybe_gzip(answer);               // signed as sent
//! for (name, value) in guard.sign_answer(&verified, 200, &bytes, unix_s).pairs() { … }
//! ```
//! and an awc client sends `authorization(…)` under `Authorization`, keeps the nonce, and gives
//! what it got, undecoded, to `verify_answer`.

mod answer;
mod guard;
mod keys;
mod nonces;
mod request;

pub use answer::{AnswerError, AnswerHeaders, AnswerSigner, verify_answer};
pub use guard::{CLOCK_SKEW_MAX, ClusterGuard, Refusal, RefusalCause, Verified, clock_words};
pub use keys::ClusterKey;
pub use request::{Nonce, RequestToSign, authorization, body_hash};

/// The header of an answer that names the answering node.
pub const NODE_HEADER: &str = "Cluster-Node";

/// The header of an answer that tells the answering node's clock.
pub const TIME_HEADER: &str = "Cluster-Time";

/// The header of an answer that proves it.
pub const SIGNATURE_HEADER: &str = "Cluster-Signature";
