//! HTTP media: asks the directory where a stream is, then redirects, serves or takes it in.
//!
//! ```text
//!  POST /NAME/mpegts ▸ publish
//!  GET /NAME/OUTPUT ▸ path::parse ▸ Play::decide ─┬ Local    ▸ hls | progressive | embed | preview
//!                                                 ├ Redirect ▸ redirect (302 to the holder)
//!                                                 ├ Relay    ▸ relay, then as Local
//!                                                 ├ Later    ▸ 503, Retry-After
//!                                                 └ Nowhere  ▸ files: 302 to a peer, 404
//!  … of a file that is here ▸ files
//! ```
//! What need not wait is decided twice over the same code: here, and in [`QuickPlay`] before the
//! framework sees the request.

mod answers;
mod embed;
mod files;
mod hls;
mod path;
mod preview;
mod progressive;
mod publish;
mod quick;
mod redirect;
mod relay;

use std::borrow::Cow;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use actix::Recipient;
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use watershed_actors::fan_out::FanOutSettings;
use watershed_actors::http_session::Opening;
use watershed_actors::limits::LimitHits;
use watershed_actors::live_stream::Broadcast;
use watershed_actors::names::{NodeId, Protocol};
use watershed_actors::published::Published;
use watershed_actors::redirect::{RedirectPolicy, find_via, strip_via};
use watershed_actors::relay::Relays;
use watershed_actors::session_registry::{
    Client, Connected, PlayerRefused, SessionGuard, Sessions,
};
use watershed_actors::stream_directory::{Ask, Choice, DirectoryView, PeerRoute, StreamLocation};
use watershed_actors::stream_hub::{LocalEntry, LocalStreams, PublishTo};
use watershed_actors::vod::Vods;
use watershed_actors::wall_clock::unix_ms;

use crate::http_front::client_of;
pub use embed::origins;
use path::Output;
pub use preview::PreviewLimits;
use preview::Previews;
pub use publish::PublishLeave;
pub use quick::QuickPlay;

/// What the operator can set about playback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaySettings {
    /// The asked node answers master playlists itself and redirects the media playlists.
    pub redirects_media_playlists: bool,
    /// Pictures of streams are made.
    pub makes_previews: bool,
    /// How endless responses are written.
    pub fan_out: FanOutSettings,
}

/// The HTTP door for players and publishers. Shared by all workers.
#[derive(Debug)]
pub struct Play {
    directory: DirectoryView,
    streams: LocalStreams,
    vods: Vods,
    hub: Recipient<PublishTo>,
    sessions: Sessions,
    node: NodeId,
    settings: Published<PlaySettings>,
    policy: Published<RedirectPolicy>,
    relays: Relays,
    /// Peers' public addresses, for the player page.
    entries: Box<dyn EntryNodes>,
    /// The player page as built; none if the web UI was not.
    embed_template: Option<Bytes>,
    previews: Previews,
    player_hash: RandomState,
}

/// What the door is made of.
pub struct PlayParts {
    /// Where streams are.
    pub directory: DirectoryView,
    /// Those of this node.
    pub streams: LocalStreams,
    /// The files of this node.
    pub vods: Vods,
    /// Who grants publishing.
    pub hub: Recipient<PublishTo>,
    /// Who plays and publishes here.
    pub sessions: Sessions,
    /// This node, for its marks.
    pub node: NodeId,
    /// What the operator can set about playback.
    pub settings: Published<PlaySettings>,
    /// Who is redirected, and who is not.
    pub policy: Published<RedirectPolicy>,
    /// Gives the streams of peers to those who are not.
    pub relays: Relays,
    /// Peers' public addresses, for the player page.
    pub entries: Box<dyn EntryNodes>,
    /// The player page as built; none if the web UI was not.
    pub embed_template: Option<Bytes>,
    /// What pictures of streams may cost.
    pub previews: PreviewLimits,
    /// Counts those that cost more.
    pub limit_hits: LimitHits,
}

/// Names the nodes that a player may enter the cluster by.
pub trait EntryNodes: Send + Sync + std::fmt::Debug {
    /// The public HTTP addresses of the peers that are up, without a closing slash.
    fn entry_urls(&self) -> Vec<String>;

    /// The public HTTP addresses that redirects may lead to while a page is open: those of all
    /// peers, also of those that are down just now, and this node's own if the config names it.
    fn target_urls(&self) -> Vec<String>;
}

/// What is done with a request.
enum Decision {
    Local(LocalEntry),
    Redirect(Arc<PeerRoute>, Choice),
    Relay(Arc<PeerRoute>),
    Later,
    Nowhere,
}

/// What of a request decides where it goes.
#[derive(Clone, Copy)]
struct Asked<'a> {
    name: &'a str,
    output: Output<'a>,
    query: Option<&'a str>,
    client: Option<IpAddr>,
    user_agent: Option<&'a str>,
    is_https: bool,
    now: Instant,
}

impl<'a> Asked<'a> {
    fn token(&self) -> Option<&'a str> {
        self.query?.split('&').find_map(|parameter| parameter.strip_prefix("token="))
    }

    /// Whether a player page is to be this node's, whoever has the stream: a page that frames it
    /// need not know the nodes that the media comes from.
    fn is_page_of_this_node(&self) -> bool {
        let mut parameters = self.query.into_iter().flat_map(|query| query.split('&'));
        self.output == Output::Embed && parameters.any(|parameter| parameter == "redirect=false")
    }

    /// The client as sessions are listed.
    fn as_client(&self) -> Client<'a> {
        // Every TCP connection has an address.
        let ip = self.client.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Client { ip, user_agent: self.user_agent, token: self.token() }
    }
}

impl Play {
    /// Makes the door of what `parts` says.
    #[must_use]
    pub fn new(parts: PlayParts) -> Self {
        let PlayParts { directory, streams, hub, sessions, node, settings, policy, .. } = parts;
        Self {
            directory,
            streams,
            vods: parts.vods,
            hub,
            sessions,
            node,
            settings,
            policy,
            relays: parts.relays,
            entries: parts.entries,
            embed_template: parts.embed_template,
            previews: Previews::new(parts.previews, parts.limit_hits),
            player_hash: RandomState::new(),
        }
    }

    /// Counts the keyframes that were decoded for pictures of streams.
    #[must_use]
    pub const fn previews(&self) -> &Arc<AtomicU64> {
        self.previews.decoded()
    }

    /// Decides without waiting; `None` while the node has not heard from its peers.
    fn decide_now(&self, asked: &Asked<'_>) -> Option<Decision> {
        match self.directory.locate(asked.name, &self.ask(asked)) {
            StreamLocation::Unsettled => None,
            location => Some(self.judge(location, asked)),
        }
    }

    async fn decide(&self, asked: &Asked<'_>) -> Decision {
        let ask = || self.ask(&Asked { now: Instant::now(), ..*asked });
        let location = self.directory.locate_settled(asked.name, ask).await;
        self.judge(location, asked)
    }

    fn judge(&self, location: StreamLocation, asked: &Asked<'_>) -> Decision {
        match location {
            // An endless answer would be cut off when the node stops.
            StreamLocation::Here { .. }
                if asked.output.is_endless() && self.directory.is_draining() =>
            {
                Decision::Later
            }
            StreamLocation::Here { .. } => {
                self.streams.find(asked.name).map_or(Decision::Later, Decision::Local)
            }
            StreamLocation::At(..) if self.is_asked_to_finish(asked) => {
                self.streams.find(asked.name).map_or(Decision::Later, Decision::Local)
            }
            StreamLocation::At(..) if self.was_just_redirected(asked.query) => Decision::Later,
            StreamLocation::At(route, choice) => self.redirect_or_relay(route, choice, asked),
            StreamLocation::ComingBack | StreamLocation::Unsettled => Decision::Later,
            StreamLocation::Nowhere => Decision::Nowhere,
        }
    }

    /// A draining node relays nothing: it would be cut off soon.
    fn redirect_or_relay(
        &self,
        route: Arc<PeerRoute>,
        choice: Choice,
        asked: &Asked<'_>,
    ) -> Decision {
        if asked.is_page_of_this_node() {
            Decision::Relay(route)
        } else if self.policy.load().redirects_http(asked.is_https, &route.targets) {
            Decision::Redirect(route, choice)
        } else if self.directory.is_draining() {
            Decision::Later
        } else {
            Decision::Relay(route)
        }
    }

    /// Whether this node drains and nobody else can answer: a segment that it has listed, as the
    /// peer that goes on with the stream cuts others, or a client that a node has sent here which
    /// had not heard of the end.
    fn is_asked_to_finish(&self, asked: &Asked<'_>) -> bool {
        if !self.directory.is_draining() {
            return false;
        }
        let has_it = |segment| {
            let entry = self.streams.find(asked.name);
            entry.is_some_and(|entry| entry.broadcast.segment(segment).is_some())
        };
        match asked.output {
            Output::Segment(segment) if has_it(segment) => true,
            Output::Endless(_) => false,
            _ => self.was_just_redirected(asked.query),
        }
    }

    fn ask(&self, asked: &Asked<'_>) -> Ask {
        let protocol = asked.output.protocol();
        let client = (protocol == Protocol::Hls).then(|| self.player_id(asked));
        Ask { protocol, client, now: asked.now }
    }

    /// A number for the HLS session: address, token, user agent and stream (SPEC section 6).
    fn player_id(&self, asked: &Asked<'_>) -> u64 {
        self.player_hash.hash_one((asked.client, asked.token(), asked.user_agent, asked.name))
    }

    /// Notes that an HLS player asks for a playlist of `entry`.
    fn saw_player(&self, entry: &LocalEntry, asked: &Asked<'_>) -> Result<(), PlayerRefused> {
        let id = self.player_id(asked);
        self.sessions.saw_player(id, &*entry.broadcast, asked.as_client(), Instant::now())
    }

    /// Enters a client that plays over a connection.
    fn enter(
        &self,
        session: &Opening,
        broadcast: &Broadcast,
        asked: &Asked<'_>,
    ) -> Result<SessionGuard, PlayerRefused> {
        let connected = Connected::new(session.end());
        let (client, protocol) = (asked.as_client(), asked.output.protocol());
        Ok(self.sessions.open_play(broadcast, protocol, client, connected)?)
    }

    fn was_just_redirected(&self, query: Option<&str>) -> bool {
        let mark = query.and_then(find_via);
        mark.is_some_and(|mark| self.directory.is_young_mark(mark, unix_ms()))
    }
}

/// Answers any request that no other part of the daemon claims.
pub async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    play: web::Data<Play>,
) -> HttpResponse {
    if request.method() == Method::OPTIONS {
        return answers::preflight();
    }
    if let Some(name) = publish::stream_of(request.method(), request.path()) {
        return publish::answer(&play, name, &request, payload).await;
    }
    let Some((name, output)) = path::parse(request.path()) else {
        return answers::not_found("no such page, and no stream output of that name");
    };
    let is_head = request.method() == Method::HEAD;
    let is_read = is_head || request.method() == Method::GET;
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|v| v.to_str().ok());
    let query = request.uri().query();
    let client = client_of(&request);
    let (client, is_https) = (client.ip, client.is_https);
    let asked = Asked { name, output, query, client, user_agent, is_https, now: Instant::now() };
    if let Some(answer) = files::answer(&play, &asked, request.method()).await {
        return answer;
    }
    let answer = match play.decide(&asked).await {
        Decision::Redirect(..) if play.answers_master(output) => {
            hls::remote_master(uri_query(&asked).as_deref())
        }
        Decision::Redirect(route, choice) => {
            play.directory.count_redirect(output.protocol(), choice);
            redirect::answer(&play, &route, request.method(), request.uri())
        }
        Decision::Relay(_) if !is_read => answers::method_not_allowed(output),
        Decision::Relay(route) => relay::answer(&play, route, &asked, &request).await,
        Decision::Later => answers::later(),
        Decision::Nowhere => files::elsewhere(&play, &asked, request.method(), request.uri()),
        Decision::Local(_) if !is_read => answers::method_not_allowed(output),
        // The head of an endless answer says nothing of the stream, so it does not start it either.
        Decision::Local(entry) => match output {
            Output::Endless(endless) if is_head => progressive::head(endless),
            _ => serve(&play, entry, &asked, is_head).await,
        },
    };
    if output == Output::Embed { embed::despite(&play, name, answer) } else { answer }
}

async fn serve(play: &Play, entry: LocalEntry, asked: &Asked<'_>, is_head: bool) -> HttpResponse {
    let uri_query = uri_query(asked);
    match asked.output {
        Output::Embed => embed::page(play, asked.name),
        Output::Segment(segment) => hls::segment(play, &entry, segment, asked, is_head),
        Output::MediaInfo => answers::media_info(&entry.broadcast.tracks()),
        Output::Preview => preview::answer(play, &entry).await,
        Output::Master | Output::Media if let Err(refused) = play.saw_player(&entry, asked) => {
            answers::player_refused(refused)
        }
        Output::Master => hls::master(&entry, uri_query.as_deref()).await,
        Output::Media => hls::media(&entry, uri_query.as_deref()).await,
        Output::Other => answers::no_such_output(),
        Output::Endless(endless) => progressive::play(play, endless, &entry, asked).await,
    }
}

/// What playlist URIs repeat of the query: all but the mark.
fn uri_query<'a>(asked: &Asked<'a>) -> Option<Cow<'a, str>> {
    asked.query.map(strip_via).filter(|query| !query.is_empty())
}

impl Play {
    /// Whether this node answers the master playlist of a remote stream itself.
    fn answers_master(&self, output: Output<'_>) -> bool {
        output == Output::Master && self.settings.load().redirects_media_playlists
    }
}
