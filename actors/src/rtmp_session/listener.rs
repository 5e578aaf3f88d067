//! Accepts RTMP clients and starts a session for each.

use std::net::TcpListener;

use actix::prelude::*;
use actix_rt::ArbiterHandle;

use super::messages::StopListening;
use super::{RtmpSession, RtmpSessionSettings};
use crate::tcp_listener::{ListenLimits, listen};

/// One RTMP door: a listening socket and how its clients are served.
pub struct RtmpListener {
    listener: Option<TcpListener>,
    limits: ListenLimits,
    arbiters: Vec<ArbiterHandle>,
    settings: RtmpSessionSettings,
}

impl RtmpListener {
    /// Serves the clients of `listener` by sessions spread over `arbiters`, or on the listener's
    /// own without any.
    #[must_use]
    pub fn new(
        listener: TcpListener,
        limits: ListenLimits,
        arbiters: Vec<ArbiterHandle>,
        settings: RtmpSessionSettings,
    ) -> Self {
        Self { listener: Some(listener), limits, arbiters, settings }
    }
}

impl Actor for RtmpListener {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(listener) = self.listener.take() else {
            return;
        };
        let settings = self.settings.clone();
        let limit_hits = self.limits.limit_hits.clone();
        let start = move |connection| {
            RtmpSession::start_on(connection, settings.clone(), limit_hits.clone());
        };
        let accepting = listen(listener, self.limits.clone(), self.arbiters.clone(), start);
        ctx.spawn(accepting.into_actor(self).map(|result, _, ctx| {
            if let Err(error) = result {
                log::error!("rtmp listener: {error}");
            }
            ctx.stop();
        }));
    }
}

impl Handler<StopListening> for RtmpListener {
    type Result = ();

    fn handle(&mut self, _: StopListening, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
