//! The muxer: packets in, transport packets out, once per stream for all its readers.
//!
//! Tables stand before each video keyframe, so that what follows can be played on its own, and at
//! least every half second. The clock travels on the video track, or on the first audio track, and
//! on packets of its own where frames are rare.

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use super::clock::{self, LEAD, OFFSET};
use super::packetizer::{Marks, PidWriter};
use super::tables::{self, Carried, ElementaryStream, FIRST_TRACK_PID, NULL_PID, PAT_PID, PMT_PID};
use crate::codec::aac::AacDetails;
use crate::codec::{h264, h265, nal, opus};
use crate::packet::MediaPacket;
use crate::time::Ticks;
use crate::track::{AudioShape, CodecConfig, Track, TrackId, TrackKind};

/// Tables are repeated at least this often; DVB (ETSI TR 101 290 §5.2.1) alarms above it.
const TABLES_INTERVAL: Ticks = Ticks::from_millis(500);
/// The clock is due after this; ISO/IEC 13818-1 §2.7.2 allows 100 ms.
const CLOCK_INTERVAL: Ticks = Ticks::from_millis(40);
/// The clock gets a packet of its own after this, if its track has nothing to carry it.
const CLOCK_INTERVAL_MAX: Ticks = Ticks::from_millis(80);
/// A decode time further back than this is a new beginning, not a reordering between tracks.
const BACKWARD_MAX: Ticks = Ticks::from_millis(10_000);

/// More tracks than this are left out, so that the PMT stays one section.
const TRACKS_MAX: usize = 32;

/// `stream_id` of video, audio and private data. Source: ISO/IEC 13818-1 table 2-22.
const STREAM_ID_VIDEO: u8 = 0xe0;
const STREAM_ID_AUDIO: u8 = 0xc0;
const STREAM_ID_PRIVATE: u8 = 0xbd;

/// Access unit delimiters that allow any slice type, behind their start codes.
///
/// Source: ISO/IEC 14496-10 §7.3.2.4, ITU-T H.265 §7.3.2.5.
const DELIMITER_H264: &[u8] = &[0, 0, 0, 1, 0x09, 0xf0];
const DELIMITER_H265: &[u8] = &[0, 0, 0, 1, 0x46, 0x01, 0x50];
const START_CODE: &[u8] = &[0, 0, 0, 1];

/// Writes one stream as MPEG-TS.
#[derive(Debug)]
pub struct Muxer {
    outputs: Vec<Output>,
    left_out: Vec<TrackId>,
    version: u8,
    pat: Vec<u8>,
    pmt: Vec<u8>,
    new_writer: fn(u16) -> PidWriter,
    pat_writer: PidWriter,
    pmt_writer: PidWriter,
    clock_output: Option<usize>,
    has_video: bool,
    last_tables: Option<Ticks>,
    last_clock: Option<Ticks>,
    is_discontinuous: bool,
}

/// One track being written.
#[derive(Debug)]
struct Output {
    track: TrackId,
    kind: TrackKind,
    writer: PidWriter,
    framing: Framing,
}

/// How the track's access units become elementary stream.
#[derive(Debug)]
enum Framing {
    H264 { sets: Vec<Bytes> },
    H265 { sets: Vec<Bytes> },
    Adts(AacDetails),
    Opus,
    AsIs { stream_id: u8 },
}

impl Muxer {
    /// Prepares the tables for `tracks`; those that MPEG-TS cannot carry are left out.
    #[must_use]
    pub fn new(tracks: &[Track]) -> Self {
        Self::with(tracks, PidWriter::new)
    }

    /// As [`new`](Self::new), for a part of a stream that is written apart from what a reader has
    /// before it, on the same timeline: the counters begin anew, and say so.
    ///
    /// Source: ISO/IEC 13818-1 §2.4.3.5 (`discontinuity_indicator`).
    #[must_use]
    pub fn rejoining(tracks: &[Track]) -> Self {
        Self::with(tracks, PidWriter::rejoining)
    }

    fn with(tracks: &[Track], writer: fn(u16) -> PidWriter) -> Self {
        let mut muxer = Self {
            outputs: Vec::new(),
            left_out: Vec::new(),
            version: 0,
            pat: tables::write_pat(),
            pmt: Vec::new(),
            new_writer: writer,
            pat_writer: writer(PAT_PID),
            pmt_writer: writer(PMT_PID),
            clock_output: None,
            has_video: false,
            last_tables: None,
            last_clock: None,
            is_discontinuous: false,
        };
        muxer.announce(tracks);
        muxer
    }

    /// Goes on with other tracks: counters continue, the PMT gets its next version.
    pub fn set_tracks(&mut self, tracks: &[Track]) {
        self.version = (self.version + 1) & 0x1f;
        self.announce(tracks);
    }

    /// Says that the next timestamps are not continuous with the last ones.
    ///
    /// The next clock carries the `discontinuity_indicator`. Source: ISO/IEC 13818-1 §2.4.3.5.
    pub fn discontinuity(&mut self) {
        self.is_discontinuous = true;
        self.last_tables = None;
        self.last_clock = None;
    }

    /// Tracks that MPEG-TS cannot carry (AV1, VP9, G.711, unusual AAC).
    #[must_use]
    pub fn left_out(&self) -> &[TrackId] {
        &self.left_out
    }

    /// Writes PAT and PMT, for a reader that begins elsewhere than at a keyframe.
    pub fn tables(&mut self, out: &mut BytesMut) {
        self.pat_writer.write_section(out, &self.pat);
        self.pmt_writer.write_section(out, &self.pmt);
    }

    /// Writes one access unit behind what is in `out`.
    ///
    /// Returns whether a reader can begin with what was written: it starts with the tables and
    /// holds a video keyframe, or any frame of a stream without video. Packets of tracks that were
    /// left out, and frames that the framing cannot say, write nothing.
    pub fn mux(&mut self, packet: &MediaPacket, out: &mut BytesMut) -> bool {
        let Some(index) = self.outputs.iter().position(|output| output.track == packet.track)
        else {
            return false;
        };
        self.note_backward_jump(packet.dts);
        let is_video =
            self.outputs.get(index).is_some_and(|output| output.kind == TrackKind::Video);
        let is_entry_frame = if self.has_video { is_video && packet.is_keyframe } else { true };
        let are_tables_due =
            self.last_tables.is_none_or(|last| packet.dts - last >= TABLES_INTERVAL);
        let has_tables = are_tables_due || (is_video && packet.is_keyframe);
        if has_tables {
            self.tables(out);
            self.last_tables = Some(packet.dts);
        }
        let pcr = self.clock_for(index, packet.dts, out);
        let marks = Marks {
            pcr,
            is_random_access: packet.is_keyframe && (is_video || pcr.is_some()),
            is_discontinuity: pcr.is_some() && std::mem::take(&mut self.is_discontinuous),
        };
        let is_written =
            self.outputs.get_mut(index).is_some_and(|output| output.write(packet, marks, out));
        is_written && has_tables && is_entry_frame
    }

    fn announce(&mut self, tracks: &[Track]) {
        let before = std::mem::take(&mut self.outputs);
        self.left_out.clear();
        let mut streams = Vec::new();
        for track in tracks {
            let framing = Framing::of(&track.codec);
            let has_room = streams.len() < TRACKS_MAX;
            let (true, Some(carried), Some(framing)) =
                (has_room, Carried::of(&track.codec), framing)
            else {
                self.left_out.push(track.id);
                continue;
            };
            let pid = FIRST_TRACK_PID + u16::from(track.id.0);
            let old = before.iter().find(|output| output.track == track.id);
            let writer = old.map_or_else(|| (self.new_writer)(pid), |output| output.writer.clone());
            let kind = track.codec.kind();
            self.outputs.push(Output { track: track.id, kind, writer, framing });
            let audio = track.codec.audio().unwrap_or_default();
            let language = track.language.clone().filter(|code| code.len() == 3);
            streams.push((ElementaryStream { pid, carried, language }, audio));
        }
        let video = self.outputs.iter().position(|output| output.kind == TrackKind::Video);
        self.has_video = video.is_some();
        self.clock_output = video.or(if self.outputs.is_empty() { None } else { Some(0) });
        self.last_tables = None;
        let streams: &[(ElementaryStream, AudioShape)] = &streams;
        let clock_pid = self
            .clock_output
            .and_then(|index| streams.get(index))
            .map_or(NULL_PID, |(stream, _)| stream.pid);
        self.pmt = tables::write_pmt(self.version, clock_pid, streams);
    }

    fn note_backward_jump(&mut self, dts: Ticks) {
        if self.last_clock.is_some_and(|last| last - dts > BACKWARD_MAX) {
            self.discontinuity();
        }
    }

    /// The clock for a packet of output `index`, if it is due there; writes it apart where frames
    /// of its own track are rare. The clock never runs backwards.
    fn clock_for(&mut self, index: usize, dts: Ticks, out: &mut BytesMut) -> Option<u64> {
        let elapsed = self.last_clock.map(|last| dts - last);
        let value = clock::fold(dts + OFFSET - LEAD);
        if self.clock_output == Some(index) {
            if elapsed.is_some_and(|elapsed| elapsed < CLOCK_INTERVAL) {
                return None;
            }
            self.last_clock = Some(dts);
            return Some(value);
        }
        if elapsed.is_some_and(|elapsed| elapsed >= CLOCK_INTERVAL_MAX) {
            let writer = self.clock_output.and_then(|index| self.outputs.get_mut(index));
            if let Some(output) = writer {
                let marks = Marks { pcr: Some(value), ..Marks::default() };
                output.writer.write_clock(out, marks);
                self.last_clock = Some(dts);
            }
        }
        None
    }
}

impl Output {
    fn write(&mut self, packet: &MediaPacket, marks: Marks, out: &mut BytesMut) -> bool {
        let payload = &packet.payload;
        if payload.is_empty() {
            return false;
        }
        let mut parts: SmallVec<[&[u8]; 24]> = SmallVec::new();
        let mut head: SmallVec<[u8; 64]> = SmallVec::new();
        let stream_id = match &self.framing {
            Framing::H264 { sets } => {
                parts.push(DELIMITER_H264);
                let is_set = |unit: &[u8]| h264::nal_type(unit) == h264::NAL_SPS;
                put_sets(&mut parts, sets, packet, is_set);
                put_units(&mut parts, payload, |unit| h264::nal_type(unit) == h264::NAL_AUD);
                STREAM_ID_VIDEO
            }
            Framing::H265 { sets } => {
                parts.push(DELIMITER_H265);
                let is_set = |unit: &[u8]| h265::nal_type(unit) == h265::NAL_SPS;
                put_sets(&mut parts, sets, packet, is_set);
                put_units(&mut parts, payload, |unit| h265::nal_type(unit) == h265::NAL_AUD);
                STREAM_ID_VIDEO
            }
            Framing::Adts(details) => {
                let Some(adts) = details.adts_header(payload.len()) else {
                    return false;
                };
                head.extend_from_slice(&adts);
                parts.push(payload);
                STREAM_ID_AUDIO
            }
            Framing::Opus => {
                head.extend_from_slice(&opus::ts_control_header(payload.len()));
                parts.push(payload);
                STREAM_ID_PRIVATE
            }
            Framing::AsIs { stream_id } => {
                parts.push(payload);
                *stream_id
            }
        };
        let bytes = head.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut header = pes_header(stream_id, packet, bytes);
        header.extend_from_slice(&head);
        self.writer.write_pes(out, marks, &header, &parts);
        true
    }
}

impl Framing {
    fn of(codec: &CodecConfig) -> Option<Self> {
        match codec {
            CodecConfig::H264 { sps, pps, .. } => {
                let sets = std::iter::once(sps).chain(pps).cloned().collect();
                Some(Self::H264 { sets })
            }
            CodecConfig::H265 { vps, sps, pps, .. } => {
                Some(Self::H265 { sets: vps.iter().chain(sps).chain(pps).cloned().collect() })
            }
            CodecConfig::Aac { config, .. } => AacDetails::parse(config).ok().map(Self::Adts),
            CodecConfig::Mp3 { .. } => Some(Self::AsIs { stream_id: STREAM_ID_AUDIO }),
            CodecConfig::Ac3 { .. } => Some(Self::AsIs { stream_id: STREAM_ID_PRIVATE }),
            CodecConfig::Opus { .. } => Some(Self::Opus),
            CodecConfig::G711 { .. } | CodecConfig::Av1 { .. } | CodecConfig::Vp9 { .. } => None,
        }
    }
}

/// Puts the parameter sets before a keyframe whose payload has none.
fn put_sets<'a>(
    parts: &mut SmallVec<[&'a [u8]; 24]>,
    sets: &'a [Bytes],
    packet: &MediaPacket,
    is_set: impl Fn(&[u8]) -> bool,
) {
    if packet.is_keyframe && !nal::length_prefixed(&packet.payload).any(is_set) {
        for set in sets {
            parts.push(START_CODE);
            parts.push(set);
        }
    }
}

fn put_units<'a>(
    parts: &mut SmallVec<[&'a [u8]; 24]>,
    payload: &'a [u8],
    is_delimiter: impl Fn(&[u8]) -> bool,
) {
    for unit in nal::length_prefixed(payload) {
        if !is_delimiter(unit) {
            parts.push(START_CODE);
            parts.push(unit);
        }
    }
}

/// Source: ISO/IEC 13818-1 §2.4.3.6.
///
/// The length is written wherever it fits, also for video, where 0 would do: a reader that trusts
/// it need not wait for the next frame to know that this one has ended.
fn pes_header(stream_id: u8, packet: &MediaPacket, bytes: usize) -> SmallVec<[u8; 64]> {
    let has_dts = packet.pts > packet.dts;
    let (flags, timestamp_bytes) = if has_dts { (0xc0, 10) } else { (0x80, 5) };
    let length = u16::try_from(bytes + 3 + usize::from(timestamp_bytes)).unwrap_or(0);
    let [length_high, length_low] = length.to_be_bytes();
    let mut header = SmallVec::new();
    header.extend_from_slice(&[0, 0, 1, stream_id, length_high, length_low]);
    // Marker bits and data_alignment_indicator: an access unit begins right behind the header.
    header.extend_from_slice(&[0x84, flags, timestamp_bytes]);
    let pts = packet.pts.max(packet.dts);
    header.extend_from_slice(&clock::encode(if has_dts { 3 } else { 2 }, pts + OFFSET));
    if has_dts {
        header.extend_from_slice(&clock::encode(1, packet.dts + OFFSET));
    }
    header
}
