//! The names of codecs in `CODECS` attributes and MIME types.

use std::fmt::Write as _;

use super::aac::AacDetails;
use super::bits::Bits;
use super::h265;
use crate::cursor::Cursor;
use crate::track::CodecConfig;

/// Names a codec with profile and level, as in the `CODECS` attribute of a playlist.
///
/// Source: RFC 6381 §3.3; ISO/IEC 14496-15 Annex E (H.265); AV1 and VP9 codec ISO media bindings.
/// A configuration that does not say its profile yields the codec's bare name.
#[must_use]
pub fn rfc6381(codec: &CodecConfig) -> String {
    match codec {
        CodecConfig::H264 { sps, .. } => match sps.get(1..4) {
            Some([profile, constraints, level]) => {
                format!("avc1.{profile:02x}{constraints:02x}{level:02x}")
            }
            _ => "avc1".to_owned(),
        },
        CodecConfig::H265 { sps, .. } => {
            let first = sps.first().and_then(|sps| h265::profile_tier_level(sps).ok());
            first.map_or_else(|| "hvc1".to_owned(), |levels| h265_name(&levels))
        }
        CodecConfig::Aac { config, .. } => {
            let kind = AacDetails::parse(config).map_or(2, |details| details.signalled_type);
            format!("mp4a.40.{kind}")
        }
        CodecConfig::Mp3 { .. } => "mp4a.40.34".to_owned(),
        CodecConfig::Opus { .. } => "opus".to_owned(),
        CodecConfig::Ac3 { is_enhanced: false, .. } => "ac-3".to_owned(),
        CodecConfig::Ac3 { is_enhanced: true, .. } => "ec-3".to_owned(),
        CodecConfig::G711 { is_alaw: true, .. } => "alaw".to_owned(),
        CodecConfig::G711 { is_alaw: false, .. } => "ulaw".to_owned(),
        CodecConfig::Av1 { config, .. } => av1_name(config).unwrap_or_else(|| "av01".to_owned()),
        CodecConfig::Vp9 { config, .. } => vp9_name(config).unwrap_or_else(|| "vp09".to_owned()),
    }
}

/// `hvc1.<space><profile>.<compatibility, bits reversed>.<tier><level>.<constraints>`.
fn h265_name(levels: &[u8; 12]) -> String {
    let [head, c0, c1, c2, c3, constraints @ .., level] = levels;
    let space = match head >> 6 {
        1 => "A",
        2 => "B",
        3 => "C",
        _ => "",
    };
    let tier = if head & 0x20 == 0 { 'L' } else { 'H' };
    let compatibility = u32::from_be_bytes([*c0, *c1, *c2, *c3]).reverse_bits();
    let mut name = format!("hvc1.{space}{}.{compatibility:X}.{tier}{level}", head & 0x1f);
    let used = constraints.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    for byte in constraints.iter().take(used) {
        let _ = write!(name, ".{byte:X}");
    }
    name
}

/// `av01.<profile>.<level><tier>.<bit depth>` from `av1C` without its box header.
fn av1_name(config: &[u8]) -> Option<String> {
    let mut bits = Bits::new(config);
    bits.skip(8).ok()?;
    let (profile, level) = (bits.small(3).ok()?, bits.small(5).ok()?);
    let tier = if bits.flag().ok()? { 'H' } else { 'M' };
    let depth = match (bits.flag().ok()?, bits.flag().ok()?) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    Some(format!("av01.{profile}.{level:02}{tier}.{depth:02}"))
}

/// `vp09.<profile>.<level>.<bit depth>` from a `VPCodecConfigurationRecord`.
fn vp9_name(config: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(config);
    let [profile, level, depth] = cursor.array().ok()?;
    Some(format!("vp09.{profile:02}.{level:02}.{:02}", depth >> 4))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::track::{AudioShape, VideoShape};

    #[test]
    fn names_are_those_that_players_know() {
        let (audio, video) = (AudioShape::default(), VideoShape::default());
        let bytes = Bytes::from_static;
        let h264 = CodecConfig::H264 { sps: bytes(&[0x67, 0x64, 0, 0x28]), pps: vec![], video };
        let aac = |config| CodecConfig::Aac { config: bytes(config), audio };
        let table = [
            (h264, "avc1.640028"),
            (aac(&[0x12, 0x10]), "mp4a.40.2"),
            (aac(&[0x2b, 0x11, 0x88, 0x00]), "mp4a.40.5"),
            (CodecConfig::Mp3 { audio }, "mp4a.40.34"),
            (CodecConfig::Ac3 { is_enhanced: true, audio }, "ec-3"),
            (CodecConfig::Av1 { config: bytes(&[0x81, 0x04, 0x0c, 0]), video }, "av01.0.04M.08"),
            (CodecConfig::Vp9 { config: bytes(&[0, 31, 0x82]), video }, "vp09.00.31.08"),
            (CodecConfig::Vp9 { config: Bytes::new(), video }, "vp09"),
        ];
        for (codec, name) in table {
            assert_eq!(rfc6381(&codec), name);
        }
    }

    #[test]
    fn h265_names_reverse_the_compatibility_and_drop_trailing_zeros() {
        let main = [0x01, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93];
        assert_eq!(h265_name(&main), "hvc1.1.6.L93.90");
        let main10 = [0x22, 0x20, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 153];
        assert_eq!(h265_name(&main10), "hvc1.2.4.H153.B0");
    }
}
