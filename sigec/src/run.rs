//! `sigec run`: every part opened, wired to its neighbours, served, drained.
//!
//! The order is one way: who is called stands before its callers. Data directory, state store, data plane, lake,
//! then the listeners of operators and analysts, and the ready file last (`run/server.rs`). A stop goes the same way
//! backwards (`run/drain.rs`).

pub(crate) mod bridge;
mod control;
mod drain;
mod health;
mod lake;
mod listeners;
mod logging;
mod ready;
mod reload;
mod server;
mod signals;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::Context;
use control_api::PrincipalError;
use dataplane::Onboarding;
use sdk::{Client, Role};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::config::{Config, PostgresMode, Settings};
pub(crate) use ready::Ready;
use reload::{Read, Reloads};
use server::Server;
use signals::{Signals, failed};

/// Threads for HTTP and the Postgres wire; they wait more than they work.
const CONTROL_THREADS: usize = 2;

/// Where the state store lies.
pub(crate) fn state_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("state")
}

/// Runs the server until it is told to stop, or cannot go on: that is an error, for whoever starts it again.
/// It runs as `loaded` says, and at SIGHUP as `read` does.
pub(crate) fn run(
    loaded: (Config, Settings),
    read: Read,
    ready_file: Option<&Path>,
) -> anyhow::Result<()> {
    let (config, settings) = loaded;
    let set_filter = logging::start(&config.logging)?;
    match net::os::raise_nofile_limit() {
        Ok(limit) => tracing::info!(limit, "open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
    let control = control_threads()?;
    let served = control.block_on(async {
        // Asked for first, so that no signal is missed while the parts start.
        let (signals, hangups) = (Signals::listen()?, Signals::hangup()?);
        let server = Server::start(&config, ready_file).await?;
        server.announce(ready_file)?;
        let (config, running) = watch::channel(config);
        let reloads = Reloads {
            read,
            settings,
            config,
            router: server.dataplane.router(),
            rates: server.rates.clone(),
            set_filter,
            tls: server.dataplane.tls().cloned(),
            readings: server.watch.readings.clone(),
        };
        // One that came in the meantime is still there.
        tokio::spawn(reloads.follow(hangups));
        let failure = signals.first(failed(&server.dataplane)).await;
        let drain_timeout = running.borrow().drain_timeout;
        let stopped = server.stop(drain_timeout).await;
        match failure {
            // What the stop said follows from it.
            Some(failure) => Err(failure.into()),
            None => stopped,
        }
    });
    // What is left are connections that did not end in time.
    control.shutdown_background();
    served
}

/// Runs the server for one piece of work: on free ports of loopback, closed to stations it does not know, with a
/// principal of its own for the work's client.
pub(crate) fn briefly<T>(
    mut config: Config,
    work: impl AsyncFnOnce(Client) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    const NAME: &str = "sigec-offline";
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    config.dataplane.listen = vec![anywhere];
    config.dataplane.tls = None;
    config.https_listen = None;
    config.postgres_tls = PostgresMode::None;
    config.dataplane.onboarding = Onboarding::Closed;
    (config.http_listen, config.postgres_listen) = (anywhere, anywhere);
    let control = control_threads()?;
    let result = control.block_on(async {
        let server = Server::start(&config, None).await?;
        let principals = server.principals.clone();
        match principals.delete(NAME) {
            // A run that was killed left it behind.
            Ok(()) | Err(PrincipalError::Unknown { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let (_, token) = principals.create(NAME, Role::Operator, fleet::TENANT_DEFAULT)?;
        let client = Client::new(&format!("http://{}", server.ready.http), token)?;
        server.watch.ready.store(true, Ordering::Relaxed);
        let result = work(client).await;
        principals.delete(NAME)?;
        server.stop(config.drain_timeout).await?;
        result
    });
    control.shutdown_background();
    result
}

fn control_threads() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build()
        .context("starting the control threads")
}
