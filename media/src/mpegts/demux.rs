//! The demuxer: bytes in any pieces in, tracks and packets out.
//!
//! It begins anywhere in a stream, finds the packet grid again after garbage, follows the first
//! program that it can read through changes of its PMT, and holds the first packets back until the
//! configuration of all tracks is known (or has taken too long), so that a player gets them from
//! the start.

use std::collections::VecDeque;
use std::sync::Arc;

use memchr::memchr;

use super::clock::{Unwrapper, WRAP};
use super::elementary::{AccessUnit, Elementary, TimedPes};
use super::packet::Packet;
use super::pes::{Pes, PesBuffer};
use super::sections::SectionBuffer;
use super::tables::{self, Carried, ElementaryStream, PAT_PID, Program, Table};
use super::{PACKET_BYTES, SYNC_BYTE};
use crate::packet::{MediaPacket, StreamItem};
use crate::time::Ticks;
use crate::track::{Track, TrackId, TrackKind};

/// Streams of a program beyond this many are not read.
const STREAMS_MAX: usize = 16;
/// How long to wait for the configuration of an audio track: it comes with its first frame.
const AUDIO_WAIT: Ticks = Ticks::from_millis(2_000);
/// How long to wait for that of a video track: it comes with its first keyframe.
const VIDEO_WAIT: Ticks = Ticks::from_millis(15_000);
/// Bytes of packets held back meanwhile; beyond, the oldest are dropped.
const HELD_BYTES_MAX: usize = 8 << 20;
/// A step back beyond this is a new timeline; a shorter one is a broken timestamp.
const BACKWARD_MAX: Ticks = Ticks::from_millis(1_000);
/// A step forward beyond this is a new timeline.
const FORWARD_MAX: Ticks = Ticks::from_millis(10_000);

/// What went wrong so far; nothing of it ends the demuxing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DemuxCounters {
    /// Bytes skipped to find the packet grid.
    pub skipped_bytes: u64,
    /// Gaps in the continuity counters.
    pub lost_packets: u64,
    /// PES packets dropped for their size, and packets that say they are damaged or scrambled.
    pub dropped_packets: u64,
}

/// Reads MPEG-TS.
#[derive(Debug, Default)]
pub struct Demuxer {
    /// The start of a packet whose rest has not come yet.
    begun: Vec<u8>,
    is_in_sync: bool,
    counters: DemuxCounters,
    pat: SectionBuffer,
    programs: Vec<Program>,
    /// The one being read.
    program: Option<Program>,
    pmt: SectionBuffer,
    streams: Vec<Stream>,
    is_announced: bool,
    clock: Unwrapper,
    first_time: Option<Ticks>,
    held: VecDeque<MediaPacket>,
    held_bytes: usize,
}

/// One elementary stream being read.
#[derive(Debug)]
struct Stream {
    track: TrackId,
    described: ElementaryStream,
    kind: TrackKind,
    counter: Option<u8>,
    pes: PesBuffer,
    reader: Elementary,
    last_dts: Option<Ticks>,
}

impl Demuxer {
    /// Begins before the first byte.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What went wrong so far.
    #[must_use]
    pub const fn counters(&self) -> DemuxCounters {
        self.counters
    }

    /// Takes the next bytes, in pieces of any size; what they complete is put behind `items`.
    pub fn push(&mut self, bytes: &[u8], items: &mut Vec<StreamItem>) {
        let mut rest = bytes;
        while !self.begun.is_empty() {
            // Out of sync, a packet counts only with the next one's first byte behind it.
            let wanted = PACKET_BYTES + usize::from(!self.is_in_sync);
            let missing = wanted.saturating_sub(self.begun.len());
            let (now, later) = rest.split_at(missing.min(rest.len()));
            self.begun.extend_from_slice(now);
            rest = later;
            if self.begun.len() < wanted {
                return;
            }
            let begun = std::mem::take(&mut self.begun);
            let used = self.scan(&begun, items);
            self.begun.extend_from_slice(begun.get(used..).unwrap_or_default());
        }
        let used = self.scan(rest, items);
        self.begun.extend_from_slice(rest.get(used..).unwrap_or_default());
    }

    /// Ends the stream: hands out what waits for more.
    pub fn finish(&mut self, items: &mut Vec<StreamItem>) {
        let begun = std::mem::take(&mut self.begun);
        if let (PACKET_BYTES, Some(&SYNC_BYTE)) = (begun.len(), begun.first()) {
            self.packet(&begun, items);
        }
        for index in 0..self.streams.len() {
            self.end_pes(index, items);
        }
        if !self.is_announced {
            self.announce(items);
        }
    }

    /// Takes whole packets from the front; returns how many bytes are done with.
    fn scan(&mut self, bytes: &[u8], items: &mut Vec<StreamItem>) -> usize {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() >= PACKET_BYTES) {
            let (packet, after) = rest.split_at(PACKET_BYTES);
            let starts_right = packet.first() == Some(&SYNC_BYTE);
            let ends_right = match after.first() {
                Some(&next) => next == SYNC_BYTE,
                // Only a stream in sync may trust a packet that has nothing behind it.
                None if starts_right && !self.is_in_sync => return at,
                None => true,
            };
            if starts_right && (self.is_in_sync || ends_right) {
                self.is_in_sync = true;
                self.packet(packet, items);
                at += PACKET_BYTES;
                continue;
            }
            self.is_in_sync = false;
            let later = rest.get(1..).unwrap_or_default();
            let skipped = 1 + memchr(SYNC_BYTE, later).unwrap_or(later.len());
            self.counters.skipped_bytes += u64::try_from(skipped).unwrap_or(0);
            at += skipped;
        }
        at
    }

    /// Source: ISO/IEC 13818-1 §2.4.3.2.
    fn packet(&mut self, packet: &[u8], items: &mut Vec<StreamItem>) {
        let Some(packet) = Packet::parse(packet) else {
            self.counters.dropped_packets += 1;
            return;
        };
        if packet.pid == PAT_PID {
            self.take_pat(&packet, items);
        } else if self.program.is_some_and(|program| program.pmt_pid == packet.pid) {
            self.take_pmt(&packet, items);
        } else {
            let index = self.streams.iter().position(|s| s.described.pid == packet.pid);
            if let Some(index) = index {
                self.take_payload(index, &packet, items);
            }
        }
    }

    fn take_pat(&mut self, packet: &Packet<'_>, items: &mut Vec<StreamItem>) {
        let mut found = None;
        self.pat.push(packet.payload, packet.is_start, |section| {
            if let Ok(Table::Pat(programs)) = tables::read_section(section) {
                found = Some(programs);
            }
        });
        let Some(programs) = found else { return };
        self.programs = programs;
        if !self.program.is_some_and(|known| self.programs.contains(&known)) {
            self.choose_program(self.programs.first().copied(), items);
        }
    }

    fn choose_program(&mut self, program: Option<Program>, items: &mut Vec<StreamItem>) {
        self.program = program;
        self.pmt.reset();
        self.set_streams(Vec::new(), items);
    }

    /// The program after the one being read, round and round.
    fn next_program(&self) -> Option<Program> {
        let at = self.programs.iter().position(|one| Some(*one) == self.program)?;
        self.programs.iter().cycle().nth(at + 1).copied()
    }

    fn take_pmt(&mut self, packet: &Packet<'_>, items: &mut Vec<StreamItem>) {
        let mut found = None;
        self.pmt.push(packet.payload, packet.is_start, |section| {
            if let Ok(Table::Pmt { number, streams }) = tables::read_section(section)
                && self.program.is_some_and(|program| program.number == number)
            {
                found = Some(streams);
            }
        });
        if let Some(mut streams) = found {
            streams.truncate(STREAMS_MAX);
            if streams.is_empty() && self.programs.len() > 1 {
                // Data or radio guides only: another program may have what we can read.
                self.choose_program(self.next_program(), items);
            } else if !streams.iter().eq(self.streams.iter().map(|stream| &stream.described)) {
                self.set_streams(streams, items);
            }
        }
    }

    /// Goes over to other streams; those that stay keep what is known of them.
    fn set_streams(&mut self, described: Vec<ElementaryStream>, items: &mut Vec<StreamItem>) {
        for index in 0..self.streams.len() {
            self.end_pes(index, items);
        }
        let mut before = std::mem::take(&mut self.streams);
        self.held.clear();
        self.held_bytes = 0;
        self.first_time = None;
        self.is_announced = false;
        for (number, described) in described.into_iter().enumerate() {
            let Ok(number) = u8::try_from(number) else {
                break;
            };
            let known = before.iter().position(|stream| stream.described == described);
            let mut stream = match known {
                Some(index) => before.swap_remove(index),
                None => Stream::new(described),
            };
            stream.track = TrackId(number);
            self.streams.push(stream);
        }
        self.announce_if_known(items);
    }

    fn take_payload(&mut self, index: usize, packet: &Packet<'_>, items: &mut Vec<StreamItem>) {
        let Some(stream) = self.streams.get_mut(index) else {
            return;
        };
        match stream.follow(packet) {
            Follows::Next => {}
            Follows::Again => return,
            Follows::AfterGap => {
                self.counters.lost_packets += 1;
                stream.pes.reset();
                stream.reader.reset();
            }
        }
        let mut whole: [Option<Pes>; 2] = [None, None];
        let fits = stream.pes.push(packet.payload, packet.is_start, |pes| {
            if let Some(free) = whole.iter_mut().find(|slot| slot.is_none()) {
                *free = Some(pes);
            }
        });
        if !fits {
            self.counters.dropped_packets += 1;
        }
        for pes in whole.into_iter().flatten() {
            self.take_pes(index, pes, items);
        }
    }

    fn end_pes(&mut self, index: usize, items: &mut Vec<StreamItem>) {
        let pes = self.streams.get_mut(index).and_then(|stream| stream.pes.finish());
        if let Some(pes) = pes {
            self.take_pes(index, pes, items);
        }
    }

    fn take_pes(&mut self, index: usize, pes: Pes, items: &mut Vec<StreamItem>) {
        let time = self.time(&pes);
        let Some(stream) = self.streams.get_mut(index) else {
            return;
        };
        let mut units = Vec::new();
        let has_changed = stream.reader.push(TimedPes { time, payload: pes.payload }, &mut units);
        let track = stream.track;
        if let Some((dts, _)) = time {
            self.first_time.get_or_insert(dts);
        }
        if has_changed && self.is_announced {
            self.announce(items);
        }
        for unit in units {
            self.emit(index, track, unit, items);
        }
        if !self.is_announced {
            self.announce_if_known(items);
        }
    }

    /// Decode and presentation time, unwrapped.
    fn time(&mut self, pes: &Pes) -> Option<(Ticks, Ticks)> {
        let pts = pes.pts?;
        let dts = self.clock.unwrap(pes.dts.unwrap_or(pts));
        let ahead = (pts - dts.0).rem_euclid(WRAP);
        // A presentation before the decoding is nonsense.
        let ahead = if ahead < WRAP / 2 { ahead } else { 0 };
        Some((dts, dts + Ticks(ahead)))
    }

    fn emit(
        &mut self,
        index: usize,
        track: TrackId,
        unit: AccessUnit,
        items: &mut Vec<StreamItem>,
    ) {
        let Some(stream) = self.streams.get_mut(index) else {
            return;
        };
        let mut dts = unit.dts;
        if let Some(last) = stream.last_dts {
            if dts - last > FORWARD_MAX || last - dts > BACKWARD_MAX {
                self.streams.iter_mut().for_each(|stream| stream.last_dts = None);
                self.held.clear();
                self.held_bytes = 0;
                if self.is_announced {
                    items.push(StreamItem::Discontinuity);
                }
            } else {
                dts = dts.max(last);
            }
        }
        if let Some(stream) = self.streams.get_mut(index) {
            stream.last_dts = Some(dts);
        }
        let AccessUnit { pts, is_keyframe, payload, .. } = unit;
        let packet = MediaPacket { track, dts, pts: pts.max(dts), is_keyframe, payload };
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

    fn announce_if_known(&mut self, items: &mut Vec<StreamItem>) {
        let waited = match (self.first_time, self.clock.last()) {
            (Some(first), Some(last)) => last - first,
            _ => Ticks::ZERO,
        };
        let is_settled = |stream: &Stream| {
            let wait = match stream.kind {
                TrackKind::Video => VIDEO_WAIT,
                TrackKind::Audio => AUDIO_WAIT,
            };
            stream.reader.config().is_some() || waited >= wait
        };
        let has_any = self.streams.iter().any(|stream| stream.reader.config().is_some());
        if has_any && self.streams.iter().all(is_settled) {
            self.announce(items);
        }
    }

    /// Announces the tracks whose configuration is known, and hands out what was held back.
    fn announce(&mut self, items: &mut Vec<StreamItem>) {
        let track = |stream: &Stream| {
            let codec = stream.reader.config()?.clone();
            let language = stream.described.language.clone();
            Some(Track { id: stream.track, codec, language })
        };
        let tracks: Arc<[Track]> = self.streams.iter().filter_map(track).collect();
        if tracks.is_empty() {
            return;
        }
        items.push(StreamItem::Tracks(tracks));
        self.is_announced = true;
        self.held_bytes = 0;
        items.extend(self.held.drain(..).map(StreamItem::Packet));
    }
}

/// How a packet stands to the one before it on its PID.
enum Follows {
    Next,
    Again,
    AfterGap,
}

impl Stream {
    fn new(described: ElementaryStream) -> Self {
        let kind = match described.carried {
            Carried::H264 | Carried::H265 => TrackKind::Video,
            Carried::Adts | Carried::MpegAudio | Carried::Ac3 { .. } | Carried::Opus { .. } => {
                TrackKind::Audio
            }
        };
        Self {
            track: TrackId(0),
            kind,
            counter: None,
            pes: PesBuffer::default(),
            reader: Elementary::new(described.carried),
            described,
            last_dts: None,
        }
    }

    /// Source: ISO/IEC 13818-1 §2.4.3.3 (`continuity_counter`; a packet may come twice).
    fn follow(&mut self, packet: &Packet<'_>) -> Follows {
        let last = self.counter.replace(packet.counter);
        match last {
            Some(last) if !packet.is_discontinuous => {
                if packet.counter == (last + 1) & 0x0f {
                    Follows::Next
                } else if packet.counter == last {
                    Follows::Again
                } else {
                    Follows::AfterGap
                }
            }
            _ => Follows::Next,
        }
    }
}
