//! Movie fragments: the samples that one `moof` describes.
//!
//! Source: ISO/IEC 14496-12 §8.8.

use std::collections::VecDeque;

use shiguredo_mp4::boxes::{MoofBox, TfhdBox, TrafBox, TrunBox};

use super::demux::{Mp4Error, Sample};
use super::tracks::FileTrack;
use crate::cursor::Cursor;

/// A fragment with more samples is refused: an hour of 50 frames a second has fewer.
const SAMPLES_MAX: u32 = 1 << 18;

/// Refuses a `moof` that claims more samples than a fragment has. A run whose samples all have the
/// defaults says their count and nothing else, so that a few bytes could stand for gigabytes.
///
/// Source: ISO/IEC 14496-12 §8.8.8.2. Layout of what `trun` holds: `| version and
/// flags 4 B | sample_count 4 B | … |`
/// Errors: [`Mp4Error::TooLarge`]. What is no box is left to the decoder.
pub(super) fn check_sample_count(moof: &[u8]) -> Result<(), Mp4Error> {
    let fragments = bodies(moof, *b"moof").flat_map(|moof| bodies(moof, *b"traf"));
    let runs = fragments.flat_map(|fragment| bodies(fragment, *b"trun"));
    let claimed = runs.filter_map(|run| Cursor::new(run.get(4..)?).u32().ok());
    let count = claimed.fold(0, u32::saturating_add);
    if count > SAMPLES_MAX {
        return Err(Mp4Error::TooLarge { what: "fragment, in samples,", bytes: count.into() });
    }
    Ok(())
}

/// What the boxes of `kind` hold, in a row of boxes.
///
/// Source: ISO/IEC 14496-12 §4.2: a size of 1 has a longer one behind it, one of 0 goes to the end.
fn bodies(mut row: &[u8], kind: [u8; 4]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        loop {
            let mut cursor = Cursor::new(row);
            let short = cursor.u32().ok()?;
            let found: [u8; 4] = cursor.array().ok()?;
            let (size, head_bytes) = match short {
                0 => (row.len(), 8),
                1 => (usize::try_from(u64::from_be_bytes(cursor.array().ok()?)).ok()?, 16),
                size => (usize::try_from(size).ok()?, 8),
            };
            let (one, rest) = row.split_at_checked(size.max(head_bytes))?;
            row = rest;
            if found == kind {
                return one.get(head_bytes..);
            }
        }
    })
}

/// The samples of a fragment that begins at `moof_offset`, in the order of decode times.
///
/// Track fragments of tracks that are not read are left out.
pub(super) fn samples(
    moof: &MoofBox,
    moof_offset: u64,
    tracks: &mut [FileTrack],
) -> VecDeque<Sample> {
    let mut samples = Vec::new();
    let mut data_end = moof_offset;
    for fragment in &moof.traf_boxes {
        let header = &fragment.tfhd_box;
        // Without either statement, data follows that of the track fragment before (§8.8.7.1).
        let base = match header.base_data_offset {
            Some(offset) => offset,
            None if header.default_base_is_moof => moof_offset,
            None => data_end,
        };
        if let Some(track) = tracks.iter_mut().find(|one| one.number == header.track_id) {
            data_end = track_samples(fragment, base, track, &mut samples);
        }
    }
    samples.sort_by_key(|sample| sample.dts);
    samples.into()
}

fn track_samples(
    fragment: &TrafBox,
    base: u64,
    track: &mut FileTrack,
    samples: &mut Vec<Sample>,
) -> u64 {
    if let Some(tfdt) = &fragment.tfdt_box {
        track.fragment_time = tfdt.base_media_decode_time;
    }
    let mut offset = base;
    for run in &fragment.trun_boxes {
        if let Some(relative) = run.data_offset {
            offset = base.saturating_add_signed(relative.into());
        }
        offset = run_samples(&fragment.tfhd_box, run, offset, track, samples);
    }
    offset
}

fn run_samples(
    header: &TfhdBox,
    run: &TrunBox,
    offset: u64,
    track: &mut FileTrack,
    samples: &mut Vec<Sample>,
) -> u64 {
    let mut offset = offset;
    let defaults = track.defaults.clone();
    let defaults = defaults.as_ref();
    for (index, sample) in run.samples.iter().enumerate() {
        let duration = sample
            .duration
            .or(header.default_sample_duration)
            .or(defaults.map(|one| one.default_sample_duration))
            .unwrap_or(0);
        let size = sample
            .size
            .or(header.default_sample_size)
            .or(defaults.map(|one| one.default_sample_size))
            .unwrap_or(0);
        let first_flags = if index == 0 { run.first_sample_flags } else { None };
        let flags = first_flags
            .or(sample.flags)
            .or(header.default_sample_flags)
            .or(defaults.map(|one| one.default_sample_flags));
        let composition = sample.composition_time_offset.unwrap_or(0);
        let (dts, pts) = track.times(track.fragment_time, composition);
        samples.push(Sample {
            track: track.track.id,
            dts,
            pts,
            is_keyframe: flags.is_none_or(|flags| !flags.sample_is_non_sync_sample()),
            offset,
            size: usize::try_from(size).unwrap_or(usize::MAX),
        });
        offset = offset.saturating_add(size.into());
        track.fragment_time = track.fragment_time.saturating_add(duration.into());
        let (end, _) = track.times(track.fragment_time, 0);
        let (first, known_end) = track.fragment_span.unwrap_or((dts, end));
        track.fragment_span = Some((first.min(dts), known_end.max(end)));
    }
    offset
}
