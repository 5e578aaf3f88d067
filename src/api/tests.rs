//! Whole answers: a request in, an answer out, over settings on disk and actors that are real where
//! that is cheap.

mod collections;
mod config;
mod events;
mod golden;
mod older;
mod openapi;
mod peers;
mod session;
mod sessions;
mod templates;
mod vods;
mod wire;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;
use actix_web::body::to_bytes;
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use watershed_actors::names::NodeId;
use watershed_actors::report::{StreamState, TrackReport};
use watershed_actors::signature::{
    AnswerHeaders, ClusterKey, Nonce, RequestToSign, authorization, body_hash, verify_answer,
};
use watershed_actors::stream_directory::{LocalStream, LocalStreamChanged, StreamDirectory};
use watershed_actors::vod::{VodLimits, VodSpec, Vods as VodsOfNode};

use super::*;
use crate::settings::{Environment, load};

const VOD_LIMITS: VodLimits = VodLimits {
    index_bytes_max: 1 << 20,
    indexes_bytes_max: 1 << 20,
    segments_bytes_max: 1 << 20,
    folder_entries_max: 4,
};

const FILE: &str = "\
hostname north;
http 8081;
cluster_key 0123456789abcdef;   # ours
peer south { fetch_timeout 2000; cluster_key fedcba9876543210; }
stream cam1 { input publish://; input file://film.mp4; password s3cret; }
";
const KEY: &str = "0123456789abcdef";
const BASE: &str = "/streamer/api/v3";

/// Takes what the API tells the supervisor.
#[derive(Default)]
struct Listener {
    heard: Arc<Mutex<Vec<(&'static str, NodeId)>>>,
}

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<PeerSpoke> for Listener {
    type Result = ();

    fn handle(&mut self, news: PeerSpoke, _ctx: &mut Self::Context) {
        self.heard.lock().unwrap().push(("spoke", news.node));
    }
}

impl Handler<PeerAnnouncedChange> for Listener {
    type Result = ();

    fn handle(&mut self, news: PeerAnnouncedChange, _ctx: &mut Self::Context) {
        self.heard.lock().unwrap().push(("changed", news.node));
    }
}

struct OneStream;

impl OwnStreams for OneStream {
    fn details(&self, name: &StreamName) -> Option<StreamDetails> {
        let running = InputDetails {
            is_active: true,
            status: "running",
            bitrate_kbit: Some(2500),
            ..InputDetails::default()
        };
        let error = Some("file film.mp4: no such file".to_owned());
        let standby = InputDetails {
            status: "standby",
            bitrate_kbit: Some(0),
            error,
            retry_count: 3,
            ..InputDetails::default()
        };
        let inputs = vec![running, standby];
        let details = StreamDetails { bytes_in: Some(7), inputs, ..StreamDetails::default() };
        (name.as_str() == "cam1").then_some(details)
    }

    fn stop(&self, name: StreamName) -> LocalBoxFuture<'static, bool> {
        async move { name.as_str() == "cam1" }.boxed_local()
    }
}

/// A node's API over a config file of its own.
struct Bench {
    folder: tempfile::TempDir,
    state: web::Data<ApiState>,
    directory: Addr<StreamDirectory>,
    heard: Arc<Mutex<Vec<(&'static str, NodeId)>>>,
    applied: Arc<Mutex<Vec<Value>>>,
}

fn node() -> NodeId {
    NodeId::from_random(2)
}

impl Bench {
    fn new(file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.conf"), file).unwrap();
        let loaded = load(&folder.path().join("a.conf"), &Environment::default()).unwrap();
        let applied = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&applied);
        let apply = move |next: &crate::settings::Loaded| {
            log.lock().unwrap().push(next.json(false));
        };
        let identity = NodeIdentity {
            id: node(),
            hostname: "north".parse().unwrap(),
            version: "0.1.0".to_owned(),
        };
        let stats = Published::new(NodeStats::default());
        let directory = StreamDirectory::new(identity.clone(), stats.clone(), 1);
        let view = directory.view();
        let directory = directory.start();
        let listener = Listener::default();
        let heard = Arc::clone(&listener.heard);
        let listener = listener.start();
        let state = ApiState {
            identity,
            keeper: Keeper::new(loaded, Box::new(apply)),
            directory: view,
            peers: PeersView::default(),
            stats,
            own_streams: Box::new(OneStream),
            streams: LocalStreams::default(),
            vods: VodsOfNode::new(VOD_LIMITS, LimitHits::default()),
            sessions: Sessions::default(),
            guard: ClusterGuard::new(node(), vec![ClusterKey::derive(KEY)]),
            report: directory.clone().recipient(),
            peer_spoke: listener.clone().recipient(),
            peer_changed: listener.recipient(),
            limit_hits: LimitHits::default(),
            previews: Arc::default(),
            readiness: Readiness::default(),
            events: Events::new(2),
            refusals: Refusals::default(),
            document: OpenApi::default(),
            gate: Gate::new().unwrap(),
        };
        Self { folder, state: web::Data::new(state), directory, heard, applied }
    }

    async fn send(&self, request: TestRequest) -> ServiceResponse {
        let app = init_service(App::new().configure(configure(self.state.clone()))).await;
        call_service(&app, request.to_request()).await
    }

    /// Status, and body as JSON where it is.
    async fn ask(&self, request: TestRequest) -> (u16, Value) {
        let answer = self.send(request).await;
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body()).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(request(Method::GET, path)).await
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(request(Method::PUT, path).set_payload(body.to_string())).await
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.conf")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }
}

fn request(method: Method, path: &str) -> TestRequest {
    TestRequest::default()
        .method(method)
        .uri(&format!("{BASE}{path}"))
        .peer_addr(SocketAddr::from(([127, 0, 0, 1], 40_000)))
        .insert_header((header::HOST, "127.0.0.1:8081"))
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errors"][0]["code"].as_str().unwrap_or_default())
}

#[actix_web::test]
async fn read_only_file_is_refused_and_nothing_changes() {
    let bench = Bench::new(FILE);
    std::fs::set_permissions(bench.path(), std::fs::Permissions::from_mode(0o444)).unwrap();
    let answer = bench.put("/cluster/peers/south", json!({"fetch_timeout": 500})).await;
    assert_eq!(code(&answer), (403, "config_read_only"));
    assert_eq!(bench.text(), FILE);
    assert!(bench.applied.lock().unwrap().is_empty());
    assert_eq!(bench.get("/cluster/peers/south").await.1["fetch_timeout"], 2000);
}

#[actix_web::test]
async fn file_changed_by_another_hand_is_a_conflict() {
    let bench = Bench::new(FILE);
    std::fs::write(bench.path(), "http 9999;\n").unwrap();
    let answer = bench.put("/cluster/peers/south", json!({"fetch_timeout": 500})).await;
    assert_eq!(code(&answer), (409, "config_changed"));
    assert_eq!(bench.text(), "http 9999;\n");
}

#[actix_web::test]
async fn rejected_settings_name_field_or_place() {
    let bench = Bench::new(FILE);
    let wrong = json!({"fetch_timeout": "soon"});
    let (status, body) = bench.put("/cluster/peers/south", wrong).await;
    assert_eq!((status, &body["error"]), (400, &json!("bad_request")));
    assert_eq!(body["errors"][0]["source"]["pointer"], "/fetch_timeout");
    let (status, body) = bench.put("/streams/bad", json!({"inputs": [{"url": "x"}]})).await;
    let error = &body["errors"][0];
    assert_eq!((status, &error["source"]["pointer"]), (400, &json!("/inputs/0/url")), "{body}");
    assert!(error["line"].is_u64() && error["path"].is_string(), "{body}");
    let stolen = json!({"cluster_key": "***"});
    let answer = bench.put("/cluster/peers/east", stolen).await;
    assert_eq!(code(&answer), (400, "unknown_secret"));
    let answer = bench.put("/streams/a%2F..%2Fb", json!({})).await;
    assert_eq!(code(&answer), (400, "invalid_stream_name"));
    let stolen = json!({"inputs": [{"url": "file:///etc/passwd"}]});
    assert_eq!(code(&bench.put("/streams/film", stolen).await), (403, "file_not_allowed"));
    let not_an_object = request(Method::PUT, "/streams/a").set_payload("[1]");
    assert_eq!(code(&bench.ask(not_an_object).await), (400, "wrong_type"));
    assert_eq!(bench.text(), FILE);
}

#[actix_web::test]
async fn inputs_can_be_written_back_as_they_were_read() {
    let bench = Bench::new(FILE);
    let mut inputs = bench.get("/streams/cam1").await.1["inputs"].take();
    assert_eq!(inputs[1]["stats"]["retry_count"], 3);
    inputs[1]["priority"] = json!(5);
    let (status, cam) = bench.put("/streams/cam1", json!({"inputs": inputs})).await;
    assert_eq!((status, &cam["inputs"][1]["priority"]), (200, &json!(5)), "{cam}");
    assert!(!bench.text().contains("stats") && bench.text().contains("priority"));
}

#[actix_web::test]
async fn every_answer_names_its_request() {
    let bench = Bench::new(FILE);
    let id = async |request: TestRequest| {
        let answer = bench.send(request).await;
        answer.headers().get(request_id::HEADER).unwrap().to_str().unwrap().to_owned()
    };
    let first = id(request(Method::GET, "/streams")).await;
    assert_ne!(first, id(request(Method::GET, "/streams")).await);
    for path in ["/streams/none", "/none", "/streams?limit=-1"] {
        let named = request(Method::GET, path).insert_header((request_id::HEADER, "by-proxy.1"));
        assert_eq!(id(named).await, "by-proxy.1", "{path}");
    }
    let stranger =
        request(Method::PUT, "/streams/cam1").insert_header((header::ORIGIN, "http://x"));
    assert_eq!(id(stranger).await.len(), 16);
}

#[actix_web::test]
async fn streams_of_the_cluster_are_one_list() {
    let bench = Bench::new(FILE);
    let running = LocalStream { clients: 2, ..LocalStream::in_state(StreamState::Running) };
    let news = LocalStreamChanged { name: "cam1".parse().unwrap(), stream: running };
    bench.directory.send(news).await.unwrap();
    let (status, list) = bench.get("/streams?stats.alive=true").await;
    assert_eq!((status, &list["estimated_count"]), (200, &json!(1)));
    let cam = &list["streams"][0];
    assert_eq!((&cam["name"], &cam["named_by"]), (&json!("cam1"), &json!("config")));
    assert_eq!(cam["stats"]["running_on"], json!(["north"]));
    assert_eq!(
        (&cam["stats"]["online_clients"], &cam["stats"]["bytes_in"]),
        (&json!(2), &json!(7))
    );
    assert_eq!(bench.get("/streams/cam1").await.1, *cam);
    assert_eq!(code(&bench.get("/streams/none").await), (404, "stream_not_found"));
    let stop = |name| request(Method::POST, &format!("/streams/{name}/stop"));
    assert_eq!(bench.ask(stop("cam1")).await.0, 204);
    assert_eq!(code(&bench.ask(stop("none")).await), (404, "stream_not_found"));
    let answer = bench.put("/streams/studio%2Fa", json!({"inputs": [{"url": "publish://"}]})).await;
    assert_eq!((answer.0, &answer.1["name"]), (200, &json!("studio/a")), "{}", answer.1);
    for path in ["/streams/studio%2Fa", "/streams/studio/a"] {
        assert_eq!(bench.get(path).await.1["name"], json!("studio/a"), "{path}");
    }
    assert_eq!(code(&bench.ask(stop("studio/a")).await), (404, "stream_not_found"), "of that name");
    let delete = request(Method::DELETE, "/streams/cam1");
    assert_eq!(bench.ask(delete).await.0, 204);
    assert!(!bench.text().contains("cam1"));
}

#[actix_web::test]
async fn lists_refuse_what_makes_no_sense_and_say_where() {
    let bench = Bench::new(FILE);
    for (path, expected, parameter) in [
        ("/streams?limit=-1", "invalid_limit", "limit"),
        ("/streams?cursor=abc", "invalid_cursor", "cursor"),
        ("/streams?stats.alvie=true", "unknown_field", "stats.alvie"),
        ("/templates?sort=-prio", "unknown_field", "sort"),
        ("/cluster/peers?stats.age_is=0", "invalid_filter", "stats.age_is"),
        ("/sessions?user_like=x", "unknown_field", "user_like"),
    ] {
        let answer = bench.get(path).await;
        assert_eq!(code(&answer), (400, expected), "{path}");
        assert_eq!(answer.1["errors"][0]["source"], json!({"parameter": parameter}), "{path}");
    }
    let fields =
        "hostname=south&cluster_key_is_not=null&stats.state=unknown&stats.cpu_usage_is=null";
    let found = bench.get(&format!("/cluster/peers?{fields}")).await;
    assert_eq!((found.0, &found.1["estimated_count"]), (200, &json!(1)), "{}", found.1);
    for fields in ["stats.media_info.tracks_is=null", "inputs_is_not=null", "named_by=config"] {
        assert_eq!(bench.get(&format!("/streams?{fields}")).await.0, 200, "{fields}");
    }
    let template = "prefix=studio&title_is=null&cluster_ingest.capture_at_is=null";
    assert_eq!(bench.get(&format!("/templates?{template}")).await.0, 200);
}

#[actix_web::test]
async fn no_answer_shows_a_secret() {
    let bench = Bench::new(FILE);
    for path in ["/cluster/peers", "/cluster/peers/south", "/streams", "/streams/cam1"] {
        let text = bench.get(path).await.1.to_string();
        assert!(text.contains("***"), "{path}: {text}");
        for secret in ["fedcba", "s3cret", "0123456789"] {
            assert!(!text.contains(secret), "{path}: {text}");
        }
    }
}

#[actix_web::test]
async fn both_bases_know_their_methods_and_nothing_else() {
    let bench = Bench::new(FILE);
    let old = TestRequest::get()
        .uri("/flussonic/api/v3/config/stats")
        .peer_addr(SocketAddr::from(([127, 0, 0, 1], 40_000)))
        .insert_header((header::HOST, "localhost"));
    assert_eq!(bench.ask(old).await.0, 200);
    for (method, path, allow) in [
        (Method::POST, "/cluster/peers", "GET, HEAD"),
        (Method::PATCH, "/streams/cam1", "GET, HEAD, PUT, DELETE"),
        (Method::GET, "/streams/cam1/stop", "POST"),
        (Method::OPTIONS, "/streams", "GET, HEAD"),
        (Method::PUT, "/cluster/report", "GET"),
        (Method::POST, "/monitoring/liveness", "GET, HEAD"),
    ] {
        let answer = bench.send(request(method, path)).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(answer.headers().get(header::ALLOW).unwrap(), allow);
        assert!(!answer.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    }
    for path in ["/nothing", "", "/", "/streams/", "/streams/%ff", "/streams/a/b"] {
        assert_eq!(bench.get(path).await.0, 404, "{path}");
    }
    assert_eq!(code(&bench.get("/nothing").await), (404, "no_such_resource"));
    assert_eq!(bench.ask(request(Method::HEAD, "/streams")).await.0, 200);
}

#[actix_web::test]
async fn long_body_is_refused_and_counted() {
    let bench = Bench::new(FILE);
    let body = format!("{{\"title\":\"{}\"}}", "x".repeat(1 << 20));
    let put = request(Method::PUT, "/streams/cam1").set_payload(body);
    assert_eq!(code(&bench.ask(put).await), (413, "body_too_large"));
    assert_eq!(bench.state.limit_hits.counts().get("http_body_size"), Some(&1));
    assert_eq!(bench.text(), FILE);
}

#[actix_web::test]
async fn doors_open_as_configured() {
    let bench = Bench::new(FILE);
    let remote =
        || request(Method::GET, "/streams").peer_addr(SocketAddr::from(([10, 0, 0, 9], 40_000)));
    assert_eq!(code(&bench.ask(remote()).await), (403, "auth_not_configured"));
    let forwarded = request(Method::GET, "/streams").insert_header(("X-Real-IP", "10.0.0.9"));
    assert_eq!(code(&bench.ask(forwarded).await), (403, "auth_not_configured"));
    let unknown = request(Method::GET, "/nothing").insert_header((header::HOST, "evil.example"));
    assert_eq!(code(&bench.ask(unknown).await), (403, "auth_not_configured"));

    let bench = Bench::new(&format!("{FILE}edit_auth admin secret;\nview_auth viewer look;\n"));
    let answer = bench.send(remote()).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(answer.headers().contains_key(header::WWW_AUTHENTICATE));
    let viewer = format!("Basic {}", STANDARD.encode("viewer:look"));
    let viewer = (header::AUTHORIZATION, viewer);
    assert_eq!(bench.ask(remote().insert_header(viewer.clone())).await.0, 200);
    let metrics = || remote().uri("/metrics");
    assert_eq!(bench.ask(metrics()).await.0, 401);
    assert_eq!(bench.ask(metrics().insert_header(viewer.clone())).await.0, 200);
    let write = request(Method::DELETE, "/streams/cam1").insert_header(viewer);
    assert_eq!(code(&bench.ask(write).await), (403, "read_only_user"));
    let admin = (header::AUTHORIZATION, format!("Bearer {}", STANDARD.encode("admin:secret")));
    let crossed = request(Method::DELETE, "/streams/cam1")
        .insert_header(admin.clone())
        .insert_header((header::ORIGIN, "https://evil.example"));
    assert_eq!(code(&bench.ask(crossed).await), (403, "cross_origin_write"));
    let write = request(Method::DELETE, "/streams/cam1").insert_header(admin);
    assert_eq!(bench.ask(write).await.0, 204);
}

#[actix_web::test]
async fn health_is_told_to_anybody() {
    let bench = Bench::new(FILE);
    let ask = |path: &str| {
        request(Method::GET, path).peer_addr(SocketAddr::from(([10, 0, 0, 9], 40_000)))
    };
    assert_eq!(bench.ask(ask("/monitoring/liveness")).await, (200, json!({"status": "ok"})));
    for (phase, expected) in [
        (NodePhase::Starting, (503, "starting")),
        (NodePhase::Running, (200, "")),
        (NodePhase::Draining, (503, "draining")),
    ] {
        bench.state.readiness.set(phase);
        let answer = bench.ask(ask("/monitoring/readiness")).await;
        assert_eq!(code(&answer), expected);
        let stats = bench.get("/config/stats").await.1;
        let status = if phase == NodePhase::Running { "running" } else { expected.1 };
        assert_eq!(stats["streamer_status"], status);
    }
}

/// A request of a peer, signed for `path`, and what checks the answer.
fn signed_request(method: Method, path: &str, key: &str, nonce: u128) -> (TestRequest, Nonce) {
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let nonce = Nonce::from_random(nonce);
    let path_and_query = format!("{BASE}{path}");
    let to_sign = RequestToSign {
        method: method.as_str(),
        path_and_query: &path_and_query,
        body_sha256: body_hash(b""),
        sender: NodeId::from_random(1),
        target: Some(node()),
        unix_s: unix.as_secs(),
        nonce,
    };
    let header = authorization(&ClusterKey::derive(key), &to_sign);
    let request = request(method, path)
        .peer_addr(SocketAddr::from(([10, 0, 0, 2], 40_000)))
        .insert_header((header::AUTHORIZATION, header));
    (request, nonce)
}

fn signature_of(answer: &ServiceResponse) -> AnswerHeaders {
    let text = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
    AnswerHeaders {
        node: text("Cluster-Node"),
        time: text("Cluster-Time"),
        signature: text("Cluster-Signature"),
    }
}

#[actix_web::test]
async fn report_is_signed_as_sent() {
    let bench = Bench::new(FILE);
    for count in 0..100 {
        let name = format!("cam{count}").parse().unwrap();
        let stream = LocalStream::in_state(StreamState::Ondemand);
        bench.directory.send(LocalStreamChanged { name, stream }).await.unwrap();
    }
    for (nonce, gzip) in [(1, false), (2, true)] {
        let (request, nonce) = signed_request(Method::GET, "/cluster/report?since=", KEY, nonce);
        let accepted = if gzip { "gzip" } else { "identity" };
        let request = request.insert_header((header::ACCEPT_ENCODING, accepted));
        let answer = bench.send(request).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers().contains_key(header::CONTENT_ENCODING), gzip);
        let headers = signature_of(&answer);
        let body = to_bytes(answer.into_body()).await.unwrap();
        verify_answer(&ClusterKey::derive(KEY), nonce, 200, &headers, &body).unwrap();
        assert_eq!(body.starts_with(b"{\"node\":\"north\""), !gzip);
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(bench.heard.lock().unwrap()[0], ("spoke", NodeId::from_random(1)));
}

#[actix_web::test]
async fn strangers_are_all_refused_alike() {
    let bench = Bench::new(FILE);
    let path = "/cluster/report";
    let (good, _) = signed_request(Method::GET, path, KEY, 7);
    assert_eq!(bench.send(good).await.status(), StatusCode::OK);
    let (replayed, _) = signed_request(Method::GET, path, KEY, 7);
    let (wrong_key, _) = signed_request(Method::GET, path, "another-key-of-16", 8);
    let admin = (header::AUTHORIZATION, "Basic YTpi");
    let mut answers = Vec::new();
    for request in [
        replayed,
        wrong_key,
        request(Method::GET, path),
        request(Method::GET, path).insert_header(admin),
    ] {
        let answer = bench.send(request).await;
        let mut headers: Vec<String> =
            answer.headers().iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        headers.sort();
        let status = answer.status();
        answers.push((status, headers, to_bytes(answer.into_body()).await.unwrap()));
    }
    assert_eq!(answers[0].0, StatusCode::UNAUTHORIZED);
    assert!(answers[0].2.is_empty());
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[actix_web::test]
async fn hint_is_passed_on_when_its_body_is_the_signed_one() {
    let bench = Bench::new(FILE);
    let (forged, _) = signed_request(Method::POST, "/cluster/changed", KEY, 3);
    let answer = bench.send(forged.set_payload("x")).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let (hint, nonce) = signed_request(Method::POST, "/cluster/changed", KEY, 4);
    let answer = bench.send(hint).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let headers = signature_of(&answer);
    verify_answer(&ClusterKey::derive(KEY), nonce, 204, &headers, b"").unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(*bench.heard.lock().unwrap(), [("changed", NodeId::from_random(1))]);
}
