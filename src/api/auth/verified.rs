//! Passwords found right of late, so that a script that asks each second does not pay for a slow
//! hash each second. Kept are keyed hashes; a pure core, the time is an argument.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::access::User;
use super::keyed::Digest;

/// A password is hashed again after this long.
const LIFETIME: Duration = Duration::from_secs(60);
/// There are two users, each with few ways to be written.
const ENTRIES_MAX: usize = 64;

/// By the hash of what was shown.
#[derive(Debug, Default)]
pub(super) struct Verified {
    entries: HashMap<Digest, (User, Instant)>,
}

impl Verified {
    /// Remembers that `shown` is right.
    pub(super) fn insert(&mut self, shown: Digest, user: User, now: Instant) {
        self.entries.retain(|_, (_, since)| now.saturating_duration_since(*since) < LIFETIME);
        if self.entries.len() < ENTRIES_MAX {
            self.entries.insert(shown, (user, now));
        }
    }

    /// Whose password that is, if it was found right not long ago.
    pub(super) fn find(&self, shown: &Digest, now: Instant) -> Option<&User> {
        let (user, since) = self.entries.get(shown)?;
        (now.saturating_duration_since(*since) < LIFETIME).then_some(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::auth::access::Role;

    #[test]
    fn right_password_is_remembered_for_a_while_and_few_of_them() {
        let (mut verified, start) = (Verified::default(), Instant::now());
        let user = User { login: "a".to_owned(), role: Role::View, mark: [0; 32] };
        for index in 0..=ENTRIES_MAX as u8 {
            verified.insert([index; 32], user.clone(), start);
        }
        assert_eq!(verified.entries.len(), ENTRIES_MAX);
        assert_eq!(verified.find(&[0; 32], start + LIFETIME / 2), Some(&user));
        assert_eq!(verified.find(&[0; 32], start + LIFETIME), None);
        assert_eq!(verified.find(&[0xff; 32], start), None);
        verified.insert([0xff; 32], user, start + LIFETIME);
        assert_eq!(verified.entries.len(), 1, "old ones make room");
    }
}
