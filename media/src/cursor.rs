//! Checked big-endian reads; the only place that takes bytes from outside by position.
//!
//! A parser holds a [`Cursor`] over its input and asks it for the next field. Running past the end
//! is an error value that says how much was wanted, never a panic.

use thiserror::Error;

/// The input ended before the field did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("truncated: {wanted} bytes wanted, {got} left")]
pub struct Truncated {
    /// Bytes the field needs.
    pub wanted: usize,
    /// Bytes that were left.
    pub got: usize,
}

/// Reads forward through a byte slice.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Starts at the first byte of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes not read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything has been read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes the next `count` bytes.
    ///
    /// Errors: [`Truncated`] if fewer are left; nothing is consumed then.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Truncated> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(Truncated { wanted: count, got: self.rest.len() });
        };
        self.rest = rest;
        Ok(taken)
    }

    /// Takes the next `N` bytes as an array.
    ///
    /// Errors: [`Truncated`] if fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(Truncated { wanted: N, got: self.rest.len() });
        };
        self.rest = rest;
        Ok(*taken)
    }

    /// Skips `count` bytes.
    ///
    /// Errors: [`Truncated`] if fewer are left.
    pub fn skip(&mut self, count: usize) -> Result<(), Truncated> {
        self.take(count).map(|_| ())
    }

    /// Reads one byte.
    ///
    /// Errors: [`Truncated`] at the end, as for all the readers below.
    pub fn u8(&mut self) -> Result<u8, Truncated> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Reads 16 bits, big-endian.
    ///
    /// Errors: [`Truncated`].
    pub fn u16(&mut self) -> Result<u16, Truncated> {
        self.array().map(u16::from_be_bytes)
    }

    /// Reads 24 bits, big-endian.
    ///
    /// Errors: [`Truncated`].
    pub fn u24(&mut self) -> Result<u32, Truncated> {
        self.array::<3>().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// Reads 32 bits, big-endian.
    ///
    /// Errors: [`Truncated`].
    pub fn u32(&mut self) -> Result<u32, Truncated> {
        self.array().map(u32::from_be_bytes)
    }

    /// Reads 32 bits, little-endian (the RTMP message stream id).
    ///
    /// Errors: [`Truncated`].
    pub fn u32_le(&mut self) -> Result<u32, Truncated> {
        self.array().map(u32::from_le_bytes)
    }

    /// Reads 64 bits, big-endian.
    ///
    /// Errors: [`Truncated`].
    pub fn u64(&mut self) -> Result<u64, Truncated> {
        self.array().map(u64::from_be_bytes)
    }

    /// Reads an IEEE 754 double, big-endian (AMF0 numbers).
    ///
    /// Errors: [`Truncated`].
    pub fn f64(&mut self) -> Result<f64, Truncated> {
        self.array().map(f64::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields_in_order() {
        let mut cursor = Cursor::new(&[1, 0, 2, 0, 0, 3, 9, 8]);
        assert_eq!(cursor.u8(), Ok(1));
        assert_eq!(cursor.u16(), Ok(2));
        assert_eq!(cursor.u24(), Ok(3));
        assert_eq!(cursor.rest(), &[9, 8]);
    }

    #[test]
    fn running_past_the_end_is_an_error_that_consumes_nothing() {
        let mut cursor = Cursor::new(&[1, 2]);
        assert_eq!(cursor.u32(), Err(Truncated { wanted: 4, got: 2 }));
        assert_eq!(cursor.u16(), Ok(0x0102));
        assert!(cursor.is_empty());
    }
}
