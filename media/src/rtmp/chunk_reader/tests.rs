//! Chunks as encoders send them, and as nobody should.

use super::*;

/// One chunk: basic header with `format` and `id`, then `fields`, then `body`.
fn chunk(format: u8, id: u8, fields: &[u8], body: &[u8]) -> Vec<u8> {
    [&[format << 6 | id], fields, body].concat()
}

/// The fields of format 0 for a video message on stream 1.
fn full(time: u32, length: u32) -> Vec<u8> {
    [&time.to_be_bytes()[1..], &length.to_be_bytes()[1..], &[9], &[1, 0, 0, 0]].concat()
}

fn read_all(reader: &mut ChunkReader, mut input: &[u8]) -> Result<Vec<Message>, ChunkError> {
    let mut messages = Vec::new();
    while let Some(message) = reader.read(&mut input)? {
        messages.push(message);
    }
    assert!(input.is_empty());
    Ok(messages)
}

fn read(input: &[u8]) -> Result<Vec<Message>, ChunkError> {
    let messages = read_all(&mut ChunkReader::new(Limits::default()), input)?;
    let mut reader = ChunkReader::new(Limits::default());
    let mut by_byte = Vec::new();
    for byte in input {
        by_byte.extend(read_all(&mut reader, &[*byte])?);
    }
    assert_eq!(by_byte, messages, "the same byte by byte");
    Ok(messages)
}

fn times(input: &[u8]) -> Vec<i64> {
    read(input).unwrap().iter().map(|message| message.timestamp).collect()
}

#[test]
fn messages_of_two_chunk_streams_interleave() {
    let video = vec![7; 300];
    let input = [
        chunk(0, 6, &full(40, 300), &video[..128]),
        chunk(0, 4, &full(41, 50), &[8; 50]),
        chunk(3, 6, &[], &video[128..256]),
        chunk(3, 6, &[], &video[256..]),
    ];
    let messages = read(&input.concat()).unwrap();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].payload, vec![8; 50]);
    assert_eq!((messages[1].payload.len(), messages[1].timestamp), (300, 40));
}

#[test]
fn shorter_formats_take_the_rest_from_before() {
    let input = [
        chunk(0, 6, &full(1000, 1), b"a"),
        chunk(1, 6, &[0, 0, 40, 0, 0, 2, 8], b"bc"),
        chunk(2, 6, &[0, 0, 20], b"de"),
        chunk(3, 6, &[], b"fg"),
    ];
    let messages = read(&input.concat()).unwrap();
    let seen: Vec<_> = messages.iter().map(|m| (m.timestamp, &m.payload[..], m.kind)).collect();
    let (video, audio) = (MessageKind::Video, MessageKind::Audio);
    assert_eq!(
        seen,
        [
            (1000, &b"a"[..], video),
            (1040, b"bc", audio),
            (1060, b"de", audio),
            (1080, b"fg", audio)
        ]
    );
}

#[test]
fn chunk_stream_ids_have_three_forms() {
    let mut input = Vec::new();
    input.extend([[0, 0].to_vec(), full(0, 1), b"a".to_vec()].concat());
    input.extend([[1, 255, 255].to_vec(), full(0, 1), b"b".to_vec()].concat());
    input.extend([&[0xC0, 0][..], b"c", &[0xC1, 255, 255], b"d"].concat());
    let bodies: Vec<_> = read(&input).unwrap().iter().map(|m| m.payload[0]).collect();
    assert_eq!(bodies, b"abcd");
}

#[test]
fn extended_time_may_be_repeated_or_not() {
    let time = 0x0100_0000_u32;
    let first = [full(EXTENDED, 200), time.to_be_bytes().to_vec()].concat();
    let body = vec![5; 200];
    for repeated in [&time.to_be_bytes()[..], &[]] {
        let input = [
            chunk(0, 6, &first, &body[..128]),
            chunk(3, 6, repeated, &body[128..]),
            chunk(1, 6, &[0, 0, 40, 0, 0, 1, 9], b"x"),
        ];
        let messages = read(&input.concat()).unwrap();
        assert_eq!(messages[0].payload, body);
        assert_eq!(messages[0].timestamp, 0x0100_0000);
        assert_eq!(messages[1].timestamp, 0x0100_0000 + 40);
    }
}

#[test]
fn one_byte_that_looks_like_the_repeated_time_is_body_if_the_next_is_not() {
    let time = 0x0100_0000_u32;
    let first = [full(EXTENDED, 129), time.to_be_bytes().to_vec()].concat();
    let input = [
        chunk(0, 6, &first, &[5; 128]),
        chunk(3, 6, &[], &[1]),
        chunk(2, 6, &[0, 0, 40], &[5; 128]),
        chunk(3, 6, &[], &[1]),
    ];
    assert_eq!(times(&input.concat()), [0x0100_0000, 0x0100_0000 + 40]);
}

#[test]
fn times_around_24_bits_and_extended_deltas_are_exact() {
    let input = [
        chunk(0, 6, &full(0xFF_FFFE, 1), b"a"),
        chunk(2, 6, &[0, 0, 1], b"b"),
        chunk(2, 6, &[0, 0, 1], b"c"),
        chunk(2, 6, &[255, 255, 255, 0, 255, 255, 255], b"d"),
        chunk(2, 6, &[255, 255, 255, 1, 0, 0, 0], b"e"),
    ];
    let expected = [0xFF_FFFE, 0xFF_FFFF, 0x100_0000, 0x1FF_FFFF, 0x2FF_FFFF];
    assert_eq!(times(&input.concat()), expected);
}

#[test]
fn time_goes_on_past_32_bits_on_all_chunk_streams() {
    let wrap = |time: u32| [full(EXTENDED, 1), time.to_be_bytes().to_vec()].concat();
    let input = [
        chunk(0, 6, &wrap(0xFFFF_FFF0), b"v"),
        chunk(0, 4, &full(5, 1), b"a"),
        chunk(2, 6, &[0, 0, 0x20], b"v"),
        chunk(0, 4, &wrap(0xFFFF_FFFF), b"a"),
    ];
    let wrapped = 1_i64 << 32;
    assert_eq!(
        times(&input.concat()),
        [wrapped - 16, wrapped + 5, wrapped + 16, wrapped - 1],
        "late audio falls back before the wrap"
    );
}

#[test]
fn abort_drops_the_unfinished_message() {
    let abort = [&[0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0][..], &6_u32.to_be_bytes()].concat();
    let input = [
        chunk(0, 6, &full(0, 200), &[1; 128]),
        chunk(0, 2, &abort, &[]),
        chunk(3, 6, &[], &[2; 128]),
        chunk(3, 6, &[], &[2; 72]),
    ];
    let messages = read(&input.concat()).unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].payload, vec![2; 200]);
}

#[test]
fn shorter_message_started_over_a_longer_one_replaces_it() {
    let input = [chunk(0, 6, &full(0, 200), &[1; 128]), chunk(0, 6, &full(9, 3), b"new")];
    let messages = read(&input.concat()).unwrap();
    assert_eq!((messages.len(), &messages[0].payload[..]), (1, &b"new"[..]));
}

fn set_chunk_size(size: u32) -> Vec<u8> {
    chunk(0, 2, &[0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0], &size.to_be_bytes())
}

#[test]
fn chunk_size_changes_between_two_chunks() {
    let input = [set_chunk_size(65_536), chunk(0, 6, &full(0, 60_000), &[1; 60_000])];
    assert_eq!(read(&input.concat()).unwrap()[0].payload.len(), 60_000);
    let input = [set_chunk_size(1), chunk(0, 6, &full(0, 2), b"a"), chunk(3, 6, &[], b"b")];
    assert_eq!(read(&input.concat()).unwrap()[0].payload, "ab");
}

#[test]
fn zero_and_huge_chunk_sizes_are_refused() {
    for size in [0, 70_000, 0x7FFF_FFFF, 0xFFFF_FFFF] {
        let error = read(&set_chunk_size(size)).unwrap_err();
        assert_eq!(error, ChunkError::ChunkSize { size, limit: 65_536 });
    }
    let error = read(&set_chunk_size(70_000)).unwrap_err();
    assert_eq!(error.to_string(), "chunk of 70000 bytes, limit 65536");
}

#[test]
fn message_that_claims_16_mib_is_refused_by_its_header() {
    let claim = chunk(0, 6, &full(0, 0xFF_FFFF), &[]);
    let error = read(&claim).unwrap_err();
    assert_eq!(error.to_string(), "message of 16777215 bytes, limit 262144");
    let mut granted = ChunkReader::new(Limits::default());
    granted.set_granted(true);
    let error = read_all(&mut granted, &claim).unwrap_err();
    assert_eq!(error, ChunkError::MessageSize { size: 0xFF_FFFF, limit: 4 << 20 });
}

#[test]
fn sixty_four_chunk_streams_are_refused_at_the_seventeenth() {
    let input: Vec<u8> = (3..=63).flat_map(|id| chunk(0, id, &full(0, 200), &[0; 128])).collect();
    let error = read(&input).unwrap_err();
    assert_eq!(error, ChunkError::ChunkStreams { count: 17, limit: 16 });
}

#[test]
fn unfinished_messages_are_bounded_together_and_by_bytes_that_came() {
    let mut reader = ChunkReader::new(Limits::default());
    let mut error = None;
    for round in 0..2000 {
        for id in 3..19 {
            let input = match round {
                0 => chunk(0, id, &full(0, 262_144), &[0; 128]),
                _ => chunk(3, id, &[], &[0; 128]),
            };
            error = error.or(read_all(&mut reader, &input).err());
        }
        let held: usize = reader.streams.iter().map(|stream| stream.body.capacity()).sum();
        assert!(held <= 2 * 262_144 + 16 * FIRST_BYTES_BEFORE_GRANT, "{held} bytes held");
        if error.is_some() {
            break;
        }
    }
    assert!(matches!(error, Some(ChunkError::Unfinished { limit: 262_144, .. })));
}

#[test]
fn stream_without_a_header_before_is_refused() {
    let error = read(&chunk(3, 6, &[], &[0; 10])).unwrap_err();
    assert_eq!(error, ChunkError::NoHeaderBefore { chunk_stream: 6, format: 3 });
}

#[test]
fn empty_messages_are_messages() {
    assert_eq!(times(&chunk(0, 6, &full(7, 0), &[])), [7]);
}

#[test]
fn control_message_cut_short_is_an_error() {
    let short = chunk(0, 2, &[0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0], &[0, 1]);
    assert_eq!(read(&short).unwrap_err(), ChunkError::Control(Truncated { wanted: 4, got: 2 }));
}
