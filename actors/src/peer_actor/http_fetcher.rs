//! Asking a peer for its report over HTTP: page by page, each judged and believed before the next.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::fetcher::{FetchFailure, FetchResult, Fetched, PeerFetcher};
use super::http_exchange::{ExchangeLimits, RawAnswer, client};
use super::messages::PeerConfig;
use super::page::{PageMerge, judge_page};
use super::signed_client::{SignedAnswer, SignedAsk, SignedClient};
use crate::limits::LimitHits;
use crate::names::NodeId;
use crate::report::{ReadReport, ReportLimits, TrackInterner};
use crate::signature::{AnswerSigner, ClusterKey, Nonce};
use crate::wall_clock::unix_ms;

/// Where a node is asked for its report.
pub const REPORT_PATH: &str = "/streamer/api/v3/cluster/report";

/// Where a node is told that something changed.
pub const CHANGED_PATH: &str = "/streamer/api/v3/cluster/changed";

/// The shortest time to the first byte that is allowed.
const FIRST_BYTE_MIN: Duration = Duration::from_millis(1_000);

/// Connections kept to one peer: the fetch's, and one for hints.
const CONNECTIONS_MAX: usize = 2;

/// How long other clients than the fetcher wait for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

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

    /// A client of the node at `base`, with up to `connections_max` connections of its own; to be
    /// used on the arbiter it is made on.
    pub(crate) fn signed_client(
        &self,
        base: String,
        keys: Vec<ClusterKey>,
        connections_max: usize,
    ) -> SignedClient {
        let client = client(Arc::clone(&self.tls), CONNECT_WITHIN, connections_max);
        SignedClient::new(self.own_id, base, keys, client)
    }
}

/// Asks one peer over HTTP or HTTPS.
pub struct HttpFetcher {
    inner: Rc<Inner>,
}

struct Inner {
    node: SignedClient,
    parts: FetcherParts,
    exchange: ExchangeLimits,
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
        let base = config.addresses.api_base();
        let client = client(Arc::clone(&parts.tls), config.fetch_timeout, CONNECTIONS_MAX);
        let inner = Inner {
            node: SignedClient::new(parts.own_id, base, config.keys.clone(), client),
            parts,
            exchange,
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
            let ask = SignedAsk::post(CHANGED_PATH, Bytes::new()).within(inner.exchange, until);
            inner.node.ask(ask).await?.believe().map(drop)
        }
        .boxed_local()
    }

    fn progress(&self) -> Option<std::time::Instant> {
        self.inner.progress.get()
    }
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
            let ask = SignedAsk::get(&target).within(self.exchange, until);
            let SignedAnswer { raw, key, nonce, negotiation } = self.node.ask(ask).await?;
            bytes += raw.body.len();
            if bytes > bytes_max {
                return Err(FetchFailure::TooLong { bytes_max });
            }
            let key_use = self.node.use_of(&key);
            let (signer, page) = self.judge(raw, key, nonce, limits).await?;
            self.node.learn(negotiation, signer);
            self.progress.set(Some(Instant::now().into_std()));
            let more = page.report.more;
            cursor = Some(page.report.cursor.clone());
            merge.add(page, &limits)?;
            if !more {
                let clock_offset_ms = offset_ms(signer, unix_ms());
                let read = merge.finish().expect("a page was added above");
                let ReadReport { report, invalid_names } = read;
                let key = key_use;
                return Ok(Fetched { report, invalid_names, clock_offset_ms, key });
            }
        }
        Err(FetchFailure::TooManyPages { pages_max: PAGES_MAX })
    }

    /// Judges a page here where it is short, else on a thread: the arbiter has other peers to ask.
    async fn judge(
        &self,
        raw: RawAnswer,
        key: ClusterKey,
        nonce: Nonce,
        limits: ReportLimits,
    ) -> Result<(AnswerSigner, ReadReport), FetchFailure> {
        if !raw.head.is_gzip && raw.body.len() <= JUDGED_HERE_BYTES_MAX {
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

/// The peer tells whole seconds; on average half a second more has passed.
fn offset_ms(signer: AnswerSigner, now_unix_ms: u64) -> i64 {
    let theirs = signer.unix_s.saturating_mul(1_000).saturating_add(500);
    let ahead = theirs.cast_signed().saturating_sub_unsigned(now_unix_ms);
    // Within a second nothing can be told apart from nothing.
    if ahead.abs() <= 1_000 { 0 } else { ahead }
}
