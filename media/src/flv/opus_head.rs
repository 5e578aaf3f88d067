//! The identification header of Opus, which enhanced tags carry as its configuration.
//!
//! Source: RFC 7845 §5.1.
//! Layout: `| OpusHead 8 B | version 1 B | channels 1 B | pre-skip 2 B | rate 4 B | gain 2 B |
//! mapping family 1 B | streams 1 B | coupled 1 B | mapping |`, little-endian.

use bytes::{BufMut, Bytes, BytesMut};

use crate::track::AudioShape;

/// Reads the channels of a header; stereo where it says nothing.
pub(crate) fn opus_shape(head: &[u8]) -> AudioShape {
    let channels = match head.strip_prefix(b"OpusHead") {
        Some([_, channels, ..]) if *channels > 0 => *channels,
        _ => 2,
    };
    AudioShape { sample_rate: 48_000, channels }
}

/// Writes an Opus identification header.
///
/// More than two channels are taken as in Vorbis order, in the usual
/// number of coupled streams (§5.1.1.2).
pub(crate) fn write_opus_head(channels: u8) -> Bytes {
    /// The encoder delay of libopus at 48 kHz; the true one is not in the packets.
    const PRE_SKIP: u16 = 312;
    const SURROUND: [(u8, &[u8]); 6] = [
        (1, &[0, 2, 1]),
        (2, &[0, 1, 2, 3]),
        (2, &[0, 4, 1, 2, 3]),
        (2, &[0, 4, 1, 2, 3, 5]),
        (3, &[0, 4, 1, 2, 3, 5, 6]),
        (3, &[0, 6, 1, 2, 3, 4, 5, 7]),
    ];
    let surround = SURROUND.iter().find(|(_, map)| map.len() == usize::from(channels));
    let mut out = BytesMut::with_capacity(32);
    out.put_slice(b"OpusHead\x01");
    out.put_u8(channels);
    out.put_u16_le(PRE_SKIP);
    out.put_u32_le(48_000);
    out.put_i16_le(0);
    match surround {
        Some((coupled, map)) => {
            out.put_slice(&[1, channels.saturating_sub(*coupled), *coupled]);
            out.put_slice(map);
        }
        None => out.put_u8(0),
    }
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_come_back_as_they_went() {
        for channels in 1..=8 {
            let head = write_opus_head(channels);
            assert_eq!(opus_shape(&head), AudioShape { sample_rate: 48_000, channels });
            let mapping = if channels > 2 { 2 + usize::from(channels) } else { 0 };
            assert_eq!(head.len(), 19 + mapping);
        }
        assert_eq!(opus_shape(b"").channels, 2);
    }
}
