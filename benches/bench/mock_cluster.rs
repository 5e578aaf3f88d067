//! A hundred peers in one thread: a loopback port each, speaking the signed report protocol.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::mock_peer::MockPeer;

/// The longest request that is read: a node's has a head of half a kilobyte and no body.
const REQUEST_BYTES_MAX: usize = 32 << 10;

/// How long a daemon may take until it knows every stream.
const KNOWN_WITHIN: Duration = Duration::from_secs(60);

/// The peers; they end with it.
pub(crate) struct MockCluster {
    peers: Vec<Arc<MockPeer>>,
    ports: Vec<u16>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl MockCluster {
    /// Starts `peers` peers that report `streams` streams each.
    pub(crate) fn start(peers: usize, streams: usize) -> io::Result<Self> {
        let mut members = Vec::new();
        let mut doors = Vec::new();
        let mut ports = Vec::new();
        for number in 0..peers {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            let port = listener.local_addr()?.port();
            let peer = Arc::new(MockPeer::new(number, port, streams)?);
            members.push(Arc::clone(&peer));
            doors.push((listener, peer));
            ports.push(port);
        }
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("mock-cluster".to_owned())
            .spawn(move || serve_all(doors, stopped))?;
        Ok(Self { peers: members, ports, stop: Some(stop), thread: Some(thread) })
    }

    /// The ports of the peers, by their numbers.
    pub(crate) fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Waits until who asks has taken in the reports of all.
    pub(crate) fn wait_until_known(&self) -> io::Result<()> {
        let begin = Instant::now();
        loop {
            let unknown = self.peers.iter().filter(|peer| !peer.is_known()).count();
            if unknown == 0 {
                return Ok(());
            }
            if begin.elapsed() > KNOWN_WITHIN {
                let refusal = self.peers.iter().find_map(|peer| peer.last_refusal());
                return Err(io::Error::other(format!(
                    "{unknown} of {} peers were not asked for news within {KNOWN_WITHIN:?}; \
                     last refusal: {refusal:?}",
                    self.peers.len(),
                )));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for MockCluster {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve_all(
    doors: Vec<(TcpListener, Arc<MockPeer>)>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        for (listener, peer) in doors {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::spawn(async move {
                while let Ok((connection, _)) = listener.accept().await {
                    tokio::spawn(serve(connection, Arc::clone(&peer)));
                }
            });
        }
        let _ = stopped.await;
        Ok(())
    })
}

/// Answers one request after the other until the asker leaves or is not understood.
async fn serve(mut connection: TcpStream, peer: Arc<MockPeer>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(2 << 10);
    loop {
        match read_request(&buffer, &peer)? {
            Some((bytes, answer)) => {
                buffer.drain(..bytes);
                connection.write_all(&answer).await?;
            }
            None if buffer.len() > REQUEST_BYTES_MAX => return Ok(()),
            None => {
                if connection.read_buf(&mut buffer).await? == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// The first request's length and answer; none while it is not complete.
fn read_request(buffer: &[u8], peer: &MockPeer) -> io::Result<Option<(usize, Vec<u8>)>> {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut fields);
    let head = request.parse(buffer).map_err(io::Error::other)?;
    let httparse::Status::Complete(head_bytes) = head else {
        return Ok(None);
    };
    let field = |name: &str| {
        let field = request.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        field.and_then(|field| std::str::from_utf8(field.value).ok())
    };
    let body_bytes: usize = field("content-length").unwrap_or("0").parse().unwrap_or(usize::MAX);
    let bytes = head_bytes.saturating_add(body_bytes);
    if buffer.len() < bytes {
        return Ok(None);
    }
    let method = request.method.unwrap_or_default();
    let target = request.path.unwrap_or_default();
    Ok(Some((bytes, peer.answer(method, target, field("authorization")))))
}
