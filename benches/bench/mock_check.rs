//! Asks a played peer as a node would, so that a mock out of step with the protocol is found before
//! anything is measured with it.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use watershed_actors::names::NodeId;
use watershed_actors::report::{Report, ReportLimits, TrackInterner, read_report};
use watershed_actors::signature::{
    AnswerHeaders, AnswerSigner, ClusterKey, NODE_HEADER, Nonce, RequestToSign, SIGNATURE_HEADER,
    TIME_HEADER, authorization, body_hash, verify_answer,
};

use super::mock_cluster::MockCluster;
use super::mock_peer::{CLUSTER_KEY, REPORT_PATH, unix_now};

const STREAMS: usize = 10;

/// A first request learns the peer's id, a second gets all streams, a third nothing new.
pub(crate) fn ask_as_a_node_would() -> io::Result<()> {
    let cluster = MockCluster::start(1, STREAMS)?;
    let port = cluster.ports().first().copied().unwrap_or_default();
    let (status, signer, _) = ask(port, None, REPORT_PATH)?;
    expect(status == 401, "a peer of unknown id answers 401")?;
    let (status, _, body) = ask(port, Some(signer.node), REPORT_PATH)?;
    let all = read(&body)?;
    expect(status == 200 && all.full && all.streams.len() == STREAMS, "a peer tells its streams")?;
    let since = format!("{REPORT_PATH}?since={}", all.cursor);
    let (status, _, body) = ask(port, Some(signer.node), &since)?;
    let news = read(&body)?;
    expect(status == 200 && !news.full && news.streams.is_empty(), "a quiet peer has no news")?;
    expect(body.len() < 1024, "a quiet answer is under a kilobyte")?;
    cluster.wait_until_known()
}

fn ask(
    port: u16,
    target: Option<NodeId>,
    path_and_query: &str,
) -> io::Result<(u16, AnswerSigner, Vec<u8>)> {
    let key = ClusterKey::derive(CLUSTER_KEY);
    let nonce = Nonce::from_random(unix_now().as_nanos());
    let request = RequestToSign {
        method: "GET",
        path_and_query,
        body_sha256: body_hash(b""),
        sender: NodeId::from_random(1),
        target,
        unix_s: unix_now().as_secs(),
        nonce,
    };
    let proof = authorization(&key, &request);
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    write!(
        connection,
        "GET {path_and_query} HTTP/1.1\r\nHost: peer\r\nAuthorization: {proof}\r\n\r\n"
    )?;
    connection.shutdown(std::net::Shutdown::Write)?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut fields);
    let head = response.parse(&answer).map_err(io::Error::other)?;
    let httparse::Status::Complete(head_bytes) = head else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let field = |name| {
        let field = response.headers.iter().find(|field| field.name == name);
        field.map(|field| String::from_utf8_lossy(field.value).into_owned()).unwrap_or_default()
    };
    let headers = AnswerHeaders {
        node: field(NODE_HEADER),
        time: field(TIME_HEADER),
        signature: field(SIGNATURE_HEADER),
    };
    let status = response.code.unwrap_or_default();
    let body = answer.split_off(head_bytes);
    let signer = verify_answer(&key, nonce, status, &headers, &body).map_err(io::Error::other)?;
    Ok((status, signer, body))
}

fn read(body: &[u8]) -> io::Result<Report> {
    let mut tracks = TrackInterner::default();
    let read =
        read_report(body, &ReportLimits::default(), &mut tracks).map_err(io::Error::other)?;
    expect(read.invalid_names == 0, "a peer's stream names are valid")?;
    Ok(read.report)
}

fn expect(holds: bool, what: &str) -> io::Result<()> {
    if holds { Ok(()) } else { Err(io::Error::other(format!("the mock is broken: {what}"))) }
}
