//! Addresses as the configuration writes them: networks and listen addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;

/// A network in CIDR notation; a bare address is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// The text is no network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no network such as 10.0.0.0/8 or fd00::/8")]
pub struct InvalidNetwork(String);

impl Network {
    /// Whether `address` lies inside. An IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32_u32.saturating_sub(u32::from(self.prefix_bits));
                let differing = network.to_bits() ^ address.to_bits();
                differing.checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128_u32.saturating_sub(u32::from(self.prefix_bits));
                let differing = network.to_bits() ^ address.to_bits();
                differing.checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            Some(bits) => bits.parse().map_err(|_| invalid())?,
            None => bits_max,
        };
        if prefix_bits > bits_max {
            return Err(invalid());
        }
        Ok(Self { address, prefix_bits })
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

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
    fn networks_contain_their_addresses_only() {
        let inside = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(inside("10.0.0.0/8", "10.255.0.1"));
        assert!(inside("10.0.0.0/8", "::ffff:10.0.0.1"));
        assert!(!inside("10.0.0.0/8", "11.0.0.1"));
        assert!(inside("0.0.0.0/0", "1.2.3.4"));
        assert!(inside("::/0", "fd00::1"));
        assert!(inside("127.0.0.1", "127.0.0.1"));
        assert!(!inside("127.0.0.1", "127.0.0.2"));
        for bad in ["", "10.0.0.0/33", "a/8", "10.0.0.0/-1", "::/129"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

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
