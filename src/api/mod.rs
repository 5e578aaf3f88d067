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
//! One file a resource, which tells its addresses: routes, and what `openapi/` says of them. What
//! those of the config file have in common is in `collection.rs`. Errors become HTTP in `error.rs`
//! only; who may do what is decided in `auth/`; what lists have in common is in `list/`.

mod address;
mod auth;
mod balancers;
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
mod openapi;
mod peers;
mod precondition;
mod refusals;
mod request_id;
mod session;
mod sessions;
mod signed;
mod sources;
mod streams;
mod templates;
mod vods;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use actix::Recipient;
use actix_web::middleware::from_fn;
use actix_web::web;
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
pub use openapi::OpenApi;
pub use refusals::Refusals;
pub use streams::{InputDetails, StreamDetails};

use crate::settings::Keeper;
use address::Address;
use balancers::Balancers;
use body::BodyLimits;
use error::ApiError;
use sources::Sources;
use templates::Templates;

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
    /// Counts the keyframes that were decoded for previews.
    pub previews: Arc<AtomicU64>,
    /// Whether the node takes new clients.
    pub readiness: Readiness,
    /// Who follows what changes.
    pub events: Events,
    /// Who is signed in, and who has tried.
    pub gate: Gate,
    /// Keeps the log of refused peers short; starts as its default.
    pub refusals: Refusals,
    /// What describes all of this; starts as its default.
    pub document: OpenApi,
}

/// This node's own streams, as far as the API asks for them.
pub trait OwnStreams: Send + Sync {
    /// What is known of the stream beyond what the directory says; none if it is not here.
    fn details(&self, name: &StreamName) -> Option<StreamDetails>;

    /// Ends its capture, which starts anew at once if it is static; says whether it is here.
    fn stop(&self, name: StreamName) -> LocalBoxFuture<'static, bool>;
}

/// Addresses that have their bases in common.
struct Part {
    bases: &'static [&'static str],
    addresses: fn() -> Vec<Address>,
}

/// All that the API knows. The longer base comes first.
const PARTS: [Part; 3] = [
    Part { bases: &BASES, addresses },
    Part { bases: &[OLDER_BASE], addresses: older::addresses },
    Part { bases: &[""], addresses: || vec![metrics::address()] },
];

fn addresses() -> Vec<Address> {
    let mut all = vec![config::address(), node_stats::address()];
    all.extend(peers::addresses());
    all.extend(collection::addresses::<Sources>("/cluster/sources", "/cluster/sources/{url}"));
    all.extend(collection::addresses::<Balancers>(
        "/cluster/balancers",
        "/cluster/balancers/{name}",
    ));
    all.extend(collection::addresses::<Templates>("/templates", "/templates/{name}"));
    all.extend(vods::addresses());
    all.extend(streams::addresses());
    all.extend(sessions::addresses());
    all.extend([events::address(), session::address(), openapi::address()]);
    all.extend(monitoring::addresses());
    all.extend(signed::addresses());
    all.extend(cluster_media::addresses());
    all
}

/// Adds the API to an application: `App::new().configure(api::configure(state))`.
pub fn configure(
    state: web::Data<ApiState>,
) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    move |app| {
        app.app_data(state.clone());
        for part in &PARTS {
            for base in part.bases {
                let (guarded, open): (Vec<_>, Vec<_>) =
                    (part.addresses)().into_iter().partition(Address::is_guarded);
                if base.is_empty() {
                    // What the API does not know there is playback's.
                    for address in guarded {
                        app.service(address.resource().wrap(from_fn(auth::guard)));
                    }
                    continue;
                }
                let path = web::PathConfig::default()
                    .error_handler(|_, _| error::no_such_resource().into());
                let guarded = web::scope("")
                    .wrap(from_fn(auth::guard))
                    .app_data(path)
                    .configure(add(guarded))
                    .default_service(web::to(no_such_resource));
                app.service(web::scope(base).configure(add(open)).service(guarded));
            }
        }
    }
}

fn add(addresses: Vec<Address>) -> impl FnOnce(&mut web::ServiceConfig) {
    |app| {
        for address in addresses {
            app.service(address.resource());
        }
    }
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
