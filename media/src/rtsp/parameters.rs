//! Lists of `name=value` in header values, some values quoted.

use std::str::CharIndices;

/// One item of a list; its name is as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    /// Without its quotes and escapes; `None` where there is no `=`.
    pub(super) value: Option<String>,
}

impl Parameter {
    /// Whether it is called `name`, whatever its case.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// The parameters of `text`, which `separator` parts.
pub(super) fn parameters(text: &str, separator: char) -> impl Iterator<Item = Parameter> + '_ {
    split_unquoted(text, separator).filter(|item| !item.is_empty()).map(|item| {
        match item.split_once('=') {
            Some((name, value)) => {
                Parameter { name: name.trim().to_owned(), value: Some(unquote(value.trim())) }
            }
            None => Parameter { name: item.to_owned(), value: None },
        }
    })
}

/// Cuts `text` at each `separator` outside quotes; the pieces are trimmed.
/// Source: RFC 2616 §2.2, quoted-string.
pub(super) fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let whole = rest?;
        let end = unquoted_position(whole.char_indices(), separator);
        let (item, after) = match end.and_then(|end| whole.split_at_checked(end)) {
            Some((item, after)) => (item, after.strip_prefix(separator)),
            None => (whole, None),
        };
        rest = after;
        Some(item.trim())
    })
}

fn unquoted_position(chars: CharIndices<'_>, wanted: char) -> Option<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (position, c) in chars {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            c if c == wanted && !is_quoted => return Some(position),
            _ => {}
        }
    }
    None
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut is_escaped = false;
    let keep = |c: &char| {
        is_escaped = *c == '\\' && !is_escaped;
        !is_escaped
    };
    inner.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_escapes_in_quotes_belong_to_the_value() {
        let text = r#"username="a, \"b\\", nc=1 ,,stale , empty=, open="x"#;
        let seen: Vec<_> = parameters(text, ',').map(|p| (p.name, p.value)).collect();
        let wanted = [
            ("username", Some(r#"a, "b\"#)),
            ("nc", Some("1")),
            ("stale", None),
            ("empty", Some("")),
            ("open", Some("x")),
        ];
        let wanted = wanted.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        assert_eq!(seen, wanted);
    }
}
