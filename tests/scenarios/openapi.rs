//! The API is what its own document says: schemathesis makes up requests from that, good and bad
//! ones, and holds every answer against it.
//!
//! Nothing that it makes up leaves the machine: see `tests/support/schemathesis_hooks.py`.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::node::{API, Node};
use crate::support::process::Process;
use crate::support::{http, media, slots};

/// Where it is ended; its own limit is in its configuration.
const LIMIT: Duration = Duration::from_secs(240);

const LINES: &str = "\
edit_auth admin s3cret-word;
view_auth viewer other-word;
cluster_key 0123456789abcdef;
limits { sign_in_tries 1000; }
peer south { api_url http://127.0.0.1:9; }
template studio { input publish://; }
vod movies { storage movies; }
stream film { input file://movies/film.mp4; }
stream stage { input publish://; password hush-hush; segment_duration 1; }
";

#[test]
fn api_answers_as_its_document_says() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::new("north", folder.path());
    let movies = folder.path().join("north/movies");
    std::fs::create_dir(&movies).unwrap();
    std::fs::copy(media::clip("bars.mp4"), movies.join("film.mp4")).unwrap();
    node.configure(LINES);
    node.start();
    node.wait_ready();
    node.wait_playing("film");
    let _viewer = http::take(node.http, "/film/mpegts", 64 * 1024);

    let support = media::root().join("tests/support");
    let mut command =
        Command::new(media::root().join("target/tools/schemathesis/bin/schemathesis"));
    command
        .arg("--config-file")
        .arg(support.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("http://127.0.0.1:{}{API}/openapi.json", node.http))
        .env("PYTHONPATH", &support)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        .current_dir(folder.path());
    let log = node.log_path("schemathesis");
    let mut run = Process::start("schemathesis", &mut command, &log);
    let status = run.wait(LIMIT);
    let told = run.log();
    println!("{told}");
    assert!(status.success(), "schemathesis: {status}");
    let (all, wanted) = operations(&node);
    for line in [format!("Selected: {wanted}/{all}\n"), format!("Tested: {wanted}\n")] {
        assert!(told.contains(&line), "none is left out: {line}");
    }
    node.assert_running();
    let log = node.log();
    assert!(!log.contains("panicked"), "{log}");
}

/// How many operations the document has but that it is read by, which schemathesis leaves out, and
/// how many of them are to be tested: `tests/support/schemathesis.toml` says why not the others.
fn operations(node: &Node) -> (usize, usize) {
    let credentials = [("Authorization", "Basic YWRtaW46czNjcmV0LXdvcmQ=")];
    let target = format!("{API}/openapi.json");
    let answer = http::request(node.http, "GET", &target, &credentials, b"", LIMIT).unwrap();
    let document: Value = serde_json::from_str(&answer.text()).unwrap();
    let methods = ["get", "head", "put", "post", "delete"];
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, item)| {
        let there = methods.into_iter().filter(|&method| item.get(method).is_some());
        there.map(move |method| (method, path.as_str()))
    });
    let all: Vec<_> = all.filter(|one| *one != ("get", "/openapi.json")).collect();
    let tested = all.iter().filter(|(method, path)| *method != "head" && *path != "/events");
    (all.len(), tested.count())
}
