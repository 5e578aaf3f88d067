//! Peers that do wrong; each ends with its own error, or with its deadline.

use super::*;

#[test]
fn garbage_is_refused_on_its_first_byte() {
    let now = Instant::now();
    let mut session = ServerSession::new(ServerConfig::default(), 1, now);
    let error = session.receive(b"GET / HTTP/1.1\r\n\r\n", now).unwrap_err();
    assert_eq!(error.to_string(), "rtmp version 71, expected 3");
}

#[test]
fn handshake_that_stops_half_way_has_a_deadline() {
    let now = Instant::now();
    let mut session = ServerSession::new(ServerConfig::default(), 1, now);
    let deadline = Some(now + Duration::from_secs(5));
    assert_eq!(session.deadline(), deadline);
    let (_, hello) = ClientHandshake::start(1);
    let later = now + Duration::from_secs(4);
    session.receive(&hello[..700], later).unwrap();
    assert_eq!(session.deadline(), deadline, "bytes do not buy time");
    session.receive(&hello[700..], later).unwrap();
    assert_eq!(session.deadline(), deadline);
}

#[test]
fn peer_that_asks_for_nothing_has_a_deadline() {
    let mut peer = Peer::connected();
    let deadline = Some(peer.now + Duration::from_secs(10));
    assert_eq!(peer.session.deadline(), deadline);
    let request = peer.ask("publish");
    assert_eq!(peer.session.deadline(), None, "the owner's turn");
    peer.session.accept_publish(request).unwrap();
    assert_eq!(peer.session.deadline(), None);
    peer.now += Duration::from_secs(60);
    peer.command(1, &call("FCUnpublish", 0.0, Value::Null, Vec::new()));
    assert_eq!(peer.session.deadline(), Some(peer.now + Duration::from_secs(10)));
}

#[test]
fn chunk_that_claims_16_mib_is_refused() {
    let mut peer = Peer::new();
    let claim = b"\x06\0\0\0\xFF\xFF\xFF\x09\x01\0\0\0";
    let error = peer.session.receive(claim, peer.now).unwrap_err();
    assert_eq!(error.to_string(), "message of 16777215 bytes, limit 262144");
    assert_eq!(error.limit(), Some("rtmp_message"));
    let mut publisher = Peer::publisher();
    let error = publisher.session.receive(claim, publisher.now).unwrap_err();
    assert_eq!(error.to_string(), "message of 16777215 bytes, limit 4194304");
}

#[test]
fn message_limit_falls_back_when_publishing_ends() {
    let mut peer = Peer::publisher();
    peer.command(1, &call("FCUnpublish", 0.0, Value::Null, Vec::new()));
    let error = peer.session.receive(b"\x06\0\0\0\x08\0\0\x09\x01\0\0\0", peer.now).unwrap_err();
    assert_eq!(error.to_string(), "message of 524288 bytes, limit 262144");
}

#[test]
fn command_nested_ten_thousand_deep_is_refused() {
    let mut peer = Peer::connected();
    let body = [b"\x02\0\x01x\0\0\0\0\0\0\0\0\0", &b"\x03\0\x01a".repeat(10_000)[..]].concat();
    let kind = MessageKind::CommandAmf0;
    let deep = Message { kind, stream_id: 0, timestamp: 0, payload: body.into() };
    let error = peer.try_send(&deep).err().unwrap();
    assert_eq!(error.to_string(), "amf nested 17 deep, limit 16");
    let mut publisher = Peer::publisher();
    let body = b"\x0A\0\0\0\x01".repeat(10_000);
    let deep = Message { kind: MessageKind::DataAmf0, payload: body.into(), ..deep };
    let error = publisher.try_send(&deep).err().unwrap();
    assert_eq!(error.to_string(), "amf nested 17 deep, limit 16");
}

#[test]
fn chunk_sizes_of_zero_and_beyond_the_limit_are_refused() {
    for (size, words) in
        [(0, "chunk of 0 bytes, limit 65536"), (70_000, "chunk of 70000 bytes, limit 65536")]
    {
        let mut peer = Peer::connected();
        let message = control(MessageKind::SetChunkSize, &u32::to_be_bytes(size));
        let error = peer.try_send(&message).err().unwrap();
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn sixty_four_chunk_streams_are_refused() {
    let mut peer = Peer::connected();
    let chunk = |id| [&[id], &b"\0\0\0\x03\xE8\0\x09\x01\0\0\0"[..], &[0; 128]].concat();
    let wire: Vec<u8> = (0..64).filter(|id| *id > 2).flat_map(chunk).collect();
    let wire = [&wire[..], &wire[..]].concat();
    let error = peer.session.receive(&wire, peer.now).unwrap_err();
    assert!(matches!(error, RtmpError::Chunk(ChunkError::ChunkStreams { limit: 16, .. })));
}

#[test]
fn media_without_the_right_to_publish_is_ignored() {
    let mut peer = Peer::connected();
    assert!(peer.media(MessageKind::Video, 0, AVC_HEADER).is_empty());
    assert!(peer.media(MessageKind::Aggregate, 0, b"\x09").is_empty());
    let mut stranger = Peer::new();
    assert!(stranger.media(MessageKind::Video, 0, AVC_HEADER).is_empty());
}

#[test]
fn requests_before_connect_and_a_second_connect_are_refused() {
    for name in ["publish", "play"] {
        let publish = call(name, 5.0, Value::Null, vec!["cam1".into()]).encode(1);
        let error = Peer::new().try_send(&publish).err().unwrap();
        assert_eq!(error.to_string(), format!("command {name} out of order"));
    }
    let connect = call("connect", 1.0, Value::Null, Vec::new()).encode(0);
    assert!(matches!(
        Peer::connected().try_send(&connect),
        Err(RtmpError::OutOfOrder { name: "connect" })
    ));
}

#[test]
fn flood_before_an_answer_is_bounded() {
    let mut peer = Peer::connected();
    let request = peer.ask("publish");
    let error = (0..100).find_map(|_| peer.session.receive(&[0; 4096], peer.now).err()).unwrap();
    assert_eq!(error.to_string(), "266240 bytes sent before an answer, limit 262144");
    assert!(request.0 > 0);
}

#[test]
fn answers_to_what_was_not_asked_are_errors() {
    let mut peer = Peer::connected();
    assert!(matches!(peer.session.accept_connect(), Err(RtmpError::NotAsked)));
    let request = peer.ask("play");
    assert!(matches!(peer.session.accept_publish(request), Err(RtmpError::NotAsked)));
    assert!(matches!(peer.session.accept_play(RequestId(99)), Err(RtmpError::NotAsked)));
    assert!(peer.session.accept_play(request).is_ok());
}

#[test]
fn codec_that_is_not_supported_is_named() {
    let mut peer = Peer::publisher();
    let (kind, payload) = (MessageKind::Video, Bytes::from_static(b"\x12body"));
    let error = peer.try_send(&Message { kind, stream_id: 1, timestamp: 0, payload }).err();
    let words = error.unwrap().to_string();
    assert_eq!(words, "video codec 2 is not supported, expected 7 (h264) or 12 (hevc)");
}

proptest! {
    #[test]
    fn noise_after_the_handshake_never_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        cut in 1..100_usize,
        publishes in any::<bool>(),
    ) {
        let mut peer = if publishes { Peer::publisher() } else { Peer::connected() };
        for part in bytes.chunks(cut) {
            if peer.session.receive(part, peer.now).is_err() {
                break;
            }
        }
        peer.session.finish();
    }

    #[test]
    fn noise_in_messages_never_panics(
        messages in prop::collection::vec((1..23_u8, any::<[u8; 24]>(), 0..24_usize), 1..20),
    ) {
        let mut peer = Peer::publisher();
        for (kind, body, length) in messages {
            let kind = MessageKind::from(kind);
            let payload = Bytes::copy_from_slice(&body[..length]);
            let message = Message { kind, stream_id: 1, timestamp: 0, payload };
            let wire = peer.wire(&message);
            if peer.session.receive(&wire, peer.now).is_err() {
                break;
            }
        }
    }
}
