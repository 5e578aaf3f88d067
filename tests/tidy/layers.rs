//! Who may import whom: the layers of ARCHITECTURE.md, read off the `use` lines and paths.
//!
//! By words, not by a parser: cheap, and enough for a rule that names crates and modules.

use super::{File, code_of, files, prove, require};

/// Files beside an actor that are no pure core, each with its reason. Listeners are by name.
const EDGES: [(&str, &str); 31] = [
    ("actors/src/client_stream.rs", "a socket, with or without TLS"),
    ("actors/src/preamble.rs", "what happens on a socket before its session"),
    ("actors/src/outbox.rs", "writes to a socket on behalf of a session"),
    ("actors/src/peer_actor/http_exchange.rs", "one HTTP exchange with a peer"),
    ("actors/src/peer_actor/http_fetcher.rs", "the real implementation of the seam"),
    ("actors/src/peer_actor/signed_client.rs", "signs, sends and corrects requests to a node"),
    ("actors/src/http_session/body.rs", "a response that waits for the ring"),
    ("actors/src/live_stream/broadcast.rs", "lets sessions wait for its status and segments"),
    ("actors/src/live_stream/file_input.rs", "plays a file in real time"),
    ("actors/src/live_stream/file_window.rs", "reads a file"),
    ("actors/src/live_stream/pull/connection.rs", "resolves names and connects"),
    ("actors/src/live_stream/pull/hls.rs", "plays a playlist in real time"),
    ("actors/src/live_stream/pull/mpegts_udp.rs", "receives datagrams"),
    ("actors/src/live_stream/pull/rtmp.rs", "one connection to an RTMP server"),
    ("actors/src/live_stream/pull/rtsp.rs", "one session with an RTSP server"),
    ("actors/src/live_stream/pull/sink.rs", "watches the clock for silence"),
    ("actors/src/live_stream/pull/web.rs", "asks by HTTP"),
    ("actors/src/live_stream/ring.rs", "wakes the sessions that wait for it"),
    ("actors/src/live_stream/writer.rs", "an input's end, on whatever thread it runs"),
    ("actors/src/relay/feed.rs", "an answer to another node that waits for the ring"),
    ("actors/src/relay/pull.rs", "an input that another node feeds"),
    ("actors/src/relay/table.rs", "sessions ask for a relay and wait for it"),
    ("actors/src/stream_hub/local_streams.rs", "sessions start a stream and wait for it"),
    ("actors/src/rtsp_session/player.rs", "a part of the session itself"),
    ("actors/src/rtsp_session/publisher.rs", "a part of the session itself"),
    ("actors/src/rtsp_session/udp.rs", "the sockets of a session"),
    ("actors/src/rtsp_session/cluster_router.rs", "answers a session of now, behind a trait"),
    ("actors/src/node_stats/machine.rs", "reads the machine, off the arbiter"),
    ("actors/src/stream_directory/view.rs", "a starting node's clients wait for the first reports"),
    ("actors/src/vod/shelf.rs", "has values made off the arbiter, and lets clients wait"),
    ("actors/src/fan_out/group.rs", "writes to the players of its thread"),
];

/// Code lines of a file without its tests, with their numbers.
fn production_lines(file: &File) -> impl Iterator<Item = (usize, String)> {
    let is_test_file = file.path.contains("/tests/") || file.path.ends_with("tests.rs");
    let inline_tests = file.text.find("#[cfg(test)]\nmod ");
    let shared_tests = file.text.find("#[cfg(test)]\npub(crate) mod ");
    let end = match (is_test_file, inline_tests.or(shared_tests)) {
        (true, _) => 0,
        (false, found) => found.unwrap_or(file.text.len()),
    };
    file.text[..end].lines().enumerate().map(|(index, line)| (index + 1, code_of(line)))
}

/// `path:line: … names WORD` for each forbidden word in the file's own code.
fn forbidden_words(file: &File, words: &[&str]) -> Vec<String> {
    let mut broken = Vec::new();
    for (number, code) in production_lines(file) {
        for word in words {
            let is_named = code
                .match_indices(word)
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            if is_named {
                broken.push(format!("{}:{number}: names {word}", file.path));
            }
        }
    }
    broken
}

const SOCKETS_AND_CLOCKS: [&str; 9] = [
    "tokio::",
    "actix",
    "awc::",
    "std::net",
    "std::fs",
    "std::thread",
    "Instant::now",
    "SystemTime",
    "async fn",
];

/// L0: `media` is bytes in, bytes out.
fn media_does_no_io(file: &File) -> Vec<String> {
    forbidden_words(file, &SOCKETS_AND_CLOCKS)
}

/// L1: actors know nothing of the web framework, nor of the daemon.
fn actors_know_no_web(file: &File) -> Vec<String> {
    forbidden_words(file, &["actix_web", "config::", "watershed::"])
}

/// L1a: pure cores take the time as an argument and touch no socket.
fn cores_are_pure(file: &File) -> Vec<String> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let is_edge = EDGES.iter().any(|(path, _)| *path == file.path) || name.ends_with("listener.rs");
    let is_shell = matches!(name, "mod.rs" | "messages.rs" | "lib.rs");
    if is_edge || is_shell {
        return Vec::new();
    }
    forbidden_words(file, &["actix::", "actix_rt", "tokio::", "awc::", "Instant::now"])
}

/// L2: `api`, `play`, `web_ui`, `settings` never each other; the first two may use `settings`.
fn doors_keep_apart(file: &File) -> Vec<String> {
    let own = file.path.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default();
    let forbidden: &[&str] = match own {
        "api" => &["crate::play", "crate::web_ui", "crate::node"],
        "play" => &["crate::api", "crate::web_ui", "crate::node"],
        "web_ui" => &["crate::api", "crate::play", "crate::settings", "crate::node"],
        "settings" => &["crate::api", "crate::play", "crate::web_ui", "crate::node"],
        _ => &["crate::node::"],
    };
    if matches!(own, "main" | "lib" | "node") {
        return Vec::new();
    }
    forbidden_words(file, forbidden)
}

/// Routes of the API are made where the document that describes them is made from: nowhere else.
fn routes_are_described(file: &File) -> Vec<String> {
    let is_maker = matches!(file.path.as_str(), "src/api/address.rs");
    if is_maker { Vec::new() } else { forbidden_words(file, &["web::resource", "web::route"]) }
}

fn below(folder: &str) -> Vec<File> {
    files(&[".rs"]).into_iter().filter(|file| file.path.starts_with(folder)).collect()
}

#[test]
fn media_does_no_io_and_reads_no_clock() {
    prove(media_does_no_io, "media/src/a.rs", "use tokio::net;\n", "// tokio::net is not for us\n");
    prove(media_does_no_io, "media/src/a.rs", "let now = Instant::now();\n", "now: Instant,\n");
    require("media is not pure", &below("media/src/"), media_does_no_io);
}

#[test]
fn actors_never_import_the_web_framework_or_the_settings() {
    prove(actors_know_no_web, "actors/src/a.rs", "use actix_web::web;\n", "use actix::prelude::*;");
    require("actors reach upward", &below("actors/src/"), actors_know_no_web);
}

#[test]
fn pure_cores_name_no_actor_framework() {
    prove(cores_are_pure, "actors/src/a/table.rs", "use actix::Addr;\n", "use std::fmt;\n");
    require("cores are not pure", &below("actors/src/"), cores_are_pure);
}

#[test]
fn the_doors_of_the_daemon_keep_apart() {
    prove(
        doors_keep_apart,
        "src/api/a.rs",
        "use crate::play::hls;\n",
        "use crate::settings::Model;",
    );
    prove(doors_keep_apart, "src/settings/a.rs", "use crate::api;\n", "use super::model;\n");
    require("layers mixed", &below("src/"), doors_keep_apart);
}

#[test]
fn every_route_of_the_api_is_in_its_document() {
    let good = "web::scope(base).configure(add(addresses()));\n";
    prove(routes_are_described, "src/api/a.rs", "app.service(web::resource(\"/a\"));\n", good);
    require("routes without a description", &below("src/api/"), routes_are_described);
}

/// The actor folders that lack their messages: a folder is an actor if its `mod.rs` makes one.
fn actors_without_messages(files: &[File]) -> Vec<String> {
    let is_there = |path: &str| files.iter().any(|file| file.path == path);
    files
        .iter()
        .filter(|file| file.text.contains("impl Actor for "))
        .filter_map(|file| file.path.strip_suffix("/mod.rs"))
        .map(|folder| format!("{folder}/messages.rs"))
        .filter(|path| !is_there(path))
        .collect()
}

/// The folders without the `mod.rs` that says what their parts are.
fn folders_without_shell(files: &[File]) -> Vec<String> {
    let mut folders: Vec<&str> = files
        .iter()
        .filter_map(|file| file.path.strip_prefix("actors/src/")?.split_once('/'))
        .map(|(folder, _)| folder)
        .collect();
    folders.sort_unstable();
    folders.dedup();
    folders
        .iter()
        .map(|folder| format!("actors/src/{folder}/mod.rs"))
        .filter(|path| !files.iter().any(|file| file.path == *path))
        .collect()
}

#[test]
fn every_actor_has_its_shell_and_its_messages() {
    let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
    let shell = || file("actors/src/a/mod.rs", "impl Actor for A {");
    assert_eq!(actors_without_messages(&[shell()]), ["actors/src/a/messages.rs"]);
    let messages = file("actors/src/a/messages.rs", "");
    assert_eq!(folders_without_shell(&[messages]), ["actors/src/a/mod.rs"]);
    let both = [shell(), file("actors/src/a/messages.rs", "")];
    assert!(actors_without_messages(&both).is_empty() && folders_without_shell(&both).is_empty());

    let all = below("actors/src/");
    assert_eq!(actors_without_messages(&all), Vec::<String>::new());
    assert_eq!(folders_without_shell(&all), Vec::<String>::new());
}
