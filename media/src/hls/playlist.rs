//! Renders playlists: the media playlist of a window, and the master playlist before it.
//!
//! Every URI repeats the query of the request, because tokens travel there. The query comes from
//! the client, so whatever could end a line or an attribute is escaped.

use std::fmt::Write as _;

use bytes::Bytes;

use super::{UnixMillis, Window};
use crate::codec;
use crate::time::Ticks;
use crate::track::Track;

/// Renders the media playlist; `query` (without `?`) goes to every URI.
///
/// Source: RFC 8216 §4.3. Version 3, for the fractions in `EXTINF`. They have six digits: durations
/// are added up, and what is rounded off to milliseconds becomes a tenth of a second in an hour.
#[must_use]
pub fn media(window: &Window, query: &str) -> Bytes {
    let suffix = suffix(query);
    let mut out = String::with_capacity(256 + window.listed().len() * (128 + suffix.len()));
    let _ = write!(
        out,
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{}\n\
         #EXT-X-DISCONTINUITY-SEQUENCE:{}\n",
        window.target_seconds(),
        window.media_sequence(),
        window.discontinuity_sequence(),
    );
    for segment in window.listed() {
        if segment.is_discontinuous {
            out.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let _ = write!(
            out,
            "#EXT-X-PROGRAM-DATE-TIME:{}\n#EXTINF:{:.6},\n{}{suffix}\n",
            date(segment.starts_at),
            segment.duration.seconds(),
            segment.name,
        );
    }
    Bytes::from(out)
}

/// Renders the playlist of a whole file, of segments of these durations; `name` names the segment
/// of a number, `query` (without `?`) goes to every URI.
///
/// Source: RFC 8216 §4.3.3.5 (`EXT-X-PLAYLIST-TYPE`). Microseconds, so that what is rounded does
/// not add up over the length of a film.
#[must_use]
pub fn whole(
    durations: impl ExactSizeIterator<Item = Ticks> + Clone,
    name: impl Fn(usize) -> String,
    query: &str,
) -> Bytes {
    let suffix = suffix(query);
    let target = durations.clone().map(|one| (one.0 + Ticks::PER_SECOND / 2) / Ticks::PER_SECOND);
    let mut out = String::with_capacity(256 + durations.len() * (64 + suffix.len()));
    let _ = write!(
        out,
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n",
        target.max().unwrap_or(0).max(1),
    );
    for (number, duration) in durations.enumerate() {
        let _ = write!(out, "#EXTINF:{:.6},\n{}{suffix}\n", duration.seconds(), name(number));
    }
    out.push_str("#EXT-X-ENDLIST\n");
    Bytes::from(out)
}

/// One variant stream of a master playlist.
#[derive(Clone, Copy, Debug)]
pub struct Variant<'a> {
    /// URI of its media playlist, relative to the master playlist.
    pub uri: &'a str,
    /// Tracks that the variant carries; those its container leaves out are not to be named here.
    pub tracks: &'a [Track],
    /// Highest bit rate of a segment, in bits per second.
    pub peak_bps: u64,
    /// Mean bit rate, in bits per second.
    pub average_bps: u64,
}

/// Renders the master playlist; `query` (without `?`) goes to every URI.
///
/// Source: RFC 8216 §4.3.4.2.
#[must_use]
pub fn master(variants: &[Variant<'_>], query: &str) -> Bytes {
    let suffix = suffix(query);
    let mut out = String::from("#EXTM3U\n#EXT-X-VERSION:3\n");
    for variant in variants {
        let _ = write!(out, "#EXT-X-STREAM-INF:BANDWIDTH={}", variant.peak_bps.max(1));
        if variant.average_bps > 0 {
            let _ = write!(out, ",AVERAGE-BANDWIDTH={}", variant.average_bps);
        }
        if let Some(shape) = variant.tracks.iter().find_map(|track| track.codec.video()) {
            if shape.width > 0 && shape.height > 0 {
                let _ = write!(out, ",RESOLUTION={}x{}", shape.width, shape.height);
            }
            if let Some((numerator, denominator)) = shape.fps {
                let rate = f64::from(numerator) / f64::from(denominator.max(1));
                let _ = write!(out, ",FRAME-RATE={rate:.3}");
            }
        }
        let mut names: Vec<String> =
            variant.tracks.iter().map(|track| codec::rfc6381(&track.codec)).collect();
        names.dedup();
        if !names.is_empty() {
            let _ = write!(out, ",CODECS=\"{}\"", names.join(","));
        }
        let _ = write!(out, "\n{}{suffix}\n", variant.uri);
    }
    Bytes::from(out)
}

/// The query behind a `?`, with all bytes escaped that have no place in a query; empty without one.
///
/// Source: RFC 3986 §3.4. A `%` stays: the query comes escaped.
fn suffix(query: &str) -> String {
    let mut out = String::with_capacity(query.len() + 1);
    for byte in query.bytes() {
        out.push_str(if out.is_empty() { "?" } else { "" });
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte);
        if is_plain {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Writes a date as ISO 8601 in UTC with milliseconds.
///
/// The civil calendar from days is the public algorithm of Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`, for years after 1970.
fn date(at: UnixMillis) -> String {
    let (seconds, millis) = (at.0 / 1000, at.0 % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::codec::{aac, h264};
    use crate::hls::{MuxedChunk, Segmenter, SegmenterSettings};
    use crate::track::TrackId;

    fn segmenter(seconds: i64) -> Segmenter {
        let settings =
            SegmenterSettings { segment_duration: Duration::from_secs(2), ..Default::default() };
        let start = 1_800_000_000_000;
        let mut segmenter = Segmenter::new(settings, "ab12", UnixMillis(start), 0);
        for half in 0..=seconds * 2 {
            let bytes = Bytes::from_static(&[0x47; 188]);
            let dts = Ticks::from_millis(half * 500);
            let now = UnixMillis(start + u64::try_from(half * 500).unwrap());
            segmenter.push(&MuxedChunk { bytes, dts, starts_keyframe: true }, now);
        }
        segmenter
    }

    #[test]
    fn media_playlist_lists_the_window() {
        let expected = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n\
            #EXT-X-MEDIA-SEQUENCE:900000000\n#EXT-X-DISCONTINUITY-SEQUENCE:9104\n\
            #EXT-X-DISCONTINUITY\n\
            #EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:00.000Z\n\
            #EXTINF:2.000000,\nab12-900000000.ts?token=a%22b\n\
            #EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:02.000Z\n\
            #EXTINF:2.000000,\nab12-900000001.ts?token=a%22b\n";
        assert_eq!(media(segmenter(4).window(), "token=a\"b"), expected.as_bytes());
    }

    #[test]
    fn an_hour_of_durations_adds_up() {
        let four_and_two_thirds = Ticks::from_clock(14, 3);
        let start = UnixMillis(1_800_000_000_000);
        let mut segmenter = Segmenter::new(SegmenterSettings::default(), "ab12", start, 0);
        for dts in [Ticks::from_millis(0), four_and_two_thirds] {
            let bytes = Bytes::from_static(&[0x47; 188]);
            segmenter.push(&MuxedChunk { bytes, dts, starts_keyframe: true }, start);
        }
        let text = String::from_utf8(segmenter.playlist().to_vec()).unwrap();
        let (_, told) = text.split_once("#EXTINF:").unwrap();
        let told: f64 = told.split_once(',').unwrap().0.parse().unwrap();
        let drift_seconds = (told - four_and_two_thirds.seconds()) / told * 3600.0;
        assert!(drift_seconds.abs() < 0.001, "{text}");
    }

    #[test]
    fn removed_break_counts_in_the_discontinuity_sequence() {
        let segmenter = segmenter(20);
        let text = String::from_utf8(segmenter.playlist().to_vec()).unwrap();
        assert!(text.contains("#EXT-X-MEDIA-SEQUENCE:900000006\n"));
        assert!(text.contains("#EXT-X-DISCONTINUITY-SEQUENCE:9105\n"));
        assert!(!text.contains("#EXT-X-DISCONTINUITY\n"));
        assert_eq!(text.matches("#EXTINF").count(), 4);
    }

    #[test]
    fn playlist_of_a_whole_file_ends() {
        let durations = [Ticks(360_030), Ticks(405_000), Ticks(1)];
        let expected = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n\
            #EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
            #EXTINF:4.000333,\nf-0.ts?t=1\n#EXTINF:4.500000,\nf-1.ts?t=1\n\
            #EXTINF:0.000011,\nf-2.ts?t=1\n#EXT-X-ENDLIST\n";
        let text = whole(durations.into_iter(), |number| format!("f-{number}.ts"), "t=1");
        assert_eq!(text, expected.as_bytes());
    }

    #[test]
    fn query_cannot_break_out_of_its_line() {
        assert_eq!(suffix(""), "");
        assert_eq!(suffix("a=b%20c&d"), "?a=b%20c&d");
        assert_eq!(suffix("x\r\n#EXT y<>\"é"), "?x%0D%0A%23EXT%20y%3C%3E%22%C3%A9");
    }

    #[test]
    fn master_playlist_describes_the_tracks() {
        const SPS: &[u8] = &[
            0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00,
            0x00, 0x0f, 0xa4, 0x00, 0x03, 0xa9, 0x80, 0x3c, 0x60, 0xc6, 0x58,
        ];
        let video = h264::config_from_parameter_sets(Bytes::from_static(SPS), vec![]).unwrap();
        let audio = aac::parse_audio_specific_config(&[0x11, 0x90]).unwrap();
        let track = |id, codec| Track { id: TrackId(id), codec, language: None };
        let tracks = [track(0, video), track(1, audio)];
        let variant =
            Variant { uri: "video.m3u8", tracks: &tracks, peak_bps: 2000, average_bps: 1500 };
        let expected = "#EXTM3U\n#EXT-X-VERSION:3\n\
            #EXT-X-STREAM-INF:BANDWIDTH=2000,AVERAGE-BANDWIDTH=1500,RESOLUTION=1920x1080,\
            FRAME-RATE=29.970,CODECS=\"avc1.640028,mp4a.40.2\"\nvideo.m3u8?t=1\n";
        assert_eq!(master(&[variant], "t=1"), expected.as_bytes());
    }

    #[test]
    fn dates_are_right_at_the_edges_of_months_and_years() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (millis, text) in table {
            assert_eq!(date(UnixMillis(millis)), text);
        }
    }
}
