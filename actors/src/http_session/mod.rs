//! One HTTP client that plays live: the actor counts it and can end it, the body carries the media.
//!
//! The body is a member of its stream's [`fan_out`](crate::fan_out) and hands on the very bytes
//! that all other sessions send; the actor never sees them.
//!
//! ```text
//!  fan_out ══ LiveBody ══▶ actix-web response
//!                ▲ EndSession     │ dropped
//!            HttpSession ◀────────┘
//! ```

mod body;
mod messages;

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use actix::prelude::*;
use bytes::Bytes;

pub use body::LiveBody;
pub use messages::EndSession;

use crate::fan_out::{FanOutSettings, Media, Member, feed};
use crate::live_stream::Viewer;
use body::Pending;
use messages::BodyDropped;

/// The actor of one playing HTTP client.
pub struct HttpSession {
    _viewer: Viewer,
    pending: Weak<RefCell<Pending>>,
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
        let session = Self { _viewer: viewer, pending: Rc::downgrade(&pending) }.start();
        LiveBody { pending, session }
    }
}

impl Actor for HttpSession {
    type Context = Context<Self>;
}

impl Handler<EndSession> for HttpSession {
    type Result = ();

    fn handle(&mut self, _: EndSession, _ctx: &mut Self::Context) {
        let Some(pending) = self.pending.upgrade() else {
            return;
        };
        let feed = pending.borrow_mut().end();
        drop(feed);
    }
}

impl Handler<BodyDropped> for HttpSession {
    type Result = ();

    fn handle(&mut self, _: BodyDropped, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
