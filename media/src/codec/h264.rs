//! H.264: parameter sets, the `avcC` record and the kinds of NAL units a muxer must tell apart.
//!
//! The sequence parameter set is read as far as the frame rate in its VUI. A VUI that is cut short
//! costs only the frame rate: cameras write such, and their pictures decode.

use bytes::{BufMut, Bytes, BytesMut};

use super::bits::{Bits, frame_rate, unescape};
use super::{CodecError, ColourCoding};
use crate::cursor::Cursor;
use crate::track::{CodecConfig, VideoShape};

/// Coded slice of an IDR picture. Source: ISO/IEC 14496-10 table 7-1, as for all below.
pub const NAL_IDR: u8 = 5;
/// Supplemental enhancement information.
pub const NAL_SEI: u8 = 6;
/// Sequence parameter set.
pub const NAL_SPS: u8 = 7;
/// Picture parameter set.
pub const NAL_PPS: u8 = 8;
/// Access unit delimiter.
pub const NAL_AUD: u8 = 9;

/// The `nal_unit_type` of a NAL unit; 0 (unspecified) for an empty one.
#[must_use]
pub fn nal_type(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |header| header & 0x1f)
}

/// Whether decoding can begin at an access unit of 4-byte sizes.
///
/// That is at an IDR slice, or at a recovery point: broadcast encoders with open groups of
/// pictures, and those that refresh line by line, never send another IDR.
#[must_use]
pub fn is_keyframe(payload: &[u8]) -> bool {
    super::nal::length_prefixed(payload).any(|unit| match nal_type(unit) {
        NAL_IDR => true,
        NAL_SEI => has_recovery_point(unit),
        _ => false,
    })
}

/// Reads an `AVCDecoderConfigurationRecord`; also tells how wide the sizes of NAL units are.
///
/// Source: ISO/IEC 14496-15 §5.3.3.1.2. Of several sequence parameter sets the first counts.
/// Errors: `OutOfRange` for another version, `Missing` without SPS, `Truncated`, and what
/// [`config_from_parameter_sets`] refuses.
pub fn parse_avcc(record: &[u8]) -> Result<(CodecConfig, u8), CodecError> {
    let mut cursor = Cursor::new(record);
    let version = cursor.u8()?;
    if version != 1 {
        let value = u32::from(version);
        return Err(CodecError::OutOfRange { field: "configurationVersion", value });
    }
    cursor.skip(3)?;
    let length_size = (cursor.u8()? & 3) + 1;
    if length_size == 3 {
        return Err(CodecError::LengthSize(length_size));
    }
    let sps = sets(&mut cursor, 0x1f)?;
    let pps = sets(&mut cursor, 0xff)?;
    let sps = sps.into_iter().next().ok_or(CodecError::Missing("sps"))?;
    Ok((config_from_parameter_sets(sps, pps)?, length_size))
}

/// Writes an `AVCDecoderConfigurationRecord` for sizes of 4 bytes.
///
/// Source: ISO/IEC 14496-15 §5.3.3.1.2. Parameter sets beyond what the record can hold (255 of
/// 65,535 bytes) are left out; [`config_from_parameter_sets`] lets none of those pass.
#[must_use]
pub fn write_avcc(sps: &Bytes, pps: &[Bytes]) -> Bytes {
    let total: usize = pps.iter().map(|set| set.len() + 2).sum();
    let mut out = BytesMut::with_capacity(sps.len() + total + 16);
    let profile = sps.get(1..4).unwrap_or(&[0, 0, 0]);
    out.put_u8(1);
    out.put_slice(profile);
    out.put_u8(0xfc | 3);
    out.put_u8(0xe0 | 1);
    put_set(&mut out, sps);
    let pps = pps.get(..255).unwrap_or(pps);
    out.put_u8(u8::try_from(pps.len()).unwrap_or(u8::MAX));
    for set in pps {
        put_set(&mut out, set);
    }
    if let (Some(100 | 110 | 122 | 144), Ok(sps)) = (profile.first(), Sps::parse(sps)) {
        out.put_slice(&[0xfc | sps.chroma_format, 0xf8 | sps.luma_depth, 0xf8 | sps.chroma_depth]);
        out.put_u8(0);
    }
    out.freeze()
}

/// Makes the codec configuration from an SPS and its PPS, each one NAL unit without framing.
///
/// Errors: `Missing` if the SPS is no SPS, `TooLong` for sets over 65,535 bytes or more than 255 of
/// them, `BitsEnded` and `OutOfRange` for an SPS that does not even say its size.
pub fn config_from_parameter_sets(
    sps: impl Into<Bytes>,
    pps: Vec<Bytes>,
) -> Result<CodecConfig, CodecError> {
    let sps = sps.into();
    super::check_set_sizes("h264 parameter set", std::slice::from_ref(&sps))?;
    super::check_set_sizes("h264 parameter set", &pps)?;
    let video = Sps::parse(&sps)?.shape;
    Ok(CodecConfig::H264 { sps, pps, video })
}

/// How many frames may be decoded before one that is shown earlier; `None` if the SPS does not say.
///
/// Source: ISO/IEC 14496-10 §E.2.1 (`max_num_reorder_frames`). Where pictures are shown in decoding
/// order in any case, in the Baseline profile and with order count type 2, it is 0.
#[must_use]
pub fn reorder_frames(sps: &[u8]) -> Option<u8> {
    Sps::parse(sps).ok()?.reorder_frames
}

/// What a decoder of a stream has to be ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureFormat {
    /// Width in pixels as coded, before it is cropped.
    pub coded_width: u32,
    /// Height in pixels as coded.
    pub coded_height: u32,
    /// Whether numbers of frames may be missing (`gaps_in_frame_num_value_allowed_flag`).
    pub has_gaps: bool,
    /// What the values mean.
    pub colours: ColourCoding,
}

/// Reads how pictures are coded from an SPS, one NAL unit without framing.
///
/// Errors: as [`config_from_parameter_sets`].
pub fn picture_format(sps: &[u8]) -> Result<PictureFormat, CodecError> {
    Ok(Sps::parse(sps)?.format)
}

/// Whether an SEI holds a recovery point. Source: ISO/IEC 14496-10 §7.3.2.3.1 and table D.1.
fn has_recovery_point(unit: &[u8]) -> bool {
    const RECOVERY_POINT: usize = 6;
    let mut cursor = Cursor::new(unit);
    let number = |cursor: &mut Cursor<'_>| {
        let mut sum = 0_usize;
        loop {
            let byte = cursor.u8().ok()?;
            sum += usize::from(byte);
            if byte != u8::MAX {
                return Some(sum);
            }
        }
    };
    if cursor.skip(1).is_err() {
        return false;
    }
    while cursor.remaining() > 2 {
        let (Some(kind), Some(size)) = (number(&mut cursor), number(&mut cursor)) else {
            return false;
        };
        if kind == RECOVERY_POINT {
            return true;
        }
        if cursor.skip(size).is_err() {
            return false;
        }
    }
    false
}

/// What the sequence parameter set says, as far as anyone asks.
struct Sps {
    shape: VideoShape,
    format: PictureFormat,
    chroma_format: u8,
    luma_depth: u8,
    chroma_depth: u8,
    reorder_frames: Option<u8>,
}

impl Sps {
    /// Source: ISO/IEC 14496-10 §7.3.2.1.1.
    fn parse(unit: &[u8]) -> Result<Self, CodecError> {
        if nal_type(unit) != NAL_SPS {
            return Err(CodecError::Missing("sps"));
        }
        let raw = unescape(unit);
        let mut bits = Bits::new(&raw);
        bits.skip(8)?;
        let profile = bits.small(8)?;
        bits.skip(16)?;
        bits.ue()?;
        let mut sps = Self {
            shape: VideoShape::default(),
            format: PictureFormat {
                coded_width: 0,
                coded_height: 0,
                has_gaps: false,
                colours: ColourCoding::default(),
            },
            chroma_format: 1,
            luma_depth: 0,
            chroma_depth: 0,
            reorder_frames: None,
        };
        let mut has_separate_planes = false;
        if HIGH_PROFILES.contains(&profile) {
            has_separate_planes = sps.read_chroma(&mut bits)?;
        }
        let order_type = skip_picture_order(&mut bits)?;
        bits.ue()?;
        sps.format.has_gaps = bits.flag()?;
        sps.read_size(&mut bits, has_separate_planes)?;
        sps.shape.fps = sps.read_vui(&mut bits).unwrap_or(None);
        sps.reorder_frames = match (profile, order_type) {
            (66, _) | (_, 2) => Some(0),
            _ => vui_reorder_frames(&mut bits).unwrap_or(None),
        };
        Ok(sps)
    }

    fn read_chroma(&mut self, bits: &mut Bits<'_>) -> Result<bool, CodecError> {
        let chroma_format = bits.ue_max("chroma_format_idc", 3)?;
        let has_separate_planes = chroma_format == 3 && bits.flag()?;
        self.chroma_format = u8::try_from(chroma_format).unwrap_or(1);
        self.luma_depth = u8::try_from(bits.ue_max("bit_depth_luma_minus8", 6)?).unwrap_or(0);
        self.chroma_depth = u8::try_from(bits.ue_max("bit_depth_chroma_minus8", 6)?).unwrap_or(0);
        bits.skip(1)?;
        if bits.flag()? {
            for list in 0..if chroma_format == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Ok(has_separate_planes)
    }

    /// Reads the size in macroblocks and the cropping (§7.4.2.1.1, equations 7-18 to 7-21).
    fn read_size(
        &mut self,
        bits: &mut Bits<'_>,
        has_separate_planes: bool,
    ) -> Result<(), CodecError> {
        let columns = bits.ue_max("pic_width_in_mbs_minus1", MACROBLOCKS_MAX)? + 1;
        let rows = bits.ue_max("pic_height_in_map_units_minus1", MACROBLOCKS_MAX)? + 1;
        let is_frames_only = bits.flag()?;
        if !is_frames_only {
            bits.skip(1)?;
        }
        bits.skip(1)?;
        let fields = if is_frames_only { 1 } else { 2 };
        let (unit_x, unit_y) = match self.chroma_format {
            1 if !has_separate_planes => (2, 2),
            2 if !has_separate_planes => (2, 1),
            _ => (1, 1),
        };
        let (mut width, mut height) = (columns * 16, rows * 16 * fields);
        (self.format.coded_width, self.format.coded_height) = (width, height);
        if bits.flag()? {
            let [left, right, top, bottom] = [bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?];
            let cut = |unit: u32, a: u32, b: u32| unit.saturating_mul(a.saturating_add(b));
            width = width.saturating_sub(cut(unit_x, left, right));
            height = height.saturating_sub(cut(unit_y * fields, top, bottom));
        }
        if width == 0 || height == 0 {
            return Err(CodecError::OutOfRange { field: "cropped size", value: 0 });
        }
        (self.shape.width, self.shape.height) = (width, height);
        Ok(())
    }

    /// Reads the VUI as far as its timing: two ticks are a frame. Source: ISO/IEC 14496-10 §E.1.1.
    fn read_vui(&mut self, bits: &mut Bits<'_>) -> Result<Option<(u32, u32)>, CodecError> {
        if !bits.flag()? {
            return Ok(None);
        }
        self.format.colours = super::read_vui_head(bits)?;
        if !bits.flag()? {
            return Ok(None);
        }
        let (tick, scale) = (bits.bits(32)?, bits.bits(32)?);
        // fixed_frame_rate_flag; what follows is none of the frame rate's business.
        let _ = bits.skip(1);
        Ok(frame_rate(u64::from(scale), 2 * u64::from(tick)))
    }
}

/// Profiles whose SPS says its chroma format. Source: ISO/IEC 14496-10 §7.3.2.1.1.
const HIGH_PROFILES: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// 16,384 pixels a side: beyond level 6.2.
const MACROBLOCKS_MAX: u32 = 1023;

fn skip_scaling_list(bits: &mut Bits<'_>, size: usize) -> Result<(), CodecError> {
    let mut last = 8;
    for _ in 0..size {
        let next = (last + bits.se()? + 256) % 256;
        if next == 0 {
            break;
        }
        last = next;
    }
    Ok(())
}

/// Reads on over the picture order count, and tells its type.
fn skip_picture_order(bits: &mut Bits<'_>) -> Result<u32, CodecError> {
    bits.ue()?;
    let order_type = bits.ue_max("pic_order_cnt_type", 2)?;
    match order_type {
        0 => {
            bits.ue()?;
        }
        1 => {
            bits.skip(1)?;
            bits.se()?;
            bits.se()?;
            for _ in 0..bits.ue_max("num_ref_frames_in_pic_order_cnt_cycle", 255)? {
                bits.se()?;
            }
        }
        _ => {}
    }
    Ok(order_type)
}

/// Reads the VUI from behind its timing to its end. Source: ISO/IEC 14496-10 §E.1.1.
fn vui_reorder_frames(bits: &mut Bits<'_>) -> Result<Option<u8>, CodecError> {
    let mut has_buffering = false;
    for _ in ["nal_hrd_parameters", "vcl_hrd_parameters"] {
        if bits.flag()? {
            has_buffering = true;
            skip_buffering(bits)?;
        }
    }
    bits.skip(if has_buffering { 2 } else { 1 })?;
    if !bits.flag()? {
        return Ok(None);
    }
    bits.skip(1)?;
    for _ in 0..4 {
        bits.ue()?;
    }
    Ok(u8::try_from(bits.ue_max("max_num_reorder_frames", 16)?).ok())
}

/// Source: ISO/IEC 14496-10 §E.1.2 (`hrd_parameters`).
fn skip_buffering(bits: &mut Bits<'_>) -> Result<(), CodecError> {
    let count = bits.ue_max("cpb_cnt_minus1", 31)? + 1;
    bits.skip(4 + 4)?;
    for _ in 0..count {
        bits.ue()?;
        bits.ue()?;
        bits.skip(1)?;
    }
    bits.skip(4 * 5)
}

fn sets(cursor: &mut Cursor<'_>, count_mask: u8) -> Result<Vec<Bytes>, CodecError> {
    let count = cursor.u8()? & count_mask;
    let mut sets = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let size = usize::from(cursor.u16()?);
        let set = cursor.take(size)?;
        if !set.is_empty() {
            sets.push(Bytes::copy_from_slice(set));
        }
    }
    Ok(sets)
}

fn put_set(out: &mut BytesMut, set: &Bytes) {
    let size = u16::try_from(set.len()).unwrap_or(0);
    out.put_u16(size);
    out.put_slice(set.get(..usize::from(size)).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `ffmpeg -f lavfi -i testsrc2=s=640x360:r=25 -c:v libx264`: High, level 3.0.
    const SPS_360P25: &[u8] = &[
        0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03,
        0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2d, 0x96,
    ];
    /// 1920x1080 in 1088 lines, 30000/1001 fps, made as above with `s=1920x1080:r=30000/1001`.
    const SPS_1080P29: &[u8] = &[
        0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00,
        0x0f, 0xa4, 0x00, 0x03, 0xa9, 0x80, 0x3c, 0x60, 0xc6, 0x58,
    ];
    /// As the first, with `-color_range pc -colorspace bt709`.
    const SPS_FULL_RANGE_709: &[u8] = &[
        0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f, 0xf9, 0x70, 0x16, 0xe0, 0x20, 0x20,
        0x28, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x01, 0x90, 0x78, 0xb1, 0x6c, 0xb0,
    ];
    const PPS: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];

    fn config(sps: &'static [u8]) -> CodecConfig {
        let pps = vec![Bytes::from_static(PPS)];
        config_from_parameter_sets(Bytes::from_static(sps), pps).unwrap()
    }

    #[test]
    fn sps_says_size_and_frame_rate() {
        let shape = config(SPS_360P25).video().unwrap();
        assert_eq!((shape.width, shape.height, shape.fps), (640, 360, Some((25, 1))));
    }

    #[test]
    fn sps_says_how_far_frames_are_reordered() {
        // x264 with B-frames as references.
        assert_eq!(reorder_frames(SPS_360P25), Some(2));
        assert_eq!(reorder_frames(&SPS_360P25[..16]), None);
        let mut baseline = SPS_360P25.to_vec();
        baseline[1] = 66;
        assert_eq!(reorder_frames(&[0x67, 66, 0, 30, 0xda, 0x05, 0x07, 0xec]), Some(0));
    }

    #[test]
    fn cropping_and_ntsc_rates_are_exact() {
        let shape = config(SPS_1080P29).video().unwrap();
        assert_eq!((shape.width, shape.height, shape.fps), (1920, 1080, Some((30_000, 1001))));
    }

    #[test]
    fn sps_says_how_pictures_are_coded() {
        let format = picture_format(SPS_1080P29).unwrap();
        assert_eq!((format.coded_width, format.coded_height), (1920, 1088));
        assert_eq!(format.colours, ColourCoding::default());
        let full = picture_format(SPS_FULL_RANGE_709).unwrap();
        assert_eq!(full.colours, ColourCoding { is_full_range: true, matrix: Some(1) });
    }

    #[test]
    fn record_round_trips() {
        let sps = Bytes::from_static(SPS_360P25);
        let record = write_avcc(&sps, &[Bytes::from_static(PPS)]);
        assert_eq!(record.get(..6).unwrap(), [1, 0x64, 0, 0x1e, 0xff, 0xe1]);
        let (parsed, length_size) = parse_avcc(&record).unwrap();
        assert_eq!((parsed, length_size), (config(SPS_360P25), 4));
    }

    #[test]
    fn sps_cut_within_the_vui_keeps_its_size() {
        let cut = Bytes::from_static(SPS_360P25.get(..12).unwrap());
        let shape = config_from_parameter_sets(cut, Vec::new()).unwrap().video().unwrap();
        assert_eq!((shape.width, shape.height, shape.fps), (640, 360, None));
    }

    #[test]
    fn what_is_no_sps_is_refused() {
        let refused = config_from_parameter_sets(Bytes::from_static(PPS), Vec::new());
        assert_eq!(refused, Err(CodecError::Missing("sps")));
        assert_eq!(parse_avcc(&[1, 100, 0, 30, 0xff, 0xe0, 0]), Err(CodecError::Missing("sps")));
        assert!(parse_avcc(&[0, 0, 0, 1, 0x67]).is_err());
        let too_long = config_from_parameter_sets(vec![0x67; 70_000], Vec::new());
        assert!(matches!(too_long, Err(CodecError::TooLong { .. })));
    }

    #[test]
    fn keyframes_hold_an_idr_slice() {
        assert!(is_keyframe(&[0, 0, 0, 1, 9, 0, 0, 0, 2, 0x65, 1]));
        assert!(!is_keyframe(&[0, 0, 0, 2, 0x41, 1]));
    }

    #[test]
    fn recovery_points_count_as_keyframes() {
        assert!(is_keyframe(&[0, 0, 0, 8, 6, 1, 1, 0, 6, 1, 0xc4, 0x80]));
        assert!(!is_keyframe(&[0, 0, 0, 5, 6, 1, 1, 0, 0x80]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse_avcc(&bytes);
            let mut sps = vec![0x67];
            sps.extend_from_slice(&bytes);
            let _ = write_avcc(&Bytes::from(sps.clone()), &[Bytes::from(bytes)]);
            let _ = config_from_parameter_sets(sps, Vec::new());
        }
    }
}
