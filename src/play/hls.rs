//! HLS: playlists and segments of a stream that is here, the master playlist of one that is not.

use std::convert::Infallible;
use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, body};
use bytes::Bytes;
use futures_util::stream;
use watershed_actors::live_stream::{Broadcast, StreamStatus, Taker};
use watershed_actors::names::Protocol;
use watershed_actors::session_registry::PlayerRefused;
use watershed_actors::stream_hub::LocalEntry;
use watershed_media::hls::Segment;
use watershed_media::hls::playlist::{self, Variant};

use super::path::Output;
use super::{Asked, Play, answers, uri_query};

pub(super) const SEGMENT_TYPE: &str = "video/mp2t";
pub(super) const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";
/// The media playlist's URI in a master playlist.
pub(super) const MEDIA_URI: &str = "video.m3u8";
/// Said of a stream whose first segment has not been measured, so that players have a number.
const UNMEASURED_BPS: u64 = 2_000_000;

/// What a player can be given at once.
pub(super) enum Ready {
    /// A playlist.
    Playlist(Bytes),
    /// A segment.
    Segment(Found),
}

/// A segment that is there.
pub(super) struct Found {
    /// The segment, in the pieces that all its readers share.
    pub(super) segment: Arc<Segment>,
    lifetime_s: u64,
}

impl Found {
    /// How long it may be kept, in the words of `Cache-Control`.
    pub(super) fn cache_control(&self) -> String {
        format!("public, max-age={}, immutable", self.lifetime_s)
    }
}

/// What `asked` is given without waiting; none where it has to wait, be refused or be told that
/// there is no such thing.
pub(super) fn ready(play: &Play, entry: &LocalEntry, asked: &Asked<'_>) -> Option<Ready> {
    let broadcast = &entry.broadcast;
    let query = uri_query(asked);
    match asked.output {
        Output::Master | Output::Media if !broadcast.viewers().has_room() => None,
        Output::Master if broadcast.status() == StreamStatus::Running => {
            play.saw_player(entry, asked).ok()?;
            Some(Ready::Playlist(master_text(broadcast, query.as_deref())))
        }
        Output::Media if broadcast.status() == StreamStatus::Running && !is_empty(broadcast) => {
            play.saw_player(entry, asked).ok()?;
            Some(Ready::Playlist(media_text(broadcast, query.as_deref())))
        }
        Output::Segment(name) => take_segment(play, entry, name, asked)?.ok().map(Ready::Segment),
        _ => None,
    }
}

/// The master playlist; waits for the stream to start.
pub(super) async fn master(entry: &LocalEntry, query: Option<&str>) -> HttpResponse {
    if !entry.wait_until_running(2 * entry.broadcast.segment_duration()).await {
        return answers::later();
    }
    playlist(master_text(&entry.broadcast, query))
}

fn master_text(broadcast: &Broadcast, query: Option<&str>) -> Bytes {
    let tracks = broadcast.tracks();
    let (peak, average) = broadcast.hls(|hls| hls.window().bandwidth_bps());
    let variant = Variant {
        uri: MEDIA_URI,
        tracks: &tracks,
        peak_bps: if peak == 0 { UNMEASURED_BPS } else { peak },
        average_bps: average,
    };
    playlist::master(&[variant], query.unwrap_or_default())
}

/// The master playlist of a stream that is elsewhere: its media playlist is asked here again, so
/// that a player outlives the death of the holder.
pub(super) fn remote_master(query: Option<&str>) -> HttpResponse {
    let variant = Variant { uri: MEDIA_URI, tracks: &[], peak_bps: UNMEASURED_BPS, average_bps: 0 };
    playlist(playlist::master(&[variant], query.unwrap_or_default()))
}

/// The media playlist; waits for the first segment.
pub(super) async fn media(entry: &LocalEntry, query: Option<&str>) -> HttpResponse {
    entry.start();
    if !has_segment(&entry.broadcast).await {
        return answers::later();
    }
    playlist(media_text(&entry.broadcast, query))
}

fn media_text(broadcast: &Broadcast, query: Option<&str>) -> Bytes {
    broadcast.hls(|hls| match query {
        None => hls.playlist(),
        Some(query) => playlist::media(hls.window(), query),
    })
}

/// A segment; it is not counted as sent for a HEAD.
pub(super) fn segment(
    play: &Play,
    entry: &LocalEntry,
    name: &str,
    asked: &Asked<'_>,
    is_head: bool,
) -> HttpResponse {
    let found = match is_head {
        true => find_segment(entry, name).map(Ok),
        false => take_segment(play, entry, name, asked),
    };
    let found = match found {
        None => return answers::not_found("no such segment, or no longer"),
        Some(Err(refused)) => return answers::player_refused(refused),
        Some(Ok(found)) => found,
    };
    let cache_control = found.cache_control();
    let Found { segment, .. } = found;
    let size = u64::try_from(segment.size_bytes).unwrap_or(u64::MAX);
    let pieces = (0..segment.pieces.len()).map(move |index| piece(&segment, index));
    answers::builder(StatusCode::OK)
        .content_type(SEGMENT_TYPE)
        .insert_header((header::CACHE_CONTROL, cache_control))
        .body(body::SizedStream::new(size, stream::iter(pieces)))
}

/// The segment, counted as taken by the player; none if there is none of that name.
fn take_segment(
    play: &Play,
    entry: &LocalEntry,
    name: &str,
    asked: &Asked<'_>,
) -> Option<Result<Found, PlayerRefused>> {
    let found = find_segment(entry, name)?;
    let (player, bytes) = (play.player_id(asked), found.segment.size_bytes);
    let taken = play.sessions.player_took(player, bytes, asked.now);
    Some(taken.map(|()| {
        entry.broadcast.counters().sent(Taker::Client(Protocol::Hls), bytes);
        found
    }))
}

fn find_segment(entry: &LocalEntry, name: &str) -> Option<Found> {
    let segment = entry.broadcast.segment(name)?;
    let lifetime_s = entry.broadcast.segment_duration().as_secs().max(1)
        * u64::try_from(entry.spec.segment_count).unwrap_or(1);
    Some(Found { segment, lifetime_s })
}

fn piece(segment: &Arc<Segment>, index: usize) -> Result<Bytes, Infallible> {
    Ok(segment.pieces.get(index).cloned().unwrap_or_default())
}

/// Whether the playlist has a segment, waiting for it up to twice its duration.
async fn has_segment(broadcast: &Broadcast) -> bool {
    let mut cut = broadcast.watch_segments();
    let limit = tokio::time::Instant::now() + 2 * broadcast.segment_duration();
    while is_empty(broadcast) {
        cut.borrow_and_update();
        if !is_empty(broadcast) {
            break;
        }
        match tokio::time::timeout_at(limit, cut.changed()).await {
            Ok(Ok(())) => {}
            _ => return false,
        }
    }
    true
}

fn is_empty(broadcast: &Broadcast) -> bool {
    broadcast.hls(|hls| hls.window().listed().len() == 0)
}

/// A playlist, for now.
pub(super) fn playlist(text: Bytes) -> HttpResponse {
    answers::uncached(StatusCode::OK).content_type(PLAYLIST_TYPE).body(text)
}
