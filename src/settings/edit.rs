//! Writes a difference between two states of the model into the files' text.
//!
//! Only the bytes of what differs change. Each step splices one piece of one file and parses that
//! file again, so that no step works with stale places.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::document::{Document, Overrides};
use super::grammar::{self, Directive};
use super::interpret;
use super::print;
use super::schema::{self, Kind, Row, Scope};
use super::secret::HIDDEN;
use super::values;

/// The texts of all files with `before` turned into `after`.
///
/// `None` where the layout does not allow it; the caller also reads the result and compares.
pub(crate) fn edited(
    document: &Document,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Option<Overrides> {
    let files = document.files.iter().map(|file| FileText {
        text: file.source.text.clone(),
        directives: file.directives.clone(),
    });
    let mut editor = Editor { files: files.collect() };
    editor.fields(None, Scope::Top, before, after)?;
    let paths = document.files.iter().map(|file| file.path.clone());
    Some(paths.zip(editor.files.into_iter().map(|file| file.text)).collect())
}

struct FileText {
    text: String,
    directives: Vec<Directive>,
}

/// A directive: its file, and the index at each level.
#[derive(Clone, Debug, PartialEq, Eq)]
struct At {
    file: usize,
    path: Vec<usize>,
}

/// Where a field is written.
enum Written {
    Directive(At),
    Pair(At, usize),
}

impl Written {
    fn file(&self) -> usize {
        match self {
            Self::Directive(at) | Self::Pair(at, _) => at.file,
        }
    }
}

struct Editor {
    files: Vec<FileText>,
}

impl Editor {
    /// Edits what differs inside `parent`; `None` is the top level of all files.
    fn fields(
        &mut self,
        parent: Option<&At>,
        scope: Scope,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) -> Option<()> {
        for row in schema::fields(scope) {
            let (old, new) = (schema::get(before, row.path), schema::get(after, row.path));
            if old == new {
                continue;
            }
            match (row.kind, new) {
                (Kind::Items { .. } | Kind::Listeners(_), _) => {
                    let list = |value: Option<&Value>| {
                        value.and_then(Value::as_array).cloned().unwrap_or_default()
                    };
                    self.list(parent, scope, row, &list(old), &list(new))?;
                }
                (Kind::Object(inner), Some(Value::Object(new))) => {
                    match (self.written(parent, scope, row).pop(), old) {
                        (Some(Written::Directive(at)), Some(Value::Object(old))) => {
                            self.fields(Some(&at), inner, old, new)?;
                        }
                        _ => self.insert_value(parent, row, &Value::Object(new.clone()))?,
                    }
                }
                (_, new) => self.value(parent, scope, row, new)?,
            }
        }
        Some(())
    }

    /// Sets or removes a plain value.
    fn value(
        &mut self,
        parent: Option<&At>,
        scope: Scope,
        row: &Row,
        new: Option<&Value>,
    ) -> Option<()> {
        let mut written = self.written(parent, scope, row).into_iter();
        let first = new.and_then(|_| written.next());
        for extra in written.collect::<Vec<_>>().into_iter().rev() {
            self.remove(&extra)?;
            self.parse(extra.file())?;
        }
        let Some(new) = new else { return Some(()) };
        match first {
            None => self.insert_value(parent, row, new),
            Some(Written::Directive(at)) => {
                let directive = self.directive(&at)?;
                let arguments = &directive.arguments;
                let span = match (arguments.first(), arguments.last()) {
                    (Some(first), Some(last)) => first.span.start..last.span.end,
                    _ => directive.word.span.end..directive.word.span.end,
                };
                let space = if span.is_empty() { " " } else { "" };
                let text = format!("{space}{}", print::arguments(row, new)?);
                self.replace(at.file, span, &text)
            }
            Some(Written::Pair(at, index)) => {
                if values::to_words(row, new)?.len() != 1 {
                    let file = at.file;
                    self.remove(&Written::Pair(at, index))?;
                    self.parse(file)?;
                    return self.insert_value(parent, row, new);
                }
                let span = self.directive(&at)?.pairs.get(index)?.value.span.clone();
                self.replace(at.file, span, &print::arguments(row, new)?)
            }
        }
    }

    /// Edits, removes and appends items. An order that appending cannot give is written anew.
    ///
    /// Works from the last item to the first, so that the places of those before stay good, and
    /// parses each file once: a list may have many thousands of items.
    fn list(
        &mut self,
        parent: Option<&At>,
        scope: Scope,
        row: &Row,
        old: &[Value],
        new: &[Value],
    ) -> Option<()> {
        self.restore_names(parent, scope, row, old, new)?;
        let old_names = names_like(row, old, new)?;
        let new_names = names(row, new)?;
        let mut rest = old_names.iter();
        let kept = new_names.iter().take_while(|name| rest.any(|old| old == *name)).count();
        let after: HashMap<&String, &Value> = new_names.iter().zip(new).take(kept).collect();
        let before: HashMap<&String, &Value> = old_names.iter().zip(old).collect();
        let mut changed = BTreeSet::new();
        for (at, directive) in self.items(parent, scope, row).into_iter().rev() {
            let name = named(row, &directive)?;
            match (before.get(&name)?, after.get(&name)) {
                (_, None) => self.remove(&Written::Directive(at.clone()))?,
                (before, Some(after)) if before == after => continue,
                (before, Some(after)) => {
                    let text = self.files.get(at.file)?.text.get(directive.span.clone())?;
                    let text = edited_item(text, scope, row, before.as_object()?, after)?;
                    self.splice(at.file, directive.span, &text)?;
                }
            }
            changed.insert(at.file);
        }
        for file in changed {
            self.parse(file)?;
        }
        let texts: Option<Vec<String>> =
            new.iter().skip(kept).map(|item| print::item(row, item)).collect();
        let texts = texts?;
        if parent.is_none() && !texts.is_empty() {
            let newline = newline_of(&self.files.first()?.text);
            return self.insert(parent, &texts.join(newline));
        }
        texts.iter().try_for_each(|text| self.insert(parent, text))
    }

    /// Puts the passwords back into names that were sent hidden.
    fn restore_names(
        &mut self,
        parent: Option<&At>,
        scope: Scope,
        row: &Row,
        old: &[Value],
        new: &[Value],
    ) -> Option<()> {
        let before = names(row, old)?;
        for (old, new) in before.iter().zip(names_like(row, old, new)?) {
            if *old != new {
                let items = self.items(parent, scope, row);
                let is_old = |item: &&(At, Directive)| named(row, &item.1).as_ref() == Some(old);
                let (at, directive) = items.iter().find(is_old)?;
                let span = directive.arguments.first()?.span.clone();
                self.replace(at.file, span, &print::quoted(&new))?;
            }
        }
        Some(())
    }

    fn directive(&self, at: &At) -> Option<Directive> {
        let mut directives = &self.files.get(at.file)?.directives;
        let (last, outer) = at.path.split_last()?;
        for index in outer {
            directives = &directives.get(*index)?.block.as_ref()?.directives;
        }
        directives.get(*last).cloned()
    }

    /// The directives directly inside `parent`.
    fn children(&self, parent: Option<&At>) -> Vec<(At, Directive)> {
        let inside = |file: usize, path: &[usize], directives: &[Directive]| -> Vec<_> {
            let numbered = directives.iter().enumerate();
            let at =
                |index: usize| At { file, path: path.iter().copied().chain([index]).collect() };
            numbered.map(|(index, directive)| (at(index), directive.clone())).collect()
        };
        match parent {
            None => {
                let files = self.files.iter().enumerate();
                files.flat_map(|(file, text)| inside(file, &[], &text.directives)).collect()
            }
            Some(at) => {
                let block = self.directive(at).and_then(|directive| directive.block);
                block.map_or_else(Vec::new, |block| inside(at.file, &at.path, &block.directives))
            }
        }
    }

    /// Everywhere that `row` is written inside `parent`.
    fn written(&self, parent: Option<&At>, scope: Scope, row: &Row) -> Vec<Written> {
        let is_row = |word: &str| schema::find(scope, word).is_some_and(|r| r.word == row.word);
        let mut written = Vec::new();
        if let Some(directive) = parent.and_then(|at| self.directive(at)) {
            for (index, pair) in directive.pairs.iter().enumerate() {
                if let Some(at) = parent.filter(|_| is_row(&pair.key.text)) {
                    written.push(Written::Pair(at.clone(), index));
                }
            }
        }
        for (at, directive) in self.children(parent) {
            if is_row(&directive.word.text) {
                written.push(Written::Directive(at));
            }
        }
        written
    }

    /// The directives of a list's items, in the order of files and lines.
    fn items(&self, parent: Option<&At>, scope: Scope, row: &Row) -> Vec<(At, Directive)> {
        let is_item = |directive: &Directive| {
            let full = shorthand(directive).filter(|_| scope == Scope::Top);
            let word = &full.as_ref().unwrap_or(directive).word.text;
            schema::find(scope, word).is_some_and(|found| found.word == row.word)
        };
        let children = self.children(parent).into_iter();
        children.filter(|(_, directive)| is_item(directive)).collect()
    }

    fn insert_value(&mut self, parent: Option<&At>, row: &Row, value: &Value) -> Option<()> {
        for directive in print::directives(row, value) {
            self.insert(parent, &directive)?;
        }
        Some(())
    }

    /// Adds a directive at the end of `parent`'s block, or of the main file.
    fn insert(&mut self, parent: Option<&At>, directive: &str) -> Option<()> {
        let Some(at) = parent else {
            let text = &self.files.first()?.text;
            let newline = newline_of(text);
            let before = if text.is_empty() || text.ends_with('\n') { "" } else { newline };
            let directive = directive.replace('\n', newline);
            let end = text.len();
            return self.replace(0, end..end, &format!("{before}{directive}{newline}"));
        };
        let holder = self.directive(at)?;
        let text = &self.files.get(at.file)?.text;
        let Some(block) = &holder.block else {
            // `peer south;` becomes `peer south { … }`.
            let end = holder.span.end;
            let one_line = directive.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            return self.replace(at.file, end - 1..end, &format!(" {{ {one_line} }}"));
        };
        let close = block.span.end - 1;
        let line_start = text.get(..close)?.rfind('\n').map_or(0, |newline| newline + 1);
        let before_close = text.get(line_start..close)?;
        if line_start > block.span.start && before_close.trim().is_empty() {
            let newline = newline_of(text);
            let first = block.directives.iter().find_map(|inner| indent_of(text, inner));
            let indent = first.unwrap_or_else(|| format!("{before_close}  "));
            let lines = directive.lines().map(|line| format!("{indent}{line}{newline}"));
            let added: String = lines.collect();
            return self.replace(at.file, line_start..line_start, &added);
        }
        let one_line = directive.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        let is_spaced = text.get(..close)?.ends_with(char::is_whitespace);
        let space = if is_spaced { "" } else { " " };
        self.replace(at.file, close..close, &format!("{space}{one_line} "))
    }

    /// Removes a directive with its line if it has that to itself, or a `key=value`.
    fn remove(&mut self, written: &Written) -> Option<()> {
        let (file, span) = match written {
            Written::Directive(at) => (at.file, self.directive(at)?.span),
            Written::Pair(at, index) => (at.file, self.directive(at)?.pairs.get(*index)?.span()),
        };
        let text = &self.files.get(file)?.text;
        let line_start = text.get(..span.start)?.rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text.get(span.end..)?.find('\n').map_or(text.len(), |at| span.end + at);
        let before = text.get(line_start..span.start)?;
        let after = text.get(span.end..line_end)?;
        let is_blank = |part: &str| part.trim().is_empty();
        let cut = match (is_blank(before), is_blank(after)) {
            (true, true) => line_start..text.len().min(line_end + 1),
            (true, false) => span.start..span.end + leading_spaces(after),
            (false, _) => line_start + before.trim_end().len()..span.end,
        };
        self.splice(file, cut, "")
    }

    /// Changes the text; places behind `span` are stale until the file is parsed again.
    fn splice(&mut self, file: usize, span: std::ops::Range<usize>, new: &str) -> Option<()> {
        let text = &mut self.files.get_mut(file)?.text;
        // Checks the bounds, which `replace_range` would panic on.
        text.get(span.clone())?;
        text.replace_range(span, new);
        Some(())
    }

    fn replace(&mut self, file: usize, span: std::ops::Range<usize>, new: &str) -> Option<()> {
        self.splice(file, span, new)?;
        self.parse(file)
    }

    fn parse(&mut self, file: usize) -> Option<()> {
        let file = self.files.get_mut(file)?;
        let parsed = grammar::parse(&file.text, &schema::is_word);
        file.directives = parsed.directives;
        parsed.faults.is_empty().then_some(())
    }
}

/// The text of one item with what differs changed.
fn edited_item(
    text: &str,
    scope: Scope,
    row: &Row,
    before: &Map<String, Value>,
    after: &Value,
) -> Option<String> {
    let mut editor = Editor { files: vec![FileText { text: text.to_owned(), directives: vec![] }] };
    editor.parse(0)?;
    let at = At { file: 0, path: vec![0] };
    if shorthand(&editor.directive(&at)?).is_some_and(|_| scope == Scope::Top) {
        return print::item(row, after);
    }
    editor.fields(Some(&at), schema::inner(row.kind)?, before, after.as_object()?)?;
    editor.files.pop().map(|file| file.text)
}

/// The full form of an older directive.
pub(crate) fn shorthand(directive: &Directive) -> Option<Directive> {
    match schema::find(Scope::Top, &directive.word.text)?.kind {
        Kind::Shorthand(shorthand) => interpret::expand(shorthand, directive),
        _ => None,
    }
}

/// The name that a directive gives its item.
pub(crate) fn named(row: &Row, directive: &Directive) -> Option<String> {
    let word = &directive.arguments.first()?.text;
    match row.kind {
        Kind::Listeners(_) => values::listener_to_word(&values::listener_from_word(word)?),
        _ => Some(word.clone()),
    }
}

fn names(row: &Row, items: &[Value]) -> Option<Vec<String>> {
    items.iter().map(|item| print::item_name(row, item)).collect()
}

/// The names of `old`, with each hidden one as it is called in `new`.
fn names_like(row: &Row, old: &[Value], new: &[Value]) -> Option<Vec<String>> {
    let mut names_old = names(row, old)?;
    if old.len() == new.len() {
        for (name, new) in names_old.iter_mut().zip(names(row, new)?) {
            if name.contains(HIDDEN) {
                *name = new;
            }
        }
    }
    Some(names_old)
}

fn newline_of(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// The white space before a directive, if nothing else is before it on its line.
fn indent_of(text: &str, directive: &Directive) -> Option<String> {
    let before = text.get(..directive.span.start)?;
    let indent = before.get(before.rfind('\n')? + 1..)?;
    indent.trim().is_empty().then(|| indent.to_owned())
}

fn leading_spaces(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t']).len()
}
