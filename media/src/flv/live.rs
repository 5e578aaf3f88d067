//! A stream as tags for all its players: RTMP and HTTP-FLV share everything but the framing.
//!
//! ```text
//!  LivePacket ─▶ TagMuxer ─ TagBody ─▶ TagWriter: chunks (RTMP) or the tags of a file (HTTP-FLV)
//! ```
//!
//! FLV carries one video and one audio track: the first of each. Times count from the first packet
//! muxed, as players expect small ones; both formats wrap them at 32 bits of milliseconds.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::TagKind;
use super::mux::{TagBody, TagHead, frame, sequence_header, tag_header, tag_trailer};
use crate::live::{LiveMuxer, LivePacket, StartPoint};
use crate::rtmp::metadata::meta_data_body;
use crate::time::Ticks;
use crate::track::{Track, TrackKind};

/// How tags leave.
pub trait TagWriter: Debug + Default + Send {
    /// Adds a tag to `out`.
    fn write(&mut self, body: &TagBody, out: &mut BytesMut);

    /// Forgets what it has written: a player that begins with the next tag must understand it.
    fn begin_anew(&mut self);
}

/// Muxes a stream into tags.
#[derive(Debug, Default)]
pub struct TagMuxer<W> {
    writer: W,
    tracks: Option<Arc<[Track]>>,
    origin: Option<Ticks>,
}

impl<W: TagWriter> TagMuxer<W> {
    /// What decoders must know first: metadata, then a sequence header a track.
    fn headers(tracks: &[Track], now: Ticks, writer: &mut W, out: &mut BytesMut) {
        let payload = meta_data_body(tracks);
        // ffmpeg takes metadata at any other time for a track of text.
        let (timestamp, head) = (Ticks::ZERO, TagHead::new());
        writer.write(&TagBody { kind: TagKind::Script, timestamp, head, payload }, out);
        for kind in [TrackKind::Video, TrackKind::Audio] {
            let track = tracks.iter().find(|track| track.codec.kind() == kind);
            // Parameter sets that cannot be written leave the track to its in-band ones.
            let header = track.and_then(|track| sequence_header(track, now).ok().flatten());
            if let Some(header) = header {
                writer.write(&header, out);
            }
        }
    }
}

impl<W: TagWriter> LiveMuxer for TagMuxer<W> {
    fn mux(&mut self, live: &LivePacket, out: &mut BytesMut) -> Option<StartPoint> {
        let track = carried(live)?;
        let origin = *self.origin.get_or_insert(live.packet.dts);
        // MPEG-TS and RTP bring sound after the picture that it belongs before: at the beginning
        // its time cannot be written, and any other would be wrong.
        if live.packet.dts < origin {
            return None;
        }
        let mut body = frame(track, &live.packet);
        body.timestamp = live.packet.dts - origin;
        if live.is_start {
            self.writer.begin_anew();
        }
        let has_changed = self.tracks.as_ref().is_none_or(|old| !Arc::ptr_eq(old, &live.tracks));
        if has_changed {
            self.tracks = Some(Arc::clone(&live.tracks));
            Self::headers(&live.tracks, body.timestamp, &mut self.writer, out);
        }
        // Where the headers stand in the bytes of the start itself, nothing has to precede them.
        let start = live.is_start.then(|| {
            let mut prelude = BytesMut::new();
            if !has_changed {
                let mut writer = W::default();
                Self::headers(&live.tracks, body.timestamp, &mut writer, &mut prelude);
            }
            StartPoint { prelude: prelude.freeze(), rtp: Vec::new() }
        });
        self.writer.write(&body, out);
        start
    }
}

/// The track of the packet, if it is the first of its kind.
fn carried(live: &LivePacket) -> Option<&Track> {
    let track = live.track()?;
    let kind = track.codec.kind();
    let first = live.tracks.iter().find(|track| track.codec.kind() == kind)?;
    (first.id == track.id).then_some(track)
}

/// The tags of an FLV file, behind its [`file_header`](super::mux::file_header).
#[derive(Debug, Default)]
pub struct FileTags;

impl TagWriter for FileTags {
    fn write(&mut self, body: &TagBody, out: &mut BytesMut) {
        let size = body.head.len() + body.payload.len();
        out.reserve(size + 15);
        out.put_slice(&tag_header(body.kind, body.timestamp, size));
        out.put_slice(&body.head);
        out.put_slice(&body.payload);
        out.put_slice(&tag_trailer(size));
    }

    fn begin_anew(&mut self) {}
}

/// What an endless FLV begins with, for a player of `tracks`.
#[must_use]
pub fn opening(tracks: &[Track]) -> Bytes {
    let has = |kind| tracks.iter().any(|track| track.codec.kind() == kind);
    let header = super::mux::file_header(has(TrackKind::Video), has(TrackKind::Audio));
    Bytes::copy_from_slice(&header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flv::Demuxer;
    use crate::packet::{MediaPacket, StreamItem};
    use crate::track::{AudioShape, CodecConfig, TrackId, VideoShape};

    fn tracks() -> Arc<[Track]> {
        let video = VideoShape::default();
        let sps = b"\x67\x42\xC0\x0D\xD9\x01\x41\xFB\x01\x10\0\0\x03\0\x10\0\0\x03\x03\x20\xF1\x42";
        let h264 = CodecConfig::H264 {
            sps: Bytes::from_static(sps),
            pps: vec![Bytes::from_static(b"\x68\xCB\x83\xCB\x20")],
            video,
        };
        let audio = AudioShape { sample_rate: 44_100, channels: 2 };
        let aac = CodecConfig::Aac { config: Bytes::from_static(b"\x12\x10"), audio };
        let track = |id, codec| Track { id: TrackId(id), codec, language: None };
        Arc::new([track(0, h264), track(1, aac.clone()), track(2, aac)])
    }

    fn live(tracks: &Arc<[Track]>, track: u8, millis: i64, is_start: bool) -> LivePacket {
        let time = Ticks::from_millis(millis);
        let payload = Bytes::from_static(b"\0\0\0\x02\x65\x01");
        let packet =
            MediaPacket { track: TrackId(track), dts: time, pts: time, is_keyframe: true, payload };
        LivePacket { tracks: Arc::clone(tracks), packet, is_start, is_discontinuity: false }
    }

    /// Reads the tags of a file back: their kinds, times in ms, and bodies.
    fn tags(mut bytes: &[u8]) -> Vec<(u8, u32, Vec<u8>)> {
        let mut tags = Vec::new();
        while let [kind, s1, s2, s3, t1, t2, t3, t0, _, _, _, rest @ ..] = bytes {
            let size = u32::from_be_bytes([0, *s1, *s2, *s3]) as usize;
            tags.push((*kind, u32::from_be_bytes([*t0, *t1, *t2, *t3]), rest[..size].to_vec()));
            bytes = &rest[size + 4..];
        }
        assert!(bytes.is_empty());
        tags
    }

    #[test]
    fn first_start_carries_its_headers_and_later_ones_name_them() {
        let (mut muxer, tracks) = (TagMuxer::<FileTags>::default(), tracks());
        let mut out = BytesMut::new();
        let start = muxer.mux(&live(&tracks, 0, 90_000, true), &mut out).unwrap();
        assert!(start.prelude.is_empty());
        let kinds = |bytes: &[u8]| tags(bytes).iter().map(|t| (t.0, t.1)).collect::<Vec<_>>();
        assert_eq!(kinds(&out), [(18, 0), (9, 0), (8, 0), (9, 0)]);
        out.clear();
        assert_eq!(muxer.mux(&live(&tracks, 1, 90_020, false), &mut out), None);
        let start = muxer.mux(&live(&tracks, 0, 90_040, true), &mut out).unwrap();
        assert_eq!(kinds(&start.prelude), [(18, 0), (9, 40), (8, 40)]);
        assert_eq!(kinds(&out), [(8, 20), (9, 40)]);
    }

    #[test]
    fn sound_from_before_the_first_picture_is_left_out() {
        let (mut muxer, tracks) = (TagMuxer::<FileTags>::default(), tracks());
        let mut out = BytesMut::new();
        muxer.mux(&live(&tracks, 0, 90_000, true), &mut out);
        out.clear();
        for millis in [89_960, 89_980, 90_000, 90_020] {
            muxer.mux(&live(&tracks, 1, millis, false), &mut out);
        }
        let times: Vec<_> = tags(&out).iter().map(|tag| (tag.0, tag.1)).collect();
        assert_eq!(times, [(8, 0), (8, 20)]);
    }

    #[test]
    fn new_parameter_sets_are_written_where_they_begin() {
        let (mut muxer, first) = (TagMuxer::<FileTags>::default(), tracks());
        let mut out = BytesMut::new();
        muxer.mux(&live(&first, 0, 0, true), &mut out);
        out.clear();
        muxer.mux(&live(&tracks(), 1, 20, false), &mut out);
        assert_eq!(tags(&out).len(), 4);
    }

    #[test]
    fn second_audio_track_is_left_out() {
        let mut out = BytesMut::new();
        let mut muxer = TagMuxer::<FileTags>::default();
        assert_eq!(muxer.mux(&live(&tracks(), 2, 0, false), &mut out), None);
        assert!(out.is_empty());
    }

    #[test]
    fn what_a_player_gets_is_what_was_published() {
        let (mut muxer, tracks) = (TagMuxer::<FileTags>::default(), tracks());
        let mut out = BytesMut::new();
        muxer.mux(&live(&tracks, 0, 5000, true), &mut out);
        muxer.mux(&live(&tracks, 1, 5010, false), &mut out);
        let mut demuxer = Demuxer::new();
        let mut items = Vec::new();
        for (kind, time, body) in tags(&out) {
            let kind = match kind {
                8 => TagKind::Audio,
                9 => TagKind::Video,
                _ => continue,
            };
            let time = Ticks::from_millis(time.into());
            items.extend(demuxer.tag(kind, time, &Bytes::from(body)).unwrap());
        }
        items.extend(demuxer.finish());
        let [StreamItem::Tracks(heard), StreamItem::Packet(video), StreamItem::Packet(audio)] =
            &items[..]
        else {
            panic!("{items:?}");
        };
        assert_eq!(heard[0].codec.name(), "h264");
        assert_eq!(heard[1].codec, tracks[1].codec);
        assert_eq!((video.dts, audio.dts), (Ticks::ZERO, Ticks::from_millis(10)));
    }
}
