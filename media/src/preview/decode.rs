//! One H.264 access unit into one picture.
//!
//! The decoder is fed NAL unit by NAL unit: only those that make a picture, after a look at what
//! they ask for. Slices that refer to other pictures are refused, as there are none, and with them
//! all that a decoder keeps for those: version 0.17 takes memory for as many as a stream claims to
//! have. It stops at the first whole picture, so that an access unit full of pictures costs no more
//! than one.

use bytes::Bytes;
use memchr::memmem;
use rusty_h264_decoder::Decoder;

use super::picture::Picture;
use super::{CODED_SIDES_MAX, PreviewError};
use crate::codec::bits::{Bits, unescape};
use crate::codec::h264::{self, NAL_IDR, NAL_PPS, NAL_SPS, PictureFormat};
use crate::codec::{CodecError, nal};

/// Coded slice of a picture that is no IDR picture: what a recovery point begins with.
const NAL_SLICE: u8 = 1;
/// Ids of sequence and of picture parameter sets. Source: ISO/IEC 14496-10 §7.4.2.1.1 and §7.4.2.2.
const SETS_MAX: usize = 32 + 256;
const START_CODE: &[u8] = &[0, 0, 1];

/// Decodes `payload`, NAL units behind 4-byte sizes, with the parameter sets of its track.
pub(super) fn h264(
    sps: &Bytes,
    pps: &[Bytes],
    payload: &[u8],
    is_late: &dyn Fn() -> bool,
) -> Result<Picture, PreviewError> {
    let mut decoder = Decoder::new();
    let mut format = checked_format(sps)?;
    let (mut has_slice, mut has_gaps, mut set_count) = (false, format.has_gaps, 0);
    let mut framed = Vec::new();
    let sets = std::iter::once(sps).chain(pps).map(|set| &set[..]);
    for unit in sets.chain(nal::length_prefixed(payload)) {
        match h264::nal_type(unit) {
            // Within a picture they could only change what is half decoded.
            NAL_SPS | NAL_PPS if has_slice => continue,
            NAL_SPS | NAL_PPS if set_count == SETS_MAX => {
                return Err(undecodable("too many parameter sets"));
            }
            NAL_SPS => {
                format = checked_format(unit)?;
                has_gaps |= format.has_gaps;
                set_count += 1;
            }
            NAL_PPS => set_count += 1,
            // In the place of frames that are missing it would put others.
            NAL_SLICE if has_gaps => return Err(undecodable("frames may be missing")),
            NAL_IDR | NAL_SLICE if is_intra(unit).map_err(undecodable)? => has_slice = true,
            NAL_IDR | NAL_SLICE => return Err(undecodable("a slice refers to other pictures")),
            _ => continue,
        }
        // The decoder would see two units where we have looked at one.
        if memmem::find(unit, START_CODE).is_some() {
            return Err(undecodable("a start code within a nal unit"));
        }
        if is_late() {
            return Err(PreviewError::Late);
        }
        framed.clear();
        framed.extend_from_slice(START_CODE);
        framed.extend_from_slice(unit);
        if let Some(frame) = decoder.decode(&framed).map_err(undecodable)? {
            let planes = [frame.y, frame.u, frame.v];
            return Ok(Picture::new(planes, frame.width, frame.height, format.colours));
        }
    }
    Err(undecodable("the picture is not whole"))
}

/// Whether a slice refers to nothing but its own picture.
///
/// Source: ISO/IEC 14496-10 §7.3.3 and table 7-6.
fn is_intra(slice: &[u8]) -> Result<bool, CodecError> {
    /// Two of the longest codes behind the byte of the NAL unit, escaped.
    const HEAD_BYTES: usize = 28;
    let head = unescape(slice.get(..HEAD_BYTES).unwrap_or(slice));
    let mut bits = Bits::new(&head);
    bits.skip(8)?;
    let _first_macroblock = bits.ue()?;
    Ok(matches!(bits.ue()?, 2 | 7))
}

fn checked_format(sps: &[u8]) -> Result<PictureFormat, PreviewError> {
    let format = h264::picture_format(sps).map_err(undecodable)?;
    let (width, height) = (format.coded_width, format.coded_height);
    let (long, short) = CODED_SIDES_MAX;
    if width.max(height) > long || width.min(height) > short {
        return Err(PreviewError::TooLarge { width, height });
    }
    Ok(format)
}

fn undecodable(cause: impl ToString) -> PreviewError {
    PreviewError::Undecodable(cause.to_string())
}
