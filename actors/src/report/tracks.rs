//! Track lists, kept once however many streams share them.
//!
//! A node with a thousand cameras has a handful of different track lists. Keeping each once makes a
//! stream in the directory small, and a bound on their number makes a hostile report cheap.

use std::collections::HashMap;
use std::sync::Arc;

use super::{REPORT_TRACKS_MAX, TrackReport, Tracks};

/// The most different lists that are kept of one peer; streams with further ones show none.
const LISTS_MAX: usize = 4_096;

/// The longest JSON text of a list that is kept.
const LIST_BYTES_MAX: usize = 2_048;

/// The track lists of one peer, by their JSON text.
#[derive(Debug, Default)]
pub struct TrackInterner {
    lists: HashMap<Box<str>, Arc<[TrackReport]>>,
}

impl TrackInterner {
    /// The tracks that `json` lists; none where it lists none, or where a bound is passed.
    ///
    /// Errors: where `json` is no list of tracks.
    pub(super) fn intern(&mut self, json: &str) -> Result<Tracks, serde_json::Error> {
        if let Some(tracks) = self.lists.get(json) {
            return Ok(Some(Arc::clone(tracks)));
        }
        if json.len() > LIST_BYTES_MAX {
            return Ok(None);
        }
        let mut tracks: Vec<TrackReport> = serde_json::from_str(json)?;
        tracks.truncate(REPORT_TRACKS_MAX);
        if tracks.is_empty() || !self.has_room() {
            return Ok(None);
        }
        let tracks: Arc<[TrackReport]> = tracks.into();
        self.lists.insert(json.into(), Arc::clone(&tracks));
        Ok(Some(tracks))
    }

    /// Whether one more list fits, after those that no stream has any more are let go.
    fn has_room(&mut self) -> bool {
        if self.lists.len() >= LISTS_MAX {
            self.lists.retain(|_, tracks| Arc::strong_count(tracks) > 1);
        }
        self.lists.len() < LISTS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lists_are_one() {
        let mut interner = TrackInterner::default();
        let json = r#"[{"content":"video","codec":"h264"}]"#;
        let one = interner.intern(json).unwrap().unwrap();
        let two = interner.intern(json).unwrap().unwrap();
        assert!(Arc::ptr_eq(&one, &two));
        assert_eq!(interner.intern("[]").unwrap(), None);
        assert!(interner.intern("{}").is_err());
    }

    #[test]
    fn different_lists_are_bounded_and_unused_ones_make_room() {
        let mut interner = TrackInterner::default();
        let list = |n: usize| format!(r#"[{{"width":{n}}}]"#);
        let held: Vec<_> = (0..LISTS_MAX).map(|n| interner.intern(&list(n)).unwrap()).collect();
        assert_eq!(interner.intern(&list(LISTS_MAX)).unwrap(), None);
        drop(held);
        assert!(interner.intern(&list(LISTS_MAX)).unwrap().is_some());
        assert_eq!(interner.lists.len(), 1);
    }
}
