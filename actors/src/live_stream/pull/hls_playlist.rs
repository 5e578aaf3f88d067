//! Reads the playlists of others: as much of them as live MPEG-TS needs.
//!
//! What the words ask for and this node cannot do (encryption, fragmented MP4, byte ranges) is an
//! error with its name, not a guess.
//!
//! Source: RFC 8216 §4.3.

use std::time::Duration;

use thiserror::Error;

/// Most segments of a playlist that are looked at, the latest ones; far more than live ones have.
const SEGMENTS_MAX: usize = 4096;

/// A playlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Playlist {
    /// Names the URI of the variant with the highest rate.
    Master { best: String },
    /// Lists segments.
    Media(MediaPlaylist),
}

/// A list of segments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MediaPlaylist {
    /// No segment is longer.
    pub(super) target: Duration,
    /// No segment will follow.
    pub(super) is_ended: bool,
    /// In order, numbered without gaps.
    pub(super) segments: Vec<MediaSegment>,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MediaSegment {
    pub(super) sequence: u64,
    pub(super) uri: String,
    /// Its times do not follow from those of the segment before.
    pub(super) is_discontinuous: bool,
}

/// Why a playlist cannot be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum PlaylistFault {
    /// It does not begin as playlists do.
    #[error("not an HLS playlist")]
    NoPlaylist,
    /// A master playlist without a variant.
    #[error("the playlist names no stream")]
    Empty,
    /// What is not supported.
    #[error("{0} are not supported")]
    Unsupported(&'static str),
}

/// Reads a playlist of either kind.
pub(super) fn read(text: &str) -> Result<Playlist, PlaylistFault> {
    let text = text.trim_start_matches('\u{feff}');
    if !text.starts_with("#EXTM3U") {
        return Err(PlaylistFault::NoPlaylist);
    }
    if text.contains("#EXT-X-STREAM-INF:") { read_master(text) } else { read_media(text) }
}

fn read_master(text: &str) -> Result<Playlist, PlaylistFault> {
    let mut best: Option<(u64, &str)> = None;
    let mut bandwidth = None;
    for line in text.lines().map(str::trim) {
        if let Some(attributes) = line.strip_prefix("#EXT-X-STREAM-INF:") {
            let rate = attribute(attributes, "BANDWIDTH").and_then(|rate| rate.parse().ok());
            bandwidth = Some(rate.unwrap_or(0));
        } else if !line.is_empty() && !line.starts_with('#') {
            let rate = bandwidth.take();
            best = best.max(rate.map(|rate| (rate, line)));
        }
    }
    let (_, uri) = best.ok_or(PlaylistFault::Empty)?;
    Ok(Playlist::Master { best: uri.to_owned() })
}

fn read_media(text: &str) -> Result<Playlist, PlaylistFault> {
    let mut playlist = MediaPlaylist::default();
    let mut sequence: u64 = 0;
    let mut is_discontinuous = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXT-X-TARGETDURATION" => {
                playlist.target = Duration::from_secs(value.parse::<u32>().unwrap_or(0).into());
            }
            "#EXT-X-MEDIA-SEQUENCE" => sequence = value.parse().unwrap_or(0),
            "#EXT-X-DISCONTINUITY" => is_discontinuous = true,
            "#EXT-X-ENDLIST" => playlist.is_ended = true,
            "#EXT-X-MAP" => return Err(PlaylistFault::Unsupported("fMP4 segments")),
            "#EXT-X-BYTERANGE" => return Err(PlaylistFault::Unsupported("byte ranges")),
            "#EXT-X-KEY" if attribute(value, "METHOD") != Some("NONE") => {
                return Err(PlaylistFault::Unsupported("encrypted segments"));
            }
            _ if line.starts_with('#') => {}
            _ => {
                // Seldom and many at once: each time moves all that stay.
                if playlist.segments.len() == 2 * SEGMENTS_MAX {
                    playlist.segments.drain(..SEGMENTS_MAX);
                }
                let uri = line.to_owned();
                playlist.segments.push(MediaSegment { sequence, uri, is_discontinuous });
                sequence = sequence.saturating_add(1);
                is_discontinuous = false;
            }
        }
    }
    let surplus = playlist.segments.len().saturating_sub(SEGMENTS_MAX);
    playlist.segments.drain(..surplus);
    Ok(Playlist::Media(playlist))
}

/// The value of an attribute, which may stand in quotes with commas inside. Source: §4.2.
fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut is_quoted = false;
    let at_commas = list.split(|c| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    });
    for pair in at_commas {
        if let Some((key, value)) = pair.split_once('=')
            && key.trim() == name
        {
            return Some(value.trim().trim_matches('"'));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_playlists_number_their_segments() {
        let text = "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-MEDIA-SEQUENCE:7\r\n\
                    #EXTINF:4.0,\r\na.ts?x=1\r\n\r\n#EXT-X-KEY:METHOD=NONE\n\
                    #EXT-X-DISCONTINUITY\n#EXTINF:3.5,title\nhttp://b/b.ts\n#EXT-X-ENDLIST";
        let Ok(Playlist::Media(playlist)) = read(text) else { panic!("no media playlist") };
        assert!(playlist.is_ended);
        assert_eq!(playlist.target, Duration::from_secs(4));
        let seen: Vec<_> = playlist.segments.iter().map(|s| (s.sequence, &s.uri[..])).collect();
        assert_eq!(seen, [(7, "a.ts?x=1"), (8, "http://b/b.ts")]);
        assert!(!playlist.segments[0].is_discontinuous && playlist.segments[1].is_discontinuous);
    }

    #[test]
    fn highest_rate_of_a_master_playlist_wins() {
        let text = "#EXTM3U\n#EXT-X-STREAM-INF:CODECS=\"a,BANDWIDTH=9\",BANDWIDTH=100\nlow.m3u8\n\
                    #EXT-X-STREAM-INF:BANDWIDTH=2000,RESOLUTION=1x1\n# a comment\nhigh.m3u8\n";
        assert_eq!(read(text), Ok(Playlist::Master { best: "high.m3u8".to_owned() }));
    }

    #[test]
    fn what_cannot_be_played_is_named() {
        for (text, words) in [
            ("", "not an HLS playlist"),
            ("<html>", "not an HLS playlist"),
            ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n", "the playlist names no stream"),
            ("#EXTM3U\n#EXT-X-MAP:URI=\"i.mp4\"\n", "fMP4 segments are not supported"),
            ("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128\n", "encrypted segments are not supported"),
            ("#EXTM3U\n#EXT-X-BYTERANGE:1@2\n", "byte ranges are not supported"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), words, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn noise_never_panics(
            text in "\\PC{0,200}",
            lines in "(#EXT[A-Z:=\",0-9-]{0,30}\n){0,20}",
        ) {
            let _ = read(&text);
            let _ = read(&format!("#EXTM3U\n{lines}{text}"));
        }
    }
}
