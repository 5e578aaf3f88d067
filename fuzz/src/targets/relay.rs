//! Streams that one node hands to another.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use watershed_media::packet::StreamItem;
use watershed_media::relay::{
    Decoder, Encoder, FRAME_KEY_BYTES, Frame, FrameMac, MAC_BYTES, MAGIC, RelayError,
};

/// The key of the one answer that is read.
const KEY: [u8; FRAME_KEY_BYTES] = [7; FRAME_KEY_BYTES];

/// Bytes of one read: prime, so that frames are cut anywhere.
const PIECE: usize = 13;

/// The bytes as they are, from somebody without the key; then as the frames of one who has it.
pub(crate) fn relay(bytes: &[u8]) {
    let _ = read(bytes);
    let Ok(frames) = read(&proved(bytes)) else { return };
    let mut encoder = Encoder::new(FrameMac::new(&KEY));
    let mut again = MAGIC.to_vec();
    for frame in &frames {
        let frame = encoder.encode(frame).expect("what was read fits a frame");
        again.extend([frame.head, frame.payload, frame.mac].concat());
    }
    assert_eq!(read(&again).as_ref(), Ok(&frames), "what was read can be sent on");
    let is_packet = |frame: &Frame| matches!(frame, Frame::Item(StreamItem::Packet(_)));
    let is_tracks = |frame: &Frame| matches!(frame, Frame::Item(StreamItem::Tracks(_)));
    let announced = frames.iter().position(is_tracks);
    let first = frames.iter().position(is_packet);
    assert!(first.is_none_or(|first| announced.is_some_and(|at| at < first)));
}

/// All frames, or the error; the same wherever the bytes are cut.
fn read(wire: &[u8]) -> Result<Vec<Frame>, RelayError> {
    let whole = Decoder::new(FrameMac::new(&KEY)).receive(wire);
    let mut decoder = Decoder::new(FrameMac::new(&KEY));
    let mut frames = Vec::new();
    let pieces = wire.chunks(PIECE).try_for_each(|piece| {
        frames.extend(decoder.receive(piece)?);
        Ok(())
    });
    assert_eq!(whole, pieces.map(|()| frames), "frames depend on where they are cut");
    whole
}

/// `| kind 1 B | length 2 B, big-endian | body |` in a row, as numbered frames whose MACs hold.
fn proved(mut bytes: &[u8]) -> Vec<u8> {
    let mut wire = MAGIC.to_vec();
    for sequence in 0_u64.. {
        let Some(([kind, high, low], rest)) = bytes.split_first_chunk() else { break };
        let size = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (body, behind) = rest.split_at(size);
        bytes = behind;
        let length = u32::try_from(size).expect("two bytes of length");
        let frame = [&sequence.to_be_bytes()[..], &[*kind], &length.to_be_bytes(), body].concat();
        let mut mac = Hmac::<Sha256>::new_from_slice(&KEY).expect("HMAC takes keys of any length");
        mac.update(&frame);
        wire.extend(frame);
        wire.extend(&mac.finalize().into_bytes()[..MAC_BYTES]);
    }
    wire
}
