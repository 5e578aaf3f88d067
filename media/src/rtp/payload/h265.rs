//! H.265 in RTP: single NAL units, aggregation packets and fragments, without decoding order
//! numbers.
//!
//! Source: RFC 7798. An SDP that asks for `sprop-max-don-diff` is not served: nobody sends it.

use smallvec::SmallVec;

use super::nal_units::{NalForm, UnitBuilder};
use crate::codec::h265::{self, NAL_AUD, NAL_PPS, NAL_VPS};
use crate::cursor::Cursor;
use crate::rtp::RtpError;

/// Aggregation packet. Source: RFC 7798 §4.4.2.
const AP: u8 = 48;
/// Fragmentation unit. Source: RFC 7798 §4.4.3.
const FU: u8 = 49;
/// Payload content information, which tells nothing a decoder needs. Source: RFC 7798 §4.4.4.
const PACI: u8 = 50;
/// The bits of a NAL unit's first byte that are its type.
const TYPE_MASK: u8 = 0x7e;

/// The payload format.
pub(super) struct H265;

impl NalForm for H265 {
    const HEADER_BYTES: usize = 2;

    /// The lowest layer and temporal id of all units. Source: RFC 7798 §4.4.2.
    fn aggregate(units: &[&[u8]]) -> SmallVec<[u8; 3]> {
        let headers = units.iter().filter_map(|unit| unit.first_chunk::<2>());
        let (damaged, layer, temporal) =
            headers.fold((0, 0x3f, 7), |(damaged, layer, temporal), [high, low]| {
                let this = (high & 1) << 5 | low >> 3;
                (damaged | high & 0x80, this.min(layer), (low & 7).min(temporal))
            });
        SmallVec::from_slice(&[damaged | AP << 1 | layer >> 5, layer << 3 | temporal])
    }

    /// Source: RFC 7798 §4.4.3.
    fn fragment(unit: &[u8], is_first: bool, is_last: bool) -> SmallVec<[u8; 3]> {
        let [high, low] = unit.first_chunk::<2>().copied().unwrap_or_default();
        let flags = u8::from(is_first) << 7 | u8::from(is_last) << 6;
        SmallVec::from_slice(&[high & !TYPE_MASK | FU << 1, low, flags | h265::nal_type(unit)])
    }

    fn opens(payload: &[u8]) -> bool {
        let first = match h265::nal_type(payload) {
            AP => payload.get(4..).unwrap_or_default(),
            _ => payload,
        };
        (NAL_VPS..NAL_PPS).contains(&h265::nal_type(first)) || h265::nal_type(first) == NAL_AUD
    }

    /// `first_slice_segment_in_pic_flag` comes first. Source: ITU-T H.265 §7.3.6.1.
    fn continues_picture(payload: &[u8]) -> bool {
        let (kind, body) = match (h265::nal_type(payload), payload) {
            (FU, [_, _, fragment, body @ ..]) if fragment & 0x80 != 0 => (fragment & 0x3f, body),
            (kind, [_, _, body @ ..]) => (kind, body),
            _ => return false,
        };
        kind < NAL_VPS && body.first().is_some_and(|byte| byte & 0x80 == 0)
    }

    fn is_slice(unit: &[u8]) -> bool {
        h265::nal_type(unit) < NAL_VPS
    }

    fn depayload(payload: &[u8], unit: &mut UnitBuilder) -> Result<(), RtpError> {
        let mut cursor = Cursor::new(payload);
        let [high, low] = cursor.array()?;
        match h265::nal_type(payload) {
            0..AP => unit.whole::<Self>(payload),
            AP => {
                while !cursor.is_empty() {
                    let size = usize::from(cursor.u16()?);
                    unit.whole::<Self>(cursor.take(size)?);
                }
            }
            FU => {
                let fragment = cursor.u8()?;
                let rebuilt = [high & !TYPE_MASK | (fragment & 0x3f) << 1, low];
                let (is_first, is_last) = (fragment & 0x80 != 0, fragment & 0x40 != 0);
                unit.piece::<Self>(&rebuilt, cursor.rest(), is_first, is_last);
            }
            PACI => {}
            other => return Err(RtpError::PacketForm(other)),
        }
        Ok(())
    }
}
