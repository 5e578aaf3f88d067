//! The pages of one node: its config file is edited in the browser, its files are played, its API
//! and itself are told about; and which of its pages others may frame.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::support::cluster::KEY;
use crate::support::console::{Console, row};
use crate::support::node::{API, Node};
use crate::support::{http, media, slots};

const LIMIT: Duration = Duration::from_secs(20);
const EDITOR: &str = "Text of the config file";

fn started(folder: &Path) -> Node {
    started_with(folder, "")
}

/// The same with more lines.
fn started_with(folder: &Path, lines: &str) -> Node {
    let mut node = Node::new("north", folder);
    let movies = folder.join("movies");
    fs::create_dir_all(&movies).unwrap();
    fs::copy(media::clip("film.mp4"), movies.join("film.mp4")).unwrap();
    node.configure(&format!(
        "{lines}cluster_key {KEY};\nvod movies {{ storage {}; }}\n\
         stream cam {{ input file://{}; }}\n",
        movies.display(),
        media::clip("bars.mp4").display()
    ));
    node.start();
    node.wait_ready();
    node
}

/// How many the node's own document tells of.
fn operations(node: &Node) -> usize {
    let document = node.api("/openapi.json");
    let paths = document["paths"].as_object().unwrap().values();
    let methods = paths.flat_map(|path| path.as_object().unwrap().keys());
    methods.filter(|name| matches!(name.as_str(), "get" | "put" | "post" | "delete")).count()
}

#[test]
fn the_config_file_is_checked_and_applied_in_the_browser() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let north = started(folder.path());
    let before = fs::read_to_string(north.config_path()).unwrap();
    let lobby = || north.get(&format!("{API}/streams/lobby")).status;

    let mut console = Console::open(&north.console_url(), &north);
    console.follow("Config");
    console.sees("Not changed.");
    let shown = console.read(EDITOR);
    assert_eq!(shown, before.replace(KEY, "***"), "all of it but the secret");

    let line = before.lines().count() + 1;
    console.fill(EDITOR, &format!("{shown}stream lobby {{ inptu publish://; }}\n"));
    console.expect_fault("status of 400");
    console.press("Check and apply");
    console.sees_in("main .summary", "Not applied");
    console.sees_in("main .summary a", &format!("Line {line}, column 16:"));
    let mark = format!("main .line-mark.error[style*='top: {}lh']", line - 1);
    console.sees_in(&mark, "inptu");
    assert_eq!((fs::read_to_string(north.config_path()).unwrap(), lobby()), (before.clone(), 404));

    let added = "stream lobby { input publish://; }\n";
    console.fill(EDITOR, &format!("{shown}{added}"));
    console.press("Check Ctrl+S");
    console.sees("Valid. Nothing is applied yet.");
    assert_eq!(lobby(), 404, "only checked");
    console.press("Check and apply");
    console.sees("Applied and written to the file: 1 line added, 0 removed.");
    assert_eq!(lobby(), 200);
    let after = fs::read_to_string(north.config_path()).unwrap();
    assert_eq!(after, format!("{before}{added}"), "with the secret that was not shown");
    console.close();
}

#[test]
fn a_config_file_that_others_change_or_none_may_write_is_not_overwritten() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let north = started(folder.path());
    let text = || fs::read_to_string(north.config_path()).unwrap();
    let good = text();
    let mut console = Console::open(&north.console_url(), &north);
    console.follow("Config");
    let shown = console.read(EDITOR);
    let mine = "stream mine { input publish://; }\n";
    console.fill(EDITOR, &format!("{shown}{mine}"));

    let mode = |mode| fs::set_permissions(north.config_path(), Permissions::from_mode(mode));
    mode(0o444).unwrap();
    console.expect_fault("status of 403");
    console.press("Check and apply");
    console.sees_in("main .summary", "This node may not write the file or its folder.");
    mode(0o644).unwrap();

    let reload = || {
        let path = "/flussonic/api/reload";
        http::request(north.http, "POST", path, &[], b"", LIMIT).unwrap().status
    };
    fs::write(north.config_path(), format!("stream broken {{\n{}", text())).unwrap();
    assert_eq!(reload(), 400);
    console.sees_in("main [role=alert]", "The file on disk has errors");
    assert_eq!(console.read(EDITOR), format!("{shown}{mine}"), "the last good one, as typed in");

    let theirs = "stream theirs { input publish://; }\n";
    let by_hand = format!("{theirs}{good}");
    fs::write(north.config_path(), &by_hand).unwrap();
    console.expect_fault("status of 409");
    console.press("Check and apply");
    console.sees_in("main .summary", "Somebody has changed it on disk");
    assert_eq!(text(), by_hand);

    assert_eq!(reload(), 200, "as the page advises");
    console.lacks_in("main", "The file on disk has errors");
    console.expect_fault("status of 412");
    console.press("Check and apply");
    console.sees_in("main .conflict", theirs.trim());
    console.sees_in("main .conflict", mine.trim());
    console.press("Save yours over it");
    console.sees("Applied and written to the file");
    assert_eq!(text(), format!("{by_hand}{mine}"), "both changes");
    console.close();
}

#[test]
fn files_are_played_and_the_node_tells_about_its_api_and_itself() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let north = started(folder.path());

    let mut console = Console::open(&north.console_url(), &north);
    console.follow("Files");
    console.sees_in(&row("movies"), &folder.path().join("movies").display().to_string());
    console.follow("movies");
    console.follow("Play film.mp4");
    console.wait_playing(1.5);
    let frame = console.address_of_frame();
    let player = north.playback_url("movies/film.mp4", "embed.html");
    assert!(frame.starts_with(&player), "{frame}");
    console.follow("Sessions");
    console.sees_in(&row("127.0.0.1"), "movies/film.mp4");

    console.follow("API");
    let count = operations(&north);
    console.sees(&format!("{count} operations"));
    console.fill("Filter", "vods");
    console.sees(&format!(" of {count} operations"));
    console.sees("/vods/{prefix}");

    console.follow("About");
    let stats = north.api("/config/stats");
    for field in ["id", "server_version", "hostname"] {
        console.sees_in("main .about", stats[field].as_str().unwrap());
    }
    console.sees_in("main .library summary", "hls.js");
    console.close();
}

#[test]
fn a_page_of_another_origin_may_frame_the_player_and_not_the_console() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let north = started(folder.path());

    let player = north.playback_url("cam", "embed.html?mute=true");
    let mut console = Console::open(&north.console_url(), &north);
    console.open_framing(&player);
    console.wait_playing(1.0);
    assert_eq!(console.address_of_frame(), player);

    console.expect_fault("frame-ancestors 'none'");
    console.open_framing(&north.console_url());
    assert_eq!(console.address_of_frame(), "chrome-error://chromewebdata/");
    console.close();
}

const READS_ONLY: &str = "This login may read and not change anything.";

#[test]
fn a_user_who_may_only_read_sees_every_page_and_finds_its_buttons_off() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let north =
        started_with(folder.path(), "edit_auth admin secret-a;\nview_auth viewer secret-b;\n");
    let mut console = Console::open(&north.console_url(), &north);
    console.expect_fault("status of 401");
    console.fill("User", "viewer");
    console.fill("Password", "secret-b");
    console.press("Sign in");
    console.sees("1 node");
    let off = "main [aria-disabled=true]";
    for (page, part, words) in [
        ("Settings", "main", READS_ONLY),
        ("Streams", "main", "cam"),
        ("cam", off, "Stop"),
        ("Files", "main", "movies"),
        ("movies", off, "Remove"),
        ("Sessions", "main", "Of this node"),
        ("Config", "main", "This login may read the file and not change it."),
        ("API", "main", " operations"),
        ("About", "main", "hls.js"),
        ("Settings", "main", READS_ONLY),
    ] {
        console.follow(page);
        console.sees_in(part, words);
    }
    console.reload();
    console.sees_in("main", READS_ONLY);
    console.close();
}
