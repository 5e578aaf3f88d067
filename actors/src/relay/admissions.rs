//! The HLS sessions that a holder has let in: they come with every playlist and every segment, and
//! the holder is asked once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::names::StreamName;

/// Most sessions remembered; of further ones the holder is asked each time.
const SESSIONS_MAX: usize = 100_000;

/// Who was let in, and until when.
#[derive(Debug)]
pub(super) struct Admissions {
    sessions: HashMap<(StreamName, u64), Instant>,
    window: Duration,
}

impl Admissions {
    /// A session ends when it has not been seen for `window`.
    pub(super) fn new(window: Duration) -> Self {
        Self { sessions: HashMap::new(), window }
    }

    /// Whether the session was let in; it lives on then.
    pub(super) fn renew(&mut self, name: &StreamName, session: u64, now: Instant) -> bool {
        match self.sessions.get_mut(&(name.clone(), session)) {
            Some(until) if *until > now => {
                *until = now + self.window;
                true
            }
            _ => false,
        }
    }

    /// Lets a session in.
    pub(super) fn admit(&mut self, name: StreamName, session: u64, now: Instant) {
        if self.sessions.len() < SESSIONS_MAX {
            self.sessions.insert((name, session), now + self.window);
        }
    }

    /// Forgets the sessions that have ended.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.sessions.retain(|_, until| *until > now);
    }

    /// Forgets all sessions of a stream: its next holder is to be asked anew.
    pub(super) fn forget(&mut self, name: &StreamName) {
        self.sessions.retain(|(other, _), _| other != name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_lives_while_it_is_seen_and_only_for_its_stream() {
        let mut admissions = Admissions::new(Duration::from_secs(13));
        let (cam, other): (StreamName, StreamName) =
            ("cam".parse().unwrap(), "other".parse().unwrap());
        let start = Instant::now();
        let second = |seconds| start + Duration::from_secs(seconds);
        assert!(!admissions.renew(&cam, 7, start));
        admissions.admit(cam.clone(), 7, start);
        assert!(admissions.renew(&cam, 7, second(12)));
        assert!(admissions.renew(&cam, 7, second(24)));
        assert!(!admissions.renew(&cam, 8, second(24)));
        assert!(!admissions.renew(&other, 7, second(24)));
        assert!(!admissions.renew(&cam, 7, second(37)));
        admissions.sweep(second(37));
        assert!(admissions.sessions.is_empty());
    }

    #[test]
    fn forgotten_stream_takes_its_sessions_along() {
        let mut admissions = Admissions::new(Duration::from_secs(13));
        let (cam, other): (StreamName, StreamName) =
            ("cam".parse().unwrap(), "other".parse().unwrap());
        let now = Instant::now();
        admissions.admit(cam.clone(), 7, now);
        admissions.admit(other.clone(), 7, now);
        admissions.forget(&cam);
        assert!(!admissions.renew(&cam, 7, now));
        assert!(admissions.renew(&other, 7, now));
    }
}
