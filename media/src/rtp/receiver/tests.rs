//! What comes out when recordings are sent through packets: whole, with losses, out of order, with
//! clocks that jump.

use proptest::prelude::*;

use super::*;
use crate::rtp::frames;
use crate::rtp::recordings::{H264_AAC, H265_AC3, MP3, OPUS, Recording};
use crate::sdp;

/// A packet on its way: its channel, and when it arrives.
#[derive(Clone, Debug)]
struct Sent {
    channel: u8,
    bytes: Vec<u8>,
    at: Duration,
}

const ORIGIN: sdp::Origin<'_> = sdp::Origin { session_id: 1, address: "127.0.0.1" };
const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);

fn receiver(recording: &Recording, transport: Transport) -> Receiver {
    let text = sdp::describe("test", ORIGIN, &recording.tracks);
    let session = sdp::parse(text.as_bytes(), 8).unwrap();
    Receiver::new(&session.media, transport, 9).unwrap()
}

/// The packets of a recording, each sent at its decode time.
fn send(recording: &Recording) -> Vec<Sent> {
    let start = recording.packets.first().unwrap().dts;
    let mut sent = Vec::new();
    for (packet, (_, run)) in recording.packets.iter().zip(recording.mux()) {
        let at = (packet.dts - start).duration();
        sent.extend(frames(&run).map(|(channel, bytes)| Sent {
            channel,
            bytes: bytes.to_vec(),
            at,
        }));
    }
    sent
}

fn receive(receiver: &mut Receiver, sent: &[Sent]) -> Vec<StreamItem> {
    let start = Instant::now();
    let mut items = Vec::new();
    for Sent { channel, bytes, at } in sent {
        let (index, now) = (usize::from(channel / 2), start + *at);
        if channel.is_multiple_of(2) {
            receiver.receive_rtp(index, bytes, now, &mut items);
        } else {
            receiver.receive_rtcp(index, bytes, now);
        }
    }
    items
}

fn packets(items: &[StreamItem], track: TrackId) -> Vec<MediaPacket> {
    let packet = |item: &StreamItem| match item {
        StreamItem::Packet(packet) if packet.track == track => Some(packet.clone()),
        StreamItem::Packet(_) | StreamItem::Tracks(_) | StreamItem::Discontinuity => None,
    };
    items.iter().filter_map(packet).collect()
}

fn count_of(items: &[StreamItem], item: &StreamItem) -> usize {
    items.iter().filter(|other| *other == item).count()
}

fn sequence_of(bytes: &[u8]) -> u16 {
    RtpPacket::parse(bytes).unwrap().header.sequence
}

fn set_field(bytes: &mut [u8], at: usize, field: [u8; 4]) {
    bytes[at..at + 4].copy_from_slice(&field);
}

/// Moves the RTP times of a channel, and those in its reports.
fn shift_time(sent: &mut Sent, by: u32) {
    let at = if sent.channel.is_multiple_of(2) { 4 } else { 16 };
    let time = u32::from_be_bytes(sent.bytes[at..at + 4].try_into().unwrap());
    set_field(&mut sent.bytes, at, time.wrapping_add(by).to_be_bytes());
}

fn assert_times_rise(items: &[StreamItem]) {
    for track in [VIDEO, AUDIO] {
        let packets = packets(items, track);
        assert!(packets.windows(2).all(|pair| pair[0].dts < pair[1].dts), "{track:?}");
        assert!(packets.iter().all(|packet| packet.dts <= packet.pts), "{track:?}");
    }
}

#[test]
fn recordings_come_out_as_they_went_in() {
    for bytes in [H264_AAC, H265_AC3, MP3, OPUS] {
        let recording = Recording::from_ts(bytes);
        for transport in [Transport::Tcp, Transport::Udp] {
            let mut receiver = receiver(&recording, transport);
            let items = receive(&mut receiver, &send(&recording));
            let Some(StreamItem::Tracks(tracks)) = items.first() else { panic!("no tracks") };
            assert_eq!(tracks.len(), recording.tracks.len());
            // All tracks on one timeline: the same distance everywhere, but for rounding.
            let mut distances = Vec::new();
            for (track, original) in tracks.iter().zip(recording.tracks.iter()) {
                assert_eq!(track.codec, original.codec);
                let (found, sent) = (packets(&items, track.id), recording.of(track.id));
                assert_eq!(found.len(), sent.len(), "{}", track.codec.name());
                for (found, sent) in found.iter().zip(&sent) {
                    assert_eq!(found.payload, sent.payload);
                    assert_eq!(found.is_keyframe, sent.is_keyframe);
                    distances.push((sent.pts - found.pts).0);
                }
            }
            let (low, high) = (distances.iter().min().unwrap(), distances.iter().max().unwrap());
            assert!(high - low <= 6, "{low} to {high}");
            assert_times_rise(&items);
            let counters = receiver.counters();
            let expected = ReceiverCounters { packets: counters.packets, ..Default::default() };
            assert_eq!(counters, expected);
        }
    }
}

#[test]
fn decode_times_of_b_frames_are_those_that_were_sent() {
    let recording = Recording::from_ts(H264_AAC);
    let items = receive(&mut receiver(&recording, Transport::Tcp), &send(&recording));
    let delays = |packets: Vec<MediaPacket>| -> Vec<Ticks> {
        packets.into_iter().map(|packet| packet.pts - packet.dts).collect()
    };
    assert_eq!(delays(packets(&items, VIDEO)), delays(recording.of(VIDEO)));
}

#[test]
fn ten_percent_lost_packets_play_on_at_the_next_keyframe() {
    let recording = Recording::from_ts(H264_AAC);
    let sent_units = recording.of(VIDEO);
    let mut played = 0;
    for offset in 0..10 {
        let mut sent = send(&recording);
        let mut index = 0;
        sent.retain(|packet| {
            index += usize::from(packet.channel == 0);
            // Nobody misses what came before the first one received.
            packet.channel != 0 || index == 1 || index % 10 != offset
        });
        let mut receiver = receiver(&recording, Transport::Udp);
        let items = receive(&mut receiver, &sent);
        let video = packets(&items, VIDEO);
        played += video.len();
        // Whatever plays is whole, and after a gap comes a keyframe.
        let mut at = 0;
        for packet in &video {
            let found = sent_units.iter().skip(at).position(|unit| unit.payload == packet.payload);
            let skipped = found.expect("an access unit that was not sent");
            assert!(skipped == 0 || packet.is_keyframe);
            at += skipped + 1;
        }
        assert!(receiver.counters().lost_packets > 5);
        assert_eq!(packets(&items, AUDIO).len(), recording.of(AUDIO).len());
        assert_times_rise(&items);
    }
    assert!(played > 30, "{played}");
}

#[test]
fn disorder_and_duplicates_of_datagrams_make_no_difference() {
    let recording = Recording::from_ts(H264_AAC);
    let sent = send(&recording);
    let whole = receive(&mut receiver(&recording, Transport::Udp), &sent);
    let mut stirred = sent.clone();
    for at in (1..stirred.len() - 2).step_by(3) {
        stirred.swap(at, at + 1);
        stirred[at].at = stirred[at + 1].at;
    }
    let twice: Vec<Sent> =
        stirred.iter().flat_map(|packet| [packet.clone(), packet.clone()]).collect();
    let mut receiver = receiver(&recording, Transport::Udp);
    let items = receive(&mut receiver, &twice);
    for track in [VIDEO, AUDIO] {
        let payloads = |items: &[StreamItem]| -> Vec<(Ticks, Bytes)> {
            packets(items, track).into_iter().map(|p| (p.dts, p.payload)).collect()
        };
        assert_eq!(payloads(&items), payloads(&whole));
    }
    assert_eq!(receiver.counters().lost_packets, 0);
    assert!(receiver.counters().late_packets > 100);
}

#[test]
fn timestamps_that_jump_by_an_hour_or_go_backwards_are_played_on() {
    let recording = Recording::from_ts(H264_AAC);
    let hour = [(90_000 * 3600_u32, 44_100 * 3600_u32), (0, 0)];
    let back = [(0, 0), (90_000 * 3600_u32, 44_100 * 3600_u32)];
    for [before, after] in [hour, back] {
        let mut sent = send(&recording);
        let middle = sent.len() / 2;
        for (index, packet) in sent.iter_mut().enumerate() {
            let (video, audio) = if index < middle { before } else { after };
            shift_time(packet, if packet.channel < 2 { video } else { audio });
        }
        let mut receiver = receiver(&recording, Transport::Tcp);
        let items = receive(&mut receiver, &sent);
        assert_eq!(count_of(&items, &StreamItem::Discontinuity), 1);
        assert_eq!(receiver.counters().jumps, 2);
        assert_eq!(packets(&items, VIDEO).len(), 75);
        assert_eq!(packets(&items, AUDIO).len(), 131);
        // The timeline goes on where it was.
        for track in [VIDEO, AUDIO] {
            let packets = packets(&items, track);
            assert!(packets.windows(2).all(|pair| pair[0].dts <= pair[1].dts));
            let last = packets.last().unwrap().pts.seconds();
            assert!((2.5..3.5).contains(&last), "{last}");
        }
    }
}

#[test]
fn timestamps_and_sequence_numbers_that_wrap_are_played_on() {
    let recording = Recording::from_ts(H264_AAC);
    let plain = receive(&mut receiver(&recording, Transport::Tcp), &send(&recording));
    let mut sent = send(&recording);
    for channel in [0, 2] {
        let first = sent.iter().find(|packet| packet.channel == channel).unwrap();
        let header = RtpPacket::parse(&first.bytes).unwrap().header;
        let to_wrap = 0_u32.wrapping_sub(header.time).wrapping_sub(30_000);
        let sequences = 0_u16.wrapping_sub(header.sequence).wrapping_sub(20);
        for packet in sent.iter_mut().filter(|packet| packet.channel / 2 == channel / 2) {
            shift_time(packet, to_wrap);
            if packet.channel == channel {
                let sequence = sequence_of(&packet.bytes).wrapping_add(sequences);
                packet.bytes[2..4].copy_from_slice(&sequence.to_be_bytes());
            }
        }
    }
    let mut receiver = receiver(&recording, Transport::Tcp);
    let wrapped = receive(&mut receiver, &sent);
    assert_eq!(receiver.counters().lost_packets, 0);
    assert!(wrapped == plain, "times differ");
}

#[test]
fn reports_bring_tracks_together_that_begin_apart() {
    let recording = Recording::from_ts(H264_AAC);
    let mut sent = send(&recording);
    // The audio is sent 300 ms before the video that belongs to it.
    for packet in sent.iter_mut().filter(|packet| packet.channel < 2) {
        packet.at += Duration::from_millis(300);
    }
    sent.sort_by_key(|packet| packet.at);
    let items = receive(&mut receiver(&recording, Transport::Tcp), &sent);
    let distance = |track| {
        let (found, sent) = (packets(&items, track), recording.of(track));
        (sent.last().unwrap().pts - found.last().unwrap().pts).0
    };
    assert!((distance(VIDEO) - distance(AUDIO)).abs() <= 6);
}

#[test]
fn tracks_without_reports_begin_together() {
    let recording = Recording::from_ts(H264_AAC);
    let mut sent = send(&recording);
    sent.retain(|packet| packet.channel % 2 == 0);
    let items = receive(&mut receiver(&recording, Transport::Tcp), &sent);
    let first = |track| packets(&items, track).first().unwrap().pts;
    assert_eq!((first(VIDEO), first(AUDIO)), (Ticks::ZERO, Ticks::ZERO));
}

#[test]
fn parameter_sets_in_band_announce_the_tracks() {
    let recording = Recording::from_ts(H264_AAC);
    let text = sdp::describe("test", ORIGIN, &recording.tracks);
    let mut media = sdp::parse(text.as_bytes(), 8).unwrap().media;
    media[0].parameters.clear();
    let mut receiver = Receiver::new(&media, Transport::Tcp, 9).unwrap();
    let items = receive(&mut receiver, &send(&recording));
    let Some(StreamItem::Tracks(tracks)) = items.first() else { panic!("no tracks") };
    assert_eq!(tracks[0].codec, recording.tracks[0].codec);
    assert_eq!(packets(&items, VIDEO).len(), 75);
    assert_eq!(packets(&items, AUDIO).len(), 131);
}

#[test]
fn new_parameter_sets_are_announced() {
    let recording = Recording::from_ts(H264_AAC);
    let text = sdp::describe("test", ORIGIN, &Recording::from_ts(H265_AC3).tracks);
    let mut media = sdp::parse(text.as_bytes(), 8).unwrap().media;
    media[0].encoding = "H264".to_owned();
    // The description knows another picture parameter set than the stream has.
    let sets = "Z2QAHqzZQKAv+XARAAADAAEAAAMAMg8WLZY=,aOvjyyLA";
    media[0].parameters = vec![("sprop-parameter-sets".to_owned(), sets.to_owned())];
    let mut receiver = Receiver::new(&media[..1], Transport::Tcp, 9).unwrap();
    let items = receive(&mut receiver, &send(&recording));
    let Some(StreamItem::Tracks(tracks)) = items.first() else { panic!("no tracks") };
    assert_eq!(tracks[0].codec, recording.tracks[0].codec);
}

#[test]
fn other_sources_and_payload_types_are_refused_until_ours_is_silent() {
    let recording = Recording::from_ts(OPUS);
    let sent = send(&recording);
    let mut receiver = receiver(&recording, Transport::Udp);
    let mut strangers = sent.clone();
    for packet in &mut strangers {
        if packet.channel == 0 {
            set_field(&mut packet.bytes, 8, [1, 2, 3, 4]);
        }
    }
    let both: Vec<Sent> =
        sent.iter().zip(&strangers).flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
    let items = receive(&mut receiver, &both);
    assert_eq!(packets(&items, VIDEO).len(), 51);
    assert_eq!(receiver.counters().refused_packets, 51);
    // Two seconds later the other one is taken for a publisher that began again.
    for packet in &mut strangers {
        packet.at += Duration::from_secs(3);
    }
    let start = Instant::now();
    let mut items = Vec::new();
    for packet in strangers.iter().filter(|packet| packet.channel == 0) {
        receiver.receive_rtp(0, &packet.bytes, start + packet.at, &mut items);
    }
    assert_eq!(packets(&items, VIDEO).len(), 51);
    let mut wrong_type = sent.last().unwrap().bytes.clone();
    wrong_type[1] = 0x7f;
    receiver.receive_rtp(0, &wrong_type, start, &mut items);
    assert_eq!(receiver.counters().refused_packets, 52);
}

#[test]
fn reports_tell_what_was_lost() {
    let recording = Recording::g711();
    let mut sent = send(&recording);
    let mut receiver = receiver(&recording, Transport::Tcp);
    assert_eq!(receiver.report(0, Instant::now()), None);
    sent.retain(|packet| packet.channel == 1 || sequence_of(&packet.bytes) % 10 != 3);
    receive(&mut receiver, &sent);
    let report = receiver.report(0, Instant::now() + Duration::from_secs(2)).unwrap();
    let first = rtcp::packets(&report).next().unwrap().unwrap();
    let RtcpPacket::ReceiverReport { ssrc, blocks } = first else { panic!("no report") };
    let block = blocks[0];
    assert_eq!((ssrc, block.lost, block.fraction_lost), (9, 5, 25));
    assert_eq!(block.jitter, 0);
    // The last sender report came with the last packet, nearly a second after the first.
    assert!((65_536..70_000).contains(&block.delay), "{}", block.delay);
    assert_ne!(block.last_report, 0);
    // Nothing was lost since.
    let report = receiver.report(0, Instant::now()).unwrap();
    let first = rtcp::packets(&report).next().unwrap().unwrap();
    let RtcpPacket::ReceiverReport { blocks, .. } = first else { panic!("no report") };
    assert_eq!((blocks[0].lost, blocks[0].fraction_lost), (5, 0));
}

/// What a publisher sent over one connection, all at once.
fn receive_recorded(description: &[u8], run: &[u8]) -> (Vec<StreamItem>, ReceiverCounters) {
    let media = sdp::parse(description, 8).unwrap().media;
    let mut receiver = Receiver::new(&media, Transport::Tcp, 9).unwrap();
    let sent: Vec<Sent> = frames(run)
        .map(|(channel, bytes)| Sent { channel, bytes: bytes.to_vec(), at: Duration::ZERO })
        .collect();
    (receive(&mut receiver, &sent), receiver.counters())
}

#[test]
fn what_ffmpeg_publishes_is_read() {
    let (items, counters) = receive_recorded(
        include_bytes!("../../../testdata/rtp/ffmpeg-h264-aac.sdp"),
        include_bytes!("../../../testdata/rtp/ffmpeg-h264-aac.rtp"),
    );
    let original = Recording::from_ts(H264_AAC);
    let (video, audio) = (packets(&items, VIDEO), packets(&items, AUDIO));
    assert_eq!((video.len(), audio.len()), (40, 64));
    assert_eq!(counters, ReceiverCounters { packets: 50, ..Default::default() });
    for (found, sent) in audio.iter().zip(original.of(AUDIO)) {
        assert_eq!(found.payload, sent.payload);
    }
    for (found, sent) in video.iter().zip(original.of(VIDEO)) {
        assert_eq!(found.is_keyframe, sent.is_keyframe);
        assert_eq!(found.pts - found.dts, sent.pts - sent.dts);
    }
    // Its reports say that the audio begins 1,024 samples before the video; within 1 ms.
    let ahead = video.first().unwrap().pts - audio.first().unwrap().pts;
    assert!((2000..2180).contains(&ahead.0), "{ahead:?}");
    assert_times_rise(&items);
}

#[test]
fn what_gstreamer_sends_as_latm_is_read() {
    let (items, counters) = receive_recorded(
        include_bytes!("../../../testdata/rtp/gstreamer-latm.sdp"),
        include_bytes!("../../../testdata/rtp/gstreamer-latm.rtp"),
    );
    let Some(StreamItem::Tracks(tracks)) = items.first() else { panic!("no tracks") };
    let shape = crate::track::AudioShape { sample_rate: 44_100, channels: 2 };
    assert_eq!(tracks[0].codec.audio(), Some(shape));
    assert_eq!(packets(&items, VIDEO).len(), 12);
    assert_eq!(counters, ReceiverCounters { packets: 12, ..Default::default() });
}

#[test]
fn media_that_cannot_be_read_are_left_out() {
    let text = "v=0\nm=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\n\
        m=audio 0 RTP/AVP 0\nm=audio 0 RTP/AVP 97\na=rtpmap:97 mpeg4-generic/44100\n";
    let session = sdp::parse(text.as_bytes(), 8).unwrap();
    let receiver = Receiver::new(&session.media, Transport::Udp, 1).unwrap();
    assert_eq!([0, 1, 2, 3].map(|index| receiver.reads(index)), [false, true, false, false]);
    assert!(Receiver::new(&session.media[..1], Transport::Udp, 1).is_none());
}

proptest! {
    #[test]
    fn any_bytes_are_survived(
        datagrams in proptest::collection::vec(
            (
                0_usize..3,
                prop_oneof![
                    Just(vec![0x80, 96, 0, 1]), Just(vec![0x80, 0xe0, 0, 2]),
                    Just(vec![0x80, 97, 0, 1]), Just(vec![0x80, 200, 0, 6]), Just(vec![])
                ],
                proptest::collection::vec(any::<u8>(), 0..60),
                0_u64..5000,
            ),
            0..30)
    ) {
        {
            let mut tracks = Recording::g711().tracks.to_vec();
            tracks.insert(0, Track {
                id: TrackId(1),
                codec: crate::codec::aac::parse_audio_specific_config(&[0x11, 0x90]).unwrap(),
                language: None,
            });
            let text = sdp::describe("test", ORIGIN, &tracks);
            let media = sdp::parse(text.as_bytes(), 8).unwrap().media;
            let mut receiver = Receiver::new(&media, Transport::Udp, 9).unwrap();
            let (start, mut items) = (Instant::now(), Vec::new());
            for (index, head, rest, millis) in &datagrams {
                let bytes = [&head[..], rest].concat();
                let now = start + Duration::from_millis(*millis);
                receiver.receive_rtp(*index, &bytes, now, &mut items);
                receiver.receive_rtcp(*index, &bytes, now);
                let _ = receiver.report(*index, now);
            }
            for track in [VIDEO, AUDIO] {
                let packets = packets(&items, track);
                prop_assert!(packets.windows(2).all(|pair| pair[0].dts <= pair[1].dts));
            }
        }
    }
}
