//! The end of an input: where a publishing session or a file reader writes its items.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix::Addr;
use watershed_media::packet::StreamItem;

use super::LiveStream;
use super::broadcast::Broadcast;
use super::messages::{InputEnded, WentOnAir};

/// Writes one input's items into its stream. Dropping it ends the input.
#[derive(Debug)]
pub struct InputWriter {
    broadcast: Arc<Broadcast>,
    stream: Addr<LiveStream>,
    input: usize,
    generation: u64,
    is_revoked: Arc<AtomicBool>,
    source_timeout: Duration,
    error: Option<String>,
}

/// The stream wants no more of this input: it was removed or stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream ended this input")]
pub struct InputRevoked;

impl InputWriter {
    pub(crate) fn new(
        broadcast: Arc<Broadcast>,
        stream: Addr<LiveStream>,
        input: usize,
        generation: u64,
        is_revoked: Arc<AtomicBool>,
        source_timeout: Duration,
    ) -> Self {
        Self { broadcast, stream, input, generation, is_revoked, source_timeout, error: None }
    }

    /// An input that is silent for this long has gone, though it has not said so.
    #[must_use]
    pub const fn source_timeout(&self) -> Duration {
        self.source_timeout
    }

    /// Writes one item. Never waits.
    ///
    /// Errors: [`InputRevoked`] when the input is to end.
    pub fn write(&self, item: StreamItem) -> Result<(), InputRevoked> {
        if self.is_revoked() {
            return Err(InputRevoked);
        }
        if self.broadcast.write(self.input, item, Instant::now(), &self.is_revoked) {
            self.stream.do_send(WentOnAir);
        }
        Ok(())
    }

    /// Whether the input is to end, for one that has nothing to write right now.
    pub(crate) fn is_revoked(&self) -> bool {
        self.is_revoked.load(Ordering::Relaxed)
    }

    /// Ends the input because of `error`, which the stream shows and logs.
    pub fn fail(mut self, error: String) {
        self.error = Some(error);
    }
}

impl Drop for InputWriter {
    fn drop(&mut self) {
        self.stream.do_send(InputEnded {
            input: self.input,
            generation: self.generation,
            error: self.error.take(),
        });
    }
}
