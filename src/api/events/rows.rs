//! The rows of a collection as listeners know them, and the events that tell of them. Pure.
//!
//! ```text
//! event: streams
//! id: 17
//! data: {"full":false,"more":false,"estimated_count":2,"items":[{"name":"cam1",…}],"gone":["b"]}
//! ```
//! `full`: whatever was told before is void. `more`: the next event belongs to the same change.
//! Rows are told whole, so telling one twice or too early does no harm.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::mem;
use std::ops::Bound;

use bytes::Bytes;
use serde_json::Value;

/// An event gets no more rows once it is this long.
const EVENT_BYTES: usize = 32 << 10;

/// Statistics that follow from others and the clock: a row in which only they differ is not told
/// again. A thousand idle streams would be, every second.
const CLOCKED: [&str; 2] = ["lifetime", "ts_delay"];

/// A collection at one moment.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// By key.
    rows: BTreeMap<String, Row>,
    /// How many there are, with those that are left out.
    count: usize,
}

#[derive(Debug)]
struct Row {
    json: Box<str>,
    /// The same for items that need not be told again.
    mark: u64,
}

/// What stands above an event's rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// The name of the event.
    pub(super) collection: &'static str,
    /// Its id.
    pub(super) revision: u64,
}

impl Rows {
    /// Takes the first `rows_max` of `items`; `marks` is the same for all that are compared.
    pub(super) fn read(
        items: impl ExactSizeIterator<Item = (String, Value)>,
        rows_max: usize,
        marks: &RandomState,
    ) -> Self {
        let count = items.len();
        let row = |(key, item)| (key, Row::new(item, marks));
        Self { rows: items.take(rows_max).map(row).collect(), count }
    }

    /// Whether some were left out.
    pub(super) fn is_cut(&self) -> bool {
        self.rows.len() < self.count
    }

    /// Tells those who know `before` of these rows; nothing if they are the same.
    pub(super) fn changes_since(&self, before: &Self, head: Head) -> Vec<Bytes> {
        let mut events = Events::new(head, self.count);
        for (key, row) in &self.rows {
            if before.rows.get(key).is_none_or(|before| before.mark != row.mark) {
                events.item(&row.json);
            }
        }
        for key in before.rows.keys().filter(|key| !self.rows.contains_key(*key)) {
            events.gone(key);
        }
        match events.is_empty() && self.count == before.count {
            true => Vec::new(),
            false => events.finish(),
        }
    }

    /// Tells all rows.
    pub(super) fn told_whole(&self, head: Head) -> Vec<Bytes> {
        let (mut event, mut next) = self.told_from(None, head);
        let mut events = Vec::new();
        while let Some(key) = next {
            events.push(event);
            (event, next) = self.told_from(Some(&key), head);
        }
        events.push(event);
        events
    }

    /// Tells one event's worth of the rows behind the key `after`, or from the first on; and the
    /// key to go on behind, if there are more.
    pub(super) fn told_from(&self, after: Option<&str>, head: Head) -> (Bytes, Option<String>) {
        let from = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let mut rows = self.rows.range::<str, _>(from).peekable();
        let mut event = Event { is_full: after.is_none(), ..Event::default() };
        let mut last = None;
        while let Some((key, row)) = rows.next_if(|_| !event.is_long()) {
            push(&mut event.items, &row.json);
            last = Some(key);
        }
        let next = last.filter(|_| rows.peek().is_some());
        (event.encode(head, self.count, next.is_some()), next.cloned())
    }
}

impl Row {
    fn new(mut item: Value, marks: &RandomState) -> Self {
        let json = item.to_string().into();
        if let Some(stats) = item.get_mut("stats").and_then(Value::as_object_mut) {
            stats.retain(|name, _| !CLOCKED.contains(&name.as_str()));
        }
        Self { json, mark: marks.hash_one(item) }
    }
}

/// The events of one change.
struct Events {
    head: Head,
    count: usize,
    whole: Vec<Event>,
    last: Event,
}

impl Events {
    fn new(head: Head, count: usize) -> Self {
        Self { head, count, whole: Vec::new(), last: Event::default() }
    }

    fn item(&mut self, row: &str) {
        push(&mut self.room().items, row);
    }

    fn gone(&mut self, key: &str) {
        push(&mut self.room().gone, &Value::from(key).to_string());
    }

    fn room(&mut self) -> &mut Event {
        if self.last.is_long() {
            self.whole.push(mem::take(&mut self.last));
        }
        &mut self.last
    }

    fn is_empty(&self) -> bool {
        self.last.bytes() == 0
    }

    fn finish(self) -> Vec<Bytes> {
        let encode = |event: &Event, more| event.encode(self.head, self.count, more);
        let whole = self.whole.iter().map(|event| encode(event, true));
        whole.chain([encode(&self.last, false)]).collect()
    }
}

/// One event; its lists as JSON without brackets.
#[derive(Default)]
struct Event {
    is_full: bool,
    items: String,
    gone: String,
}

impl Event {
    fn bytes(&self) -> usize {
        self.items.len() + self.gone.len()
    }

    fn is_long(&self) -> bool {
        self.bytes() >= EVENT_BYTES
    }

    /// Source: HTML Standard, 9.2.5 (parsing an event stream). JSON as written here has no line
    /// breaks, so it is one `data` line.
    fn encode(&self, head: Head, count: usize, more: bool) -> Bytes {
        let Head { collection, revision } = head;
        let Self { is_full, items, gone } = self;
        let text = format!(
            "event: {collection}\nid: {revision}\ndata: {{\"full\":{is_full},\"more\":{more},\
             \"estimated_count\":{count},\"items\":[{items}],\"gone\":[{gone}]}}\n\n"
        );
        text.into()
    }
}

fn push(list: &mut String, json: &str) {
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(json);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HEAD: Head = Head { collection: "streams", revision: 7 };

    thread_local! {
        static MARKS: RandomState = RandomState::new();
    }

    fn read(items: Vec<(String, Value)>, rows_max: usize) -> Rows {
        MARKS.with(|marks| Rows::read(items.into_iter(), rows_max, marks))
    }

    fn rows(items: &[(&str, Value)]) -> Rows {
        read(items.iter().map(|(key, item)| ((*key).into(), item.clone())).collect(), 10_000)
    }

    fn many(count: usize, title: &str) -> Rows {
        let item = |n: usize| (format!("cam{n:05}"), json!({"name": n, "title": title}));
        read((0..count).map(item).collect(), 10_000)
    }

    fn data(event: &Bytes) -> Value {
        let text = std::str::from_utf8(event).unwrap();
        let json = text.strip_prefix("event: streams\nid: 7\ndata: ").unwrap();
        serde_json::from_str(json.strip_suffix("\n\n").unwrap()).unwrap()
    }

    fn told(rows: &Rows) -> Vec<Value> {
        rows.told_whole(HEAD).iter().map(data).collect()
    }

    #[test]
    fn changed_new_and_gone_rows_are_told_and_no_others() {
        let before = rows(&[("a", json!({"n": 1})), ("b", json!({"n": 1})), ("c", json!({}))]);
        let after = rows(&[("a", json!({"n": 1})), ("b", json!({"n": 2})), ("d", json!({"n": 3}))]);
        let events = after.changes_since(&before, HEAD);
        assert_eq!(events.len(), 1);
        let expected = json!({
            "full": false, "more": false, "estimated_count": 3,
            "items": [{"n": 2}, {"n": 3}], "gone": ["c"],
        });
        assert_eq!(data(&events[0]), expected);
        assert!(after.changes_since(&after, HEAD).is_empty());
    }

    #[test]
    fn row_that_only_grew_older_is_not_told_but_read_anew() {
        let row = |lifetime, bytes| {
            let stats = json!({"lifetime": lifetime, "ts_delay": lifetime, "bytes_in": bytes});
            rows(&[("a", json!({"name": "a", "stats": stats}))])
        };
        let (before, older) = (row(1000, 5), row(2000, 5));
        assert!(older.changes_since(&before, HEAD).is_empty());
        assert_eq!(told(&older)[0]["items"][0]["stats"]["lifetime"], 2000);
        let event = data(&row(3000, 6).changes_since(&older, HEAD)[0]);
        assert_eq!(event["items"][0]["stats"]["lifetime"], 3000);
    }

    #[test]
    fn hostile_text_stays_within_its_line() {
        let rows =
            rows(&[("a\n\ndata: x", json!({"title": "a\n\nevent: peers\r\ndata: \u{2028}"}))]);
        let (event, _) = rows.told_from(None, HEAD);
        assert_eq!(data(&event)["items"][0]["title"], "a\n\nevent: peers\r\ndata: \u{2028}");
        let events = Rows::default().changes_since(&rows, HEAD);
        assert_eq!(data(&events[0])["gone"], json!(["a\n\ndata: x"]));
        assert_eq!(events[0].iter().filter(|byte| **byte == b'\n').count(), 4);
    }

    #[test]
    fn empty_collection_is_told_as_empty() {
        let events = told(&Rows::default());
        assert_eq!(events.len(), 1);
        assert_eq!((&events[0]["full"], &events[0]["items"]), (&json!(true), &json!([])));
    }

    #[test]
    fn long_list_is_told_in_events_of_bounded_length() {
        let rows = many(5000, "Main stage");
        let events = told(&rows);
        assert!(events.len() > 4, "{}", events.len());
        for (index, event) in events.iter().enumerate() {
            assert!(event.to_string().len() < EVENT_BYTES + 1024);
            assert_eq!(event["full"], index == 0);
            assert_eq!(event["more"], index + 1 < events.len());
            assert_eq!(event["estimated_count"], 5000);
        }
        let names = events.iter().flat_map(|event| event["items"].as_array().unwrap());
        let names: Vec<u64> = names.map(|item| item["name"].as_u64().unwrap()).collect();
        assert_eq!(names, (0..5000).collect::<Vec<_>>());
    }

    #[test]
    fn large_change_is_cut_as_well() {
        let (before, after) = (many(5000, "old"), many(4000, "new"));
        let events: Vec<Value> = after.changes_since(&before, HEAD).iter().map(data).collect();
        assert!(events.iter().all(|event| event["full"] == false));
        assert!(events[..events.len() - 1].iter().all(|event| event["more"] == true));
        assert_eq!(events.last().unwrap()["more"], false);
        let count = |list: &str| -> usize {
            events.iter().map(|event| event[list].as_array().unwrap().len()).sum()
        };
        assert_eq!((count("items"), count("gone")), (4000, 1000));
    }

    #[test]
    fn rows_beyond_the_limit_are_counted_only() {
        let items = vec![("a".to_owned(), json!(1)), ("b".to_owned(), json!(2))];
        let two = read(items.clone(), 2);
        let cut = read(items, 1);
        assert!(cut.is_cut() && !two.is_cut());
        assert_eq!(told(&cut)[0]["estimated_count"], 2);
        assert_eq!(told(&cut)[0]["items"], json!([1]));
        let one = rows(&[("a", json!(1))]);
        assert_eq!(data(&cut.changes_since(&one, HEAD)[0])["estimated_count"], 2);
    }
}
