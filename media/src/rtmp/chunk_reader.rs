//! Puts messages together from the chunks of a connection.
//!
//! Every chunk stream has its own buffer, so messages may interleave. A buffer grows with the bytes
//! that arrive, never to the length that a header announces; what all unfinished messages hold
//! together is bounded. The messages that steer chunking (Set Chunk Size, Abort) take effect here,
//! between two chunks.
//!
//! ```text
//! | format 2 b, id 6 b | +0..2 B | time 3 B | length 3 B | type 1 B | stream 4 B | time 4 B |
//! | 0: all   1: no stream   2: time only   3: nothing, as the chunk before     | if 0xFFFFFF |
//! ```
//!
//! Source: RTMP 1.0 §5.3.1. Where it and real peers differ, the peers are followed: chunks of
//! format 3 repeat the extended timestamp (ffmpeg, librtmp) or do not (old Flash encoders); the
//! reader looks whether the four bytes are there, as SRS does.

use bytes::Bytes;
use smallvec::SmallVec;
use thiserror::Error;

use super::limits::Limits;
use super::message::{Message, MessageKind};
use crate::cursor::{Cursor, Truncated};

/// The chunk size until Set Chunk Size. Source: RTMP 1.0 §5.4.1.
pub(crate) const CHUNK_BYTES_DEFAULT: usize = 128;
/// A 24-bit time of this value stands for the 32-bit one that follows. Source: §5.3.1.3.
pub(crate) const EXTENDED: u32 = 0x00FF_FFFF;
/// Longest chunk header: 3 + 11 + 4 bytes.
const HEADER_BYTES_MAX: usize = 18;
/// What a message's buffer starts with before a grant, and after.
const FIRST_BYTES_BEFORE_GRANT: usize = 4 << 10;
const FIRST_BYTES: usize = 64 << 10;

/// Why a peer's chunks cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChunkError {
    /// Set Chunk Size is out of range.
    #[error("chunk of {size} bytes, limit {limit}")]
    ChunkSize {
        /// The size asked for.
        size: u32,
        /// The largest allowed; the smallest is 1.
        limit: u32,
    },
    /// A message is announced longer than allowed.
    #[error("message of {size} bytes, limit {limit}")]
    MessageSize {
        /// The announced length.
        size: u32,
        /// The largest allowed now.
        limit: u32,
    },
    /// Too much is held for messages that have not ended.
    #[error("{size} bytes of unfinished messages, limit {limit}")]
    Unfinished {
        /// What they would hold.
        size: usize,
        /// What they may hold.
        limit: usize,
    },
    /// The peer uses too many chunk streams.
    #[error("{count} chunk streams, limit {limit}")]
    ChunkStreams {
        /// How many it would be.
        count: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// A chunk stream begins with a header that refers to one before it.
    #[error("chunk stream {chunk_stream} begins with a header of format {format}")]
    NoHeaderBefore {
        /// The chunk stream.
        chunk_stream: u32,
        /// 2 or 3.
        format: u8,
    },
    /// A control message is too short.
    #[error("control message cut off: {0}")]
    Control(#[from] Truncated),
}

/// Reads chunks, yields messages.
#[derive(Debug)]
pub struct ChunkReader {
    limits: Limits,
    is_granted: bool,
    chunk_bytes: usize,
    streams: Vec<ChunkStream>,
    /// Bytes of a header that has not fully arrived.
    carry: SmallVec<[u8; HEADER_BYTES_MAX]>,
    /// Position in `streams` and bytes left of the chunk that is being read.
    chunk: Option<(usize, usize)>,
    /// Bytes held in all unfinished messages.
    unfinished_bytes: usize,
    clocks: Clocks,
}

impl ChunkReader {
    /// Starts after the handshake, with the limits that hold before a grant.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            is_granted: false,
            chunk_bytes: CHUNK_BYTES_DEFAULT,
            streams: Vec::new(),
            carry: SmallVec::new(),
            chunk: None,
            unfinished_bytes: 0,
            clocks: Clocks::default(),
        }
    }

    /// Chooses between the limits before and after publishing or playing is granted.
    pub const fn set_granted(&mut self, is_granted: bool) {
        self.is_granted = is_granted;
    }

    /// Reads from the front of `input` to the end of the next message, or to the end of `input`.
    ///
    /// Errors: [`ChunkError`]; the reader must not be used after one.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Message>, ChunkError> {
        loop {
            let (index, left) = match self.chunk {
                Some(chunk) => chunk,
                None => match self.begin_chunk(input)? {
                    Some(chunk) => chunk,
                    None => return Ok(None),
                },
            };
            let taken = self.take_body(index, left, input)?;
            if taken < left {
                self.chunk = Some((index, left - taken));
                if input.is_empty() && self.carry.is_empty() {
                    return Ok(None);
                }
                continue;
            }
            self.chunk = None;
            if let Some(message) = self.finish_message(index)? {
                return Ok(Some(message));
            }
        }
    }

    /// Reads a chunk's header; yields the place of its stream and the length of its body.
    fn begin_chunk(&mut self, input: &mut &[u8]) -> Result<Option<(usize, usize)>, ChunkError> {
        let parsed = if self.carry.is_empty() {
            self.parse_header(input)
        } else {
            let mut joined = self.carry.clone();
            joined.extend_from_slice(input.get(..HEADER_BYTES_MAX).unwrap_or(input));
            self.parse_header(&joined)
        };
        let Ok((header, header_bytes)) = parsed else {
            self.carry.extend_from_slice(input);
            *input = &[];
            return Ok(None);
        };
        self.consume(header_bytes, input);
        let index = self.stream_index(&header)?;
        let Some(stream) = self.streams.get_mut(index) else {
            return Ok(None);
        };
        if header.format < 3 || !stream.is_unfinished {
            self.unfinished_bytes -= stream.body.len();
            stream.begin_message(&header);
            let (size, limit) = (stream.length, self.limits.message_bytes_max_now(self.is_granted));
            if size > limit {
                return Err(ChunkError::MessageSize { size, limit });
            }
        }
        let left = usize::try_from(stream.length).unwrap_or(usize::MAX) - stream.body.len();
        Ok(Some((index, left.min(self.chunk_bytes))))
    }

    /// Reads a header from the front of `bytes`; also yields its length.
    fn parse_header(&self, bytes: &[u8]) -> Result<(Header, usize), Truncated> {
        let mut cursor = Cursor::new(bytes);
        let first = cursor.u8()?;
        let format = first >> 6;
        let chunk_stream = match first & 0x3F {
            0 => u32::from(cursor.u8()?) + 64,
            1 => u32::from(u16::from_le_bytes(cursor.array()?)) + 64,
            id => u32::from(id),
        };
        let mut header = Header { format, chunk_stream, ..Header::default() };
        if format < 3 {
            header.time = cursor.u24()?;
        }
        if format < 2 {
            header.length = cursor.u24()?;
            header.kind = cursor.u8()?;
        }
        if format < 1 {
            header.stream_id = cursor.u32_le()?;
        }
        if header.time == EXTENDED {
            header.extended = Some(cursor.u32()?);
        } else if format == 3 {
            self.skip_repeated_time(chunk_stream, &mut cursor)?;
        }
        Ok((header, bytes.len() - cursor.remaining()))
    }

    /// Skips the extended timestamp where a chunk of format 3 repeats it.
    fn skip_repeated_time(&self, id: u32, cursor: &mut Cursor<'_>) -> Result<(), Truncated> {
        let stream = self.streams.iter().find(|stream| stream.id == id);
        let Some(extended) = stream.and_then(|stream| stream.extended) else {
            return Ok(());
        };
        let expected = extended.to_be_bytes();
        let rest = cursor.rest();
        let there = rest.get(..expected.len()).unwrap_or(rest);
        if expected.starts_with(there) { cursor.skip(expected.len()) } else { Ok(()) }
    }

    /// Drops `count` bytes from the carry, then from `input`.
    fn consume(&mut self, count: usize, input: &mut &[u8]) {
        let carried = count.min(self.carry.len());
        self.carry.drain(..carried);
        *input = input.get(count - carried..).unwrap_or_default();
    }

    /// Finds the chunk stream of a header, or begins one.
    fn stream_index(&mut self, header: &Header) -> Result<usize, ChunkError> {
        let known = self.streams.iter().position(|stream| stream.id == header.chunk_stream);
        if let Some(index) = known {
            return Ok(index);
        }
        // Format 1 at the beginning is not allowed, but librtmp does it for control messages.
        if header.format > 1 {
            let (chunk_stream, format) = (header.chunk_stream, header.format);
            return Err(ChunkError::NoHeaderBefore { chunk_stream, format });
        }
        let (count, limit) = (self.streams.len() + 1, self.limits.chunk_streams_max);
        if count > limit {
            return Err(ChunkError::ChunkStreams { count, limit });
        }
        self.streams.push(ChunkStream { id: header.chunk_stream, ..ChunkStream::default() });
        Ok(count - 1)
    }

    /// Moves up to `left` bytes of the chunk's body into its stream's buffer.
    fn take_body(
        &mut self,
        index: usize,
        left: usize,
        input: &mut &[u8],
    ) -> Result<usize, ChunkError> {
        let source = if self.carry.is_empty() { *input } else { &self.carry[..] };
        let part = source.get(..left).unwrap_or(source);
        let taken = part.len();
        let size = self.unfinished_bytes + taken;
        let limit = self.limits.unfinished_bytes_max_now(self.is_granted);
        if size > limit {
            return Err(ChunkError::Unfinished { size, limit });
        }
        if let Some(stream) = self.streams.get_mut(index) {
            let first = if self.is_granted { FIRST_BYTES } else { FIRST_BYTES_BEFORE_GRANT };
            stream.append(part, first);
            self.unfinished_bytes = size;
        }
        self.consume(taken, input);
        Ok(taken)
    }

    /// Takes the message out of its stream if it is whole; obeys it if it steers chunking.
    fn finish_message(&mut self, index: usize) -> Result<Option<Message>, ChunkError> {
        let Some(stream) = self.streams.get_mut(index) else {
            return Ok(None);
        };
        if stream.body.len() < usize::try_from(stream.length).unwrap_or(usize::MAX) {
            return Ok(None);
        }
        stream.is_unfinished = false;
        self.unfinished_bytes -= stream.body.len();
        let payload = Bytes::from(std::mem::take(&mut stream.body));
        let (kind, stream_id) = (MessageKind::from(stream.kind), stream.stream_id);
        let timestamp = match kind {
            MessageKind::SetChunkSize => {
                self.set_chunk_bytes(Cursor::new(&payload).u32()?)?;
                return Ok(None);
            }
            MessageKind::Abort => {
                self.abort(Cursor::new(&payload).u32()?);
                return Ok(None);
            }
            MessageKind::Audio | MessageKind::Video | MessageKind::Aggregate => {
                self.clocks.unwrap_time(stream_id, stream.timestamp)
            }
            _ => i64::from(stream.timestamp),
        };
        Ok(Some(Message { kind, stream_id, timestamp, payload }))
    }

    fn set_chunk_bytes(&mut self, size: u32) -> Result<(), ChunkError> {
        let limit = self.limits.chunk_bytes_max;
        if size == 0 || size > limit {
            return Err(ChunkError::ChunkSize { size, limit });
        }
        self.chunk_bytes = usize::try_from(size).unwrap_or(CHUNK_BYTES_DEFAULT);
        Ok(())
    }

    fn abort(&mut self, chunk_stream: u32) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == chunk_stream) {
            self.unfinished_bytes -= stream.body.len();
            stream.body = Vec::new();
            stream.is_unfinished = false;
        }
    }
}

/// The fields of a chunk header; zero where its format leaves them out.
#[derive(Debug, Default)]
struct Header {
    format: u8,
    chunk_stream: u32,
    time: u32,
    length: u32,
    kind: u8,
    stream_id: u32,
    extended: Option<u32>,
}

/// What the next header of a chunk stream may refer to, and the message being put together.
#[derive(Debug, Default)]
struct ChunkStream {
    id: u32,
    kind: u8,
    stream_id: u32,
    length: u32,
    /// Of the current message, as on the wire.
    timestamp: u32,
    /// What a new message of format 3 adds to it.
    delta: u32,
    /// The extended timestamp that chunks of format 3 may repeat.
    extended: Option<u32>,
    is_unfinished: bool,
    body: Vec<u8>,
}

impl ChunkStream {
    /// Begins a message; what was there of one before is dropped.
    fn begin_message(&mut self, header: &Header) {
        let time = header.extended.unwrap_or(header.time);
        match header.format {
            0 => {
                self.timestamp = time;
                // §5.3.1.2.4: a following format 3 repeats it as a delta. Beyond 4.6 hours nobody
                // means that.
                self.delta = if header.extended.is_some() { 0 } else { time };
                self.stream_id = header.stream_id;
            }
            1 | 2 => {
                self.timestamp = self.timestamp.wrapping_add(time);
                self.delta = time;
            }
            _ => self.timestamp = self.timestamp.wrapping_add(self.delta),
        }
        if header.format < 2 {
            self.length = header.length;
            self.kind = header.kind;
        }
        if header.format < 3 {
            self.extended = header.extended;
        }
        self.is_unfinished = true;
        self.body = Vec::new();
    }

    /// Appends `part`. The buffer doubles as it fills, up to the message's length and no further.
    fn append(&mut self, part: &[u8], first_bytes: usize) {
        let wanted = self.body.len() + part.len();
        if wanted > self.body.capacity() {
            let length = usize::try_from(self.length).unwrap_or(wanted);
            let roomy = wanted.max(2 * self.body.len()).max(first_bytes).min(length);
            self.body.reserve_exact(roomy.max(wanted) - self.body.len());
        }
        self.body.extend_from_slice(part);
    }
}

/// The 64-bit time of each message stream.
#[derive(Debug, Default)]
struct Clocks {
    times: SmallVec<[(u32, i64); 2]>,
}

impl Clocks {
    const COUNT_MAX: usize = 16;

    /// Extends a 32-bit time by the nearest value to the one before it on the same stream.
    fn unwrap_time(&mut self, stream_id: u32, time: u32) -> i64 {
        if let Some((_, last)) = self.times.iter_mut().find(|(id, _)| *id == stream_id) {
            let last_wire = u32::try_from(*last & 0xFFFF_FFFF).unwrap_or(0);
            *last += i64::from(time.wrapping_sub(last_wire).cast_signed());
            return *last;
        }
        if self.times.len() == Self::COUNT_MAX {
            self.times.remove(0);
        }
        self.times.push((stream_id, i64::from(time)));
        i64::from(time)
    }
}

#[cfg(test)]
mod tests;
