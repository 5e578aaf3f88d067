//! One peer that is only played: its streams, its report, and its signed answers.
//!
//! It tells all streams to who does not know them yet and nothing new to who does, as a quiet node
//! would. What it says never changes, so both answers are made once and cost the machine little
//! while something else is measured.

use std::io;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use watershed_actors::names::NodeId;
use watershed_actors::report::{
    Fps, Listener, NodeState, NodeStats, REPORT_PROTOCOL, Report, Scheme, StreamReport,
    StreamState, StreamerStatus, TrackReport, Tracks,
};
use watershed_actors::signature::{AnswerHeaders, ClusterGuard, ClusterKey, RefusalCause};

/// Where a node is asked for its report.
pub(crate) const REPORT_PATH: &str = "/streamer/api/v3/cluster/report";

/// What the nodes of the bench share.
pub(crate) const CLUSTER_KEY: &str = "a-key-of-the-bench-and-nothing-else";

/// The peer's label in the daemon's config, and the name it reports.
pub(crate) fn peer_name(peer: usize) -> String {
    format!("p{peer:03}")
}

/// The name of a stream: 20 bytes, as long as those of real sites.
pub(crate) fn stream_name(peer: usize, stream: usize) -> String {
    format!("site-{peer:03}/camera-{stream:04}")
}

/// The peer.
pub(crate) struct MockPeer {
    guard: ClusterGuard,
    cursor: String,
    everything: Vec<u8>,
    nothing_new: Vec<u8>,
    /// Whether the daemon has asked with the newest cursor, so has taken in all before.
    is_known: AtomicBool,
    /// Why the last request was refused, for who waits in vain.
    refused: Mutex<Option<RefusalCause>>,
}

impl MockPeer {
    /// Peer number `peer`, which listens on `port`.
    pub(crate) fn new(peer: usize, port: u16, streams: usize) -> io::Result<Self> {
        let id = NodeId::from_random(u128::MAX / 3 + (peer as u128) * (u128::MAX / 4_096));
        let mut report = report(peer, port, id)?;
        let quiet = serde_json::to_vec(&report)?;
        report.full = true;
        report.streams =
            (0..streams).map(|stream| stream_report(peer, stream)).collect::<io::Result<_>>()?;
        Ok(Self {
            guard: ClusterGuard::new(id, vec![ClusterKey::derive(CLUSTER_KEY)]),
            everything: serde_json::to_vec(&report)?,
            cursor: report.cursor,
            nothing_new: quiet,
            is_known: AtomicBool::new(false),
            refused: Mutex::new(None),
        })
    }

    /// Whether the daemon has taken in the whole report.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known.load(Relaxed)
    }

    /// Why the last request was refused.
    pub(crate) fn last_refusal(&self) -> Option<RefusalCause> {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The whole answer to a request, head and body.
    pub(crate) fn answer(
        &self,
        method: &str,
        target: &str,
        authorization: Option<&str>,
    ) -> Vec<u8> {
        let now_s = unix_now().as_secs();
        let verified = match self.guard.check(method, target, authorization, now_s) {
            Ok(verified) => verified,
            Err(refusal) => {
                let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                *refused = Some(refusal.cause);
                return response(401, refusal.answer.as_ref(), b"");
            }
        };
        let (status, body) = match target.split_once('?').unwrap_or((target, "")) {
            (REPORT_PATH, query) => (200, self.report_since(query)),
            _ => (204, &[][..]),
        };
        let headers = self.guard.sign_answer(&verified, status, body, now_s);
        response(status, Some(&headers), body)
    }

    fn report_since(&self, query: &str) -> &[u8] {
        let mut since = query.split('&').filter_map(|pair| pair.strip_prefix("since="));
        if since.any(|cursor| cursor == self.cursor) {
            self.is_known.store(true, Relaxed);
            return &self.nothing_new;
        }
        &self.everything
    }
}

/// The time since the Unix epoch.
pub(crate) fn unix_now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn response(status: u16, headers: Option<&AnswerHeaders>, body: &[u8]) -> Vec<u8> {
    let reason = match status {
        200 => "OK",
        204 => "No Content",
        _ => "Unauthorized",
    };
    let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
    for (name, value) in headers.iter().flat_map(|headers| headers.pairs()) {
        head += &format!("{name}: {value}\r\n");
    }
    if status != 204 {
        head += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    }
    head += "\r\n";
    [head.as_bytes(), body].concat()
}

fn report(peer: usize, port: u16, id: NodeId) -> io::Result<Report> {
    let name = peer_name(peer);
    Ok(Report {
        node: name.parse().map_err(io::Error::other)?,
        id,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: REPORT_PROTOCOL,
        state: NodeState::Running,
        cursor: format!("{id}.1"),
        full: false,
        more: false,
        listeners: vec![Listener { scheme: Scheme::Http, port }],
        stats: NodeStats {
            server_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            hostname: Some(name),
            id: Some(id.to_string()),
            streamer_status: Some(StreamerStatus::Running),
            cpu_usage: Some(20.0),
            bandwidth_usage: Some(10.0),
            total_clients: Some(50),
            ..NodeStats::default()
        },
        streams: Vec::new(),
        removed: Vec::new(),
        relayed: None,
        vods: Vec::new(),
        members: Vec::new(),
    })
}

fn stream_report(peer: usize, stream: usize) -> io::Result<StreamReport> {
    Ok(StreamReport {
        name: stream_name(peer, stream).parse().map_err(io::Error::other)?,
        title: None,
        state: StreamState::Running,
        opened_at: NonZeroU64::new(1_790_000_000_000),
        bitrate: Some(2_000),
        clients: 3,
        tracks: tracks(stream),
        accepts_publish: false,
    })
}

/// Picture and sound; a site has cameras of a few models, so a few different lists.
fn tracks(stream: usize) -> Tracks {
    let (width, height) = [(1920, 1080), (1280, 720), (2560, 1440), (640, 480)][stream % 4];
    let fps = [25.0, 30.0][stream / 4 % 2];
    let video = TrackReport {
        content: "video".to_owned(),
        codec: "h264".to_owned(),
        width: Some(width),
        height: Some(height),
        fps: Some(Fps::from(fps)),
        ..TrackReport::default()
    };
    let audio = TrackReport {
        content: "audio".to_owned(),
        codec: "aac".to_owned(),
        channels: Some(2),
        sample_rate: Some(48_000),
        ..TrackReport::default()
    };
    Some([video, audio].into())
}
