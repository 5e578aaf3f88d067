//! Why a pulled input ended, in words for `source_error`.

use std::io;
use std::time::Duration;

use thiserror::Error;
use watershed_media::rtmp::RtmpError;

use super::super::writer::InputRevoked;
use crate::egress::EgressRefused;

/// Why a pulled input ended; every one does.
#[derive(Debug, Error)]
pub(super) enum PullError {
    /// The stream wants no more of it.
    #[error("not wanted any more")]
    Revoked,
    /// The scheme is not supported.
    #[error("this scheme is not supported")]
    Scheme,
    /// The name has no address.
    #[error("no address found for {host}")]
    Unresolved {
        /// The name.
        host: String,
    },
    /// Remote content leads where it must not.
    #[error(transparent)]
    Egress(#[from] EgressRefused),
    /// The system or the peer refuses.
    #[error("{}", io_words(.0))]
    Io(#[from] io::Error),
    /// A step took too long.
    #[error("no answer within {} s", .0.as_secs())]
    NoAnswer(Duration),
    /// No packet came.
    #[error("no data for {} s", .0.as_secs())]
    Silent(Duration),
    /// TLS cannot be set up.
    #[error("tls: {0}")]
    Tls(String),
    /// The server answered with an error.
    #[error("{code}: {}", status_words(*.code))]
    Status {
        /// Of HTTP or RTSP.
        code: u16,
    },
    /// RTMP went wrong.
    #[error(transparent)]
    Rtmp(#[from] RtmpError),
    /// The server does not let us play.
    #[error("refused: {0}")]
    Refused(String),
    /// The server ended the stream.
    #[error("the server ended the stream{}", in_brackets(.0))]
    Ended(String),
    /// A redirect that is no URL of the protocol.
    #[error("redirected to what is no address")]
    BadRedirect,
    /// Redirected again and again.
    #[error("redirected more than {0} times")]
    TooManyRedirects(usize),
    /// What came cannot be carried.
    #[error("{0}")]
    Media(String),
}

impl PullError {
    /// Whether the input ended because the stream wants no more of it.
    pub(super) const fn is_revoked(&self) -> bool {
        matches!(self, Self::Revoked)
    }

    /// The same with the words of servers and libraries changed: they may repeat what is secret.
    pub(super) fn map_words(self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Tls(words) => Self::Tls(change(&words)),
            Self::Refused(words) => Self::Refused(change(&words)),
            Self::Ended(words) => Self::Ended(change(&words)),
            Self::Media(words) => Self::Media(change(&words)),
            other => other,
        }
    }
}

impl From<InputRevoked> for PullError {
    fn from(_: InputRevoked) -> Self {
        Self::Revoked
    }
}

/// The words for people, without the system's number.
fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "connection reset".to_owned(),
        io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        io::ErrorKind::TimedOut => "connection timed out".to_owned(),
        io::ErrorKind::HostUnreachable => "host unreachable".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network unreachable".to_owned(),
        io::ErrorKind::AddrInUse => "address in use".to_owned(),
        _ => error.to_string(),
    }
}

const fn status_words(code: u16) -> &'static str {
    match code {
        401 => "wrong user or password",
        403 => "forbidden",
        404 | 410 => "no such stream",
        453 => "not enough bandwidth",
        454 => "session not found",
        461 => "transport not supported by the server",
        503 => "not available now",
        300..=399 => "sent elsewhere, which is not followed",
        400..=499 => "refused",
        500..=599 => "the server failed",
        _ => "unexpected answer",
    }
}

fn in_brackets(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!(" ({code})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_in_words() {
        for (error, words) in [
            (PullError::Status { code: 401 }, "401: wrong user or password"),
            (PullError::Status { code: 404 }, "404: no such stream"),
            (PullError::Status { code: 599 }, "599: the server failed"),
            (io::Error::from(io::ErrorKind::ConnectionRefused).into(), "connection refused"),
            (PullError::Silent(Duration::from_secs(10)), "no data for 10 s"),
            (PullError::Ended(String::new()), "the server ended the stream"),
            (PullError::Ended("x".to_owned()), "the server ended the stream (x)"),
        ] {
            assert_eq!(error.to_string(), words);
        }
    }
}
