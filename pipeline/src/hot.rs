//! What a table is at one moment: committed files, and the rows after them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use fleet::{LogId, Seq};

use crate::Table;
use crate::delta::Files;

/// Small batches are joined up to this many rows, so that a scan does not visit thousands of them.
const JOINED_ROWS_MAX: usize = 8_192;

/// One table's rows, shared by the threads that read logs, the writer, and queries.
///
/// The lock is held to swap vectors of handles and to join small batches, never while rows are built, sorted
/// or written. It exists because the three sides must agree on one thing: which rows are in files, and which
/// are not yet.
pub(crate) struct Shared {
    pub(crate) table: Table,
    state: Mutex<State>,
}

struct State {
    files: Arc<Files>,
    committed: BTreeMap<LogId, Seq>,
    published: BTreeMap<LogId, Seq>,
    /// Rows that the writer is committing, or failed to commit and will try again.
    flushing: Vec<RecordBatch>,
    /// When the oldest of them was published.
    flushing_since: Option<Instant>,
    /// Rows published since.
    hot: Vec<RecordBatch>,
    hot_bytes: usize,
    /// When the oldest row of `hot` was published.
    hot_since: Option<Instant>,
}

/// A table at one moment: every row is in exactly one of the two.
pub(crate) struct Snapshot {
    pub(crate) files: Arc<Files>,
    pub(crate) hot: Vec<RecordBatch>,
}

/// What the writer is to commit.
pub(crate) struct Flush {
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) positions: BTreeMap<LogId, Seq>,
}

/// What decides whether a table is due.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    pub(crate) since: Option<Instant>,
}

impl Shared {
    pub(crate) fn new(table: Table, files: Files, committed: BTreeMap<LogId, Seq>) -> Self {
        let state = State {
            files: Arc::new(files),
            published: committed.clone(),
            committed,
            flushing: Vec::new(),
            flushing_since: None,
            hot: Vec::new(),
            hot_bytes: 0,
            hot_since: None,
        };
        Self {
            table,
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics between two writes to the state, so a poisoned one is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last record of `log` whose rows are in files.
    pub(crate) fn committed(&self, log: LogId) -> Seq {
        self.lock().committed.get(&log).copied().unwrap_or_default()
    }

    /// The same; `None` when the table has committed nothing of that log.
    pub(crate) fn position(&self, log: LogId) -> Option<Seq> {
        self.lock().committed.get(&log).copied()
    }

    /// The last record of `log` that queries see.
    pub(crate) fn published(&self, log: LogId) -> Seq {
        self.lock().published.get(&log).copied().unwrap_or_default()
    }

    /// Makes rows visible to queries. `read` is the last record that went into them or, when there are
    /// none, that was found to hold nothing for this table.
    pub(crate) fn publish(&self, log: LogId, rows: Option<RecordBatch>, read: Seq, now: Instant) {
        let mut state = self.lock();
        // After a kill, tables stand at different places, and the log is read from the first of them: one that is
        // ahead gets no rows until the reader has come to it.
        let published = state.published.entry(log).or_default();
        assert!(rows.is_none() || *published < read, "rows come once");
        *published = (*published).max(read);
        let Some(rows) = rows else { return };
        state.hot_bytes += batch_bytes(&rows);
        state.hot_since.get_or_insert(now);
        match state.hot.last_mut() {
            Some(last) if last.num_rows() + rows.num_rows() <= JOINED_ROWS_MAX => {
                *last = joined(last, &rows);
            }
            _ => state.hot.push(rows),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        let hot = state.flushing.iter().chain(&state.hot).cloned().collect();
        Snapshot {
            files: Arc::clone(&state.files),
            hot,
        }
    }

    pub(crate) fn waiting(&self) -> Waiting {
        let state = self.lock();
        Waiting {
            rows: state
                .flushing
                .iter()
                .chain(&state.hot)
                .map(RecordBatch::num_rows)
                .sum(),
            bytes: state.hot_bytes,
            since: state.hot_since,
        }
    }

    /// When the oldest row was published that is in no file yet.
    pub(crate) fn oldest_waiting(&self) -> Option<Instant> {
        let state = self.lock();
        state.flushing_since.or(state.hot_since)
    }

    /// Hands out every row that is not in a file yet; they stay visible until [`Shared::commit`].
    pub(crate) fn begin_flush(&self) -> Flush {
        let mut state = self.lock();
        let hot = std::mem::take(&mut state.hot);
        state.flushing.extend(hot);
        let since = state.hot_since.take();
        state.flushing_since = state.flushing_since.or(since);
        Flush {
            batches: state.flushing.clone(),
            positions: state.published.clone(),
        }
    }

    /// Rows are not in files after all; they count as waiting again.
    pub(crate) fn abort_flush(&self, now: Instant) {
        let mut state = self.lock();
        if !state.flushing.is_empty() {
            state.hot_since = Some(now);
        }
    }

    /// The rows of the last flush are in `files`: one swap, so that no query sees them twice or not at all.
    pub(crate) fn commit(&self, files: Files, positions: BTreeMap<LogId, Seq>) {
        let mut state = self.lock();
        state.files = Arc::new(files);
        state.committed.extend(positions);
        state.flushing = Vec::new();
        state.flushing_since = None;
        state.hot_bytes = state.hot.iter().map(batch_bytes).sum();
    }

    /// The same rows in other files.
    pub(crate) fn replace_files(&self, files: Files) {
        self.lock().files = Arc::new(files);
    }

    pub(crate) fn positions(&self) -> BTreeMap<LogId, Seq> {
        self.lock().committed.clone()
    }

    /// True when the table has seen all records of `log` up to `seq`, and they are not all committed.
    pub(crate) fn may_commit(&self, log: LogId, seq: Seq) -> bool {
        let state = self.lock();
        let committed = state.committed.get(&log).copied().unwrap_or_default();
        committed < seq
            && state
                .published
                .get(&log)
                .is_some_and(|published| seq <= *published)
    }

    /// True when the table has seen records of `log` that are not committed.
    pub(crate) fn lags(&self, log: LogId) -> bool {
        let state = self.lock();
        state.committed.get(&log) < state.published.get(&log)
    }
}

/// Text is copied together: views would keep the mostly empty blocks of every small batch alive.
fn joined(first: &RecordBatch, second: &RecordBatch) -> RecordBatch {
    let batch = concat_batches(&first.schema(), [first, second])
        .expect("batches of one table have one schema");
    let compact = |column: &ArrayRef| match column.as_string_view_opt() {
        Some(text) => Arc::new(text.gc()) as ArrayRef,
        None => Arc::clone(column),
    };
    let columns = batch.columns().iter().map(compact).collect();
    RecordBatch::try_new(batch.schema(), columns).expect("types and lengths are unchanged")
}

fn batch_bytes(batch: &RecordBatch) -> usize {
    batch.get_array_memory_size()
}
