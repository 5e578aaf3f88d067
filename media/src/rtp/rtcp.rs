//! RTCP: the reports that go beside the packets.
//!
//! Sender reports tie the clocks of all tracks to one wall clock, receiver reports say what got
//! lost on the way. Every report of ours is a compound packet with the canonical name, as RFC 3550
//! §6.1 wants it.

use bytes::{BufMut, BytesMut};
use smallvec::SmallVec;

use super::RtpError;
use super::packet::VERSION;
use crate::cursor::Cursor;
use crate::time::Ticks;

/// Seconds from 1900, where NTP counts from, to 1970. Source: RFC 5905 §6.
const NTP_TO_UNIX_SECONDS: i64 = 2_208_988_800;

/// Source: RFC 3550 §12.1, as for all below.
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
/// The canonical name among the items of a source description. Source: RFC 3550 §6.5.1.
const CNAME: u8 = 1;

/// One packet of a compound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RtcpPacket<'a> {
    /// What a sender has sent.
    SenderReport {
        /// The clocks and counts.
        sender: SenderInfo,
        /// What it received itself.
        blocks: SmallVec<[ReportBlock; 1]>,
    },
    /// What a receiver has received.
    ReceiverReport {
        /// The receiver.
        ssrc: u32,
        /// One for each source.
        blocks: SmallVec<[ReportBlock; 1]>,
    },
    /// Who a source is.
    SourceDescription {
        /// The first source described.
        ssrc: u32,
        /// Its canonical name, where it says one.
        cname: Option<&'a [u8]>,
    },
    /// These sources have ended.
    Bye(SmallVec<[u32; 1]>),
    /// Anything else; its packet type.
    Other(u8),
}

/// The sender's part of a sender report. Source: RFC 3550 §6.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// The sender.
    pub ssrc: u32,
    /// Wall clock, in seconds since 1900 as 32.32 fixed point; 0 where the sender has no clock.
    pub ntp: u64,
    /// The same instant in the clock of the track.
    pub rtp_time: u32,
    /// Packets sent so far, modulo 2^32.
    pub packets: u32,
    /// Bytes of payload sent so far, modulo 2^32.
    pub octets: u32,
}

/// What was received from one source. Source: RFC 3550 §6.4.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: u32,
    /// Part lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the start; 24 bits, negative when duplicates outnumber losses.
    pub lost: i32,
    /// Highest sequence number, with how often it came round above.
    pub highest_sequence: u32,
    /// Deviation of arrival, in the clock of the track.
    pub jitter: u32,
    /// The middle 32 bits of the NTP time of the last sender report; 0 before the first.
    pub last_report: u32,
    /// Time since then, in 1/65,536 s.
    pub delay: u32,
}

/// Iterates over the packets of a compound.
///
/// Source: RFC 3550 §6.1, appendix A.2. Yields an error for the first that is broken, and ends.
pub fn packets(compound: &[u8]) -> impl Iterator<Item = Result<RtcpPacket<'_>, RtpError>> {
    let mut cursor = Cursor::new(compound);
    std::iter::from_fn(move || {
        if cursor.is_empty() {
            return None;
        }
        let packet = take_packet(&mut cursor);
        if packet.is_err() {
            cursor = Cursor::new(&[]);
        }
        Some(packet)
    })
}

/// Writes a sender report with the sender's name.
pub fn put_sender_report(sender: &SenderInfo, cname: &str, out: &mut BytesMut) {
    put_head(SENDER_REPORT, 0, 6, out);
    out.put_u32(sender.ssrc);
    out.put_u64(sender.ntp);
    out.put_u32(sender.rtp_time);
    out.put_u32(sender.packets);
    out.put_u32(sender.octets);
    put_source_description(sender.ssrc, cname, out);
}

/// Writes the last words of a source: it sends no more.
///
/// Source: RFC 3550 §6.6; §6.1 wants a report, here an empty one, and the name in front.
pub fn put_goodbye(ssrc: u32, cname: &str, out: &mut BytesMut) {
    put_head(RECEIVER_REPORT, 0, 1, out);
    out.put_u32(ssrc);
    put_source_description(ssrc, cname, out);
    put_head(BYE, 1, 1, out);
    out.put_u32(ssrc);
}

/// Writes a receiver report of one source with the receiver's name.
///
/// Source: RFC 3550 §6.4.2.
pub fn put_receiver_report(ssrc: u32, block: &ReportBlock, cname: &str, out: &mut BytesMut) {
    put_head(RECEIVER_REPORT, 1, 7, out);
    out.put_u32(ssrc);
    out.put_u32(block.ssrc);
    let [_, lost @ ..] = block.lost.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
    out.put_u8(block.fraction_lost);
    out.put_slice(&lost);
    out.put_u32(block.highest_sequence);
    out.put_u32(block.jitter);
    out.put_u32(block.last_report);
    out.put_u32(block.delay);
    put_source_description(ssrc, cname, out);
}

/// The NTP time of an instant that counts from the unix epoch.
#[must_use]
pub fn ntp_from_unix(time: Ticks) -> u64 {
    let seconds = time.0.div_euclid(Ticks::PER_SECOND).saturating_add(NTP_TO_UNIX_SECONDS);
    let fraction = (time.0.rem_euclid(Ticks::PER_SECOND) << 32) / Ticks::PER_SECOND;
    // 32 bits of seconds: the era after February 2036 begins at zero again.
    let [seconds, fraction] = [seconds & 0xffff_ffff, fraction].map(i64::unsigned_abs);
    seconds << 32 | fraction
}

/// The time since 1900 of an NTP time.
pub(super) fn ticks_from_ntp(ntp: u64) -> Ticks {
    let scaled = u128::from(ntp) * u128::from(Ticks::PER_SECOND.unsigned_abs());
    Ticks(i64::try_from(scaled >> 32).unwrap_or(i64::MAX))
}

fn put_head(kind: u8, count: u8, words_after: u16, out: &mut BytesMut) {
    out.put_slice(&[VERSION << 6 | count, kind]);
    out.put_u16(words_after);
}

/// Source: RFC 3550 §6.5: the items end in at least one zero byte, at a multiple of four.
fn put_source_description(ssrc: u32, cname: &str, out: &mut BytesMut) {
    let name = cname.as_bytes().get(..255).unwrap_or(cname.as_bytes());
    let padding = 4 - (2 + name.len()) % 4;
    let words = 1 + (2 + name.len() + padding) / 4;
    put_head(SOURCE_DESCRIPTION, 1, u16::try_from(words).unwrap_or(0), out);
    out.put_u32(ssrc);
    out.put_slice(&[CNAME, u8::try_from(name.len()).unwrap_or(0)]);
    out.put_slice(name);
    out.put_bytes(0, padding);
}

fn take_packet<'a>(cursor: &mut Cursor<'a>) -> Result<RtcpPacket<'a>, RtpError> {
    let [flags, kind] = cursor.array()?;
    if flags >> 6 != VERSION {
        return Err(RtpError::Version(flags >> 6));
    }
    let words = usize::from(cursor.u16()?);
    let mut body = Cursor::new(cursor.take(4 * words)?);
    let count = flags & 0x1f;
    Ok(match kind {
        SENDER_REPORT => {
            let sender = SenderInfo {
                ssrc: body.u32()?,
                ntp: body.u64()?,
                rtp_time: body.u32()?,
                packets: body.u32()?,
                octets: body.u32()?,
            };
            RtcpPacket::SenderReport { sender, blocks: take_blocks(&mut body, count)? }
        }
        RECEIVER_REPORT => {
            RtcpPacket::ReceiverReport { ssrc: body.u32()?, blocks: take_blocks(&mut body, count)? }
        }
        SOURCE_DESCRIPTION if count > 0 => {
            let ssrc = body.u32()?;
            RtcpPacket::SourceDescription { ssrc, cname: take_cname(&mut body)? }
        }
        BYE => RtcpPacket::Bye((0..count).map(|_| body.u32()).collect::<Result<_, _>>()?),
        other => RtcpPacket::Other(other),
    })
}

fn take_blocks(body: &mut Cursor<'_>, count: u8) -> Result<SmallVec<[ReportBlock; 1]>, RtpError> {
    let take = |body: &mut Cursor<'_>| -> Result<ReportBlock, RtpError> {
        let ssrc = body.u32()?;
        let [fraction_lost, high, middle, low] = body.array()?;
        Ok(ReportBlock {
            ssrc,
            fraction_lost,
            lost: i32::from_be_bytes([high, middle, low, 0]) >> 8,
            highest_sequence: body.u32()?,
            jitter: body.u32()?,
            last_report: body.u32()?,
            delay: body.u32()?,
        })
    };
    (0..count).map(|_| take(body)).collect()
}

fn take_cname<'a>(body: &mut Cursor<'a>) -> Result<Option<&'a [u8]>, RtpError> {
    while !body.is_empty() {
        let kind = body.u8()?;
        if kind == 0 {
            break;
        }
        let size = usize::from(body.u8()?);
        let text = body.take(size)?;
        if kind == CNAME {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SENDER: SenderInfo = SenderInfo {
        ssrc: 0xdead_beef,
        ntp: 0xe000_0000_8000_0000,
        rtp_time: 90_000,
        packets: 7,
        octets: 7000,
    };

    fn read(bytes: &[u8]) -> Vec<RtcpPacket<'_>> {
        packets(bytes).collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn sender_reports_round_trip_with_names_of_any_length() {
        for name in ["", "a", "ab", "abc", "watershed"] {
            let mut out = BytesMut::new();
            put_sender_report(&SENDER, name, &mut out);
            assert_eq!(out.len() % 4, 0, "{name}");
            let expected = [
                RtcpPacket::SenderReport { sender: SENDER, blocks: SmallVec::new() },
                RtcpPacket::SourceDescription { ssrc: SENDER.ssrc, cname: Some(name.as_bytes()) },
            ];
            assert_eq!(read(&out), expected);
        }
    }

    #[test]
    fn receiver_reports_round_trip() {
        let block = ReportBlock {
            ssrc: 1,
            fraction_lost: 25,
            lost: -3,
            highest_sequence: 0x0001_0002,
            jitter: 90,
            last_report: 0x1234_5678,
            delay: 65_536,
        };
        let mut out = BytesMut::new();
        put_receiver_report(9, &block, "name", &mut out);
        let first = read(&out).into_iter().next().unwrap();
        let blocks = SmallVec::from_slice(&[block]);
        assert_eq!(first, RtcpPacket::ReceiverReport { ssrc: 9, blocks });
    }

    #[test]
    fn goodbye_is_read_as_such() {
        let mut out = BytesMut::new();
        put_goodbye(7, "name", &mut out);
        let read: Vec<_> = packets(&out).map(Result::unwrap).collect();
        assert_eq!(read.last(), Some(&RtcpPacket::Bye(SmallVec::from_slice(&[7]))));
        assert_eq!(read.len(), 3);
    }

    #[test]
    fn bye_and_unknown_packets_are_told() {
        let bytes = [0x81, 203, 0, 1, 0, 0, 0, 5, 0x80, 204, 0, 1, 1, 2, 3, 4];
        assert_eq!(
            read(&bytes),
            [RtcpPacket::Bye(SmallVec::from_slice(&[5])), RtcpPacket::Other(204)]
        );
    }

    #[test]
    fn broken_packet_ends_the_compound() {
        let bytes = [0x81, 203, 0, 1, 0, 0, 0, 5, 0x81, 200, 0, 9, 1, 2, 3, 4];
        let found: Vec<_> = packets(&bytes).collect();
        assert_eq!(found.len(), 2);
        assert!(matches!(found.last(), Some(Err(RtpError::Truncated(_)))));
    }

    #[test]
    fn ntp_times_convert_both_ways() {
        // 2026-01-01 00:00:00.5: 1,767,225,600 s since 1970.
        let time = Ticks(1_767_225_600 * 90_000 + 45_000);
        let ntp = ntp_from_unix(time);
        assert_eq!(ntp, (1_767_225_600 + 2_208_988_800) << 32 | 0x8000_0000);
        let since_1900 = ticks_from_ntp(ntp);
        assert_eq!(since_1900 - time, Ticks(NTP_TO_UNIX_SECONDS * 90_000));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(
            bytes in proptest::collection::vec(any::<u8>(), 0..100), kind in 199_u8..206
        ) {
            let mut compound = vec![0x80 | bytes.len().to_le_bytes()[0] & 0x1f, kind, 0, 4];
            compound.extend_from_slice(&bytes);
            prop_assert!(packets(&compound).count() <= 30);
            packets(&bytes).for_each(drop);
        }
    }
}
