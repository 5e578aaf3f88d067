//! H.264 in RTP: packetization mode 1, single NAL units, STAP-A and FU-A.
//!
//! Source: RFC 6184. What only mode 2 has (STAP-B, MTAP, FU-B) is skipped: nobody sends it, and its
//! decoding order needs buffers that nothing else does.

use smallvec::SmallVec;

use super::nal_units::{NalForm, UnitBuilder};
use crate::codec::h264::{self, NAL_AUD, NAL_IDR, NAL_SPS};
use crate::cursor::Cursor;
use crate::rtp::RtpError;

/// Source: RFC 6184 table 1, as for all below.
const STAP_A: u8 = 24;
const STAP_B: u8 = 25;
const MTAP24: u8 = 27;
const FU_A: u8 = 28;
const FU_B: u8 = 29;

/// The payload format.
pub(super) struct H264;

impl NalForm for H264 {
    const HEADER_BYTES: usize = 1;

    /// The highest importance of all units, and whether one is damaged. Source: RFC 6184 §5.7.
    fn aggregate(units: &[&[u8]]) -> SmallVec<[u8; 3]> {
        let headers = units.iter().filter_map(|unit| unit.first());
        let (damaged, importance) = headers.fold((0, 0), |(damaged, importance), header| {
            (damaged | header & 0x80, importance.max(header & 0x60))
        });
        SmallVec::from_slice(&[damaged | importance | STAP_A])
    }

    /// Source: RFC 6184 §5.8.
    fn fragment(unit: &[u8], is_first: bool, is_last: bool) -> SmallVec<[u8; 3]> {
        let header = unit.first().copied().unwrap_or(0);
        let flags = u8::from(is_first) << 7 | u8::from(is_last) << 6;
        SmallVec::from_slice(&[header & 0xe0 | FU_A, flags | header & 0x1f])
    }

    fn opens(payload: &[u8]) -> bool {
        let first = match h264::nal_type(payload) {
            STAP_A => payload.get(3..).unwrap_or_default(),
            _ => payload,
        };
        matches!(h264::nal_type(first), NAL_SPS | NAL_AUD)
    }

    /// `first_mb_in_slice` is zero if the first bit is set. Source: ISO/IEC 14496-10 §7.3.3, §9.1.
    fn continues_picture(payload: &[u8]) -> bool {
        let (kind, body) = match (h264::nal_type(payload), payload) {
            (FU_A, [_, fragment, body @ ..]) if fragment & 0x80 != 0 => (fragment & 0x1f, body),
            (kind, [_, body @ ..]) => (kind, body),
            (_, []) => return false,
        };
        (1..=NAL_IDR).contains(&kind) && body.first().is_some_and(|byte| byte & 0x80 == 0)
    }

    fn is_slice(unit: &[u8]) -> bool {
        (1..=NAL_IDR).contains(&h264::nal_type(unit))
    }

    fn depayload(payload: &[u8], unit: &mut UnitBuilder) -> Result<(), RtpError> {
        let mut cursor = Cursor::new(payload);
        let header = cursor.u8()?;
        match header & 0x1f {
            1..STAP_A => unit.whole::<Self>(payload),
            STAP_A => {
                while !cursor.is_empty() {
                    let size = usize::from(cursor.u16()?);
                    unit.whole::<Self>(cursor.take(size)?);
                }
            }
            FU_A => {
                let fragment = cursor.u8()?;
                let rebuilt = header & 0xe0 | fragment & 0x1f;
                let (is_first, is_last) = (fragment & 0x80 != 0, fragment & 0x40 != 0);
                unit.piece::<Self>(&[rebuilt], cursor.rest(), is_first, is_last);
            }
            STAP_B..=MTAP24 | FU_B => {}
            other => return Err(RtpError::PacketForm(other)),
        }
        Ok(())
    }
}
