//! Bytes on their way to one client: bounded, written in batches, given up on when nothing moves.
//!
//! A session pushes into its [`Outbox`] and never waits; the writing future, which the session
//! runs in its own context, takes all that is queued with one vectored write. A client that reads
//! too slowly fills the queue ([`OutboxError::Full`]) or stalls a write
//! ([`OutboxError::TimedOut`]); either ends its session and costs no other anything.
//!
//! ```text
//!  session ─ push(Bytes) ─▶ queue ─▶ writing future ─ write_vectored ─▶ socket
//!     ▲                       │ ▲                                         ▲
//!     │                       │ └ Feed: what a slow or new player lacks   │
//!     └─ read_paced ◀─ room ──┘                            offer(Batch) ──┘ to a player in step
//! ```
//!
//! A player's media comes from its [`Feed`]. A player in step with its stream is written to right
//! where the batch is made, without a wake-up of its own; what its socket does not take is queued,
//! and the writing future brings it back into step.
//!
//! It belongs to one arbiter: the queue is shared between futures of one thread.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::stream::{Stream, unfold};
use smallvec::SmallVec;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use crate::fan_out::{Batch, Feed, Member, Refill};

/// Most pieces in one vectored write; more only cost stack, as a socket takes less at a time.
const PIECES_PER_WRITE: usize = 64;

/// What one outbox may hold and how long it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Most bytes queued and not yet taken by the socket.
    pub queued_bytes_max: usize,
    /// Longest time in which the client may take nothing. Default 15 s.
    pub write_timeout: Duration,
}

impl OutboxLimits {
    /// For control messages: 64 KiB, 15 s.
    pub const CONTROL: Self =
        Self { queued_bytes_max: 64 * 1024, write_timeout: Duration::from_secs(15) };
}

/// Why bytes did not reach the client.
#[derive(Debug, Error)]
pub enum OutboxError {
    /// The client reads more slowly than it is written to.
    #[error("outbox of {limit} bytes is full")]
    Full {
        /// The limit.
        limit: usize,
    },
    /// Pushed after [`Outbox::close`] or after the writing future ended.
    #[error("outbox is closed")]
    Closed,
    /// The client took nothing for the whole write timeout.
    #[error("client took nothing for {0:?}")]
    TimedOut(Duration),
    /// The client took its media so slowly that too much of it was gone before it was sent.
    #[error("client cannot keep up with its stream")]
    FellBehind,
    /// The socket failed.
    #[error("write failed")]
    Write(#[source] io::Error),
}

/// The sending end; clones share one queue.
#[derive(Clone)]
pub struct Outbox {
    shared: Rc<RefCell<Shared>>,
    queued_bytes_max: usize,
}

impl Outbox {
    /// Makes an outbox and the future that writes what it holds to `writer`.
    ///
    /// The future ends with `Ok` when everything pushed before [`Outbox::close`] is written and
    /// the writer is shut down, with an error when the client cannot be written to. Dropping it
    /// closes the connection at once.
    pub fn new<W>(
        writer: W,
        limits: OutboxLimits,
    ) -> (Self, impl Future<Output = Result<(), OutboxError>>)
    where
        W: AsyncWrite + Unpin + 'static,
    {
        let shared = Rc::new(RefCell::new(Shared::new(Box::new(writer))));
        let outbox = Self { shared: Rc::clone(&shared), queued_bytes_max: limits.queued_bytes_max };
        let writing = Writing { shared, write_timeout: limits.write_timeout };
        (outbox, writing.run())
    }

    /// Queues `bytes`.
    ///
    /// Errors: `Full` when they do not fit, `Closed` when nothing will be written any more;
    /// nothing is queued then.
    pub fn push(&self, bytes: Bytes) -> Result<(), OutboxError> {
        let mut shared = self.shared.borrow_mut();
        if shared.phase != Phase::Open {
            return Err(OutboxError::Closed);
        }
        if shared.pushed_bytes().saturating_add(bytes.len()) > self.queued_bytes_max {
            return Err(OutboxError::Full { limit: self.queued_bytes_max });
        }
        shared.enqueue(bytes);
        Ok(())
    }

    /// Writes the media of `feed` from now on, behind what is queued; `None` stops it.
    pub fn follow(&self, feed: Option<Box<dyn Feed>>) {
        let mut shared = self.shared.borrow_mut();
        let old = std::mem::replace(&mut shared.feed, feed);
        wake(&mut shared.writing);
        drop(shared);
        // It may reach for this outbox while it goes.
        drop(old);
    }

    /// The player that is offered what its stream's players in step are given.
    #[must_use]
    pub fn member(&self) -> Rc<dyn Member> {
        Rc::clone(&self.shared) as Rc<dyn Member>
    }

    /// Counts what the socket takes in `bytes` from now on.
    pub fn count_in(&self, bytes: Arc<AtomicU64>) {
        self.shared.borrow_mut().sent_bytes = bytes;
    }

    /// How many bytes the socket has taken so far; the cell goes on counting.
    #[must_use]
    pub fn sent_bytes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.shared.borrow().sent_bytes)
    }

    /// Takes nothing more; the connection's writing side is shut down after what is queued.
    pub fn close(&self) {
        let mut shared = self.shared.borrow_mut();
        if shared.phase == Phase::Open {
            shared.phase = Phase::Closing;
            wake(&mut shared.writing);
        }
    }

    /// How many bytes the socket has not taken yet.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.shared.borrow().queued_bytes
    }

    /// Waits until at most a quarter of the allowed bytes is queued, or nothing is written any
    /// more. For one waiting future at a time.
    pub async fn room(&self) {
        let enough = self.queued_bytes_max / 4;
        poll_fn(|cx| {
            let mut shared = self.shared.borrow_mut();
            if shared.pushed_bytes() <= enough || shared.phase == Phase::Ended {
                return Poll::Ready(());
            }
            shared.reading = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shared = self.shared.borrow();
        f.debug_struct("Outbox").field("queued_bytes", &shared.queued_bytes).finish_non_exhaustive()
    }
}

/// Most bytes read at once.
const READ_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    /// Where every connection of this thread reads into first: one that sends little, as players
    /// do, then holds no buffer while it waits.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES_MAX].into());
}

/// Drops the first `count` bytes of `pieces`, which a socket has taken.
pub fn drop_written(pieces: &mut VecDeque<Bytes>, count: usize) {
    let mut left = count;
    while let Some(piece) = pieces.front_mut().filter(|_| left > 0) {
        if piece.len() > left {
            return piece.advance(left);
        }
        left -= piece.len();
        pieces.pop_front();
    }
}

/// Reads `reader` in pieces of at most `piece_bytes_max`, but only while `outbox` has room: a
/// client that does not take its answers is not asked for more requests.
///
/// Ends after the end of the input or the first error.
pub fn read_paced<R>(
    reader: R,
    outbox: Outbox,
    piece_bytes_max: usize,
) -> impl Stream<Item = io::Result<Bytes>>
where
    R: AsyncRead + Unpin,
{
    unfold(Some((reader, outbox)), move |state| async move {
        let (mut reader, outbox) = state?;
        outbox.room().await;
        match poll_fn(|cx| poll_piece(&mut reader, piece_bytes_max, cx)).await {
            Ok(piece) if piece.is_empty() => None,
            Ok(piece) => Some((Ok(piece), Some((reader, outbox)))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// Reads once; an empty piece is the end.
fn poll_piece<R>(
    reader: &mut R,
    piece_bytes_max: usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Bytes>>
where
    R: AsyncRead + Unpin,
{
    READ_BUFFER.with_borrow_mut(|buffer| {
        let room = piece_bytes_max.min(buffer.len());
        let mut buffer = ReadBuf::new(&mut buffer[..room]);
        ready!(Pin::new(reader).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(Bytes::copy_from_slice(buffer.filled())))
    })
}

/// One connection's writing side.
struct Shared {
    writer: Box<dyn AsyncWrite + Unpin>,
    queue: VecDeque<Bytes>,
    queued_bytes: usize,
    /// How much of what was queued since the queue was last empty is media, which is bounded by
    /// itself.
    media_bytes: usize,
    sent_bytes: Arc<AtomicU64>,
    feed: Option<Box<dyn Feed>>,
    phase: Phase,
    /// The writing future waits for what the writer holds back; another poll of the writer would
    /// take its wake-up away.
    is_flushing: bool,
    /// The writing future, while it waits for something to write.
    writing: Option<Waker>,
    /// The reading future, while it waits for room.
    reading: Option<Waker>,
    /// Why the connection ends, where only [`Member::offer`] has noticed.
    failed: Option<OutboxError>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// What is queued is still written.
    Closing,
    /// The writing future has ended.
    Ended,
}

impl Shared {
    fn new(writer: Box<dyn AsyncWrite + Unpin>) -> Self {
        Self {
            writer,
            queue: VecDeque::new(),
            queued_bytes: 0,
            media_bytes: 0,
            sent_bytes: Arc::default(),
            feed: None,
            phase: Phase::Open,
            is_flushing: false,
            writing: None,
            reading: None,
            failed: None,
        }
    }

    fn pushed_bytes(&self) -> usize {
        self.queued_bytes.saturating_sub(self.media_bytes)
    }

    fn enqueue(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.queued_bytes += bytes.len();
            self.queue.push_back(bytes);
            wake(&mut self.writing);
        }
    }

    /// Writes at once to a player in step with its stream; any other takes it in its own time.
    fn offer(&mut self, batch: &Batch) -> usize {
        if !self.queue.is_empty() || self.is_flushing || self.phase != Phase::Open {
            return 0;
        }
        if !self.feed.as_mut().is_some_and(|feed| feed.takes(batch)) {
            wake(&mut self.writing);
            return 0;
        }
        // A socket that takes nothing now is waited for by the writing future.
        let mut cx = Context::from_waker(Waker::noop());
        let written = match Pin::new(&mut self.writer).poll_write(&mut cx, &batch.bytes) {
            Poll::Ready(Ok(written)) => written,
            Poll::Ready(Err(error)) => {
                self.failed = Some(OutboxError::Write(error));
                wake(&mut self.writing);
                0
            }
            Poll::Pending => 0,
        };
        // TLS may hold some of it back; what it still does then goes out with the next batch.
        let _ = Pin::new(&mut self.writer).poll_flush(&mut cx);
        self.sent_bytes.fetch_add(written as u64, Ordering::Relaxed);
        let rest = batch.bytes.slice(written.min(batch.bytes.len())..);
        self.media_bytes = rest.len();
        self.enqueue(rest);
        batch.bytes.len()
    }

    /// Waits for something to write; `false` when nothing will come any more.
    fn poll_filled(&mut self, cx: &Context<'_>) -> Poll<Result<bool, OutboxError>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(error));
        }
        if self.queue.is_empty() && self.phase == Phase::Open {
            match self.feed.as_mut().map(|feed| feed.refill(&mut self.queue)) {
                None | Some(Refill::InStep) => {}
                Some(Refill::Added) => {
                    self.queued_bytes = self.queue.iter().map(Bytes::len).sum();
                    self.media_bytes = self.queued_bytes;
                }
                Some(Refill::Ended) => self.phase = Phase::Closing,
                Some(Refill::FellBehind) => return Poll::Ready(Err(OutboxError::FellBehind)),
            }
        }
        if !self.queue.is_empty() {
            return Poll::Ready(Ok(true));
        }
        if self.phase != Phase::Open {
            return Poll::Ready(Ok(false));
        }
        self.writing = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Writes as much as the socket takes at once.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = {
            let slices: SmallVec<[IoSlice<'_>; PIECES_PER_WRITE]> =
                self.queue.iter().take(PIECES_PER_WRITE).map(|p| IoSlice::new(p)).collect();
            ready!(Pin::new(&mut self.writer).poll_write_vectored(cx, &slices))?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.forget(written);
        Poll::Ready(Ok(()))
    }

    /// Drops the first `count` bytes, which the socket has taken.
    fn forget(&mut self, count: usize) {
        self.sent_bytes.fetch_add(count as u64, Ordering::Relaxed);
        self.queued_bytes = self.queued_bytes.saturating_sub(count);
        drop_written(&mut self.queue, count);
        if self.queue.is_empty() {
            self.media_bytes = 0;
        }
        wake(&mut self.reading);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

impl Member for RefCell<Shared> {
    fn offer(&self, batch: &Batch) -> usize {
        self.borrow_mut().offer(batch)
    }

    fn wake(&self) {
        wake(&mut self.borrow_mut().writing);
    }
}

/// The writing future's state; marks the queue as ended however the future ends.
struct Writing {
    shared: Rc<RefCell<Shared>>,
    write_timeout: Duration,
}

impl Writing {
    async fn run(self) -> Result<(), OutboxError> {
        let write_timeout = self.write_timeout;
        while poll_fn(|cx| self.shared.borrow_mut().poll_filled(cx)).await? {
            within(write_timeout, self.write_some()).await?;
        }
        within(write_timeout, self.poll_writer(|writer, cx| writer.poll_shutdown(cx))).await
    }

    /// Writes once, and flushes when that was all: a writer may hold back (TLS does).
    async fn write_some(&self) -> io::Result<()> {
        poll_fn(|cx| self.shared.borrow_mut().poll_write(cx)).await?;
        if self.shared.borrow().queue.is_empty() {
            self.shared.borrow_mut().is_flushing = true;
            let flushed = self.poll_writer(|writer, cx| writer.poll_flush(cx)).await;
            self.shared.borrow_mut().is_flushing = false;
            flushed?;
        }
        Ok(())
    }

    async fn poll_writer<F>(&self, mut poll: F) -> io::Result<()>
    where
        F: FnMut(Pin<&mut (dyn AsyncWrite + Unpin)>, &mut Context<'_>) -> Poll<io::Result<()>>,
    {
        poll_fn(|cx| poll(Pin::new(&mut self.shared.borrow_mut().writer), cx)).await
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let mut shared = self.shared.borrow_mut();
        shared.phase = Phase::Ended;
        shared.queue.clear();
        shared.queued_bytes = 0;
        wake(&mut shared.reading);
        let feed = shared.feed.take();
        drop(shared);
        drop(feed);
    }
}

async fn within(
    limit: Duration,
    write: impl Future<Output = io::Result<()>>,
) -> Result<(), OutboxError> {
    match timeout(limit, write).await {
        Ok(result) => result.map_err(OutboxError::Write),
        Err(_) => Err(OutboxError::TimedOut(limit)),
    }
}

#[cfg(test)]
mod tests {
    use actix_rt::spawn;
    use futures_util::{FutureExt, StreamExt};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const SMALL: OutboxLimits =
        OutboxLimits { queued_bytes_max: 100, write_timeout: Duration::from_secs(15) };

    #[actix::test]
    async fn everything_pushed_before_close_arrives_in_order_then_the_end() {
        let (near, mut far) = duplex(7);
        let (outbox, writing) = Outbox::new(near, SMALL);
        for piece in ["one ", "", "two ", "three"] {
            outbox.push(Bytes::from_static(piece.as_bytes())).unwrap();
        }
        outbox.close();
        assert!(matches!(outbox.push(Bytes::from_static(b"x")), Err(OutboxError::Closed)));
        let writing = spawn(writing);
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "one two three");
        writing.await.unwrap().unwrap();
        assert_eq!(outbox.queued_bytes(), 0);
    }

    #[actix::test]
    async fn push_over_the_limit_is_refused_and_queues_nothing() {
        let (near, _far) = duplex(7);
        let (outbox, _writing) = Outbox::new(near, SMALL);
        outbox.push(Bytes::from(vec![0; 100])).unwrap();
        let full = outbox.push(Bytes::from_static(b"x"));
        assert!(matches!(full, Err(OutboxError::Full { limit: 100 })));
        assert_eq!(outbox.queued_bytes(), 100);
    }

    #[actix::test]
    async fn client_that_takes_nothing_is_given_up_after_the_write_timeout() {
        tokio::time::pause();
        let (near, _far) = duplex(7);
        let (outbox, writing) = Outbox::new(near, SMALL);
        outbox.push(Bytes::from_static(b"more than seven")).unwrap();
        let start = tokio::time::Instant::now();
        assert!(matches!(writing.await, Err(OutboxError::TimedOut(_))));
        assert_eq!(start.elapsed().as_secs(), SMALL.write_timeout.as_secs());
        assert!(matches!(outbox.push(Bytes::from_static(b"x")), Err(OutboxError::Closed)));
    }

    #[actix::test]
    async fn idle_outbox_never_times_out_and_slow_progress_is_progress() {
        tokio::time::pause();
        let (near, mut far) = duplex(1);
        let (outbox, writing) = Outbox::new(near, SMALL);
        let writing = spawn(writing);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        outbox.push(Bytes::from_static(b"slow")).unwrap();
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_secs(14)).await;
            far.read_u8().await.unwrap();
        }
        outbox.close();
        writing.await.unwrap().unwrap();
    }

    #[actix::test]
    async fn requests_are_not_read_while_answers_pile_up() {
        let (near, mut far) = duplex(8);
        let (reader, writer) = tokio::io::split(near);
        let (outbox, writing) = Outbox::new(writer, SMALL);
        let mut pieces = Box::pin(read_paced(reader, outbox.clone(), 8));
        far.write_all(b"request").await.unwrap();
        outbox.push(Bytes::from(vec![1; 60])).unwrap();
        let writing = spawn(writing);
        actix_rt::task::yield_now().await;
        assert!(pieces.next().now_or_never().is_none());
        far.read_exact(&mut [0; 40]).await.unwrap();
        let piece = pieces.next().await.unwrap().unwrap();
        assert_eq!(piece, "request");
        drop(writing);
    }
}
