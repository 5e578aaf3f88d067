//! Which channels of its connection a player over TCP wants which tracks on.

use bytes::{BufMut, Bytes, BytesMut};
use watershed_media::rtp::{FRAME_HEAD_BYTES, frames};
use watershed_media::rtsp::{TrackSetup, TrackTransport};

/// The channels of RTP and RTCP of each track, by its place in the SDP; `None` where the player
/// does not want it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChannelMap(Vec<Option<[u8; 2]>>);

impl ChannelMap {
    /// How the bytes of a stream of `carried` tracks become those that the player asked for; `None`
    /// where they are so already.
    pub(super) fn of(carried: usize, setups: &[TrackSetup]) -> Option<Self> {
        let channels = |track| {
            let setup = setups.iter().find(|setup| setup.track == track)?;
            match setup.transport {
                TrackTransport::Tcp { rtp_channel, rtcp_channel } => {
                    Some([rtp_channel, rtcp_channel])
                }
                TrackTransport::Udp { .. } => None,
            }
        };
        let map: Vec<Option<[u8; 2]>> = (0..carried).map(channels).collect();
        let is_as_muxed =
            |(wanted, even): (&Option<[u8; 2]>, u8)| *wanted == Some([even, even + 1]);
        let evens = (0..u8::MAX).step_by(2);
        (!map.iter().zip(evens).all(is_as_muxed)).then_some(Self(map))
    }

    /// Leaves out the tracks that are not wanted, and renames the channels of the others.
    pub(super) fn rewrite(&self, bytes: &[u8]) -> Bytes {
        let mut out = BytesMut::with_capacity(bytes.len());
        for (channel, packet) in frames(bytes) {
            let wanted = self.0.get(usize::from(channel / 2)).copied().flatten();
            let Some(wanted) = wanted else { continue };
            put_frame(wanted[usize::from(channel % 2)], packet, &mut out);
        }
        out.freeze()
    }
}

/// Writes a packet behind its head. Source: RFC 2326 §10.12. One that is too long is left out.
pub(super) fn put_frame(channel: u8, packet: &[u8], out: &mut BytesMut) {
    let Ok(size) = u16::try_from(packet.len()) else { return };
    out.reserve(FRAME_HEAD_BYTES + packet.len());
    out.put_slice(&[b'$', channel]);
    out.put_u16(size);
    out.put_slice(packet);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(track: usize, rtp_channel: u8, rtcp_channel: u8) -> TrackSetup {
        TrackSetup { track, transport: TrackTransport::Tcp { rtp_channel, rtcp_channel } }
    }

    #[test]
    fn channels_in_the_order_of_the_tracks_need_no_rewriting() {
        assert_eq!(ChannelMap::of(2, &[setup(1, 2, 3), setup(0, 0, 1)]), None);
        for setups in [
            &[setup(0, 0, 1)][..],
            &[setup(0, 2, 3), setup(1, 0, 1)],
            &[setup(0, 1, 0), setup(1, 2, 3)],
            &[],
        ] {
            assert!(ChannelMap::of(2, setups).is_some(), "{setups:?}");
        }
    }

    #[test]
    fn rewritten_frames_have_the_players_channels_and_no_other_track() {
        let mut bytes = BytesMut::new();
        for (channel, packet) in [(0, &b"video"[..]), (2, b"audio"), (1, b"report"), (4, b"third")]
        {
            put_frame(channel, packet, &mut bytes);
        }
        let map = ChannelMap::of(3, &[setup(0, 7, 9), setup(2, 0, 1)]).unwrap();
        let rewritten = map.rewrite(&bytes);
        let found: Vec<_> = frames(&rewritten).collect();
        assert_eq!(found, [(7, &b"video"[..]), (9, b"report"), (0, b"third")]);
    }
}
