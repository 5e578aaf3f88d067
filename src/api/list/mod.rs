//! The conventions of every list (SPEC section 7): filter, sort, cut into pages, select.
//!
//! ```text
//! keys ─▶ filters, q ─▶ sort ─▶ after the cursor, `limit` of them ─▶ items of the page ─▶ select
//! ```
//!
//! A list is given as its keys and a function from key to item. Items are built one at a time and
//! dropped again, so that a list of 200,000 streams costs the memory of its keys; and a plain page
//! in the order of the keys builds no other items than its own.

mod cursor;
mod filter;
mod order;

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use self::cursor::{Cursor, Direction};
use self::filter::Filter;
use self::order::{SortKey, SortValue};
use super::error::ApiError;
use super::openapi::{About, Schema};

/// Items on a page unless the request says otherwise.
const LIMIT_DEFAULT: usize = 100;
/// Most items on a page; a request for more gets this many.
const LIMIT_MAX: usize = 10_000;
/// Most parts of a query; each costs a look at every item.
const PARTS_MAX: usize = 64;

/// What a request wants of a list.
#[derive(Debug, Default)]
pub(crate) struct ListQuery {
    limit: Option<usize>,
    cursor: Option<Cursor>,
    sort: Vec<SortKey>,
    select: Vec<String>,
    search: Option<String>,
    filters: Vec<Filter>,
    /// Marks cursors as good for this order and these filters only.
    fingerprint: String,
}

/// Describes the list `collection`, whose items have the shape `item` and the fields of `blank`.
pub(crate) fn described(about: About, collection: &str, item: &Schema, blank: &Value) -> About {
    let suffixes = |is_any_value| {
        let suffixes: Vec<&str> = filter::suffixes(is_any_value).collect();
        suffixes.join("|")
    };
    let fields = fields(blank).join("|").replace('.', r"\.");
    let sorted = format!("^-?({fields})$");
    let listed = json!({"style": "form", "explode": false, "in": "query"});
    let named = |name: &str, description: &str| {
        let mut parameter = listed.clone();
        parameter["name"] = json!(name);
        parameter["description"] = json!(description);
        parameter
    };
    let cursor = json!({"type": ["string", "null"]});
    let page = item.clone().map(|item| {
        json!({
            "type": "object",
            "properties": {
                collection: {"type": "array", "items": item},
                "estimated_count": {"type": "integer", "minimum": 0},
                "next": cursor,
                "prev": cursor,
                "timing": {"type": "object"},
            },
            "required": [collection, "estimated_count", "next", "prev", "timing"],
        })
    });
    let limit = json!({"type": "integer", "minimum": 1, "default": LIMIT_DEFAULT});
    about
        .query("limit", "most items of the page", limit)
        .query("cursor", "`next` or `prev` of another page", json!({"type": "string"}))
        .parameter(
            named("sort", "fields, the first counting most; `-` before one turns its order"),
            json!({"type": "array", "items": {"type": "string", "pattern": sorted}}),
        )
        .parameter(
            named("select", "fields to show, dotted ones too; all without it"),
            json!({"type": "array", "items": {"type": "string"}}),
        )
        .query("q", "text that some field holds", json!({"type": "string"}))
        .parameter(
            json!({
                "name": "filter",
                "in": "query",
                "style": "form",
                "explode": true,
                "description": "each field, with or without a suffix, is a parameter of its own",
            }),
            json!({
                "type": "object",
                "patternProperties": {
                    (format!("^({fields})({})?$", suffixes(true))):
                        {"type": "string"},
                    (format!("^({fields})({})$", suffixes(false))):
                        {"const": "null"},
                },
                "additionalProperties": false,
            }),
        )
        .json(200, "the page", page)
        .refuses(&[400])
}

/// The dotted paths of all fields.
fn fields(blank: &Value) -> Vec<String> {
    let each = |(name, inner): (&String, &Value)| {
        let below = fields(inner).into_iter().map(move |field| format!("{name}.{field}"));
        [name.clone()].into_iter().chain(below).collect::<Vec<_>>()
    };
    blank.as_object().into_iter().flatten().flat_map(each).collect()
}

/// A key with what it is sorted by.
struct Row<K> {
    sorted_by: Vec<SortValue>,
    key: K,
}

impl ListQuery {
    /// Reads the query string of a request for the list `collection`, whose items have the fields
    /// that `blank` has.
    ///
    /// Errors: 400 with the name of the parameter that makes no sense.
    pub(crate) fn parse(collection: &str, blank: &Value, query: &str) -> Result<Self, ApiError> {
        let known = |parameter: &str, path: &str| match field(blank, path) {
            Some(_) => Ok(()),
            None => Err(unknown_field(collection, parameter, path)),
        };
        let mut list = Self::default();
        let mut cursor = None;
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "limit" => list.limit = Some(parse_limit(&value)?),
                "cursor" => cursor = Some(value.into_owned()),
                "sort" => {
                    list.sort = parts(&value).map(SortKey::parse).collect();
                    list.sort.iter().try_for_each(|key| known(&name, key.path()))?;
                }
                "select" => list.select = parts(&value).map(str::to_owned).collect(),
                "q" => list.search = Some(value.to_lowercase()).filter(|text| !text.is_empty()),
                _ => {
                    let filter = Filter::parse(&name, &value)?;
                    known(&name, filter.path())?;
                    list.filters.push(filter);
                }
            }
        }
        let parts = list.sort.len().max(list.select.len()).max(list.filters.len());
        if parts > PARTS_MAX {
            let title = format!("more than {PARTS_MAX} fields in one query");
            return Err(ApiError::bad_request("query_too_long", title));
        }
        list.fingerprint =
            cursor::fingerprint(&(collection, &list.sort, &list.filters, &list.search));
        list.cursor = match cursor.filter(|text| !text.is_empty()) {
            Some(text) => {
                let cursor = Cursor::parse(&text, &list.fingerprint, list.sort.len());
                Some(cursor.map_err(|error| error.in_query("cursor"))?)
            }
            None => None,
        };
        Ok(list)
    }

    /// Answers with one page of the list of `keys`; `item` makes an item, or nothing if it went.
    ///
    /// Names are unique, and the order among items that the wanted sort leaves open.
    pub(crate) fn answer<K>(
        &self,
        collection: &str,
        keys: impl IntoIterator<Item = K>,
        name: impl Fn(&K) -> &str,
        item: impl Fn(&K) -> Option<Value>,
    ) -> Value {
        let rows = self.sorted_rows(keys, &name, &item);
        let (start, end) = self.bounds(&rows, &name);
        let page = rows.get(start..end).unwrap_or_default();
        let cursor = |direction, row: Option<&Row<K>>| {
            row.map(|row| Cursor::new(direction, &row.sorted_by, name(&row.key)))
                .map(|cursor| cursor.text(&self.fingerprint))
        };
        // An empty page in the middle cannot be: its cursor's neighbours are on it.
        let next = cursor(Direction::After, page.last().filter(|_| end < rows.len()));
        let prev = cursor(Direction::Before, page.first().filter(|_| start > 0));
        let items: Vec<Value> =
            page.iter().filter_map(|row| item(&row.key)).map(|item| self.selected(item)).collect();
        json!({
            collection: items,
            "estimated_count": rows.len(),
            "next": next,
            "prev": prev,
            "timing": {},
        })
    }

    fn sorted_rows<K>(
        &self,
        keys: impl IntoIterator<Item = K>,
        name: &impl Fn(&K) -> &str,
        item: &impl Fn(&K) -> Option<Value>,
    ) -> Vec<Row<K>> {
        let needs_items =
            !self.sort.is_empty() || !self.filters.is_empty() || self.search.is_some();
        let row = |key: K| {
            if !needs_items {
                return Some(Row { sorted_by: Vec::new(), key });
            }
            let item = item(&key)?;
            let is_wanted = self.filters.iter().all(|filter| filter.matches(&item))
                && self.search.as_ref().is_none_or(|text| filter::mentions(&item, text));
            let sorted_by = self.sort.iter().map(|sort| sort.value_of(&item));
            is_wanted.then(|| Row { sorted_by: sorted_by.collect(), key })
        };
        let mut rows: Vec<Row<K>> = keys.into_iter().filter_map(row).collect();
        rows.sort_by(|a, b| {
            order::compare(&self.sort, &a.sorted_by, &b.sorted_by)
                .then_with(|| name(&a.key).cmp(name(&b.key)))
        });
        rows
    }

    /// The page's first row, and the one behind its last.
    fn bounds<K>(&self, rows: &[Row<K>], name: &impl Fn(&K) -> &str) -> (usize, usize) {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        let Some(cursor) = &self.cursor else {
            return (0, limit.min(rows.len()));
        };
        let compare = |row: &Row<K>| {
            order::compare(&self.sort, &row.sorted_by, cursor.sorted_by())
                .then_with(|| name(&row.key).cmp(cursor.key()))
        };
        match cursor.direction() {
            Direction::After => {
                let start = rows.partition_point(|row| compare(row) != Ordering::Greater);
                (start, start.saturating_add(limit).min(rows.len()))
            }
            Direction::Before => {
                let end = rows.partition_point(|row| compare(row) == Ordering::Less);
                (end.saturating_sub(limit), end)
            }
        }
    }

    fn selected(&self, item: Value) -> Value {
        if self.select.is_empty() {
            return item;
        }
        let mut selected = Map::new();
        for path in &self.select {
            if let Some(value) = field(&item, path) {
                put(&mut selected, path, value.clone());
            }
        }
        Value::Object(selected)
    }
}

fn parse_limit(text: &str) -> Result<usize, ApiError> {
    match text.parse::<usize>() {
        Ok(limit) if limit > 0 => Ok(limit.min(LIMIT_MAX)),
        _ => {
            let title = "limit: a number from 1 is expected";
            Err(ApiError::bad_request("invalid_limit", title).in_query("limit"))
        }
    }
}

fn unknown_field(collection: &str, parameter: &str, path: &str) -> ApiError {
    let title = format!("{parameter}: {collection} have no field `{path}`");
    ApiError::bad_request("unknown_field", title).in_query(parameter)
}

fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// The value at a dotted path.
fn field<'a>(item: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(item, |value, part| value.get(part))
}

/// Sets the value at a dotted path; what stands in the way goes.
fn put(object: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((head, tail)) = path.split_once('.') else {
        object.insert(path.to_owned(), value);
        return;
    };
    let inner = object.entry(head).or_insert_with(|| json!({}));
    if let Value::Object(inner) = inner {
        put(inner, tail, value);
    }
}

#[cfg(test)]
mod tests;
