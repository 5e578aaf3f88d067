//! Cuts messages into chunks.
//!
//! Media is written once for all players of a stream (see [`live`](super::live)), so the bytes of
//! a message are copied into one buffer, which all of them are then sent from.
//!
//! Source: RTMP 1.0 §5.3.1. Two liberties are not taken, because readers disagree on them: a new
//! message of format 3 never follows one of format 0, and deltas are never extended.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use smallvec::SmallVec;

use super::chunk_reader::{CHUNK_BYTES_DEFAULT, EXTENDED};
use super::message::{Message, MessageKind};

/// The chunk streams this node writes on; each keeps its own last header.
pub mod chunk_stream {
    /// Protocol control messages. Source: RTMP 1.0 §5.4.
    pub const CONTROL: u8 = 2;
    /// Commands.
    pub const COMMAND: u8 = 3;
    /// Audio.
    pub const AUDIO: u8 = 4;
    /// Metadata.
    pub const DATA: u8 = 5;
    /// Video.
    pub const VIDEO: u8 = 6;
}

/// Writes messages as chunks.
#[derive(Debug)]
pub struct ChunkWriter {
    chunk_bytes: usize,
    sent: SmallVec<[Sent; 6]>,
}

/// The last header of a chunk stream.
#[derive(Clone, Copy, Debug)]
struct Sent {
    chunk_stream: u8,
    stream_id: u32,
    kind: MessageKind,
    length: usize,
    timestamp: u32,
    /// `None` after a header of format 0.
    delta: Option<u32>,
}

impl Default for ChunkWriter {
    fn default() -> Self {
        Self { chunk_bytes: CHUNK_BYTES_DEFAULT, sent: SmallVec::new() }
    }
}

impl ChunkWriter {
    /// Cuts by `size` where the reader has been told so already. A size of 0 counts as 1.
    #[must_use]
    pub fn with_chunk_size(size: u32) -> Self {
        let mut writer = Self::default();
        writer.cut_by(size);
        writer
    }

    /// Writes Set Chunk Size and cuts by `size` from then on. A size of 0 counts as 1.
    pub fn set_chunk_size(&mut self, size: u32, out: &mut BytesMut) {
        let size = size.clamp(1, 0x7FFF_FFFF);
        self.write_small(
            chunk_stream::CONTROL,
            &control(MessageKind::SetChunkSize, &size.to_be_bytes()),
            out,
        );
        self.cut_by(size);
    }

    fn cut_by(&mut self, size: u32) {
        self.chunk_bytes = usize::try_from(size.max(1)).unwrap_or(usize::MAX);
    }

    /// Forgets the headers written before: the next message on each chunk stream says everything.
    pub fn begin_anew(&mut self) {
        self.sent.clear();
    }

    /// Writes a control message or a command.
    pub fn write_small(&mut self, chunk_stream: u8, message: &Message, out: &mut BytesMut) {
        self.write(chunk_stream, message, &[], out);
    }

    /// Writes `head` followed by the message's payload.
    ///
    /// Messages longer than 24 bits can say are left out; the packet model has none.
    pub fn write(&mut self, chunk_stream: u8, message: &Message, head: &[u8], out: &mut BytesMut) {
        let Some(extended) = self.begin(chunk_stream, message, head.len(), out) else {
            return;
        };
        let (mut head, mut payload) = (head, &message.payload[..]);
        let mut room = self.chunk_bytes;
        loop {
            room -= move_head(&mut head, room, out);
            move_head(&mut payload, room, out);
            if head.is_empty() && payload.is_empty() {
                return;
            }
            go_on(chunk_stream, extended, out);
            room = self.chunk_bytes;
        }
    }

    /// Writes the message's first header, as short as what went before allows; yields the extended
    /// timestamp that its other chunks repeat.
    fn begin(
        &mut self,
        chunk_stream: u8,
        message: &Message,
        head_bytes: usize,
        out: &mut BytesMut,
    ) -> Option<Option<u32>> {
        let length = head_bytes + message.payload.len();
        let wire_length = u32::try_from(length).ok().filter(|length| *length < 1 << 24)?;
        let timestamp = u32::try_from(message.timestamp & 0xFFFF_FFFF).unwrap_or(0);
        let mut now = Sent {
            chunk_stream,
            stream_id: message.stream_id,
            kind: message.kind,
            length,
            timestamp,
            delta: None,
        };
        let last = self.sent.iter_mut().find(|sent| sent.chunk_stream == chunk_stream);
        let format = last.as_deref().map_or(0, |last| now.format_after(last));
        let time = now.delta.unwrap_or(timestamp);
        out.reserve(HEADER_ROOM + length + length / self.chunk_bytes * 5);
        out.put_u8(format << 6 | chunk_stream & 0x3F);
        if format < 3 {
            out.put_uint(u64::from(time.min(EXTENDED)), 3);
        }
        if format < 2 {
            out.put_uint(u64::from(wire_length), 3);
            out.put_u8(message.kind.into());
        }
        let mut extended = None;
        if format < 1 {
            out.put_u32_le(message.stream_id);
            if time >= EXTENDED {
                out.put_u32(time);
                extended = Some(time);
            }
        }
        match last {
            Some(last) => *last = now,
            None => self.sent.push(now),
        }
        Some(extended)
    }
}

/// The longest first header.
const HEADER_ROOM: usize = 16;

impl Sent {
    /// Chooses the header's format after `last`, and sets the delta that goes with it.
    fn format_after(&mut self, last: &Self) -> u8 {
        let delta = self.timestamp.wrapping_sub(last.timestamp);
        if self.stream_id != last.stream_id || delta >= EXTENDED {
            return 0;
        }
        self.delta = Some(delta);
        if self.length != last.length || self.kind != last.kind {
            1
        } else if self.delta != last.delta {
            2
        } else {
            3
        }
    }
}

/// Makes a protocol control message.
pub(crate) fn control(kind: MessageKind, body: &[u8]) -> Message {
    Message { kind, stream_id: 0, timestamp: 0, payload: Bytes::copy_from_slice(body) }
}

/// Copies up to `room` bytes off the front of `head`; yields how many.
fn move_head(head: &mut &[u8], room: usize, out: &mut BytesMut) -> usize {
    let part = head.get(..room).unwrap_or(head);
    out.put_slice(part);
    let count = part.len();
    head.advance(count);
    count
}

/// Writes the header of a message's further chunk.
fn go_on(chunk_stream: u8, extended: Option<u32>, out: &mut BytesMut) {
    out.put_u8(3 << 6 | chunk_stream & 0x3F);
    if let Some(time) = extended {
        out.put_u32(time);
    }
}

#[cfg(test)]
mod tests;
