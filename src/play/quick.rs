//! What is answered before the framework sees it: a redirect costs less than its way through it,
//! and of media the framework would copy every byte once more.
//!
//! Both ways send the same status and the same fields with the same values; a test compares them.
//! (The framework gives the fields no fixed order, so there is none to keep.)

use std::cell::RefCell;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;
use watershed_actors::http_session::HttpSession;
use watershed_actors::live_stream::StreamStatus;
use watershed_actors::redirect::ViaMark;
use watershed_actors::stream_directory::PeerRoute;
use watershed_actors::stream_hub::LocalEntry;
use watershed_actors::wall_clock::unix_ms;

use super::hls::{self, Ready};
use super::path::Output;
use super::progressive::Endless;
use super::{Asked, Decision, Play, answers, path};
use crate::http_front::{EndlessAnswer, Quick, QuickAnswer, QuickRequest};

/// The plain GETs that need not wait: redirects, endless streams, playlists and segments.
#[derive(Clone, Debug)]
pub struct QuickPlay(pub Arc<Play>);

impl QuickAnswer for QuickPlay {
    fn answer(&self, request: QuickRequest<'_>, out: &mut BytesMut) -> Quick {
        let QuickRequest { target, user_agent, persists, client, is_https, now } = request;
        let play = &self.0;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let Some((name, output)) = path::parse(path) else {
            return Quick::Unknown;
        };
        // A client that was redirected before is judged, and counted, by the framework, unless it
        // has found what it looks for.
        let is_marked = query.is_some_and(|query| query.contains("_via="));
        let has_come = || output.is_endless() && play.streams.find(name).is_some();
        if play.answers_master(output) || is_marked && !has_come() {
            return Quick::Unknown;
        }
        let client = Some(client.ip());
        let asked = Asked { name, output, query, client, user_agent, is_https, now };
        match play.decide_now(&asked) {
            Some(Decision::Redirect(route, choice)) if persists => {
                if !play.write_redirect(&route, path, query, now, out) {
                    return Quick::Unknown;
                }
                play.directory.count_redirect(output.protocol(), choice);
                Quick::Answered
            }
            Some(Decision::Local(entry)) => match output {
                Output::Endless(endless) => play.play_at_once(endless, &entry, &asked),
                _ if persists && !is_marked => play.give_at_once(&entry, &asked, out),
                _ => Quick::Unknown,
            },
            _ => Quick::Unknown,
        }
    }
}

impl Play {
    /// Appends the redirect to `route`; false, and nothing is written, if there is no URL for it.
    fn write_redirect(
        &self,
        route: &PeerRoute,
        path: &str,
        query: Option<&str>,
        now: Instant,
        out: &mut BytesMut,
    ) -> bool {
        let unix_s = WALL.with_borrow_mut(|wall| wall.seconds(now));
        let mark = ViaMark::of(self.node, unix_s);
        LOCATION.with_borrow_mut(|location| {
            location.clear();
            let written = route.targets.write_http_location(location, path, query, mark);
            if written.is_ok() {
                write_response(location, unix_s, out);
            }
            written.is_ok()
        })
    }

    /// The endless answer of a stream that runs; one that has to be started is waited for by the
    /// framework.
    fn play_at_once(&self, endless: Endless, entry: &LocalEntry, asked: &Asked<'_>) -> Quick {
        let broadcast = &entry.broadcast;
        // One who may not play is told so, and counted, by the framework.
        if broadcast.status() != StreamStatus::Running || !broadcast.viewers().has_room() {
            return Quick::Unknown;
        }
        let session = HttpSession::open();
        let Ok(guard) = self.enter(&session, broadcast, asked) else {
            return Quick::Unknown;
        };
        let (start, media) = endless.of(broadcast);
        let mut opening = BytesMut::with_capacity(512);
        opening.extend_from_slice(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: ");
        opening.extend_from_slice(endless.content_type().as_bytes());
        opening.extend_from_slice(b"\r\n");
        write_uncached(unix_ms() / 1000, &mut opening);
        opening.extend_from_slice(&start);
        let settings = self.settings.load().fan_out;
        let opening = opening.freeze();
        let answer = EndlessAnswer { session, guard, opening, media, settings };
        Quick::Endless(Box::new(answer))
    }

    /// A playlist or a segment that is there.
    fn give_at_once(&self, entry: &LocalEntry, asked: &Asked<'_>, out: &mut BytesMut) -> Quick {
        let Some(ready) = hls::ready(self, entry, asked) else {
            return Quick::Unknown;
        };
        let unix_s = WALL.with_borrow_mut(|wall| wall.seconds(asked.now));
        let (size, content_type) = match &ready {
            Ready::Playlist(text) => (text.len(), hls::PLAYLIST_TYPE),
            Ready::Segment(found) => (found.segment.size_bytes, hls::SEGMENT_TYPE),
        };
        // Writing into memory does not fail.
        let _ = write!(
            out,
            "HTTP/1.1 200 OK\r\ncontent-length: {size}\r\ncontent-type: {content_type}\r\n"
        );
        match ready {
            Ready::Playlist(text) => {
                write_uncached(unix_s, out);
                out.extend_from_slice(&text);
                Quick::Answered
            }
            Ready::Segment(found) => {
                let _ = write!(out, "cache-control: {}\r\n", found.cache_control());
                write_last_fields(unix_s, out);
                Quick::Pieces(found.segment.pieces.iter().cloned().collect())
            }
        }
    }
}

thread_local! {
    /// The Location being written, so that a redirect allocates nothing.
    static LOCATION: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(512));
    /// Unix time as of a moment ago.
    static WALL: RefCell<WallSeconds> = RefCell::default();
    /// The current second and its text as a `Date` field.
    static DATE: RefCell<(u64, String)> = RefCell::default();
}

/// Unix seconds from the clock that is read anyway; the wall clock is asked ten times a second.
#[derive(Default)]
struct WallSeconds {
    asked: Option<Instant>,
    unix_s: u64,
}

impl WallSeconds {
    const GOOD_FOR: Duration = Duration::from_millis(100);

    fn seconds(&mut self, now: Instant) -> u64 {
        let is_good =
            self.asked.is_some_and(|at| now.saturating_duration_since(at) < Self::GOOD_FOR);
        if !is_good {
            *self = Self { asked: Some(now), unix_s: unix_ms() / 1000 };
        }
        self.unix_s
    }
}

fn write_response(location: &[u8], unix_s: u64, out: &mut BytesMut) {
    out.extend_from_slice(b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: ");
    out.extend_from_slice(location);
    out.extend_from_slice(b"\r\n");
    write_uncached(unix_s, out);
}

/// The last fields of an answer that is not to be kept, and the end of the head.
fn write_uncached(unix_s: u64, out: &mut BytesMut) {
    out.extend_from_slice(b"cache-control: no-store\r\n");
    write_last_fields(unix_s, out);
}

/// The fields of every answer, and the end of the head.
fn write_last_fields(unix_s: u64, out: &mut BytesMut) {
    out.extend_from_slice(b"access-control-allow-origin: *\r\n");
    out.extend_from_slice(b"access-control-expose-headers: ");
    out.extend_from_slice(answers::EXPOSED_HEADERS.as_bytes());
    out.extend_from_slice(b"\r\ndate: ");
    DATE.with_borrow_mut(|(second, text)| {
        if *second != unix_s {
            *second = unix_s;
            *text = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(unix_s));
        }
        out.extend_from_slice(text.as_bytes());
    });
    out.extend_from_slice(b"\r\n\r\n");
}
