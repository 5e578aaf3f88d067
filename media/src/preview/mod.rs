//! A keyframe as a small JPEG: what a page shows of a stream that nobody plays there.
//!
//! ```text
//!  keyframe ─▶ decode (H.264) ─▶ picture: scaled, in JPEG's colours ─▶ jpeg
//! ```
//! The one place where pictures are decoded, and publishers choose what the decoder gets. So it is
//! one in safe Rust, its pictures are bounded before it sees them, and its time is bounded by the
//! caller. It must not be called where others wait: a large picture takes a tenth of a second.
//!
//! Without the feature `preview` there is no decoder, and every stream is told so.

#[cfg(feature = "preview")]
mod decode;
#[cfg(feature = "preview")]
mod jpeg;
#[cfg(feature = "preview")]
mod picture;

use bytes::Bytes;
use thiserror::Error;

use crate::live::LivePacket;
use crate::track::CodecConfig;

/// The longer side of a preview, in pixels, at most.
pub const SIDE_MAX: u32 = 640;
/// Quality of the JPEG, of 100: blocks begin to be seen in skies below.
pub const QUALITY: u8 = 75;
/// Sides of the largest picture that is decoded, in pixels as coded: 4096x2304 either way, as level
/// 5.1 has it. It costs about 100 MB for as long as it is decoded.
pub const CODED_SIDES_MAX: (u32, u32) = (4096, 2304);

/// Why there is no preview.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PreviewError {
    /// This build decodes nothing.
    #[error("this node is built without a decoder")]
    NoDecoder,
    /// A codec that no decoder is at hand for.
    #[error("there is no decoder for {0}")]
    Codec(&'static str),
    /// No video.
    #[error("the stream has no video")]
    NoVideo,
    /// More than a preview may cost.
    #[error("pictures of {width}x{height} are too large")]
    TooLarge {
        /// Width as coded.
        width: u32,
        /// Height as coded.
        height: u32,
    },
    /// The keyframe is damaged, or coded in a way that the decoder does not know.
    #[error("the keyframe is not decodable: {0}")]
    Undecodable(String),
    /// The caller's time ran out.
    #[error("decoding took too long")]
    Late,
}

/// Makes the preview of `keyframe`; `is_late` is asked between slices whether to give up.
///
/// Errors: [`PreviewError`].
pub fn jpeg(keyframe: &LivePacket, is_late: &dyn Fn() -> bool) -> Result<Bytes, PreviewError> {
    let track = keyframe.track().ok_or(PreviewError::NoVideo)?;
    match &track.codec {
        CodecConfig::H264 { sps, pps, .. } => h264(sps, pps, &keyframe.packet.payload, is_late),
        other if other.video().is_some() => Err(PreviewError::Codec(other.name())),
        _ => Err(PreviewError::NoVideo),
    }
}

#[cfg(feature = "preview")]
fn h264(
    sps: &Bytes,
    pps: &[Bytes],
    payload: &[u8],
    is_late: &dyn Fn() -> bool,
) -> Result<Bytes, PreviewError> {
    let picture = decode::h264(sps, pps, payload, is_late)?;
    jpeg::encode(&picture)
}

#[cfg(not(feature = "preview"))]
fn h264(
    _sps: &Bytes,
    _pps: &[Bytes],
    _payload: &[u8],
    _is_late: &dyn Fn() -> bool,
) -> Result<Bytes, PreviewError> {
    Err(PreviewError::NoDecoder)
}

#[cfg(all(test, feature = "preview"))]
mod tests;
