//! Bit-wise reads of parameter sets and headers.
//!
//! [`Bits`] reads most significant bit first and understands the Exp-Golomb codes of H.264 and
//! H.265. NAL units are read through [`unescape`], which drops the bytes that keep start codes out
//! of them.

use super::CodecError;

/// Reads forward through the bits of a byte slice.
#[derive(Clone, Debug)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Bits<'a> {
    /// Starts at the first bit of `bytes`.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// How many bits are left.
    pub(crate) const fn remaining(&self) -> usize {
        self.bytes.len().saturating_mul(8).saturating_sub(self.position)
    }

    /// Reads one bit.
    pub(crate) fn flag(&mut self) -> Result<bool, CodecError> {
        let byte = self.bytes.get(self.position / 8).ok_or(CodecError::BitsEnded)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Ok(bit == 1)
    }

    /// Reads up to 32 bits as an unsigned number.
    pub(crate) fn bits(&mut self, count: u32) -> Result<u32, CodecError> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.flag()?);
        }
        Ok(value)
    }

    /// Reads up to 8 bits.
    pub(crate) fn small(&mut self, count: u32) -> Result<u8, CodecError> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u8::from(self.flag()?);
        }
        Ok(value)
    }

    /// Skips `count` bits.
    pub(crate) fn skip(&mut self, count: usize) -> Result<(), CodecError> {
        if count > self.remaining() {
            return Err(CodecError::BitsEnded);
        }
        self.position += count;
        Ok(())
    }

    /// Reads `ue(v)`. Source: ISO/IEC 14496-10 §9.1.
    pub(crate) fn ue(&mut self) -> Result<u32, CodecError> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return Err(CodecError::OutOfRange { field: "exp-golomb prefix", value: zeros });
            }
        }
        let suffix = self.bits(zeros)?;
        Ok((1_u32 << zeros) - 1 + suffix)
    }

    /// Reads `ue(v)` and refuses what is above `max`.
    pub(crate) fn ue_max(&mut self, field: &'static str, max: u32) -> Result<u32, CodecError> {
        let value = self.ue()?;
        if value > max {
            return Err(CodecError::OutOfRange { field, value });
        }
        Ok(value)
    }

    /// Reads `se(v)`. Source: ISO/IEC 14496-10 §9.1.1.
    pub(crate) fn se(&mut self) -> Result<i64, CodecError> {
        let code = i64::from(self.ue()?);
        Ok(if code % 2 == 1 { code / 2 + 1 } else { -(code / 2) })
    }
}

/// Drops emulation prevention bytes (`00 00 03` becomes `00 00`).
///
/// Source: ISO/IEC 14496-10 §7.4.1, ITU-T H.265 §7.4.2.
pub(crate) fn unescape(nal_unit: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(nal_unit.len());
    let mut zeros = 0;
    for &byte in nal_unit {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        raw.push(byte);
    }
    raw
}

/// Reduces a frame rate to lowest terms; `None` unless it lies between 1/10 and 1000.
pub(crate) fn frame_rate(numerator: u64, denominator: u64) -> Option<(u32, u32)> {
    let divisor = greatest_common_divisor(numerator, denominator);
    let numerator = u32::try_from(numerator.checked_div(divisor)?).ok()?;
    let denominator = u32::try_from(denominator.checked_div(divisor)?).ok()?;
    let (wide, unit) = (u64::from(numerator), u64::from(denominator));
    let is_plausible = unit > 0 && wide * 10 >= unit && wide <= unit * 1000;
    is_plausible.then_some((numerator, denominator))
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_read_as_in_the_standard() {
        // 1 | 010 | 011 | 00100 | 00101 and one bit of padding
        let bytes = [0b1010_0110, 0b0100_0010, 0b1000_0000];
        let mut bits = Bits::new(&bytes);
        let values: Vec<u32> = (0..5).map(|_| bits.ue().unwrap()).collect();
        assert_eq!(values, [0, 1, 2, 3, 4]);

        let mut bits = Bits::new(&bytes);
        let values: Vec<i64> = (0..5).map(|_| bits.se().unwrap()).collect();
        assert_eq!(values, [0, 1, -1, 2, -2]);
    }

    #[test]
    fn endless_zeros_are_an_error() {
        assert!(Bits::new(&[0; 16]).ue().is_err());
        assert_eq!(Bits::new(&[0; 2]).ue(), Err(CodecError::BitsEnded));
    }

    #[test]
    fn emulation_prevention_goes_only_after_two_zeros() {
        assert_eq!(unescape(&[0, 0, 3, 1, 3, 0, 3, 0, 0, 3]), [0, 0, 1, 3, 0, 3, 0, 0]);
    }

    #[test]
    fn frame_rates_are_reduced_and_nonsense_is_dropped() {
        assert_eq!(frame_rate(50, 2), Some((25, 1)));
        assert_eq!(frame_rate(60_000, 2002), Some((30_000, 1001)));
        assert_eq!(frame_rate(0, 0), None);
        assert_eq!(frame_rate(90_000, 2), None);
    }
}
