//! Which input of a stream is on air: fail-over by priority, and back.
//!
//! Lower numbers win. A worse input takes over when the one on air has been silent for
//! `source_timeout` or is lost; a better one takes back with its first keyframe. Pure: asked for
//! every packet, so it must stay cheap.

use std::time::{Duration, Instant};

use super::messages::InputSpec;

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its input is on air.
    Take,
    /// Its input goes on air with this packet.
    Switch,
    /// Another input is on air.
    Drop,
}

/// The inputs of one stream, best first.
#[derive(Debug)]
pub(crate) struct InputSelector {
    inputs: Vec<Input>,
    on_air: Option<usize>,
    /// When a packet was last taken, of whichever input.
    last_taken: Option<Instant>,
}

#[derive(Debug)]
struct Input {
    priority: u32,
    source_timeout: Duration,
    last_packet: Option<Instant>,
}

impl InputSelector {
    /// Makes a selector for these inputs, by index.
    #[must_use]
    pub(crate) fn new(specs: &[InputSpec]) -> Self {
        let new_input = |spec: &InputSpec| Input {
            priority: spec.priority,
            source_timeout: spec.source_timeout,
            last_packet: None,
        };
        Self { inputs: specs.iter().map(new_input).collect(), on_air: None, last_taken: None }
    }

    /// The input on air.
    #[must_use]
    pub(crate) const fn on_air(&self) -> Option<usize> {
        self.on_air
    }

    /// How long nothing was on air; `None` before the first packet.
    #[must_use]
    pub(crate) fn silence(&self, now: Instant) -> Option<Duration> {
        self.last_taken.map(|last| now.saturating_duration_since(last))
    }

    /// Judges a packet of `input`; `can_start` says whether decoding can begin with it.
    pub(crate) fn offer(&mut self, input: usize, can_start: bool, now: Instant) -> Verdict {
        let Some(offered) = self.inputs.get_mut(input) else {
            return Verdict::Drop;
        };
        offered.last_packet = Some(now);
        if self.on_air == Some(input) {
            self.last_taken = Some(now);
            return Verdict::Take;
        }
        if !can_start || !self.beats_current(input, now) {
            return Verdict::Drop;
        }
        self.on_air = Some(input);
        self.last_taken = Some(now);
        Verdict::Switch
    }

    /// Takes `input` off air at once: its connection or file ended.
    pub(crate) fn lose(&mut self, input: usize) {
        if let Some(lost) = self.inputs.get_mut(input) {
            lost.last_packet = None;
        }
        if self.on_air == Some(input) {
            self.on_air = None;
        }
    }

    /// Whether `input` should run now: the one on air is no better, or does not deliver.
    ///
    /// A better one that delivers but is not on air yet lacks its keyframe: to end the worse one
    /// for it would leave the viewers nothing to see.
    #[must_use]
    pub(crate) fn is_wanted(&self, input: usize, now: Instant) -> bool {
        let Some(asked) = self.inputs.get(input) else {
            return false;
        };
        let Some((index, current)) = self.current() else {
            return true;
        };
        (asked.priority, input) <= (current.priority, index) || !current.delivers(now)
    }

    /// Whether packets of `input` come, on air or not.
    #[must_use]
    pub(crate) fn delivers(&self, input: usize, now: Instant) -> bool {
        self.inputs.get(input).is_some_and(|input| input.delivers(now))
    }

    fn current(&self) -> Option<(usize, &Input)> {
        let index = self.on_air?;
        Some((index, self.inputs.get(index)?))
    }

    fn beats_current(&self, input: usize, now: Instant) -> bool {
        match (self.current(), self.inputs.get(input)) {
            (Some((index, current)), Some(offered)) => {
                (offered.priority, input) < (current.priority, index) || !current.delivers(now)
            }
            (None, Some(_)) => true,
            (_, None) => false,
        }
    }
}

impl Input {
    fn delivers(&self, now: Instant) -> bool {
        self.last_packet
            .is_some_and(|last| now.saturating_duration_since(last) < self.source_timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::super::messages::InputSource;
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn selector(priorities: [u32; 2]) -> InputSelector {
        let specs = priorities.map(|priority| InputSpec {
            source: InputSource::Publish,
            priority,
            source_timeout: TIMEOUT,
        });
        InputSelector::new(&specs)
    }

    fn second(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn first_input_to_start_goes_on_air() {
        let start = Instant::now();
        let mut selector = selector([1, 2]);
        assert_eq!(selector.offer(1, false, start), Verdict::Drop);
        assert_eq!(selector.offer(1, true, start), Verdict::Switch);
        assert_eq!(selector.offer(1, false, start), Verdict::Take);
    }

    #[test]
    fn better_input_takes_back_with_its_first_keyframe() {
        let start = Instant::now();
        let mut selector = selector([1, 2]);
        selector.offer(1, true, start);
        assert_eq!(selector.offer(0, false, start), Verdict::Drop);
        assert_eq!(selector.offer(0, true, start), Verdict::Switch);
        assert_eq!(selector.offer(1, true, start), Verdict::Drop);
    }

    #[test]
    fn worse_input_takes_over_after_the_silence() {
        let start = Instant::now();
        let mut selector = selector([1, 2]);
        selector.offer(0, true, start);
        assert!(!selector.is_wanted(1, second(start, 9)));
        assert_eq!(selector.offer(1, true, second(start, 9)), Verdict::Drop);
        assert!(selector.is_wanted(1, second(start, 10)));
        assert_eq!(selector.offer(1, true, second(start, 10)), Verdict::Switch);
    }

    #[test]
    fn lost_input_is_replaced_at_once() {
        let start = Instant::now();
        let mut selector = selector([1, 2]);
        selector.offer(0, true, start);
        selector.lose(0);
        assert!(selector.is_wanted(1, start));
        assert_eq!(selector.offer(1, true, start), Verdict::Switch);
    }

    #[test]
    fn worse_input_is_wanted_until_the_better_one_is_on_air() {
        let start = Instant::now();
        let mut selector = selector([1, 2]);
        selector.offer(1, true, start);
        assert_eq!(selector.offer(0, false, start), Verdict::Drop);
        assert!(selector.is_wanted(1, start));
        selector.offer(0, true, start);
        assert!(selector.is_wanted(0, start) && !selector.is_wanted(1, start));
    }

    #[test]
    fn equal_priorities_keep_the_order_of_the_config() {
        let start = Instant::now();
        let mut selector = selector([1, 1]);
        selector.offer(0, true, start);
        assert_eq!(selector.offer(1, true, start), Verdict::Drop);
        assert!(selector.is_wanted(0, start));
        assert!(!selector.is_wanted(1, start));
    }
}
