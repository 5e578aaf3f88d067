//! Binds the door to its listeners: one framework application a worker, any number of ports.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_server::Server;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, apply_fn_factory, fn_service, map_config,
};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, ServiceResponse};
use futures_util::TryFutureExt as _;
use watershed_actors::preamble::Preamble;

use super::pipeline::Pipeline;
use super::{Front, FrontConfig, Prefixed};

/// How the servers of a node run.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// What stands before the framework.
    pub front: FrontConfig,
    /// Threads that serve.
    pub workers: usize,
    /// How long a stopping server waits for its connections.
    pub shutdown_timeout: Duration,
}

/// Serves `app` on `listeners`, whose connections begin each in its own way.
///
/// Errors: when the threads cannot be started.
pub fn serve<F, I, S, B>(
    listeners: Vec<(TcpListener, Preamble)>,
    config: ServerConfig,
    app: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, actix_http::Request>,
    S: ServiceFactory<
            actix_http::Request,
            Config = AppConfig,
            Response = ServiceResponse<B>,
            InitError = (),
        > + 'static,
    S::Service: 'static,
    S::Error: Into<actix_http::Response<actix_http::body::BoxBody>> + fmt::Debug + 'static,
    <S::Service as Service<actix_http::Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let mut server = Server::build()
        .workers(config.workers)
        .shutdown_timeout(config.shutdown_timeout.as_secs())
        .disable_signals();
    for (listener, preamble) in listeners {
        let app = app.clone();
        let front = config.front.clone();
        server = server.listen("http", listener, move || {
            // Tells the connection of each request that begins.
            let app = apply_fn_factory(app(), |request: actix_http::Request, app: &_| {
                if let Some(pipeline) = request.conn_data::<Pipeline>() {
                    pipeline.begun();
                }
                Service::call(app, request)
            });
            let leave = Arc::clone(&front.leave);
            let framework = HttpService::build()
                .expect(fn_service(move |request: actix_http::Request| {
                    let pipeline = request.conn_data::<Pipeline>().cloned();
                    // One that is answered already never gets to the application.
                    leave.ask(request).inspect_err(move |_| {
                        if let Some(pipeline) = pipeline {
                            pipeline.begun();
                        }
                    })
                }))
                .on_connect_ext(|socket: &Prefixed, data| {
                    data.insert(socket.pipeline());
                    data.insert(socket.connected());
                })
                .client_request_timeout(front.head_timeout)
                .keep_alive(front.idle_timeout)
                .client_disconnect_timeout(Duration::from_secs(1))
                .h1_allow_half_closed(false)
                .h1(map_config(app, |()| AppConfig::default()));
            Front::new(front.clone(), preamble.clone(), framework)
        })?;
    }
    Ok(server.run())
}
