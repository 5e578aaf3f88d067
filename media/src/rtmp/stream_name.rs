//! Which stream a client means: app, tcUrl and stream name put together.
//!
//! Encoders split `rtmp://host/static/studio/cam1?token=x` in many ways: the last part is the
//! stream name or there is none, the query stands behind the app, the stream name or in tcUrl. All
//! of them lead to the same name and parameters here. The name is what the client wrote, not yet a
//! valid one.

/// What a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamAddress {
    /// App and stream name without empty parts, one leading `static`, or `mp4:` and `flv:`.
    pub name: String,
    /// Parameters of the stream name, then of the app, then of tcUrl, decoded; the first one of a
    /// name counts.
    pub parameters: Vec<(String, String)>,
    /// The same as they were written, joined by `&`, to be passed on in a redirect.
    pub query: String,
}

impl StreamAddress {
    /// Puts together what a client said at connect, and at publish or play.
    #[must_use]
    pub fn new(app: &str, tc_url: &str, stream: &str) -> Self {
        let (app, app_query) = split_query(app);
        let (stream, stream_query) = split_query(stream);
        let (_, url_query) = split_query(tc_url);
        let mut queries = Vec::with_capacity(3);
        for query in [stream_query, app_query, url_query] {
            if !query.is_empty() && !queries.contains(&query) {
                queries.push(query);
            }
        }
        let query = queries.join("&");
        let parameters = query.split('&').filter(|pair| !pair.is_empty()).map(parameter).collect();
        Self { name: canonical_name(app, stream), parameters, query }
    }

    /// The value of a parameter, such as `password` or `token`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn split_query(text: &str) -> (&str, &str) {
    text.split_once('?').unwrap_or((text, ""))
}

fn canonical_name(app: &str, stream: &str) -> String {
    let parts = app.split('/').chain(stream.split('/')).map(without_file_prefix);
    let mut parts = parts.filter(|part| !part.is_empty());
    let mut name = String::new();
    let first = parts.next().filter(|part| *part != "static");
    for part in first.into_iter().chain(parts) {
        if !name.is_empty() {
            name.push('/');
        }
        name.push_str(part);
    }
    name
}

/// Drops the prefix by which Flash players name a file's format.
fn without_file_prefix(part: &str) -> &str {
    part.strip_prefix("mp4:").or_else(|| part.strip_prefix("flv:")).unwrap_or(part)
}

fn parameter(pair: &str) -> (String, String) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    (decode(name), decode(value))
}

/// Decodes `%41`; what is no such triple stays. Source: RFC 3986 §2.1.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match after {
            [high, low, after_escape @ ..] if first == b'%' => {
                hex_digit(*high).zip(hex_digit(*low)).map(|(h, l)| (h << 4 | l, after_escape))
            }
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(app: &str, stream: &str) -> String {
        StreamAddress::new(app, "", stream).name
    }

    #[test]
    fn app_and_stream_name_are_joined() {
        assert_eq!(name("studio", "cam1"), "studio/cam1");
        assert_eq!(name("cam1", ""), "cam1");
        assert_eq!(name("", "cam1"), "cam1");
        assert_eq!(name("/studio//a/", "/cam1/"), "studio/a/cam1");
        assert_eq!(name("studio?x=1", "cam1?y=2"), "studio/cam1");
        assert_eq!(name("", ""), "");
    }

    #[test]
    fn one_leading_static_and_file_prefixes_are_dropped() {
        assert_eq!(name("static", "cam1"), "cam1");
        assert_eq!(name("static/studio", "cam1"), "studio/cam1");
        assert_eq!(name("static", "static"), "static");
        assert_eq!(name("studio", "static"), "studio/static");
        assert_eq!(name("static", "mp4:cam1"), "cam1");
        assert_eq!(name("vod", "flv:a/b.flv"), "vod/a/b.flv");
        assert_eq!(name("", "static/mp4:cam1"), "cam1");
    }

    #[test]
    fn hostile_names_stay_as_written() {
        assert_eq!(name("..", "%2e%2e"), "../%2e%2e");
        assert_eq!(name("a\0b", "\r\n"), "a\0b/\r\n");
    }

    #[test]
    fn parameters_come_from_all_three_places() {
        let url = "rtmp://host/live?token=url&site=a";
        let address = StreamAddress::new("live?token=app", url, "cam?password=p%40ss&token=x%2");
        assert_eq!(address.parameter("password"), Some("p@ss"));
        assert_eq!(address.parameter("token"), Some("x%2"), "the stream name's counts");
        assert_eq!(address.parameter("site"), Some("a"));
        assert_eq!(address.parameter("none"), None);
        assert_eq!(address.query, "password=p%40ss&token=x%2&token=app&token=url&site=a");
        let same = StreamAddress::new("live?t=1", "rtmp://host/live?t=1", "cam");
        assert_eq!(same.query, "t=1", "tcUrl repeats the app");
    }
}
