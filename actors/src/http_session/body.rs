//! The body of an endless response: batches of ready bytes from a stream's ring.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::HttpSession;
use super::messages::BodyDropped;
use crate::live_stream::{Broadcast, ReadyChunk, RingCursor, RingRead};

/// No answer is handed on in pieces above this, so a slow reader costs a known amount of memory.
const PIECE_BYTES_MAX: usize = 64 << 10;

/// How a live body behaves.
#[derive(Clone, Copy, Debug)]
pub struct LiveBodyLimits {
    /// Bytes are collected this long before they are handed on; zero hands on at once.
    pub write_batching: Duration,
    /// The body ends after this long without media.
    pub silence_max: Duration,
    /// The body ends when its reader falls out of the ring this often.
    pub skips_max: u32,
}

/// The media of one response.
pub struct LiveBody {
    broadcast: Arc<Broadcast>,
    cursor: RingCursor,
    batch: Vec<ReadyChunk>,
    ready: std::vec::IntoIter<Bytes>,
    changed: watch::Receiver<u64>,
    is_ended: watch::Receiver<bool>,
    limits: LiveBodyLimits,
    last_batch: Option<Instant>,
    skips: u32,
    session: Addr<HttpSession>,
}

impl LiveBody {
    pub(super) fn new(
        broadcast: Arc<Broadcast>,
        limits: LiveBodyLimits,
        is_ended: watch::Receiver<bool>,
        session: Addr<HttpSession>,
    ) -> Self {
        Self {
            cursor: broadcast.ts().newest_start(),
            changed: broadcast.ts().subscribe(),
            broadcast,
            batch: Vec::new(),
            ready: Vec::new().into_iter(),
            is_ended,
            limits,
            last_batch: None,
            skips: 0,
            session,
        }
    }

    /// The body as a stream that never fails; it ends when the session does.
    pub fn into_stream(self) -> impl Stream<Item = Bytes> {
        stream::unfold(self, |mut body| async move {
            let piece = body.next_piece().await?;
            body.broadcast.counters().sent(piece.len());
            Some((piece, body))
        })
    }

    /// The next piece; `None` when the session is over.
    pub async fn next_piece(&mut self) -> Option<Bytes> {
        loop {
            if *self.is_ended.borrow() {
                return None;
            }
            if let Some(piece) = self.ready.next() {
                return Some(piece);
            }
            self.wait_for_batch_time().await;
            match self.broadcast.ts().read(&mut self.cursor, PIECE_BYTES_MAX, &mut self.batch) {
                RingRead::Taken => self.cut_pieces(),
                RingRead::Skipped => {
                    self.skips += 1;
                    if self.skips > self.limits.skips_max {
                        return None;
                    }
                    self.cut_pieces();
                }
                RingRead::Empty => self.wait_for_change().await?,
                RingRead::Closed => return None,
            }
        }
    }

    async fn wait_for_batch_time(&self) {
        if let Some(last) = self.last_batch
            && !self.limits.write_batching.is_zero()
        {
            tokio::time::sleep_until(last + self.limits.write_batching).await;
        }
    }

    async fn wait_for_change(&mut self) -> Option<()> {
        tokio::select! {
            changed = self.changed.changed() => changed.ok(),
            _ = self.is_ended.changed() => None,
            () = tokio::time::sleep(self.limits.silence_max) => None,
        }
    }

    /// Makes what was read ready: each chunk a piece, the large ones cut. Chunks are not joined:
    /// that would copy them once more for every viewer, and the framework gathers them anyway.
    fn cut_pieces(&mut self) {
        self.last_batch = Some(Instant::now());
        let mut pieces = Vec::with_capacity(self.batch.len());
        for chunk in self.batch.drain(..) {
            let mut rest = chunk.bytes;
            while rest.len() > PIECE_BYTES_MAX {
                pieces.push(rest.split_to(PIECE_BYTES_MAX));
            }
            pieces.push(rest);
        }
        self.ready = pieces.into_iter();
    }
}

impl Drop for LiveBody {
    fn drop(&mut self) {
        self.session.do_send(BodyDropped);
    }
}

impl std::fmt::Debug for LiveBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveBody").field("stream", self.broadcast.name()).finish_non_exhaustive()
    }
}
