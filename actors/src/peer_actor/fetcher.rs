//! The seam between a peer's actor and the network.

use std::time::{Duration, Instant};

use futures_util::future::LocalBoxFuture;
use thiserror::Error;

use super::health::{Miss, in_words};
use super::messages::KeyUse;
use crate::report::{Report, ReportError};
use crate::signature::clock_words;

/// Asks one peer. One value for each peer and config; it remembers what asking has taught it (the
/// peer's id, clock and key).
///
/// Implementors must end every future by themselves, within the bounds of SPEC section 4, and must
/// not block the arbiter.
pub trait PeerFetcher {
    /// Gets everything since `cursor`, all pages.
    fn fetch(&self, cursor: Option<String>) -> LocalBoxFuture<'static, FetchResult>;

    /// Tells the peer that something changed here.
    fn hint(&self) -> LocalBoxFuture<'static, Result<(), FetchFailure>>;

    /// When the fetch in flight last got a good page.
    fn progress(&self) -> Option<Instant>;
}

/// How a fetch ends.
pub type FetchResult = Result<Fetched, FetchFailure>;

/// All pages of one fetch, merged and believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    /// The pages as one; `more` is false.
    pub report: Report,
    /// Streams left out because their names are none.
    pub invalid_names: usize,
    /// By how much the peer's clock is ahead of ours, in milliseconds.
    pub clock_offset_ms: i64,
    /// Which key the peer took, and signed with.
    pub key: KeyUse,
}

/// Why a fetch failed, in the words of the peer's row.
#[derive(Debug, Error)]
pub enum FetchFailure {
    /// Nobody listens there.
    #[error("connection refused")]
    Refused,
    /// The address has no host that can be found.
    #[error("host not found")]
    HostNotFound,
    /// The connection ended or could not be made.
    #[error("{0}")]
    Connection(String),
    /// No answer in time.
    #[error("timed out after {}", in_words(*.after))]
    TimedOut {
        /// The time it had.
        after: Duration,
    },
    /// An answer that comes too slowly.
    #[error("answers slower than {} KiB/s", .bytes_per_second >> 10)]
    TooSlow {
        /// What is expected.
        bytes_per_second: u64,
    },
    /// The peer has another key, or is none.
    #[error("401 wrong key")]
    WrongKey,
    /// The peer does not take our time, even after it was corrected.
    #[error("{}", clock_words(*.ahead_s))]
    Clock {
        /// By how much the peer's clock is ahead.
        ahead_s: i64,
    },
    /// A redirect.
    #[error("answered {status} (a redirect is not followed)")]
    Redirect {
        /// Its status.
        status: u16,
    },
    /// Another status that is no success.
    #[error("answered {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// More bytes than a page may have, compressed or not.
    #[error("answer over {} MiB", .bytes_max >> 20)]
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// A body that says it is compressed and is not.
    #[error("not a report: broken compression")]
    Compression,
    /// An answer without a signature.
    #[error("not a report: the answer is not signed")]
    Unsigned,
    /// An answer with a signature that does not hold.
    #[error("answer signed with a wrong key")]
    Forged,
    /// Pages without end.
    #[error("not a report: more than {pages_max} pages")]
    TooManyPages {
        /// The limit.
        pages_max: usize,
    },
    /// A signed answer that is no report, or one of another version.
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl FetchFailure {
    /// All causes in one word, for metrics.
    pub const REASONS: [&str; 7] =
        ["connection", "timeout", "key", "clock", "status", "size", "report"];

    /// The cause in one word, for metrics.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Refused | Self::HostNotFound | Self::Connection(_) => "connection",
            Self::TimedOut { .. } | Self::TooSlow { .. } => "timeout",
            Self::WrongKey | Self::Forged | Self::Unsigned => "key",
            Self::Clock { .. } => "clock",
            Self::Redirect { .. } | Self::Status { .. } => "status",
            Self::TooLong { .. } | Self::TooManyPages { .. } => "size",
            Self::Compression | Self::Report(_) => "report",
        }
    }

    /// The setting of the limit that the peer hit, if it hit one.
    pub(super) fn limit(&self) -> Option<&'static str> {
        match self {
            Self::TooSlow { .. } => Some("report_rate"),
            Self::TooLong { .. }
            | Self::TooManyPages { .. }
            | Self::Report(ReportError::TooLong { .. }) => Some("report_page_size"),
            Self::Report(ReportError::TooDeep { .. }) => Some("report_json_depth"),
            Self::Report(ReportError::TooManyStreams { .. }) => Some("report_streams"),
            Self::Refused
            | Self::HostNotFound
            | Self::Connection(_)
            | Self::TimedOut { .. }
            | Self::WrongKey
            | Self::Clock { .. }
            | Self::Redirect { .. }
            | Self::Status { .. }
            | Self::Compression
            | Self::Unsigned
            | Self::Forged
            | Self::Report(_) => None,
        }
    }

    /// What it means for the peer's health.
    pub(super) fn miss(&self) -> Miss {
        match self {
            Self::WrongKey | Self::Clock { .. } | Self::Forged => Miss::Unauthorized,
            Self::Report(ReportError::Protocol { .. }) => Miss::Incompatible,
            Self::Refused
            | Self::HostNotFound
            | Self::Connection(_)
            | Self::TimedOut { .. }
            | Self::TooSlow { .. }
            | Self::Redirect { .. }
            | Self::Status { .. }
            | Self::TooLong { .. }
            | Self::Compression
            | Self::Unsigned
            | Self::TooManyPages { .. }
            | Self::Report(_) => Miss::Silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_in_the_contracts_words() {
        let two_seconds = FetchFailure::TimedOut { after: Duration::from_secs(2) };
        let cases = [
            (FetchFailure::Refused, "connection refused", Miss::Silent),
            (two_seconds, "timed out after 2 s", Miss::Silent),
            (FetchFailure::WrongKey, "401 wrong key", Miss::Unauthorized),
            (FetchFailure::Clock { ahead_s: 47 }, "clock is 47 s ahead", Miss::Unauthorized),
            (
                FetchFailure::Redirect { status: 302 },
                "answered 302 (a redirect is not followed)",
                Miss::Silent,
            ),
            (FetchFailure::TooLong { bytes_max: 8 << 20 }, "answer over 8 MiB", Miss::Silent),
            (
                ReportError::Protocol { theirs: 3 }.into(),
                "speaks protocol 3, this node 1",
                Miss::Incompatible,
            ),
        ];
        for (failure, words, miss) in cases {
            assert_eq!((failure.to_string().as_str(), failure.miss()), (words, miss));
            assert!(FetchFailure::REASONS.contains(&failure.reason()), "{words}");
        }
    }
}
