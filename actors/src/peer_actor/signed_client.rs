//! Signed requests to one node, whatever they are for: reports, hints, and relays.
//!
//! ```text
//!  key, aud, time ─▶ send ─▶ 2xx ▸ the answer, still to be believed
//!       ▲              └──▶ 401 signed ▸ corrected id or clock ─┐
//!       └───────────────────401 unsigned ▸ next key ◀───────────┘
//! ```

use std::cell::RefCell;
use std::time::Duration;

use awc::ClientResponse;
use awc::http::{Method, Uri};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::LocalBoxStream;
use tokio::time::Instant;

use super::fetcher::FetchFailure;
use super::http_exchange::{
    AnswerHead, ExchangeLimits, RawAnswer, is_stale_connection, read_body, send,
};
use super::messages::KeyUse;
use super::negotiation::{Learned, Negotiation};
use super::page::signer_of;
use crate::names::NodeId;
use crate::signature::{AnswerSigner, ClusterKey, Nonce, RequestToSign, authorization, body_hash};
use crate::wall_clock::unix_ms;

/// How long an answer may take where nobody says otherwise.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest answer that is read whole then.
const BODY_BYTES_MAX: usize = 64 << 10;
/// The slowest rate of it.
const BYTES_PER_SECOND_MIN: u64 = 64 << 10;

/// Asks one node, and remembers what asking has taught it: id, clock and key.
pub(crate) struct SignedClient {
    client: awc::Client,
    own_id: NodeId,
    base: String,
    keys: Vec<ClusterKey>,
    learned: RefCell<Learned>,
}

/// What is asked.
pub(crate) struct SignedAsk<'a> {
    method: Method,
    target: &'a str,
    body: Bytes,
    /// What each exchange may cost.
    limits: ExchangeLimits,
    /// When there must be an answer, corrections included.
    until: Instant,
}

/// A success that still has to be believed, and what is needed for that.
pub(super) struct SignedAnswer {
    pub(super) raw: RawAnswer,
    pub(super) key: ClusterKey,
    pub(super) nonce: Nonce,
    pub(super) negotiation: Negotiation,
}

/// An answer without end, whose head is believed.
pub(crate) struct EndlessAnswer {
    /// Proves the frames of the body.
    pub(crate) frame_key: [u8; 32],
    /// What comes.
    pub(crate) body: LocalBoxStream<'static, Result<Bytes, FetchFailure>>,
}

/// An answer of which only the head has come.
struct Begun {
    head: AnswerHead,
    response: ClientResponse,
    key: ClusterKey,
    nonce: Nonce,
    negotiation: Negotiation,
}

impl<'a> SignedAsk<'a> {
    /// Asks for `target`, a path with its query.
    pub(crate) fn get(target: &'a str) -> Self {
        Self::new(Method::GET, target)
    }

    /// Sends `body` to `target`.
    pub(crate) fn post(target: &'a str, body: Bytes) -> Self {
        Self { body, ..Self::new(Method::POST, target) }
    }

    fn new(method: Method, target: &'a str) -> Self {
        let limits = ExchangeLimits {
            first_byte: PATIENCE,
            bytes_per_second: BYTES_PER_SECOND_MIN,
            body_bytes_max: BODY_BYTES_MAX,
        };
        Self { method, target, body: Bytes::new(), limits, until: Instant::now() + PATIENCE }
    }

    /// The same within other bounds.
    pub(super) fn within(self, limits: ExchangeLimits, until: Instant) -> Self {
        Self { limits, until, ..self }
    }
}

impl SignedClient {
    pub(super) fn new(
        own_id: NodeId,
        base: String,
        keys: Vec<ClusterKey>,
        client: awc::Client,
    ) -> Self {
        Self { client, own_id, base, keys, learned: RefCell::default() }
    }

    /// Which of its keys that is.
    pub(super) fn use_of(&self, key: &ClusterKey) -> KeyUse {
        KeyUse::of(key.kid(), &self.keys).unwrap_or(KeyUse::Accepted)
    }

    /// Takes `node` for the id of the node asked until it says otherwise, which saves an exchange.
    pub(crate) fn expect_node(&self, node: Option<NodeId>) {
        self.learned.borrow_mut().target = node;
    }

    /// Asks until an answer is no refusal that could be corrected, and reads it whole.
    ///
    /// Errors: [`FetchFailure`], also for every status that is no success.
    pub(super) async fn ask(&self, ask: SignedAsk<'_>) -> Result<SignedAnswer, FetchFailure> {
        let begun = self.begin(&ask).await?;
        let Begun { head, mut response, key, nonce, negotiation } = begun;
        let body = read_body(&mut response, &ask.limits, ask.until).await?;
        Ok(SignedAnswer { raw: RawAnswer { head, body }, key, nonce, negotiation })
    }

    /// Asks for a short answer and believes it.
    ///
    /// Errors: [`FetchFailure`].
    pub(crate) async fn ask_short(&self, ask: SignedAsk<'_>) -> Result<Vec<u8>, FetchFailure> {
        let answer = self.ask(ask).await?;
        let signer = answer.believe()?;
        self.learn(answer.negotiation, signer);
        Ok(answer.raw.body)
    }

    /// Asks for an answer without end and believes its head.
    ///
    /// Errors: [`FetchFailure`].
    pub(crate) async fn open(&self, ask: SignedAsk<'_>) -> Result<EndlessAnswer, FetchFailure> {
        let Begun { head, response, key, nonce, negotiation } = self.begin(&ask).await?;
        let signer = signer_of(&head, b"", &key, nonce)?;
        self.learn(negotiation, signer);
        let failed = |error: awc::error::PayloadError| FetchFailure::Connection(error.to_string());
        let body = response.map(move |piece| piece.map_err(failed)).boxed_local();
        Ok(EndlessAnswer { frame_key: key.frame_key(nonce), body })
    }

    /// Remembers what a believed answer has taught.
    pub(super) fn learn(&self, mut negotiation: Negotiation, signer: AnswerSigner) {
        negotiation.believed(signer, unix_ms() / 1_000);
        self.learned.replace(negotiation.learned().clone());
    }

    async fn begin(&self, ask: &SignedAsk<'_>) -> Result<Begun, FetchFailure> {
        let uri: Uri = format!("{}{}", self.base, ask.target)
            .parse()
            .map_err(|_| FetchFailure::Connection("api_url is no URL".to_owned()))?;
        let path_and_query = uri.path_and_query().map_or("/", |it| it.as_str()).to_owned();
        let mut negotiation = Negotiation::new(self.learned.borrow().clone());
        let mut may_retry = true;
        loop {
            let key = negotiation.key(&self.keys).ok_or(FetchFailure::WrongKey)?.clone();
            let nonce = random_nonce()?;
            let now_s = unix_ms() / 1_000;
            let request = RequestToSign {
                method: ask.method.as_str(),
                path_and_query: &path_and_query,
                body_sha256: body_hash(&ask.body),
                sender: self.own_id,
                target: negotiation.learned().target,
                unix_s: now_s.saturating_add_signed(negotiation.learned().offset_s),
                nonce,
            };
            let header = authorization(&key, &request);
            let (method, body) = (ask.method.clone(), ask.body.clone());
            let sent =
                send(&self.client, method, uri.clone(), header, body, &ask.limits, ask.until);
            let (head, mut response) = match sent.await {
                Err(failure) if may_retry && is_stale_connection(&failure) => {
                    may_retry = false;
                    continue;
                }
                other => other?,
            };
            match head.status {
                200..=299 => return Ok(Begun { head, response, key, nonce, negotiation }),
                401 => {
                    let body = read_body(&mut response, &ask.limits, ask.until).await?;
                    match signer_of(&head, &body, &key, nonce) {
                        Ok(signer) => negotiation.corrected(signer, now_s)?,
                        Err(_) => negotiation.refused(self.keys.len())?,
                    }
                }
                status @ 300..=399 => return Err(FetchFailure::Redirect { status }),
                status => return Err(FetchFailure::Status { status }),
            }
        }
    }
}

impl SignedAnswer {
    /// Who signed it.
    ///
    /// Errors: where nobody did who has the key.
    pub(super) fn believe(&self) -> Result<AnswerSigner, FetchFailure> {
        signer_of(&self.raw.head, &self.raw.body, &self.key, self.nonce)
    }
}

fn random_nonce() -> Result<Nonce, FetchFailure> {
    let mut bits = [0_u8; 16];
    getrandom::fill(&mut bits)
        .map_err(|_| FetchFailure::Connection("no random numbers".to_owned()))?;
    Ok(Nonce::from_random(u128::from_le_bytes(bits)))
}
