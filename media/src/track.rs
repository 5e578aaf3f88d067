//! What a stream consists of: its tracks, their codecs and what decoders must know beforehand.

use bytes::Bytes;

/// Names a track within its stream; small and dense: 0, 1, 2, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u8);

/// One elementary stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Its name in packets.
    pub id: TrackId,
    /// What it carries, with the decoder's configuration.
    pub codec: CodecConfig,
    /// ISO 639-2 language where the input names one (`eng`).
    pub language: Option<String>,
}

/// A codec with what its decoder needs before the first packet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecConfig {
    /// H.264; NAL units behind 4-byte sizes.
    H264 {
        /// Sequence parameter set, one NAL unit without start code.
        ///
        /// Source: ISO/IEC 14496-10 §7.3.2.1.
        sps: Bytes,
        /// Picture parameter sets, each one NAL unit without start code.
        pps: Vec<Bytes>,
        /// What the SPS says, for people and manifests.
        video: VideoShape,
    },
    /// H.265; NAL units behind 4-byte sizes.
    H265 {
        /// Video parameter sets, each one NAL unit without start code.
        vps: Vec<Bytes>,
        /// Sequence parameter sets, each one NAL unit without start code.
        sps: Vec<Bytes>,
        /// Picture parameter sets, each one NAL unit without start code.
        pps: Vec<Bytes>,
        /// What the SPS says.
        video: VideoShape,
    },
    /// AAC; raw frames without ADTS.
    Aac {
        /// `AudioSpecificConfig`. Source: ISO/IEC 14496-3 §1.6.2.1.
        config: Bytes,
        /// What the config says; the output rate with SBR.
        audio: AudioShape,
    },
    /// MPEG-1 or MPEG-2 audio layer I to III.
    Mp3 {
        /// What the frame header says.
        audio: AudioShape,
    },
    /// Opus; packets as in RFC 6716 §3.
    Opus {
        /// Clock rate (always 48,000) and channels.
        audio: AudioShape,
    },
    /// AC-3 or E-AC-3; sync frames.
    Ac3 {
        /// Whether it is E-AC-3.
        is_enhanced: bool,
        /// What the sync frame says.
        audio: AudioShape,
    },
    /// G.711.
    G711 {
        /// A-law when true, µ-law when false.
        is_alaw: bool,
        /// Usually 8,000 Hz mono.
        audio: AudioShape,
    },
    /// AV1; temporal units in the low-overhead form.
    Av1 {
        /// `AV1CodecConfigurationRecord` (av1C), empty where unknown.
        config: Bytes,
        /// What the sequence header says.
        video: VideoShape,
    },
    /// VP9; frames.
    Vp9 {
        /// `VPCodecConfigurationRecord` (vpcC) without the box header, empty where unknown.
        config: Bytes,
        /// What the key frame says.
        video: VideoShape,
    },
}

/// Size and rate of a video track; zero or `None` where the stream does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoShape {
    /// Visible width in pixels.
    pub width: u32,
    /// Visible height in pixels.
    pub height: u32,
    /// Frames per second as a fraction (numerator, denominator), when the parameter set has timing.
    pub fps: Option<(u32, u32)>,
}

/// Rate and channels of an audio track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AudioShape {
    /// Samples per second per channel.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u8,
}

/// Video or audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrackKind {
    /// A video track.
    Video,
    /// An audio track.
    Audio,
}

impl CodecConfig {
    /// Whether it is video or audio.
    #[must_use]
    pub const fn kind(&self) -> TrackKind {
        match self {
            Self::H264 { .. } | Self::H265 { .. } | Self::Av1 { .. } | Self::Vp9 { .. } => {
                TrackKind::Video
            }
            Self::Aac { .. }
            | Self::Mp3 { .. }
            | Self::Opus { .. }
            | Self::Ac3 { .. }
            | Self::G711 { .. } => TrackKind::Audio,
        }
    }

    /// The codec's name in `media_info` and reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::H264 { .. } => "h264",
            Self::H265 { .. } => "hevc",
            Self::Aac { .. } => "aac",
            Self::Mp3 { .. } => "mp3",
            Self::Opus { .. } => "opus",
            Self::Ac3 { is_enhanced: false, .. } => "ac3",
            Self::Ac3 { is_enhanced: true, .. } => "eac3",
            Self::G711 { is_alaw: true, .. } => "pcma",
            Self::G711 { is_alaw: false, .. } => "pcmu",
            Self::Av1 { .. } => "av1",
            Self::Vp9 { .. } => "vp9",
        }
    }

    /// Size and rate, for video.
    #[must_use]
    pub const fn video(&self) -> Option<VideoShape> {
        match self {
            Self::H264 { video, .. }
            | Self::H265 { video, .. }
            | Self::Av1 { video, .. }
            | Self::Vp9 { video, .. } => Some(*video),
            Self::Aac { .. }
            | Self::Mp3 { .. }
            | Self::Opus { .. }
            | Self::Ac3 { .. }
            | Self::G711 { .. } => None,
        }
    }

    /// Rate and channels, for audio.
    #[must_use]
    pub const fn audio(&self) -> Option<AudioShape> {
        match self {
            Self::Aac { audio, .. }
            | Self::Mp3 { audio }
            | Self::Opus { audio }
            | Self::Ac3 { audio, .. }
            | Self::G711 { audio, .. } => Some(*audio),
            Self::H264 { .. } | Self::H265 { .. } | Self::Av1 { .. } | Self::Vp9 { .. } => None,
        }
    }
}
