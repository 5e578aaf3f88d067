//! `/events`: everything on connect, then what changes, for as long as one may listen.

use std::pin::Pin;

use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::http::header::HeaderMap;
use bytes::{Buf as _, BytesMut};
use futures_util::future::poll_fn;

use super::*;

/// A client of `/events`, and what it has read and not yet looked at.
struct Follower {
    headers: HeaderMap,
    body: BoxBody,
    read: BytesMut,
}

/// One block of an event stream: its name, and its data if it has any.
type Block = (String, Value);

impl Follower {
    async fn connect(bench: &Bench, query: &str) -> Self {
        let answer = bench.send(request(Method::GET, &format!("/events{query}"))).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let headers = answer.headers().clone();
        Self { headers, body: answer.into_body(), read: BytesMut::new() }
    }

    /// The next block; none at the end.
    async fn next(&mut self) -> Option<Block> {
        loop {
            if let Some(end) = self.read.windows(2).position(|two| two == b"\n\n") {
                let block = self.read.split_to(end);
                self.read.advance(2);
                return Some(parsed(std::str::from_utf8(&block).unwrap()));
            }
            let piece = poll_fn(|context| Pin::new(&mut self.body).poll_next(context)).await?;
            self.read.extend_from_slice(&piece.unwrap());
        }
    }

    /// The next event of that name.
    async fn event(&mut self, wanted: &str) -> Value {
        loop {
            let (name, data) = self.next().await.expect("it goes on");
            if name == wanted {
                return data;
            }
        }
    }
}

fn parsed(block: &str) -> Block {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    match field("event: ") {
        Some(name) => (name.into(), serde_json::from_str(field("data: ").unwrap()).unwrap()),
        None => (block.into(), Value::Null),
    }
}

async fn change(bench: &Bench, name: &str, state: StreamState) {
    let stream = LocalStream::in_state(state);
    let name = name.parse().unwrap();
    bench.directory.send(LocalStreamChanged { name, stream }).await.unwrap();
}

#[actix_web::test]
async fn follower_is_told_everything_and_then_what_changes() {
    tokio::time::pause();
    let bench = Bench::new(FILE);
    let mut follower = Follower::connect(&bench, "").await;
    for (name, value) in [
        (header::CONTENT_TYPE.as_str(), "text/event-stream"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(follower.headers.get(name).unwrap(), value);
    }
    assert_eq!(follower.next().await.unwrap().0, "retry: 2000");
    let mut told = std::collections::BTreeMap::new();
    while told.len() < 4 {
        let (name, data) = follower.next().await.unwrap();
        assert_eq!((&data["full"], &data["more"]), (&json!(true), &json!(false)), "{name}");
        told.insert(name, data["items"].clone());
    }
    assert_eq!(told["streams"], bench.get("/streams").await.1["streams"]);
    assert_eq!(told["peers"], bench.get("/cluster/peers").await.1["peers"]);
    assert_eq!(told["sessions"], json!([]));
    let stats = bench.get("/config/stats").await.1;
    assert_eq!(told["stats"][0]["streamer_status"], stats["streamer_status"]);

    change(&bench, "cam2", StreamState::Ondemand).await;
    let event = follower.event("streams").await;
    assert_eq!(event["full"], false);
    assert_eq!(event["items"], json!([bench.get("/streams/cam2").await.1]));
    let south = request(Method::DELETE, "/cluster/peers/south");
    assert_eq!(bench.ask(south).await.0, 204);
    let event = follower.event("peers").await;
    assert_eq!((&event["gone"], &event["items"]), (&json!(["south"]), &json!([])));
}

#[actix_web::test]
async fn query_chooses_and_quiet_listeners_are_pinged() {
    tokio::time::pause();
    let bench = Bench::new(FILE);
    let mut follower = Follower::connect(&bench, "?of=sessions").await;
    let begin = tokio::time::Instant::now();
    for expected in ["retry: 2000", "sessions", ": ping", ": ping"] {
        assert_eq!(follower.next().await.unwrap().0, expected);
    }
    assert_eq!(begin.elapsed().as_secs(), 30);
    assert_eq!(code(&bench.get("/events?of=vods").await), (400, "unknown_collection"));
    assert_eq!(code(&bench.get("/events?limit=1").await), (400, "unknown_parameter"));
    assert_eq!(code(&bench.ask(request(Method::POST, "/events")).await).0, 405);
}

#[actix_web::test]
async fn later_listener_is_told_what_is_known_by_then() {
    tokio::time::pause();
    let bench = Bench::new(FILE);
    let mut first = Follower::connect(&bench, "?of=streams").await;
    first.event("streams").await;
    change(&bench, "cam2", StreamState::Ondemand).await;
    let change_told = first.event("streams").await;
    let mut second = Follower::connect(&bench, "?of=streams").await;
    let begin = tokio::time::Instant::now();
    let told = second.event("streams").await;
    assert!(begin.elapsed().is_zero(), "it does not wait for the next round");
    assert_eq!((&told["full"], told["items"].as_array().unwrap().len()), (&json!(true), 2));
    assert_eq!(told["items"][1], change_told["items"][0]);
}

#[actix_web::test]
async fn listener_that_falls_behind_is_told_everything_anew() {
    tokio::time::pause();
    let bench = Bench::new(FILE);
    let mut quick = Follower::connect(&bench, "?of=stats").await;
    let mut slow = Follower::connect(&bench, "?of=stats").await;
    assert_eq!(slow.event("stats").await["full"], true);
    for count in 0..600_u64 {
        let stats = NodeStats { total_clients: Some(count), ..NodeStats::default() };
        bench.state.stats.publish(stats);
        while quick.event("stats").await["items"][0]["total_clients"] != count {}
    }
    let event = slow.event("stats").await;
    assert_eq!((&event["full"], &event["items"][0]["total_clients"]), (&json!(true), &json!(599)));
}

#[actix_web::test]
async fn listeners_are_counted_and_nothing_is_done_without_any() {
    tokio::time::pause();
    let bench = Bench::new(FILE);
    let first = Follower::connect(&bench, "").await;
    let _second = Follower::connect(&bench, "?of=peers").await;
    assert_eq!(code(&bench.get("/events").await), (503, "too_many_listeners"));
    assert_eq!(bench.state.limit_hits.counts().get("event_listeners"), Some(&1));
    drop(first);
    let third = Follower::connect(&bench, "?of=streams").await;
    drop((third, _second));
    tokio::time::sleep(Duration::from_secs(3)).await;
    let holders = Arc::strong_count(&bench.state.clone().into_inner()) - 1;
    assert_eq!(holders, 1, "no task looks at the state any more");
    Follower::connect(&bench, "?of=peers").await.event("peers").await;
}

#[actix_web::test]
async fn listeners_go_when_the_logins_change_and_when_the_node_drains() {
    tokio::time::pause();
    let bench = Bench::new(FILE);
    let mut follower = Follower::connect(&bench, "?of=sessions").await;
    std::fs::write(bench.path(), format!("{FILE}view_auth viewer look;\n")).unwrap();
    bench.state.keeper.reload().await.unwrap();
    while follower.next().await.is_some() {}
    assert_eq!(code(&bench.get("/events").await), (401, "credentials_needed"));

    std::fs::write(bench.path(), FILE).unwrap();
    bench.state.keeper.reload().await.unwrap();
    let mut follower = Follower::connect(&bench, "?of=sessions").await;
    bench.state.readiness.set(NodePhase::Draining);
    while follower.next().await.is_some() {}
    assert_eq!(code(&bench.get("/events").await), (503, "draining"));
}

#[actix_web::test]
async fn rows_beyond_the_limit_are_left_out_and_counted() {
    tokio::time::pause();
    let bench = Bench::new(&format!("{FILE}limits {{ event_rows 2; }}\n"));
    for name in ["cam2", "cam3"] {
        change(&bench, name, StreamState::Ondemand).await;
    }
    let event = Follower::connect(&bench, "?of=streams").await.event("streams").await;
    assert_eq!(
        (&event["estimated_count"], &event["items"][1]["name"]),
        (&json!(3), &json!("cam2"))
    );
    assert_eq!(event["items"].as_array().unwrap().len(), 2);
    assert!(bench.state.limit_hits.counts().contains_key("event_rows"));
}
