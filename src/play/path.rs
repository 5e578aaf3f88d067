//! Which output of which stream a path names.
//!
//! The path is looked at as it was sent: a stream name holds no `%`, so a path with one names no
//! stream, and nothing has to be decoded, normalised or guessed.

use watershed_actors::names::{Protocol, check_stream_name};

use super::progressive::Endless;

/// One output of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output<'a> {
    /// `/NAME/index.m3u8`: the HLS master playlist.
    Master,
    /// `/NAME/video.m3u8`: the HLS media playlist.
    Media,
    /// `/NAME/SEGMENT.ts`: an HLS segment.
    Segment(&'a str),
    /// `/NAME/mpegts` and `/NAME/live.flv`.
    Endless(Endless),
    /// `/NAME/embed.html`: the player page.
    Embed,
    /// `/NAME/media_info.json`: the tracks.
    MediaInfo,
    /// `/NAME/preview.jpg`: the last keyframe as a picture.
    Preview,
    /// What this node does not make of its own streams; a peer's are redirected to all the same.
    Other,
}

impl Output<'_> {
    /// Whether it goes on as long as the stream.
    pub(crate) const fn is_endless(self) -> bool {
        matches!(self, Self::Endless(_))
    }

    /// The protocol that a peer needs a listener for.
    pub(crate) const fn protocol(self) -> Protocol {
        match self {
            Self::Endless(Endless::MpegTs) => Protocol::Tshttp,
            Self::Endless(Endless::Flv) => Protocol::Flv,
            Self::Master
            | Self::Media
            | Self::Segment(_)
            | Self::Embed
            | Self::MediaInfo
            | Self::Preview
            | Self::Other => Protocol::Hls,
        }
    }
}

/// Splits the path of a request into a stream's name and an output.
///
/// `None` if it names no output or the name breaks a rule of SPEC section 1.
pub(crate) fn parse(path: &str) -> Option<(&str, Output<'_>)> {
    let path = path.strip_prefix('/')?;
    let (name, last) = path.rsplit_once('/')?;
    let (name, output) = match last {
        "index.m3u8" => (name, Output::Master),
        "video.m3u8" => (name, Output::Media),
        "mpegts" => (name, Output::Endless(Endless::MpegTs)),
        "live.flv" => (name, Output::Endless(Endless::Flv)),
        "embed.html" => (name, Output::Embed),
        "media_info.json" => (name, Output::MediaInfo),
        "preview.jpg" => (name, Output::Preview),
        "index.fmp4.m3u8" | "index.ll.m3u8" => (name, Output::Other),
        segment if segment.ends_with(".ts") => (name, Output::Segment(segment)),
        _ => return None,
    };
    check_stream_name(name).ok()?;
    Some((name, output))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_output_is_found_behind_names_of_any_depth() {
        assert_eq!(parse("/cam1/index.m3u8"), Some(("cam1", Output::Master)));
        assert_eq!(parse("/a/b/c/video.m3u8"), Some(("a/b/c", Output::Media)));
        let endless = |kind| Some(("cam1", Output::Endless(kind)));
        assert_eq!(parse("/cam1/mpegts"), endless(Endless::MpegTs));
        assert_eq!(parse("/cam1/live.flv"), endless(Endless::Flv));
        assert_eq!(parse("/cam1/embed.html"), Some(("cam1", Output::Embed)));
        assert_eq!(parse("/cam1/preview.jpg"), Some(("cam1", Output::Preview)));
        assert_eq!(parse("/cam1/ab-1.ts"), Some(("cam1", Output::Segment("ab-1.ts"))));
    }

    #[test]
    fn paths_that_name_no_stream_are_none() {
        let long = format!("/{}/index.m3u8", "a".repeat(10_240));
        for path in [
            "/index.m3u8",
            "//index.m3u8",
            "/../index.m3u8",
            "/a/../b/index.m3u8",
            "/%2e%2e/index.m3u8",
            "/a%00/index.m3u8",
            "/a%0d%0a/mpegts",
            "/cam1",
            "/cam1/other",
            "/streamer/x/index.m3u8",
            "cam1/index.m3u8",
            "",
            &long,
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
