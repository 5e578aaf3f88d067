//! How items are put in order: by fields of any JSON type, the missing ones last.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Characters of a text that take part in the order; the key decides beyond.
const TEXT_CHARS_MAX: usize = 256;

/// One field to sort by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct SortKey {
    path: String,
    is_descending: bool,
}

/// What an item is sorted by: the simple value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum SortValue {
    /// A yes or no.
    Flag(bool),
    /// Any number, as the bits of an `f64`: decimal digits would not bring each one back.
    Number(u64),
    /// A text, or a list or object as JSON.
    Text(String),
    /// Null, or no such field. Behind all others in either direction.
    Missing,
}

impl SortKey {
    /// Reads `field` or `-field`.
    pub(super) fn parse(text: &str) -> Self {
        let path = text.strip_prefix('-').unwrap_or(text);
        Self { path: path.to_owned(), is_descending: text.starts_with('-') }
    }

    /// The dotted path of its field.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// What `item` is sorted by.
    pub(super) fn value_of(&self, item: &Value) -> SortValue {
        match super::field(item, &self.path) {
            None | Some(Value::Null) => SortValue::Missing,
            Some(Value::Bool(flag)) => SortValue::Flag(*flag),
            Some(Value::Number(number)) => {
                number.as_f64().map_or(SortValue::Missing, |n| SortValue::Number(n.to_bits()))
            }
            Some(Value::String(text)) => SortValue::Text(shortened(text)),
            Some(list @ (Value::Array(_) | Value::Object(_))) => {
                SortValue::Text(shortened(&list.to_string()))
            }
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

/// Compares what two items are sorted by; both have one value a sort key.
pub(super) fn compare(sort: &[SortKey], a: &[SortValue], b: &[SortValue]) -> Ordering {
    for (key, (a, b)) in sort.iter().zip(a.iter().zip(b)) {
        let ordering = match (a, b) {
            (SortValue::Missing, _) | (_, SortValue::Missing) => rank(a).cmp(&rank(b)),
            _ if key.is_descending => compare_present(b, a),
            _ => compare_present(a, b),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

fn compare_present(a: &SortValue, b: &SortValue) -> Ordering {
    match (a, b) {
        (SortValue::Flag(a), SortValue::Flag(b)) => a.cmp(b),
        (SortValue::Number(a), SortValue::Number(b)) => {
            f64::from_bits(*a).total_cmp(&f64::from_bits(*b))
        }
        (SortValue::Text(a), SortValue::Text(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// Values of different types stand type by type.
const fn rank(value: &SortValue) -> u8 {
    match value {
        SortValue::Flag(_) => 0,
        SortValue::Number(_) => 1,
        SortValue::Text(_) => 2,
        SortValue::Missing => 3,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn missing_values_stand_last_in_either_direction() {
        let values = [json!({"n": 2}), json!({}), json!({"n": 10}), json!({"n": null})];
        for (sort, expected) in [("n", [2, 10]), ("-n", [10, 2])] {
            let sort = [SortKey::parse(sort)];
            let mut sorted: Vec<SortValue> =
                values.iter().map(|item| sort[0].value_of(item)).collect();
            sorted.sort_by(|a, b| compare(&sort, std::slice::from_ref(a), std::slice::from_ref(b)));
            let expected = expected.map(|n| SortValue::Number(f64::from(n).to_bits()));
            assert_eq!(sorted[..2], expected);
            assert_eq!(sorted[2..], [SortValue::Missing, SortValue::Missing]);
        }
    }
}
