//! The thread that writes: flushes, positions, merges, retention. One thread, so that no two commits race.

mod encode;
mod maintain;

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fleet::{LogId, Seq};
use storage::log::{Consumer, LogHandle};
use tokio::sync::oneshot;
use tracing::{error, info};

use crate::delta::DeltaTable;
use crate::hot::{Flush, Shared};
use crate::ingest::Drained;
use crate::{Config, LakeError};

/// How often tables are looked at.
const TICK: Duration = Duration::from_millis(250);
/// How often small files are merged and old ones dropped.
const MAINTAIN_INTERVAL: Duration = Duration::from_secs(600);
/// How long a table rests after an error, so that a full disk is not hammered.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What the writer is told.
pub(crate) enum Order {
    Flush(oneshot::Sender<Result<(), LakeError>>),
    Maintain(oneshot::Sender<Result<(), LakeError>>),
    /// Flush, then end.
    Stop(oneshot::Sender<Result<(), LakeError>>),
}

/// What the writer tells.
#[derive(Clone)]
pub(crate) struct Status {
    pub(crate) tables: Vec<TableStatus>,
    /// Of the last round.
    pub(crate) error: Option<String>,
    /// A log that cannot be read any further.
    pub(crate) broken: Option<String>,
    started: Instant,
    written_bytes: u64,
}

#[derive(Clone)]
pub(crate) struct TableStatus {
    pub(crate) version: u64,
    pub(crate) committed: Option<Instant>,
}

impl Status {
    pub(crate) fn new(tables: &[(DeltaTable, Arc<Shared>)]) -> Self {
        let table = |(delta, _): &(DeltaTable, _)| TableStatus {
            version: delta.version(),
            committed: None,
        };
        Self {
            tables: tables.iter().map(table).collect(),
            error: None,
            broken: None,
            started: now(),
            written_bytes: 0,
        }
    }

    /// `None` before a minute has passed or a row was written.
    pub(crate) fn bytes_per_day(&self) -> Option<f64> {
        let elapsed = self.started.elapsed();
        (self.written_bytes != 0 && Duration::from_secs(60) <= elapsed)
            .then(|| self.written_bytes as f64 / elapsed.as_secs_f64() * 86_400.0)
    }
}

/// The logs that rows come from.
pub(crate) struct Logs {
    /// Told what every table holds.
    pub(crate) live: Vec<LogHandle>,
    /// Read to their end.
    pub(crate) drained: Drained,
}

pub(crate) struct Writer {
    config: Config,
    tables: Vec<(DeltaTable, Arc<Shared>)>,
    /// Per table, the positions of a commit that queries do not read from files yet.
    unshown: Vec<Option<BTreeMap<LogId, Seq>>>,
    status: Arc<Mutex<Status>>,
    logs: Logs,
    maintain_at: Instant,
    /// Not before this, after an error.
    retry_at: Instant,
}

impl Writer {
    pub(crate) fn new(
        config: Config,
        tables: Vec<(DeltaTable, Arc<Shared>)>,
        status: Arc<Mutex<Status>>,
        logs: Logs,
    ) -> Self {
        let now = now();
        Self {
            config,
            unshown: tables.iter().map(|_| None).collect(),
            tables,
            status,
            logs,
            maintain_at: now + MAINTAIN_INTERVAL,
            retry_at: now,
        }
    }

    /// Writes until told to stop, or until the lake is dropped: then what is hot stays in the log.
    pub(crate) fn run(mut self, orders: &Receiver<Order>) {
        self.release_passed();
        loop {
            match orders.recv_timeout(TICK) {
                Ok(Order::Flush(done)) => {
                    let _ = done.send(self.flush(&|_| true));
                }
                Ok(Order::Maintain(done)) => {
                    let _ = done.send(self.maintain());
                }
                Ok(Order::Stop(done)) => {
                    let _ = done.send(self.flush(&|_| true));
                    return;
                }
                Err(RecvTimeoutError::Timeout) => self.tick(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn tick(&mut self) {
        let now = now();
        if now < self.retry_at {
            return;
        }
        let (interval, bytes) = (self.config.flush_interval, self.config.flush_bytes);
        let hot_max = self.config.hot_bytes_max;
        let hot: usize = self
            .tables
            .iter()
            .map(|(_, shared)| shared.waiting().bytes)
            .sum();
        let mut result = self.flush(&|shared| {
            let waiting = shared.waiting();
            let old = waiting
                .since
                .is_some_and(|since| interval <= now.duration_since(since));
            old || bytes <= waiting.bytes || hot_max / 2 <= hot
        });
        if result.is_ok() && self.maintain_at <= now {
            result = self.maintain();
        }
        if let Err(error) = result {
            error!(error = %chain(&error), "the lake could not be written, rows wait in memory and in the log");
            self.retry_at = now + RETRY_AFTER;
        }
    }

    /// Commits the rows of every table that is due, and the bare position of one that a log waits for.
    fn flush(&mut self, due: &dyn Fn(&Shared) -> bool) -> Result<(), LakeError> {
        let awaited: Vec<_> = self
            .logs
            .live
            .iter()
            .filter_map(|log| Some((log.id(), log.awaited(Consumer::Lake)?)))
            .collect();
        let drained = self
            .logs
            .drained
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut result = Ok(());
        for index in 0..self.tables.len() {
            let shared = &self.tables[index].1;
            if (shared.waiting().rows != 0 && due(shared))
                || awaited
                    .iter()
                    .any(|(log, seq)| shared.may_commit(*log, *seq))
                || drained.iter().any(|log| shared.lags(*log))
            {
                let flushed = self.flush_table(index);
                result = result.and(flushed);
            }
        }
        Status::lock(&self.status).error = result.as_ref().err().map(chain);
        self.release_passed();
        result
    }

    fn flush_table(&mut self, index: usize) -> Result<(), LakeError> {
        self.show_committed(index)?;
        let (delta, shared) = &mut self.tables[index];
        let Flush { batches, positions } = shared.begin_flush();
        let begun = now();
        let committed = encode::write_days(delta.table(), delta.dir(), &batches).and_then(|new| {
            let before = shared.positions();
            let mut seqs = positions.clone();
            seqs.retain(|log, seq| before.get(log) != Some(seq));
            delta.append(&new, &before, &seqs)?;
            Ok(new.iter().map(|file| file.len).sum::<u64>())
        });
        let bytes = match committed {
            Ok(bytes) => bytes,
            Err(error) => {
                shared.abort_flush(now());
                return Err(error);
            }
        };
        let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
        let (table, version) = (delta.table(), delta.version());
        info!(%table, rows, bytes, version, millis = begun.elapsed().as_millis() as u64, "committed");
        self.unshown[index] = Some(positions);
        Status::lock(&self.status).written_bytes += bytes;
        self.show_committed(index)?;
        self.tables[index]
            .0
            .checkpoint_after(self.config.checkpoint_commits)
    }

    /// Lets queries read a commit from its files. Apart from the commit, because listing may fail by itself: the
    /// rows are then still read from memory, and must not be committed again.
    fn show_committed(&mut self, index: usize) -> Result<(), LakeError> {
        let Some(positions) = &self.unshown[index] else {
            return Ok(());
        };
        let (delta, shared) = &self.tables[index];
        shared.commit(delta.files()?, positions.clone());
        self.unshown[index] = None;
        Status::lock(&self.status).tables[index] = TableStatus {
            version: delta.version(),
            committed: Some(now()),
        };
        Ok(())
    }

    /// Tells the logs what every table holds.
    fn release_passed(&mut self) {
        for log in &self.logs.live {
            let held = self
                .tables
                .iter()
                .map(|(_, shared)| shared.committed(log.id()))
                .min();
            if let Some(seq) = held.filter(|seq| log.released(Consumer::Lake) < Some(*seq)) {
                log.release(Consumer::Lake, seq);
            }
        }
    }
}

/// The error and its causes on one line.
fn chain(error: &LakeError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[expect(
    clippy::disallowed_methods,
    reason = "the writer paces itself; what it writes does not depend on it"
)]
fn now() -> Instant {
    Instant::now()
}
