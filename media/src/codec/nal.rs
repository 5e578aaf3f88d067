//! The two framings of H.264 and H.265 access units, and how to get from one to the other.
//!
//! The packet model wants each NAL unit behind a 4-byte size; MPEG-TS wants start codes between
//! them. An iterator for each form yields the NAL units without their framing.

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memmem;

use super::CodecError;

/// Iterates over the NAL units behind 4-byte big-endian sizes.
///
/// Source: ISO/IEC 14496-15 §4.3.3. Stops at the first size that runs past the end; empty units are
/// left out.
pub fn length_prefixed(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        loop {
            let (size, after) = rest.split_first_chunk::<4>()?;
            let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
            let (unit, after) = after.split_at_checked(size)?;
            rest = after;
            if !unit.is_empty() {
                return Some(unit);
            }
        }
    })
}

/// Iterates over the NAL units between start codes (`00 00 01`).
///
/// Source: ISO/IEC 14496-10 Annex B. What stands before the first start code is no NAL unit; zero
/// bytes at a unit's end are padding, as a NAL unit never ends in one; empty units are left out.
pub fn annex_b(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut starts = memmem::find_iter(payload, START_CODE);
    let mut start = starts.next();
    std::iter::from_fn(move || {
        loop {
            let from = start? + START_CODE.len();
            start = starts.next();
            let unit = payload.get(from..start.unwrap_or(payload.len()))?;
            let unit = trim_trailing_zeros(unit);
            if !unit.is_empty() {
                return Some(unit);
            }
        }
    })
}

/// Rewrites start codes as 4-byte sizes.
#[must_use]
pub fn annex_b_to_lengths(payload: &[u8]) -> Bytes {
    to_lengths(annex_b(payload), payload.len() + 16)
}

/// Writes `units` one after the other, each behind its 4-byte size.
///
/// `capacity` is a hint. Units of 4 GiB and more are left out, as no size can say them.
pub fn to_lengths<'a>(units: impl Iterator<Item = &'a [u8]>, capacity: usize) -> Bytes {
    let mut out = BytesMut::with_capacity(capacity);
    for unit in units {
        if let Ok(size) = u32::try_from(unit.len()) {
            out.put_u32(size);
            out.put_slice(unit);
        }
    }
    out.freeze()
}

/// Brings an access unit with sizes of `length_size` bytes to sizes of 4 bytes.
///
/// Copies nothing when they are 4 bytes wide already; the sizes are checked in any case.
/// Errors: `LengthSize` for widths other than 1, 2 and 4 (ISO/IEC 14496-15 §5.3.3.1.2);
/// `NalUnitTooLong` or `Truncated` if a size or a unit runs past the end.
pub fn to_four_byte_lengths(payload: Bytes, length_size: u8) -> Result<Bytes, CodecError> {
    match length_size {
        4 => {
            walk(&payload, 4, |_| ())?;
            Ok(payload)
        }
        1 | 2 => {
            let mut out = BytesMut::with_capacity(payload.len() + 32);
            walk(&payload, usize::from(length_size), |unit| {
                if let Ok(size) = u32::try_from(unit.len()) {
                    out.put_u32(size);
                    out.put_slice(unit);
                }
            })?;
            Ok(out.freeze())
        }
        other => Err(CodecError::LengthSize(other)),
    }
}

const START_CODE: &[u8] = &[0, 0, 1];

fn trim_trailing_zeros(unit: &[u8]) -> &[u8] {
    let end = unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    unit.get(..end).unwrap_or_default()
}

fn walk(payload: &[u8], length_size: usize, mut each: impl FnMut(&[u8])) -> Result<(), CodecError> {
    let mut cursor = crate::cursor::Cursor::new(payload);
    while !cursor.is_empty() {
        let size = cursor.take(length_size)?;
        let size = size.iter().fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte));
        let left = cursor.remaining();
        let unit = cursor.take(size).map_err(|_| CodecError::NalUnitTooLong { size, left })?;
        each(unit);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn start_codes_of_three_and_four_bytes_both_split() {
        let payload = [9, 0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 0, 0, 1, 0x65, 0, 3, 0, 0];
        let units: Vec<&[u8]> = annex_b(&payload).collect();
        assert_eq!(units, [&[0x67, 1][..], &[0x68, 2], &[0x65, 0, 3]]);
    }

    #[test]
    fn payload_without_start_code_has_no_units() {
        assert_eq!(annex_b(&[1, 2, 3]).count(), 0);
        assert_eq!(annex_b(&[0, 0, 1]).count(), 0);
        assert_eq!(annex_b(&[]).count(), 0);
    }

    #[test]
    fn four_byte_sizes_are_not_copied() {
        let payload = Bytes::from_static(&[0, 0, 0, 2, 0x65, 1, 0, 0, 0, 1, 9]);
        let same = to_four_byte_lengths(payload.clone(), 4).unwrap();
        assert_eq!(same.as_ptr(), payload.as_ptr());
    }

    #[test]
    fn narrow_sizes_are_widened() {
        let two = Bytes::from_static(&[0, 2, 0x65, 1, 0, 1, 9]);
        let one = Bytes::from_static(&[2, 0x65, 1, 1, 9]);
        let four: &[u8] = &[0, 0, 0, 2, 0x65, 1, 0, 0, 0, 1, 9];
        assert_eq!(to_four_byte_lengths(two, 2).unwrap(), four);
        assert_eq!(to_four_byte_lengths(one, 1).unwrap(), four);
    }

    #[test]
    fn wrong_sizes_are_errors() {
        let long = Bytes::from_static(&[0, 0, 0, 3, 1, 2]);
        let error = CodecError::NalUnitTooLong { size: 3, left: 2 };
        assert_eq!(to_four_byte_lengths(long.clone(), 4), Err(error));
        assert_eq!(to_four_byte_lengths(long, 3), Err(CodecError::LengthSize(3)));
        let short = Bytes::from_static(&[0, 0, 0]);
        assert!(matches!(to_four_byte_lengths(short, 4), Err(CodecError::Truncated(_))));
    }

    proptest! {
        #[test]
        fn both_framings_carry_the_same_units(
            units in proptest::collection::vec(proptest::collection::vec(1_u8.., 1..50), 0..8)
        ) {
            let mut annexed = Vec::new();
            for unit in &units {
                annexed.extend_from_slice(&[0, 0, 0, 1]);
                annexed.extend_from_slice(unit);
            }
            let lengths = annex_b_to_lengths(&annexed);
            let read: Vec<&[u8]> = length_prefixed(&lengths).collect();
            prop_assert_eq!(&read, &units);
            prop_assert_eq!(to_four_byte_lengths(lengths.clone(), 4).unwrap(), lengths);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(0_u8..4, 0..200)) {
            annex_b(&bytes).for_each(drop);
            length_prefixed(&bytes).for_each(drop);
            for width in 0..6 {
                let _ = to_four_byte_lengths(Bytes::copy_from_slice(&bytes), width);
            }
        }
    }
}
