//! Where inputs that come through the API may lead (SPEC section 6).
//!
//! The config file is trusted: whoever writes it owns the node. A login of the API must not become
//! a way to read any file of the machine, so `file:` inputs stay below the config's folder or a
//! vod's storage, and addresses keep away from this machine's own unless `egress_allow` names them.
//! Names are not resolved here: they may mean something else later. What the file says already may
//! be written again.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use url::{Host, Url};
use watershed_actors::egress::EgressPolicy;

use crate::api::error::ApiError;
use crate::settings::{HIDDEN, Loaded, hide_in_url};

/// Refuses a change of the stream or template `name` that would read a file from elsewhere, or
/// lead to this machine.
///
/// Looks at the file system. Errors: 403 with the pointer of the first such input.
pub(in crate::api) fn check(loaded: &Loaded, name: &str, patch: &Value) -> Result<(), ApiError> {
    let inputs = patch.get("inputs").and_then(Value::as_array);
    let templates = loaded.settings.templates.iter().map(|template| &template.stream);
    let stored = loaded.settings.streams.iter().chain(templates).find(|one| one.name == name);
    let mut roots = vec![loaded.folder()];
    let storages = loaded.settings.vods.iter().flat_map(|vod| &vod.storages);
    roots.extend(storages.map(|storage| loaded.folder().join(&storage.url)));
    let egress = EgressPolicy::new(loaded.settings.egress_allow.clone());
    for (index, input) in inputs.into_iter().flatten().enumerate() {
        let Some(url) = input.get("url").and_then(Value::as_str) else { continue };
        let fault = match (url.strip_prefix("file://"), address(url)) {
            (Some(path), _) if !is_below_any(&roots, &loaded.folder().join(path)) => {
                let title = "files may be read only below the config's folder or a vod's storage";
                ("file_not_allowed", title.to_owned())
            }
            (None, Some(address)) => match egress.check(address) {
                Err(refused) => ("address_not_allowed", refused.to_string()),
                Ok(()) => continue,
            },
            _ => continue,
        };
        let is_stored = stored.is_some_and(|stream| {
            stream.inputs.iter().any(|kept| {
                let kept = kept.url.reveal();
                kept == url || (url.contains(HIDDEN) && hide_in_url(kept) == url)
            })
        });
        if !is_stored {
            let (code, title) = fault;
            return Err(ApiError::forbidden(code, title).at(format!("/inputs/{index}/url")));
        }
    }
    Ok(())
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

    use super::*;
    use crate::settings::{Environment, load};

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
            let patch = json!({"inputs": [{"url": "publish://"}, {"url": url}]});
            assert_eq!(check(&loaded, name, &patch).is_ok(), is_allowed, "{name} {url}");
        }
    }
}
