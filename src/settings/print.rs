//! Writes the model as `.conf` text: one item, or a whole configuration.

use serde_json::{Map, Value};

use super::grammar::is_bare;
use super::schema::{self, Kind, Row, Scope};
use super::values;

/// The longest line an item is kept on.
const LINE_CHARACTERS_MAX: usize = 100;

/// `text` as an argument, in quotes where it needs them.
pub(crate) fn quoted(text: &str) -> String {
    if is_bare(text) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The words of a plain value, ready to stand behind its keyword.
pub(crate) fn arguments(row: &Row, value: &Value) -> Option<String> {
    let words = values::to_words(row, value)?;
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    Some(words.join(" "))
}

/// The name an item of a list goes by.
pub(crate) fn item_name(row: &Row, item: &Value) -> Option<String> {
    let object = item.as_object()?;
    match row.kind {
        Kind::Items { key, .. } => object.get(key)?.as_str().map(str::to_owned),
        Kind::Listeners(_) => values::listener_to_word(object),
        _ => None,
    }
}

/// One directive for each value of `row`; lists of items become several.
pub(crate) fn directives(row: &Row, value: &Value) -> Vec<String> {
    match (row.kind, value) {
        (Kind::Items { .. } | Kind::Listeners(_), Value::Array(items)) => {
            items.iter().filter_map(|item| self::item(row, item)).collect()
        }
        (Kind::Object(scope), Value::Object(object)) => {
            vec![block(row.word.to_owned(), scope, object)]
        }
        _ => arguments(row, value)
            .map(|words| format!("{} {words};", row.word))
            .into_iter()
            .collect(),
    }
}

/// One item of a list.
pub(crate) fn item(row: &Row, item: &Value) -> Option<String> {
    let name = quoted(&item_name(row, item)?);
    let scope = schema::inner(row.kind)?;
    Some(block(format!("{} {name}", row.word), scope, item.as_object()?))
}

fn block(head: String, scope: Scope, object: &Map<String, Value>) -> String {
    let mut fields = Vec::new();
    for row in schema::fields(scope) {
        if let Some(value) = schema::get(object, row.path) {
            fields.extend(directives(row, value));
        }
    }
    if fields.is_empty() {
        return format!("{head};");
    }
    let line = format!("{head} {{ {} }}", fields.join(" "));
    if line.chars().count() <= LINE_CHARACTERS_MAX && !line.contains('\n') {
        return line;
    }
    let mut text = format!("{head} {{\n");
    for line in fields.iter().flat_map(|field| field.lines()) {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('}');
    text
}

/// A whole configuration.
#[cfg(test)]
pub(crate) fn whole(object: &Map<String, Value>) -> String {
    let mut text = String::new();
    for row in schema::fields(Scope::Top) {
        for directive in schema::get(object, row.path).iter().flat_map(|v| directives(row, v)) {
            text.push_str(&directive);
            text.push('\n');
        }
    }
    text
}
