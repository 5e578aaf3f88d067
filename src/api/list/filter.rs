//! Which items a list holds: `field=a,b`, the suffixes of SPEC section 7, and `q=`.

use serde::Serialize;
use serde_json::Value;

use crate::api::error::ApiError;

/// One condition on one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Filter {
    path: String,
    condition: Condition,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
enum Condition {
    /// One of these.
    Is(Vec<String>),
    /// None of these.
    IsNot(Vec<String>),
    Greater(String),
    GreaterOrEqual(String),
    Less(String),
    LessOrEqual(String),
    /// Contains this text, in small letters.
    Like(String),
    Null,
    NotNull,
}

/// Makes the condition that a parameter with its suffix and this value is.
type Build = fn(&str) -> Option<Condition>;

/// What may follow a field's name.
const SUFFIXES: [(&str, Build); 8] = [
    ("_is_not", |value| (value == "null").then_some(Condition::NotNull)),
    ("_is", |value| (value == "null").then_some(Condition::Null)),
    ("_ne", |value| Some(Condition::IsNot(alternatives(value)))),
    ("_gte", |value| Some(Condition::GreaterOrEqual(value.to_owned()))),
    ("_gt", |value| Some(Condition::Greater(value.to_owned()))),
    ("_lte", |value| Some(Condition::LessOrEqual(value.to_owned()))),
    ("_lt", |value| Some(Condition::Less(value.to_owned()))),
    ("_like", |value| Some(Condition::Like(value.to_lowercase()))),
];

/// The suffixes behind which any value can stand, or those that take `null` alone.
pub(super) fn suffixes(is_any_value: bool) -> impl Iterator<Item = &'static str> {
    let wanted = SUFFIXES.iter().filter(move |(_, build)| build("").is_some() == is_any_value);
    wanted.map(|(suffix, _)| *suffix)
}

impl Filter {
    /// Reads one parameter of a query.
    ///
    /// Errors: 400 for `_is` of anything but `null`.
    pub(super) fn parse(name: &str, value: &str) -> Result<Self, ApiError> {
        for (suffix, build) in SUFFIXES {
            let path = name.strip_suffix(suffix).filter(|path| !path.is_empty());
            if let Some(path) = path {
                let Some(condition) = build(value) else {
                    let title = format!("{name}: only null can follow");
                    return Err(ApiError::bad_request("invalid_filter", title).in_query(name));
                };
                return Ok(Self { path: path.to_owned(), condition });
            }
        }
        Ok(Self { path: name.to_owned(), condition: Condition::Is(alternatives(value)) })
    }

    /// The dotted path of its field.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether `item` fulfils it. A list fulfils what one of its elements fulfils.
    pub(super) fn matches(&self, item: &Value) -> bool {
        let value = super::field(item, &self.path).unwrap_or(&Value::Null);
        match &self.condition {
            Condition::Is(wanted) => wanted.iter().any(|wanted| any(value, |v| equals(v, wanted))),
            Condition::IsNot(unwanted) => {
                !unwanted.iter().any(|unwanted| any(value, |v| equals(v, unwanted)))
            }
            Condition::Greater(bound) => {
                any(value, |v| compare(v, bound).is_some_and(|o| o.is_gt()))
            }
            Condition::GreaterOrEqual(bound) => {
                any(value, |v| compare(v, bound).is_some_and(|o| o.is_ge()))
            }
            Condition::Less(bound) => any(value, |v| compare(v, bound).is_some_and(|o| o.is_lt())),
            Condition::LessOrEqual(bound) => {
                any(value, |v| compare(v, bound).is_some_and(|o| o.is_le()))
            }
            Condition::Like(part) => any(value, |v| text(v).to_lowercase().contains(part)),
            Condition::Null => value.is_null(),
            Condition::NotNull => !value.is_null(),
        }
    }
}

/// Whether any text in `item`, at any depth, contains `part`, which is in small letters.
pub(super) fn mentions(item: &Value, part: &str) -> bool {
    match item {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.to_lowercase().contains(part),
        Value::Array(list) => list.iter().any(|value| mentions(value, part)),
        Value::Object(object) => object.values().any(|value| mentions(value, part)),
    }
}

fn alternatives(value: &str) -> Vec<String> {
    value.split(',').map(str::to_owned).collect()
}

fn any(value: &Value, is: impl Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(list) => list.iter().any(is),
        _ => is(value),
    }
}

fn equals(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Number(_) => compare(value, wanted).is_some_and(|ordering| ordering.is_eq()),
        Value::String(text) => text == wanted,
        Value::Bool(flag) => wanted == if *flag { "true" } else { "false" },
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// The order of two numbers or two texts; none between others.
fn compare(value: &Value, bound: &str) -> Option<std::cmp::Ordering> {
    match value {
        Value::Number(number) => number.as_f64()?.partial_cmp(&bound.parse().ok()?),
        Value::String(text) => Some(text.as_str().cmp(bound)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_suffix_keeps_what_it_says() {
        let item = json!({
            "name": "North-cam", "title": null,
            "stats": {"alive": true, "bitrate": 2500, "load": 1.5, "running_on": ["a", "b"]},
        });
        let cases = [
            ("name", "x,North-cam", true),
            ("name", "north-cam", false),
            ("name_ne", "x,y", true),
            ("name_ne", "North-cam", false),
            ("name_like", "TH-C", true),
            ("name_like", "south", false),
            ("name_gt", "M", true),
            ("name_lt", "M", false),
            ("stats.alive", "true", true),
            ("stats.alive_ne", "true", false),
            ("stats.bitrate", "2500", true),
            ("stats.bitrate", "2500.0", true),
            ("stats.bitrate_gt", "2500", false),
            ("stats.bitrate_gte", "2500", true),
            ("stats.bitrate_lt", "10000", true),
            ("stats.bitrate_lte", "2499.5", false),
            ("stats.bitrate_gt", "many", false),
            ("stats.load_gt", "1", true),
            ("stats.running_on", "b", true),
            ("stats.running_on_ne", "b", false),
            ("stats.running_on_like", "B", true),
            ("title_is", "null", true),
            ("title_is_not", "null", false),
            ("name_is_not", "null", true),
            ("title", "x", false),
            ("title_ne", "x", true),
            ("absent_is", "null", true),
            ("absent_gt", "0", false),
        ];
        for (name, value, expected) in cases {
            let filter = Filter::parse(name, value).unwrap();
            assert_eq!(filter.matches(&item), expected, "{name}={value}");
        }
        assert!(Filter::parse("title_is", "nothing").is_err());
        assert_eq!(Filter::parse("_ne", "x").unwrap().path, "_ne");
    }

    #[test]
    fn search_looks_everywhere() {
        let item = json!({"a": ["x", {"b": "Main Stage"}], "n": 12});
        assert!(mentions(&item, "main s"));
        assert!(!mentions(&item, "12"));
    }
}
