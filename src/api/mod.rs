//! The REST API (SPEC section 7): what a monitoring script, a form of the UI or a peer may ask.
//!
//! ```text
//! request ─▶ routes ─┬▶ monitoring            open
//!                    ├▶ signed                cluster key
//!                    ├▶ session               password
//!                    └▶ guard (auth) ─▶ resource ─┬▶ read: snapshots ▸ list conventions
//!                                                 └▶ write: body ▸ settings keeper ▸ file, actors
//! ```
//!
//! One file a resource; what those of the config file have in common is in `collection.rs`. Errors
//! become HTTP in `error.rs` only; who may do what is decided in `auth/`; what lists have in
//! common is in `list/`.

mod auth;
mod body;
mod cluster_media;
mod collection;
mod config;
mod error;
mod events;
mod list;
mod metrics;
mod monitoring;
mod node_stats;
mod older;
mod peers;
mod precondition;
mod session;
mod sessions;
mod signed;
mod streams;
mod templates;
mod vods;

#[cfg(test)]
mod tests;

use actix::Recipient;
use actix_web::middleware::from_fn;
use actix_web::{Resource, Route, guard, web};
use futures_util::future::LocalBoxFuture;
use watershed_actors::cluster_supervisor::{PeerAnnouncedChange, PeerSpoke, PeersView};
use watershed_actors::limits::LimitHits;
use watershed_actors::names::StreamName;
use watershed_actors::published::Published;
use watershed_actors::report::NodeStats;
use watershed_actors::session_registry::Sessions;
use watershed_actors::signature::ClusterGuard;
use watershed_actors::stream_directory::{DirectoryView, NodeIdentity, ReportSince};
use watershed_actors::stream_hub::LocalStreams;

pub use auth::{Gate, guard_page};
pub use events::Events;
pub use monitoring::{NodePhase, Readiness};
pub use signed::Refusals;
pub use streams::{InputDetails, StreamDetails};

use crate::settings::Keeper;
use body::BodyLimits;
use error::ApiError;
use peers::Peers;
use streams::Streams;
use templates::Templates;
use vods::Vods;

/// Both bases answer alike; the second is what older scripts use.
const BASES: [&str; 2] = ["/streamer/api/v3", "/flussonic/api/v3"];
/// Where still older scripts ask.
const OLDER_BASE: &str = "/flussonic/api";

/// All that the API reads and tells; made by the daemon, shared by all workers.
pub struct ApiState {
    /// This node.
    pub identity: NodeIdentity,
    /// The settings in force, and the way to change them.
    pub keeper: Keeper,
    /// Where streams are.
    pub directory: DirectoryView,
    /// How the peers are doing.
    pub peers: PeersView,
    /// This node's numbers.
    pub stats: Published<NodeStats>,
    /// This node's own streams.
    pub own_streams: Box<dyn OwnStreams>,
    /// The same, to be relayed to other nodes.
    pub streams: LocalStreams,
    /// This node's files.
    pub vods: watershed_actors::vod::Vods,
    /// Who plays and publishes here.
    pub sessions: Sessions,
    /// Checks what peers sign.
    pub guard: ClusterGuard,
    /// Answers with what this node has.
    pub report: Recipient<ReportSince>,
    /// Told of each peer that signed a request.
    pub peer_spoke: Recipient<PeerSpoke>,
    /// Told of each peer that says that something changed there.
    pub peer_changed: Recipient<PeerAnnouncedChange>,
    /// Counts the limits that are hit.
    pub limit_hits: LimitHits,
    /// Whether the node takes new clients.
    pub readiness: Readiness,
    /// Who follows what changes.
    pub events: Events,
    /// Who is signed in, and who has tried.
    pub gate: Gate,
    /// Keeps the log of refused peers short; starts as its default.
    pub refusals: Refusals,
}

/// This node's own streams, as far as the API asks for them.
pub trait OwnStreams: Send + Sync {
    /// What is known of the stream beyond what the directory says; none if it is not here.
    fn details(&self, name: &StreamName) -> Option<StreamDetails>;

    /// Ends its capture, which starts anew at once if it is static; says whether it is here.
    fn stop(&self, name: StreamName) -> LocalBoxFuture<'static, bool>;
}

/// Adds the API to an application: `App::new().configure(api::configure(state))`.
pub fn configure(
    state: web::Data<ApiState>,
) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    move |app| {
        app.app_data(state.clone());
        for base in BASES {
            app.service(web::scope(base).configure(routes));
        }
        let older = web::scope(OLDER_BASE).wrap(from_fn(auth::guard)).configure(older::routes);
        app.service(older.default_service(web::to(no_such_resource)));
        let metrics = at("/metrics", "GET, HEAD").route(read().to(metrics::show));
        app.service(metrics.wrap(from_fn(auth::guard)));
    }
}

fn routes(app: &mut web::ServiceConfig) {
    app.service(at("/monitoring/liveness", "GET, HEAD").route(read().to(monitoring::liveness)))
        .service(at("/monitoring/readiness", "GET, HEAD").route(read().to(monitoring::readiness)))
        .service(at("/cluster/report", "GET").route(web::get().to(signed::report)))
        .service(at("/cluster/changed", "POST").route(web::post().to(signed::changed)))
        .service(at("/cluster/media/{name}", "GET").route(web::get().to(cluster_media::media)))
        .service(at("/cluster/authorize", "POST").route(web::post().to(cluster_media::authorize)))
        .service(
            at("/session", "GET, HEAD, POST, DELETE")
                .route(read().to(session::show).wrap(from_fn(auth::guard)))
                .route(web::delete().to(session::delete).wrap(from_fn(auth::guard_sign_out)))
                .route(web::post().to(session::post).wrap(from_fn(auth::guard_sign_in))),
        )
        .service(
            web::scope("")
                .wrap(from_fn(auth::guard))
                .configure(guarded_routes)
                .default_service(web::to(no_such_resource)),
        );
}

fn guarded_routes(app: &mut web::ServiceConfig) {
    let path = web::PathConfig::default().error_handler(|_, _| error::no_such_resource().into());
    app.app_data(path)
        .service(
            at("/config", "GET, HEAD, PUT, POST")
                .route(read().to(config::show))
                .route(web::put().to(config::put))
                .route(web::post().to(config::check)),
        )
        .service(at("/config/stats", "GET, HEAD").route(read().to(node_stats::show)))
        .service(collection::list::<Peers>("/cluster/peers"))
        .service(collection::item::<Peers>("/cluster/peers/{hostname}"))
        .service(
            at("/cluster/peers/{hostname}/history", "GET, HEAD").route(read().to(peers::history)),
        )
        .service(at("/events", "GET").route(web::get().to(events::listen)))
        .service(at("/sessions", "GET, HEAD").route(read().to(sessions::list)))
        .service(
            at("/sessions/{id}", "GET, HEAD, DELETE")
                .route(read().to(sessions::show))
                .route(web::delete().to(sessions::delete)),
        )
        .service(collection::list::<Templates>("/templates"))
        .service(collection::item::<Templates>("/templates/{name}"))
        .service(collection::list::<Vods>("/vods"))
        .service(collection::item::<Vods>("/vods/{prefix}"))
        .service(at("/vods/{prefix}/files", "GET, HEAD").route(read().to(vods::files)))
        .service(collection::list::<Streams>("/streams"))
        .service(
            collection::item_without_delete::<Streams>("/streams/{name}")
                .route(web::delete().to(streams::delete)),
        )
        .service(at("/streams/{name}/stop", "POST").route(web::post().to(streams::stop)));
}

/// A resource that refuses all methods but those of its routes.
fn at(path: &str, allow: &'static str) -> Resource {
    let refuse =
        move || async move { Err::<String, _>(ApiError::method_not_allowed(allow.to_owned())) };
    web::resource(path).default_service(web::to(refuse))
}

/// GET, and HEAD by the same handler: the server leaves the body out.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn no_such_resource() -> Result<String, ApiError> {
    Err(error::no_such_resource())
}

impl ApiState {
    /// What the body of a write is held to.
    fn body_limits(&self) -> BodyLimits {
        let limits = &self.keeper.current().settings.limits;
        BodyLimits {
            bytes_max: limits.http_body_bytes,
            bytes_limit: "http_body_size",
            timeout: limits.http_body_timeout,
            hits: self.limit_hits.clone(),
        }
    }

    /// The same for a whole configuration.
    fn config_limits(&self) -> BodyLimits {
        let bytes_max = self.keeper.current().settings.limits.http_config_bytes;
        BodyLimits { bytes_max, bytes_limit: "http_config_size", ..self.body_limits() }
    }
}
