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
/// The length of the last frame of a track that has only one.
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
    /// First decode time of this loop, in the file's time.
    first: Option<Ticks>,
    tracks: Vec<TrackEnd>,
}

/// Where a track of the file ends, as far as it was read.
struct TrackEnd {
    track: TrackId,
    last: Ticks,
    step: Ticks,
}

impl Player {
    fn new(writer: InputWriter) -> Self {
        Self { writer, pacer: Pacer::default(), first: None, tracks: Vec::new() }
    }

    /// Hands on one item, with its times in the file's time.
    async fn play(&mut self, item: StreamItem) -> Result<(), FileError> {
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
        self.first.is_some()
    }

    fn next_loop(&mut self) {
        let end = self.tracks.iter().map(|track| track.last + track.step).max();
        if let (Some(first), Some(end)) = (self.first.take(), end) {
            self.pacer.next_loop(end - first);
        }
        self.tracks.clear();
    }

    fn measure(&mut self, packet: &MediaPacket) {
        self.first = Some(self.first.map_or(packet.dts, |first| first.min(packet.dts)));
        match self.tracks.iter_mut().find(|end| end.track == packet.track) {
            Some(end) => {
                end.step = (packet.dts - end.last).max(Ticks(1));
                end.last = packet.dts;
            }
            None => self.tracks.push(TrackEnd {
                track: packet.track,
                last: packet.dts,
                step: FRAME_GUESS,
            }),
        }
    }
}
