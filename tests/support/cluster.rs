//! Three nodes on loopback that are peers of each other, as one line of a scenario.

use std::collections::HashMap;
use std::time::Duration;

use tempfile::TempDir;

use super::node::Node;
use super::proxy::TcpProxy;
use super::slots::{self, Slot};

/// The names of the three, in their order.
pub(crate) const NAMES: [&str; 3] = ["north", "south", "east"];
/// The cluster key unless the plan says otherwise.
pub(crate) const KEY: &str = "a-key-of-the-scenarios-0123456789";

/// What a cluster is to look like.
pub(crate) struct Plan {
    fetch_timeout: Duration,
    stale_timeout: Duration,
    lines: HashMap<String, String>,
    keys: HashMap<String, String>,
    proxied: Vec<(String, String)>,
    is_alone: bool,
}

/// Running nodes; all of it ends on drop.
pub(crate) struct Cluster {
    /// north, south, east.
    pub(crate) nodes: Vec<Node>,
    proxies: HashMap<(String, String), TcpProxy>,
    fetch_timeout: Duration,
    lines: HashMap<String, String>,
    peer_lines: HashMap<String, String>,
    keys: HashMap<String, String>,
    // Dropped last: the folder, then the share of the machine.
    _folder: TempDir,
    _slot: Slot,
}

/// A plan with `fetch_timeout` 1000 ms, `stale_timeout` 5000 ms and nothing else.
pub(crate) fn plan() -> Plan {
    Plan {
        fetch_timeout: Duration::from_millis(1000),
        stale_timeout: Duration::from_millis(5000),
        lines: HashMap::new(),
        keys: HashMap::new(),
        proxied: Vec::new(),
        is_alone: false,
    }
}

/// `stream NAME { input publish://; }` for each name.
pub(crate) fn publishable(names: &[&str]) -> String {
    names.iter().map(|name| format!("stream {name} {{ input publish://; }}\n")).collect()
}

impl Plan {
    /// Lines of one node's config.
    pub(crate) fn config(mut self, node: &str, lines: &str) -> Self {
        self.lines.entry(node.to_owned()).or_default().push_str(lines);
        self
    }

    /// Another cluster key for one node.
    pub(crate) fn key(mut self, node: &str, key: &str) -> Self {
        self.keys.insert(node.to_owned(), key.to_owned());
        self
    }

    /// `from` reaches the API of `to` through a proxy; clients do not.
    pub(crate) fn proxied(mut self, from: &str, to: &str) -> Self {
        self.proxied.push((from.to_owned(), to.to_owned()));
        self
    }

    /// How often peers are asked; `stale_timeout` stays above twice that, as the config asks.
    pub(crate) fn fetch_timeout(mut self, every: Duration) -> Self {
        self.fetch_timeout = every;
        self.stale_timeout = self.stale_timeout.max(every * 3);
        self
    }

    /// Nothing else runs beside it: for promises in milliseconds.
    pub(crate) fn alone(mut self) -> Self {
        self.is_alone = true;
        self
    }

    /// Starts the three and waits until each is ready.
    pub(crate) fn start(self) -> Cluster {
        let slot = if self.is_alone { slots::alone() } else { slots::shared() };
        let folder = tempfile::Builder::new().prefix("watershed-").tempdir().unwrap();
        let nodes: Vec<Node> = NAMES.iter().map(|name| Node::new(name, folder.path())).collect();
        let mut proxies = HashMap::new();
        for (from, to) in &self.proxied {
            let target = nodes.iter().find(|node| node.name == *to).expect("a known node");
            proxies.insert((from.clone(), to.clone()), TcpProxy::start(target.http));
        }
        let mut cluster = Cluster {
            nodes,
            proxies,
            fetch_timeout: self.fetch_timeout,
            lines: self.lines,
            peer_lines: HashMap::new(),
            keys: self.keys,
            _folder: folder,
            _slot: slot,
        };
        for name in NAMES {
            let lines = cluster.peers_of(name, self.stale_timeout);
            cluster.peer_lines.insert(name.to_owned(), lines);
            cluster.configure(name, &format!("cluster_key {};\n", cluster.key_of(name)));
        }
        for node in &mut cluster.nodes {
            node.start();
        }
        for node in &mut cluster.nodes {
            node.wait_ready();
        }
        cluster
    }

    /// Starts the three and waits until each sees the others up.
    pub(crate) fn start_connected(self) -> Cluster {
        let cluster = self.start();
        cluster.wait_connected();
        cluster
    }
}

impl Cluster {
    /// A node by its name.
    pub(crate) fn node(&self, name: &str) -> &Node {
        self.nodes.iter().find(|node| node.name == name).expect("a known node")
    }

    /// A node by its name, to start, stop or signal it.
    pub(crate) fn node_mut(&mut self, name: &str) -> &mut Node {
        self.nodes.iter_mut().find(|node| node.name == name).expect("a known node")
    }

    /// The proxy on the way from one node to another.
    pub(crate) fn proxy(&self, from: &str, to: &str) -> &TcpProxy {
        &self.proxies[&(from.to_owned(), to.to_owned())]
    }

    /// Waits until each node sees the two others up.
    pub(crate) fn wait_connected(&self) {
        let limit = Duration::from_secs(10) + self.fetch_timeout * 2;
        for node in &self.nodes {
            for peer in NAMES.iter().filter(|name| **name != node.name) {
                node.wait_peer(peer, "up", limit);
            }
        }
    }

    /// `2*fetch_timeout+1000` ms: the bound on noticing a dead peer.
    pub(crate) fn notice_bound(&self) -> Duration {
        self.fetch_timeout * 2 + Duration::from_secs(1)
    }

    /// Writes the config of one node again, with these lines about its key.
    pub(crate) fn configure(&self, name: &str, key_lines: &str) {
        let lines = self.lines.get(name).map_or("", String::as_str);
        self.node(name).configure(&format!("{key_lines}{}\n{lines}", self.peer_lines[name]));
    }

    fn key_of(&self, name: &str) -> &str {
        self.keys.get(name).map_or(KEY, String::as_str)
    }

    fn peers_of(&self, name: &str, stale_timeout: Duration) -> String {
        let mut lines = String::new();
        for peer in self.nodes.iter().filter(|node| node.name != name) {
            let proxy = self.proxies.get(&(name.to_owned(), peer.name.clone()));
            let api_port = proxy.map_or(peer.http, |proxy| proxy.port);
            lines.push_str(&format!(
                "peer {} {{\n  api_url http://127.0.0.1:{api_port};\n  fetch_timeout {};\n  \
                 stale_timeout {};\n",
                peer.name,
                self.fetch_timeout.as_millis(),
                stale_timeout.as_millis()
            ));
            if proxy.is_some() {
                lines.push_str(&format!("  public http://127.0.0.1:{};\n", peer.http));
            }
            lines.push_str("}\n");
        }
        lines
    }
}
