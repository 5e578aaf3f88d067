//! The words inside the items: listeners, peers, streams and the rest.

use super::Kind::{
    Address, Choice, Count, Flag, HttpUrl, Items, Milliseconds, Object, Percent, Seconds, Text,
    Words,
};
use super::words::{YEAR_S, row};
use super::{Row, Scope};

pub(super) const HTTP_LISTENER: &[Row] =
    &[row("api", Flag, "off", "off: playback only, no API and no UI").is("on")];

pub(super) const LISTENER: &[Row] = &[row(
    "proxy_protocol",
    Flag,
    "on",
    "expects the PROXY protocol in front; default: as at the top",
)];

pub(super) const CERTIFICATE: &[Row] = &[
    row(
        "certificate",
        Words,
        "node.pem",
        "PEM file of the certificate chain; several, each with its `key`, are told apart by name",
    )
    .at("certificates")
    .required(),
    row("key", Words, "node.key", "PEM file of the private key of the certificate")
        .at("keys")
        .required(),
];

pub(super) const PEER: &[Row] = &[
    row(
        "api_url",
        HttpUrl,
        "http://10.0.0.2:8081",
        "where reports are fetched; default: `http://` and the name",
    ),
    row(
        "public_payload_url",
        Address,
        "https://south.example.com",
        "what clients are redirected to",
    )
    .also(&["public"]),
    row(
        "public_rtsp_url",
        Address,
        "rtsp://south.example.com:8554",
        "what RTSP clients are redirected to, where it differs",
    ),
    row(
        "public_rtmp_url",
        Address,
        "rtmp://south.example.com",
        "what RTMP clients are redirected to, where it differs",
    ),
    row(
        "private_payload_url",
        HttpUrl,
        "http://10.0.0.2:8081",
        "media address inside the cluster; default: `api_url`",
    ),
    row("fetch_timeout", Milliseconds, "1000", "how often the peer is asked")
        .is("1000")
        .range(10, 3_600_000),
    row(
        "stale_timeout",
        Milliseconds,
        "10000",
        "how long a lost stream still counts as captured there",
    )
    .is("10000")
    .range(20, 86_400_000),
    row("channel_limit", Count, "500", "most streams cluster_ingest gives this peer"),
    row("cpu_limit", Percent, "90", "CPU use above which the peer gets nothing new").range(0, 100),
    row(
        "cluster_key",
        Text,
        "a-secret-for-this-peer",
        "key for this peer only; default: the node's",
    )
    .secret(),
];

pub(super) const STREAM: &[Row] = &[
    row("title", Text, "Main stage", "for people"),
    row(
        "input",
        Items { scope: Scope::Input, key: "url" },
        "publish://",
        "where the stream comes from, in order of preference",
    )
    .at("inputs")
    .also(&["url"]),
    row("static", Flag, "off", "on: captured always; off: while someone watches").is("on"),
    row("password", Text, "s3cret", "what publishers must give").secret(),
    row("source_timeout", Seconds, "10", "silence after which an input counts as dead")
        .is("10")
        .range(1, YEAR_S),
    row("retry_limit", Count, "5", "most attempts of an on-demand input; default: for ever"),
    row("clients_timeout", Seconds, "60", "how long an on-demand stream outlives its last client")
        .is("60")
        .range(0, YEAR_S),
    row("segment_duration", Seconds, "4", "length of an HLS segment").is("4").range(1, 60),
    row("segment_count", Count, "4", "segments in a playlist").is("4").range(2, 100),
    row("publish_takeover", Flag, "off", "on: a new publisher replaces the old one").is("off"),
    row("max_sessions", Count, "1000", "most clients at once, a node that relays it being one"),
    row("on_play", HttpUrl, "http://127.0.0.1/auth", "asked before a client may play")
        .also(&["auth"])
        .later(),
    row(
        "cluster_ingest",
        Object(Scope::ClusterIngest),
        "",
        "captured by one node of those that have it configured",
    )
    .later(),
];

pub(super) const TEMPLATE: &[Row] =
    &[row("prefix", Text, "studio", "first part of the names; default: the template's name")];

pub(super) const INPUT: &[Row] = &[
    row("priority", Count, "2", "lower ones are preferred; default: the order of the inputs")
        .range(0, 1000),
    row(
        "source_timeout",
        Seconds,
        "5",
        "silence after which this input counts as dead; default: the stream's",
    )
    .range(1, YEAR_S),
    row(
        "rtsp_transport",
        Choice(&["auto", "tcp", "udp"]),
        "tcp",
        "how media of an RTSP input travels; default: `auto`, TCP or, where that is refused, UDP",
    ),
];

pub(super) const CLUSTER_INGEST: &[Row] =
    &[row("capture_at", Text, "north", "hostname of the node that is to capture it")];

pub(super) const VOD: &[Row] = &[
    row(
        "storage",
        Items { scope: Scope::Storage, key: "url" },
        "/var/lib/watershed/movies",
        "folder of the files; tried in order",
    )
    .at("storages")
    .required(),
    row("segment_duration", Seconds, "4", "length of an HLS segment").is("4").range(1, 60),
    row("on_play", HttpUrl, "http://127.0.0.1/auth", "asked before a client may play")
        .also(&["auth"])
        .later(),
];

pub(super) const SOURCE: &[Row] = &[
    row("only", Words, "live/*", "names that are looked for there; default: all"),
    row("except", Words, "live/test", "names that are not looked for there"),
    row("cluster_key", Text, "a-secret-for-this-source", "key of that server; default: the node's")
        .secret(),
];

pub(super) const BALANCER: &[Row] = &[
    row("mode", Choice(&["clients", "bandwidth", "cpu"]), "clients", "what is balanced")
        .is("clients"),
    row("peer", Words, "south", "who takes part; default: all peers").at("peers"),
];
