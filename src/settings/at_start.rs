//! What only a start reads: a change of it is kept, and waits for the next one.

use super::diagnostic::{Diagnostic, Problem};
use super::interpret::interpret;
use super::located::place_of;
use super::{Loaded, Settings};

impl Loaded {
    /// A warning for each word that a node that `started` with other settings cannot change.
    #[must_use]
    pub fn waiting(&self, started: &Settings) -> Vec<Diagnostic> {
        let differs = |(_, differs): &&Word| differs(started, &self.settings);
        let changed: Vec<_> = WORDS.iter().filter(differs).collect();
        if changed.is_empty() {
            return Vec::new();
        }
        let tree = interpret(self.document.directives()).tree;
        let problems = changed.into_iter().map(|(path, _)| {
            let word = path.last().copied().unwrap_or_default();
            let what = format!("the change of `{word}` waits");
            Problem::warning(place_of(&tree, path), what, "it takes effect at the next start")
        });
        let described = problems.filter_map(|problem| {
            let file = self.document.files.get(problem.place.file)?;
            Some(problem.describe(&file.source, &self.masks))
        });
        described.collect()
    }
}

/// A word's path, and whether it differs between two settings.
type Word = (&'static [&'static str], fn(&Settings, &Settings) -> bool);

/// The words that only a start reads.
const WORDS: [Word; 10] = [
    (&["hostname"], |a, b| a.hostname != b.hostname),
    (&["listeners", "http"], |a, b| a.listeners.http != b.listeners.http),
    (&["listeners", "https"], |a, b| a.listeners.https != b.listeners.https),
    (&["listeners", "rtsp"], |a, b| a.listeners.rtsp != b.listeners.rtsp),
    (&["listeners", "rtsps"], |a, b| a.listeners.rtsps != b.listeners.rtsps),
    (&["listeners", "rtmp"], |a, b| a.listeners.rtmp != b.listeners.rtmp),
    (&["listeners", "rtmps"], |a, b| a.listeners.rtmps != b.listeners.rtmps),
    (&["proxy_protocol"], |a, b| a.proxy_protocol != b.proxy_protocol),
    (&["limits"], |a, b| a.limits != b.limits),
    (&["cluster_ca"], |a, b| a.cluster_ca != b.cluster_ca),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::settings::schema::{self, Scope};
    use crate::settings::{Environment, from_text};

    fn loaded(text: &str) -> Loaded {
        from_text(Path::new("f"), text, &Environment::default()).unwrap()
    }

    #[test]
    fn changes_that_wait_for_the_next_start_are_named_at_their_places() {
        let started = loaded("hostname a; http 1; rtsp 2; cluster_key 0123456789abcdef;").settings;
        let now = loaded("hostname b;\nhttp 3;\nlimits { connections 9; }\ndrain_timeout 3;");
        let shown: Vec<_> = now.waiting(&started).iter().map(ToString::to_string).collect();
        let when = "it takes effect at the next start";
        let waits =
            |place, word| format!("f:{place}: warning: the change of `{word}` waits; {when}");
        let expected = [
            waits("1:1", "hostname"),
            waits("2:1", "http"),
            waits("2:1", "rtsp"),
            waits("3:1", "limits"),
        ];
        assert_eq!(shown, expected);
        assert!(now.waiting(&now.settings).is_empty());
    }

    #[test]
    fn the_words_are_those_of_which_the_manual_says_so() {
        let says_so = schema::rows(Scope::Top).filter(|row| row.doc.contains("(at start)"));
        let mut told: Vec<_> = says_so.map(|row| row.path).collect();
        let mut known: Vec<_> = WORDS.iter().map(|(path, _)| path.join(".")).collect();
        told.sort_unstable();
        known.sort_unstable();
        assert_eq!(known, told);
    }
}
