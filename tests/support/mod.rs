//! What the scenarios are made of: nodes as processes, real clients, faults, and the truth to
//! compare answers with.
//!
//! Threads and blocking calls only: a scenario reads from top to bottom, and a hang shows where.
//!
//! ```text
//!  Cluster ─ Node ─ Process (a child, ended by its id on drop)
//!     └ TcpProxy between nodes: delay, cut, blackhole, throttle, drop a request
//!  PrefixProxy before a node: serves it below a path
//!  Truth: who held which stream when ◀─ Probe compares every answer ─ http
//!  MockPeer, HostilePeer: peers made of a script; signature: SPEC 4 once more, written apart
//!  openmetrics: what a monitoring system would read
//!  players, browser, rtmp_wire, rtsp_wire, tls_wire, viewers: clients
//!  console: an operator at the pages of a node
//!  received: what they got, compared with what was sent
//! ```

pub(crate) mod browser;
pub(crate) mod cluster;
pub(crate) mod console;
pub(crate) mod event_stream;
pub(crate) mod hostile;
pub(crate) mod http;
pub(crate) mod media;
pub(crate) mod mock_peer;
pub(crate) mod node;
pub(crate) mod openmetrics;
pub(crate) mod players;
pub(crate) mod ports;
pub(crate) mod prefix_proxy;
pub(crate) mod probe;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod received;
pub(crate) mod rtmp_wire;
pub(crate) mod rtsp_wire;
pub(crate) mod signature;
pub(crate) mod slots;
pub(crate) mod tls_wire;
pub(crate) mod truth;
pub(crate) mod viewers;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Slack that a test adds to a deadline of the contract for the machine it runs on.
pub(crate) const SLACK: Duration = Duration::from_millis(500);

/// Asks `find` until it has something; after `limit` it fails with `what` and the last reason.
pub(crate) fn eventually<T>(
    limit: Duration,
    what: &str,
    mut find: impl FnMut() -> Result<T, String>,
) -> T {
    let start = Instant::now();
    loop {
        match find() {
            Ok(found) => return found,
            Err(reason) if start.elapsed() > limit => {
                panic!("{what}: not within {limit:?}; last: {reason}")
            }
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Prints `measured/allowed` of one promise, then holds it to that.
pub(crate) fn promise(name: &str, measured: Duration, allowed: Duration) {
    println!("{name}: {} ms / {} ms allowed", measured.as_millis(), allowed.as_millis());
    assert!(measured <= allowed, "{name}: {measured:?}, allowed {allowed:?}");
}

/// The same for a count.
pub(crate) fn promise_count(name: &str, measured: u64, allowed: u64) {
    println!("{name}: {measured} / {allowed} allowed");
    assert!(measured <= allowed, "{name}: {measured}, allowed {allowed}");
}

/// Says that a row of FAULTS runs below its stated load or time, and so does not count.
pub(crate) fn reduced(row: &str, how: &str) {
    println!("REDUCED {row}: {how}");
}

/// Seconds since 1970 by this machine's clock.
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs()
}

/// A small generator of numbers (xorshift64*): seeded, printed, the same run again by its seed.
pub(crate) struct Dice(u64);

impl Dice {
    /// Seeded from `WATERSHED_SEED`, else from the clock; printed either way.
    pub(crate) fn new() -> Self {
        let given = std::env::var("WATERSHED_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(unix_seconds).max(1);
        println!("seed {seed} (WATERSHED_SEED={seed} repeats it)");
        Self(seed)
    }

    /// Another generator that follows from this one, for a thread of its own.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.next().max(1))
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % end
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}
