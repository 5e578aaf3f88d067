//! H.265: parameter sets, the `hvcC` record and the kinds of NAL units a muxer must tell apart.
//!
//! The sequence parameter set itself is read in `h265/sps.rs`.

mod sps;

use bytes::{BufMut, Bytes, BytesMut};
use sps::Sps;

use super::CodecError;
use crate::cursor::Cursor;
use crate::track::CodecConfig;

/// First type of the pictures at which decoding can begin (`BLA_W_LP`), the last is 23.
///
/// Source: ITU-T H.265 table 7-1, as for all below.
pub const NAL_IRAP_FIRST: u8 = 16;
/// Video parameter set.
pub const NAL_VPS: u8 = 32;
/// Sequence parameter set.
pub const NAL_SPS: u8 = 33;
/// Picture parameter set.
pub const NAL_PPS: u8 = 34;
/// Access unit delimiter.
pub const NAL_AUD: u8 = 35;

/// The `nal_unit_type` of a NAL unit; 0 for an empty one.
#[must_use]
pub fn nal_type(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |header| header >> 1 & 0x3f)
}

/// Whether an access unit of 4-byte sizes holds an intra random access point.
#[must_use]
pub fn is_keyframe(payload: &[u8]) -> bool {
    super::nal::length_prefixed(payload).any(|unit| (NAL_IRAP_FIRST..=23).contains(&nal_type(unit)))
}

/// Reads an `HEVCDecoderConfigurationRecord`; also tells how wide the sizes of NAL units are.
///
/// Source: ISO/IEC 14496-15 §8.3.3.1.2. Arrays of other NAL units (SEI) are left out.
/// Errors: `OutOfRange` for another version, `Missing` without SPS, `Truncated`, and what
/// [`config_from_parameter_sets`] refuses.
pub fn parse_hvcc(record: &[u8]) -> Result<(CodecConfig, u8), CodecError> {
    let mut cursor = Cursor::new(record);
    let version = cursor.u8()?;
    // Before the standard was final, 0 was written; such files still exist.
    if version > 1 {
        let value = u32::from(version);
        return Err(CodecError::OutOfRange { field: "configurationVersion", value });
    }
    cursor.skip(20)?;
    let length_size = (cursor.u8()? & 3) + 1;
    if length_size == 3 {
        return Err(CodecError::LengthSize(length_size));
    }
    let (mut vps, mut sps, mut pps) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..cursor.u8()? {
        let kind = cursor.u8()? & 0x3f;
        for _ in 0..cursor.u16()? {
            let size = usize::from(cursor.u16()?);
            let unit = cursor.take(size)?;
            match kind {
                NAL_VPS => vps.push(Bytes::copy_from_slice(unit)),
                NAL_SPS => sps.push(Bytes::copy_from_slice(unit)),
                NAL_PPS => pps.push(Bytes::copy_from_slice(unit)),
                _ => {}
            }
        }
    }
    Ok((config_from_parameter_sets(vps, sps, pps)?, length_size))
}

/// Writes an `HEVCDecoderConfigurationRecord` for sizes of 4 bytes.
///
/// Source: ISO/IEC 14496-15 §8.3.3.1.2.
/// Errors: `Missing` without SPS, `TooLong` for sets that the record cannot hold, and what makes
/// the first SPS unreadable.
pub fn write_hvcc(vps: &[Bytes], sps: &[Bytes], pps: &[Bytes]) -> Result<Bytes, CodecError> {
    let first = Sps::parse(sps.first().ok_or(CodecError::Missing("sps"))?)?;
    let mut out = BytesMut::with_capacity(256);
    out.put_u8(1);
    out.put_slice(&first.profile_tier_level);
    // min_spatial_segmentation_idc and parallelismType: unknown.
    out.put_slice(&[0xf0, 0, 0xfc]);
    out.put_slice(&[0xfc | first.chroma_format, 0xf8 | first.luma_depth]);
    out.put_u8(0xf8 | first.chroma_depth);
    // avgFrameRate and constantFrameRate: unknown.
    out.put_u16(0);
    out.put_u8(first.temporal_layers << 3 | u8::from(first.is_temporal_id_nested) << 2 | 3);
    let arrays = [(NAL_VPS, vps), (NAL_SPS, sps), (NAL_PPS, pps)];
    let count = arrays.iter().filter(|(_, units)| !units.is_empty()).count();
    out.put_u8(u8::try_from(count).unwrap_or(0));
    for (kind, units) in arrays.into_iter().filter(|(_, units)| !units.is_empty()) {
        super::check_set_sizes("h265 parameter set", units)?;
        out.put_u8(0x80 | kind);
        out.put_u16(u16::try_from(units.len()).unwrap_or(0));
        for unit in units {
            out.put_u16(u16::try_from(unit.len()).unwrap_or(0));
            out.put_slice(unit);
        }
    }
    Ok(out.freeze())
}

/// Makes the codec configuration from parameter sets, each one NAL unit without framing.
///
/// Errors: `Missing` without SPS, `TooLong` for sets over 65,535 bytes or more than 255 of a kind,
/// `BitsEnded` and `OutOfRange` for an SPS that does not even say its size.
pub fn config_from_parameter_sets(
    vps: Vec<Bytes>,
    sps: Vec<Bytes>,
    pps: Vec<Bytes>,
) -> Result<CodecConfig, CodecError> {
    for sets in [&vps, &sps, &pps] {
        super::check_set_sizes("h265 parameter set", sets)?;
    }
    let video = Sps::parse(sps.first().ok_or(CodecError::Missing("sps"))?)?.shape;
    Ok(CodecConfig::H265 { vps, sps, pps, video })
}

/// How many pictures may be decoded before one that is shown earlier; `None` if the SPS is broken.
///
/// Source: ITU-T H.265 §7.4.3.2.1 (`sps_max_num_reorder_pics`).
#[must_use]
pub fn reorder_pictures(sps: &[u8]) -> Option<u8> {
    Sps::parse(sps).ok().map(|sps| sps.reorder_pictures)
}

/// The 12 bytes of profile, tier and level from an SPS, for codec names.
pub(crate) fn profile_tier_level(unit: &[u8]) -> Result<[u8; 12], CodecError> {
    Sps::parse(unit).map(|sps| sps.profile_tier_level)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Taken from the hvcC of `ffmpeg -f lavfi -i testsrc2=s=320x180:r=30000/1001 -c:v libx265`.
    const VPS: &[u8] = &[
        0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00,
        0x03, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x95, 0x98, 0x09,
    ];
    const SPS: &[u8] = &[
        0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x03, 0x00, 0x3c, 0xa0, 0x0a, 0x08, 0x0b, 0x9f, 0x79, 0x65, 0x66, 0x92, 0x4c, 0xaf, 0x01,
        0x68, 0x08, 0x00, 0x00, 0x1f, 0x48, 0x00, 0x03, 0xa9, 0x80, 0x40,
    ];
    const PPS: &[u8] = &[0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40];

    fn sets(set: &'static [u8]) -> Vec<Bytes> {
        vec![Bytes::from_static(set)]
    }

    #[test]
    fn sps_says_cropped_size_and_frame_rate() {
        let config = config_from_parameter_sets(sets(VPS), sets(SPS), sets(PPS)).unwrap();
        let shape = config.video().unwrap();
        assert_eq!((shape.width, shape.height, shape.fps), (320, 180, Some((30_000, 1001))));
    }

    #[test]
    fn record_round_trips() {
        let config = config_from_parameter_sets(sets(VPS), sets(SPS), sets(PPS)).unwrap();
        let record = write_hvcc(&sets(VPS), &sets(SPS), &sets(PPS)).unwrap();
        assert_eq!(parse_hvcc(&record), Ok((config, 4)));
    }

    #[test]
    fn record_without_sps_is_refused() {
        assert_eq!(write_hvcc(&[], &[], &[]), Err(CodecError::Missing("sps")));
        let mut empty = [0; 23];
        if let Some(sizes) = empty.get_mut(21) {
            *sizes = 3;
        }
        assert_eq!(parse_hvcc(&empty), Err(CodecError::Missing("sps")));
        assert!(matches!(parse_hvcc(&[1; 22]), Err(CodecError::Truncated(_))));
    }

    #[test]
    fn random_access_pictures_are_keyframes() {
        assert!(is_keyframe(&[0, 0, 0, 3, 19 << 1, 1, 9]));
        assert!(is_keyframe(&[0, 0, 0, 3, 21 << 1, 1, 9]));
        assert!(!is_keyframe(&[0, 0, 0, 3, 1 << 1, 1, 9]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = parse_hvcc(&bytes);
            let mut sps = vec![0x42, 1];
            sps.extend_from_slice(&bytes);
            let sps = vec![Bytes::from(sps)];
            let _ = write_hvcc(&[], &sps, &[]);
            let _ = config_from_parameter_sets(Vec::new(), sps, Vec::new());
        }
    }
}
