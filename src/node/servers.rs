//! The doors in service: HTTP, RTSP and RTMP.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix_rt::task::JoinHandle;
use actix_server::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, web};
use tokio::sync::Semaphore;
use watershed_actors::outbox::OutboxLimits;
use watershed_actors::preamble::Preamble;
use watershed_actors::report::Scheme;
use watershed_actors::rtmp_session::{
    RtmpListener, RtmpRouting, RtmpSessionSettings, messages::StopListening as StopRtmp,
};
use watershed_actors::rtsp_session::{
    ClusterRouter, REFUSAL, RtspListener, RtspSessionSettings, messages::StopListening as StopRtsp,
};
use watershed_actors::tcp_listener::ListenLimits;
use watershed_actors::tls::CertificateStore;

use super::doors::{Door, Doors};
use super::parts::{Parts, StartError, WATCH_EVERY, worker_count};
use super::seams::{HubStreams, ListenerProxies, OpenPeers};
use super::translate;
use crate::api::{self, ApiState};
use crate::http_front::{self, FrontConfig, ServerConfig};
use crate::play::{self, EntryNodes, Play, PlayParts, PublishLeave, QuickPlay};
use crate::settings::Settings;
use crate::web_ui::{self, PictureOrigins};

/// Bytes taken from an RTMP socket at once: a few frames.
const RTMP_READ_BYTES: usize = 64 << 10;
/// The same for RTSP, whose publishers send packet by packet.
const RTSP_READ_BYTES: usize = 16 << 10;
/// How long a session that ends waits for its client to close first.
const LINGER: Duration = Duration::from_secs(1);
/// How often the files of certificates are looked at.
const CERTIFICATES_EVERY: Duration = Duration::from_secs(2);
/// How long HTTP responses may go on after the node has drained; a part of `drain_timeout`.
pub(super) const HTTP_SHUTDOWN: Duration = Duration::from_secs(1);

/// All doors of a node.
pub(super) struct Servers {
    http: Vec<(ServerHandle, JoinHandle<io::Result<()>>)>,
    rtsp: Vec<Addr<RtspListener>>,
    rtmp: Vec<Addr<RtmpListener>>,
    certificates: CertificateStore,
}

impl Servers {
    /// Serves on all bound sockets.
    ///
    /// Errors: when a certificate cannot be used, or the threads of a server cannot be started.
    pub(super) fn open(doors: Doors, parts: &Parts) -> Result<Self, StartError> {
        let loaded = parts.keeper.current();
        let settings = &loaded.settings;
        let connections = Arc::new(Semaphore::new(connections_max(settings)));
        let certificates = CertificateStore::open(doors.certificates())?;
        let (mut with_api, mut playback) = (Vec::new(), Vec::new());
        let (mut rtsp, mut rtmp) = (Vec::new(), Vec::new());
        for door in doors.0 {
            let preamble = preamble(&door, &certificates, parts)?;
            let limits = |preamble, refusal| ListenLimits {
                preamble,
                ..ListenLimits::new(connections.clone(), refusal, parts.hits.clone())
            };
            let (socket, arbiters) = (door.socket, parts.session_arbiters());
            match door.scheme {
                Scheme::Http | Scheme::Https if door.serves_api => {
                    with_api.push((socket, preamble));
                }
                Scheme::Http | Scheme::Https => playback.push((socket, preamble)),
                Scheme::Rtsp | Scheme::Rtsps => {
                    let policy = parts.redirect_policy.clone();
                    let router = ClusterRouter::new(parts.view.clone(), parts.identity.id, policy);
                    let session = rtsp_session(settings, parts);
                    let limits = limits(preamble, REFUSAL);
                    let listener =
                        RtspListener::new(socket, limits, arbiters, session, Arc::new(router));
                    rtsp.push(listener.start());
                }
                Scheme::Rtmp | Scheme::Rtmps => {
                    let session = rtmp_session(settings, parts);
                    let limits = limits(preamble, b"");
                    rtmp.push(RtmpListener::new(socket, limits, arbiters, session).start());
                }
                Scheme::Unknown => {}
            }
        }
        let front = Front::new(settings, parts, &connections);
        let mut http = Vec::new();
        if !with_api.is_empty() {
            http.push(front.serve(with_api, Some(api_state(settings, parts, &front.play)?))?);
        }
        if !playback.is_empty() {
            http.push(front.serve(playback, None)?);
        }
        if !certificates.is_empty() {
            actix_rt::spawn(watch(certificates.clone()));
        }
        Ok(Self { http, rtsp, rtmp, certificates })
    }

    /// Shows the certificates as they are on disk now.
    pub(super) async fn refresh_certificates(&self) {
        refresh(&self.certificates).await;
    }

    /// Takes no new RTSP and RTMP clients; HTTP goes on answering, so that peers hear of the end.
    pub(super) fn stop_listening(&self) {
        for listener in &self.rtsp {
            listener.do_send(StopRtsp);
        }
        for listener in &self.rtmp {
            listener.do_send(StopRtmp);
        }
    }

    /// Resolves when a door has died: nobody would be let in by it any more.
    pub(super) async fn first_death(&self) -> StartError {
        let mut watch = tokio::time::interval(WATCH_EVERY);
        loop {
            watch.tick().await;
            let doors = [
                ("HTTP server", self.http.iter().all(|(_, running)| !running.is_finished())),
                ("RTSP listener", self.rtsp.iter().all(Addr::connected)),
                ("RTMP listener", self.rtmp.iter().all(Addr::connected)),
            ];
            if let Some((name, _)) = doors.iter().find(|(_, lives)| !lives) {
                return StartError::Died(name);
            }
        }
    }

    /// Closes HTTP and waits for its threads.
    pub(super) async fn stop(self) {
        // All are told before one is waited for: `stop` tells when called, not when awaited.
        let ending: Vec<_> =
            self.http.into_iter().map(|(handle, running)| (handle.stop(true), running)).collect();
        for (stopped, running) in ending {
            stopped.await;
            if let Ok(Err(error)) = running.await {
                log::warn!("http server: {error}");
            }
        }
    }
}

/// How connections through `door` begin.
fn preamble(
    door: &Door,
    certificates: &CertificateStore,
    parts: &Parts,
) -> Result<Preamble, StartError> {
    let protocols: &[&[u8]] = if door.scheme == Scheme::Https { &[b"http/1.1"] } else { &[] };
    let tls = match door.certificates.as_slice() {
        [] => None,
        own => Some(certificates.server_config(own, protocols)?),
    };
    let proxies = ListenerProxies {
        keeper: parts.keeper.clone(),
        expects_header: door.expects_proxy_protocol,
    };
    let timeout = parts.keeper.current().settings.limits.tls_handshake_timeout;
    Ok(Preamble::new(tls, Arc::new(proxies), timeout, parts.hits.clone()))
}

/// Looks for changed certificates for as long as the node lives.
async fn watch(certificates: CertificateStore) {
    let mut ticks = tokio::time::interval(CERTIFICATES_EVERY);
    loop {
        ticks.tick().await;
        refresh(&certificates).await;
    }
}

/// Reads what has changed, off the arbiter.
async fn refresh(certificates: &CertificateStore) {
    let certificates = certificates.clone();
    let refreshing = actix_rt::task::spawn_blocking(move || certificates.refresh());
    if let Err(error) = refreshing.await {
        log::error!("certificates: not looked at: {error}");
    }
}

/// What all HTTP servers of a node have in common.
struct Front {
    config: ServerConfig,
    play: web::Data<Play>,
    pictures: PictureOrigins,
}

impl Front {
    fn new(settings: &Settings, parts: &Parts, connections: &Arc<Semaphore>) -> Self {
        let play = Arc::new(Play::new(PlayParts {
            directory: parts.view.clone(),
            streams: parts.streams.clone(),
            vods: parts.vods.clone(),
            hub: parts.hub.clone().recipient(),
            sessions: parts.sessions.clone(),
            node: parts.identity.id,
            settings: parts.play_settings.clone(),
            policy: parts.redirect_policy.clone(),
            relays: parts.relays.clone(),
            entries: Box::new(OpenPeers(parts.peers.clone())),
            embed_template: web_ui::page("embed.html"),
            previews: translate::preview_limits(settings),
            limit_hits: parts.hits.clone(),
        }));
        let limits = &settings.limits;
        let front = FrontConfig {
            quick: Arc::new(QuickPlay(Arc::clone(&play))),
            leave: Arc::new(PublishLeave(Arc::clone(&play))),
            connections: Arc::clone(connections),
            reserve: Arc::new(Semaphore::new(reserve_max(settings))),
            head_bytes_max: limits.http_head_bytes,
            head_fields_max: limits.http_headers,
            head_timeout: limits.http_head_timeout,
            body_timeout: limits.http_body_timeout,
            idle_timeout: limits.http_send_timeout,
            stalled_timeout: limits.http_send_timeout,
            hits: parts.hits.clone(),
        };
        let config =
            ServerConfig { front, workers: worker_count(), shutdown_timeout: HTTP_SHUTDOWN };
        let peers = OpenPeers(parts.peers.clone());
        let pictures = Arc::new(move || play::origins(&peers.target_urls()));
        Self { config, play: play.into(), pictures }
    }

    /// Serves playback on `sockets`, and the API and the UI if there is a state for them.
    fn serve(
        &self,
        sockets: Vec<(std::net::TcpListener, Preamble)>,
        state: Option<web::Data<ApiState>>,
    ) -> io::Result<(ServerHandle, JoinHandle<io::Result<()>>)> {
        let play = self.play.clone();
        let pictures = Arc::clone(&self.pictures);
        let server = http_front::serve(sockets, self.config.clone(), move || {
            let state = state.clone();
            let pictures = Arc::clone(&pictures);
            App::new()
                .app_data(play.clone())
                .configure(move |app| {
                    if let Some(state) = state {
                        let console = web_ui::console(pictures).wrap(from_fn(api::guard_page));
                        app.configure(api::configure(state)).service(console);
                    }
                })
                .service(web_ui::assets())
                .default_service(web::to(play::handle))
        })?;
        Ok((server.handle(), actix_rt::spawn(server)))
    }
}

/// Connections that there are descriptors for, with some kept back for files and the API's own.
fn connections_max(settings: &Settings) -> usize {
    let limits = &settings.limits;
    let descriptors = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
        Err(error) => {
            log::warn!("descriptors: the limit cannot be read: {error}");
            return limits.connections;
        }
    };
    let room = descriptors.saturating_sub(limits.reserved_descriptors).max(1);
    if room < limits.connections {
        log::warn!("{descriptors} descriptors: {room} connections, not {}", limits.connections);
    }
    limits.connections.min(room)
}

/// Connections kept for the API when all others are taken: half of what is kept back, as the other
/// half is for files, and for clients between being accepted and being refused.
fn reserve_max(settings: &Settings) -> usize {
    settings.limits.reserved_descriptors.div_ceil(2).max(1)
}

fn api_state(
    settings: &Settings,
    parts: &Parts,
    play: &Play,
) -> Result<web::Data<ApiState>, StartError> {
    Ok(web::Data::new(ApiState {
        identity: parts.identity.clone(),
        keeper: parts.keeper.clone(),
        directory: parts.view.clone(),
        peers: parts.peers.clone(),
        stats: parts.stats.clone(),
        own_streams: Box::new(HubStreams {
            streams: parts.streams.clone(),
            hub: parts.hub.clone(),
        }),
        sessions: parts.sessions.clone(),
        streams: parts.streams.clone(),
        vods: parts.vods.clone(),
        guard: parts.guard.clone(),
        report: parts.directory.clone().recipient(),
        peer_spoke: parts.supervisor.clone().recipient(),
        peer_changed: parts.supervisor.clone().recipient(),
        readiness: parts.readiness.clone(),
        events: api::Events::new(settings.limits.event_listeners),
        gate: api::Gate::new().map_err(StartError::Random)?,
        refusals: api::Refusals::default(),
        document: api::OpenApi::default(),
        limit_hits: parts.hits.clone(),
        previews: Arc::clone(play.previews()),
    }))
}

fn rtsp_session(settings: &Settings, parts: &Parts) -> RtspSessionSettings {
    RtspSessionSettings {
        limits: translate::rtsp_limits(settings),
        outbox: OutboxLimits::CONTROL,
        read_bytes_max: RTSP_READ_BYTES,
        linger: LINGER,
        hub: parts.hub.clone().recipient(),
        streams: parts.streams.clone(),
        relays: parts.relays.clone(),
        fan_out: parts.fan_out.clone(),
        sessions: parts.sessions.clone(),
    }
}

fn rtmp_session(settings: &Settings, parts: &Parts) -> RtmpSessionSettings {
    RtmpSessionSettings {
        protocol: translate::rtmp_protocol(settings),
        outbox: OutboxLimits::CONTROL,
        read_bytes_max: RTMP_READ_BYTES,
        linger: LINGER,
        routing: RtmpRouting::new(
            parts.view.clone(),
            parts.identity.id,
            parts.redirect_policy.clone(),
        ),
        hub: parts.hub.clone().recipient(),
        streams: parts.streams.clone(),
        fan_out: parts.fan_out.clone(),
        sessions: parts.sessions.clone(),
        relays: parts.relays.clone(),
    }
}
