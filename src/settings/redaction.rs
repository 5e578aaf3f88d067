//! Hides secrets in JSON and in text, by the schema; and knows what a written `***` stands for.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::{Map, Value};

use super::diagnostic::Mask;
use super::document::Document;
use super::grammar::{self, Parsed};
use super::interpret::{SECRET_WORDS, interpret};
use super::schema::{self, Kind, Row, Scope};
use super::secret::{HIDDEN, hide_in_url, restore_url};

/// How deep comments inside of comments are looked at.
const NESTED_COMMENTS_MAX: usize = 8;

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

/// A file's text with every secret hidden, also in comments.
pub(crate) fn hidden_text(document: &Document, file: usize, masks: &[Mask]) -> String {
    let Some(source) = document.files.get(file).map(|file| &file.source) else {
        return String::new();
    };
    let mut masks: Vec<Mask> =
        masks.iter().filter(|mask| mask.place.file == file).cloned().collect();
    for comment in comments(&source.text) {
        masks.extend(comment_masks(&source.text, comment));
    }
    masked(&source.text, &mut masks)
}

/// `text` with the masks laid over it; of overlapping ones the first counts.
fn masked(text: &str, masks: &mut [Mask]) -> String {
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

/// `text` with the secrets of each comment that was sent as it is shown of `stored`.
pub(crate) fn restored_comments(text: &str, stored: &str) -> String {
    let known: HashMap<String, &str> = comments(stored)
        .into_iter()
        .filter_map(|comment| {
            let plain = stored.get(comment.clone())?.trim_end();
            let mut masks = comment_masks(plain, 0..plain.len());
            (!masks.is_empty()).then(|| (masked(plain, &mut masks), plain))
        })
        .collect();
    let mut restored = String::with_capacity(text.len());
    let mut at = 0;
    for comment in comments(text) {
        let sent = text.get(comment.clone()).unwrap_or_default().trim_end();
        let Some(plain) = known.get(sent) else { continue };
        restored.push_str(text.get(at..comment.start).unwrap_or_default());
        restored.push_str(plain);
        at = comment.start + sent.len();
    }
    restored.push_str(text.get(at..).unwrap_or_default());
    restored
}

fn comments(text: &str) -> Vec<Range<usize>> {
    grammar::parse(text, &schema::is_word).comments
}

/// What is hidden of a comment, and of those inside of it.
fn comment_masks(text: &str, comment: Range<usize>) -> Vec<Mask> {
    let mut masks = Vec::new();
    let mut next = Some(comment);
    for _ in 0..NESTED_COMMENTS_MAX {
        let Some(comment) = next.take() else { break };
        let whole = text.get(comment.clone()).unwrap_or_default();
        let directive = whole.trim_start_matches(['#', ' ', '\t']);
        let offset = comment.end - directive.len();
        let parsed = grammar::parse(directive, &schema::is_word);
        masks.extend(directive_masks(&parsed).map(|mut mask| {
            mask.place.start += offset;
            mask.place.end += offset;
            mask
        }));
        let inner = parsed.comments.first();
        next = inner.map(|inner| inner.start + offset..inner.end + offset);
    }
    masks
}

/// Secrets of a directive that was commented out; passwords in URLs of prose too.
fn directive_masks(parsed: &Parsed) -> impl Iterator<Item = Mask> {
    // Prose breaks the grammar; so does a directive in a hurry, but that begins with its word.
    let is_directive = parsed.faults.is_empty()
        || parsed.directives.first().is_some_and(|first| {
            let word = first.word.text.as_str();
            SECRET_WORDS.contains(&word) || schema::find(Scope::Top, word).is_some()
        });
    let read = interpret(parsed.directives.iter().map(|directive| (0, directive)));
    read.masks.into_iter().filter(move |mask| is_directive || mask.shown != HIDDEN)
}
