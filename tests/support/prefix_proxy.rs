//! A reverse proxy that serves nodes, each below a path, as `location /ops/ { proxy_pass
//! http://node/; }` of nginx does: a `%2F` of the path comes out as a slash. It passes the host on,
//! buffers nothing, remembers what it was asked, and knows nothing outside of those paths.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Default)]
struct Shared {
    asked: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

/// The proxy; ends on drop.
pub(crate) struct PrefixProxy {
    /// Where it listens on 127.0.0.1.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

impl PrefixProxy {
    /// Passes what is asked below a path (`/ops`) on to its port on 127.0.0.1.
    pub(crate) fn start(places: &[(&'static str, u16)]) -> Self {
        let places = Arc::<[_]>::from(places);
        let listener = TcpListener::bind(("127.0.0.1", super::ports::free_port())).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let (serving, places) = (Arc::clone(&accepting), Arc::clone(&places));
                // Who goes away in the middle of it is no failure.
                thread::spawn(move || serve(&serving, client, &places).ok());
            }
        });
        Self { port, shared }
    }

    /// Method and target of each request so far, as the client sent them.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Drop for PrefixProxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // Wakes the accepting thread; it may be gone already.
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

/// One request on a connection, so that nothing but its head is looked at.
fn serve(shared: &Shared, mut client: TcpStream, places: &[(&str, u16)]) -> std::io::Result<()> {
    let Some((head, body)) = read_head(&mut client)? else { return Ok(()) };
    let (method, rest) = head.split_once(' ').unwrap_or_default();
    let path = rest.split(' ').next().unwrap_or_default();
    shared.asked.lock().unwrap().push(format!("{method} {path}"));
    let inner = |(prefix, target): &(&str, u16)| {
        let inner = rest.strip_prefix(*prefix).filter(|inner| inner.starts_with('/'))?;
        Some((inner, *target))
    };
    let Some((inner, target)) = places.iter().find_map(inner) else {
        return client.write_all(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
    };
    let (path, rest) = inner.split_once(' ').unwrap_or_default();
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let inner = format!("{}{query} {rest}", path.replace("%2F", "/"));
    let kept = inner.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let head: String = kept.map(|line| format!("{line}\r\n")).collect();
    let from = client.peer_addr()?.ip();
    let head = format!("{method} {head}Connection: close\r\nX-Forwarded-For: {from}\r\n\r\n");
    let mut node = TcpStream::connect(("127.0.0.1", target))?;
    node.write_all(head.as_bytes())?;
    node.write_all(&body)?;
    let (mut client_again, mut node_again) = (client.try_clone()?, node.try_clone()?);
    let to_node = thread::spawn(move || {
        std::io::copy(&mut client_again, &mut node_again).ok();
        // The client has gone: an endless answer ends, too.
        node_again.shutdown(Shutdown::Both).ok();
    });
    std::io::copy(&mut node, &mut client).ok();
    client.shutdown(Shutdown::Both).ok();
    to_node.join().ok();
    Ok(())
}

/// The head without its empty line, and what came of the body with it; none if nothing was asked.
fn read_head(client: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut received = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = client.read(&mut piece)?;
        if count == 0 {
            return Ok(None);
        }
        received.extend_from_slice(&piece[..count]);
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&received[..end]).into_owned();
            return Ok(Some((head, received.split_off(end + 4))));
        }
    }
}
