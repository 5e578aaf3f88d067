//! AAC in RTP: `mpeg4-generic`, mode AAC-hbr.
//!
//! ```text
//!  | AU-headers-length 2 B, in bits | { size, index }+ | padding | access unit | access unit …
//! ```
//!
//! Source: RFC 3640. Written with one access unit a packet; read with any number, and with the
//! field sizes that the SDP names. Interleaved access units are not put in order.

use bytes::{Bytes, BytesMut};

use super::{PAYLOAD_BYTES_MAX, Unit};
use crate::codec::bits::Bits;
use crate::rtp::packet::RtpPacket;
use crate::rtp::source::PacketSink;
use crate::rtp::{ACCESS_UNIT_BYTES_MAX, RtpError};

/// How AU headers are laid out, in bits; 0 says that a field is not there.
///
/// Source: RFC 3640 §4.1, the parameters of the SDP's `fmtp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuHeaderForm {
    pub(crate) size_length: u8,
    pub(crate) index_length: u8,
    pub(crate) index_delta_length: u8,
    pub(crate) cts_delta_length: u8,
    pub(crate) dts_delta_length: u8,
    pub(crate) has_random_access: bool,
    pub(crate) stream_state_length: u8,
    /// Bytes of each access unit where the headers do not say it; 0 if that differs.
    pub(crate) constant_size: u16,
}

/// Source: RFC 3640 §3.3.6.
pub(crate) const AAC_HBR: AuHeaderForm = AuHeaderForm {
    size_length: 13,
    index_length: 3,
    index_delta_length: 3,
    cts_delta_length: 0,
    dts_delta_length: 0,
    has_random_access: false,
    stream_state_length: 0,
    constant_size: 0,
};

/// `AU-headers-length` and one header.
const HEAD_BYTES: usize = 4;
/// A size of 13 bits says no more. Source: RFC 3640 §3.3.6.
const AU_BYTES_MAX: usize = (1 << 13) - 1;

/// Writes an access unit, in pieces if it has to be; the marker stands on the last.
///
/// Every piece says the size of the whole (§3.2.3). Those over 8,191 bytes cannot be said and are
/// left out; no AAC frame of up to eight channels is as large.
pub(super) fn put_access_unit(payload: &[u8], sink: &mut PacketSink<'_>) {
    let Some(size) = u16::try_from(payload.len()).ok().filter(|_| payload.len() <= AU_BYTES_MAX)
    else {
        return;
    };
    let [high, low] = (size << 3).to_be_bytes();
    let head = [0, 16, high, low];
    let piece_bytes = PAYLOAD_BYTES_MAX - HEAD_BYTES;
    let count = payload.len().div_ceil(piece_bytes);
    for (index, piece) in payload.chunks(piece_bytes).enumerate() {
        sink.put(index + 1 == count, &[&head, piece]);
    }
}

/// Reads the packets of one AAC track.
#[derive(Debug)]
pub(super) struct AacDepayloader {
    form: AuHeaderForm,
    /// RTP time that an access unit takes.
    unit_time: u32,
    /// The pieces of an access unit so far, and the time and size of the whole.
    begun: BytesMut,
    begun_as: Option<(u32, usize)>,
}

impl AacDepayloader {
    pub(super) fn new(form: AuHeaderForm, unit_time: u32) -> Self {
        Self { form, unit_time, begun: BytesMut::new(), begun_as: None }
    }

    pub(super) fn lose(&mut self) {
        self.begun.clear();
        self.begun_as = None;
    }

    pub(super) fn push(
        &mut self,
        packet: &RtpPacket<'_>,
        units: &mut Vec<Unit>,
    ) -> Result<(), RtpError> {
        let (headers, mut data) = self.split(packet.payload)?;
        let mut headers = Bits::new(headers);
        let mut time = packet.header.time;
        let mut is_first = true;
        while !data.is_empty() {
            let (size, ahead) = self.take_header(&mut headers, is_first, data.len())?;
            time = time.wrapping_add(ahead.wrapping_mul(self.unit_time));
            if size > data.len() || self.begun_as.is_some() {
                return self.piece(time, size, data, units);
            }
            let (unit, rest) = data.split_at(size);
            if !unit.is_empty() {
                units.push(Unit { time, payload: Bytes::copy_from_slice(unit) });
            } else if self.form.size_length == 0 {
                break;
            }
            data = rest;
            time = time.wrapping_add(self.unit_time);
            is_first = false;
            if self.header_bits(false) > headers.remaining() {
                break;
            }
        }
        Ok(())
    }

    /// The AU headers and what follows them.
    fn split<'a>(&self, payload: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), RtpError> {
        if self.header_bits(true) == 0 {
            return Ok((&[], payload));
        }
        let mut cursor = crate::cursor::Cursor::new(payload);
        let bits = usize::from(cursor.u16()?);
        let headers = cursor.take(bits.div_ceil(8))?;
        Ok((headers, cursor.rest()))
    }

    /// The least bits of a header.
    fn header_bits(&self, is_first: bool) -> usize {
        let form = &self.form;
        let index = if is_first { form.index_length } else { form.index_delta_length };
        let flags = u8::from(form.cts_delta_length > 0)
            + u8::from(form.dts_delta_length > 0)
            + u8::from(form.has_random_access);
        [form.size_length, index, flags, form.stream_state_length].map(usize::from).iter().sum()
    }

    /// The size of the next access unit, and how many were left out before it.
    ///
    /// Source: RFC 3640 §3.2.1.1.
    fn take_header(
        &self,
        headers: &mut Bits<'_>,
        is_first: bool,
        left: usize,
    ) -> Result<(usize, u32), RtpError> {
        let form = &self.form;
        let size = match (form.size_length, form.constant_size) {
            (0, 0) => left,
            (0, constant) => usize::from(constant).min(left),
            (bits, _) => usize::try_from(take_bits(headers, bits)?).unwrap_or(usize::MAX),
        };
        let index =
            take_bits(headers, if is_first { form.index_length } else { form.index_delta_length })?;
        // The composition offset is there for all but the first, if its flag is set.
        for length in [form.cts_delta_length, form.dts_delta_length] {
            if length > 0 && take_bits(headers, 1)? == 1 {
                take_bits(headers, length)?;
            }
        }
        take_bits(headers, u8::from(form.has_random_access))?;
        take_bits(headers, form.stream_state_length)?;
        Ok((size, if is_first { 0 } else { index.min(AHEAD_MAX) }))
    }

    fn piece(
        &mut self,
        time: u32,
        size: usize,
        piece: &[u8],
        units: &mut Vec<Unit>,
    ) -> Result<(), RtpError> {
        if size > ACCESS_UNIT_BYTES_MAX {
            self.lose();
            return Err(RtpError::TooLong(size));
        }
        if self.begun_as.is_some_and(|begun| begun != (time, size)) {
            self.lose();
            return Err(RtpError::Damaged);
        }
        self.begun_as = Some((time, size));
        self.begun.extend_from_slice(piece);
        if self.begun.len() >= size {
            let payload = self.begun.split().freeze();
            self.begun_as = None;
            if payload.len() > size {
                return Err(RtpError::Damaged);
            }
            units.push(Unit { time, payload });
        }
        Ok(())
    }
}

/// Access units left out between two of one packet: more is no interleaving, but nonsense.
const AHEAD_MAX: u32 = 32;

fn take_bits(bits: &mut Bits<'_>, count: u8) -> Result<u32, RtpError> {
    bits.bits(count.min(32).into()).map_err(|_| RtpError::AuHeader)
}
