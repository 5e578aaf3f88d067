//! Browsers that are signed in: a pure core, the time is an argument.
//!
//! A browser shows a random value in a cookie; kept here is a hash of it, so that a copy of this
//! memory signs nobody in. Each sign-in holds to the user as configured when it was made: another
//! password, and it is none any more.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::access::User;
use super::keyed::Digest;

/// How many and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignInLimits {
    /// Most at once, of each user.
    pub(super) count_max: usize,
    /// Without a request.
    pub(super) idle: Duration,
    /// From its beginning.
    pub(super) lifetime: Duration,
}

/// All of them, by the hash of their cookie.
#[derive(Debug, Default)]
pub(super) struct SignIns {
    entries: HashMap<Digest, SignIn>,
}

#[derive(Clone, Debug)]
struct SignIn {
    user: User,
    opened_at: Instant,
    used_at: Instant,
}

impl SignIn {
    /// The limit that has ended it, if one has.
    fn ended_by(&self, limits: SignInLimits, now: Instant) -> Option<&'static str> {
        let since = |then| now.saturating_duration_since(then);
        if since(self.opened_at) >= limits.lifetime {
            Some("sign_in_lifetime")
        } else {
            (since(self.used_at) >= limits.idle).then_some("sign_in_idle")
        }
    }
}

impl SignIns {
    /// Begins one; says whether an older one of that user had to go for it.
    pub(super) fn open(
        &mut self,
        cookie: Digest,
        user: User,
        limits: SignInLimits,
        now: Instant,
    ) -> bool {
        self.entries.retain(|_, one| one.ended_by(limits, now).is_none());
        let of_user = || self.entries.iter().filter(|(_, one)| one.user == user);
        let surplus = (of_user().count() >= limits.count_max)
            .then(|| of_user().min_by_key(|(_, one)| one.used_at).map(|(cookie, _)| *cookie))
            .flatten();
        if let Some(surplus) = surplus {
            self.entries.remove(&surplus);
        }
        self.entries.insert(cookie, SignIn { user, opened_at: now, used_at: now });
        surplus.is_some()
    }

    /// Who is signed in by that cookie and still `is_known` with the same password.
    ///
    /// Errors: nobody is, or nobody is any more because of that limit.
    pub(super) fn find(
        &mut self,
        cookie: &Digest,
        limits: SignInLimits,
        now: Instant,
        is_known: impl Fn(&User) -> bool,
    ) -> Result<User, Option<&'static str>> {
        let Some(one) = self.entries.get_mut(cookie) else {
            return Err(None);
        };
        let ended_by = one.ended_by(limits, now);
        if ended_by.is_some() || !is_known(&one.user) {
            self.entries.remove(cookie);
            return Err(ended_by);
        }
        one.used_at = now;
        Ok(one.user.clone())
    }

    /// Ends one.
    pub(super) fn close(&mut self, cookie: &Digest) {
        self.entries.remove(cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::auth::access::Role;

    const LIMITS: SignInLimits = SignInLimits {
        count_max: 2,
        idle: Duration::from_secs(10),
        lifetime: Duration::from_secs(25),
    };

    fn user(login: &str) -> User {
        User { login: login.to_owned(), role: Role::View, mark: [1; 32] }
    }

    fn find(
        sign_ins: &mut SignIns,
        cookie: u8,
        now: Instant,
    ) -> Result<String, Option<&'static str>> {
        sign_ins.find(&[cookie; 32], LIMITS, now, |_| true).map(|user| user.login)
    }

    #[test]
    fn sign_in_ends_when_it_is_idle_or_old_or_closed() {
        let (mut sign_ins, start) = (SignIns::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        sign_ins.open([1; 32], user("a"), LIMITS, at(0));
        sign_ins.open([2; 32], user("b"), LIMITS, at(0));
        for seconds in [0, 9, 18, 24] {
            assert_eq!(find(&mut sign_ins, 1, at(seconds)).as_deref(), Ok("a"));
        }
        assert_eq!(find(&mut sign_ins, 1, at(25)), Err(Some("sign_in_lifetime")));
        assert_eq!(find(&mut sign_ins, 2, at(10)), Err(Some("sign_in_idle")));
        assert_eq!(find(&mut sign_ins, 2, at(0)), Err(None), "and stays gone");
        sign_ins.open([3; 32], user("a"), LIMITS, at(30));
        sign_ins.close(&[3; 32]);
        assert_eq!(find(&mut sign_ins, 3, at(30)), Err(None));
        assert!(sign_ins.entries.is_empty());
    }

    #[test]
    fn sign_in_of_a_changed_user_is_none() {
        let (mut sign_ins, now) = (SignIns::default(), Instant::now());
        sign_ins.open([1; 32], user("a"), LIMITS, now);
        let changed = sign_ins.find(&[1; 32], LIMITS, now, |user| user.mark == [2; 32]);
        assert!(changed.is_err());
        assert_eq!(find(&mut sign_ins, 1, now), Err(None), "not when it is changed back either");
    }

    #[test]
    fn too_many_of_a_user_cost_its_own_quietest() {
        let (mut sign_ins, start) = (SignIns::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        sign_ins.open([9; 32], user("b"), LIMITS, at(0));
        assert!(!sign_ins.open([1; 32], user("a"), LIMITS, at(1)));
        assert!(!sign_ins.open([2; 32], user("a"), LIMITS, at(2)));
        find(&mut sign_ins, 1, at(3)).unwrap();
        assert!(sign_ins.open([3; 32], user("a"), LIMITS, at(4)));
        let left = [1, 2, 3, 9].map(|cookie| find(&mut sign_ins, cookie, at(4)).is_ok());
        assert_eq!(left, [true, false, true, true]);
    }
}
