//! The repository's own rules, checked as tests: sizes, layers, names, hygiene.
//!
//! A rule is a function from one file to the places that break it, so each can be tried on a small
//! bad example first: a rule that cannot fail is no rule. The words of the rules are in
//! CONTRIBUTING.md; the layers in ARCHITECTURE.md.
#![expect(clippy::unwrap_used, reason = "a test that cannot read the tree has to fail")]

use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "tidy/layers.rs"]
mod layers;

/// The longest source file, in lines.
const FILE_LINES_MAX: usize = 600;
/// The widest line, in characters.
const LINE_WIDTH_MAX: usize = 100;
/// The longest function, in lines; `clippy::too_many_lines` counts them for Rust.
const FUNCTION_LINES_MAX: usize = 70;
/// The largest tracked file.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Names that say nothing.
const BANNED_STEMS: [&str; 8] =
    ["utils", "util", "common", "helpers", "define", "types", "misc", "manager"];

/// One file of the repository.
struct File {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file git knows or would add: a rule holds before the commit, not after it.
fn tracked() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "git ls-files failed: tidy needs a git checkout");
    let list = String::from_utf8(output.stdout).unwrap();
    list.lines().filter(|path| root().join(path).is_file()).map(str::to_owned).collect()
}

/// The text files with one of these endings, without recorded test data.
fn files(endings: &[&str]) -> Vec<File> {
    tracked()
        .into_iter()
        .filter(|path| !path.contains("testdata/") && !path.contains("tests/golden/"))
        .filter(|path| endings.iter().any(|ending| path.ends_with(ending)))
        .map(|path| File { text: std::fs::read_to_string(root().join(&path)).unwrap(), path })
        .collect()
}

/// Fails with every place that breaks `rule`.
fn require(rule: &str, files: &[File], check: fn(&File) -> Vec<String>) {
    let broken: Vec<String> = files.iter().flat_map(check).collect();
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

/// Proves that `check` finds something in `text` and nothing in `good`.
fn prove(check: fn(&File) -> Vec<String>, path: &str, bad: &str, good: &str) {
    let file = |text: &str| File { path: path.to_owned(), text: text.to_owned() };
    assert!(!check(&file(bad)).is_empty(), "{path}: the bad example passes");
    assert_eq!(check(&file(good)), Vec::<String>::new(), "{path}: the good example fails");
}

/// `path:line: what` for each line of which `is_bad` says what is wrong.
fn lines_where(file: &File, is_bad: impl Fn(&str) -> Option<String>) -> Vec<String> {
    file.text
        .lines()
        .enumerate()
        .filter_map(|(index, line)| {
            is_bad(line).map(|what| format!("{}:{}: {what}", file.path, index + 1))
        })
        .collect()
}

/// The line without strings and line comments, roughly: enough to look for code in.
fn code_of(line: &str) -> String {
    let mut code = String::new();
    let mut is_in_string = false;
    let mut previous = ' ';
    for c in line.chars() {
        if c == '"' && previous != '\\' && previous != '\'' {
            is_in_string = !is_in_string;
        } else if !is_in_string {
            code.push(c);
        }
        previous = c;
    }
    code.split("//").next().unwrap_or_default().to_owned()
}

// --- sizes -------------------------------------------------------------------------------------

fn too_long(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    if lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    vec![format!("{}: {lines} lines, limit {FILE_LINES_MAX}", file.path)]
}

fn too_wide(file: &File) -> Vec<String> {
    lines_where(file, |line| {
        let width = line.chars().count();
        let is_address = line.contains("http://") || line.contains("https://");
        (width > LINE_WIDTH_MAX && !is_address).then(|| format!("{width} wide"))
    })
}

/// Functions of TypeScript and shell: from a line at the margin that opens one to the next `}`
/// there.
fn long_functions(file: &File) -> Vec<String> {
    let mut opened: Option<usize> = None;
    let mut broken = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let is_shell = file.path.ends_with(".sh") && line.ends_with("() {");
        let is_script = line.contains("function ") && line.ends_with('{');
        if (is_shell || is_script) && !line.starts_with(' ') {
            opened = Some(index);
        } else if line.starts_with('}') {
            let length = opened.take().map_or(0, |start| index + 1 - start);
            if length > FUNCTION_LINES_MAX {
                broken.push(format!("{}:{}: function of {length} lines", file.path, index + 1));
            }
        }
    }
    broken
}

#[test]
fn source_files_have_at_most_600_lines() {
    prove(too_long, "a.rs", &"\n".repeat(601), &"\n".repeat(600));
    require("files too long", &files(&[".rs", ".ts", ".tsx", ".sh"]), too_long);
}

#[test]
fn source_lines_are_at_most_100_wide() {
    prove(too_wide, "a.rs", &"x".repeat(101), &"ü".repeat(100));
    require("lines too wide", &files(&[".rs", ".ts", ".tsx", ".sh"]), too_wide);
}

#[test]
fn functions_outside_rust_have_at_most_70_lines() {
    let of = |lines: usize| format!("function a() {{\n{}}}\n", "  b();\n".repeat(lines));
    prove(long_functions, "a.ts", &of(80), &of(60));
    require("functions too long", &files(&[".ts", ".tsx", ".sh"]), long_functions);
}

#[test]
fn main_has_at_most_60_lines_and_architecture_at_most_200() {
    for (path, limit) in [("src/main.rs", 60), ("ARCHITECTURE.md", 200)] {
        let lines = std::fs::read_to_string(root().join(path)).unwrap().lines().count();
        assert!(lines <= limit, "{path}: {lines} lines, limit {limit}");
    }
}

#[test]
fn no_tracked_file_is_larger_than_a_mebibyte() {
    for path in tracked() {
        let bytes = std::fs::metadata(root().join(&path)).unwrap().len();
        assert!(bytes <= FILE_BYTES_MAX, "{path}: {bytes} bytes, limit {FILE_BYTES_MAX}");
    }
}

// --- docs, names and hygiene -------------------------------------------------------------------

fn without_module_doc(file: &File) -> Vec<String> {
    if file.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![format!("{}: does not open with //!", file.path)]
}

fn banned_name(file: &File) -> Vec<String> {
    let parts = file.path.split('/').map(|part| part.split('.').next().unwrap_or_default());
    parts
        .filter(|stem| BANNED_STEMS.contains(stem))
        .map(|stem| format!("{}: `{stem}` says nothing", file.path))
        .collect()
}

fn silenced_by_allow(file: &File) -> Vec<String> {
    lines_where(file, |line| {
        let code = code_of(line);
        let is_allow = code.contains("#[allow(") || code.contains("#![allow(");
        is_allow.then(|| "silence a lint by #[expect(lint, reason = \"…\")]".to_owned())
    })
}

fn open_todo(file: &File) -> Vec<String> {
    lines_where(file, |line| {
        // Split, so that this file does not break its own rule.
        let words = [["TO", "DO"], ["FIX", "ME"]].map(|parts| parts.concat());
        let is_open = words.iter().any(|word| {
            line.match_indices(word.as_str()).any(|(at, _)| {
                let rest = &line[at + word.len()..];
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                let is_word = !line[..at].ends_with(is_part) && !rest.starts_with(is_part);
                is_word && !names_an_issue(rest)
            })
        });
        is_open.then(|| "work left open without its issue".to_owned())
    })
}

/// Whether `rest`, what follows the word, starts with `(#N)`.
fn names_an_issue(rest: &str) -> bool {
    let number = rest.strip_prefix("(#").and_then(|rest| rest.split_once(')')).map(|parts| parts.0);
    number.is_some_and(|text| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()))
}

fn machine_path(file: &File) -> Vec<String> {
    lines_where(file, |line| {
        // Split, so that this file does not break its own rule.
        let roots = [["/wo", "rk/"], ["/ro", "ot/"], ["/Us", "ers/"], ["/ho", "me/"]];
        let found = roots.iter().map(|parts| parts.concat()).find(|root| {
            line.match_indices(root.as_str()).any(|(at, _)| {
                let before = line[..at].chars().next_back().unwrap_or(' ');
                !(before.is_alphanumeric() || matches!(before, '.' | '-' | '_' | '}' | '*' | '/'))
            })
        })?;
        Some(format!("path of one machine: {found}"))
    })
}

fn control_character(file: &File) -> Vec<String> {
    let is_makefile = file.path.ends_with("Makefile");
    lines_where(file, |line| {
        let found = line.chars().find(|c| c.is_control() && !(is_makefile && *c == '\t'))?;
        Some(format!("control character {found:?}"))
    })
}

#[test]
fn every_rust_file_opens_with_what_it_is() {
    prove(without_module_doc, "a.rs", "use std::fmt;\n", "//! The a.\n");
    require("files without a module doc", &files(&[".rs"]), without_module_doc);
}

#[test]
fn file_names_say_their_subject() {
    let named = |path: &str| banned_name(&File { path: path.to_owned(), text: String::new() });
    for stem in BANNED_STEMS {
        assert!(!named(&format!("src/{stem}.rs")).is_empty(), "{stem} passes");
        assert!(!named(&format!("src/{stem}/mod.rs")).is_empty(), "folder {stem} passes");
    }
    assert!(named("src/type_names.rs").is_empty());
    let all: Vec<File> =
        tracked().into_iter().map(|path| File { path, text: String::new() }).collect();
    require("names that say nothing", &all, banned_name);
}

#[test]
fn lints_are_silenced_by_expect_with_a_reason_only() {
    prove(
        silenced_by_allow,
        "a.rs",
        "#[allow(dead_code)]\n",
        "#[expect(dead_code, reason = \"\")]",
    );
    require("lints silenced", &files(&[".rs"]), silenced_by_allow);
}

#[test]
fn what_is_left_open_names_its_issue() {
    let mark = ["TO", "DO"].concat();
    for bad in [" later", ": later", "(#) later", "(me): later"] {
        let good = format!("// {mark}(#12): later, see {mark}_LIST");
        prove(open_todo, "a.rs", &format!("// {mark}{bad}"), &good);
    }
    require("left open", &files(&[".rs", ".ts", ".tsx", ".sh"]), open_todo);
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    let bad = ["see /wo", "rk/place/file"].concat();
    prove(machine_path, "a.rs", &bad, "a frame/work/list and ~/.config");
    let endings = [".rs", ".ts", ".tsx", ".sh", ".md", ".toml", ".conf", ".json", "Makefile"];
    require("paths of one machine", &files(&endings), machine_path);
}

#[test]
fn text_files_have_no_control_characters() {
    prove(control_character, "a.rs", "a\tb\n", "a b\n");
    let endings = [".rs", ".ts", ".tsx", ".sh", ".md", ".toml", ".conf", "Makefile"];
    require("control characters", &files(&endings), control_character);
}

#[test]
fn the_reference_of_all_options_exists() {
    assert!(root().join("docs/config.md").is_file(), "docs/config.md is missing");
}

#[test]
fn every_script_says_what_it_is_and_fails_on_errors() {
    for file in files(&[".sh", ".ci/run"]) {
        let mut lines = file.text.lines();
        assert_eq!(lines.next(), Some("#!/usr/bin/env bash"), "{}", file.path);
        assert!(lines.next().unwrap().starts_with("# "), "{}: no word on what it is", file.path);
        assert!(file.text.contains("\nset -euo pipefail\n"), "{}: goes on on errors", file.path);
        assert!(is_executable(&root().join(&file.path)), "{}: not executable", file.path);
    }
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o111 != 0
}
