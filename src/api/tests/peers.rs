//! Peers as items of the config file: changed, removed, guarded by their tags; and how they were
//! doing.

use super::*;

#[actix_web::test]
async fn put_changes_exactly_the_item_and_takes_effect() {
    let bench = Bench::new(FILE);
    let answer = bench.put("/cluster/peers/south", json!({"fetch_timeout": 500})).await;
    assert_eq!((answer.0, &answer.1["fetch_timeout"]), (200, &json!(500)));
    assert_eq!(answer.1["cluster_key"], "***");
    assert_eq!(answer.1["stale_timeout"], 10_000);
    assert_eq!(answer.1["stats"]["state"], "unknown");
    assert_eq!(bench.text(), FILE.replace("fetch_timeout 2000", "fetch_timeout 500"));
    assert_eq!(bench.applied.lock().unwrap().len(), 1);
    assert_eq!(bench.get("/cluster/peers/south").await.1["fetch_timeout"], 500);
}

#[actix_web::test]
async fn items_come_go_and_are_reset() {
    let bench = Bench::new(FILE);
    let east = json!({"api_url": "http://10.0.0.3:8081", "cpu_limit": 90});
    assert_eq!(bench.put("/cluster/peers/east%3A8083", east).await.0, 200);
    let (status, east) = bench.put("/cluster/peers/east:8083", json!({"cpu_limit": null})).await;
    assert_eq!((status, &east["cpu_limit"]), (200, &Value::Null));
    assert_eq!(east["api_url"], "http://10.0.0.3:8081");
    let (_, east) = bench.put("/cluster/peers/east:8083", json!({"$reset": true})).await;
    assert_eq!(east["api_url"], "http://east:8083");
    let list = bench.get("/cluster/peers?select=hostname").await.1;
    assert_eq!(list["peers"], json!([{"hostname": "east:8083"}, {"hostname": "south"}]));
    let delete = || request(Method::DELETE, "/cluster/peers/east:8083");
    assert_eq!(bench.ask(delete()).await, (204, Value::Null));
    assert_eq!(code(&bench.ask(delete()).await), (404, "peer_not_found"));
    assert_eq!(code(&bench.get("/cluster/peers/none").await), (404, "peer_not_found"));
}

#[actix_web::test]
async fn stale_tag_is_refused() {
    let bench = Bench::new(FILE);
    let answer = bench.send(request(Method::GET, "/cluster/peers/south")).await;
    let tag = answer.headers().get(header::ETAG).unwrap().clone();
    let put = |limit: u8| {
        request(Method::PUT, "/cluster/peers/south")
            .insert_header((header::IF_MATCH, tag.clone()))
            .set_payload(json!({"cpu_limit": limit}).to_string())
    };
    let first = bench.send(put(80)).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_ne!(first.headers().get(header::ETAG).unwrap(), tag);
    assert_eq!(code(&bench.ask(put(90)).await), (412, "item_changed"));
    assert_eq!(bench.get("/cluster/peers/south").await.1["cpu_limit"], 80);
}

#[actix_web::test]
async fn stale_tag_keeps_an_item_from_being_deleted() {
    let bench = Bench::new(FILE);
    let delete = |tag: &str| {
        request(Method::DELETE, "/cluster/peers/south").insert_header((header::IF_MATCH, tag))
    };
    assert_eq!(code(&bench.ask(delete("\"0123456789abcdef\"")).await), (412, "item_changed"));
    assert_eq!(bench.text(), FILE);
    let answer = bench.send(request(Method::GET, "/cluster/peers/south")).await;
    let tag = answer.headers().get(header::ETAG).unwrap().to_str().unwrap();
    assert_eq!(bench.ask(delete(tag)).await.0, 204);
    assert!(!bench.text().contains("peer south"));
}

#[actix_web::test]
async fn peers_and_this_node_have_a_history_and_others_have_none() {
    let bench = Bench::new(FILE);
    let empty = json!({"step_ms": 10_000, "samples": [], "changes": []});
    for hostname in ["south", "north"] {
        let answer = bench.get(&format!("/cluster/peers/{hostname}/history")).await;
        assert_eq!(answer, (200, empty.clone()), "{hostname}");
    }
    let unknown = bench.get("/cluster/peers/west/history").await;
    assert_eq!(code(&unknown), (404, "peer_not_found"));
    let write = request(Method::PUT, "/cluster/peers/south/history").set_payload("{}");
    assert_eq!(bench.ask(write).await.0, 405);
}
