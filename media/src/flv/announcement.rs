//! Holds the first packets back until all tracks are known.
//!
//! Audio and video configure themselves one after the other. Announcing the first of them alone
//! would start outputs that have to be restarted a frame later, so packets wait until both are
//! there, or metadata says that one never comes, or the wait has been long enough.

use crate::packet::MediaPacket;
use crate::time::Ticks;
use crate::track::TrackKind;

/// Most packets that wait.
const PACKETS_MAX: usize = 32;
/// Most media time that they may span.
const SPAN_MAX: Ticks = Ticks(Ticks::PER_SECOND);

/// Packets that wait for the tracks to be announced.
#[derive(Debug, Default)]
pub(crate) struct Announcement {
    is_made: bool,
    waiting: Vec<(TrackKind, MediaPacket)>,
}

impl Announcement {
    /// Whether tracks have been announced.
    pub(crate) const fn is_made(&self) -> bool {
        self.is_made
    }

    /// Adds a packet to those that wait.
    pub(crate) fn hold(&mut self, kind: TrackKind, packet: MediaPacket) {
        self.waiting.push((kind, packet));
    }

    /// Whether it has been long enough.
    pub(crate) fn is_overdue(&self) -> bool {
        let times = self.waiting.iter().map(|(_, packet)| packet.dts);
        let span = match (times.clone().min(), times.max()) {
            (Some(first), Some(last)) => last - first,
            _ => Ticks::ZERO,
        };
        self.waiting.len() >= PACKETS_MAX || span >= SPAN_MAX
    }

    /// Drops what waits, as its times no longer go with what follows.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
    }

    /// Ends the wait; yields what waited.
    pub(crate) fn make(&mut self) -> Vec<(TrackKind, MediaPacket)> {
        self.is_made = true;
        std::mem::take(&mut self.waiting)
    }
}
