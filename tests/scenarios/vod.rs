//! Files on demand: all of one is played, from any place in it, wherever in the cluster it is; and
//! nothing else of a node's disk.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::browser::Browser;
use crate::support::cluster::{Cluster, plan};
use crate::support::http::{self, Answer};
use crate::support::node::{API, Node};
use crate::support::players::{self, run};
use crate::support::{eventually, media};

const LIMIT: Duration = Duration::from_secs(10);
/// How often a clip of 10 s is repeated for a film.
const REPEATS: u32 = 6;

/// A film of a minute, made of a clip without encoding it again.
fn film(clip: &str, to: &Path, options: &[&str]) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-stream_loop", &(REPEATS - 1).to_string(), "-i"]);
    command.arg(media::clip(clip)).args(["-c", "copy"]).args(options).arg(to);
    let output = run(&mut command, Duration::from_secs(60));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Two storages, of `south` and of `east`; the film is in the latter.
struct Storages {
    folder: TempDir,
}

impl Storages {
    fn new() -> Self {
        let storages = Self { folder: tempfile::tempdir().unwrap() };
        for node in ["south", "east"] {
            std::fs::create_dir_all(storages.of(node).join("sub")).unwrap();
        }
        storages
    }

    fn of(&self, node: &str) -> PathBuf {
        self.folder.path().join(node)
    }

    /// `north` has no files, `south` and `east` have the same prefix.
    fn cluster(&self) -> Cluster {
        let line = |node: &str| {
            format!("vod movies {{ storage /not-there; storage {}; }}\n", self.of(node).display())
        };
        plan().config("south", &line("south")).config("east", &line("east")).start_connected()
    }
}

/// GET, redirects followed; the answer and how many there were.
fn follow(node: &Node, target: &str) -> (Answer, usize) {
    let (mut port, mut target) = (node.http, target.to_owned());
    for count in 0..10 {
        let answer = http::get(port, &target).unwrap();
        let Some(location) = answer.location() else { return (answer, count) };
        let rest = location.strip_prefix("http://127.0.0.1:").unwrap();
        let (next, path) = rest.split_once('/').unwrap();
        (port, target) = (next.parse().unwrap(), format!("/{path}"));
    }
    panic!("{target}: redirected without end");
}

/// Waits until the file is played for a client that asks `node`.
fn wait_playable(node: &Node, file: &str) {
    eventually(LIMIT, &format!("{} leads to {file}", node.name), || {
        let (answer, _) = follow(node, &format!("/movies/{file}/index.m3u8"));
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    });
}

fn duration_s(url: &str) -> f64 {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json", "-show_entries", "format=duration", url]);
    let output = run(&mut command, Duration::from_secs(60));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    found["format"]["duration"].as_str().unwrap_or_default().parse().unwrap()
}

/// When the keyframes of a file are shown, in seconds.
fn keyframes_s(path: &str) -> Vec<f64> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json", "-select_streams", "v", "-show_packets"]);
    let output = run(command.arg(path), Duration::from_secs(60));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packets = found["packets"].as_array().unwrap();
    let keys = packets.iter().filter(|packet| packet["flags"].as_str().unwrap().contains('K'));
    keys.map(|packet| packet["pts_time"].as_str().unwrap().parse().unwrap()).collect()
}

/// The hash of the picture that a player shows `at_s` seconds into `url`.
fn picture_at(url: &str, at_s: f64) -> String {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-ss", &at_s.to_string(), "-i", url]);
    command.args(["-map", "0:v", "-frames:v", "1", "-f", "framemd5", "-"]);
    let output = run(&mut command, Duration::from_secs(60));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let hash = text.lines().last().and_then(|line| line.rsplit(',').next()).unwrap_or_default();
    assert!(!hash.trim().is_empty(), "{url} at {at_s}: {output:?}");
    hash.trim().to_owned()
}

fn media_playlist(node: &Node, file: &str) -> String {
    let answer = node.get(&format!("/movies/{file}/video.m3u8"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

fn segments(playlist: &str) -> Vec<&str> {
    playlist.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn whole_films_play_and_are_sought_in_through_any_node() {
    let storages = Storages::new();
    let east = storages.of("east");
    // One with B-frames, one whose frame times are no whole milliseconds, in fragments, one of
    // another codec.
    film("bars.mp4", &east.join("bars.mp4"), &["-movflags", "+faststart"]);
    film("film.mp4", &east.join("sub/film.mp4"), &["-movflags", "+frag_keyframe+empty_moov"]);
    film("hevc.mp4", &east.join("hevc.m4v"), &["-f", "mp4"]);
    let cluster = storages.cluster();
    for file in ["bars.mp4", "sub/film.mp4", "hevc.m4v"] {
        for node in &cluster.nodes {
            wait_playable(node, file);
            let url = node.playback_url(&format!("movies/{file}"), "index.m3u8");
            let path = east.join(file);
            let original = path.to_str().unwrap();
            let (played, wanted) = (duration_s(&url), duration_s(original));
            println!("{file} through {}: {played} s, the file {wanted} s", node.name);
            assert!((played - wanted).abs() < 0.05, "{file}: {played} s, not {wanted} s");
        }
        let north = cluster.node("north");
        let url = north.playback_url(&format!("movies/{file}"), "index.m3u8");
        let path = east.join(file);
        let original = path.to_str().unwrap();
        let (_, received) = players::ffprobe(&url, 3600);
        let (_, sent) = players::ffprobe(original, 3600);
        for kind in ["video", "audio"] {
            assert_eq!(received[kind].len(), sent[kind].len(), "{file}: packets of {kind}");
        }
        players::assert_rising(file, &received, &["video", "audio"], 1);
        // ffmpeg goes on with the first keyframe behind the place it seeks to.
        let keyframes = keyframes_s(original);
        for wanted_s in [5.0, 17.0, 33.0, 57.0] {
            let next_s = keyframes.iter().copied().find(|at_s| *at_s > wanted_s).unwrap();
            let at_s = next_s - 0.01;
            assert_eq!(picture_at(&url, at_s), picture_at(original, at_s), "{file} at {at_s} s");
        }
    }
}

#[test]
fn the_player_page_of_another_node_plays_a_film_from_where_it_is_sent_to() {
    let storages = Storages::new();
    film("bars.mp4", &storages.of("east").join("a.mp4"), &[]);
    let cluster = storages.cluster();
    let north = cluster.node("north");
    wait_playable(north, "a.mp4");
    let url = north.playback_url("movies/a.mp4", "embed.html?autoplay=true&mute=true");
    let mut browser = Browser::open_and_seek(&url, 33.5, north);
    // A second before it is sent away, and the rest there; the jump itself does not count.
    browser.wait_playing(5.0, Duration::from_secs(60));
    let there = browser.sights();
    let there: Vec<_> = there.iter().filter(|sight| sight.current_time >= 33.4).collect();
    let (first, last) = (there.first().unwrap(), there.last().unwrap());
    assert!(first.current_time < 35.0, "it began at {} s", first.current_time);
    assert!(last.frames > first.frames + 20, "{first:?} {last:?}");
}

#[test]
fn segments_last_as_long_as_they_say_and_begin_at_keyframes() {
    let storages = Storages::new();
    film("bars.mp4", &storages.of("east").join("a.mp4"), &[]);
    let cluster = storages.cluster();
    let east = cluster.node("east");
    let playlist = media_playlist(east, "a.mp4");
    assert!(playlist.contains("#EXT-X-PLAYLIST-TYPE:VOD\n"), "{playlist}");
    assert!(playlist.ends_with("#EXT-X-ENDLIST\n"), "{playlist}");
    let names = segments(&playlist);
    assert_eq!(names.len(), 15, "60 s in segments of 4 s, a keyframe each 2 s: {playlist}");
    let lengths: Vec<f64> = playlist
        .lines()
        .filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(',')?.parse().ok())
        .collect();
    let mut last_end: Option<f64> = None;
    for (name, length_s) in names.iter().zip(&lengths).take(4) {
        let answer = east.get(&format!("/movies/a.mp4/{name}"));
        assert_eq!(answer.status, 200);
        assert!(answer.header("cache-control").unwrap().contains("immutable"));
        assert_eq!(answer.header("content-type"), Some("video/mp2t"));
        let times = players::times_of(&answer.body);
        let video = &times["video"];
        assert_eq!(video.len(), 100, "{name}: 4 s of 25 frames");
        if let Some(end) = last_end {
            assert!((video[0] - end).abs() < 0.001, "{name} begins at {}, not {end}", video[0]);
        }
        last_end = Some(video[0] + length_s);
    }
    let master = east.get("/movies/a.mp4/index.m3u8").text();
    assert!(master.contains("RESOLUTION=640x360") && master.contains("mp4a.40.2"), "{master}");
    let info = east.get("/movies/a.mp4/media_info.json").json();
    assert_eq!(info["tracks"][0]["codec"], "h264");
    for output in ["mpegts", "live.flv", "index.ll.m3u8"] {
        let answer = east.get(&format!("/movies/a.mp4/{output}"));
        assert_eq!((answer.status, answer.text().contains("HLS only")), (404, true), "{output}");
    }
    assert_eq!(east.get("/movies/a.mp4/embed.html").status, 200);
}

#[test]
fn nothing_but_films_below_the_storage_is_given_out() {
    let storages = Storages::new();
    let east = storages.of("east");
    let outside = storages.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    film("audio-only.mp4", &outside.join("x.mp4"), &[]);
    for hidden in [east.join(".hidden.mp4"), east.join("notes.txt")] {
        std::fs::copy(outside.join("x.mp4"), hidden).unwrap();
    }
    symlink(outside.join("x.mp4"), east.join("link.mp4")).unwrap();
    symlink(&outside, east.join("away")).unwrap();
    symlink("/etc/passwd", east.join("passwd.mp4")).unwrap();
    std::fs::write(east.join("broken.mp4"), "no film at all").unwrap();
    std::fs::copy(outside.join("x.mp4"), east.join("good.mp4")).unwrap();
    let cluster = storages.cluster();
    let node = cluster.node("east");
    wait_playable(node, "good.mp4");
    for target in [
        "/movies/../outside/x.mp4/index.m3u8",
        "/movies/sub/../../outside/x.mp4/index.m3u8",
        "/movies/%2e%2e/outside/x.mp4/index.m3u8",
        "/movies/..%2foutside%2fx.mp4/index.m3u8",
        "/movies/sub%2f..%2fgood.mp4/index.m3u8",
        "/movies/..\\outside\\x.mp4/index.m3u8",
        "/movies//etc/passwd.mp4/index.m3u8",
        "/movies/%2fetc%2fpasswd/index.m3u8",
        "/movies/good.mp4%00/index.m3u8",
        "/movies/good.mp4/../good.mp4/index.m3u8",
        "/movies/./good.mp4/index.m3u8",
        "/movies/link.mp4/index.m3u8",
        "/movies/away/x.mp4/index.m3u8",
        "/movies/passwd.mp4/index.m3u8",
        "/movies/.hidden.mp4/index.m3u8",
        "/movies/notes.txt/index.m3u8",
        "/movies/sub/index.m3u8",
        "/movies/index.m3u8",
        "/movies/good.mp4",
        "/movies/broken.mp4/index.m3u8",
        "/movies/good.mp4/0.ts",
        "/movies/good.mp4/../../etc/passwd",
    ] {
        let (answer, _) = follow(node, target);
        assert!(matches!(answer.status, 400 | 404), "{target}: {}", answer.status);
        let text = answer.text();
        assert!(!text.contains("#EXTM3U") && !text.contains("root:"), "{target}: {text}");
    }
    let broken = node.get("/movies/broken.mp4/index.m3u8").text();
    assert!(broken.contains("cannot be played"), "{broken}");
    for method in ["PUT", "POST", "DELETE"] {
        let target = "/movies/good.mp4/index.m3u8";
        let answer = http::request(node.http, method, target, &[], b"", LIMIT).unwrap();
        assert_eq!(answer.status, 405, "{method}");
    }
    for folder in ["..", "away", "sub/..", "/etc", ".", "%2e%2e"] {
        let answer = node.get(&format!("{API}/vods/movies/files?path={folder}"));
        assert_eq!(answer.status, 404, "{folder}: {}", answer.text());
    }
}

#[test]
fn file_that_is_replaced_while_it_plays_is_never_mixed_with_the_old_one() {
    let storages = Storages::new();
    let path = storages.of("east").join("a.mp4");
    film("bars.mp4", &path, &[]);
    let cluster = storages.cluster();
    let east = cluster.node("east");
    let old = media_playlist(east, "a.mp4");
    let names = segments(&old);
    assert_eq!(east.get(&format!("/movies/a.mp4/{}", names[0])).status, 200);
    let new_path = storages.of("east").join("new.mp4");
    film("mono.mp4", &new_path, &[]);
    std::fs::rename(&new_path, &path).unwrap();
    for name in &names {
        let answer = east.get(&format!("/movies/a.mp4/{name}"));
        assert_eq!(answer.status, 404, "{name} of the old file");
        assert!(answer.text().contains("changed"), "{}", answer.text());
    }
    let new = media_playlist(east, "a.mp4");
    assert!(segments(&new).iter().all(|name| !names.contains(name)), "{new}");
    let url = east.playback_url("movies/a.mp4", "index.m3u8");
    assert_eq!(players::widths(&url, 5), [320]);
    // Cut off in place, as by a copy that begins anew.
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(50_000).unwrap();
    let stale = east.get(&format!("/movies/a.mp4/{}", segments(&new)[3]));
    assert_eq!(stale.status, 404);
    std::fs::remove_file(&path).unwrap();
    eventually(LIMIT, "the file is gone", || {
        let (answer, _) = follow(east, "/movies/a.mp4/index.m3u8");
        if answer.status == 404 { Ok(()) } else { Err(answer.status.to_string()) }
    });
}

#[test]
fn missing_file_is_missed_after_every_node_was_asked_and_a_lost_one_is_expected_back() {
    let storages = Storages::new();
    film("mono.mp4", &storages.of("east").join("a.mp4"), &[]);
    let mut cluster = storages.cluster();
    for node in &cluster.nodes {
        wait_playable(node, "a.mp4");
        let (answer, count) = follow(node, "/movies/none.mp4/index.m3u8");
        assert_eq!(answer.status, 404, "{} after {count}: {}", node.name, answer.text());
        assert!(count <= 2, "{} redirects", count);
        let (other, count) = follow(node, "/elsewhere/a.mp4/index.m3u8");
        assert_eq!((other.status, count), (404, 0), "nobody has such a prefix");
    }
    cluster.node_mut("east").kill();
    for name in ["north", "south"] {
        cluster.node(name).wait_peer("east", "down", LIMIT);
    }
    let north = cluster.node("north");
    let (answer, _) = follow(north, "/movies/a.mp4/index.m3u8");
    assert_eq!(answer.status, 503, "it may come back: {}", answer.text());
    eventually(2 * LIMIT, "it is no longer expected back", || {
        let (answer, _) = follow(north, "/movies/a.mp4/index.m3u8");
        if answer.status == 404 { Ok(()) } else { Err(answer.text()) }
    });
}

#[test]
fn collections_are_made_listed_watched_and_removed_by_the_api() {
    let storages = Storages::new();
    let cluster = storages.cluster();
    let north = cluster.node("north");
    let folder = north.config_path().parent().unwrap().join("films");
    std::fs::create_dir(&folder).unwrap();
    film("mono.mp4", &folder.join("a.mp4"), &[]);
    std::fs::create_dir(folder.join("more")).unwrap();
    std::fs::write(folder.join("notes.txt"), "notes").unwrap();
    let vods = format!("{API}/vods");
    let put = |name: &str, patch: Value| {
        http::send_json(north.http, "PUT", &format!("{vods}/{name}"), &patch)
    };
    let refused = put("films", json!({"storages": [{"url": "/etc"}]}));
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert_eq!(refused.json()["errors"][0]["code"], "storage_not_allowed");
    let made = put("films", json!({"storages": [{"url": "films"}]}));
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.json()["segment_duration"], 4);

    let files = north.get(&format!("{vods}/films/files")).json();
    assert_eq!(files["estimated_count"], 2, "{files}");
    assert_eq!(files["files"][0]["stream"], "films/a.mp4");
    assert_eq!(files["files"][1]["kind"], "directory");
    let found = north.get(&format!("{vods}/films/files?q=MORE&select=name")).json();
    assert_eq!(found["files"], json!([{"name": "more"}]));
    assert_eq!(north.get(&format!("{vods}/films/files?path=more")).json()["files"], json!([]));

    // A peer hears of the new collection and leads there.
    let south = cluster.node("south");
    eventually(LIMIT, "south leads to the new film", || {
        let (answer, _) = follow(south, "/films/a.mp4/index.m3u8");
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    });
    let (_, times) = players::ffprobe(&south.playback_url("films/a.mp4", "index.m3u8"), 5);
    players::assert_rising("films/a.mp4", &times, &["video", "audio"], 50);
    eventually(LIMIT, "the player is a session", || {
        let sessions = north.api("/sessions?name=films/a.mp4");
        let mut found = sessions["sessions"].as_array().into_iter().flatten();
        let has_taken = found.any(|one| one["bytes"].as_u64() > Some(10_000));
        if has_taken { Ok(()) } else { Err(sessions.to_string()) }
    });
    let shown = north.get(&format!("{vods}/films")).json();
    assert!(shown["stats"]["online_clients"].as_u64().unwrap() >= 1, "{shown}");
    eventually(LIMIT, "the node counts its clients", || {
        let stats = north.api("/config/stats");
        let clients = stats["total_clients"].as_u64().unwrap_or(0);
        if clients >= 1 { Ok(()) } else { Err(stats.to_string()) }
    });

    let target = format!("{vods}/films");
    let gone = http::request(north.http, "DELETE", &target, &[], b"", LIMIT).unwrap();
    assert_eq!(gone.status, 204);
    assert_eq!(north.get("/films/a.mp4/index.m3u8").status, 404);
    assert_eq!(north.get(&format!("{vods}/films/files")).status, 404);
}
