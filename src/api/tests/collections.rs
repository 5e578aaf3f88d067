//! What is the same of all collections of the settings.

use super::*;

#[actix_web::test]
async fn what_is_not_supported_yet_is_empty_and_takes_nothing() {
    let bench = Bench::new(FILE);
    for (path, list, item, missing) in [
        ("/cluster/sources", "sources", "origin1:8081", "source_not_found"),
        ("/cluster/balancers", "balancers", "lb", "balancer_not_found"),
    ] {
        let (status, page) = bench.get(path).await;
        assert_eq!((status, &page[list]), (200, &json!([])), "{page}");
        let address = format!("{path}/{item}");
        assert_eq!(code(&bench.get(&address).await), (404, missing));
        let delete = bench.ask(request(Method::DELETE, &address)).await;
        assert_eq!(code(&delete), (404, missing));
        let (status, body) = bench.put(&address, json!({})).await;
        let error = &body["errors"][0];
        assert_eq!((status, &error["source"]["pointer"]), (400, &json!("")), "{body}");
        assert!(error["title"].as_str().unwrap().ends_with("is not supported yet"), "{body}");
    }
    assert_eq!(bench.text(), FILE);
}

#[actix_web::test]
async fn cursor_of_another_list_is_refused() {
    let file = format!("{FILE}stream cam2 {{ input publish://; }}\npeer east;\n");
    let bench = Bench::new(&file);
    let (_, streams) = bench.get("/streams?limit=1").await;
    let cursor = streams["next"].as_str().unwrap();
    assert_eq!(bench.get(&format!("/streams?limit=1&cursor={cursor}")).await.0, 200);
    for path in ["/cluster/peers", "/templates", "/sessions"] {
        let answer = bench.get(&format!("{path}?cursor={cursor}")).await;
        assert_eq!(code(&answer), (400, "invalid_cursor"), "{path}");
        assert_eq!(answer.1["errors"][0]["source"], json!({"parameter": "cursor"}));
    }
}

#[actix_web::test]
async fn known_field_of_a_wrong_type_is_refused_with_its_place() {
    let bench = Bench::new(FILE);
    for (path, body, pointer) in [
        ("/cluster/peers/south", json!({"fetch_timeout": "1000"}), "/fetch_timeout"),
        ("/cluster/peers/south", json!({"cpu_limit": 90.5}), "/cpu_limit"),
        ("/streams/cam1", json!({"static": "on"}), "/static"),
        ("/streams/cam1", json!({"inputs": {"url": "publish://"}}), "/inputs"),
        ("/streams/cam1", json!({"inputs": ["publish://"]}), "/inputs/0"),
        ("/streams/cam1", json!({"inputs": [{"url": 1}]}), "/inputs/0/url"),
        ("/streams/cam1", json!({"$reset": 1}), "/$reset"),
        ("/templates/studio", json!({"prefix": ["a"]}), "/prefix"),
        (
            "/config",
            json!({"peers": [{"hostname": "south", "$delete": true, "cpu_limit": "x"}]}),
            "/peers/0/cpu_limit",
        ),
        ("/config", json!({"limits": {"connections": "many"}}), "/limits/connections"),
        ("/config", json!({"edit_auth": {"login": "a"}}), "/edit_auth"),
        ("/config", json!({"listeners": {"http": [{"port": 65_536}]}}), "/listeners/http/0/port"),
    ] {
        let answer = bench.put(path, body).await;
        assert_eq!(code(&answer), (400, "wrong_type"), "{path} {}", answer.1);
        assert_eq!(answer.1["errors"][0]["source"]["pointer"], pointer, "{path}");
    }
    assert_eq!(bench.text(), FILE);
}

#[actix_web::test]
async fn body_of_two_mebibytes_is_too_large() {
    let bench = Bench::new(FILE);
    let title = "x".repeat(2 << 20);
    for path in ["/streams/cam1", "/cluster/peers/south", "/templates/studio"] {
        let answer = bench.put(path, json!({"title": title})).await;
        assert_eq!(code(&answer), (413, "body_too_large"), "{path}");
    }
    assert_eq!(bench.text(), FILE);
}
