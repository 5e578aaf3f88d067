//! Splits a text into words, pairs and punctuation.

use std::ops::Range;

use super::{Fault, Pair, Word};

/// A token and whether it is the first on its line.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Range<usize>,
    pub(super) starts_line: bool,
}

/// What a token is.
#[derive(Clone, Debug)]
pub(super) enum TokenKind {
    Word(Word),
    Pair(Pair),
    Semicolon,
    Open,
    Close,
}

/// The key of `key=value`: `[a-z_]+` before the first `=`, else nothing.
fn option_key(text: &str) -> Option<&str> {
    let (key, _) = text.split_once('=')?;
    let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_key.then_some(key)
}

/// Whether `text` can stand as an argument without quotes and is read back as itself.
pub(crate) fn is_bare(text: &str) -> bool {
    let ends = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ';' | '{' | '}' | '"');
    !text.is_empty()
        && !text.starts_with(['#', '\u{feff}'])
        && !text.contains(ends)
        && option_key(text).is_none()
}

/// What a text is made of.
#[derive(Debug, Default)]
pub(super) struct Lexed {
    pub(super) tokens: Vec<Token>,
    pub(super) comments: Vec<Range<usize>>,
    pub(super) faults: Vec<Fault>,
}

/// Reads all tokens of `text`.
pub(super) fn tokens(text: &str) -> Lexed {
    let mut lexer = Lexer { text, offset: 0, out: Lexed::default() };
    if text.starts_with('\u{feff}') {
        lexer.offset = '\u{feff}'.len_utf8();
    }
    lexer.run();
    lexer.out
}

struct Lexer<'a> {
    text: &'a str,
    offset: usize,
    out: Lexed,
}

impl Lexer<'_> {
    fn run(&mut self) {
        let mut starts_line = true;
        let mut after_space = true;
        while let Some(c) = self.peek() {
            let start = self.offset;
            match c {
                '\n' => {
                    self.offset += 1;
                    (starts_line, after_space) = (true, true);
                }
                c if c.is_whitespace() => {
                    self.offset += c.len_utf8();
                    after_space = true;
                }
                '#' => {
                    if !after_space {
                        let expected = "white space before the `#` of a comment";
                        self.fault(
                            start..start + 1,
                            "`#` right behind another character",
                            expected,
                        );
                    }
                    self.skip_line();
                    self.out.comments.push(start..self.offset);
                }
                ';' => self.punctuation(TokenKind::Semicolon, &mut starts_line, &mut after_space),
                '{' => self.punctuation(TokenKind::Open, &mut starts_line, &mut after_space),
                '}' => self.punctuation(TokenKind::Close, &mut starts_line, &mut after_space),
                _ => {
                    let kind = self.word_or_pair();
                    self.out.tokens.push(Token { kind, span: start..self.offset, starts_line });
                    (starts_line, after_space) = (false, false);
                }
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn fault(&mut self, span: Range<usize>, what: &str, expected: &str) {
        self.out.faults.push(Fault { span, what: what.to_owned(), expected: expected.to_owned() });
    }

    fn skip_line(&mut self) {
        self.offset += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn punctuation(&mut self, kind: TokenKind, starts_line: &mut bool, after_space: &mut bool) {
        let span = self.offset..self.offset + 1;
        self.offset += 1;
        self.out.tokens.push(Token { kind, span, starts_line: *starts_line });
        (*starts_line, *after_space) = (false, false);
    }

    fn word_or_pair(&mut self) -> TokenKind {
        let start = self.offset;
        if self.peek() == Some('"') {
            return TokenKind::Word(self.quoted());
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, ';' | '{' | '}');
        let length = self.rest().find(ends).unwrap_or(self.rest().len());
        let bare = self.rest().get(..length).unwrap_or_default().to_owned();
        let Some(key) = option_key(&bare).map(str::to_owned) else {
            self.offset += length;
            return TokenKind::Word(self.bare(start, bare));
        };
        let value_at = start + key.len() + 1;
        let key = Word { span: start..value_at - 1, text: key, quoted: false };
        self.offset = value_at;
        let value = if self.peek() == Some('"') {
            self.quoted()
        } else {
            self.offset = start + length;
            let text = bare.get(key.text.len() + 1..).unwrap_or_default().to_owned();
            self.bare(value_at, text)
        };
        TokenKind::Pair(Pair { key, value })
    }

    fn bare(&mut self, start: usize, text: String) -> Word {
        let span = start..self.offset;
        if text.contains(char::is_control) {
            self.fault(span.clone(), "a control character", "visible characters");
        }
        Word { text, span, quoted: false }
    }

    /// Reads from the opening quote to the closing one, which must be on the same line.
    fn quoted(&mut self) -> Word {
        let start = self.offset;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        let mut end = None;
        let mut bad_escape = None;
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    end = Some(at + 1);
                    break;
                }
                '\n' => {
                    end = Some(at);
                    break;
                }
                '\\' => match characters.next() {
                    Some((_, c @ ('"' | '\\'))) => text.push(c),
                    _ => bad_escape = bad_escape.or(Some(start + at)),
                },
                c => text.push(c),
            }
        }
        let closed =
            end.is_some_and(|end| self.rest().get(..end).is_some_and(|t| t.ends_with('"')));
        self.offset = start + end.unwrap_or(self.rest().len());
        let span = start..self.offset;
        if let Some(at) = bad_escape {
            let expected = "`\\\"` or `\\\\` behind a backslash in quotes";
            self.fault(at..at + 1, "an unknown escape", expected);
        } else if !closed || span.len() < 2 {
            self.fault(start..start + 1, "the quote is never closed", "a `\"` on the same line");
        } else if text.contains(char::is_control) {
            self.fault(span.clone(), "a control character", "visible characters");
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, ';' | '{' | '}');
        if self.peek().is_some_and(|c| !ends(c)) {
            let expected = "white space or `;` behind the closing quote";
            self.fault(self.offset..self.offset + 1, "text right behind a quote", expected);
        }
        Word { text, span, quoted: true }
    }
}
