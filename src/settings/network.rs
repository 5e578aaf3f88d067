//! Addresses as the configuration writes them: networks and listen addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use watershed_actors::egress::Network;

/// `[ADDRESS:]PORT`, `[v6]:PORT`: the address, if one is named, and the port.
pub(crate) fn parse_listen_address(text: &str) -> Option<(Option<IpAddr>, u16)> {
    if let Ok(port) = text.parse() {
        return text.bytes().all(|b| b.is_ascii_digit()).then_some((None, port));
    }
    let address: SocketAddr = text.parse().ok()?;
    Some((Some(address.ip()), address.port()))
}

/// Where to bind: every address of both families when none is named.
pub(crate) fn socket_addr(address: Option<IpAddr>, port: u16) -> SocketAddr {
    SocketAddr::new(address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)), port)
}

/// Whether two listeners would fight over one address. Port 0 is a free one each time.
pub(crate) fn clash(a: (Option<IpAddr>, u16), b: (Option<IpAddr>, u16)) -> bool {
    let is_any = |address: Option<IpAddr>| match address {
        None => true,
        Some(IpAddr::V6(address)) => address == Ipv6Addr::UNSPECIFIED,
        Some(IpAddr::V4(_)) => false,
    };
    let covers = |a: Option<IpAddr>, b: Option<IpAddr>| {
        is_any(a) || a == Some(Ipv4Addr::UNSPECIFIED.into()) && b.is_some_and(|b| b.is_ipv4())
    };
    a.1 == b.1 && a.1 != 0 && (a.0 == b.0 || covers(a.0, b.0) || covers(b.0, a.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_clash_when_one_covers_the_other() {
        let at = |text: &str| parse_listen_address(text).unwrap();
        assert!(clash(at("80"), at("127.0.0.1:80")));
        assert!(clash(at("0.0.0.0:80"), at("127.0.0.1:80")));
        assert!(!clash(at("0.0.0.0:80"), at("[::1]:80")));
        assert!(!clash(at("127.0.0.1:80"), at("127.0.0.2:80")));
        assert!(!clash(at("0"), at("0")));
        for bad in ["", "+80", "65536", "localhost:80", "[::1]", "1.2.3.4"] {
            assert_eq!(parse_listen_address(bad), None, "{bad}");
        }
    }
}
