//! A new text for the main file, as somebody sends it: its secrets read `***` where they are kept.
//!
//! ```text
//! sent ▸ no new include ▸ read and checked as it is ▸ (change.rs) secrets put back ▸ checked again
//! ```
//!
//! What is wrong is told of the text as it was sent: secrets that were put back would move the
//! columns behind them, and so tell their length.

use super::change::ChangeError;
use super::diagnostic::{Place, Problem, SourceText};
use super::document::Document;
use super::grammar::{self, Directive, Word};
use super::schema::{self, Kind, Scope};
use super::{Loaded, Rejected, assemble, redaction};

/// What `text` would be in the place of the main file, with `***` as it stands.
///
/// Errors: [`ChangeError::Rejected`].
pub(crate) fn read(loaded: &Loaded, text: &str) -> Result<Loaded, ChangeError> {
    refuse_new_includes(loaded, text)?;
    let mut texts = loaded.document.texts();
    let stored = texts.get(loaded.path()).map_or("", String::as_str);
    let text = redaction::restored_comments(text, stored);
    texts.insert(loaded.path().to_owned(), text);
    // Cannot fail: the main file's text is given.
    let (document, problems) = Document::read(loaded.path(), &texts).unwrap_or_default();
    Ok(assemble(document, problems, &loaded.environment)?)
}

/// The same for a `***` that stands for nothing, at its place in the text that was sent.
pub(crate) fn in_file(error: ChangeError, sent: &Loaded) -> ChangeError {
    let ChangeError::UnknownSecret { pointer } = &error else {
        return error;
    };
    let path: Vec<&str> = pointer.split('/').skip(1).collect();
    let diagnostic = sent.diagnostic(&path, "`***` stands for no stored secret", "the secret");
    diagnostic.map_or(error, |found| Rejected { diagnostics: vec![found] }.into())
}

/// Refuses files that the configuration does not include yet.
///
/// What is said of a broken file shows words of it, so a login of the API could read others.
fn refuse_new_includes(loaded: &Loaded, text: &str) -> Result<(), Rejected> {
    let stored = loaded.document.files.iter().flat_map(|file| includes(&file.directives));
    let stored: Vec<&str> = stored.map(|pattern| pattern.text.as_str()).collect();
    let parsed = grammar::parse(text, &schema::is_word);
    let Some(new) = includes(&parsed.directives).find(|word| !stored.contains(&word.text.as_str()))
    else {
        return Ok(());
    };
    let place = Place { file: 0, start: new.span.start, end: new.span.end };
    let expected = "one that is there already; a new one is written into the file itself";
    let problem = Problem::error(place, "a new `include`", expected);
    let source = SourceText::new(loaded.path().display().to_string(), text.to_owned());
    Err(Rejected { diagnostics: vec![problem.describe(&source, &[])] })
}

fn includes(directives: &[Directive]) -> impl Iterator<Item = &Word> {
    let is_include = |directive: &&Directive| {
        let row = schema::find(Scope::Top, &directive.word.text);
        row.is_some_and(|row| row.kind == Kind::Include)
    };
    directives.iter().filter(is_include).flat_map(|directive| &directive.arguments)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use crate::settings::{ChangeError, Edit, Environment, Severity, from_text, load};

    const FILE: &str = "\
http 8081;
cluster_key 0123456789abcdef; hostname north;
stream cam { password hush; input publish://; }
stream old { input rtsp://10.0.0.8/1; }
";

    /// `line:column: what` of the refusal of `FILE` with one piece replaced; empty for none.
    fn refusal(from: &str, to: &str) -> String {
        let path = Path::new("/nowhere/a.conf");
        let loaded = from_text(path, FILE, &Environment::default()).unwrap();
        let text = loaded.text();
        assert!(text.contains(from), "{text}");
        match loaded.edited(&Edit::Text { text: text.replace(from, to) }) {
            Ok(_) => String::new(),
            Err(ChangeError::Rejected(rejected)) => {
                let mut all = rejected.diagnostics.iter();
                let first = all.find(|one| one.severity == Severity::Error).unwrap();
                format!("{}:{}: {}", first.line, first.column, first.what)
            }
            Err(ChangeError::Forbidden { diagnostic: Some(at), .. }) => {
                format!("{}:{}: {}", at.line, at.column, at.what)
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_wrong_stands_where_it_was_sent() {
        for (from, to, expected) in [
            ("http 8081", "http 8082", ""),
            ("north", "\"no rth\"", "2:18: `no rth` is no hostname"),
            ("input publish://", "input publish", "3:34: "),
            ("stream cam", "stream new", "3:14: `***` stands for no stored secret"),
            ("***; hostname", "a***; htpp", "2:19: unknown word `htpp`"),
        ] {
            let refusal = refusal(from, to);
            assert!(refusal.starts_with(expected), "{from}: {refusal}");
            assert_eq!(refusal.is_empty(), expected.is_empty(), "{from}: {refusal}");
        }
    }

    #[test]
    fn text_lets_the_node_reach_nothing_new() {
        for (from, to, expected) in [
            ("publish://", "rtsp://10.0.0.9/2", ""),
            ("publish://", "file:///etc/shadow.ts", "3:34: files may be read only below"),
            ("10.0.0.8", "127.0.0.1", "4:20: leads to"),
            ("http 8081;", "http 8081; egress_allow 127.0.0.0/8;", "1:12: `egress_allow`"),
            ("http 8081;", "http 8081; include /etc/passwd;", "1:20: a new `include`"),
        ] {
            let refusal = refusal(from, to);
            assert!(refusal.starts_with(expected), "{to}: {refusal}");
            assert_eq!(refusal.is_empty(), expected.is_empty(), "{to}: {refusal}");
        }
    }

    #[test]
    fn includes_that_are_there_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.conf");
        fs::write(&path, "http 1;\ninclude b.conf;\n").unwrap();
        fs::write(folder.path().join("b.conf"), "stream b;\n").unwrap();
        let loaded = load(&path, &Environment::default()).unwrap();
        let next = loaded.apply(&Edit::Text { text: "include b.conf;\nhttp 2;\n".to_owned() });
        assert_eq!(next.unwrap().settings.streams.len(), 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), "include b.conf;\nhttp 2;\n");
    }
}
