//! The writing half of a stream: from the items of its inputs to pieces of MPEG-TS.
//!
//! Pure but for the muxer's buffer: time is an argument. One intake a stream, used by whichever
//! input is on air, so its lock is never contended in practice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use watershed_media::hls::MuxedChunk;
use watershed_media::mpegts::Muxer;
use watershed_media::packet::{MediaPacket, StreamItem};
use watershed_media::time::Ticks;
use watershed_media::track::{Track, TrackKind};

use super::input_selector::{InputSelector, Verdict};
use super::messages::StreamSpec;
use super::timeline::Timeline;

/// The buffer that chunks are cut from; one allocation carries many frames.
const BUFFER_BYTES: usize = 64 << 10;

/// How long after the last frame a stream still counts as alive.
pub(crate) const ALIVE_FOR: Duration = Duration::from_secs(12);

/// What became of an item.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Nothing to give out.
    Nothing,
    /// The stream's tracks changed.
    Tracks(Arc<[Track]>),
    /// A piece of MPEG-TS is ready.
    Chunk {
        /// The piece.
        chunk: MuxedChunk,
        /// The tracks, if this piece begins with others than the last.
        tracks: Option<Arc<[Track]>>,
        /// Whether its times do not follow from those before.
        is_discontinuity: bool,
        /// Set if an input goes on air with this piece.
        goes_on_air: Option<GoesOnAir>,
    },
}

/// How an input goes on air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GoesOnAir {
    /// It goes on where another one, or it itself, has just ended.
    Continues,
    /// Nothing was on air for so long that what is kept must not be shown as live.
    BeginsAnew,
}

/// Selects, times and muxes.
#[derive(Debug)]
pub(crate) struct Intake {
    selector: InputSelector,
    timeline: Timeline,
    /// The last tracks of each input.
    announced: Vec<Option<Arc<[Track]>>>,
    muxer: Option<Muxer>,
    /// The tracks on air changed since the last chunk.
    new_tracks: Option<Arc<[Track]>>,
    /// The input on air changed since the last chunk.
    goes_on_air: Option<GoesOnAir>,
    buffer: BytesMut,
}

impl Intake {
    pub(crate) fn new(spec: &StreamSpec) -> Self {
        Self {
            selector: InputSelector::new(&spec.inputs),
            timeline: Timeline::default(),
            announced: vec![None; spec.inputs.len()],
            muxer: None,
            new_tracks: None,
            goes_on_air: None,
            buffer: BytesMut::new(),
        }
    }

    pub(crate) const fn timestamp_jumps(&self) -> u64 {
        self.timeline.jump_count()
    }

    pub(crate) const fn selector(&self) -> &InputSelector {
        &self.selector
    }

    /// Takes one item of `input`; `wall` is unix time.
    pub(crate) fn take(
        &mut self,
        input: usize,
        item: StreamItem,
        now: Instant,
        wall: Ticks,
    ) -> Taken {
        match item {
            StreamItem::Tracks(tracks) => self.take_tracks(input, tracks),
            StreamItem::Discontinuity => {
                if self.selector.on_air() == Some(input) {
                    self.timeline.restart();
                }
                Taken::Nothing
            }
            StreamItem::Packet(packet) => self.take_packet(input, packet, now, wall),
        }
    }

    /// Takes `input` off air.
    pub(crate) fn lose(&mut self, input: usize) {
        self.selector.lose(input);
        if let Some(announced) = self.announced.get_mut(input) {
            *announced = None;
        }
    }

    fn take_tracks(&mut self, input: usize, tracks: Arc<[Track]>) -> Taken {
        let Some(announced) = self.announced.get_mut(input) else {
            return Taken::Nothing;
        };
        if announced.as_ref() == Some(&tracks) {
            return Taken::Nothing;
        }
        *announced = Some(Arc::clone(&tracks));
        if self.selector.on_air() != Some(input) {
            return Taken::Nothing;
        }
        self.put_on_air(&tracks);
        Taken::Tracks(tracks)
    }

    fn take_packet(
        &mut self,
        input: usize,
        packet: MediaPacket,
        now: Instant,
        wall: Ticks,
    ) -> Taken {
        let Some(Some(tracks)) = self.announced.get(input) else {
            return Taken::Nothing;
        };
        let kind = tracks.iter().find(|track| track.id == packet.track).map(|t| t.codec.kind());
        let Some(kind) = kind else {
            return Taken::Nothing;
        };
        let has_video = tracks.iter().any(|track| track.codec.kind() == TrackKind::Video);
        let can_start = packet.is_keyframe && (kind == TrackKind::Video || !has_video);
        let silence = self.selector.silence(now);
        match self.selector.offer(input, can_start, now) {
            Verdict::Drop => return Taken::Nothing,
            Verdict::Switch => {
                let is_anew = silence.is_none_or(|silence| silence >= ALIVE_FOR);
                self.goes_on_air =
                    Some(if is_anew { GoesOnAir::BeginsAnew } else { GoesOnAir::Continues });
                let tracks = Arc::clone(tracks);
                self.put_on_air(&tracks);
                self.timeline.restart();
            }
            Verdict::Take => {}
        }
        self.mux(packet, wall)
    }

    fn put_on_air(&mut self, tracks: &Arc<[Track]>) {
        match &mut self.muxer {
            Some(muxer) => muxer.set_tracks(tracks),
            None => self.muxer = Some(Muxer::new(tracks)),
        }
        self.new_tracks = Some(Arc::clone(tracks));
    }

    fn mux(&mut self, mut packet: MediaPacket, wall: Ticks) -> Taken {
        let Some(placed) = self.timeline.place(&packet, wall) else {
            return Taken::Nothing;
        };
        let Some(muxer) = &mut self.muxer else {
            return Taken::Nothing;
        };
        packet.dts = placed.dts;
        packet.pts = placed.pts;
        if self.buffer.capacity() < packet.payload.len() + packet.payload.len() / 16 + 1024 {
            self.buffer.reserve(BUFFER_BYTES.max(packet.payload.len() * 2));
        }
        if placed.is_discontinuity {
            muxer.discontinuity();
        }
        let starts_keyframe = muxer.mux(&packet, &mut self.buffer);
        if self.buffer.is_empty() {
            return Taken::Nothing;
        }
        let tracks = self.new_tracks.take();
        Taken::Chunk {
            chunk: MuxedChunk {
                bytes: self.buffer.split().freeze(),
                dts: placed.dts,
                starts_keyframe,
            },
            is_discontinuity: placed.is_discontinuity || tracks.is_some(),
            tracks,
            goes_on_air: self.goes_on_air.take(),
        }
    }
}
