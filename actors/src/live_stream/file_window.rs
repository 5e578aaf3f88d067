//! Reads pieces of a file through a window, so that neighbouring pieces cost one read.
//!
//! A piece is a slice of the window and shares its memory. Files are read off the arbiter.

use std::io;
use std::path::Path;

use bytes::Bytes;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};

/// Bytes read at once.
const WINDOW_BYTES: usize = 512 << 10;

/// An open file and the part of it in memory.
#[derive(Debug)]
pub(crate) struct FileWindow {
    file: File,
    len: u64,
    start: u64,
    window: Bytes,
}

impl FileWindow {
    /// Opens `path`.
    ///
    /// Errors: as the system says.
    pub(crate) async fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path).await?;
        let len = file.metadata().await?.len();
        Ok(Self { file, len, start: 0, window: Bytes::new() })
    }

    /// The `size` bytes at `offset`; fewer where the file ends before.
    ///
    /// Errors: as the system says.
    pub(crate) async fn read(&mut self, offset: u64, size: usize) -> io::Result<Bytes> {
        if let Some(piece) = self.piece(offset, size) {
            return Ok(piece);
        }
        let wanted = size.max(WINDOW_BYTES) as u64;
        let mut buffer = Vec::with_capacity(usize::try_from(wanted.min(self.len)).unwrap_or(0));
        self.file.seek(SeekFrom::Start(offset)).await?;
        (&mut self.file).take(wanted).read_to_end(&mut buffer).await?;
        self.start = offset;
        self.window = buffer.into();
        let got = size.min(self.window.len());
        Ok(self.window.slice(..got))
    }

    fn piece(&self, offset: u64, size: usize) -> Option<Bytes> {
        let begin = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        let end = begin.checked_add(size)?;
        (end <= self.window.len()).then(|| self.window.slice(begin..end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix::test]
    async fn pieces_are_read_wherever_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let content: Vec<u8> = (0..2_000_000_u32).map(|i| (i % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let mut window = FileWindow::open(&path).await.unwrap();
        for (offset, size) in [(0, 10), (5, 100), (1_999_990, 10), (600_000, 900_000), (0, 1)] {
            let piece = window.read(offset as u64, size).await.unwrap();
            assert_eq!(piece, content[offset..offset + size], "{size} bytes at {offset}");
        }
    }

    #[actix::test]
    async fn end_of_file_shortens_a_piece() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"abc").unwrap();
        let mut window = FileWindow::open(&path).await.unwrap();
        assert_eq!(window.read(1, 10).await.unwrap(), "bc");
        assert_eq!(window.read(9, 10).await.unwrap(), "");
    }
}
