//! The UDP sockets of a session: a pair a track, which talk to the client's address and no other.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};
use watershed_media::rtp::{frames, goodbye as goodbye_of};

use crate::fan_out::FanOutSettings;
use crate::live_stream::{Broadcast, LiveOutput, ReadyChunk, RingCursor, RingRead, Taker};
use crate::names::Protocol;

/// Ports tried until two neighbours are free.
const BIND_ATTEMPTS: usize = 32;
/// Longest datagram.
const DATAGRAM_BYTES_MAX: usize = 65_535;
/// Bytes sent at once before the client gets a moment to take them: what is sent first goes back to
/// the last keyframe, and clients have buffers of 64 KiB and up.
const BURST_BYTES: usize = 32 << 10;
/// That moment.
const BURST_PAUSE: Duration = Duration::from_millis(5);
/// A packet for which the kernel has no room within this is dropped.
const FULL_WITHIN: Duration = Duration::from_millis(20);

/// The server's ports for one track: an even one for RTP, the next one for RTCP.
/// Source: RFC 3550 §11.
#[derive(Debug)]
pub(super) struct SocketPair {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    client: IpAddr,
}

/// A packet from the client.
#[derive(Debug)]
pub(super) struct Datagram {
    /// The track, by its place in the SDP.
    pub(super) track: usize,
    /// Whether it is RTCP.
    pub(super) is_rtcp: bool,
    /// Where from, at the client's address.
    pub(super) port: u16,
    /// The packet.
    pub(super) bytes: Bytes,
}

/// Where the packets of a track go.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    pub(super) pair: Rc<SocketPair>,
    pub(super) rtp_port: u16,
    pub(super) rtcp_port: u16,
}

impl SocketPair {
    /// Binds two ports of `local` for `client`.
    ///
    /// Errors: none are free, or the client is of another address family.
    pub(super) fn bind(local: IpAddr, client: IpAddr) -> io::Result<Self> {
        let (local, client) = (local.to_canonical(), client.to_canonical());
        if local.is_ipv4() != client.is_ipv4() {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        for _ in 0..BIND_ATTEMPTS {
            let first = StdUdpSocket::bind((local, 0))?;
            let port = first.local_addr()?.port();
            let Ok(second) = StdUdpSocket::bind((local, port ^ 1)) else {
                continue;
            };
            let (rtp, rtcp) = if port % 2 == 0 { (first, second) } else { (second, first) };
            rtp.set_nonblocking(true)?;
            rtcp.set_nonblocking(true)?;
            let (rtp, rtcp) = (UdpSocket::from_std(rtp)?, UdpSocket::from_std(rtcp)?);
            return Ok(Self { rtp, rtcp, client });
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    /// The ports of RTP and RTCP.
    pub(super) fn ports(&self) -> io::Result<(u16, u16)> {
        Ok((self.rtp.local_addr()?.port(), self.rtcp.local_addr()?.port()))
    }

    /// Sends an RTCP packet to a port of the client, if there is room for it.
    pub(super) fn send_rtcp(&self, packet: &[u8], port: u16) {
        let _ = self.rtcp.try_send_to(packet, (self.client, port).into());
    }

    /// What the client sends; anybody else is not heard.
    pub(super) fn datagrams(self: Rc<Self>, track: usize) -> impl Stream<Item = Datagram> {
        unfold(self, move |pair| async move {
            loop {
                let (is_rtcp, from, bytes) = poll_fn(|cx| pair.poll_receive(cx)).await.ok()?;
                if from.ip().to_canonical() == pair.client {
                    let datagram = Datagram { track, is_rtcp, port: from.port(), bytes };
                    return Some((datagram, pair));
                }
            }
        })
    }

    fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<io::Result<(bool, SocketAddr, Bytes)>> {
        RECEIVE_BUFFER.with_borrow_mut(|buffer| {
            for (is_rtcp, socket) in [(true, &self.rtcp), (false, &self.rtp)] {
                let mut space = ReadBuf::new(buffer);
                if let Poll::Ready(received) = socket.poll_recv_from(cx, &mut space) {
                    let bytes = Bytes::copy_from_slice(space.filled());
                    return Poll::Ready(received.map(|from| (is_rtcp, from, bytes)));
                }
            }
            Poll::Pending
        })
    }
}

thread_local! {
    /// Where the sockets of a thread receive first: a session holds no buffer while it waits.
    static RECEIVE_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; DATAGRAM_BYTES_MAX].into());
}

impl Destination {
    /// Sends a packet; one for which there is no room is lost.
    async fn send(&self, is_rtcp: bool, packet: &[u8]) {
        let (socket, port) = match is_rtcp {
            true => (&self.pair.rtcp, self.rtcp_port),
            false => (&self.pair.rtp, self.rtp_port),
        };
        let address = SocketAddr::from((self.pair.client, port));
        let sent = socket.try_send_to(packet, address);
        if sent.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            let _ = timeout(FULL_WITHIN, socket.send_to(packet, address)).await;
        }
    }
}

/// A player over UDP on its way through an output.
pub(super) struct UdpPlayer {
    /// The stream.
    pub(super) broadcast: Arc<Broadcast>,
    /// Its packets.
    pub(super) output: Arc<LiveOutput>,
    /// Where the player begins.
    pub(super) begin: RingCursor,
    /// Where each track goes, by its place in the SDP.
    pub(super) tracks: Vec<Option<Destination>>,
    /// How players are written to.
    pub(super) settings: FanOutSettings,
    /// Counts the bytes sent.
    pub(super) sent: Arc<AtomicU64>,
    /// What each track says when nothing more comes, once something has.
    pub(super) goodbyes: Vec<Option<Bytes>>,
}

impl UdpPlayer {
    /// Sends each packet as it comes; ends with the stream, or when too much of it was missed.
    pub(super) async fn send_all(mut self) {
        let mut changed = self.output.subscribe();
        let (mut cursor, mut chunks) = (self.begin, Vec::new());
        let (mut awaits_start, mut skips, mut burst) = (true, 0, 0);
        loop {
            changed.borrow_and_update();
            match self.output.read(&mut cursor, BURST_BYTES, &mut chunks) {
                RingRead::Taken => {}
                RingRead::Skipped if skips == self.settings.skips_max => return,
                RingRead::Skipped => {
                    skips += 1;
                    awaits_start = true;
                }
                RingRead::Closed => return,
                RingRead::Empty => {
                    burst = 0;
                    match timeout(self.settings.silence_max, changed.changed()).await {
                        Ok(Ok(())) => continue,
                        Ok(Err(_)) | Err(_) => return,
                    }
                }
            }
            for chunk in chunks.drain(..) {
                awaits_start &= chunk.start.is_none();
                if !awaits_start {
                    self.send(&chunk, &mut burst).await;
                }
            }
        }
    }

    /// Sends the packets of an access unit; `burst` counts the bytes since the last pause.
    async fn send(&mut self, chunk: &ReadyChunk, burst: &mut usize) {
        let mut sent = 0;
        for (channel, packet) in frames(&chunk.bytes) {
            let (track, is_rtcp) = (usize::from(channel / 2), channel % 2 == 1);
            let Some(Some(to)) = self.tracks.get(track) else {
                continue;
            };
            to.send(is_rtcp, packet).await;
            if !is_rtcp && let Some(goodbye @ None) = self.goodbyes.get_mut(track) {
                *goodbye = goodbye_of(packet);
            }
            sent += packet.len();
            *burst += packet.len();
            if *burst >= BURST_BYTES {
                *burst = 0;
                sleep(BURST_PAUSE).await;
            }
        }
        self.broadcast.counters().sent(Taker::Client(Protocol::Rtsp), sent);
        self.sent.fetch_add(sent as u64, Ordering::Relaxed);
    }
}

impl Drop for UdpPlayer {
    /// A player over UDP cannot see the end of its connection.
    fn drop(&mut self) {
        for (to, goodbye) in self.tracks.iter().zip(&self.goodbyes) {
            if let (Some(to), Some(goodbye)) = (to, goodbye) {
                to.pair.send_rtcp(goodbye, to.rtcp_port);
            }
        }
    }
}
