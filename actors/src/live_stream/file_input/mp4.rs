//! MP4 files, fragmented or not.

use std::path::Path;

use watershed_media::mp4::{Demuxer, Mp4Error, Sample};
use watershed_media::packet::StreamItem;
use watershed_media::track::TrackId;

use super::super::file_window::FileWindow;
use super::{FileError, Player};

/// Plays the file from its beginning to its end.
pub(super) async fn play(path: &Path, player: &mut Player) -> Result<(), FileError> {
    let mut index = FileWindow::open(path).await?;
    let mut media = TrackWindows { path, windows: Vec::new() };
    let mut demuxer = Demuxer::new();
    let mut announced = 0;
    loop {
        read_required(&mut demuxer, &mut index).await?;
        let tracks = demuxer.tracks();
        if tracks.len() != announced {
            announced = tracks.len();
            player.play(StreamItem::Tracks(tracks)).await?;
        }
        let Some(sample) = demuxer.next_sample().map_err(FileError::from)? else {
            return Ok(());
        };
        let bytes = media.read(&sample).await?;
        let packet = demuxer.packet(&sample, bytes).map_err(FileError::from)?;
        player.play(StreamItem::Packet(packet)).await?;
    }
}

async fn read_required(demuxer: &mut Demuxer, file: &mut FileWindow) -> Result<(), FileError> {
    while let Some(range) = demuxer.required() {
        let size = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let bytes = file.read(range.start, size).await?;
        demuxer.supply(range.start, &bytes).map_err(FileError::from)?;
    }
    Ok(())
}

/// A window for each track: in many files the tracks lie far apart.
struct TrackWindows<'a> {
    path: &'a Path,
    windows: Vec<(TrackId, FileWindow)>,
}

impl TrackWindows<'_> {
    async fn read(&mut self, sample: &Sample) -> Result<bytes::Bytes, FileError> {
        let known = self.windows.iter().position(|(track, _)| *track == sample.track);
        let index = match known {
            Some(index) => index,
            None => {
                self.windows.push((sample.track, FileWindow::open(self.path).await?));
                self.windows.len() - 1
            }
        };
        Ok(self.windows[index].1.read(sample.offset, sample.size).await?)
    }
}

impl From<Mp4Error> for FileError {
    fn from(error: Mp4Error) -> Self {
        Self::Mp4(error.to_string())
    }
}
