//! One HTTP client that plays live: the actor counts it and can end it, the body carries the media.
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

pub use body::LiveBody;
pub use messages::EndSession;

use crate::client_stream::{ClientReader, ClientStream};
use crate::fan_out::{FanOutSettings, Media, Member, feed, follow};
use crate::live_stream::Viewer;
use crate::outbox::{Outbox, OutboxLimits};
use body::Pending;
use messages::Over;

/// The actor of one playing HTTP client.
pub struct HttpSession {
    _viewer: Viewer,
    way: Way,
}

/// How the media gets to the client.
enum Way {
    /// As the body of a response of the framework.
    Body(Weak<RefCell<Pending>>),
    /// Straight into its socket.
    Socket(Outbox),
}

impl HttpSession {
    /// Starts a session that follows `media` and answers the body of its response, which begins
    /// with `opening`.
    #[must_use]
    pub fn open(opening: Bytes, media: Media, settings: FanOutSettings) -> LiveBody {
        let viewer = media.broadcast.viewers().connect();
        let pending = Rc::<RefCell<Pending>>::default();
        let member: Rc<dyn Member> = Rc::clone(&pending) as Rc<dyn Member>;
        let feed = feed(&member, media, settings);
        pending.borrow_mut().begin(opening, feed);
        let way = Way::Body(Rc::downgrade(&pending));
        let session = Self { _viewer: viewer, way }.start();
        LiveBody { pending, session }
    }

    /// Runs a whole session on `connection`: `opening`, which is the response's head and what
    /// stands before the media, then `media` until either side ends it. A client that takes
    /// nothing for `patience` has gone.
    pub async fn serve(
        connection: ClientStream,
        opening: Bytes,
        media: Media,
        settings: FanOutSettings,
        patience: Duration,
    ) {
        let viewer = media.broadcast.viewers().connect();
        let (reader, writer) = connection.split();
        let limits = OutboxLimits { write_timeout: patience, ..OutboxLimits::CONTROL };
        let (outbox, writing) = Outbox::new(writer, limits);
        let _ = outbox.push(opening);
        follow(&outbox, media, settings);
        let session = Self { _viewer: viewer, way: Way::Socket(outbox) }.start();
        tokio::select! {
            written = writing => {
                if let Err(error) = written {
                    log::debug!("http player: {error}");
                }
            }
            () = gone(reader) => {}
        }
        session.do_send(Over);
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
        match &self.way {
            Way::Body(pending) => {
                let feed = pending.upgrade().and_then(|pending| pending.borrow_mut().end());
                // It leaves its group, which may look at the body.
                drop(feed);
            }
            Way::Socket(outbox) => outbox.close(),
        }
    }
}

impl Handler<Over> for HttpSession {
    type Result = ();

    fn handle(&mut self, _: Over, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
