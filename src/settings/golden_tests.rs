//! The golden pair, the sample file, the manual and the demo configurations.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

use super::grammar::{self, Directive};
use super::interpret::{Interpreted, expand, interpret};
use super::schema::{self, Kind, Scope};
use super::{Environment, from_text, load, located, manual, print};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// Compares a generated file; `UPDATE=1` writes it instead.
fn assert_generated(path: &str, text: &str) {
    if env::var_os("UPDATE").is_some() {
        fs::write(root().join(path), text).unwrap();
    }
    assert!(read(path) == text, "{path} is out of date: UPDATE=1 cargo test settings");
}

fn parsed(text: &str) -> (Vec<Directive>, Interpreted) {
    let parsed = grammar::parse(text, &schema::is_word);
    assert_eq!(parsed.faults, []);
    let read = interpret(parsed.directives.iter().map(|directive| (0, directive)));
    assert_eq!(read.problems, []);
    (parsed.directives, read)
}

fn json(text: &str) -> Value {
    Value::Object(located::to_json(&parsed(text).1.tree))
}

/// Every word used in `directives`, by scope.
fn used(scope: Scope, directives: &[Directive], words: &mut BTreeSet<(String, String)>) {
    for directive in directives {
        let row = schema::find(scope, &directive.word.text).unwrap();
        words.insert((format!("{scope:?}"), directive.word.text.clone()));
        if let Kind::Shorthand(shorthand) = row.kind {
            used(scope, &[expand(shorthand, directive).unwrap()], words);
        }
        let Some(inner) = schema::inner(row.kind) else {
            continue;
        };
        for pair in &directive.pairs {
            words.insert((format!("{inner:?}"), pair.key.text.clone()));
        }
        let block = directive.block.as_ref();
        used(inner, block.map_or(&[], |block| &block.directives), words);
    }
}

const SCOPES: [Scope; 14] = [
    Scope::Top,
    Scope::Listener,
    Scope::SecureListener,
    Scope::MediaListener,
    Scope::SecureMediaListener,
    Scope::Peer,
    Scope::Stream,
    Scope::Template,
    Scope::Input,
    Scope::ClusterIngest,
    Scope::Vod,
    Scope::Source,
    Scope::Balancer,
    Scope::Limits,
];

fn assert_every_word_is_in(directives: &[Directive], with_aliases: bool) {
    let mut words = BTreeSet::new();
    used(Scope::Top, directives, &mut words);
    for scope in SCOPES {
        for row in schema::rows(scope) {
            let aliases = row.aliases.iter().filter(|_| with_aliases);
            for word in [row.word].iter().chain(aliases) {
                let key = (format!("{scope:?}"), (*word).to_owned());
                let is_inherited = scope == Scope::Template
                    && schema::rows(Scope::Stream).any(|stream| stream.word == row.word);
                assert!(words.contains(&key) || is_inherited, "{key:?} is missing");
            }
        }
    }
}

#[test]
fn golden_pair_holds_every_word_and_means_the_same_both_ways() {
    let text = read("tests/golden/every-word.conf");
    let (directives, _) = parsed(&text);
    assert_every_word_is_in(&directives, true);
    let from_text = json(&text);
    let shown = serde_json::to_string_pretty(&from_text).unwrap() + "\n";
    assert_generated("tests/golden/every-word.json", &shown);
    let golden: Value = serde_json::from_str(&read("tests/golden/every-word.json")).unwrap();
    assert_eq!(json(&print::whole(golden.as_object().unwrap())), golden);
}

#[test]
fn golden_file_reaches_every_field_of_the_model() {
    let text = read("tests/golden/every-word.conf");
    let (_, read) = parsed(&text);
    let sources = std::sync::Arc::default();
    let (settings, effective) =
        super::layers::merge(read.tree, located::Table::new(), &sources).unwrap();
    let debug = format!("{settings:?}");
    assert!(!debug.contains("s3cret"), "{debug}");
    assert_eq!(effective["peers"][0]["stale_timeout"], 10_000);
    assert_eq!(settings.limits.http_head_bytes, 32 << 10);
    assert_eq!(settings.templates[0].prefix, "studio");
}

#[test]
fn words_that_are_not_built_are_refused_one_by_one() {
    let (_, read) = parsed(&read("tests/golden/every-word.conf"));
    let refused: Vec<&str> = read.unsupported.iter().map(|problem| problem.what.as_str()).collect();
    for word in
        ["source", "balancer", "on_play", "cluster_ingest", "cluster_split", "failback_delay"]
    {
        let what = format!("`{word}` is not supported yet");
        assert!(refused.contains(&what.as_str()), "{word}: {refused:?}");
    }
}

#[test]
fn manual_and_sample_file_are_what_the_schema_gives() {
    assert_generated("docs/config.md", &manual::markdown());
    assert_generated("config/watershed.conf", &manual::sample());
}

#[test]
fn sample_file_is_valid_as_it_is_and_with_every_word_uncommented() {
    let text = read("config/watershed.conf");
    let environment = Environment::default();
    let loaded = from_text(Path::new("sample.conf"), &text, &environment).unwrap();
    assert_eq!(loaded.json(false), serde_json::json!({"listeners": {"http": [{"port": 8081}]}}));
    let is_code = |line: &&str| line.ends_with(['{', '}', ';']);
    let uncommented: Vec<&str> =
        text.lines().map(|line| line.trim_start_matches(['#', ' '])).filter(is_code).collect();
    let (directives, _) = parsed(&uncommented.join("\n"));
    assert_every_word_is_in(&directives, false);
}

#[test]
fn defaults_are_values_of_their_words() {
    for scope in SCOPES {
        for row in schema::rows(scope) {
            let words: Vec<&str> = row.default.iter().flat_map(|text| text.split(' ')).collect();
            if !words.is_empty() {
                assert!(super::values::from_words(row, &words).is_ok(), "{}", row.word);
            }
            let is_plain = schema::inner(row.kind).is_none()
                && !matches!(row.kind, Kind::Shorthand(_) | Kind::Include);
            assert!(!is_plain || !row.sample.is_empty(), "{} has no sample", row.word);
        }
    }
}

#[test]
fn demo_nodes_know_each_other_and_hide_their_key() {
    for (name, others) in
        [("north", ["south", "east"]), ("south", ["north", "east"]), ("east", ["north", "south"])]
    {
        let path = root().join(format!("config/demo/{name}.conf"));
        let loaded = load(&path, &Environment::default()).unwrap();
        assert_eq!(loaded.warnings, []);
        let settings = &loaded.settings;
        assert_eq!(settings.hostname.as_deref(), Some(name));
        let peers: Vec<&str> = settings.peers.iter().map(|peer| peer.hostname.as_str()).collect();
        assert_eq!(peers, others);
        let streams: Vec<&str> = settings.streams.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(streams, ["cam", "film", "live"].map(|kind| format!("{name}-{kind}")));
        assert!(loaded.text().contains("cluster_key ***;"));
    }
}
