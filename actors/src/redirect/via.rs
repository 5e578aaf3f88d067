//! The mark of a redirect: `_via=<first 8 hex of the node's id>.<unix seconds>` (SPEC 5.5).
//!
//! A request that carries a young mark is not redirected again, so two nodes that each believe the
//! other to hold a stream cannot send a client round and round.

use std::borrow::Cow;
use std::time::Duration;

use crate::names::NodeId;

/// How long a mark forbids another redirect.
pub const VIA_YOUNG_FOR: Duration = Duration::from_secs(10);

/// The parameter's name with its equals sign.
const PARAMETER: &str = "_via=";

/// The parameter, eight digits, a dot, and the longest `u64`.
pub(super) const MARK_BYTES_MAX: usize = PARAMETER.len() + 8 + 1 + 20;

/// One redirect: by whom and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViaMark {
    /// First 32 bits of the redirecting node's id; `None` where the mark cannot be read.
    node: Option<u32>,
    unix_s: u64,
}

impl ViaMark {
    /// The mark of the node whose id begins with `node_prefix`.
    #[must_use]
    pub const fn new(node_prefix: u32, unix_s: u64) -> Self {
        Self { node: Some(node_prefix), unix_s }
    }

    /// The mark that node `id` sets now.
    #[must_use]
    pub fn of(id: NodeId, unix_s: u64) -> Self {
        Self::new(id.prefix(), unix_s)
    }

    /// Whether the mark forbids another redirect.
    ///
    /// `offset_ms_of` says by how much a node's clock is ahead of ours; a mark of a node it does
    /// not know, from the future, or that cannot be read, counts as young.
    #[must_use]
    pub fn is_young(self, now_unix_ms: u64, offset_ms_of: impl Fn(u32) -> Option<i64>) -> bool {
        let Some(offset_ms) = self.node.and_then(offset_ms_of) else {
            return true;
        };
        let marked_ms = i128::from(self.unix_s) * 1_000 - i128::from(offset_ms);
        let age_ms = i128::from(now_unix_ms) - marked_ms;
        age_ms < i128::try_from(VIA_YOUNG_FOR.as_millis()).unwrap_or(i128::MAX)
    }

    /// Writes `_via=…`.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        out.extend_from_slice(PARAMETER.as_bytes());
        let node = self.node.unwrap_or_default();
        for shift in (0..8).rev() {
            let digit = (node >> (shift * 4)) & 0xf;
            out.push(DIGITS[digit as usize]);
        }
        out.push(b'.');
        let mut decimal = [0_u8; 20];
        let mut first = decimal.len();
        let mut rest = self.unix_s;
        loop {
            first -= 1;
            decimal[first] = DIGITS[(rest % 10) as usize];
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        out.extend_from_slice(&decimal[first..]);
    }

    fn parse(value: &str) -> Option<Self> {
        let (node, unix_s) = value.split_once('.')?;
        if node.len() != 8 || !node.bytes().all(|b| b.is_ascii_hexdigit()) || unix_s.len() > 12 {
            return None;
        }
        Some(Self::new(u32::from_str_radix(node, 16).ok()?, unix_s.parse().ok()?))
    }
}

/// The mark a query carries: the last one, if several.
#[must_use]
pub fn find_via(query: &str) -> Option<ViaMark> {
    if !query.contains(PARAMETER) {
        return None;
    }
    let value = query.split('&').rev().find_map(|part| part.strip_prefix(PARAMETER))?;
    Some(ViaMark::parse(value).unwrap_or(ViaMark { node: None, unix_s: 0 }))
}

/// The query without any mark: what playlist URIs repeat and tokens are read from.
#[must_use]
pub fn strip_via(query: &str) -> Cow<'_, str> {
    if !query.contains(PARAMETER) {
        return Cow::Borrowed(query);
    }
    let parts: Vec<_> = query.split('&').filter(|part| !part.starts_with(PARAMETER)).collect();
    Cow::Owned(parts.join("&"))
}

/// Appends the query without any mark to what ends in `?`.
pub(super) fn push_without_mark(out: &mut Vec<u8>, query: &str) {
    if !query.contains(PARAMETER) {
        out.extend_from_slice(query.as_bytes());
        return;
    }
    let mut is_first = true;
    for part in query.split('&').filter(|part| !part.starts_with(PARAMETER)) {
        if !is_first {
            out.push(b'&');
        }
        out.extend_from_slice(part.as_bytes());
        is_first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_and_stripped() {
        let mark = ViaMark::new(0xdead_beef, 1_700_000_000);
        assert_eq!(find_via("a=1&_via=deadbeef.1700000000"), Some(mark));
        assert_eq!(find_via("_via=00000000.1&_via=deadbeef.1700000000"), Some(mark));
        assert_eq!(find_via("my_via=1"), None);
        assert_eq!(strip_via("a=1&_via=deadbeef.1700000000"), "a=1");
        assert_eq!(strip_via("_via=x"), "");
        assert_eq!(strip_via("a&b"), "a&b");
    }

    #[test]
    fn youth_is_judged_by_the_setters_clock() {
        let mark = ViaMark::new(7, 1_000);
        let judge = |now_ms, offset| mark.is_young(now_ms, |node| (node == 7).then_some(offset));
        assert!(judge(1_009_999, 0));
        assert!(!judge(1_010_000, 0));
        assert!(judge(900_000, 0), "from the future");
        assert!(!judge(413_000, 600_000), "set 13 s ago by a clock 600 s ahead");
        assert!(judge(1_605_000, -600_000), "set 5 s ago by a clock 600 s behind");
        assert!(mark.is_young(9_999_999, |_| None), "unknown node");
    }

    #[test]
    fn unreadable_marks_are_young() {
        for value in ["", "x", "deadbeef", "deadbeef.", "deadbeef.-1", "dead.1", "+eadbeef.1"] {
            let mark = find_via(&format!("_via={value}")).unwrap();
            assert!(mark.is_young(u64::MAX, |_| Some(0)), "{value}");
        }
    }

    #[test]
    fn written_marks_are_read_back() {
        for unix_s in [0, 9, 10, 1_700_000_000] {
            let mark = ViaMark::new(0xa, unix_s);
            let mut out = Vec::new();
            mark.write(&mut out);
            assert_eq!(find_via(std::str::from_utf8(&out).unwrap()), Some(mark));
        }
    }
}
