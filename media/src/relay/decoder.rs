//! From bytes to frames, on the asking side. Nothing is told before its MAC holds.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};

use super::mac::FrameMac;
use super::{
    BODY_BYTES_MAX, FLAG_KEYFRAME, Frame, HEAD_BYTES, KIND_DISCONTINUITY, KIND_END, KIND_HEARTBEAT,
    KIND_PACKET, KIND_TRACKS, MAC_BYTES, MAGIC, PACKET_HEAD_BYTES, RelayError, tracks,
};
use crate::cursor::Cursor;
use crate::packet::{MediaPacket, StreamItem};
use crate::time::Ticks;
use crate::track::{Track, TrackId};

/// Reads one answer. Holds at most one frame and what came with it.
#[derive(Debug)]
pub struct Decoder {
    mac: FrameMac,
    buffer: BytesMut,
    /// Number of the next frame; none before the magic was read.
    sequence: Option<u64>,
    tracks: Arc<[Track]>,
    is_ended: bool,
}

impl Decoder {
    /// Reads what was proved with the same key.
    #[must_use]
    pub fn new(mac: FrameMac) -> Self {
        let tracks = Arc::new([]);
        Self { mac, buffer: BytesMut::new(), sequence: None, tracks, is_ended: false }
    }

    /// Takes what the connection brought and yields all frames that are whole now.
    ///
    /// Errors: [`RelayError`]; the answer is not to be read on then.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, RelayError> {
        self.buffer.extend_from_slice(bytes);
        let mut frames = Vec::new();
        while let Some(frame) = self.next_frame()? {
            frames.push(frame);
        }
        Ok(frames)
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, RelayError> {
        let Some(wanted) = self.sequence else {
            let Some(magic) = self.buffer.first_chunk().copied() else {
                return Ok(None);
            };
            if magic != *MAGIC {
                return Err(RelayError::WrongMagic(magic));
            }
            self.buffer.advance(MAGIC.len());
            self.sequence = Some(0);
            return self.next_frame();
        };
        if self.is_ended && !self.buffer.is_empty() {
            return Err(RelayError::Ended);
        }
        let mut head = Cursor::new(&self.buffer);
        if head.remaining() < HEAD_BYTES {
            return Ok(None);
        }
        let (got, kind, length) = (head.u64()?, head.u8()?, head.u32()?);
        if got != wanted {
            return Err(RelayError::WrongSequence { wanted, got });
        }
        let body_bytes = match usize::try_from(length) {
            Ok(bytes) if bytes <= BODY_BYTES_MAX => bytes,
            _ => return Err(RelayError::TooLong { bytes: length }),
        };
        if head.remaining() < body_bytes + MAC_BYTES {
            return Ok(None);
        }
        let mut frame = self.buffer.split_to(HEAD_BYTES + body_bytes + MAC_BYTES).freeze();
        let mac = frame.split_off(HEAD_BYTES + body_bytes);
        if !self.mac.holds(&frame, &mac) {
            return Err(RelayError::WrongMac { sequence: wanted });
        }
        self.sequence = Some(wanted.wrapping_add(1));
        self.read_body(kind, frame.split_off(HEAD_BYTES)).map(Some)
    }

    fn read_body(&mut self, kind: u8, body: Bytes) -> Result<Frame, RelayError> {
        let frame = match kind {
            KIND_PACKET => return self.read_packet(body),
            KIND_TRACKS => {
                let mut cursor = Cursor::new(&body);
                self.tracks = tracks::read(&mut cursor)?;
                none_left(cursor.remaining())?;
                return Ok(Frame::Item(StreamItem::Tracks(Arc::clone(&self.tracks))));
            }
            KIND_DISCONTINUITY => Frame::Item(StreamItem::Discontinuity),
            KIND_HEARTBEAT => Frame::Heartbeat,
            KIND_END => Frame::End,
            value => return Err(RelayError::Unknown { what: "kind of frame", value }),
        };
        none_left(body.len())?;
        self.is_ended = frame == Frame::End;
        Ok(frame)
    }

    fn read_packet(&self, mut body: Bytes) -> Result<Frame, RelayError> {
        let mut head = Cursor::new(&body);
        let (track, flags) = (head.u8()?, head.u8()?);
        let [dts, pts] = [head.array()?, head.array()?].map(i64::from_be_bytes).map(Ticks);
        if self.tracks.iter().all(|known| known.id.0 != track) {
            return Err(RelayError::UnknownTrack { track });
        }
        let payload = body.split_off(PACKET_HEAD_BYTES);
        let is_keyframe = flags & FLAG_KEYFRAME != 0;
        let packet = MediaPacket { track: TrackId(track), dts, pts, is_keyframe, payload };
        Ok(Frame::Item(StreamItem::Packet(packet)))
    }
}

fn none_left(bytes: usize) -> Result<(), RelayError> {
    if bytes == 0 { Ok(()) } else { Err(RelayError::TrailingBytes { bytes }) }
}
