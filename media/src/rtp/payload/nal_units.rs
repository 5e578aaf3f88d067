//! What H.264 and H.265 share: small NAL units travel together, large ones in pieces.

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;

use super::{PAYLOAD_BYTES_MAX, Unit};
use crate::codec::nal;
use crate::rtp::packet::RtpPacket;
use crate::rtp::source::PacketSink;
use crate::rtp::{ACCESS_UNIT_BYTES_MAX, RtpError};

/// What differs between the two.
pub(super) trait NalForm {
    /// Bytes of a NAL unit's header.
    const HEADER_BYTES: usize;
    /// The header of a packet that holds `units`.
    fn aggregate(units: &[&[u8]]) -> SmallVec<[u8; 3]>;
    /// The header of a piece of `unit`.
    fn fragment(unit: &[u8], is_first: bool, is_last: bool) -> SmallVec<[u8; 3]>;
    /// Whether only a new access unit begins so: with a delimiter or a parameter set.
    fn opens(payload: &[u8]) -> bool;
    /// Whether the unit is a slice.
    fn is_slice(unit: &[u8]) -> bool;
    /// Whether the payload begins a slice that is not the first of its picture.
    fn continues_picture(payload: &[u8]) -> bool;
    /// Takes a payload apart; every NAL unit or piece of one goes to `unit`.
    fn depayload(payload: &[u8], unit: &mut UnitBuilder) -> Result<(), RtpError>;
}

/// Bytes before each unit of several.
const SIZE_BYTES: usize = 2;

/// Writes the packets of an access unit of 4-byte sizes, behind `before`.
///
/// The marker stands on the last of them (RFC 6184 §5.1, RFC 7798 §4.1).
pub(super) fn put_access_unit<F: NalForm>(
    before: &[Bytes],
    payload: &[u8],
    sink: &mut PacketSink<'_>,
) {
    let before = before.iter().map(AsRef::as_ref);
    let mut units = before.chain(nal::length_prefixed(payload)).peekable();
    let mut group: SmallVec<[&[u8]; 8]> = SmallVec::new();
    let mut group_bytes = F::HEADER_BYTES;
    while let Some(unit) = units.next() {
        if group_bytes + SIZE_BYTES + unit.len() > PAYLOAD_BYTES_MAX {
            put_group::<F>(&group, false, sink);
            group.clear();
            group_bytes = F::HEADER_BYTES;
        }
        if unit.len() > PAYLOAD_BYTES_MAX {
            put_fragments::<F>(unit, units.peek().is_none(), sink);
        } else {
            group_bytes += SIZE_BYTES + unit.len();
            group.push(unit);
        }
    }
    put_group::<F>(&group, true, sink);
}

fn put_group<F: NalForm>(group: &[&[u8]], is_marked: bool, sink: &mut PacketSink<'_>) {
    match group {
        [] => {}
        [single] => sink.put(is_marked, &[single]),
        units => {
            let header = F::aggregate(units);
            let size = |unit: &&[u8]| u16::try_from(unit.len()).unwrap_or(0).to_be_bytes();
            let sizes: SmallVec<[[u8; SIZE_BYTES]; 8]> = units.iter().map(size).collect();
            let mut parts: SmallVec<[&[u8]; 17]> = SmallVec::new();
            parts.push(&header);
            for (size, unit) in sizes.iter().zip(units) {
                parts.push(size);
                parts.push(unit);
            }
            sink.put(is_marked, &parts);
        }
    }
}

fn put_fragments<F: NalForm>(unit: &[u8], is_last_unit: bool, sink: &mut PacketSink<'_>) {
    let body = unit.get(F::HEADER_BYTES..).unwrap_or_default();
    // A piece has one byte more of header than the unit.
    let piece_bytes = PAYLOAD_BYTES_MAX - F::HEADER_BYTES - 1;
    let count = body.len().div_ceil(piece_bytes);
    for (index, piece) in body.chunks(piece_bytes).enumerate() {
        let is_last = index + 1 == count;
        let header = F::fragment(unit, index == 0, is_last);
        sink.put(is_last && is_last_unit, &[&header, piece]);
    }
}

/// Puts an access unit together.
#[derive(Debug, Default)]
pub(super) struct UnitBuilder {
    /// NAL units behind 4-byte sizes.
    bytes: BytesMut,
    /// Where the size of the NAL unit stands that comes in pieces.
    fragmented_at: Option<usize>,
    has_slice: bool,
    is_damaged: bool,
}

impl UnitBuilder {
    /// Adds a whole NAL unit.
    pub(super) fn whole<F: NalForm>(&mut self, unit: &[u8]) {
        self.drop_fragment();
        if unit.is_empty() || self.is_full(unit.len()) {
            return;
        }
        self.has_slice |= F::is_slice(unit);
        self.bytes.put_u32(u32::try_from(unit.len()).unwrap_or(0));
        self.bytes.put_slice(unit);
    }

    /// Adds a piece; the `header` of the NAL unit counts for its first one.
    pub(super) fn piece<F: NalForm>(
        &mut self,
        header: &[u8],
        piece: &[u8],
        is_first: bool,
        is_last: bool,
    ) {
        if is_first {
            self.drop_fragment();
            self.fragmented_at = Some(self.bytes.len());
            self.bytes.put_u32(0);
            self.bytes.put_slice(header);
        }
        let Some(at) = self.fragmented_at else {
            // Its beginning is missing.
            self.is_damaged = true;
            return;
        };
        if self.is_full(piece.len()) {
            return;
        }
        self.bytes.put_slice(piece);
        if is_last {
            self.fragmented_at = None;
            self.has_slice |= F::is_slice(header);
            let size = self.bytes.len().saturating_sub(at + 4);
            if let (Some(field), Ok(size)) = (self.bytes.get_mut(at..at + 4), u32::try_from(size)) {
                field.copy_from_slice(&size.to_be_bytes());
            }
        }
    }

    /// A piece whose end never came.
    fn drop_fragment(&mut self) {
        if let Some(at) = self.fragmented_at.take() {
            self.bytes.truncate(at);
            self.is_damaged = true;
        }
    }

    fn is_full(&mut self, more: usize) -> bool {
        self.is_damaged |= self.bytes.len() + more > ACCESS_UNIT_BYTES_MAX;
        self.is_damaged
    }

    /// Ends the access unit: the bytes if it is whole.
    fn take(&mut self) -> Result<Bytes, RtpError> {
        self.drop_fragment();
        let is_damaged = std::mem::take(&mut self.is_damaged);
        self.has_slice = false;
        let bytes = self.bytes.split().freeze();
        if is_damaged { Err(RtpError::Damaged) } else { Ok(bytes) }
    }
}

/// Reads the packets of one video track.
#[derive(Debug, Default)]
pub(super) struct NalDepayloader {
    unit: UnitBuilder,
    /// The time of the access unit under way, else of the last.
    time: Option<u32>,
    /// The packet before this one was lost.
    is_after_loss: bool,
    /// Whether the last packet was marked.
    was_marked: bool,
    /// The marker stands in the middle of access units: some cameras mark each slice.
    is_marker_wrong: bool,
}

impl NalDepayloader {
    pub(super) fn lose(&mut self) {
        self.unit = UnitBuilder::default();
        self.is_after_loss = true;
    }

    /// Errors: `Damaged` if an access unit ended that is not whole, also if another follows it;
    /// what is wrong with the payload otherwise.
    pub(super) fn push<F: NalForm>(
        &mut self,
        packet: &RtpPacket<'_>,
        units: &mut Vec<Unit>,
    ) -> Result<(), RtpError> {
        let time = packet.header.time;
        let mut result = Ok(());
        let before = self.time.replace(time);
        if let Some(before) = before.filter(|&before| before != time) {
            self.unit.drop_fragment();
            result = self.emit(before, units);
        } else if self.was_marked && F::continues_picture(packet.payload) {
            self.is_marker_wrong = true;
        }
        if std::mem::take(&mut self.is_after_loss) {
            self.unit.is_damaged = before == Some(time) || !F::opens(packet.payload);
        }
        if let Err(error) = F::depayload(packet.payload, &mut self.unit) {
            self.unit.is_damaged = true;
            result = Err(error);
        }
        self.was_marked = packet.header.is_marked;
        if self.was_marked && !self.is_marker_wrong {
            result = self.emit(time, units).and(result);
        }
        result
    }

    /// Hands out the access unit; parameter sets alone are none and stay for the next.
    fn emit(&mut self, time: u32, units: &mut Vec<Unit>) -> Result<(), RtpError> {
        if !self.unit.has_slice && !self.unit.is_damaged {
            return Ok(());
        }
        let payload = self.unit.take()?;
        units.push(Unit { time, payload });
        Ok(())
    }
}
