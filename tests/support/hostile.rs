//! A peer that answers badly on purpose, and a canary that nobody should ever reach.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use super::mock_peer::{Request, read_request, signed};
use super::signature::{self, Keys};

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Manner {
    /// Bytes that are no HTTP.
    Garbage,
    /// Well-signed JSON that is no report.
    SignedGarbage,
    /// A body of 1 GB, as fast as it is taken.
    Gigabyte,
    /// Under 2 MB of gzip that unpack to 1 GB, well signed.
    GzipBomb,
    /// 302 to the canary.
    Redirect,
    /// 401 without a signature.
    Unauthorized,
    /// A good head, then one byte a second.
    OneByteASecond,
    /// Accepts and never says a word.
    Never,
}

/// All manners.
pub(crate) const MANNERS: [Manner; 8] = [
    Manner::Garbage,
    Manner::SignedGarbage,
    Manner::Gigabyte,
    Manner::GzipBomb,
    Manner::Redirect,
    Manner::Unauthorized,
    Manner::OneByteASecond,
    Manner::Never,
];

/// Counts who connects; nobody should.
pub(crate) struct Canary {
    /// Where it listens on 127.0.0.1.
    pub(crate) port: u16,
    touched: Arc<AtomicU64>,
}

impl Canary {
    /// Listens.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", super::ports::free_port())).unwrap();
        let port = listener.local_addr().unwrap().port();
        let touched = Arc::new(AtomicU64::new(0));
        let counting = Arc::clone(&touched);
        thread::spawn(move || {
            for _client in listener.incoming().flatten() {
                counting.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { port, touched }
    }

    /// Connections so far.
    pub(crate) fn touched(&self) -> u64 {
        self.touched.load(Ordering::Relaxed)
    }
}

struct Shared {
    manner: Manner,
    keys: Keys,
    canary: u16,
    id: String,
    requests: AtomicU64,
    is_over: AtomicBool,
}

/// A hostile peer; ends on drop.
pub(crate) struct HostilePeer {
    /// Where it listens on 127.0.0.1.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

impl HostilePeer {
    /// Listens; it knows the cluster key, so that a bad answer is not stopped by its signature.
    pub(crate) fn start(manner: Manner, cluster_key: &str, canary: &Canary) -> Self {
        if manner == Manner::GzipBomb {
            // Packed before anyone asks: it takes seconds.
            bomb();
        }
        let listener = TcpListener::bind(("127.0.0.1", super::ports::free_port())).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            manner,
            keys: Keys::new(cluster_key),
            canary: canary.port,
            id: signature::nonce(),
            requests: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let serving = Arc::clone(&accepting);
                thread::spawn(move || serving.serve(client));
            }
        });
        Self { port, shared }
    }

    /// Requests it has seen.
    pub(crate) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

impl Drop for HostilePeer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

impl Shared {
    fn serve(&self, client: TcpStream) {
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let mut writer = client;
        while let Some(request) = read_request(&mut reader) {
            self.requests.fetch_add(1, Ordering::Relaxed);
            // A client that hangs up on such an answer is right.
            if self.misbehave(&request, &mut writer).is_err() {
                return;
            }
        }
    }

    fn misbehave(&self, request: &Request, client: &mut TcpStream) -> std::io::Result<()> {
        let part = |name| signature::parameter(&request.authorization, name).unwrap_or_default();
        let needs_introduction = part("aud") != self.id;
        let nonce = part("nonce");
        let speaks_protocol = matches!(
            self.manner,
            Manner::SignedGarbage | Manner::Gigabyte | Manner::GzipBomb | Manner::OneByteASecond
        );
        if speaks_protocol && needs_introduction {
            return client.write_all(&signed(&self.keys, &self.id, nonce, 401, b"null"));
        }
        match self.manner {
            Manner::Garbage => client.write_all(&[0x16, 0x03, 0xff, 0x00, b'\n', 0x80, b'\r']),
            Manner::SignedGarbage => {
                let body = b"[[[[[{\"streams\":17,\xff\xfe";
                client.write_all(&signed(&self.keys, &self.id, nonce, 200, body))
            }
            Manner::Gigabyte => self.endless(client, 1 << 30, 65536, Duration::ZERO),
            Manner::GzipBomb => {
                let answer = signed(&self.keys, &self.id, nonce, 200, bomb());
                let head = b"HTTP/1.1 200 Status\r\n";
                client.write_all(head)?;
                client.write_all(b"Content-Encoding: gzip\r\n")?;
                client.write_all(&answer[head.len()..])
            }
            Manner::Redirect => {
                let canary = format!("http://127.0.0.1:{}/", self.canary);
                let head = format!("HTTP/1.1 302 Found\r\nLocation: {canary}\r\n");
                client.write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes())
            }
            Manner::Unauthorized => {
                client.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            }
            Manner::OneByteASecond => self.endless(client, 1000, 1, Duration::from_secs(1)),
            Manner::Never => {
                while !self.is_over.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(50));
                }
                Ok(())
            }
        }
    }

    /// A head that promises `total` bytes with a signature, then spaces.
    fn endless(
        &self,
        client: &mut TcpStream,
        total: usize,
        piece: usize,
        pause: Duration,
    ) -> std::io::Result<()> {
        let id = &self.id;
        let now = super::unix_seconds();
        let signature = "0".repeat(64);
        write!(
            client,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {total}\r\n\
             Cluster-Node: {id}\r\nCluster-Time: {now}\r\nCluster-Signature: {signature}\r\n\r\n"
        )?;
        let spaces = vec![b' '; piece];
        for _ in 0..total / piece {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            client.write_all(&spaces)?;
            thread::sleep(pause);
        }
        Ok(())
    }
}

/// 1 GB of zeros, packed once by the gzip program.
fn bomb() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| {
        let output = Command::new("sh")
            .args(["-c", "head -c 1073741824 /dev/zero | gzip -6"])
            .stdin(Stdio::null())
            .output()
            .expect("sh runs");
        assert!(output.stdout.len() < 2 << 20, "{} bytes", output.stdout.len());
        output.stdout
    })
}
