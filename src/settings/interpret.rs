//! Gives directives their meaning: the grammar's tree to the model's, by the schema.
//!
//! Goes on after every error with the field or item left out, so that all of them are found.

use std::collections::HashMap;

use serde_json::Value;

use super::diagnostic::{Mask, Place, Problem};
use super::grammar::{Block, Directive, Pair, Word};
use super::located::{Located, Node, Table, enter};
use super::naming;
use super::schema::{self, Kind, Row, Scope, Shorthand, Support};
use super::secret::{HIDDEN, hide_in_url};
use super::values;

/// Words whose arguments are never shown, wherever they stand.
pub(crate) const SECRET_WORDS: [&str; 5] =
    ["cluster_key", "cluster_key_accept", "edit_auth", "view_auth", "password"];

/// What directives say, and all that is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Interpreted {
    pub(crate) tree: Table,
    pub(crate) problems: Vec<Problem>,
    /// Uses of words whose feature is not built; apart, so that parsing can be tested without.
    pub(crate) unsupported: Vec<Problem>,
    /// Every secret in the text.
    pub(crate) masks: Vec<Mask>,
}

/// Interprets top-level directives, each with the number of its source.
pub(crate) fn interpret<'a>(
    directives: impl Iterator<Item = (usize, &'a Directive)>,
) -> Interpreted {
    let mut reader = Reader { out: Interpreted::default(), file: 0 };
    let mut tree = Table::new();
    let mut seen = Seen::new();
    for (file, directive) in directives {
        reader.file = file;
        reader.directive(Scope::Top, directive, &mut tree, &mut seen);
    }
    reader.out.tree = tree;
    reader.out
}

/// Where each field and each item's name was first given.
type Seen = HashMap<(&'static str, String), Place>;

struct Reader {
    out: Interpreted,
    file: usize,
}

impl Reader {
    fn place(&self, span: &std::ops::Range<usize>) -> Place {
        Place { file: self.file, start: span.start, end: span.end }
    }

    fn error(&mut self, place: Place, what: impl Into<String>, expected: impl Into<String>) {
        self.out.problems.push(Problem::error(place, what, expected));
    }

    fn directive(&mut self, scope: Scope, directive: &Directive, to: &mut Table, seen: &mut Seen) {
        let word = directive.word.text.as_str();
        let row = schema::find(scope, word);
        self.mask(row.or_else(|| schema::find(scope, schema::nearest(scope, word)?)), directive);
        let Some(row) = row else {
            return self.unknown(scope, &directive.word);
        };
        match row.kind {
            Kind::Include if directive.block.is_none() => {}
            Kind::Include => self.refuse_block(row, directive),
            Kind::Shorthand(shorthand) => match expand(shorthand, directive) {
                Some(full) => self.directive(scope, &full, to, seen),
                None => {
                    let place = self.place(&directive.head());
                    self.error(place, format!("`{word}` takes two words"), row.doc);
                }
            },
            Kind::Items { scope: inner, key } => self.item(row, inner, key, directive, to, seen),
            Kind::Listeners(inner) => self.listener(row, inner, directive, to),
            Kind::Object(inner) => self.object(row, inner, directive, to, seen),
            _ => {
                self.refuse_block(row, directive);
                self.refuse_pairs(row, &directive.pairs);
                let place = self.place(&directive.head());
                self.field(row, place, &directive.word, &directive.arguments, to, seen);
            }
        }
    }

    fn unknown(&mut self, scope: Scope, word: &Word) {
        let homes = schema::homes(&word.text);
        let expected = match (schema::nearest(scope, &word.text), homes.first()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(home)) => format!("it belongs inside `{home} … {{ }}`"),
            (None, None) => {
                let words: Vec<&str> = schema::rows(scope).take(12).map(|row| row.word).collect();
                match words.is_empty() {
                    true => "nothing may stand here".to_owned(),
                    false => format!("a known word such as `{}`", words.join("`, `")),
                }
            }
        };
        let shown: String = word.text.chars().take(60).collect();
        self.error(self.place(&word.span), format!("unknown word `{shown}`"), expected);
    }

    fn refuse_block(&mut self, row: &Row, directive: &Directive) {
        if let Some(Block { span, .. }) = &directive.block {
            let what = format!("`{}` has no block", row.word);
            self.error(self.place(&(span.start..span.start + 1)), what, "`;` instead of `{`");
        }
    }

    fn refuse_pairs(&mut self, row: &Row, pairs: &[Pair]) {
        for pair in pairs {
            let what = match row.is_secret {
                true => format!("the value of `{}` holds a `=`", row.word),
                false => format!("`{}` takes no option `{}=`", row.word, pair.key.text),
            };
            self.error(self.place(&pair.span()), what, "the value in quotes, if it is one");
        }
    }

    /// A field with a plain value, from a directive of its own or a `key=value`.
    fn field(
        &mut self,
        row: &'static Row,
        place: Place,
        word: &Word,
        arguments: &[Word],
        to: &mut Table,
        seen: &mut Seen,
    ) {
        let words: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
        let value = match values::from_words(row, &words) {
            Ok(value) => value,
            Err(expected) => {
                let at = arguments.last().map_or(place, |word| self.place(&word.span));
                let what = match words.as_slice() {
                    [] => format!("`{}` has no value", row.word),
                    [_] => format!("this is no value of `{}`", row.word),
                    _ => format!("these are no value of `{}`; is a `;` missing?", row.word),
                };
                return self.error(at, what, expected);
            }
        };
        self.support(row, self.place(&word.span), &words);
        let is_list = matches!(row.kind, Kind::Words | Kind::Networks);
        if !is_list && self.is_repeated(row.word, String::new(), place, seen) {
            return;
        }
        let (table, name) = enter(to, row.path, place);
        match (table.get_mut(name), value) {
            (Some(Located { node: Node::Scalar(Value::Array(list)), .. }), Value::Array(more)) => {
                list.extend(more);
            }
            (_, value) => {
                table.insert(name.to_owned(), Located::scalar(place, value));
            }
        }
    }

    fn is_repeated(
        &mut self,
        word: &'static str,
        name: String,
        place: Place,
        seen: &mut Seen,
    ) -> bool {
        let shown = if name.is_empty() { word.to_owned() } else { format!("{word} {name}") };
        match seen.entry((word, name)) {
            std::collections::hash_map::Entry::Occupied(_) => {
                let shown = hide_in_url(&shown);
                self.error(place, format!("`{shown}` is given twice"), "each once");
                true
            }
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(place);
                false
            }
        }
    }

    fn support(&mut self, row: &Row, place: Place, words: &[&str]) {
        let what = match row.support {
            // Saying the default asks for nothing new.
            Support::Later if row.default.is_some_and(|default| words == [default]) => return,
            Support::Later => format!("`{}` is not supported yet", row.word),
            Support::Ready => return,
        };
        self.out.unsupported.push(Problem::error(place, what, "a configuration without it"));
    }

    fn item(
        &mut self,
        row: &'static Row,
        inner: Scope,
        key: &str,
        directive: &Directive,
        to: &mut Table,
        seen: &mut Seen,
    ) {
        let place = self.place(&directive.head());
        let Some(name) = directive.arguments.first().filter(|name| !name.text.is_empty()) else {
            let what = format!("`{}` without a name", row.word);
            return self.error(place, what, values::expected(row));
        };
        self.refuse_arguments(row, &directive.arguments, 1);
        self.support(row, self.place(&directive.word.span), &[]);
        let mut table = self.fields(inner, directive);
        let name_place = self.place(&name.span);
        if let Some((what, expected)) = naming::fault(inner, &name.text) {
            return self.error(name_place, what, expected);
        }
        if let Some(scheme) =
            naming::unsupported_input(&name.text).filter(|_| inner == Scope::Input)
        {
            let what = format!("an input of `{scheme}://` is not supported yet");
            let expected = format!("one of {}", naming::working_inputs());
            self.out.unsupported.push(Problem::error(name_place, what, expected));
        }
        if self.is_repeated(row.word, name.text.clone(), name_place, seen) {
            return;
        }
        for required in schema::rows(inner).filter(|row| row.is_required) {
            if !table.contains_key(required.path) {
                let what = format!("`{}` has no `{}`", row.word, required.word);
                self.error(place, what, format!("`{} …;` inside its block", required.word));
            }
        }
        let name = Located::scalar(name_place, Value::String(name.text.clone()));
        table.insert(key.to_owned(), name);
        push(to, row.path, Located { place, node: Node::Table(table) });
    }

    fn refuse_arguments(&mut self, row: &Row, arguments: &[Word], allowed: usize) {
        if let Some(extra) = arguments.get(allowed) {
            let what = format!("`{}` takes no more words here; is a `;` missing?", row.word);
            self.error(self.place(&extra.span), what, values::expected(row));
        }
    }

    fn listener(&mut self, row: &'static Row, inner: Scope, directive: &Directive, to: &mut Table) {
        let place = self.place(&directive.head());
        self.refuse_arguments(row, &directive.arguments, 1);
        self.support(row, self.place(&directive.word.span), &[]);
        let mut table = self.fields(inner, directive);
        let word = directive.arguments.first();
        let Some(fields) = word.and_then(|word| values::listener_from_word(&word.text)) else {
            let at = word.map_or(place, |word| self.place(&word.span));
            return self.error(at, "this is no listen address", values::expected(row));
        };
        for required in schema::rows(inner).filter(|row| row.is_required) {
            if !table.contains_key(required.path) {
                let what = format!("`{}` has no `{}`", row.word, required.word);
                self.error(place, what, format!("`{} …;` inside its block", required.word));
            }
        }
        for (name, value) in fields {
            table.insert(name, Located::scalar(place, value));
        }
        push(to, row.path, Located { place, node: Node::Table(table) });
    }

    fn object(
        &mut self,
        row: &'static Row,
        inner: Scope,
        directive: &Directive,
        to: &mut Table,
        seen: &mut Seen,
    ) {
        let place = self.place(&directive.head());
        self.refuse_arguments(row, &directive.arguments, 0);
        self.support(row, self.place(&directive.word.span), &[]);
        let table = self.fields(inner, directive);
        if !self.is_repeated(row.word, String::new(), place, seen) {
            to.insert(row.path.to_owned(), Located { place, node: Node::Table(table) });
        }
    }

    /// What stands in a directive's options and block.
    fn fields(&mut self, scope: Scope, directive: &Directive) -> Table {
        let mut table = Table::new();
        let mut seen = Seen::new();
        for pair in &directive.pairs {
            let place = self.place(&pair.span());
            match schema::find(scope, &pair.key.text) {
                None => self.unknown(scope, &pair.key),
                Some(row) if schema::inner(row.kind).is_some() => {
                    let what = format!("`{}` cannot be an option", row.word);
                    self.error(place, what, "a directive in the block");
                }
                Some(row) => {
                    let value = std::slice::from_ref(&pair.value);
                    self.field(row, place, &pair.key, value, &mut table, &mut seen);
                }
            }
        }
        for inner in directive.block.iter().flat_map(|block| &block.directives) {
            self.directive(scope, inner, &mut table, &mut seen);
        }
        table
    }

    /// Notes the secrets in a directive's own line; `row` may be a guess at a misspelt word.
    fn mask(&mut self, row: Option<&Row>, directive: &Directive) {
        let is_secret_word = |word: &Word| SECRET_WORDS.contains(&word.text.as_str());
        let mut is_secret = row.is_some_and(|row| row.is_secret) || is_secret_word(&directive.word);
        let is_login = row.is_some_and(|row| row.kind == Kind::Credentials);
        for (index, word) in directive.arguments.iter().enumerate() {
            self.mask_word(is_secret && !(is_login && index == 0), word);
            // After a broken quote a whole secret directive can end up among the arguments.
            is_secret |= is_secret_word(word);
        }
        let inner = row.and_then(|row| schema::inner(row.kind));
        for pair in &directive.pairs {
            let row = inner.and_then(|inner| {
                let key = &pair.key.text;
                schema::find(inner, key)
                    .or_else(|| schema::find(inner, schema::nearest(inner, key)?))
            });
            if is_secret {
                let place = self.place(&pair.span());
                self.out.masks.push(Mask { place, shown: HIDDEN.to_owned() });
            } else {
                self.mask_word(row.is_some_and(|row| row.is_secret), &pair.value);
            }
        }
    }

    fn mask_word(&mut self, is_secret: bool, word: &Word) {
        let shown = if is_secret { HIDDEN.to_owned() } else { hide_in_url(&word.text) };
        if shown != word.text {
            let place = self.place(&word.span);
            let shown = super::print::quoted(&shown);
            self.out.masks.push(Mask { place, shown });
        }
    }
}

fn push(to: &mut Table, path: &str, item: Located) {
    let (table, name) = enter(to, path, item.place);
    match table.get_mut(name) {
        Some(Located { node: Node::List(items), .. }) => items.push(item),
        _ => {
            let place = item.place;
            table.insert(name.to_owned(), Located { place, node: Node::List(vec![item]) });
        }
    }
}

/// The full form of an older directive; its parts keep their places.
pub(crate) fn expand(shorthand: Shorthand, directive: &Directive) -> Option<Directive> {
    let [name, value] = directive.arguments.as_slice() else {
        return None;
    };
    let at = directive.head();
    let bare = |text: &str| Word { text: text.to_owned(), span: at.clone(), quoted: false };
    let simple = |word: &str, argument: Word| Directive {
        word: bare(word),
        arguments: vec![argument],
        pairs: Vec::new(),
        block: None,
        span: at.clone(),
    };
    let (word, fields) = match shorthand {
        Shorthand::OnDemand => {
            ("stream", vec![simple("input", value.clone()), simple("static", bare("off"))])
        }
        Shorthand::File => ("vod", vec![simple("storage", value.clone())]),
    };
    let mut full = Directive { arguments: vec![name.clone()], ..directive.clone() };
    full.word = Word { text: word.to_owned(), ..directive.word.clone() };
    let mut directives = fields;
    directives.extend(directive.block.iter().flat_map(|block| block.directives.clone()));
    full.block = Some(Block { directives, span: at });
    Some(full)
}
