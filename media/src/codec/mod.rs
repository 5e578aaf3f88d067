//! Codecs as far as a streamer must know them: parameter sets, frame headers and framing.
//!
//! Nothing is decoded here. Each file knows one codec: it turns what a container or an SDP carries
//! into a [`CodecConfig`](crate::track::CodecConfig) and back. `nal` converts between the two
//! framings of H.264 and H.265, sizes in front of NAL units (the packet model) and start codes
//! between them (MPEG-TS). Parameter sets are read here and not by `shiguredo_mp4::bitstream`: that
//! stops before the frame rate in H.264 and H.265, and refuses every AAC configuration but plain
//! LC, also the ones that FFmpeg writes for LC.
//!
//! ```text
//!  containers, RTMP, RTSP
//!    │ configuration records, frames
//!  h264  h265  aac  mpeg_audio  ac3  opus      rfc6381 (names for playlists)
//!    └──┬──┘
//!      nal     bits
//! ```

pub mod aac;
pub mod ac3;
pub(crate) mod bits;
pub mod h264;
pub mod h265;
pub mod mpeg_audio;
pub mod nal;
pub mod opus;
mod rfc6381;

pub use nal::{annex_b_to_lengths, to_four_byte_lengths};
pub use rfc6381::rfc6381;
use thiserror::Error;

use crate::cursor::Truncated;

/// Why a parameter set, a header or a framing was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The record ends before its last field.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The bit stream ends before its last field.
    #[error("bit stream ended early")]
    BitsEnded,
    /// A NAL unit's size runs past the access unit.
    #[error("nal unit of {size} bytes, {left} left")]
    NalUnitTooLong {
        /// The size as written.
        size: usize,
        /// Bytes that follow it.
        left: usize,
    },
    /// The size field of NAL units is not 1, 2 or 4 bytes wide.
    #[error("nal unit sizes of {0} bytes")]
    LengthSize(u8),
    /// A value that the standard, or a limit of ours, does not allow.
    #[error("{field} is {value}")]
    OutOfRange {
        /// The field's name in the standard.
        field: &'static str,
        /// What it holds.
        value: u32,
    },
    /// Something that must be there is not.
    #[error("no {0}")]
    Missing(&'static str),
    /// A frame does not begin with its sync word.
    #[error("no {0} sync word")]
    NoSync(&'static str),
    /// More bytes than the format's size field can say.
    #[error("{what} of {bytes} bytes is too long")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its size.
        bytes: usize,
    },
}

/// Refuses parameter sets that configuration records cannot hold: over 65,535 bytes, or over 255.
fn check_set_sizes(what: &'static str, sets: &[bytes::Bytes]) -> Result<(), CodecError> {
    if sets.len() > 255 {
        return Err(CodecError::OutOfRange { field: "count of parameter sets", value: 256 });
    }
    match sets.iter().map(bytes::Bytes::len).find(|&size| size > usize::from(u16::MAX)) {
        Some(bytes) => Err(CodecError::TooLong { what, bytes }),
        None => Ok(()),
    }
}

/// How sample values stand for colours. Source: ISO/IEC 14496-10 §E.2.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColourCoding {
    /// Whether values use all of 0 to 255 (`video_full_range_flag`).
    pub is_full_range: bool,
    /// `matrix_coefficients` of table E-5; none where the stream does not say.
    pub matrix: Option<u8>,
}

/// Reads the VUI from the aspect ratio to the chroma location, the same in H.264 and H.265.
///
/// Source: ISO/IEC 14496-10 §E.1.1, ITU-T H.265 §E.2.1.
fn read_vui_head(bits: &mut bits::Bits<'_>) -> Result<ColourCoding, CodecError> {
    const EXTENDED_ASPECT: u8 = 255;
    const UNSPECIFIED: u8 = 2;
    let mut colours = ColourCoding::default();
    if bits.flag()? && bits.small(8)? == EXTENDED_ASPECT {
        bits.skip(32)?;
    }
    if bits.flag()? {
        bits.skip(1)?;
    }
    if bits.flag()? {
        bits.skip(3)?;
        colours.is_full_range = bits.flag()?;
        if bits.flag()? {
            bits.skip(16)?;
            colours.matrix = Some(bits.small(8)?).filter(|&matrix| matrix != UNSPECIFIED);
        }
    }
    if bits.flag()? {
        bits.ue()?;
        bits.ue()?;
    }
    Ok(colours)
}
