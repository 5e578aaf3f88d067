//! The playing half of a session: DESCRIBE, PLAY and PAUSE of a stream that is here.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::prelude::*;
use bytes::Bytes;
use watershed_media::live::StartPoint;
use watershed_media::rtp::{self, Format};
use watershed_media::rtsp::{Output, RequestId, StreamRequest, TrackSetup, TrackStart};
use watershed_media::sdp;
use watershed_media::track::{CodecConfig, Track};

use super::channels::ChannelMap;
use super::udp::UdpPlayer;
use super::{Asker, Role, RtspSession, now};
use crate::fan_out::{self, Media};
use crate::live_stream::{Broadcast, Container};
use crate::names::Protocol;
use crate::relay::ClientFacts;
use crate::session_registry::{Connected, SessionGuard};
use crate::stream_directory::PeerRoute;
use crate::stream_hub::LocalEntry;

/// What is left of `play_timeout` for the client to go on, once a stream on demand has started.
const SETUP_WITHIN: Duration = Duration::from_secs(1);

/// A client that was told what the stream is like.
pub(super) struct Player {
    broadcast: Arc<Broadcast>,
    /// The tracks when last looked at.
    tracks: Arc<[Track]>,
    /// What the client was told of them.
    described: Vec<Described>,
    asker: Asker,
    /// Set while it plays.
    playing: Option<Playing>,
}

struct Playing {
    _guard: SessionGuard,
    /// What sends by UDP.
    sending: Option<SpawnHandle>,
    /// Bytes that the connection had taken when last looked at.
    taken_bytes: u64,
}

/// What of a track is fixed by the SDP. Parameter sets of video are not: they come in-band too.
#[derive(PartialEq, Eq)]
struct Described {
    format: Format,
    aac_config: Option<Bytes>,
}

fn describe(tracks: &[Track]) -> Vec<Described> {
    let carried = (0..).zip(rtp::carried(tracks));
    let describe = |(index, track): (u8, &Track)| {
        let aac_config = match &track.codec {
            CodecConfig::Aac { config, .. } => Some(config.clone()),
            _ => None,
        };
        Some(Described { format: rtp::format(&track.codec, index)?, aac_config })
    };
    carried.filter_map(describe).collect()
}

impl Player {
    pub(super) const fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// Whether what the client was told still holds.
    fn still_fits(&mut self) -> bool {
        let tracks = self.broadcast.tracks();
        let fits = Arc::ptr_eq(&tracks, &self.tracks) || describe(&tracks) == self.described;
        if fits {
            self.tracks = tracks;
        }
        fits
    }
}

impl RtspSession {
    /// Waits for the stream to run, one on demand starts, and describes it.
    pub(super) fn describe_here(
        &mut self,
        asked: StreamRequest,
        ctx: &mut Context<Self>,
    ) -> Vec<Output> {
        let Some(entry) = self.settings.streams.find(&asked.path) else {
            return self.session.unavailable(asked.request).unwrap_or_default();
        };
        let limit = self.session.deadline().saturating_duration_since(now() + SETUP_WITHIN);
        let running = async move { entry.wait_until_running(limit).await.then_some(entry) };
        self.describe_found(running, asked, ctx)
    }

    /// Asks for the stream of another node, whose holder may refuse the client, and describes it.
    pub(super) fn describe_relayed(
        &self,
        route: Arc<PeerRoute>,
        asked: StreamRequest,
        ctx: &mut Context<Self>,
    ) -> Vec<Output> {
        let Asker { user_agent, token } =
            Asker::new(asked.user_agent.clone(), asked.query.as_deref());
        let client = ClientFacts {
            protocol: Protocol::Rtsp,
            ip: Some(self.peer.ip()),
            token,
            user_agent,
            referer: None,
            session: getrandom::u64().unwrap_or_default(),
        };
        let (relays, peer, name) = (self.settings.relays.clone(), self.peer, asked.path.parse());
        let opening = async move {
            let opened = relays.open(route, name.ok()?, client).await;
            let refused = |refused| log::debug!("rtsp client {peer}: not relayed: {refused}");
            opened.map_err(refused).ok()
        };
        self.describe_found(opening, asked, ctx)
    }

    fn describe_found(
        &self,
        found: impl Future<Output = Option<LocalEntry>> + 'static,
        asked: StreamRequest,
        ctx: &mut Context<Self>,
    ) -> Vec<Output> {
        let StreamRequest { request, query, user_agent, .. } = asked;
        let asker = Asker::new(user_agent, query.as_deref());
        ctx.spawn(found.into_actor(self).map(move |entry, session, ctx| {
            let outputs = match entry {
                Some(entry) => session.describe_running(request, &entry, asker),
                None => session.session.unavailable(request).unwrap_or_default(),
            };
            session.follow(outputs, ctx);
        }));
        Vec::new()
    }

    fn describe_running(
        &mut self,
        request: RequestId,
        entry: &LocalEntry,
        asker: Asker,
    ) -> Vec<Output> {
        let broadcast = Arc::clone(&entry.broadcast);
        let tracks = broadcast.tracks();
        let described = describe(&tracks);
        if described.is_empty() {
            let reason = "RTP carries no track of the stream";
            return self.session.unsupported_media(request, reason).unwrap_or_default();
        }
        let mut random = [0; 8];
        let _ = getrandom::fill(&mut random);
        let address = self.local.to_canonical().to_string();
        let session_id = u64::from_ne_bytes(random) >> 1;
        let origin = sdp::Origin { session_id, address: &address };
        let text = sdp::describe(broadcast.name().as_str(), origin, &tracks);
        // A session that has ended meanwhile takes no answer.
        let outputs = self.session.describe(request, text).unwrap_or_default();
        if !outputs.is_empty() {
            let player = Player { broadcast, tracks, described, asker, playing: None };
            self.role = Role::Player(player);
        }
        outputs
    }

    /// Plays from the last keyframe on, behind the answer.
    pub(super) fn play(
        &mut self,
        request: RequestId,
        setups: &[TrackSetup],
        ctx: &mut Context<Self>,
    ) -> Vec<Output> {
        self.drop_sockets_but_of(setups, ctx);
        let Role::Player(player) = &mut self.role else {
            return self.session.unavailable(request).unwrap_or_default();
        };
        if !player.still_fits() {
            return self.session.unavailable(request).unwrap_or_default();
        }
        let (broadcast, count) = (Arc::clone(&player.broadcast), player.described.len());
        // One that played until now counts no more.
        player.playing = None;
        let connected =
            Connected { end: ctx.address().recipient(), bytes: self.outbox.sent_bytes() };
        let client = player.asker.as_client(self.peer.ip());
        let opened =
            self.settings.sessions.open_play(&broadcast, Protocol::Rtsp, client, connected);
        let Ok(guard) = opened else {
            return self.session.unavailable(request).unwrap_or_default();
        };
        let output = broadcast.output(Container::Rtp);
        let (begin, start) = match output.newest_start_entry() {
            Some((begin, chunk)) => (begin, chunk.start),
            None => (output.newest_start(), None),
        };
        let starts = start.as_deref().map(track_starts).unwrap_or_default();
        let Ok(outputs) = self.session.play(request, &starts) else {
            return Vec::new();
        };
        let settings = *self.settings.fan_out.load();
        let sending = if setups.iter().any(|setup| setup.transport.is_udp()) {
            let (tracks, sent) = (self.destinations(count), guard.byte_counter());
            let broadcast = Arc::clone(&broadcast);
            let goodbyes = vec![None; count];
            let player = UdpPlayer { broadcast, output, begin, tracks, settings, sent, goodbyes };
            let sending = player.send_all().into_actor(self);
            Some(ctx.spawn(sending.map(|(), session, ctx| session.end(ctx))))
        } else {
            let map = ChannelMap::of(count, setups);
            let rewrite = map.map(|map| -> fan_out::Rewrite {
                Box::new(move |chunk| map.rewrite(&chunk.bytes))
            });
            let (broadcast, protocol) = (Arc::clone(&broadcast), Protocol::Rtsp);
            let media = Media { broadcast, output, protocol, begin, rewrite };
            fan_out::follow(&self.outbox, media, settings);
            None
        };
        if let Role::Player(player) = &mut self.role {
            player.playing = Some(Playing { _guard: guard, sending, taken_bytes: 0 });
        }
        outputs
    }

    /// Sends no media until PLAY is asked again.
    pub(super) fn stop_playing(&mut self, ctx: &mut Context<Self>) {
        self.outbox.follow(None);
        if let Role::Player(player) = &mut self.role
            && let Some(Playing { sending: Some(sending), .. }) = player.playing.take()
        {
            ctx.cancel_future(sending);
        }
    }

    /// Looks after a player: what it was told must hold, and a connection that takes media lives.
    pub(super) fn watch_player(&mut self, ctx: &mut Context<Self>) {
        let Role::Player(player) = &mut self.role else {
            return;
        };
        if let Some(playing) = &mut player.playing {
            let taken = self.outbox.sent_bytes().load(Ordering::Relaxed);
            if playing.sending.is_none() && taken > playing.taken_bytes {
                self.session.touch(now());
            }
            playing.taken_bytes = taken;
        }
        if !player.still_fits() {
            log::info!("rtsp client {}: the tracks of its stream have changed", self.peer);
            self.end(ctx);
        }
    }
}

fn track_starts(start: &StartPoint) -> Vec<TrackStart> {
    let heads = start.rtp.iter().enumerate();
    heads
        .map(|(track, head)| TrackStart { track, sequence: head.sequence, timestamp: head.time })
        .collect()
}
