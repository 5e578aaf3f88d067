//! Turns tag bodies into tracks and packets.
//!
//! At most one video and one audio track, which is what tags can tell apart. A changed sequence
//! header announces the tracks anew. Frames that come before their decoder's configuration cannot
//! be decoded and are left out.

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};

use super::announcement::Announcement;
use super::metadata::MetaData;
use super::opus_head::opus_shape;
use super::tag::{Part, TagCodec, TagData, read_audio, read_video};
use super::{FlvError, TagKind};
use crate::codec::ac3::Ac3Header;
use crate::codec::mpeg_audio::MpegAudioHeader;
use crate::codec::{aac, h264, h265, to_four_byte_lengths};
use crate::packet::{MediaPacket, StreamItem};
use crate::time::Ticks;
use crate::track::{AudioShape, CodecConfig, Track, TrackId, TrackKind, VideoShape};

/// A step back in time up to this is an encoder's jitter and is levelled; beyond, it is a jump.
const JITTER_MAX: Ticks = Ticks(Ticks::PER_SECOND);

/// Items that one tag leads to: mostly none or one.
pub type Items = SmallVec<[StreamItem; 2]>;

/// Reads the tags of one stream.
#[derive(Debug)]
pub struct Demuxer {
    video: Lane,
    audio: Lane,
    next_id: TrackId,
    hints: MetaData,
    announcement: Announcement,
}

/// The video or the audio of the stream.
#[derive(Debug, Default)]
struct Lane {
    /// Given when the track is first announced, kept for good.
    id: Option<TrackId>,
    codec: Option<TagCodec>,
    config: Option<CodecConfig>,
    /// The sequence header that `config` was read from; senders repeat it.
    config_body: Bytes,
    nal_length_bytes: u8,
    last_dts: Option<Ticks>,
}

impl Demuxer {
    /// Starts with no tracks.
    #[must_use]
    pub fn new() -> Self {
        Self {
            video: Lane::default(),
            audio: Lane::default(),
            next_id: TrackId(0),
            hints: MetaData::default(),
            announcement: Announcement::default(),
        }
    }

    /// Takes the publisher's metadata: which tracks to wait for, and sizes that codecs do not tell.
    pub const fn metadata(&mut self, hints: MetaData) {
        self.hints = hints;
    }

    /// Takes the body of the next tag.
    ///
    /// Units: `timestamp` is the decode time. The payload of packets is a slice of `body`.
    /// Errors: [`FlvError`] if the tag is cut off or in a codec that is not supported.
    pub fn tag(
        &mut self,
        kind: TagKind,
        timestamp: Ticks,
        body: &Bytes,
    ) -> Result<Items, FlvError> {
        let (kind, data) = match kind {
            TagKind::Video => (TrackKind::Video, read_video(body)?),
            TagKind::Audio => (TrackKind::Audio, read_audio(body)?),
            TagKind::Script => return Ok(Items::new()),
        };
        match data {
            Some(data) if data.part == Part::Config => self.configure(kind, &data),
            Some(data) => self.frame(kind, timestamp, data),
            None => Ok(Items::new()),
        }
    }

    /// Ends the stream: announces and yields what still waits.
    pub fn finish(&mut self) -> Items {
        if self.announcement.is_made() { Items::new() } else { self.announce() }
    }

    fn configure(&mut self, kind: TrackKind, data: &TagData) -> Result<Items, FlvError> {
        let hints = self.hints;
        let lane = self.lane(kind);
        if lane.codec == Some(data.codec) && lane.config_body == data.body {
            return Ok(Items::new());
        }
        let mut nal_length_bytes = 4;
        let config = match data.codec {
            TagCodec::H264 => {
                let (config, length_bytes) = h264::parse_avcc(&data.body)?;
                nal_length_bytes = length_bytes;
                config
            }
            TagCodec::H265 => {
                let (config, length_bytes) = h265::parse_hvcc(&data.body)?;
                nal_length_bytes = length_bytes;
                config
            }
            TagCodec::Aac => aac::parse_audio_specific_config(&data.body)?,
            TagCodec::Opus => CodecConfig::Opus { audio: opus_shape(&data.body) },
            TagCodec::Av1 => CodecConfig::Av1 { config: data.body.clone(), video: shape(hints) },
            TagCodec::Vp9 => {
                CodecConfig::Vp9 { config: without_box_header(&data.body), video: shape(hints) }
            }
            TagCodec::Mp3 | TagCodec::Ac3 | TagCodec::Eac3 | TagCodec::G711 { .. } => {
                return Ok(Items::new());
            }
        };
        lane.config_body = data.body.clone();
        lane.nal_length_bytes = nal_length_bytes;
        Ok(self.set_config(kind, data.codec, config))
    }

    fn frame(&mut self, kind: TrackKind, dts: Ticks, data: TagData) -> Result<Items, FlvError> {
        let mut items = match self.config_in_frame(kind, &data) {
            Some(config) => self.set_config(kind, data.codec, config),
            None => Items::new(),
        };
        let lane = self.lane(kind);
        if lane.codec != Some(data.codec) {
            return Ok(items);
        }
        // A packet that waits gets its track's name when that is announced.
        let track = lane.id.unwrap_or(TrackId(0));
        let payload = match data.codec {
            TagCodec::H264 | TagCodec::H265 => {
                to_four_byte_lengths(data.body, lane.nal_length_bytes)?
            }
            _ => data.body,
        };
        let dts = match lane.level(dts) {
            Some(dts) => dts,
            None => {
                self.jump(&mut items);
                self.lane(kind).last_dts = Some(dts);
                dts
            }
        };
        let pts = dts.max(dts + Ticks::from_millis(data.composition.into()));
        let is_keyframe = data.is_keyframe || kind == TrackKind::Audio;
        let packet = MediaPacket { track, dts, pts, is_keyframe, payload };
        if self.announcement.is_made() {
            items.push(StreamItem::Packet(packet));
            return Ok(items);
        }
        self.announcement.hold(kind, packet);
        items.extend(self.announce_if_ready());
        Ok(items)
    }

    /// The configuration that a frame itself carries, when it is new.
    fn config_in_frame(&mut self, kind: TrackKind, data: &TagData) -> Option<CodecConfig> {
        let hints = self.hints;
        let lane = self.lane(kind);
        let is_other = lane.codec != Some(data.codec);
        let config = match data.codec {
            TagCodec::Mp3 => {
                let header = MpegAudioHeader::parse(&data.body).ok().map(|header| header.audio);
                let audio = header.or_else(|| is_other.then_some(data.sound))?;
                CodecConfig::Mp3 { audio }
            }
            TagCodec::Ac3 | TagCodec::Eac3 => {
                let is_enhanced = data.codec == TagCodec::Eac3;
                let header = Ac3Header::parse(&data.body).ok()?;
                let audio = Some(header.audio).filter(|_| header.is_enhanced == is_enhanced)?;
                CodecConfig::Ac3 { is_enhanced, audio }
            }
            TagCodec::G711 { is_alaw } => CodecConfig::G711 { is_alaw, audio: data.sound },
            TagCodec::Opus if is_other => {
                CodecConfig::Opus { audio: AudioShape { sample_rate: 48_000, channels: 2 } }
            }
            TagCodec::Av1 if is_other && data.is_keyframe => {
                CodecConfig::Av1 { config: Bytes::new(), video: shape(hints) }
            }
            TagCodec::Vp9 if is_other && data.is_keyframe => {
                CodecConfig::Vp9 { config: Bytes::new(), video: shape(hints) }
            }
            _ => return None,
        };
        (lane.config.as_ref() != Some(&config)).then_some(config)
    }

    /// Sets a track's configuration, and announces it as soon as that is wanted.
    fn set_config(&mut self, kind: TrackKind, codec: TagCodec, config: CodecConfig) -> Items {
        let lane = self.lane(kind);
        lane.codec = Some(codec);
        if lane.config.as_ref() == Some(&config) {
            return Items::new();
        }
        lane.config = Some(config);
        if self.announcement.is_made() {
            smallvec![self.tracks()]
        } else {
            self.announce_if_ready()
        }
    }

    fn announce_if_ready(&mut self) -> Items {
        let is_settled =
            |lane: &Lane, expected: Option<bool>| lane.config.is_some() || expected == Some(false);
        let is_ready = is_settled(&self.video, self.hints.has_video)
            && is_settled(&self.audio, self.hints.has_audio);
        if is_ready || self.announcement.is_overdue() { self.announce() } else { Items::new() }
    }

    fn announce(&mut self) -> Items {
        let waiting = self.announcement.make();
        let mut items = Items::new();
        if self.video.config.is_some() || self.audio.config.is_some() {
            items.push(self.tracks());
        }
        for (kind, mut packet) in waiting {
            if let Some(id) = self.lane(kind).id {
                packet.track = id;
                items.push(StreamItem::Packet(packet));
            }
        }
        items
    }

    /// All tracks there are; names those that have no name yet.
    fn tracks(&mut self) -> StreamItem {
        let mut tracks = Vec::with_capacity(2);
        for lane in [&mut self.video, &mut self.audio] {
            if let Some(codec) = lane.config.clone() {
                let id = *lane.id.get_or_insert(self.next_id);
                self.next_id.0 = self.next_id.0.max(id.0.saturating_add(1));
                tracks.push(Track { id, codec, language: None });
            }
        }
        tracks.sort_by_key(|track| track.id);
        StreamItem::Tracks(tracks.into())
    }

    /// Begins a new count of time for both tracks.
    fn jump(&mut self, items: &mut Items) {
        self.video.last_dts = None;
        self.audio.last_dts = None;
        if self.announcement.is_made() {
            items.push(StreamItem::Discontinuity);
        } else {
            self.announcement.forget();
        }
    }

    const fn lane(&mut self, kind: TrackKind) -> &mut Lane {
        match kind {
            TrackKind::Video => &mut self.video,
            TrackKind::Audio => &mut self.audio,
        }
    }
}

impl Default for Demuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl Lane {
    /// The time of a packet that claims `dts`, which never falls; `None` for a jump back.
    fn level(&mut self, dts: Ticks) -> Option<Ticks> {
        let last = self.last_dts.unwrap_or(dts);
        if last - dts > JITTER_MAX {
            return None;
        }
        self.last_dts = Some(dts.max(last));
        self.last_dts
    }
}

/// What metadata says of the picture, for codecs whose configuration is not looked into.
fn shape(hints: MetaData) -> VideoShape {
    VideoShape {
        width: hints.width.unwrap_or(0),
        height: hints.height.unwrap_or(0),
        fps: hints.fps_fraction(),
    }
}

/// Drops version and flags, with which some encoders send `vpcC`. Source: VP9 in ISOBMFF §2.2.
fn without_box_header(config: &Bytes) -> Bytes {
    match config.strip_prefix(&[1, 0, 0, 0]) {
        Some(record) if record.len() >= 8 => config.slice_ref(record),
        _ => config.clone(),
    }
}

#[cfg(test)]
mod tests;
