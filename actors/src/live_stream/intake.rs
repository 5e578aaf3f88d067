//! The writing half of a stream: from the items of its inputs to packets on its timeline, and to
//! pieces of MPEG-TS, which every stream is muxed into for HLS.
//!
//! Pure but for the muxer's buffer: time is an argument. One intake a stream, used by whichever
//! input is on air, so its lock is never contended in practice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use watershed_media::hls::MuxedChunk;
use watershed_media::live::LivePacket;
use watershed_media::mpegts::Muxer;
use watershed_media::packet::{MediaPacket, StreamItem};
use watershed_media::time::Ticks;
use watershed_media::track::{Track, TrackKind};

use super::input_selector::{InputSelector, Verdict};
use super::messages::StreamSpec;
use super::timeline::Timeline;

/// The buffer that chunks are cut from; one allocation carries many frames.
const BUFFER_BYTES: usize = 64 << 10;

/// How often players can begin where there is no video.
const AUDIO_START_EVERY: Ticks = Ticks(Ticks::PER_SECOND);

/// How long after the last frame a stream still counts as alive.
pub(crate) const ALIVE_FOR: Duration = Duration::from_secs(12);

/// What became of an item.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Nothing to give out.
    Nothing,
    /// The stream's tracks changed.
    Tracks(Arc<[Track]>),
    /// A packet is on the timeline.
    Packet {
        /// The packet.
        packet: LivePacket,
        /// The same as MPEG-TS, unless that cannot carry it.
        chunk: Option<MuxedChunk>,
        /// Whether its tracks are others than those of the last one.
        has_new_tracks: bool,
        /// Set if an input goes on air with this packet.
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
    /// What each input has brought, by index.
    brought: Vec<Brought>,
    muxer: Option<Muxer>,
    tracks_on_air: Option<Arc<[Track]>>,
    /// The tracks on air changed since the last packet.
    has_new_tracks: bool,
    /// Decode time of the last packet that players can begin at.
    last_start: Option<Ticks>,
    /// The input on air changed since the last packet.
    goes_on_air: Option<GoesOnAir>,
    buffer: BytesMut,
}

/// What an input has brought.
#[derive(Clone, Debug, Default)]
pub(crate) struct Brought {
    /// The tracks announced last.
    tracks: Option<Arc<[Track]>>,
    /// Payload bytes, on air or not.
    pub(crate) bytes: u64,
    /// When its last frame came, in unix milliseconds.
    pub(crate) last_frame_ms: Option<u64>,
}

impl Intake {
    pub(crate) fn new(spec: &StreamSpec) -> Self {
        Self {
            selector: InputSelector::new(&spec.inputs),
            timeline: Timeline::default(),
            brought: vec![Brought::default(); spec.inputs.len()],
            muxer: None,
            tracks_on_air: None,
            has_new_tracks: false,
            last_start: None,
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

    /// What `input` has brought so far.
    pub(crate) fn brought(&self, input: usize) -> Option<&Brought> {
        self.brought.get(input)
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
        if let Some(brought) = self.brought.get_mut(input) {
            brought.tracks = None;
        }
    }

    fn take_tracks(&mut self, input: usize, tracks: Arc<[Track]>) -> Taken {
        let Some(brought) = self.brought.get_mut(input) else {
            return Taken::Nothing;
        };
        if brought.tracks.as_ref() == Some(&tracks) {
            return Taken::Nothing;
        }
        brought.tracks = Some(Arc::clone(&tracks));
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
        let Some(brought) = self.brought.get_mut(input) else {
            return Taken::Nothing;
        };
        brought.bytes += packet.payload.len() as u64;
        brought.last_frame_ms = u64::try_from(wall.millis()).ok();
        let Some(tracks) = &brought.tracks else {
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
        self.tracks_on_air = Some(Arc::clone(tracks));
        self.has_new_tracks = true;
    }

    fn mux(&mut self, mut packet: MediaPacket, wall: Ticks) -> Taken {
        let Some(placed) = self.timeline.place(&packet, wall) else {
            return Taken::Nothing;
        };
        let (Some(muxer), Some(tracks)) = (&mut self.muxer, &self.tracks_on_air) else {
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
        let chunk = (!self.buffer.is_empty()).then(|| MuxedChunk {
            bytes: self.buffer.split().freeze(),
            dts: placed.dts,
            starts_keyframe,
        });
        let has_new_tracks = std::mem::take(&mut self.has_new_tracks);
        let is_start = is_start(tracks, &packet, self.last_start);
        if is_start {
            self.last_start = Some(packet.dts);
        }
        Taken::Packet {
            packet: LivePacket {
                tracks: Arc::clone(tracks),
                packet,
                is_start,
                is_discontinuity: placed.is_discontinuity || has_new_tracks,
            },
            chunk,
            has_new_tracks,
            goes_on_air: self.goes_on_air.take(),
        }
    }
}

/// Whether players can begin at `packet`; without video not at every frame, as that costs.
fn is_start(tracks: &[Track], packet: &MediaPacket, last_start: Option<Ticks>) -> bool {
    let is_video = |track: &Track| track.codec.kind() == TrackKind::Video;
    if tracks.iter().any(is_video) {
        let of_video = tracks.iter().any(|track| track.id == packet.track && is_video(track));
        return of_video && packet.is_keyframe;
    }
    last_start.is_none_or(|last| packet.dts - last >= AUDIO_START_EVERY)
}
