//! Media from a publisher.

use super::*;
use crate::packet::MediaPacket;

fn packets(events: &[Event]) -> Vec<&MediaPacket> {
    let packet = |event| match event {
        &Event::Item(StreamItem::Packet(ref packet)) => Some(packet),
        _ => None,
    };
    events.iter().filter_map(packet).collect()
}

fn meta_data(wrapped: bool) -> Vec<u8> {
    let properties = Value::ecma_array([("videocodecid", 7.0.into())]);
    let mut values = vec!["onMetaData".into(), properties];
    if wrapped {
        values.insert(0, "@setDataFrame".into());
    }
    let mut body = BytesMut::new();
    encode_all(&values, &mut body);
    body.to_vec()
}

#[test]
fn published_media_becomes_items() {
    let mut peer = Peer::publisher();
    assert!(peer.media(MessageKind::Video, 0, AVC_HEADER).is_empty());
    let events = peer.media(MessageKind::Audio, 0, AAC_HEADER);
    assert!(matches!(&events[..], [Event::Item(StreamItem::Tracks(tracks))] if tracks.len() == 2));
    let events = peer.media(MessageKind::Video, 40, b"\x17\x01\0\0\x50\0\0\0\x01\x65");
    let packet = packets(&events)[0];
    assert_eq!((packet.dts.millis(), packet.pts.millis(), packet.is_keyframe), (40, 120, true));
    assert_eq!(packet.payload, b"\0\0\0\x01\x65"[..]);
}

#[test]
fn everything_at_once_and_byte_by_byte_is_the_same() {
    let mut sender = Peer::publisher();
    let mut wire = Vec::new();
    let body = [b"\x27\x01\0\0\0\0\0\x03\xE8", &[7; 1000][..]].concat();
    for (kind, time, body) in [
        (MessageKind::Video, 0, AVC_HEADER),
        (MessageKind::Audio, 0, AAC_HEADER),
        (MessageKind::Video, 0xFF_FFF0, &body),
        (MessageKind::Audio, 0xFF_FFFF, b"\xAF\x01sound"),
        (MessageKind::Video, 0x100_0018, &body),
    ] {
        let payload = Bytes::copy_from_slice(body);
        wire.extend(sender.wire(&Message { kind, stream_id: 1, timestamp: time, payload }));
    }
    let now = sender.now;
    let at_once = sender.session.receive(&wire, now).unwrap();
    let mut other = Peer::publisher();
    let by_byte: Vec<_> =
        wire.iter().flat_map(|byte| other.session.receive(&[*byte], now).unwrap()).collect();
    assert_eq!(at_once, by_byte);
    assert_eq!(at_once.len(), 4);
}

#[test]
fn metadata_is_told_and_ends_the_wait_for_audio() {
    for (kind, prefix) in [(MessageKind::DataAmf0, &b""[..]), (MessageKind::DataAmf3, b"\0")] {
        for wrapped in [true, false] {
            let mut peer = Peer::publisher();
            let events = peer.media(kind, 0, &[prefix, &meta_data(wrapped)].concat());
            assert!(matches!(&events[..], [Event::MetaData(Value::EcmaArray(_))]));
            let events = peer.media(MessageKind::Video, 0, AVC_HEADER);
            assert!(matches!(&events[..], [Event::Item(StreamItem::Tracks(_))]));
        }
    }
}

#[test]
fn aggregates_are_split() {
    let mut peer = Peer::publisher();
    let mut body = Vec::new();
    for (kind, tag) in [(9, AVC_HEADER), (8, AAC_HEADER), (8, b"\xAF\x01sound")] {
        body.extend([kind, 0, 0, u8::try_from(tag.len()).unwrap(), 0, 0, 9, 0, 0, 0, 0]);
        body.extend(tag);
        body.extend([0; 4]);
    }
    let events = peer.media(MessageKind::Aggregate, 1000, &body);
    assert_eq!(events.len(), 2);
    assert_eq!(packets(&events)[0].dts.millis(), 1000);
}

#[test]
fn every_way_to_stop_ends_the_stream_and_another_may_follow() {
    for (name, arguments) in [
        ("FCUnpublish", vec!["cam1".into()]),
        ("deleteStream", vec![Value::Number(1.0)]),
        ("closeStream", Vec::new()),
    ] {
        let mut peer = Peer::publisher();
        peer.media(MessageKind::Audio, 0, AAC_HEADER);
        peer.media(MessageKind::Audio, 0, b"\xAF\x01sound");
        let heard = peer.command(1, &call(name, 0.0, Value::Null, arguments));
        let [Event::Item(StreamItem::Tracks(_)), Event::Item(_), Event::PublishEnded] =
            &heard.events[..]
        else {
            panic!("{:?}", heard.events);
        };
        assert_eq!(heard.codes(), ["NetStream.Unpublish.Success"]);
        assert!(peer.media(MessageKind::Audio, 0, AAC_HEADER).is_empty());
        let request = peer.ask("publish");
        peer.session.accept_publish(request).unwrap();
    }
}

#[test]
fn another_message_stream_may_be_deleted() {
    let mut peer = Peer::publisher();
    let heard = peer.command(0, &call("deleteStream", 0.0, Value::Null, vec![Value::Number(9.0)]));
    assert!(heard.events.is_empty());
}

#[test]
fn lost_connection_ends_the_stream() {
    let mut peer = Peer::publisher();
    let outputs = peer.session.finish();
    assert_eq!(outputs.last(), Some(&Output::Event(Event::PublishEnded)));
    assert!(peer.session.finish().is_empty());
}

#[test]
fn second_publish_is_refused_without_a_word_to_the_owner() {
    let mut peer = Peer::publisher();
    let heard = peer.command(2, &call("publish", 6.0, Value::Null, vec!["cam2".into()]));
    assert_eq!(heard.codes(), ["NetStream.Publish.BadName"]);
    assert!(heard.events.is_empty());
}

#[test]
fn media_sent_before_the_answer_is_kept_for_it() {
    let mut peer = Peer::connected();
    let request = peer.ask("publish");
    assert!(peer.media(MessageKind::Video, 0, AVC_HEADER).is_empty());
    assert!(peer.media(MessageKind::Audio, 0, AAC_HEADER).is_empty());
    let outputs = peer.session.accept_publish(request).unwrap();
    let heard = peer.hear(outputs);
    assert_eq!(heard.codes(), ["NetStream.Publish.Start"]);
    assert!(matches!(&heard.events[..], [Event::Item(StreamItem::Tracks(_))]));
}
