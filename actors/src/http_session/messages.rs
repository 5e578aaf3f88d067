//! What others may tell an HTTP session.

use actix::prelude::*;

/// Ends the session: its response stops. Sent by whoever manages sessions.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct EndSession;

/// States that the response was dropped: the client has gone. Sent by the body.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct BodyDropped;
