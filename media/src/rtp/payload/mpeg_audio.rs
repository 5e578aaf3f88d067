//! MPEG-1 and MPEG-2 audio (MP3) in RTP, payload type 14 with a clock of 90 kHz.
//!
//! Layout: `| must be zero 2 B | offset in the frame 2 B | frames, or a piece of one |`
//! Source: RFC 2250 §3.5.

use bytes::{Bytes, BytesMut};

use super::{PAYLOAD_BYTES_MAX, Unit};
use crate::codec::mpeg_audio::MpegAudioHeader;
use crate::cursor::Cursor;
use crate::rtp::RtpError;
use crate::rtp::packet::RtpPacket;
use crate::rtp::source::PacketSink;

/// Source: RFC 3551 §6, payload type 14.
pub(crate) const CLOCK_RATE: u32 = 90_000;

const HEAD_BYTES: usize = 4;
/// No frame is longer: 448 kbit/s at 32 kHz are 2,016 bytes, layer I and free formats less.
const FRAME_BYTES_MAX: usize = 4096;

/// Writes a frame, in pieces if it has to be. Nothing is marked: no talk spurt begins.
pub(super) fn put_access_unit(payload: &[u8], sink: &mut PacketSink<'_>) {
    let piece_bytes = PAYLOAD_BYTES_MAX - HEAD_BYTES;
    for (index, piece) in payload.chunks(piece_bytes).enumerate() {
        let [high, low] = u16::try_from(index * piece_bytes).unwrap_or(u16::MAX).to_be_bytes();
        sink.put(false, &[&[0, 0, high, low], piece]);
    }
}

/// Reads the packets of one track.
#[derive(Debug, Default)]
pub(super) struct MpegAudioDepayloader {
    begun: BytesMut,
    time: u32,
}

impl MpegAudioDepayloader {
    pub(super) fn lose(&mut self) {
        self.begun.clear();
    }

    pub(super) fn push(
        &mut self,
        packet: &RtpPacket<'_>,
        units: &mut Vec<Unit>,
    ) -> Result<(), RtpError> {
        let mut cursor = Cursor::new(packet.payload);
        cursor.skip(2)?;
        let offset = usize::from(cursor.u16()?);
        if offset != self.begun.len() {
            self.begun.clear();
            if offset > 0 {
                return Err(RtpError::Damaged);
            }
        }
        if offset == 0 {
            self.time = packet.header.time;
        }
        self.begun.extend_from_slice(cursor.rest());
        while !self.begun.is_empty() {
            let Ok(header) = MpegAudioHeader::parse(&self.begun) else {
                self.begun.clear();
                return Err(RtpError::Damaged);
            };
            if header.frame_bytes > self.begun.len() {
                if self.begun.len() > FRAME_BYTES_MAX {
                    self.begun.clear();
                    return Err(RtpError::TooLong(header.frame_bytes));
                }
                break;
            }
            let payload: Bytes = self.begun.split_to(header.frame_bytes).freeze();
            units.push(Unit { time: self.time, payload });
            let length = u32::from(header.samples) * CLOCK_RATE / header.audio.sample_rate.max(1);
            self.time = self.time.wrapping_add(length);
        }
        Ok(())
    }
}
