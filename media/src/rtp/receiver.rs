//! A publisher's packets back into a stream.
//!
//! ```text
//!  packet ─▶ Reception ─▶ JitterBuffer ─▶ TrackReader ─▶ TrackClock ─▶ DecodeTimes ─▶ StreamItem
//!            whose, lost   in order        access units   timeline      video only
//! ```
//!
//! A loss costs the access unit it hit; video then waits for its next keyframe. All tracks share
//! one timeline that begins near zero and goes on through whatever the publisher's clocks do.

mod decode_times;
mod jitter_buffer;
mod reception;
mod track_clock;
mod track_reader;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use decode_times::DecodeTimes;
use jitter_buffer::JitterBuffer;
use reception::{Arrival, Reception};
use track_clock::TrackClock;
use track_reader::TrackReader;

use super::packet::RtpPacket;
use super::payload::Unit;
use super::rtcp::{self, RtcpPacket};
use crate::packet::{MediaPacket, StreamItem};
use crate::sdp::MediaDescription;
use crate::time::Ticks;
use crate::track::{Track, TrackId, TrackKind};

/// How long to wait for the configuration of an audio track: it comes with its first frame.
const AUDIO_WAIT: Duration = Duration::from_secs(2);
/// How long to wait for that of a video track: it comes with its first keyframe.
const VIDEO_WAIT: Duration = Duration::from_secs(15);
/// Bytes of packets held back meanwhile; beyond, the oldest are dropped.
const HELD_BYTES_MAX: usize = 8 << 20;
/// First packets of two tracks that arrive within this belong together; else they are apart by as
/// much as they arrived.
const TOGETHER_MAX: Duration = Duration::from_millis(500);
/// A jump of one track so soon after that of another is the same jump.
const SAME_JUMP_MAX: Duration = Duration::from_secs(5);
/// The canonical name in our receiver reports.
const CNAME: &str = "watershed";

/// What carries the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A connection, which keeps their order.
    Tcp,
    /// Datagrams, which may come in any order.
    Udp,
}

/// What was received so far, and what went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiverCounters {
    /// RTP packets that counted.
    pub packets: u64,
    /// Packets that never came.
    pub lost_packets: u64,
    /// Packets that came twice, or too late.
    pub late_packets: u64,
    /// Packets that were none, or of another source or payload type.
    pub refused_packets: u64,
    /// Payloads that were wrong, and access units of which a part was missing.
    pub damaged_units: u64,
    /// Whole access units of video dropped before a keyframe.
    pub skipped_units: u64,
    /// Times that a track's clock jumped.
    pub jumps: u64,
}

/// Reads all tracks of a publisher.
#[derive(Debug)]
pub struct Receiver {
    /// By the index of the medium; `None` where nothing is read.
    media: Vec<Option<TrackReceiver>>,
    ssrc: u32,
    output: Output,
    /// The timeline's time less the wall clock of the reports, and whose report said so.
    shift: Option<(usize, Ticks)>,
    /// When the first track got its place at the beginning of the timeline.
    began_at: Option<Instant>,
    counters: ReceiverCounters,
}

/// Reads one track.
#[derive(Debug)]
struct TrackReceiver {
    id: TrackId,
    payload_type: u8,
    reception: Reception,
    jitter_buffer: JitterBuffer,
    reader: TrackReader,
    clock: TrackClock,
    decode_times: DecodeTimes,
    /// Something before the next access unit is missing.
    is_after_loss: bool,
    is_waiting_for_keyframe: bool,
}

/// What was found but not yet said.
#[derive(Debug, Default)]
struct Output {
    is_announced: bool,
    held: VecDeque<MediaPacket>,
    held_bytes: usize,
    last_jump: Option<(TrackId, Instant)>,
}

impl Receiver {
    /// Begins with the media of a description, as `ssrc` in its reports. `None` if there is none
    /// among them that can be read.
    #[must_use]
    pub fn new(media: &[MediaDescription], transport: Transport, ssrc: u32) -> Option<Self> {
        let mut ids = (0..=u8::MAX).map(TrackId);
        let mut track = |media: &MediaDescription| {
            let reader = TrackReader::new(media)?;
            Some(TrackReceiver::new(ids.next()?, media.payload_type, reader, transport))
        };
        let media: Vec<_> = media.iter().map(&mut track).collect();
        media.iter().any(Option::is_some).then(|| Self {
            media,
            ssrc,
            output: Output::default(),
            shift: None,
            began_at: None,
            counters: ReceiverCounters::default(),
        })
    }

    /// Whether the medium is one that is read.
    #[must_use]
    pub fn reads(&self, media_index: usize) -> bool {
        self.media.get(media_index).is_some_and(Option::is_some)
    }

    /// What was received so far.
    #[must_use]
    pub const fn counters(&self) -> ReceiverCounters {
        self.counters
    }

    /// Takes an RTP packet of a medium; what it completes is put behind `items`.
    pub fn receive_rtp(
        &mut self,
        media_index: usize,
        bytes: &[u8],
        now: Instant,
        items: &mut Vec<StreamItem>,
    ) {
        let Some(Some(track)) = self.media.get_mut(media_index) else {
            return;
        };
        let mut units = Vec::new();
        track.receive(bytes, now, &mut self.counters, &mut units);
        for unit in units {
            self.take_unit(media_index, unit, now, items);
        }
        if !self.output.is_announced {
            self.announce_if_known(now, items);
        }
    }

    /// Takes an RTCP packet of a medium.
    pub fn receive_rtcp(&mut self, media_index: usize, bytes: &[u8], now: Instant) {
        let Some(Some(track)) = self.media.get_mut(media_index) else {
            return;
        };
        for packet in rtcp::packets(bytes) {
            let Ok(RtcpPacket::SenderReport { sender, .. }) = packet else {
                continue;
            };
            if !track.reception.is_source(sender.ssrc) {
                continue;
            }
            track.reception.take_sender_report(sender.ntp, now);
            // A sender without a clock says 0. Source: RFC 3550 §6.4.1.
            if sender.ntp != 0 {
                let wall_clock = rtcp::ticks_from_ntp(sender.ntp);
                track.clock.take_report(wall_clock, sender.rtp_time);
            }
        }
        self.align(media_index);
    }

    /// The receiver report of a medium; `None` before its first packet.
    pub fn report(&mut self, media_index: usize, now: Instant) -> Option<Bytes> {
        let track = self.media.get_mut(media_index)?.as_mut()?;
        let block = track.reception.report(now)?;
        let mut out = BytesMut::with_capacity(64);
        rtcp::put_receiver_report(self.ssrc, &block, CNAME, &mut out);
        Some(out.freeze())
    }

    fn take_unit(
        &mut self,
        media_index: usize,
        read: ReadUnit,
        now: Instant,
        items: &mut Vec<StreamItem>,
    ) {
        let began_at = *self.began_at.get_or_insert(now);
        let Some(Some(track)) = self.media.get_mut(media_index) else {
            return;
        };
        let is_first = !track.clock.is_placed();
        if is_first {
            let since = now.saturating_duration_since(began_at);
            let at = if since < TOGETHER_MAX { Ticks::ZERO } else { since.into() };
            track.clock.place(read.unit.time, at, now);
            self.align(media_index);
        }
        let Some(Some(track)) = self.media.get_mut(media_index) else {
            return;
        };
        let Some(placed) = track.clock.next(read.unit.time, now) else {
            return;
        };
        if placed.is_jump {
            self.counters.jumps += 1;
            track.decode_times.reset();
            if self.shift.is_some_and(|(anchor, _)| anchor == media_index) {
                self.shift = None;
            }
            self.output.jump(track.id, now, items);
        }
        let is_keyframe = track.reader.is_keyframe(&read.unit.payload);
        track.is_waiting_for_keyframe |=
            read.is_after_loss && track.reader.kind() == TrackKind::Video;
        if track.is_waiting_for_keyframe && !is_keyframe {
            self.counters.skipped_units += 1;
            return;
        }
        let has_changed = track.reader.read_config(&read.unit.payload);
        if track.reader.config.is_none() {
            self.counters.skipped_units += 1;
            return;
        }
        track.is_waiting_for_keyframe = false;
        if has_changed {
            track.configure();
        }
        let (dts, pts) = track.decode_times.next(placed.time);
        let payload = read.unit.payload;
        let packet = MediaPacket { track: track.id, dts, pts, is_keyframe, payload };
        if has_changed && self.output.is_announced {
            self.announce(items);
        }
        self.output.put(packet, items);
    }

    /// Brings the tracks' clocks together as far as reports allow. The first track with a report
    /// stays where it is; the others move.
    fn align(&mut self, media_index: usize) {
        let shift_of = |media: &[Option<TrackReceiver>]| {
            media.get(media_index)?.as_ref()?.clock.wall_clock_shift()
        };
        let Some(own) = shift_of(&self.media) else { return };
        match self.shift {
            Some((anchor, shift)) if anchor != media_index => {
                if let Some(Some(track)) = self.media.get_mut(media_index) {
                    track.clock.align(shift);
                }
            }
            before => {
                self.shift = Some((media_index, own));
                if before.is_none() {
                    for track in self.media.iter_mut().flatten() {
                        track.clock.align(own);
                    }
                }
            }
        }
    }

    fn announce_if_known(&mut self, now: Instant, items: &mut Vec<StreamItem>) {
        let Some(began_at) = self.began_at else {
            return;
        };
        let waited = now.saturating_duration_since(began_at);
        let is_settled = |track: &TrackReceiver| {
            let wait = match track.reader.kind() {
                TrackKind::Video => VIDEO_WAIT,
                TrackKind::Audio => AUDIO_WAIT,
            };
            track.reader.config.is_some() || waited >= wait
        };
        if self.media.iter().flatten().all(is_settled) {
            self.announce(items);
        }
    }

    /// Announces the tracks whose configuration is known, and hands out what was held back.
    fn announce(&mut self, items: &mut Vec<StreamItem>) {
        let track = |track: &TrackReceiver| {
            let codec = track.reader.config.clone()?;
            Some(Track { id: track.id, codec, language: None })
        };
        let tracks: Arc<[Track]> = self.media.iter().flatten().filter_map(track).collect();
        if tracks.is_empty() {
            return;
        }
        items.push(StreamItem::Tracks(tracks));
        self.output.release(items);
    }
}

/// An access unit, and whether something before it is missing.
struct ReadUnit {
    unit: Unit,
    is_after_loss: bool,
}

impl TrackReceiver {
    fn new(id: TrackId, payload_type: u8, reader: TrackReader, transport: Transport) -> Self {
        let mut track = Self {
            id,
            payload_type,
            reception: Reception::new(reader.clock_rate),
            jitter_buffer: JitterBuffer::new(transport == Transport::Tcp),
            clock: TrackClock::new(reader.clock_rate),
            decode_times: DecodeTimes::new(),
            is_after_loss: false,
            is_waiting_for_keyframe: reader.kind() == TrackKind::Video,
            reader,
        };
        track.configure();
        track
    }

    fn configure(&mut self) {
        let (depth, frame) = self.reader.frame_order();
        self.decode_times.configure(depth, frame);
    }

    fn receive(
        &mut self,
        bytes: &[u8],
        now: Instant,
        counters: &mut ReceiverCounters,
        units: &mut Vec<ReadUnit>,
    ) {
        let parsed = RtpPacket::parse(bytes);
        let Some(packet) = parsed.ok().filter(|p| p.header.payload_type == self.payload_type)
        else {
            counters.refused_packets += 1;
            return;
        };
        let (sequence, is_restarted) = match self.reception.arrive(&packet.header, now) {
            Arrival::Counted(sequence) => (sequence, false),
            Arrival::Restarted(sequence) => (sequence, true),
            Arrival::Foreign => {
                counters.refused_packets += 1;
                return;
            }
        };
        counters.packets += 1;
        let (reader, is_after_loss) = (&mut self.reader, &mut self.is_after_loss);
        if is_restarted {
            *is_after_loss = true;
            self.jitter_buffer.reset();
            reader.depayloader.lose();
        }
        let mut found = Vec::new();
        let is_late = self.jitter_buffer.push(sequence, bytes, now, |lost, bytes| {
            if lost > 0 {
                counters.lost_packets += lost;
                *is_after_loss = true;
                reader.depayloader.lose();
            }
            let Ok(packet) = RtpPacket::parse(bytes) else { return };
            if reader.depayloader.push(&packet, &mut found).is_err() {
                counters.damaged_units += 1;
                *is_after_loss = true;
            }
            for unit in found.drain(..) {
                units.push(ReadUnit { unit, is_after_loss: std::mem::take(is_after_loss) });
            }
        });
        counters.late_packets += u64::from(is_late);
    }
}

impl Output {
    fn put(&mut self, packet: MediaPacket, items: &mut Vec<StreamItem>) {
        if self.is_announced {
            items.push(StreamItem::Packet(packet));
            return;
        }
        self.held_bytes += packet.payload.len();
        self.held.push_back(packet);
        while self.held_bytes > HELD_BYTES_MAX {
            let Some(oldest) = self.held.pop_front() else {
                break;
            };
            self.held_bytes -= oldest.payload.len();
        }
    }

    fn release(&mut self, items: &mut Vec<StreamItem>) {
        self.is_announced = true;
        self.held_bytes = 0;
        items.extend(self.held.drain(..).map(StreamItem::Packet));
    }

    /// Says that a track's clock jumped, once for all tracks.
    fn jump(&mut self, track: TrackId, now: Instant, items: &mut Vec<StreamItem>) {
        let before = self.last_jump.replace((track, now));
        let is_same = before.is_some_and(|(other, at)| {
            other != track && now.saturating_duration_since(at) < SAME_JUMP_MAX
        });
        if self.is_announced && !is_same {
            items.push(StreamItem::Discontinuity);
        }
    }
}

#[cfg(test)]
mod tests;
