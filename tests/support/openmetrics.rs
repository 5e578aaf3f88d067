//! OpenMetrics text, read strictly: what the standard forbids fails the test.
//!
//! Source: OpenMetrics 1.0, text format.

use std::collections::{BTreeMap, HashSet};

/// All that one scrape told.
pub(crate) struct Exposition {
    /// What it has announced, with or without values.
    families: Vec<Family>,
    series: BTreeMap<Series, f64>,
}

/// A name and its labels.
type Series = (String, BTreeMap<String, String>);

/// One family.
struct Family {
    name: String,
    kind: String,
}

impl Exposition {
    /// Reads `text`; panics at the first line that is wrong, and says why.
    pub(crate) fn parse(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("ends with # EOF and nothing after it");
        let mut seen = HashSet::new();
        let mut families: Vec<Family> = Vec::new();
        let mut series = BTreeMap::new();
        for line in body.lines() {
            match line.strip_prefix("# ") {
                Some(words) => families.extend(begin(words, &mut seen)),
                None => {
                    let (one, value) = sample(line);
                    let family = families.last().unwrap_or_else(|| panic!("no family: {line}"));
                    assert!(family.has(&one.0), "in {} {}: {line}", family.kind, family.name);
                    let is_total = one.0.ends_with("_total") || family.kind == "histogram";
                    assert!(value.is_finite() && (!is_total || value >= 0.0), "{line}");
                    assert!(series.insert(one, value).is_none(), "twice: {line}");
                }
            }
        }
        let exposition = Self { families, series };
        exposition.check_histograms();
        exposition
    }

    /// The value of a series, if there is one.
    pub(crate) fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.series.get(&(name.to_owned(), labels.collect())).copied()
    }

    /// The same where it must be there.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.get(name, labels).unwrap_or_else(|| panic!("no {name} with {labels:?}"))
    }

    /// Whether a series of that name is told now, or can be.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.families.iter().any(|family| family.has(name))
    }

    /// All labels of a name.
    pub(crate) fn labels_of(&self, name: &str) -> Vec<&BTreeMap<String, String>> {
        let of_name = self.series.keys().filter(|(one, _)| one == name);
        of_name.map(|(_, labels)| labels).collect()
    }

    /// Buckets grow with their bounds, up to the count.
    fn check_histograms(&self) {
        let mut spreads: BTreeMap<Series, Vec<(f64, f64)>> = BTreeMap::new();
        for ((name, labels), value) in &self.series {
            if let Some(name) = name.strip_suffix("_bucket") {
                let mut labels = labels.clone();
                let bound = labels.remove("le").expect("a bucket has a bound");
                let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
                spreads.entry((name.to_owned(), labels)).or_default().push((bound, *value));
            }
        }
        for ((name, labels), mut buckets) in spreads {
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(buckets.is_sorted_by(|a, b| a.1 <= b.1), "{name} {labels:?}: {buckets:?}");
            let count = self.series[&(format!("{name}_count"), labels)];
            assert_eq!(buckets.last(), Some(&(f64::INFINITY, count)), "{name}");
        }
    }
}

impl Family {
    /// Whether a sample of that name may stand in it.
    fn has(&self, sample: &str) -> bool {
        let suffixes: &[&str] = match self.kind.as_str() {
            "gauge" => &[""],
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            other => panic!("{}: nothing here is a {other}", self.name),
        };
        sample.strip_prefix(&self.name).is_some_and(|rest| suffixes.contains(&rest))
    }
}

/// Takes in a line of metadata, each of which comes once; its type begins a family.
fn begin(words: &str, seen: &mut HashSet<(String, String)>) -> Option<Family> {
    let mut parts = words.splitn(3, ' ');
    let (Some(word), Some(name), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        panic!("no metadata: {words}");
    };
    assert!(matches!(word, "HELP" | "TYPE" | "UNIT") && is_name(name), "{words}");
    assert!(seen.insert((word.to_owned(), name.to_owned())), "twice: {words}");
    assert!(!name.ends_with("_total"), "a counter's family has no suffix: {words}");
    (word == "TYPE").then(|| Family { name: name.to_owned(), kind: text.to_owned() })
}

/// `name{label="value",…} number`.
fn sample(line: &str) -> (Series, f64) {
    let (head, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value: {line}"));
    let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
    let (name, labels) = match head.split_once('{') {
        Some((name, rest)) => (name, read_labels(rest, line)),
        None => (head, BTreeMap::new()),
    };
    assert!(is_name(name), "no name: {line}");
    ((name.to_owned(), labels), value)
}

fn read_labels(text: &str, line: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while rest != "}" {
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("labels: {line}"));
        assert!(is_name(name) && !name.contains(':'), "label {name}: {line}");
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().unwrap_or_else(|| panic!("no end of a value: {line}")) {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, same @ ('\\' | '"'))) => same,
                    other => panic!("escape {other:?}: {line}"),
                }),
                (_, same) => value.push(same),
            }
        };
        assert!(labels.insert(name.to_owned(), value).is_none(), "label twice: {line}");
        rest = &after[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    labels
}

fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    name.starts_with(|c: char| !c.is_ascii_digit()) && name.chars().all(is_part)
}
