//! The lake as its owner sees it: started over logs, flushed, watched, stopped.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use fleet::{LogId, Seq};
use storage::log::{LogError, LogHandle, LogReader};
use tokio::sync::oneshot;

use crate::delta::{self, DeltaTable};
use crate::hot::Shared;
use crate::ingest::{CaughtUp, Drained, Ingest};
use crate::sql::Sql;
use crate::stations::Stations;
use crate::writer::{Logs, Order, Status, Writer};
use crate::{Config, LakeError, Table};

/// Where records come from. Two kinds exist and both are known here, so this is an enum.
pub enum Source {
    /// The log of a shard that runs: the lake follows it and releases what every table holds.
    Live(LogHandle),
    /// The log of a server that is down, or one that no shard of this start writes: it is read to its end.
    Stopped(LogReader),
}

impl Source {
    fn log_id(&self) -> LogId {
        match self {
            Self::Live(log) => log.id(),
            Self::Stopped(reader) => reader.log_id(),
        }
    }

    /// A reader of the records after `from`. Records after `committed` that the log has dropped are an error that is told
    /// and not stopped at: later ones still count.
    fn reader(self, from: Seq, committed: Seq) -> (LogReader, Option<LakeError>) {
        let (next, needed) = (Seq(from.0 + 1), Seq(committed.0 + 1));
        match self {
            Self::Live(log) => {
                let first = log.first();
                let gap = LakeError::Gap {
                    log: log.id(),
                    committed,
                    first,
                };
                (log.reader(next.max(first)), (needed < first).then_some(gap))
            }
            Self::Stopped(mut reader) => {
                // It stands at the oldest record there is.
                let first = Seq(reader.position().0 + 1);
                let gap = LakeError::Gap {
                    log: reader.log_id(),
                    committed,
                    first,
                };
                if first < next {
                    reader.seek(next);
                }
                (reader, (needed < first).then_some(gap))
            }
        }
    }
}

/// How long a flush waits for the durable end of the logs to become rows.
const FLUSH_PATIENCE: Duration = Duration::from_secs(30);

/// The tables, the threads that fill them, and the way to ask them.
pub struct Lake {
    sql: Sql,
    shared: Vec<Arc<Shared>>,
    /// The logs that shards write.
    live: Vec<LogHandle>,
    orders: Sender<Order>,
    status: Arc<Mutex<Status>>,
    unreadable: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    /// Told by a thread that reads a log no further.
    given_up: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    config: Config,
    /// Runs the Delta log's I/O.
    _io: OwnedRuntime,
}

/// How the lake is doing.
#[derive(Clone, Debug)]
pub struct Health {
    /// One entry per table, in the order of [`Table::ALL`].
    pub tables: Vec<TableHealth>,
    /// Days until the disk is full if rows go on coming as they did since the start; `None` when none came.
    pub days_to_full: Option<f64>,
    /// Bytes free on the lake's disk.
    pub disk_free_bytes: u64,
    /// Records that could not be read and have no rows.
    pub records_unreadable: u64,
    /// How long the oldest row that is in no file yet has waited in memory; 0 when there is none.
    pub lag: Duration,
    /// What went wrong last in writing; `None` when the last round succeeded.
    pub error: Option<String>,
}

/// How one table is doing.
#[derive(Clone, Debug)]
pub struct TableHealth {
    /// Which.
    pub table: Table,
    /// Rows in memory, not in a file yet.
    pub hot_rows: usize,
    /// Memory they take.
    pub hot_bytes: usize,
    /// Committed files.
    pub files: usize,
    /// Rows in them.
    pub rows: u64,
    /// Their size.
    pub bytes: u64,
    /// Version of the Delta table.
    pub version: u64,
    /// Age of the last commit of this process.
    pub last_commit: Option<Duration>,
    /// Days that rows are kept; `None` is for ever.
    pub retention_days: Option<u32>,
}

/// Planner and optimizer recurse over a query as deep as `sql::check` lets pass.
const STACK_LEN: usize = 16 << 20;

/// A runtime that may be dropped anywhere.
pub(crate) struct OwnedRuntime {
    runtime: Option<tokio::runtime::Runtime>,
}

impl OwnedRuntime {
    /// `threads` workers named `name`, at nice 10: neither a full scan nor a commit may move an acknowledgement.
    pub(crate) fn start(name: &str, threads: usize) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name(name)
            .thread_stack_size(STACK_LEN)
            .on_thread_start(be_nice)
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
        })
    }

    pub(crate) fn handle(&self) -> &tokio::runtime::Handle {
        let runtime = self.runtime.as_ref();
        runtime.expect("only drop takes it").handle()
    }
}

impl Drop for OwnedRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lowers the priority of this thread. Being refused costs latency, not correctness.
pub(crate) fn be_nice() {
    if let Err(error) = rustix::process::setpriority_process(None, 10) {
        tracing::debug!(%error, "thread keeps its priority");
    }
}

/// Runs the Delta log's I/O.
pub(crate) fn io_runtime(config: &Config) -> Result<OwnedRuntime, LakeError> {
    OwnedRuntime::start("lake-io", 1).map_err(|source| LakeError::Io {
        doing: "starting threads for",
        path: config.lake_dir.clone(),
        source,
    })
}

/// Runs what blocks on the Delta kernel where no runtime is driven: the caller's thread may be one that does.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = std::thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Opens every table with `open`, in the order of [`Table::ALL`].
pub(crate) fn open_all<T: Send>(
    open: impl FnMut(Table) -> Result<T, LakeError> + Send,
) -> Result<Vec<T>, LakeError> {
    apart(|| Table::ALL.into_iter().map(open).collect())
}

impl Lake {
    /// Opens or creates the tables, adds columns that they have not got yet, follows `sources` from where the tables stand, and answers queries.
    ///
    /// Records of a log that the tables hold already are passed by.
    ///
    /// # Errors
    ///
    /// Any [`LakeError`] of opening; later ones show in [`Lake::health`] and are tried again.
    pub fn start(
        config: Config,
        sources: Vec<Source>,
        stations: Stations,
    ) -> Result<Self, LakeError> {
        let io = io_runtime(&config)?;
        let engine = delta::engine(io.handle());
        let logs: Vec<LogId> = sources.iter().map(Source::log_id).collect();
        let open = |table| {
            let delta = DeltaTable::open_or_create(&engine, &config.lake_dir, table)?;
            let shared = Arc::new(Shared::new(table, delta.files()?, delta.positions(&logs)?));
            Ok((delta, shared))
        };
        let mut tables = open_all(open)?;
        // When all are known to fit: a refused start leaves the lake to the program that wrote it.
        apart(|| tables.iter_mut().try_for_each(|(delta, _)| delta.grow()))?;
        let shared: Vec<_> = tables
            .iter()
            .map(|(_, shared)| Arc::clone(shared))
            .collect();

        let (orders, inbox) = mpsc::channel();
        let status = Arc::new(Mutex::new(Status::new(&tables)));
        let live = sources.iter().filter_map(|source| match source {
            Source::Live(log) => Some(log.clone()),
            Source::Stopped(_) => None,
        });
        let live: Vec<_> = live.collect();
        let drained = Drained::default();
        let given_up = Arc::<AtomicBool>::default();
        let caught_up = CaughtUp {
            live: live.iter().map(|log| (log.id(), log.durable())).collect(),
            stopped: logs
                .into_iter()
                .filter(|id| live.iter().all(|log| log.id() != *id))
                .collect(),
            drained: drained.clone(),
            given_up: Arc::clone(&given_up),
            ..CaughtUp::default()
        };
        let sql = Sql::new(&config, shared.clone(), caught_up, stations)?;
        let logs = Logs {
            live: live.clone(),
            drained: drained.clone(),
        };
        let writer = Writer::new(config.clone(), tables, Arc::clone(&status), logs);
        let mut lake = Self {
            sql,
            shared,
            live,
            orders,
            status,
            unreadable: Arc::default(),
            stop: Arc::default(),
            given_up,
            threads: Vec::new(),
            config,
            _io: io,
        };
        lake.spawn("lake-writer".to_owned(), move || writer.run(&inbox))?;
        for source in sources {
            lake.follow(source, &drained)?;
        }
        Ok(lake)
    }

    fn follow(&mut self, source: Source, drained: &Drained) -> Result<(), LakeError> {
        let log = source.log_id();
        let (reader, gap) = source.reader(self.committed(log), self.held(log));
        if let Some(gap) = gap {
            tracing::error!(%log, error = %gap, "the lake has a gap");
            Status::lock(&self.status).broken = Some(gap.to_string());
        }
        let ingest = Ingest {
            tables: self.shared.clone(),
            publish_interval: self.config.publish_interval,
            hot_bytes_max: self.config.hot_bytes_max,
            stop: Arc::clone(&self.stop),
            unreadable: Arc::clone(&self.unreadable),
            drained: drained.clone(),
            trouble: Some({
                let (status, given_up) = (Arc::clone(&self.status), Arc::clone(&self.given_up));
                let ours = format!("log {log}: ");
                Box::new(move |error: Option<&LogError>| {
                    let mut status = Status::lock(&status);
                    if let Some(error) = error {
                        // Queries of a start do not wait for it either.
                        given_up.store(true, Ordering::Relaxed);
                        status.broken = Some(format!("{ours}{error}"));
                    } else {
                        // What others said of themselves stays.
                        status.broken.take_if(|broken| broken.starts_with(&ours));
                    }
                })
            }),
        };
        let status = Arc::clone(&self.status);
        let given_up = Arc::clone(&self.given_up);
        self.spawn(format!("ingest-{log}"), move || {
            if let Err(error) = ingest.follow(reader) {
                tracing::error!(%log, %error, "rows of this log stop here");
                given_up.store(true, Ordering::Relaxed);
                Status::lock(&status).broken = Some(format!("log {log}: {error}"));
            }
        })
    }

    fn spawn(
        &mut self,
        name: String,
        run: impl FnOnce() + Send + 'static,
    ) -> Result<(), LakeError> {
        let watch = Watch {
            thread: name.clone(),
            status: Arc::clone(&self.status),
            given_up: Arc::clone(&self.given_up),
        };
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            let _watch = watch;
            be_nice();
            run();
        });
        let thread = thread.map_err(|source| LakeError::Io {
            doing: "starting threads for",
            path: self.config.lake_dir.clone(),
            source,
        })?;
        self.threads.push(thread);
        Ok(())
    }

    /// SQL over what is in memory and in files.
    pub fn sql(&self) -> Sql {
        self.sql.clone()
    }

    /// The last record of `log` that every table holds. Of a stopped log that is read to its end, it is the last
    /// one there is as soon as the lake has written it: then the log may be dropped.
    pub fn committed(&self, log: LogId) -> Seq {
        self.shared
            .iter()
            .map(|table| table.committed(log))
            .min()
            .unwrap_or_default()
    }

    /// The same, of the tables that hold any of it: one that is new to the lake has not lost what the log dropped before.
    fn held(&self, log: LogId) -> Seq {
        let held = self.shared.iter().filter_map(|table| table.position(log));
        held.min().unwrap_or_default()
    }

    /// Writes out every row that is durable now (`sigec lake flush`).
    ///
    /// # Errors
    ///
    /// What went wrong with the first table that could not be written, or [`LakeError::Behind`].
    pub async fn flush(&self) -> Result<(), LakeError> {
        let durable: Vec<_> = self
            .live
            .iter()
            .map(|log| (log.id(), log.durable()))
            .collect();
        let seen = |(log, seq): &(LogId, Seq)| {
            self.shared
                .iter()
                .all(|table| *seq <= table.published(*log))
        };
        let begun = tokio::time::Instant::now();
        loop {
            // Looked at first: what is visible then is in what is written. Writing also makes room for reading.
            let all_seen = durable.iter().all(seen);
            self.flush_visible().await?;
            if all_seen {
                return Ok(());
            }
            if FLUSH_PATIENCE < begun.elapsed() {
                return Err(LakeError::Behind);
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "rows are published on a clock, not told of"
            )]
            tokio::time::sleep(self.config.publish_interval / 4).await;
        }
    }

    async fn flush_visible(&self) -> Result<(), LakeError> {
        let (done, wait) = oneshot::channel();
        self.orders
            .send(Order::Flush(done))
            .map_err(|_| LakeError::Closed)?;
        wait.await.map_err(|_| LakeError::Closed)?
    }

    /// Merges the small files of hours that are over, drops what is older than its retention, and deletes files
    /// that no reader needs. It happens by itself every ten minutes.
    ///
    /// # Errors
    ///
    /// What went wrong with the first table.
    pub async fn maintain(&self) -> Result<(), LakeError> {
        let (done, wait) = oneshot::channel();
        self.orders
            .send(Order::Maintain(done))
            .map_err(|_| LakeError::Closed)?;
        wait.await.map_err(|_| LakeError::Closed)?
    }

    /// Counts and ages, without touching a file.
    pub fn health(&self) -> Health {
        let status = Status::lock(&self.status).clone();
        let disk_free_bytes = rustix::fs::statvfs(&self.config.lake_dir)
            .map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        let tables = self
            .shared
            .iter()
            .zip(&status.tables)
            .map(|(shared, status)| {
                let (waiting, files) = (shared.waiting(), shared.snapshot().files);
                TableHealth {
                    table: shared.table,
                    hot_rows: waiting.rows,
                    hot_bytes: waiting.bytes,
                    files: files.all.len(),
                    rows: files.rows(),
                    bytes: files.bytes(),
                    version: status.version,
                    last_commit: status.committed.map(|at| at.elapsed()),
                    retention_days: self.config.retention_days.get(&shared.table).copied(),
                }
            })
            .collect();
        Health {
            tables,
            days_to_full: status
                .bytes_per_day()
                .map(|rate| disk_free_bytes as f64 / rate),
            disk_free_bytes,
            lag: self
                .shared
                .iter()
                .filter_map(|table| table.oldest_waiting())
                .map(|since| since.elapsed())
                .max()
                .unwrap_or_default(),
            records_unreadable: self.unreadable.load(Ordering::Relaxed),
            error: status.broken.or(status.error),
        }
    }

    /// Stops reading, writes out what is hot, and ends the threads.
    ///
    /// # Errors
    ///
    /// What could not be written; the log still has it.
    pub async fn shutdown(mut self) -> Result<(), LakeError> {
        self.stop.store(true, Ordering::Relaxed);
        let threads = std::mem::take(&mut self.threads);
        let orders = self.orders.clone();
        let stopped = tokio::task::spawn_blocking(move || {
            let mut threads = threads.into_iter();
            let writer = threads.next();
            let readers_ok = threads.map(JoinHandle::join).all(|joined| joined.is_ok());
            let (done, wait) = oneshot::channel();
            orders
                .send(Order::Stop(done))
                .map_err(|_| LakeError::Closed)?;
            let flushed = wait.blocking_recv().map_err(|_| LakeError::Closed)?;
            let writer_ok = writer.is_none_or(|writer| writer.join().is_ok());
            if readers_ok && writer_ok {
                flushed
            } else {
                Err(LakeError::Closed)
            }
        });
        stopped.await.map_err(|_| LakeError::Closed)?
    }
}

impl Drop for Lake {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Tells the health when the thread that holds it ends by a panic: rows that nobody follows any more must not look
/// like rows that have not come.
struct Watch {
    thread: String,
    status: Arc<Mutex<Status>>,
    given_up: Arc<AtomicBool>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.given_up.store(true, Ordering::Relaxed);
            Status::lock(&self.status).broken = Some(format!("thread {} panicked", self.thread));
        }
    }
}

impl Status {
    pub(crate) fn lock(status: &Mutex<Self>) -> std::sync::MutexGuard<'_, Self> {
        status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panics_shows_in_the_health() {
        let status = Arc::new(Mutex::new(Status::new(&[])));
        let watch = Watch {
            thread: "ingest-1".to_owned(),
            status: Arc::clone(&status),
            given_up: Arc::default(),
        };
        let thread = std::thread::spawn(move || {
            let _watch = watch;
            panic!("as planned");
        });
        assert!(thread.join().is_err());
        let broken = Status::lock(&status).broken.clone();
        assert_eq!(broken.as_deref(), Some("thread ingest-1 panicked"));
    }
}
