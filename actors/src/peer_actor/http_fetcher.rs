//! Asking a peer over HTTP: sign, send, believe, next page.
//!
//! ```text
//!  for each page:  key, aud, time ─▶ exchange ─▶ 200 ▸ judge ▸ merge ▸ more?
//!                       ▲                  └──▶ 401 signed ▸ corrected id or clock ─┐
//!                       └───────────────────────401 unsigned ▸ next key ◀───────────┘
//! ```

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use awc::http::{Method, Uri};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::fetcher::{FetchFailure, FetchResult, Fetched, PeerFetcher};
use super::http_exchange::{ExchangeLimits, RawAnswer, client, exchange, is_stale_connection};
use super::messages::PeerConfig;
use super::negotiation::{Learned, Negotiation};
use super::page::{PageMerge, judge_page, signer_of};
use crate::limits::LimitHits;
use crate::names::NodeId;
use crate::report::{ReadReport, ReportLimits, TrackInterner};
use crate::signature::{AnswerSigner, ClusterKey, Nonce, RequestToSign, authorization, body_hash};

/// Where a node is asked for its report.
pub const REPORT_PATH: &str = "/streamer/api/v3/cluster/report";

/// Where a node is told that something changed.
pub const CHANGED_PATH: &str = "/streamer/api/v3/cluster/changed";

/// The shortest time to the first byte that is allowed.
const FIRST_BYTE_MIN: Duration = Duration::from_millis(1_000);

/// Pages of one fetch.
const PAGES_MAX: usize = 256;

/// The longest uncompressed page that is judged on the arbiter; longer ones go to a thread.
const JUDGED_HERE_BYTES_MAX: usize = 32 << 10;

/// Long pages that are judged at the same time, of all peers together: each costs memory, and many
/// at once when a node starts beside a hundred peers.
const JUDGED_AT_ONCE_MAX: usize = 2;

/// What one fetch may cost.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// What a page may cost.
    pub report: ReportLimits,
    /// Bytes of all pages of one fetch as sent. Default 64 MiB.
    pub bytes_max: usize,
    /// The slowest rate of a page. Default 64 KiB/s.
    pub bytes_per_second_min: u64,
    /// A whole fetch, all pages. Default 60 s.
    pub time_max: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            report: ReportLimits::default(),
            bytes_max: 64 << 20,
            bytes_per_second_min: 64 << 10,
            time_max: Duration::from_secs(60),
        }
    }
}

/// What all fetchers of a node share.
#[derive(Clone, Debug)]
pub struct FetcherParts {
    own_id: NodeId,
    tls: Arc<rustls::ClientConfig>,
    limits: FetchLimits,
    hits: LimitHits,
    judging: Arc<Semaphore>,
}

impl FetcherParts {
    /// Fetchers of node `own_id` that trust what `tls` trusts and count the limits that peers hit
    /// in `hits`.
    #[must_use]
    pub fn new(
        own_id: NodeId,
        tls: Arc<rustls::ClientConfig>,
        limits: FetchLimits,
        hits: LimitHits,
    ) -> Self {
        Self { own_id, tls, limits, hits, judging: Arc::new(Semaphore::new(JUDGED_AT_ONCE_MAX)) }
    }
}

/// Asks one peer over HTTP or HTTPS.
pub struct HttpFetcher {
    inner: Rc<Inner>,
}

struct Inner {
    client: awc::Client,
    parts: FetcherParts,
    base: String,
    keys: Vec<ClusterKey>,
    exchange: ExchangeLimits,
    learned: RefCell<Learned>,
    tracks: RefCell<TrackInterner>,
    progress: Cell<Option<std::time::Instant>>,
}

impl HttpFetcher {
    /// Asks the peer that `config` describes. Must be made on the arbiter that uses it.
    #[must_use]
    pub fn new(config: &PeerConfig, parts: FetcherParts) -> Self {
        let exchange = ExchangeLimits {
            first_byte: config.fetch_timeout.max(FIRST_BYTE_MIN),
            bytes_per_second: parts.limits.bytes_per_second_min,
            body_bytes_max: parts.limits.report.page_bytes_max,
        };
        let inner = Inner {
            client: client(Arc::clone(&parts.tls), config.fetch_timeout),
            parts,
            base: config.addresses.api_base(),
            keys: config.keys.clone(),
            exchange,
            learned: RefCell::default(),
            tracks: RefCell::default(),
            progress: Cell::new(None),
        };
        Self { inner: Rc::new(inner) }
    }
}

impl PeerFetcher for HttpFetcher {
    fn fetch(&self, cursor: Option<String>) -> LocalBoxFuture<'static, FetchResult> {
        let inner = Rc::clone(&self.inner);
        inner.progress.set(None);
        let fetch = async move {
            let result = inner.fetch(cursor).await;
            if let Some(limit) = result.as_ref().err().and_then(FetchFailure::limit) {
                inner.parts.hits.hit(limit);
            }
            result
        };
        fetch.boxed_local()
    }

    fn hint(&self) -> LocalBoxFuture<'static, Result<(), FetchFailure>> {
        let inner = Rc::clone(&self.inner);
        async move {
            let until = Instant::now() + inner.exchange.first_byte;
            let answer = inner.send_signed(&Method::POST, CHANGED_PATH, until).await?;
            signer_of(&answer.raw, &answer.key, answer.nonce).map(drop)
        }
        .boxed_local()
    }

    fn progress(&self) -> Option<std::time::Instant> {
        self.inner.progress.get()
    }
}

/// A success that still has to be believed, and what is needed for that.
struct Unjudged {
    raw: RawAnswer,
    key: ClusterKey,
    nonce: Nonce,
    negotiation: Negotiation,
}

impl Inner {
    async fn fetch(&self, cursor: Option<String>) -> FetchResult {
        let FetchLimits { report: limits, bytes_max, time_max, .. } = self.parts.limits;
        let until = Instant::now() + time_max;
        let mut merge = PageMerge::default();
        let mut cursor = cursor;
        let mut bytes = 0;
        for _page in 0..PAGES_MAX {
            let target = match &cursor {
                Some(cursor) => format!("{REPORT_PATH}?since={cursor}"),
                None => REPORT_PATH.to_owned(),
            };
            let mut answer = self.send_signed(&Method::GET, &target, until).await?;
            bytes += answer.raw.body.len();
            if bytes > bytes_max {
                return Err(FetchFailure::TooLong { bytes_max });
            }
            let (signer, page) = self.judge(answer.raw, answer.key, answer.nonce, limits).await?;
            answer.negotiation.believed(signer, unix_ms() / 1_000);
            self.learned.replace(answer.negotiation.learned().clone());
            self.progress.set(Some(Instant::now().into_std()));
            let more = page.report.more;
            cursor = Some(page.report.cursor.clone());
            merge.add(page, &limits)?;
            if !more {
                let clock_offset_ms = offset_ms(signer, unix_ms());
                let read = merge.finish().expect("a page was added above");
                let ReadReport { report, invalid_names } = read;
                return Ok(Fetched { report, invalid_names, clock_offset_ms });
            }
        }
        Err(FetchFailure::TooManyPages { pages_max: PAGES_MAX })
    }

    /// Sends until an answer is no refusal that could be corrected.
    async fn send_signed(
        &self,
        method: &Method,
        target: &str,
        until: Instant,
    ) -> Result<Unjudged, FetchFailure> {
        let uri: Uri = format!("{}{target}", self.base)
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
                method: method.as_str(),
                path_and_query: &path_and_query,
                body_sha256: body_hash(b""),
                sender: self.parts.own_id,
                target: negotiation.learned().target,
                unix_s: now_s.saturating_add_signed(negotiation.learned().offset_s),
                nonce,
            };
            let header = authorization(&key, &request);
            let sent =
                exchange(&self.client, method.clone(), uri.clone(), header, &self.exchange, until);
            let raw = match sent.await {
                Err(failure) if may_retry && is_stale_connection(&failure) => {
                    may_retry = false;
                    continue;
                }
                other => other?,
            };
            match raw.status {
                200..=299 => {
                    return Ok(Unjudged { raw, key, nonce, negotiation });
                }
                401 => match signer_of(&raw, &key, nonce) {
                    Ok(signer) => negotiation.corrected(signer, now_s)?,
                    Err(_) => negotiation.refused(self.keys.len())?,
                },
                status @ 300..=399 => return Err(FetchFailure::Redirect { status }),
                status => return Err(FetchFailure::Status { status }),
            }
        }
    }

    /// Judges a page here where it is short, else on a thread: the arbiter has other peers to ask.
    async fn judge(
        &self,
        raw: RawAnswer,
        key: ClusterKey,
        nonce: Nonce,
        limits: ReportLimits,
    ) -> Result<(AnswerSigner, ReadReport), FetchFailure> {
        if !raw.is_gzip && raw.body.len() <= JUDGED_HERE_BYTES_MAX {
            return judge_page(raw, &key, nonce, &limits, &mut self.tracks.borrow_mut());
        }
        let _turn = self.parts.judging.acquire().await;
        let mut tracks = self.tracks.take();
        let judged = actix_rt::task::spawn_blocking(move || {
            let judged = judge_page(raw, &key, nonce, &limits, &mut tracks);
            (judged, tracks)
        });
        let (judged, tracks) = judged
            .await
            .map_err(|_| FetchFailure::Connection("the report could not be read".to_owned()))?;
        self.tracks.replace(tracks);
        judged
    }
}

fn random_nonce() -> Result<Nonce, FetchFailure> {
    let mut bits = [0_u8; 16];
    getrandom::fill(&mut bits)
        .map_err(|_| FetchFailure::Connection("no random numbers".to_owned()))?;
    Ok(Nonce::from_random(u128::from_le_bytes(bits)))
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The peer tells whole seconds; on average half a second more has passed.
fn offset_ms(signer: AnswerSigner, now_unix_ms: u64) -> i64 {
    let theirs = signer.unix_s.saturating_mul(1_000).saturating_add(500);
    let ahead = theirs.cast_signed().saturating_sub_unsigned(now_unix_ms);
    // Within a second nothing can be told apart from nothing.
    if ahead.abs() <= 1_000 { 0 } else { ahead }
}
