//! Keeps what was dear to make, as long as there is room, and has it made once for all who ask.
//!
//! ```text
//!  get(key) ─┬ there           ▸ the value
//!            ├ being made      ▸ wait for it
//!            └ neither         ▸ wait for a maker, make it off the arbiter, put it on the shelf
//! ```
//! Memory is counted until a value is gone, not until it leaves the shelf: what slow clients hold
//! counts, and when that alone fills the shelf nothing new is made. A client that leaves while it
//! waits costs nothing; one that leaves while its value is made has made it for the next one.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{Mutex as Turn, Semaphore};

/// What a place on the shelf takes besides its value, about.
const PLACE_BYTES: usize = 512;

/// Values by key, of at most so many bytes.
pub(super) struct Shelf<K, V> {
    places: Mutex<Places<K, V>>,
    bytes_max: usize,
    /// Bytes of all values that somebody has, on the shelf or not.
    alive: Arc<AtomicUsize>,
    makers: Arc<Semaphore>,
}

/// Why there is no value.
#[derive(Debug)]
pub(super) enum ShelfError<E> {
    /// All the room is taken by values in use.
    Full,
    /// Making it failed; the next one who asks tries anew.
    Make(E),
    /// Making it ended in a panic.
    Died,
}

/// A value that counts until it is dropped.
#[derive(Debug)]
pub struct Kept<V> {
    value: V,
    bytes: usize,
    alive: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Places<K, V> {
    by_key: HashMap<K, Place<V>>,
    /// Keys by when they were last used.
    by_use: BTreeMap<u64, K>,
    uses: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Place<V> {
    slot: Arc<Slot<V>>,
    used: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Slot<V> {
    /// Held by who makes the value.
    turn: Arc<Turn<()>>,
    value: OnceLock<Arc<Kept<V>>>,
}

impl<K, V> Shelf<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Send + Sync + 'static,
{
    /// An empty shelf; at most `makers` values are made at once.
    pub(super) fn new(bytes_max: usize, makers: usize) -> Arc<Self> {
        let places = Places { by_key: HashMap::new(), by_use: BTreeMap::new(), uses: 0, bytes: 0 };
        Arc::new(Self {
            places: Mutex::new(places),
            bytes_max,
            alive: Arc::default(),
            makers: Arc::new(Semaphore::new(makers)),
        })
    }

    /// The value of `key`; `make` makes it if need be, and says how many bytes it takes. It may
    /// block.
    pub(super) async fn get<E: Send + 'static>(
        self: &Arc<Self>,
        key: K,
        make: impl FnOnce() -> Result<(V, usize), E> + Send + 'static,
    ) -> Result<Arc<Kept<V>>, ShelfError<E>> {
        let slot = self.slot(&key);
        if let Some(value) = slot.value.get() {
            return Ok(Arc::clone(value));
        }
        let turn = Arc::clone(&slot.turn).lock_owned().await;
        if let Some(value) = slot.value.get() {
            return Ok(Arc::clone(value));
        }
        let maker = Arc::clone(&self.makers).acquire_owned().await;
        if !self.make_room() {
            return Err(ShelfError::Full);
        }
        let shelf = Arc::clone(self);
        let making = actix_rt::task::spawn_blocking(move || {
            let _held = (turn, maker);
            let (value, bytes) = make().map_err(ShelfError::Make)?;
            shelf.alive.fetch_add(bytes, Ordering::Relaxed);
            let kept = Arc::new(Kept { value, bytes, alive: Arc::clone(&shelf.alive) });
            let kept = slot.value.get_or_init(|| kept);
            shelf.grow(&key, &slot, bytes);
            Ok(Arc::clone(kept))
        });
        making.await.unwrap_or(Err(ShelfError::Died))
    }

    /// The slot of `key`, used just now.
    fn slot(&self, key: &K) -> Arc<Slot<V>> {
        let mut places = self.places();
        places.uses += 1;
        let used = places.uses;
        if let Some(place) = places.by_key.get_mut(key) {
            let (before, slot) =
                (std::mem::replace(&mut place.used, used), Arc::clone(&place.slot));
            places.by_use.remove(&before);
            places.by_use.insert(used, key.clone());
            return slot;
        }
        let slot = Arc::new(Slot { turn: Arc::default(), value: OnceLock::new() });
        let place = Place { slot: Arc::clone(&slot), used, bytes: PLACE_BYTES };
        places.by_key.insert(key.clone(), place);
        places.by_use.insert(used, key.clone());
        places.bytes += PLACE_BYTES;
        places.shrink(self.bytes_max);
        slot
    }

    /// Counts the value that `slot` got, if it is still on the shelf.
    fn grow(&self, key: &K, slot: &Arc<Slot<V>>, bytes: usize) {
        let mut places = self.places();
        let Some(place) = places.by_key.get_mut(key).filter(|one| Arc::ptr_eq(&one.slot, slot))
        else {
            return;
        };
        place.bytes += bytes;
        places.bytes += bytes;
        places.shrink(self.bytes_max);
    }

    /// Lets go of values until there is room for another one; false if there cannot be.
    fn make_room(&self) -> bool {
        while self.alive.load(Ordering::Relaxed) >= self.bytes_max {
            if !self.places().drop_oldest_value() {
                return false;
            }
        }
        true
    }

    fn places(&self) -> MutexGuard<'_, Places<K, V>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, V> Places<K, V> {
    fn shrink(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max && self.by_use.len() > 1 {
            let Some((_, key)) = self.by_use.pop_first() else { return };
            if let Some(place) = self.by_key.remove(&key) {
                self.bytes -= place.bytes;
            }
        }
    }

    fn drop_oldest_value(&mut self) -> bool {
        let oldest = self.by_use.iter().find(|(_, key)| {
            self.by_key.get(*key).is_some_and(|place| place.slot.value.get().is_some())
        });
        let Some((&used, key)) = oldest else { return false };
        if let Some(place) = self.by_key.remove(&key.clone()) {
            self.bytes -= place.bytes;
        }
        self.by_use.remove(&used);
        true
    }
}

impl<V> Deref for Kept<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.value
    }
}

impl<V> Drop for Kept<V> {
    fn drop(&mut self) {
        self.alive.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl<K, V> fmt::Debug for Shelf<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("bytes_max", &self.bytes_max).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(value: u32) -> impl FnOnce() -> Result<(u32, usize), ()> + Send + 'static {
        move || Ok((value, 100_000))
    }

    fn never() -> Result<(u32, usize), ()> {
        panic!("made again")
    }

    #[actix::test]
    async fn value_is_made_once_for_all_who_ask() {
        let shelf: Arc<Shelf<u32, u32>> = Shelf::new(1 << 20, 2);
        let count = Arc::new(AtomicUsize::new(0));
        let asking = (0..20).map(|_| {
            let count = Arc::clone(&count);
            shelf.get(7, move || {
                std::thread::sleep(std::time::Duration::from_millis(20));
                count.fetch_add(1, Ordering::Relaxed);
                Ok::<_, ()>((42, 10))
            })
        });
        let values = futures_util::future::join_all(asking).await;
        assert!(values.into_iter().all(|value| **value.unwrap() == 42));
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }

    #[actix::test]
    async fn value_used_longest_ago_goes_first() {
        let shelf: Arc<Shelf<u32, u32>> = Shelf::new(250_000, 1);
        for key in [1, 2, 1, 3] {
            shelf.get(key, made(key)).await.unwrap();
        }
        assert_eq!(**shelf.get(1, never).await.unwrap(), 1);
        assert_eq!(**shelf.get(2, made(20)).await.unwrap(), 20, "2 was used before 1 and 3");
    }

    #[actix::test]
    async fn what_is_in_use_counts_and_nothing_is_made_beyond_it() {
        let shelf: Arc<Shelf<u32, u32>> = Shelf::new(250_000, 1);
        let mut held = Vec::new();
        for key in 0..3 {
            held.push(shelf.get(key, made(key)).await.unwrap());
        }
        assert!(matches!(shelf.get(9, made(9)).await, Err(ShelfError::Full)));
        held.clear();
        assert_eq!(**shelf.get(9, made(9)).await.unwrap(), 9);
    }

    #[actix::test]
    async fn failure_and_panic_are_not_kept() {
        let shelf: Arc<Shelf<u32, u32>> = Shelf::new(1 << 20, 1);
        let failed = shelf.get(1, || Err::<(u32, usize), _>("no")).await;
        assert!(matches!(failed, Err(ShelfError::Make("no"))));
        assert!(matches!(shelf.get(1, never).await, Err(ShelfError::Died)));
        assert_eq!(**shelf.get(1, made(5)).await.unwrap(), 5);
    }

    #[actix::test]
    async fn client_that_leaves_has_made_it_for_the_next() {
        let shelf: Arc<Shelf<u32, u32>> = Shelf::new(1 << 20, 1);
        let (begin, begun) = std::sync::mpsc::channel();
        let first = shelf.get(1, move || {
            begin.send(()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(30));
            Ok::<_, ()>((1, 10))
        });
        let mut first = Box::pin(first);
        assert!(futures_util::poll!(&mut first).is_pending());
        begun.recv().unwrap();
        drop(first);
        assert_eq!(**shelf.get(1, never).await.unwrap(), 1);
    }
}
