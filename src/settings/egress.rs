//! Where inputs and storages that come through the API may lead (SPEC section 6).
//!
//! The config file is trusted: whoever writes it owns the node. A login of the API must not become
//! a way to read any file of the machine, so `file:` inputs and the storages of vods stay below the
//! config's folder or a storage that is there already, and addresses keep away from this machine's
//! own unless `egress_allow` names them. Names are not resolved here: they may mean something else
//! later. What the file says already may be written again.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Component, Path, PathBuf};

use url::{Host, Url};
use watershed_actors::egress::EgressPolicy;

use super::model::{Input, Stream, Vod};
use super::secret::{HIDDEN, hide_in_url};
use super::{Loaded, Settings};

/// What a change would let the node reach.
#[derive(Debug)]
pub(crate) struct Breach {
    /// Names the rule.
    pub(crate) code: &'static str,
    /// In words.
    pub(crate) what: String,
    /// The collection and the index of the item, if it is in one.
    item: Option<(&'static str, usize)>,
    /// Where below that: fields and indexes.
    field: Vec<String>,
}

impl Breach {
    /// Where in the whole configuration.
    pub(crate) fn path(&self) -> Vec<String> {
        let item = self.item.map(|(collection, index)| [collection.to_owned(), index.to_string()]);
        item.into_iter().flatten().chain(self.field.clone()).collect()
    }
}

/// Refuses to turn `old` into `new` where that would read a file from elsewhere, lead to this
/// machine, or lift the rule that says so.
///
/// Looks at the file system. Errors: the first such field.
pub(crate) fn check(old: &Loaded, new: &Loaded) -> Result<(), Breach> {
    let allowed = &old.settings.egress_allow;
    if new.settings.egress_allow.iter().any(|network| !allowed.contains(network)) {
        let what = "`egress_allow` is widened in the file itself only".to_owned();
        let field = vec!["egress_allow".to_owned()];
        return Err(Breach { code: "egress_not_allowed", what, item: None, field });
    }
    let rules = Rules::of(old);
    let stored: HashMap<&str, &[Input]> = all_streams(&old.settings)
        .map(|(_, _, stream)| (stream.name.as_str(), stream.inputs.as_slice()))
        .collect();
    for (collection, index, stream) in all_streams(&new.settings) {
        let stored = stored.get(stream.name.as_str()).copied().unwrap_or_default();
        for (number, input) in stream.inputs.iter().enumerate() {
            let url = input.url.reveal();
            let is_stored = stored.iter().any(|kept| {
                let kept = kept.url.reveal();
                kept == url || (url.contains(HIDDEN) && hide_in_url(kept) == url)
            });
            if !is_stored && let Some((code, what)) = rules.fault(url) {
                let field = vec!["inputs".to_owned(), number.to_string(), "url".to_owned()];
                return Err(Breach { code, what, item: Some((collection, index)), field });
            }
        }
    }
    rules.check_storages(&old.settings, &new.settings)
}

/// Streams and templates, each with its place.
fn all_streams(settings: &Settings) -> impl Iterator<Item = (&'static str, usize, &Stream)> {
    let templates = settings.templates.iter().map(|template| &template.stream).enumerate();
    let streams = settings.streams.iter().enumerate();
    let in_list = |list| move |(index, stream)| (list, index, stream);
    streams.map(in_list("streams")).chain(templates.map(in_list("templates")))
}

/// What the configuration in force allows.
struct Rules {
    folder: PathBuf,
    /// Files below these may be read.
    roots: Vec<PathBuf>,
    egress: EgressPolicy,
}

impl Rules {
    fn of(loaded: &Loaded) -> Self {
        let folder = loaded.folder();
        let storages = loaded.settings.vods.iter().flat_map(storages);
        let storages = storages.map(|storage| folder.join(storage));
        let roots = [folder.clone()].into_iter().chain(storages).collect();
        Self { folder, roots, egress: EgressPolicy::new(loaded.settings.egress_allow.clone()) }
    }

    /// Errors: the first storage in `new` that is neither below a root nor in `old`.
    fn check_storages(&self, old: &Settings, new: &Settings) -> Result<(), Breach> {
        let stored: HashSet<&Path> = old.vods.iter().flat_map(storages).collect();
        for (index, vod) in new.vods.iter().enumerate() {
            for (number, storage) in storages(vod).enumerate() {
                let is_allowed = stored.contains(storage)
                    || is_below_any(&self.roots, &self.folder.join(storage));
                if !is_allowed {
                    let what = "a storage may be only below the config's folder or another storage";
                    let field = ["storages", &number.to_string(), "url"].map(str::to_owned);
                    return Err(Breach {
                        code: "storage_not_allowed",
                        what: what.to_owned(),
                        item: Some(("vods", index)),
                        field: field.to_vec(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The rule that forbids `url`, and why.
    fn fault(&self, url: &str) -> Option<(&'static str, String)> {
        if let Some(path) = url.strip_prefix("file://") {
            let title = "files may be read only below the config's folder or a vod's storage; the \
                         config file itself may name any";
            let is_below = is_below_any(&self.roots, &self.folder.join(path));
            return (!is_below).then(|| ("file_not_allowed", title.to_owned()));
        }
        let refused = self.egress.check(address(url)?).err()?;
        Some(("address_not_allowed", refused.to_string()))
    }
}

fn storages(vod: &Vod) -> impl Iterator<Item = &Path> {
    vod.storages.iter().map(|storage| storage.url.as_path())
}

/// The address that an input is fetched from, where it is written as one. What `udp:` names is
/// listened on, not asked.
fn address(url: &str) -> Option<IpAddr> {
    let url = Url::parse(url).ok().filter(|url| url.scheme() != "udp")?;
    // Read as HTTP, whose parser knows all spellings of an IPv4 address, as resolvers do.
    let (_, rest) = url.as_str().split_once(':')?;
    match Url::parse(&format!("http:{rest}")).ok()?.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            let is_local = name == "localhost" || name.ends_with(".localhost");
            is_local.then(|| Ipv4Addr::LOCALHOST.into())
        }
    }
}

fn is_below_any(roots: &[PathBuf], path: &Path) -> bool {
    if path.components().any(|part| part == Component::ParentDir) {
        return false;
    }
    // A file that is not there yet is judged by the folders that are.
    let Some(real) = path.ancestors().find_map(|part| part.canonicalize().ok()) else {
        return false;
    };
    roots.iter().filter_map(|root| root.canonicalize().ok()).any(|root| real.starts_with(root))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use serde_json::json;

    use crate::settings::{ChangeError, Edit, Environment, load};

    #[test]
    fn files_stay_below_the_folder_or_were_there_before() {
        let outside = tempfile::tempdir().unwrap();
        let inside = tempfile::tempdir().unwrap();
        let conf = inside.path().join("a.conf");
        std::fs::write(&conf, "http 1;\nstream a { input file:///etc/old.mp4; }\n").unwrap();
        std::fs::write(inside.path().join("film.mp4"), "").unwrap();
        symlink(outside.path(), inside.path().join("link")).unwrap();
        let loaded = load(&conf, &Environment::default()).unwrap();
        let here = inside.path().display();
        let elsewhere = outside.path().display();
        for (name, url, is_allowed) in [
            ("a", "file://film.mp4".to_owned(), true),
            ("b", "file://later/film.mp4".to_owned(), true),
            ("b", format!("file://{here}/film.mp4"), true),
            ("b", "rtsp://10.0.0.9/ch1".to_owned(), true),
            ("b", "rtsp://u:p@127.0.0.1/ch1".to_owned(), false),
            ("b", "rtmp://[::1]:1935/a/b".to_owned(), false),
            ("b", "http://localhost/a.m3u8".to_owned(), false),
            ("b", "tshttp://169.254.169.254/latest".to_owned(), false),
            ("b", "tshttp://127.1:8081/x".to_owned(), false),
            ("b", "hls://2130706433/a.m3u8".to_owned(), false),
            ("b", "rtsp://0x7f.1/ch1".to_owned(), false),
            ("b", "http://localhost./a.m3u8".to_owned(), false),
            ("b", "hls://2852039166/a.m3u8".to_owned(), false),
            ("b", "udp://239.0.0.1:5000".to_owned(), true),
            ("b", "publish://".to_owned(), true),
            ("a", "file:///etc/old.mp4".to_owned(), true),
            ("b", "file:///etc/old.mp4".to_owned(), false),
            ("a", "file:///etc/passwd".to_owned(), false),
            ("a", "file://../x.mp4".to_owned(), false),
            ("a", "file://x/../../x.mp4".to_owned(), false),
            ("a", "file://link/x.mp4".to_owned(), false),
            ("a", format!("file://{elsewhere}/x.mp4"), false),
            ("a", format!("file://{here}-not/x.mp4"), false),
        ] {
            let (collection, name) = ("streams".to_owned(), name.to_owned());
            let patch = json!({"inputs": [{"url": url}, {"url": "rtsp://10.0.0.9/ch2"}]});
            match loaded.edited(&Edit::Put { collection, name, patch }) {
                Ok(_) => assert!(is_allowed, "{url}"),
                Err(ChangeError::Forbidden { diagnostic, .. }) => {
                    let pointer = diagnostic.unwrap().pointer;
                    let expected = (Some("/inputs/0/url"), false);
                    assert_eq!((pointer.as_deref(), is_allowed), expected, "{url}");
                }
                Err(error) => panic!("{url}: {error}"),
            }
        }
    }

    #[test]
    fn storages_stay_below_the_folder_or_one_that_is_there() {
        let (inside, storage, outside) = (
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
        );
        let conf = inside.path().join("a.conf");
        let (storage, outside) = (storage.path(), outside.path());
        let text =
            format!("http 1;\nvod a {{ storage {}; storage /gone/films; }}\n", storage.display());
        std::fs::write(&conf, text).unwrap();
        symlink(outside, inside.path().join("link")).unwrap();
        let loaded = load(&conf, &Environment::default()).unwrap();
        for (url, is_allowed) in [
            ("films".to_owned(), true),
            (format!("{}", storage.display()), true),
            (format!("{}/new", storage.display()), true),
            ("/gone/films".to_owned(), true),
            ("/gone".to_owned(), false),
            ("/".to_owned(), false),
            ("/etc".to_owned(), false),
            ("..".to_owned(), false),
            ("link".to_owned(), false),
            (format!("{}", outside.display()), false),
            (format!("{}/../x", storage.display()), false),
        ] {
            let (collection, name) = ("vods".to_owned(), "b".to_owned());
            let patch = json!({"storages": [{"url": "films"}, {"url": url}]});
            let patch = if url == "films" { json!({"storages": [{"url": url}]}) } else { patch };
            match loaded.edited(&Edit::Put { collection, name, patch }) {
                Ok(_) => assert!(is_allowed, "{url}"),
                Err(ChangeError::Forbidden { diagnostic, .. }) => {
                    let pointer = diagnostic.and_then(|diagnostic| diagnostic.pointer);
                    let expected = (Some("/storages/1/url"), false);
                    assert_eq!((pointer.as_deref(), is_allowed), expected, "{url}");
                }
                Err(error) => panic!("{url}: {error}"),
            }
        }
    }
}
