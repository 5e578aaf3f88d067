//! Whole nodes as processes, real clients, real media: one story a file.
//!
//! What they rely on is SPEC as users see it; nothing of the daemon's code is imported. They need
//! the programs of `scripts/install.sh test` and the media of `scripts/make-media.sh`.
#![expect(clippy::unwrap_used, reason = "a scenario that meets the unexpected has to fail")]
#![expect(clippy::print_stdout, reason = "measured and allowed values are part of the result")]

#[path = "../support/mod.rs"]
mod support;

mod ask_any_node;
mod behind_proxies;
mod broken_config;
mod canaries;
mod cluster_auth;
mod config_api;
mod config_write_back;
mod console_addresses;
mod console_pages;
mod console_peers;
mod console_streams;
mod embed_page;
mod enhanced_rtmp;
mod environment;
mod events;
mod faults_auth;
mod faults_death;
mod faults_directory;
mod hints;
mod hls_redirect_media;
mod hostile_names;
mod hostile_peers;
mod hostile_rtmp;
mod http_limits;
mod input_returns;
mod input_states;
mod kill_and_return;
mod matrix;
mod metrics;
mod older_paths;
mod on_demand;
mod openapi;
mod peer_history;
mod preview;
mod public_addresses;
mod publishing;
mod publishing_http;
mod pull_mpegts;
mod pull_rtmp;
mod pull_rtsp;
mod real_clients;
mod redirect_hls_and_ts;
mod relay_http;
mod relay_rtmp;
mod reload;
mod remote_streams;
mod rtmp_redirect;
mod rtsp_play;
mod rtsp_publish;
mod rtsp_redirect;
mod sessions;
mod sign_in;
mod streams_elsewhere;
mod templates;
mod tls;
mod vod;
