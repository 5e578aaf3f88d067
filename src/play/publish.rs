//! HTTP MPEG-TS in: the body of a POST or PUT, read for as long as it goes on.
//!
//! A client that asks for leave before it sends anything gets its refusal or redirect then, so that
//! one which reads its media from a pipe has lost none of it (RFC 9110 §10.1.1).
//!
//! ```text
//!  Expect: 100-continue ▸ PublishLeave ─┐                     ┌ no  ▸ 307, 401, 403, 404, 409, 503
//!  any other            ▸ answer ───────┴▸ admit ▸ StreamHub ─┴ yes ▸ Intake ══▶ InputWriter
//! ```
//! No limit of request bodies holds here: what bounds a publisher are the demuxer's own limits, the
//! stream's `source_timeout`, and [`NOISE_BYTES_MAX`] at the beginning.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_http::{Request, Response};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use thiserror::Error;
use tokio::time::sleep_until;
use watershed_actors::http_session::HttpSession;
use watershed_actors::live_stream::{InputWriter, PasswordProof, PublishRefused};
use watershed_actors::names::Protocol;
use watershed_actors::session_registry::{Connected, SessionGuard};
use watershed_actors::stream_directory::{Ask, StreamLocation};
use watershed_actors::stream_hub::PublishTo;
use watershed_media::mpegts::Demuxer;
use watershed_media::packet::StreamItem;

use super::path::{self, Output};
use super::progressive::Endless;
use super::{Asked, Play, answers, redirect};
use crate::http_front::{self, BodyLeave, client_before, client_of};

/// So much that is no MPEG-TS may come before the first packet of a publisher.
const NOISE_BYTES_MAX: u64 = 64 << 10;

/// The stream that a request publishes, if that is what it does.
pub(super) fn stream_of<'a>(method: &Method, path: &'a str) -> Option<&'a str> {
    let (name, output) = path::parse(path)?;
    let is_publish = matches!(*method, Method::POST | Method::PUT);
    (is_publish && output == Output::Endless(Endless::MpegTs)).then_some(name)
}

/// Decides about publishers that wait for leave to send.
#[derive(Clone, Debug)]
pub struct PublishLeave(pub Arc<Play>);

impl BodyLeave for PublishLeave {
    fn ask(
        &self,
        mut request: Request,
    ) -> LocalBoxFuture<'static, Result<Request, Response<BoxBody>>> {
        let play = Arc::clone(&self.0);
        Box::pin(async move {
            let Some(name) = stream_of(request.method(), request.path()) else {
                return Ok(request);
            };
            let client = client_before(&request);
            let offer = Offer {
                method: request.method(),
                uri: request.uri(),
                fields: request.headers(),
                address: request.peer_addr(),
                asked: asked(name, request.uri(), request.headers(), client),
            };
            match admit(&play, &offer).await {
                Ok(writer) => {
                    request.extensions_mut().insert(writer);
                    Ok(request)
                }
                Err(refusal) => Err(last_word(refusal, request.take_payload()).into()),
            }
        })
    }
}

/// Takes in what `request` publishes, and answers when that is over.
pub(super) async fn answer(
    play: &Play,
    name: &str,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let offer = Offer {
        method: request.method(),
        uri: request.uri(),
        fields: request.headers(),
        address: request.peer_addr(),
        asked: asked(name, request.uri(), request.headers(), client_of(request)),
    };
    let mut payload = payload.into_inner();
    let admitted = request.extensions_mut().remove::<InputWriter>();
    let writer = match admitted {
        Some(writer) => Ok(writer),
        None => admit(play, &offer).await,
    };
    let answer = match writer {
        Ok(writer) => {
            http_front::untime_body(request);
            let taken = take(play, &offer.asked, writer, &mut payload).await;
            if let Err(cut) = &taken {
                log::info!("http publisher {} of {name}: {cut}", offer.client());
            }
            farewell(taken)
        }
        Err(refusal) => refusal,
    };
    last_word(answer, payload)
}

/// A request to publish, without its body.
struct Offer<'a> {
    method: &'a Method,
    uri: &'a Uri,
    fields: &'a HeaderMap,
    address: Option<SocketAddr>,
    asked: Asked<'a>,
}

impl Offer<'_> {
    /// Who publishes, for the log: behind a proxy the port is that of the proxy.
    fn client(&self) -> SocketAddr {
        let ip = self.asked.client.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        SocketAddr::new(ip, self.address.map_or(0, |address| address.port()))
    }

    /// The password, from the query or from a login of any name (RFC 7617 §2).
    fn password(&self) -> Option<String> {
        let query = self.uri.query().unwrap_or_default();
        let mut parameters = url::form_urlencoded::parse(query.as_bytes());
        if let Some((_, password)) = parameters.find(|(key, _)| key == "password") {
            return Some(password.into_owned());
        }
        let login = self.fields.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, login) = login.split_once(' ')?;
        let login = BASE64_STANDARD.decode(login.trim()).ok()?;
        let login = String::from_utf8(login).ok()?;
        let (_, password) = login.split_once(':')?;
        scheme.eq_ignore_ascii_case("basic").then(|| password.to_owned())
    }
}

fn asked<'a>(
    name: &'a str,
    uri: &'a Uri,
    fields: &'a HeaderMap,
    client: http_front::Client,
) -> Asked<'a> {
    Asked {
        name,
        output: Output::Endless(Endless::MpegTs),
        query: uri.query(),
        client: client.ip,
        user_agent: fields.get(header::USER_AGENT).and_then(|value| value.to_str().ok()),
        is_https: client.is_https,
        now: Instant::now(),
    }
}

/// Asks for the stream's input.
///
/// Errors: the answer to a client that is not to send anything.
async fn admit(play: &Play, offer: &Offer<'_>) -> Result<InputWriter, HttpResponse> {
    let is_draining = play.directory.is_draining();
    let answer = match offer.asked.name.parse() {
        Err(_) => Err(PublishRefused::UnknownStream),
        Ok(_) if is_draining => Err(PublishRefused::NotReady),
        Ok(stream) => {
            let proof = PasswordProof::Password(offer.password());
            let ask = PublishTo { stream, proof, client: offer.client() };
            play.hub.send(ask).await.unwrap_or(Err(PublishRefused::NotReady))
        }
    };
    let refused = match answer {
        Ok(writer) => return Ok(writer),
        Err(refused) => refused,
    };
    log::info!("http client {}: may not publish {:?}: {refused}", offer.client(), offer.asked.name);
    if is_draining || refused == PublishRefused::UnknownStream {
        return Err(elsewhere(play, offer).await.unwrap_or_else(|| refusal(refused)));
    }
    Err(refusal(refused))
}

/// Sends the client to a peer that takes it; one that is not found yet may be later. `None` where
/// there is none.
async fn elsewhere(play: &Play, offer: &Offer<'_>) -> Option<HttpResponse> {
    let name = offer.asked.name;
    let ask = || Ask { protocol: Protocol::Tshttp, client: None, now: Instant::now() };
    let mut route = play.directory.locate_publish(name, &ask());
    if route.is_none() {
        if let StreamLocation::ComingBack = play.directory.locate_settled(name, ask).await {
            return Some(refusal(PublishRefused::NotReady));
        }
        route = play.directory.locate_publish(name, &ask());
    }
    let route = route?;
    if play.was_just_redirected(offer.asked.query) {
        return Some(refusal(PublishRefused::NotReady));
    }
    Some(redirect::answer(play, &route, offer.method, offer.uri))
}

fn refusal(refused: PublishRefused) -> HttpResponse {
    let mut answer = answers::uncached(match refused {
        PublishRefused::UnknownStream => StatusCode::NOT_FOUND,
        PublishRefused::NoPublishInput => StatusCode::FORBIDDEN,
        PublishRefused::WrongPassword => StatusCode::UNAUTHORIZED,
        PublishRefused::Busy => StatusCode::CONFLICT,
        PublishRefused::TooManyStreams | PublishRefused::NotReady => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    });
    match refused {
        PublishRefused::WrongPassword => {
            answer.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"Watershed\""));
        }
        PublishRefused::TooManyStreams | PublishRefused::NotReady => {
            answer.insert_header((header::RETRY_AFTER, "1"));
        }
        PublishRefused::UnknownStream | PublishRefused::NoPublishInput | PublishRefused::Busy => {}
    }
    answer.content_type("text/plain; charset=utf-8").body(refused.to_string())
}

/// Why a publication ends before its body does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum Cut {
    #[error("the body is no MPEG-TS, or has no media that can be read")]
    NoMedia,
    #[error("the body brought no media for too long")]
    Silent,
    #[error("the session was ended")]
    SessionEnded,
    #[error("the stream takes no more from this publisher")]
    Revoked,
    #[error("the body broke off")]
    BrokeOff,
}

/// The answer when a publication is over.
fn farewell(taken: Result<(), Cut>) -> HttpResponse {
    let status = match taken {
        Ok(()) => StatusCode::OK,
        Err(Cut::NoMedia) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Err(Cut::Silent) => StatusCode::REQUEST_TIMEOUT,
        Err(Cut::SessionEnded) => StatusCode::FORBIDDEN,
        Err(Cut::Revoked) => StatusCode::CONFLICT,
        Err(Cut::BrokeOff) => StatusCode::BAD_REQUEST,
    };
    let words = taken.map_or_else(|cut| cut.to_string(), |()| "published to its end".to_owned());
    answers::uncached(status).content_type("text/plain; charset=utf-8").body(words)
}

/// Reads `payload` into the stream until either ends.
async fn take(
    play: &Play,
    asked: &Asked<'_>,
    writer: InputWriter,
    payload: &mut Payload,
) -> Result<(), Cut> {
    let Ok(name) = asked.name.parse() else {
        return Err(Cut::Revoked);
    };
    let session = HttpSession::open();
    let mut ended = pin!(session.ended());
    let connected = Connected::new(session.end());
    let guard = play.sessions.open_publish(&name, Protocol::Tshttp, asked.as_client(), connected);
    let mut intake = Intake::new(writer, guard);
    loop {
        // In this order, so that one who sends without a pause, but no media, comes to an end too.
        tokio::select! {
            biased;
            () = &mut ended => return Err(Cut::SessionEnded),
            () = sleep_until(intake.silent_at()) => return Err(intake.silence()),
            piece = payload.next() => match piece {
                Some(Ok(piece)) => intake.push(&piece)?,
                Some(Err(_)) => return Err(Cut::BrokeOff),
                None => return intake.finish(),
            },
        }
    }
}

/// The way of the bytes into the stream.
struct Intake {
    writer: InputWriter,
    guard: SessionGuard,
    demuxer: Demuxer,
    items: Vec<StreamItem>,
    /// When a packet came last.
    last_media: tokio::time::Instant,
    has_media: bool,
}

impl Intake {
    fn new(writer: InputWriter, guard: SessionGuard) -> Self {
        Self {
            writer,
            guard,
            demuxer: Demuxer::new(),
            items: Vec::new(),
            last_media: tokio::time::Instant::now(),
            has_media: false,
        }
    }

    fn silent_at(&self) -> tokio::time::Instant {
        self.last_media + self.writer.source_timeout()
    }

    fn silence(&self) -> Cut {
        if self.has_media { Cut::Silent } else { Cut::NoMedia }
    }

    fn push(&mut self, bytes: &Bytes) -> Result<(), Cut> {
        self.guard.add_bytes(bytes.len());
        self.demuxer.push(bytes, &mut self.items);
        self.write_all()?;
        let noise = self.demuxer.counters().skipped_bytes;
        if !self.has_media && noise > NOISE_BYTES_MAX { Err(Cut::NoMedia) } else { Ok(()) }
    }

    fn finish(mut self) -> Result<(), Cut> {
        self.demuxer.finish(&mut self.items);
        self.write_all()?;
        if self.has_media { Ok(()) } else { Err(Cut::NoMedia) }
    }

    fn write_all(&mut self) -> Result<(), Cut> {
        for item in self.items.drain(..) {
            if let StreamItem::Packet(_) = item {
                self.has_media = true;
                self.last_media = tokio::time::Instant::now();
            }
            self.writer.write(item).map_err(|_| Cut::Revoked)?;
        }
        Ok(())
    }
}

/// Has the connection closed behind `answer` if the client has not sent all of `unread`.
fn last_word(answer: HttpResponse, unread: Payload) -> HttpResponse {
    answer.map_body(|_, body| LastWord { body, _unread: unread }).map_into_boxed_body()
}

/// The body of an answer that may come before the end of the request's.
///
/// The framework would read an endless chunked body to its end once nobody holds it any more. While
/// somebody does it closes the connection instead, and lets the client read the answer first.
struct LastWord {
    body: BoxBody,
    _unread: Payload,
}

impl MessageBody for LastWord {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(target: &str, authorization: &str) -> Option<String> {
        let mut fields = HeaderMap::new();
        fields.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        let uri: Uri = target.parse().unwrap();
        let client = http_front::Client { ip: None, is_https: false, is_proxied: false };
        let asked = asked("cam", &uri, &fields, client);
        let (method, address) = (&Method::POST, None);
        Offer { method, uri: &uri, fields: &fields, address, asked }.password()
    }

    #[test]
    fn password_comes_by_the_query_or_by_a_login() {
        let found = |target, login| password(target, login).unwrap_or_else(|| "none".to_owned());
        assert_eq!(found("/cam/mpegts?a=1&password=s%203", ""), "s 3");
        assert_eq!(found("/cam/mpegts?password=", "Basic dXNlcjpzZTpjcmV0"), "");
        assert_eq!(found("/cam/mpegts", "Basic dXNlcjpzZTpjcmV0"), "se:cret");
        assert_eq!(found("/cam/mpegts", "basic dXNlcjpzZTpjcmV0"), "se:cret");
        for login in ["Bearer dXNlcjpzZTpjcmV0", "Basic dXNlcg==", "Basic /w==", "Basic", "Basic ?"]
        {
            assert_eq!(found("/cam/mpegts", login), "none", "{login}");
        }
    }

    #[test]
    fn only_uploads_to_mpegts_publish() {
        assert_eq!(stream_of(&Method::PUT, "/a/b/mpegts"), Some("a/b"));
        assert_eq!(stream_of(&Method::POST, "/cam/mpegts"), Some("cam"));
        for (method, path) in [
            (Method::GET, "/cam/mpegts"),
            (Method::DELETE, "/cam/mpegts"),
            (Method::POST, "/cam/live.flv"),
            (Method::POST, "/cam/index.m3u8"),
            (Method::POST, "/streamer/x/mpegts"),
        ] {
            assert_eq!(stream_of(&method, path), None, "{method} {path}");
        }
    }
}
