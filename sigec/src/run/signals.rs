//! What ends the server, or has it read its configuration again.

use std::time::Duration;

use anyhow::Context;
use dataplane::{Dataplane, Failure};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Between two looks at whether the server can go on.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// SIGINT and SIGTERM.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    pub(super) fn hangup() -> anyhow::Result<Signal> {
        signal(SignalKind::hangup()).context("listening for signals")
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    /// Resolves with the first one, or with why the server cannot go on; the next one ends the process at once.
    pub(super) async fn first(mut self, failed: impl Future<Output = Failure>) -> Option<Failure> {
        let failure = tokio::select! {
            signal = self.next() => {
                tracing::info!(signal, "draining; once more ends at once");
                None
            }
            failure = failed => {
                tracing::error!(%failure, "the server cannot go on and ends");
                Some(failure)
            }
        };
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(1);
        });
        failure
    }
}

/// Resolves once the data plane cannot go on.
pub(super) async fn failed(dataplane: &Dataplane) -> Failure {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        if let Some(failure) = dataplane.failure() {
            return failure;
        }
    }
}
