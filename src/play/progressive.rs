//! Endless responses: HTTP MPEG-TS and HTTP-FLV.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use bytes::Bytes;
use futures_util::StreamExt;
use watershed_actors::fan_out::Media;
use watershed_actors::http_session::HttpSession;
use watershed_actors::live_stream::{Broadcast, Container};
use watershed_actors::names::Protocol;
use watershed_actors::stream_hub::LocalEntry;
use watershed_media::flv;

use super::{Asked, Play, answers};

/// A stream that was just started may take this long to its first frame.
const START_WITHIN: Duration = Duration::from_secs(10);

/// What an endless response consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endless {
    /// `/NAME/mpegts`.
    MpegTs,
    /// `/NAME/live.flv`.
    Flv,
}

impl Endless {
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::MpegTs => "video/mp2t",
            Self::Flv => "video/x-flv",
        }
    }

    /// What comes before the media, and the media from the last keyframe on.
    pub(super) fn of(self, broadcast: &Arc<Broadcast>) -> (Bytes, Media) {
        let (opening, output, protocol) = match self {
            Self::MpegTs => (Bytes::new(), Arc::clone(broadcast.ts()), Protocol::Tshttp),
            Self::Flv => {
                let opening = flv::live::opening(&broadcast.tracks());
                (opening, broadcast.output(Container::Flv), Protocol::Flv)
            }
        };
        (opening, Media::from_newest_start(Arc::clone(broadcast), output, protocol))
    }
}

/// The head alone, at once and without a session.
pub(super) fn head(endless: Endless) -> HttpResponse {
    answers::uncached(StatusCode::OK).content_type(endless.content_type()).finish()
}

/// Follows the stream live.
pub(super) async fn play(
    play: &Play,
    endless: Endless,
    entry: &LocalEntry,
    asked: &Asked<'_>,
) -> HttpResponse {
    if !entry.wait_until_running(START_WITHIN).await {
        return answers::later();
    }
    let (opening, media) = endless.of(&entry.broadcast);
    let session = HttpSession::open();
    let guard = match play.enter(&session, &entry.broadcast, asked) {
        Ok(guard) => guard,
        Err(refused) => return answers::player_refused(refused),
    };
    let body = session.into_body(opening, media, play.settings.load().fan_out);
    let pieces = body.map(move |piece| {
        guard.add_bytes(piece.len());
        Ok::<_, Infallible>(piece)
    });
    // A session that is ended is over, as one that came straight from the door.
    let mut answer = answers::uncached(StatusCode::OK);
    answer.force_close().content_type(endless.content_type()).streaming(pieces)
}
