//! Packets once for all players of a stream, as they go over an RTSP connection.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::format::{carried, format};
use super::payload;
use super::rtcp::put_goodbye;
use super::source::Source;
use crate::cursor::Cursor;
use crate::live::{LiveMuxer, LivePacket, RtpHead, StartPoint};
use crate::time::Ticks;
use crate::track::{Track, TrackId, TrackKind};

/// Longest time without a sender report. Source: RFC 3550 §6.2 (5 s, and not at random here: all
/// players get the same bytes).
const REPORT_INTERVAL: Ticks = Ticks::from_millis(5_000);
/// The canonical name of all sources of a stream, which says that they share a clock.
///
/// Source: RFC 3550 §6.5.1. Players need no more than that it is the same for all tracks.
const CNAME: &str = "watershed";

/// The RTCP by which the sender of `rtp`, a packet of its own, says that it sends no more; nothing
/// if that is no packet. For players that cannot see the end of a connection.
#[must_use]
pub fn goodbye(rtp: &[u8]) -> Option<Bytes> {
    let ssrc = Cursor::new(rtp.get(8..)?).u32().ok()?;
    let mut out = BytesMut::new();
    put_goodbye(ssrc, CNAME, &mut out);
    Some(out.freeze())
}

/// Writes the packets of a stream, each behind its interleaved head: channel `2 * i` for the RTP
/// of the `i`th carried track, the next one for its RTCP.
///
/// One access unit gives one run of bytes. Numbers begin at random (RFC 3550 §5.1), drawn from the
/// seed.
#[derive(Debug)]
pub struct Muxer {
    random: SplitMix,
    tracks: Option<Arc<[Track]>>,
    carriers: Vec<Carrier>,
    /// A start was at a track that is left out, and no video is carried: the next packet is one.
    owes_start: bool,
}

/// A track on its way into packets.
#[derive(Debug)]
struct Carrier {
    track: TrackId,
    source: Source,
    reported_at: Option<Ticks>,
}

impl Muxer {
    /// Begins a stream; its tracks come with the first packet. The seed must differ from one
    /// stream, and one start, to the next.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { random: SplitMix(seed), tracks: None, carriers: Vec::new(), owes_start: false }
    }

    /// Takes over new tracks. Those that keep their form keep their numbers.
    fn follow(&mut self, tracks: &Arc<[Track]>) {
        if self.tracks.as_ref().is_some_and(|known| Arc::ptr_eq(known, tracks)) {
            return;
        }
        self.tracks = Some(Arc::clone(tracks));
        let mut before = std::mem::take(&mut self.carriers).into_iter();
        for (index, track) in (0_u8..).zip(carried(tracks)) {
            let Some(format) = format(&track.codec, index) else { continue };
            let known = before.next().filter(|carrier| {
                carrier.source.payload_type == format.payload_type
                    && carrier.source.clock_rate == format.clock_rate
            });
            let carrier = match known {
                Some(carrier) => Carrier { track: track.id, ..carrier },
                None => {
                    let [ssrc, numbers] = self.random.two_words();
                    let [time_offset, sequence] = self.random.two_words();
                    Carrier {
                        track: track.id,
                        reported_at: None,
                        source: Source {
                            channel: 2 * index,
                            payload_type: format.payload_type,
                            clock_rate: format.clock_rate,
                            ssrc: ssrc ^ numbers,
                            // Far from where it comes round (RFC 3711 §3.3.1 asks for it too).
                            sequence: u16::try_from(sequence & 0x7fff).unwrap_or(0),
                            time_offset,
                            packets: 0,
                            octets: 0,
                        },
                    }
                }
            };
            self.carriers.push(carrier);
        }
    }

    /// Writes the sender reports that are due, or all.
    fn put_reports(&mut self, now: Ticks, is_start: bool, out: &mut BytesMut) {
        for carrier in &mut self.carriers {
            let is_due =
                carrier.reported_at.is_none_or(|at| (now - at).0.abs() >= REPORT_INTERVAL.0);
            if is_start || is_due {
                carrier.source.put_report(now, CNAME, out);
                carrier.reported_at = Some(now);
            }
        }
    }
}

impl LiveMuxer for Muxer {
    fn mux(&mut self, packet: &LivePacket, out: &mut BytesMut) -> Option<StartPoint> {
        self.follow(&packet.tracks);
        let track = packet.track()?;
        let LivePacket { tracks, packet, is_start, .. } = packet;
        let Some(index) = self.carriers.iter().position(|carrier| carrier.track == track.id) else {
            let is_video = |track: &&Track| track.codec.kind() == TrackKind::Video;
            self.owes_start |= *is_start && !carried(tracks).iter().any(is_video);
            return None;
        };
        let is_start = std::mem::take(&mut self.owes_start) || *is_start;
        self.put_reports(packet.dts, is_start, out);
        let start = is_start.then(|| {
            let head = |carrier: &Carrier| RtpHead {
                track: carrier.track,
                sequence: carrier.source.sequence,
                time: carrier.source.rtp_time(packet.pts),
            };
            StartPoint { rtp: self.carriers.iter().map(head).collect(), ..StartPoint::default() }
        });
        let carrier = self.carriers.get_mut(index)?;
        payload::put_access_unit(&track.codec, packet, &mut carrier.source.at(packet.pts, out));
        start
    }
}

/// Random numbers that need not be secret. Source: Steele, Lea, Flood, "Fast splittable
/// pseudorandom number generators", 2014.
#[derive(Debug)]
struct SplitMix(u64);

impl SplitMix {
    fn two_words(&mut self) -> [u32; 2] {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let [a, b, c, d, e, f, g, h] = mixed.to_be_bytes();
        [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])]
    }
}

#[cfg(test)]
mod tests;
