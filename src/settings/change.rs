//! Changes to the settings as the API makes them: JSON in, a new configuration out.
//!
//! One mechanism for every collection, driven by the schema: merge the patch into what the files
//! say, write the difference into their text, and read that text again. What was meant and what
//! the new text says must be equal, or the change is refused.

use std::collections::HashMap;
use std::fmt;

use serde_json::{Map, Value};
use thiserror::Error;

use super::document::Document;
use super::schema::{self, Kind, Row, Scope};
use super::secret::restore_url;
use super::{
    Diagnostic, Loaded, Rejected, SaveError, assemble, edit, egress, pointer, print, redaction,
    text, values,
};

/// A change. It may hold secrets, so it can be named in the log and not shown.
#[derive(Clone, PartialEq)]
pub enum Edit {
    /// Creates or partly updates one item: `null` removes a field, `"$reset": true` drops all
    /// fields that are not given.
    Put {
        /// The JSON field of the list: `peers`, `streams`, `templates`, `vods`, `sources`,
        /// `balancers`.
        collection: String,
        /// The item's name.
        name: String,
        /// An object with the fields to change.
        patch: Value,
    },
    /// Removes one item.
    Delete {
        /// As in [`Edit::Put`].
        collection: String,
        /// The item's name.
        name: String,
    },
    /// Partly updates the whole configuration. Items of lists are merged by name, and removed by
    /// `"$delete": true`; listeners and inputs are replaced.
    Config {
        /// An object with the fields to change.
        patch: Value,
    },
    /// Replaces the main file's text.
    Text {
        /// The new text; a `***` keeps the secret of the same item and field.
        text: String,
    },
}

/// For the log: what was touched, never what it says.
impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { collection, name, .. } => write!(f, "{collection} {name} was written"),
            Self::Delete { collection, name } => write!(f, "{collection} {name} was removed"),
            Self::Config { .. } => f.write_str("some of it was written"),
            Self::Text { .. } => f.write_str("its text was replaced"),
        }
    }
}

/// Why a change was not made; nothing has changed.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// A known field of the wrong type or out of range.
    #[error("{pointer}: expected {expected}")]
    WrongType {
        /// Where in the request (RFC 6901).
        pointer: String,
        /// What would be right.
        expected: String,
    },
    /// `***` where no secret is stored.
    #[error("{pointer}: `***` stands for no stored secret")]
    UnknownSecret {
        /// Where in the request (RFC 6901).
        pointer: String,
    },
    /// There is no such list.
    #[error("there is no collection `{0}`")]
    UnknownCollection(String),
    /// There is no such item in the files.
    #[error("there is no `{name}` in {collection}")]
    NotFound {
        /// The list.
        collection: String,
        /// The item.
        name: String,
    },
    /// Only the files themselves may say that: whoever writes them owns the node.
    #[error("{what}")]
    Forbidden {
        /// Names the rule.
        code: &'static str,
        /// In words.
        what: String,
        /// Where in the files.
        diagnostic: Option<Box<Diagnostic>>,
    },
    /// The environment sets this field, and would again.
    #[error("{field} is set by the environment")]
    SetByEnvironment {
        /// Its JSON path.
        field: String,
    },
    /// The result is no valid configuration.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The files' layout does not allow the change to be written; it can be made by hand.
    #[error("the change cannot be written into the file as it stands")]
    Unwritable,
    /// It could not be written to disk.
    #[error(transparent)]
    Save(#[from] SaveError),
}

/// The item `name` of a top-level list.
pub(crate) fn find_item<'a>(
    object: &'a Map<String, Value>,
    collection: &str,
    name: &str,
) -> Option<&'a Value> {
    let Kind::Items { key, .. } = schema::find_path(Scope::Top, collection)?.kind else {
        return None;
    };
    let items = object.get(collection)?.as_array()?;
    items.iter().find(|item| item.get(key).and_then(Value::as_str) == Some(name))
}

/// What `edit` makes of `loaded`. Reads files, writes none.
pub(crate) fn edited(loaded: &Loaded, edit: &Edit) -> Result<Loaded, ChangeError> {
    let stored = &loaded.explicit;
    match edit {
        Edit::Put { collection, name, patch } => {
            let patch = named_patch(collection, name, patch)?;
            patched(loaded, &patch).map_err(|error| in_item(error, collection))
        }
        Edit::Delete { collection, name } => {
            let after = without(stored, collection, name)?;
            rewritten(loaded, (&loaded.document, stored), &after, &Map::new())
        }
        Edit::Config { patch } => patched(loaded, object(patch, "")?),
        Edit::Text { text } => {
            let sent = text::read(loaded, text)?;
            check_reach(loaded, &sent)?;
            let after = merge(Scope::Top, &Map::new(), &sent.explicit, stored, "")
                .map_err(|error| text::in_file(error, &sent))?;
            rewritten(loaded, (&sent.document, &sent.explicit), &after, &Map::new())
        }
    }
}

/// `loaded` with `patch` laid over it.
fn patched(loaded: &Loaded, patch: &Map<String, Value>) -> Result<Loaded, ChangeError> {
    let stored = &loaded.explicit;
    let after = merge(Scope::Top, stored, patch, stored, "")?;
    rewritten(loaded, (&loaded.document, stored), &after, patch)
}

/// `document`, which says `before`, changed so that it says `after`, in the place of `loaded`. What
/// is wrong with it is looked for in `patch`, too.
fn rewritten(
    loaded: &Loaded,
    (document, before): (&Document, &Map<String, Value>),
    after: &Map<String, Value>,
    patch: &Map<String, Value>,
) -> Result<Loaded, ChangeError> {
    for field in &loaded.environment_fields {
        if schema::get(&loaded.explicit, field) != schema::get(after, field) {
            return Err(ChangeError::SetByEnvironment { field: (*field).to_owned() });
        }
    }
    let texts = edit::edited(document, before, after).ok_or(ChangeError::Unwritable)?;
    // Cannot fail: the main file's text is given.
    let read = || Document::read(loaded.path(), &texts).unwrap_or_default();
    let (document, problems) = read();
    let next = assemble(document, problems, &loaded.environment).map_err(ChangeError::from);
    let next = next.and_then(|next| match next.explicit == *after {
        true => check_reach(loaded, &next).map(|()| next),
        false => Err(ChangeError::Unwritable),
    });
    next.map_err(|error| {
        let document = read().0;
        map_diagnostics(error, |found| {
            found.pointer = pointer::find(&document, found.place, patch);
        })
    })
}

/// Refuses what would let the node reach further than the files allow.
fn check_reach(old: &Loaded, new: &Loaded) -> Result<(), ChangeError> {
    let Err(breach) = egress::check(old, new) else {
        return Ok(());
    };
    let path = breach.path();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let diagnostic = new.diagnostic(&path, &breach.what, "").map(Box::new);
    Err(ChangeError::Forbidden { code: breach.code, what: breach.what, diagnostic })
}

/// The same refusal with each place changed.
fn map_diagnostics(error: ChangeError, mut change: impl FnMut(&mut Diagnostic)) -> ChangeError {
    match error {
        ChangeError::Rejected(mut rejected) => {
            rejected.diagnostics.iter_mut().for_each(change);
            ChangeError::Rejected(rejected)
        }
        ChangeError::Forbidden { code, what, mut diagnostic } => {
            diagnostic.as_deref_mut().into_iter().for_each(&mut change);
            ChangeError::Forbidden { code, what, diagnostic }
        }
        other => other,
    }
}

/// The patch of one item as a patch of the whole.
fn named_patch(
    collection: &str,
    name: &str,
    patch: &Value,
) -> Result<Map<String, Value>, ChangeError> {
    let unknown = || ChangeError::UnknownCollection(collection.to_owned());
    let row = schema::find_path(Scope::Top, collection).ok_or_else(unknown)?;
    let Kind::Items { key, .. } = row.kind else {
        return Err(unknown());
    };
    let mut patch = object(patch, "")?.clone();
    match patch.get(key) {
        Some(given) if given.as_str() != Some(name) => {
            let expected = format!("`{name}`, the name in the path");
            return Err(ChangeError::WrongType { pointer: format!("/{key}"), expected });
        }
        _ => patch.insert(key.to_owned(), Value::String(name.to_owned())),
    };
    patch.remove("$delete");
    let list = Value::Array(vec![Value::Object(patch)]);
    Ok([(collection.to_owned(), list)].into_iter().collect())
}

/// Pointers of an item's request start at the item.
fn in_item(error: ChangeError, collection: &str) -> ChangeError {
    let prefix = format!("/{collection}/0");
    let cut = |pointer: String| pointer.strip_prefix(&prefix).unwrap_or(&pointer).to_owned();
    match error {
        ChangeError::WrongType { pointer, expected } => {
            ChangeError::WrongType { pointer: cut(pointer), expected }
        }
        ChangeError::UnknownSecret { pointer } => {
            ChangeError::UnknownSecret { pointer: cut(pointer) }
        }
        other => map_diagnostics(other, |found| {
            found.pointer = found.pointer.take().map(cut);
        }),
    }
}

fn without(
    stored: &Map<String, Value>,
    collection: &str,
    name: &str,
) -> Result<Map<String, Value>, ChangeError> {
    let not_found =
        || ChangeError::NotFound { collection: collection.to_owned(), name: name.to_owned() };
    let item = find_item(stored, collection, name).ok_or_else(not_found)?;
    let items = stored.get(collection).and_then(Value::as_array).ok_or_else(not_found)?;
    let rest: Vec<Value> = items.iter().filter(|one| *one != item).cloned().collect();
    let mut after = stored.clone();
    let rest = (!rest.is_empty()).then_some(Value::Array(rest));
    schema::set(&mut after, collection, rest);
    Ok(after)
}

/// `base` with `patch` laid over it, checked by the schema. `stored` is what a `***` stands for.
fn merge(
    scope: Scope,
    base: &Map<String, Value>,
    patch: &Map<String, Value>,
    stored: &Map<String, Value>,
    pointer: &str,
) -> Result<Map<String, Value>, ChangeError> {
    let is_reset = mark(patch, "$reset", pointer)?;
    let mut merged = if is_reset { Map::new() } else { base.clone() };
    for row in schema::fields(scope) {
        let Some(value) = given(patch, row.path, pointer)? else {
            continue;
        };
        let at = format!("{pointer}/{}", row.path.replace('.', "/"));
        let kept = schema::get(stored, row.path);
        let value = match (row.kind, value) {
            (_, Value::Null) => None,
            (Kind::Items { .. }, _) if scope == Scope::Top => {
                let below = schema::get(&merged, row.path);
                merge_items(row, below, value, kept, &at)?
            }
            (Kind::Items { .. } | Kind::Listeners(_), _) => {
                merge_items(row, None, value, kept, &at)?
            }
            (Kind::Object(inner), _) => {
                let empty = Map::new();
                let of = |value: Option<&Value>| {
                    value.and_then(Value::as_object).unwrap_or(&empty).clone()
                };
                let patch = match value {
                    Value::Bool(true) => &empty,
                    other => object(other, &at)?,
                };
                let below = of(schema::get(&merged, row.path));
                Some(Value::Object(merge(inner, &below, patch, &of(kept), &at)?))
            }
            _ => plain(row, value, kept, &at)?,
        };
        schema::set(&mut merged, row.path, value);
    }
    Ok(merged)
}

/// A value without fields; an empty list is none.
fn plain(
    row: &Row,
    value: &Value,
    stored: Option<&Value>,
    pointer: &str,
) -> Result<Option<Value>, ChangeError> {
    if value.as_array().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    let value = redaction::restored(row, value, stored)
        .ok_or_else(|| ChangeError::UnknownSecret { pointer: pointer.to_owned() })?;
    let checked = values::check_json(row, &value);
    checked
        .map(Some)
        .map_err(|expected| ChangeError::WrongType { pointer: pointer.to_owned(), expected })
}

/// A list of items: merged by name into `below`, the new ones behind.
fn merge_items(
    row: &Row,
    below: Option<&Value>,
    patch: &Value,
    stored: Option<&Value>,
    pointer: &str,
) -> Result<Option<Value>, ChangeError> {
    let wrong = |pointer: &str| ChangeError::WrongType {
        pointer: pointer.to_owned(),
        expected: values::expected_json(row),
    };
    let scope = schema::inner(row.kind).ok_or_else(|| wrong(pointer))?;
    let patches = patch.as_array().ok_or_else(|| wrong(pointer))?;
    let below = below.and_then(Value::as_array).cloned().unwrap_or_default();
    let stored = stored.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let index = |items: &[Value]| -> HashMap<String, usize> {
        let names = items.iter().map(|item| print::item_name(row, item).unwrap_or_default());
        names.enumerate().map(|(position, name)| (name, position)).collect()
    };
    let stored_at = index(stored);
    let mut at = index(&below);
    let mut items: Vec<Option<Value>> = below.into_iter().map(Some).collect();
    let empty = Map::new();
    for (number, patch) in patches.iter().enumerate() {
        let pointer = format!("{pointer}/{number}");
        let patch = object(patch, &pointer)?;
        let naming = item_name(row, patch, stored, &pointer)?;
        let name = print::item_name(row, &Value::Object(naming.clone())).unwrap_or_default();
        let kept = stored_at.get(&name).and_then(|i| stored.get(*i)?.as_object());
        let position = *at.entry(name).or_insert(items.len());
        if position == items.len() {
            items.push(None);
        }
        let Some(item) = items.get_mut(position) else {
            continue;
        };
        let base = item.as_ref().and_then(Value::as_object).unwrap_or(&empty);
        // What is to go is looked at as well: a wrong field is one wherever it stands.
        let mut merged = merge(scope, base, patch, kept.unwrap_or(&empty), &pointer)?;
        merged.extend(naming);
        let is_gone = mark(patch, "$delete", &pointer)?;
        *item = (!is_gone).then_some(Value::Object(merged));
    }
    let items: Vec<Value> = items.into_iter().flatten().collect();
    Ok((!items.is_empty()).then_some(Value::Array(items)))
}

/// The fields that name an item, from a request; a hidden password in a URL is looked up.
fn item_name(
    row: &Row,
    patch: &Map<String, Value>,
    stored: &[Value],
    pointer: &str,
) -> Result<Map<String, Value>, ChangeError> {
    let wrong = |field: &str| ChangeError::WrongType {
        pointer: format!("{pointer}/{field}"),
        expected: values::expected(row),
    };
    let Kind::Items { key, .. } = row.kind else {
        return values::listener_to_word(patch)
            .and_then(|word| values::listener_from_word(&word))
            .ok_or_else(|| wrong("port"));
    };
    let name = patch.get(key).and_then(Value::as_str).ok_or_else(|| wrong(key))?;
    if name.is_empty() || name.contains(char::is_control) {
        return Err(wrong(key));
    }
    let urls = stored.iter().filter_map(|item| item.get(key)?.as_str());
    let name = restore_url(name, urls)
        .ok_or_else(|| ChangeError::UnknownSecret { pointer: format!("{pointer}/{key}") })?;
    Ok([(key.to_owned(), Value::String(name))].into_iter().collect())
}

/// Whether a request sets a mark such as `$reset`.
fn mark(patch: &Map<String, Value>, name: &str, pointer: &str) -> Result<bool, ChangeError> {
    match patch.get(name) {
        None => Ok(false),
        Some(Value::Bool(is_set)) => Ok(*is_set),
        Some(_) => {
            let expected = "true or false".to_owned();
            Err(ChangeError::WrongType { pointer: format!("{pointer}/{name}"), expected })
        }
    }
}

fn object<'a>(value: &'a Value, pointer: &str) -> Result<&'a Map<String, Value>, ChangeError> {
    let expected = "an object".to_owned();
    let pointer = pointer.to_owned();
    value.as_object().ok_or(ChangeError::WrongType { pointer, expected })
}

/// The value at a dotted path of a request, if it is there.
fn given<'a>(
    patch: &'a Map<String, Value>,
    path: &str,
    pointer: &str,
) -> Result<Option<&'a Value>, ChangeError> {
    let Some((head, tail)) = path.split_once('.') else {
        return Ok(patch.get(path));
    };
    match patch.get(head) {
        None => Ok(None),
        Some(null @ Value::Null) => Ok(Some(null)),
        Some(inner) => {
            let pointer = format!("{pointer}/{head}");
            given(object(inner, &pointer)?, tail, &pointer)
        }
    }
}
