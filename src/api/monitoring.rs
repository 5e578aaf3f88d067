//! Health for orchestrators: no sign-in, no facts (SPEC section 7).

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::ApiState;
use super::address::{Address, READ};
use super::error::ApiError;
use super::openapi::{About, Schema};

/// Their addresses.
pub(super) fn addresses() -> [Address; 2] {
    let well = || {
        let status = json!({"type": "string", "const": "ok"});
        Schema::of(json!({"type": "object", "properties": {"status": status}}))
    };
    let alive = move || About::open("Whether the process answers").json(200, "it does", well());
    let ready = move || {
        About::open("Whether new clients should be sent here")
            .json(200, "they should", well())
            .refuses(&[503])
    };
    [
        Address::open("/monitoring/liveness").on(READ, web::to(liveness), alive),
        Address::open("/monitoring/readiness").on(READ, web::to(readiness), ready),
    ]
}

/// What the node is doing as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodePhase {
    /// Not all listeners are open yet.
    Starting,
    /// Serving.
    Running,
    /// About to stop; takes no new clients.
    Draining,
}

/// The phase of the node, set where it is started and stopped, read by all. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    phase: Arc<AtomicU8>,
}

impl Readiness {
    /// States the phase from now on.
    pub fn set(&self, phase: NodePhase) {
        let number = match phase {
            NodePhase::Starting => 0,
            NodePhase::Running => 1,
            NodePhase::Draining => 2,
        };
        self.phase.store(number, Ordering::Relaxed);
    }

    /// The phase now; starting until another is set.
    #[must_use]
    pub fn phase(&self) -> NodePhase {
        match self.phase.load(Ordering::Relaxed) {
            0 => NodePhase::Starting,
            1 => NodePhase::Running,
            _ => NodePhase::Draining,
        }
    }
}

/// The process answers: that is all there is to say.
async fn liveness() -> HttpResponse {
    well()
}

/// Whether new clients should be sent here. Peers that are down change nothing about it.
async fn readiness(state: web::Data<ApiState>) -> Result<HttpResponse, ApiError> {
    match state.readiness.phase() {
        NodePhase::Running => Ok(well()),
        NodePhase::Starting => Err(ApiError::unavailable("starting", "the node is starting")),
        NodePhase::Draining => Err(ApiError::unavailable("draining", "the node is stopping")),
    }
}

fn well() -> HttpResponse {
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(json!({"status": "ok"}))
}
