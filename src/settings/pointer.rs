//! Where in a request something was said that its configuration is refused for.
//!
//! ```text
//! place in the files' new text ─▶ directive in directive ─▶ field in item of the request's JSON
//! ```
//! Items are found by their names: the files have them in another order, and more of them.

use serde_json::{Map, Value};

use super::diagnostic::Place;
use super::document::Document;
use super::edit::{named, shorthand};
use super::grammar::Directive;
use super::print;
use super::schema::{self, Kind, Scope};
use super::secret::hide_in_url;

/// The part of `patch` (RFC 6901) that became the text of `document` at `place`, or the item
/// around it; `None` if the request does not speak of it.
pub(crate) fn find(
    document: &Document,
    place: Place,
    patch: &Map<String, Value>,
) -> Option<String> {
    let is_around = |(file, directive): &(usize, &Directive)| {
        *file == place.file && directive.span.contains(&place.start)
    };
    let (_, directive) = document.directives().find(is_around)?;
    in_directive(Scope::Top, directive, place.start, patch)
}

fn in_directive(
    scope: Scope,
    directive: &Directive,
    at: usize,
    patch: &Map<String, Value>,
) -> Option<String> {
    let full = shorthand(directive).filter(|_| scope == Scope::Top);
    let directive = full.as_ref().unwrap_or(directive);
    let row = schema::find(scope, &directive.word.text)?;
    let value = schema::get(patch, row.path)?;
    let pointer = format!("/{}", row.path.replace('.', "/"));
    let below = match row.kind {
        Kind::Object(inner) => in_fields(inner, directive, at, value),
        Kind::Items { .. } | Kind::Listeners(_) => {
            let written = named(row, directive)?;
            let is_named = |item: &Value| {
                let name = print::item_name(row, item);
                name.is_some_and(|name| name == written || name == hide_in_url(&written))
            };
            let items = value.as_array()?;
            let index = items.iter().position(is_named)?;
            let is_name = directive.arguments.iter().any(|word| word.span.contains(&at));
            let field = match row.kind {
                Kind::Items { key, .. } if is_name => format!("/{key}"),
                _ => in_fields(schema::inner(row.kind)?, directive, at, items.get(index)?),
            };
            format!("/{index}{field}")
        }
        _ => String::new(),
    };
    Some(pointer + &below)
}

/// The field of `value` that `directive` says at `at`; empty where that is the whole.
fn in_fields(scope: Scope, directive: &Directive, at: usize, value: &Value) -> String {
    let found = value.as_object().and_then(|patch| {
        let pair = directive.pairs.iter().find(|pair| pair.span().contains(&at));
        if let Some(row) = pair.and_then(|pair| schema::find(scope, &pair.key.text)) {
            schema::get(patch, row.path)?;
            return Some(format!("/{}", row.path.replace('.', "/")));
        }
        let mut inner = directive.block.iter().flat_map(|block| &block.directives);
        in_directive(scope, inner.find(|inner| inner.span.contains(&at))?, at, patch)
    });
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use crate::settings::{ChangeError, Edit, Environment, Severity, from_text};

    const FILE: &str = "\
http 8081;
cluster_key 0123456789abcdef;
peer east; peer south { fetch_timeout 2000; }
ondemand hall rtsp://u:secret@10.0.0.7/1;
stream cam { title a; input rtsp://u:secret@10.0.0.8/1 priority=1; }
";

    /// The places of a refusal, in the request; `-` for one that the request does not speak of.
    fn places(edit: &Edit) -> Vec<String> {
        let loaded = from_text(Path::new("/nowhere/a.conf"), FILE, &Environment::default());
        match loaded.unwrap().edited(edit) {
            Err(ChangeError::Rejected(rejected)) => rejected
                .diagnostics
                .into_iter()
                .filter(|one| one.severity == Severity::Error)
                .map(|one| one.pointer.unwrap_or_else(|| "-".to_owned()))
                .collect(),
            Err(ChangeError::Forbidden { diagnostic, .. }) => {
                vec![diagnostic.unwrap().pointer.unwrap_or_else(|| "-".to_owned())]
            }
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("it was taken"),
        }
    }

    #[test]
    fn refused_item_names_the_field_of_the_request() {
        for (collection, name, patch, expected) in [
            ("streams", "x", json!({"inputs": [{"url": "x"}]}), "/inputs/0/url"),
            (
                "streams",
                "cam",
                json!({"inputs": [{"url": "publish://"}, {"url": "rtsps://h/1", "priority": 1}]}),
                "/inputs/1/url",
            ),
            ("streams", "hall", json!({"inputs": [{"url": "rtsps://h/1"}]}), "/inputs/0/url"),
            ("streams", "cam", json!({"on_play": "http://h/"}), "/on_play"),
            ("streams", "cam", json!({"cluster_ingest": {}}), "/cluster_ingest"),
            ("peers", "east", json!({"stale_timeout": 1500}), "/stale_timeout"),
            ("peers", "south", json!({"stale_timeout": 3000}), "/stale_timeout"),
            ("peers", "east", json!({"public_rtsp_url": "http://h"}), "/public_rtsp_url"),
            ("peers", "a/b", json!({}), "/hostname"),
            ("vods", "film", json!({}), ""),
        ] {
            let (collection, name) = (collection.to_owned(), name.to_owned());
            let edit = Edit::Put { collection, name, patch };
            let places = places(&edit);
            assert_eq!(places.first().map(String::as_str), Some(expected), "{places:?}");
        }
    }

    #[test]
    fn refused_configuration_names_the_field_of_the_item_it_sent() {
        let hidden = "rtsp://u:***@10.0.0.8/1";
        let cases: [(Value, &str); 7] = [
            (
                json!({"peers": [{"hostname": "south", "stale_timeout": 3000}]}),
                "/peers/0/stale_timeout",
            ),
            (
                json!({"streams": [
                    {"name": "new"},
                    {"name": "cam", "inputs": [{"url": hidden}, {"url": "nonsense"}]},
                ]}),
                "/streams/1/inputs/1/url",
            ),
            (json!({"listeners": {"rtsp": [{"port": 554}, {"port": 8081}]}}), "/listeners/rtsp/1"),
            (json!({"hostname": "a b"}), "/hostname"),
            (json!({"cluster_key": null}), "-"),
            (json!({"listeners": {"http": []}}), "-"),
            (
                json!({"streams": [{"name": "cam", "inputs": [{"url": "rtsp://127.0.0.1/1"}]}]}),
                "/streams/0/inputs/0/url",
            ),
        ];
        for (patch, expected) in cases {
            let shown = patch.to_string();
            let places = places(&Edit::Config { patch });
            assert_eq!(places.first().map(String::as_str), Some(expected), "{shown}");
        }
        assert_eq!(places(&Edit::Text { text: "hostname a:b; http 1;".to_owned() }), ["-"]);
    }
}
