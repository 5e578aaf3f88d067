//! The daemon: command line, settings, wiring, REST API, HTTP playback, web UI.
//!
//! `node` tells how a node starts and stops, and is the only module that knows all others.

pub mod api;
pub mod cli;
pub mod http_front;
pub mod logging;
pub mod node;
pub mod panics;
pub mod play;
pub mod settings;
pub mod web_ui;
