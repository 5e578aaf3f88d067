//! Generated configurations: printed and read back, and edited one item at a time.
//!
//! The generator follows the schema, so a new word is tested from its first day.

use std::path::Path;

use proptest::prelude::{Just, Strategy, any, prop};
use proptest::{prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Map, Value, json};

use super::grammar::{self, is_bare};
use super::interpret::interpret;
use super::print;
use super::schema::{self, Kind, Row, Scope, Support};
use super::{ChangeError, Edit, Environment, Loaded, from_text, located};

/// Texts of all kinds, with what needs quotes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9.-]{1,8}", "[a-z_]{1,3}=[a-z;{}#\"\\\\ é]{0,6}", "[#\"\\\\;{} a]{1,5}x"]
}

/// Any value of a word, `None` for those that are no fields.
fn value(row: &'static Row) -> Option<prop::strategy::BoxedStrategy<Value>> {
    let (low, high) = row.range;
    let number = (low..=high.min(low.saturating_add(1 << 40))).prop_map(|n| json!(n));
    Some(match row.kind {
        Kind::Flag => any::<bool>().prop_map(|flag| json!(flag)).boxed(),
        Kind::Text => text().prop_map(|text| json!(text)).boxed(),
        Kind::HttpUrl => {
            "http://[a-z]{1,9}(:8[0-9]{1,2})?/[a-z]{0,3}".prop_map(|t| json!(t)).boxed()
        }
        Kind::Address => "[a-z]{1,9}(:8[0-9]{1,2})?".prop_map(|text| json!(text)).boxed(),
        Kind::Choice(choices) => prop::sample::select(choices).prop_map(|c| json!(c)).boxed(),
        Kind::Count
        | Kind::Percent
        | Kind::Size
        | Kind::BitRate
        | Kind::Milliseconds
        | Kind::Seconds => number.boxed(),
        Kind::Words => prop::collection::vec(text(), 1..4).prop_map(|list| json!(list)).boxed(),
        Kind::Networks => prop::collection::vec("10\\.[0-9]\\.0\\.0/16", 1..3)
            .prop_map(|list| json!(list))
            .boxed(),
        Kind::Credentials => (text(), text())
            .prop_map(
                |(login, password)| json!({"login": login.replace(':', "."), "password": password}),
            )
            .boxed(),
        Kind::Object(scope) => object(scope).prop_map(Value::Object).boxed(),
        Kind::Items { scope, key } => prop::collection::btree_map(name(scope), object(scope), 1..4)
            .prop_map(move |items| {
                let named = items.into_iter().map(|(name, mut object)| {
                    object.insert(key.to_owned(), json!(name));
                    Value::Object(object)
                });
                Value::Array(named.collect())
            })
            .boxed(),
        Kind::Listeners(scope) => prop::collection::btree_map(1_u16.., object(scope), 1..3)
            .prop_map(|items| {
                let numbered = items.into_iter().map(|(port, mut object)| {
                    object.insert("port".to_owned(), json!(port));
                    Value::Object(object)
                });
                Value::Array(numbered.collect())
            })
            .boxed(),
        Kind::Shorthand(_) | Kind::Include => return None,
    })
}

fn name(scope: Scope) -> prop::strategy::BoxedStrategy<String> {
    match scope {
        Scope::Input => prop_oneof![
            Just("publish://".to_owned()),
            "file://[a-z ;#]{1,5}\\.mp4",
            "rtsp://u:[a-z]{1,4}@[a-z]{1,5}/1",
        ]
        .boxed(),
        Scope::Storage => text().boxed(),
        Scope::Peer | Scope::Source => "[a-z]{1,8}(:8[0-9])?".boxed(),
        Scope::Balancer => text().boxed(),
        _ => "[a-z]{1,8}(/[a-z0-9]{1,3})?x".boxed(),
    }
}

/// An object of a scope: each field present or not.
fn object(scope: Scope) -> prop::strategy::BoxedStrategy<Map<String, Value>> {
    let fields: Vec<_> = schema::rows(scope)
        .filter_map(|row| {
            let value = value(row)?;
            let value = if row.is_required {
                value.prop_map(Some).boxed()
            } else {
                prop::option::weighted(0.4, value).boxed()
            };
            Some(value.prop_map(move |value| (row.path, value)))
        })
        .collect();
    fields
        .prop_map(|fields| {
            let mut object = Map::new();
            for (path, value) in fields {
                if let Some(value) = value {
                    schema::set(&mut object, path, Some(value));
                }
            }
            object
        })
        .boxed()
}

fn read(text: &str) -> Map<String, Value> {
    let parsed = grammar::parse(text, &schema::is_word);
    assert_eq!(parsed.faults, [], "{text}");
    let read = interpret(parsed.directives.iter().map(|directive| (0, directive)));
    assert_eq!(read.problems, [], "{text}");
    located::to_json(&read.tree)
}

fn load(text: &str) -> Loaded {
    // Below the root, so that edits may name any file.
    from_text(Path::new("/a.conf"), text, &Environment::default()).unwrap()
}

fn text_of(loaded: &Loaded) -> String {
    loaded.document.texts().into_values().next().unwrap()
}

/// An object of a scope that `check` accepts: what works already, without rules between fields.
fn working(scope: Scope) -> impl Strategy<Value = Map<String, Value>> {
    object(scope).prop_map(move |mut object| {
        for row in schema::rows(scope) {
            let is_free = row.support == Support::Ready
                && !["stale_timeout", "fetch_timeout", "public_rtsp_url"].contains(&row.word);
            if !is_free {
                schema::set(&mut object, row.path, None);
            }
        }
        if let Some(inputs) = object.get_mut("inputs").and_then(Value::as_array_mut) {
            inputs.retain(|input| !input["url"].as_str().unwrap().starts_with("rtsp"));
        }
        if object.get("inputs").and_then(Value::as_array).is_some_and(Vec::is_empty) {
            object.remove("inputs");
        }
        object
    })
}

/// How a stream may stand in a file.
fn layouts(name: &str, stream: &Map<String, Value>) -> Vec<String> {
    let row = schema::find(Scope::Top, "stream").unwrap();
    let mut item = stream.clone();
    item.insert("name".to_owned(), json!(name));
    let fields = schema::fields(Scope::Stream).filter_map(|row| {
        let value = schema::get(stream, row.path)?;
        Some(print::directives(row, value).join(" # a comment\n  "))
    });
    let fields: Vec<String> = fields.collect();
    let spread = format!("stream {name} {{ # here\n\t{}\n  # last\n}}", fields.join("\n\t"));
    vec![print::item(row, &Value::Object(item)).unwrap(), spread]
}

/// Any JSON, with the model's own field names more often than not.
fn json_of_known_fields() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(|flag| json!(flag)),
        any::<i64>().prop_map(|number| json!(number)),
        (0_u64..100).prop_map(|number| json!(number)),
        Just(json!("***")),
        Just(json!("rtsp://u:***@h/1")),
        "\\PC{0,8}".prop_map(|text| json!(text)),
    ];
    let scopes = [Scope::Top, Scope::Stream, Scope::Peer, Scope::Input, Scope::Limits];
    let mut names: Vec<&str> =
        scopes.iter().flat_map(|s| schema::fields(*s)).map(|r| r.path).collect();
    names.extend(["listeners", "http", "port", "url", "name", "hostname", "$reset", "$delete"]);
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let name = prop::sample::select(names.clone()).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map(name, inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn hostile_requests_are_refused_or_done_in_full(patch in json_of_known_fields()) {
        let text = "http 8081;\nstream a { input publish://; }\nlimits { connections 9; }\n";
        let loaded = load(text);
        let named = |collection: &str| Edit::Put {
            collection: collection.to_owned(),
            name: "a".to_owned(),
            patch: patch.clone(),
        };
        for edit in [named("streams"), named("peers"), Edit::Config { patch: patch.clone() }] {
            match loaded.edited(&edit) {
                Ok(next) => prop_assert_eq!(read(&text_of(&next)), next.explicit),
                Err(ChangeError::Unwritable) => prop_assert!(false, "unwritable: {}", patch),
                Err(_) => {}
            }
        }
    }

    #[test]
    fn printed_configuration_is_read_back_as_it_was(model in object(Scope::Top)) {
        prop_assert_eq!(read(&print::whole(&model)), model);
    }

    #[test]
    fn any_text_is_one_argument_when_quoted(text in "\\PC{0,20}") {
        let written = print::quoted(&text);
        prop_assert!(written == text || !is_bare(&text));
        let parsed = grammar::parse(&format!("title {written};"), &|_, _| false);
        prop_assert_eq!(&parsed.faults, &[]);
        prop_assert_eq!(&parsed.directives[0].arguments[0].text, &text);
    }

    #[test]
    fn hostile_text_is_parsed_without_panic(text in "[a-z_=\"\\\\;{}# \n\\PC]{0,60}") {
        let _ = from_text(Path::new("/nowhere/a.conf"), &text, &Environment::default());
    }

    #[test]
    fn editing_one_item_leaves_every_other_byte(
        before in working(Scope::Stream),
        after in working(Scope::Stream),
        layout in 0_usize..2,
        is_reset in any::<bool>(),
    ) {
        let head = "http  8081 ; # c\nstream a{input publish://;}\n\n";
        let tail = " # behind\n\nstream c  { title \"x ; y\"; } # {\n# the end";
        let written = &layouts("b", &before)[layout];
        let loaded = load(&format!("{head}{written}{tail}"));
        let mut patch = after.clone();
        if is_reset {
            patch.insert("$reset".to_owned(), json!(true));
        } else {
            for row in schema::rows(Scope::Stream).filter(|row| !after.contains_key(row.path)) {
                patch.insert(row.path.to_owned(), Value::Null);
            }
        }
        let patch = Value::Object(patch);
        let edit = Edit::Put { collection: "streams".into(), name: "b".into(), patch };
        let next = loaded.edited(&edit).unwrap();
        let text = text_of(&next);
        prop_assert!(text.starts_with(head), "{}", text);
        prop_assert!(text.ends_with(tail), "{}", text);
        let mut expected = after;
        expected.insert("name".to_owned(), json!("b"));
        let streams = next.explicit["streams"].as_array().unwrap();
        prop_assert_eq!(&streams[1], &Value::Object(expected), "{}", text);
        prop_assert_eq!(streams.len(), 3);
    }

    #[test]
    fn deleting_an_item_leaves_every_other_byte(stream in working(Scope::Stream)) {
        for written in layouts("b", &stream) {
            let loaded = load(&format!("http 8081;\n{written}\nstream c;\n"));
            let edit = Edit::Delete { collection: "streams".into(), name: "b".into() };
            let next = loaded.edited(&edit).unwrap();
            let text = text_of(&next);
            prop_assert_eq!(text, "http 8081;\nstream c;\n");
        }
    }
}
