//! Recorded streams for the tests of this folder: their tracks, packets, and packets in RTP.

use std::sync::Arc;

use bytes::BytesMut;

use super::Muxer;
use crate::live::{LiveMuxer, LivePacket, StartPoint};
use crate::mpegts::Demuxer;
use crate::packet::{MediaPacket, StreamItem};
use crate::time::Ticks;
use crate::track::{AudioShape, CodecConfig, Track, TrackId};

pub(super) const H264_AAC: &[u8] = include_bytes!("../../testdata/h264-aac.ts");
pub(super) const H265_AC3: &[u8] = include_bytes!("../../testdata/h265-ac3.ts");
pub(super) const MP3: &[u8] = include_bytes!("../../testdata/mp3.ts");
pub(super) const OPUS: &[u8] = include_bytes!("../../testdata/opus.ts");

/// 2026-01-01 00:00 UTC on the timeline.
pub(super) const EPOCH: Ticks = Ticks(1_767_225_600 * Ticks::PER_SECOND);

/// A stream whose times count from the unix epoch.
#[derive(Clone)]
pub(super) struct Recording {
    pub(super) tracks: Arc<[Track]>,
    pub(super) packets: Vec<MediaPacket>,
}

impl Recording {
    pub(super) fn from_ts(bytes: &[u8]) -> Self {
        let (mut demuxer, mut items) = (Demuxer::new(), Vec::new());
        demuxer.push(bytes, &mut items);
        demuxer.finish(&mut items);
        let mut recording = Self { tracks: Arc::new([]), packets: Vec::new() };
        for item in items {
            match item {
                StreamItem::Tracks(tracks) => recording.tracks = tracks,
                StreamItem::Packet(packet) => recording.packets.push(MediaPacket {
                    dts: packet.dts + EPOCH,
                    pts: packet.pts + EPOCH,
                    ..packet
                }),
                StreamItem::Discontinuity => {}
            }
        }
        recording
    }

    /// G.711 as RTMP publishers send it: 20 ms a packet, and one packet of a second.
    pub(super) fn g711() -> Self {
        let audio = AudioShape { sample_rate: 8000, channels: 1 };
        let codec = CodecConfig::G711 { is_alaw: true, audio };
        let track = Track { id: TrackId(0), codec, language: None };
        let packet = |index: i64| {
            let dts = EPOCH + Ticks(index * 1800);
            let samples: Vec<u8> = (0..=u8::MAX).cycle().take(160).collect();
            let payload = samples.into();
            MediaPacket { track: TrackId(0), dts, pts: dts, is_keyframe: true, payload }
        };
        Self { tracks: Arc::new([track]), packets: (0..50).map(packet).collect() }
    }

    pub(super) fn of(&self, track: TrackId) -> Vec<MediaPacket> {
        self.packets.iter().filter(|packet| packet.track == track).cloned().collect()
    }

    /// What the muxer makes of each packet; a start wherever there is a keyframe of track 0.
    pub(super) fn mux(&self) -> Vec<(Option<StartPoint>, BytesMut)> {
        let mut muxer = Muxer::new(7);
        let mux = |packet: &MediaPacket| {
            let mut out = BytesMut::new();
            let start = muxer.mux(&self.live(packet), &mut out);
            (start, out)
        };
        self.packets.iter().map(mux).collect()
    }

    pub(super) fn live(&self, packet: &MediaPacket) -> LivePacket {
        LivePacket {
            tracks: Arc::clone(&self.tracks),
            packet: packet.clone(),
            is_start: packet.track == TrackId(0) && packet.is_keyframe,
            is_discontinuity: false,
        }
    }
}
