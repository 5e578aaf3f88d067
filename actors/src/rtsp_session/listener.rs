//! Accepts RTSP clients and starts a session for each.

use std::net::TcpListener;
use std::sync::Arc;

use actix::prelude::*;
use actix_rt::ArbiterHandle;

use super::messages::{Router, StopListening};
use super::{RtspSession, RtspSessionSettings};
use crate::tcp_listener::{ListenLimits, listen};

/// What a client over the connection limit is told. It has asked nothing yet, so there is no
/// `CSeq` to echo.
pub const REFUSAL: &[u8] =
    b"RTSP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";

/// One RTSP door: a listening socket and how its clients are served.
pub struct RtspListener {
    listener: Option<TcpListener>,
    limits: ListenLimits,
    arbiters: Vec<ArbiterHandle>,
    settings: RtspSessionSettings,
    router: Arc<dyn Router + Send + Sync>,
}

impl RtspListener {
    /// Serves the clients of `listener` by sessions spread over `arbiters`, or on the listener's
    /// own without any. `limits` should refuse with [`REFUSAL`].
    #[must_use]
    pub fn new(
        listener: TcpListener,
        limits: ListenLimits,
        arbiters: Vec<ArbiterHandle>,
        settings: RtspSessionSettings,
        router: Arc<dyn Router + Send + Sync>,
    ) -> Self {
        Self { listener: Some(listener), limits, arbiters, settings, router }
    }
}

impl Actor for RtspListener {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(listener) = self.listener.take() else {
            return;
        };
        let (settings, router) = (self.settings.clone(), Arc::clone(&self.router));
        let limit_hits = self.limits.limit_hits.clone();
        let start = move |connection| {
            let (router, limit_hits) = (Arc::clone(&router), limit_hits.clone());
            RtspSession::start_on(connection, settings.clone(), router, limit_hits);
        };
        let accepting = listen(listener, self.limits.clone(), self.arbiters.clone(), start);
        ctx.spawn(accepting.into_actor(self).map(|result, _, ctx| {
            if let Err(error) = result {
                log::error!("rtsp listener: {error}");
            }
            ctx.stop();
        }));
    }
}

impl Handler<StopListening> for RtspListener {
    type Result = ();

    fn handle(&mut self, _: StopListening, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
