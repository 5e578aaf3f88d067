//! Two clusters at a time on a machine of two cores; a scenario that measures time runs alone.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Instant;

const SLOTS: usize = 2;
static FREE: Mutex<usize> = Mutex::new(SLOTS);
static FREED: Condvar = Condvar::new();

/// A share of the machine, given back on drop, which says how long it was held: the time that the
/// test runner tells has the waiting in it.
pub(crate) struct Slot {
    count: usize,
    since: Instant,
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
    Slot { count, since: Instant::now() }
}

fn locked() -> MutexGuard<'static, usize> {
    FREE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Drop for Slot {
    fn drop(&mut self) {
        println!("{} of {SLOTS} slots for {:.1} s", self.count, self.since.elapsed().as_secs_f64());
        *locked() += self.count;
        FREED.notify_all();
    }
}
