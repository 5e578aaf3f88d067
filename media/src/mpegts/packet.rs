//! The header of a transport packet, as the demuxer reads it.

use super::tables::NULL_PID;
use crate::cursor::Cursor;

/// The header of a transport packet with payload.
pub(super) struct Packet<'a> {
    pub(super) pid: u16,
    pub(super) is_start: bool,
    pub(super) counter: u8,
    pub(super) is_discontinuous: bool,
    pub(super) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Source: ISO/IEC 13818-1 §2.4.3.2 to §2.4.3.5. `None` if damaged or scrambled; a packet
    /// without payload reads as one of the null PID.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        cursor.skip(1).ok()?;
        let head = cursor.u16().ok()?;
        let control = cursor.u8().ok()?;
        if head & 0x8000 != 0 || control & 0xc0 != 0 {
            return None;
        }
        let mut is_discontinuous = false;
        if control & 0x20 != 0 {
            let size = usize::from(cursor.u8().ok()?);
            let field = cursor.take(size).ok()?;
            is_discontinuous = field.first().is_some_and(|flags| flags & 0x80 != 0);
        }
        let has_payload = control & 0x10 != 0;
        Some(Self {
            pid: if has_payload { head & NULL_PID } else { NULL_PID },
            is_start: head & 0x4000 != 0,
            counter: control & 0x0f,
            is_discontinuous,
            payload: cursor.rest(),
        })
    }
}
