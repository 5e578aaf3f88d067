//! AAC in RTP as GStreamer's `rtpmp4apay` and some cameras send it: `MP4A-LATM`, only read.
//!
//! Layout: `| { size: 255 * n, then < 255; 1 B each | access unit }+ |`, cut over packets anywhere;
//! the marker stands on the last. Source: RFC 6416 §6.1 to §6.3, with the configuration in the
//! description (`cpresent=0`); nobody was seen to send it in the packets.

use bytes::{Bytes, BytesMut};

use super::Unit;
use crate::codec::aac::AacDetails;
use crate::codec::bits::Bits;
use crate::cursor::Cursor;
use crate::rtp::RtpError;
use crate::rtp::packet::RtpPacket;

/// Longest element that is put together: 64 frames of the longest kind (6,144 bits a channel).
const ELEMENT_BYTES_MAX: usize = 64 * 768 * 8;

/// Takes the `AudioSpecificConfig` out of a `StreamMuxConfig`; `None` for more than one layer, or
/// what is no AAC.
///
/// Source: ISO/IEC 14496-3 §1.7.3.1, table 1.42.
pub(crate) fn audio_specific_config(stream_mux_config: &[u8]) -> Option<Vec<u8>> {
    let mut bits = Bits::new(stream_mux_config);
    let version = bits.bits(1).ok()?;
    let has_one_timing = bits.flag().ok()?;
    bits.skip(6).ok()?;
    let programs_and_layers = bits.bits(4 + 3).ok()?;
    if version != 0 || !has_one_timing || programs_and_layers != 0 {
        return None;
    }
    let mut config = Vec::new();
    while bits.remaining() > 0 {
        let count = u32::try_from(bits.remaining().min(8)).unwrap_or(8);
        config.push(bits.small(count).ok()? << (8 - count));
    }
    // What follows belongs to the multiplex, and the configuration does not say where it ends.
    let details = AacDetails::parse(&config).ok()?;
    let has_plain_rate = config.get(..2).is_some_and(|head| {
        let [first, second] = [head.first(), head.get(1)].map(|byte| byte.copied().unwrap_or(0));
        (first & 7) << 1 | second >> 7 != 15
    });
    if has_plain_rate && details.channel_configuration > 0 {
        if details.signalled_type == details.object_type {
            config.truncate(2);
        } else if let Some([_, _, _, last]) = config.get_mut(..4) {
            *last &= 0x80;
            config.truncate(4);
        }
    }
    Some(config)
}

/// Reads the packets of one track.
#[derive(Debug)]
pub(super) struct LatmDepayloader {
    /// RTP time that an access unit takes.
    unit_time: u32,
    begun: BytesMut,
    time: u32,
}

impl LatmDepayloader {
    pub(super) fn new(unit_time: u32) -> Self {
        Self { unit_time, begun: BytesMut::new(), time: 0 }
    }

    pub(super) fn lose(&mut self) {
        self.begun.clear();
    }

    pub(super) fn push(
        &mut self,
        packet: &RtpPacket<'_>,
        units: &mut Vec<Unit>,
    ) -> Result<(), RtpError> {
        if self.time != packet.header.time {
            self.begun.clear();
            self.time = packet.header.time;
        }
        let size = self.begun.len() + packet.payload.len();
        if size > ELEMENT_BYTES_MAX {
            self.begun.clear();
            return Err(RtpError::TooLong(size));
        }
        self.begun.extend_from_slice(packet.payload);
        if !packet.header.is_marked {
            return Ok(());
        }
        let element = self.begun.split();
        let mut cursor = Cursor::new(&element);
        let mut time = self.time;
        while !cursor.is_empty() {
            let unit = take_unit(&mut cursor)?;
            if !unit.is_empty() {
                units.push(Unit { time, payload: Bytes::copy_from_slice(unit) });
            }
            time = time.wrapping_add(self.unit_time);
        }
        Ok(())
    }
}

/// Source: ISO/IEC 14496-3 §1.7.3.1, tables 1.44 and 1.45 (`PayloadLengthInfo`, `PayloadMux`).
fn take_unit<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], RtpError> {
    let mut size = 0;
    loop {
        let byte = cursor.u8()?;
        size += usize::from(byte);
        if byte < u8::MAX {
            return Ok(cursor.take(size)?);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_is_found_in_the_multiplex() {
        // As GStreamer writes it, as FFmpeg does, and HE-AAC of a camera.
        let table: [(&[u8], &[u8]); 3] = [
            (&[0x40, 0x00, 0x24, 0x20], &[0x12, 0x10]),
            (&[0x40, 0x00, 0x24, 0x20, 0x3f, 0xc0], &[0x12, 0x10]),
            (&[0x40, 0x00, 0x56, 0x23, 0x10, 0x1f, 0xe0], &[0x2b, 0x11, 0x88, 0x00]),
        ];
        for (multiplex, expected) in table {
            assert_eq!(audio_specific_config(multiplex).as_deref(), Some(expected));
        }
    }

    #[test]
    fn several_layers_and_other_versions_are_refused() {
        for multiplex in [&[0xc0, 0, 0x24, 0x20], &[0x40, 0x02, 0x24, 0x20], &[0, 0, 0x24, 0x20]] {
            assert_eq!(audio_specific_config(multiplex), None);
        }
        assert_eq!(audio_specific_config(&[]), None);
        assert_eq!(audio_specific_config(&[0x40]), None);
    }
}
