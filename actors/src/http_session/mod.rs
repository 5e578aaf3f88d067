//! One HTTP client that plays live: the actor counts it and can end it, the body carries the media.
//!
//! The body reads the stream's ring with a cursor of its own and hands on the very bytes that all
//! other sessions send; the actor never sees them.
//!
//! ```text
//!  Broadcast.ts (ring) ══ LiveBody ══▶ actix-web response
//!                            ▲ EndSession     │ dropped
//!                        HttpSession ◀────────┘
//! ```

mod body;
mod messages;

use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::watch;

pub use body::{LiveBody, LiveBodyLimits};
pub use messages::EndSession;

use crate::live_stream::{Broadcast, Viewer};
use messages::BodyDropped;

/// The actor of one playing HTTP client.
#[derive(Debug)]
pub struct HttpSession {
    _viewer: Viewer,
    end: watch::Sender<bool>,
}

impl HttpSession {
    /// Starts a session on `broadcast` and answers the body of its response.
    #[must_use]
    pub fn open(broadcast: Arc<Broadcast>, limits: LiveBodyLimits) -> LiveBody {
        let (end, is_ended) = watch::channel(false);
        let viewer = broadcast.viewers().connect();
        let session = Self { _viewer: viewer, end }.start();
        LiveBody::new(broadcast, limits, is_ended, session)
    }
}

impl Actor for HttpSession {
    type Context = Context<Self>;
}

impl Handler<EndSession> for HttpSession {
    type Result = ();

    fn handle(&mut self, _: EndSession, _ctx: &mut Self::Context) {
        self.end.send_replace(true);
    }
}

impl Handler<BodyDropped> for HttpSession {
    type Result = ();

    fn handle(&mut self, _: BodyDropped, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
