//! The header by which a proxy says who its client is, before anything else on the connection.
//!
//! ```text
//!  v1  PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 CR LF    one line, at most 107 bytes
//!  v2  | signature 12 B | version, command | family, transport | length 2 B | addresses | … |
//! ```
//! Source: "The PROXY protocol", versions 1 and 2, `HAProxy` Technologies, §2.1 and §2.2. Pure.

use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

const V1_START: &[u8] = b"PROXY ";
/// Source: §2.1, the worst case with both IPv6 addresses written out and the line end.
const V1_BYTES_MAX: usize = 107;
/// Source: §2.2.
const V2_SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family and transport, length.
const V2_START_BYTES: usize = 16;
/// Most bytes behind the fixed start: addresses take 216 at most, the rest are extensions, such as
/// the name in a client's certificate.
const V2_REST_BYTES_MAX: usize = 4096;

/// A whole header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyHeader {
    /// The proxy's client; `None` where the proxy speaks for itself or does not know.
    pub client: Option<SocketAddr>,
    /// Bytes of the header.
    pub len: usize,
}

/// Why bytes are no header.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProxyHeaderError {
    /// Neither version begins like this.
    #[error("no PROXY header in front")]
    Missing,
    /// A first version without its line end.
    #[error("PROXY line of more than {V1_BYTES_MAX} bytes")]
    LineTooLong,
    /// A first version with another form.
    #[error("PROXY line {0:?} cannot be read")]
    Line(String),
    /// A version or command that does not exist.
    #[error("PROXY header of version and command {0:#04x}")]
    Command(u8),
    /// A second version with more behind it than is read.
    #[error("PROXY header of {got} bytes, limit {V2_REST_BYTES_MAX}")]
    TooLong {
        /// The length in the header.
        got: usize,
    },
    /// A second version without room for its addresses.
    #[error("PROXY header of {got} bytes, its addresses take {wanted}")]
    Truncated {
        /// Bytes that the addresses of the family take.
        wanted: usize,
        /// The length in the header.
        got: usize,
    },
}

impl ProxyHeader {
    /// Reads the header that `bytes` begin with; `None` while it is not whole.
    ///
    /// Errors: [`ProxyHeaderError`]; the connection is to be closed then.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, ProxyHeaderError> {
        if begins(bytes, &V2_SIGNATURE) {
            return read_v2(bytes);
        }
        if begins(bytes, V1_START) {
            return read_v1(bytes);
        }
        Err(ProxyHeaderError::Missing)
    }
}

/// Whether `bytes` are the start of `wanted`, or go on behind it.
fn begins(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.iter().zip(wanted).all(|(byte, wanted)| byte == wanted)
}

fn read_v1(bytes: &[u8]) -> Result<Option<ProxyHeader>, ProxyHeaderError> {
    let within = bytes.get(..V1_BYTES_MAX).unwrap_or(bytes);
    let Some(end) = within.iter().position(|byte| *byte == b'\n') else {
        let is_over = bytes.len() >= V1_BYTES_MAX;
        return if is_over { Err(ProxyHeaderError::LineTooLong) } else { Ok(None) };
    };
    let line = within.get(..end).unwrap_or_default();
    let text = std::str::from_utf8(line).ok().and_then(|line| line.strip_suffix('\r'));
    let client = text.and_then(v1_client);
    let unreadable = || ProxyHeaderError::Line(String::from_utf8_lossy(line).into_owned());
    Ok(Some(ProxyHeader { client: client.ok_or_else(unreadable)?, len: end + 1 }))
}

/// The client in a line without its end; the outer `None` for a line of another form.
fn v1_client(line: &str) -> Option<Option<SocketAddr>> {
    let words: Vec<&str> = line.split(' ').take(7).collect();
    match *words.as_slice() {
        // What follows is to be ignored up to the line's end.
        [_, "UNKNOWN", ..] => Some(None),
        [_, family, source, destination, source_port, destination_port] => {
            let (source, destination): (IpAddr, IpAddr) =
                (source.parse().ok()?, destination.parse().ok()?);
            let is_of_family = match family {
                "TCP4" => source.is_ipv4() && destination.is_ipv4(),
                "TCP6" => source.is_ipv6() && destination.is_ipv6(),
                _ => false,
            };
            port(destination_port)?;
            let client = SocketAddr::new(source, port(source_port)?);
            is_of_family.then_some(Some(client))
        }
        _ => None,
    }
}

fn port(text: &str) -> Option<u16> {
    // Digits only: the standard parser takes a sign as well.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

fn read_v2(bytes: &[u8]) -> Result<Option<ProxyHeader>, ProxyHeaderError> {
    let Some(start) = bytes.first_chunk::<V2_START_BYTES>() else {
        return Ok(None);
    };
    let [.., command, family, high, low] = *start;
    let rest_bytes = usize::from(u16::from_be_bytes([high, low]));
    if command != 0x20 && command != 0x21 {
        return Err(ProxyHeaderError::Command(command));
    }
    if rest_bytes > V2_REST_BYTES_MAX {
        return Err(ProxyHeaderError::TooLong { got: rest_bytes });
    }
    let len = V2_START_BYTES + rest_bytes;
    let Some(rest) = bytes.get(V2_START_BYTES..len) else {
        return Ok(None);
    };
    // LOCAL is the proxy's own connection, such as a health check.
    let client = if command == 0x20 { None } else { v2_client(family, rest)? };
    Ok(Some(ProxyHeader { client, len }))
}

/// Layout: `| source | destination | source port 2 B | destination port 2 B |`, big-endian.
/// Datagrams and UNIX sockets have no address that a client of ours could have.
fn v2_client(family: u8, rest: &[u8]) -> Result<Option<SocketAddr>, ProxyHeaderError> {
    let wanted = match family {
        0x11 => 12,
        0x21 => 36,
        _ => return Ok(None),
    };
    let truncated = ProxyHeaderError::Truncated { wanted, got: rest.len() };
    let client = match family {
        0x11 => rest.first_chunk::<12>().map(|block| {
            let [a, b, c, d, _, _, _, _, high, low, ..] = *block;
            SocketAddr::new([a, b, c, d].into(), u16::from_be_bytes([high, low]))
        }),
        _ => rest.first_chunk::<36>().and_then(|block| {
            let ip: [u8; 16] = *block.first_chunk()?;
            let [.., high, low, _, _] = *block;
            Some(SocketAddr::new(ip.into(), u16::from_be_bytes([high, low])))
        }),
    };
    client.map(Some).ok_or(truncated)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&V2_SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    /// The client of a header that is followed by a request.
    fn client(header: &[u8]) -> Option<String> {
        let bytes = [header, b"GET / HTTP/1.1\r\n"].concat();
        let read = ProxyHeader::read(&bytes).unwrap().unwrap();
        assert_eq!(read.len, header.len());
        read.client.map(|client| client.to_string())
    }

    #[test]
    fn both_versions_name_the_client() {
        let v1 = |line: &str| client(format!("{line}\r\n").as_bytes());
        assert_eq!(v1("PROXY TCP4 192.0.2.7 10.0.0.1 56324 443").unwrap(), "192.0.2.7:56324");
        assert_eq!(v1("PROXY TCP6 2001:db8::7 ::1 1 2").unwrap(), "[2001:db8::7]:1");
        assert_eq!(v1("PROXY UNKNOWN"), None);
        assert_eq!(v1("PROXY UNKNOWN ffff:: ffff:: 65535 65535"), None);

        let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0xdc, 0x04, 1, 0xbb];
        assert_eq!(client(&v2(0x21, 0x11, &v4)).unwrap(), "192.0.2.7:56324");
        let extended = [&v4[..], &[4, 0, 1, 9]].concat();
        assert_eq!(client(&v2(0x21, 0x11, &extended)).unwrap(), "192.0.2.7:56324");
        let mut v6 = [0; 36];
        (v6[0], v6[1], v6[15], v6[33]) = (0x20, 0x01, 7, 80);
        assert_eq!(client(&v2(0x21, 0x21, &v6)).unwrap(), "[2001::7]:80");
        assert_eq!(client(&v2(0x20, 0x11, &v4)), None, "LOCAL");
        assert_eq!(client(&v2(0x21, 0x31, &[0; 216])), None, "UNIX");
        assert_eq!(client(&v2(0x21, 0x00, &[])), None, "UNSPEC");
    }

    #[test]
    fn unfinished_headers_are_waited_for_byte_by_byte() {
        let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0xdc, 0x04, 1, 0xbb];
        let headers = [b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n".to_vec(), v2(0x21, 0x11, &v4)];
        for header in headers {
            for len in 0..header.len() {
                assert_eq!(ProxyHeader::read(&header[..len]), Ok(None), "{len} bytes");
            }
            assert!(ProxyHeader::read(&header).unwrap().is_some());
        }
    }

    #[test]
    fn lines_of_another_form_are_refused() {
        for line in [
            "PROXY",
            "PROXY ",
            "PROXY TCP4",
            "PROXY TCP4 1.1.1.1 2.2.2.2 1",
            "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3",
            "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 ",
            "PROXY TCP4  1.1.1.1 2.2.2.2 1 2",
            "PROXY TCP4 ::1 ::1 1 2",
            "PROXY TCP6 1.1.1.1 2.2.2.2 1 2",
            "PROXY TCP4 1.1.1.1 2.2.2 1 2",
            "PROXY TCP4 1.1.1.1 2.2.2.2 +1 2",
            "PROXY TCP4 1.1.1.1 2.2.2.2 65536 2",
            "PROXY TCP4 1.1.1.1 2.2.2.2  2",
            "PROXY UDP4 1.1.1.1 2.2.2.2 1 2",
            "PROXY TCP4 1.1.1.1 2.2.2.2 1 \u{661}",
        ] {
            for end in ["\r\n", "\n"] {
                let read = ProxyHeader::read(format!("{line}{end}").as_bytes());
                assert!(read.is_err(), "{line:?}: {read:?}");
            }
        }
        let endless = format!("PROXY UNKNOWN {}\r\n", "x".repeat(100));
        assert_eq!(ProxyHeader::read(endless.as_bytes()), Err(ProxyHeaderError::LineTooLong));
        let without_cr = ProxyHeader::read(b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n");
        assert!(matches!(without_cr, Err(ProxyHeaderError::Line(_))));
    }

    #[test]
    fn what_begins_otherwise_is_refused_at_its_first_byte() {
        for bytes in [&b"G"[..], b"\x16\x03\x01", b"\r\n\r\nG", b"PROXX", b"proxy "] {
            assert_eq!(ProxyHeader::read(bytes), Err(ProxyHeaderError::Missing), "{bytes:?}");
        }
    }

    #[test]
    fn second_version_is_checked_before_its_rest_is_waited_for() {
        let start = |command, length: u16| {
            let [high, low] = length.to_be_bytes();
            ProxyHeader::read(&[&V2_SIGNATURE[..], &[command, 0x11, high, low]].concat())
        };
        assert_eq!(start(0x21, 4097), Err(ProxyHeaderError::TooLong { got: 4097 }));
        assert_eq!(start(0x21, 4096), Ok(None));
        for command in [0x11, 0x22, 0x2f, 0x31, 0x00] {
            assert_eq!(start(command, 12), Err(ProxyHeaderError::Command(command)));
        }
        let short = ProxyHeader::read(&v2(0x21, 0x11, &[0; 11]));
        assert_eq!(short, Err(ProxyHeaderError::Truncated { wanted: 12, got: 11 }));
        let short = ProxyHeader::read(&v2(0x21, 0x21, &[0; 35]));
        assert_eq!(short, Err(ProxyHeaderError::Truncated { wanted: 36, got: 35 }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_within_the_limits(
            start in 0_usize..3,
            rest in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let start = [&b""[..], b"PROXY TCP4 ", &V2_SIGNATURE][start];
            let bytes = [start, &rest].concat();
            match ProxyHeader::read(&bytes) {
                Ok(Some(header)) => prop_assert!(header.len <= bytes.len()),
                Ok(None) => prop_assert!(bytes.len() < V2_START_BYTES + V2_REST_BYTES_MAX),
                Err(_) => {}
            }
        }
    }
}
