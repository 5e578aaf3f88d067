//! Counts panics: an actor that dies of one is started anew, so that nobody would notice.

use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Counts all that come from now on, besides what is done with them already.
pub fn count() {
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        COUNT.fetch_add(1, Ordering::Relaxed);
        told(panic);
    }));
}

/// How many there were.
#[must_use]
pub fn total() -> u64 {
    COUNT.load(Ordering::Relaxed)
}
