//! The last layer: a fixed list of environment variables, each also as `…_FILE`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::diagnostic::{Place, Problem, SourceText};
use super::document::read_bounded;
use super::grammar::{self, Directive};
use super::print::quoted;
use super::schema::{self, Kind, Row, Scope};

const PREFIX: &str = "WATERSHED_";
/// Read by the log, not by the settings.
const OTHERS: [&str; 1] = ["WATERSHED_LOG"];

/// The `WATERSHED_…` variables of a process.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl fmt::Debug for Environment {
    /// The names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.variables.keys()).finish()
    }
}

impl Environment {
    /// This process's.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |s: std::ffi::OsString| s.to_string_lossy().into_owned();
        Self::of(std::env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    /// Only these.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours = |(name, _): &(String, String)| {
            name.starts_with(PREFIX) && !OTHERS.contains(&name.as_str())
        };
        Self { variables: variables.into_iter().filter(ours).collect() }
    }
}

/// What the environment says: sources, directives by source, and what is wrong.
#[derive(Debug, Default)]
pub(crate) struct FromEnvironment {
    pub(crate) sources: Vec<SourceText>,
    pub(crate) directives: Vec<(usize, Directive)>,
    pub(crate) problems: Vec<Problem>,
    /// JSON paths that are set.
    pub(crate) fields: Vec<&'static str>,
}

/// The variable of a word.
pub(crate) fn variable(row: &Row) -> String {
    format!("{PREFIX}{}", row.word.to_ascii_uppercase())
}

/// Reads the variables; their sources are numbered from `first`.
pub(crate) fn read(environment: &Environment, first: usize) -> FromEnvironment {
    let mut out = FromEnvironment::default();
    for (name, value) in &environment.variables {
        let place = Place { file: first + out.sources.len(), start: 0, end: 0 };
        let source = |text: String| SourceText::new(format!("environment {name}"), text);
        let known = |name: &str| {
            schema::rows(Scope::Top).find(|row| row.in_environment && variable(row) == name)
        };
        let plain = name.strip_suffix("_FILE").filter(|plain| known(plain).is_some());
        let (row, value) = match (known(name), plain) {
            (Some(row), _) => (row, Ok(value.clone())),
            (None, Some(plain)) => {
                let Some(row) = known(plain) else { continue };
                if environment.variables.contains_key(plain) {
                    let what = format!("{plain} and {name} are both set");
                    out.problems.push(Problem::error(place, what, "one of them"));
                }
                let text = read_bounded(Path::new(value));
                (row, text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned()))
            }
            (None, None) => {
                let what = format!("{name} is no setting");
                let expected = "a variable that the manual lists";
                out.problems.push(Problem::warning(place, what, expected));
                out.sources.push(source(String::new()));
                continue;
            }
        };
        match value {
            Ok(value) => {
                let text = directive_text(row, &value);
                let parsed = grammar::parse(&text, &schema::is_word);
                let directives = parsed.directives.into_iter();
                out.directives.extend(directives.map(|directive| (place.file, directive)));
                for fault in parsed.faults {
                    out.problems.push(Problem::error(place, fault.what, fault.expected));
                }
                out.sources.push(source(text));
                out.fields.push(row.path);
            }
            Err(error) => {
                let what = format!("cannot read the file of {name}: {error}");
                out.problems.push(Problem::error(place, what, "a readable file"));
                out.sources.push(source(String::new()));
            }
        }
    }
    out
}

/// The variable's value as it would stand in the file.
fn directive_text(row: &Row, value: &str) -> String {
    let parts = || value.split([' ', ',', '\t']).filter(|part| !part.is_empty());
    match row.kind {
        Kind::Listeners(_) => {
            let lines: Vec<String> =
                parts().map(|part| format!("{} {};", row.word, quoted(part))).collect();
            lines.join(" ")
        }
        Kind::Words | Kind::Networks => {
            let words: Vec<String> = parts().map(quoted).collect();
            format!("{} {};", row.word, words.join(" "))
        }
        Kind::Credentials => match value.split_once(':') {
            Some((login, password)) => {
                format!("{} {} {};", row.word, quoted(login), quoted(password))
            }
            None => format!("{} {};", row.word, quoted(value)),
        },
        _ => format!("{} {};", row.word, quoted(value)),
    }
}
