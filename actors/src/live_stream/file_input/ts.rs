//! MPEG-TS files.

use std::path::Path;

use watershed_media::mpegts::Demuxer;

use super::super::file_window::FileWindow;
use super::{FileError, Player};

/// Bytes demuxed at once: a whole number of transport packets.
const PIECE_BYTES: usize = 188 * 348;

/// Plays the file from its beginning to its end.
pub(super) async fn play(path: &Path, player: &mut Player) -> Result<(), FileError> {
    let mut file = FileWindow::open(path).await?;
    let mut demuxer = Demuxer::new();
    let mut items = Vec::new();
    let mut offset = 0;
    loop {
        let piece = file.read(offset, PIECE_BYTES).await?;
        offset += piece.len() as u64;
        if piece.is_empty() {
            demuxer.finish(&mut items);
        } else {
            demuxer.push(&piece, &mut items);
        }
        for item in items.drain(..) {
            player.play(item).await?;
        }
        if piece.is_empty() {
            return Ok(());
        }
    }
}
