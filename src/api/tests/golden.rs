//! Whole answers as they are in `tests/golden/api`: what scripts of operators read.
//!
//! `BLESS=1 cargo test -p watershed golden` writes them anew; look at the difference.

use std::path::Path;

use super::*;

/// Compares with the file at that path in the repository, or writes it.
pub(super) fn assert_same(path: &str, shown: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, shown).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = || shown.lines().zip(expected.lines()).find(|(shown, old)| shown != old);
    assert!(shown == expected, "{} differs, first at {:?}", path.display(), differs());
}

/// Compares with the golden file of that name, or writes it.
fn assert_golden(name: &str, (status, body): &(u16, Value)) {
    let shown = format!("{:#}\n", json!({"status": status, "body": body}));
    assert_same(&format!("tests/golden/api/{name}"), &shown);
}

#[actix_web::test]
async fn peers_are_answered_as_ever() {
    let bench = Bench::new(FILE);
    assert_golden("peers.json", &bench.get("/cluster/peers").await);
    assert_golden("peer-not-found.json", &bench.get("/cluster/peers/none").await);
    let wrong = json!({"fetch_timeout": "soon"});
    assert_golden("peer-rejected.json", &bench.put("/cluster/peers/south", wrong).await);
}

#[actix_web::test]
async fn streams_are_answered_as_ever() {
    let bench = Bench::new(FILE);
    let video = TrackReport {
        content: "video".to_owned(),
        codec: "h264".to_owned(),
        width: Some(1280),
        height: Some(720),
        ..TrackReport::default()
    };
    let stream = LocalStream {
        clients: 2,
        bitrate_kbit: Some(2500),
        tracks: Some([video].into()),
        ..LocalStream::in_state(StreamState::Running)
    };
    let news = LocalStreamChanged { name: "cam1".parse().unwrap(), stream };
    bench.directory.send(news).await.unwrap();
    assert_golden("streams.json", &bench.get("/streams").await);
}

#[actix_web::test]
async fn rejected_config_is_answered_as_ever() {
    let bench = Bench::new(FILE);
    let unsupported = json!({"inputs": [{"url": "rtsps://10.0.0.9/ch1"}]});
    let mut answer = bench.put("/streams/cam2", unsupported).await;
    for error in answer.1["errors"].as_array_mut().unwrap() {
        assert!(error["path"].as_str().unwrap().ends_with("a.conf"));
        error["path"] = json!("a.conf");
    }
    assert_golden("config-rejected.json", &answer);
}
