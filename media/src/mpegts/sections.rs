//! Sections: the frames that tables travel in, with their check sums.
//!
//! Source: ISO/IEC 13818-1 §2.4.4 and Annex A (CRC).

use crate::cursor::Cursor;

/// Source: ISO/IEC 13818-1 §2.4.4.9, limit of `section_length`.
const SECTION_BYTES_MAX: usize = 1021 + 3;

/// Writes a section with its header and check sum around `body`.
pub(super) fn write(table: u8, id: u16, version: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 9).unwrap_or(0);
    let mut out = vec![table];
    out.extend_from_slice(&(0xb000 | length).to_be_bytes());
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(&[0xc1 | (version & 0x1f) << 1, 0, 0]);
    out.extend_from_slice(body);
    let sum = crc32(&out);
    out.extend_from_slice(&sum.to_be_bytes());
    out
}

/// Joins sections from the payloads of one PID's packets.
#[derive(Debug, Default)]
pub(super) struct SectionBuffer {
    bytes: Vec<u8>,
    is_open: bool,
}

impl SectionBuffer {
    /// Takes the payload of one packet and hands each section that it completes to `each`.
    ///
    /// Source: ISO/IEC 13818-1 §2.4.4.2 (pointer field).
    pub(super) fn push(&mut self, payload: &[u8], is_start: bool, mut each: impl FnMut(&[u8])) {
        if !is_start {
            if self.is_open {
                self.bytes.extend_from_slice(payload);
                self.take_whole(&mut each);
            }
            return;
        }
        let mut cursor = Cursor::new(payload);
        let Ok(pointer) = cursor.u8() else { return };
        let Ok(tail) = cursor.take(usize::from(pointer)) else {
            return;
        };
        if self.is_open {
            self.bytes.extend_from_slice(tail);
            self.take_whole(&mut each);
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(cursor.rest());
        self.is_open = true;
        self.take_whole(&mut each);
    }

    /// Forgets a section that has begun, as a packet of it was lost.
    pub(super) fn reset(&mut self) {
        self.bytes.clear();
        self.is_open = false;
    }

    fn take_whole(&mut self, each: &mut impl FnMut(&[u8])) {
        while let [table, high, low, ..] = self.bytes.as_slice() {
            let size = 3 + (usize::from(high & 0x0f) << 8 | usize::from(*low));
            // 0xff is padding up to the packet's end.
            if *table == 0xff || size > SECTION_BYTES_MAX {
                self.reset();
                return;
            }
            let Some(section) = self.bytes.get(..size) else {
                return;
            };
            each(section);
            self.bytes.drain(..size);
        }
    }
}

/// The CRC of ISO/IEC 13818-1 Annex A; 0 over a section with its own check sum.
///
/// Bit by bit: tables are some hundred bytes, twice a second.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| {
            if sum & 0x8000_0000 == 0 { sum << 1 } else { sum << 1 ^ 0x04c1_1db7 }
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn check_sum_is_the_standards() {
        let section = write(0, 1, 0, b"body");
        assert_eq!(crc32(&section), mpeg2ts_reader::mpegts_crc::sum32(&section));
        assert_eq!(crc32(&section), 0);
    }

    #[test]
    fn sections_join_over_packets_and_follow_each_other() {
        let pmt = write(2, 1, 0, &[7; 80]);
        let (first, rest) = pmt.split_at(40);
        let pat = write(0, 1, 0, &[1; 4]);
        let mut buffer = SectionBuffer::default();
        let mut found = Vec::new();
        let mut keep = |section: &[u8]| found.push(section.to_vec());
        buffer.push(rest, false, &mut keep);
        buffer.push(&[&[0], first].concat(), true, &mut keep);
        let (middle, end) = rest.split_at(20);
        buffer.push(middle, false, &mut keep);
        let pointer = [u8::try_from(end.len()).unwrap()];
        buffer.push(&[&pointer, end, &pat, &[0xff; 9]].concat(), true, &mut keep);
        assert_eq!(found, [pmt, pat]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived_and_little_is_kept(
            payloads in proptest::collection::vec(
                (proptest::collection::vec(any::<u8>(), 0..184), any::<bool>()), 0..20)
        ) {
            let mut buffer = SectionBuffer::default();
            for (payload, is_start) in payloads {
                buffer.push(&payload, is_start, |section| { crc32(section); });
            }
            prop_assert!(buffer.bytes.len() <= SECTION_BYTES_MAX + 184);
        }
    }
}
