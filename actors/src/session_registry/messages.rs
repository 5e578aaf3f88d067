//! What the registry tells a session, and is told of it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use actix::prelude::*;

/// Ends the session: its response or connection stops once what was answered is written. Sent by
/// the registry when somebody ends it by its id.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct EndSession;

/// Where a session hears of its end.
pub(super) type Ender = Recipient<EndSession>;

/// How a session with a connection is reached and measured.
#[derive(Debug)]
pub struct Connected {
    /// Hears when it is to end.
    pub end: Recipient<EndSession>,
    /// Its bytes: a cell that is counted anyway, or a new one for
    /// [`SessionGuard::add_bytes`](super::SessionGuard::add_bytes).
    pub bytes: Arc<AtomicU64>,
}

impl Connected {
    /// A session whose owner counts its bytes by its guard.
    #[must_use]
    pub fn new(end: Recipient<EndSession>) -> Self {
        Self { end, bytes: Arc::default() }
    }
}
