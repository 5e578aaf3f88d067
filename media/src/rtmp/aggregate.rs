//! Aggregate messages: several FLV tags in one RTMP message, as old Flash servers send.

use bytes::Bytes;

use super::message::{Message, MessageKind};
use crate::cursor::{Cursor, Truncated};

/// Splits an aggregate into its messages; their payloads are slices of it.
///
/// The first tag is at the aggregate's time, the others keep their distance to it.
/// Source: RTMP 1.0 §7.1.6.
/// Layout: `| { type 1 B | size 3 B | time 3 B, top 1 B | stream 3 B | body | size 4 B }+ |`
/// Errors: [`Truncated`] if a tag runs past the end.
pub fn split_aggregate(aggregate: &Message) -> Result<Vec<Message>, Truncated> {
    let mut cursor = Cursor::new(&aggregate.payload);
    let mut messages = Vec::new();
    let mut first_time = None;
    while !cursor.is_empty() {
        let kind = MessageKind::from(cursor.u8()?);
        let size = usize::try_from(cursor.u24()?).unwrap_or(usize::MAX);
        let low = cursor.u24()?;
        let time = i64::from(u32::from(cursor.u8()?) << 24 | low);
        cursor.skip(3)?;
        let payload: Bytes = aggregate.payload.slice_ref(cursor.take(size)?);
        cursor.skip(cursor.remaining().min(4))?;
        let timestamp = aggregate.timestamp + time - *first_time.get_or_insert(time);
        messages.push(Message { kind, stream_id: aggregate.stream_id, timestamp, payload });
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_keep_their_distance() {
        let wire =
            b"\x08\0\0\x02\0\0\x64\0\0\0\0ab\0\0\0\x0D\x09\0\0\x01\0\0\x8C\0\0\0\0c\0\0\0\x0C";
        let aggregate = |payload: &'static [u8]| Message {
            kind: MessageKind::Aggregate,
            stream_id: 1,
            timestamp: 5000,
            payload: Bytes::from_static(payload),
        };
        let messages = split_aggregate(&aggregate(wire)).unwrap();
        let seen: Vec<_> = messages.iter().map(|m| (m.kind, m.timestamp, &m.payload[..])).collect();
        let expected =
            [(MessageKind::Audio, 5000, &b"ab"[..]), (MessageKind::Video, 5040, &b"c"[..])];
        assert_eq!(seen, expected);
        assert!(split_aggregate(&aggregate(&wire[..12])).is_err());
    }
}
