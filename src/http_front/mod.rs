//! The door for HTTP: accepts connections within their limits, answers what can be answered at once
//! and hands everything else to the framework.
//!
//! A redirect is the hottest answer of a node, and most of its cost would be the framework's. So a
//! connection starts here: as long as its requests are plain GETs that [`QuickAnswer`] knows, they
//! are answered from this loop; at the first other one the socket goes to actix-http for good, with
//! the bytes read so far in front. A player of an endless stream stays outside the framework too,
//! which would wake up for, copy and frame every batch of every player.
//!
//! ```text
//!  accept ▸ limit ▸ PROXY header, TLS ▸ read head ─┬ quick?  ▸ write, read on
//!                                                  ├ endless ▸ HttpSession
//!                                                  └ else    ▸ actix-http (App: api, play, web_ui)
//! ```
//! A full node still answers its peers and its operators: from a reserve, in which only a first
//! request for the API is served.

mod client;
mod connection;
mod head;
mod pipeline;
mod prefixed;
mod request_watch;
mod server;

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_http::{Request, Response, body::BoxBody};
use actix_rt::net::TcpStream;
use actix_service::{Service, ServiceFactory};
use actix_web::HttpRequest;
use bytes::{Bytes, BytesMut};
use futures_util::future::LocalBoxFuture;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use watershed_actors::client_stream::MaybeTls;
use watershed_actors::fan_out::{FanOutSettings, Media};
use watershed_actors::http_session::Opening;
use watershed_actors::limits::LimitHits;
use watershed_actors::preamble::{Opened, Preamble};
use watershed_actors::session_registry::SessionGuard;
use watershed_actors::tcp_listener::{own_address, prepare_socket};

use client::Connected;
pub use client::{Client, client_before, client_of};
use connection::{RESERVE_PATIENCE, Unanswered};
use pipeline::Pipeline;
pub use prefixed::Prefixed;
use request_watch::{RequestLimits, RequestWatch};
pub use server::{ServerConfig, serve};

/// Answers plain GETs without the framework.
pub trait QuickAnswer: Send + Sync {
    /// Appends the whole response to `out`, or writes nothing and says who answers instead.
    fn answer(&self, request: QuickRequest<'_>, out: &mut BytesMut) -> Quick;
}

/// Answers clients that ask for leave before they send a body (RFC 9110 §10.1.1).
pub trait BodyLeave: Send + Sync {
    /// Gives the request back to have its body sent, or answers without it.
    fn ask(&self, request: Request) -> LocalBoxFuture<'static, Result<Request, Response<BoxBody>>>;
}

/// Lifts the time limit of the body of `request`: its handler looks after that from now on.
pub fn untime_body(request: &HttpRequest) {
    if let Some(pipeline) = request.conn_data::<Pipeline>() {
        pipeline.untime_body();
    }
}

/// What became of a plain GET.
pub enum Quick {
    /// The response is in `out`.
    Answered,
    /// The head is in `out`, the body is this: shared, and so not copied.
    Pieces(VecDeque<Bytes>),
    /// The rest of the connection is this.
    Endless(Box<EndlessAnswer>),
    /// The framework answers.
    Unknown,
}

/// A response that goes on as long as its stream.
pub struct EndlessAnswer {
    /// The client's session.
    pub session: Opening,
    /// Its place in the list.
    pub guard: SessionGuard,
    /// The response's head, and what stands before the media.
    pub opening: Bytes,
    /// The media.
    pub media: Media,
    /// How it is written.
    pub settings: FanOutSettings,
}

/// A plain GET.
#[derive(Clone, Copy, Debug)]
pub struct QuickRequest<'a> {
    /// Path and query as sent.
    pub target: &'a str,
    /// The client's software, if it says so in text.
    pub user_agent: Option<&'a str>,
    /// Whether the client sends more requests on this connection.
    pub persists: bool,
    /// The client.
    pub client: SocketAddr,
    /// Whether it came over TLS.
    pub is_https: bool,
    /// When the request was there: read once for all that need the time.
    pub now: Instant,
}

/// What the door is given.
#[derive(Clone)]
pub struct FrontConfig {
    /// The hot path.
    pub quick: Arc<dyn QuickAnswer>,
    /// Whose body is wanted, of those who ask before they send it.
    pub leave: Arc<dyn BodyLeave>,
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
    preamble: Preamble,
    framework: F,
}

impl<F> Front<F> {
    /// Wraps `framework`, which serves whole connections, once `preamble` is over.
    pub const fn new(config: FrontConfig, preamble: Preamble, framework: F) -> Self {
        Self { config, preamble, framework }
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
        let (config, preamble) = (self.config.clone(), self.preamble.clone());
        Box::pin(async move {
            let framework = framework.await?;
            Ok(FrontService { door: Rc::new(Door { config, preamble, framework }) })
        })
    }
}

/// The door of one worker.
#[derive(Debug)]
pub struct FrontService<S> {
    door: Rc<Door<S>>,
}

#[derive(Debug)]
struct Door<S> {
    config: FrontConfig,
    preamble: Preamble,
    framework: S,
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

    fn call(&self, socket: TcpStream) -> Self::Future {
        let door = Rc::clone(&self.door);
        Box::pin(async move {
            door.welcome(socket).await;
            Ok(())
        })
    }
}

impl<S> Door<S>
where
    S: Service<Connection, Response = ()>,
    S::Error: fmt::Debug,
{
    /// Serves a connection to its end, if there is room for it.
    async fn welcome(&self, socket: TcpStream) {
        let config = &self.config;
        let Ok(peer) = socket.peer_addr().map(own_address) else {
            return;
        };
        if prepare_socket(&socket, config.stalled_timeout).is_err() {
            return;
        }
        if let Ok(_permit) = Arc::clone(&config.connections).try_acquire_owned() {
            if let Some(mut opened) = self.open(socket, peer).await {
                let Opened { stream, client, .. } = &mut opened;
                let unanswered = connection::serve(stream, *client, config).await;
                self.hand_over(unanswered, opened).await;
            }
        } else if let Ok(_permit) = Arc::clone(&config.reserve).try_acquire_owned() {
            let opened = timeout(RESERVE_PATIENCE, self.open(socket, peer)).await;
            if let Ok(Some(mut opened)) = opened {
                let unanswered = connection::serve_reserved(&mut opened.stream, config).await;
                self.hand_over(unanswered, opened).await;
            }
        } else {
            config.hits.hit("connections");
            // Before a handshake there are no words for it.
            if !self.preamble.is_tls() {
                connection::refuse(&mut MaybeTls::Plain(socket)).await;
            }
        }
    }

    async fn open(&self, socket: TcpStream, peer: SocketAddr) -> Option<Opened> {
        let opened = self.preamble.open(socket, peer).await;
        opened.inspect_err(|error| log::debug!("http {peer}: {error}")).ok()
    }

    /// Lets somebody else have the connection, if the front has not come to its end.
    async fn hand_over(&self, unanswered: Option<Unanswered>, opened: Opened) {
        let buffer = match unanswered {
            None => return,
            Some(Unanswered::Framework(buffer)) => buffer,
            Some(Unanswered::Endless(answer)) => {
                let EndlessAnswer { session, guard, opening, media, settings } = *answer;
                let (media, patience) = ((media, settings), self.config.stalled_timeout);
                return session.serve(opened.stream, opening, media, guard, patience).await;
            }
        };
        let client = opened.client;
        let connected = Connected::new(&opened, self.preamble.proxies());
        let watch = RequestWatch::new(RequestLimits::from(&self.config));
        let hits = self.config.hits.clone();
        let socket = Prefixed::new(buffer.freeze(), opened.stream, connected, watch, hits);
        // Apart, so that a player who never comes here does not pay for its room.
        if let Err(error) = Box::pin(self.framework.call((socket, Some(client)))).await {
            log::debug!("http {client}: {error:?}");
        }
    }
}
