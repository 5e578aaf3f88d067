//! One sender of RTP: its numbers, and where its packets are written.

use bytes::{BufMut, BytesMut};

use super::interleaved::put_head;
use super::packet::{HEADER_BYTES, RtpHeader};
use super::rtcp::{self, SenderInfo};
use crate::time::Ticks;

/// The state of a sender. Source: RFC 3550 §5.1.
#[derive(Debug)]
pub(super) struct Source {
    /// Of the RTP packets on an RTSP connection; reports go on the next one.
    pub(super) channel: u8,
    pub(super) payload_type: u8,
    pub(super) clock_rate: u32,
    pub(super) ssrc: u32,
    /// Of the next packet.
    pub(super) sequence: u16,
    /// The RTP time of the origin of the timeline.
    pub(super) time_offset: u32,
    /// Packets and bytes of payload sent, modulo 2^32.
    pub(super) packets: u32,
    pub(super) octets: u32,
}

impl Source {
    /// The RTP time of an instant on the timeline.
    pub(super) fn rtp_time(&self, time: Ticks) -> u32 {
        let folded = time.to_clock(self.clock_rate).rem_euclid(1 << 32);
        u32::try_from(folded).unwrap_or(0).wrapping_add(self.time_offset)
    }

    /// Writes a sender report as of `now`, which counts from the unix epoch.
    pub(super) fn put_report(&self, now: Ticks, cname: &str, out: &mut BytesMut) {
        let info = SenderInfo {
            ssrc: self.ssrc,
            ntp: rtcp::ntp_from_unix(now),
            rtp_time: self.rtp_time(now),
            packets: self.packets,
            octets: self.octets,
        };
        let mut report = BytesMut::with_capacity(64);
        rtcp::put_sender_report(&info, cname, &mut report);
        put_head(self.channel + 1, u16::try_from(report.len()).unwrap_or(0), out);
        out.put_slice(&report);
    }

    /// Begins the packets of an access unit that is shown at `time`.
    pub(super) fn at<'a>(&'a mut self, time: Ticks, out: &'a mut BytesMut) -> PacketSink<'a> {
        PacketSink { time: self.rtp_time(time), source: self, out }
    }
}

/// Takes the packets of an access unit.
pub(super) struct PacketSink<'a> {
    source: &'a mut Source,
    time: u32,
    out: &'a mut BytesMut,
}

impl PacketSink<'_> {
    /// Writes a packet whose payload is `parts`, one behind the other.
    pub(super) fn put(&mut self, is_marked: bool, parts: &[&[u8]]) {
        self.put_ahead(0, is_marked, parts);
    }

    /// As [`put`](Self::put), `ahead` ticks of the track's clock later.
    ///
    /// A packet over 65,535 bytes has no form on the connection and is left out.
    pub(super) fn put_ahead(&mut self, ahead: u32, is_marked: bool, parts: &[&[u8]]) {
        let payload_bytes: usize = parts.iter().map(|part| part.len()).sum();
        let Ok(size) = u16::try_from(payload_bytes + HEADER_BYTES) else {
            return;
        };
        let header = RtpHeader {
            is_marked,
            payload_type: self.source.payload_type,
            sequence: self.source.sequence,
            time: self.time.wrapping_add(ahead),
            ssrc: self.source.ssrc,
        };
        put_head(self.source.channel, size, self.out);
        header.write(self.out);
        for part in parts {
            self.out.put_slice(part);
        }
        self.source.sequence = self.source.sequence.wrapping_add(1);
        self.source.packets = self.source.packets.wrapping_add(1);
        let octets = u32::try_from(payload_bytes).unwrap_or(0);
        self.source.octets = self.source.octets.wrapping_add(octets);
    }
}
