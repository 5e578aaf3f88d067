//! A broken config: every error at once, each with its place and what is expected; nothing starts.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::support::players::run;
use crate::support::ports::free_port;

fn watershed(verb: &str, config: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watershed"));
    command.arg(verb).arg("--config").arg(config);
    run(&mut command, Duration::from_secs(10))
}

/// Line, column, what is wrong, what is expected, and the line as it is shown.
const ERRORS: &[(u32, u32, &str, &str, &str)] = &[
    (3, 14, "`fetch_timeuot`", "`fetch_timeout`", "peer south { fetch_timeuot 1000; }"),
    (4, 27, "`fetch_timeout`", "milliseconds from", "peer east { fetch_timeout soon; }"),
    (5, 8, "stream name", "letters, digits", "stream ../x { input publish://; }"),
    (6, 6, "`peer south` is given twice", "once", "peer south;"),
];

#[test]
fn every_error_is_told_at_once_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.conf");
    let port = free_port();
    let broken: Vec<&str> = ERRORS.iter().map(|(.., shown)| *shown).collect();
    let text = format!(
        "http 127.0.0.1:{port};\ncluster_key a-key-of-the-scenarios-0123456789;\n{}\n",
        broken.join("\n")
    );
    std::fs::write(&path, text).unwrap();
    for verb in ["check", "run"] {
        let output = watershed(verb, &path);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{verb}: {words}");
        for (line, column, wrong, expected, shown) in ERRORS {
            let place = format!("broken.conf:{line}:{column}: ");
            let found = words.split_once(&place).map(|(_, rest)| rest);
            let found = found.unwrap_or_else(|| panic!("{verb}: {place} is missing: {words}"));
            let (told, rest) = found.split_once('\n').unwrap();
            let (what, fix) = told.split_once("; ").unwrap_or_else(|| panic!("{verb}: {told}"));
            assert!(what.contains(wrong) && fix.contains(expected), "{verb}: {told}");
            let under = rest.lines().next().map(str::trim);
            assert_eq!(under, Some(*shown), "{verb}: the line is shown");
        }
        let count = words.matches("broken.conf:").count();
        assert_eq!(count, ERRORS.len(), "{verb}: {words}");
        std::net::TcpListener::bind(("127.0.0.1", port)).expect("nothing was started");
    }
}

#[test]
fn a_missing_config_names_the_places_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_watershed"));
    command.arg("run").current_dir(folder.path());
    if Path::new("/etc/watershed/watershed.conf").exists() {
        println!("SKIPPED: this machine has a config of its own in /etc/watershed");
        return;
    }
    let output = run(&mut command, Duration::from_secs(10));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("/etc/watershed/watershed.conf"), "{words}");
    assert!(words.contains("config/watershed.conf"), "{words}");
}

#[test]
fn an_address_taken_is_exit_3_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("taken.conf");
    let listener = std::net::TcpListener::bind(("127.0.0.1", free_port())).unwrap();
    let address = listener.local_addr().unwrap();
    std::fs::write(&path, format!("http {address};\n")).unwrap();
    assert_eq!(watershed("check", &path).status.code(), Some(0), "check binds no port");
    let output = watershed("run", &path);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{words}");
    assert!(words.contains(&address.port().to_string()), "{words}");
}

#[test]
fn what_is_not_built_yet_is_refused_and_not_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later.conf");
    let port = free_port();
    let text =
        format!("http 127.0.0.1:{port};\nstream a {{ input publish://; cluster_ingest; }}\n");
    std::fs::write(&path, text).unwrap();
    let output = watershed("check", &path);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("later.conf:2:") && words.contains("not supported yet"), "{words}");
}
