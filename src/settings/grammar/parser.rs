//! Puts tokens together into directives, and goes on behind whatever is wrong.

use std::ops::Range;

use super::lexer::{Lexed, Token, TokenKind, tokens};
use super::{Block, Directive, Fault, Parsed, Word};

/// The deepest nesting of braces; the deepest the schema knows is two.
const DEPTH_MAX: usize = 8;
/// More faults than this in one file tell nobody more.
const FAULTS_MAX: usize = 500;

/// Parses `text`; `is_word(enclosing words, word)` tells which words begin a directive there, so
/// that a forgotten `;` is found where it is missing.
pub(crate) fn parse(text: &str, is_word: &dyn Fn(&[&str], &str) -> bool) -> Parsed {
    let Lexed { tokens, comments, faults } = tokens(text);
    let mut parser = Parser { text, tokens, next: 0, faults, is_word };
    let directives = parser.directives(&[], None);
    let mut faults = parser.faults;
    faults.sort_by_key(|fault| fault.span.start);
    faults.truncate(FAULTS_MAX);
    Parsed { directives, comments, faults }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    faults: Vec<Fault>,
    is_word: &'a dyn Fn(&[&str], &str) -> bool,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn fault(&mut self, span: Range<usize>, what: impl Into<String>, expected: impl Into<String>) {
        self.faults.push(Fault { span, what: what.into(), expected: expected.into() });
    }

    /// Reads directives up to the `}` that closes `open`, or to the end.
    fn directives(&mut self, path: &[&str], open: Option<usize>) -> Vec<Directive> {
        let mut directives = Vec::new();
        while let Some(token) = self.peek().cloned() {
            let span = token.span.clone();
            match token.kind {
                TokenKind::Close if open.is_some() => return directives,
                TokenKind::Close => {
                    self.next += 1;
                    self.fault(span, "`}` closes nothing", "a `{` before it, or no `}`");
                }
                TokenKind::Semicolon => {
                    self.next += 1;
                    self.fault(span, "nothing stands before this `;`", "a word first");
                }
                TokenKind::Open => {
                    self.fault(span, "nothing stands before this `{`", "a word first");
                    self.skip_block();
                }
                TokenKind::Pair(pair) => {
                    self.next += 1;
                    let what = format!("`{}=…` begins a directive", pair.key.text);
                    self.fault(span, what, format!("`{} …;`", pair.key.text));
                    self.skip_directive();
                }
                TokenKind::Word(ref word) => {
                    let word = word.clone();
                    if open.is_some() && self.belongs_outside(&token, &word, path) {
                        return directives;
                    }
                    self.next += 1;
                    directives.push(self.directive(word, path));
                }
            }
        }
        directives
    }

    /// Whether a word at the very start of a line shows that the block was never closed.
    fn belongs_outside(&self, token: &Token, word: &Word, path: &[&str]) -> bool {
        let before = token.span.start.checked_sub(1).and_then(|at| self.text.as_bytes().get(at));
        before == Some(&b'\n')
            && !word.quoted
            && (self.is_word)(&[], &word.text)
            && !(self.is_word)(path, &word.text)
    }

    fn directive(&mut self, word: Word, path: &[&str]) -> Directive {
        let span = word.span.clone();
        let mut directive =
            Directive { word, arguments: Vec::new(), pairs: Vec::new(), block: None, span };
        while let Some(token) = self.peek().cloned() {
            let end = token.span.end;
            match token.kind {
                TokenKind::Semicolon => {
                    self.next += 1;
                    directive.span.end = end;
                    return directive;
                }
                TokenKind::Open => {
                    self.block(&mut directive, path);
                    return directive;
                }
                TokenKind::Close => break,
                TokenKind::Word(word) => {
                    let is_next = token.starts_line && !word.quoted;
                    if is_next && (self.is_word)(path, &word.text) {
                        break;
                    }
                    directive.arguments.push(word);
                }
                TokenKind::Pair(pair) => directive.pairs.push(pair),
            }
            self.next += 1;
        }
        let end = directive.head().end;
        directive.span.end = end;
        // The words behind the keyword may be secrets, so they are not repeated.
        let what = format!("`;` is missing at the end of `{}`", directive.word.text);
        let expected = "`;`, or `{` and its block";
        self.fault(end..end, what, expected);
        directive
    }

    fn block(&mut self, directive: &mut Directive, path: &[&str]) {
        let Some(open) = self.peek().map(|token| token.span.start) else {
            return;
        };
        if path.len() + 1 >= DEPTH_MAX {
            self.fault(open..open + 1, "braces nest too deep", "at most 7 levels");
            self.skip_block();
            directive.span.end = open + 1;
            return;
        }
        self.next += 1;
        let word = directive.word.text.clone();
        let inner: Vec<&str> = path.iter().copied().chain([word.as_str()]).collect();
        let directives = self.directives(&inner, Some(open));
        let end = match self.peek().map(|token| (&token.kind, token.span.end)) {
            Some((TokenKind::Close, end)) => {
                self.next += 1;
                end
            }
            _ => {
                let what = format!("`{{` of `{word}` is never closed");
                self.fault(open..open + 1, what, "a `}` behind its last `;`");
                directives.last().map_or(open + 1, |last| last.span.end)
            }
        };
        directive.block = Some(Block { directives, span: open..end });
        directive.span.end = end;
        if let Some(Token { kind: TokenKind::Semicolon, span, .. }) = self.peek() {
            directive.span.end = span.end;
            self.next += 1;
        }
    }

    /// Goes behind the `}` of the `{` that comes next.
    fn skip_block(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            match token.kind {
                TokenKind::Open => depth += 1,
                TokenKind::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.next += 1;
            if depth == 0 {
                return;
            }
        }
    }

    /// Goes behind the next `;`, or in front of the next `}`.
    fn skip_directive(&mut self) {
        while let Some(token) = self.peek() {
            match token.kind {
                TokenKind::Close => return,
                TokenKind::Open => return self.skip_block(),
                TokenKind::Semicolon => {
                    self.next += 1;
                    return;
                }
                _ => self.next += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_word(path: &[&str], word: &str) -> bool {
        match path {
            [] => matches!(word, "http" | "peer" | "stream"),
            ["peer"] => matches!(word, "api_url" | "fetch_timeout"),
            _ => false,
        }
    }

    fn parsed(text: &str) -> Parsed {
        parse(text, &is_word)
    }

    fn faults(text: &str) -> Vec<(usize, String)> {
        parsed(text).faults.into_iter().map(|f| (f.span.start, f.what)).collect()
    }

    #[test]
    fn words_pairs_quotes_and_blocks_are_read() {
        let text = "# c\nstream \"a b\" x#y k=1 t=\"q \\\" \\\\\" rtsp://h/?a=b { z; }; http 1;";
        let parsed = parsed(text);
        assert_eq!(parsed.faults, []);
        let [stream, http] = &parsed.directives[..] else { panic!("{parsed:?}") };
        let arguments: Vec<&str> = stream.arguments.iter().map(|w| w.text.as_str()).collect();
        assert_eq!(arguments, ["a b", "x#y", "rtsp://h/?a=b"]);
        assert_eq!(stream.pairs[1].value.text, "q \" \\");
        assert_eq!(stream.block.as_ref().unwrap().directives[0].word.text, "z");
        assert!(text[stream.span.clone()].ends_with("};"));
        assert_eq!(&text[http.span.clone()], "http 1;");
    }

    #[test]
    fn missing_semicolon_is_found_where_it_is_missing() {
        let text = "http 8081\npeer a { api_url x\n fetch_timeout 5 }\nhttp 1;";
        let found = faults(text);
        assert_eq!(found[0], (9, "`;` is missing at the end of `http`".into()));
        assert_eq!(found[1].0, text.find("x\n").unwrap() + 1);
        assert_eq!(found[2].0, text.find("5 }").unwrap() + 1);
        assert_eq!(found.len(), 3);
        assert_eq!(parsed(text).directives.len(), 3);
    }

    #[test]
    fn unclosed_block_does_not_swallow_the_next_item() {
        let text = "peer a { api_url x;\nstream b { }\n";
        assert_eq!(faults(text), [(7, "`{` of `peer` is never closed".into())]);
        assert_eq!(parsed(text).directives.len(), 2);
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let text = "; } k=v x; http \"a\nhttp 1;# c\n{ a; }\nhttp \"a\\n\"; http \"b\"c;";
        let whats: Vec<String> = faults(text).into_iter().map(|f| f.1).collect();
        assert_eq!(whats.len(), 9, "{whats:#?}");
    }

    #[test]
    fn hostile_text_never_panics() {
        for text in ["\"", "a\"", "k=", "k=\"", "\\", "{{{{{{{{{{", "\u{feff}http 1;", "ä=1;"] {
            parsed(text);
        }
        assert!(parsed("k=\"").faults.len() > 1);
        let deep = "peer ".to_owned() + &"{ peer ".repeat(10_000);
        assert!(!parsed(&deep).faults.is_empty());
        assert_eq!(parsed("\u{feff}http 1;").faults, []);
    }
}
