//! What those who answer the requests of a connection tell those who read it.
//!
//! The framework reads on while it answers, and once its buffer is full of requests that wait it
//! looks at them again and again. So a connection is not read while requests wait on it. And a
//! handler that looks itself after how long its body takes lifts the time limit.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

/// Requests that may wait before the connection is read no further. Their heads, at their limit,
/// have room in the buffer of the framework.
const WAITING_MAX: usize = 2;

/// The requests of one connection: read, begun to be answered. Clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Pipeline {
    shared: Rc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Cell<usize>,
    is_body_untimed: Cell<bool>,
    reader: RefCell<Option<Waker>>,
}

impl Pipeline {
    /// The heads of so many requests were read.
    pub(super) fn read(&self, count: usize) {
        self.shared.waiting.set(self.shared.waiting.get() + count);
        if count > 0 {
            self.shared.is_body_untimed.set(false);
        }
    }

    /// A request begins to be answered.
    pub(super) fn begun(&self) {
        self.shared.waiting.set(self.shared.waiting.get().saturating_sub(1));
        if let Some(reader) = self.shared.reader.take() {
            reader.wake();
        }
    }

    /// The body of the request being answered may take as long as it likes.
    pub(super) fn untime_body(&self) {
        // Behind a request that waits there is another body.
        self.shared.is_body_untimed.set(self.shared.waiting.get() == 0);
    }

    /// Whether the body that is being read has no time limit.
    pub(super) fn is_body_untimed(&self) -> bool {
        self.shared.is_body_untimed.get()
    }

    /// Whether the connection is not to be read now; its task is woken when that may have changed.
    pub(super) fn is_full(&self, context: &Context<'_>) -> bool {
        let is_full = self.shared.waiting.get() >= WAITING_MAX;
        if is_full {
            self.shared.reader.replace(Some(context.waker().clone()));
        }
        is_full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_limit_is_lifted_for_one_body_only() {
        let pipeline = Pipeline::default();
        pipeline.read(1);
        pipeline.begun();
        pipeline.untime_body();
        pipeline.read(0);
        assert!(pipeline.is_body_untimed());
        pipeline.read(1);
        assert!(!pipeline.is_body_untimed(), "the next one is timed");
        pipeline.untime_body();
        assert!(!pipeline.is_body_untimed(), "the first one is over");
    }
}
