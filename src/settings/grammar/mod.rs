//! The `.conf` grammar: text to a tree that remembers every byte's place.
//!
//! Knows words, braces and semicolons and nothing of what they mean; [`crate::settings::schema`]
//! says which words exist. Spans are byte ranges into the text, so the document can change one
//! argument and leave all else as it was. Never stops at the first fault: it goes on at the next
//! `;` or `}` and reports all of them.
//!
//! ```text
//! file      = { directive }
//! directive = word { argument | key=value } ( ";" | "{" { directive } "}" [ ";" ] )
//! comment   = "#" after white space or at a line's start, to the line's end
//! ```

mod lexer;
mod parser;

use std::ops::Range;

pub(crate) use lexer::is_bare;
pub(crate) use parser::parse;

/// A word as written: bare or in quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// What it says, quotes and escapes resolved.
    pub(crate) text: String,
    /// Its bytes in the file, quotes included.
    pub(crate) span: Range<usize>,
    /// Whether it stood in quotes.
    pub(crate) quoted: bool,
}

/// `key=value` on a directive's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// What stands before the first `=`.
    pub(crate) key: Word,
    /// What stands behind it.
    pub(crate) value: Word,
}

impl Pair {
    /// The bytes of the whole pair.
    pub(crate) fn span(&self) -> Range<usize> {
        self.key.span.start..self.value.span.end
    }
}

/// One directive with its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directive {
    /// The word it begins with.
    pub(crate) word: Word,
    /// The words behind it.
    pub(crate) arguments: Vec<Word>,
    /// The `key=value` pairs behind it.
    pub(crate) pairs: Vec<Pair>,
    /// What stands in braces, if anything does.
    pub(crate) block: Option<Block>,
    /// From the word to the `;` or `}`, and the stray `;` behind that.
    pub(crate) span: Range<usize>,
}

impl Directive {
    /// From the word's first byte to the last byte of its line part, without `;` and block.
    pub(crate) fn head(&self) -> Range<usize> {
        let arguments = self.arguments.iter().map(|word| word.span.end);
        let pairs = self.pairs.iter().map(|pair| pair.value.span.end);
        self.word.span.start..arguments.chain(pairs).max().unwrap_or(self.word.span.end)
    }
}

/// The directives between braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// In the order written.
    pub(crate) directives: Vec<Directive>,
    /// From `{` to behind `}`.
    pub(crate) span: Range<usize>,
}

/// A place where the text breaks the grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where.
    pub(crate) span: Range<usize>,
    /// What is wrong.
    pub(crate) what: String,
    /// What would be right.
    pub(crate) expected: String,
}

/// What a text holds, with all that is wrong in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// The top level.
    pub(crate) directives: Vec<Directive>,
    /// From each `#` to the end of its line.
    pub(crate) comments: Vec<Range<usize>>,
    /// In the order of the text.
    pub(crate) faults: Vec<Fault>,
}
