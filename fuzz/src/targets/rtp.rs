//! RTP, RTCP and the descriptions that say what they carry.

use std::time::{Duration, Instant};

use watershed_media::packet::StreamItem;
use watershed_media::rtp::{self, Receiver, Transport, rtcp};
use watershed_media::sdp;

/// Every payload format; the first two as ffmpeg announces the recorded seed.
const ALL: &str = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n\
    m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1; \
    sprop-parameter-sets=Z2QADKzZQUGfnwEQAAADABAAAAMDIPFCmWA=,aOrssiw=\r\n\
    m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/44100/1\r\na=fmtp:97 mode=AAC-hbr;\
    sizelength=13;indexlength=3;indexdeltalength=3; config=120856E500\r\n\
    m=audio 0 RTP/AVP 96\r\na=rtpmap:96 MP4A-LATM/44100\r\na=fmtp:96 cpresent=0;\
    config=40002420\r\n\
    m=video 0 RTP/AVP 98\r\na=rtpmap:98 H265/90000\r\n\
    m=audio 0 RTP/AVP 99\r\na=rtpmap:99 opus/48000/2\r\n\
    m=audio 0 RTP/AVP 100\r\na=rtpmap:100 ac3/48000\r\n\
    m=audio 0 RTP/AVP 14\r\nm=audio 0 RTP/AVP 8\r\n";

/// Most media that are read of a description.
const MEDIA_MAX: usize = 8;

/// Interleaved frames of a publisher with a medium of every kind, in order and as datagrams.
pub(crate) fn rtp(bytes: &[u8]) {
    for transport in [Transport::Tcp, Transport::Udp] {
        let media = sdp::parse(ALL.as_bytes(), MEDIA_MAX).expect("a good description").media;
        let mut receiver = Receiver::new(&media, transport, 1).expect("media that can be read");
        let mut now = Instant::now();
        let mut items = Vec::new();
        for (channel, packet) in rtp::frames(bytes) {
            let index = usize::from(channel / 2) % media.len();
            if channel.is_multiple_of(2) {
                receiver.receive_rtp(index, packet, now, &mut items);
            } else {
                receiver.receive_rtcp(index, packet, now);
            }
            now += Duration::from_millis(u64::from(channel));
        }
        let reports = (0..media.len()).filter_map(|index| receiver.report(index, now));
        for report in reports {
            assert!(rtcp::packets(&report).all(|packet| packet.is_ok()), "our own report");
        }
        let is_packet = |item: &StreamItem| matches!(item, StreamItem::Packet(_));
        let announced = items.iter().position(|item| matches!(item, StreamItem::Tracks(_)));
        assert!(items.iter().position(is_packet) >= announced, "a packet before its track");
    }
}

/// A compound packet.
pub(crate) fn rtcp(bytes: &[u8]) {
    let _ = rtcp::packets(bytes).count();
}

/// A description, and the receiver that it asks for.
pub(crate) fn sdp(bytes: &[u8]) {
    let Ok(description) = sdp::parse(bytes, MEDIA_MAX) else { return };
    assert!(description.media.len() <= MEDIA_MAX);
    let _ = Receiver::new(&description.media, Transport::Tcp, 1);
}
