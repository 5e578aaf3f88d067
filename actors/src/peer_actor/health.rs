//! What is known of a peer's answering, as a value (SPEC section 4, states).
//!
//! ```text
//!            answer                miss               second miss, or silence
//!  unknown ─────────▶ up ─────────────▶ late ───────────────────────▶ down
//!                      ▲                  │                             │
//!                      └───── answer ─────┴──────────── answer ─────────┘
//!  any ── 401 ▶ unauthorized   any ── protocol, name twice ▶ incompatible   (back off to 10 ×)
//!  any ── says so ▶ draining   any ── our own id ▶ self, known id ▶ duplicate   (not asked again)
//! ```
//! The time is an argument; freshness is this node's own monotonic clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::messages::{PeerState, StateChange};

/// Changes of state that are remembered.
pub const STATE_CHANGES_MAX: usize = 20;

/// What `2 * fetch_timeout` is lengthened by before silence means down.
const DOWN_GRACE: Duration = Duration::from_millis(1_000);

/// The longest back-off, in fetch timeouts.
const BACK_OFF_MAX: u32 = 10;

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Clients may be sent there.
    Running,
    /// It is about to stop.
    Draining,
    /// It is this node.
    Myself,
    /// Another entry has it already.
    Duplicate,
    /// Another live node has its name.
    NameTwice,
}

/// What a failed fetch means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// No answer, or nonsense.
    Silent,
    /// Another key.
    Unauthorized,
    /// Another protocol.
    Incompatible,
}

/// One peer's health.
#[derive(Clone, Debug)]
pub(super) struct Health {
    fetch_timeout: Duration,
    state: PeerState,
    error: Option<String>,
    misses: u32,
    back_off: u32,
    asked_since: Instant,
    answered_at: Option<Instant>,
    fetch_started: Option<Instant>,
    next_fetch: Option<Instant>,
    changes: VecDeque<StateChange>,
}

impl Health {
    /// A peer that is to be asked at once.
    pub(super) fn new(fetch_timeout: Duration, now: Instant) -> Self {
        Self {
            fetch_timeout,
            state: PeerState::Unknown,
            error: None,
            misses: 0,
            back_off: 1,
            asked_since: now,
            answered_at: None,
            fetch_started: None,
            next_fetch: Some(now),
            changes: VecDeque::new(),
        }
    }

    pub(super) fn state(&self) -> PeerState {
        self.state
    }

    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    pub(super) fn answered_at(&self) -> Option<Instant> {
        self.answered_at
    }

    pub(super) fn changes(&self) -> Vec<StateChange> {
        self.changes.iter().cloned().collect()
    }

    /// How long silence may last before the peer is down.
    pub(super) fn silence_max(&self) -> Duration {
        2 * self.fetch_timeout + DOWN_GRACE
    }

    /// When to call [`Health::wake`] again; none where only others can wake this peer.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        let overdue = self
            .fetch_started
            .filter(|_| self.state == PeerState::Up)
            .map(|started| started + self.fetch_timeout);
        let silent = self.can_go_silent().then(|| self.silent_at(None));
        let fetch = self.next_fetch.filter(|_| self.fetch_started.is_none());
        [overdue, silent, fetch].into_iter().flatten().min()
    }

    /// Lets time pass: late and down come by themselves. `progress` is when the fetch in flight
    /// last got a good page.
    pub(super) fn wake(&mut self, now: Instant, progress: Option<Instant>) {
        if self.can_go_silent() && now >= self.silent_at(progress) {
            let words = self
                .error
                .take()
                .unwrap_or_else(|| format!("no answer for {}", in_words(self.silence_max())));
            self.change(PeerState::Down, Some(words), now);
            return;
        }
        if let Some(progress) = progress {
            self.answered_at = self.answered_at.max(Some(progress));
        }
        let started = self.fetch_started.max(progress);
        let is_overdue = started.is_some_and(|at| now >= at + self.fetch_timeout);
        if self.state == PeerState::Up && self.fetch_started.is_some() && is_overdue {
            let words = format!("no answer within {}", in_words(self.fetch_timeout));
            self.change(PeerState::Late, Some(words), now);
        }
    }

    /// This node itself was suspended: silence counts from now, and the peer is asked first.
    pub(super) fn resumed(&mut self, now: Instant) {
        self.asked_since = now;
    }

    /// Whether to begin a fetch now.
    pub(super) fn is_fetch_due(&self, now: Instant) -> bool {
        self.fetch_started.is_none() && self.next_fetch.is_some_and(|at| at <= now)
    }

    /// Whether a fetch is in flight.
    pub(super) fn is_fetching(&self) -> bool {
        self.fetch_started.is_some()
    }

    /// Begins anew with another config: asked at once, also where it was not asked any more.
    pub(super) fn reconfigure(&mut self, fetch_timeout: Duration, now: Instant) {
        self.fetch_timeout = fetch_timeout;
        self.fetch_started = None;
        self.misses = 0;
        self.back_off = 1;
        self.asked_since = now;
        self.next_fetch = Some(now);
        if !self.state.is_open() {
            self.change(PeerState::Unknown, None, now);
        }
    }

    /// Notes that a fetch begins. `jitter` is -1 to 1: a tenth of the interval at most.
    pub(super) fn begin_fetch(&mut self, now: Instant, jitter: f64) {
        self.fetch_started = Some(now);
        let interval = self.fetch_timeout * self.back_off;
        self.next_fetch = Some(now + interval.mul_f64(1.0 + 0.1 * jitter.clamp(-1.0, 1.0)));
    }

    /// Takes an answer in.
    pub(super) fn answered(&mut self, verdict: Verdict, now: Instant) {
        let started = self.fetch_started.take().unwrap_or(now);
        self.answered_at = Some(now);
        self.misses = 0;
        match verdict {
            Verdict::NameTwice => self.back_off = (self.back_off * 2).min(BACK_OFF_MAX),
            Verdict::Running | Verdict::Draining | Verdict::Myself | Verdict::Duplicate => {
                self.end_back_off(started);
            }
        }
        let (state, error) = match verdict {
            Verdict::Running => (PeerState::Up, None),
            Verdict::Draining => (PeerState::Draining, None),
            Verdict::Myself => (PeerState::Myself, Some("points to this node")),
            Verdict::Duplicate => (PeerState::Duplicate, Some("known by another entry")),
            Verdict::NameTwice => (PeerState::Incompatible, Some("name used twice")),
        };
        match verdict {
            Verdict::Running | Verdict::Draining | Verdict::NameTwice => {}
            Verdict::Myself | Verdict::Duplicate => self.next_fetch = None,
        }
        self.change(state, error.map(str::to_owned), now);
    }

    /// Takes a failed fetch in.
    pub(super) fn missed(&mut self, miss: Miss, words: String, now: Instant) {
        let started = self.fetch_started.take().unwrap_or(now);
        self.misses = self.misses.saturating_add(1);
        let state = match miss {
            Miss::Unauthorized => PeerState::Unauthorized,
            Miss::Incompatible => PeerState::Incompatible,
            Miss::Silent => self.state_after_silence(),
        };
        if miss == Miss::Silent {
            self.end_back_off(started);
        } else {
            self.back_off = (self.back_off * 2).min(BACK_OFF_MAX);
            let next = started + self.fetch_timeout * self.back_off;
            self.next_fetch = self.next_fetch.map(|planned| planned.max(next));
        }
        self.change(state, Some(words), now);
    }

    /// Asks at once, also a peer that is backed off; never one that need not be asked again.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.back_off = 1;
        if self.next_fetch.is_some() {
            self.next_fetch = Some(now);
        }
    }

    /// Goes back to the usual pace; the next fetch was planned by the back-off of before.
    fn end_back_off(&mut self, started: Instant) {
        if self.back_off > 1 {
            self.back_off = 1;
            let next = started + self.fetch_timeout;
            self.next_fetch = self.next_fetch.map(|planned| planned.min(next));
        }
    }

    fn state_after_silence(&self) -> PeerState {
        match self.state {
            _ if self.misses >= 2 => PeerState::Down,
            PeerState::Unknown | PeerState::Up | PeerState::Late => PeerState::Late,
            PeerState::Myself | PeerState::Duplicate => PeerState::Late,
            // These have no streams any more, and one miss is no reason to send clients again.
            kept @ (PeerState::Down
            | PeerState::Unauthorized
            | PeerState::Incompatible
            | PeerState::Draining) => kept,
        }
    }

    /// Whether silence alone may still make this peer down.
    fn can_go_silent(&self) -> bool {
        match self.state {
            PeerState::Unknown | PeerState::Up | PeerState::Late | PeerState::Draining => true,
            PeerState::Down
            | PeerState::Unauthorized
            | PeerState::Incompatible
            | PeerState::Myself
            | PeerState::Duplicate => false,
        }
    }

    fn silent_at(&self, progress: Option<Instant>) -> Instant {
        let heard = self.answered_at.max(progress).unwrap_or(self.asked_since);
        heard.max(self.asked_since) + self.silence_max()
    }

    fn change(&mut self, state: PeerState, error: Option<String>, now: Instant) {
        self.error = error;
        if self.state == state {
            return;
        }
        self.state = state;
        if self.changes.len() == STATE_CHANGES_MAX {
            self.changes.pop_front();
        }
        self.changes.push_back(StateChange { state, at: now, error: self.error.clone() });
    }
}

/// A duration for people: `2 s`, `1.5 s`.
pub(super) fn in_words(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use PeerState::{
        Down, Draining, Duplicate, Incompatible, Late, Myself, Unauthorized, Unknown, Up,
    };

    const TICK: Duration = Duration::from_millis(1_000);

    fn fresh() -> (Health, Instant) {
        let now = Instant::now();
        (Health::new(TICK, now), now)
    }

    fn up() -> (Health, Instant) {
        let (mut health, now) = fresh();
        health.begin_fetch(now, 0.0);
        health.answered(Verdict::Running, now);
        (health, now)
    }

    fn miss(health: &mut Health, now: Instant) {
        health.begin_fetch(now, 0.0);
        health.missed(Miss::Silent, "connection refused".into(), now);
    }

    #[test]
    fn silent_peer_is_down_after_two_misses_and_up_after_one_answer() {
        let (mut health, now) = up();
        miss(&mut health, now + TICK);
        assert_eq!((health.state(), health.error()), (Late, Some("connection refused")));
        miss(&mut health, now + 2 * TICK);
        assert_eq!(health.state(), Down);
        health.begin_fetch(now + 3 * TICK, 0.0);
        health.answered(Verdict::Running, now + 3 * TICK);
        assert_eq!((health.state(), health.error()), (Up, None));
        let states: Vec<_> = health.changes().iter().map(|change| change.state).collect();
        assert_eq!(states, [Up, Late, Down, Up]);
    }

    #[test]
    fn a_peer_that_never_answers_is_late_then_down() {
        let (mut health, now) = fresh();
        assert!(health.is_fetch_due(now));
        miss(&mut health, now);
        assert_eq!(health.state(), Late);
        miss(&mut health, now + TICK);
        assert_eq!(health.state(), Down);
    }

    #[test]
    fn a_hanging_fetch_is_overdue_then_down_without_ending() {
        let (mut health, now) = up();
        let asked = now + TICK;
        assert_eq!(health.next_wake(), Some(asked));
        health.begin_fetch(asked, 0.0);
        assert_eq!(health.next_wake(), Some(asked + TICK));
        health.wake(asked + TICK / 2, None);
        assert_eq!(health.state(), Up);
        health.wake(asked + TICK, None);
        assert_eq!((health.state(), health.error()), (Late, Some("no answer within 1 s")));
        assert_eq!(health.next_wake(), Some(now + 3 * TICK));
        health.wake(now + 3 * TICK, None);
        assert_eq!(health.state(), Down);
        assert_eq!(health.next_wake(), None, "the fetch in flight ends by its own deadline");
    }

    #[test]
    fn pages_that_keep_coming_keep_a_peer_up() {
        let (mut health, now) = up();
        health.begin_fetch(now + TICK, 0.0);
        for second in 2..20 {
            let at = now + second * TICK;
            health.wake(at, Some(at - TICK / 10));
            assert_eq!(health.state(), Up, "{second}");
        }
    }

    #[test]
    fn a_node_that_was_suspended_asks_before_it_judges() {
        let (mut health, now) = up();
        let woken = now + 60 * TICK;
        health.resumed(woken);
        health.wake(woken, None);
        assert_eq!(health.state(), Up);
        assert!(health.is_fetch_due(woken));
        health.wake(woken + 3 * TICK, None);
        assert_eq!(health.state(), Down);
    }

    #[test]
    fn refusals_back_off_to_ten_times_and_hurry_ends_it() {
        for (kind, state) in
            [(Miss::Unauthorized, Unauthorized), (Miss::Incompatible, Incompatible)]
        {
            let (mut health, mut now) = up();
            let mut waits = Vec::new();
            for _ in 0..6 {
                health.begin_fetch(now, 0.0);
                health.missed(kind, "401 wrong key".into(), now);
                assert_eq!(health.state(), state);
                let next = health.next_wake().unwrap();
                waits.push((next - now).as_secs());
                now = next;
            }
            assert_eq!(waits, [2, 4, 8, 10, 10, 10]);
            health.hurry(now);
            assert!(health.is_fetch_due(now));
            health.begin_fetch(now, 0.0);
            health.answered(Verdict::Running, now);
            assert_eq!(health.next_wake(), Some(now + TICK));
        }
    }

    #[test]
    fn answer_after_refusals_is_followed_at_the_usual_pace() {
        let (mut health, mut now) = up();
        for _ in 0..6 {
            health.begin_fetch(now, 0.0);
            health.missed(Miss::Unauthorized, "401 wrong key".into(), now);
            now = health.next_wake().unwrap();
        }
        health.begin_fetch(now, 0.0);
        health.answered(Verdict::Running, now);
        assert_eq!((health.state(), health.next_wake()), (Up, Some(now + TICK)));
        health.begin_fetch(now + TICK, 1.0);
        health.answered(Verdict::Running, now + TICK);
        assert_eq!(health.next_wake(), Some(now + TICK + TICK.mul_f64(1.1)), "jitter is kept");
    }

    #[test]
    fn self_and_duplicate_are_not_asked_again() {
        for (verdict, state) in [(Verdict::Myself, Myself), (Verdict::Duplicate, Duplicate)] {
            let (mut health, now) = fresh();
            health.begin_fetch(now, 0.0);
            health.answered(verdict, now);
            health.hurry(now);
            assert_eq!((health.state(), health.next_wake()), (state, None));
            assert!(!health.is_fetch_due(now + 1_000 * TICK));
        }
    }

    #[test]
    fn a_draining_peer_is_not_late_when_it_stops() {
        let (mut health, now) = up();
        health.begin_fetch(now, 0.0);
        health.answered(Verdict::Draining, now);
        assert_eq!(health.state(), Draining);
        miss(&mut health, now + TICK);
        assert_eq!(health.state(), Draining);
        miss(&mut health, now + 2 * TICK);
        assert_eq!(health.state(), Down);
    }

    #[test]
    fn jitter_stays_within_a_tenth_and_changes_are_bounded() {
        let (mut health, now) = up();
        for jitter in [-9.0, -1.0, 0.3, 1.0, 9.0] {
            health.begin_fetch(now, jitter);
            health.answered(Verdict::Running, now);
            let wait = health.next_wake().unwrap() - now;
            assert!(wait >= TICK * 9 / 10 && wait <= TICK * 11 / 10, "{wait:?}");
        }
        for round in 1..100 {
            miss(&mut health, now + round * TICK);
            health.answered(Verdict::Running, now + round * TICK);
        }
        assert_eq!(health.changes().len(), STATE_CHANGES_MAX);
        assert_eq!(fresh().0.state(), Unknown);
    }
}
