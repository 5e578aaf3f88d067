//! The socket as the framework has it: its first bytes were read already, and slow requests end it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use watershed_actors::client_stream::ClientStream;
use watershed_actors::limits::LimitHits;

use super::client::Connected;
use super::pipeline::Pipeline;
use super::request_watch::{Broken, RequestWatch};

/// Reads `prefix` first, then the socket; writes go straight through.
///
/// A read fails when the client broke a limit of its `RequestWatch`, which closes the connection.
#[derive(Debug)]
pub struct Prefixed {
    prefix: Bytes,
    socket: ClientStream,
    connected: Connected,
    watch: RequestWatch,
    /// Made when the first read has to wait within a request; kept for later ones.
    timer: Option<Pin<Box<Sleep>>>,
    pipeline: Pipeline,
    hits: LimitHits,
}

impl Prefixed {
    pub(crate) fn new(
        prefix: Bytes,
        socket: ClientStream,
        connected: Connected,
        watch: RequestWatch,
        hits: LimitHits,
    ) -> Self {
        let pipeline = Pipeline::default();
        Self { prefix, socket, connected, watch, timer: None, pipeline, hits }
    }

    /// Who connected, and how.
    pub(super) fn connected(&self) -> Connected {
        self.connected.clone()
    }

    /// Counts the requests that wait; whoever answers them must tell it.
    pub(super) fn pipeline(&self) -> Pipeline {
        self.pipeline.clone()
    }

    fn refuse(&self, limit: Broken) -> io::Error {
        self.hits.hit(limit);
        io::Error::new(io::ErrorKind::TimedOut, limit)
    }

    /// Resolves when the request that has begun has taken too long; never where none has.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<Broken> {
        let Some((deadline, limit)) = self.watch.deadline(self.pipeline.is_body_untimed()) else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        ready!(timer.as_mut().poll(context));
        Poll::Ready(limit)
    }
}

impl AsyncRead for Prefixed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.pipeline.is_full(context) {
            return Poll::Pending;
        }
        let filled = buffer.filled().len();
        if this.prefix.is_empty() {
            let Poll::Ready(read) = Pin::new(&mut this.socket).poll_read(context, buffer) else {
                return this.poll_deadline(context).map(|limit| Err(this.refuse(limit)));
            };
            read?;
        } else {
            let count = this.prefix.len().min(buffer.remaining());
            buffer.put_slice(&this.prefix[..count]);
            this.prefix.advance(count);
        }
        let bytes = buffer.filled().get(filled..).unwrap_or_default();
        let taken = this.watch.take(bytes, Instant::now());
        this.pipeline.read(this.watch.take_heads());
        Poll::Ready(taken.map_err(|limit| this.refuse(limit)))
    }
}

impl AsyncWrite for Prefixed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
