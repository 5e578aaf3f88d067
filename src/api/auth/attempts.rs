//! How often passwords may be tried: a pure core, the time is an argument.
//!
//! ```text
//!  a try of USER from ADDRESS ─┬ USER was right from there before ▸ counted for that pair alone
//!                              └ else ▸ counted for USER (≤ 1 min) and for ADDRESS (≤ 15 min)
//!  the 5th wrong one in a row costs 1 s, each further one twice as much, until the most above;
//!  an hour without a wrong one forgets them; a try within the wait is refused and not counted
//! ```
//! Right ones clear nothing: who knows one password must not buy tries at another one with it.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// The first wait.
const DELAY_MIN: Duration = Duration::from_secs(1);
/// The longest that one address waits.
const ADDRESS_DELAY_MAX: Duration = Duration::from_secs(15 * 60);
/// The longest that a user waits at an unknown address: strangers can cause it.
const USER_DELAY_MAX: Duration = Duration::from_secs(60);
/// Wrong tries are forgotten after this long without another one.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// Most users, addresses and pairs kept, each; the one that was quiet for longest goes.
const ENTRIES_MAX: usize = 4096;

/// Whose password is tried, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Try {
    /// A hash of the name, so that long ones cost nothing.
    user: u64,
    address: IpAddr,
}

/// All tries of late.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    hasher: RandomState,
    users: Tally<u64>,
    addresses: Tally<IpAddr>,
    /// Where users were right before.
    pairs: Tally<Try>,
}

impl Attempts {
    /// Names a try for the calls below.
    pub(super) fn name(&self, login: &[u8], address: IpAddr) -> Try {
        Try { user: self.hasher.hash_one(login), address: network(address) }
    }

    /// How long this one has to wait, after `tries` that were free; zero if not at all.
    pub(super) fn wait(&self, one: Try, tries: u32, now: Instant) -> Duration {
        if self.pairs.holds(&one) {
            return self.pairs.wait(&one, tries, ADDRESS_DELAY_MAX, now);
        }
        let user = self.users.wait(&one.user, tries, USER_DELAY_MAX, now);
        user.max(self.addresses.wait(&one.address, tries, ADDRESS_DELAY_MAX, now))
    }

    /// Counts a wrong password.
    pub(super) fn wrong(&mut self, one: Try, now: Instant) {
        if self.pairs.holds(&one) {
            self.pairs.add(one, 1, now);
            return;
        }
        self.users.add(one.user, 1, now);
        self.addresses.add(one.address, 1, now);
    }

    /// Remembers a right one.
    pub(super) fn right(&mut self, one: Try, now: Instant) {
        if !self.pairs.holds(&one) {
            self.pairs.add(one, 0, now);
        }
    }
}

/// What one client has for itself: of IPv6 a /64, which is the least that is given to anyone.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Wrong tries by what they are counted for; bounded.
#[derive(Debug)]
struct Tally<K> {
    entries: HashMap<K, Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    wrong: u32,
    last: Instant,
}

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self { entries: HashMap::new() }
    }
}

impl<K: Copy + Eq + Hash> Tally<K> {
    fn holds(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    fn wait(&self, key: &K, tries: u32, most: Duration, now: Instant) -> Duration {
        let Some(entry) = self.entries.get(key) else {
            return Duration::ZERO;
        };
        let since = now.saturating_duration_since(entry.last);
        let Some(beyond) = entry.wrong.checked_sub(tries).filter(|_| since < MEMORY) else {
            return Duration::ZERO;
        };
        let delay = DELAY_MIN.saturating_mul(1 << beyond.min(16)).min(most);
        delay.saturating_sub(since)
    }

    fn add(&mut self, key: K, wrong: u32, now: Instant) {
        if self.entries.len() >= ENTRIES_MAX && !self.holds(&key) {
            let quietest = self.entries.iter().min_by_key(|(_, entry)| entry.last);
            if let Some(quietest) = quietest.map(|(key, _)| *key) {
                self.entries.remove(&quietest);
            }
        }
        let entry = self.entries.entry(key).or_insert(Entry { wrong: 0, last: now });
        if now.saturating_duration_since(entry.last) >= MEMORY {
            entry.wrong = 0;
        }
        *entry = Entry { wrong: entry.wrong.saturating_add(wrong), last: now };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIES: u32 = 5;

    /// Tries, and a clock that only moves when told.
    struct Bench {
        attempts: Attempts,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self { attempts: Attempts::default(), now: Instant::now() }
        }

        fn name(&self, user: &str, address: &str) -> Try {
            self.attempts.name(user.as_bytes(), address.parse().unwrap())
        }

        fn wait(&self, user: &str, address: &str) -> u64 {
            self.attempts.wait(self.name(user, address), TRIES, self.now).as_secs()
        }

        fn wrong(&mut self, user: &str, address: &str) {
            self.attempts.wrong(self.name(user, address), self.now);
        }

        fn right(&mut self, user: &str, address: &str) {
            self.attempts.right(self.name(user, address), self.now);
        }

        /// Waits as told and is wrong again, `times` times; answers the waits.
        fn wrong_again(&mut self, times: usize, user: &str, address: &str) -> Vec<u64> {
            let once = |_| {
                self.now += Duration::from_secs(self.wait(user, address));
                self.wrong(user, address);
                self.wait(user, address)
            };
            (0..times).map(once).collect()
        }
    }

    #[test]
    fn waits_begin_with_the_fifth_wrong_try_and_double() {
        let mut bench = Bench::new();
        let waits = bench.wrong_again(16, "admin", "192.0.2.1");
        assert_eq!(waits[..10], [0, 0, 0, 0, 1, 2, 4, 8, 16, 32]);
        assert_eq!(waits[12..], [256, 512, 900, 900]);
        bench.now += MEMORY;
        assert_eq!(bench.wrong_again(5, "admin", "192.0.2.1"), [0, 0, 0, 0, 1]);
    }

    #[test]
    fn address_waits_for_all_users_and_a_user_at_all_addresses_but_not_long() {
        let mut bench = Bench::new();
        bench.wrong_again(16, "admin", "192.0.2.1");
        assert_eq!(bench.wait("viewer", "192.0.2.1"), 900);
        assert_eq!(bench.wait("admin", "198.51.100.7"), 60);
        assert_eq!(bench.wait("viewer", "198.51.100.7"), 0, "tries of others are nothing to it");
    }

    #[test]
    fn user_is_not_kept_out_of_where_it_was_right_before() {
        let mut bench = Bench::new();
        bench.right("admin", "198.51.100.7");
        bench.wrong_again(16, "admin", "192.0.2.1");
        bench.wrong_again(16, "viewer", "198.51.100.7");
        assert_eq!(bench.wait("admin", "198.51.100.7"), 0);
        assert_eq!(bench.wrong_again(6, "admin", "198.51.100.7"), [0, 0, 0, 0, 1, 2]);
        bench.right("admin", "198.51.100.7");
        assert_eq!(bench.wait("admin", "198.51.100.7"), 2, "a right one buys no tries");
    }

    #[test]
    fn addresses_of_one_client_count_as_one() {
        let mut bench = Bench::new();
        for user in ["a", "b", "c", "d", "e"] {
            bench.wrong(user, &format!("2001:db8:1:2::{user}"));
        }
        assert_eq!(bench.wait("f", "2001:db8:1:2:ffff::1"), 1);
        assert_eq!(bench.wait("f", "2001:db8:1:3::1"), 0);
        for user in ["a", "b", "c", "d", "e"] {
            bench.wrong(user, "::ffff:192.0.2.1");
        }
        assert_eq!(bench.wait("f", "192.0.2.1"), 1);
    }

    #[test]
    fn flood_of_names_and_addresses_costs_bounded_memory() {
        let mut bench = Bench::new();
        let clock = bench.now;
        for index in 0..ENTRIES_MAX as u32 + 100 {
            bench.now = clock + Duration::from_millis(u64::from(index));
            let address = std::net::Ipv4Addr::from(index).to_string();
            bench.wrong(&address, &address);
            bench.right(&address, &address);
        }
        let Attempts { users, addresses, pairs, .. } = &bench.attempts;
        let sizes = [users.entries.len(), addresses.entries.len(), pairs.entries.len()];
        assert_eq!(sizes, [ENTRIES_MAX; 3]);
        assert!(!pairs.holds(&bench.name("0.0.0.0", "0.0.0.0")), "the quietest have gone");
    }
}
