//! Values: the words of the file to JSON and back, by the kind their row names.

use std::time::Duration;

use serde_json::{Map, Number, Value, json};

use super::network::{Network, parse_listen_address};
use super::schema::{COUNT_MAX, Kind, Row, YEAR_S};

/// The JSON value that `words` mean, or what is expected instead.
pub(crate) fn from_words(row: &Row, words: &[&str]) -> Result<Value, String> {
    match (row.kind, words) {
        (Kind::Flag, []) => Ok(Value::Bool(true)),
        (Kind::Words, [_, ..]) if words.iter().all(|word| !word.is_empty()) => Ok(json!(words)),
        (Kind::Networks, [_, ..]) => {
            let networks: Result<Vec<Network>, _> = words.iter().map(|w| w.parse()).collect();
            networks.map(|_| json!(words)).map_err(|_| expected(row))
        }
        (Kind::Credentials, [login, password]) => {
            let is_login = !login.is_empty() && !login.contains(':');
            let value = json!({"login": login, "password": password});
            if is_login && !password.is_empty() { Ok(value) } else { Err(expected(row)) }
        }
        (_, [word]) => scalar(row, word).ok_or_else(|| expected(row)),
        _ => Err(expected(row)),
    }
}

fn scalar(row: &Row, word: &str) -> Option<Value> {
    let number = |number: u64| {
        (row.range.0 <= number && number <= row.range.1).then(|| Value::Number(number.into()))
    };
    let text = Value::String(word.to_owned());
    match row.kind {
        Kind::Flag => match word {
            "on" | "true" => Some(Value::Bool(true)),
            "off" | "false" => Some(Value::Bool(false)),
            _ => None,
        },
        Kind::Text => (!word.is_empty()).then_some(text),
        Kind::HttpUrl => is_http_url(word).then_some(text),
        Kind::Address => is_address(word).then_some(text),
        Kind::Choice(choices) => choices.contains(&word).then_some(text),
        Kind::Count => number(digits(word)?),
        Kind::Percent => number(digits(word.strip_suffix('%').unwrap_or(word))?),
        Kind::Size => number(scaled(word, 1024)?),
        Kind::BitRate => number(scaled(word, 1000)?),
        Kind::Milliseconds => number(duration(word, Duration::from_millis(1))?),
        Kind::Seconds => number(duration(word, Duration::from_secs(1))?),
        _ => None,
    }
}

/// What would be right for `row`, in words.
pub(crate) fn expected(row: &Row) -> String {
    let (low, high) = row.range;
    let is_open = [u64::MAX >> 1, YEAR_S, COUNT_MAX].contains(&high) && low == 0;
    let limits = if is_open { String::new() } else { format!(" from {low} to {high}") };
    match row.kind {
        Kind::Flag => "`on` or `off`".to_owned(),
        Kind::Text if row.is_secret => "one secret, in quotes if it has white space".to_owned(),
        Kind::Text => "one word, or text in quotes".to_owned(),
        Kind::HttpUrl => format!("a URL such as `{}`", row.sample),
        Kind::Address => "a host, `host:port` or URL".to_owned(),
        Kind::Choice(choices) => format!("one of `{}`", choices.join("`, `")),
        Kind::Count => format!("a number{limits}"),
        Kind::Percent => "a number from 0 to 100".to_owned(),
        Kind::Size => format!("a number of bytes{limits}, such as `40K` or `2M`"),
        Kind::BitRate => "bits a second, such as `400M` or `10G`".to_owned(),
        Kind::Milliseconds => format!("milliseconds{limits}, or a number with ms, s, m, h or d"),
        Kind::Seconds => format!("whole seconds{limits}, or a number with s, m, h or d"),
        Kind::Words => "one or more words".to_owned(),
        Kind::Networks => "networks such as `10.0.0.0/8`".to_owned(),
        Kind::Credentials => "a name without `:` and a password".to_owned(),
        Kind::Listeners(_) => "`PORT`, `ADDRESS:PORT` or `[v6]:PORT`".to_owned(),
        Kind::Items { .. } => format!("`{} NAME;` or `{} NAME {{ … }}`", row.word, row.word),
        Kind::Object(_) => format!("`{} {{ … }}`", row.word),
        Kind::Shorthand(_) | Kind::Include => row.doc.to_owned(),
    }
}

/// What a value of this kind is in JSON, in words.
pub(crate) fn expected_json(row: &Row) -> String {
    match row.kind {
        Kind::Flag => "a boolean".to_owned(),
        Kind::Words | Kind::Networks => "a list of strings".to_owned(),
        Kind::Credentials => "an object with login and password".to_owned(),
        Kind::Object(_) => "an object".to_owned(),
        Kind::Items { key, .. } => format!("a list of objects with `{key}`"),
        Kind::Listeners(_) => "a list of objects with `port`".to_owned(),
        Kind::Milliseconds => "a number of milliseconds".to_owned(),
        Kind::Seconds => "a number of seconds".to_owned(),
        Kind::Size => "a number of bytes".to_owned(),
        _ => expected(row),
    }
}

/// The words that mean `value`; `None` if it is of another type than the row's.
pub(crate) fn to_words(row: &Row, value: &Value) -> Option<Vec<String>> {
    let strings = |list: &Vec<Value>| -> Option<Vec<String>> {
        list.iter().map(|item| item.as_str().map(str::to_owned)).collect()
    };
    match (row.kind, value) {
        (Kind::Flag, Value::Bool(flag)) => Some(vec![if *flag { "on" } else { "off" }.to_owned()]),
        (Kind::Words | Kind::Networks, Value::Array(list)) => strings(list),
        (Kind::Credentials, Value::Object(object)) => {
            let part = |name: &str| object.get(name)?.as_str().map(str::to_owned);
            Some(vec![part("login")?, part("password")?])
        }
        (Kind::Text | Kind::HttpUrl | Kind::Address | Kind::Choice(_), Value::String(text)) => {
            Some(vec![text.clone()])
        }
        (Kind::Size, Value::Number(number)) => Some(vec![shortened(number, 1024)?]),
        (Kind::BitRate, Value::Number(number)) => Some(vec![shortened(number, 1000)?]),
        (
            Kind::Count | Kind::Percent | Kind::Milliseconds | Kind::Seconds,
            Value::Number(number),
        ) => number.as_u64().map(|number| vec![number.to_string()]),
        _ => None,
    }
}

/// `value` as the row wants it, or what is expected instead.
pub(crate) fn check_json(row: &Row, value: &Value) -> Result<Value, String> {
    let words = to_words(row, value).ok_or_else(|| expected_json(row))?;
    if words.iter().any(|word| word.contains(char::is_control)) {
        return Err("text without control characters".to_owned());
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    from_words(row, &words)
}

/// A listener's fields from `[ADDRESS:]PORT`.
pub(crate) fn listener_from_word(word: &str) -> Option<Map<String, Value>> {
    let (address, port) = parse_listen_address(word)?;
    let mut object = Map::new();
    if let Some(address) = address {
        object.insert("address".to_owned(), json!(address.to_string()));
    }
    object.insert("port".to_owned(), json!(port));
    Some(object)
}

/// `[ADDRESS:]PORT` of a listener; `None` if the fields are not of these types.
pub(crate) fn listener_to_word(object: &Map<String, Value>) -> Option<String> {
    let port = u16::try_from(object.get("port")?.as_u64()?).ok()?;
    match object.get("address") {
        None | Some(Value::Null) => Some(port.to_string()),
        Some(address) => {
            let address = address.as_str()?.parse().ok()?;
            Some(std::net::SocketAddr::new(address, port).to_string())
        }
    }
}

fn is_http_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.host().is_some() && text.contains("://")
    })
}

fn is_address(text: &str) -> bool {
    let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let is_bare = !text.contains(['/', '?', '#', '@']);
    (text.contains("://") || is_bare)
        && url::Url::parse(&full).is_ok_and(|url| url.host_str().is_some_and(|h| !h.is_empty()))
}

fn digits(word: &str) -> Option<u64> {
    word.bytes().all(|b| b.is_ascii_digit()).then(|| word.parse().ok()).flatten()
}

fn scaled(word: &str, thousand: u64) -> Option<u64> {
    let (number, factor) = match word.as_bytes().last()? {
        b'K' => (&word[..word.len() - 1], thousand),
        b'M' => (&word[..word.len() - 1], thousand.pow(2)),
        b'G' => (&word[..word.len() - 1], thousand.pow(3)),
        _ => (word, 1),
    };
    digits(number)?.checked_mul(factor)
}

fn shortened(number: &Number, thousand: u64) -> Option<String> {
    let number = number.as_u64()?;
    for (power, unit) in [(3, "G"), (2, "M"), (1, "K")] {
        let factor = thousand.pow(power);
        if number != 0 && number % factor == 0 {
            return Some(format!("{}{unit}", number / factor));
        }
    }
    Some(number.to_string())
}

/// A number of `unit`s; a unit in the text must come out whole.
fn duration(word: &str, unit: Duration) -> Option<u64> {
    let split = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let (number, suffix) = word.split_at_checked(split)?;
    let number = digits(number)?;
    let written_ms = match suffix {
        "" => return Some(number),
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let unit_ms = u64::try_from(unit.as_millis()).ok()?;
    let total_ms = number.checked_mul(written_ms)?;
    (total_ms % unit_ms == 0).then_some(total_ms / unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::schema::{Scope, find};

    fn read(scope: Scope, word: &str, words: &[&str]) -> Option<Value> {
        from_words(find(scope, word).unwrap(), words).ok()
    }

    #[test]
    fn units_come_out_in_the_fields_own() {
        let fetch = |text: &str| read(Scope::Peer, "fetch_timeout", &[text]);
        assert_eq!(fetch("1500"), Some(json!(1500)));
        assert_eq!(fetch("2s"), Some(json!(2000)));
        assert_eq!(fetch("1m"), Some(json!(60_000)));
        assert_eq!(fetch("1.5s"), None);
        assert_eq!(fetch("99999999999999999999"), None);
        assert_eq!(fetch("9999999999999999d"), None);
        assert_eq!(fetch("5"), None);
        let drain = |text: &str| read(Scope::Top, "drain_timeout", &[text]);
        assert_eq!(drain("2m"), Some(json!(120)));
        assert_eq!(drain("1500ms"), None);
        assert_eq!(read(Scope::Limits, "http_head_size", &["40K"]), Some(json!(40_960)));
        assert_eq!(read(Scope::Top, "total_bandwidth", &["10G"]), Some(json!(10_000_000_000_u64)));
        assert_eq!(read(Scope::Top, "total_bandwidth", &["99999999999999999G"]), None);
        assert_eq!(read(Scope::Peer, "cpu_limit", &["90%"]), Some(json!(90)));
        assert_eq!(read(Scope::Peer, "cpu_limit", &["101"]), None);
    }

    #[test]
    fn wrong_types_are_refused() {
        assert_eq!(read(Scope::Stream, "static", &[]), Some(json!(true)));
        assert_eq!(read(Scope::Stream, "static", &["maybe"]), None);
        assert_eq!(read(Scope::Peer, "api_url", &["ftp://x"]), None);
        assert_eq!(read(Scope::Peer, "api_url", &["http:x"]), None);
        assert_eq!(read(Scope::Peer, "public", &["a b"]), None);
        assert_eq!(read(Scope::Peer, "public", &["host:81"]), Some(json!("host:81")));
        assert_eq!(read(Scope::Peer, "public", &["host/path"]), None);
        assert_eq!(read(Scope::Top, "edit_auth", &["a:b", "c"]), None);
        assert_eq!(read(Scope::Top, "hostname", &["a", "b"]), None);
        let row = find(Scope::Peer, "fetch_timeout").unwrap();
        assert!(check_json(row, &json!("1000")).is_err());
        assert!(check_json(row, &json!(-1)).is_err());
        assert_eq!(check_json(row, &json!(500)), Ok(json!(500)));
    }
}
