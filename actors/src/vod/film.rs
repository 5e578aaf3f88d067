//! Reads what is needed of one file: its index, and the bytes of one segment. Blocks.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use watershed_media::mp4::{FileIndex, IndexLimits, Indexer, Mp4Error};

use super::FilmError;

/// More parts of a file than this are not looked at for its index: a fragmented file of days has
/// fewer, one made of nothing but tiny boxes has more.
const READS_MAX: usize = 1_000_000;

/// A file as it was at one time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    path: PathBuf,
    stamp: Stamp,
    segment_duration: Duration,
}

/// What changes when a file is written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Stamp {
    mtime_s: i64,
    mtime_ns: i64,
    size: u64,
}

/// A segment as its viewers get it.
#[derive(Debug)]
pub struct MuxedSegment {
    /// The bytes, in order, in pieces that can be handed out.
    pub pieces: Vec<Bytes>,
    /// Size of all pieces.
    pub size_bytes: usize,
}

impl FileId {
    /// The open `file`, whose real path is `path`.
    pub(super) fn of(path: PathBuf, file: &File, segment_duration: Duration) -> io::Result<Self> {
        Ok(Self { path, stamp: Stamp::of(file)?, segment_duration })
    }

    pub(super) const fn size(&self) -> u64 {
        self.stamp.size
    }

    /// What the names of its segments begin with: all that their content depends on.
    pub(super) fn version(&self) -> String {
        let Stamp { mtime_s, mtime_ns, size } = self.stamp;
        let seconds = self.segment_duration.as_secs();
        format!("{mtime_s:x}.{mtime_ns:x}-{size:x}-{seconds}")
    }
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let (mtime_s, mtime_ns) = (metadata.mtime(), metadata.mtime_nsec());
        Ok(Self { mtime_s, mtime_ns, size: metadata.size() })
    }
}

/// Reads the index of a file of `size` bytes. The inner error is the file's own and stays.
pub(super) fn read_index(
    file: &File,
    size: u64,
    limits: IndexLimits,
) -> io::Result<Result<FileIndex, Mp4Error>> {
    let mut indexer = Indexer::new(size, limits);
    for _ in 0..READS_MAX {
        let range = match indexer.required() {
            Ok(Some(range)) => range,
            Ok(None) => return Ok(indexer.finish()),
            Err(error) => return Ok(Err(error)),
        };
        let bytes = read(file, &(range.start..range.end.min(size)))?;
        if let Err(error) = indexer.supply(range.start, &bytes) {
            return Ok(Err(error));
        }
    }
    Ok(Err(Mp4Error::TooLarge { what: "file", bytes: size }))
}

/// Reads and muxes segment `number` of the file, if that is what it was when it was indexed.
pub(super) fn read_segment(
    id: &FileId,
    index: &FileIndex,
    number: usize,
) -> Result<MuxedSegment, FilmError> {
    let file = File::open(&id.path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FilmError::NotFound,
        _ => FilmError::Io(error),
    })?;
    let check = || if Stamp::of(&file)? == id.stamp { Ok(()) } else { Err(FilmError::NotFound) };
    check()?;
    let mut parts = Vec::new();
    for range in index.reads(number) {
        parts.push((range.start, Bytes::from(read(&file, &range)?)));
    }
    // Written to in the meantime: what was read may be half old and half new.
    check()?;
    let pieces = index.mux(number, &parts);
    let pieces = pieces.map_err(|error| FilmError::Broken(error.to_string()))?;
    let size_bytes = pieces.iter().map(Bytes::len).sum();
    Ok(MuxedSegment { pieces, size_bytes })
}

/// The bytes of `range`; fewer where the file ends before.
fn read(file: &File, range: &Range<u64>) -> io::Result<Vec<u8>> {
    let size = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; size];
    let mut got = 0;
    while got < size {
        let at = range.start + u64::try_from(got).unwrap_or(u64::MAX);
        match file.read_at(bytes.get_mut(got..).unwrap_or_default(), at) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(got);
    Ok(bytes)
}
