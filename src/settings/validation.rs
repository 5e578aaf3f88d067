//! What single values cannot tell: rules between fields and between items.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::SystemTime;

use watershed_actors::names::check_stream_name;
use watershed_actors::redirect::PeerAddresses;
use watershed_actors::tls::{Certificate, CertificateFiles, Validity};

use super::diagnostic::{Place, Problem};
use super::located::{Table, place_of};
use super::model::{Listener, Peer, Settings};
use super::network;
use super::password::{PasswordHash, is_hash};

/// A cluster key below this is guessed too easily.
const KEY_CHARACTERS_MIN: usize = 16;
/// The key of every example, here and elsewhere.
const EXAMPLE_KEY: &str = "abcd";
/// What an address of a peer may be.
const NO_EXTRAS: &str = "a host, a port and a path at most";

/// All that is wrong with `settings`; `tree` knows the places, `folder` is the config's.
pub(crate) fn validate(settings: &Settings, tree: &Table, folder: &Path) -> Vec<Problem> {
    let mut check = Check { settings, tree, problems: Vec::new() };
    check.hostname();
    check.listeners(folder);
    check.keys();
    check.password_hashes();
    check.peers();
    check.names();
    check.template_prefixes();
    check.balancers();
    check.cluster_ca(folder);
    check.problems
}

struct Check<'a> {
    settings: &'a Settings,
    tree: &'a Table,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn place(&self, path: &[&str]) -> Place {
        place_of(self.tree, path)
    }

    fn error(&mut self, path: &[&str], what: impl Into<String>, expected: impl Into<String>) {
        let problem = Problem::error(self.place(path), what, expected);
        self.problems.push(problem);
    }

    fn hostname(&mut self) {
        let Some(hostname) = &self.settings.hostname else {
            return;
        };
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if hostname.len() > 255 || !hostname.chars().all(is_allowed) {
            let what = format!("`{hostname}` is no hostname");
            self.error(&["hostname"], what, "letters, digits, `.` `-` `_`; no port");
        }
    }

    fn listeners(&mut self, folder: &Path) {
        let all: Vec<(&str, String, &Listener)> = {
            let mut counts = BTreeMap::new();
            let numbered = self.settings.listeners.all().map(|(scheme, listener)| {
                let count = counts.entry(scheme).or_insert(0_usize);
                let index = *count;
                *count += 1;
                (scheme, index.to_string(), listener)
            });
            numbered.collect()
        };
        if all.is_empty() {
            self.error(&[], "there is no listener", "a line such as `http 8081;`");
        }
        for (number, (scheme, index, listener)) in all.iter().enumerate() {
            let path = ["listeners", scheme, index];
            let address = (listener.address, listener.port);
            let clash = all
                .iter()
                .take(number)
                .find(|(_, _, other)| network::clash((other.address, other.port), address));
            if let Some((other, ..)) = clash {
                let what = format!("port {} is taken by an `{other}` listener", listener.port);
                self.error(&path, what, "another port or address");
            }
            self.identities(&path, listener, folder);
        }
    }

    /// The files of a listener with TLS; interpreting has refused one without any.
    fn identities(&mut self, at: &[&str; 3], listener: &Listener, folder: &Path) {
        let (certificates, keys) = (&listener.certificates, &listener.keys);
        if certificates.len() != keys.len() {
            let what = format!("{} certificates and {} keys", certificates.len(), keys.len());
            self.error(at, what, "a `key` for each `certificate`, in the same order");
        }
        for (certificate, key) in listener.identities() {
            let (certificate, key) = (folder.join(certificate), folder.join(key));
            let files = CertificateFiles { certificate, key };
            let field = |field| [at[0], at[1], at[2], field];
            match Certificate::read(&files).map(|good| good.validity(SystemTime::now())) {
                Ok(Validity::Valid) => {}
                Ok(validity) => {
                    let what = format!("{} {validity}", files.certificate.display());
                    let place = self.place(&field("certificates"));
                    let expected = "a certificate that clients believe today";
                    self.problems.push(Problem::warning(place, what, expected));
                }
                Err(error) => {
                    let of = if error.is_of_key(&files) { "keys" } else { "certificates" };
                    self.error(&field(of), error.to_string(), "PEM files that fit together");
                }
            }
        }
    }

    fn keys(&mut self) {
        let mut weak = Vec::new();
        let mut check = |place: Place, key: &str| {
            let is_example = key == EXAMPLE_KEY;
            if is_example || key.chars().count() < KEY_CHARACTERS_MIN {
                let what = match is_example {
                    true => format!("the cluster key is the example `{EXAMPLE_KEY}`"),
                    false => "the cluster key is short".to_owned(),
                };
                let expected = format!("a secret of {KEY_CHARACTERS_MIN} characters or more");
                weak.push(Problem::warning(place, what, expected));
            }
        };
        if let Some(key) = &self.settings.cluster_key {
            check(self.place(&["cluster_key"]), key.reveal());
        }
        for (index, peer) in self.settings.peers.iter().enumerate() {
            if let Some(key) = &peer.cluster_key {
                let path = ["peers", &index.to_string(), "cluster_key"];
                check(self.place(&path), key.reveal());
            }
        }
        self.problems.extend(weak);
    }

    fn password_hashes(&mut self) {
        let users =
            [("edit_auth", &self.settings.edit_auth), ("view_auth", &self.settings.view_auth)];
        for (field, user) in users {
            let Some(user) = user.as_ref().filter(|user| is_hash(user.password.reveal())) else {
                continue;
            };
            if let Err(unusable) = PasswordHash::parse(user.password.reveal()) {
                let expected = "one that `watershed hash-password` makes";
                self.error(&[field], format!("`{field}`: {unusable}"), expected);
            }
        }
    }

    fn peers(&mut self) {
        let settings = self.settings;
        let mut is_key_missing = settings.cluster_key.is_none();
        for (index, peer) in settings.peers.iter().enumerate() {
            let index = index.to_string();
            if is_key_missing && peer.cluster_key.is_none() {
                let what = format!("peer `{}` without a cluster key", peer.hostname);
                self.error(
                    &["peers", &index],
                    what,
                    "`cluster_key SECRET;`, the same on all nodes",
                );
                is_key_missing = false;
            }
            if settings.hostname.as_ref() == Some(&peer.hostname) {
                let what = format!("peer `{}` is this node by its hostname", peer.hostname);
                let place = self.place(&["peers", &index]);
                self.problems.push(Problem::warning(place, what, "the hostname of another node"));
            }
            if peer.stale_timeout <= peer.fetch_timeout * 2 {
                let what = format!(
                    "stale_timeout of {} ms is not above twice the fetch_timeout of {} ms",
                    peer.stale_timeout.as_millis(),
                    peer.fetch_timeout.as_millis(),
                );
                let field = match self.place(&["peers", &index, "stale_timeout"]) {
                    place if place == self.place(&["peers", &index]) => "fetch_timeout",
                    _ => "stale_timeout",
                };
                let expected = format!("{} or more", peer.fetch_timeout.as_millis() * 2 + 1);
                self.error(&["peers", &index, field], what, expected);
            }
            self.inner_addresses(&index, peer);
            self.client_addresses(&index, peer);
        }
    }

    /// Those that nodes call, to which they add paths and queries of their own.
    fn inner_addresses(&mut self, index: &str, peer: &Peer) {
        let addresses = [
            ("api_url", Some(&peer.api_url)),
            ("private_payload_url", peer.private_payload_url.as_ref()),
        ];
        for (field, url) in addresses {
            let Some(url) = url else { continue };
            let path = ["peers", index, field];
            if !url.username().is_empty() || url.password().is_some() {
                let what = format!("`{field}` holds a user or password");
                self.error(&path, what, "none: nodes sign with the cluster key");
            } else if url.query().is_some() || url.fragment().is_some() {
                self.error(&path, format!("`{field}` holds a query or a fragment"), NO_EXTRAS);
            }
        }
    }

    /// Those that clients are redirected to.
    fn client_addresses(&mut self, index: &str, peer: &Peer) {
        let doors = [
            ("public_rtsp_url", &peer.public_rtsp_url, ["rtsp", "rtsps"]),
            ("public_rtmp_url", &peer.public_rtmp_url, ["rtmp", "rtmps"]),
            ("public_payload_url", &peer.public_payload_url, ["http", "https"]),
        ];
        for (field, url, schemes) in doors {
            let Some(url) = url else { continue };
            let path = ["peers", index, field];
            let scheme = url.split_once("://").map(|(scheme, _)| scheme);
            // One at a time, so that an error is of this field.
            let only = |name| (name == field).then(|| url.clone());
            let address = PeerAddresses {
                api_url: peer.api_url.clone(),
                public_payload_url: only("public_payload_url"),
                private_payload_url: None,
                public_rtsp_url: only("public_rtsp_url"),
                public_rtmp_url: only("public_rtmp_url"),
            };
            if url.contains('@') {
                let what = format!("`{field}` holds a user or password");
                self.error(&path, what, "a URL that clients may see");
            } else if scheme.is_some_and(|scheme| !schemes.contains(&scheme)) {
                let what = format!("`{field}` has the wrong scheme");
                let expected = format!("`{}://` or `{}://`", schemes[0], schemes[1]);
                self.error(&path, what, expected);
            } else if let Err(error) = address.targets(&[]) {
                self.error(&path, format!("`{field}`: {error}"), NO_EXTRAS);
            }
        }
    }

    /// Streams, vods and templates are looked for by one name.
    fn names(&mut self) {
        let settings = self.settings;
        let streams = settings.streams.iter().map(|stream| stream.name.as_str());
        let vods = settings.vods.iter().map(|vod| vod.prefix.as_str());
        let templates = settings.templates.iter().map(|template| template.stream.name.as_str());
        let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
        let streams = streams.enumerate().map(|(i, name)| ("stream", "streams", "name", i, name));
        let vods = vods.enumerate().map(|(i, name)| ("vod", "vods", "prefix", i, name));
        let templates =
            templates.enumerate().map(|(i, name)| ("template", "templates", "name", i, name));
        let sources = settings.sources.iter().enumerate();
        let sources = sources.map(|(i, one)| ("source", "sources", "url", i, one.url.reveal()));
        for (word, list, field, index, name) in streams.chain(vods).chain(templates).chain(sources)
        {
            match owners.get(name) {
                Some(owner) => {
                    let what = format!("{word} `{name}` has the name of a {owner}");
                    self.error(&[list, &index.to_string(), field], what, "a name of its own");
                }
                None => {
                    owners.insert(name, word);
                }
            }
        }
    }

    /// A published name must belong to one template.
    fn template_prefixes(&mut self) {
        let mut seen = BTreeMap::new();
        for (index, template) in self.settings.templates.iter().enumerate() {
            let index = index.to_string();
            let path = ["templates", index.as_str(), "prefix"];
            let prefix = template.prefix.as_str();
            if let Err(error) = check_stream_name(prefix) {
                self.error(
                    &path,
                    format!("prefix `{prefix}`: {error}"),
                    "parts of a stream's name",
                );
            } else if let Some(other) = seen.insert(prefix, &template.stream.name) {
                let what = format!("prefix `{prefix}` is that of template `{other}`");
                self.error(&path, what, "a prefix of its own");
            }
        }
    }

    fn balancers(&mut self) {
        let settings = self.settings;
        for (index, balancer) in settings.balancers.iter().enumerate() {
            for name in &balancer.peers {
                if !settings.peers.iter().any(|peer| peer.hostname == *name) {
                    let what = format!("balancer `{}` names no peer `{name}`", balancer.name);
                    let path = ["balancers", &index.to_string(), "peers"];
                    self.error(&path, what, "the name of a configured peer");
                }
            }
        }
    }

    fn cluster_ca(&mut self, folder: &Path) {
        let Some(file) = &self.settings.cluster_ca else {
            return;
        };
        if let Err(error) = File::open(folder.join(file)) {
            let what = format!("cannot read {}: {error}", file.display());
            self.error(&["cluster_ca"], what, "a readable PEM file");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::settings::{Environment, from_text};

    /// Every diagnostic of a text as `line:column: what`.
    fn found(text: &str) -> Vec<String> {
        let loaded = from_text(Path::new("f"), text, &Environment::default());
        let diagnostics = match loaded {
            Ok(loaded) => loaded.warnings,
            Err(rejected) => rejected.diagnostics,
        };
        let shown = diagnostics.iter().map(ToString::to_string);
        shown.map(|text| text.trim_start_matches("f:").to_owned()).collect()
    }

    #[test]
    fn each_broken_rule_is_named_with_its_place() {
        let key = "cluster_key 0123456789abcdef;";
        let cases = [
            ("hostname a:1;", "1:1: `a:1` is no hostname"),
            ("http 1; rtsp 0.0.0.0:1;", "1:9: port 1 is taken by an `http` listener"),
            ("peer a;\npeer b;", "1:1: peer `a` without a cluster key"),
            ("cluster_key abcd;", "1:1: warning: the cluster key is the example `abcd`"),
            ("cluster_key short;", "1:1: warning: the cluster key is short"),
            ("hostname a; K peer a;", "1:43: warning: peer `a` is this node by its hostname"),
            ("K peer a { stale_timeout 2000; }", "1:40: stale_timeout of 2000 ms is not above"),
            ("K peer a { fetch_timeout 9s; }", "1:40: stale_timeout of 10000 ms is not above"),
            ("K peer a { api_url http://u:p@h; }", "1:40: `api_url` holds a user or password"),
            ("K peer a { public rtsp://h; }", "1:40: `public_payload_url` has the wrong scheme"),
            ("K peer a { public http://u@h; }", "1:40: `public_payload_url` holds a user"),
            ("K peer a { api_url http://h/?q=1; }", "1:40: `api_url` holds a query or a fragment"),
            (
                "K peer a { private_payload_url http://h/?q; }",
                "1:40: `private_payload_url` holds a",
            ),
            ("K peer a { public http://h/?q=1; }", "1:40: `public_payload_url`: the address of"),
            (
                "K peer a { public_rtsp_url rtsp://h/?q; }",
                "1:40: `public_rtsp_url`: the address of",
            ),
            (
                "K peer a { public_rtmp_url rtmp://h/#f; }",
                "1:40: `public_rtmp_url`: the address of",
            ),
            ("K balancer b { peer c; }", "1:44: balancer `b` names no peer `c`"),
            ("stream a; vod a { storage /a; }", "1:15: vod `a` has the name of a stream"),
            ("stream a;\nstream a;", "2:8: `stream a` is given twice"),
            ("cluster_ca none.pem;", "1:1: cannot read none.pem"),
            ("https 2 { certificate none.pem; key none.key; }", "1:11: cannot read ./none.pem"),
            ("https 2;", "1:1: `https` has no `certificate`"),
            ("https 2 { certificate a.pem b.pem; key a.key; }", "1:1: 2 certificates and 1 keys"),
            ("template a { prefix ../b; }", "1:14: prefix `../b`: stream name has a part of dots"),
            ("template a; template b { prefix a; }", "1:26: prefix `a` is that of template `a`"),
            ("edit_auth a $argon2i$v=19$x;", "1:1: `edit_auth`: the hash is cut off or misspelt"),
            ("view_auth a $argon2;", "1:1: `view_auth`: the hash is no Argon2id of version 19"),
            ("peer a/b;", "1:6: `a/b` is no hostname"),
            ("stream ../a;", "1:8: stream name has a part of dots only"),
        ];
        for (text, expected) in cases {
            let text = format!("{}\nhttp 1;", text.replace('K', key));
            let found = found(&text);
            assert!(found.iter().any(|one| one.starts_with(expected)), "{text}: {found:#?}");
        }
        assert!(found("hostname a;")[0].contains("there is no listener"));
    }

    #[test]
    fn good_configuration_has_no_diagnostics() {
        let text = "http 8081; rtsp 8554; rtmp 0; http 0; cluster_key 0123456789abcdef;\n\
                    peer a { public a.example.com:80; } stream s { input publish://; }";
        assert_eq!(found(text), Vec::<String>::new());
    }
}
