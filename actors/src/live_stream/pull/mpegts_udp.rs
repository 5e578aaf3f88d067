//! `udp://`: MPEG-TS in datagrams, to this machine or to a multicast group.
//!
//! The URL names where to listen: `udp://239.0.0.1:5000` joins that group, `udp://0.0.0.0:5000`
//! and an address of this machine receive what is sent to them. Several may listen to one group.
//! `?localaddr=10.0.0.2` names the interface of a group by its address, in ffmpeg's word for it.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use watershed_media::mpegts::Demuxer;

use super::connection::{Origin, resolve};
use super::error::PullError;
use super::sink::Sink;
use super::source::PullSource;

/// The largest datagram there is.
const DATAGRAM_BYTES: usize = 64 << 10;
/// Room for bursts: a keyframe of a fast stream; the system may grant less.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;
/// The first byte of every transport packet. Source: ISO/IEC 13818-1 §2.4.3.3.
const SYNC: u8 = 0x47;

/// Receives until the input is silent or not wanted.
pub(super) async fn play(source: &PullSource, sink: &Sink) -> Result<Infallible, PullError> {
    let port = source.url.port(0);
    let addresses = resolve(source.url.host(), port, Origin::Config).await?;
    let address = addresses.first().copied().ok_or(PullError::Scheme)?;
    let mut parameters = source.url.reveal().query_pairs();
    let interface =
        parameters.find_map(|(name, value)| (name == "localaddr").then(|| value.parse()));
    let interface = interface.and_then(Result::ok).unwrap_or(Ipv4Addr::UNSPECIFIED);
    let socket = open(address, interface)?;
    let mut demuxer = Demuxer::new();
    let mut items = Vec::new();
    let mut datagram = vec![0; DATAGRAM_BYTES];
    loop {
        let count = socket.recv(&mut datagram).await?;
        demuxer.push(transport_packets(&datagram[..count]), &mut items);
        sink.write_all(&mut items)?;
    }
}

fn open(address: SocketAddr, interface: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // As much as the system allows; a smaller buffer works, too.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
    // Bound to the group itself: other groups on this port are not for this input.
    socket.bind(&address.into())?;
    match address.ip() {
        IpAddr::V4(group) if group.is_multicast() => {
            socket.join_multicast_v4(&group, &interface)?;
        }
        IpAddr::V6(group) if group.is_multicast() => socket.join_multicast_v6(&group, 0)?,
        _ => {}
    }
    UdpSocket::from_std(socket.into())
}

/// The MPEG-TS in a datagram: all of it, or what stands behind an RTP header, which some encoders
/// put before it. Source: RFC 2250 §2; RFC 3550 §5.1.
fn transport_packets(datagram: &[u8]) -> &[u8] {
    match datagram {
        [first, ..] if *first != SYNC && first >> 6 == 2 => {
            let header_bytes = 12 + 4 * usize::from(first & 0x0F);
            match datagram.get(header_bytes..) {
                Some(body) if body.first() == Some(&SYNC) => body,
                _ => datagram,
            }
        }
        _ => datagram,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtp_headers_are_taken_off() {
        let rtp = [&[0x80, 33][..], &[0; 10], &[SYNC, 1, 2]].concat();
        assert_eq!(transport_packets(&rtp), [SYNC, 1, 2]);
        let with_source = [&[0x81, 33][..], &[0; 14], &[SYNC, 1, 2]].concat();
        assert_eq!(transport_packets(&with_source), [SYNC, 1, 2]);
        for plain in [&[SYNC, 0, 0][..], b"", &[0x80; 5], &[0x8F; 13]] {
            assert_eq!(transport_packets(plain), plain);
        }
    }
}
