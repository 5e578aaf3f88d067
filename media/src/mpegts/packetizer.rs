//! Cuts a PES packet, given as slices, into transport packets, straight into the output.
//!
//! The access unit is never joined in a buffer of its own: each byte is copied once, from the
//! payload that all outputs share to its place in the transport stream.

use bytes::{BufMut, BytesMut};

use super::{PACKET_BYTES, SYNC_BYTE};

/// Bytes of a packet behind its header.
const BODY_BYTES: usize = PACKET_BYTES - 4;
/// The PCR with the length and the flags before it.
const PCR_FIELD_BYTES: usize = 8;
/// Stuffing of an adaptation field.
const STUFFING: [u8; BODY_BYTES] = [0xff; BODY_BYTES];

const FLAG_DISCONTINUITY: u8 = 0x80;
const FLAG_RANDOM_ACCESS: u8 = 0x40;
const FLAG_PCR: u8 = 0x10;

/// One PID being written: remembers its continuity counter.
#[derive(Clone, Debug)]
pub(super) struct PidWriter {
    pid: u16,
    counter: u8,
    /// The next packet says that the counter does not go on from what came before.
    is_rejoining: bool,
}

/// What the first packet of a PES packet says in its adaptation field.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    /// The program clock in 90 kHz ticks of 33 bits.
    pub(super) pcr: Option<u64>,
    /// Decoding can begin here.
    pub(super) is_random_access: bool,
    /// The clock or the counter is not continuous with what came before.
    pub(super) is_discontinuity: bool,
}

impl Marks {
    const fn flags(self) -> u8 {
        (if self.pcr.is_some() { FLAG_PCR } else { 0 })
            | (if self.is_random_access { FLAG_RANDOM_ACCESS } else { 0 })
            | (if self.is_discontinuity { FLAG_DISCONTINUITY } else { 0 })
    }

    /// Bytes of the adaptation field that says this, its length byte included; 0 if it is empty.
    const fn field_bytes(self) -> usize {
        match (self.pcr, self.flags()) {
            (Some(_), _) => PCR_FIELD_BYTES,
            (None, 0) => 0,
            (None, _) => 2,
        }
    }
}

impl PidWriter {
    pub(super) const fn new(pid: u16) -> Self {
        Self { pid, counter: 0, is_rejoining: false }
    }

    /// As [`new`](Self::new), behind packets of the PID whose counters are not known.
    pub(super) const fn rejoining(pid: u16) -> Self {
        Self { pid, counter: 0, is_rejoining: true }
    }

    /// Writes one PES packet: `header` and then `parts`.
    ///
    /// Source: ISO/IEC 13818-1 §2.4.3.2 (packets) and §2.4.3.4 (adaptation field).
    pub(super) fn write_pes(
        &mut self,
        out: &mut BytesMut,
        marks: Marks,
        header: &[u8],
        parts: &[&[u8]],
    ) {
        let mut left = header.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        out.reserve((left / BODY_BYTES + 2) * PACKET_BYTES);
        let mut part = header;
        let mut parts = parts.iter();
        let mut marks = marks;
        marks.is_discontinuity |= std::mem::take(&mut self.is_rejoining);
        let mut is_start = true;
        while left > 0 {
            let room = BODY_BYTES - marks.field_bytes();
            let taken = room.min(left);
            self.put_header(out, is_start, marks, BODY_BYTES - taken, true);
            left -= taken;
            let mut wanted = taken;
            while wanted > 0 {
                let (now, later) = part.split_at(wanted.min(part.len()));
                out.put_slice(now);
                wanted -= now.len();
                part = later;
                if part.is_empty() {
                    part = parts.next().copied().unwrap_or_default();
                }
            }
            marks = Marks::default();
            is_start = false;
        }
    }

    /// Writes a section, its pointer field before it and padding behind.
    ///
    /// Source: ISO/IEC 13818-1 §2.4.4.
    pub(super) fn write_section(&mut self, out: &mut BytesMut, section: &[u8]) {
        let mut rest = section;
        let is_discontinuity = std::mem::take(&mut self.is_rejoining);
        let mut marks = Marks { is_discontinuity, ..Marks::default() };
        let mut is_start = true;
        while is_start || !rest.is_empty() {
            let field_bytes = marks.field_bytes();
            self.put_header(out, is_start, marks, field_bytes, true);
            marks = Marks::default();
            let mut room = BODY_BYTES - field_bytes;
            if is_start {
                out.put_u8(0);
                room -= 1;
            }
            let (now, later) = rest.split_at(room.min(rest.len()));
            out.put_slice(now);
            out.put_bytes(0xff, room - now.len());
            rest = later;
            is_start = false;
        }
    }

    /// Writes a packet that carries nothing but the clock. What it says of the counter is left to
    /// the first packet with a payload.
    pub(super) fn write_clock(&mut self, out: &mut BytesMut, marks: Marks) {
        self.put_header(out, false, marks, BODY_BYTES, false);
    }

    /// Writes header and adaptation field; `field_bytes` is the field's size with its length byte.
    fn put_header(
        &mut self,
        out: &mut BytesMut,
        is_start: bool,
        marks: Marks,
        field_bytes: usize,
        has_payload: bool,
    ) {
        let [pid_high, pid_low] = self.pid.to_be_bytes();
        let control = if field_bytes > 0 { 0x20 } else { 0 } | if has_payload { 0x10 } else { 0 };
        out.put_slice(&[
            SYNC_BYTE,
            pid_high | if is_start { 0x40 } else { 0 },
            pid_low,
            control | self.counter,
        ]);
        if has_payload {
            self.counter = (self.counter + 1) & 0x0f;
        } else {
            // The counter does not advance without payload, so the packet repeats the last one.
            self.patch_counter_back(out);
        }
        let Some(length) = field_bytes.checked_sub(1) else {
            return;
        };
        out.put_u8(u8::try_from(length).unwrap_or(0));
        let Some(mut stuffing) = length.checked_sub(1) else {
            return;
        };
        out.put_u8(marks.flags());
        if let Some(clock) = marks.pcr {
            let [_, _, field @ ..] = (clock << 15 | 0x3f << 9).to_be_bytes();
            out.put_slice(&field);
            stuffing = stuffing.saturating_sub(field.len());
        }
        out.put_slice(STUFFING.get(..stuffing).unwrap_or_default());
    }

    fn patch_counter_back(&self, out: &mut BytesMut) {
        if let Some(last) = out.last_mut() {
            *last = *last & 0xf0 | self.counter.wrapping_sub(1) & 0x0f;
        }
    }
}

#[cfg(test)]
mod tests {
    use mpeg2ts_reader::packet::Packet;
    use proptest::prelude::*;

    use super::*;

    fn packets(out: &[u8]) -> Vec<Packet<'_>> {
        assert_eq!(out.len() % PACKET_BYTES, 0);
        out.chunks_exact(PACKET_BYTES).map(Packet::new).collect()
    }

    proptest! {
        #[test]
        fn every_byte_arrives_in_order(
            sizes in proptest::collection::vec(0_usize..600, 0..6),
            header in 1_usize..20,
            pcr in proptest::option::of(0_u64..1 << 33),
            is_random_access: bool,
        ) {
            let marks = Marks { pcr, is_random_access, is_discontinuity: false };
            let total: usize = header + sizes.iter().sum::<usize>();
            let bytes: Vec<u8> = (0..total).map(|i| u8::try_from(i % 251).unwrap()).collect();
            let (head, mut rest) = bytes.split_at(header);
            let mut parts = Vec::new();
            for size in sizes {
                let (part, after) = rest.split_at(size);
                parts.push(part);
                rest = after;
            }
            let mut out = BytesMut::new();
            PidWriter::new(0x100).write_pes(&mut out, marks, head, &parts);

            let read = packets(&out);
            let payload: Vec<u8> =
                read.iter().flat_map(|packet| packet.payload().unwrap().to_vec()).collect();
            prop_assert_eq!(payload, bytes);
            for (index, packet) in read.iter().enumerate() {
                prop_assert_eq!(usize::from(packet.continuity_counter().count()), index % 16);
                prop_assert_eq!(packet.payload_unit_start_indicator(), index == 0);
            }
            let field = read.first().and_then(Packet::adaptation_field);
            let clock = field.as_ref().and_then(|field| field.pcr().ok()).map(|pcr| pcr.base());
            prop_assert_eq!(clock, pcr);
            prop_assert_eq!(field.is_some_and(|f| f.random_access_indicator()), is_random_access);
        }
    }

    #[test]
    fn clock_packets_do_not_advance_the_counter() {
        let mut out = BytesMut::new();
        let mut writer = PidWriter::new(0x100);
        writer.write_pes(&mut out, Marks::default(), &[1; 10], &[]);
        writer.write_clock(&mut out, Marks { pcr: Some(7), ..Marks::default() });
        writer.write_pes(&mut out, Marks::default(), &[1; 10], &[]);
        let read = packets(&out);
        let counters: Vec<u8> = read.iter().map(|p| p.continuity_counter().count()).collect();
        assert_eq!(counters, [0, 0, 1]);
        let clock = read.get(1).unwrap();
        assert!(clock.payload().is_none());
        assert_eq!(clock.adaptation_field().unwrap().pcr().unwrap().base(), 7);
    }
}
