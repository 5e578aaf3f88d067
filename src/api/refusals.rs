//! What nodes are answered whose requests do not hold, and what the log says of it.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use log::Level;
use watershed_actors::signature::{Refusal, RefusalCause};

use super::signed::signed;
use crate::http_front::client_of;

/// How often refusals are logged; anybody can cause them.
const LOG_INTERVAL: Duration = Duration::from_secs(1);
/// For how long after a start peers may still ask for the node that was here before.
const KNOWN_WITHIN: Duration = Duration::from_secs(60);

/// Answers refusals, and logs a few of them.
#[derive(Debug)]
pub struct Refusals {
    started: Instant,
    /// What peers correct by themselves; apart, so that it hides nothing else.
    routine: Mutex<RefusalLog>,
    others: Mutex<RefusalLog>,
}

#[derive(Debug, Default)]
struct RefusalLog {
    last: Option<Instant>,
    left_out: u64,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { started: Instant::now(), routine: Mutex::default(), others: Mutex::default() }
    }
}

impl Refusals {
    /// The answer: the same to every stranger; to a peer signed, so that it can correct itself.
    pub(super) fn answer(&self, request: &HttpRequest, refusal: &Refusal) -> HttpResponse {
        self.note(client_of(request).ip, refusal.cause);
        match &refusal.answer {
            Some(headers) => signed(StatusCode::UNAUTHORIZED, headers).finish(),
            None => HttpResponse::Unauthorized()
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .force_close()
                .finish(),
        }
    }

    fn note(&self, client: Option<IpAddr>, cause: RefusalCause) {
        let now = Instant::now();
        let level = level(cause, now.duration_since(self.started));
        let log = if level == Level::Info { &self.routine } else { &self.others };
        let left_out = log.lock().unwrap_or_else(PoisonError::into_inner).admit(now);
        if let Some(left_out) = left_out {
            log::log!(level, "{}", line(client, cause, left_out));
        }
    }
}

impl RefusalLog {
    /// How many were left out before this one; `None` where it is to be left out too.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.duration_since(last) < LOG_INTERVAL) {
            self.left_out += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.left_out))
    }
}

/// A peer learns by its first request who is here; `age` is the time since the start.
fn level(cause: RefusalCause, age: Duration) -> Level {
    match cause {
        RefusalCause::Introduction => Level::Info,
        RefusalCause::Audience if age < KNOWN_WITHIN => Level::Info,
        _ => Level::Warn,
    }
}

fn line(client: Option<IpAddr>, cause: RefusalCause, left_out: u64) -> String {
    let client = client.map_or_else(|| "unknown".to_owned(), |client| client.to_string());
    let refused = format!("cluster request from {client} refused: {cause}");
    match left_out {
        0 => refused,
        _ => format!("{refused} ({left_out} more not logged)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_peers_correct_by_themselves_is_no_warning() {
        let young = KNOWN_WITHIN / 2;
        for (cause, age, wanted) in [
            (RefusalCause::Introduction, young, Level::Info),
            (RefusalCause::Introduction, 2 * KNOWN_WITHIN, Level::Info),
            (RefusalCause::Audience, young, Level::Info),
            (RefusalCause::Audience, KNOWN_WITHIN, Level::Warn),
            (RefusalCause::UnknownKey, young, Level::Warn),
            (RefusalCause::Clock { ahead_s: 40 }, young, Level::Warn),
        ] {
            assert_eq!(level(cause, age), wanted, "{cause}");
        }
    }

    #[test]
    fn line_says_how_many_were_left_out_if_any_were() {
        let (mut log, start) = (RefusalLog::default(), Instant::now());
        let mut logged = |after| {
            let left_out = log.admit(start + after)?;
            Some(line(Some([10, 0, 0, 9].into()), RefusalCause::Unsigned, left_out))
        };
        let first = "cluster request from 10.0.0.9 refused: not signed";
        assert_eq!(logged(Duration::ZERO).as_deref(), Some(first));
        assert_eq!(logged(LOG_INTERVAL / 2), None);
        let second = format!("{first} (1 more not logged)");
        assert_eq!(logged(LOG_INTERVAL), Some(second));
        assert_eq!(logged(2 * LOG_INTERVAL).as_deref(), Some(first));
    }
}
