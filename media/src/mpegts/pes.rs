//! Joins the payloads of one PID to PES packets and reads their headers.
//!
//! Source: ISO/IEC 13818-1 §2.4.3.6. A packet ends where its length says, or where the next begins;
//! one that lost a part is dropped whole.

use bytes::{Bytes, BytesMut};

use super::clock;
use crate::cursor::Cursor;

/// A PES packet larger than this is dropped: four times an intra picture at 200 Mbit/s.
pub(super) const PES_BYTES_MAX: usize = 4 << 20;

/// One PES packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pes {
    /// Presentation time, 33 bits.
    pub(super) pts: Option<i64>,
    /// Decode time where it differs.
    pub(super) dts: Option<i64>,
    /// Elementary stream data.
    pub(super) payload: Bytes,
}

/// The PES packet of one PID that is being received.
#[derive(Debug, Default)]
pub(super) struct PesBuffer {
    bytes: BytesMut,
    is_open: bool,
    typical_bytes: usize,
}

impl PesBuffer {
    /// Takes the payload of one transport packet; hands on what it completes.
    ///
    /// Returns false if a packet had to be dropped for its size.
    pub(super) fn push(
        &mut self,
        payload: &[u8],
        is_start: bool,
        mut each: impl FnMut(Pes),
    ) -> bool {
        if is_start {
            if let Some(pes) = self.finish() {
                each(pes);
            }
            self.is_open = true;
            self.bytes.reserve(self.typical_bytes.max(payload.len()));
        }
        if !self.is_open {
            return true;
        }
        if self.bytes.len() + payload.len() > PES_BYTES_MAX {
            self.reset();
            return false;
        }
        self.bytes.extend_from_slice(payload);
        if self.is_whole()
            && let Some(pes) = self.finish()
        {
            each(pes);
        }
        true
    }

    /// Ends the packet in hand, at the end of the stream.
    pub(super) fn finish(&mut self) -> Option<Pes> {
        self.is_open = false;
        let bytes = self.bytes.split().freeze();
        self.typical_bytes = bytes.len().next_multiple_of(4096).min(PES_BYTES_MAX);
        parse(&bytes)
    }

    /// Drops the packet in hand, as a part of it was lost.
    pub(super) fn reset(&mut self) {
        self.bytes.clear();
        self.is_open = false;
    }

    fn is_whole(&self) -> bool {
        let Some([_, _, _, _, high, low]) = self.bytes.first_chunk::<6>() else {
            return false;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        length != 0 && self.bytes.len() >= length + 6
    }
}

/// Reads a whole PES packet; `None` if it is none, or carries no elementary stream.
fn parse(bytes: &Bytes) -> Option<Pes> {
    let mut cursor = Cursor::new(bytes);
    if cursor.u24().ok()? != 1 {
        return None;
    }
    // Video, audio, private stream 1 and extended stream ids; others have no such header.
    if !matches!(cursor.u8().ok()?, 0xbd | 0xc0..=0xef | 0xfd) {
        return None;
    }
    let length = usize::from(cursor.u16().ok()?);
    if length != 0 {
        let rest = cursor.rest();
        cursor = Cursor::new(rest.get(..length).unwrap_or(rest));
    }
    if cursor.u8().ok()? >> 6 != 2 {
        return None;
    }
    let flags = cursor.u8().ok()?;
    let header_bytes = usize::from(cursor.u8().ok()?);
    let mut header = Cursor::new(cursor.take(header_bytes).ok()?);
    let pts = if flags & 0x80 != 0 { header.array().ok() } else { None };
    let dts = if flags & 0xc0 == 0xc0 { header.array().ok() } else { None };
    Some(Pes {
        pts: pts.map(clock::decode),
        dts: dts.map(clock::decode),
        payload: bytes.slice_ref(cursor.rest()),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Ticks;

    fn packet(length: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 1, 0xe0];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&[0x80, 0xc0, 11]);
        bytes.extend_from_slice(&clock::encode(3, Ticks(7200)));
        bytes.extend_from_slice(&clock::encode(1, Ticks(3600)));
        bytes.push(0xff);
        bytes.extend_from_slice(payload);
        bytes
    }

    fn push_all(parts: &[(&[u8], bool)]) -> Vec<Pes> {
        let mut buffer = PesBuffer::default();
        let mut found = Vec::new();
        for (payload, is_start) in parts {
            buffer.push(payload, *is_start, |pes| found.push(pes));
        }
        found.extend(buffer.finish());
        found
    }

    #[test]
    fn packet_without_length_ends_where_the_next_begins() {
        let bytes = packet(0, b"abcdef");
        let (head, tail) = bytes.split_at(23);
        let found = push_all(&[(b"lost", false), (head, true), (tail, false), (&bytes, true)]);
        let payload = Bytes::from_static(b"abcdef");
        let expected = Pes { pts: Some(7200), dts: Some(3600), payload };
        assert_eq!(found, [expected.clone(), expected]);
    }

    #[test]
    fn packet_with_length_is_handed_on_at_once() {
        let bytes = packet(3 + 11 + 2, b"ab");
        let mut buffer = PesBuffer::default();
        let mut found = 0;
        buffer.push(&bytes, true, |pes| {
            assert_eq!(pes.payload.as_ref(), b"ab");
            found += 1;
        });
        assert_eq!(found, 1);
        assert_eq!(buffer.finish(), None);
    }

    #[test]
    fn packet_over_the_limit_is_dropped() {
        let mut buffer = PesBuffer::default();
        assert!(buffer.push(&packet(0, b""), true, |_| ()));
        let mut pushed = 0;
        while buffer.push(&[7; 184], false, |_| ()) {
            pushed += 184;
            assert!(pushed <= PES_BYTES_MAX);
        }
        assert_eq!(buffer.finish(), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(
            parts in proptest::collection::vec(
                (proptest::collection::vec(any::<u8>(), 0..40), any::<bool>()), 0..12)
        ) {
            let mut buffer = PesBuffer::default();
            for (mut payload, is_start) in parts {
                if is_start {
                    payload.splice(0..0, [0, 0, 1, 0xe0]);
                }
                buffer.push(&payload, is_start, drop);
            }
        }
    }
}
