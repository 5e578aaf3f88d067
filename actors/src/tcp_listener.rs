//! Accepts TCP connections and hands each to a session on one of several arbiters.
//!
//! All protocols with a connection of their own share it. Connections are counted by permits that
//! live as long as their session; above the limit a client gets the protocol's refusal and the
//! connection ends, so that descriptors stay for everything else.
//!
//! ```text
//!  accept ─▶ permit? ─ no ─▶ refusal, close
//!              │ yes
//!              └─▶ TCP_NODELAY, TCP_USER_TIMEOUT ─▶ next living arbiter
//!                                  PROXY header, TLS ◀──┘
//!                                        └─▶ start(Connection)
//! ```

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::ArbiterHandle;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client_stream::{ClientStream, MaybeTls};
use crate::limits::LimitHits;
use crate::preamble::{Opened, Preamble};

/// Keeps a connection counted until it is dropped.
pub type ConnectionPermit = OwnedSemaphorePermit;

/// How connections are accepted.
#[derive(Clone)]
pub struct ListenLimits {
    /// One permit for each connection; share it between listeners for a limit over all of them.
    pub connections: Arc<Semaphore>,
    /// How long sent bytes may stay unacknowledged before the kernel drops the connection:
    /// it ends sessions whose client vanished without a word. Default 15 s.
    pub unacknowledged_timeout: Duration,
    /// Pause after the system refused to accept, usually for want of descriptors. Default 100 ms.
    pub accept_retry: Duration,
    /// What a client above the limit is told, in the protocol's words; may be empty. Over TLS it
    /// hears nothing.
    pub refusal: &'static [u8],
    /// What stands before the protocol. Default nothing.
    pub preamble: Preamble,
    /// Told `connections` when a client is refused.
    pub limit_hits: LimitHits,
}

impl ListenLimits {
    /// The default times with the given shared permits and refusal.
    #[must_use]
    pub fn new(connections: Arc<Semaphore>, refusal: &'static [u8], limit_hits: LimitHits) -> Self {
        Self {
            connections,
            unacknowledged_timeout: Duration::from_secs(15),
            accept_retry: Duration::from_millis(100),
            refusal,
            preamble: Preamble::none(),
            limit_hits,
        }
    }
}

/// An accepted connection, on the arbiter that is to serve it.
#[derive(Debug)]
pub struct Connection {
    /// The client's bytes, in the clear or over TLS, on a socket with `TCP_NODELAY` and
    /// `TCP_USER_TIMEOUT` set.
    pub stream: ClientStream,
    /// The client's address, also behind a proxy that says it in a PROXY header.
    pub peer: SocketAddr,
    /// To be kept as long as the session lives.
    pub permit: ConnectionPermit,
}

/// Accepts connections until dropped, and calls `start` for each on the next of `arbiters`.
///
/// Without any arbiter it is the caller's own. A panic in `start` costs that connection only.
/// Errors: `listener` cannot be used, which shows before the first connection.
pub async fn listen<F>(
    listener: std::net::TcpListener,
    limits: ListenLimits,
    arbiters: Vec<ArbiterHandle>,
    start: F,
) -> io::Result<()>
where
    F: Fn(Connection) + Send + Sync + 'static,
{
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut arbiters = Arbiters::new(arbiters);
    let start = Arc::new(start);
    let mut is_accepting = true;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let peer = own_address(peer);
                is_accepting = true;
                if let Some(permit) = admit(&stream, peer, &limits) {
                    arbiters.hand_over(stream, peer, permit, &limits.preamble, &start);
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if is_accepting {
                    log::warn!("listener: cannot accept: {error}");
                }
                is_accepting = false;
                tokio::time::sleep(limits.accept_retry).await;
            }
        }
    }
}

/// Gives a permit and prepares the socket, or refuses the client.
fn admit(stream: &TcpStream, peer: SocketAddr, limits: &ListenLimits) -> Option<ConnectionPermit> {
    let Ok(permit) = Arc::clone(&limits.connections).try_acquire_owned() else {
        limits.limit_hits.hit("connections");
        log::debug!("client {peer}: refused, too many connections");
        // A fresh socket has room for it; where it has not, closing says enough.
        if !limits.preamble.is_tls() {
            let _ = stream.try_write(limits.refusal);
        }
        return None;
    };
    match prepare_socket(stream, limits.unacknowledged_timeout) {
        Ok(()) => Some(permit),
        Err(error) => {
            log::debug!("client {peer}: gone before it was served: {error}");
            None
        }
    }
}

/// The address of a client as it is known elsewhere: one of IPv4 comes to a socket of IPv6 under a
/// mapped one.
///
/// Source: RFC 4291 §2.5.5.2.
#[must_use]
pub fn own_address(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip().to_canonical(), peer.port())
}

/// Sends at once what is written, and drops a client that acknowledges nothing for so long.
///
/// Errors: the connection is gone.
pub fn prepare_socket(stream: &TcpStream, unacknowledged_timeout: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(unacknowledged_timeout))?;
    #[cfg(not(target_os = "linux"))]
    let _ = unacknowledged_timeout;
    Ok(())
}

/// Errors that `accept` reports about a client that has gone already. Source: accept(2).
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// The arbiters in turn.
struct Arbiters {
    handles: Vec<ArbiterHandle>,
    next: usize,
}

impl Arbiters {
    fn new(mut handles: Vec<ArbiterHandle>) -> Self {
        if handles.is_empty() {
            handles.push(actix_rt::Arbiter::current());
        }
        Self { handles, next: 0 }
    }

    fn next_alive(&mut self) -> Option<&ArbiterHandle> {
        let count = self.handles.len();
        let first = self.next;
        let index =
            (0..count).map(|step| (first + step) % count).find(|i| self.handles[*i].alive());
        self.next = index? + 1;
        self.handles.get(index?)
    }

    /// Moves the socket to the reactor of the arbiter that serves it, and starts it there.
    fn hand_over<F>(
        &mut self,
        stream: TcpStream,
        peer: SocketAddr,
        permit: ConnectionPermit,
        preamble: &Preamble,
        start: &Arc<F>,
    ) where
        F: Fn(Connection) + Send + Sync + 'static,
    {
        let Some(arbiter) = self.next_alive() else {
            log::warn!("listener: no arbiter is left to serve {peer}");
            return;
        };
        let stream = match stream.into_std() {
            Ok(stream) => stream,
            Err(error) => return log::debug!("client {peer}: {error}"),
        };
        let start = Arc::clone(start);
        let preamble = preamble.is_expected_of(peer).then(|| preamble.clone());
        arbiter.spawn_fn(move || match (TcpStream::from_std(stream), preamble) {
            (Ok(stream), None) => {
                start(Connection { stream: MaybeTls::Plain(stream), peer, permit });
            }
            (Ok(socket), Some(preamble)) => {
                actix_rt::spawn(async move {
                    match preamble.open(socket, peer).await {
                        Ok(Opened { stream, client, .. }) => {
                            start(Connection { stream, peer: client, permit });
                        }
                        Err(error) => log::debug!("client {peer}: {error}"),
                    }
                });
            }
            (Err(error), _) => log::warn!("client {peer}: cannot be served: {error}"),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;
    use std::sync::mpsc;
    use std::thread::ThreadId;

    use actix_rt::Arbiter;
    use tokio::io::AsyncReadExt;

    use super::*;

    fn bind() -> (std::net::TcpListener, SocketAddr) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn limits(connections: usize) -> (ListenLimits, LimitHits) {
        let hits = LimitHits::default();
        let connections = Arc::new(Semaphore::new(connections));
        (ListenLimits::new(connections, b"full", hits.clone()), hits)
    }

    async fn read_all(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[actix::test]
    async fn client_over_the_limit_is_refused_until_a_session_ends() {
        let (listener, address) = bind();
        let (limits, hits) = limits(1);
        let connections = Arc::clone(&limits.connections);
        let (sessions, started) = mpsc::channel();
        let start = move |connection| sessions.send(connection).unwrap();
        actix_rt::spawn(listen(listener, limits, Vec::new(), start));

        let _first = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        assert_eq!(read_all(&mut second).await, "full");
        assert_eq!(hits.counts().get("connections"), Some(&1));

        drop(started.recv().unwrap());
        assert_eq!(connections.available_permits(), 1);
        let _third = TcpStream::connect(address).await.unwrap();
        let mut fourth = TcpStream::connect(address).await.unwrap();
        assert_eq!(read_all(&mut fourth).await, "full");
        let served = started.recv().unwrap().stream;
        let served = served.socket();
        assert!(served.nodelay().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(
            SockRef::from(served).tcp_user_timeout().unwrap(),
            Some(Duration::from_secs(15))
        );
    }

    #[actix::test]
    async fn client_of_ipv4_on_a_socket_of_ipv6_keeps_its_own_address() {
        let listener = std::net::TcpListener::bind("[::]:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (limits, _) = limits(1);
        let (told, clients) = std::sync::mpsc::channel();
        let start = move |connection: Connection| told.send(connection.peer).unwrap();
        actix_rt::spawn(listen(listener, limits, Vec::new(), start));
        let client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let own = client.local_addr().unwrap();
        assert_eq!(read_all(&mut { client }).await, "");
        assert_eq!(clients.recv().unwrap(), own);
    }

    #[actix::test]
    async fn connections_are_spread_over_living_arbiters() {
        let (listener, address) = bind();
        let (limits, _) = limits(10);
        let arbiters = [Arbiter::new(), Arbiter::new(), Arbiter::new()];
        let stopped = Arbiter::new();
        stopped.stop();
        let stopped_handle = stopped.handle();
        stopped.join().unwrap();
        let mut handles: Vec<_> = arbiters.iter().map(Arbiter::handle).collect();
        handles.insert(1, stopped_handle);
        let seen: Arc<Mutex<Vec<ThreadId>>> = Arc::default();
        let threads = Arc::clone(&seen);
        let start = move |_| threads.lock().unwrap().push(std::thread::current().id());
        actix_rt::spawn(listen(listener, limits, handles, start));

        for _ in 0..6 {
            let mut client = TcpStream::connect(address).await.unwrap();
            assert_eq!(read_all(&mut client).await, "");
        }
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 6);
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 3);
    }

    #[actix::test]
    async fn panic_while_starting_a_session_costs_that_connection_only() {
        let (listener, address) = bind();
        let (limits, _) = limits(1);
        let connections = Arc::clone(&limits.connections);
        let arbiter = Arbiter::new();
        let start = |_: Connection| panic!("session could not start");
        actix_rt::spawn(listen(listener, limits, vec![arbiter.handle()], start));
        for _ in 0..3 {
            let mut client = TcpStream::connect(address).await.unwrap();
            assert_eq!(read_all(&mut client).await, "");
            let _returned = connections.acquire().await.unwrap();
        }
    }
}
