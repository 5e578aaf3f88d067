//! The sequence parameter set of H.265, read as far as the frame rate in its VUI.
//!
//! The size stands near the start; the frame rate behind lists whose lengths depend on each other.
//! A set that cannot be read beyond its size therefore costs only the frame rate.

use super::{NAL_SPS, nal_type};
use crate::codec::CodecError;
use crate::codec::bits::{Bits, frame_rate, unescape};
use crate::track::VideoShape;

/// What the sequence parameter set says, as far as anyone asks.
pub(super) struct Sps {
    /// Size and rate.
    pub(super) shape: VideoShape,
    /// The general part of `profile_tier_level`, as it also stands in `hvcC`.
    pub(super) profile_tier_level: [u8; 12],
    /// `chroma_format_idc`.
    pub(super) chroma_format: u8,
    /// `bit_depth_luma_minus8`.
    pub(super) luma_depth: u8,
    /// `bit_depth_chroma_minus8`.
    pub(super) chroma_depth: u8,
    /// `sps_max_sub_layers_minus1` and one.
    pub(super) temporal_layers: u8,
    /// `sps_temporal_id_nesting_flag`.
    pub(super) is_temporal_id_nested: bool,
    /// `sps_max_num_reorder_pics` of all layers together.
    pub(super) reorder_pictures: u8,
}

impl Sps {
    /// Source: ITU-T H.265 §7.3.2.2.1.
    pub(super) fn parse(unit: &[u8]) -> Result<Self, CodecError> {
        if nal_type(unit) != NAL_SPS {
            return Err(CodecError::Missing("sps"));
        }
        let raw = unescape(unit);
        let mut bits = Bits::new(&raw);
        bits.skip(16 + 4)?;
        let sub_layers = bits.small(3)?;
        let is_temporal_id_nested = bits.flag()?;
        let mut profile_tier_level = [0; 12];
        for byte in &mut profile_tier_level {
            *byte = bits.small(8)?;
        }
        skip_sub_layer_levels(&mut bits, sub_layers)?;
        bits.ue()?;
        let chroma_format = bits.ue_max("chroma_format_idc", 3)?;
        if chroma_format == 3 {
            bits.skip(1)?;
        }
        let (width, height) = read_size(&mut bits, chroma_format)?;
        let luma_depth = bits.ue_max("bit_depth_luma_minus8", 7)?;
        let chroma_depth = bits.ue_max("bit_depth_chroma_minus8", 7)?;
        let mut reorder_pictures = 0;
        let fps = read_frame_rate(&mut bits, sub_layers, &mut reorder_pictures).unwrap_or(None);
        Ok(Self {
            shape: VideoShape { width, height, fps },
            profile_tier_level,
            chroma_format: u8::try_from(chroma_format).unwrap_or(1),
            luma_depth: u8::try_from(luma_depth).unwrap_or(0),
            chroma_depth: u8::try_from(chroma_depth).unwrap_or(0),
            temporal_layers: sub_layers + 1,
            is_temporal_id_nested,
            reorder_pictures,
        })
    }
}

/// Level 6.2 allows 8,192 x 4,320 in any shape up to 16,888 a side.
const SIDE_MAX: u32 = 16_888;

/// Source: ITU-T H.265 §7.3.3, from `sub_layer_profile_present_flag` on.
fn skip_sub_layer_levels(bits: &mut Bits<'_>, sub_layers: u8) -> Result<(), CodecError> {
    if sub_layers == 0 {
        return Ok(());
    }
    let mut to_skip = 0;
    for layer in 0..8 {
        let (has_profile, has_level) = (bits.flag()?, bits.flag()?);
        if layer < sub_layers {
            to_skip += if has_profile { 88 } else { 0 } + if has_level { 8 } else { 0 };
        }
    }
    bits.skip(to_skip)
}

/// Reads the coded size less the conformance window (§7.4.3.2.1).
fn read_size(bits: &mut Bits<'_>, chroma_format: u32) -> Result<(u32, u32), CodecError> {
    let mut width = bits.ue_max("pic_width_in_luma_samples", SIDE_MAX)?;
    let mut height = bits.ue_max("pic_height_in_luma_samples", SIDE_MAX)?;
    if bits.flag()? {
        let [left, right, top, bottom] = [bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?];
        let unit_x = if matches!(chroma_format, 1 | 2) { 2 } else { 1 };
        let unit_y = if chroma_format == 1 { 2 } else { 1 };
        let cut = |unit: u32, a: u32, b: u32| unit.saturating_mul(a.saturating_add(b));
        width = width.saturating_sub(cut(unit_x, left, right));
        height = height.saturating_sub(cut(unit_y, top, bottom));
    }
    if width == 0 || height == 0 {
        return Err(CodecError::OutOfRange { field: "cropped size", value: 0 });
    }
    Ok((width, height))
}

/// Reads on from `log2_max_pic_order_cnt_lsb_minus4` to the timing in the VUI; the last layer that
/// is described says how far pictures are reordered.
fn read_frame_rate(
    bits: &mut Bits<'_>,
    sub_layers: u8,
    reorder_pictures: &mut u8,
) -> Result<Option<(u32, u32)>, CodecError> {
    let order_bits = bits.ue_max("log2_max_pic_order_cnt_lsb_minus4", 12)? + 4;
    let is_each_layer_described = bits.flag()?;
    for _ in 0..if is_each_layer_described { sub_layers + 1 } else { 1 } {
        bits.ue()?;
        let pictures = bits.ue_max("sps_max_num_reorder_pics", 16)?;
        *reorder_pictures = u8::try_from(pictures).unwrap_or(0);
        bits.ue()?;
    }
    for _ in 0..6 {
        bits.ue()?;
    }
    if bits.flag()? && bits.flag()? {
        skip_scaling_lists(bits)?;
    }
    bits.skip(2)?;
    if bits.flag()? {
        bits.skip(8)?;
        bits.ue()?;
        bits.ue()?;
        bits.skip(1)?;
    }
    skip_reference_picture_sets(bits)?;
    if bits.flag()? {
        for _ in 0..bits.ue_max("num_long_term_ref_pics_sps", 32)? {
            bits.bits(order_bits)?;
            bits.skip(1)?;
        }
    }
    bits.skip(2)?;
    if bits.flag()? { vui_frame_rate(bits) } else { Ok(None) }
}

/// Source: ITU-T H.265 §E.2.1; a tick is a frame.
fn vui_frame_rate(bits: &mut Bits<'_>) -> Result<Option<(u32, u32)>, CodecError> {
    crate::codec::read_vui_head(bits)?;
    bits.skip(3)?;
    if bits.flag()? {
        for _ in 0..4 {
            bits.ue()?;
        }
    }
    if !bits.flag()? {
        return Ok(None);
    }
    let (tick, scale) = (bits.bits(32)?, bits.bits(32)?);
    Ok(frame_rate(u64::from(scale), u64::from(tick)))
}

/// Source: ITU-T H.265 §7.3.4.
fn skip_scaling_lists(bits: &mut Bits<'_>) -> Result<(), CodecError> {
    for size in 0..4_u32 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if !bits.flag()? {
                bits.ue()?;
                continue;
            }
            if size > 1 {
                bits.se()?;
            }
            for _ in 0..64.min(1_u32 << (4 + (size << 1))) {
                bits.se()?;
            }
        }
    }
    Ok(())
}

/// Source: ITU-T H.265 §7.3.7; the number of pictures of a predicted set as in §7.4.8 (7-61).
fn skip_reference_picture_sets(bits: &mut Bits<'_>) -> Result<(), CodecError> {
    let mut pictures = 0_u32;
    for index in 0..bits.ue_max("num_short_term_ref_pic_sets", 64)? {
        let is_predicted = index > 0 && bits.flag()?;
        if is_predicted {
            bits.skip(1)?;
            bits.ue()?;
            let mut kept = 0;
            for _ in 0..=pictures {
                let is_used = bits.flag()?;
                if is_used || bits.flag()? {
                    kept += 1;
                }
            }
            pictures = kept;
        } else {
            let negative = bits.ue_max("num_negative_pics", 16)?;
            let positive = bits.ue_max("num_positive_pics", 16)?;
            pictures = negative + positive;
            for _ in 0..pictures {
                bits.ue()?;
                bits.skip(1)?;
            }
        }
    }
    Ok(())
}
