//! The settings as the rest of the daemon reads them: one struct a section.
//!
//! Every default is already filled in (from the schema's table), every value checked. The fields
//! are named as in the API's JSON; `docs/config.md` describes them.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use url::Url;

use super::network::{Network, socket_addr};
use super::secret::{Secret, SecretUrl};

pub use super::limits::Limits;

/// Everything a node is told.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Settings {
    /// Names this node; `None`: the machine's name.
    pub hostname: Option<String>,
    /// Where to listen.
    #[serde(default)]
    pub listeners: Listeners,
    /// Full access to API and UI.
    pub edit_auth: Option<Credentials>,
    /// Read-only access to API and UI.
    pub view_auth: Option<Credentials>,
    /// What the nodes of the cluster share.
    pub cluster_key: Option<Secret>,
    /// Older keys that are still good.
    #[serde(default)]
    pub cluster_key_accept: Vec<Secret>,
    /// PEM file of certificates trusted for https peers; relative to the config's folder.
    pub cluster_ca: Option<PathBuf>,
    /// What a minority does in a partition.
    pub cluster_split: ClusterSplit,
    /// Good health before a returned node gets its streams back.
    #[serde(deserialize_with = "seconds")]
    pub failback_delay: Duration,
    /// Longest time that a stopping node waits for its clients.
    #[serde(deserialize_with = "seconds")]
    pub drain_timeout: Duration,
    /// Which HLS playlist is redirected.
    pub hls_redirect: HlsRedirect,
    /// Whether `preview.jpg` is made of streams.
    pub preview: bool,
    /// Whether HTTP clients are redirected or relayed.
    pub http_redirect: RedirectMode,
    /// Whether RTMP clients are redirected or relayed.
    pub rtmp_redirect: RedirectMode,
    /// Whether RTSP clients are redirected or relayed.
    pub rtsp_redirect: RedirectMode,
    /// User agents known to follow an RTSP redirect.
    #[serde(default)]
    pub rtsp_redirect_agents: Vec<String>,
    /// Networks that remote content may lead to.
    #[serde(default)]
    pub egress_allow: Vec<Network>,
    /// Proxies whose X-Forwarded-For is believed; with any, they alone send a PROXY header.
    #[serde(default)]
    pub trusted_proxies: Vec<Network>,
    /// Listeners expect the PROXY protocol, where they do not say otherwise.
    pub proxy_protocol: bool,
    /// Bits a second that bandwidth use is measured against.
    #[serde(rename = "total_bandwidth")]
    pub total_bandwidth_bps: Option<u64>,
    /// How long packets are gathered into one write.
    #[serde(deserialize_with = "milliseconds")]
    pub write_batching: Duration,
    /// `/metrics` has numbers of each stream.
    pub stream_metrics: bool,
    /// What clients and peers are held to.
    pub limits: Limits,
    /// The other nodes.
    #[serde(default)]
    pub peers: Vec<Peer>,
    /// Named live sources.
    #[serde(default)]
    pub streams: Vec<Stream>,
    /// Settings of streams published under a prefix.
    #[serde(default)]
    pub templates: Vec<Template>,
    /// Files played under a prefix.
    #[serde(default)]
    pub vods: Vec<Vod>,
    /// Servers whose streams are pulled on demand.
    #[serde(default)]
    pub sources: Vec<StreamSource>,
    /// Groups of peers that share clients.
    #[serde(default)]
    pub balancers: Vec<Balancer>,
}

impl Settings {
    /// Whether connections to `listener` begin with the PROXY protocol.
    #[must_use]
    pub fn expects_proxy_protocol(&self, listener: &Listener) -> bool {
        listener.proxy_protocol.unwrap_or(self.proxy_protocol)
    }
}

/// All listeners by scheme.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Listeners {
    /// HTTP.
    pub http: Vec<Listener>,
    /// HTTP over TLS.
    pub https: Vec<Listener>,
    /// RTSP.
    pub rtsp: Vec<Listener>,
    /// RTSP over TLS.
    pub rtsps: Vec<Listener>,
    /// RTMP.
    pub rtmp: Vec<Listener>,
    /// RTMP over TLS.
    pub rtmps: Vec<Listener>,
}

impl Listeners {
    /// Every listener with its scheme.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Listener)> {
        let lists = [
            ("http", &self.http),
            ("https", &self.https),
            ("rtsp", &self.rtsp),
            ("rtsps", &self.rtsps),
            ("rtmp", &self.rtmp),
            ("rtmps", &self.rtmps),
        ];
        lists.into_iter().flat_map(|(scheme, list)| list.iter().map(move |one| (scheme, one)))
    }
}

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Listener {
    /// The address; `None`: all of this machine's, IPv4 and IPv6.
    pub address: Option<IpAddr>,
    /// The port; 0: a free one.
    pub port: u16,
    /// Whether API and UI are served here; HTTP only.
    #[serde(default)]
    pub api: bool,
    /// Whether the PROXY protocol stands in front; `None`: as the settings say for all.
    pub proxy_protocol: Option<bool>,
    /// PEM files of certificate chains, for TLS; relative to the config's folder.
    #[serde(default)]
    pub certificates: Vec<PathBuf>,
    /// PEM files of their private keys, in the same order.
    #[serde(default)]
    pub keys: Vec<PathBuf>,
}

impl Listener {
    /// Each certificate chain with its private key. Validation has refused one without the other.
    pub fn identities(&self) -> impl Iterator<Item = (&Path, &Path)> {
        self.certificates.iter().map(PathBuf::as_path).zip(self.keys.iter().map(PathBuf::as_path))
    }

    /// What to bind; an unnamed address is `[::]`, to be bound for both families.
    #[must_use]
    pub fn socket_addr(&self) -> SocketAddr {
        socket_addr(self.address, self.port)
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Credentials {
    /// The name.
    pub login: String,
    /// The password.
    pub password: Secret,
}

/// What the minority side of a partition does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClusterSplit {
    /// Captures too: a stream may be captured twice, never not at all.
    Duplicate,
    /// Captures nothing.
    Quorum,
}

/// Which HLS playlist is redirected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HlsRedirect {
    /// The first; the player stays with the holder.
    Master,
    /// The media playlists.
    Media,
}

/// Whether clients of another node's stream are redirected or relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedirectMode {
    /// Redirected where they are known to follow.
    Auto,
    /// Redirected all.
    Always,
    /// Relayed all.
    Never,
}

/// Another node.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Peer {
    /// This node's label for it.
    pub hostname: String,
    /// Where reports are fetched.
    #[serde(deserialize_with = "url")]
    pub api_url: Url,
    /// What clients are redirected to: a host, `host:port` or URL.
    pub public_payload_url: Option<String>,
    /// The same for RTSP.
    pub public_rtsp_url: Option<String>,
    /// The same for RTMP.
    pub public_rtmp_url: Option<String>,
    /// Media address inside the cluster.
    #[serde(default, deserialize_with = "optional_url")]
    pub private_payload_url: Option<Url>,
    /// How often it is asked.
    #[serde(deserialize_with = "milliseconds")]
    pub fetch_timeout: Duration,
    /// How long a lost stream still counts as captured there.
    #[serde(deserialize_with = "milliseconds")]
    pub stale_timeout: Duration,
    /// Most streams `cluster_ingest` gives it.
    pub channel_limit: Option<u32>,
    /// CPU percent above which it gets nothing new.
    pub cpu_limit: Option<u8>,
    /// Key for this peer only.
    pub cluster_key: Option<Secret>,
}

/// A named live source, or what a template gives its streams.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Stream {
    /// The name; a template's own for a template.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// Where it comes from, in order of preference.
    #[serde(default)]
    pub inputs: Vec<Input>,
    /// Captured always, not only while someone watches.
    #[serde(rename = "static")]
    pub is_static: bool,
    /// What publishers must give.
    pub password: Option<Secret>,
    /// Silence after which an input counts as dead.
    #[serde(deserialize_with = "seconds")]
    pub source_timeout: Duration,
    /// Most attempts of an on-demand input.
    pub retry_limit: Option<u32>,
    /// How long an on-demand stream outlives its last client.
    #[serde(deserialize_with = "seconds")]
    pub clients_timeout: Duration,
    /// Length of an HLS segment.
    #[serde(deserialize_with = "seconds")]
    pub segment_duration: Duration,
    /// Segments in a playlist.
    pub segment_count: usize,
    /// A new publisher replaces the old one.
    pub publish_takeover: bool,
    /// Most clients at once; a node that relays it is one.
    pub max_sessions: Option<u32>,
    /// Asked before a client may play.
    pub on_play: Option<SecretUrl>,
    /// Captured by one node of those that have it configured.
    pub cluster_ingest: Option<ClusterIngest>,
}

/// Where a stream comes from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Input {
    /// `publish://`, `file://…`, `rtsp://…` and so on.
    pub url: SecretUrl,
    /// Lower ones are preferred; `None`: by order.
    pub priority: Option<u32>,
    /// Silence after which this input counts as dead; `None`: the stream's.
    #[serde(default, deserialize_with = "optional_seconds")]
    pub source_timeout: Option<Duration>,
    /// How media of an RTSP input travels.
    #[serde(default)]
    pub rtsp_transport: RtspTransport,
}

/// How media of an RTSP input travels (RFC 2326 section 12.39).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RtspTransport {
    /// By TCP; by UDP where the server refuses that.
    #[default]
    Auto,
    /// Interleaved into the RTSP connection.
    Tcp,
    /// In datagrams of its own.
    Udp,
}

/// How a stream's capture is shared among nodes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ClusterIngest {
    /// Hostname of the node that is to capture it.
    pub capture_at: Option<String>,
}

/// Settings of streams published under a prefix.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Template {
    /// First part of the names.
    pub prefix: String,
    /// What each stream gets.
    #[serde(flatten)]
    pub stream: Stream,
}

/// Files played under a prefix.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Vod {
    /// First part of the names.
    pub prefix: String,
    /// Folders, tried in order.
    #[serde(default)]
    pub storages: Vec<Storage>,
    /// Length of an HLS segment.
    #[serde(deserialize_with = "seconds")]
    pub segment_duration: Duration,
    /// Asked before a client may play.
    pub on_play: Option<SecretUrl>,
}

/// A folder of files.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Storage {
    /// The folder; relative to the config's.
    pub url: PathBuf,
}

/// A server whose streams are pulled on demand.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct StreamSource {
    /// Its address.
    pub url: SecretUrl,
    /// Names looked for there; empty: all.
    #[serde(default)]
    pub only: Vec<String>,
    /// Names not looked for there.
    #[serde(default)]
    pub except: Vec<String>,
    /// Its key.
    pub cluster_key: Option<Secret>,
}

/// Peers that share clients.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Balancer {
    /// The name.
    pub name: String,
    /// What is balanced.
    pub mode: BalancerMode,
    /// Who takes part; empty: all peers.
    #[serde(default)]
    pub peers: Vec<String>,
}

/// What a balancer balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BalancerMode {
    /// Clients.
    Clients,
    /// Bandwidth use.
    Bandwidth,
    /// CPU use.
    Cpu,
}

pub(super) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_secs)
}

fn optional_seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    Option::<u64>::deserialize(from).map(|seconds| seconds.map(Duration::from_secs))
}

fn milliseconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_millis)
}

fn url<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

fn optional_url<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}
