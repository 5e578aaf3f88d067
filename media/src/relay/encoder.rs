//! From frames to bytes, on the holder's side.

use bytes::{BufMut, Bytes, BytesMut};

use super::mac::FrameMac;
use super::{
    BODY_BYTES_MAX, FLAG_KEYFRAME, Frame, FrameTooLong, HEAD_BYTES, KIND_DISCONTINUITY, KIND_END,
    KIND_HEARTBEAT, KIND_PACKET, KIND_TRACKS, MAC_BYTES, PACKET_HEAD_BYTES, tracks,
};
use crate::packet::{MediaPacket, StreamItem};

/// Numbers and proves the frames of one answer.
#[derive(Debug)]
pub struct Encoder {
    mac: FrameMac,
    sequence: u64,
}

/// A frame to be sent in this order. The payload is the packet's own, not copied; it is empty for
/// all other kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedFrame {
    /// Head, and the body but for the payload.
    pub head: Bytes,
    /// The payload.
    pub payload: Bytes,
    /// The MAC.
    pub mac: Bytes,
}

impl Encoder {
    /// Begins with frame 0.
    #[must_use]
    pub const fn new(mac: FrameMac) -> Self {
        Self { mac, sequence: 0 }
    }

    /// Writes the next frame.
    ///
    /// Errors: [`FrameTooLong`]; the frame is as if it had never been, and the next one may follow.
    pub fn encode(&mut self, frame: &Frame) -> Result<EncodedFrame, FrameTooLong> {
        let (kind, payload) = match frame {
            Frame::Item(StreamItem::Tracks(_)) => (KIND_TRACKS, Bytes::new()),
            Frame::Item(StreamItem::Packet(packet)) => (KIND_PACKET, packet.payload.clone()),
            Frame::Item(StreamItem::Discontinuity) => (KIND_DISCONTINUITY, Bytes::new()),
            Frame::Heartbeat => (KIND_HEARTBEAT, Bytes::new()),
            Frame::End => (KIND_END, Bytes::new()),
        };
        let mut body = BytesMut::with_capacity(PACKET_HEAD_BYTES);
        match frame {
            Frame::Item(StreamItem::Tracks(all)) => tracks::write(all, &mut body),
            Frame::Item(StreamItem::Packet(packet)) => write_packet_head(packet, &mut body),
            Frame::Item(StreamItem::Discontinuity) | Frame::Heartbeat | Frame::End => {}
        }
        let bytes = body.len().saturating_add(payload.len());
        let length = match u32::try_from(bytes) {
            Ok(length) if bytes <= BODY_BYTES_MAX => length,
            _ => return Err(FrameTooLong { bytes }),
        };
        let mut out = BytesMut::with_capacity(HEAD_BYTES + body.len() + MAC_BYTES);
        out.put_u64(self.sequence);
        out.put_u8(kind);
        out.put_u32(length);
        out.put_slice(&body);
        let mac = self.mac.of(&[&out, &payload]);
        self.sequence += 1;
        let head = out.split().freeze();
        out.put_slice(&mac);
        Ok(EncodedFrame { head, payload, mac: out.freeze() })
    }
}

fn write_packet_head(packet: &MediaPacket, out: &mut BytesMut) {
    out.put_u8(packet.track.0);
    out.put_u8(if packet.is_keyframe { FLAG_KEYFRAME } else { 0 });
    out.put_i64(packet.dts.0);
    out.put_i64(packet.pts.0);
}
