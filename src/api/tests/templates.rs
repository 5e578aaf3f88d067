//! `/templates`: what is made for publishers of other names.

use super::*;

#[actix_web::test]
async fn template_is_written_shown_and_removed() {
    let bench = Bench::new(FILE);
    let patch = json!({"inputs": [{"url": "publish://"}], "password": "s3cret", "prefix": "stage"});
    let (status, studio) = bench.put("/templates/studio", patch).await;
    assert_eq!(
        (status, &studio["password"], &studio["prefix"]),
        (200, &json!("***"), &json!("stage"))
    );
    assert!(bench.text().contains("template studio {"), "{}", bench.text());
    let (_, list) = bench.get("/templates?select=name,prefix").await;
    assert_eq!(list["templates"], json!([{"name": "studio", "prefix": "stage"}]));
    assert_eq!(bench.applied.lock().unwrap().len(), 1);
    let gone = bench.ask(request(Method::DELETE, "/templates/studio")).await;
    assert_eq!((gone.0, bench.text()), (204, FILE.to_owned()));
    assert_eq!(code(&bench.get("/templates/studio").await), (404, "template_not_found"));
}

#[actix_web::test]
async fn template_is_held_to_the_rules_of_streams() {
    let bench = Bench::new(FILE);
    let stolen = json!({"inputs": [{"url": "file:///etc/passwd"}]});
    assert_eq!(code(&bench.put("/templates/studio", stolen).await), (403, "file_not_allowed"));
    let clash = bench.put("/templates/cam1", json!({"inputs": [{"url": "publish://"}]})).await;
    assert_eq!(clash.0, 400, "the name of a stream: {}", clash.1);
    assert_eq!(bench.put("/templates/a", json!({"prefix": "a/../b"})).await.0, 400);
    assert_eq!(bench.text(), FILE);
}
