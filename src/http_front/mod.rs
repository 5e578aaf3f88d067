//! The door for HTTP: accepts connections within their limits, answers what can be answered at once
//! and hands everything else to the framework.
//!
//! A redirect is the hottest answer of a node, and most of its cost would be the framework's. So a
//! connection starts here: as long as its requests are plain GETs that [`QuickAnswer`] knows, they
//! are answered from this loop; at the first other one the socket goes to actix-http for good, with
//! the bytes read so far in front.
//!
//! ```text
//!  accept ▸ socket options, limit ▸ read head ─┬ quick?  ▸ write, read on
//!                                              └ else    ▸ actix-http (App: api, play, web_ui)
//! ```
//! A full node still answers its peers and its operators: from a reserve, in which only a first
//! request for the API is served.

mod connection;
mod head;
mod pipeline;
mod prefixed;
mod request_watch;
mod server;

use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_rt::net::TcpStream;
use actix_service::{Service, ServiceFactory};
use bytes::BytesMut;
use futures_util::future::LocalBoxFuture;
use tokio::sync::Semaphore;
use watershed_actors::limits::LimitHits;

pub use prefixed::Prefixed;
use request_watch::{RequestLimits, RequestWatch};
pub use server::{ServerConfig, serve};

/// Answers plain GETs without the framework.
pub trait QuickAnswer: Send + Sync {
    /// Appends the whole response to `out` and answers true, or answers false having written
    /// nothing.
    fn answer(&self, request: QuickRequest<'_>, out: &mut BytesMut) -> bool;
}

/// A plain GET.
#[derive(Clone, Copy, Debug)]
pub struct QuickRequest<'a> {
    /// Path and query as sent.
    pub target: &'a str,
    /// The client's software, if it says so in text.
    pub user_agent: Option<&'a str>,
    /// The client.
    pub client: SocketAddr,
    /// When the request was there: read once for all that need the time.
    pub now: Instant,
}

/// What the door is given.
#[derive(Clone)]
pub struct FrontConfig {
    /// The hot path.
    pub quick: Arc<dyn QuickAnswer>,
    /// Connections of all HTTP listeners together.
    pub connections: Arc<Semaphore>,
    /// More connections, for peers and operators only, when there is none left of the others.
    pub reserve: Arc<Semaphore>,
    /// Most bytes of a request's head.
    pub head_bytes_max: usize,
    /// Most fields of a request's head.
    pub head_fields_max: usize,
    /// From the first byte of a head to its last.
    pub head_timeout: Duration,
    /// From the first byte of a body to its last.
    pub body_timeout: Duration,
    /// A connection between two requests is kept this long.
    pub idle_timeout: Duration,
    /// A client that takes nothing for this long is closed.
    pub stalled_timeout: Duration,
    /// Where limits that were hit are counted.
    pub hits: LimitHits,
}

impl fmt::Debug for FrontConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrontConfig").finish_non_exhaustive()
    }
}

/// Makes the door around the framework's HTTP service.
#[derive(Debug)]
pub struct Front<F> {
    config: FrontConfig,
    framework: F,
}

impl<F> Front<F> {
    /// Wraps `framework`, which serves whole connections.
    pub const fn new(config: FrontConfig, framework: F) -> Self {
        Self { config, framework }
    }
}

type Connection = (Prefixed, Option<SocketAddr>);

impl<F> ServiceFactory<TcpStream> for Front<F>
where
    F: ServiceFactory<Connection, Config = (), Response = (), InitError = ()> + 'static,
    F::Service: 'static,
    F::Error: fmt::Debug,
{
    type Response = ();
    type Error = ();
    type Config = ();
    type Service = FrontService<F::Service>;
    type InitError = ();
    type Future = LocalBoxFuture<'static, Result<Self::Service, ()>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let framework = self.framework.new_service(());
        let config = self.config.clone();
        Box::pin(async move {
            Ok(FrontService { config: Rc::new(config), framework: Rc::new(framework.await?) })
        })
    }
}

/// The door of one worker.
#[derive(Debug)]
pub struct FrontService<S> {
    config: Rc<FrontConfig>,
    framework: Rc<S>,
}

impl<S> Service<TcpStream> for FrontService<S>
where
    S: Service<Connection, Response = ()> + 'static,
    S::Error: fmt::Debug,
{
    type Response = ();
    type Error = ();
    type Future = LocalBoxFuture<'static, Result<(), ()>>;

    actix_service::always_ready!();

    fn call(&self, mut socket: TcpStream) -> Self::Future {
        let config = Rc::clone(&self.config);
        let framework = Rc::clone(&self.framework);
        Box::pin(async move {
            let permit = Arc::clone(&config.connections).try_acquire_owned();
            let reserved = permit.is_err().then(|| Arc::clone(&config.reserve).try_acquire_owned());
            let client = socket.peer_addr().ok();
            let unanswered = match reserved {
                None => connection::serve(&mut socket, &config).await,
                Some(Ok(_)) => connection::serve_reserved(&mut socket, &config).await,
                Some(Err(_)) => {
                    config.hits.hit("connections");
                    connection::refuse(&mut socket).await;
                    None
                }
            };
            if let Some(buffer) = unanswered {
                let watch = RequestWatch::new(RequestLimits::from(&*config));
                let hits = config.hits.clone();
                let socket = Prefixed::new(buffer.freeze(), socket, watch, hits);
                if let Err(error) = framework.call((socket, client)).await {
                    log::debug!("http {client:?}: {error:?}");
                }
            }
            Ok(())
        })
    }
}
