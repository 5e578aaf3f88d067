//! One HTTP client that plays or publishes live: the actor can end it, the body carries the media.
//!
//! A client that came straight from the door is written to by its stream's
//! [`fan_out`](crate::fan_out), any other gets a [`LiveBody`]: the very bytes that all other
//! sessions send. The actor never sees them.
//!
//! ```text
//!  fan_out ══ Outbox   ══▶ socket
//!     └══════ LiveBody ══▶ actix-web response
//!                ▲ EndSession     │ over
//!            HttpSession ◀────────┘
//! ```

mod body;
mod messages;

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use actix::prelude::*;
use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;

pub use body::LiveBody;
pub use messages::EndSession;

use crate::client_stream::{ClientReader, ClientStream};
use crate::fan_out::{FanOutSettings, Media, Member, feed, follow};
use crate::outbox::{Outbox, OutboxLimits};
use crate::session_registry::SessionGuard;
use body::Pending;
use messages::Over;

/// The actor of one HTTP client.
pub struct HttpSession {
    way: Rc<RefCell<Way>>,
}

/// How the media gets to the client.
#[derive(Default)]
enum Way {
    /// Not yet.
    #[default]
    None,
    /// It was ended before there was one.
    Ended,
    /// As the body of a response of the framework.
    Body(Weak<RefCell<Pending>>),
    /// Straight into its socket.
    Socket(Outbox),
    /// The other way: the client publishes, and whoever reads it waits for this.
    Published(Rc<Notify>),
}

/// A session whose client is not given anything, now or ever. It ends when this is dropped.
pub struct Opening {
    session: Addr<HttpSession>,
    way: Rc<RefCell<Way>>,
}

impl HttpSession {
    /// Begins a session on this thread.
    #[must_use]
    pub fn open() -> Opening {
        let way = Rc::<RefCell<Way>>::default();
        let session = Self { way: Rc::clone(&way) }.start();
        Opening { session, way }
    }
}

impl Opening {
    /// Where the session hears that it is to end.
    #[must_use]
    pub fn end(&self) -> Recipient<EndSession> {
        self.session.clone().recipient()
    }

    /// Resolves when the session of a client that publishes is to end.
    pub fn ended(&self) -> impl Future<Output = ()> + use<> {
        let end = Rc::<Notify>::default();
        *self.way.borrow_mut() = Way::Published(Rc::clone(&end));
        async move { end.notified().await }
    }

    /// Answers the body of a response that begins with `opening` and follows `media`.
    #[must_use]
    pub fn into_body(self, opening: Bytes, media: Media, settings: FanOutSettings) -> LiveBody {
        let pending = Rc::<RefCell<Pending>>::default();
        let member: Rc<dyn Member> = Rc::clone(&pending) as Rc<dyn Member>;
        let feed = feed(&member, media, settings);
        pending.borrow_mut().begin(opening, feed);
        *self.way.borrow_mut() = Way::Body(Rc::downgrade(&pending));
        LiveBody { pending, _session: self }
    }

    /// Runs the whole session on `connection`: `opening`, which is the response's head and what
    /// stands before the media, then `media` until either side ends it. `guard` counts what was
    /// sent. A client that takes nothing for `patience` has gone.
    pub async fn serve(
        self,
        connection: ClientStream,
        opening: Bytes,
        (media, settings): (Media, FanOutSettings),
        guard: SessionGuard,
        patience: Duration,
    ) {
        if matches!(*self.way.borrow(), Way::Ended) {
            return;
        }
        let (reader, writer) = connection.split();
        let limits = OutboxLimits { write_timeout: patience, ..OutboxLimits::CONTROL };
        let (outbox, writing) = Outbox::new(writer, limits);
        outbox.count_in(guard.byte_counter());
        let _ = outbox.push(opening);
        follow(&outbox, media, settings);
        *self.way.borrow_mut() = Way::Socket(outbox);
        tokio::select! {
            written = writing => {
                if let Err(error) = written {
                    log::debug!("http player {}: {error}", guard.session().ip);
                }
            }
            () = gone(reader) => {}
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.session.do_send(Over);
    }
}

/// Resolves when the client has closed. What it sends means nothing while the answer goes on.
async fn gone(mut reader: ClientReader) {
    let mut ignored = [0; 64];
    while reader.read(&mut ignored).await.is_ok_and(|count| count > 0) {}
}

impl Actor for HttpSession {
    type Context = Context<Self>;
}

impl Handler<EndSession> for HttpSession {
    type Result = ();

    fn handle(&mut self, _: EndSession, _ctx: &mut Self::Context) {
        let mut way = self.way.borrow_mut();
        match &*way {
            Way::None => *way = Way::Ended,
            Way::Ended => {}
            Way::Body(pending) => {
                let feed = pending.upgrade().and_then(|pending| pending.borrow_mut().end());
                // It leaves its group, which may look at the body.
                drop(feed);
            }
            Way::Socket(outbox) => outbox.close(),
            Way::Published(end) => end.notify_one(),
        }
    }
}

impl Handler<Over> for HttpSession {
    type Result = ();

    fn handle(&mut self, _: Over, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
