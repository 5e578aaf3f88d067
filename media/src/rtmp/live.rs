//! A stream as chunks for all its players: the same bytes whoever plays, so they are made once.
//!
//! That takes three agreements. Every player is on message stream [`PLAY_STREAM_ID`], the chunk
//! size is [`CHUNK_BYTES`] for all, and at each start every chunk stream begins with a full header,
//! so that a player can begin there. A session's own messages use other chunk streams.

use bytes::BytesMut;

use super::chunk_writer::{ChunkWriter, chunk_stream};
use super::message::{Message, MessageKind};
use crate::flv::TagKind;
use crate::flv::live::{TagMuxer, TagWriter};
use crate::flv::mux::TagBody;

/// The message stream that every client publishes or plays on.
pub const PLAY_STREAM_ID: u32 = 1;
/// Size of the chunks that this node sends, in bytes: the largest, as headers only cost.
pub const CHUNK_BYTES: u32 = 65_536;

/// Muxes a stream for all its RTMP players.
pub type ChunkMuxer = TagMuxer<Chunks>;

/// Tags as messages in chunks.
#[derive(Debug)]
pub struct Chunks(ChunkWriter);

impl Default for Chunks {
    fn default() -> Self {
        Self(ChunkWriter::with_chunk_size(CHUNK_BYTES))
    }
}

impl TagWriter for Chunks {
    fn write(&mut self, body: &TagBody, out: &mut BytesMut) {
        let (kind, chunk_stream) = match body.kind {
            TagKind::Video => (MessageKind::Video, chunk_stream::VIDEO),
            TagKind::Audio => (MessageKind::Audio, chunk_stream::AUDIO),
            TagKind::Script => (MessageKind::DataAmf0, chunk_stream::DATA),
        };
        let (timestamp, payload) = (body.timestamp.millis(), body.payload.clone());
        let message = Message { kind, stream_id: PLAY_STREAM_ID, timestamp, payload };
        self.0.write(chunk_stream, &message, &body.head, out);
    }

    fn begin_anew(&mut self) {
        self.0.begin_anew();
    }
}
