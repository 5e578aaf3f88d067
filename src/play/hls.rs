//! HLS: playlists and segments of a stream that is here, the master playlist of one that is not.

use std::convert::Infallible;
use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, body};
use bytes::Bytes;
use futures_util::stream;
use watershed_actors::live_stream::Broadcast;
use watershed_actors::stream_hub::LocalEntry;
use watershed_media::hls::playlist::{self, Variant};

use super::{Asked, Play, answers};

const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";
/// The media playlist's URI in a master playlist.
const MEDIA_URI: &str = "video.m3u8";
/// Said of a stream whose first segment has not been measured, so that players have a number.
const UNMEASURED_BPS: u64 = 2_000_000;

/// The master playlist; waits for the stream to start.
pub(super) async fn master(entry: &LocalEntry, query: Option<&str>) -> HttpResponse {
    if !entry.wait_until_running(2 * entry.broadcast.segment_duration()).await {
        return answers::later();
    }
    let tracks = entry.broadcast.tracks();
    let (peak, average) = entry.broadcast.hls(|hls| hls.window().bandwidth_bps());
    let variant = Variant {
        uri: MEDIA_URI,
        tracks: &tracks,
        peak_bps: if peak == 0 { UNMEASURED_BPS } else { peak },
        average_bps: average,
    };
    playlist(playlist::master(&[variant], query.unwrap_or_default()))
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
    playlist(entry.broadcast.hls(|hls| match query {
        None => hls.playlist(),
        Some(query) => playlist::media(hls.window(), query),
    }))
}

/// A segment, in the pieces that all its readers share; it is not counted as sent for a HEAD.
pub(super) fn segment(
    play: &Play,
    entry: &LocalEntry,
    name: &str,
    asked: &Asked<'_>,
    is_head: bool,
) -> HttpResponse {
    let Some(segment) = entry.broadcast.segment(name) else {
        return answers::not_found("no such segment, or no longer");
    };
    if !is_head {
        let player = play.player_id(asked);
        if let Err(refused) = play.sessions.player_took(player, segment.size_bytes, asked.now) {
            return answers::player_refused(refused);
        }
        entry.broadcast.counters().sent(segment.size_bytes);
    }
    let size = u64::try_from(segment.size_bytes).unwrap_or(u64::MAX);
    let lifetime = entry.broadcast.segment_duration().as_secs().max(1)
        * u64::try_from(entry.spec.segment_count).unwrap_or(1);
    let pieces = (0..segment.pieces.len()).map(move |index| piece(&segment, index));
    answers::builder(StatusCode::OK)
        .content_type("video/mp2t")
        .insert_header((header::CACHE_CONTROL, format!("public, max-age={lifetime}, immutable")))
        .body(body::SizedStream::new(size, stream::iter(pieces)))
}

fn piece(segment: &Arc<watershed_media::hls::Segment>, index: usize) -> Result<Bytes, Infallible> {
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

fn playlist(text: Bytes) -> HttpResponse {
    answers::uncached(StatusCode::OK).content_type(PLAYLIST_TYPE).body(text)
}
