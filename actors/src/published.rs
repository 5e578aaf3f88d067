//! A value that one writer replaces and many threads read.
//!
//! Readers take a reference count under a lock that the writer holds only while it swaps one
//! pointer, so nobody waits for a value to be built. Safe code on purpose: `arc-swap` has had
//! unsound releases, and at ten microseconds a request the difference cannot be seen.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// The shared cell. Clones see the same value.
pub struct Published<T> {
    cell: Arc<RwLock<Arc<T>>>,
}

impl<T> Published<T> {
    /// A cell that holds `value` until the first [`Published::publish`].
    pub fn new(value: T) -> Self {
        Self { cell: Arc::new(RwLock::new(Arc::new(value))) }
    }

    /// The value as it is now; later publications do not change what was returned.
    #[must_use]
    pub fn load(&self) -> Arc<T> {
        Arc::clone(&self.cell.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the value for all readers.
    pub fn publish(&self, value: T) {
        let fresh = Arc::new(value);
        let mut slot = self.cell.write().unwrap_or_else(PoisonError::into_inner);
        let stale = std::mem::replace(&mut *slot, fresh);
        drop(slot);
        drop(stale);
    }
}

impl<T> Clone for Published<T> {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell) }
    }
}

impl<T: fmt::Debug> fmt::Debug for Published<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Published").field(&self.load()).finish()
    }
}

impl<T: Default> Default for Published<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_keep_what_they_loaded() {
        let cell = Published::new(1);
        let before = cell.load();
        cell.clone().publish(2);
        assert_eq!((*before, *cell.load()), (1, 2));
    }
}
