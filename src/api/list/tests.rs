//! Tests of whole lists: pages by table and by property.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// The fields of the items below.
fn blank() -> Value {
    json!({"name": null, "title": null, "v": null, "stats": {"bitrate": null, "alive": null}})
}

fn answer(items: &BTreeMap<String, Value>, query: &str) -> Value {
    let list = ListQuery::parse("streams", &blank(), query).unwrap();
    list.answer("streams", items.keys(), |key| key.as_str(), |key| items.get(*key).cloned())
}

fn refusal(query: &str) -> String {
    ListQuery::parse("streams", &blank(), query).unwrap_err().to_string()
}

fn names(answer: &Value) -> Vec<String> {
    let items = answer["streams"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

/// The pages from the first one on, in the given direction's order.
fn pages(items: &BTreeMap<String, Value>, query: &str, direction: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut page = answer(items, query);
    loop {
        pages.push(names(&page));
        let Some(cursor) = page[direction].as_str() else {
            return pages;
        };
        page = answer(items, &format!("{query}&cursor={cursor}"));
    }
}

fn cams() -> BTreeMap<String, Value> {
    let cam = |(name, bitrate): (&str, Value)| {
        (name.to_owned(), json!({"name": name, "stats": {"bitrate": bitrate, "alive": true}}))
    };
    [("a", json!(10)), ("b", json!(30)), ("c", Value::Null), ("d", json!(20)), ("e", json!(30))]
        .map(cam)
        .into()
}

#[test]
fn whole_answer_has_the_shape_of_the_contract() {
    let expected = json!({
        "streams": [
            {"name": "b", "stats": {"bitrate": 30}},
            {"name": "e", "stats": {"bitrate": 30}},
        ],
        "estimated_count": 2, "next": null, "prev": null, "timing": {},
    });
    let query = "stats.bitrate_gt=20&select=name,stats.bitrate,absent.x&q=";
    assert_eq!(answer(&cams(), query), expected);
}

#[test]
fn sort_and_limit_make_pages_both_ways() {
    let query = "sort=-stats.bitrate,name&limit=2";
    let forth = pages(&cams(), query, "next");
    assert_eq!(forth, [vec!["b", "e"], vec!["d", "a"], vec!["c"]]);
    let last = answer(&cams(), &format!("{query}&cursor="));
    assert_eq!(names(&last), ["b", "e"]);
    assert_eq!(last["prev"], Value::Null);
    let second = answer(&cams(), &format!("{query}&cursor={}", last["next"].as_str().unwrap()));
    let back = answer(&cams(), &format!("{query}&cursor={}", second["prev"].as_str().unwrap()));
    assert_eq!(names(&back), ["b", "e"]);
    assert_eq!(names(&answer(&cams(), "sort=-name&q=D")), ["d"]);
}

#[test]
fn item_that_went_breaks_no_page() {
    let mut items = cams();
    let first = answer(&items, "limit=2");
    items.remove("b");
    let next = first["next"].as_str().unwrap();
    assert_eq!(names(&answer(&items, &format!("limit=2&cursor={next}"))), ["c", "d"]);
}

#[test]
fn nonsense_is_refused_by_name() {
    assert_eq!(refusal("limit=0"), "limit: a number from 1 is expected");
    assert_eq!(refusal("limit=-1"), "limit: a number from 1 is expected");
    assert_eq!(refusal("cursor=abc"), "cursor: not one that this API gave out");
    assert_eq!(refusal(&format!("cursor={}", "a".repeat(30_000))), "cursor: too long");
    let cursor = answer(&cams(), "limit=1")["next"].as_str().unwrap().to_owned();
    let other = "cursor: given out for another sort, filter or list";
    assert_eq!(refusal(&format!("cursor={cursor}&sort=title")), other);
    assert_eq!(refusal(&format!("cursor={cursor}&title=x")), other);
    assert!(ListQuery::parse("peers", &blank(), &format!("cursor={cursor}")).is_err());
    let same_list = format!("cursor={cursor}&select=name");
    assert!(ListQuery::parse("streams", &blank(), &same_list).is_ok());
    assert!(refusal(&"name=1&".repeat(65)).starts_with("more than 64"));
}

#[test]
fn filter_and_sort_take_known_fields_only() {
    assert_eq!(refusal("nmae=x"), "nmae: streams have no field `nmae`");
    assert_eq!(refusal("stats.x_gt=1"), "stats.x_gt: streams have no field `stats.x`");
    assert_eq!(refusal("sort=name,-x"), "sort: streams have no field `x`");
    assert_eq!(refusal("_is=null"), "_is: streams have no field `_is`");
    assert!(ListQuery::parse("streams", &blank(), "stats_is_not=null&select=x").is_ok());
}

fn any_items() -> impl Strategy<Value = BTreeMap<String, Value>> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
        Just(json!(["x"])),
    ];
    prop::collection::btree_map("[a-z]{1,3}", value, 0..40).prop_map(|items| {
        let item =
            |(name, value): (String, Value)| (name.clone(), json!({"name": name, "v": value}));
        items.into_iter().map(item).collect()
    })
}

proptest! {
    #[test]
    fn pages_together_are_the_list(
        items in any_items(),
        limit in 1..10_usize,
        sort in prop::sample::select(vec!["", "v", "-v", "-v,name", "v,-name"]),
    ) {
        let all = names(&answer(&items, &format!("sort={sort}")));
        prop_assert_eq!(all.len(), items.len());
        let query = format!("sort={sort}&limit={limit}");
        let forth = pages(&items, &query, "next");
        prop_assert_eq!(forth.concat(), all.clone());
        for page in forth.iter().rev().skip(1) {
            prop_assert_eq!(page.len(), limit);
        }
    }

    #[test]
    fn way_back_meets_the_same_items(items in any_items(), limit in 1..10_usize) {
        let query = format!("sort=-v&limit={limit}");
        let mut page = answer(&items, &query);
        let mut forth = vec![names(&page)];
        while let Some(next) = page["next"].as_str() {
            page = answer(&items, &format!("{query}&cursor={next}"));
            forth.push(names(&page));
        }
        let mut back = names(&page);
        while let Some(prev) = page["prev"].as_str() {
            page = answer(&items, &format!("{query}&cursor={prev}"));
            let mut earlier = names(&page);
            earlier.append(&mut back);
            back = earlier;
        }
        prop_assert_eq!(back, forth.concat());
    }

    #[test]
    fn no_query_panics(query in "\\PC{0,60}") {
        let _ = ListQuery::parse("streams", &blank(), &query);
    }
}
