//! One container of a stream: muxed once, while somebody wants it, and read by all its players.
//!
//! ```text
//!  LivePacket ─▶ LiveMuxer ─▶ ring of ReadyChunk ═▶ players, each with its own cursor
//! ```
//!
//! An output that is opened while the stream runs begins with the packets since the last keyframe,
//! so that its first player gets a picture at once. It ends when its last reader drops it.

use std::sync::{Arc, Weak};

use bytes::{Bytes, BytesMut};
use watershed_media::flv::live::{FileTags, TagMuxer};
use watershed_media::live::{LiveMuxer, LivePacket, StartPoint};
use watershed_media::rtmp::live::ChunkMuxer;
use watershed_media::rtp;
use watershed_media::time::Ticks;

use super::ring::{Ring, RingEntry, RingLimits};

/// Most bytes a ring keeps.
const RING_BYTES_MAX: usize = 16 << 20;
/// Entries older than this go, except those since the last keyframe.
const RING_AGE_MAX: Ticks = Ticks(2 * Ticks::PER_SECOND);
/// The buffer that chunks are cut from; one allocation carries many frames.
const BUFFER_BYTES: usize = 64 << 10;

/// What a stream is muxed into for players that hold a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// The tags of HTTP-FLV, without the file's header.
    Flv,
    /// The chunks of RTMP.
    RtmpChunks,
    /// RTP and RTCP packets, each behind its head on an RTSP connection.
    Rtp,
}

impl Container {
    fn muxer(self) -> Box<dyn LiveMuxer> {
        match self {
            Self::Flv => Box::<TagMuxer<FileTags>>::default(),
            Self::RtmpChunks => Box::<ChunkMuxer>::default(),
            Self::Rtp => {
                let mut seed = [0; 8];
                let _ = getrandom::fill(&mut seed);
                Box::new(rtp::Muxer::new(u64::from_ne_bytes(seed)))
            }
        }
    }
}

/// Bytes that are ready to be sent.
#[derive(Clone, Debug)]
pub struct ReadyChunk {
    /// The bytes; never empty.
    pub bytes: Bytes,
    /// Decode time of what is in them.
    pub dts: Ticks,
    /// Set where a player can begin.
    pub start: Option<Arc<StartPoint>>,
}

impl RingEntry for ReadyChunk {
    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn is_start(&self) -> bool {
        self.start.is_some()
    }

    fn time(&self) -> Ticks {
        self.dts
    }
}

impl RingEntry for LivePacket {
    fn bytes(&self) -> usize {
        // An entry costs something even where its payload is next to nothing.
        self.packet.payload.len() + size_of::<Self>()
    }

    fn is_start(&self) -> bool {
        self.is_start
    }

    fn time(&self) -> Ticks {
        self.packet.dts
    }
}

/// The ready bytes of one container.
pub type LiveOutput = Ring<ReadyChunk>;

/// Makes a ring of the size that a stream's rings have.
pub(crate) fn stream_ring<T: RingEntry>() -> Arc<Ring<T>> {
    Arc::new(Ring::new(RingLimits { bytes_max: RING_BYTES_MAX, age_max: RING_AGE_MAX }))
}

/// The outputs of a stream that somebody reads.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    open: Vec<OpenOutput>,
    is_closed: bool,
}

#[derive(Debug)]
struct OpenOutput {
    container: Container,
    muxer: Box<dyn LiveMuxer>,
    ring: Weak<LiveOutput>,
    buffer: BytesMut,
}

impl Outputs {
    /// The output of `container`, made from `backlog` unless somebody reads it already.
    pub(crate) fn open(
        &mut self,
        container: Container,
        backlog: impl FnOnce() -> Vec<LivePacket>,
    ) -> Arc<LiveOutput> {
        let is_wanted = |open: &&OpenOutput| open.container == container;
        if let Some(ring) = self.open.iter().find(is_wanted).and_then(|open| open.ring.upgrade()) {
            return ring;
        }
        self.open.retain(|open| open.container != container);
        let ring = stream_ring();
        let mut output = OpenOutput {
            container,
            muxer: container.muxer(),
            ring: Arc::downgrade(&ring),
            buffer: BytesMut::new(),
        };
        for packet in backlog() {
            output.push(&packet);
        }
        if self.is_closed {
            ring.close();
        }
        self.open.push(output);
        ring
    }

    /// Muxes `packet` for every output; those that nobody reads end.
    pub(crate) fn push(&mut self, packet: &LivePacket) {
        self.open.retain_mut(|output| output.push(packet));
    }

    /// Forgets what was muxed.
    pub(crate) fn clear(&self) {
        self.open.iter().filter_map(|output| output.ring.upgrade()).for_each(|ring| ring.clear());
    }

    /// Ends all players, also those that come only now.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
        self.open.iter().filter_map(|output| output.ring.upgrade()).for_each(|ring| ring.close());
    }
}

impl OpenOutput {
    /// Muxes a packet; false if nobody reads any more.
    fn push(&mut self, packet: &LivePacket) -> bool {
        let Some(ring) = self.ring.upgrade() else {
            return false;
        };
        let wanted = packet.packet.payload.len() + packet.packet.payload.len() / 16 + 1024;
        if self.buffer.capacity() < wanted {
            self.buffer.reserve(BUFFER_BYTES.max(wanted));
        }
        let start = self.muxer.mux(packet, &mut self.buffer).map(Arc::new);
        if !self.buffer.is_empty() {
            let bytes = self.buffer.split().freeze();
            ring.push(ReadyChunk { bytes, dts: packet.packet.dts, start });
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use watershed_media::packet::MediaPacket;
    use watershed_media::track::{AudioShape, CodecConfig, Track, TrackId};

    use super::super::ring::RingRead;
    use super::*;

    fn packet(millis: i64) -> LivePacket {
        let audio = AudioShape { sample_rate: 44_100, channels: 2 };
        let track = Track { id: TrackId(0), codec: CodecConfig::Mp3 { audio }, language: None };
        let time = Ticks::from_millis(millis);
        let payload = Bytes::from_static(b"frame");
        let packet =
            MediaPacket { track: TrackId(0), dts: time, pts: time, is_keyframe: true, payload };
        LivePacket { tracks: Arc::new([track]), packet, is_start: true, is_discontinuity: false }
    }

    #[test]
    fn output_begins_with_the_backlog_and_is_shared() {
        let mut outputs = Outputs::default();
        let first = outputs.open(Container::Flv, || vec![packet(0), packet(20)]);
        outputs.push(&packet(40));
        let second = outputs.open(Container::Flv, || panic!("it is open"));
        assert!(Arc::ptr_eq(&first, &second));
        let mut batch = Vec::new();
        let mut cursor = first.newest_start();
        assert_eq!(first.read(&mut cursor, usize::MAX, &mut batch), RingRead::Taken);
        assert_eq!(batch.len(), 1);
    }

    #[test]
    fn output_that_nobody_reads_ends_and_begins_anew() {
        let mut outputs = Outputs::default();
        drop(outputs.open(Container::Flv, Vec::new));
        outputs.push(&packet(0));
        assert!(outputs.open.is_empty());
        let again = outputs.open(Container::Flv, || vec![packet(0)]);
        let mut batch = Vec::new();
        again.read(&mut again.newest_start(), usize::MAX, &mut batch);
        assert_eq!(batch.len(), 1);
    }
}
