//! Everything that runs: opened in the order of the data, and announced.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use control_api::{Files, Principals, Rates};
use dataplane::Dataplane;
use pipeline::Lake;
use storage::data_dir::DataDir;
use storage::state::StateStore;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::control::{Parts, Served};
use super::health::Watch;
use super::listeners::{Listeners, listeners, reachable};
use super::reload::Readings;
use super::{Ready, bridge, lake, state_dir};
use crate::config::{Config, admin_token};
use crate::print;

/// Everything that runs.
pub(super) struct Server {
    pub(super) data_dir: DataDir,
    pub(super) principals: Principals,
    pub(super) rates: Rates,
    pub(super) dataplane: Dataplane,
    pub(super) lake: Arc<Lake>,
    pub(super) watch: Arc<Watch>,
    pub(super) ready: Ready,
    /// Of the first start; shown once.
    new_token: Option<String>,
    /// True once the control side should end.
    pub(super) ending: watch::Sender<bool>,
    pub(super) served: Served,
    pub(super) orphans: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(config: &Config, ready_file: Option<&Path>) -> anyhow::Result<Self> {
        let admin_token = admin_token(config)?;
        let data_dir = DataDir::open(&config.data_dir)?;
        if let Some(path) = ready_file {
            // Of the last start: whoever waits for the file would take it for this one's.
            remove_if_there(path)?;
        }
        let ports = Listeners::bind(config).await?;

        let store = StateStore::open(&state_dir(data_dir.path()))?;
        let principals = Principals::open(store.clone())?;
        let files = open_files(config, &data_dir, &store, ports.http.local_addr()?)?;
        let new_token = principals.bootstrap(admin_token.as_ref())?;

        let dataplane = Dataplane::start(config.dataplane.clone(), &data_dir, store.clone())?;
        let sources = lake::sources(dataplane.logs(), dataplane.orphans())?;
        let stations = bridge::stations(&dataplane.router(), &store);
        let lake = Arc::new(Lake::start(config.lake.clone(), sources, stations)?);
        let orphans = tokio::spawn(lake::drain(
            Arc::clone(&lake),
            store,
            dataplane.orphans().to_vec(),
        ));

        let https = ports.https.as_ref();
        let ready = Ready {
            pid: std::process::id(),
            ocpp: dataplane.addrs()[0],
            ocpps: dataplane.tls_addrs().first().copied(),
            http: ports.http.local_addr()?,
            https: https.map(TcpListener::local_addr).transpose()?,
            postgres: ports.postgres.local_addr()?,
            data_dir: data_dir.path().to_owned(),
        };
        let watch = Arc::new(Watch {
            ready: AtomicBool::new(false),
            lake: Arc::clone(&lake),
            listeners: listeners(&ready, config.postgres_tls),
            certificates: dataplane.tls().cloned(),
            records_aside: dataplane.records_aside(),
            readings: Readings::new(),
        });
        let rates = Rates::new(config.rates);
        let (ending, ended) = watch::channel(false);
        let parts = Parts {
            config,
            dataplane: &dataplane,
            lake: &lake,
            principals: &principals,
            files: &files,
            rates: &rates,
            watch: &watch,
            ready: &ready,
        };
        let served = parts.serve(ports, ended)?;
        Ok(Self {
            data_dir,
            principals,
            rates,
            dataplane,
            lake,
            watch,
            ready,
            new_token,
            ending,
            served,
            orphans,
        })
    }

    /// Says to people and to scripts that it is ready, and where.
    pub(super) fn announce(&self, ready_file: Option<&Path>) -> anyhow::Result<()> {
        let Ready {
            ocpp,
            ocpps,
            http,
            https,
            postgres,
            data_dir,
            ..
        } = &self.ready;
        self.watch.ready.store(true, Ordering::Relaxed);
        self.ready.write(&Ready::path_in(data_dir))?;
        if let Some(token) = &self.new_token {
            print::line(format_args!(
                "administrator's token, shown this once: {token}"
            ))?;
        }
        print::line(format_args!("ocpp      ws://{ocpp}/"))?;
        if let Some(ocpps) = ocpps {
            print::line(format_args!("ocpp      wss://{ocpps}/"))?;
        }
        print::line(format_args!(
            "http      http://{http}/  (documentation under /docs)"
        ))?;
        if let Some(https) = https {
            print::line(format_args!("http      https://{https}/"))?;
        }
        print::line(format_args!("postgres  postgres://admin@{postgres}/sigec"))?;
        print::line(format_args!("data      {}", data_dir.display()))?;
        // After all that is printed once, and before the line that says it is there.
        if let Some(path) = ready_file {
            self.ready.write(path)?;
        }
        print::line("ready; Ctrl-C stops")
    }
}

fn remove_if_there(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Files for stations and from them; their URLs name `http` where the configuration names nothing.
fn open_files(
    config: &Config,
    data_dir: &DataDir,
    store: &StateStore,
    http: SocketAddr,
) -> anyhow::Result<Files> {
    let mut files = config.files.clone();
    if files.base_url.is_empty() {
        files.base_url = format!("http://{}", reachable(http));
    }
    let dir = data_dir.path().join("files");
    Ok(Files::open(dir, store.clone(), files)?)
}
