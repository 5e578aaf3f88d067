//! Turns the PES packets of one PID into access units and finds the codec's configuration in them.

mod audio;
mod video;

use audio::AudioReader;
use bytes::Bytes;
use video::VideoReader;

use super::tables::Carried;
use crate::time::Ticks;
use crate::track::CodecConfig;

/// One access unit in the form of the packet model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AccessUnit {
    pub(super) dts: Ticks,
    pub(super) pts: Ticks,
    pub(super) is_keyframe: bool,
    pub(super) payload: Bytes,
}

/// A PES packet whose timestamps are unwrapped.
#[derive(Clone, Debug)]
pub(super) struct TimedPes {
    /// Decode and presentation time of the first access unit that begins here.
    pub(super) time: Option<(Ticks, Ticks)>,
    pub(super) payload: Bytes,
}

/// Reads one PID.
#[derive(Debug)]
pub(super) enum Elementary {
    Video(VideoReader),
    Audio(AudioReader),
}

impl Elementary {
    pub(super) fn new(carried: Carried) -> Self {
        match carried {
            Carried::H264 => Self::Video(VideoReader::new(video::Codec::H264)),
            Carried::H265 => Self::Video(VideoReader::new(video::Codec::H265)),
            Carried::Adts => Self::Audio(AudioReader::new(audio::Codec::Adts)),
            Carried::MpegAudio => Self::Audio(AudioReader::new(audio::Codec::Mpeg)),
            Carried::Ac3 { .. } => Self::Audio(AudioReader::new(audio::Codec::Ac3)),
            Carried::Opus { channels } => Self::Audio(AudioReader::new_opus(channels)),
        }
    }

    /// The configuration, once it is known.
    pub(super) const fn config(&self) -> Option<&CodecConfig> {
        match self {
            Self::Video(reader) => reader.config(),
            Self::Audio(reader) => reader.config(),
        }
    }

    /// Takes one PES packet. Access units before the configuration is known are left out.
    ///
    /// Returns whether the configuration changed, before the first of the new `units`.
    pub(super) fn push(&mut self, pes: TimedPes, units: &mut Vec<AccessUnit>) -> bool {
        match self {
            Self::Video(reader) => reader.push(&pes, units),
            Self::Audio(reader) => reader.push(pes, units),
        }
    }

    /// Forgets a begun frame, as a part of it was lost.
    pub(super) fn reset(&mut self) {
        match self {
            Self::Video(_) => {}
            Self::Audio(reader) => reader.reset(),
        }
    }
}
