//! `/sessions`: who plays here, and the end of it.

use std::net::Ipv4Addr;
use std::time::Instant;

use watershed_actors::live_stream::{Broadcast, InputSource, InputSpec, StreamSpec};
use watershed_actors::session_registry::Client;

use super::*;

fn stream(name: &str) -> Broadcast {
    let seconds = Duration::from_secs;
    let input =
        InputSpec { source: InputSource::Publish, priority: 1, source_timeout: seconds(10) };
    let spec = StreamSpec {
        name: name.parse().unwrap(),
        title: None,
        inputs: vec![input],
        is_static: true,
        clients_timeout: seconds(60),
        retry_limit: None,
        password: None,
        segment_duration: seconds(4),
        segment_count: 4,
        publish_takeover: false,
        max_sessions: None,
        is_from_template: false,
    };
    Broadcast::new(&spec, "first")
}

pub(super) fn play(bench: &Bench, player: u64, stream_name: &str) {
    let ip = Ipv4Addr::new(10, 0, 0, 1).into();
    let client = Client { ip, user_agent: Some("hls.js"), token: Some("secret-token") };
    let (sessions, now) = (&bench.state.sessions, Instant::now());
    sessions.saw_player(player, &stream(stream_name), client, now).unwrap();
    sessions.player_took(player, 1000, now).unwrap();
}

#[actix_web::test]
async fn session_is_shown_with_every_field_and_without_its_token() {
    let bench = Bench::new(FILE);
    play(&bench, 7, "cam1");
    let (status, list) = bench.get("/sessions").await;
    let session = &list["sessions"][0];
    assert_eq!((status, &list["estimated_count"]), (200, &json!(1)));
    for (field, value) in [
        ("id", json!("0000000000000007")),
        ("type", json!("play")),
        ("name", json!("cam1")),
        ("proto", json!("hls")),
        ("ip", json!("10.0.0.1")),
        ("user_agent", json!("hls.js")),
        ("bytes", json!(1000)),
        ("country", Value::Null),
    ] {
        assert_eq!(session.get(field), Some(&value), "{field}");
    }
    assert_eq!(session.as_object().unwrap().len(), 10, "{session}");
    assert!(session["opened_at"].as_u64().is_some_and(|at| at > 1_700_000_000_000));
    assert!(session["token"].is_string() && !list.to_string().contains("secret-token"));
    assert_eq!(bench.get("/sessions/0000000000000007").await.1, *session);
}

#[actix_web::test]
async fn sessions_are_filtered_sorted_and_cut_into_pages() {
    let bench = Bench::new(FILE);
    for (player, name) in [(1, "cam1"), (2, "cam2"), (3, "cam1")] {
        play(&bench, player, name);
    }
    let (_, list) = bench.get("/sessions?name=cam1&sort=-id&select=id&limit=1").await;
    assert_eq!(list["sessions"], json!([{"id": "0000000000000003"}]));
    assert_eq!((&list["estimated_count"], list["next"].is_string()), (&json!(2), true));
    assert_eq!(bench.get("/sessions?proto=rtmp").await.1["sessions"], json!([]));
}

#[actix_web::test]
async fn ended_session_is_gone() {
    let bench = Bench::new(FILE);
    play(&bench, 7, "cam1");
    let path = "/sessions/0000000000000007";
    assert_eq!(bench.ask(request(Method::DELETE, path)).await.0, 204);
    assert_eq!(code(&bench.get(path).await), (404, "session_not_found"));
    let again = bench.ask(request(Method::DELETE, path)).await;
    assert_eq!(code(&again), (404, "session_not_found"));
    assert_eq!(bench.get("/sessions").await.1["sessions"], json!([]));
}
