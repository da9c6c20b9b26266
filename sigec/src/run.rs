//! `sigec run`: every part opened, wired to its neighbours, served, drained.
//!
//! The order is one way: who is called stands before its callers. Data directory, state store, data plane, lake,
//! then the listeners of operators and analysts, and the ready file last. A stop goes the same way backwards.

pub(crate) mod bridge;
mod health;
mod lake;
mod logging;
mod ready;
mod reload;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use control_api::{Files, PrincipalError, Principals, Rates};
use dataplane::{Dataplane, Failure, Onboarding, Tls};
use futures::future::OptionFuture;
use pipeline::{Lake, PostgresTls};
use sdk::{Client, Role};
use storage::data_dir::DataDir;
use storage::state::StateStore;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use voice_gateway::VoiceGateway;

use crate::config::{Config, PostgresMode, Settings, admin_token};
use crate::print;
use health::{Listener, Watch};
pub(crate) use ready::Ready;
use reload::{Read, Readings, Reloads};

/// Threads for HTTP and the Postgres wire; they wait more than they work.
const CONTROL_THREADS: usize = 2;

/// Between two looks at whether the server can go on.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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

/// SIGINT and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    fn hangup() -> anyhow::Result<Signal> {
        signal(SignalKind::hangup()).context("listening for signals")
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    /// Resolves with the first one, or with why the server cannot go on; the next one ends the process at once.
    async fn first(mut self, failed: impl Future<Output = Failure>) -> Option<Failure> {
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
async fn failed(dataplane: &Dataplane) -> Failure {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        if let Some(failure) = dataplane.failure() {
            return failure;
        }
    }
}

/// Everything that runs.
struct Server {
    data_dir: DataDir,
    principals: Principals,
    rates: Rates,
    dataplane: Dataplane,
    lake: Arc<Lake>,
    watch: Arc<Watch>,
    ready: Ready,
    /// Of the first start; shown once.
    new_token: Option<String>,
    /// True once the control side should end.
    ending: watch::Sender<bool>,
    http: JoinHandle<()>,
    postgres: JoinHandle<std::io::Result<()>>,
    orphans: JoinHandle<()>,
}

impl Server {
    async fn start(config: &Config, ready_file: Option<&Path>) -> anyhow::Result<Self> {
        let admin_token = admin_token(config)?;
        let data_dir = DataDir::open(&config.data_dir)?;
        if let Some(path) = ready_file {
            // Of the last start: whoever waits for the file would take it for this one's.
            remove_if_there(path)?;
        }
        let http = bind("http.listen", config.http_listen).await?;
        let https = match config.https_listen {
            Some(address) => Some(bind("http.tls_listen", address).await?),
            None => None,
        };
        let postgres = bind("postgres.listen", config.postgres_listen).await?;
        // The shards share their port among themselves, and would share it with a second server as well.
        drop(bind("ocpp.listen", config.dataplane.listen[0]).await?);
        for address in config.dataplane.tls.iter().flat_map(|tls| &tls.listen) {
            drop(bind("tls.listen", *address).await?);
        }

        let store = StateStore::open(&state_dir(data_dir.path()))?;
        let principals = Principals::open(store.clone())?;
        let files = open_files(config, &data_dir, &store, http.local_addr()?)?;
        let new_token = principals.bootstrap(admin_token.as_ref())?;

        let dataplane = Dataplane::start(config.dataplane.clone(), &data_dir, store.clone())?;
        let router = dataplane.router();
        let records_aside = dataplane.records_aside();
        let sources = lake::sources(dataplane.logs(), dataplane.orphans())?;
        let lake = Lake::start(
            config.lake.clone(),
            sources,
            bridge::stations(&router, &store),
        )?;
        let lake = Arc::new(lake);
        let orphans = tokio::spawn(lake::drain(
            Arc::clone(&lake),
            store,
            dataplane.orphans().to_vec(),
        ));

        let ready = Ready {
            pid: std::process::id(),
            ocpp: dataplane.addrs()[0],
            ocpps: dataplane.tls_addrs().first().copied(),
            http: http.local_addr()?,
            https: https.as_ref().map(TcpListener::local_addr).transpose()?,
            postgres: postgres.local_addr()?,
            data_dir: data_dir.path().to_owned(),
        };
        let watch = Arc::new(Watch {
            ready: AtomicBool::new(false),
            lake: Arc::clone(&lake),
            listeners: listeners(&ready, config.postgres_tls),
            certificates: dataplane.tls().cloned(),
            records_aside,
            readings: Readings::new(),
        });
        let currency = String::from_utf8_lossy(&config.dataplane.tariff.currency).into_owned();
        let voice = VoiceGateway::new(voice_gateway::Config {
            api_base_url: format!("http://{}", reachable(ready.http)),
            // The gateway names prices in reais.
            price_per_kwh: (currency == "BRL").then(|| config.price_per_kwh.clone()),
        })?;
        let rates = Rates::new(config.rates);
        let api = control_api::router(control_api::Deps {
            router,
            principals: principals.clone(),
            files: files.clone(),
            rates: rates.clone(),
            sql: bridge::sql(lake.sql()),
            health: {
                let watch = Arc::clone(&watch);
                Arc::new(move || watch.look())
            },
            currency,
            metrics: vec![
                {
                    let voice = voice.clone();
                    Arc::new(move || voice.metrics())
                },
                {
                    let tls = dataplane.tls().cloned();
                    Arc::new(move || {
                        let expires_at = tls.as_ref().and_then(Tls::expires_at);
                        health::metrics(records_aside, expires_at)
                    })
                },
                {
                    let readings = watch.readings.clone();
                    Arc::new(move || readings.metrics())
                },
            ],
            sql_routes: pipeline::http_router(lake.sql(), bridge::by_token(&principals))
                .merge(lake::routes(Arc::clone(&lake))),
            voice_routes: voice.router(),
        });

        let (ending, ended) = watch::channel(false);
        tokio::spawn(control_api::keep_files(files, until(ended.clone())));
        let shown = dataplane.tls().map(|tls| {
            let tls = tls.asking_nobody();
            let shown: control_api::ShownTls = Arc::new(move || tls.config());
            shown
        });
        let plain = control_api::serve(http, None, api.clone(), config.http, until(ended.clone()));
        let secure = https.map(|https| {
            let ended = until(ended.clone());
            control_api::serve(https, shown.clone(), api, config.http, ended)
        });
        let http = tokio::spawn(async move {
            tokio::join!(plain, OptionFuture::from(secure));
        });
        let find = bridge::by_name(&principals);
        let postgres_tls = match config.postgres_tls {
            PostgresMode::None => None,
            PostgresMode::Offered | PostgresMode::Required => shown.map(|shown| PostgresTls {
                shown,
                required: config.postgres_tls == PostgresMode::Required,
            }),
        };
        let postgres = tokio::spawn(pipeline::serve_postgres(
            postgres,
            postgres_tls,
            lake.sql(),
            find,
            until(ended),
        ));
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
            http,
            postgres,
            orphans,
        })
    }

    /// Says to people and to scripts that it is ready, and where.
    fn announce(&self, ready_file: Option<&Path>) -> anyhow::Result<()> {
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

    /// Ends the parts in the order of the data: nothing new comes in, what came in becomes durable, then rows,
    /// then files.
    async fn stop(self, patience: Duration) -> anyhow::Result<()> {
        self.watch.ready.store(false, Ordering::Relaxed);
        let dataplane = self.dataplane;
        let stopped = tokio::task::spawn_blocking(move || dataplane.stop(patience)).await;
        self.ending.send_replace(true);
        let served =
            tokio::time::timeout(patience, async { (self.http.await, self.postgres.await) });
        if served.await.is_err() {
            tracing::warn!(?patience, "requests were cut off");
        }
        self.orphans.abort();
        // A request that was cut off may still hold it; then what is hot stays in the log.
        drop(self.watch);
        match Arc::try_unwrap(self.lake) {
            Ok(lake) => lake.shutdown().await?,
            Err(_) => {
                tracing::warn!("rows that are not in files yet will be read from the log again")
            }
        }
        drop(self.data_dir);
        Ok(stopped??)
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

/// Where it listens, as `/health` shows it. Who may ask Postgres for TLS and need not is heard in the clear.
fn listeners(ready: &Ready, postgres: PostgresMode) -> Vec<Listener> {
    let listener = |name, address, plaintext| Listener {
        name,
        address,
        plaintext,
    };
    let is_plain = postgres != PostgresMode::Required;
    let mut all = vec![
        listener("ocpp", ready.ocpp, true),
        listener("http", ready.http, true),
        listener("postgres", ready.postgres, is_plain),
    ];
    all.extend(ready.ocpps.map(|at| listener("ocpps", at, false)));
    all.extend(ready.https.map(|at| listener("https", at, false)));
    all
}

async fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{key}: listening on {address}"))
}

/// How this machine reaches a listener of its own.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Resolves when the server ends.
async fn until(mut ended: watch::Receiver<bool>) {
    // The sender is gone only after the server.
    let _ = ended.wait_for(|ended| *ended).await;
}
