//! Signing in and out, and what wrong passwords cost.

use super::*;
use crate::settings::password;

const USERS: &str = "edit_auth admin secret;\nview_auth viewer look;\n";
const BROWSER: &str = "198.51.100.7";

/// What a browser keeps of a sign-in.
struct SignedIn {
    cookie: String,
    token: String,
}

impl Bench {
    fn with_users(users: &str) -> Self {
        Self::new(&format!("{FILE}{users}"))
    }

    /// Signs in from `address`; on success with what came of it.
    async fn sign_in(&self, user: &str, password: &str, address: &str) -> Result<SignedIn, u16> {
        let body = json!({"user": user, "password": password}).to_string();
        let request = from(address, Method::POST, "/session").set_payload(body);
        let answer = self.send(request).await;
        if answer.status() != StatusCode::OK {
            return Err(answer.status().as_u16());
        }
        let cookie = answer.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap();
        for part in ["HttpOnly", "SameSite=Strict", &format!("watershed-{}=", node())] {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let body: Value =
            serde_json::from_slice(&to_bytes(answer.into_body()).await.unwrap()).unwrap();
        assert_eq!(body["user"], user);
        assert!(!body.to_string().contains(cookie.split('=').nth(1).unwrap()), "scripts see none");
        Ok(SignedIn { cookie, token: body["csrf_token"].as_str().unwrap().to_owned() })
    }

    async fn basic(&self, credentials: &str, address: &str) -> (u16, Value) {
        let basic = format!("Basic {}", STANDARD.encode(credentials));
        let request = from(address, Method::GET, "/streams");
        self.ask(request.insert_header((header::AUTHORIZATION, basic))).await
    }

    fn hits(&self, limit: &str) -> u64 {
        self.state.limit_hits.counts().get(limit).copied().unwrap_or(0)
    }
}

impl SignedIn {
    fn reads(&self, path: &str) -> TestRequest {
        from(BROWSER, Method::GET, path).insert_header((header::COOKIE, self.cookie.clone()))
    }

    fn writes(&self, method: Method, path: &str) -> TestRequest {
        from(BROWSER, method, path)
            .insert_header((header::COOKIE, self.cookie.clone()))
            .insert_header(("X-CSRF-Token", self.token.clone()))
    }
}

fn from(address: &str, method: Method, path: &str) -> TestRequest {
    request(method, path).peer_addr(SocketAddr::new(address.parse().unwrap(), 40_000))
}

#[actix_web::test]
async fn cookie_reads_and_writes_with_its_token_until_it_is_signed_out() {
    let bench = Bench::with_users(USERS);
    let one = bench.sign_in("admin", "secret", BROWSER).await.unwrap();
    let told = bench.ask(one.reads("/session")).await.1;
    assert_eq!(told, json!({"user": "admin", "may_write": true, "csrf_token": one.token}));
    let without = from(BROWSER, Method::DELETE, "/streams/cam1")
        .insert_header((header::COOKIE, one.cookie.clone()));
    assert_eq!(code(&bench.ask(without).await), (403, "token_needed"));
    let wrong = SignedIn { token: "0".repeat(64), cookie: one.cookie.clone() };
    let wrong = wrong.writes(Method::DELETE, "/streams/cam1");
    assert_eq!(code(&bench.ask(wrong).await), (403, "token_needed"));
    let crossed = one.writes(Method::DELETE, "/streams/cam1");
    let crossed = crossed.insert_header((header::ORIGIN, "http://127.0.0.1:9999"));
    assert_eq!(code(&bench.ask(crossed).await), (403, "cross_origin_write"));
    assert_eq!(bench.ask(one.writes(Method::DELETE, "/streams/cam1")).await.0, 204);

    let answer = bench.send(one.writes(Method::DELETE, "/session")).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let cleared = answer.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap();
    assert!(cleared.contains("=; Max-Age=0;"), "{cleared}");
    assert_eq!(code(&bench.ask(one.reads("/session")).await), (401, "credentials_needed"));
    assert_eq!(code(&bench.ask(one.writes(Method::DELETE, "/session")).await).0, 401);
}

#[actix_web::test]
async fn browser_that_was_idle_for_too_long_is_signed_out_and_counted() {
    let bench = Bench::with_users(&format!("{USERS}limits {{ sign_in_idle 1; }}\n"));
    let one = bench.sign_in("viewer", "look", BROWSER).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..2 {
        assert_eq!(bench.ask(one.reads("/session")).await.0, 401);
    }
    assert_eq!((bench.hits("sign_in_idle"), bench.hits("sign_in_lifetime")), (1, 0));
}

#[actix_web::test]
async fn signing_in_again_ends_what_was_before_and_https_has_a_cookie_of_its_own() {
    let bench = Bench::with_users(USERS);
    let one = bench.sign_in("viewer", "look", BROWSER).await.unwrap();
    assert_eq!(bench.ask(one.reads("/session")).await.1["may_write"], false);
    let write = one.writes(Method::DELETE, "/streams/cam1");
    assert_eq!(code(&bench.ask(write).await), (403, "read_only_user"));
    let again = from(BROWSER, Method::POST, "/session")
        .insert_header((header::COOKIE, one.cookie.clone()))
        .insert_header((header::ORIGIN, "https://127.0.0.1:8081"))
        .set_payload(r#"{"user":"admin","password":"secret"}"#);
    let answer = bench.send(again).await;
    let cookie = answer.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap();
    assert!(cookie.starts_with("__Secure-watershed-") && cookie.ends_with("; Secure"), "{cookie}");
    assert_eq!(bench.ask(one.reads("/session")).await.0, 401);
}

#[actix_web::test]
async fn who_may_only_read_may_sign_out() {
    let bench = Bench::with_users(USERS);
    let one = bench.sign_in("viewer", "look", BROWSER).await.unwrap();
    let without = from(BROWSER, Method::DELETE, "/session")
        .insert_header((header::COOKIE, one.cookie.clone()));
    assert_eq!(code(&bench.ask(without).await), (403, "token_needed"));
    assert_eq!(bench.ask(one.writes(Method::DELETE, "/session")).await.0, 204);
    assert_eq!(bench.ask(one.reads("/streams")).await.0, 401);
}

#[actix_web::test]
async fn changed_password_ends_the_sign_ins_of_its_user_alone() {
    let bench = Bench::with_users(USERS);
    let admin = bench.sign_in("admin", "secret", BROWSER).await.unwrap();
    let viewer = bench.sign_in("viewer", "look", BROWSER).await.unwrap();
    let text = bench.text().replace("admin secret", "admin changed");
    std::fs::write(bench.path(), text).unwrap();
    bench.state.keeper.reload().await.unwrap();
    assert_eq!(bench.ask(admin.reads("/streams")).await.0, 401);
    assert_eq!(bench.ask(viewer.reads("/streams")).await.0, 200);
    assert_eq!(bench.basic("admin:secret", BROWSER).await.0, 401);
    assert_eq!(bench.basic("admin:changed", BROWSER).await.0, 200);
}

#[actix_web::test]
async fn sixth_try_has_to_wait_and_strangers_keep_nobody_else_out() {
    let bench = Bench::with_users(USERS);
    let signed_in = bench.sign_in("admin", "secret", BROWSER).await.unwrap();
    let stranger = "203.0.113.9";
    for index in 0..5 {
        let credentials = format!("admin:guess{index}");
        assert_eq!(code(&bench.basic(&credentials, stranger).await), (401, "wrong_credentials"));
    }
    assert_eq!(code(&bench.basic("admin:secret", stranger).await), (429, "too_many_tries"));
    assert_eq!(bench.sign_in("viewer", "look", stranger).await.err(), Some(429));
    assert_eq!(bench.hits("sign_in_tries"), 2);

    assert_eq!(bench.ask(signed_in.reads("/streams")).await.0, 200, "signed in is signed in");
    assert_eq!(bench.basic("admin:secret", BROWSER).await.0, 200, "right from there before");
    assert_eq!(bench.basic("viewer:look", "192.0.2.4").await.0, 200, "another user, elsewhere");
    assert_eq!(code(&bench.basic("admin:secret", "192.0.2.4").await).0, 429, "a minute at most");

    let basic = format!("Bearer {}", STANDARD.encode("viewer:look"));
    let waiting = from(stranger, Method::GET, "/streams");
    let answer = bench.send(waiting.insert_header((header::AUTHORIZATION, basic))).await;
    assert_eq!(answer.headers().get(header::RETRY_AFTER).unwrap(), "1");
}

#[actix_web::test]
async fn hash_in_place_of_the_password_lets_in_and_is_remembered_for_scripts() {
    let hash = password::hash("secret").unwrap();
    let bench = Bench::with_users(&format!("edit_auth admin {hash};\n"));
    assert_eq!(bench.basic("admin:secret", BROWSER).await.0, 200);
    assert_eq!(code(&bench.basic("admin:wrong", BROWSER).await), (401, "wrong_credentials"));
    assert_eq!(bench.basic(&format!("admin:{hash}"), BROWSER).await.0, 401, "it is no password");
    bench.state.gate.hash_no_more();
    assert!(bench.sign_in("admin", "secret", BROWSER).await.is_ok());
    assert_eq!(bench.basic("admin:secret", BROWSER).await.0, 200);
    assert_eq!(code(&bench.basic("admin:wrong", BROWSER).await), (503, "busy"));
    assert_eq!(bench.hits("password_checks"), 1);
}

#[actix_web::test]
async fn scripts_are_not_challenged_and_programs_are() {
    let bench = Bench::with_users(USERS);
    let challenged = async |request: TestRequest| {
        let answer = bench.send(request).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        answer.headers().contains_key(header::WWW_AUTHENTICATE)
    };
    let ask = || from(BROWSER, Method::GET, "/streams");
    assert!(challenged(ask()).await);
    assert!(challenged(ask().insert_header(("Sec-Fetch-Dest", "document"))).await);
    assert!(!challenged(ask().insert_header(("Sec-Fetch-Dest", "empty"))).await);
    assert!(!challenged(ask().insert_header(("X-Requested-With", "XMLHttpRequest"))).await);
    assert!(!challenged(ask().insert_header((header::ACCEPT, "text/event-stream"))).await);
    let wrong = from(BROWSER, Method::POST, "/session")
        .insert_header(("Sec-Fetch-Dest", "empty"))
        .set_payload(r#"{"user":"admin","password":"x"}"#);
    assert!(!challenged(wrong).await);
}

#[actix_web::test]
async fn bad_sign_ins_are_told_what_is_wrong() {
    let bench = Bench::with_users(USERS);
    let post = |body: &str| from(BROWSER, Method::POST, "/session").set_payload(body.to_owned());
    for (body, expected) in [
        ("{}".to_owned(), (400, "wrong_type")),
        (r#"{"user":1,"password":"x"}"#.to_owned(), (400, "wrong_type")),
        (r#"{"user":"a","password":null}"#.to_owned(), (400, "wrong_type")),
        ("[]".to_owned(), (400, "wrong_type")),
        ("{".to_owned(), (400, "invalid_json")),
        (format!(r#"{{"user":"{}"}}"#, "x".repeat(9000)), (413, "body_too_large")),
    ] {
        assert_eq!(code(&bench.ask(post(&body)).await), expected, "{body}");
    }
    let good = r#"{"user":"admin","password":"secret"}"#;
    let crossed = post(good).insert_header((header::ORIGIN, "https://evil.example"));
    assert_eq!(code(&bench.ask(crossed).await), (403, "cross_origin_write"));
    assert_eq!(code(&bench.ask(from(BROWSER, Method::PUT, "/session")).await).0, 405);

    let open = Bench::new(FILE);
    let local = request(Method::POST, "/session").set_payload(good);
    assert_eq!(code(&open.ask(local).await), (409, "auth_not_configured"));
    assert_eq!(code(&open.ask(post(good)).await), (403, "auth_not_configured"));
    let told = open.get("/session").await.1;
    assert_eq!(told, json!({"user": null, "may_write": true, "csrf_token": null}));
}
