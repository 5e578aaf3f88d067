//! JSON Schemas of the settings, made from the table of words: what the API shows, and what it
//! takes.
//!
//! Source: JSON Schema 2020-12, as OpenAPI 3.1 uses it.

use serde_json::{Map, Value, json};

use super::schema::{self, Kind, Row, Scope, Support};
use super::secret::HIDDEN;
use super::values;

/// Larger bounds are not exact as numbers of JSON (RFC 8259 §6).
const EXACT_MAX: u64 = 1 << 53;
/// Text without control characters.
const PLAIN: &str = r"^[^\x00-\x1f\x7f-\x9f]+$";

/// Which way the settings go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// In answers, secrets hidden. What is not set is left out.
    Shown,
    /// In requests: `null` removes a field, `$reset` all that are not given.
    Sent,
}

impl Shape {
    /// The schema of the whole configuration.
    #[must_use]
    pub fn configuration(self) -> Value {
        self.object(Scope::Top)
    }

    /// The schema of one item of a collection. Its name is not asked for: the path has it.
    #[must_use]
    pub fn item(self, collection: &str) -> Value {
        let kind = schema::find_path(Scope::Top, collection).map(|row| row.kind);
        match (kind, self) {
            (Some(Kind::Items { scope, key }), Self::Shown) => self.named(scope, key),
            (Some(Kind::Items { scope, .. }), Self::Sent) => self.object(scope),
            _ => json!(false),
        }
    }

    fn object(self, scope: Scope) -> Value {
        let mut properties = Map::new();
        for row in schema::fields(scope) {
            self.put(&mut properties, row.path, self.field(row));
        }
        if self == Self::Sent {
            let reset = json!({"type": "boolean", "description": "drops all fields not given"});
            properties.insert("$reset".to_owned(), reset);
        }
        json!({"type": "object", "properties": properties})
    }

    /// Sets the schema of a dotted path.
    fn put(self, properties: &mut Map<String, Value>, path: &str, schema: Value) {
        let Some((head, tail)) = path.split_once('.') else {
            properties.insert(path.to_owned(), schema);
            return;
        };
        let outer = || self.or_null(json!({"type": "object", "properties": {}}));
        let outer = properties.entry(head).or_insert_with(outer);
        if let Some(Value::Object(inner)) = outer.get_mut("properties") {
            self.put(inner, tail, schema);
        }
    }

    /// An item of a list, which holds its name under `key`.
    fn named(self, scope: Scope, key: &str) -> Value {
        let mut item = self.object(scope);
        item["properties"][key] = json!({"type": "string", "pattern": PLAIN});
        item["required"] = json!([key]);
        item
    }

    fn field(self, row: &Row) -> Value {
        let mut field = self.or_null(self.value(row));
        field["description"] = json!(description(row));
        let words = row.default.map(|default| default.split(' ').collect::<Vec<_>>());
        if let Some(default) = words.and_then(|words| values::from_words(row, &words).ok()) {
            field["default"] = default;
        }
        field
    }

    fn value(self, row: &Row) -> Value {
        let is_sent = self == Self::Sent;
        let secret =
            || if is_sent { json!({"type": "string", "pattern": PLAIN}) } else { hidden() };
        match row.kind {
            Kind::Flag => json!({"type": "boolean"}),
            Kind::Text if row.is_secret => secret(),
            Kind::HttpUrl if is_sent => {
                json!({"type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://."})
            }
            Kind::Text | Kind::HttpUrl | Kind::Address => {
                json!({"type": "string", "pattern": PLAIN})
            }
            Kind::Choice(choices) => json!({"type": "string", "enum": choices}),
            Kind::Words if row.is_secret => json!({"type": "array", "items": secret()}),
            Kind::Words | Kind::Networks => {
                json!({"type": "array", "items": {"type": "string", "pattern": PLAIN}})
            }
            Kind::Credentials => json!({
                "type": "object",
                "properties": {
                    "login": {"type": "string", "pattern": r"^[^:\x00-\x1f\x7f-\x9f]+$"},
                    "password": secret(),
                },
                "required": ["login", "password"],
            }),
            Kind::Object(scope) if is_sent => json!({
                "anyOf": [self.or_null(self.object(scope)), {"const": true}],
            }),
            Kind::Object(scope) => self.object(scope),
            Kind::Items { scope, key } => self.list(self.named(scope, key)),
            Kind::Listeners(scope) => self.list(self.listener(scope)),
            Kind::Shorthand(_) | Kind::Include => json!(false),
            Kind::Count
            | Kind::Percent
            | Kind::Size
            | Kind::BitRate
            | Kind::Milliseconds
            | Kind::Seconds => number(row.range),
        }
    }

    fn list(self, mut item: Value) -> Value {
        if self == Self::Sent {
            item["properties"]["$delete"] = json!({"type": "boolean"});
        }
        json!({"type": "array", "items": item})
    }

    fn listener(self, scope: Scope) -> Value {
        let mut listener = self.object(scope);
        listener["properties"]["port"] = number((0, u64::from(u16::MAX)));
        listener["properties"]["address"] = self.or_null(json!({
            "type": "string",
            "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}],
        }));
        listener["required"] = json!(["port"]);
        listener
    }

    /// The same, or null in a request.
    fn or_null(self, mut schema: Value) -> Value {
        if self == Self::Sent
            && let Some(kind @ Value::String(_)) = schema.get_mut("type")
        {
            *kind = json!([kind.take(), "null"]);
            if let Some(Value::Array(choices)) = schema.get_mut("enum") {
                choices.push(Value::Null);
            }
        }
        schema
    }
}

/// A secret as it is shown.
fn hidden() -> Value {
    json!({"type": "string", "const": HIDDEN})
}

fn number((smallest, largest): (u64, u64)) -> Value {
    let mut number = json!({"type": "integer", "minimum": smallest});
    if largest <= EXACT_MAX {
        number["maximum"] = json!(largest);
    }
    number
}

fn description(row: &Row) -> String {
    let unit = match row.kind {
        Kind::Percent => "; in percent",
        Kind::Size => "; in bytes",
        Kind::BitRate => "; in bits a second",
        Kind::Milliseconds => "; in milliseconds",
        Kind::Seconds => "; in seconds",
        _ => "",
    };
    let secret =
        if row.is_secret { "; shown as `***`, which keeps it when it is sent" } else { "" };
    let support = match row.support {
        Support::Ready => "",
        Support::Later => "; not supported yet",
    };
    format!("{}{unit}{secret}{support}", row.doc)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `schema` has a place for all of `value`.
    fn describes(schema: &Value, value: &Value) -> bool {
        match value {
            Value::Object(fields) => fields.iter().all(|(name, value)| {
                let field = &schema["properties"][name];
                !field.is_null() && describes(field, value)
            }),
            Value::Array(items) => items.iter().all(|item| describes(&schema["items"], item)),
            Value::String(_) => schema["type"] == "string",
            Value::Bool(_) => schema["type"] == "boolean",
            Value::Number(number) => {
                let within = |bound: &str, is_within: fn(&f64, &f64) -> bool| {
                    let bound = schema[bound].as_f64();
                    bound.is_none_or(|bound| is_within(&number.as_f64().unwrap(), &bound))
                };
                schema["type"] == "integer"
                    && within("minimum", f64::ge)
                    && within("maximum", f64::le)
            }
            Value::Null => false,
        }
    }

    #[test]
    fn every_word_is_described_as_it_is_shown() {
        let every = include_str!("../../tests/golden/every-word.json");
        let every: Value = serde_json::from_str(every).unwrap();
        assert!(describes(&Shape::Shown.configuration(), &every));
        assert!(!describes(&Shape::Shown.configuration(), &json!({"peers": [{"x": 1}]})));
        assert!(!describes(&Shape::Shown.configuration(), &json!({"hostname": 1})));
        assert!(describes(&Shape::Shown.item("streams"), &every["streams"][0]));
    }

    #[test]
    fn requests_may_remove_and_reset() {
        let peer = Shape::Sent.item("peers");
        assert_eq!(peer["properties"]["fetch_timeout"]["type"], json!(["integer", "null"]));
        assert_eq!(peer["properties"]["fetch_timeout"]["default"], json!(1000));
        assert_eq!(peer["properties"]["$reset"]["type"], "boolean");
        assert_eq!(peer["properties"].get("hostname"), None);
        let shown = Shape::Shown.item("peers");
        assert_eq!(shown["properties"]["cluster_key"]["const"], HIDDEN);
        assert_eq!(shown["properties"].get("$reset"), None);
    }
}
