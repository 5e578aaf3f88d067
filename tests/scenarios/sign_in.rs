//! Signing in at whole nodes: cookies of several nodes on one host, wrong passwords, hashes.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::console::Console;
use crate::support::http::{self, Answer};
use crate::support::node::{API, Node};
use crate::support::{SLACK, eventually, slots};

const LIMIT: Duration = Duration::from_secs(20);
/// Appears nowhere but in the config.
const CANARY: &str = "canary-5e1f-word";

fn node(name: &str, folder: &Path, lines: &str) -> Node {
    let mut node = Node::new(name, folder);
    node.configure(lines);
    node.start();
    node.wait_ready();
    node
}

fn send(
    node: &Node,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Answer {
    let body = body.map(Value::to_string).unwrap_or_default();
    let path = format!("{API}{path}");
    http::request(node.http, method, &path, headers, body.as_bytes(), LIMIT).unwrap()
}

const RIGHT: (&str, &str) = ("admin", CANARY);
const WRONG: (&str, &str) = ("admin", "wrong");

/// Cookie and token of a new sign-in.
fn sign_in(node: &Node) -> (String, String) {
    let answer =
        send(node, "POST", "/session", &[], Some(&json!({"user": "admin", "password": CANARY})));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cookie = answer.header("set-cookie").unwrap();
    assert!(!cookie.contains("Path="), "a sub-path is the browser's to know: {cookie}");
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    let token = answer.json()["csrf_token"].as_str().unwrap().to_owned();
    (cookie.split(';').next().unwrap().to_owned(), token)
}

fn as_basic(node: &Node, (user, password): (&str, &str), address: &str) -> Answer {
    let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let headers = [("Authorization", basic.as_str()), ("X-Forwarded-For", address)];
    send(node, "GET", "/streams", &headers, None)
}

fn hash(password: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_watershed"))
        .arg("hash-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn nodes_on_one_host_do_not_sign_each_other_out() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let users = format!("edit_auth admin {CANARY};\n");
    let mut nodes = ["north", "south", "east"].map(|name| node(name, folder.path(), &users));
    let signed_in: Vec<(String, String)> = nodes.iter().map(sign_in).collect();
    // A browser sends the cookies of a host to each of its ports.
    let cookies: Vec<&str> = signed_in.iter().map(|(cookie, _)| cookie.as_str()).collect();
    let cookies = cookies.join("; ");
    let is_in = |node: &Node| send(node, "GET", "/session", &[("Cookie", &cookies)], None).status;
    assert_eq!(nodes.each_ref().map(is_in), [200; 3]);

    let peer = json!({"api_url": "http://127.0.0.1:9", "cluster_key": "0123456789abcdef"});
    let headers = [("Cookie", cookies.as_str()), ("X-CSRF-Token", signed_in[0].1.as_str())];
    let put = |headers: &[_]| send(&nodes[0], "PUT", "/cluster/peers/west", headers, Some(&peer));
    assert_eq!(put(&headers[..1]).status, 403, "a cookie alone writes nothing");
    assert_eq!(put(&headers).status, 200);

    assert_eq!(send(&nodes[0], "DELETE", "/session", &headers, None).status, 204);
    assert_eq!(nodes.each_ref().map(is_in), [401, 200, 200]);

    // A changed password ends what it had let in; a restart ends all.
    nodes[1].configure("edit_auth admin another-word;\n");
    nodes[1].reload();
    eventually(LIMIT, "the old sign-in is over", || {
        let status = is_in(&nodes[1]);
        if status == 401 { Ok(()) } else { Err(status.to_string()) }
    });
    nodes[2].kill();
    nodes[2].start();
    nodes[2].wait_ready();
    assert_eq!(is_in(&nodes[2]), 401);
    for node in &mut nodes {
        let log = node.log();
        assert!(log.contains("sign-in: admin from 127.0.0.1"), "{log}");
        let secrets = signed_in.iter().flat_map(|(cookie, token)| [&cookie[42..], token]);
        for secret in secrets.chain([CANARY]) {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
    }
}

#[test]
fn browser_signs_in_to_three_nodes_by_their_pages() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let users = format!("edit_auth admin {CANARY};\n");
    let nodes = ["north", "south", "east"].map(|name| node(name, folder.path(), &users));
    let urls = nodes.each_ref().map(Node::console_url);
    let mut console = Console::open(&urls[0], &nodes[0]);
    console.expect_fault("status of 401");
    for (tab, url) in urls.iter().enumerate() {
        if tab > 0 {
            console.open_tab(url);
        }
        console.fill("User", "admin");
        console.fill("Password", "wrong");
        console.press("Sign in");
        // A browser's own password window would keep the answer back.
        console.sees("User or password is wrong.");
        console.fill("Password", CANARY);
        console.press("Sign in");
        console.sees("Pause");
    }
    let stays_in = |console: &mut Console, tab| {
        console.look(tab);
        console.reload();
        console.sees("Pause");
        console.sees_in("header", "Sign out");
    };
    (0..nodes.len()).for_each(|tab| stays_in(&mut console, tab));
    console.look(0);
    console.press_in("header", "Sign out");
    console.sees("This node asks for a user");
    (1..nodes.len()).for_each(|tab| stays_in(&mut console, tab));
    console.look(0);
    console.expect_fault("status of 429");
    console.fill("User", "admin");
    eventually(LIMIT, "is told to wait", || {
        console.fill("Password", "wrong");
        console.press("Sign in");
        console.sees("wrong");
        let form = console.text_of("main .sign-in");
        if form.contains("too many wrong passwords: try again in") { Ok(()) } else { Err(form) }
    });
    console.close();
}

#[test]
fn wrong_passwords_have_to_wait_and_others_do_not() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let lines = format!(
        "trusted_proxies 127.0.0.0/8;\nedit_auth admin {CANARY};\nview_auth viewer look-only;\n"
    );
    let node = node("north", folder.path(), &lines);
    let (cookie, _) = sign_in(&node);
    let (stranger, operator) = ("203.0.113.9", "198.51.100.7");
    assert_eq!(as_basic(&node, RIGHT, operator).status, 200);
    for _ in 0..5 {
        let answer = as_basic(&node, WRONG, stranger);
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").is_some(), "a program is challenged");
    }
    let refused = Instant::now();
    let answer = as_basic(&node, RIGHT, stranger);
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
    assert_eq!(answer.json()["errors"][0]["code"], "too_many_tries");
    assert_eq!(as_basic(&node, RIGHT, operator).status, 200, "right from there before");
    let viewer = ("viewer", "look-only");
    assert_eq!(as_basic(&node, viewer, "192.0.2.4").status, 200, "a stranger to both");
    let metrics = http::request(node.http, "GET", "/metrics", &[("Cookie", &cookie)], b"", LIMIT);
    let metrics = metrics.unwrap().text();
    assert!(metrics.contains("limit_hits_total{limit=\"sign_in_tries\"} 1"), "{metrics}");
    eventually(LIMIT, "the wait is over", || match as_basic(&node, RIGHT, stranger).status {
        200 => Ok(()),
        status => Err(status.to_string()),
    });
    assert!(refused.elapsed() < Duration::from_secs(1) + SLACK, "{:?}", refused.elapsed());
}

#[test]
fn flood_of_wrong_passwords_at_a_hash_stops_no_worker_and_nobody_who_is_in() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let lines = format!("trusted_proxies 127.0.0.0/8;\nedit_auth admin {};\n", hash(CANARY));
    let mut node = node("north", folder.path(), &lines);
    let (cookie, _) = sign_in(&node);
    let before = node.resident_bytes();
    let is_over = AtomicBool::new(false);
    let twin = node.twin();
    let seen = std::thread::scope(|scope| {
        let flood = |number: u8| {
            let (twin, is_over) = (&twin, &is_over);
            move || {
                let mut statuses = Vec::new();
                for index in 0..u8::MAX {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    // Each of a user and a client of its own: only the hash is in the way.
                    let name = format!("10.0.{number}.{index}");
                    statuses.push(as_basic(twin, (&name, "wrong"), &name).status);
                }
                statuses
            }
        };
        let floods: Vec<_> = (0..8).map(|number| scope.spawn(flood(number))).collect();
        for _ in 0..20 {
            for (path, headers) in
                [("/monitoring/liveness", &[][..]), ("/session", &[("Cookie", cookie.as_str())])]
            {
                let answer = send(&node, "GET", path, headers, None);
                assert_eq!(answer.status, 200, "{path}");
                assert!(answer.took < SLACK, "{path} took {:?}", answer.took);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        is_over.store(true, Ordering::Relaxed);
        floods.into_iter().flat_map(|flood| flood.join().unwrap()).collect::<Vec<u16>>()
    });
    assert!(seen.len() >= 8 && seen.iter().all(|status| *status == 401), "{seen:?}");
    let grown = node.resident_bytes().saturating_sub(before);
    assert!(grown < 128 << 20, "{grown} bytes more");
    assert_eq!(as_basic(&node, RIGHT, "127.0.0.1").status, 200, "right from there before");
}

#[test]
fn check_refuses_a_hash_that_costs_too_much_and_does_not_show_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.conf");
    let hash = hash("s3cret").replace("m=19456", "m=4194304");
    std::fs::write(&path, format!("http 127.0.0.1:1;\nedit_auth admin {hash};\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_watershed"));
    let output = command.arg("check").arg("--config").arg(&path).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("a.conf:2:1: `edit_auth`: the hash asks for 4194304 KiB"), "{words}");
    assert!(!words.contains(&hash[30..]), "{words}");
}
