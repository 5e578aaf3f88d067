//! Files on demand: folders below a prefix, played from any place in any file.
//!
//! ```text
//!  name ─▶ Vods::find ─▶ Vod, path ─▶ Vods::open ─┬ storage: which file, and that it may be read
//!                                                 └ shelf of indexes ─▶ Film
//!  Film, number ─▶ Vods::segment ─ shelf of segments ─▶ MPEG-TS, read and muxed off the arbiter
//! ```
//! What costs work is made once for all who ask at the same time, and kept while there is room. A
//! file is known by its path, its time and its size: one that changed is another one, and nothing
//! of the old one is ever joined to the new one.

mod film;
mod shelf;
mod storage;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use thiserror::Error;
use watershed_media::mp4::{FileIndex, IndexLimits, Mp4Error};

use crate::limits::LimitHits;
use crate::live_stream::Viewers;
use crate::names::StreamName;
use crate::node_stats::CounterValues;
use crate::published::Published;
use film::FileId;
pub use film::MuxedSegment;
pub use shelf::Kept;
use shelf::{Shelf, ShelfError};
pub use storage::{EntryKind, FolderEntry, FolderError};

/// Names of files that are played end in one of these.
pub const SUFFIXES: [&str; 3] = ["mp4", "m4v", "mov"];

/// Indexes and segments that are made at the same time, of each.
const MAKERS: usize = 4;

/// A collection of files, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VodSpec {
    /// What the names of its files begin with.
    pub prefix: StreamName,
    /// Its folders; the first that has a file gives it.
    pub storages: Vec<PathBuf>,
    /// Length of a segment.
    pub segment_duration: Duration,
}

/// What files may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VodLimits {
    /// Bytes of the index of one file.
    pub index_bytes_max: usize,
    /// Bytes of all indexes in memory.
    pub indexes_bytes_max: usize,
    /// Bytes of all segments in memory, those on their way to clients included.
    pub segments_bytes_max: usize,
    /// Files and folders of one folder that are listed.
    pub folder_entries_max: usize,
}

/// A collection of files, with who plays them.
#[derive(Debug)]
pub struct Vod {
    spec: VodSpec,
    viewers: Arc<Viewers>,
}

/// A file that can be played.
#[derive(Clone, Debug)]
pub struct Film {
    id: FileId,
    index: Arc<FileIndex>,
}

/// Why a file is not played.
#[derive(Debug, Error)]
pub enum FilmError {
    /// There is no such file, or no longer.
    #[error("no such file, or it has changed")]
    NotFound,
    /// It is no file of a kind that is played.
    #[error("the file cannot be played: {0}")]
    Broken(String),
    /// There are too many others just now.
    #[error("too many files are played just now")]
    Full,
    /// The system refuses.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// All collections of this node; clones see the same ones.
#[derive(Clone, Debug)]
pub struct Vods {
    shared: Arc<Shared>,
}

type Indexed = Result<Arc<FileIndex>, String>;

#[derive(Debug)]
struct Shared {
    vods: Published<Vec<Arc<Vod>>>,
    limits: VodLimits,
    indexes: Arc<Shelf<FileId, Indexed>>,
    segments: Arc<Shelf<(FileId, usize), MuxedSegment>>,
    bytes_out: AtomicU64,
    hits: LimitHits,
}

impl Vods {
    /// No collection yet.
    #[must_use]
    pub fn new(limits: VodLimits, hits: LimitHits) -> Self {
        let shared = Shared {
            vods: Published::default(),
            limits,
            indexes: Shelf::new(limits.indexes_bytes_max, MAKERS),
            segments: Shelf::new(limits.segments_bytes_max, MAKERS),
            bytes_out: AtomicU64::new(0),
            hits,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Replaces the collections; who plays goes on where the collection stays.
    pub fn set(&self, specs: Vec<VodSpec>) {
        let old = self.shared.vods.load();
        let vod = |spec: VodSpec| {
            let same = old.iter().find(|vod| vod.spec.prefix == spec.prefix);
            let viewers = same.map(|vod| Arc::clone(&vod.viewers));
            let viewers = viewers.unwrap_or_else(|| Arc::new(Viewers::new(None)));
            Arc::new(Vod { spec, viewers })
        };
        self.shared.vods.publish(specs.into_iter().map(vod).collect());
    }

    /// What peers are told.
    #[must_use]
    pub fn prefixes(&self) -> Vec<String> {
        let vods = self.shared.vods.load();
        vods.iter().map(|vod| vod.spec.prefix.to_string()).collect()
    }

    /// The collection of that prefix.
    #[must_use]
    pub fn get(&self, prefix: &str) -> Option<Arc<Vod>> {
        self.shared.vods.load().iter().find(|vod| vod.spec.prefix.as_str() == prefix).cloned()
    }

    /// The collection that `name` is in, by the longest prefix, and the path in it; none where the
    /// path cannot be that of a file that is played.
    #[must_use]
    pub fn find<'a>(&self, name: &'a str) -> Option<(Arc<Vod>, &'a str)> {
        if !storage::is_playable(name) {
            return None;
        }
        let vods = self.shared.vods.load();
        let below = |vod: &&Arc<Vod>| storage::below(name, vod.spec.prefix.as_str()).is_some();
        let longest = vods.iter().filter(below).max_by_key(|vod| vod.spec.prefix.as_str().len())?;
        let path = storage::below(name, longest.spec.prefix.as_str())?;
        Some((Arc::clone(longest), path))
    }

    /// Finds the file at `path` and reads its index, unless that is known.
    ///
    /// Errors: [`FilmError`].
    pub async fn open(&self, vod: &Arc<Vod>, path: &str) -> Result<Film, FilmError> {
        let (storages, path) = (vod.spec.storages.clone(), path.to_owned());
        let found = actix_rt::task::spawn_blocking(move || storage::open(&storages, &path));
        let found = found.await.map_err(std::io::Error::other)??;
        let (path, file) = found.ok_or(FilmError::NotFound)?;
        let id = FileId::of(path, &file, vod.spec.segment_duration)?;
        let limits = IndexLimits {
            bytes_max: u64::try_from(self.shared.limits.index_bytes_max).unwrap_or(u64::MAX),
            segment_duration: vod.spec.segment_duration,
        };
        let (hits, size) = (self.shared.hits.clone(), id.size());
        let make = move || {
            let index = film::read_index(&file, size, limits)?;
            let bytes = index.as_ref().map_or(0, FileIndex::memory_bytes);
            let index = index.map_err(|error| {
                if matches!(error, Mp4Error::TooLarge { .. }) {
                    hits.hit("vod_index_size");
                }
                error.to_string()
            });
            Ok((index.map(Arc::new), bytes))
        };
        let indexed = self.shared.indexes.get(id.clone(), make).await;
        let indexed = indexed.map_err(|error| self.refused("vod_index_memory", error))?;
        match &**indexed {
            Ok(index) => Ok(Film { id, index: Arc::clone(index) }),
            Err(broken) => Err(FilmError::Broken(broken.clone())),
        }
    }

    /// Segment `number` of `film`, made now unless it is at hand.
    ///
    /// Errors: [`FilmError`]; `NotFound` also where the file has changed since it was opened.
    pub async fn segment(
        &self,
        film: &Film,
        number: usize,
    ) -> Result<Arc<Kept<MuxedSegment>>, FilmError> {
        if number >= film.index.segment_count() {
            return Err(FilmError::NotFound);
        }
        let (id, index) = (film.id.clone(), Arc::clone(&film.index));
        let make = move || {
            let segment = film::read_segment(&id, &index, number)?;
            let bytes = segment.size_bytes;
            Ok((segment, bytes))
        };
        let segment = self.shared.segments.get((film.id.clone(), number), make).await;
        segment.map_err(|error| self.refused("vod_segment_memory", error))
    }

    /// Counts bytes that a client took.
    pub fn sent(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.shared.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What is played of files, for the node's sums.
    #[must_use]
    pub fn counters(&self) -> CounterValues {
        let vods = self.shared.vods.load();
        CounterValues {
            play_sessions: vods.iter().map(|vod| u64::from(vod.viewers.count())).sum(),
            bytes_out: self.shared.bytes_out.load(Ordering::Relaxed),
            ..CounterValues::default()
        }
    }

    /// What is in `folder` of the collection, in order of names; blocks on the file system.
    ///
    /// Errors: there is no such folder, or too much in it.
    pub fn list(&self, vod: &Vod, folder: &str) -> Result<Vec<FolderEntry>, FolderError> {
        let entries_max = self.shared.limits.folder_entries_max;
        let listed = storage::list(&vod.spec.storages, vod.prefix().as_str(), folder, entries_max);
        if matches!(listed, Err(FolderError::TooMany { .. })) {
            self.shared.hits.hit("vod_folder_entries");
        }
        listed
    }

    fn refused(&self, limit: &'static str, error: ShelfError<FilmError>) -> FilmError {
        match error {
            ShelfError::Full => {
                self.shared.hits.hit(limit);
                FilmError::Full
            }
            ShelfError::Make(error) => error,
            ShelfError::Died => FilmError::Broken("reading it failed".to_owned()),
        }
    }
}

impl Vod {
    /// What the names of its files begin with.
    #[must_use]
    pub const fn prefix(&self) -> &StreamName {
        &self.spec.prefix
    }

    /// Who plays its files.
    #[must_use]
    pub const fn viewers(&self) -> &Arc<Viewers> {
        &self.viewers
    }

    /// How long an HLS player counts as there after a request.
    #[must_use]
    pub fn player_window(&self) -> Duration {
        2 * self.spec.segment_duration + Duration::from_secs(5)
    }
}

impl Film {
    /// What is known of it.
    #[must_use]
    pub fn index(&self) -> &FileIndex {
        &self.index
    }

    /// The name of segment `number`; another one when the file is another one.
    #[must_use]
    pub fn segment_name(&self, number: usize) -> String {
        format!("{}-{number}.ts", self.id.version())
    }

    /// The number of the segment of that name; none if it is not of this file as it is now.
    #[must_use]
    pub fn segment_number(&self, name: &str) -> Option<usize> {
        let (version, number) = name.strip_suffix(".ts")?.rsplit_once('-')?;
        let number = number.parse().ok().filter(|number| *number < self.index.segment_count())?;
        // Only as it is written in playlists, so that there is one address of each.
        (version == self.id.version() && name == self.segment_name(number)).then_some(number)
    }
}
