//! What was described or announced on a connection, and which of its tracks a URL means.
//!
//! Clients build a track's URL from that of the stream by appending `/` and the `a=control` of the
//! track. Where the stream's URL has a query, ffmpeg, VLC and live555 append to the query, and
//! GStreamer to the path:
//!
//! ```text
//!  rtsp://h/cam/?token=t/trackID=0      rtsp://h/cam/trackID=0?token=t
//! ```

use crate::rtsp::url::{StreamUrl, Target};

/// A stream as this connection knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Presentation {
    /// Whether the client is to publish it.
    pub(super) is_record: bool,
    /// Path of the stream's URL, without `/` at its ends.
    path: String,
    /// The `a=control` of each track; empty where a track has none.
    controls: Vec<String>,
}

/// What a URL means to a presentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A track, by its place in the description.
    Track(usize),
    /// All tracks.
    Aggregate,
    /// Nothing of it.
    Nothing,
}

impl Presentation {
    pub(super) fn new(is_record: bool, url: &StreamUrl) -> Self {
        let path = url.path.trim_matches('/').to_owned();
        Self { is_record, path, controls: Vec::new() }
    }

    /// Takes note of the tracks in `sdp`: each `m=` line and the `a=control` below it.
    /// Source: RFC 2326 appendix C.1.1, RFC 8866 §5.
    pub(super) fn set_tracks(&mut self, sdp: &str) {
        self.controls.clear();
        for line in sdp.lines() {
            if line.starts_with("m=") {
                self.controls.push(String::new());
            } else if let (Some(control), Some(last)) =
                (line.strip_prefix("a=control:"), self.controls.last_mut())
            {
                control.trim().clone_into(last);
            }
        }
    }

    pub(super) const fn track_count(&self) -> usize {
        self.controls.len()
    }

    /// Finds out what `url` means.
    pub(super) fn meaning(&self, url: &StreamUrl) -> Meaning {
        let track = self.controls.iter().position(|control| self.is_track(control, url));
        match track {
            Some(track) => Meaning::Track(track),
            None if self.is_stream(&url.path) => Meaning::Aggregate,
            None => Meaning::Nothing,
        }
    }

    fn is_track(&self, control: &str, url: &StreamUrl) -> bool {
        if control.is_empty() || control == "*" {
            return false;
        }
        if control.contains("://") {
            let meant = Target::parse(control);
            return matches!(meant, Ok(Target::Stream(meant)) if meant.path == url.path);
        }
        // A control with a query of its own, as some cameras announce.
        let whole = url.query.as_ref().map(|query| format!("{}?{query}", url.path));
        let stream_part = |text: &str| {
            let before = text.trim_end_matches('/').strip_suffix(control)?;
            before.ends_with('/').then(|| before.to_owned())
        };
        stream_part(&url.path)
            .or_else(|| whole.and_then(|whole| stream_part(&whole)))
            .is_some_and(|stream| self.is_stream(stream.split('?').next().unwrap_or_default()))
    }

    fn is_stream(&self, path: &str) -> bool {
        path.trim_matches('/') == self.path
    }
}

/// The URL to which controls are relative, from the one that was described: its path ends in `/`.
/// Source: RFC 2326 appendix C.1.1.
pub(super) fn content_base(target: &str) -> String {
    let (hierarchy, query) = match target.split_once('?') {
        Some((hierarchy, query)) => (hierarchy, Some(query)),
        None => (target, None),
    };
    let slash = if hierarchy.ends_with('/') { "" } else { "/" };
    match query {
        Some(query) => format!("{hierarchy}{slash}?{query}"),
        None => format!("{hierarchy}{slash}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> StreamUrl {
        match Target::parse(text) {
            Ok(Target::Stream(url)) => url,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn presentation(controls: &[&str]) -> Presentation {
        let mut presentation = Presentation::new(false, &url("rtsp://h/a/cam?token=t/u"));
        let tracks = controls.iter().map(|control| match *control {
            "" => "m=audio 0 RTP/AVP 0\r\n".to_owned(),
            control => format!("m=video 0 RTP/AVP 96\r\na=control:{control}\r\n"),
        });
        presentation.set_tracks(&format!("v=0\r\na=control:*\r\n{}", tracks.collect::<String>()));
        presentation
    }

    #[test]
    fn tracks_are_found_however_clients_build_their_urls() {
        let table = [
            ("rtsp://h/a/cam/trackID=0", Meaning::Track(0)),
            ("rtsp://10.0.0.1:554/a/cam/trackID=1", Meaning::Track(1)),
            ("rtsp://h/a/cam/trackID=1/", Meaning::Track(1)),
            ("rtsp://h/a/cam/trackID=1?token=t/u", Meaning::Track(1)),
            ("rtsp://h/a/cam?token=t/u/trackID=1", Meaning::Track(1)),
            ("rtsp://h/a/cam/?token=t/u/trackID=1", Meaning::Track(1)),
            ("rtsp://h/a/cam//trackID=1", Meaning::Track(1)),
            ("/a/cam/trackID=1", Meaning::Track(1)),
            ("rtsp://h/else/camera?x=1&y=2", Meaning::Track(2)),
            ("rtsp://h/a/cam", Meaning::Aggregate),
            ("rtsp://h/a/cam/?token=t/u", Meaning::Aggregate),
            ("rtsp://h/a/cam/trackID=2", Meaning::Nothing),
            ("rtsp://h/a/cam/trackID=11", Meaning::Nothing),
            ("rtsp://h/a/cam2/trackID=1", Meaning::Nothing),
            ("rtsp://h/trackID=1", Meaning::Nothing),
            ("rtsp://h/a/camtrackID=1", Meaning::Nothing),
            ("rtsp://h/a/other?x=/a/cam/trackID=1", Meaning::Nothing),
            ("rtsp://h", Meaning::Nothing),
        ];
        let presentation = presentation(&["trackID=0", "trackID=1", "rtsp://x/else/camera", ""]);
        assert_eq!(presentation.track_count(), 4);
        for (text, wanted) in table {
            assert_eq!(presentation.meaning(&url(text)), wanted, "{text}");
        }
    }

    #[test]
    fn control_may_carry_a_query() {
        let presentation = presentation(&["video?id=1", "video?id=2"]);
        let meaning = presentation.meaning(&url("rtsp://h/a/cam/video?id=2"));
        assert_eq!(meaning, Meaning::Track(1));
    }

    #[test]
    fn base_ends_its_path_in_a_slash_and_keeps_the_query() {
        for (target, wanted) in [
            ("rtsp://h/cam", "rtsp://h/cam/"),
            ("rtsp://h:1/a/cam/", "rtsp://h:1/a/cam/"),
            ("rtsp://h/cam?a=b?c", "rtsp://h/cam/?a=b?c"),
            ("/cam", "/cam/"),
        ] {
            assert_eq!(content_base(target), wanted);
        }
    }
}
