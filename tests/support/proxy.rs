//! A TCP proxy on loopback that can be made bad, each direction for itself.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How often a held-back direction looks whether it may go on.
const STEP: Duration = Duration::from_millis(10);

/// What is wrong with one direction; nothing at first.
#[derive(Default)]
pub(crate) struct Direction {
    delay_ms: AtomicU64,
    bytes_per_second: AtomicU64,
    is_blackhole: AtomicBool,
}

impl Direction {
    /// Each piece comes later by this.
    pub(crate) fn delay(&self, by: Duration) {
        self.delay_ms.store(u64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// No more than this many bytes a second; 0 is no limit.
    pub(crate) fn throttle(&self, bytes_per_second: u64) {
        self.bytes_per_second.store(bytes_per_second, Ordering::Relaxed);
    }

    /// Nothing passes while `on`, connections stay open.
    pub(crate) fn blackhole(&self, on: bool) {
        self.is_blackhole.store(on, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Shared {
    to_target: Direction,
    to_client: Direction,
    is_cut: AtomicBool,
    is_over: AtomicBool,
    connections: AtomicU64,
    requests_dropped: AtomicU64,
    dropped_marker: Mutex<Option<String>>,
}

/// The proxy; ends on drop.
pub(crate) struct TcpProxy {
    /// Where it listens on 127.0.0.1.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

impl TcpProxy {
    /// Passes connections on to `target` on 127.0.0.1.
    pub(crate) fn start(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", super::ports::free_port())).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.is_over.load(Ordering::Relaxed) {
                    return;
                }
                accepting.connections.fetch_add(1, Ordering::Relaxed);
                if !accepting.is_cut.load(Ordering::Relaxed) {
                    pass_on(&accepting, client, target);
                }
            }
        });
        Self { port, shared }
    }

    /// Faults on the way from the client to the target.
    pub(crate) fn to_target(&self) -> &Direction {
        &self.shared.to_target
    }

    /// Faults on the way back.
    pub(crate) fn to_client(&self) -> &Direction {
        &self.shared.to_client
    }

    /// While `on`, new connections are closed at once and the open ones end.
    pub(crate) fn cut(&self, on: bool) {
        self.shared.is_cut.store(on, Ordering::Relaxed);
    }

    /// A connection ends, with nothing passed on, when its client sends a piece with `marker`.
    pub(crate) fn drop_requests_with(&self, marker: &str) {
        *self.shared.dropped_marker.lock().unwrap() = Some(marker.to_owned());
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Requests dropped by their marker so far.
    pub(crate) fn requests_dropped(&self) -> u64 {
        self.shared.requests_dropped.load(Ordering::Relaxed)
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // Wakes the accepting thread; it may be gone already.
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

fn pass_on(shared: &Arc<Shared>, client: TcpStream, target: u16) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else {
        return;
    };
    for socket in [&client, &server] {
        socket.set_nodelay(true).ok();
        socket.set_read_timeout(Some(STEP)).ok();
    }
    let (client_again, server_again) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (there, back) = (Arc::clone(shared), Arc::clone(shared));
    thread::spawn(move || pump(&there, client, server, true));
    thread::spawn(move || pump(&back, server_again, client_again, false));
}

/// Moves bytes one way until either side ends, the proxy is cut, or it is over.
fn pump(shared: &Shared, mut from: TcpStream, mut to: TcpStream, is_to_target: bool) {
    let direction = if is_to_target { &shared.to_target } else { &shared.to_client };
    let mut piece = [0; 16384];
    let is_stopped =
        || shared.is_cut.load(Ordering::Relaxed) || shared.is_over.load(Ordering::Relaxed);
    while !is_stopped() {
        if direction.is_blackhole.load(Ordering::Relaxed) {
            thread::sleep(STEP);
            continue;
        }
        let rate = direction.bytes_per_second.load(Ordering::Relaxed);
        let most = if rate == 0 { piece.len() as u64 } else { (rate / 20).clamp(1, 16384) };
        let window = &mut piece[..usize::try_from(most).unwrap()];
        let count = match from.read(window) {
            Ok(0) => break,
            Ok(count) => count,
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock) => continue,
            Err(_) => break,
        };
        if is_to_target && has_marker(shared, &piece[..count]) {
            shared.requests_dropped.fetch_add(1, Ordering::Relaxed);
            break;
        }
        thread::sleep(Duration::from_millis(direction.delay_ms.load(Ordering::Relaxed)));
        // Asked again: the limit may be newer than the wait for these bytes.
        let rate = direction.bytes_per_second.load(Ordering::Relaxed);
        if let Some(micros) = (1_000_000 * count as u64).checked_div(rate) {
            thread::sleep(Duration::from_micros(micros));
        }
        while direction.is_blackhole.load(Ordering::Relaxed) && !is_stopped() {
            thread::sleep(STEP);
        }
        if to.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    from.shutdown(Shutdown::Both).ok();
    to.shutdown(Shutdown::Both).ok();
}

fn has_marker(shared: &Shared, bytes: &[u8]) -> bool {
    let marker = shared.dropped_marker.lock().unwrap();
    marker
        .as_ref()
        .is_some_and(|marker| bytes.windows(marker.len()).any(|window| window == marker.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// A server that sends back what it gets.
    fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                thread::spawn(move || {
                    let mut again = client.try_clone().unwrap();
                    std::io::copy(&mut client, &mut again).ok();
                });
            }
        });
        port
    }

    /// How long `bytes` take there and back, or `None` within a second and a half.
    fn round_trip(socket: &mut TcpStream, bytes: &[u8]) -> Option<Duration> {
        socket.set_read_timeout(Some(Duration::from_millis(1500))).unwrap();
        let start = Instant::now();
        socket.write_all(bytes).ok()?;
        let mut back = vec![0; bytes.len()];
        socket.read_exact(&mut back).ok()?;
        assert_eq!(back, bytes);
        Some(start.elapsed())
    }

    #[test]
    fn proxy_delays_throttles_and_swallows_each_direction() {
        let proxy = TcpProxy::start(echo());
        let mut socket = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        assert!(round_trip(&mut socket, b"at once").unwrap() < Duration::from_millis(200));

        proxy.to_client().delay(Duration::from_millis(300));
        assert!(round_trip(&mut socket, b"late").unwrap() >= Duration::from_millis(300));
        proxy.to_client().delay(Duration::ZERO);

        proxy.to_target().throttle(2000);
        assert!(round_trip(&mut socket, &[7; 1000]).unwrap() >= Duration::from_millis(400));
        proxy.to_target().throttle(0);

        proxy.to_target().blackhole(true);
        assert_eq!(round_trip(&mut socket, b"lost"), None);
        assert_eq!(proxy.connections(), 1);
    }

    #[test]
    fn proxy_cuts_connections_and_drops_marked_requests() {
        let proxy = TcpProxy::start(echo());
        let mut socket = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        proxy.drop_requests_with("POST /secret");
        assert!(round_trip(&mut socket, b"GET /").is_some());
        assert_eq!(round_trip(&mut socket, b"POST /secret"), None);
        assert_eq!(proxy.requests_dropped(), 1);

        proxy.cut(true);
        let mut other = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        assert_eq!(round_trip(&mut other, b"GET /"), None);
        proxy.cut(false);
        let mut third = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        assert!(round_trip(&mut third, b"GET /").is_some());
    }
}
