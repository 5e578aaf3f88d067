//! The words of the top level, and how a row is written.

use super::Kind::{
    BitRate, Choice, Credentials, Flag, Include, Items, Listeners, Milliseconds, Networks, Object,
    Seconds, Text, Words,
};
use super::items::{
    BALANCER, CERTIFICATE, CLUSTER_INGEST, HTTP_LISTENER, INPUT, LISTENER, PEER, SOURCE, STREAM,
    TEMPLATE, VOD,
};
use super::limits::LIMITS;
use super::{Kind, Row, Scope, Shorthand, Support};

/// The longest duration a word takes: a year, in seconds and in milliseconds.
pub(crate) const YEAR_S: u64 = 366 * 86_400;

/// The largest plain number, where a row names no other.
pub(crate) const COUNT_MAX: u64 = 4_294_967_295;

/// Every scope.
#[cfg(test)]
pub(super) const SCOPES: [Scope; 15] = [
    Scope::Top,
    Scope::Listener,
    Scope::SecureListener,
    Scope::MediaListener,
    Scope::SecureMediaListener,
    Scope::Peer,
    Scope::Stream,
    Scope::Template,
    Scope::Input,
    Scope::ClusterIngest,
    Scope::Vod,
    Scope::Storage,
    Scope::Source,
    Scope::Balancer,
    Scope::Limits,
];

/// The tables of a scope.
pub(super) fn groups(scope: Scope) -> &'static [&'static [Row]] {
    match scope {
        Scope::Top => &[TOP, CLIENTS, SECTIONS],
        Scope::Listener => &[HTTP_LISTENER, LISTENER],
        Scope::SecureListener => &[HTTP_LISTENER, LISTENER, CERTIFICATE],
        Scope::MediaListener => &[LISTENER],
        Scope::SecureMediaListener => &[LISTENER, CERTIFICATE],
        Scope::Peer => &[PEER],
        Scope::Stream => &[STREAM],
        Scope::Template => &[TEMPLATE, STREAM],
        Scope::Input => &[INPUT],
        Scope::ClusterIngest => &[CLUSTER_INGEST],
        Scope::Vod => &[VOD],
        Scope::Storage => &[],
        Scope::Source => &[SOURCE],
        Scope::Balancer => &[BALANCER],
        Scope::Limits => &[LIMITS],
    }
}

const TOP: &[Row] = &[
    row(
        "hostname",
        Text,
        "north",
        "names this node to the whole cluster (at start); default: the machine's",
    )
    .env(),
    row(
        "http",
        Listeners(Scope::Listener),
        "8081",
        "listens for HTTP on `[ADDRESS:]PORT` (at start)",
    )
    .at("listeners.http")
    .env(),
    row("https", Listeners(Scope::SecureListener), "8443", "listens for HTTP over TLS (at start)")
        .at("listeners.https"),
    row("rtsp", Listeners(Scope::MediaListener), "8554", "listens for RTSP (at start)")
        .at("listeners.rtsp")
        .env(),
    row(
        "rtsps",
        Listeners(Scope::SecureMediaListener),
        "8555",
        "listens for RTSP over TLS (at start)",
    )
    .at("listeners.rtsps"),
    row("rtmp", Listeners(Scope::MediaListener), "1935", "listens for RTMP (at start)")
        .at("listeners.rtmp")
        .env(),
    row(
        "rtmps",
        Listeners(Scope::SecureMediaListener),
        "1936",
        "listens for RTMP over TLS (at start)",
    )
    .at("listeners.rtmps"),
    row(
        "edit_auth",
        Credentials,
        "admin s3cret-word",
        "full access to the API and the UI; the password, or its `$argon2id$…` hash",
    )
    .secret()
    .env(),
    row(
        "view_auth",
        Credentials,
        "viewer s3cret-word",
        "read-only access to the API and the UI, likewise",
    )
    .secret()
    .env(),
    row("cluster_key", Text, "a-secret-of-16-or-more", "what the nodes of a cluster share")
        .secret()
        .env(),
    row("cluster_key_accept", Words, "the-old-secret-of-16", "older keys that are still good")
        .secret()
        .env(),
    row(
        "cluster_ca",
        Text,
        "cluster-ca.pem",
        "certificates trusted for https peers besides the system's (at start)",
    )
    .env(),
    row(
        "cluster_split",
        Choice(&["duplicate", "quorum"]),
        "duplicate",
        "what a minority does in a partition",
    )
    .is("duplicate")
    .later(),
    row(
        "failback_delay",
        Seconds,
        "60",
        "good health of a returned node before it gets its streams back",
    )
    .is("60")
    .later(),
    row("drain_timeout", Seconds, "10", "longest time that a stopping node waits for its clients")
        .is("10")
        .range(0, YEAR_S)
        .env(),
];

const CLIENTS: &[Row] = &[
    row("hls_redirect", Choice(&["master", "media"]), "master", "which HLS playlist is redirected")
        .is("master"),
    row("preview", Flag, "on", "whether `preview.jpg` is made of streams: keyframes are decoded")
        .is("on"),
    row(
        "http_redirect",
        Choice(&["auto", "never"]),
        "auto",
        "whether HTTP clients are redirected or relayed",
    )
    .is("auto"),
    row(
        "rtmp_redirect",
        Choice(&["auto", "always", "never"]),
        "auto",
        "whether RTMP clients are redirected or relayed",
    )
    .is("auto"),
    row(
        "rtsp_redirect",
        Choice(&["auto", "always", "never"]),
        "auto",
        "whether RTSP clients are redirected or relayed",
    )
    .is("auto"),
    row(
        "rtsp_redirect_agents",
        Words,
        "Lavf GStreamer",
        "user agents known to follow an RTSP redirect",
    )
    .is("Lavf GStreamer LIVE555 VLC gortsplib ZLMediaKit curl"),
    row(
        "egress_allow",
        Networks,
        "10.0.0.0/8",
        "networks that addresses from remote content or the API may lead to",
    ),
    row(
        "trusted_proxies",
        Networks,
        "127.0.0.1/32",
        "proxies whose X-Forwarded-For is believed; where any are named, they alone send a PROXY \
         header",
    ),
    row(
        "proxy_protocol",
        Flag,
        "off",
        "listeners expect the PROXY protocol in front, where they do not say otherwise (at start)",
    )
    .is("off"),
    row(
        "total_bandwidth",
        BitRate,
        "10G",
        "what bandwidth_usage is measured against; default: the link's speed",
    )
    .range(1, u64::MAX >> 1)
    .env(),
    row(
        "write_batching",
        Milliseconds,
        "40",
        "how long packets are gathered into one write; 0: not at all",
    )
    .is("40")
    .range(0, 1000),
    row("stream_metrics", Flag, "off", "whether /metrics has numbers of each stream").is("on"),
];

const SECTIONS: &[Row] = &[
    row(
        "limits",
        Object(Scope::Limits),
        "",
        "what hostile or broken clients and peers are held to (at start)",
    ),
    row(
        "peer",
        Items { scope: Scope::Peer, key: "hostname" },
        "south",
        "another node of the cluster",
    )
    .at("peers"),
    row("stream", Items { scope: Scope::Stream, key: "name" }, "cam1", "a named live source")
        .at("streams"),
    row(
        "template",
        Items { scope: Scope::Template, key: "name" },
        "studio",
        "settings of streams that are published under a prefix",
    )
    .at("templates")
    .also(&["live"]),
    row(
        "vod",
        Items { scope: Scope::Vod, key: "prefix" },
        "movies",
        "files that are played under a prefix",
    )
    .at("vods"),
    row(
        "source",
        Items { scope: Scope::Source, key: "url" },
        "origin1:8081",
        "a server whose streams are pulled on demand",
    )
    .at("sources")
    .later(),
    row(
        "balancer",
        Items { scope: Scope::Balancer, key: "name" },
        "lb",
        "shares clients among peers",
    )
    .at("balancers")
    .later(),
    row(
        "ondemand",
        Kind::Shorthand(Shorthand::OnDemand),
        "hall file://hall.mp4",
        "`ondemand NAME URL` is `stream NAME { input URL; static off; }`",
    )
    .at("streams"),
    row(
        "file",
        Kind::Shorthand(Shorthand::File),
        "older /srv/older",
        "`file PREFIX PATH` is `vod PREFIX { storage PATH; }`",
    )
    .at("vods"),
    row("include", Include, "conf.d/*.conf", "reads more files, sorted, relative to this one"),
];

pub(super) const fn row(
    word: &'static str,
    kind: Kind,
    sample: &'static str,
    doc: &'static str,
) -> Row {
    let range = match kind {
        Kind::Seconds => (0, YEAR_S),
        Kind::Count => (0, COUNT_MAX),
        _ => (0, u64::MAX >> 1),
    };
    Row {
        word,
        aliases: &[],
        kind,
        default: None,
        path: word,
        is_secret: false,
        is_required: false,
        in_environment: false,
        support: Support::Ready,
        range,
        sample,
        doc,
    }
}

impl Row {
    pub(super) const fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    pub(super) const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    pub(super) const fn is(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    pub(super) const fn range(self, smallest: u64, largest: u64) -> Self {
        Self { range: (smallest, largest), ..self }
    }

    pub(super) const fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }

    pub(super) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(super) const fn env(self) -> Self {
        Self { in_environment: true, ..self }
    }

    pub(super) const fn later(self) -> Self {
        Self { support: Support::Later, ..self }
    }
}
