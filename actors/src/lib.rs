//! Every actor of Watershed, its messages and its pure core.
//!
//! `ls actors/src` is the cast. In each folder `mod.rs` is the shell (struct, `Actor`, short
//! handlers), `messages.rs` all that others may send it, and every other file a pure core without
//! actix, tokio or a clock.

pub mod client_stream;
pub mod cluster_supervisor;
pub mod egress;
pub mod fan_out;
pub mod http_session;
pub mod limits;
pub mod live_stream;
pub mod names;
pub mod node_stats;
pub mod outbox;
pub mod peer_actor;
pub mod preamble;
pub mod proxy_protocol;
pub mod published;
pub mod redirect;
pub mod relay;
pub mod report;
pub mod rtmp_session;
pub mod rtsp_session;
pub mod session_registry;
pub mod signature;
pub mod stream_directory;
pub mod stream_hub;
pub mod tcp_listener;
pub mod tls;
pub mod vod;
pub mod wall_clock;
