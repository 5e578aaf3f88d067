//! The users of `edit_auth` and `view_auth`, and whether a password is one of theirs.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::keyed::Digest;
use crate::api::error::ApiError;
use crate::settings::model::{Credentials, Settings};
use crate::settings::password::{PasswordHash, is_hash};

/// What the settings say about access.
#[derive(Default)]
pub(super) struct Access {
    edit: Option<Account>,
    view: Option<Account>,
}

/// A user as configured.
struct Account {
    login: String,
    /// Where the password is kept as a hash; one that cannot be used lets nobody in.
    hash: Option<Option<PasswordHash>>,
    mark: Digest,
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Role {
    /// All.
    Edit,
    /// Read.
    View,
}

/// A user who has shown the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) struct User {
    /// The name.
    pub(in crate::api) login: String,
    /// What it may do.
    pub(in crate::api) role: Role,
    /// Made of name and password as configured: another one, and this is no user any more.
    pub(in crate::api) mark: Digest,
}

/// A name and a password as a request shows them.
pub(in crate::api) struct Shown {
    login: Vec<u8>,
    password: Vec<u8>,
}

/// Base64 with or without its padding: programs send both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Access {
    /// Access as configured.
    pub(super) fn of(settings: &Settings) -> Self {
        let account = |user: &Option<Credentials>| user.as_ref().map(Account::of);
        Self { edit: account(&settings.edit_auth), view: account(&settings.view_auth) }
    }

    /// Whether any password is set.
    pub(super) const fn is_configured(&self) -> bool {
        self.edit.is_some() || self.view.is_some()
    }

    /// Whether [`Access::user`] takes long.
    pub(super) fn is_slow(&self) -> bool {
        [&self.edit, &self.view].into_iter().flatten().any(|account| account.hash.is_some())
    }

    /// Whose name and password these are.
    pub(super) fn user(&self, shown: &Shown) -> Option<User> {
        let is = |account: &Option<Account>| {
            account.as_ref().map_or(Choice::from(0), |account| account.is(shown))
        };
        // Both are compared always, so that the time taken does not tell which one was near.
        let (is_edit, is_view) = (is(&self.edit), is(&self.view));
        let (account, role) = match (bool::from(is_edit), bool::from(is_view)) {
            (true, _) => (self.edit.as_ref()?, Role::Edit),
            (false, true) => (self.view.as_ref()?, Role::View),
            (false, false) => return None,
        };
        Some(User { login: account.login.clone(), role, mark: account.mark })
    }

    /// Whether that is still a user, with the same password and role.
    pub(super) fn knows(&self, user: &User) -> bool {
        let account = match user.role {
            Role::Edit => &self.edit,
            Role::View => &self.view,
        };
        account.as_ref().is_some_and(|account| account.mark == user.mark)
    }
}

impl Account {
    fn of(user: &Credentials) -> Self {
        let password = user.password.reveal();
        let shown = Shown::new(&user.login, password);
        let hash = is_hash(password).then(|| PasswordHash::parse(password).ok());
        Self { login: user.login.clone(), hash, mark: shown.digest() }
    }

    fn is(&self, shown: &Shown) -> Choice {
        let Some(hash) = &self.hash else {
            return self.mark.ct_eq(&shown.digest());
        };
        let is_login = digest(&[self.login.as_bytes()]).ct_eq(&digest(&[&shown.login]));
        let is_password = hash.as_ref().is_some_and(|hash| hash.matches(&shown.password));
        is_login & Choice::from(u8::from(is_password))
    }
}

impl User {
    /// Lets the user read, and write who may.
    pub(super) fn check(&self, is_write: bool) -> Result<(), ApiError> {
        if is_write && self.role == Role::View {
            return Err(ApiError::forbidden(
                "read_only_user",
                "this login may not change anything",
            ));
        }
        Ok(())
    }
}

impl Shown {
    /// A name and a password.
    pub(in crate::api) fn new(login: &str, password: &str) -> Self {
        Self { login: login.as_bytes().to_vec(), password: password.as_bytes().to_vec() }
    }

    /// `user:pass` out of `Basic` (RFC 7617 §2) or `Bearer`, both in base64.
    pub(super) fn decode(authorization: &str) -> Option<Self> {
        let (scheme, token) = authorization.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") && !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let text = BASE64.decode(token.trim()).ok()?;
        let colon = text.iter().position(|byte| *byte == b':')?;
        let (login, password) = text.split_at(colon);
        Some(Self { login: login.to_vec(), password: password.get(1..)?.to_vec() })
    }

    /// The name, whatever it is.
    pub(super) fn login(&self) -> &[u8] {
        &self.login
    }

    /// Name and password as one, as a key to what was found out about them.
    pub(super) fn digest(&self) -> Digest {
        // A name as configured has no colon, so no two pairs look alike.
        digest(&[&self.login, b":", &self.password])
    }
}

fn digest(parts: &[&[u8]]) -> Digest {
    let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part));
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Secret;
    use crate::settings::password;

    fn account(login: &str, password: &str) -> Option<Account> {
        let password = Secret::new(password);
        Some(Account::of(&Credentials { login: login.to_owned(), password }))
    }

    fn role(access: &Access, scheme: &str, credentials: &str) -> Option<Role> {
        let authorization = format!("{scheme} {}", BASE64.encode(credentials));
        access.user(&Shown::decode(&authorization)?).map(|user| user.role)
    }

    #[test]
    fn logins_may_what_they_are_for() {
        let access = Access { edit: account("admin", "se:cret"), view: account("viewer", "look") };
        assert!(access.is_configured() && !access.is_slow());
        for (scheme, credentials, expected) in [
            ("Basic", "admin:se:cret", Some(Role::Edit)),
            ("bearer", "admin:se:cret", Some(Role::Edit)),
            ("Basic", "viewer:look", Some(Role::View)),
            ("Basic", "admin:wrong", None),
            ("Basic", "admin:look", None),
            ("Basic", "admin:", None),
            ("Basic", "admin", None),
            ("Digest", "admin:se:cret", None),
        ] {
            assert_eq!(role(&access, scheme, credentials), expected, "{scheme} {credentials}");
        }
        assert!(Shown::decode("Basic ä").is_none());
        assert!(Shown::decode("Basic dmlld2VyOmxvb2s").is_some(), "without its padding");
    }

    #[test]
    fn password_kept_as_a_hash_is_the_password_not_the_hash() {
        let hash = password::hash("se:cret").unwrap();
        let access = Access { edit: account("admin", &hash), view: account("viewer", "look") };
        assert!(access.is_slow());
        assert_eq!(role(&access, "Basic", "admin:se:cret"), Some(Role::Edit));
        assert_eq!(role(&access, "Basic", "viewer:look"), Some(Role::View));
        assert_eq!(role(&access, "Basic", "other:se:cret"), None);
        assert_eq!(role(&access, "Basic", "admin:wrong"), None);
        assert_eq!(role(&access, "Basic", &format!("admin:{hash}")), None);
        let broken = Access { edit: account("admin", "$argon2id$broken"), view: None };
        assert_eq!(role(&broken, "Basic", "admin:$argon2id$broken"), None);
    }

    #[test]
    fn user_is_known_until_its_password_or_role_changes() {
        let access = Access { edit: account("admin", "a"), view: account("viewer", "b") };
        let viewer = access.user(&Shown::new("viewer", "b")).unwrap();
        assert!(access.knows(&viewer));
        assert!(viewer.check(false).is_ok() && viewer.check(true).is_err());
        let other = |password| Access { edit: account("admin", "new"), view: password };
        assert!(other(account("viewer", "b")).knows(&viewer), "the other's change is not its own");
        assert!(!other(account("viewer", "c")).knows(&viewer));
        assert!(!other(None).knows(&viewer));
        assert!(!Access { edit: account("viewer", "b"), view: None }.knows(&viewer));
    }
}
