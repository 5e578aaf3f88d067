//! What the operating system tells the daemon.

use std::io;

use tokio::signal::unix::{Signal as UnixSignal, SignalKind, signal};

/// A wish of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGHUP: read the configuration anew.
    Reload,
    /// SIGTERM or SIGINT: drain and stop; a second one stops at once.
    Stop,
}

/// The signals a daemon listens to.
#[derive(Debug)]
pub(super) struct Signals {
    hangup: UnixSignal,
    terminate: UnixSignal,
    interrupt: UnixSignal,
}

impl Signals {
    /// Listens from now on.
    ///
    /// Errors: when the system refuses to install a handler.
    pub(super) fn subscribe() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The next wish.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
        }
    }

    /// Waits for a wish to stop.
    pub(super) async fn stop(&mut self) {
        while self.next().await != Signal::Stop {}
    }
}
