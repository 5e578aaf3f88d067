//! `/session`: a browser signs in and out, and asks who it is.
//!
//! ```text
//! POST {"user":"admin","password":"…"} ─▶ 200 with a cookie that scripts cannot read
//! GET                                  ─▶ {"user":"admin","may_write":true,"csrf_token":"…"}
//! DELETE                               ─▶ 204; the cookie is worth nothing from then on
//! ```
//! POST answers like GET. The token goes into `X-CSRF-Token` of each write by cookie; it is null
//! for those who need none, and so is the user where no password is set.

use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::ApiState;
use super::address::{Address, DELETE, POST, READ};
use super::auth::{self, Admitted, Role, Shown};
use super::body::{self, BodyLimits};
use super::error::ApiError;
use super::openapi::{About, JSON, Schema};
use crate::http_front::client_of;

/// A name and a password are short.
const BODY_BYTES_MAX: usize = 8 << 10;

/// Its address.
pub(super) fn address() -> Address {
    let string = || json!({"type": "string"});
    let signed_in = || {
        Schema::named(
            "SignedIn",
            json!({
                "type": "object",
                "properties": {
                    "user": {"type": ["string", "null"], "description": "null: no password is set"},
                    "may_write": {"type": "boolean"},
                    "csrf_token": {
                        "type": ["string", "null"],
                        "description": "for `X-CSRF-Token`; null where none is needed",
                    },
                },
                "required": ["user", "may_write", "csrf_token"],
            }),
        )
    };
    let password = move || {
        Schema::of(json!({
            "type": "object",
            "properties": {"user": string(), "password": string()},
            "required": ["user", "password"],
        }))
    };
    let shown = move || About::new("Says who asks").json(200, "who", signed_in());
    let enters = move || {
        About::open("Signs a browser in")
            .takes([(JSON, password())])
            .json(200, "with a cookie that scripts cannot read", signed_in())
            .with("Set-Cookie", "for this node alone")
            .refuses(&[401, 403, 409, 429, 500, 503])
    };
    let leaves = || About::new("Signs a browser out").empty(204, "its cookie is worth nothing now");
    Address::open("/session")
        .on(READ, web::to(show).wrap(from_fn(auth::guard)), shown)
        .on(POST, web::to(post).wrap(from_fn(auth::guard_sign_in)), enters)
        .on(DELETE, web::to(delete).wrap(from_fn(auth::guard_sign_out)), leaves)
}

/// Says who asks.
async fn show(state: web::Data<ApiState>, admitted: web::ReqData<Admitted>) -> HttpResponse {
    HttpResponse::Ok().json(shown(&state, &admitted))
}

/// Signs in.
async fn post(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let limits = BodyLimits { bytes_max: BODY_BYTES_MAX, ..state.body_limits() };
    let body = body::read_object(&request, payload, limits).await?;
    let shown_password = Shown::new(text(&body, "user")?, text(&body, "password")?);
    let client = client_of(&request).ip;
    let user = auth::user_by_password(&state, shown_password, client).await?;
    log::info!("sign-in: {} from {}", user.login, client.map_or("?".into(), |ip| ip.to_string()));
    let (signed_in, cookie) = auth::sign_in(&state, &request, user)?;
    let answer = shown(&state, &Admitted::Cookie(signed_in));
    Ok(HttpResponse::Ok().insert_header((header::SET_COOKIE, cookie)).json(answer))
}

/// Signs out.
async fn delete(
    state: web::Data<ApiState>,
    request: HttpRequest,
    admitted: web::ReqData<Admitted>,
) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    if let Admitted::Cookie(signed_in) = &*admitted {
        let cookie = auth::sign_out(&state, &request, signed_in);
        response.insert_header((header::SET_COOKIE, cookie));
    }
    response.finish()
}

fn text<'a>(body: &'a Value, field: &'static str) -> Result<&'a str, ApiError> {
    let wrong = || ApiError::bad_field("wrong_type", "expected a string", format!("/{field}"));
    body.get(field).and_then(Value::as_str).ok_or_else(wrong)
}

fn shown(state: &ApiState, admitted: &Admitted) -> Value {
    let user = admitted.user();
    let token = match admitted {
        Admitted::Cookie(signed_in) => Some(state.gate.token(signed_in)),
        Admitted::Local | Admitted::Password(_) => None,
    };
    json!({
        "user": user.map(|user| &user.login),
        "may_write": user.is_none_or(|user| user.role == Role::Edit),
        "csrf_token": token,
    })
}
