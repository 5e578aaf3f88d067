//! What one stream gives out: the ready bytes that every session shares.
//!
//! The input writes [`StreamItem`]s in; they are placed on the stream's timeline and muxed once a
//! container: into MPEG-TS always, for HLS, into all others while somebody plays them.
//!
//! ```text
//!  InputWriter ─▶ Intake: selector ▸ timeline ─┬▶ MPEG-TS ─┬▶ segmenter ─▶ playlists, segments
//!                                              │           └▶ ring ═▶ HTTP MPEG-TS
//!                                              ├▶ packets: ring ═▶ relays to other nodes
//!                                              └▶ Outputs: ring a container ═▶ RTMP, RTSP, FLV
//! ```

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, watch};
use watershed_media::hls::{MuxedChunk, Segment, Segmenter, SegmenterSettings, UnixMillis};
use watershed_media::live::LivePacket;
use watershed_media::packet::StreamItem;
use watershed_media::time::Ticks;
use watershed_media::track::Track;

use super::facts::{CaptureReport, StreamFacts};
use super::intake::{ALIVE_FOR, GoesOnAir, Intake, Taken};
use super::messages::StreamSpec;
use super::meter::Counters;
use super::new_capture_id;
use super::output::{Container, LiveOutput, Outputs, ReadyChunk, stream_ring};
use super::preview::Preview;
use super::ring::Ring;
use super::viewers::Viewers;
use crate::names::StreamName;
use crate::report::StreamState;
use crate::wall_clock::{unix_ms, unix_time};

/// What a stream is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamStatus {
    /// On demand, and nobody asked.
    Idle,
    /// Its input was started and has not delivered yet.
    Starting,
    /// Frames arrive.
    Running,
    /// Its inputs deliver nothing: no publisher, or silence.
    Waiting,
    /// Its input fails.
    Failed,
}

impl From<StreamStatus> for StreamState {
    fn from(status: StreamStatus) -> Self {
        match status {
            StreamStatus::Idle => Self::Ondemand,
            StreamStatus::Starting => Self::Starting,
            StreamStatus::Running => Self::Running,
            StreamStatus::Waiting | StreamStatus::Failed => Self::Failed,
        }
    }
}

/// One stream's outputs; shared by its input and all its sessions.
///
/// Locks: whoever writes media holds `intake` while it takes one of the others. No other two are
/// ever held at once, so that they cannot be taken in two orders.
#[derive(Debug)]
pub struct Broadcast {
    name: StreamName,
    segments: SegmenterSettings,
    intake: Mutex<Intake>,
    packets: Arc<Ring<LivePacket>>,
    ts: Arc<LiveOutput>,
    outputs: Mutex<Outputs>,
    hls: RwLock<Segmenter>,
    /// Number of segments cut so far; a player that waits for the first one waits on it.
    segments_cut: watch::Sender<u64>,
    status: watch::Sender<StreamStatus>,
    tracks: RwLock<Arc<[Track]>>,
    counters: Counters,
    viewers: Arc<Viewers>,
    /// Unix milliseconds of the last frame; 0 before the first.
    last_frame_ms: AtomicI64,
    /// Milliseconds of media time of the last frame.
    last_dts_ms: AtomicI64,
    report: Mutex<CaptureReport>,
    preview: Arc<AsyncMutex<Option<Preview>>>,
}

impl Broadcast {
    /// Makes the outputs of `spec`, empty. `capture_id` names this capture in segment names.
    #[must_use]
    pub fn new(spec: &StreamSpec, capture_id: &str) -> Self {
        let status = if spec.is_static { StreamStatus::Starting } else { StreamStatus::Idle };
        let segments = SegmenterSettings {
            segment_duration: spec.segment_duration,
            segment_count: spec.segment_count,
            ..SegmenterSettings::default()
        };
        Self {
            name: spec.name.clone(),
            intake: Mutex::new(Intake::new(spec)),
            packets: stream_ring(),
            ts: stream_ring(),
            outputs: Mutex::default(),
            hls: RwLock::new(new_segmenter(segments, capture_id)),
            segments,
            segments_cut: watch::Sender::new(0),
            status: watch::Sender::new(status),
            tracks: RwLock::new(Arc::new([])),
            counters: Counters::default(),
            viewers: Arc::new(Viewers::new(spec.max_sessions)),
            last_frame_ms: AtomicI64::new(0),
            last_dts_ms: AtomicI64::new(0),
            report: Mutex::new(CaptureReport::new(capture_id)),
            preview: Arc::default(),
        }
    }

    /// Makes the outputs of `spec` that follow those of `previous`, which has ended: empty too, but
    /// no number goes below those that players have seen.
    #[must_use]
    pub(crate) fn following(spec: &StreamSpec, capture_id: &str, previous: &Self) -> Self {
        let new = Self::new(spec, capture_id);
        let now = UnixMillis(unix_ms());
        let hls = previous.hls(|hls| hls.next_capture(new.segments, capture_id, now));
        Self { hls: RwLock::new(hls), ..new }
    }

    /// The stream's name.
    #[must_use]
    pub const fn name(&self) -> &StreamName {
        &self.name
    }

    /// Wanted length of a segment.
    #[must_use]
    pub const fn segment_duration(&self) -> Duration {
        self.segments.segment_duration
    }

    /// How long an HLS player counts as there after a request.
    #[must_use]
    pub fn player_window(&self) -> Duration {
        2 * self.segment_duration() + Duration::from_secs(5)
    }

    /// What it is doing now.
    #[must_use]
    pub fn status(&self) -> StreamStatus {
        *self.status.borrow()
    }

    /// Follows its status.
    #[must_use]
    pub fn watch_status(&self) -> watch::Receiver<StreamStatus> {
        self.status.subscribe()
    }

    /// The tracks as last announced; empty before.
    #[must_use]
    pub fn tracks(&self) -> Arc<[Track]> {
        Arc::clone(&self.tracks.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The packets themselves.
    #[must_use]
    pub const fn packets(&self) -> &Arc<Ring<LivePacket>> {
        &self.packets
    }

    /// The live MPEG-TS.
    #[must_use]
    pub const fn ts(&self) -> &Arc<LiveOutput> {
        &self.ts
    }

    /// The stream in `container`, muxed from now on until nobody holds the answer.
    #[must_use]
    pub fn output(&self, container: Container) -> Arc<LiveOutput> {
        // While nothing is written, no packet can fall between what was and what comes.
        let _intake = self.intake.lock().unwrap_or_else(PoisonError::into_inner);
        self.outputs().open(container, || self.packets.since_newest_start())
    }

    fn outputs(&self) -> MutexGuard<'_, Outputs> {
        self.outputs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes and frames so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Who watches.
    #[must_use]
    pub const fn viewers(&self) -> &Arc<Viewers> {
        &self.viewers
    }

    /// Unix milliseconds of the last frame; 0 before the first.
    #[must_use]
    pub fn last_frame_ms(&self) -> i64 {
        self.last_frame_ms.load(Ordering::Relaxed)
    }

    /// Whether an input is on air and delivers, by the monotonic clock.
    #[must_use]
    pub(crate) fn is_alive(&self, now: Instant) -> bool {
        self.with_intake(|intake| {
            let selector = intake.selector();
            let silence = selector.silence(now);
            selector.on_air().is_some() && silence.is_some_and(|silence| silence < ALIVE_FOR)
        })
    }

    /// Everything about the stream in numbers.
    #[must_use]
    pub fn facts(&self) -> StreamFacts {
        let last_frame_ms = u64::try_from(self.last_frame_ms()).unwrap_or(0);
        let has_frame = last_frame_ms > 0;
        let timestamp_jumps = self.with_intake(Intake::timestamp_jumps);
        let capture = self.report.lock().unwrap_or_else(PoisonError::into_inner).clone();
        StreamFacts {
            capture,
            sessions_total: self.viewers.total(),
            bytes_in: self.counters.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.counters.bytes_out(),
            timestamp_jumps,
            last_frame_ms: has_frame.then_some(last_frame_ms),
            last_dts_ms: has_frame.then(|| self.last_dts_ms.load(Ordering::Relaxed)),
        }
    }

    /// The preview last made; whoever makes one holds the lock meanwhile, so that others wait for
    /// it instead of making it too.
    #[must_use]
    pub const fn preview(&self) -> &Arc<AsyncMutex<Option<Preview>>> {
        &self.preview
    }

    /// Runs `read` on the HLS window.
    pub fn hls<R>(&self, read: impl FnOnce(&Segmenter) -> R) -> R {
        read(&self.hls.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The segment of that name while it can be served.
    #[must_use]
    pub fn segment(&self, name: &str) -> Option<Arc<Segment>> {
        self.hls(|hls| hls.window().find(name).cloned())
    }

    /// Follows the number of segments cut.
    #[must_use]
    pub fn watch_segments(&self) -> watch::Receiver<u64> {
        self.segments_cut.subscribe()
    }

    /// Writes one item of `input`; true when the stream or `input` went on air.
    ///
    /// Nothing comes in once `is_revoked` is set and [`lose_input`](Self::lose_input) has returned:
    /// a last item on its way would put a stream that was stopped on air again.
    pub(crate) fn write(
        &self,
        input: usize,
        item: StreamItem,
        now: Instant,
        is_revoked: &AtomicBool,
    ) -> bool {
        if let StreamItem::Packet(packet) = &item {
            self.counters.received(packet.payload.len());
        }
        let (is_news, capture_id) = self.write_media(input, item, now, is_revoked);
        if let Some(capture_id) = capture_id {
            self.update_report(|report| report.capture_id = capture_id);
        }
        is_news
    }

    /// Writes one item; the second answer is the id of the capture that began with it.
    fn write_media(
        &self,
        input: usize,
        item: StreamItem,
        now: Instant,
        is_revoked: &AtomicBool,
    ) -> (bool, Option<String>) {
        let mut intake = self.intake.lock().unwrap_or_else(PoisonError::into_inner);
        if is_revoked.load(Ordering::Relaxed) {
            return (false, None);
        }
        let unix = unix_time();
        match intake.take(input, item, now, Ticks::from(unix)) {
            Taken::Nothing => (false, None),
            Taken::Tracks(tracks) => {
                self.announce(tracks);
                (false, None)
            }
            Taken::Packet { packet, chunk, has_new_tracks, goes_on_air } => {
                let is_anew = goes_on_air == Some(GoesOnAir::BeginsAnew);
                let capture_id = is_anew.then(new_capture_id);
                if let Some(capture_id) = &capture_id {
                    self.forget_media(capture_id);
                }
                if has_new_tracks {
                    self.announce(Arc::clone(&packet.tracks));
                }
                self.give_out(packet, chunk, unix);
                let has_new_status = self.set_status(StreamStatus::Running);
                (has_new_status || goes_on_air.is_some(), capture_id)
            }
        }
    }

    /// Takes `input` off air.
    pub(crate) fn lose_input(&self, input: usize) {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner).lose(input);
    }

    /// Forgets the media of the last capture, so that nobody is shown it as the next one's.
    pub(crate) fn begin_anew(&self, capture_id: &str) {
        self.forget_media(capture_id);
        self.last_frame_ms.store(0, Ordering::Relaxed);
        self.update_report(|report| *report = CaptureReport::new(capture_id));
    }

    /// Changes what the actor says of the capture.
    pub(crate) fn update_report<R>(&self, update: impl FnOnce(&mut CaptureReport) -> R) -> R {
        update(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks the writing half.
    pub(crate) fn with_intake<R>(&self, ask: impl FnOnce(&Intake) -> R) -> R {
        ask(&self.intake.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets the status; true if it changed.
    pub(crate) fn set_status(&self, status: StreamStatus) -> bool {
        self.status.send_if_modified(|current| {
            let has_changed = *current != status;
            *current = status;
            has_changed
        })
    }

    /// Ends all sessions: the stream was removed.
    pub(crate) fn close(&self) {
        self.packets.close();
        self.ts.close();
        self.outputs().close();
    }

    fn forget_media(&self, capture_id: &str) {
        self.packets.clear();
        self.ts.clear();
        self.outputs().clear();
        let mut hls = self.hls.write().unwrap_or_else(PoisonError::into_inner);
        *hls = hls.next_capture(self.segments, capture_id, UnixMillis(unix_ms()));
    }

    fn announce(&self, tracks: Arc<[Track]>) {
        *self.tracks.write().unwrap_or_else(PoisonError::into_inner) = tracks;
    }

    fn give_out(&self, packet: LivePacket, chunk: Option<MuxedChunk>, unix: Duration) {
        let millis = i64::try_from(unix.as_millis()).unwrap_or(i64::MAX);
        self.last_frame_ms.store(millis, Ordering::Relaxed);
        self.last_dts_ms.store(packet.packet.dts.millis(), Ordering::Relaxed);
        let now = UnixMillis(u64::try_from(millis).unwrap_or(0));
        let has_cut = self.cut_segments(chunk.as_ref(), packet.is_discontinuity, now);
        if let Some(MuxedChunk { bytes, dts, starts_keyframe }) = chunk {
            let start = starts_keyframe.then(Arc::default);
            self.ts.push(ReadyChunk { bytes, dts, start });
        }
        self.outputs().push(&packet);
        self.packets.push(packet);
        if has_cut {
            self.segments_cut.send_modify(|count| *count += 1);
        }
    }

    /// Adds to the HLS segments; true if one was completed.
    fn cut_segments(
        &self,
        chunk: Option<&MuxedChunk>,
        is_discontinuity: bool,
        now: UnixMillis,
    ) -> bool {
        let mut hls = self.hls.write().unwrap_or_else(PoisonError::into_inner);
        let ended = if is_discontinuity { hls.discontinuity() } else { None };
        chunk.and_then(|chunk| hls.push(chunk, now)).or(ended).is_some()
    }
}

fn new_segmenter(settings: SegmenterSettings, capture_id: &str) -> Segmenter {
    Segmenter::new(settings, capture_id, UnixMillis(unix_ms()), 0)
}
