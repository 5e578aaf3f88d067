//! Opus: how long a packet plays, and the control header that MPEG-TS puts before it.

use smallvec::SmallVec;

use super::CodecError;
use crate::cursor::Cursor;

/// Opus always counts samples of this rate. Source: RFC 6716 §2.
pub const CLOCK_RATE: u32 = 48_000;

/// Samples at 48 kHz that a packet decodes to; 0 if it is no packet.
///
/// Source: RFC 6716 §3.1 (the TOC byte) and §3.2 (frames in a packet, at most 120 ms).
#[must_use]
pub fn samples(packet: &[u8]) -> u16 {
    let mut cursor = Cursor::new(packet);
    let Ok(toc) = cursor.u8() else { return 0 };
    let frame = match toc >> 3 {
        config @ 0..=11 => match config & 3 {
            0 => 480,
            1 => 960,
            2 => 1920,
            _ => 2880,
        },
        config @ 12..=15 => 480 << (config & 1),
        config => 120 << (config & 3),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => cursor.u8().map_or(0, |count| u16::from(count & 0x3f)),
    };
    let samples = u16::saturating_mul(frame, frames);
    if samples > 5760 { 0 } else { samples }
}

/// The control header that precedes a packet of `packet_bytes` in MPEG-TS.
///
/// Source: "Encapsulation of Opus in MPEG-2 transport streams", as FFmpeg, OBS and GStreamer write
/// it: an 11-bit prefix of 0x3ff, three flags (none set here), the size in bytes of 255 and a rest.
#[must_use]
pub fn ts_control_header(packet_bytes: usize) -> SmallVec<[u8; 8]> {
    let mut header = SmallVec::new();
    header.extend_from_slice(&[0x7f, 0xe0]);
    let mut left = packet_bytes;
    while left >= 255 {
        header.push(255);
        left -= 255;
    }
    header.push(u8::try_from(left).unwrap_or(0));
    header
}

/// Takes one packet with its control header; returns the packet.
///
/// Errors: `NoSync` without the prefix, `Truncated` where a size runs past the end.
pub fn take_ts_packet<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], CodecError> {
    let head = cursor.u16()?;
    if head >> 5 != 0x3ff {
        return Err(CodecError::NoSync("opus"));
    }
    let mut size = 0_usize;
    loop {
        let byte = cursor.u8()?;
        size += usize::from(byte);
        if byte != u8::MAX {
            break;
        }
    }
    let (has_start_trim, has_end_trim) = (head & 0x10 != 0, head & 0x08 != 0);
    cursor.skip(2 * (usize::from(has_start_trim) + usize::from(has_end_trim)))?;
    if head & 0x04 != 0 {
        let extension = usize::from(cursor.u8()?);
        cursor.skip(extension)?;
    }
    Ok(cursor.take(size)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn toc_says_how_long_a_packet_plays() {
        // 20 ms CELT, 10 ms SILK, 60 ms SILK, 2 x 20 ms hybrid, 3 x 2.5 ms, nothing.
        let table: [(&[u8], u16); 6] = [
            (&[0xfc], 960),
            (&[0], 480),
            (&[0x18], 2880),
            (&[0x69], 1920),
            (&[0x83, 3], 360),
            (&[], 0),
        ];
        for (packet, expected) in table {
            assert_eq!(samples(packet), expected, "{packet:x?}");
        }
    }

    proptest! {
        #[test]
        fn control_headers_round_trip(packet in proptest::collection::vec(any::<u8>(), 0..1200)) {
            let mut out = ts_control_header(packet.len()).to_vec();
            out.extend_from_slice(&packet);
            let mut cursor = Cursor::new(&out);
            prop_assert_eq!(take_ts_packet(&mut cursor).unwrap(), &packet);
            prop_assert!(cursor.is_empty());
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = samples(&bytes);
            let _ = take_ts_packet(&mut Cursor::new(&bytes));
        }
    }
}
