//! Which addresses this node may be led to by what others write (SPEC section 6).
//!
//! A redirect or a playlist from elsewhere must not become a way into what only this machine can
//! reach: its own services, its link, the metadata service of its cloud. Addresses in the config
//! file are trusted; `egress_allow` names exceptions. A name is resolved once, and the address that
//! was checked is the one that is connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;

/// Metadata services outside of link-local addresses: of AWS by IPv6, Alibaba, Azure.
const METADATA: [IpAddr; 3] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];

/// The exceptions that `egress_allow` makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    allowed: Vec<Network>,
}

/// An address that remote content must not lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("leads to {kind} address {address}, which egress_allow does not name")]
pub struct EgressRefused {
    /// The address.
    pub address: IpAddr,
    /// What it is.
    pub kind: &'static str,
}

impl EgressPolicy {
    /// A policy that lets through what lies in `allowed`, besides public and private addresses.
    #[must_use]
    pub const fn new(allowed: Vec<Network>) -> Self {
        Self { allowed }
    }

    /// Judges an address that came from remote content.
    ///
    /// Errors: [`EgressRefused`] for loopback, link-local, metadata and what is no single host.
    pub fn check(&self, address: IpAddr) -> Result<(), EgressRefused> {
        let Some(kind) = forbidden_kind(reached(address)) else {
            return Ok(());
        };
        if self.allowed.iter().any(|network| network.contains(address)) {
            return Ok(());
        }
        Err(EgressRefused { address, kind })
    }
}

/// The host that an address leads to: IPv4 inside IPv6 is IPv4. Source: RFC 4291 §2.5.5.2; RFC 6052
/// §2.1 (`64:ff9b::/96`).
fn reached(address: IpAddr) -> IpAddr {
    let address = address.to_canonical();
    if let IpAddr::V6(v6) = address
        && let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = v6.segments()
    {
        return IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    }
    address
}

fn forbidden_kind(address: IpAddr) -> Option<&'static str> {
    if METADATA.contains(&address) {
        return Some("metadata");
    }
    let (is_link_local, is_this_host) = match address {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[0] == 0 || v4.is_broadcast()),
        IpAddr::V6(v6) => (v6.is_unicast_link_local(), v6.is_unspecified()),
    };
    if address.is_loopback() {
        Some("loopback")
    } else if is_link_local {
        Some("link-local")
    } else if is_this_host || address.is_multicast() {
        Some("special")
    } else {
        None
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_content_does_not_lead_to_this_machine() {
        let policy = EgressPolicy::default();
        let kind = |address: &str| policy.check(address.parse().unwrap()).err().map(|e| e.kind);
        for (address, wanted) in [
            ("127.0.0.1", Some("loopback")),
            ("127.8.8.8", Some("loopback")),
            ("::1", Some("loopback")),
            ("::ffff:127.0.0.1", Some("loopback")),
            ("64:ff9b::7f00:1", Some("loopback")),
            ("169.254.169.254", Some("link-local")),
            ("fe80::1", Some("link-local")),
            ("fd00:ec2::254", Some("metadata")),
            ("100.100.100.200", Some("metadata")),
            ("0.0.0.0", Some("special")),
            ("0.1.2.3", Some("special")),
            ("::", Some("special")),
            ("224.0.0.1", Some("special")),
            ("255.255.255.255", Some("special")),
            ("10.0.0.1", None),
            ("93.184.216.34", None),
            ("2001:db8::1", None),
        ] {
            assert_eq!(kind(address), wanted, "{address}");
        }
    }

    #[test]
    fn exceptions_are_named_by_the_config() {
        let policy = EgressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()]);
        assert!(policy.check("127.0.0.1".parse().unwrap()).is_ok());
        assert!(policy.check("::ffff:127.0.0.1".parse().unwrap()).is_ok());
        let refused = policy.check("::1".parse().unwrap()).unwrap_err();
        let words = "leads to loopback address ::1, which egress_allow does not name";
        assert_eq!(refused.to_string(), words);
    }

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
}
