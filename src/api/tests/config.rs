//! `/config`: the whole configuration as JSON and as text.

use super::*;

const SECRETS: [&str; 3] = ["fedcba9876543210", "s3cret", "0123456789abcdef"];

fn text_request(method: Method, text: &str) -> TestRequest {
    request(method, "/config")
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .set_payload(text.to_owned())
}

/// The text as the API shows it.
async fn shown_text(bench: &Bench) -> String {
    let accept = (header::ACCEPT, "text/plain, */*;q=0.1");
    let answer = bench.send(request(Method::GET, "/config").insert_header(accept)).await;
    let content_type = answer.headers().get(header::CONTENT_TYPE).unwrap();
    assert_eq!(content_type, "text/plain; charset=utf-8");
    String::from_utf8(to_bytes(answer.into_body()).await.unwrap().to_vec()).unwrap()
}

#[actix_web::test]
async fn config_is_shown_in_both_forms_without_secrets() {
    let bench = Bench::new(FILE);
    let text = shown_text(&bench).await;
    let expected = SECRETS.iter().fold(FILE.to_owned(), |text, one| text.replace(one, "***"));
    assert_eq!(text, expected);
    let (_, own) = bench.get("/config").await;
    assert_eq!((&own["hostname"], own.get("segment_count")), (&json!("north"), None));
    assert_eq!(
        own["peers"],
        json!([
            {"hostname": "south", "fetch_timeout": 2000, "cluster_key": "***"},
        ])
    );
    let (_, full) = bench.get("/config?full=true").await;
    assert_eq!(
        (&full["peers"][0]["stale_timeout"], &full["drain_timeout"]),
        (&json!(10_000), &json!(10))
    );
    for secret in SECRETS {
        assert!(!format!("{text}{own}{full}").contains(secret), "{secret}");
    }
    let wrong = bench.get("/config?full=maybe").await;
    assert_eq!(
        (code(&wrong), &wrong.1["errors"][0]["source"]["parameter"]),
        ((400, "invalid_full"), &json!("full"))
    );
}

#[actix_web::test]
async fn text_is_written_back_with_its_secrets_and_applied() {
    let bench = Bench::new(FILE);
    let edited = shown_text(&bench).await.replace("2000", "500").replace("# ours", "# yours");
    let answer = bench.send(text_request(Method::PUT, &edited)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(bench.text(), FILE.replace("2000", "500").replace("# ours", "# yours"));
    assert_eq!(bench.applied.lock().unwrap().len(), 1);
    assert_eq!(bench.get("/cluster/peers/south").await.1["fetch_timeout"], 500);
}

#[actix_web::test]
async fn json_changes_what_it_names() {
    let bench = Bench::new(FILE);
    let patch = json!({
        "peers": [{"hostname": "south", "fetch_timeout": null}, {"hostname": "east"}],
        "cluster_key": "***",
    });
    let (status, own) = bench.put("/config", patch).await;
    assert_eq!((status, own["peers"].as_array().map(Vec::len)), (200, Some(2)), "{own}");
    assert_eq!(bench.text(), format!("{}peer east;\n", FILE.replace(" fetch_timeout 2000;", "")));
    let wrong =
        bench.put("/config", json!({"peers": [{"hostname": "south", "cpu_limit": "x"}]})).await;
    assert_eq!(wrong.1["errors"][0]["source"]["pointer"], "/peers/0/cpu_limit");
    let forbidden = json!({"streams": [{"name": "x", "inputs": [{"url": "rtsp://127.0.0.1/1"}]}]});
    let forbidden = bench.put("/config", forbidden).await;
    assert_eq!(code(&forbidden), (403, "address_not_allowed"));
    assert_eq!(forbidden.1["errors"][0]["line"], 7);
}

#[actix_web::test]
async fn rejected_text_names_its_places_and_changes_nothing() {
    let bench = Bench::new(FILE);
    let broken = shown_text(&bench).await.replace("fetch_timeout", "fetch_timout");
    for method in [Method::PUT, Method::POST] {
        let (status, body) = bench.ask(text_request(method, &broken)).await;
        let error = &body["errors"][0];
        assert_eq!((status, &error["code"]), (400, &json!("invalid_config")), "{body}");
        assert_eq!((&error["line"], &error["col"]), (&json!(4), &json!(14)), "{body}");
        assert_eq!(error["detail"], "did you mean `fetch_timeout`?");
        assert!(error["path"].as_str().unwrap().ends_with("a.conf"));
    }
    let unknown = text_request(Method::PUT, &format!("{FILE}view_auth viewer ***;\n"));
    let (status, body) = bench.ask(unknown).await;
    assert_eq!((status, &body["errors"][0]["line"]), (400, &json!(6)), "{body}");
    let no_text = text_request(Method::PUT, "").set_payload(&b"http 1; # \xff"[..]);
    assert_eq!(code(&bench.ask(no_text).await), (400, "invalid_text"));
    assert_eq!(bench.text(), FILE);
    assert!(bench.applied.lock().unwrap().is_empty());
}

#[actix_web::test]
async fn check_answers_warnings_and_changes_nothing() {
    let bench = Bench::new(FILE);
    let short = FILE.replace("0123456789abcdef", "abcd").replace("2000", "500");
    let (status, body) = bench.ask(text_request(Method::POST, &short)).await;
    assert_eq!((status, &body["warnings"][0]["line"]), (200, &json!(3)), "{body}");
    let moved = FILE.replacen("http ", "http 1", 1);
    let (status, body) = bench.ask(text_request(Method::POST, &moved)).await;
    let waits = &body["warnings"][0];
    assert_eq!((status, &waits["title"]), (200, &json!("the change of `http` waits")), "{body}");
    let ask = request(Method::POST, "/config").set_payload("{\"peers\":null}");
    assert_eq!(bench.ask(ask).await, (200, json!({"warnings": []})));
    assert_eq!(bench.text(), FILE);
    assert!(bench.applied.lock().unwrap().is_empty());
}

#[actix_web::test]
async fn config_that_was_changed_meanwhile_is_not_overwritten() {
    let bench = Bench::new(FILE);
    let answer = bench.send(request(Method::GET, "/config")).await;
    let tag = answer.headers().get(header::ETAG).unwrap().clone();
    let put =
        |text: &str| text_request(Method::PUT, text).insert_header((header::IF_MATCH, tag.clone()));
    assert_eq!(bench.put("/cluster/peers/south", json!({"cpu_limit": 90})).await.0, 200);
    assert_eq!(code(&bench.ask(put("htpp 1;")).await), (412, "item_changed"));
    assert_eq!(code(&bench.ask(put("http 1;")).await), (412, "item_changed"));
    assert!(bench.text().contains("cpu_limit 90"));
    let absent = text_request(Method::PUT, FILE).insert_header((header::IF_NONE_MATCH, "*"));
    assert_eq!(code(&bench.ask(absent).await), (412, "item_changed"));
}

#[actix_web::test]
async fn config_has_a_limit_of_its_own() {
    let bench = Bench::new(FILE);
    let long = format!("{FILE}#{}\n", "x".repeat(2 << 20));
    assert_eq!(bench.ask(text_request(Method::PUT, &long)).await.0, 200);
    assert_eq!(bench.text(), long);
    let too_long = format!("{FILE}#{}\n", "x".repeat(8 << 20));
    let refused = bench.ask(text_request(Method::PUT, &too_long)).await;
    assert_eq!(code(&refused), (413, "body_too_large"));
    assert_eq!(bench.state.limit_hits.counts().get("http_config_size"), Some(&1));
    assert_eq!(bench.text(), long);
}
