//! Whether received bytes are the protocol they claim to be: what a sample of the players asks.
//!
//! Written from the formats and not on our own demuxers: those are what is checked.

use std::collections::HashMap;

/// Bytes of a transport packet. Source: ISO/IEC 13818-1 §2.4.3.2.
pub(crate) const TS_PACKET: usize = 188;

/// The longest unit that is believed; a stream of 2 Mbit/s has none near it.
const UNIT_BYTES_MAX: usize = 1 << 20;

/// A format as a sequence of units.
pub(crate) trait Units: Send {
    /// The length of the first unit in `bytes` once it is all there, checked; none until then.
    fn unit(&mut self, bytes: &[u8]) -> Result<Option<usize>, String>;
}

/// Cuts bytes as they come into units and counts them.
pub(crate) struct WireCheck<U> {
    units: U,
    pending: Vec<u8>,
    count: usize,
}

impl<U: Units> WireCheck<U> {
    /// Nothing seen yet.
    pub(crate) const fn new(units: U) -> Self {
        Self { units, pending: Vec::new(), count: 0 }
    }

    /// Checks all units that `bytes` complete.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.pending.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(size) = self.units.unit(&self.pending[at..])? {
            at += size;
            self.count += 1;
        }
        self.pending.drain(..at);
        let waiting = self.pending.len();
        if waiting > UNIT_BYTES_MAX { Err(format!("no unit in {waiting} bytes")) } else { Ok(()) }
    }

    /// Bytes of a unit that has begun.
    pub(crate) const fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Units so far.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }
}

/// MPEG-TS: the sync byte, and continuity counters without a gap.
#[derive(Default)]
pub(crate) struct Ts {
    counters: HashMap<u16, u8>,
}

impl Units for Ts {
    fn unit(&mut self, bytes: &[u8]) -> Result<Option<usize>, String> {
        let Some(packet) = bytes.get(..TS_PACKET) else { return Ok(None) };
        if packet[0] != 0x47 {
            return Err(format!("TS packet begins with {:#04x}", packet[0]));
        }
        let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
        let (has_payload, counter) = (packet[3] & 0x10 != 0, packet[3] & 0x0f);
        let is_marked = packet[3] & 0x20 != 0 && packet[4] > 0 && packet[5] & 0x80 != 0;
        if has_payload && pid != 0x1fff {
            let last = self.counters.insert(pid, counter);
            if last.is_some_and(|last| (last + 1) & 0x0f != counter) && !is_marked {
                return Err(format!("TS packets of pid {pid} are missing"));
            }
        }
        Ok(Some(TS_PACKET))
    }
}

/// FLV: the file's header, then tags whose trailing sizes agree. Source: FLV annex E.2 to E.4.
#[derive(Default)]
pub(crate) struct Flv {
    has_header: bool,
}

impl Units for Flv {
    fn unit(&mut self, bytes: &[u8]) -> Result<Option<usize>, String> {
        if !self.has_header {
            let Some(header) = bytes.get(..13) else { return Ok(None) };
            self.has_header = true;
            return if header.starts_with(b"FLV\x01") {
                Ok(Some(13))
            } else {
                Err("no FLV header".to_owned())
            };
        }
        let Some(head) = bytes.get(..11) else { return Ok(None) };
        if ![8, 9, 18].contains(&head[0]) {
            return Err(format!("FLV tag of type {}", head[0]));
        }
        let size = u32::from_be_bytes([0, head[1], head[2], head[3]]);
        let end = 11 + size as usize;
        let Some(trailer) = bytes.get(end..end + 4) else { return Ok(None) };
        if trailer == (size + 11).to_be_bytes() {
            return Ok(Some(end + 4));
        }
        Err(format!("FLV tag of {size} bytes ends with {trailer:?}"))
    }
}

/// RTP and RTCP in an RTSP connection: sequence numbers without a gap on every channel.
///
/// Source: RFC 2326 §10.12, RFC 3550 §5.1.
#[derive(Default)]
pub(crate) struct Interleaved {
    sequences: HashMap<u8, u16>,
}

impl Units for Interleaved {
    fn unit(&mut self, bytes: &[u8]) -> Result<Option<usize>, String> {
        let Some(head) = bytes.get(..4) else { return Ok(None) };
        if head[0] != b'$' {
            return Err(format!("{:#04x} instead of an interleaved frame", head[0]));
        }
        let size = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let Some(packet) = bytes.get(4..4 + size) else { return Ok(None) };
        if size < 8 || packet[0] >> 6 != 2 {
            return Err(format!("{size} bytes on channel {} are no RTP", head[1]));
        }
        // Odd channels carry RTCP.
        if head[1].is_multiple_of(2) {
            let sequence = u16::from_be_bytes([packet[2], packet[3]]);
            let last = self.sequences.insert(head[1], sequence);
            if last.is_some_and(|last| last.wrapping_add(1) != sequence) {
                return Err(format!("RTP packets of channel {} are missing", head[1]));
            }
        }
        Ok(Some(4 + size))
    }
}

/// Takes `Transfer-Encoding: chunked` off. Source: RFC 9112 §7.1.
#[derive(Default)]
pub(crate) struct Dechunker {
    head: Vec<u8>,
    /// Bytes left of the chunk and its line end.
    left: usize,
}

impl Dechunker {
    /// The content of `bytes`.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut content = Vec::new();
        while let Some(&first) = bytes.first() {
            if self.left > 0 {
                let count = self.left.min(bytes.len());
                // The last two bytes of a chunk are its line end.
                let of_content = count.min(self.left.saturating_sub(2));
                content.extend_from_slice(&bytes[..of_content]);
                self.left -= count;
                bytes = &bytes[count..];
                continue;
            }
            bytes = &bytes[1..];
            self.head.push(first);
            if self.head.ends_with(b"\r\n") {
                let line = String::from_utf8_lossy(&self.head);
                let size = line.trim_end().split(';').next().unwrap_or_default();
                let size =
                    usize::from_str_radix(size, 16).map_err(|_| format!("chunk {line:?}"))?;
                self.left = size + 2;
                self.head.clear();
            }
        }
        Ok(content)
    }
}
