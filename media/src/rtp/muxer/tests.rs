//! What all players of a stream get.

use super::*;
use crate::rtp::frames;
use crate::rtp::packet::RtpPacket;
use crate::rtp::recordings::{EPOCH, H264_AAC, Recording};
use crate::rtp::rtcp::{self, RtcpPacket, SenderInfo};
use crate::track::CodecConfig;

fn reports(bytes: &[u8]) -> Vec<(u8, SenderInfo)> {
    let report = |(channel, bytes)| {
        let first = (channel % 2 == 1).then(|| rtcp::packets(bytes).next())??;
        match first {
            Ok(RtcpPacket::SenderReport { sender, .. }) => Some((channel, sender)),
            other => panic!("reports begin with what was sent, not {other:?}"),
        }
    };
    frames(bytes).filter_map(report).collect()
}

fn rtp(bytes: &[u8]) -> Vec<(u8, RtpPacket<'_>)> {
    frames(bytes)
        .filter(|(channel, _)| channel % 2 == 0)
        .map(|(channel, packet)| (channel, RtpPacket::parse(packet).unwrap()))
        .collect()
}

#[test]
fn sequence_numbers_count_every_packet_of_a_track() {
    let all: BytesMut =
        Recording::from_ts(H264_AAC).mux().into_iter().flat_map(|(_, bytes)| bytes).collect();
    for channel in [0, 2] {
        let of: Vec<u16> = rtp(&all)
            .iter()
            .filter(|(on, _)| *on == channel)
            .map(|(_, packet)| packet.header.sequence)
            .collect();
        assert!(of.len() > 70);
        assert!(of.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
    }
}

#[test]
fn start_names_the_numbers_that_follow_it() {
    let recording = Recording::from_ts(H264_AAC);
    let muxed = recording.mux();
    let starts: Vec<usize> = (0..muxed.len()).filter(|at| muxed[*at].0.is_some()).collect();
    assert_eq!(starts.len(), 3);
    for at in starts {
        let start = muxed[at].0.clone().unwrap();
        assert!(start.prelude.is_empty());
        let after: BytesMut = muxed[at..].iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        for (head, channel) in start.rtp.iter().zip([0, 2]) {
            let (_, first) = rtp(&after).into_iter().find(|(on, _)| *on == channel).unwrap();
            assert_eq!(first.header.sequence, head.sequence);
            if channel == 0 {
                assert_eq!(first.header.time, head.time);
            }
            // Audio around the start is shown around the start.
            let away = i64::from(first.header.time.wrapping_sub(head.time).cast_signed());
            assert!(away.abs() < 44_100 / 2, "{away}");
        }
    }
}

#[test]
fn reports_come_before_a_start_and_tie_the_clocks_together() {
    let recording = Recording::from_ts(H264_AAC);
    let rates = [90_000, 44_100];
    // The first packet has them in any case.
    for (packet, (start, bytes)) in recording.packets.iter().zip(recording.mux()).skip(1) {
        let reports = reports(&bytes);
        assert_eq!(reports.len(), if start.is_some() { 2 } else { 0 });
        for (channel, report) in &reports {
            assert_eq!(report.ntp, rtcp::ntp_from_unix(packet.dts));
            let rate = rates[usize::from(*channel / 2)];
            let head = start.as_ref().unwrap().rtp[usize::from(*channel / 2)];
            // From the report's instant to the start's presentation.
            let ahead = head.time.wrapping_sub(report.rtp_time);
            assert_eq!(i64::from(ahead), (packet.pts - packet.dts).to_clock(rate), "{channel}");
        }
    }
}

#[test]
fn reports_come_every_five_seconds_and_count_what_was_sent() {
    let recording = Recording::g711();
    let mut muxer = Muxer::new(1);
    let mut times = Vec::new();
    let (mut packets, mut octets) = (0, 0);
    for index in 0..600_i64 {
        let mut packet = recording.packets[0].clone();
        packet.dts = EPOCH + Ticks(index * 1800);
        packet.pts = packet.dts;
        let live = LivePacket { is_start: false, ..recording.live(&packet) };
        let mut out = BytesMut::new();
        assert_eq!(muxer.mux(&live, &mut out), None);
        for (_, report) in reports(&out) {
            times.push(index * 20);
            assert_eq!((report.packets, report.octets), (packets, octets));
        }
        packets += 1;
        octets += 160;
    }
    assert_eq!(times, [0, 5000, 10_000]);
}

#[test]
fn tracks_that_rtp_does_not_carry_add_nothing_and_take_no_channel() {
    let mut recording = Recording::from_ts(H264_AAC);
    let mut tracks = recording.tracks.to_vec();
    let video = tracks[0].codec.video().unwrap();
    tracks[0].codec = CodecConfig::Vp9 { config: bytes::Bytes::new(), video };
    recording.tracks = tracks.into();
    let mut starts = 0;
    for (packet, (start, bytes)) in recording.packets.iter().zip(recording.mux()) {
        assert_eq!(bytes.is_empty(), packet.track == TrackId(0));
        assert!(frames(&bytes).all(|(channel, _)| channel < 2));
        starts += usize::from(start.is_some_and(|start| start.rtp.len() == 1));
    }
    // Players of the rest begin behind the keyframes of what is left out.
    assert_eq!(starts, 3);
}

#[test]
fn new_parameter_sets_keep_the_numbers_going() {
    let recording = Recording::from_ts(H264_AAC);
    let mut muxer = Muxer::new(3);
    let mut out = BytesMut::new();
    muxer.mux(&recording.live(&recording.packets[0]), &mut out);
    let last = rtp(&out).last().unwrap().1.header;
    let mut changed = recording.clone();
    let mut tracks = recording.tracks.to_vec();
    if let CodecConfig::H264 { pps, .. } = &mut tracks[0].codec {
        pps.push(bytes::Bytes::from_static(&[0x68, 1]));
    }
    changed.tracks = tracks.into();
    out.clear();
    muxer.mux(&changed.live(&recording.packets[0]), &mut out);
    let next = rtp(&out).first().unwrap().1.header;
    assert_eq!((next.sequence, next.ssrc), (last.sequence.wrapping_add(1), last.ssrc));
}

#[test]
fn every_seed_has_its_own_numbers() {
    let recording = Recording::from_ts(H264_AAC);
    let first = |seed| {
        let mut out = BytesMut::new();
        Muxer::new(seed).mux(&recording.live(&recording.packets[0]), &mut out);
        rtp(&out).first().unwrap().1.header
    };
    let (one, two) = (first(1), first(2));
    assert_ne!(one.ssrc, two.ssrc);
    assert_ne!((one.sequence, one.time), (two.sequence, two.time));
    assert_eq!(one, first(1));
}
