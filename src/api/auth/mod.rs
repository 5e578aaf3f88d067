//! Who may do what (SPEC sections 3 and 7).
//!
//! ```text
//!  request ─▶ write of another site's page? 403 (origin)
//!          ─▶ no password is set ▸ this machine alone (origin)
//!          ─▶ cookie (sign_ins), for a write with its token ──────────────┐
//!          ─▶ Basic, Bearer, or the body of POST /session                 ▼
//!               ▸ too many wrong ones before? 429 (attempts)           user ▸ may it write?
//!               ▸ right of late (verified) ─────────────────────────────▲
//!               ▸ compare (access), a hash off the worker ──────────────┘
//! ```
//! A browser's cookie is unguessable, so it is not among the tries: who is signed in stays so
//! whatever others do. What a flood of wrong passwords can do: keep a user from signing in where it
//! never was before (for up to a minute, again and again), or everybody behind its own address (for
//! up to a quarter of an hour; behind a proxy that is not in `trusted_proxies` that is everybody);
//! with hashes, keep two threads busy, so that other checks wait for seconds or are answered 503.
//! What it cannot do: guess faster than one address may (some twenty tries in the first hour, then
//! four an hour), or than a user may be tried at all unknown addresses together (one a minute);
//! touch those who are signed in, media or peers; make a user wait where it was right before, but
//! by tries at the same user from that same address; or grow memory.

mod access;
mod attempts;
mod cookie;
mod gate;
mod keyed;
mod origin;
mod sign_ins;
mod verified;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, ResponseError as _, web};
use subtle::ConstantTimeEq as _;

use super::ApiState;
use super::error::ApiError;
use super::request_id::RequestId;
use crate::http_front::client_of;
use access::Access;
use origin::Facts;
use sign_ins::SignInLimits;

pub(super) use access::{Role, Shown, User};
pub(super) use cookie::name as cookie_name;
pub use gate::Gate;
pub(super) use gate::{SignedIn, user_by_password};

/// Carries the token of a write by cookie.
pub(super) const TOKEN: &str = "x-csrf-token";
/// Headers by which a proxy says for whom it asks.
const FORWARDED: [HeaderName; 4] = [
    header::FORWARDED,
    header::X_FORWARDED_FOR,
    header::X_FORWARDED_HOST,
    header::X_FORWARDED_PROTO,
];
/// The same, of older proxies.
const FORWARDED_OLD: [&str; 3] = ["x-real-ip", "x-forwarded-server", "via"];

/// Who was let in; handlers find it among the request's extensions.
#[derive(Clone)]
pub(super) enum Admitted {
    /// This machine itself, as no password is set.
    Local,
    /// By name and password in the request.
    Password(User),
    /// By cookie.
    Cookie(SignedIn),
}

impl Admitted {
    /// Who that is, where users are told apart.
    pub(super) fn user(&self) -> Option<&User> {
        match self {
            Self::Local => None,
            Self::Password(user) => Some(user),
            Self::Cookie(signed_in) => Some(&signed_in.user),
        }
    }
}

/// Lets a request of the API in, or answers why not.
pub(super) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let is_write = !request.method().is_safe();
    let admitted = admit(&request).await.and_then(|admitted| {
        admitted.user().map_or(Ok(()), |user| user.check(is_write))?;
        Ok(Some(admitted))
    });
    answer(request, next, admitted).await
}

/// Lets anybody in who is known, to sign out.
pub(super) async fn guard_sign_out(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let admitted = admit(&request).await.map(Some);
    answer(request, next, admitted).await
}

/// Lets a request in that signs in: it shows its password in the body.
pub(super) async fn guard_sign_in(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let facts = facts(&request);
    let admitted = facts.check_same_origin().and_then(|()| {
        if access(state_of(&request)?).is_configured() {
            return Ok(None);
        }
        facts.check_is_local()?;
        let title = "no password is set: there is nothing to sign in to";
        Err(ApiError::conflict("auth_not_configured", title))
    });
    answer(request, next, admitted).await
}

/// Whether who was let in would be let in now: for an answer that goes on, which keeps a sign-in
/// from growing idle.
pub(super) fn is_still_admitted(state: &ApiState, admitted: &Admitted) -> bool {
    let access = access(state);
    match admitted {
        Admitted::Local => !access.is_configured(),
        Admitted::Password(user) => access.knows(user),
        Admitted::Cookie(signed_in) => {
            state.gate.signed_in(state, &access, &[signed_in.cookie()]).is_some()
        }
    }
}

/// Guards a page that holds no facts: open to all once passwords are set, because it asks for them
/// itself; else like the API.
///
/// Needs the API's state in the application: [`super::configure`] puts it there.
pub async fn guard_page(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let is_open = state_of(&request).is_ok_and(|state| access(state).is_configured());
    match facts(&request).check_is_local() {
        Err(refusal) if !is_open => Ok(request.into_response(refusal.error_response())),
        _ => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

async fn answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    admitted: Result<Option<Admitted>, ApiError>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let is_script = is_script(request.headers());
    let id = RequestId::of(&request);
    let mut response = match admitted {
        Ok(admitted) => {
            if let Some(admitted) = admitted {
                request.extensions_mut().insert(admitted);
            }
            next.call(request).await?.map_into_boxed_body()
        }
        Err(refusal) => request.into_response(refusal.error_response()),
    };
    id.mark(&mut response);
    let headers = response.headers_mut();
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_script {
        headers.remove(header::WWW_AUTHENTICATE);
    }
    Ok(response)
}

async fn admit(request: &ServiceRequest) -> Result<Admitted, ApiError> {
    let facts = facts(request);
    facts.check_same_origin()?;
    let state = state_of(request)?;
    let access = access(state);
    if !access.is_configured() {
        return facts.check_is_local().map(|()| Admitted::Local);
    }
    let cookies = cookie::values(request.headers(), state.identity.id);
    let signed_in = state.gate.signed_in(state, &access, &cookies);
    let is_signed_in = signed_in.is_some();
    if let Some(signed_in) = signed_in
        && (!facts.is_write || has_token(request.headers(), &state.gate.token(&signed_in)))
    {
        return Ok(Admitted::Cookie(signed_in));
    }
    let Some(shown) = text(request, header::AUTHORIZATION).and_then(Shown::decode) else {
        return Err(if is_signed_in {
            let title = "a write by cookie needs the token of GET /session as X-CSRF-Token";
            ApiError::forbidden("token_needed", title)
        } else {
            let title = "a login and a password are needed";
            ApiError::unauthorized("credentials_needed", title)
        });
    };
    let user = user_by_password(state, shown, client_of(request.request()).ip).await?;
    Ok(Admitted::Password(user))
}

/// Signs a browser in, and out where it was before; the second is its `Set-Cookie`.
pub(super) fn sign_in(
    state: &ApiState,
    request: &HttpRequest,
    user: User,
) -> Result<(SignedIn, String), ApiError> {
    let node = state.identity.id;
    for older in cookie::values(request.headers(), node) {
        state.gate.sign_out(older);
    }
    let signed_in = state.gate.sign_in(state, user)?;
    let lifetime = SignInLimits::of(state).lifetime;
    let cookie = cookie::set(node, is_https(request), signed_in.cookie(), lifetime);
    Ok((signed_in, cookie))
}

/// Signs a browser out; answers its `Set-Cookie`.
pub(super) fn sign_out(state: &ApiState, request: &HttpRequest, signed_in: &SignedIn) -> String {
    state.gate.sign_out(signed_in.cookie());
    cookie::clear(state.identity.id, is_https(request))
}

/// Whether the browser's own connection is over TLS: its page says so where a proxy takes it off.
fn is_https(request: &HttpRequest) -> bool {
    let origin = request.headers().get(header::ORIGIN);
    client_of(request).is_https
        || origin.is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

fn has_token(headers: &HeaderMap, token: &str) -> bool {
    headers.get(TOKEN).is_some_and(|shown| bool::from(shown.as_bytes().ct_eq(token.as_bytes())))
}

/// Whether a page's script asks, of which a browser must not open its own password window.
///
/// Source: Fetch Metadata Request Headers §2.1; browsers send them to https and loopback only, so
/// the UI says it once more, in the way that scripts have long had.
fn is_script(headers: &HeaderMap) -> bool {
    let is = |name: &str, wanted: &str| {
        headers.get(name).is_some_and(|value| value.as_bytes() == wanted.as_bytes())
    };
    is("sec-fetch-dest", "empty")
        || headers.contains_key("x-requested-with")
        || is("accept", "text/event-stream")
}

fn state_of(request: &ServiceRequest) -> Result<&web::Data<ApiState>, ApiError> {
    request.app_data().ok_or_else(|| ApiError::internal("the API has no state"))
}

fn access(state: &ApiState) -> Access {
    Access::of(&state.keeper.current().settings)
}

/// A header that is no text is none of ours, and must not look like a missing one.
fn text(request: &ServiceRequest, name: HeaderName) -> Option<&str> {
    request.headers().get(name).map(|value| value.to_str().unwrap_or("?"))
}

fn facts(request: &ServiceRequest) -> Facts<'_> {
    let headers = request.headers();
    let client = client_of(request.request());
    Facts {
        is_write: !request.method().is_safe(),
        is_secure: client.is_https,
        client: request.peer_addr().map(|address| address.ip()),
        host: text(request, header::HOST),
        origin: text(request, header::ORIGIN),
        fetch_site: text(request, HeaderName::from_static("sec-fetch-site")),
        is_forwarded: client.is_proxied
            || FORWARDED.iter().any(|name| headers.contains_key(name))
            || FORWARDED_OLD.iter().any(|name| headers.contains_key(*name)),
    }
}
