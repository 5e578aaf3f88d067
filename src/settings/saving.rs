//! Writes changed files to disk, whole or not at all.
//!
//! ```text
//! check (unchanged on disk? writable?) ▸ temporary file in the same folder ▸ fsync ▸ rename ▸
//! fsync of the folder
//! ```
//!
//! A file without its owner's write bit is read-only even for root, who could write it: whoever
//! took the bit away meant it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::document::{Document, folder_of, read_bounded};

const OWNER_WRITE_BIT: u32 = 0o200;

/// Why a configuration was not written; the files are as before.
#[derive(Debug, Error)]
pub enum SaveError {
    /// The file or its folder may not be written.
    #[error("{} is read-only: {why}", .path.display())]
    ConfigReadOnly {
        /// The file.
        path: PathBuf,
        /// What forbids it.
        why: String,
    },
    /// There is no room left.
    #[error("no room to write {}", .path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// Someone else wrote the file since it was read.
    #[error("{} changed on disk since it was read", .path.display())]
    ConfigChanged {
        /// The file.
        path: PathBuf,
    },
    /// Anything else.
    #[error("cannot write {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Writes every file of `new` that differs from `old`.
///
/// Errors: [`SaveError`]; files already written are put back.
pub(crate) fn save(old: &Document, new: &Document) -> Result<(), SaveError> {
    for file in &old.files {
        let on_disk = read_bounded(&file.path).map_err(|source| error(&file.path, source))?;
        if on_disk != file.source.text {
            return Err(SaveError::ConfigChanged { path: file.path.clone() });
        }
    }
    let before = old.texts();
    let mut written: Vec<(&Path, &String)> = Vec::new();
    for file in &new.files {
        let Some(old_text) = before.get(&file.path) else {
            continue;
        };
        if *old_text == file.source.text {
            continue;
        }
        if let Err(error) = replace(&file.path, &file.source.text) {
            for (path, text) in written {
                if let Err(error) = replace(path, text) {
                    log::error!("config {}: cannot be put back: {error}", path.display());
                }
            }
            return Err(error);
        }
        written.push((&file.path, old_text));
    }
    Ok(())
}

/// Puts `text` in the place of the file at `path`, through symbolic links.
fn replace(path: &Path, text: &str) -> Result<(), SaveError> {
    let failed = |source| error(path, source);
    let target = fs::canonicalize(path).map_err(failed)?;
    let metadata = fs::metadata(&target).map_err(failed)?;
    if metadata.mode() & OWNER_WRITE_BIT == 0 {
        let why = "its owner's write bit is off".to_owned();
        return Err(SaveError::ConfigReadOnly { path: path.to_owned(), why });
    }
    let folder = folder_of(&target);
    let folder_mode = fs::metadata(&folder).map_err(failed)?.mode();
    if folder_mode & OWNER_WRITE_BIT == 0 {
        let why = format!("the owner's write bit of {} is off", folder.display());
        return Err(SaveError::ConfigReadOnly { path: path.to_owned(), why });
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}.new", std::process::id()));
    let result = write_new(&temporary, text, &metadata)
        .and_then(|()| rename_or_overwrite(&temporary, &target, text));
    if result.is_err() {
        // Best effort: the error that led here says more than one of removing would.
        let _ = fs::remove_file(&temporary);
    }
    result.map_err(failed)?;
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn write_new(path: &Path, text: &str, like: &fs::Metadata) -> io::Result<()> {
    // What a crash left behind must not be in the way.
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        chown(path, Some(like.uid()), Some(like.gid()))?;
    }
    file.set_permissions(Permissions::from_mode(like.mode() & 0o7777))?;
    file.sync_all()
}

/// Renames; where that is refused (the file is a mount of its own) keeps a backup and writes in
/// place.
fn rename_or_overwrite(temporary: &Path, target: &Path, text: &str) -> io::Result<()> {
    match fs::rename(temporary, target) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices
            ) =>
        {
            overwrite(temporary, target, text)
        }
        result => result,
    }
}

fn overwrite(temporary: &Path, target: &Path, text: &str) -> io::Result<()> {
    let mut backup = target.as_os_str().to_owned();
    backup.push(".backup");
    let backup = PathBuf::from(backup);
    fs::copy(target, &backup)?;
    File::open(&backup)?.sync_all()?;
    let mut file = OpenOptions::new().write(true).truncate(true).open(target)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        fs::copy(&backup, target)?;
        return Err(error);
    }
    fs::remove_file(temporary)
}

fn error(path: &Path, source: io::Error) -> SaveError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SaveError::DiskFull { path },
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            SaveError::ConfigReadOnly { path, why: source.to_string() }
        }
        io::ErrorKind::NotFound => SaveError::ConfigChanged { path },
        _ => SaveError::Io { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::document::Overrides;

    fn documents(path: &Path, text: &str) -> (Document, Document) {
        let (old, _) = Document::read(path, &Overrides::new()).unwrap();
        let texts = [(path.to_owned(), text.to_owned())].into();
        let (new, _) = Document::read(path, &texts).unwrap();
        (old, new)
    }

    #[test]
    fn file_keeps_its_mode_and_a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real.conf");
        let link = folder.path().join("link.conf");
        fs::write(&real, "http 1;\n").unwrap();
        fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let (old, new) = documents(&link, "http 2;\n");
        save(&old, &new).unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "http 2;\n");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn read_only_file_or_folder_is_refused_also_for_root() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.conf");
        fs::write(&path, "http 1;\n").unwrap();
        let (old, new) = documents(&path, "http 2;\n");
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        assert!(matches!(save(&old, &new), Err(SaveError::ConfigReadOnly { .. })));
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o555)).unwrap();
        assert!(matches!(save(&old, &new), Err(SaveError::ConfigReadOnly { .. })));
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "http 1;\n");
    }

    #[test]
    fn file_changed_by_another_hand_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.conf");
        fs::write(&path, "http 1;\n").unwrap();
        let (old, new) = documents(&path, "http 2;\n");
        fs::write(&path, "http 3;\n").unwrap();
        assert!(matches!(save(&old, &new), Err(SaveError::ConfigChanged { .. })));
        fs::remove_file(&path).unwrap();
        assert!(matches!(save(&old, &new), Err(SaveError::ConfigChanged { .. })));
    }

    #[test]
    fn single_file_mount_is_written_in_place_with_a_backup() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.conf");
        let temporary = folder.path().join("t");
        fs::write(&path, "http 1;\n").unwrap();
        fs::write(&temporary, "http 2;\n").unwrap();
        overwrite(&temporary, &path, "http 2;\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "http 2;\n");
        let backup = folder.path().join("a.conf.backup");
        assert_eq!(fs::read_to_string(backup).unwrap(), "http 1;\n");
    }

    #[test]
    fn full_disk_is_told_apart() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert!(matches!(error(Path::new("a"), full), SaveError::DiskFull { .. }));
    }
}
