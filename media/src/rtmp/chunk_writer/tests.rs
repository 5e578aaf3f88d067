//! What is written is read back, by our reader and by another.

use proptest::prelude::{Strategy, any, prop, proptest};
use rml_rtmp::chunk_io::{ChunkDeserializer, ChunkSerializer};
use rml_rtmp::messages::MessagePayload;
use rml_rtmp::time::RtmpTimestamp;

use super::*;
use crate::rtmp::Limits;
use crate::rtmp::chunk_reader::ChunkReader;

fn video(timestamp: i64, payload: impl Into<Bytes>) -> Message {
    Message { kind: MessageKind::Video, stream_id: 1, timestamp, payload: payload.into() }
}

fn read(reader: &mut ChunkReader, mut input: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some(message) = reader.read(&mut input).unwrap() {
        messages.push(message);
    }
    messages
}

fn written(writer: &mut ChunkWriter, message: &Message, head: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    writer.write(chunk_stream::VIDEO, message, head, &mut out);
    out.to_vec()
}

#[test]
fn headers_are_as_short_as_what_went_before_allows() {
    let mut writer = ChunkWriter::default();
    let mut formats = |message: Message| written(&mut writer, &message, &[])[0] >> 6;
    assert_eq!(formats(video(100, "a")), 0, "the first");
    assert_eq!(formats(video(200, "a")), 2, "never 3 after 0");
    assert_eq!(formats(video(300, "a")), 3, "all as before");
    assert_eq!(formats(video(400, "ab")), 1, "another length");
    assert_eq!(formats(video(440, "ab")), 2, "another delta");
    assert_eq!(formats(video(430, "ab")), 0, "back in time");
    assert_eq!(formats(video(430 + 0xFF_FFFF, "ab")), 0, "a delta too long");
    assert_eq!(formats(Message { stream_id: 2, ..video(0x200_0000, "a") }), 0, "another stream");
}

#[test]
fn both_readers_agree_on_times_around_24_bits() {
    let expected = [0xFF_FF9B, 0xFF_FFC3, 0xFF_FFFE, 0xFF_FFFF, 0x100_0000, 0x100_0028];
    let mut writer = ChunkWriter::default();
    let mut input = Vec::new();
    for time in expected {
        input.extend(written(&mut writer, &video(time, vec![1; 200]), &[7]));
    }
    let mut reader = ChunkReader::new(Limits::default());
    let ours: Vec<_> = read(&mut reader, &input).iter().map(|m| m.timestamp).collect();
    assert_eq!(ours, expected);
    let mut foreign = ChunkDeserializer::new();
    let mut theirs = Vec::new();
    let mut next = foreign.get_next_message(&input).unwrap();
    while let Some(message) = next {
        assert_eq!(message.data.len(), 201);
        theirs.push(i64::from(message.timestamp.value));
        next = foreign.get_next_message(&[]).unwrap();
    }
    assert_eq!(theirs, expected);
}

#[test]
fn extended_time_is_repeated_in_each_chunk() {
    let wire = written(&mut ChunkWriter::default(), &video(0x0123_4567, vec![1; 200]), &[]);
    assert_eq!(&wire[..4], &[6, 255, 255, 255]);
    assert_eq!(&wire[12..16], &[1, 0x23, 0x45, 0x67]);
    assert_eq!(&wire[16 + 128..][..5], &[0xC6, 1, 0x23, 0x45, 0x67]);
}

#[test]
fn messages_of_a_foreign_writer_are_read() {
    let mut foreign = ChunkSerializer::new();
    let mut input = foreign.set_max_chunk_size(4096, RtmpTimestamp::new(0)).unwrap().bytes;
    let times = [0, 40, 80, 80, 0xFF_FFFE, 0xFF_FFFF, 0x100_0000, 0x100_0050];
    for (index, time) in times.into_iter().enumerate() {
        let payload = MessagePayload {
            timestamp: RtmpTimestamp::new(time),
            type_id: if index % 3 == 0 { 8 } else { 9 },
            message_stream_id: 1,
            data: vec![3; 1 + 1000 * index].into(),
        };
        input.extend(foreign.serialize(&payload, false, false).unwrap().bytes);
    }
    let messages = read(&mut ChunkReader::new(Limits::default()), &input);
    let seen: Vec<_> = messages.iter().map(|m| (m.timestamp, m.payload.len())).collect();
    let sent: Vec<_> =
        times.iter().enumerate().map(|(i, t)| (i64::from(*t), 1 + 1000 * i)).collect();
    assert_eq!(seen, sent);
}

fn any_message() -> impl Strategy<Value = (u8, Vec<u8>, Message)> {
    let time = prop::sample::select(vec![0, 1, 40, 5000, 0xFF_FFFE, 0xFF_FFFF, 0x100_0000]);
    let body = prop::collection::vec(any::<u8>(), 0..700);
    let head = prop::collection::vec(any::<u8>(), 0..9);
    (2..8_u8, 0..3_u32, 0..2_u8, time, head, body).prop_map(
        |(chunk_stream, stream_id, kind, timestamp, head, body)| {
            let kind = if kind == 0 { MessageKind::DataAmf0 } else { MessageKind::CommandAmf0 };
            (chunk_stream, head, Message { kind, stream_id, timestamp, payload: body.into() })
        },
    )
}

proptest! {
    #[test]
    fn written_messages_are_read_whole_however_they_are_cut(
        messages in prop::collection::vec(any_message(), 1..12),
        chunk_bytes in 1..600_u32,
        cut in 1..300_usize,
    ) {
        let mut writer = ChunkWriter::default();
        let mut small = BytesMut::new();
        writer.set_chunk_size(chunk_bytes, &mut small);
        let mut wire = small.to_vec();
        let mut expected = Vec::new();
        for (chunk_stream, head, message) in &messages {
            let mut out = BytesMut::new();
            writer.write(*chunk_stream, message, head, &mut out);
            wire.extend(out);
            let payload = [head, &message.payload[..]].concat().into();
            expected.push(Message { payload, ..message.clone() });
        }
        let mut reader = ChunkReader::new(Limits::default());
        let seen: Vec<_> = wire.chunks(cut).flat_map(|part| read(&mut reader, part)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn chunks_of_several_messages_interleave(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..900), 1..6),
        order in prop::collection::vec(any::<prop::sample::Index>(), 64),
        cut in 1..300_usize,
    ) {
        let mut queues: Vec<_> = bodies
            .iter()
            .zip(3_u8..)
            .map(|(body, chunk_stream)| {
                let mut out = BytesMut::new();
                let message = video(0x123_4567, body.clone());
                ChunkWriter::default().write(chunk_stream, &message, &[], &mut out);
                // A whole header with its long time first, then a byte and the time again.
                let rest = out.split_off(out.len().min(16 + 128));
                let chunks = [&out[..]].into_iter().chain(rest.chunks(5 + 128));
                chunks.map(<[u8]>::to_vec).collect::<std::collections::VecDeque<_>>()
            })
            .collect();
        let mut wire = Vec::new();
        for index in order {
            wire.extend(index.get_mut(&mut queues).pop_front().unwrap_or_default());
        }
        wire.extend(queues.into_iter().flatten().flatten());
        let mut reader = ChunkReader::new(Limits::default());
        let mut seen: Vec<_> = wire
            .chunks(cut)
            .flat_map(|part| read(&mut reader, part))
            .map(|message| message.payload.to_vec())
            .collect();
        let mut expected = bodies;
        seen.sort();
        expected.sort();
        assert_eq!(seen, expected);
    }

    #[test]
    fn garbage_never_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        cut in 1..99_usize,
    ) {
        let mut reader = ChunkReader::new(Limits::default());
        for mut part in bytes.chunks(cut) {
            while let Ok(Some(_)) = reader.read(&mut part) {}
        }
    }
}
