//! What others may tell an HTTP session.

use actix::prelude::*;

pub use crate::session_registry::EndSession;

/// States that the client has gone, or its stream. Sent by what carries the media.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Over;
