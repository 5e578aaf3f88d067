//! Unix time, for what leaves this process: marks, playlists, segment numbers, log lines.
//!
//! Never for deciding how fresh something is: that is the monotonic clock's business.

use std::time::{Duration, SystemTime};

/// Time since the unix epoch; zero if the clock stands before it.
#[must_use]
pub fn unix_time() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Milliseconds since the unix epoch.
#[must_use]
pub fn unix_ms() -> u64 {
    u64::try_from(unix_time().as_millis()).unwrap_or(u64::MAX)
}
