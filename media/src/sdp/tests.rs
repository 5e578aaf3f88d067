//! Descriptions that players get, and those that publishers really send.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::codec::{aac, h264};
use crate::track::{AudioShape, CodecConfig, Track, TrackId, VideoShape};

const SPS: &[u8] = &[
    0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00,
    0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2d, 0x96,
];
const PPS: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];
const ORIGIN: Origin<'_> = Origin { session_id: 7, address: "192.0.2.1" };

fn tracks(codecs: Vec<CodecConfig>) -> Vec<Track> {
    let track = |(id, codec)| Track { id: TrackId(id), codec, language: None };
    (0_u8..).zip(codecs).map(track).collect()
}

fn h264() -> CodecConfig {
    h264::config_from_parameter_sets(SPS, vec![Bytes::from_static(PPS)]).unwrap()
}

#[test]
fn description_of_h264_and_aac_is_as_players_know_it() {
    let aac = aac::parse_audio_specific_config(&[0x11, 0x90]).unwrap();
    let text = describe("cam1", ORIGIN, &tracks(vec![h264(), aac]));
    let expected = "v=0\r\n\
        o=- 7 1 IN IP4 192.0.2.1\r\n\
        s=cam1\r\n\
        c=IN IP4 0.0.0.0\r\n\
        t=0 0\r\n\
        a=control:*\r\n\
        a=range:npt=now-\r\n\
        m=video 0 RTP/AVP 96\r\n\
        a=rtpmap:96 H264/90000\r\n\
        a=fmtp:96 packetization-mode=1; \
        sprop-parameter-sets=Z2QAHqzZQKAv+XARAAADAAEAAAMAMg8WLZY=,aOvjyyLA; \
        profile-level-id=64001E\r\n\
        a=control:trackID=0\r\n\
        m=audio 0 RTP/AVP 97\r\n\
        a=rtpmap:97 mpeg4-generic/48000/2\r\n\
        a=fmtp:97 streamtype=5; profile-level-id=1; mode=AAC-hbr; sizelength=13; indexlength=3; \
        indexdeltalength=3; config=1190\r\n\
        a=control:trackID=1\r\n";
    assert_eq!(text, expected);
}

#[test]
fn tracks_without_a_form_are_left_out_of_the_count() {
    let audio = AudioShape { sample_rate: 8000, channels: 1 };
    let video = VideoShape::default();
    let text = describe(
        "",
        ORIGIN,
        &tracks(vec![
            CodecConfig::Vp9 { config: Bytes::new(), video },
            CodecConfig::G711 { is_alaw: true, audio },
            CodecConfig::Mp3 { audio },
            CodecConfig::Opus { audio: AudioShape { sample_rate: 48_000, channels: 2 } },
        ]),
    );
    let session = parse(text.as_bytes(), 8).unwrap();
    let media: Vec<_> = session
        .media
        .iter()
        .map(|m| (m.payload_type, m.encoding.as_str(), m.clock_rate, m.channels))
        .collect();
    let expected =
        [(8, "PCMA", 8000, None), (14, "MPA", 90_000, None), (98, "opus", 48_000, Some(2))];
    assert_eq!(media, expected);
    let controls: Vec<_> = session.media.iter().filter_map(|m| m.control.as_deref()).collect();
    assert_eq!(controls, ["trackID=0", "trackID=1", "trackID=2"]);
}

#[test]
fn names_and_languages_begin_no_line() {
    let mut all = tracks(vec![h264()]);
    all[0].language = Some("x\r\na=evil:1".to_owned());
    let text = describe("a\r\nm=audio 0 RTP/AVP 0", ORIGIN, &all);
    assert!(text.lines().all(|line| !line.starts_with("a=evil")));
    assert_eq!(parse(text.as_bytes(), 8).unwrap().media.len(), 1);
}

#[test]
fn ffmpeg_announces_what_is_read() {
    let announced = include_bytes!("../../testdata/rtp/ffmpeg-h264-aac.sdp");
    let session = parse(announced, 8).unwrap();
    let [video, audio] = &session.media[..] else { panic!("two media") };
    assert_eq!((video.kind.as_str(), video.payload_type, video.clock_rate), ("video", 96, 90_000));
    assert_eq!(video.control.as_deref(), Some("streamid=0"));
    assert_eq!(video.parameter("packetization-mode"), Some("1"));
    let sets = "Z2QADKzZQUGfnwEQAAADABAAAAMDIPFCmWA=,aOrssiw=";
    assert_eq!(video.parameter("Sprop-Parameter-Sets"), Some(sets));
    assert_eq!((audio.encoding.as_str(), audio.channels), ("MPEG4-GENERIC", Some(1)));
    assert_eq!(audio.parameter("config"), Some("120856E500"));
}

#[test]
fn odd_but_real_descriptions_are_read() {
    // Bare line feeds, white space, a static type, an attribute without value, an unknown medium.
    let text = "\u{feff}v=0\n o=- 1 1 IN IP4 10.0.0.9 \ns=\nt=0 0\na=control:rtsp://10.0.0.9/ch1/\n\
        m=video 0 RTP/AVP 96 97\na=fmtp: 96 profile-level-id=420029 ;packetization-mode=1;\n\
        a = rtpmap: 96  h264/90000 \na=rtpmap:97 H265/90000\na=recvonly\n\
        m=audio 0 RTP/AVP 8\na=control:trackID=2\nm=application 0 TCP/TLS webrtc-datachannel\n\
        m=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\n";
    let session = parse(text.as_bytes(), 8).unwrap();
    assert_eq!(session.control.as_deref(), Some("rtsp://10.0.0.9/ch1/"));
    let encodings: Vec<_> = session.media.iter().map(|m| m.encoding.as_str()).collect();
    assert_eq!(encodings, ["h264", "PCMA", "", "vnd.onvif.metadata"]);
    let video = session.media.first().unwrap();
    assert_eq!(video.parameter("profile-level-id"), Some("420029"));
    assert_eq!(video.parameter("packetization-mode"), Some("1"));
}

#[test]
fn what_is_no_description_is_refused() {
    let media = "v=0\r\n".to_owned() + &"m=audio 0 RTP/AVP 0\r\n".repeat(9);
    let table: [(&[u8], SdpError); 7] = [
        (b"", SdpError::Version),
        (b"m=audio 0 RTP/AVP 0\r\n", SdpError::Version),
        (b"v=1\r\n", SdpError::Version),
        (b"v=0\r\ns=x\r\n", SdpError::Empty),
        (b"v=0\r\nm=video\r\n", SdpError::Line(2)),
        (b"v=0\r\ns=\xff\r\n", SdpError::Encoding),
        (media.as_bytes(), SdpError::TooManyMedia(8)),
    ];
    for (text, expected) in table {
        assert_eq!(parse(text, 8), Err(expected), "{}", text.escape_ascii());
    }
    assert_eq!(parse(&[b'v'; SDP_BYTES_MAX + 1], 8), Err(SdpError::TooLong(SDP_BYTES_MAX + 1)));
}

#[test]
fn parameters_are_kept_up_to_a_limit() {
    let text = "v=0\nm=audio 0 RTP/AVP 96\na=fmtp:96 ".to_owned() + &"a=1;".repeat(10_000);
    assert_eq!(parse(text.as_bytes(), 8).unwrap().media[0].parameters.len(), 64);
}

proptest! {
    #[test]
    fn any_text_is_survived(
        lines in proptest::collection::vec(
            ("(v=0|m=video 0 RTP/AVP 9|a=fmtp:9|a=rtpmap:9|a=control:|[a-z]=)", "[ -~]{0,30}"),
            0..12)
    ) {
        let text: String = lines.iter().map(|(head, rest)| format!("{head}{rest}\n")).collect();
        let _ = parse(text.as_bytes(), 8);
        let _ = parse(format!("v=0\n{text}").as_bytes(), 8);
    }
}
