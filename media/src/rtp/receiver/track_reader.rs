//! Turns the packets of one medium of a session description into access units, and finds the
//! codec's configuration: in the description, or in the access units.

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use crate::codec::ac3::Ac3Header;
use crate::codec::mpeg_audio::MpegAudioHeader;
use crate::codec::{aac, h264, h265, nal, opus};
use crate::rtp::payload::Depayloader;
use crate::rtp::payload::aac::{AAC_HBR, AuHeaderForm};
use crate::rtp::payload::latm;
use crate::sdp::MediaDescription;
use crate::time::Ticks;
use crate::track::{AudioShape, CodecConfig, TrackKind};

/// Cameras write parameter sets with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The stereo bit of a packet's first byte. Source: RFC 6716 §3.1.
const OPUS_STEREO: u8 = 0x04;

/// Which codec a medium carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    H264,
    H265,
    Aac,
    Opus,
    G711,
    MpegAudio,
    Ac3,
}

/// Reads one medium.
#[derive(Debug)]
pub(super) struct TrackReader {
    codec: Codec,
    pub(super) depayloader: Depayloader,
    pub(super) clock_rate: u32,
    pub(super) config: Option<CodecConfig>,
    /// Another shape of audio that one frame spoke of.
    rumoured: Option<CodecConfig>,
}

impl TrackReader {
    /// Makes the reader of a medium; `None` if it carries nothing that is read here.
    pub(super) fn new(media: &MediaDescription) -> Option<Self> {
        let name = media.encoding.to_ascii_lowercase();
        let clock_rate = media.clock_rate;
        let (codec, depayloader, config) = match name.as_str() {
            "h264" => (Codec::H264, Depayloader::h264(), h264_config(media)),
            "h265" | "hevc" => (Codec::H265, Depayloader::h265(), h265_config(media)),
            "mpeg4-generic" => {
                let config = hex(media.parameter("config")?)?;
                let unit_time = aac_unit_time(&config, clock_rate)?;
                let config = aac::parse_audio_specific_config(&config).ok()?;
                (Codec::Aac, Depayloader::aac(au_header_form(media), unit_time), Some(config))
            }
            "mp4a-latm" => {
                let config = latm::audio_specific_config(&hex(media.parameter("config")?)?)?;
                let unit_time = aac_unit_time(&config, clock_rate)?;
                let config = aac::parse_audio_specific_config(&config).ok()?;
                (Codec::Aac, Depayloader::latm(unit_time), Some(config))
            }
            "opus" => {
                // Mono unless said otherwise (RFC 7587 §6.1), here or by the packets.
                let channels = if media.parameter("sprop-stereo") == Some("1") { 2 } else { 1 };
                let audio = AudioShape { sample_rate: opus::CLOCK_RATE, channels };
                (Codec::Opus, Depayloader::bare(), Some(CodecConfig::Opus { audio }))
            }
            "pcmu" | "pcma" => {
                let channels = media.channels.unwrap_or(1).max(1);
                let audio = AudioShape { sample_rate: clock_rate, channels };
                let config = CodecConfig::G711 { is_alaw: name == "pcma", audio };
                (Codec::G711, Depayloader::bare(), Some(config))
            }
            "mpa" => (Codec::MpegAudio, Depayloader::mpeg_audio(), None),
            "ac3" => (Codec::Ac3, Depayloader::ac3(), None),
            _ => return None,
        };
        (clock_rate > 0).then_some(Self { codec, depayloader, clock_rate, config, rumoured: None })
    }

    pub(super) const fn kind(&self) -> TrackKind {
        match self.codec {
            Codec::H264 | Codec::H265 => TrackKind::Video,
            Codec::Aac | Codec::Opus | Codec::G711 | Codec::MpegAudio | Codec::Ac3 => {
                TrackKind::Audio
            }
        }
    }

    /// Whether decoding can begin at an access unit.
    pub(super) fn is_keyframe(&self, unit: &[u8]) -> bool {
        match self.codec {
            Codec::H264 => h264::is_keyframe(unit),
            Codec::H265 => h265::is_keyframe(unit),
            Codec::Aac | Codec::Opus | Codec::G711 | Codec::MpegAudio | Codec::Ac3 => true,
        }
    }

    /// Looks for a configuration in an access unit. Returns whether it changed.
    pub(super) fn read_config(&mut self, unit: &[u8]) -> bool {
        let found = match self.codec {
            Codec::H264 | Codec::H265 => self.parameter_sets(unit),
            Codec::MpegAudio => MpegAudioHeader::parse(unit)
                .ok()
                .map(|header| CodecConfig::Mp3 { audio: header.audio }),
            Codec::Ac3 => Ac3Header::parse(unit).ok().map(|header| CodecConfig::Ac3 {
                is_enhanced: header.is_enhanced,
                audio: header.audio,
            }),
            Codec::Opus if unit.first().is_some_and(|toc| toc & OPUS_STEREO != 0) => {
                let audio = AudioShape { sample_rate: opus::CLOCK_RATE, channels: 2 };
                Some(CodecConfig::Opus { audio })
            }
            Codec::Aac | Codec::Opus | Codec::G711 => None,
        };
        let Some(found) = found.filter(|found| self.config.as_ref() != Some(found)) else {
            self.rumoured = None;
            return false;
        };
        // One audio frame of another shape is more likely damaged than a change.
        if self.kind() == TrackKind::Audio
            && self.config.is_some()
            && self.rumoured.as_ref() != Some(&found)
        {
            self.rumoured = Some(found);
            return false;
        }
        self.config = Some(found);
        true
    }

    /// How many frames are sent before one that is shown earlier, and how long a frame is.
    pub(super) fn frame_order(&self) -> (Option<u8>, Ticks) {
        let depth = match &self.config {
            Some(CodecConfig::H264 { sps, .. }) => h264::reorder_frames(sps),
            Some(CodecConfig::H265 { sps, .. }) => {
                sps.first().and_then(|sps| h265::reorder_pictures(sps))
            }
            _ => Some(0),
        };
        let fps = self.config.as_ref().and_then(CodecConfig::video).and_then(|shape| shape.fps);
        let (numerator, denominator) = fps.unwrap_or((25, 1));
        (depth, Ticks::from_clock(denominator.into(), numerator))
    }

    /// The configuration in an access unit that has parameter sets; sets that it does not repeat
    /// stay as they were.
    fn parameter_sets(&self, unit: &[u8]) -> Option<CodecConfig> {
        let (mut vps, mut sps, mut pps) = (Vec::new(), Vec::new(), Vec::new());
        for part in nal::length_prefixed(unit) {
            let sets = match (self.codec, h264::nal_type(part), h265::nal_type(part)) {
                (Codec::H264, h264::NAL_SPS, _) | (Codec::H265, _, h265::NAL_SPS) => &mut sps,
                (Codec::H264, h264::NAL_PPS, _) | (Codec::H265, _, h265::NAL_PPS) => &mut pps,
                (Codec::H265, _, h265::NAL_VPS) => &mut vps,
                _ => continue,
            };
            if !sets.contains(&part) {
                sets.push(part);
            }
        }
        let owned = |sets: &[&[u8]], known: &[Bytes]| -> Vec<Bytes> {
            if sets.is_empty() || sets == known {
                return known.to_vec();
            }
            sets.iter().map(|set| Bytes::copy_from_slice(set)).collect()
        };
        if vps.is_empty() && sps.is_empty() && pps.is_empty() {
            return None;
        }
        match &self.config {
            Some(CodecConfig::H264 { sps: known, pps: known_pps, .. }) => {
                let sps = owned(&sps, std::slice::from_ref(known));
                h264_from_sets(sps, owned(&pps, known_pps))
            }
            Some(CodecConfig::H265 { vps: known_vps, sps: known, pps: known_pps, .. }) => {
                let (vps, pps) = (owned(&vps, known_vps), owned(&pps, known_pps));
                h265_from_sets(vps, owned(&sps, known), pps)
            }
            _ if self.codec == Codec::H264 => h264_from_sets(owned(&sps, &[]), owned(&pps, &[])),
            _ => h265_from_sets(owned(&vps, &[]), owned(&sps, &[]), owned(&pps, &[])),
        }
    }
}

fn h264_from_sets(sps: Vec<Bytes>, pps: Vec<Bytes>) -> Option<CodecConfig> {
    let sps = sps.into_iter().next()?;
    if pps.is_empty() { None } else { h264::config_from_parameter_sets(sps, pps).ok() }
}

fn h265_from_sets(vps: Vec<Bytes>, sps: Vec<Bytes>, pps: Vec<Bytes>) -> Option<CodecConfig> {
    if pps.is_empty() { None } else { h265::config_from_parameter_sets(vps, sps, pps).ok() }
}

/// Source: RFC 6184 §8.1 (`sprop-parameter-sets`).
fn h264_config(media: &MediaDescription) -> Option<CodecConfig> {
    let sets = base64_list(media.parameter("sprop-parameter-sets")?);
    let of = |kind| sets.iter().filter(move |set| h264::nal_type(set) == kind).cloned().collect();
    h264_from_sets(of(h264::NAL_SPS), of(h264::NAL_PPS))
}

/// Source: RFC 7798 §7.1 (`sprop-vps`, `sprop-sps`, `sprop-pps`).
fn h265_config(media: &MediaDescription) -> Option<CodecConfig> {
    let sets = |name| media.parameter(name).map(base64_list);
    h265_from_sets(sets("sprop-vps").unwrap_or_default(), sets("sprop-sps")?, sets("sprop-pps")?)
}

/// Source: RFC 3640 §4.1; what a mode fixes is taken from it where the description is silent.
fn au_header_form(media: &MediaDescription) -> AuHeaderForm {
    let is_high = media.parameter("mode").is_some_and(|mode| mode.eq_ignore_ascii_case("AAC-hbr"));
    let mode = if is_high { AAC_HBR } else { AuHeaderForm::default() };
    let number = |name, default: u8| number(media, name).unwrap_or(default);
    AuHeaderForm {
        size_length: number("sizelength", mode.size_length),
        index_length: number("indexlength", mode.index_length),
        index_delta_length: number("indexdeltalength", mode.index_delta_length),
        cts_delta_length: number("ctsdeltalength", 0),
        dts_delta_length: number("dtsdeltalength", 0),
        has_random_access: number("randomaccessindication", 0) > 0,
        stream_state_length: number("streamstateindication", 0),
        constant_size: self::number(media, "constantsize").unwrap_or(0),
    }
}

/// How long an access unit plays, in ticks of the track's clock.
fn aac_unit_time(config: &[u8], clock_rate: u32) -> Option<u32> {
    let details = aac::AacDetails::parse(config).ok()?;
    let ticks = u64::from(details.frame_samples) * u64::from(clock_rate);
    u32::try_from(ticks.checked_div(details.core_rate.into())?).ok()
}

fn number<T: std::str::FromStr>(media: &MediaDescription, name: &str) -> Option<T> {
    media.parameter(name)?.parse().ok()
}

fn base64_list(text: &str) -> Vec<Bytes> {
    let decoded = text.split(',').filter_map(|set| BASE64.decode(set.trim()).ok());
    // Some cameras put start codes before their sets, others an empty one at the end.
    let units = decoded.map(|set| match nal::annex_b(&set).next() {
        Some(unit) if set.starts_with(&[0, 0]) => Bytes::copy_from_slice(unit),
        _ => Bytes::copy_from_slice(&set),
    });
    units.filter(|set| !set.is_empty()).collect()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let bytes = digits?.chunks(2).map(|pair| pair.iter().fold(0, |sum, d| sum << 4 | d)).collect();
    Some(bytes)
}
