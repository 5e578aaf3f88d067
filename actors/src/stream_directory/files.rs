//! Which peer is asked for a file that this node does not have.
//!
//! Peers report prefixes, not files: several may have the same prefix, and only one of them the
//! file. The name puts all nodes in one order, the same everywhere. Who does not have the file
//! sends the client to the first of the others; who was sent a client and does not have it either
//! sends it on, but only down that order. So a client comes to the file wherever it is, never
//! twice to one node, and past the last one the file is nowhere.

use std::sync::Arc;
use std::time::Instant;

use super::peer_link::{PeerLink, PeerRoute};
use super::placement::{score, score_of};
use super::view::DirectoryView;
use crate::names::Protocol;

/// Where a file may be that is not here.
#[derive(Clone, Debug, PartialEq)]
pub enum FileLocation {
    /// Redirect there.
    At(Arc<PeerRoute>),
    /// Not now: a peer that may have it has just been lost, or is too busy.
    ComingBack,
    /// Nobody else has files below such a prefix.
    Nowhere,
}

impl DirectoryView {
    /// Where the client that was looking for the file `name` here should look next. `was_sent` says
    /// that another node sent it here.
    #[must_use]
    pub fn locate_file(&self, name: &str, was_sent: bool, now: Instant) -> FileLocation {
        let (files, lost) = (self.shared.table.files.pin(), self.shared.table.lost.pin());
        let own = score_of(name, self.shared.identity);
        let is_next = |link: &Arc<PeerLink>| !was_sent || score(name, link) < own;
        let mut best: Option<&Arc<PeerLink>> = None;
        let mut is_expected = false;
        for prefix in prefixes(name) {
            is_expected |= lost.get(prefix).is_some_and(|loss| loss.until > now);
            for link in files.get(prefix).into_iter().flatten().filter(|link| is_next(link)) {
                if !link.is_open_for(Protocol::Hls, now) || link.is_over_cpu_limit() {
                    is_expected = true;
                } else if best.is_none_or(|best| score(name, link) > score(name, best)) {
                    best = Some(link);
                }
            }
        }
        match best {
            Some(link) => {
                link.count_redirect();
                FileLocation::At(link.route())
            }
            None if is_expected => FileLocation::ComingBack,
            None => FileLocation::Nowhere,
        }
    }
}

/// All that may be the prefix of a collection with `name` in it, the longest first.
fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    name.rmatch_indices('/').filter_map(|(at, _)| name.get(..at))
}
