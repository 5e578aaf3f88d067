//! The body of an endless response: a stream's ready bytes, in the pieces that HTTP hands on.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::Stream;

use super::Opening;
use crate::fan_out::{Batch, Feed, Member, Refill};

/// No answer is handed on in pieces above this, so a slow reader costs a known amount of memory.
const PIECE_BYTES_MAX: usize = 64 << 10;

/// The media of one response; it ends when the session does, and the session with it.
pub struct LiveBody {
    pub(super) pending: Rc<RefCell<Pending>>,
    pub(super) _session: Opening,
}

/// What a body has not handed on yet.
#[derive(Default)]
pub(super) struct Pending {
    queue: VecDeque<Bytes>,
    feed: Option<Box<dyn Feed>>,
    waker: Option<Waker>,
}

impl Pending {
    pub(super) fn begin(&mut self, opening: Bytes, feed: Box<dyn Feed>) {
        self.queue.push_back(opening);
        self.feed = Some(feed);
    }

    /// Ends the body; what it has still to be taken out of its group with is the answer.
    pub(super) fn end(&mut self) -> Option<Box<dyn Feed>> {
        self.queue.clear();
        self.wake();
        self.feed.take()
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn poll_piece(&mut self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(piece) = self.queue.front_mut() {
                let cut = piece.split_to(piece.len().min(PIECE_BYTES_MAX));
                if piece.is_empty() {
                    self.queue.pop_front();
                }
                if !cut.is_empty() {
                    return Poll::Ready(Some(cut));
                }
                continue;
            }
            match self.feed.as_mut().map(|feed| feed.refill(&mut self.queue)) {
                Some(Refill::Added) => {}
                Some(Refill::InStep) => {
                    self.waker = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                None | Some(Refill::Ended | Refill::FellBehind) => return Poll::Ready(None),
            }
        }
    }
}

impl Member for RefCell<Pending> {
    fn offer(&self, batch: &Batch) -> usize {
        let mut pending = self.borrow_mut();
        let is_waiting = pending.queue.is_empty() && pending.waker.is_some();
        let mut given = 0;
        if is_waiting && pending.feed.as_mut().is_some_and(|feed| feed.takes(batch)) {
            given = batch.bytes.len();
            pending.queue.push_back(batch.bytes.clone());
        }
        pending.wake();
        given
    }

    fn wake(&self) {
        self.borrow_mut().wake();
    }
}

impl Stream for LiveBody {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.pending.borrow_mut().poll_piece(cx)
    }
}

impl std::fmt::Debug for LiveBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LiveBody")
    }
}
