//! H.264 and H.265 in PES packets: Annex B to sized NAL units, parameter sets on the way.

use bytes::Bytes;

use super::{AccessUnit, TimedPes};
use crate::codec::{h264, h265, nal};
use crate::time::Ticks;
use crate::track::CodecConfig;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mpegts) enum Codec {
    H264,
    H265,
}

/// A frame's length where the stream does not say it: 25 a second.
const FRAME_DEFAULT: Ticks = Ticks(3600);

/// Reads one video PID.
#[derive(Debug)]
pub(in crate::mpegts) struct VideoReader {
    codec: Codec,
    config: Option<CodecConfig>,
    last_dts: Option<Ticks>,
}

/// What a NAL unit is to the reader.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Delimiter,
    Filler,
    Vps,
    Sps,
    Pps,
    Other,
}

impl VideoReader {
    pub(super) const fn new(codec: Codec) -> Self {
        Self { codec, config: None, last_dts: None }
    }

    pub(super) const fn config(&self) -> Option<&CodecConfig> {
        self.config.as_ref()
    }

    /// One PES packet is one access unit, unless delimiters say that it is more.
    pub(super) fn push(&mut self, pes: &TimedPes, units: &mut Vec<AccessUnit>) -> bool {
        let has_changed = self.read_config(&pes.payload);
        if self.config.is_none() {
            return false;
        }
        let step = self.frame_length();
        let mut time = pes.time.or_else(|| self.last_dts.map(|last| (last + step, last + step)));
        let mut unit: Vec<&[u8]> = Vec::new();
        for part in nal::annex_b(&pes.payload) {
            match self.role(part) {
                Role::Delimiter if !unit.is_empty() => {
                    self.emit(&unit, time, units);
                    time = time.map(|(dts, pts)| (dts + step, pts + step));
                    unit.clear();
                }
                Role::Delimiter | Role::Filler => {}
                Role::Vps | Role::Sps | Role::Pps | Role::Other => unit.push(part),
            }
        }
        self.emit(&unit, time, units);
        has_changed
    }

    fn emit(&mut self, unit: &[&[u8]], time: Option<(Ticks, Ticks)>, units: &mut Vec<AccessUnit>) {
        let Some((dts, pts)) = time else { return };
        if unit.is_empty() {
            return;
        }
        let bytes = unit.iter().map(|part| part.len() + 4).sum();
        let payload = nal::to_lengths(unit.iter().copied(), bytes);
        let is_keyframe = match self.codec {
            Codec::H264 => h264::is_keyframe(&payload),
            Codec::H265 => h265::is_keyframe(&payload),
        };
        self.last_dts = Some(dts);
        units.push(AccessUnit { dts, pts: pts.max(dts), is_keyframe, payload });
    }

    /// Takes the parameter sets if the access unit has a sequence parameter set.
    fn read_config(&mut self, payload: &[u8]) -> bool {
        let (mut vps, mut sps, mut pps) = (Vec::new(), Vec::new(), Vec::new());
        for unit in nal::annex_b(payload) {
            let sets = match self.role(unit) {
                Role::Vps => &mut vps,
                Role::Sps => &mut sps,
                Role::Pps => &mut pps,
                // Parameter sets stand before the first slice.
                Role::Other if !self.is_before_slices(unit) => break,
                Role::Delimiter | Role::Filler | Role::Other => continue,
            };
            if !sets.contains(&unit) {
                sets.push(unit);
            }
        }
        if sps.is_empty() || pps.is_empty() || self.has_same_sets(&vps, &sps, &pps) {
            return false;
        }
        let owned = |sets: &[&[u8]]| -> Vec<Bytes> {
            sets.iter().map(|set| Bytes::copy_from_slice(set)).collect()
        };
        let config = match self.codec {
            Codec::H264 => {
                let Some(first) = owned(&sps).into_iter().next() else {
                    return false;
                };
                h264::config_from_parameter_sets(first, owned(&pps))
            }
            Codec::H265 => h265::config_from_parameter_sets(owned(&vps), owned(&sps), owned(&pps)),
        };
        match config {
            Ok(config) => {
                self.config = Some(config);
                true
            }
            Err(_) => false,
        }
    }

    fn has_same_sets(&self, vps: &[&[u8]], sps: &[&[u8]], pps: &[&[u8]]) -> bool {
        match &self.config {
            Some(CodecConfig::H264 { sps: known, pps: known_pps, .. }) => {
                sps.first().is_some_and(|first| known == first) && known_pps == pps
            }
            Some(CodecConfig::H265 { vps: known_vps, sps: known_sps, pps: known_pps, .. }) => {
                known_vps == vps && known_sps == sps && known_pps == pps
            }
            _ => false,
        }
    }

    fn role(&self, unit: &[u8]) -> Role {
        match self.codec {
            Codec::H264 => match h264::nal_type(unit) {
                h264::NAL_AUD => Role::Delimiter,
                // Filler data. Source: ISO/IEC 14496-10 table 7-1.
                12 => Role::Filler,
                h264::NAL_SPS => Role::Sps,
                h264::NAL_PPS => Role::Pps,
                _ => Role::Other,
            },
            Codec::H265 => match h265::nal_type(unit) {
                h265::NAL_AUD => Role::Delimiter,
                // Filler data. Source: ITU-T H.265 table 7-1.
                38 => Role::Filler,
                h265::NAL_VPS => Role::Vps,
                h265::NAL_SPS => Role::Sps,
                h265::NAL_PPS => Role::Pps,
                _ => Role::Other,
            },
        }
    }

    fn is_before_slices(&self, unit: &[u8]) -> bool {
        match self.codec {
            Codec::H264 => !(1..=5).contains(&h264::nal_type(unit)),
            Codec::H265 => h265::nal_type(unit) >= h265::NAL_VPS,
        }
    }

    fn frame_length(&self) -> Ticks {
        let fps = self.config.as_ref().and_then(CodecConfig::video).and_then(|shape| shape.fps);
        fps.map_or(FRAME_DEFAULT, |(numerator, denominator)| {
            Ticks::from_clock(i64::from(denominator), numerator)
        })
    }
}
