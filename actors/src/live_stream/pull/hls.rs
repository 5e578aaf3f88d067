//! `hls://`, `hlss://` and `http(s)://…m3u8`: MPEG-TS segments of a live playlist.
//!
//! The player keeps some segments behind the live edge and gives packets out in step with their
//! times, so that the stream flows though it comes in pieces. A URI of the playlist is trusted as
//! the config's own URL is if it leads to the same server, else only where the policy allows.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use url::Url;
use watershed_media::mpegts::Demuxer;
use watershed_media::packet::StreamItem;

use super::super::pacer::Pacer;
use super::connection::Origin;
use super::error::PullError;
use super::hls_playlist::{self, MediaPlaylist, MediaSegment, Playlist};
use super::sink::Sink;
use super::source::PullSource;
use super::web::Web;

/// How far behind the live edge a player begins, in segments. Source: RFC 8216 §6.3.3.
const BEHIND_LIVE: usize = 3;
/// A playlist is asked for again after half a target duration, but not more often than this.
const RELOAD_MIN: Duration = Duration::from_millis(500);
/// A packet due within this is handed on at once: timers are no finer.
const TIMER_GRAIN: Duration = Duration::from_millis(2);
/// Master playlists that lead to one another end here.
const MASTERS_MAX: usize = 2;

/// Plays until the playlist ends or something fails.
pub(super) async fn play(source: &PullSource, sink: &Sink) -> Result<Infallible, PullError> {
    let first = source.url.as_http().ok_or(PullError::Scheme)?;
    let web = Web::new(&source.url, &source.egress)?;
    let player = Player { source, web, first: first.clone() };
    let mut url = first;
    let mut output = Output { sink, demuxer: Demuxer::new(), pacer: Pacer::default() };
    let mut masters = 0;
    let mut next = None;
    loop {
        let (base, playlist) = player.playlist(url.clone()).await?;
        let playlist = match playlist {
            Playlist::Media(playlist) => playlist,
            Playlist::Master { best } if masters < MASTERS_MAX => {
                masters += 1;
                url = base.join(&best).map_err(|_| PullError::BadRedirect)?;
                continue;
            }
            Playlist::Master { .. } => return Err(PullError::BadRedirect),
        };
        let mut has_played = false;
        for segment in due(&playlist, next) {
            let has_gap = next.is_some_and(|next| next != segment.sequence);
            if has_gap || segment.is_discontinuous {
                output.begin_anew()?;
            }
            next = Some(segment.sequence.saturating_add(1));
            let url = base.join(&segment.uri).map_err(|_| PullError::BadRedirect)?;
            output.play(&player.bytes(url, source.limits.segment_bytes_max).await?.1).await?;
            has_played = true;
        }
        if playlist.is_ended {
            return Err(PullError::Ended(String::new()));
        }
        if !has_played {
            tokio::time::sleep((playlist.target / 2).max(RELOAD_MIN)).await;
        }
    }
}

/// The segments to be played: those from `next` on, or the last few. A playlist that has begun
/// anew is played from there.
fn due(playlist: &MediaPlaylist, next: Option<u64>) -> &[MediaSegment] {
    let segments = &playlist.segments;
    let latest = segments.last().map_or(0, |segment| segment.sequence);
    let from = match next {
        Some(next) if next <= latest.saturating_add(1) => {
            segments.partition_point(|segment| segment.sequence < next)
        }
        _ if playlist.is_ended => 0,
        _ => segments.len().saturating_sub(BEHIND_LIVE),
    };
    segments.get(from..).unwrap_or_default()
}

/// Asks for playlists and segments.
struct Player<'a> {
    source: &'a PullSource,
    web: Web<'a>,
    first: Url,
}

impl<'a> Player<'a> {
    async fn playlist(&self, url: Url) -> Result<(Url, Playlist), PullError> {
        let (base, bytes) = self.bytes(url, self.source.limits.playlist_bytes_max).await?;
        let playlist = hls_playlist::read(&String::from_utf8_lossy(&bytes));
        Ok((base, playlist.map_err(|fault| PullError::Media(fault.to_string()))?))
    }

    /// The whole body, of at most `limit` bytes, and where it came from.
    async fn bytes(&self, url: Url, limit: usize) -> Result<(Url, Vec<u8>), PullError> {
        let origin = self.origin(&url);
        let (url, mut body) = self.web.get(url, origin).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| PullError::Media(error.to_string()))?;
            if bytes.len() + piece.len() > limit {
                return Err(PullError::Media(format!("an answer of more than {limit} bytes")));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok((url, bytes))
    }

    fn origin(&self, url: &Url) -> Origin<'a> {
        if url.origin() == self.first.origin() {
            Origin::Config
        } else {
            Origin::Remote(&self.source.egress)
        }
    }
}

/// Gives packets out in step with their times.
struct Output<'a> {
    sink: &'a Sink,
    demuxer: Demuxer,
    pacer: Pacer,
}

impl Output<'_> {
    /// What follows has times of its own.
    fn begin_anew(&mut self) -> Result<(), PullError> {
        self.demuxer = Demuxer::new();
        self.pacer.restart();
        self.sink.write(StreamItem::Discontinuity)
    }

    async fn play(&mut self, segment: &[u8]) -> Result<(), PullError> {
        let mut items = Vec::new();
        self.demuxer.push(segment, &mut items);
        for item in items {
            match &item {
                StreamItem::Packet(packet) => {
                    let now = Instant::now();
                    let wait = self.pacer.due(packet.dts, now).saturating_duration_since(now);
                    if wait > TIMER_GRAIN {
                        tokio::time::sleep(wait).await;
                    }
                }
                StreamItem::Discontinuity => self.pacer.restart(),
                StreamItem::Tracks(_) => {}
            }
            self.sink.write(item)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn playlist(sequences: std::ops::Range<u64>, is_ended: bool) -> MediaPlaylist {
        let segment =
            |sequence| MediaSegment { sequence, uri: String::new(), is_discontinuous: false };
        let segments = sequences.map(segment).collect();
        MediaPlaylist { target: Duration::from_secs(4), is_ended, segments }
    }

    #[test]
    fn playing_begins_near_the_live_edge_and_goes_on_without_gaps() {
        let numbers = |playlist: &MediaPlaylist, next| {
            due(playlist, next).iter().map(|segment| segment.sequence).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&playlist(10..20, false), None), [17, 18, 19]);
        assert_eq!(numbers(&playlist(10..20, true), None).len(), 10);
        assert_eq!(numbers(&playlist(10..20, false), Some(18)), [18, 19]);
        assert_eq!(numbers(&playlist(10..20, false), Some(20)), [0; 0]);
        assert_eq!(numbers(&playlist(10..12, false), Some(5)), [10, 11], "some were missed");
        assert_eq!(numbers(&playlist(0..2, false), Some(900)), [0, 1], "the server began anew");
        assert_eq!(numbers(&playlist(0..0, false), None), [0; 0]);
    }
}
