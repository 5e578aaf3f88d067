//! Two clusters at a time on a machine of two cores; a scenario that measures time runs alone.

use std::sync::{Condvar, Mutex, MutexGuard};

const SLOTS: usize = 2;
static FREE: Mutex<usize> = Mutex::new(SLOTS);
static FREED: Condvar = Condvar::new();

/// A share of the machine, given back on drop.
pub(crate) struct Slot {
    count: usize,
}

/// A share beside which one other scenario may run.
pub(crate) fn shared() -> Slot {
    take(1)
}

/// The whole machine: for promises in milliseconds.
pub(crate) fn alone() -> Slot {
    take(SLOTS)
}

fn take(count: usize) -> Slot {
    let mut free = locked();
    while *free < count {
        free = FREED.wait(free).unwrap_or_else(std::sync::PoisonError::into_inner);
    }
    *free -= count;
    Slot { count }
}

fn locked() -> MutexGuard<'static, usize> {
    FREE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Drop for Slot {
    fn drop(&mut self) {
        *locked() += self.count;
        FREED.notify_all();
    }
}
