//! Hides secrets in JSON and in text, by the schema; and knows what a written `***` stands for.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::diagnostic::Mask;
use super::document::Document;
use super::grammar;
use super::interpret::interpret;
use super::schema::{self, Kind, Row, Scope};
use super::secret::{HIDDEN, hide_in_url, restore_url};

/// `object` with every secret hidden.
pub(crate) fn hidden(scope: Scope, object: &Map<String, Value>) -> Map<String, Value> {
    let mut shown = object.clone();
    for row in schema::fields(scope) {
        if let Some(value) = schema::get(object, row.path) {
            schema::set(&mut shown, row.path, Some(hidden_value(row, value)));
        }
    }
    // The name of an item is no row of its scope, and may be a URL with a password.
    for name in ["url", "hostname", "name", "prefix"] {
        if let Some(Value::String(text)) = shown.get_mut(name) {
            *text = hide_in_url(text);
        }
    }
    shown
}

/// One item of a top-level list, hidden likewise.
pub(crate) fn hidden_item(collection: &str, item: &Value) -> Option<Value> {
    let scope = schema::inner(schema::find_path(Scope::Top, collection)?.kind)?;
    Some(Value::Object(hidden(scope, item.as_object()?)))
}

fn hidden_value(row: &Row, value: &Value) -> Value {
    let secret = || Value::String(HIDDEN.to_owned());
    match (row.kind, value) {
        (Kind::Items { scope, .. } | Kind::Listeners(scope), Value::Array(items)) => {
            let hide = |item: &Value| match item {
                Value::Object(object) => Value::Object(hidden(scope, object)),
                other => other.clone(),
            };
            Value::Array(items.iter().map(hide).collect())
        }
        (Kind::Object(scope), Value::Object(object)) => Value::Object(hidden(scope, object)),
        (Kind::Credentials, Value::Object(object)) => {
            let mut object = object.clone();
            object.insert("password".to_owned(), secret());
            Value::Object(object)
        }
        (_, Value::Array(items)) if row.is_secret => {
            Value::Array(items.iter().map(|_| secret()).collect())
        }
        (_, Value::Null) => Value::Null,
        _ if row.is_secret => secret(),
        (_, Value::String(text)) => Value::String(hide_in_url(text)),
        _ => value.clone(),
    }
}

/// A written value of `row` with each `***` replaced by what is stored at the same field.
///
/// `None` when a `***` stands for nothing.
pub(crate) fn restored(row: &Row, written: &Value, stored: Option<&Value>) -> Option<Value> {
    match (row.kind, written) {
        (Kind::Credentials, Value::Object(object)) => {
            if object.get("password") != Some(&Value::String(HIDDEN.to_owned())) {
                return Some(written.clone());
            }
            let mut object = object.clone();
            object.insert("password".to_owned(), stored?.get("password")?.clone());
            Some(Value::Object(object))
        }
        (_, Value::Array(items)) if row.is_secret => {
            let restore = |(index, item): (usize, &Value)| match item.as_str() {
                Some(HIDDEN) => stored?.get(index).cloned(),
                _ => Some(item.clone()),
            };
            items.iter().enumerate().map(restore).collect::<Option<Vec<_>>>().map(Value::Array)
        }
        (_, Value::String(text)) if row.is_secret => match text.as_str() {
            HIDDEN => stored.cloned(),
            _ => Some(written.clone()),
        },
        (_, Value::String(text)) => {
            restore_url(text, stored.and_then(Value::as_str).into_iter()).map(Value::String)
        }
        _ => Some(written.clone()),
    }
}

/// A file's text with every secret hidden, also in directives that are commented out.
pub(crate) fn hidden_text(document: &Document, file: usize, masks: &[Mask]) -> String {
    let Some(source) = document.files.get(file).map(|file| &file.source) else {
        return String::new();
    };
    let masks = masks.iter().filter(|mask| mask.place.file == file).collect();
    let shown = masked(&source.text, masks);
    let lines = shown.split_inclusive('\n');
    lines.map(|line| hidden_comment(line).unwrap_or_else(|| line.to_owned())).collect()
}

/// `text` with the masks laid over it; of overlapping ones the first counts.
fn masked(text: &str, mut masks: Vec<&Mask>) -> String {
    masks.sort_by_key(|mask| mask.place);
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for mask in masks {
        if mask.place.start < at {
            continue;
        }
        shown.push_str(text.get(at..mask.place.start).unwrap_or_default());
        shown.push_str(&mask.shown);
        at = mask.place.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    shown
}

/// `text` with each commented-out secret that was sent hidden as it stands in `stored`.
pub(crate) fn restored_comments(text: &str, stored: &str) -> String {
    let hidden = |line: &str| hidden_comment(line).map(|hidden| hidden.trim_end().to_owned());
    let known: HashMap<String, &str> =
        stored.split('\n').filter_map(|line| Some((hidden(line)?, line.trim_end()))).collect();
    let restore = |line: &str| match known.get(line.trim_end()) {
        Some(stored) => format!("{stored}{}", line.get(line.trim_end().len()..).unwrap_or("")),
        None => line.to_owned(),
    };
    text.split_inclusive('\n').map(restore).collect()
}

/// A commented-out directive with its secrets hidden; `None` if there are none.
fn hidden_comment(line: &str) -> Option<String> {
    let comment = line.trim_start();
    if !comment.starts_with('#') {
        return None;
    }
    let directive = comment.trim_start_matches(['#', ' ', '\t']);
    let parsed = grammar::parse(directive, &schema::is_word);
    if !parsed.faults.is_empty() {
        return None;
    }
    let read = interpret(parsed.directives.iter().map(|directive| (0, directive)));
    let head = line.strip_suffix(directive)?;
    let shown = masked(directive, read.masks.iter().collect());
    (!read.masks.is_empty()).then(|| format!("{head}{shown}"))
}
