//! How many requests of a connection have been read and not begun to be answered.
//!
//! The framework reads on while it answers, and once its buffer is full of requests that wait it
//! looks at them again and again. So a connection is not read while requests wait on it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

/// Requests that may wait before the connection is read no further. Their heads, at their limit,
/// have room in the buffer of the framework.
const WAITING_MAX: usize = 2;

/// Counts the waiting requests of one connection; clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Pipeline {
    shared: Rc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Cell<usize>,
    reader: RefCell<Option<Waker>>,
}

impl Pipeline {
    /// The heads of so many requests were read.
    pub(super) fn read(&self, count: usize) {
        self.shared.waiting.set(self.shared.waiting.get() + count);
    }

    /// A request begins to be answered.
    pub(super) fn begun(&self) {
        self.shared.waiting.set(self.shared.waiting.get().saturating_sub(1));
        if let Some(reader) = self.shared.reader.take() {
            reader.wake();
        }
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
