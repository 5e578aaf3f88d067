//! Files: playlists of all of one, and segments from any place in it.
//!
//! ```text
//!  here   ▸ Vods::open ▸ the file's index ─┬ playlists, media_info.json, embed.html
//!                                          └ segment ▸ shared with all who ask for it
//!  absent ▸ the peers that report its prefix: 302 to the next in turn, 404 past the last
//! ```
//! A file is played by HLS with MPEG-TS segments. The other outputs of streams (`mpegts`,
//! `live.flv`, fMP4, RTSP, RTMP, `preview.jpg`) are not made of files. A file at another node is
//! redirected to and never relayed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::{Method, StatusCode, Uri, header};
use actix_web::{HttpResponse, body};
use bytes::Bytes;
use futures_util::stream;
use watershed_actors::names::StreamName;
use watershed_actors::session_registry::{Played, PlayerRefused};
use watershed_actors::stream_directory::{Choice, FileLocation};
use watershed_actors::vod::{Film, FilmError, Kept, MuxedSegment, Vod};
use watershed_media::hls::playlist::{self, Variant};

use super::path::Output;
use super::{Asked, Play, answers, embed, hls, redirect, uri_query};

/// A segment's name changes with its file, so it may be kept for ever: a year.
const SEGMENT_CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// A playlist above this is not made: its URIs repeat a query that the client chose.
const PLAYLIST_BYTES_MAX: usize = 8 << 20;
/// What a line of a playlist takes besides the query, about.
const LINE_BYTES: usize = 96;

/// The answer, if `asked` is about a file of this node; none where it has no such file, or a stream
/// of that name comes first.
pub(super) async fn answer(
    play: &Play,
    asked: &Asked<'_>,
    method: &Method,
) -> Option<HttpResponse> {
    let (vod, path) = play.vods.find(asked.name)?;
    if play.directory.knows(asked.name) {
        return None;
    }
    let film = match play.vods.open(&vod, path).await {
        Ok(film) => film,
        Err(FilmError::NotFound) => return None,
        Err(error) => return Some(refused(asked.name, &error)),
    };
    match *method {
        Method::GET => Some(serve(play, &vod, &film, asked, false).await),
        Method::HEAD => Some(serve(play, &vod, &film, asked, true).await),
        _ => Some(answers::method_not_allowed(asked.output)),
    }
}

/// The answer to who asks for what is no stream of the cluster, and no file of this node.
pub(super) fn elsewhere(
    play: &Play,
    asked: &Asked<'_>,
    method: &Method,
    uri: &Uri,
) -> HttpResponse {
    let was_sent = play.was_just_redirected(asked.query);
    match play.directory.locate_file(asked.name, was_sent, asked.now) {
        FileLocation::At(route) => {
            if !play.policy.load().redirects_http(asked.is_https, &route.targets) {
                return answers::not_found(
                    "another node may have the file, and files are not relayed from there",
                );
            }
            play.directory.count_redirect(asked.output.protocol(), Choice::ByName);
            redirect::answer(play, &route, method, uri)
        }
        FileLocation::ComingBack => {
            answers::later_because("the node that may have the file is lost or busy; ask again")
        }
        FileLocation::Nowhere => answers::not_found("no such stream or file in this cluster"),
    }
}

async fn serve(
    play: &Play,
    vod: &Arc<Vod>,
    film: &Film,
    asked: &Asked<'_>,
    is_head: bool,
) -> HttpResponse {
    let is_media = matches!(asked.output, Output::Master | Output::Media | Output::Segment(_));
    if is_media && let Err(refused) = saw_player(play, vod, asked) {
        return answers::player_refused(refused);
    }
    match asked.output {
        Output::Master => hls::playlist(master(film, &uri_query(asked).unwrap_or_default())),
        Output::Media => media(film, &uri_query(asked).unwrap_or_default()),
        Output::Segment(name) => segment(play, film, name, asked, is_head).await,
        Output::Embed => embed::page(play, asked.name),
        Output::MediaInfo => answers::media_info(film.index().tracks()),
        _ => answers::not_found("files are played by HLS only: index.m3u8"),
    }
}

/// Notes that the player is there; one that comes back after a pause is entered anew.
fn saw_player(play: &Play, vod: &Arc<Vod>, asked: &Asked<'_>) -> Result<(), PlayerRefused> {
    // The path was found by a name that is one.
    let Ok(name) = asked.name.parse::<StreamName>() else {
        return Ok(());
    };
    let played = Played { name: &name, viewers: vod.viewers(), window: vod.player_window() };
    let client = asked.as_client();
    play.sessions.saw_player(play.player_id(asked), played, client, Instant::now())
}

fn master(film: &Film, query: &str) -> Bytes {
    let (peak_bps, average_bps) = film.index().bandwidth_bps();
    let tracks = film.index().tracks();
    let variant = Variant { uri: hls::MEDIA_URI, tracks, peak_bps, average_bps };
    playlist::master(&[variant], query)
}

fn media(film: &Film, query: &str) -> HttpResponse {
    let durations = film.index().segment_durations();
    // An escaped byte takes three.
    let bytes = durations.len().saturating_mul(LINE_BYTES + 3 * query.len());
    if bytes > PLAYLIST_BYTES_MAX {
        return answers::uncached(StatusCode::URI_TOO_LONG)
            .content_type("text/plain; charset=utf-8")
            .body("a playlist of this file with such a query in each line would be too long");
    }
    hls::playlist(playlist::whole(durations, |number| film.segment_name(number), query))
}

/// A segment; it is not counted as sent for a HEAD.
async fn segment(
    play: &Play,
    film: &Film,
    name: &str,
    asked: &Asked<'_>,
    is_head: bool,
) -> HttpResponse {
    let Some(number) = film.segment_number(name) else {
        return answers::not_found("no such segment: the file may have changed");
    };
    let segment = match play.vods.segment(film, number).await {
        Ok(segment) => segment,
        Err(error) => return refused(asked.name, &error),
    };
    let size_bytes = segment.size_bytes;
    if !is_head {
        let player = play.player_id(asked);
        if let Err(refused) = play.sessions.player_took(player, size_bytes, asked.now) {
            return answers::player_refused(refused);
        }
        play.vods.sent(size_bytes);
    }
    let size = u64::try_from(size_bytes).unwrap_or(u64::MAX);
    let pieces = (0..segment.pieces.len()).map(move |index| piece(&segment, index));
    answers::builder(StatusCode::OK)
        .content_type(hls::SEGMENT_TYPE)
        .insert_header((header::CACHE_CONTROL, SEGMENT_CACHE_CONTROL))
        .body(body::SizedStream::new(size, stream::iter(pieces)))
}

fn piece(segment: &Kept<MuxedSegment>, index: usize) -> Result<Bytes, Infallible> {
    Ok(segment.pieces.get(index).cloned().unwrap_or_default())
}

fn refused(name: &str, error: &FilmError) -> HttpResponse {
    match error {
        FilmError::NotFound => answers::not_found("no such segment: the file has changed"),
        FilmError::Broken(_) => answers::not_found(error.to_string()),
        FilmError::Full => answers::later_because("too many files are played here; ask again"),
        FilmError::Io(_) => {
            log::warn!("file {name}: {error}");
            answers::later_because("the file cannot be read right now; ask again in a second")
        }
    }
}
