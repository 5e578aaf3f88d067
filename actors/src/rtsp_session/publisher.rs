//! The publishing half of a session: ANNOUNCE, RECORD, and the media that comes.

use std::time::{Duration, Instant};

use actix::prelude::*;
use bytes::BytesMut;
use watershed_media::rtp::{Receiver, Transport};
use watershed_media::rtsp::{Output, RequestId, StreamRequest, TrackSetup, TrackTransport};
use watershed_media::sdp::{self, MediaDescription};

use super::channels::put_frame;
use super::{Asker, Role, RtspSession, now};
use crate::live_stream::{InputWriter, PasswordProof, PublishRefused};
use crate::names::{Protocol, StreamName};
use crate::session_registry::{Connected, SessionGuard};
use crate::stream_hub::PublishTo;

/// How often a publisher hears what arrived. Source: RFC 3550 §6.2.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// A client whose publication was granted.
pub(super) struct Publisher {
    writer: InputWriter,
    guard: SessionGuard,
    media: Vec<MediaDescription>,
    /// Set once it records.
    recording: Option<Recording>,
}

struct Recording {
    receiver: Receiver,
    setups: Vec<TrackSetup>,
    last_media: Instant,
    next_report: Instant,
}

/// What ANNOUNCE is about, while the hub is asked.
struct Announced {
    request: RequestId,
    path: String,
    query: Option<String>,
    user_agent: Option<String>,
}

impl RtspSession {
    /// Asks the hub; the session value reads no further until the answer is there.
    pub(super) fn announce(
        &mut self,
        asked: StreamRequest,
        sdp: &str,
        ctx: &mut Context<Self>,
    ) -> Vec<Output> {
        let StreamRequest { request, path, query, user_agent, credentials } = asked;
        let announced = Announced { request, path, query, user_agent };
        let Ok(stream) = announced.path.parse::<StreamName>() else {
            return self.session.not_found(request).unwrap_or_default();
        };
        let media = match self.readable_media(sdp) {
            Ok(media) => media,
            Err(reason) if self.settings.streams.find(&announced.path).is_some() => {
                return self.session.unsupported_media(request, &reason).unwrap_or_default();
            }
            // Whoever is to go elsewhere learns that first.
            Err(_) => return self.refer(&announced),
        };
        let proof = PasswordProof::Answer(Box::new(move |password| credentials.prove(password)));
        let ask = PublishTo { stream, proof, client: self.peer };
        let asking = self.settings.hub.send(ask).into_actor(self);
        ctx.spawn(asking.map(move |granted, session, ctx| {
            let outputs = match granted.unwrap_or(Err(PublishRefused::NotReady)) {
                Ok(writer) => session.announce_granted(&announced, writer, media, ctx),
                Err(refused) => session.announce_refused(&announced, refused),
            };
            session.follow(outputs, ctx);
        }));
        Vec::new()
    }

    /// What the SDP announces, if any of it can be read.
    fn readable_media(&self, sdp: &str) -> Result<Vec<MediaDescription>, String> {
        let media_max = self.settings.limits.track_count_max;
        let media = sdp::parse(sdp.as_bytes(), media_max).map_err(|error| error.to_string())?.media;
        match Receiver::new(&media, Transport::Tcp, 0) {
            Some(_) => Ok(media),
            None => Err("none of the announced media can be read".to_owned()),
        }
    }

    fn announce_granted(
        &mut self,
        announced: &Announced,
        writer: InputWriter,
        media: Vec<MediaDescription>,
        ctx: &Context<Self>,
    ) -> Vec<Output> {
        let Ok(stream) = announced.path.parse::<StreamName>() else {
            return self.session.not_found(announced.request).unwrap_or_default();
        };
        // A session that has ended meanwhile takes no answer, and the writer goes.
        let outputs = self.session.accept_announce(announced.request).unwrap_or_default();
        if !outputs.is_empty() {
            let asker = Asker::new(announced.user_agent.clone(), announced.query.as_deref());
            let client = asker.as_client(self.peer.ip());
            let connected = Connected::new(ctx.address().recipient());
            let sessions = &self.settings.sessions;
            let guard = sessions.open_publish(&stream, Protocol::Rtsp, client, connected);
            let publisher = Publisher { writer, guard, media, recording: None };
            self.role = Role::Publisher(Box::new(publisher));
        }
        outputs
    }

    fn announce_refused(&mut self, announced: &Announced, refused: PublishRefused) -> Vec<Output> {
        let request = announced.request;
        log::info!("rtsp client {}: may not publish {:?}: {refused}", self.peer, announced.path);
        let reason = refused.to_string();
        let answered = match refused {
            PublishRefused::UnknownStream => return self.refer(announced),
            PublishRefused::NoPublishInput => self.session.forbidden(request, &reason),
            PublishRefused::WrongPassword => self.session.unauthorized(request),
            PublishRefused::Busy => self.session.busy(request, &reason),
            PublishRefused::TooManyStreams | PublishRefused::NotReady => {
                self.session.unavailable(request)
            }
        };
        answered.unwrap_or_default()
    }

    /// Sends a publisher of what is not here to the peer that takes it, if there is one.
    fn refer(&mut self, announced: &Announced) -> Vec<Output> {
        let Announced { request, path, query, user_agent } = announced;
        let (query, user_agent) = (query.as_deref(), user_agent.as_deref());
        let answer = self.router.locate_rtsp_publish(path, query, user_agent);
        self.tell(*request, answer)
    }

    /// Takes media from now on.
    pub(super) fn record(
        &mut self,
        request: RequestId,
        setups: Vec<TrackSetup>,
        ctx: &mut Context<Self>,
    ) -> Vec<Output> {
        self.drop_sockets_but_of(&setups, ctx);
        let Role::Publisher(publisher) = &mut self.role else {
            return self.session.unavailable(request).unwrap_or_default();
        };
        if publisher.recording.is_none() {
            let Some(receiver) = receiver(&publisher.media, &setups) else {
                let reason = "no track that can be read is set up";
                return self.session.bad_request(request, reason).unwrap_or_default();
            };
            let next_report = now() + REPORT_INTERVAL;
            let last_media = now();
            publisher.recording = Some(Recording { receiver, setups, last_media, next_report });
        }
        self.session.record(request).unwrap_or_default()
    }

    /// Hands a publisher's packet to its stream. Players' reports say nothing that matters here.
    pub(super) fn receive_media(
        &mut self,
        track: usize,
        is_rtcp: bool,
        packet: &[u8],
        ctx: &mut Context<Self>,
    ) {
        let Role::Publisher(publisher) = &mut self.role else {
            return;
        };
        let Some(recording) = &mut publisher.recording else {
            return;
        };
        let now = now();
        if is_rtcp {
            return recording.receiver.receive_rtcp(track, packet, now);
        }
        recording.last_media = now;
        publisher.guard.add_bytes(packet.len());
        let mut items = Vec::new();
        recording.receiver.receive_rtp(track, packet, now, &mut items);
        if items.into_iter().any(|item| publisher.writer.write(item).is_err()) {
            log::info!("rtsp client {}: its stream ended the publication", self.peer);
            self.end(ctx);
        }
    }

    /// Looks after a publisher: it must send, and hears of its losses.
    pub(super) fn watch_publisher(&mut self, ctx: &mut Context<Self>) {
        let Role::Publisher(publisher) = &mut self.role else {
            return;
        };
        let Some(recording) = &mut publisher.recording else {
            return;
        };
        let now = now();
        let silence = now.saturating_duration_since(recording.last_media);
        if silence >= publisher.writer.source_timeout() {
            log::info!("rtsp client {}: published nothing for too long", self.peer);
            return self.end(ctx);
        }
        if now < recording.next_report {
            return;
        }
        recording.next_report = now + REPORT_INTERVAL;
        let mut frames = BytesMut::new();
        for TrackSetup { track, transport } in &recording.setups {
            let Some(report) = recording.receiver.report(*track, now) else {
                continue;
            };
            match transport {
                TrackTransport::Tcp { rtcp_channel, .. } => {
                    put_frame(*rtcp_channel, &report, &mut frames);
                }
                TrackTransport::Udp { .. } => {
                    if let Some(socket) = self.sockets.iter().find(|s| s.track == *track) {
                        socket.to.pair.send_rtcp(&report, socket.to.rtcp_port);
                    }
                }
            }
        }
        if let Err(error) = self.outbox.push(frames.freeze()) {
            self.give_up(&error, ctx);
        }
    }
}

/// Reads the media that are set up; nobody waits for the others.
fn receiver(media: &[MediaDescription], setups: &[TrackSetup]) -> Option<Receiver> {
    let is_set_up = |index: usize| setups.iter().any(|setup| setup.track == index);
    let media: Vec<MediaDescription> = media
        .iter()
        .enumerate()
        .map(|(index, media)| if is_set_up(index) { media.clone() } else { <_>::default() })
        .collect();
    let is_udp = setups.iter().any(|setup| setup.transport.is_udp());
    let transport = if is_udp { Transport::Udp } else { Transport::Tcp };
    let mut ssrc = [0; 4];
    let _ = getrandom::fill(&mut ssrc);
    Receiver::new(&media, transport, u32::from_ne_bytes(ssrc))
}
