//! A collection of recorded files, opened and played as clients do.

use std::path::Path;

use bytes::Bytes;

use super::*;

const FILM: &[u8] = include_bytes!("../../../media/testdata/h264-aac.mp4");
const OTHER: &[u8] = include_bytes!("../../../media/testdata/fragmented.mp4");

const LIMITS: VodLimits = VodLimits {
    index_bytes_max: 1 << 20,
    indexes_bytes_max: 1 << 20,
    segments_bytes_max: 1 << 20,
    folder_entries_max: 10,
};

fn vods(limits: VodLimits, folder: &Path) -> Vods {
    let vods = Vods::new(limits, LimitHits::default());
    let spec = |prefix: &str| VodSpec {
        prefix: prefix.parse().unwrap(),
        storages: vec![folder.to_owned()],
        segment_duration: Duration::from_secs(1),
    };
    vods.set(vec![spec("movies"), spec("movies/old")]);
    vods
}

async fn open(vods: &Vods, name: &str) -> Result<Film, FilmError> {
    let (vod, path) = vods.find(name).ok_or(FilmError::NotFound)?;
    vods.open(&vod, path).await
}

#[test]
fn longest_prefix_has_the_name() {
    let vods = vods(LIMITS, Path::new("/nowhere"));
    let found = |name| vods.find(name).map(|(vod, path)| (vod.prefix().to_string(), path));
    assert_eq!(found("movies/a/b.mp4"), Some(("movies".to_owned(), "a/b.mp4")));
    assert_eq!(found("movies/old/b.mp4"), Some(("movies/old".to_owned(), "b.mp4")));
    for name in ["movies", "movies/a.txt", "moviesold/a.mp4", "other/a.mp4", "movies/.a.mp4"] {
        assert_eq!(found(name), None, "{name}");
    }
}

#[actix::test]
async fn segments_are_named_numbered_and_shared() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.mp4"), FILM).unwrap();
    let vods = vods(LIMITS, folder.path());
    let film = open(&vods, "movies/a.mp4").await.unwrap();
    assert_eq!(film.index().segment_count(), 3);
    let name = film.segment_name(2);
    assert_eq!(film.segment_number(&name), Some(2));
    for wrong in [name.replace("-2.ts", "-3.ts"), name.replace("-2.ts", "-02.ts"), "2.ts".into()] {
        assert_eq!(film.segment_number(&wrong), None, "{wrong}");
    }
    let first = vods.segment(&film, 2).await.unwrap();
    assert_eq!(first.size_bytes, first.pieces.iter().map(Bytes::len).sum::<usize>());
    let again = vods.segment(&film, 2).await.unwrap();
    assert!(Arc::ptr_eq(&first, &again), "made once");
    assert!(matches!(vods.segment(&film, 3).await, Err(FilmError::NotFound)));
}

#[actix::test]
async fn file_that_changed_is_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    std::fs::write(&path, FILM).unwrap();
    let vods = vods(LIMITS, folder.path());
    let old = open(&vods, "movies/a.mp4").await.unwrap();
    std::fs::write(&path, OTHER).unwrap();
    let segment = vods.segment(&old, 0).await;
    assert!(matches!(segment, Err(FilmError::NotFound)), "never of two files");
    let new = open(&vods, "movies/a.mp4").await.unwrap();
    assert_eq!(new.index().segment_count(), 2);
    assert_eq!(new.segment_number(&old.segment_name(0)), None);
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(open(&vods, "movies/a.mp4").await, Err(FilmError::NotFound)));
}

#[actix::test]
async fn broken_file_says_why_and_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    std::fs::write(&path, "no film").unwrap();
    let vods = vods(LIMITS, folder.path());
    for _ in 0..2 {
        let error = open(&vods, "movies/a.mp4").await.unwrap_err();
        assert_eq!(error.to_string(), "the file cannot be played: no moov box");
    }
    std::fs::write(&path, FILM).unwrap();
    assert!(open(&vods, "movies/a.mp4").await.is_ok());
}

#[actix::test]
async fn limits_are_counted_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.mp4"), FILM).unwrap();
    let small = VodLimits { index_bytes_max: 1000, segments_bytes_max: 1000, ..LIMITS };
    let vods_of_small = vods(small, folder.path());
    let refused = open(&vods_of_small, "movies/a.mp4").await;
    assert!(matches!(refused, Err(FilmError::Broken(_))), "{refused:?}");
    assert_eq!(vods_of_small.shared.hits.counts().get("vod_index_size"), Some(&1));

    let tight = vods(VodLimits { segments_bytes_max: 1000, ..LIMITS }, folder.path());
    let film = open(&tight, "movies/a.mp4").await.unwrap();
    let held = tight.segment(&film, 0).await.unwrap();
    assert!(matches!(tight.segment(&film, 1).await, Err(FilmError::Full)));
    assert_eq!(tight.shared.hits.counts().get("vod_segment_memory"), Some(&1));
    drop(held);
    assert!(tight.segment(&film, 1).await.is_ok());
}
