//! Where a player connects to and what it asks for, from one URL.

/// A stream on a server, as the three strings that RTMP makes of its URL.
///
/// Split as ffmpeg and librtmp do, because that is what servers are used to: of one part, all is
/// the app; of two, the second is the stream; of more, the first two are the app (application and
/// instance). The query belongs to the last of them.
#[derive(Clone, PartialEq, Eq)]
pub struct PlayAddress {
    /// `rtmp://HOST:PORT/APP`, without user and password.
    pub tc_url: String,
    /// The application.
    pub app: String,
    /// The stream, with the query; empty if the app says it all.
    pub stream: String,
}

impl PlayAddress {
    /// Splits `target`, the path and query of the URL; `origin` is what stands before it:
    /// `rtmp://HOST:PORT`.
    #[must_use]
    pub fn new(origin: &str, target: &str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let path = path.trim_start_matches('/');
        let (app, stream) = match (path.match_indices('/').nth(1), path.split_once('/')) {
            (Some((second, _)), _) if second + 1 < path.len() => {
                let (app, stream) = path.split_at(second);
                (app, stream.trim_start_matches('/'))
            }
            (_, Some((app, stream))) => (app, stream),
            (_, None) => (path, ""),
        };
        let tail = query.map(|query| format!("?{query}")).unwrap_or_default();
        let (app, stream) = if stream.is_empty() {
            (format!("{app}{tail}"), String::new())
        } else {
            (app.to_owned(), format!("{stream}{tail}"))
        };
        Self { tc_url: format!("{origin}/{app}"), app, stream }
    }

    /// The same stream beneath another `tc_url`, which may end with it already; both have their
    /// parameters.
    pub(super) fn beneath(&self, tc_url: &str) -> String {
        let (app, app_query) = tc_url.split_once('?').unwrap_or((tc_url, ""));
        let (name, query) = self.stream.split_once('?').unwrap_or((&self.stream, ""));
        let app = app.trim_end_matches('/');
        let has_name = app.strip_suffix(name).is_some_and(|rest| rest.ends_with('/'));
        let mut url = app.to_owned();
        if !name.is_empty() && !has_name {
            url.push('/');
            url.push_str(name);
        }
        let own_query = if app_query.contains(query) { "" } else { query };
        let queries = [own_query, app_query].into_iter().filter(|query| !query.is_empty());
        for (index, query) in queries.enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(query);
        }
        url
    }
}

impl std::fmt::Debug for PlayAddress {
    /// Without the query, where tokens are.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self.beneath(&self.tc_url);
        f.write_str(url.split('?').next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(target: &str) -> (String, String) {
        let address = PlayAddress::new("rtmp://h:1935", target);
        assert_eq!(address.tc_url, format!("rtmp://h:1935/{}", address.app));
        (address.app, address.stream)
    }

    #[test]
    fn paths_are_split_as_by_ffmpeg() {
        for (target, app, stream) in [
            ("/live/cam", "live", "cam"),
            ("/live/cam?token=a/b", "live", "cam?token=a/b"),
            ("/live/room/cam", "live/room", "cam"),
            ("/live/room/a/cam", "live/room", "a/cam"),
            ("/cam", "cam", ""),
            ("/cam?token=x", "cam?token=x", ""),
            ("/live/", "live", ""),
            ("/live/cam/", "live", "cam/"),
            ("/", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(split(target), (app.to_owned(), stream.to_owned()), "{target}");
        }
    }

    #[test]
    fn redirects_keep_the_stream_once() {
        let address = PlayAddress::new("rtmp://a", "/live/cam?t=1");
        assert_eq!(address.beneath("rtmp://b:1/live"), "rtmp://b:1/live/cam?t=1");
        assert_eq!(address.beneath("rtmp://b:1/live/"), "rtmp://b:1/live/cam?t=1");
        assert_eq!(address.beneath("rtmp://b/live?_via=x"), "rtmp://b/live/cam?t=1&_via=x");
        let whole = "rtmp://b/live/cam?t=1&_via=x";
        assert_eq!(address.beneath(whole), whole);
        assert_eq!(PlayAddress::new("rtmp://a", "/cam").beneath("rtmp://b/cam"), "rtmp://b/cam");
        assert_eq!(format!("{address:?}"), "rtmp://a/live/cam");
    }
}
