//! What an RTMP peer may ask of this node, in one place.

use std::time::Duration;

use super::amf0::AmfLimits;

/// Bounds of one RTMP connection; each is a named setting of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest chunk size a peer may set, in bytes. Default 65,536.
    pub chunk_bytes_max: u32,
    /// Largest message once publishing or playing is granted, in bytes. Default 4 MiB.
    pub message_bytes_max: u32,
    /// Largest message, and most bytes of unfinished messages, before that. Default 256 KiB.
    pub message_bytes_max_before_grant: u32,
    /// Most chunk streams of a connection. Default 16.
    pub chunk_streams_max: usize,
    /// Depth and number of values in one AMF message. Defaults 16 and 4,096.
    pub amf: AmfLimits,
    /// From the first byte until the handshake is done. Default 5 s.
    pub handshake_timeout: Duration,
    /// From the end of the handshake until publish or play is asked for. Default 10 s.
    pub request_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            chunk_bytes_max: 65_536,
            message_bytes_max: 4 << 20,
            message_bytes_max_before_grant: 256 << 10,
            chunk_streams_max: 16,
            amf: AmfLimits { depth_max: 16, values_max: 4096 },
            handshake_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The largest message now.
    pub(crate) const fn message_bytes_max_now(&self, is_granted: bool) -> u32 {
        if is_granted { self.message_bytes_max } else { self.message_bytes_max_before_grant }
    }

    /// The most bytes of unfinished messages now: room for two once granted, so that audio can
    /// interleave with the largest frame.
    pub(crate) fn unfinished_bytes_max_now(&self, is_granted: bool) -> usize {
        let one = usize::try_from(self.message_bytes_max_now(is_granted)).unwrap_or(usize::MAX);
        if is_granted { one.saturating_mul(2) } else { one }
    }
}
