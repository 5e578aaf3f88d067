//! One input as its stream's actor sees it, and what is told of it. Pure.
//!
//! ```text
//!  running  ◀─ on air, frames come          standby ◀─ a better one is on air, or about to be
//!  waiting  ◀─ nobody publishes or watches, or it is on air and silent
//!  connecting ─ error ─▶ failed ─ time ─▶ connecting ─ frames ─▶ running
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::facts::InputReport;
use super::intake::Intake;
use super::meter::RateMeter;
use super::retry::Retry;

/// What an input is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputState {
    /// It is on air and delivers.
    Running,
    /// It was started, or a publisher came, and no frame has come yet.
    Connecting,
    /// Nothing is to come: nobody publishes or watches, or it is on air and has gone silent.
    Waiting,
    /// Its last try has failed; the next one comes after a while.
    Failed,
    /// Another one is on air.
    Standby,
}

impl InputState {
    /// The state's name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Connecting => "connecting",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Standby => "standby",
        }
    }
}

/// One input.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// Counts its starts, so that the end of an old one is told from that of the new one.
    pub(super) generation: u64,
    /// Set while it runs; setting the flag ends it.
    pub(super) running: Option<Arc<AtomicBool>>,
    pub(super) retry: Retry,
    /// Why it does not deliver.
    pub(super) error: Option<String>,
    last_error: Option<String>,
    failures: u64,
    rate: RateMeter,
}

impl Drop for Input {
    /// Ends what writes for an actor that is no more, also when it panicked.
    fn drop(&mut self) {
        self.revoke();
    }
}

impl Input {
    pub(super) fn revoke(&self) {
        if let Some(running) = &self.running {
            running.store(true, Ordering::Relaxed);
        }
    }

    /// How often it failed.
    pub(super) const fn failures(&self) -> u64 {
        self.failures
    }

    /// Takes in that it ended because of `error`; `jitter` spreads the next try.
    pub(super) fn fail(&mut self, error: String, now: Instant, jitter: u8) {
        self.retry.fail(now, jitter);
        self.failures += 1;
        self.last_error = Some(error.clone());
        self.error = Some(error);
    }

    /// Begins as if it had never failed, but for the count.
    pub(super) fn forgive(&mut self) {
        self.retry.succeed();
        self.error = None;
        self.last_error = None;
    }

    /// What is told of it, as the input number `index` of `intake`.
    pub(super) fn report(
        &mut self,
        index: usize,
        intake: &Intake,
        is_capturing: bool,
        now: Instant,
    ) -> InputReport {
        let (selector, brought) = (intake.selector(), intake.brought(index));
        let situation = Situation {
            is_capturing,
            is_on_air: selector.on_air() == Some(index),
            delivers: selector.delivers(index, now),
            runs: self.running.is_some(),
            is_wanted: selector.is_wanted(index, now),
            has_failed: self.error.is_some(),
        };
        let input_kbit = if situation.delivers {
            self.rate.sample(brought.map_or(0, |brought| brought.bytes), now)
        } else {
            self.rate.rest();
            Some(0)
        };
        InputReport {
            is_active: situation.is_on_air,
            state: situation.state(),
            error: self.last_error.clone(),
            retry_count: self.failures,
            last_frame_ms: brought.and_then(|brought| brought.last_frame_ms),
            input_kbit,
        }
    }
}

/// What the state is told from.
#[derive(Clone, Copy, Debug)]
struct Situation {
    is_capturing: bool,
    is_on_air: bool,
    delivers: bool,
    runs: bool,
    is_wanted: bool,
    has_failed: bool,
}

impl Situation {
    const fn state(self) -> InputState {
        match self {
            Self { is_on_air: true, delivers: true, .. } => InputState::Running,
            Self { is_on_air: true, .. } | Self { is_capturing: false, .. } => InputState::Waiting,
            Self { delivers: true, .. } | Self { is_wanted: false, .. } => InputState::Standby,
            Self { runs: true, .. } => InputState::Connecting,
            Self { has_failed: true, .. } => InputState::Failed,
            Self { .. } => InputState::Waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::InputState::{Connecting, Failed, Running, Standby, Waiting};
    use super::*;

    /// An input of a stream that is captured, wanted, and has not been started yet.
    const WANTED: Situation = Situation {
        is_capturing: true,
        is_on_air: false,
        delivers: false,
        runs: false,
        is_wanted: true,
        has_failed: false,
    };

    #[test]
    fn state_says_what_an_operator_would() {
        let idle = Situation { is_capturing: false, ..WANTED };
        let trying = Situation { runs: true, ..WANTED };
        let on_air = Situation { is_on_air: true, delivers: true, ..trying };
        let behind = Situation { is_wanted: false, ..WANTED };
        for (what, situation, state) in [
            ("a publisher that has not come", WANTED, Waiting),
            ("nobody watches", idle, Waiting),
            ("nobody watches what failed before", Situation { has_failed: true, ..idle }, Waiting),
            ("the first try", trying, Connecting),
            ("the next try", Situation { has_failed: true, ..trying }, Connecting),
            ("between tries", Situation { has_failed: true, ..WANTED }, Failed),
            ("frames come", on_air, Running),
            ("frames come no more", Situation { delivers: false, ..on_air }, Waiting),
            ("a better one is on air", behind, Standby),
            ("the same after a failure", Situation { has_failed: true, ..behind }, Standby),
            ("it comes before its keyframe", Situation { delivers: true, ..trying }, Standby),
            ("it is being ended", Situation { runs: true, ..behind }, Standby),
        ] {
            assert_eq!(situation.state(), state, "{what}");
        }
    }

    #[test]
    fn failures_are_counted_and_the_last_one_is_remembered() {
        let mut input = Input::default();
        let now = Instant::now();
        input.fail("refused".to_owned(), now, 0);
        input.fail("silent".to_owned(), now, 0);
        input.error = None;
        assert_eq!((input.failures(), input.last_error.as_deref()), (2, Some("silent")));
        input.forgive();
        assert_eq!((input.failures(), &input.last_error), (2, &None));
    }
}
