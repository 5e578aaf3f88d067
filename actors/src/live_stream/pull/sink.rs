//! Where a pulled input's items go, and how long it has been silent.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;
use watershed_media::packet::StreamItem;

use super::super::writer::InputWriter;
use super::error::PullError;

/// How often is looked for silence, and whether the input is still wanted.
const WATCH_TICK: Duration = Duration::from_millis(250);

/// An input's writer, and when it last had a packet.
pub(super) struct Sink {
    writer: InputWriter,
    last_packet: Cell<Instant>,
}

impl Sink {
    pub(super) fn new(writer: InputWriter) -> Self {
        Self { writer, last_packet: Cell::new(Instant::now()) }
    }

    /// Writes one item. Never waits.
    pub(super) fn write(&self, item: StreamItem) -> Result<(), PullError> {
        if matches!(item, StreamItem::Packet(_)) {
            self.last_packet.set(Instant::now());
        }
        Ok(self.writer.write(item)?)
    }

    /// Writes several.
    pub(super) fn write_all(&self, items: &mut Vec<StreamItem>) -> Result<(), PullError> {
        items.drain(..).try_for_each(|item| self.write(item))
    }

    /// Ends when the input is not wanted any more, or had no packet for `silence_max`.
    pub(super) async fn watch(&self, silence_max: Duration) -> PullError {
        loop {
            tokio::time::sleep(WATCH_TICK).await;
            if self.writer.is_revoked() {
                return PullError::Revoked;
            }
            if self.last_packet.get().elapsed() >= silence_max {
                return PullError::Silent(silence_max);
            }
        }
    }

    /// Ends the input with `words`.
    pub(super) fn fail(self, words: String) {
        self.writer.fail(words);
    }
}
