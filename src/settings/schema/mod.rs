//! The one table of every word of the configuration.
//!
//! A [`Row`] says where a word may stand, what its value is, its default, where it lies in JSON
//! and whether its feature is built. Reading, printing, suggestions, the API's type checks, secret
//! hiding, write-back and docs/config.md all follow it, so a new word is one row here and one
//! field in [`crate::settings::model`].

mod items;
mod limits;
mod words;

use serde_json::{Map, Value};

pub(crate) use words::{COUNT_MAX, YEAR_S};

/// Where a word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// The file itself.
    Top,
    /// The block of `http`.
    Listener,
    /// The block of `https`.
    SecureListener,
    /// The block of `rtsp` and `rtmp`.
    MediaListener,
    /// The block of `rtsps` and `rtmps`.
    SecureMediaListener,
    /// `peer NAME { … }`.
    Peer,
    /// `stream NAME { … }`.
    Stream,
    /// `template NAME { … }`.
    Template,
    /// `input URL { … }`.
    Input,
    /// `cluster_ingest { … }`.
    ClusterIngest,
    /// `vod PREFIX { … }`.
    Vod,
    /// `storage PATH { … }`.
    Storage,
    /// `source URL { … }`.
    Source,
    /// `balancer NAME { … }`.
    Balancer,
    /// `limits { … }`.
    Limits,
}

/// What the value of a word is, in the file and in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `on|off|true|false`, or nothing for true. A boolean.
    Flag,
    /// One word. A string.
    Text,
    /// An `http://` or `https://` URL. A string.
    HttpUrl,
    /// A host, `host:port` or URL. A string.
    Address,
    /// One of these words. A string.
    Choice(&'static [&'static str]),
    /// A number.
    Count,
    /// 0 to 100, `%` allowed. A number.
    Percent,
    /// Bytes, `K`, `M` and `G` count by 1024. A number.
    Size,
    /// Bits a second, `K`, `M` and `G` count by 1000. A number.
    BitRate,
    /// Milliseconds, or with a unit. A number.
    Milliseconds,
    /// Whole seconds, or with a unit. A number.
    Seconds,
    /// One or more words, repeatable. A list of strings.
    Words,
    /// One or more networks, repeatable. A list of strings.
    Networks,
    /// A name and a password. An object of `login` and `password`.
    Credentials,
    /// Options or a block. An object.
    Object(Scope),
    /// Named items: `KEYWORD NAME { … }`. A list of objects that hold the name under `key`.
    Items {
        /// What stands inside.
        scope: Scope,
        /// The JSON field of the name.
        key: &'static str,
    },
    /// `[ADDRESS:]PORT`. A list of objects with `port` and `address`.
    Listeners(Scope),
    /// An older spelling of a whole item.
    Shorthand(Shorthand),
    /// More files.
    Include,
}

/// Older directives that stand for a whole item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shorthand {
    /// `ondemand NAME URL` is `stream NAME { input URL; static off; }`.
    OnDemand,
    /// `file PREFIX PATH` is `vod PREFIX { storage PATH; }`.
    File,
}

/// Whether a word does something yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Support {
    /// It works.
    Ready,
    /// Parsed, and refused by `check` and `run`.
    Later,
}

/// One word in one scope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// As written in the file.
    pub(crate) word: &'static str,
    /// Accepted older spellings.
    pub(crate) aliases: &'static [&'static str],
    /// What its value is.
    pub(crate) kind: Kind,
    /// As it would be written in the file.
    pub(crate) default: Option<&'static str>,
    /// Dotted, from the object of its scope.
    pub(crate) path: &'static str,
    /// Reads as `***`.
    pub(crate) is_secret: bool,
    /// An item without it is refused.
    pub(crate) is_required: bool,
    /// Can be given as `WATERSHED_WORD`.
    pub(crate) in_environment: bool,
    /// Whether it does something yet.
    pub(crate) support: Support,
    /// Smallest and largest number.
    pub(crate) range: (u64, u64),
    /// An argument for the sample file and the tests.
    pub(crate) sample: &'static str,
    /// One line of manual.
    pub(crate) doc: &'static str,
}

/// All rows of a scope, in the order they are documented and printed.
pub(crate) fn rows(scope: Scope) -> impl Iterator<Item = &'static Row> {
    words::groups(scope).iter().flat_map(|group| group.iter())
}

/// The rows that are fields in JSON: all but older spellings and `include`.
pub(crate) fn fields(scope: Scope) -> impl Iterator<Item = &'static Row> {
    rows(scope).filter(|row| !matches!(row.kind, Kind::Shorthand(_) | Kind::Include))
}

/// The row of `word`, also by an older spelling.
pub(crate) fn find(scope: Scope, word: &str) -> Option<&'static Row> {
    rows(scope).find(|row| row.word == word || row.aliases.contains(&word))
}

/// The row whose JSON path is `path`.
pub(crate) fn find_path(scope: Scope, path: &str) -> Option<&'static Row> {
    fields(scope).find(|row| row.path == path)
}

/// What stands inside the block of a row.
pub(crate) fn inner(kind: Kind) -> Option<Scope> {
    match kind {
        Kind::Object(scope) | Kind::Items { scope, .. } | Kind::Listeners(scope) => Some(scope),
        _ => None,
    }
}

/// Whether `word` begins a directive inside the blocks of the words in `path`.
pub(crate) fn is_word(path: &[&str], word: &str) -> bool {
    let mut scope = Scope::Top;
    for outer in path {
        match find(scope, outer).and_then(|row| inner(row.kind)) {
            Some(next) => scope = next,
            None => return false,
        }
    }
    find(scope, word).is_some()
}

/// Words that open a block in which `word` is known, for "belongs in" hints.
pub(crate) fn homes(word: &str) -> Vec<&'static str> {
    let mut homes = Vec::new();
    let mut outer: Vec<&'static Row> = rows(Scope::Top).collect();
    outer.extend(rows(Scope::Stream).filter(|row| inner(row.kind).is_some()));
    for row in outer {
        if inner(row.kind).is_some_and(|scope| find(scope, word).is_some()) {
            homes.push(row.word);
        }
    }
    homes
}

/// The known word nearest to `word`, if one is near enough to be meant.
pub(crate) fn nearest(scope: Scope, word: &str) -> Option<&'static str> {
    let limit = if word.chars().count() < 5 { 1 } else { 2 };
    let words = rows(scope).flat_map(|row| [row.word].into_iter().chain(row.aliases.to_vec()));
    let scored = words.map(|known| (distance(word, known), known));
    scored.filter(|(score, _)| *score <= limit).min().map(|(_, known)| known)
}

/// Letters to insert, drop or change to get from `a` to `b` (Levenshtein); long words are far.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 64 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cb, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            *cell = (diagonal + usize::from(ca != *cb)).min(above + 1).min(left + 1);
            (diagonal, left) = (above, *cell);
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// The value at a dotted path.
pub(crate) fn get<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => object.get(path),
        Some((head, tail)) => get(object.get(head)?.as_object()?, tail),
    }
}

/// Sets the value at a dotted path, or removes it with `None`; objects that become empty go too.
pub(crate) fn set(object: &mut Map<String, Value>, path: &str, value: Option<Value>) {
    let Some((head, tail)) = path.split_once('.') else {
        match value {
            Some(value) => object.insert(path.to_owned(), value),
            None => object.remove(path),
        };
        return;
    };
    let inner = object.entry(head).or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        set(inner, tail, value);
        if inner.is_empty() {
            object.remove(head);
        }
    }
}

/// An object with every field of a scope, each null.
pub(crate) fn blank(scope: Scope) -> Map<String, Value> {
    let mut object = Map::new();
    for row in fields(scope) {
        let value = match row.kind {
            Kind::Object(inner) => Value::Object(blank(inner)),
            _ => Value::Null,
        };
        set(&mut object, row.path, Some(value));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_word_is_suggested_only_when_near() {
        assert_eq!(nearest(Scope::Peer, "fetch_timout"), Some("fetch_timeout"));
        assert_eq!(nearest(Scope::Top, "htpp"), Some("http"));
        assert_eq!(nearest(Scope::Top, "watermelon"), None);
        assert_eq!(nearest(Scope::Top, &"x".repeat(100_000)), None);
        assert_eq!(homes("fetch_timeout"), ["peer"]);
    }

    #[test]
    fn words_are_known_by_their_enclosing_blocks() {
        assert!(is_word(&["stream", "input"], "priority"));
        assert!(is_word(&["peer"], "public"));
        assert!(!is_word(&[], "priority"));
        assert!(!is_word(&["priority"], "x"));
    }

    #[test]
    fn no_word_means_two_things_in_one_scope() {
        for scope in words::SCOPES {
            let mut seen = std::collections::BTreeSet::new();
            for row in rows(scope) {
                for word in [row.word].iter().chain(row.aliases) {
                    assert!(seen.insert(*word), "{word} twice in {scope:?}");
                }
                assert!(!row.doc.is_empty() && !row.doc.ends_with('.'), "{}", row.word);
            }
        }
    }
}
