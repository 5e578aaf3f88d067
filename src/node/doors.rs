//! Binds every listener before anything else starts, so that a taken address stops the node early.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;
use watershed_actors::report::{Listener as ReportedListener, Scheme};
use watershed_actors::tls::CertificateFiles;

use crate::settings::Settings;

/// Connections that wait to be accepted, per listener.
const BACKLOG: i32 = 1024;

/// The bound sockets of a node.
#[derive(Debug, Default)]
pub(super) struct Doors(pub(super) Vec<Door>);

/// One bound socket, and how it is to be served.
#[derive(Debug)]
pub(super) struct Door {
    /// The protocol.
    pub(super) scheme: Scheme,
    /// The socket.
    pub(super) socket: TcpListener,
    /// HTTP: with the API and the UI, not for playback only.
    pub(super) serves_api: bool,
    /// Whether the PROXY protocol stands in front.
    pub(super) expects_proxy_protocol: bool,
    /// For TLS; the first is shown where none has the name that is asked for.
    pub(super) certificates: Vec<CertificateFiles>,
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
    /// Binds all listeners of `settings`, whose relative files are below `folder`.
    ///
    /// Errors: the first address that cannot be had.
    pub(super) fn open(settings: &Settings, folder: &Path) -> Result<Self, BindError> {
        let mut doors = Vec::new();
        for (scheme, listener) in settings.listeners.all() {
            let address = listener.socket_addr();
            let socket = bind(address).map_err(|source| BindError { scheme, address, source })?;
            let identities = listener.identities();
            doors.push(Door {
                scheme: scheme_of(scheme),
                socket,
                serves_api: listener.api,
                expects_proxy_protocol: settings.expects_proxy_protocol(listener),
                certificates: identities
                    .map(|(certificate, key)| CertificateFiles {
                        certificate: folder.join(certificate),
                        key: folder.join(key),
                    })
                    .collect(),
            });
        }
        Ok(Self(doors))
    }

    /// The certificates of all of them, each once.
    pub(super) fn certificates(&self) -> Vec<CertificateFiles> {
        let mut all = Vec::new();
        for files in self.0.iter().flat_map(|door| &door.certificates) {
            if !all.contains(files) {
                all.push(files.clone());
            }
        }
        all
    }

    /// What peers are told of them.
    pub(super) fn reported(&self) -> Vec<ReportedListener> {
        let ports = self.0.iter().filter_map(|door| {
            let port = door.socket.local_addr().ok()?.port();
            Some(ReportedListener { scheme: door.scheme, port })
        });
        ports.collect()
    }
}

fn scheme_of(word: &str) -> Scheme {
    match word {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        "rtsp" => Scheme::Rtsp,
        "rtsps" => Scheme::Rtsps,
        "rtmp" => Scheme::Rtmp,
        "rtmps" => Scheme::Rtmps,
        _ => Scheme::Unknown,
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
