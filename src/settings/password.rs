//! Passwords of users that are kept as hashes: `$argon2id$…` in place of the password.
//!
//! A hash says itself what checking it costs, so one from a hostile or mistyped file could ask for
//! all memory. What it may ask for is bounded here, before anything is computed.
//!
//! Source: RFC 9106 (Argon2id); the PHC string format, as `watershed hash-password` writes it.

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use thiserror::Error;

/// What every hash of the family begins with, this one and those that are refused.
const PREFIX: &str = "$argon2";
/// Most memory for one check, in KiB: twice what RFC 9106 §4 wants where memory is short.
const MEMORY_KIB_MAX: u32 = 128 << 10;
/// Most passes over it.
const PASSES_MAX: u32 = 10;
/// Most memory times passes, in KiB: about a third of a second.
const WORK_KIB_MAX: u32 = 256 << 10;
/// Most lanes. They are filled one after another here, so more cost nothing.
const LANES_MAX: u32 = 16;

/// The Argon2id hash of a password, checked to be one that this node can afford.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordHash(phc::PasswordHash);

/// Why a hash cannot be used. The text repeats nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UnusableHash {
    /// Cut off, or misspelt.
    #[error("the hash is cut off or misspelt")]
    Malformed,
    /// Another Argon2, or an older version.
    #[error("the hash is no Argon2id of version 19")]
    WrongAlgorithm,
    /// Checking it would cost too much.
    #[error(
        "the hash asks for {memory_kib} KiB, {passes} passes and {lanes} lanes; at most \
         {MEMORY_KIB_MAX}, {PASSES_MAX} and {LANES_MAX} are allowed, and {WORK_KIB_MAX} KiB in all"
    )]
    TooCostly {
        /// `m`
        memory_kib: u32,
        /// `t`
        passes: u32,
        /// `p`
        lanes: u32,
    },
}

/// Why a password was not hashed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the password cannot be hashed: {0}")]
pub struct NotHashed(#[from] argon2::password_hash::Error);

/// Whether a configured password is meant as a hash.
#[must_use]
pub fn is_hash(password: &str) -> bool {
    password.starts_with(PREFIX)
}

/// What to write into the config in place of `password`: 19 MiB, two passes, a salt of its own.
pub fn hash(password: &str) -> Result<String, NotHashed> {
    Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
}

impl PasswordHash {
    /// Reads a hash as configured.
    pub fn parse(text: &str) -> Result<Self, UnusableHash> {
        let hash = phc::PasswordHash::new(text).map_err(|_| UnusableHash::Malformed)?;
        let is_algorithm = hash.algorithm.as_str() == Algorithm::Argon2id.as_str();
        if !is_algorithm || hash.version != Some(Version::V0x13.into()) {
            return Err(UnusableHash::WrongAlgorithm);
        }
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err(UnusableHash::Malformed);
        }
        let params = Params::try_from(&hash).map_err(|_| UnusableHash::Malformed)?;
        let (memory_kib, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        let is_affordable = memory_kib <= MEMORY_KIB_MAX
            && passes <= PASSES_MAX
            && lanes <= LANES_MAX
            && memory_kib.saturating_mul(passes) <= WORK_KIB_MAX;
        if !is_affordable {
            return Err(UnusableHash::TooCostly { memory_kib, passes, lanes });
        }
        Ok(Self(hash))
    }

    /// Whether it was made from `password`. Takes long: never on a worker thread.
    #[must_use]
    pub fn matches(&self, password: &[u8]) -> bool {
        Argon2::default().verify_password(password, &self.0).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the reference implementation (its `test.c`): `password`, `somesalt`.
    const FOREIGN: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                           $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    #[test]
    fn own_hash_matches_its_password_only() {
        let text = hash("s3cret").unwrap();
        assert!(is_hash(&text), "{text}");
        let hash = PasswordHash::parse(&text).unwrap();
        assert!(hash.matches(b"s3cret"));
        assert!(!hash.matches(b"s3cret "));
        assert!(!hash.matches(text.as_bytes()), "a stolen hash is no password");
        assert_ne!(super::hash("s3cret").unwrap(), text, "each has its own salt");
    }

    #[test]
    fn hashes_of_other_programs_are_read() {
        assert!(PasswordHash::parse(FOREIGN).unwrap().matches(b"password"));
    }

    #[test]
    fn what_cannot_be_used_is_told_without_repeating_it() {
        let whole = hash("s3cret").unwrap();
        let with = |from: &str, to: &str| whole.replacen(from, to, 1);
        let costly =
            |memory_kib, passes, lanes| UnusableHash::TooCostly { memory_kib, passes, lanes };
        let cases = [
            (FOREIGN[..45].to_owned(), UnusableHash::Malformed),
            (FOREIGN[..60].to_owned(), UnusableHash::Malformed),
            ("$argon2id$".to_owned(), UnusableHash::Malformed),
            (with("argon2id", "argon2i"), UnusableHash::WrongAlgorithm),
            (with("v=19", "v=16"), UnusableHash::WrongAlgorithm),
            (with("$v=19", ""), UnusableHash::WrongAlgorithm),
            (with("m=19456", "m=4194304"), costly(4_194_304, 2, 1)),
            (with("m=19456,t=2", "m=131072,t=3"), costly(131_072, 3, 1)),
            (with("t=2", "t=4294967295"), costly(19_456, u32::MAX, 1)),
            (with("p=1", "p=1000"), costly(19_456, 2, 1000)),
        ];
        for (text, expected) in cases {
            let error = PasswordHash::parse(&text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains(&whole[whole.len() - 20..]), "{error}");
        }
        assert!(PasswordHash::parse(&with("m=19456,t=2", "m=131072,t=2")).is_ok());
    }
}
