//! The gate: remembers who is signed in, who has tried, and lets few passwords be hashed at once.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::web;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::access::{Access, Shown, User};
use super::attempts::Attempts;
use super::keyed::{self, Key};
use super::sign_ins::{SignInLimits, SignIns};
use super::verified::Verified;
use crate::api::ApiState;
use crate::api::error::ApiError;

/// Passwords hashed at once: each may take 128 MiB and a core for a third of a second.
const CHECKS_MAX: usize = 2;
/// Requests that wait for their password's turn.
const WAITING_MAX: usize = 64;

/// What is known of those who asked to be let in; one for all workers.
#[derive(Debug)]
pub struct Gate {
    key: Key,
    attempts: Mutex<Attempts>,
    verified: Mutex<Verified>,
    sign_ins: Mutex<SignIns>,
    checks: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// A password, and what it is held to.
struct Asked {
    access: Access,
    /// Wrong ones that cost no wait.
    tries: u32,
    shown: Shown,
    address: IpAddr,
}

/// Why a password was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denial {
    /// It is wrong.
    Wrong,
    /// It was not looked at: too many wrong ones before.
    Wait(Duration),
}

/// A browser that is signed in. It has no `Debug`: its cookie is a secret.
#[derive(Clone)]
pub(in crate::api) struct SignedIn {
    /// Who.
    pub(in crate::api) user: User,
    /// The cookie's value.
    cookie: String,
}

impl SignedIn {
    /// The cookie's value.
    pub(super) fn cookie(&self) -> &str {
        &self.cookie
    }
}

impl Gate {
    /// A gate that knows nobody.
    pub fn new() -> Result<Self, getrandom::Error> {
        Ok(Self {
            key: Key::new()?,
            attempts: Mutex::default(),
            verified: Mutex::default(),
            sign_ins: Mutex::default(),
            checks: Arc::new(Semaphore::new(CHECKS_MAX)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
        })
    }

    /// Who is signed in by one of these cookies.
    pub(super) fn signed_in(
        &self,
        state: &ApiState,
        access: &Access,
        cookies: &[&str],
    ) -> Option<SignedIn> {
        let (limits, now) = (SignInLimits::of(state), Instant::now());
        let mut sign_ins = locked(&self.sign_ins);
        cookies.iter().find_map(|cookie| {
            let hash = self.key.hash("cookie", cookie.as_bytes());
            match sign_ins.find(&hash, limits, now, |user| access.knows(user)) {
                Ok(user) => Some(SignedIn { user, cookie: (*cookie).to_owned() }),
                Err(ended_by) => {
                    if let Some(limit) = ended_by {
                        state.limit_hits.hit(limit);
                    }
                    None
                }
            }
        })
    }

    /// Signs a browser in.
    pub(super) fn sign_in(&self, state: &ApiState, user: User) -> Result<SignedIn, ApiError> {
        let cookie = keyed::cookie_value().map_err(|error| {
            log::error!("sign-in: the system gives no random bytes: {error}");
            ApiError::internal("the system gives no random bytes")
        })?;
        let hash = self.key.hash("cookie", cookie.as_bytes());
        let limits = SignInLimits::of(state);
        if locked(&self.sign_ins).open(hash, user.clone(), limits, Instant::now()) {
            state.limit_hits.hit("sign_ins");
        }
        Ok(SignedIn { user, cookie })
    }

    /// Signs a browser out.
    pub(super) fn sign_out(&self, cookie: &str) {
        locked(&self.sign_ins).close(&self.key.hash("cookie", cookie.as_bytes()));
    }

    /// What a browser that is signed in shows besides its cookie when it writes: pages of other
    /// sites can make it send the one, and not read the other.
    pub(in crate::api) fn token(&self, signed_in: &SignedIn) -> String {
        hex::encode(self.key.hash("token", signed_in.cookie.as_bytes()))
    }

    #[cfg(test)]
    pub(in crate::api) fn hash_no_more(&self) {
        self.checks.close();
    }

    /// Whose password that is: the one `known`, or it is compared now, which takes long where it
    /// is kept as a hash.
    fn decide(&self, asked: &Asked, known: Option<User>) -> Result<User, Denial> {
        let now = Instant::now();
        self.check_wait(asked, now)?;
        let is_new = known.is_none();
        let found = known.or_else(|| asked.access.user(&asked.shown));
        let mut attempts = locked(&self.attempts);
        let one = attempts.name(asked.shown.login(), asked.address);
        let Some(user) = found else {
            attempts.wrong(one, Instant::now());
            // Not the name: some type their password there.
            log::warn!("sign-in: wrong user or password from {}", asked.address);
            return Err(Denial::Wrong);
        };
        attempts.right(one, now);
        drop(attempts);
        if is_new && asked.access.is_slow() {
            let hash = self.key.hash("password", &asked.shown.digest());
            locked(&self.verified).insert(hash, user.clone(), now);
        }
        Ok(user)
    }

    fn check_wait(&self, asked: &Asked, now: Instant) -> Result<(), Denial> {
        let attempts = locked(&self.attempts);
        let one = attempts.name(asked.shown.login(), asked.address);
        match attempts.wait(one, asked.tries, now) {
            Duration::ZERO => Ok(()),
            wait => Err(Denial::Wait(wait)),
        }
    }

    fn remembered(&self, asked: &Asked) -> Option<User> {
        let hash = self.key.hash("password", &asked.shown.digest());
        let verified = locked(&self.verified);
        let user = verified.find(&hash, Instant::now())?;
        asked.access.knows(user).then(|| user.clone())
    }

    /// Waits for its turn to hash a password.
    async fn turn(&self, state: &ApiState) -> Result<OwnedSemaphorePermit, ApiError> {
        let busy = || {
            state.limit_hits.hit("password_checks");
            ApiError::unavailable("busy", "too many passwords are being checked")
        };
        let _place = self.waiting.try_acquire().map_err(|_| busy())?;
        Arc::clone(&self.checks).acquire_owned().await.map_err(|_| busy())
    }
}

/// Whose password that is. Hashes off the workers, and counts a wrong one even if the client has
/// gone before its answer.
pub(in crate::api) async fn user_by_password(
    state: &web::Data<ApiState>,
    shown: Shown,
    address: Option<IpAddr>,
) -> Result<User, ApiError> {
    let loaded = state.keeper.current();
    let asked = Asked {
        access: Access::of(&loaded.settings),
        tries: loaded.settings.limits.sign_in_tries,
        shown,
        address: address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
    };
    let gate = &state.gate;
    let known = gate.remembered(&asked);
    let decision = if known.is_some() || !asked.access.is_slow() {
        gate.decide(&asked, known)
    } else if let Err(denial) = gate.check_wait(&asked, Instant::now()) {
        Err(denial)
    } else {
        let turn = gate.turn(state).await?;
        let state = state.clone();
        let decide = move || {
            let _turn = turn;
            // While this one waited, the same password may have been found right, or others wrong.
            state.gate.decide(&asked, state.gate.remembered(&asked))
        };
        on_own_thread(decide).await?
    };
    decision.map_err(|denial| match denial {
        Denial::Wrong => ApiError::unauthorized("wrong_credentials", "wrong login or password"),
        Denial::Wait(wait) => {
            state.limit_hits.hit("sign_in_tries");
            ApiError::too_many_tries(wait)
        }
    })
}

/// Runs what takes much memory: each thread of a pool would keep it for itself afterwards.
async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let (done, result) = oneshot::channel();
    let thread = thread::Builder::new().name("password".to_owned()).spawn(move || {
        // The client may have gone.
        let _ = done.send(work());
    });
    let broke_off = || ApiError::internal("the check of the password broke off");
    thread.map_err(|_| broke_off())?;
    result.await.map_err(|_| broke_off())
}

impl SignInLimits {
    /// As configured.
    pub(super) fn of(state: &ApiState) -> Self {
        let loaded = state.keeper.current();
        let limits = &loaded.settings.limits;
        Self {
            count_max: limits.sign_ins,
            idle: limits.sign_in_idle,
            lifetime: limits.sign_in_lifetime,
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
