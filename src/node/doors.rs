//! Binds every listener before anything else starts, so that a taken address stops the node early.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;
use watershed_actors::report::{Listener as ReportedListener, Scheme};

use crate::settings::model::Listeners;

/// Connections that wait to be accepted, per listener.
const BACKLOG: i32 = 1024;

/// The bound sockets of a node.
#[derive(Debug, Default)]
pub(super) struct Doors {
    /// HTTP with the API and the UI.
    pub(super) http: Vec<TcpListener>,
    /// HTTP for playback only.
    pub(super) http_playback: Vec<TcpListener>,
    /// RTSP.
    pub(super) rtsp: Vec<TcpListener>,
    /// RTMP.
    pub(super) rtmp: Vec<TcpListener>,
}

/// An address that cannot be listened on.
#[derive(Debug, Error)]
#[error("cannot listen on {address} for {scheme}: {source}")]
pub(super) struct BindError {
    /// The protocol.
    scheme: &'static str,
    /// The address.
    address: SocketAddr,
    /// Why.
    #[source]
    source: io::Error,
}

impl Doors {
    /// Binds all of `listeners`.
    ///
    /// Errors: the first address that cannot be had.
    pub(super) fn open(listeners: &Listeners) -> Result<Self, BindError> {
        let mut doors = Self::default();
        for (scheme, listener) in listeners.all() {
            let address = listener.socket_addr();
            let socket = bind(address).map_err(|source| BindError { scheme, address, source })?;
            match scheme {
                "http" if listener.api => doors.http.push(socket),
                "http" => doors.http_playback.push(socket),
                "rtsp" => doors.rtsp.push(socket),
                "rtmp" => doors.rtmp.push(socket),
                _ => log::warn!("listener {scheme} {address}: not supported yet, closed"),
            }
        }
        Ok(doors)
    }

    /// What peers are told of them.
    pub(super) fn reported(&self) -> Vec<ReportedListener> {
        let all = [
            (Scheme::Http, &self.http),
            (Scheme::Http, &self.http_playback),
            (Scheme::Rtsp, &self.rtsp),
            (Scheme::Rtmp, &self.rtmp),
        ];
        let ports = all.into_iter().flat_map(|(scheme, sockets)| {
            sockets.iter().filter_map(move |socket| {
                Some(ReportedListener { scheme, port: socket.local_addr().ok()?.port() })
            })
        });
        ports.collect()
    }
}

/// Listens on `address`; `[::]` for both families, or IPv4 alone where the system has no IPv6.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let bound = bind_one(address);
    if bound.is_err() && address.ip().is_unspecified() && address.is_ipv6() {
        let is_taken = bound.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::AddrInUse);
        if !is_taken {
            return bind_one((Ipv4Addr::UNSPECIFIED, address.port()).into());
        }
    }
    bound
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unnamed_address_takes_both_families() {
        let socket = bind("[::]:0".parse().unwrap()).unwrap();
        let port = socket.local_addr().unwrap().port();
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    }

    #[test]
    fn taken_address_is_an_error_not_another_address() {
        let first = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = first.local_addr().unwrap();
        assert_eq!(bind(address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
