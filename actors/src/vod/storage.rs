//! From a path that a client sent to a file below a storage, and never to one elsewhere. Blocks.
//!
//! A path is parts of a stream's name, so it has no `..`, no empty part, nothing escaped and no NUL
//! in it. What is left are links and what is no file: a path is followed to where it really leads
//! first, and that has to be a plain file, below the storage, with no hidden part on the way.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use thiserror::Error;

use super::SUFFIXES;
use crate::names::check_stream_name;

/// What is in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderEntry {
    /// Its own name, without the folder's.
    pub name: String,
    /// Whether it is a file.
    pub kind: EntryKind,
    /// Size in bytes, of a file.
    pub bytes: Option<u64>,
    /// When it was last changed, in unix seconds.
    pub mtime: Option<u64>,
    /// The name it is played by; none for a folder, and for a file whose name no stream can have.
    pub stream: Option<String>,
}

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EntryKind {
    #[default]
    /// A file that can be played, as far as its name says.
    File,
    /// A folder.
    Directory,
}

/// Why a folder is not listed.
#[derive(Debug, Error)]
pub enum FolderError {
    /// No storage has it.
    #[error("there is no such folder")]
    NotFound,
    /// It has more entries than are looked at.
    #[error("the folder has more than {entries_max} entries")]
    TooMany {
        /// The limit.
        entries_max: usize,
    },
}

/// The path of `name` below `prefix`.
pub(super) fn below<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    name.strip_prefix(prefix)?.strip_prefix('/')
}

/// Whether `name` may be that of a file that is played: by its suffix, and with no hidden part.
pub(super) fn is_playable(name: &str) -> bool {
    let suffix = name.rsplit_once('.').map(|(_, suffix)| suffix);
    suffix.is_some_and(|suffix| SUFFIXES.iter().any(|known| known.eq_ignore_ascii_case(suffix)))
        && name.split('/').all(|part| !part.starts_with('.'))
}

/// Opens the file at `path` of the first storage that has it, with its real path.
///
/// Errors: as the system says; a file that is not there, or may not be read, is none.
pub(super) fn open(storages: &[PathBuf], path: &str) -> io::Result<Option<(PathBuf, File)>> {
    for storage in storages {
        let Some(real) = real_path(storage, path) else { continue };
        // Looked at before it is opened, as opening a pipe or a device does something.
        if !fs::symlink_metadata(&real).is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        match File::open(&real) {
            Ok(file) if file.metadata()?.is_file() => return Ok(Some((real, file))),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                log::debug!("vod: {}: {error}", real.display());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// What is in `folder` of all `storages`, in order of names; of two of one name that of the first
/// storage. Files that are not played are left out.
///
/// Errors: no storage has such a folder, or it has more than `entries_max` entries.
pub(super) fn list(
    storages: &[PathBuf],
    prefix: &str,
    folder: &str,
    entries_max: usize,
) -> Result<Vec<FolderEntry>, FolderError> {
    let mut found: BTreeMap<String, FolderEntry> = BTreeMap::new();
    let folder = folder.trim_end_matches('/');
    let (mut is_there, mut seen) = (false, 0);
    for storage in storages {
        let Some(real) = real_path(storage, folder) else { continue };
        let Ok(entries) = fs::read_dir(&real) else { continue };
        is_there = true;
        for entry in entries.flatten() {
            seen += 1;
            if seen > entries_max {
                return Err(FolderError::TooMany { entries_max });
            }
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            // Followed to where it leads, so that nothing is listed that would not be played.
            let Some(real) = real_path(storage, &path) else { continue };
            let Ok(metadata) = fs::metadata(real) else { continue };
            if let Some(entry) = shown(name, &format!("{prefix}/{path}"), &metadata) {
                found.entry(entry.name.clone()).or_insert(entry);
            }
        }
    }
    if is_there { Ok(found.into_values().collect()) } else { Err(FolderError::NotFound) }
}

fn shown(name: String, stream: &str, metadata: &Metadata) -> Option<FolderEntry> {
    let kind = match (metadata.is_dir(), metadata.is_file()) {
        (true, _) => EntryKind::Directory,
        (_, true) if is_playable(&name) => EntryKind::File,
        _ => return None,
    };
    let is_file = kind == EntryKind::File;
    let mtime = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Some(FolderEntry {
        name,
        kind,
        bytes: is_file.then_some(metadata.len()),
        mtime: mtime.map(|since| since.as_secs()),
        stream: (is_file && check_stream_name(stream).is_ok()).then(|| stream.to_owned()),
    })
}

/// Where `path` of `storage` really is; none if it is not there, leads out of the storage, or is
/// hidden.
fn real_path(storage: &Path, path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    if !path.components().all(is_plain) {
        return None;
    }
    let storage = storage.canonicalize().ok()?;
    let real = storage.join(path).canonicalize().ok()?;
    let inner = real.strip_prefix(&storage).ok()?;
    inner.components().all(is_plain).then_some(real)
}

/// Whether it is a name, and not a hidden one.
fn is_plain(part: Component<'_>) -> bool {
    match part {
        Component::Normal(name) => !name.as_encoded_bytes().starts_with(b"."),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Two storages, with files of a few names, links of all kinds and a folder outside.
    fn storages(folder: &Path) -> Vec<PathBuf> {
        let (one, two, outside) = (folder.join("one"), folder.join("two"), folder.join("outside"));
        for path in [one.join("sub"), one.join(".hidden"), two.join("sub"), outside.clone()] {
            fs::create_dir_all(path).unwrap();
        }
        for (path, text) in [
            (one.join("a.mp4"), "a of one"),
            (one.join("sub/s.mp4"), "s"),
            (one.join(".hidden/h.mp4"), "h"),
            (one.join(".dot.mp4"), "dot"),
            (one.join("notes.txt"), "notes"),
            (one.join("with space.mp4"), "space"),
            (two.join("a.mp4"), "a of two"),
            (two.join("sub/t.MP4"), "t"),
            (outside.join("x.mp4"), "x"),
        ] {
            fs::write(path, text).unwrap();
        }
        symlink(outside.join("x.mp4"), one.join("out.mp4")).unwrap();
        symlink(&outside, one.join("away")).unwrap();
        symlink(one.join(".dot.mp4"), one.join("to-dot.mp4")).unwrap();
        symlink(one.join("sub/s.mp4"), one.join("in.mp4")).unwrap();
        symlink("/nowhere", one.join("broken.mp4")).unwrap();
        symlink("loop.mp4", one.join("loop.mp4")).unwrap();
        fs::create_dir(one.join("folder.mp4")).unwrap();
        vec![folder.join("not-there"), one, two]
    }

    fn text(storages: &[PathBuf], path: &str) -> Option<String> {
        let (real, _) = open(storages, path).unwrap()?;
        Some(fs::read_to_string(real).unwrap())
    }

    #[test]
    fn first_storage_that_has_the_file_gives_it() {
        let folder = tempfile::tempdir().unwrap();
        let storages = storages(folder.path());
        for (path, expected) in
            [("a.mp4", "a of one"), ("sub/s.mp4", "s"), ("sub/t.MP4", "t"), ("in.mp4", "s")]
        {
            assert_eq!(text(&storages, path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn no_path_leads_out_or_to_what_is_no_plain_file() {
        let folder = tempfile::tempdir().unwrap();
        let storages = storages(folder.path());
        for path in [
            "../outside/x.mp4",
            "sub/../../outside/x.mp4",
            "/etc/passwd",
            "out.mp4",
            "away/x.mp4",
            ".dot.mp4",
            ".hidden/h.mp4",
            "to-dot.mp4",
            "broken.mp4",
            "loop.mp4",
            "folder.mp4",
            "a.mp4/",
            "a.mp4/b",
            "a.mp4\0",
            "sub",
            "",
            ".",
            "sub/./s.mp4\0",
        ] {
            assert!(open(&storages, path).unwrap().is_none(), "{path:?}");
        }
    }

    #[test]
    fn folder_lists_what_would_be_played() {
        let folder = tempfile::tempdir().unwrap();
        let storages = storages(folder.path());
        let listed = list(&storages, "movies", "", 100).unwrap();
        let names: Vec<&str> = listed.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["a.mp4", "folder.mp4", "in.mp4", "sub", "with space.mp4"]);
        let of = |name: &str| listed.iter().find(|entry| entry.name == name).unwrap();
        assert_eq!((of("a.mp4").kind, of("a.mp4").bytes), (EntryKind::File, Some(8)));
        assert_eq!(of("a.mp4").stream.as_deref(), Some("movies/a.mp4"));
        assert_eq!(of("with space.mp4").stream, None);
        assert_eq!((of("sub").kind, of("sub").bytes), (EntryKind::Directory, None));
        let inner = list(&storages, "movies", "sub", 100).unwrap();
        let streams: Vec<_> = inner.iter().filter_map(|entry| entry.stream.as_deref()).collect();
        assert_eq!(streams, ["movies/sub/s.mp4", "movies/sub/t.MP4"]);
    }

    #[test]
    fn folders_elsewhere_and_endless_ones_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let storages = storages(folder.path());
        for path in ["..", "away", ".hidden", "none", "a.mp4", "/etc", "sub/.."] {
            let found = list(&storages, "movies", path, 100);
            assert!(matches!(found, Err(FolderError::NotFound)), "{path}: {found:?}");
        }
        let found = list(&storages, "movies", "", 5);
        assert!(matches!(found, Err(FolderError::TooMany { entries_max: 5 })));
    }

    #[test]
    fn names_are_judged_by_suffix_and_hidden_parts() {
        for (name, is_wanted) in [
            ("movies/a.mp4", true),
            ("movies/a.M4V", true),
            ("movies/a.ts", false),
            ("movies/a", false),
            ("movies/.a.mp4", false),
            (".movies/a.mp4", false),
        ] {
            assert_eq!(is_playable(name), is_wanted, "{name}");
        }
    }
}
