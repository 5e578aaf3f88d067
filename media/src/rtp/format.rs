//! Which form a codec takes in RTP: payload type, name and clock.

use super::payload::mpeg_audio;
use crate::codec::opus;
use crate::track::{CodecConfig, Track};

/// How the SDP announces a track. Source: RFC 8866 §6.6 (`rtpmap`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// 7 bits; below 96 by RFC 3551 §6, from there on by order.
    pub payload_type: u8,
    /// The registered name.
    pub encoding: &'static str,
    /// Ticks of RTP time a second.
    pub clock_rate: u32,
    /// Channels, where the name alone does not say them.
    pub channels: Option<u8>,
}

/// First payload type that the SDP maps. Source: RFC 3551 §3.
const DYNAMIC_FIRST: u8 = 96;
/// Ticks of video. Source: RFC 6184 §5.1, RFC 7798 §4.1.
const VIDEO_CLOCK: u32 = 90_000;
/// Source: RFC 3551 §6.
const PCMU: u8 = 0;
const PCMA: u8 = 8;
const MPA: u8 = 14;
/// Tracks beyond are left out: there are 32 payload types to map, and two channels for each track.
const TRACKS_MAX: usize = 16;

/// The tracks that RTP carries, in the order of the SDP's media.
///
/// AV1, VP9 and E-AC-3 are left out, as are audio tracks without a sampling rate.
#[must_use]
pub fn carried(tracks: &[Track]) -> Vec<&Track> {
    tracks.iter().filter(|track| format(&track.codec, 0).is_some()).take(TRACKS_MAX).collect()
}

/// The form of a codec as the `index`th of the carried tracks; `None` if it has none.
#[must_use]
pub fn format(codec: &CodecConfig, index: u8) -> Option<Format> {
    let dynamic = DYNAMIC_FIRST + index;
    let mapped = |encoding, clock_rate, channels| Format {
        payload_type: dynamic,
        encoding,
        clock_rate,
        channels,
    };
    let format = match codec {
        CodecConfig::H264 { .. } => mapped("H264", VIDEO_CLOCK, None),
        CodecConfig::H265 { .. } => mapped("H265", VIDEO_CLOCK, None),
        CodecConfig::Aac { audio, .. } => {
            let channels = (audio.channels > 0).then_some(audio.channels);
            mapped("mpeg4-generic", audio.sample_rate, channels)
        }
        CodecConfig::Mp3 { .. } => {
            Format { payload_type: MPA, ..mapped("MPA", mpeg_audio::CLOCK_RATE, None) }
        }
        // Always two channels in the name. Source: RFC 7587 §7.
        CodecConfig::Opus { .. } => mapped("opus", opus::CLOCK_RATE, Some(2)),
        CodecConfig::Ac3 { is_enhanced: false, audio } => {
            mapped("ac3", audio.sample_rate, Some(audio.channels))
        }
        CodecConfig::G711 { is_alaw, audio } => {
            let (encoding, fixed) = if *is_alaw { ("PCMA", PCMA) } else { ("PCMU", PCMU) };
            let is_plain = audio.sample_rate == 8000 && audio.channels == 1;
            let payload_type = if is_plain { fixed } else { dynamic };
            let channels = (audio.channels > 1).then_some(audio.channels);
            Format { payload_type, ..mapped(encoding, audio.sample_rate, channels) }
        }
        CodecConfig::Ac3 { is_enhanced: true, .. }
        | CodecConfig::Av1 { .. }
        | CodecConfig::Vp9 { .. } => return None,
    };
    (format.clock_rate > 0).then_some(format)
}
