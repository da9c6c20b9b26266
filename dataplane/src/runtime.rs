//! One thread per shard: its sockets, its log, and the shard that decides.
//!
//! Everything here carries things between [`Shard`] and the outside; what to do with them is decided there.

mod reactor;

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::Duration;

use fleet::UtcMicros;
use net::clock;
use net::driver::{Driver, DriverError, DriverKind, Waker};
use net::os::{ListenOptions, Listener, listen};
use ocpp::Instant;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use storage::data_dir::{DataDir, DataDirError};
use storage::disk::{Disk, RealDisk};
use storage::log::{
    Consumer, Log, LogDir, LogError, LogHandle, discover, open_read_only, shard_dir,
};
use storage::state::{Projector, StateError, StateStore};

use crate::certificates::{Errand, Services, ServicesError};
use crate::config::Config;
use crate::keeper;
use crate::mailbox::{Lanes, Letters, Mailbox, Post, Wake, lanes, mailbox};
use crate::permutation::TransactionIds;
use crate::quirks::{QuirkError, Shelf};
use crate::replay::{Replay, ReplayError};
use crate::router::{Letter, Router, TokenAsk};
use crate::shard::{ChangedMessages, Lookup, Now, Running, Settings, Shard, StoreUnreadable};
use crate::tariff::Books;
use crate::tls::{Tls, TlsFilesError};
use reactor::{CommittedAt, Reactor};

/// Projections that may wait for the state store's writer.
const PROJECTIONS_MAX: usize = 64;

/// Why the data plane does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A setting that makes no sense.
    #[error("{name} is {found}, expected {expected}")]
    Config {
        /// The field of [`Config`].
        name: &'static str,
        /// Its value.
        found: usize,
        /// What it may be.
        expected: String,
    },
    /// An address that cannot be listened on.
    #[error("listening on {addr}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// The reactor.
    #[error("starting a reactor")]
    Driver(#[from] DriverError),
    /// The log of a shard.
    #[error("opening the log in {}", path.display())]
    Log {
        /// Its directory.
        path: PathBuf,
        /// What it said.
        #[source]
        source: LogError,
    },
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The state store.
    #[error(transparent)]
    Store(#[from] StateError),
    /// Certificates that stations are shown, or those that they show.
    #[error(transparent)]
    Tls(#[from] TlsFilesError),
    /// What signs certificates, or knows about them.
    #[error("setting up certificates")]
    Certificates(#[from] ServicesError),
    /// Profiles of stations.
    #[error("reading quirk profiles")]
    Quirks(#[from] QuirkError),
    /// State and logs do not come together.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The kernel gives no thread.
    #[error("starting a thread")]
    Thread(#[source] std::io::Error),
    /// The system's random source gives nothing.
    #[error("the system has no random bytes")]
    Random,
}

/// Why a stop was not clean.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// A shard's thread has panicked.
    #[error("shard {shard} has panicked")]
    Panicked {
        /// Which.
        shard: usize,
    },
    /// The keeper of tokens has panicked.
    #[error("the keeper of tokens has panicked")]
    KeeperPanicked,
    /// Records that were never answered could not be made durable.
    #[error("shard {shard} could not close its log")]
    Log {
        /// Which.
        shard: usize,
        /// What the log said.
        #[source]
        source: LogError,
    },
    /// The reactor failed before.
    #[error("shard {shard} has ended early")]
    Driver {
        /// Which.
        shard: usize,
        /// What the reactor said.
        #[source]
        source: DriverError,
    },
    /// The state store's writer failed; the next start replays the logs.
    #[error("the state store did not take everything: {0}")]
    Projection(String),
}

/// Why the data plane cannot go on. What was acknowledged is safe in the logs, and another start goes on with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The state store's writer failed: logs fill up, and the shards' memory.
    #[error("the state store takes nothing more: {0}")]
    Store(String),
    /// A shard's thread has ended: nobody serves its stations.
    #[error("the thread of shard {shard} has ended")]
    Shard {
        /// Which.
        shard: usize,
    },
    /// The keeper of tokens has ended: nothing that is asked of it is answered.
    #[error("the keeper of tokens has ended")]
    Keeper,
}

/// Stations' connections, their state and their log, running.
pub struct Dataplane {
    router: Router,
    addrs: Vec<SocketAddr>,
    tls: Option<Tls>,
    tls_addrs: Vec<SocketAddr>,
    driver: DriverKind,
    logs: Vec<LogHandle>,
    orphans: Vec<LogDir>,
    records_aside: u64,
    mailboxes: Vec<Lanes<Letter>>,
    shards: Vec<JoinHandle<Result<(), StopError>>>,
    tokens: Mailbox<TokenAsk>,
    keeper: JoinHandle<()>,
    projector: Projector,
}

/// A shard before its thread: what must exist so that the others can be told of it.
struct Seat {
    driver: Driver,
    waker: Waker,
    letters: Letters<Letter>,
    log: Log,
    committed_at: CommittedAt,
}

impl Dataplane {
    /// Opens the logs, brings state and logs together, and starts the shards.
    ///
    /// # Errors
    ///
    /// Any [`StartError`]; nothing runs then.
    pub fn start(
        config: Config,
        data_dir: &DataDir,
        store: StateStore,
    ) -> Result<Self, StartError> {
        Self::start_on(Arc::new(RealDisk), config, data_dir, store)
    }

    /// As [`Dataplane::start`], with the logs on a disk of the caller's.
    ///
    /// # Errors
    ///
    /// As [`Dataplane::start`].
    pub fn start_on(
        disk: Arc<dyn Disk>,
        config: Config,
        data_dir: &DataDir,
        store: StateStore,
    ) -> Result<Self, StartError> {
        // On a thread that ends: what it allocates is freed by the shards' threads, and an allocator may keep that for the
        // thread it came from until that one allocates again.
        std::thread::scope(|scope| {
            let starting = scope.spawn(|| Self::start_here(disk, config, data_dir, store));
            let joined = starting.join();
            joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn start_here(
        disk: Arc<dyn Disk>,
        config: Config,
        data_dir: &DataDir,
        store: StateStore,
    ) -> Result<Self, StartError> {
        check(&config)?;
        let services = Services::open(&config.certificates, config.vat.as_ref())?;
        let quirks = Arc::new(Shelf::open(config.quirks.clone())?);
        let shards = config.shards;
        let tls = match &config.tls {
            Some(tls) => Some(Tls::open(tls.clone(), &data_dir.secrets()?)?),
            None => None,
        };
        let (listeners, mut addrs) = listen_all(&config, tls.as_ref())?;
        let tls_addrs = addrs.split_off(config.listen.len());
        let mut driver = config.driver;
        let mut seats = Vec::with_capacity(shards);
        let mut mailboxes = Vec::with_capacity(shards);
        let driver_config = net::driver::Config {
            carry_len_max: config.message_len_max + (128 << 10),
            buffers_len_max: reactor::BUFFERS_LEN_MAX,
            descriptors_max: net::os::descriptors_each(shards),
            gather: config.gather,
            ..net::driver::Config::default()
        };
        for (shard, listeners) in listeners.into_iter().enumerate() {
            let made = Driver::new(driver, driver_config, listeners)?;
            // What one does not get, the others need not ask for.
            driver = made.kind();
            let waker = made.waker();
            let (sender, letters) = lanes(wake(&waker));
            let path = shard_dir(data_dir.path(), shard);
            let committed_at = CommittedAt::default();
            let on_change = (committed_at.clone(), waker.clone());
            let opened = Log::open(&path, config.log.clone(), Arc::clone(&disk), move || {
                let (committed_at, waker) = &on_change;
                committed_at.note();
                waker.wake();
            });
            let (log, _) = opened.map_err(|source| StartError::Log { path, source })?;
            mailboxes.push(sender);
            seats.push(Seat {
                driver: made,
                waker,
                letters,
                log,
                committed_at,
            });
        }
        let stations_max = shards.saturating_mul(driver_config.descriptors_max);
        if driver == DriverKind::Epoll && stations_max < driver_config.connections_max {
            tracing::info!(
                stations_max,
                "the limit of open files bounds the stations that are connected at a time"
            );
        }
        let logs: Vec<_> = seats.iter().map(|seat| seat.log.handle().clone()).collect();
        let orphans = orphans(data_dir, shards)?;
        let aside = data_dir.path().join("aside");
        let replay = replay(&config, &store, &logs, &orphans, aside)?;
        let records_aside = replay.passed_by();
        let config = Arc::new(config);
        let settings = Arc::new(Settings {
            started: Arc::clone(&config),
            shards,
            transaction_ids: TransactionIds::new(&data_dir.secret("transaction-ids", 32)?),
            token_key: hmac::Key::new(
                hmac::HMAC_SHA256,
                &data_dir.secret("token-refs-default", 32)?,
            ),
            pending: AtomicUsize::new(0),
            token_changes: AtomicU64::new(0),
            running: Running::default(),
            messages: ChangedMessages::default(),
            quirks: Arc::clone(&quirks),
            tariffs: Books::default(),
        });
        keeper::load_tariffs(&store, &settings.tariffs)?;
        let projector = Projector::spawn(store.clone(), PROJECTIONS_MAX, config.give_back)
            .map_err(StartError::Thread)?;
        let (tokens, asks) = mailbox(Arc::new(|| {}));
        let keeper = spawn_keeper(store.clone(), Arc::clone(&settings), tls.clone(), asks)?;
        let router = Router::new(
            mailboxes.clone(),
            tokens.clone(),
            &logs,
            quirks,
            config,
            driver,
        );
        // All are loaded before the first runs: a token's transactions are counted over all of them.
        let mut loaded = Vec::with_capacity(shards);
        for (index, (seat, share)) in seats.into_iter().zip(replay.split(shards)).enumerate() {
            let now = Now {
                mono: Instant(clock::monotonic_ns()),
                utc: UtcMicros(clock::utc_micros()),
            };
            let (log_id, last) = (seat.log.id(), seat.log.appended());
            let lookup = lookup(store.clone());
            let settings = Arc::clone(&settings);
            let mut shard = Shard::new(index, settings, lookup, seed()?, log_id, last, now);
            share.states.into_iter().for_each(|state| shard.load(state));
            shard.load_charging(share.charging);
            shard.resume(now, share.commands, share.reservation_ends);
            loaded.push((seat, shard));
        }
        let desk = {
            let mailboxes = mailboxes.clone();
            // A shard that has no room for the outcome gives the errand up at its deadline.
            services.start(move |errand: Errand, outcome| {
                let _ = mailboxes[errand.shard].post(Letter::ErrandDone(errand.id, outcome));
            })?
        };
        let mut threads = Vec::with_capacity(shards);
        for (index, (seat, shard)) in loaded.into_iter().enumerate() {
            let desk = desk.clone();
            let projector = projector.handle().clone();
            let peers = mailboxes.clone();
            let store = store.clone();
            let thread = std::thread::Builder::new().name(format!("shard-{index}"));
            let spawned = thread.spawn(move || {
                let Seat {
                    mut driver,
                    waker,
                    letters,
                    log,
                    committed_at,
                } = seat;
                let reactor = Reactor::new(
                    shard,
                    log,
                    committed_at,
                    letters,
                    peers,
                    projector,
                    store,
                    waker,
                    desk,
                );
                reactor.run(index, shards, &mut driver)
            });
            threads.push(spawned.map_err(StartError::Thread)?);
        }
        Ok(Self {
            router,
            addrs,
            tls,
            tls_addrs,
            driver,
            logs,
            orphans,
            records_aside,
            mailboxes,
            shards: threads,
            tokens,
            keeper,
            projector,
        })
    }

    /// The handle for everybody else.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Where stations connect, in the order of [`Config::listen`], with the ports that were picked.
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// Where they connect over TLS, in the order of [`crate::TlsConfig::listen`].
    pub fn tls_addrs(&self) -> &[SocketAddr] {
        &self.tls_addrs
    }

    /// What they see there, to have its files read again; `None` without TLS.
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// What the last of the reactors waits on, and nearly always all of them.
    pub fn driver(&self) -> DriverKind {
        self.driver
    }

    /// The shards' logs, in the order of their numbers.
    pub fn logs(&self) -> &[LogHandle] {
        &self.logs
    }

    /// Logs of an earlier start with more shards. Their state is taken over; once every table has drained one,
    /// remove it.
    pub fn orphans(&self) -> &[LogDir] {
        &self.orphans
    }

    /// Records of the logs that change no state, could not be read at this start, and were passed by; copies lie in
    /// `{data_dir}/aside`.
    pub fn records_aside(&self) -> u64 {
        self.records_aside
    }

    /// Why it cannot go on, if so: whoever runs it stops it then, and starts another. Cheap, to be asked every second.
    pub fn failure(&self) -> Option<Failure> {
        if let Some(error) = self.projector.failure() {
            return Some(Failure::Store(error.to_owned()));
        }
        if let Some(shard) = self.shards.iter().position(JoinHandle::is_finished) {
            return Some(Failure::Shard { shard });
        }
        self.keeper.is_finished().then_some(Failure::Keeper)
    }

    /// Stops: no new connections, open calls are answered, stations are told to come back, the log is flushed. Takes
    /// at most `patience` for the answers and then what the disk needs.
    ///
    /// # Errors
    ///
    /// The first [`StopError`]; everything has ended nevertheless.
    pub fn stop(self, patience: Duration) -> Result<(), StopError> {
        let deadline = Instant(clock::monotonic_ns()) + patience;
        for mailbox in &self.mailboxes {
            // A shard that has ended needs no letter, and one whose box is full reads the flag with its next letter.
            mailbox.stop(deadline);
        }
        let mut result = Ok(());
        for (shard, thread) in self.shards.into_iter().enumerate() {
            let ended = thread.join().unwrap_or(Err(StopError::Panicked { shard }));
            result = result.and(ended);
        }
        self.tokens.insist(TokenAsk::Stop);
        result = result.and(self.keeper.join().map_err(|_| StopError::KeeperPanicked));
        let projected = self.projector.shutdown().map_err(StopError::Projection);
        result.and(projected)
    }
}

fn check(config: &Config) -> Result<(), StartError> {
    let max = usize::from(fleet::PARTITIONS);
    if !(1..=max).contains(&config.shards) {
        return Err(StartError::Config {
            name: "shards",
            found: config.shards,
            expected: format!("1 to {max}"),
        });
    }
    let window_bits = config.compression.window_bits;
    if !(9..=15).contains(&window_bits) {
        return Err(StartError::Config {
            name: "compression.window_bits",
            found: usize::from(window_bits),
            expected: "9 to 15".to_owned(),
        });
    }
    if 3 < config.security_profile_min {
        return Err(StartError::Config {
            name: "security_profile_min",
            found: usize::from(config.security_profile_min),
            expected: "0 to 3".into(),
        });
    }
    // A record holds the message and what was made of it.
    let message_max = config.log.record_len_max / 2;
    if !(1_024..=message_max).contains(&config.message_len_max) {
        return Err(StartError::Config {
            name: "message_len_max",
            found: config.message_len_max,
            expected: format!("1,024 to {message_max}, half of the longest record"),
        });
    }
    Ok(())
}

/// Every shard listens on every address; those with TLS come last.
fn listen_all(
    config: &Config,
    tls: Option<&Tls>,
) -> Result<(Vec<Vec<Listener>>, Vec<SocketAddr>), StartError> {
    let mut by_shard: Vec<Vec<Listener>> = (0..config.shards).map(|_| Vec::new()).collect();
    let mut addrs = Vec::new();
    let options = ListenOptions {
        reuse_port: 1 < config.shards,
        ..ListenOptions::default()
    };
    let secured = config.tls.iter().flat_map(|config| &config.listen);
    let secured = secured.map(|addr| (*addr, tls));
    let plain = config.listen.iter().map(|addr| (*addr, None));
    for (mut addr, tls) in plain.chain(secured) {
        for listeners in &mut by_shard {
            let listener =
                listen(addr, options).map_err(|source| StartError::Listen { addr, source })?;
            // Port 0 is picked once.
            addr = listener.local_addr();
            listeners.push(match tls {
                Some(tls) => listener.with_tls(tls.server()),
                None => listener,
            });
        }
        addrs.push(addr);
    }
    Ok((by_shard, addrs))
}

fn orphans(data_dir: &DataDir, shards: usize) -> Result<Vec<LogDir>, StartError> {
    let found = discover(data_dir.path()).map_err(|source| StartError::Log {
        path: data_dir.path().join("log"),
        source,
    })?;
    Ok(found
        .into_iter()
        .filter(|log| shards <= log.shard)
        .collect())
}

fn replay(
    config: &Config,
    store: &StateStore,
    logs: &[LogHandle],
    orphans: &[LogDir],
    aside: PathBuf,
) -> Result<Replay, StartError> {
    let mut replay = Replay::load(store, config.plausibility, aside)?;
    // A station's records may lie in an orphaned log and, later ones, in a current log.
    for orphan in orphans {
        let opened = open_read_only(&orphan.path);
        let (mut reader, _) = opened.map_err(|source| StartError::Log {
            path: orphan.path.clone(),
            source,
        })?;
        replay.read(store, orphan.id, &mut reader)?;
    }
    for log in logs {
        replay.read(store, log.id(), &mut log.reader(log.first()))?;
    }
    store.persist()?;
    // Its journal was read into memory, which it may need for nothing else before the next start.
    store.flush()?;
    for log in logs {
        if let Some(position) = store.position(log.id()) {
            log.release(Consumer::State, position);
        }
    }
    Ok(replay)
}

fn wake(waker: &Waker) -> Wake {
    let waker = waker.clone();
    Arc::new(move || waker.wake())
}

fn lookup(store: StateStore) -> Lookup {
    // A store that is down fails every read of a full fleet: its going and its coming back are said, each read is counted.
    let failing = Cell::new(false);
    Box::new(move |table, key| match store.get(table, key) {
        Ok(row) => {
            if failing.replace(false) {
                tracing::info!("the state store can be read again");
            }
            Ok(row)
        }
        Err(error) => {
            if !failing.replace(true) {
                let source = std::error::Error::source(&error);
                tracing::error!(%error, source, ?table, "the state store cannot be read");
            }
            Err(StoreUnreadable)
        }
    })
}

fn spawn_keeper(
    store: StateStore,
    settings: Arc<Settings>,
    tls: Option<Tls>,
    asks: Receiver<TokenAsk>,
) -> Result<JoinHandle<()>, StartError> {
    let thread = std::thread::Builder::new().name("keeper".into());
    thread
        .spawn(move || {
            let (changes, books) = (&settings.token_changes, &settings.tariffs);
            let told = |tenant: &str, token: &crate::Token| settings.message_changed(tenant, token);
            keeper::keep(
                &store,
                changes,
                books,
                told,
                tls.as_ref(),
                &asks,
                keeper::ROUND,
            );
        })
        .map_err(StartError::Thread)
}

fn seed() -> Result<u64, StartError> {
    let mut seed = [0; 8];
    SystemRandom::new()
        .fill(&mut seed)
        .map_err(|_| StartError::Random)?;
    Ok(u64::from_le_bytes(seed))
}
