//! One session, as everybody may see it, and the guard that its owner holds.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::table::Sessions;
use crate::live_stream::Viewer;
use crate::names::{Protocol, StreamName};

/// Longest user agent that is kept, in bytes; clients choose it.
const USER_AGENT_BYTES_MAX: usize = 160;

/// What a session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// It takes media.
    Play,
    /// It brings media.
    Publish,
}

/// What is known of a client when it asks.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// Its address, as a trusted proxy says if there is one.
    pub ip: IpAddr,
    /// What it calls itself.
    pub user_agent: Option<&'a str>,
    /// The token it presented; only a keyed hash of it is kept.
    pub token: Option<&'a str>,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    pub(super) id: u64,
    /// What it does.
    pub kind: SessionKind,
    /// What it speaks.
    pub protocol: Protocol,
    /// The stream it plays or publishes.
    pub stream: StreamName,
    /// Where it comes from; an IPv4 client of an IPv6 socket by its IPv4 address.
    pub ip: IpAddr,
    /// What it calls itself, cut short if it is long.
    pub user_agent: Option<Box<str>>,
    pub(super) token: Option<u64>,
    /// When it began, in unix milliseconds.
    pub opened_at_ms: u64,
    pub(super) bytes: Arc<AtomicU64>,
}

impl Session {
    pub(super) fn new(
        (id, token): (u64, Option<u64>),
        kind: SessionKind,
        protocol: Protocol,
        stream: &StreamName,
        client: Client<'_>,
        opened_at_ms: u64,
    ) -> Self {
        Self {
            id,
            kind,
            protocol,
            stream: stream.clone(),
            ip: client.ip,
            user_agent: client.user_agent.map(shortened),
            token,
            opened_at_ms,
            bytes: Arc::default(),
        }
    }

    /// Its name in the API; means nothing outside this node.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{:016x}", self.id)
    }

    /// A hash of its token under a key of this process: equal for equal tokens, and no more.
    #[must_use]
    pub fn token(&self) -> Option<String> {
        self.token.map(|token| format!("{token:016x}"))
    }

    /// Media bytes so far, taken or brought.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn add_bytes(&self, count: usize) {
        self.bytes.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Keeps a session in the list, and in its stream's count of viewers, until it is dropped.
#[derive(Debug)]
pub struct SessionGuard {
    pub(super) session: Arc<Session>,
    pub(super) sessions: Sessions,
    /// Only a playing session is one.
    pub(super) _viewer: Option<Viewer>,
}

impl SessionGuard {
    /// Counts media bytes that the client took or brought.
    pub fn add_bytes(&self, count: usize) {
        self.session.add_bytes(count);
    }

    /// What counts its media bytes, for whoever moves them.
    #[must_use]
    pub fn byte_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.session.bytes)
    }

    /// What is listed of it.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        self.sessions.close(self.session.id);
    }
}

fn shortened(text: &str) -> Box<str> {
    text.get(..text.floor_char_boundary(USER_AGENT_BYTES_MAX)).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_user_agent_is_cut_between_characters() {
        assert_eq!(&*shortened("VLC/3.0"), "VLC/3.0");
        let cut = shortened(&"ä".repeat(1000));
        assert_eq!(cut.len(), USER_AGENT_BYTES_MAX);
    }
}
