//! One track of a file: its codec, its timeline, its sample table.

use std::num::NonZeroU32;

use bytes::Bytes;
use shiguredo_mp4::aux::SampleTableAccessor;
use shiguredo_mp4::boxes::{
    AvccBox, ElstBox, HdlrBox, HvccBox, Mp4aBox, SampleEntry, StblBox, TrakBox, TrexBox, UnknownBox,
};
use shiguredo_mp4::{BoxType, Encode};

use super::demux::{Mp4Error, Sample};
use crate::codec::{CodecError, aac, h264, h265, opus};
use crate::cursor::Cursor;
use crate::time::Ticks;
use crate::track::{AudioShape, CodecConfig, Track, TrackId, VideoShape};

/// One track that can be read.
#[derive(Debug)]
pub(super) struct FileTrack {
    /// What it is in the packet model.
    pub(super) track: Track,
    /// Its number in the file.
    pub(super) number: u32,
    /// How wide the sizes of NAL units are, for H.264 and H.265.
    pub(super) nal_length_size: Option<u8>,
    /// Ticks a second of its timestamps.
    pub(super) rate: u32,
    /// What the edit list adds to its timestamps.
    shift: Ticks,
    table: SampleTableAccessor<StblBox>,
    /// The next sample of a plain file, from 1.
    pub(super) next_index: NonZeroU32,
    /// Defaults of its fragments.
    pub(super) defaults: Option<TrexBox>,
    /// Where the next fragment begins, if it does not say so itself.
    pub(super) fragment_time: u64,
    /// First and last decode time seen in fragments, the last with its duration.
    pub(super) fragment_span: Option<(Ticks, Ticks)>,
}

impl FileTrack {
    /// Reads a `trak`; `None` if it is neither video nor audio, or of a codec that we do not know.
    pub(super) fn new(
        id: TrackId,
        trak: TrakBox,
        movie_rate: u32,
        defaults: Option<TrexBox>,
    ) -> Result<Option<Self>, Mp4Error> {
        let media = trak.mdia_box;
        let handler = media.hdlr_box.handler_type;
        if handler != HdlrBox::HANDLER_TYPE_VIDE && handler != HdlrBox::HANDLER_TYPE_SOUN {
            return Ok(None);
        }
        let table = media.minf_box.stbl_box;
        let Some(entry) = table.stsd_box.entries.first() else {
            return Ok(None);
        };
        let Some((codec, nal_length_size)) = codec(entry).ok().flatten() else {
            return Ok(None);
        };
        let rate = media.mdhd_box.timescale.get();
        let edits = trak.edts_box.and_then(|edts| edts.elst_box);
        let shift = edits.map_or(Ticks::ZERO, |edits| shift(&edits, rate, movie_rate));
        let language = String::from_utf8(media.mdhd_box.language.as_bytes().to_vec()).ok();
        let language = language.filter(|code| code != "und");
        Ok(Some(Self {
            track: Track { id, codec, language },
            number: trak.tkhd_box.track_id,
            nal_length_size,
            rate,
            shift,
            table: SampleTableAccessor::new(table)?,
            next_index: NonZeroU32::MIN,
            defaults,
            fragment_time: 0,
            fragment_span: None,
        }))
    }

    /// The next sample of a plain file.
    pub(super) fn peek(&self) -> Option<Sample> {
        let sample = self.table.get_sample(self.next_index)?;
        let offset = sample.composition_time_offset().unwrap_or(0);
        let (dts, pts) = self.times(sample.timestamp(), offset);
        Some(Sample {
            track: self.track.id,
            dts,
            pts,
            is_keyframe: sample.is_sync_sample(),
            offset: sample.data_offset(),
            size: usize::try_from(sample.data_size()).unwrap_or(usize::MAX),
        })
    }

    /// Decode and presentation time of a sample on the timeline that the edit list makes.
    pub(super) fn times(&self, decode: u64, composition_offset: i64) -> (Ticks, Ticks) {
        let decode = i64::try_from(decode).unwrap_or(i64::MAX);
        let dts = Ticks::from_clock(decode, self.rate) + self.shift;
        let composed = decode.saturating_add(composition_offset);
        let pts = Ticks::from_clock(composed, self.rate) + self.shift;
        (dts, pts)
    }

    /// From the first decode time to the end of the last sample.
    pub(super) fn duration(&self) -> Ticks {
        if let Some((first, end)) = self.fragment_span {
            return end - first;
        }
        let last = NonZeroU32::new(self.table.sample_count());
        let last = last.and_then(|index| self.table.get_sample(index));
        last.map_or(Ticks::ZERO, |last| {
            let end = last.timestamp().saturating_add(u64::from(last.duration()));
            Ticks::from_clock(i64::try_from(end).unwrap_or(i64::MAX), self.rate)
        })
    }
}

/// What an edit list adds to timestamps: the delay of the empty edits that it begins with, less
/// the media time at which the first other one starts.
///
/// Source: ISO/IEC 14496-12 §8.6.6. This is what players need for B-frames, for the priming of AAC
/// and for a track that begins late. Cuts within the file are not made.
fn shift(edits: &ElstBox, rate: u32, movie_rate: u32) -> Ticks {
    let mut delay = Ticks::ZERO;
    for edit in &edits.entries {
        if edit.media_time >= 0 {
            return delay - Ticks::from_clock(edit.media_time, rate);
        }
        let duration = i64::try_from(edit.edit_duration).unwrap_or(i64::MAX);
        delay += Ticks::from_clock(duration, movie_rate);
    }
    Ticks::ZERO
}

/// The codec of a sample entry and the width of its NAL units' sizes; `None` if we do not know it.
fn codec(entry: &SampleEntry) -> Result<Option<(CodecConfig, Option<u8>)>, CodecError> {
    let plain = |codec| Ok(Some((codec, None)));
    match entry {
        SampleEntry::Avc1(avc1) => avc_config(&avc1.avcc_box).map(Some),
        SampleEntry::Hvc1(hvc1) => hevc_config(&hvc1.hvcc_box).map(Some),
        SampleEntry::Hev1(hev1) => hevc_config(&hev1.hvcc_box).map(Some),
        SampleEntry::Mp4a(mp4a) => {
            mp4a_config(mp4a).map(|config| config.map(|config| (config, None)))
        }
        SampleEntry::Opus(entry) => {
            let channels = entry.dops_box.output_channel_count;
            plain(CodecConfig::Opus {
                audio: AudioShape { sample_rate: opus::CLOCK_RATE, channels },
            })
        }
        SampleEntry::Av01(av01) => {
            let config = record(&av01.av1c_box, 0);
            let video = shape(av01.visual.width, av01.visual.height);
            plain(CodecConfig::Av1 { config, video })
        }
        SampleEntry::Vp09(vp09) => {
            // A full box: version and flags stand before the record.
            let config = record(&vp09.vpcc_box, 4);
            let video = shape(vp09.visual.width, vp09.visual.height);
            plain(CodecConfig::Vp9 { config, video })
        }
        SampleEntry::Unknown(unknown) => Ok(other_audio(unknown).map(|codec| (codec, None))),
        _ => Ok(None),
    }
}

fn avc_config(record: &AvccBox) -> Result<(CodecConfig, Option<u8>), CodecError> {
    let sps = record.sps_list.first().cloned().ok_or(CodecError::Missing("sps"))?;
    let pps = record.pps_list.iter().cloned().map(Bytes::from).collect();
    let config = h264::config_from_parameter_sets(sps, pps)?;
    Ok((config, Some(record.length_size_minus_one.get() + 1)))
}

fn hevc_config(record: &HvccBox) -> Result<(CodecConfig, Option<u8>), CodecError> {
    let sets = |kind: u8| -> Vec<Bytes> {
        let arrays = record.nalu_arrays.iter();
        let arrays = arrays.filter(|array| array.nal_unit_type.get() == kind);
        arrays.flat_map(|array| array.nalus.iter().cloned().map(Bytes::from)).collect()
    };
    let (vps, sps, pps) = (sets(h265::NAL_VPS), sets(h265::NAL_SPS), sets(h265::NAL_PPS));
    let config = h265::config_from_parameter_sets(vps, sps, pps)?;
    Ok((config, Some(record.length_size_minus_one.get() + 1)))
}

/// Source: the registry of object types at mp4ra.org: 0x40 and 0x66 to 0x68 AAC, 0x69 and 0x6b MP3.
fn mp4a_config(entry: &Mp4aBox) -> Result<Option<CodecConfig>, CodecError> {
    let decoder = &entry.esds_box.es.dec_config_descr;
    match decoder.object_type_indication {
        0x40 | 0x66..=0x68 => {
            let info = decoder.dec_specific_info.as_ref().ok_or(CodecError::Missing("asc"))?;
            aac::parse_audio_specific_config(&info.payload).map(Some)
        }
        0x69 | 0x6b => {
            let sample_rate = u32::from(entry.audio.samplerate.integer);
            let channels = u8::try_from(entry.audio.channelcount).unwrap_or(2);
            Ok(Some(CodecConfig::Mp3 { audio: AudioShape { sample_rate, channels } }))
        }
        _ => Ok(None),
    }
}

/// Audio entries that the crate hands through.
///
/// Source: ISO/IEC 14496-12 §12.2.3 (`AudioSampleEntry`), ETSI TS 102 366 Annex F (AC-3).
fn other_audio(entry: &UnknownBox) -> Option<CodecConfig> {
    let mut cursor = Cursor::new(&entry.payload);
    cursor.skip(16).ok()?;
    let channels = u8::try_from(cursor.u16().ok()?).unwrap_or(2);
    cursor.skip(6).ok()?;
    let audio = AudioShape { sample_rate: cursor.u32().ok()? >> 16, channels };
    match entry.box_type {
        BoxType::Normal(name) => match &name {
            b"ac-3" => Some(CodecConfig::Ac3 { is_enhanced: false, audio }),
            b"ec-3" => Some(CodecConfig::Ac3 { is_enhanced: true, audio }),
            b".mp3" => Some(CodecConfig::Mp3 { audio }),
            b"alaw" => Some(CodecConfig::G711 { is_alaw: true, audio }),
            b"ulaw" => Some(CodecConfig::G711 { is_alaw: false, audio }),
            _ => None,
        },
        BoxType::Uuid(_) => None,
    }
}

/// A configuration box without its header and `skip` more bytes; empty if it cannot be written.
fn record(config: &impl Encode, skip: usize) -> Bytes {
    const BOX_HEADER_BYTES: usize = 8;
    let bytes = config.encode_to_vec().map(Bytes::from).unwrap_or_default();
    if bytes.len() < BOX_HEADER_BYTES + skip {
        return Bytes::new();
    }
    bytes.slice(BOX_HEADER_BYTES + skip..)
}

fn shape(width: u16, height: u16) -> VideoShape {
    VideoShape { width: width.into(), height: height.into(), fps: None }
}
