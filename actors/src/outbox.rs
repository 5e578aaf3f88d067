//! Bytes on their way to one client: bounded, written in batches, given up on when nothing moves.
//!
//! A session pushes into its [`Outbox`] and never waits; the writing future, which the session
//! runs in its own context, takes all that is queued with one vectored write. A client that reads
//! too slowly fills the queue ([`OutboxError::Full`]) or stalls a write
//! ([`OutboxError::TimedOut`]); either ends its session and costs no other anything.
//!
//! ```text
//!  session ─ push(Bytes) ─▶ queue ─▶ writing future ─ write_vectored ─▶ socket
//!     ▲                       │
//!     └─ read_paced ◀─ room ──┘   reads no further requests while answers pile up
//! ```
//!
//! It belongs to one arbiter: the queue is shared between futures of one thread.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::stream::{Stream, unfold};
use smallvec::SmallVec;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

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
    /// The socket failed.
    #[error("write failed")]
    Write(#[source] io::Error),
}

/// The sending end; clones share one queue.
#[derive(Clone, Debug)]
pub struct Outbox {
    queue: Rc<RefCell<Queue>>,
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
        W: AsyncWrite + Unpin,
    {
        let queue = Rc::new(RefCell::new(Queue::default()));
        let outbox = Self { queue: Rc::clone(&queue), queued_bytes_max: limits.queued_bytes_max };
        let writing = Writing { queue, writer, write_timeout: limits.write_timeout };
        (outbox, writing.run())
    }

    /// Queues `bytes`.
    ///
    /// Errors: `Full` when they do not fit, `Closed` when nothing will be written any more;
    /// nothing is queued then.
    pub fn push(&self, bytes: Bytes) -> Result<(), OutboxError> {
        let mut queue = self.queue.borrow_mut();
        if queue.phase != Phase::Open {
            return Err(OutboxError::Closed);
        }
        if queue.queued_bytes.saturating_add(bytes.len()) > self.queued_bytes_max {
            return Err(OutboxError::Full { limit: self.queued_bytes_max });
        }
        if !bytes.is_empty() {
            queue.queued_bytes += bytes.len();
            queue.pieces.push_back(bytes);
            wake(&mut queue.writer);
        }
        Ok(())
    }

    /// Takes nothing more; the connection's writing side is shut down after what is queued.
    pub fn close(&self) {
        let mut queue = self.queue.borrow_mut();
        if queue.phase == Phase::Open {
            queue.phase = Phase::Closing;
            wake(&mut queue.writer);
        }
    }

    /// How many bytes the socket has not taken yet.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.queue.borrow().queued_bytes
    }

    /// Waits until at most a quarter of the allowed bytes is queued, or nothing is written any
    /// more. For one waiting future at a time.
    pub async fn room(&self) {
        let enough = self.queued_bytes_max / 4;
        poll_fn(|cx| {
            let mut queue = self.queue.borrow_mut();
            if queue.queued_bytes <= enough || queue.phase == Phase::Ended {
                return Poll::Ready(());
            }
            queue.reader = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Reads `reader` in pieces of about `piece_bytes_max`, but only while `outbox` has room: a client
/// that does not take its answers is not asked for more requests.
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
    unfold(Some((reader, outbox, BytesMut::new())), move |state| async move {
        let (mut reader, outbox, mut buffer) = state?;
        outbox.room().await;
        buffer.reserve(piece_bytes_max);
        match reader.read_buf(&mut buffer).await {
            Ok(0) => None,
            Ok(_) => {
                let piece = buffer.split().freeze();
                Some((Ok(piece), Some((reader, outbox, buffer))))
            }
            Err(error) => Some((Err(error), None)),
        }
    })
}

#[derive(Debug, Default)]
struct Queue {
    pieces: VecDeque<Bytes>,
    queued_bytes: usize,
    phase: Phase,
    writer: Option<Waker>,
    reader: Option<Waker>,
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

impl Queue {
    /// Waits for something to write; `false` when nothing will come any more.
    fn poll_filled(&mut self, cx: &Context<'_>) -> Poll<bool> {
        if !self.pieces.is_empty() {
            return Poll::Ready(true);
        }
        if self.phase != Phase::Open {
            return Poll::Ready(false);
        }
        self.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Writes as much as the socket takes at once.
    fn poll_write<W>(&mut self, writer: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin,
    {
        let written = {
            let slices: SmallVec<[IoSlice<'_>; PIECES_PER_WRITE]> =
                self.pieces.iter().take(PIECES_PER_WRITE).map(|p| IoSlice::new(p)).collect();
            ready!(Pin::new(writer).poll_write_vectored(cx, &slices))?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.forget(written);
        Poll::Ready(Ok(()))
    }

    /// Drops the first `count` bytes, which the socket has taken.
    fn forget(&mut self, count: usize) {
        self.queued_bytes = self.queued_bytes.saturating_sub(count);
        let mut left = count;
        while left > 0 {
            let Some(piece) = self.pieces.front_mut() else {
                break;
            };
            if piece.len() > left {
                piece.advance(left);
                break;
            }
            left -= piece.len();
            self.pieces.pop_front();
        }
        wake(&mut self.reader);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// The writing future's state; marks the queue as ended however the future ends.
struct Writing<W> {
    queue: Rc<RefCell<Queue>>,
    writer: W,
    write_timeout: Duration,
}

impl<W: AsyncWrite + Unpin> Writing<W> {
    async fn run(mut self) -> Result<(), OutboxError> {
        let write_timeout = self.write_timeout;
        while self.filled().await {
            within(write_timeout, self.write_some()).await?;
        }
        within(write_timeout, self.writer.shutdown()).await
    }

    async fn filled(&self) -> bool {
        poll_fn(|cx| self.queue.borrow_mut().poll_filled(cx)).await
    }

    /// Writes once, and flushes when that was all: a writer may hold back (TLS does).
    async fn write_some(&mut self) -> io::Result<()> {
        let Self { queue, writer, .. } = self;
        poll_fn(|cx| queue.borrow_mut().poll_write(writer, cx)).await?;
        if queue.borrow().pieces.is_empty() {
            writer.flush().await?;
        }
        Ok(())
    }
}

impl<W> Drop for Writing<W> {
    fn drop(&mut self) {
        let mut queue = self.queue.borrow_mut();
        queue.phase = Phase::Ended;
        queue.pieces.clear();
        queue.queued_bytes = 0;
        wake(&mut queue.reader);
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
    use tokio::io::duplex;

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
