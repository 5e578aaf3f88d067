//! What is wrong with a configuration, where, and what would be right.
//!
//! Two forms: a [`Problem`] points into bytes and is what parsing and validation collect; a
//! [`Diagnostic`] is the same for people, with line, column and the line shown.

use std::fmt;

/// Bytes of one source: `file` counts the sources in the order they were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It works, and someone should look.
    Warning,
}

/// Something wrong at a place in the sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) place: Place,
    pub(crate) severity: Severity,
    pub(crate) what: String,
    pub(crate) expected: String,
}

impl Problem {
    /// An error at `place`.
    pub(crate) fn error(
        place: Place,
        what: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let (what, expected) = (what.into(), expected.into());
        Self { place, severity: Severity::Error, what, expected }
    }

    /// A warning at `place`.
    pub(crate) fn warning(
        place: Place,
        what: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, what, expected) }
    }

    /// The same for people; `source` is the one that `place` names, `masks` its secrets.
    pub(crate) fn describe(&self, source: &SourceText, masks: &[Mask]) -> Diagnostic {
        let (line, column) = source.position(self.place.start);
        let range = source.line(self.place.start);
        let mut shown = String::new();
        let mut caret = column;
        let mut at = range.start;
        for mask in masks.iter().filter(|mask| mask.place.file == self.place.file) {
            let (start, end) = (mask.place.start, mask.place.end);
            if start < at || end > range.end {
                continue;
            }
            shown.push_str(source.text.get(at..start).unwrap_or_default());
            shown.push_str(&mask.shown);
            if end <= self.place.start {
                let hidden = source.text.get(start..end).unwrap_or_default().chars().count();
                caret = (caret + mask.shown.chars().count()).saturating_sub(hidden);
            }
            at = end;
        }
        shown.push_str(source.text.get(at..range.end).unwrap_or_default());
        Diagnostic {
            path: source.name.clone(),
            line,
            column,
            severity: self.severity,
            what: self.what.clone(),
            expected: self.expected.clone(),
            shown: shown.trim_end_matches('\r').to_owned(),
            pointer: None,
            place: self.place,
            caret,
        }
    }
}

/// Bytes that hold a secret, and what is shown in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mask {
    pub(crate) place: Place,
    pub(crate) shown: String,
}

/// A text with a name, and where its lines begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SourceText {
    /// As shown to people.
    pub(crate) name: String,
    pub(crate) text: String,
    line_starts: Vec<usize>,
}

impl SourceText {
    /// Indexes the lines of `text`.
    pub(crate) fn new(name: String, text: String) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
        let line_starts = [0].into_iter().chain(ends.map(|(at, _)| at + 1)).collect();
        Self { name, text, line_starts }
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(1, |before| before.chars().count() + 1);
        (line, column)
    }

    /// The bytes of the line that holds `offset`, without its end.
    fn line(&self, offset: usize) -> std::ops::Range<usize> {
        let (line, _) = self.position(offset);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let end = self.line_starts.get(line).map_or(self.text.len(), |next| next - 1);
        start..end.max(start)
    }
}

/// One error or warning, ready to be shown or sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as it was named, or `environment NAME`.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Whether the configuration can still be used.
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub expected: String,
    /// The line it is about, secrets hidden.
    pub shown: String,
    /// Where the request said it that led here (RFC 6901), if it was JSON and says it.
    pub pointer: Option<String>,
    pub(crate) place: Place,
    caret: usize,
}

impl fmt::Display for Diagnostic {
    /// `file:line:column: what is wrong; what is expected`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, column, what, expected, .. } = self;
        let kind = if self.severity == Severity::Warning { "warning: " } else { "" };
        write!(f, "{path}:{line}:{column}: {kind}{what}; {expected}")
    }
}

impl Diagnostic {
    /// The line itself and a caret below the place.
    #[must_use]
    pub fn snippet(&self) -> String {
        let shown: String = self.shown.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
        format!("  {shown}\n  {:>width$}", "^", width = self.caret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_the_caret_stands_below() {
        let text = "a;\npeer süd x;\n";
        let source = SourceText::new("f.conf".into(), text.into());
        let start = text.find('x').unwrap();
        let problem = Problem::error(Place { file: 0, start, end: start + 1 }, "bad x", "a y");
        let shown = problem.describe(&source, &[]);
        assert_eq!(shown.to_string(), "f.conf:2:10: bad x; a y");
        assert_eq!(shown.snippet(), "  peer süd x;\n           ^");
        assert_eq!(source.position(text.len()), (3, 1));
    }

    #[test]
    fn secrets_on_the_line_are_hidden_and_the_caret_moves_along() {
        let text = "cluster_key topsecretkey; bad 1;";
        let source = SourceText::new("f".into(), text.into());
        let mask = Mask { place: Place { file: 0, start: 12, end: 24 }, shown: "***".into() };
        let start = text.find("bad").unwrap();
        let problem = Problem::error(Place { file: 0, start, end: start + 3 }, "w", "e");
        let snippet = problem.describe(&source, &[mask]).snippet();
        assert_eq!(snippet, "  cluster_key ***; bad 1;\n                   ^");
    }
}
