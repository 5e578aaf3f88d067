//! Who is connected: every client of every protocol, for the API, for limits and for ending them.
//!
//! Sessions find the table without a mailbox: they enter themselves by [`Sessions`] and leave when
//! their [`SessionGuard`] is dropped. An HLS player holds no connection, so it is entered when it
//! asks for a playlist, and this actor takes it out when it has not asked for long enough.
//!
//! ```text
//!  RTMP, RTSP, HTTP session ─ open_play, open_publish ─▶ Sessions ◀─ list, find, end ─ API
//!  HLS request ─────────────── saw_player, took ───────▶    ▲
//!                                 SessionRegistry ─ expire ─┘
//! ```
//!
//! A playing session counts as a viewer of its stream while it is entered here, so the stream's
//! count and this list cannot differ.

pub mod messages;
mod session;
mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use actix::prelude::*;

pub use messages::{Connected, EndSession};
pub use session::{Client, Session, SessionGuard, SessionKind};
pub use table::{Played, PlayerRefused, Sessions, TooManySessions};

/// How often players are looked at that may have gone.
const EXPIRE_INTERVAL: Duration = Duration::from_millis(500);

/// Takes out the players that have gone. There is one a node.
#[derive(Debug)]
pub struct SessionRegistry {
    sessions: Sessions,
}

impl SessionRegistry {
    /// Makes the actor that looks after `sessions`.
    #[must_use]
    pub const fn new(sessions: Sessions) -> Self {
        Self { sessions }
    }
}

impl Actor for SessionRegistry {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(EXPIRE_INTERVAL, |registry, _| {
            registry.sessions.expire(tokio::time::Instant::now().into_std());
        });
    }
}
