//! What others may tell an HTTP session.

use actix::prelude::*;

/// Ends the session: its response stops. Sent by whoever manages sessions.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct EndSession;

/// States that the client has gone, or its stream. Sent by what carries the media.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Over;
