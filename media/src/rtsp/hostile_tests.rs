//! What hostile clients send, one story a test, and the rule that the cut of bytes never matters.

use core::net::{IpAddr, Ipv4Addr};
use std::fmt::Write;
use std::time::Instant;

use bytes::Bytes;
use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use proptest::{collection, sample};

use super::{Event, Output, RtspError, RtspLimits, ServerConfig, ServerSession};

const SDP: &str = "m=video 0 RTP/AVP 96\r\na=control:trackID=0\r\n";

fn session(now: Instant) -> ServerSession {
    let client = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    let limits = RtspLimits::default();
    ServerSession::new(ServerConfig { limits, client, allows_udp: true, seed: [1; 32] }, now)
}

/// Feeds `pieces` to a fresh session, answers all questions, and says what came out. Streams whose
/// path has an `a` are elsewhere, all others here.
fn converse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Output> {
    let now = Instant::now();
    let mut session = session(now);
    let mut seen = Vec::new();
    for piece in pieces {
        let Ok(mut outputs) = session.receive(Bytes::copy_from_slice(piece), now) else {
            break;
        };
        while !outputs.is_empty() {
            let output = outputs.remove(0);
            if let Output::Event(event) = &output {
                outputs.extend(answer(&mut session, event));
            }
            seen.push(output);
        }
    }
    seen
}

fn answer(session: &mut ServerSession, event: &Event) -> Vec<Output> {
    let answer = match event {
        Event::DescribeRequested(asked) | Event::AnnounceRequested(asked, _)
            if asked.path.contains('a') =>
        {
            session.redirect(asked.request, "rtsp://b/x")
        }
        Event::DescribeRequested(asked) => session.describe(asked.request, SDP.to_owned()),
        Event::AnnounceRequested(asked, _) => session.accept_announce(asked.request),
        Event::UdpRequested(request, _) => session.set_up_udp(*request, (6000, 6001), None),
        Event::PlayRequested(request, _) => session.play(*request, &[]),
        Event::RecordRequested(request, _) => session.record(*request),
        Event::Media { .. } | Event::Paused | Event::Ended | Event::Failed(_) => return Vec::new(),
    };
    answer.unwrap()
}

/// The status lines sent, and the error that ended the session.
fn summary(outputs: &[Output]) -> (Vec<String>, Option<RtspError>) {
    let (mut sent, mut failed) = (Vec::new(), None);
    for output in outputs {
        match output {
            Output::Send(bytes) => {
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                sent.push(text.lines().next().unwrap().to_owned());
            }
            Output::Event(Event::Failed(error)) => failed = Some(error.clone()),
            Output::Event(_) => {}
        }
    }
    (sent, failed)
}

#[test]
fn line_of_64_kib_ends_the_session_with_414() {
    let line = vec![b'A'; 64 * 1024];
    let (sent, failed) = summary(&converse(line.chunks(1000)));
    assert_eq!(sent, ["RTSP/1.0 414 Request-URI Too Large"]);
    assert_eq!(failed.unwrap().limit_name(), Some("rtsp_line"));
}

#[test]
fn ten_thousand_headers_end_the_session_with_400() {
    let mut text = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n".to_owned();
    text.push_str(&"A: b\r\n".repeat(10_000));
    let outputs = converse(text.as_bytes().chunks(4096));
    let (sent, failed) = summary(&outputs);
    assert_eq!(sent, ["RTSP/1.0 400 Bad Request"]);
    assert_eq!(failed.unwrap().limit_name(), Some("rtsp_headers"));
}

#[test]
fn head_of_many_long_lines_ends_the_session_with_400() {
    let line = format!("A: {}\r\n", "b".repeat(4000));
    let text = format!("OPTIONS * RTSP/1.0\r\n{}", line.repeat(5));
    let (sent, failed) = summary(&converse([text.as_bytes()]));
    assert_eq!(sent, ["RTSP/1.0 400 Bad Request"]);
    assert_eq!(failed.unwrap().limit_name(), Some("rtsp_head"));
}

#[test]
fn content_length_of_minus_one_or_two_to_the_63_ends_the_session_with_400() {
    for length in ["-1", "9223372036854775808", "many"] {
        let text = format!("ANNOUNCE rtsp://h/a RTSP/1.0\r\nCSeq: 8\r\nContent-Length: {length}");
        let outputs = converse([text.as_bytes(), b"\r\n\r\n"]);
        let (sent, failed) = summary(&outputs);
        assert_eq!(sent, ["RTSP/1.0 400 Bad Request"], "{length}");
        assert!(failed.is_some(), "{length}");
        let Some(Output::Send(response)) = outputs.first() else { panic!("{outputs:?}") };
        assert!(String::from_utf8_lossy(response).contains("CSeq: 8\r\n"));
    }
}

#[test]
fn interleaved_flood_ends_the_session() {
    let mut frame = vec![b'$', 0, 0xFF, 0xFF];
    frame.resize(4 + 0xFFFF, 0);
    let (sent, failed) = summary(&converse([frame.as_slice(), &frame, &frame]));
    assert_eq!(sent, ["RTSP/1.0 400 Bad Request"]);
    assert_eq!(failed.unwrap().limit_name(), Some("rtsp_interleaved"));
}

#[test]
fn thousand_setups_set_up_no_more_than_the_tracks_there_are() {
    let mut text = "DESCRIBE rtsp://h/x RTSP/1.0\r\nCSeq: 0\r\n\r\n".to_owned();
    for cseq in 0..1000 {
        let _ = write!(
            text,
            "SETUP rtsp://h/x/trackID={} RTSP/1.0\r\nCSeq: {cseq}\r\n\
             Transport: RTP/AVP/TCP;unicast;interleaved={}-{}\r\n\r\n",
            cseq % 250,
            cseq % 250,
            cseq % 250 + 1,
        );
    }
    let now = Instant::now();
    let mut session = session(now);
    let mut statuses = Vec::new();
    for piece in text.as_bytes().chunks(4096) {
        let mut outputs = session.receive(Bytes::copy_from_slice(piece), now).unwrap();
        while !outputs.is_empty() {
            let output = outputs.remove(0);
            match &output {
                Output::Event(event) => outputs.extend(answer(&mut session, event)),
                Output::Send(_) => statuses.extend(summary(&[output]).0),
            }
        }
        assert!(session.tracks().count() <= 1);
    }
    let count = |status: &str| statuses.iter().filter(|line| line.contains(status)).count();
    // DESCRIBE, and the one track four times.
    assert_eq!((count(" 200 "), count(" 404 ")), (5, 996));
}

#[test]
fn announcing_nine_tracks_ends_the_session_with_400() {
    let sdp = "m=video 0 RTP/AVP 96\r\n".repeat(9);
    let text = format!(
        "ANNOUNCE rtsp://h/x RTSP/1.0\r\nCSeq: 1\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    let (sent, failed) = summary(&converse([text.as_bytes()]));
    assert_eq!(sent, ["RTSP/1.0 400 Bad Request"]);
    assert_eq!(failed.unwrap().limit_name(), Some("rtsp_tracks"));
}

#[test]
fn player_that_floods_its_media_channel_is_ended() {
    let mut text = b"DESCRIBE rtsp://h/x RTSP/1.0\r\nCSeq: 1\r\n\r\n\
        SETUP rtsp://h/x RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP\r\n\r\n\
        PLAY rtsp://h/x RTSP/1.0\r\nCSeq: 3\r\n\r\n"
        .to_vec();
    for _ in 0..3 {
        text.extend([b'$', 0, 0xFF, 0xFF]);
        text.resize(text.len() + 0xFFFF, 0);
    }
    let (sent, failed) = summary(&converse(text.chunks(4096)));
    assert_eq!(sent.last().unwrap(), "RTSP/1.0 400 Bad Request");
    assert_eq!(failed.unwrap().limit_name(), Some("rtsp_interleaved"));
}

#[test]
fn flood_behind_an_unanswered_request_ends_the_session() {
    let now = Instant::now();
    let mut session = session(now);
    let describe = Bytes::from_static(b"DESCRIBE rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\n\r\n");
    let mut outputs = session.receive(describe, now).unwrap();
    for _ in 0..33 {
        outputs.extend(session.receive(Bytes::from_static(&[b'A'; 4096]), now).unwrap());
    }
    let (_, failed) = summary(&outputs);
    assert_eq!(failed, Some(RtspError::HeldTooMuch { limit: 128 * 1024 }));
}

#[test]
fn names_that_leave_their_folder_or_their_line_never_reach_a_header() {
    let nul = "DESCRIBE rtsp://h/a\0b RTSP/1.0\r\nCSeq: 1\r\n\r\n";
    let cr = "DESCRIBE rtsp://h/a\rX: y RTSP/1.0\r\nCSeq: 1\r\n\r\n";
    let long = format!("DESCRIBE rtsp://h/{} RTSP/1.0\r\nCSeq: 1\r\n\r\n", "a".repeat(10_240));
    for text in [nul, cr, &long] {
        let (sent, failed) = summary(&converse([text.as_bytes()]));
        assert!(sent.concat().starts_with("RTSP/1.0 4"), "{sent:?}");
        assert!(failed.is_some());
    }
}

/// Requests and frames, good and bad, such as a connection may carry in a row.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = sample::select(vec![
        "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        "OPTIONS * RTSP/2.0\r\nCSeq: 2\r\n\r\n",
        "DESCRIBE rtsp://h/cam?a=b RTSP/1.0\r\nCSeq: 3\r\nUser-Agent: x\r\n folded\r\n\r\n",
        "ANNOUNCE rtsp://h/cam RTSP/1.0\nCSeq: 4\nContent-Length: 5\n\nv=0\r\n",
        "SETUP rtsp://h/cam RTSP/1.0\r\n\r\n",
        "TEARDOWN rtsp://h/cam RTSP/1.0\r\nCSeq: 5\r\nSession: 1\r\n\r\n",
        "DESCRIBE rtsp://h/x RTSP/1.0\r\nCSeq: 6\r\n\r\n",
        "ANNOUNCE rtsp://h/x RTSP/1.0\r\nCSeq: 7\r\nContent-Length: 9\r\n\r\nm=a\nm=b\n\n",
        "SETUP rtsp://h/x/trackID=0 RTSP/1.0\r\nCSeq: 8\r\nTransport: RTP/AVP/TCP\r\n\r\n",
        "SETUP rtsp://h/x RTSP/1.0\r\nCSeq: 8\r\nTransport: RTP/AVP;client_port=9\r\n\r\n",
        "PLAY rtsp://h/x RTSP/1.0\r\nCSeq: 9\r\n\r\n",
        "RECORD rtsp://h/x RTSP/1.0\r\nCSeq: 10\r\n\r\n",
        "PAUSE rtsp://h/x RTSP/1.0\r\nCSeq: 11\r\n\r\n",
        "$\0\0\u{5}OPTIO",
        "$\u{1}\0\u{5}OPTIO",
        "\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "PLAY rtsp://h/cam RTSP/1.0\r\nContent-Length: -1\r\n\r\n",
    ])
    .prop_map(|text| text.as_bytes().to_vec());
    let long = (4000_usize..4200, 0_usize..5).prop_map(|(length, lines)| {
        let line = format!("A: {}\r\n", "b".repeat(length));
        format!("OPTIONS * RTSP/1.0\r\n{}\r\n", line.repeat(lines)).into_bytes()
    });
    prop_oneof![8 => known, 1 => long, 1 => collection::vec(any::<u8>(), 0..40)]
}

proptest! {
    #[test]
    fn any_cut_of_the_bytes_gives_the_same_outputs(
        pieces in collection::vec(piece(), 1..12),
        size in 1_usize..200,
    ) {
        let bytes = pieces.concat();
        let whole = converse([bytes.as_slice()]);
        assert_eq!(converse(bytes.chunks(1)), whole);
        assert_eq!(converse(bytes.chunks(size)), whole);
    }

    #[test]
    fn random_bytes_never_panic(bytes in collection::vec(any::<u8>(), 0..2000)) {
        converse(bytes.chunks(64));
    }
}
