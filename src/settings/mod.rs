//! The settings: the `.conf` grammar, the model, and the document that writes changes back.
//!
//! ```text
//! files ─ document ▸ grammar ▸ interpret ─┐ places
//! environment ────────────────────────────┼▸ layers (config crate) ▸ model ▸ validation ▸ Loaded
//! schema: the one table of words ─────────┘
//!
//! Loaded ─ change (JSON in, JSON out) ▸ edit (bytes of one item) ▸ saving (disk) ▸ new Loaded
//! ```
//!
//! A [`Loaded`] never changes: an edit gives a new one, and the old one stays in force until the
//! new one is on disk. Nothing here knows of HTTP.

mod at_start;
mod change;
mod diagnostic;
mod document;
mod edit;
mod egress;
mod environment;
mod grammar;
mod interpret;
mod keeper;
mod layers;
mod limits;
mod located;
pub mod manual;
pub mod model;
mod naming;
mod network;
pub mod password;
mod pointer;
mod print;
mod redaction;
mod saving;
mod schema;
mod secret;
mod shape;
mod text;
mod validation;
mod values;

#[cfg(test)]
mod change_tests;
#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod property_tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use serde_json::{Map, Value};
use thiserror::Error;

pub use change::{ChangeError, Edit};
pub use diagnostic::{Diagnostic, Severity};
pub use environment::Environment;
pub use keeper::{Apply, KeepError, Keeper, Precondition};
pub use model::Settings;
pub use network::Network;
pub use saving::SaveError;
pub use secret::{Secret, SecretUrl};
pub use shape::Shape;

use diagnostic::{Mask, Problem, SourceText};
use document::Document;
use located::Table;
use schema::{Kind, Scope};

/// Most diagnostics that are shown for one configuration.
const DIAGNOSTICS_MAX: usize = 1000;

/// A valid configuration: what it means, and the files it came from.
#[derive(Clone)]
pub struct Loaded {
    /// What the daemon reads.
    pub settings: Arc<Settings>,
    /// What someone should look at, such as a short cluster key.
    pub warnings: Vec<Diagnostic>,
    document: Document,
    environment: Environment,
    masks: Vec<Mask>,
    /// The files' own values.
    explicit: Map<String, Value>,
    /// Files, environment and defaults together.
    effective: Map<String, Value>,
    environment_fields: Vec<&'static str>,
}

/// A configuration that cannot be used, with every reason.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} (and {} more)", .diagnostics.first().map(ToString::to_string).unwrap_or_default(),
    .diagnostics.len().saturating_sub(1))]
pub struct Rejected {
    /// Errors and warnings in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// Why no settings came of a path.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The main file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is read, and wrong.
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

/// An item of a collection that is nothing but its fields, in the shape of [`Loaded::item`].
#[must_use]
pub fn blank_item(collection: &str) -> Value {
    let kind = schema::find_path(Scope::Top, collection).map(|row| row.kind);
    let Some(Kind::Items { scope, key }) = kind else {
        return Value::Null;
    };
    let mut item = schema::blank(scope);
    item.insert(key.to_owned(), Value::Null);
    Value::Object(item)
}

/// Reads and checks the configuration at `path`, the files it includes, and the environment.
///
/// Errors: [`LoadError`], with all errors at once and nothing half-loaded.
pub fn load(path: &Path, environment: &Environment) -> Result<Loaded, LoadError> {
    let (document, problems) = Document::read(path, &document::Overrides::new())
        .map_err(|source| LoadError::Unreadable { path: path.to_owned(), source })?;
    Ok(assemble(document, problems, environment)?)
}

/// Checks `text` as if it were the file at `path`, which need not exist. Reads included files.
///
/// Errors: [`Rejected`], with all errors at once.
pub fn from_text(path: &Path, text: &str, environment: &Environment) -> Result<Loaded, Rejected> {
    let texts = [(path.to_owned(), text.to_owned())].into();
    // Cannot fail: the main file's text is given.
    let (document, problems) = Document::read(path, &texts).unwrap_or_default();
    assemble(document, problems, environment)
}

impl fmt::Debug for Loaded {
    /// The settings only: they hide their secrets, the files' texts do not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Loaded {
    /// The files' own values as JSON, secrets hidden; with defaults and environment if `full`.
    #[must_use]
    pub fn json(&self, full: bool) -> Value {
        let object = if full { &self.effective } else { &self.explicit };
        Value::Object(redaction::hidden(Scope::Top, object))
    }

    /// One item with every default, secrets hidden: `item("peers", "south")`.
    #[must_use]
    pub fn item(&self, collection: &str, name: &str) -> Option<Value> {
        change::find_item(&self.effective, collection, name)
            .and_then(|item| redaction::hidden_item(collection, item))
    }

    /// All items of a collection with every default, secrets hidden.
    #[must_use]
    pub fn items(&self, collection: &str) -> Vec<Value> {
        let list = self.effective.get(collection).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|item| redaction::hidden_item(collection, item))
            .collect()
    }

    /// The main file's text, secrets hidden.
    #[must_use]
    pub fn text(&self) -> String {
        redaction::hidden_text(&self.document, 0, &self.masks)
    }

    /// Says something about the value at `path` (fields and indexes), where the files have it.
    fn diagnostic(&self, path: &[&str], what: &str, expected: &str) -> Option<Diagnostic> {
        let tree = interpret::interpret(self.document.directives()).tree;
        let problem = Problem::error(located::place_of(&tree, path), what, expected);
        let file = self.document.files.get(problem.place.file)?;
        Some(problem.describe(&file.source, &self.masks))
    }

    /// The main file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.document.path()
    }

    /// The folder that relative paths in the settings start from.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.document.folder()
    }

    /// JSON paths of the fields that the environment sets, such as `cluster_key`.
    #[must_use]
    pub fn environment_fields(&self) -> &[&'static str] {
        &self.environment_fields
    }

    /// Reads the same files and the same environment again.
    ///
    /// Errors: as [`load`]; this one stays good.
    pub fn reload(&self) -> Result<Self, LoadError> {
        load(self.path(), &self.environment)
    }

    /// What `edit` would make of this configuration. Touches no file; [`Loaded::save_over`] does.
    ///
    /// Errors: [`ChangeError`], and nothing has changed.
    pub fn edited(&self, edit: &Edit) -> Result<Self, ChangeError> {
        change::edited(self, edit)
    }

    /// Writes what differs from `old` to disk.
    ///
    /// Errors: [`SaveError`], and no file has changed; of several files, those before the one
    /// that failed are put back.
    pub fn save_over(&self, old: &Self) -> Result<(), SaveError> {
        saving::save(&old.document, &self.document)
    }

    /// Makes the change, on disk too, and gives the configuration to apply.
    ///
    /// Errors: [`ChangeError`], and nothing has changed.
    pub fn apply(&self, edit: &Edit) -> Result<Self, ChangeError> {
        let next = self.edited(edit)?;
        next.save_over(self)?;
        Ok(next)
    }
}

fn assemble(
    document: Document,
    mut problems: Vec<Problem>,
    environment: &Environment,
) -> Result<Loaded, Rejected> {
    let read = interpret::interpret(document.directives());
    let outside = environment::read(environment, document.files.len());
    let over = outside.directives.iter().map(|(file, directive)| (*file, directive));
    let over = interpret::interpret(over);
    let mut sources: Vec<SourceText> =
        document.files.iter().map(|file| file.source.clone()).collect();
    sources.extend(outside.sources);
    let sources = Arc::new(sources);

    problems.extend(outside.problems);
    for part in [&read, &over] {
        problems.extend(part.problems.iter().chain(&part.unsupported).cloned());
    }
    let masks: Vec<Mask> = read.masks.iter().chain(&over.masks).cloned().collect();
    let explicit = located::to_json(&read.tree);
    let mut tree: Table = read.tree.clone();
    located::overlay(&mut tree, over.tree.clone());
    let merged = layers::merge(read.tree, over.tree, &sources);
    match &merged {
        Ok((settings, _)) => {
            problems.extend(validation::validate(settings, &tree, &document.folder()));
        }
        Err(error) => {
            let what = format!("the model refuses it: {error}");
            problems.push(Problem::error(Default::default(), what, "another value"));
        }
    }
    problems.sort_by_key(|problem| problem.place);
    problems.truncate(DIAGNOSTICS_MAX);
    let diagnostics: Vec<Diagnostic> = problems
        .iter()
        .filter_map(|problem| Some(problem.describe(sources.get(problem.place.file)?, &masks)))
        .collect();
    let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
    match merged {
        Ok((settings, Value::Object(effective))) if !diagnostics.iter().any(is_error) => {
            Ok(Loaded {
                settings: Arc::new(settings),
                warnings: diagnostics,
                document,
                environment: environment.clone(),
                masks,
                explicit,
                effective,
                environment_fields: outside.fields,
            })
        }
        _ => Err(Rejected { diagnostics }),
    }
}
