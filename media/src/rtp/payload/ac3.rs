//! AC-3 in RTP.
//!
//! Layout: `| must be zero 6 bits | frame type 2 bits | number of frames or pieces 1 B | data |`
//! Source: RFC 4184 §4.

use bytes::BytesMut;

use super::{PAYLOAD_BYTES_MAX, Unit};
use crate::codec::ac3::Ac3Header;
use crate::cursor::Cursor;
use crate::rtp::RtpError;
use crate::rtp::packet::RtpPacket;
use crate::rtp::source::PacketSink;

const HEAD_BYTES: usize = 2;
/// Frame types. Source: RFC 4184 §4.2.
const WHOLE_FRAMES: u8 = 0;
/// The first piece has the first five eighths of the frame, which decode alone.
const FIRST_WITH_FIVE_EIGHTHS: u8 = 1;
const FIRST: u8 = 2;
const LATER: u8 = 3;
/// 640 kbit/s at 32 kHz. Source: ETSI TS 102 366 table 4.13.
const FRAME_BYTES_MAX: usize = 3840;

/// Writes a frame, in pieces if it has to be; the marker stands on the last.
pub(super) fn put_access_unit(payload: &[u8], sink: &mut PacketSink<'_>) {
    let piece_bytes = PAYLOAD_BYTES_MAX - HEAD_BYTES;
    let count = payload.len().div_ceil(piece_bytes);
    for (index, piece) in payload.chunks(piece_bytes).enumerate() {
        let kind = match index {
            0 if count == 1 => WHOLE_FRAMES,
            0 if piece.len() * 8 >= payload.len() * 5 => FIRST_WITH_FIVE_EIGHTHS,
            0 => FIRST,
            _ => LATER,
        };
        let head = [kind, u8::try_from(count).unwrap_or(u8::MAX)];
        sink.put(index + 1 == count, &[&head, piece]);
    }
}

/// Reads the packets of one track.
#[derive(Debug, Default)]
pub(super) struct Ac3Depayloader {
    begun: BytesMut,
    time: u32,
}

impl Ac3Depayloader {
    pub(super) fn lose(&mut self) {
        self.begun.clear();
    }

    pub(super) fn push(
        &mut self,
        packet: &RtpPacket<'_>,
        units: &mut Vec<Unit>,
    ) -> Result<(), RtpError> {
        let mut cursor = Cursor::new(packet.payload);
        let [kind, _count] = cursor.array()?;
        if kind & 3 == LATER {
            if self.begun.is_empty() || packet.header.time != self.time {
                self.begun.clear();
                return Err(RtpError::Damaged);
            }
        } else {
            self.begun.clear();
            self.time = packet.header.time;
        }
        self.begun.extend_from_slice(cursor.rest());
        while !self.begun.is_empty() {
            let header = match Ac3Header::parse(&self.begun) {
                Ok(header) if header.frame_bytes <= FRAME_BYTES_MAX => header,
                _ => {
                    self.begun.clear();
                    return Err(RtpError::Damaged);
                }
            };
            if header.frame_bytes > self.begun.len() {
                break;
            }
            let payload = self.begun.split_to(header.frame_bytes).freeze();
            units.push(Unit { time: self.time, payload });
            // The clock is the sampling rate (RFC 4184 §5.1).
            self.time = self.time.wrapping_add(header.samples.into());
        }
        Ok(())
    }
}
