//! The log: `WATERSHED_LOG` sets its levels, in the syntax of `env_logger`.

use env_logger::Env;

/// The variable that sets the levels.
const VARIABLE: &str = "WATERSHED_LOG";

/// Starts the log on stderr; `info` where the variable is not set. A second call does nothing.
pub fn start() {
    let environment = Env::new().filter_or(VARIABLE, "info");
    // Fails only when a log is already there, as in tests.
    let _ = env_logger::Builder::from_env(environment).try_init();
}
