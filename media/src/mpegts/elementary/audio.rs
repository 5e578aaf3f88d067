//! Audio in PES packets: frames are found by their headers and timed by their samples.
//!
//! A PES packet may hold many frames, and a frame may run over into the next packet. Its timestamp
//! is that of the first frame that begins in it; those behind follow by their length.

use bytes::Bytes;
use memchr::memchr;

use super::{AccessUnit, TimedPes};
use crate::codec::ac3::Ac3Header;
use crate::codec::mpeg_audio::MpegAudioHeader;
use crate::codec::{CodecError, aac, opus};
use crate::cursor::Cursor;
use crate::time::Ticks;
use crate::track::{AudioShape, CodecConfig};

/// Which codec, but Opus, has frames that a header delimits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mpegts) enum Codec {
    Adts,
    Mpeg,
    Ac3,
    Opus,
}

/// Reads one audio PID.
#[derive(Debug)]
pub(in crate::mpegts) struct AudioReader {
    codec: Codec,
    config: Option<CodecConfig>,
    /// Another configuration that one frame spoke of.
    rumoured: Option<CodecConfig>,
    /// The start of a frame whose rest is in the next PES packet.
    begun: Vec<u8>,
    clock: Option<SampleClock>,
}

/// Counts time in samples since a timestamp, so that rounding never adds up.
#[derive(Clone, Copy, Debug)]
struct SampleClock {
    start: Ticks,
    samples: i64,
    rate: u32,
}

/// Whether a frame's configuration is that of the track.
enum Accepted {
    Same,
    New,
    NotYet,
}

/// What a frame's header says.
struct Frame {
    header_bytes: usize,
    bytes: usize,
    samples: u16,
    rate: u32,
    config: CodecConfig,
}

impl AudioReader {
    pub(super) const fn new(codec: Codec) -> Self {
        Self { codec, config: None, rumoured: None, begun: Vec::new(), clock: None }
    }

    pub(super) const fn new_opus(channels: u8) -> Self {
        let audio = AudioShape { sample_rate: opus::CLOCK_RATE, channels };
        let config = Some(CodecConfig::Opus { audio });
        Self { codec: Codec::Opus, config, rumoured: None, begun: Vec::new(), clock: None }
    }

    pub(super) const fn config(&self) -> Option<&CodecConfig> {
        self.config.as_ref()
    }

    pub(super) fn reset(&mut self) {
        self.begun.clear();
    }

    pub(super) fn push(&mut self, pes: TimedPes, units: &mut Vec<AccessUnit>) -> bool {
        if self.codec == Codec::Opus {
            self.push_opus(&pes, units);
            return false;
        }
        let begun_bytes = self.begun.len();
        let bytes = if begun_bytes == 0 {
            pes.payload
        } else {
            let mut joined = std::mem::take(&mut self.begun);
            joined.extend_from_slice(&pes.payload);
            Bytes::from(joined)
        };
        let mut new_time = pes.time.map(|(_, pts)| pts);
        let mut has_changed = false;
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let frame = match self.frame(rest) {
                Ok(frame) if frame.bytes <= rest.len() => frame,
                Ok(_) | Err(CodecError::Truncated(_) | CodecError::BitsEnded) => {
                    self.begun = rest.to_vec();
                    break;
                }
                Err(_) => {
                    at += 1 + self.next_sync(rest.get(1..).unwrap_or_default());
                    continue;
                }
            };
            // The packet's timestamp belongs to the first frame that begins in it.
            if at >= begun_bytes
                && let Some(start) = new_time.take()
            {
                self.clock = Some(SampleClock { start, samples: 0, rate: frame.rate });
            }
            let payload = bytes.slice(at + frame.header_bytes..at + frame.bytes);
            at += frame.bytes;
            match self.accept(frame.config) {
                Accepted::Same => {}
                Accepted::New => has_changed = true,
                Accepted::NotYet => continue,
            }
            self.emit(payload, frame.samples, units);
        }
        has_changed
    }

    /// Compares a frame's configuration with the track's. A change counts from its second frame on:
    /// one frame alone is more likely damaged, and a change disturbs every viewer.
    fn accept(&mut self, config: CodecConfig) -> Accepted {
        if self.config.as_ref() == Some(&config) {
            self.rumoured = None;
            return Accepted::Same;
        }
        if self.config.is_some() && self.rumoured.as_ref() != Some(&config) {
            self.rumoured = Some(config);
            return Accepted::NotYet;
        }
        self.rumoured = None;
        self.config = Some(config);
        Accepted::New
    }

    fn push_opus(&mut self, pes: &TimedPes, units: &mut Vec<AccessUnit>) {
        if let Some((_, start)) = pes.time {
            self.clock = Some(SampleClock { start, samples: 0, rate: opus::CLOCK_RATE });
        }
        let mut cursor = Cursor::new(&pes.payload);
        while let Ok(packet) = opus::take_ts_packet(&mut cursor) {
            self.emit(pes.payload.slice_ref(packet), opus::samples(packet), units);
        }
    }

    fn emit(&mut self, payload: Bytes, samples: u16, units: &mut Vec<AccessUnit>) {
        let Some(clock) = &mut self.clock else { return };
        let time = clock.start + Ticks::from_clock(clock.samples, clock.rate);
        clock.samples = clock.samples.saturating_add(i64::from(samples));
        if !payload.is_empty() {
            units.push(AccessUnit { dts: time, pts: time, is_keyframe: true, payload });
        }
    }

    fn frame(&self, bytes: &[u8]) -> Result<Frame, CodecError> {
        match self.codec {
            Codec::Adts => adts_frame(bytes),
            Codec::Mpeg => mpeg_frame(bytes),
            Codec::Ac3 | Codec::Opus => ac3_frame(bytes),
        }
    }

    /// How many bytes come before the next that may begin a frame.
    fn next_sync(&self, bytes: &[u8]) -> usize {
        let first = match self.codec {
            Codec::Adts | Codec::Mpeg => 0xff,
            Codec::Ac3 | Codec::Opus => 0x0b,
        };
        memchr(first, bytes).unwrap_or(bytes.len())
    }
}

fn adts_frame(bytes: &[u8]) -> Result<Frame, CodecError> {
    let header = aac::AdtsHeader::parse(bytes)?;
    // Several raw blocks behind one header cannot be told apart without decoding; no known encoder
    // writes them.
    if header.samples != 1024 {
        return Err(CodecError::NoSync("adts with one block"));
    }
    check_next(bytes, header.frame_bytes, |next| aac::AdtsHeader::parse(next).is_ok())?;
    Ok(Frame {
        header_bytes: header.header_bytes,
        bytes: header.frame_bytes,
        samples: header.samples,
        rate: header.core_rate,
        config: aac::parse_audio_specific_config(&header.config)?,
    })
}

fn mpeg_frame(bytes: &[u8]) -> Result<Frame, CodecError> {
    let header = MpegAudioHeader::parse(bytes)?;
    check_next(bytes, header.frame_bytes, |next| MpegAudioHeader::parse(next).is_ok())?;
    Ok(Frame {
        header_bytes: 0,
        bytes: header.frame_bytes,
        samples: header.samples,
        rate: header.audio.sample_rate,
        config: CodecConfig::Mp3 { audio: header.audio },
    })
}

fn ac3_frame(bytes: &[u8]) -> Result<Frame, CodecError> {
    let header = Ac3Header::parse(bytes)?;
    let mut size = header.frame_bytes;
    // Frames of dependent substreams belong to the access unit of the frame before.
    while let Some(Ok(next)) = bytes.get(size..).map(Ac3Header::parse)
        && next.is_dependent
    {
        size += next.frame_bytes;
    }
    Ok(Frame {
        header_bytes: 0,
        bytes: size,
        samples: header.samples,
        rate: header.audio.sample_rate,
        config: CodecConfig::Ac3 { is_enhanced: header.is_enhanced, audio: header.audio },
    })
}

/// Refuses a header that was none: the bytes behind its frame begin no other.
fn check_next(
    bytes: &[u8],
    frame_bytes: usize,
    is_header: impl Fn(&[u8]) -> bool,
) -> Result<(), CodecError> {
    match bytes.get(frame_bytes..) {
        Some(next) if next.len() >= aac::ADTS_HEADER_BYTES && !is_header(next) => {
            Err(CodecError::NoSync("second frame"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn adts(payload: &[u8]) -> Vec<u8> {
        let details = aac::AacDetails::parse(&[0x11, 0x90]).unwrap();
        let mut frame = details.adts_header(payload.len()).unwrap().to_vec();
        frame.extend_from_slice(payload);
        frame
    }

    fn push(reader: &mut AudioReader, at: Option<i64>, payload: &[u8]) -> Vec<(i64, Vec<u8>)> {
        let mut units = Vec::new();
        let time = at.map(|at| (Ticks(at), Ticks(at)));
        reader.push(TimedPes { time, payload: Bytes::copy_from_slice(payload) }, &mut units);
        units.into_iter().map(|unit| (unit.pts.0, unit.payload.to_vec())).collect()
    }

    #[test]
    fn frames_of_one_packet_follow_each_other_in_time() {
        let mut reader = AudioReader::new(Codec::Adts);
        let payload = [adts(b"one"), adts(b"two"), adts(b"three")].concat();
        let units = push(&mut reader, Some(1000), &payload);
        let expected =
            [(1000, b"one".to_vec()), (2920, b"two".to_vec()), (4840, b"three".to_vec())];
        assert_eq!(units, expected);
    }

    #[test]
    fn frame_over_two_packets_keeps_the_time_it_began_at() {
        let mut reader = AudioReader::new(Codec::Adts);
        let payload = [adts(b"one"), adts(b"two"), adts(b"three")].concat();
        let (head, tail) = payload.split_at(14);
        assert_eq!(push(&mut reader, Some(1000), head), [(1000, b"one".to_vec())]);
        // The timestamp is that of "three", the first frame that begins here.
        let units = push(&mut reader, Some(5000), tail);
        assert_eq!(units, [(2920, b"two".to_vec()), (5000, b"three".to_vec())]);
    }

    #[test]
    fn garbage_between_frames_is_skipped() {
        let mut reader = AudioReader::new(Codec::Adts);
        let garbage: &[u8] = &[1, 2, 0xff, 0, 0xff, 0xff, 9];
        let payload = [garbage, &adts(b"one"), &adts(b"two")].concat();
        let units = push(&mut reader, Some(0), &payload);
        assert_eq!(units, [(0, b"one".to_vec()), (1920, b"two".to_vec())]);
    }

    #[test]
    fn single_frame_of_another_shape_changes_nothing() {
        let mut other = adts(b"odd");
        // 44.1 kHz instead of 48.
        *other.get_mut(2).unwrap() = 0x50;
        let mut reader = AudioReader::new(Codec::Adts);
        let payload = [adts(b"one"), other.clone(), adts(b"two")].concat();
        assert_eq!(push(&mut reader, Some(0), &payload).len(), 2);
        let rate = |reader: &AudioReader| reader.config()?.audio().map(|audio| audio.sample_rate);
        assert_eq!(rate(&reader), Some(48_000));
        push(&mut reader, Some(9000), &[other.clone(), other].concat());
        assert_eq!(rate(&reader), Some(44_100));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived_and_little_is_kept(
            payloads in proptest::collection::vec(
                proptest::collection::vec(
                    prop_oneof![Just(0xff_u8), Just(0xf1), Just(0x0b), Just(0x77), any::<u8>()],
                    0..300),
                0..8)
        ) {
            for codec in [Codec::Adts, Codec::Mpeg, Codec::Ac3, Codec::Opus] {
                let mut reader = AudioReader::new(codec);
                for payload in &payloads {
                    push(&mut reader, Some(0), payload);
                    prop_assert!(reader.begun.len() < 16_384);
                }
            }
        }
    }
}
