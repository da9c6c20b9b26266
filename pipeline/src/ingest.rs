//! Follows one log and publishes its rows.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fleet::{EventId, LogId, Seq, wire};
use storage::log::{LogError, LogReader};
use tracing::{error, info, warn};

use crate::Table;
use crate::columns::Columns;
use crate::hot::Shared;

/// Rows after which a batch is published without waiting.
const PUBLISH_ROWS: usize = 8_192;
/// The longest that a stop request goes unseen.
const WAIT: Duration = Duration::from_millis(100);

/// See [`Ingest::trouble`].
pub(crate) type Trouble = Box<dyn Fn(Option<&LogError>) + Send>;

/// Logs that are read to an end after which nothing comes.
pub(crate) type Drained = Arc<Mutex<BTreeSet<LogId>>>;

/// What an ingest thread shares with the rest of the lake.
pub(crate) struct Ingest {
    pub(crate) tables: Vec<Arc<Shared>>,
    pub(crate) publish_interval: Duration,
    pub(crate) hot_bytes_max: usize,
    pub(crate) stop: Arc<AtomicBool>,
    /// Records that could not be read; they are passed by.
    pub(crate) unreadable: Arc<AtomicU64>,
    pub(crate) drained: Drained,
    /// Told of a file of the log that cannot be read for now, and with `None` once it can: such a file is tried again. Without
    /// it the first failure is the last.
    pub(crate) trouble: Option<Trouble>,
}

impl Ingest {
    /// Reads a log until told to stop, or until it is closed and read to its end. Records that a table holds
    /// already are passed by for that table.
    pub(crate) fn follow(&self, mut reader: LogReader) -> Result<(), LogError> {
        let log = reader.log_id();
        let held: Vec<Seq> = self
            .tables
            .iter()
            .map(|table| table.committed(log))
            .collect();
        let mut gathered = Gathered::new(log, reader.position());
        let mut in_trouble = false;
        while !self.stop.load(Ordering::Relaxed) {
            // Asked before reading: what was appended in between is then still found.
            let is_closed = reader.is_closed();
            let caught_up = match (reader.next(), &self.trouble) {
                (Ok(Some((seq, bytes))), _) => {
                    gathered.add(seq, bytes, &held, &self.unreadable);
                    false
                }
                (Ok(None), _) => true,
                (Err(error @ LogError::Io { .. }), Some(trouble)) => {
                    if !std::mem::replace(&mut in_trouble, true) {
                        warn!(%log, %error, "a file of this log cannot be read, its rows wait");
                        trouble(Some(&error));
                    }
                    // What was read is not to wait with it.
                    self.publish(&mut gathered);
                    std::thread::park_timeout(WAIT);
                    continue;
                }
                (Err(error), _) => return Err(error),
            };
            if std::mem::take(&mut in_trouble) {
                info!(%log, "the log can be read again");
                if let Some(trouble) = &self.trouble {
                    trouble(None);
                }
            }
            let age = gathered.since.map(|since| since.elapsed());
            if PUBLISH_ROWS <= gathered.columns.len()
                || age.is_some_and(|age| self.publish_interval <= age)
                || (caught_up && is_closed)
            {
                self.publish(&mut gathered);
                self.wait_for_room();
            } else if caught_up {
                let left = age.map_or(WAIT, |age| self.publish_interval.saturating_sub(age));
                reader.wait(left.min(WAIT));
            }
            if caught_up && is_closed {
                self.drained
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(log);
                return Ok(());
            }
        }
        self.publish(&mut gathered);
        Ok(())
    }

    fn publish(&self, gathered: &mut Gathered) {
        let now = now();
        for table in &self.tables {
            let rows = gathered.columns.take(table.table);
            table.publish(gathered.log, rows, gathered.read, now);
        }
        gathered.since = None;
    }

    /// Rows in memory are bounded: while there are too many, the log keeps the rest.
    fn wait_for_room(&self) {
        let hot = || {
            self.tables
                .iter()
                .map(|table| table.waiting().bytes)
                .sum::<usize>()
        };
        let mut warned = false;
        while self.hot_bytes_max < hot() && !self.stop.load(Ordering::Relaxed) {
            if !warned {
                warn!(
                    bytes_max = self.hot_bytes_max,
                    "rows in memory are at their limit, reading waits"
                );
                warned = true;
            }
            std::thread::park_timeout(WAIT);
        }
    }
}

/// Where the logs ended when the lake was started. What a process before this one acknowledged lies before that, and a
/// query that does not see it would seem to have lost it.
#[derive(Default)]
pub(crate) struct CaughtUp {
    /// The last durable record of each log that shards write.
    pub(crate) live: Vec<(LogId, Seq)>,
    /// Logs that are read to their end.
    pub(crate) stopped: Vec<LogId>,
    pub(crate) drained: Drained,
    /// Set when a log cannot be read any further: then nobody waits for it.
    pub(crate) given_up: Arc<AtomicBool>,
    pub(crate) done: AtomicBool,
}

impl CaughtUp {
    /// Done when queries see every record that was durable at the start.
    pub(crate) async fn wait(&self, tables: &[Arc<Shared>]) {
        while !self.is_done(tables) {
            #[expect(
                clippy::disallowed_methods,
                reason = "rows are published on a clock, not told of"
            )]
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn is_done(&self, tables: &[Arc<Shared>]) -> bool {
        if self.done.load(Ordering::Relaxed) || self.given_up.load(Ordering::Relaxed) {
            return true;
        }
        let seen =
            |(log, end): &(LogId, Seq)| tables.iter().all(|table| *end <= table.published(*log));
        let drained = self.drained.lock().unwrap_or_else(PoisonError::into_inner);
        let done =
            self.live.iter().all(seen) && self.stopped.iter().all(|log| drained.contains(log));
        self.done.store(done, Ordering::Relaxed);
        done
    }
}

/// Rows read and not published yet.
struct Gathered {
    log: LogId,
    columns: Columns,
    read: Seq,
    /// When the first of them was read.
    since: Option<Instant>,
}

impl Gathered {
    fn new(log: LogId, from: Seq) -> Self {
        Self {
            log,
            columns: Columns::new(),
            read: from,
            since: None,
        }
    }

    fn add(&mut self, seq: Seq, bytes: &[u8], held: &[Seq], unreadable: &AtomicU64) {
        self.read = seq;
        self.since.get_or_insert_with(now);
        match wire::read(bytes) {
            Ok(record) => {
                let event = EventId {
                    log_id: self.log,
                    seq,
                };
                let wanted = |table: Table| held[table.index()] < seq;
                self.columns.push(event, &record, wanted);
            }
            Err(error) => {
                unreadable.fetch_add(1, Ordering::Relaxed);
                error!(log = %self.log, seq = seq.0, %error, "record has no rows: it cannot be read");
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an ingest thread paces itself; no row depends on it"
)]
fn now() -> Instant {
    Instant::now()
}
