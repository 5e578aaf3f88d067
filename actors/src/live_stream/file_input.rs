//! `file://`: a file as a live input, looped, in step with its timestamps.
//!
//! The task ends when its writer says so, or with an error that the stream shows. A file is read
//! anew from its beginning for each loop, so it may be replaced while it plays.

mod mp4;
mod ts;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;
use watershed_media::packet::{MediaPacket, StreamItem};
use watershed_media::time::Ticks;
use watershed_media::track::TrackId;

use super::pacer::Pacer;
use super::writer::{InputRevoked, InputWriter};

/// A packet due within this is handed on at once: timers are no finer.
const TIMER_GRAIN: Duration = Duration::from_millis(2);
/// The length of the last frame of a track that has only one, and of the shortest loop.
const FRAME_GUESS: Ticks = Ticks(Ticks::PER_SECOND / 25);

/// Why a file cannot be played.
#[derive(Debug, Error)]
pub(super) enum FileError {
    /// The system refuses.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is no MP4, or a broken one.
    #[error("not a readable MP4: {0}")]
    Mp4(String),
    /// Nothing in it can be played.
    #[error("no audio or video found in it")]
    Empty,
    /// The stream wants no more of it.
    #[error(transparent)]
    Revoked(#[from] InputRevoked),
}

/// Plays `path` into `writer` until it is revoked or the file fails.
pub(super) async fn run(path: PathBuf, writer: InputWriter) {
    let mut player = Player::new(writer);
    let error = loop {
        match play_once(&path, &mut player).await {
            Ok(()) if player.has_played() => player.next_loop(),
            Ok(()) => break FileError::Empty,
            Err(error) => break error,
        }
    };
    if !matches!(error, FileError::Revoked(_)) {
        player.writer.fail(format!("file {}: {error}", path.display()));
    }
}

async fn play_once(path: &Path, player: &mut Player) -> Result<(), FileError> {
    let is_ts = path
        .extension()
        .is_some_and(|extension| ["ts", "mts", "m2ts"].iter().any(|ts| extension == *ts));
    if is_ts { ts::play(path, player).await } else { mp4::play(path, player).await }
}

/// Hands items on when they are due, and measures how long the file is.
struct Player {
    writer: InputWriter,
    pacer: Pacer,
    tracks: Vec<TrackSpan>,
}

/// Where a track of the file begins and ends, as far as it was read.
struct TrackSpan {
    track: TrackId,
    first: Ticks,
    last: Ticks,
    step: Ticks,
}

impl Player {
    fn new(writer: InputWriter) -> Self {
        Self { writer, pacer: Pacer::default(), tracks: Vec::new() }
    }

    /// Hands on one item, with its times in the file's time.
    async fn play(&mut self, item: StreamItem) -> Result<(), FileError> {
        if item == StreamItem::Discontinuity {
            self.pacer.restart();
        }
        let StreamItem::Packet(mut packet) = item else {
            return Ok(self.writer.write(item)?);
        };
        self.measure(&packet);
        packet.dts = self.pacer.shifted(packet.dts);
        packet.pts = self.pacer.shifted(packet.pts);
        let now = Instant::now();
        let wait = self.pacer.due(packet.dts, now).saturating_duration_since(now);
        if wait > TIMER_GRAIN {
            tokio::time::sleep(wait).await;
        }
        Ok(self.writer.write(StreamItem::Packet(packet))?)
    }

    const fn has_played(&self) -> bool {
        !self.tracks.is_empty()
    }

    fn next_loop(&mut self) {
        if let Some(length) = loop_length(&self.tracks) {
            self.pacer.next_loop(length);
        }
        self.tracks.clear();
    }

    fn measure(&mut self, packet: &MediaPacket) {
        match self.tracks.iter_mut().find(|span| span.track == packet.track) {
            Some(span) => {
                span.step = (packet.dts - span.last).max(Ticks(1));
                span.last = packet.dts;
            }
            None => self.tracks.push(TrackSpan {
                track: packet.track,
                first: packet.dts,
                last: packet.dts,
                step: FRAME_GUESS,
            }),
        }
    }
}

/// How long the file is: as long as its longest track.
///
/// Each track is measured from its own beginning. Decode times begin before zero where frames are
/// reordered, and audio where the encoder's delay is; from the first beginning to the last end
/// would be longer than any track, and leave a gap in all of them at each loop. Where the times of
/// a file step back in it, it is still as long as a frame: time never runs backwards.
fn loop_length(tracks: &[TrackSpan]) -> Option<Ticks> {
    let longest = tracks.iter().map(|span| span.last + span.step - span.first).max()?;
    Some(longest.max(FRAME_GUESS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(track: u8, first: i64, last: i64, step: i64) -> TrackSpan {
        TrackSpan {
            track: TrackId(track),
            first: Ticks(first),
            last: Ticks(last),
            step: Ticks(step),
        }
    }

    #[test]
    fn loop_is_as_long_as_the_longest_track() {
        // Ten seconds of video with reordered frames, and of audio with an encoder's delay.
        let tracks = [span(0, -7200, 889_200, 3600), span(1, -1920, 896_640, 1920)];
        assert_eq!(loop_length(&tracks), Some(Ticks(900_480)));
        assert_eq!(loop_length(&[]), None);
    }

    #[test]
    fn loop_of_a_file_that_steps_back_is_a_frame_long() {
        assert_eq!(loop_length(&[span(0, 900_000, 0, 3600)]), Some(FRAME_GUESS));
        assert_eq!(loop_length(&[span(0, 0, 0, 1)]), Some(FRAME_GUESS));
        assert_eq!(loop_length(&[span(0, i64::MAX, i64::MIN, 1)]), Some(FRAME_GUESS));
    }
}
