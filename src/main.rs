//! The daemon's entry point.

use std::process::ExitCode;

use watershed::{cli, logging, node};

fn main() -> ExitCode {
    logging::start();
    cli::main(node::run, node::peer_targets)
}
