//! The older paths, as monitoring scripts read them.

use super::*;

fn older(method: Method, path: &str) -> TestRequest {
    request(method, "").uri(&format!("/flussonic/api{path}"))
}

async fn get(bench: &Bench, path: &str) -> (u16, Value) {
    bench.ask(older(Method::GET, path)).await
}

#[actix_web::test]
async fn older_paths_answer_in_their_shapes() {
    let bench = Bench::new(FILE);
    let running = LocalStream { clients: 2, ..LocalStream::in_state(StreamState::Running) };
    let news = LocalStreamChanged { name: "cam1".parse().unwrap(), stream: running };
    bench.directory.send(news).await.unwrap();
    sessions::play(&bench, 7, "cam1");
    sessions::play(&bench, 8, "cam2");

    let (status, server) = get(&bench, "/server").await;
    assert_eq!((status, server["now"].is_u64()), (200, true), "{server}");
    assert_eq!(server["version"], server["server_version"]);

    let (status, media) = get(&bench, "/media").await;
    let cam = &media[0]["value"];
    assert_eq!((status, media.as_array().map(Vec::len)), (200, Some(1)), "{media}");
    assert_eq!((&media[0]["entry"], &cam["name"]), (&json!("stream"), &json!("cam1")));
    assert_eq!(cam["urls"], json!([{"value": "publish://"}, {"value": "file://film.mp4"}]));
    assert_eq!(cam["stats"]["alive"], true);
    assert_eq!(cam["stats"]["client_count"], 2);

    let (_, all) = get(&bench, "/sessions").await;
    assert_eq!(
        (&all["event"], all["sessions"].as_array().map(Vec::len)),
        (&json!("user.list"), Some(2))
    );
    let (_, one) = get(&bench, "/sessions?name=cam2&user_id=").await;
    let session = &one["sessions"][0];
    assert_eq!(one["sessions"].as_array().map(Vec::len), Some(1), "{one}");
    assert_eq!((&session["type"], &session["bytes_sent"]), (&json!("hls"), &json!(1000)));
    assert_eq!(session["session_id"], session["id"]);
    assert!(session["duration"].is_u64() && session["created_at"] == session["opened_at"]);
    assert!(!all.to_string().contains("secret-token"));
}

#[actix_web::test]
async fn stream_health_is_200_or_424() {
    let bench = Bench::new(FILE);
    assert_eq!(get(&bench, "/stream_health/cam1").await, (424, json!(false)));
    assert_eq!(get(&bench, "/stream_health/none").await, (424, json!(false)));
    for name in ["cam1", "studio/a"] {
        let stream = LocalStream::in_state(StreamState::Running);
        let news = LocalStreamChanged { name: name.parse().unwrap(), stream };
        bench.directory.send(news).await.unwrap();
    }
    for path in ["/stream_health/cam1", "/stream_health/studio/a", "/stream_health/studio%2Fa"] {
        assert_eq!(get(&bench, path).await, (200, json!(true)), "{path}");
    }
    assert_eq!(get(&bench, "/stream_health/%ff").await, (424, json!(false)));
}

#[actix_web::test]
async fn reload_reads_the_file_anew_or_says_what_is_wrong() {
    let bench = Bench::new(FILE);
    std::fs::write(bench.path(), FILE.replace("south", "west")).unwrap();
    let reload = || older(Method::POST, "/reload");
    assert_eq!(bench.ask(reload()).await, (200, json!({"success": true})));
    assert_eq!(bench.get("/cluster/peers/west").await.0, 200);
    std::fs::write(bench.path(), "htpp 1;\n").unwrap();
    let (status, body) = bench.ask(reload()).await;
    assert_eq!((status, &body["errors"][0]["line"]), (400, &json!(1)), "{body}");
    assert_eq!(bench.get("/cluster/peers/west").await.0, 200);
    assert_eq!(get(&bench, "/reload").await.0, 405, "a page's picture must not reload");
}

#[actix_web::test]
async fn older_paths_are_guarded_like_the_rest() {
    let bench = Bench::new(&format!("{FILE}edit_auth admin secret;\nview_auth viewer look;\n"));
    let viewer = (header::AUTHORIZATION, format!("Basic {}", STANDARD.encode("viewer:look")));
    for path in ["/server", "/media", "/sessions", "/stream_health/cam1", "/nothing", "/reload"] {
        assert_eq!(get(&bench, path).await.0, 401, "{path}");
    }
    let see = older(Method::GET, "/media").insert_header(viewer.clone());
    assert_eq!(bench.ask(see).await.0, 200);
    let write = older(Method::POST, "/reload").insert_header(viewer.clone());
    assert_eq!(code(&bench.ask(write).await), (403, "read_only_user"));
    let nothing = older(Method::GET, "/nothing").insert_header(viewer);
    assert_eq!(code(&bench.ask(nothing).await), (404, "no_such_resource"));
}
