//! The daemon's entry point.

use std::process::ExitCode;

use watershed::{cli, logging, node, panics};

fn main() -> ExitCode {
    logging::start();
    panics::count();
    cli::main(node::run, node::peer_targets)
}
