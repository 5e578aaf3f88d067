//! Media for a player: items become messages, and messages chunks.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::flv::mux::{TagBody, frame, sequence_header};
use crate::flv::{FlvError, TagKind};
use crate::packet::{MediaPacket, StreamItem};
use crate::rtmp::amf0::{Value, encode_all};
use crate::rtmp::chunk_writer::{ChunkWriter, chunk_stream};
use crate::rtmp::message::{Message, MessageKind};
use crate::rtmp::metadata::on_meta_data;
use crate::time::Ticks;
use crate::track::{Track, TrackKind};

/// What a player has been sent.
///
/// RTMP carries one video and one audio track; the first of each is sent. Times begin at zero and
/// go on across discontinuities, which RTMP cannot mark.
#[derive(Debug)]
pub(super) struct Player {
    stream_id: u32,
    tracks: Arc<[Track]>,
    /// What is taken off the stream's times; unknown until the next packet.
    origin: Option<Ticks>,
    /// Latest time sent.
    now: Ticks,
}

impl Player {
    pub(super) fn new(stream_id: u32) -> Self {
        Self { stream_id, tracks: Arc::new([]), origin: None, now: Ticks::ZERO }
    }

    pub(super) const fn stream_id(&self) -> u32 {
        self.stream_id
    }

    /// Writes an item: small header bytes, then slices of the packet's own payload.
    pub(super) fn send(
        &mut self,
        item: &StreamItem,
        writer: &mut ChunkWriter,
        out: &mut Vec<Bytes>,
    ) -> Result<(), FlvError> {
        match item {
            StreamItem::Tracks(tracks) => self.begin(tracks, writer, out)?,
            StreamItem::Packet(packet) => self.send_packet(packet, writer, out),
            StreamItem::Discontinuity => self.origin = None,
        }
        Ok(())
    }

    fn begin(
        &mut self,
        tracks: &Arc<[Track]>,
        writer: &mut ChunkWriter,
        out: &mut Vec<Bytes>,
    ) -> Result<(), FlvError> {
        self.tracks = Arc::clone(tracks);
        let mut body = BytesMut::with_capacity(256);
        encode_all(&["onMetaData".into(), on_meta_data(tracks)], &mut body);
        let (kind, payload) = (MessageKind::DataAmf0, body.freeze());
        let timestamp = self.now.millis();
        let message = Message { kind, stream_id: self.stream_id, timestamp, payload };
        writer.write(chunk_stream::DATA, &message, &[], out);
        for kind in [TrackKind::Video, TrackKind::Audio] {
            let Some(track) = tracks.iter().find(|track| track.codec.kind() == kind) else {
                continue;
            };
            if let Some(body) = sequence_header(track, self.now)? {
                self.write(body, writer, out);
            }
        }
        Ok(())
    }

    fn send_packet(
        &mut self,
        packet: &MediaPacket,
        writer: &mut ChunkWriter,
        out: &mut Vec<Bytes>,
    ) {
        let Some(track) = self.tracks.iter().find(|track| track.id == packet.track) else {
            return;
        };
        let kind = track.codec.kind();
        let first = self.tracks.iter().find(|track| track.codec.kind() == kind);
        if first.is_none_or(|first| first.id != track.id) {
            return;
        }
        let mut body = frame(track, packet);
        let origin = *self.origin.get_or_insert(packet.dts - self.now);
        body.timestamp = (packet.dts - origin).max(Ticks::ZERO);
        self.now = self.now.max(body.timestamp);
        self.write(body, writer, out);
    }

    fn write(&self, body: TagBody, writer: &mut ChunkWriter, out: &mut Vec<Bytes>) {
        let (kind, chunk_stream) = match body.kind {
            TagKind::Video => (MessageKind::Video, chunk_stream::VIDEO),
            TagKind::Audio => (MessageKind::Audio, chunk_stream::AUDIO),
            TagKind::Script => (MessageKind::DataAmf0, chunk_stream::DATA),
        };
        let timestamp = body.timestamp.millis();
        let message = Message { kind, stream_id: self.stream_id, timestamp, payload: body.payload };
        writer.write(chunk_stream, &message, &body.head, out);
    }
}

/// The message by which a player may look into the samples; old Flash players want it.
pub(super) fn sample_access(stream_id: u32) -> Message {
    let mut body = BytesMut::new();
    let yes = Value::Boolean(true);
    encode_all(&["|RtmpSampleAccess".into(), yes.clone(), yes], &mut body);
    Message { kind: MessageKind::DataAmf0, stream_id, timestamp: 0, payload: body.freeze() }
}
