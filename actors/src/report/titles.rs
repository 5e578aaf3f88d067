//! Titles of streams, within a bound that no peer can pass.
//!
//! A title costs its text for each stream that has one. Their sum is bounded for each peer, because
//! two hundred thousand streams, each with a title of its own, are a report that somebody can send.

use std::collections::HashSet;
use std::sync::Arc;

use super::REPORT_TITLE_BYTES_MAX;

/// The most bytes of titles that are kept of one peer; further streams show none.
const TITLES_BYTES_MAX: usize = 8 << 20;

/// What a title costs besides its text: its counts, and its place in the set.
const TITLE_OVERHEAD_BYTES: usize = 64;

/// A title as reports carry it.
#[must_use]
pub fn title(text: &str) -> Arc<str> {
    text[..text.floor_char_boundary(REPORT_TITLE_BYTES_MAX)].into()
}

/// The titles of one peer's streams, equal ones once.
#[derive(Debug, Default)]
pub(super) struct TitleInterner {
    titles: HashSet<Arc<str>>,
    bytes: usize,
}

impl TitleInterner {
    /// Lets go of titles that no stream has any more, once they may be many. To be called once a
    /// page: for each title that finds no room it would be a way to keep this node busy.
    pub(super) fn sweep(&mut self) {
        if self.bytes >= TITLES_BYTES_MAX / 2 {
            self.titles.retain(|title| Arc::strong_count(title) > 1);
            self.bytes = self.titles.iter().map(|title| cost_of(title)).sum();
        }
    }

    /// The title that `json` is; none where it is empty, or where there is no room.
    ///
    /// Errors: where `json` is no text.
    pub(super) fn intern(&mut self, json: &str) -> Result<Option<Arc<str>>, serde_json::Error> {
        let title = title(&serde_json::from_str::<String>(json)?);
        if let Some(known) = self.titles.get(&title) {
            return Ok(Some(Arc::clone(known)));
        }
        if title.is_empty() || self.bytes + cost_of(&title) > TITLES_BYTES_MAX {
            return Ok(None);
        }
        self.bytes += cost_of(&title);
        self.titles.insert(Arc::clone(&title));
        Ok(Some(title))
    }
}

fn cost_of(title: &str) -> usize {
    title.len() + TITLE_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_titles_are_cut_between_characters() {
        let long = "ä".repeat(REPORT_TITLE_BYTES_MAX);
        assert_eq!(&*title(&long), "ä".repeat(REPORT_TITLE_BYTES_MAX / 2));
        let mut interner = TitleInterner::default();
        let mut intern = |text: &str| interner.intern(&format!("\"{text}\"")).unwrap();
        let (one, two) = (intern(&long).unwrap(), intern(&long).unwrap());
        assert!(Arc::ptr_eq(&one, &two));
        assert_eq!(intern(""), None);
        assert!(interner.intern("7").is_err());
    }

    #[test]
    fn titles_of_one_peer_are_bounded_and_unused_ones_make_room() {
        let mut interner = TitleInterner::default();
        let json = |n: usize| format!("\"{n:0REPORT_TITLE_BYTES_MAX$}\"");
        let many = TITLES_BYTES_MAX / (REPORT_TITLE_BYTES_MAX + TITLE_OVERHEAD_BYTES);
        let held: Vec<_> = (0..many).map(|n| interner.intern(&json(n)).unwrap()).collect();
        assert!(held.iter().all(Option::is_some));
        assert_eq!(interner.intern(&json(many)).unwrap(), None);
        assert_eq!(interner.intern(&json(1)).unwrap(), held[1], "it is there already");
        interner.sweep();
        assert_eq!(interner.intern(&json(many)).unwrap(), None, "streams have them all");
        drop(held);
        interner.sweep();
        assert!(interner.intern(&json(many)).unwrap().is_some());
        assert_eq!(interner.titles.len(), 1);
    }
}
