//! Packets between the messages of an RTSP connection.
//!
//! Layout: `| $ | channel 1 B | size 2 B, big-endian | packet |` Source: RFC 2326 §10.12.

use bytes::{BufMut, BytesMut};

use crate::cursor::Cursor;

/// Size of what stands before a packet.
pub const FRAME_HEAD_BYTES: usize = 4;

/// Iterates over the frames of whole runs, as [`Muxer`](super::Muxer) writes them: the channel and
/// the packet of each. Stops at the first byte that begins no whole frame.
pub fn frames(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut cursor = Cursor::new(bytes);
    std::iter::from_fn(move || {
        let [dollar, channel] = cursor.array().ok()?;
        if dollar != b'$' {
            return None;
        }
        let size = usize::from(cursor.u16().ok()?);
        Some((channel, cursor.take(size).ok()?))
    })
}

/// Writes what stands before a packet of `size` bytes.
pub(super) fn put_head(channel: u8, size: u16, out: &mut BytesMut) {
    out.put_slice(&[b'$', channel]);
    out.put_u16(size);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_with_their_channels() {
        let mut out = BytesMut::new();
        for (channel, packet) in [(0, &b"video"[..]), (3, b""), (2, b"audio")] {
            put_head(channel, u16::try_from(packet.len()).unwrap(), &mut out);
            out.put_slice(packet);
        }
        let found: Vec<_> = frames(&out).collect();
        assert_eq!(found, [(0, &b"video"[..]), (3, b""), (2, b"audio")]);
    }

    #[test]
    fn what_is_no_whole_frame_ends_the_run() {
        assert_eq!(frames(b"$\0\0\x05vide").count(), 0);
        assert_eq!(frames(b"$\0\0\x01vOPTIONS").count(), 1);
        assert_eq!(frames(b"$").count(), 0);
    }
}
