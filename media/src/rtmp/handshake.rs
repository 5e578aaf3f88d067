//! The RTMP handshake: simple on both sides, with digests as a server.
//!
//! Old Flash players and some encoders send a digest in C1 and refuse H.264 or the whole
//! connection unless S1 and S2 are signed; everybody else wants C1 echoed. The server looks for a
//! digest at the two places where clients put it and answers in kind; it never asks for one.
//!
//! ```text
//!  client          server
//!  C0 C1 ────────▶           C0, S0: version, 1 byte
//!        ◀──────── S0 S1 S2  C1, S1: time 4 | version 4 | random 1528
//!  C2    ────────▶           C2, S2: echo of the other side's block 1
//! ```
//!
//! Source: Adobe RTMP 1.0 §5.2; the digests, which Adobe never published, as the open servers and
//! librtmp agree on them.

use bytes::{BufMut, Bytes, BytesMut};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

const VERSION: u8 = 3;
const BLOCK: usize = 1536;
const DIGEST: usize = 32;
/// The server version that S1 names; any value but zero tells the client to expect digests.
const SERVER_VERSION: [u8; 4] = [4, 5, 0, 1];
const CLIENT_KEY: &[u8] = b"Genuine Adobe Flash Player 001";
const SERVER_KEY: &[u8] = b"Genuine Adobe Flash Media Server 001";
/// Appended to either key to sign block 2.
const KEY_TAIL: [u8; 32] = [
    0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57,
    0x6E, 0xEC, 0x5D, 0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE,
];

/// Why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HandshakeError {
    /// The peer speaks another protocol, or encrypted RTMP (version 6).
    #[error("rtmp version {version}, expected 3")]
    Version {
        /// The first byte the peer sent.
        version: u8,
    },
}

/// What the peer's bytes led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes to send, if any.
    pub send: Option<Bytes>,
    /// How many of the given bytes belonged to the handshake.
    pub consumed: usize,
    /// Whether the handshake is over; the bytes not consumed are chunks.
    pub is_done: bool,
}

/// The handshake as the side that was connected to.
#[derive(Debug)]
pub struct ServerHandshake {
    random_seed: u64,
    received: BytesMut,
    /// Bytes of C2 still to come, once C1 is answered. Its content is not checked: real clients
    /// send anything there.
    c2_left: Option<usize>,
}

impl ServerHandshake {
    /// Waits for C0. `random_seed` fills S1; it need not be secret.
    #[must_use]
    pub fn new(random_seed: u64) -> Self {
        Self { random_seed, received: BytesMut::new(), c2_left: None }
    }

    /// Takes the next bytes from the client.
    ///
    /// Errors: [`HandshakeError::Version`] on the first byte already.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Progress, HandshakeError> {
        let mut consumed = 0;
        let mut send = None;
        let c2_left = match self.c2_left {
            Some(left) => left,
            None => {
                let Some(part) = collect(&mut self.received, 1 + BLOCK, bytes)? else {
                    return Ok(Progress { send, consumed: bytes.len(), is_done: false });
                };
                consumed = part;
                send = Some(self.answer());
                self.received = BytesMut::new();
                BLOCK
            }
        };
        let part = c2_left.min(bytes.len() - consumed);
        consumed += part;
        self.c2_left = Some(c2_left - part);
        Ok(Progress { send, consumed, is_done: c2_left == part })
    }

    fn answer(&self) -> Bytes {
        let c1 = self.received.get(1..).unwrap_or_default();
        let mut out = BytesMut::with_capacity(1 + 2 * BLOCK);
        out.put_u8(VERSION);
        match client_digest(c1) {
            Some((scheme, digest)) => self.answer_signed(scheme, &digest, &mut out),
            None => {
                out.put_bytes(0, 8);
                out.put_slice(&random_bytes(self.random_seed, BLOCK - 8));
                out.put_slice(c1);
            }
        }
        out.freeze()
    }

    fn answer_signed(&self, scheme: Scheme, client_digest: &[u8; DIGEST], out: &mut BytesMut) {
        let mut s1 = BytesMut::with_capacity(BLOCK);
        s1.put_bytes(0, 4);
        s1.put_slice(&SERVER_VERSION);
        s1.put_slice(&random_bytes(self.random_seed, BLOCK - 8));
        if let Some((before, _, after)) = scheme.split(&s1) {
            out.put_slice(before);
            out.put_slice(&hmac(SERVER_KEY, &[before, after]));
            out.put_slice(after);
        }
        let key = hmac(&[SERVER_KEY, &KEY_TAIL].concat(), &[client_digest]);
        let random = random_bytes(!self.random_seed, BLOCK - DIGEST);
        out.put_slice(&random);
        out.put_slice(&hmac(&key, &[&random]));
    }
}

/// The handshake as the side that connects: always simple, which every server takes.
#[derive(Debug)]
pub struct ClientHandshake {
    received: BytesMut,
}

impl ClientHandshake {
    /// Starts; the bytes are C0 and C1, to be sent first.
    #[must_use]
    pub fn start(random_seed: u64) -> (Self, Bytes) {
        let mut out = BytesMut::with_capacity(1 + BLOCK);
        out.put_u8(VERSION);
        out.put_bytes(0, 8);
        out.put_slice(&random_bytes(random_seed, BLOCK - 8));
        (Self { received: BytesMut::new() }, out.freeze())
    }

    /// Takes the next bytes from the server; answers with C2 when S0, S1 and S2 are there.
    ///
    /// Errors: [`HandshakeError::Version`] on the first byte already.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Progress, HandshakeError> {
        let Some(consumed) = collect(&mut self.received, 1 + 2 * BLOCK, bytes)? else {
            return Ok(Progress { send: None, consumed: bytes.len(), is_done: false });
        };
        let s1 = self.received.get(1..=BLOCK).unwrap_or_default();
        Ok(Progress { send: Some(Bytes::copy_from_slice(s1)), consumed, is_done: true })
    }
}

/// Adds to `received` until it holds `wanted` bytes; then says how many of `bytes` that took.
fn collect(
    received: &mut BytesMut,
    wanted: usize,
    bytes: &[u8],
) -> Result<Option<usize>, HandshakeError> {
    let part = bytes.get(..wanted - received.len()).unwrap_or(bytes);
    received.extend_from_slice(part);
    match received.first() {
        Some(&version) if version != VERSION => Err(HandshakeError::Version { version }),
        _ => Ok((received.len() == wanted).then_some(part.len())),
    }
}

/// Where block 1 carries its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    /// In the first half, behind the digest's offset at byte 8.
    DigestFirst,
    /// In the second half, behind the key's 764 bytes and the offset at byte 772.
    KeyFirst,
}

impl Scheme {
    /// The parts of `block` before, in and after the digest.
    fn split(self, block: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
        let offset_at = match self {
            Self::DigestFirst => 8,
            Self::KeyFirst => 772,
        };
        let offset = block.get(offset_at..offset_at + 4)?;
        let offset = offset.iter().map(|&byte| usize::from(byte)).sum::<usize>() % 728;
        let (before, rest) = block.split_at_checked(offset_at + 4 + offset)?;
        let (digest, after) = rest.split_at_checked(DIGEST)?;
        Some((before, digest, after))
    }
}

fn client_digest(c1: &[u8]) -> Option<(Scheme, [u8; DIGEST])> {
    for scheme in [Scheme::DigestFirst, Scheme::KeyFirst] {
        let (before, digest, after) = scheme.split(c1)?;
        let expected = hmac(CLIENT_KEY, &[before, after]);
        if digest == expected {
            return Some((scheme, expected));
        }
    }
    None
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; DIGEST] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Fills with splitmix64 (Steele, Lea, Flood 2014): the block must differ, not surprise.
fn random_bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bytes.extend_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};

    use super::*;

    /// C0 and C1 as a client that signs at the place of `scheme`.
    fn signed_client(scheme: Scheme) -> (Vec<u8>, [u8; DIGEST]) {
        let mut c1 = vec![0, 0, 0, 0, 0x80, 0, 7, 2];
        c1.extend(random_bytes(5, BLOCK - 8));
        let (before, _, after) = scheme.split(&c1).unwrap();
        let digest = hmac(CLIENT_KEY, &[before, after]);
        let mut out = vec![VERSION];
        out.extend([before, &digest, after].concat());
        (out, digest)
    }

    #[test]
    fn simple_client_and_server_agree_byte_by_byte() {
        let (mut client, hello) = ClientHandshake::start(1);
        let mut server = ServerHandshake::new(2);
        let mut answer = None;
        for byte in &hello {
            answer = answer.or(server.receive(&[*byte]).unwrap().send);
        }
        let answer = answer.unwrap();
        assert_eq!(&answer[1 + BLOCK..], &hello[1..], "S2 echoes C1");
        let last = client.receive(&answer).unwrap();
        assert!(last.is_done);
        let c2 = last.send.unwrap();
        assert_eq!(c2, &answer[1..=BLOCK], "C2 echoes S1");
        let (head, tail) = c2.split_at(700);
        assert!(!server.receive(head).unwrap().is_done);
        let end = server.receive(&[tail, b"chunks"].concat()).unwrap();
        assert_eq!((end.consumed, end.is_done), (BLOCK - 700, true));
    }

    #[test]
    fn digests_of_both_schemes_are_answered_in_kind() {
        for scheme in [Scheme::DigestFirst, Scheme::KeyFirst] {
            let (hello, digest) = signed_client(scheme);
            let answer = ServerHandshake::new(2).receive(&hello).unwrap().send.unwrap();
            let (s1, s2) = answer[1..].split_at(BLOCK);
            let (before, server_digest, after) = scheme.split(s1).unwrap();
            assert_eq!(server_digest, hmac(SERVER_KEY, &[before, after]));
            let key = hmac(&[SERVER_KEY, &KEY_TAIL[..]].concat(), &[&digest]);
            let (random, signature) = s2.split_at(BLOCK - DIGEST);
            assert_eq!(signature, hmac(&key, &[random]));
        }
    }

    #[test]
    fn foreign_signing_client_completes() {
        let mut client = Handshake::new(PeerType::Client);
        let mut server = ServerHandshake::new(77);
        let hello = client.generate_outbound_p0_and_p1().unwrap();
        let answer = server.receive(&hello).unwrap().send.unwrap();
        let HandshakeProcessResult::Completed { response_bytes, remaining_bytes } =
            client.process_bytes(&answer).unwrap()
        else {
            panic!("the client wants more");
        };
        assert!(remaining_bytes.is_empty());
        assert!(server.receive(&response_bytes).unwrap().is_done);
    }

    #[test]
    fn foreign_server_takes_the_simple_client() {
        let mut server = Handshake::new(PeerType::Server);
        let (mut client, hello) = ClientHandshake::start(1);
        let HandshakeProcessResult::InProgress { response_bytes } =
            server.process_bytes(&hello).unwrap()
        else {
            panic!("the server is done too early");
        };
        let c2 = client.receive(&response_bytes).unwrap().send.unwrap();
        assert!(matches!(
            server.process_bytes(&c2).unwrap(),
            HandshakeProcessResult::Completed { .. }
        ));
    }

    #[test]
    fn other_protocols_are_refused_on_the_first_byte() {
        for first in [6, b'G', 0x16] {
            assert_eq!(
                ServerHandshake::new(1).receive(&[first]),
                Err(HandshakeError::Version { version: first })
            );
        }
    }
}
