//! The layers of the settings as sources of the `config` crate: defaults, file, environment.
//!
//! Each value carries its `file:line:column` as the origin, so that an error of the `config` crate
//! names the place too. Nested names never hold dots (items are lists), so no key is taken apart.

use std::sync::Arc;

use config::{Config, ConfigError, Map, Source, Value, ValueKind};
use serde_json::Value as Json;

use super::diagnostic::{Place, SourceText};
use super::located::{Located, Node, Table};
use super::model::Settings;
use super::schema::{self, Kind, Scope};
use super::values;

/// Merges the layers: the model, and the same as JSON with every default filled in.
///
/// Errors: a value that the model does not take, with its origin. The table has checked all
/// values before, so an error here means that table and model disagree.
pub(crate) fn merge(
    file: Table,
    environment: Table,
    sources: &Arc<Vec<SourceText>>,
) -> Result<(Settings, Json), ConfigError> {
    let layer = |table| Layer { table, sources: Arc::clone(sources) };
    let config = Config::builder()
        .add_source(Defaults)
        .add_source(layer(file))
        .add_source(layer(environment))
        .build()?;
    let effective = config.clone().try_deserialize()?;
    Ok((config.try_deserialize()?, effective))
}

/// The built-in defaults of the words outside of items.
#[derive(Clone, Debug)]
struct Defaults;

impl Source for Defaults {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let mut map = Map::new();
        fill(Scope::Top, &mut map);
        for row in schema::rows(Scope::Top) {
            if row.kind == Kind::Object(Scope::Limits) {
                let mut limits = Map::new();
                fill(Scope::Limits, &mut limits);
                map.insert(row.path.to_owned(), Value::new(None, limits));
            }
        }
        Ok(map)
    }
}

/// What the files or the environment say.
#[derive(Clone, Debug)]
struct Layer {
    table: Table,
    sources: Arc<Vec<SourceText>>,
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.fields(&self.table))
    }
}

impl Layer {
    fn fields(&self, table: &Table) -> Map<String, Value> {
        table.iter().map(|(name, field)| (name.clone(), self.value(name, field))).collect()
    }

    fn value(&self, name: &str, located: &Located) -> Value {
        let origin = self.origin(located.place);
        let kind = match &located.node {
            Node::Scalar(json) => kind_of(json),
            Node::Table(table) => ValueKind::Table(self.fields(table)),
            Node::List(items) => {
                let items = items.iter().map(|item| self.item(name, item));
                ValueKind::Array(items.collect())
            }
        };
        Value::new(Some(&origin), kind)
    }

    /// An item of the list `name`, with the defaults of its scope.
    fn item(&self, name: &str, located: &Located) -> Value {
        let origin = self.origin(located.place);
        let Node::Table(table) = &located.node else {
            return self.value(name, located);
        };
        let mut map = self.fields(table);
        if let Some(scope) = scope_of_list(name) {
            fill(scope, &mut map);
            fill_from_name(scope, &mut map);
        }
        Value::new(Some(&origin), ValueKind::Table(map))
    }

    fn origin(&self, place: Place) -> String {
        let Some(source) = self.sources.get(place.file) else {
            return String::new();
        };
        let (line, column) = source.position(place.start);
        format!("{}:{line}:{column}", source.name)
    }
}

/// The scope of the items in a list, by the last step of its JSON path.
fn scope_of_list(name: &str) -> Option<Scope> {
    let scopes = [Scope::Top, Scope::Stream, Scope::Vod];
    let mut rows = scopes.into_iter().flat_map(schema::rows);
    let row = rows.find(|row| {
        let is_list = matches!(row.kind, Kind::Items { .. } | Kind::Listeners(_));
        is_list && row.path.rsplit('.').next() == Some(name)
    })?;
    schema::inner(row.kind)
}

fn fill(scope: Scope, map: &mut Map<String, Value>) {
    for row in schema::rows(scope) {
        let Some(default) = row.default else { continue };
        if map.contains_key(row.path) {
            continue;
        }
        let words: Vec<&str> = default.split(' ').collect();
        if let Ok(value) = values::from_words(row, &words) {
            let origin = "the defaults".to_owned();
            map.insert(row.path.to_owned(), Value::new(Some(&origin), kind_of(&value)));
        }
    }
}

/// Defaults that follow from an item's name.
fn fill_from_name(scope: Scope, map: &mut Map<String, Value>) {
    let (name, field, before) = match scope {
        Scope::Peer => ("hostname", "api_url", "http://"),
        Scope::Template => ("name", "prefix", ""),
        _ => return,
    };
    let Some(value) = map.get(name).cloned() else {
        return;
    };
    let Ok(text) = value.into_string() else {
        return;
    };
    map.entry(field.to_owned()).or_insert_with(|| Value::new(None, format!("{before}{text}")));
}

fn kind_of(json: &Json) -> ValueKind {
    match json {
        Json::Null => ValueKind::Nil,
        Json::Bool(flag) => ValueKind::Boolean(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(number) => ValueKind::I64(number),
            None => ValueKind::Float(number.as_f64().unwrap_or(0.0)),
        },
        Json::String(text) => ValueKind::String(text.clone()),
        Json::Array(items) => {
            ValueKind::Array(items.iter().map(|item| Value::new(None, kind_of(item))).collect())
        }
        Json::Object(fields) => {
            let fields = fields.iter();
            ValueKind::Table(
                fields
                    .map(|(name, json)| (name.clone(), Value::new(None, kind_of(json))))
                    .collect(),
            )
        }
    }
}
