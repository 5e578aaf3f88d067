//! Payload formats: how access units become RTP packets, and packets access units again.
//!
//! Each file knows one format, both ways. Opus (RFC 7587) and G.711 (RFC 3551 §4.5.14) have nothing
//! around their bytes, so they have no file.
//!
//! Our own and not `rtc-rtp`: that copies each packet into a buffer of its own, wants start codes
//! where the packet model has sizes, and knows neither AAC, MPEG audio nor AC-3.

pub(crate) mod aac;
mod ac3;
mod h264;
mod h265;
pub(crate) mod latm;
pub(crate) mod mpeg_audio;
mod nal_units;

use aac::{AacDepayloader, AuHeaderForm};
use ac3::Ac3Depayloader;
use bytes::Bytes;
use h264::H264;
use h265::H265;
use latm::LatmDepayloader;
use mpeg_audio::MpegAudioDepayloader;
use nal_units::NalDepayloader;

use super::packet::{HEADER_BYTES, RtpPacket};
use super::source::PacketSink;
use super::{PACKET_BYTES_MAX, RtpError};
use crate::packet::MediaPacket;
use crate::track::CodecConfig;

/// Room for the payload of a packet.
const PAYLOAD_BYTES_MAX: usize = PACKET_BYTES_MAX - HEADER_BYTES;

/// An access unit that came out of packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    /// In the clock of the track, modulo 2^32.
    pub(crate) time: u32,
    /// In the form of the packet model.
    pub(crate) payload: Bytes,
}

/// Writes the packets of an access unit; none for codecs that have no form here.
pub(super) fn put_access_unit(
    codec: &CodecConfig,
    packet: &MediaPacket,
    sink: &mut PacketSink<'_>,
) {
    let payload = &packet.payload;
    match codec {
        CodecConfig::H264 { sps, pps, .. } => {
            let sets = std::iter::once(sps).chain(pps);
            let before = sets_before(packet, h264_has_sets, sets);
            nal_units::put_access_unit::<H264>(&before, payload, sink);
        }
        CodecConfig::H265 { vps, sps, pps, .. } => {
            let sets = vps.iter().chain(sps).chain(pps);
            let before = sets_before(packet, h265_has_sets, sets);
            nal_units::put_access_unit::<H265>(&before, payload, sink);
        }
        CodecConfig::Aac { .. } => aac::put_access_unit(payload, sink),
        CodecConfig::Mp3 { .. } => mpeg_audio::put_access_unit(payload, sink),
        CodecConfig::Ac3 { .. } => ac3::put_access_unit(payload, sink),
        // A packet of Opus is never cut (RFC 7587 §4.2); the longest has 1,275 bytes a frame.
        CodecConfig::Opus { .. } => sink.put(false, &[payload]),
        CodecConfig::G711 { audio, .. } => {
            let channels = usize::from(audio.channels.max(1));
            let samples = PAYLOAD_BYTES_MAX / channels;
            for (index, piece) in payload.chunks(samples * channels).enumerate() {
                let ahead = u32::try_from(index * samples).unwrap_or(0);
                sink.put_ahead(ahead, false, &[piece]);
            }
        }
        CodecConfig::Av1 { .. } | CodecConfig::Vp9 { .. } => {}
    }
}

/// The parameter sets to send before a keyframe that has none of its own: a player that joins
/// with an old SDP, or after a change, decodes all the same.
fn sets_before<'a>(
    packet: &MediaPacket,
    has_sets: fn(&[u8]) -> bool,
    sets: impl Iterator<Item = &'a Bytes>,
) -> Vec<Bytes> {
    if packet.is_keyframe && !has_sets(&packet.payload) {
        sets.cloned().collect()
    } else {
        Vec::new()
    }
}

fn h264_has_sets(payload: &[u8]) -> bool {
    use crate::codec::h264::{NAL_SPS, nal_type};
    crate::codec::nal::length_prefixed(payload).any(|unit| nal_type(unit) == NAL_SPS)
}

fn h265_has_sets(payload: &[u8]) -> bool {
    use crate::codec::h265::{NAL_SPS, nal_type};
    crate::codec::nal::length_prefixed(payload).any(|unit| nal_type(unit) == NAL_SPS)
}

/// Reads the packets of one track.
#[derive(Debug)]
pub(super) struct Depayloader(Form);

#[derive(Debug)]
enum Form {
    H264(NalDepayloader),
    H265(NalDepayloader),
    Aac(AacDepayloader),
    Latm(LatmDepayloader),
    MpegAudio(MpegAudioDepayloader),
    Ac3(Ac3Depayloader),
    /// Opus and G.711: the payload is the access unit.
    Bare,
}

impl Depayloader {
    pub(super) fn h264() -> Self {
        Self(Form::H264(NalDepayloader::default()))
    }

    pub(super) fn h265() -> Self {
        Self(Form::H265(NalDepayloader::default()))
    }

    /// `unit_time` is how long an access unit plays, in the clock of the track.
    pub(super) fn aac(form: AuHeaderForm, unit_time: u32) -> Self {
        Self(Form::Aac(AacDepayloader::new(form, unit_time)))
    }

    /// AAC in its other form; `unit_time` as above.
    pub(super) fn latm(unit_time: u32) -> Self {
        Self(Form::Latm(LatmDepayloader::new(unit_time)))
    }

    pub(super) fn mpeg_audio() -> Self {
        Self(Form::MpegAudio(MpegAudioDepayloader::default()))
    }

    pub(super) fn ac3() -> Self {
        Self(Form::Ac3(Ac3Depayloader::default()))
    }

    pub(super) const fn bare() -> Self {
        Self(Form::Bare)
    }

    /// Takes the next packet; access units that end with it are put behind `units`.
    ///
    /// Errors: what is wrong with the payload, or that an access unit was not whole. The access
    /// units in `units` are good in any case.
    pub(super) fn push(
        &mut self,
        packet: &RtpPacket<'_>,
        units: &mut Vec<Unit>,
    ) -> Result<(), RtpError> {
        if packet.payload.is_empty() {
            // Keeps a path open, and counts as received.
            return Ok(());
        }
        match &mut self.0 {
            Form::H264(form) => form.push::<H264>(packet, units),
            Form::H265(form) => form.push::<H265>(packet, units),
            Form::Aac(form) => form.push(packet, units),
            Form::Latm(form) => form.push(packet, units),
            Form::MpegAudio(form) => form.push(packet, units),
            Form::Ac3(form) => form.push(packet, units),
            Form::Bare => {
                let payload = Bytes::copy_from_slice(packet.payload);
                units.push(Unit { time: packet.header.time, payload });
                Ok(())
            }
        }
    }

    /// Says that packets before the next one are missing: what they began is dropped.
    pub(super) fn lose(&mut self) {
        match &mut self.0 {
            Form::H264(form) | Form::H265(form) => form.lose(),
            Form::Aac(form) => form.lose(),
            Form::Latm(form) => form.lose(),
            Form::MpegAudio(form) => form.lose(),
            Form::Ac3(form) => form.lose(),
            Form::Bare => {}
        }
    }
}

#[cfg(test)]
mod tests;
