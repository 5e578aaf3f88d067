//! Clients that are not redirected: their stream is pulled from its holder and served here.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use watershed_actors::names::Protocol;
use watershed_actors::relay::{ClientFacts, RelayRefused};
use watershed_actors::stream_directory::PeerRoute;
use watershed_actors::stream_hub::LocalEntry;

use super::path::Output;
use super::{Asked, Play, answers, embed, progressive, serve};

/// Answers `request` for a stream that the node at `route` holds.
pub(super) async fn answer(
    play: &Play,
    route: Arc<PeerRoute>,
    asked: &Asked<'_>,
    request: &HttpRequest,
) -> HttpResponse {
    let is_head = request.method() == actix_web::http::Method::HEAD;
    match asked.output {
        // Neither says anything of the stream, so the holder need not be asked.
        Output::Embed => return embed::page(play, asked.name),
        Output::Other => return answers::no_such_output(),
        Output::Endless(endless) if is_head => return progressive::head(endless),
        // A page of a hundred pictures must not pull a hundred streams.
        Output::Preview if play.relays.find(asked.name).is_none() => {
            return answers::no_preview("the stream is at another node, and nobody plays it here");
        }
        _ => {}
    }
    match open(play, route, asked, request).await {
        Ok(entry) => serve(play, entry, asked, is_head).await,
        Err(refused) => {
            log::debug!("stream {}: not relayed to a client: {refused}", asked.name);
            self::refused(&refused)
        }
    }
}

async fn open(
    play: &Play,
    route: Arc<PeerRoute>,
    asked: &Asked<'_>,
    request: &HttpRequest,
) -> Result<LocalEntry, RelayRefused> {
    let Ok(name) = asked.name.parse() else {
        return Err(RelayRefused::NotRunning);
    };
    let protocol = asked.output.protocol();
    let session = match protocol {
        Protocol::Hls => play.player_id(asked),
        Protocol::Tshttp | Protocol::Flv | Protocol::Rtsp | Protocol::Rtmp => {
            getrandom::u64().unwrap_or_default()
        }
    };
    let header = |name: &str| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let client = ClientFacts {
        protocol,
        ip: asked.client,
        token: asked.token().map(str::to_owned),
        user_agent: asked.user_agent.map(str::to_owned),
        referer: header("referer"),
        session,
    };
    play.relays.open(route, name, client).await
}

fn refused(refused: &RelayRefused) -> HttpResponse {
    match refused {
        RelayRefused::Denied { status, .. } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::FORBIDDEN);
            answers::uncached(status)
                .content_type("text/plain; charset=utf-8")
                .body("the node that has the stream does not allow it")
        }
        RelayRefused::NoAnswer(_) | RelayRefused::NotRunning | RelayRefused::Draining => {
            answers::later()
        }
    }
}
