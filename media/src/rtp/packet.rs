//! The RTP packet: its fixed header, and where its payload begins and ends.
//!
//! CSRC list, header extension and padding are checked and left out; no payload format here needs
//! them.

use bytes::{BufMut, BytesMut};

use super::RtpError;
use crate::cursor::Cursor;

/// Size of a header without CSRC list and extension. Source: RFC 3550 §5.1.
pub const HEADER_BYTES: usize = 12;

/// The fields of a header that mean something to a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// The marker bit; each payload format says what it marks.
    pub is_marked: bool,
    /// Which payload format, as the SDP maps it; 7 bits.
    pub payload_type: u8,
    /// Counts packets, modulo 2^16.
    pub sequence: u16,
    /// Sampling time in the clock of the payload format, modulo 2^32.
    pub time: u32,
    /// The source that sent it.
    pub ssrc: u32,
}

/// A packet that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpPacket<'a> {
    /// What the header says.
    pub header: RtpHeader,
    /// What it carries, without padding.
    pub payload: &'a [u8],
}

impl RtpHeader {
    /// Writes the 12 bytes of a header.
    ///
    /// Source: RFC 3550 §5.1.
    pub fn write(&self, out: &mut BytesMut) {
        out.put_u8(VERSION << 6);
        out.put_u8(u8::from(self.is_marked) << 7 | self.payload_type & 0x7f);
        out.put_u16(self.sequence);
        out.put_u32(self.time);
        out.put_u32(self.ssrc);
    }
}

impl<'a> RtpPacket<'a> {
    /// Reads a packet.
    ///
    /// Source: RFC 3550 §5.1, §5.3.1 (extension).
    /// Layout: `| V 2b P X CC 4b | M PT 7b | sequence 2 B | time 4 B | SSRC 4 B | CSRC 4 B * CC |`
    /// Errors: `Version` if it is not 2; `Padding` if it counts more than there is; `Truncated`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtpError> {
        let mut cursor = Cursor::new(bytes);
        let [flags, kind] = cursor.array()?;
        if flags >> 6 != VERSION {
            return Err(RtpError::Version(flags >> 6));
        }
        let header = RtpHeader {
            is_marked: kind & 0x80 != 0,
            payload_type: kind & 0x7f,
            sequence: cursor.u16()?,
            time: cursor.u32()?,
            ssrc: cursor.u32()?,
        };
        cursor.skip(4 * usize::from(flags & 0x0f))?;
        if flags & 0x10 != 0 {
            cursor.skip(2)?;
            let words = usize::from(cursor.u16()?);
            cursor.skip(4 * words)?;
        }
        let mut payload = cursor.rest();
        if flags & 0x20 != 0 {
            let padding = payload.last().map_or(0, |&count| usize::from(count));
            let end = payload.len().checked_sub(padding).filter(|_| padding > 0);
            payload = end.and_then(|end| payload.get(..end)).ok_or(RtpError::Padding(padding))?;
        }
        Ok(Self { header, payload })
    }
}

/// Source: RFC 3550 §5.1.
pub(super) const VERSION: u8 = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: RtpHeader = RtpHeader {
        is_marked: true,
        payload_type: 96,
        sequence: 0xfffe,
        time: 0x1234_5678,
        ssrc: 0x9abc_def0,
    };

    fn packet(rest: &[u8]) -> Vec<u8> {
        let mut out = BytesMut::new();
        HEADER.write(&mut out);
        out.put_slice(rest);
        out.to_vec()
    }

    fn with_flags(flags: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = packet(rest);
        *bytes.first_mut().unwrap() |= flags;
        bytes
    }

    #[test]
    fn header_round_trips() {
        let bytes = packet(b"payload");
        let parsed = RtpPacket::parse(&bytes).unwrap();
        assert_eq!(parsed, RtpPacket { header: HEADER, payload: b"payload" });
    }

    #[test]
    fn sources_extension_and_padding_are_left_out() {
        let rest = [
            &[0; 8][..],                                     // two CSRC
            &[0xbe, 0xde, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8][..], // extension of two words
            b"media",
            &[0, 0, 3],
        ]
        .concat();
        let bytes = with_flags(0x20 | 0x10 | 2, &rest);
        assert_eq!(RtpPacket::parse(&bytes).unwrap().payload, b"media");
    }

    #[test]
    fn lengths_that_lie_are_errors() {
        assert_eq!(RtpPacket::parse(&with_flags(0x20, &[1, 2, 4])), Err(RtpError::Padding(4)));
        assert_eq!(RtpPacket::parse(&with_flags(0x20, &[1, 0])), Err(RtpError::Padding(0)));
        assert_eq!(RtpPacket::parse(&with_flags(0x20, &[])), Err(RtpError::Padding(0)));
        assert!(matches!(
            RtpPacket::parse(&with_flags(0x10, &[0, 0, 0xff, 0xff, 1])),
            Err(RtpError::Truncated(_))
        ));
        assert!(matches!(
            RtpPacket::parse(&with_flags(0x0f, &[0; 59])),
            Err(RtpError::Truncated(_))
        ));
        assert_eq!(RtpPacket::parse(&[0x40; 12]), Err(RtpError::Version(1)));
        assert!(RtpPacket::parse(&[0x80; 11]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = RtpPacket::parse(&bytes);
            let _ = RtpPacket::parse(&with_flags(bytes.first().copied().unwrap_or(0), &bytes));
        }
    }
}
