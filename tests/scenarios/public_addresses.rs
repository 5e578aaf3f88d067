//! A peer behind NAT or a CDN: clients are sent to its public addresses, `watershed check` tells
//! which, and reports are still fetched from `api_url`.

use std::process::Command;
use std::time::Duration;

use crate::support::cluster::KEY;
use crate::support::mock_peer::MockPeer;
use crate::support::node::Node;
use crate::support::players::run;
use crate::support::ports::free_port;
use crate::support::rtmp_wire::RtmpClient;
use crate::support::rtsp_wire::RtspClient;
use crate::support::{http, slots};

#[test]
fn clients_are_sent_to_public_addresses_that_check_foretells() {
    let _slot = slots::shared();
    let folder = tempfile::tempdir().unwrap();
    let south = MockPeer::start("south", KEY, &["cam"]);
    let east = MockPeer::start("east", KEY, &["east-cam"]);
    let mut node = Node::new("north", folder.path());
    let [http, rtsp, rtmp] = [free_port(), free_port(), free_port()];
    node.configure(&format!(
        "cluster_key {KEY};\nrtmp_redirect always;\n\
         peer south {{ api_url http://127.0.0.1:{}; public http://127.0.0.1:{http}/prefix;\n\
           public_rtsp_url rtsp://127.0.0.1:{rtsp}; public_rtmp_url rtmp://127.0.0.1:{rtmp}; }}\n\
         peer east {{ api_url http://127.0.0.1:{}; public localhost; }}\n\
         peer west {{ api_url http://127.0.0.1:{http}; public https://west.example; }}\n",
        south.port, east.port
    ));

    let mut check = Command::new(env!("CARGO_BIN_EXE_watershed"));
    check.arg("check").arg("--config").arg(node.config_path());
    let output = run(&mut check, Duration::from_secs(10));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let told: Vec<&str> = words.lines().skip(1).collect();
    let reported = "rtsp at the port it reports, rtmp at the port it reports";
    let wanted = [
        format!(
            "peer south: clients go to http://127.0.0.1:{http}/prefix, rtsp://127.0.0.1:{rtsp}, \
             rtmp://127.0.0.1:{rtmp}"
        ),
        format!("peer east: clients go to http://localhost:{}, {reported}", east.port),
        format!("peer west: clients go to https://west.example, {reported}"),
    ];
    assert_eq!(told, wanted, "{words}");

    node.start();
    node.wait_ready();
    for peer in ["south", "east"] {
        node.wait_peer(peer, "up", Duration::from_secs(10));
    }
    let redirect = |target: &str| {
        let answer = http::get(node.http, target).unwrap();
        answer.location().unwrap_or_else(|| panic!("{target}: {}", answer.status)).to_owned()
    };
    for file in ["index.m3u8", "mpegts", "b-1.ts"] {
        let location = redirect(&format!("/cam/{file}?token=a%2Fb"));
        let wanted = format!("http://127.0.0.1:{http}/prefix/cam/{file}?token=a%2Fb&_via=");
        assert!(location.starts_with(&wanted), "{location}");
    }
    let location = redirect("/east-cam/index.m3u8");
    let wanted = format!("http://localhost:{}/east-cam/index.m3u8?_via=", east.port);
    assert!(location.starts_with(&wanted), "{location}");

    let url = format!("rtsp://127.0.0.1:{}/cam?token=t1", node.rtsp);
    let answer = RtspClient::connect(node.rtsp).ask("DESCRIBE", &url);
    assert_eq!(answer.status, 302, "{answer:?}");
    let location = answer.header("location").unwrap();
    let wanted = format!("rtsp://127.0.0.1:{rtsp}/cam?token=t1&_via=");
    assert!(location.starts_with(&wanted), "{location}");

    let mut client = RtmpClient::connect(node.rtmp);
    client.send_connect("static", &format!("rtmp://127.0.0.1:{}/static", node.rtmp), None);
    client.wait_command(&["_result"]);
    client.send_on_stream("play", "cam?token=t1");
    let answer = client.wait_command(&["onStatus", "_error"]);
    let door = format!("rtmp://127.0.0.1:{rtmp}/static");
    let redirect = answer.text_property("redirect").unwrap_or_default();
    assert!(redirect.starts_with(&door), "{answer:?}");
    let full = answer.text_property("redirect2").unwrap_or_default();
    assert!(full.starts_with(&format!("{door}/cam?token=t1")), "{full}");
    assert!(south.requests() > 0, "reports come from api_url");
}
