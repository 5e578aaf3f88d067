//! Free ports that stay free: handed out once, from below the range that the system uses for
//! outgoing connections, so that a node can come back on its own port.
//!
//! Each test process has a block of its own, held by a listener on its first port, so that two
//! processes cannot take a port from each other while its node is being started anew.

use std::net::TcpListener;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 12_000;
const BLOCK: u16 = 1_500;
const BLOCKS: u16 = 12;
static NEXT: AtomicU16 = AtomicU16::new(0);
static HELD: OnceLock<TcpListener> = OnceLock::new();

/// A port of 127.0.0.1 on which nothing listens.
pub(crate) fn free_port() -> u16 {
    let first = HELD.get_or_init(hold_block).local_addr().expect("it is bound").port();
    for _ in 1..BLOCK {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % (BLOCK - 1);
        let port = first + 1 + step;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port from {first} on");
}

/// The listener that holds a block, until the process ends.
fn hold_block() -> TcpListener {
    let ports = (0..BLOCKS).map(|block| FIRST + block * BLOCK);
    let mut held = ports.filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    held.next().unwrap_or_else(|| panic!("all {BLOCKS} blocks of ports are taken"))
}
