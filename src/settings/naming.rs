//! What the names of items must look like, and which inputs work.

use url::Url;
use watershed_actors::names::check_stream_name;

use super::schema::Scope;
use super::secret::hide_in_url;

/// Every input scheme, and whether it works yet.
const INPUT_SCHEMES: [(&str, bool); 13] = [
    ("publish", true),
    ("file", true),
    ("rtsp", true),
    ("rtsps", false),
    ("rtmp", true),
    ("rtmps", true),
    ("hls", true),
    ("hlss", true),
    ("http", true),
    ("https", true),
    ("tshttp", true),
    ("tshttps", true),
    ("udp", true),
];

/// What is wrong with the name of an item in `scope`, and what would be right.
pub(crate) fn fault(scope: Scope, name: &str) -> Option<(String, String)> {
    let path_name = || {
        let error = check_stream_name(name).err()?;
        let expected = "letters, digits, `.` `-` `_`, and `/` between parts";
        Some((error.to_string(), expected.to_owned()))
    };
    match scope {
        Scope::Stream | Scope::Template | Scope::Vod => path_name(),
        Scope::Peer if !is_host_and_port(name) => {
            let what = format!("`{name}` is no hostname");
            Some((what, "a hostname, with `:PORT` if need be".to_owned()))
        }
        Scope::Source if !is_host_and_port(name) && !is_url(name, &["http", "https"]) => {
            let what = format!("`{}` is no server", hide_in_url(name));
            Some((what, "`HOST:PORT` or a URL".to_owned()))
        }
        Scope::Input => input_fault(name),
        Scope::Storage if name.is_empty() => Some((
            "a storage without a path".to_owned(),
            "a folder such as `/srv/films`".to_owned(),
        )),
        _ => None,
    }
}

/// The scheme of an input that is known and does not work yet.
pub(crate) fn unsupported_input(url: &str) -> Option<&'static str> {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme)?;
    INPUT_SCHEMES.iter().find(|(known, works)| *known == scheme && !works).map(|(known, _)| *known)
}

/// The schemes that work, for people.
pub(crate) fn working_inputs() -> String {
    let working = INPUT_SCHEMES.iter().filter(|(_, works)| *works);
    working.map(|(scheme, _)| format!("`{scheme}://`")).collect::<Vec<_>>().join(", ")
}

fn input_fault(url: &str) -> Option<(String, String)> {
    let shown = hide_in_url(url);
    let Some((scheme, rest)) = url.split_once("://") else {
        let what = format!("`{shown}` is no URL");
        return Some((what, "an input such as `publish://` or `file://film.mp4`".to_owned()));
    };
    if !INPUT_SCHEMES.iter().any(|(known, _)| *known == scheme) {
        let expected = format!("one of {}", working_inputs());
        return Some((format!("unknown input scheme `{scheme}`"), expected));
    }
    let (is_right, expected) = match scheme {
        "publish" => (rest.is_empty(), "`publish://` and nothing behind it"),
        "file" => (!rest.is_empty(), "a path behind `file://`"),
        "http" | "https" => (
            Url::parse(url).is_ok_and(|url| url.path().ends_with(".m3u8")),
            "`http://HOST/…m3u8` for HLS, `tshttp://HOST/…` for MPEG-TS",
        ),
        "udp" => (
            Url::parse(url).is_ok_and(|url| url.host().is_some() && url.port().is_some()),
            "`udp://ADDRESS:PORT`",
        ),
        _ => (
            Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(|host| !host.is_empty())),
            "a host, and `%XX` for special characters in the password",
        ),
    };
    (!is_right).then(|| (format!("`{shown}` is no input"), expected.to_owned()))
}

/// `HOST`, `HOST:PORT` or `[v6]:PORT`.
pub(crate) fn is_host_and_port(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:[]".contains(c);
    text.len() <= 255
        && text.chars().all(is_allowed)
        && !text.ends_with(':')
        && Url::parse(&format!("http://{text}"))
            .is_ok_and(|url| url.host_str().is_some_and(|host| !host.is_empty()))
}

fn is_url(text: &str, schemes: &[&str]) -> bool {
    text.contains("://")
        && Url::parse(text).is_ok_and(|url| schemes.contains(&url.scheme()) && url.host().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_by_what_they_name() {
        for name in ["south", "streamer:8081", "10.0.0.1", "[::1]:80", "a_b.c"] {
            assert_eq!(fault(Scope::Peer, name), None, "{name}");
        }
        for name in ["", "a/b", "http://a", "a:99999", "a b", "a@b", ":80", "a:"] {
            assert!(fault(Scope::Peer, name).is_some(), "{name}");
        }
        assert!(fault(Scope::Stream, "a/../b").is_some());
        assert_eq!(fault(Scope::Source, "origin1:8081"), None);
    }

    #[test]
    fn inputs_need_a_known_scheme_and_an_address() {
        for url in ["publish://", "file://a.mp4", "udp://239.0.0.1:5000", "rtsp://u:p@h/1"] {
            assert_eq!(fault(Scope::Input, url), None, "{url}");
        }
        for url in [
            "",
            "x",
            "publish://x",
            "file://",
            "udp://239.0.0.1",
            "ftp://h",
            "rtsp://",
            "http://h/a.ts",
        ] {
            assert!(fault(Scope::Input, url).is_some(), "{url}");
        }
        assert_eq!(unsupported_input("rtsps://h/1"), Some("rtsps"));
        assert_eq!(unsupported_input("rtsp://h/1"), None);
        assert_eq!(unsupported_input("publish://"), None);
    }
}
