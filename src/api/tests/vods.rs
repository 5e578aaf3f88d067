//! `/vods`: collections of files, and what is in their folders.

use super::*;

impl Bench {
    /// Puts the collections of the settings in force, as the node does.
    fn set_vods(&self) {
        let spec = |vod: &crate::settings::model::Vod| VodSpec {
            prefix: vod.prefix.parse().unwrap(),
            storages: vod.storages.iter().map(|one| self.folder.path().join(&one.url)).collect(),
            segment_duration: vod.segment_duration,
        };
        let settings = Arc::clone(&self.state.keeper.current().settings);
        self.state.vods.set(settings.vods.iter().map(spec).collect());
    }
}

#[actix_web::test]
async fn vod_is_written_shown_and_removed() {
    let bench = Bench::new(FILE);
    let patch = json!({"storages": [{"url": "films"}]});
    let (status, vod) = bench.put("/vods/movies", patch.clone()).await;
    let expected = json!({
        "prefix": "movies", "storages": [{"url": "films"}], "segment_duration": 4,
        "stats": {"online_clients": null},
    });
    assert_eq!((status, vod), (200, expected));
    assert!(bench.text().contains("vod movies {"), "{}", bench.text());
    let (_, list) = bench.get("/vods?select=prefix").await;
    assert_eq!(list["vods"], json!([{"prefix": "movies"}]));
    bench.set_vods();
    assert_eq!(bench.get("/vods/movies").await.1["stats"]["online_clients"], 0);
    let gone = bench.ask(request(Method::DELETE, "/vods/movies")).await;
    assert_eq!((gone.0, bench.text()), (204, FILE.to_owned()));
    assert_eq!(code(&bench.get("/vods/movies").await), (404, "vod_not_found"));
}

#[actix_web::test]
async fn vod_is_held_to_the_rules_of_names_and_storages() {
    let bench = Bench::new(FILE);
    let put = async |name: &str, patch: Value| {
        let (status, answer) = bench.put(&format!("/vods/{name}"), patch).await;
        (status, answer["errors"][0]["source"]["pointer"].as_str().map(str::to_owned))
    };
    let etc = json!({"storages": [{"url": "films"}, {"url": "/etc"}]});
    assert_eq!(put("movies", etc).await, (403, Some("/storages/1/url".to_owned())));
    let films = json!({"storages": [{"url": "films"}]});
    assert_eq!(put("cam1", films.clone()).await.0, 400, "the name of a stream");
    assert_eq!(put("a%2F..%2Fb", films).await.0, 400);
    assert_eq!(put("movies", json!({"storages": []})).await.0, 400);
    assert_eq!(bench.text(), FILE);
}

#[actix_web::test]
async fn folder_is_listed_as_all_lists_are() {
    let bench = Bench::new(&format!("{FILE}vod movies {{ storage films; }}\n"));
    let films = bench.folder.path().join("films");
    std::fs::create_dir_all(films.join("sub")).unwrap();
    for (name, text) in [("b.mp4", "12345"), ("a.mp4", "1"), ("sub/c.mp4", ""), ("x.txt", "")] {
        std::fs::write(films.join(name), text).unwrap();
    }
    bench.set_vods();
    let (_, list) = bench.get("/vods/movies/files?sort=-bytes&select=name,kind,bytes,stream").await;
    let expected = json!([
        {"name": "b.mp4", "kind": "file", "bytes": 5, "stream": "movies/b.mp4"},
        {"name": "a.mp4", "kind": "file", "bytes": 1, "stream": "movies/a.mp4"},
        {"name": "sub", "kind": "directory", "bytes": null, "stream": null},
    ]);
    assert_eq!((&list["files"], &list["estimated_count"]), (&expected, &json!(3)));
    let (_, first) = bench.get("/vods/movies/files?limit=1&kind=file").await;
    assert_eq!(first["files"][0]["name"], "a.mp4");
    let next = first["next"].as_str().unwrap();
    let (_, rest) = bench.get(&format!("/vods/movies/files?kind=file&cursor={next}")).await;
    assert_eq!(rest["files"][0]["name"], "b.mp4");
    let (_, inner) = bench.get("/vods/movies/files?path=sub&select=stream").await;
    assert_eq!(inner["files"], json!([{"stream": "movies/sub/c.mp4"}]));

    for path in ["..", "none", "/etc", "sub/..", "a.mp4"] {
        let found = bench.get(&format!("/vods/movies/files?path={path}")).await;
        assert_eq!(code(&found), (404, "folder_not_found"), "{path}");
    }
    assert_eq!(code(&bench.get("/vods/other/files").await), (404, "vod_not_found"));
    assert_eq!(code(&bench.get("/vods/movies/files?size=1").await), (400, "unknown_field"));
    std::fs::write(films.join("one-too-many.mp4"), "").unwrap();
    assert_eq!(code(&bench.get("/vods/movies/files").await), (400, "folder_too_large"));
}
