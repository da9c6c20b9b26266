//! What the threads of one log share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleet::{LogId, Seq};
use hdrhistogram::Histogram;

use super::janitor::Bell;
use super::reader::LogReader;
use super::ready::Ready;
use super::segments::Segments;
use super::slot::Slot;
use super::{Consumer, LogConfig, LogError, LogHealth, LogState};

pub(super) struct Shared {
    pub(super) config: LogConfig,
    pub(super) segments: Arc<Segments>,
    pub(super) slot: Slot,
    pub(super) ready: Ready,
    pub(super) bell: Bell,
    pub(super) syncs: Mutex<Syncs>,
}

impl Shared {
    /// Why a record is not taken.
    pub(super) fn refusal(&self) -> LogError {
        let log = self.segments.id;
        match &self.segments.lock().state {
            LogState::Failed { error } => LogError::Stopped {
                log,
                detail: error.clone(),
            },
            LogState::Ok | LogState::Stalled { .. } | LogState::Full | LogState::NoSpace => {
                LogError::Full { log }
            }
        }
    }
}

/// How long commits take: the last [`Syncs::WINDOW`] to twice as many.
pub(super) struct Syncs {
    current: Histogram<u32>,
    before: Histogram<u32>,
    commits: u64,
    bytes: u64,
}

impl Syncs {
    const WINDOW: u64 = 8192;
    /// Longer ones count as this.
    const MICROS_MAX: u64 = 60_000_000;

    pub(super) fn new() -> Self {
        let empty = || {
            Histogram::new_with_bounds(1, Self::MICROS_MAX, 2)
                .expect("bounds and digits are constants that hdrhistogram takes")
        };
        Self {
            current: empty(),
            before: empty(),
            commits: 0,
            bytes: 0,
        }
    }

    pub(super) fn record(&mut self, took: Duration, bytes: u64) {
        if Self::WINDOW <= self.current.len() {
            std::mem::swap(&mut self.current, &mut self.before);
            self.current.reset();
        }
        self.current.saturating_record(took.as_micros() as u64);
        self.commits += 1;
        self.bytes += bytes;
    }

    fn quantile(&self, q: f64) -> Duration {
        let mut all = self.before.clone();
        all.add(&self.current).expect("both have the same bounds");
        Duration::from_micros(all.value_at_quantile(q))
    }
}

/// What every thread may ask of a log; clones are the same log.
#[derive(Clone)]
pub struct LogHandle {
    pub(super) shared: Arc<Shared>,
}

impl std::fmt::Debug for LogHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let index = self.shared.segments.lock();
        f.debug_struct("LogHandle")
            .field("id", &self.shared.segments.id)
            .field("index", &*index)
            .finish()
    }
}

impl LogHandle {
    /// The log's name.
    pub fn id(&self) -> LogId {
        self.shared.segments.id
    }

    /// The newest record that is safe; one atomic load.
    pub fn durable(&self) -> Seq {
        self.shared.segments.durable()
    }

    /// How the log is, at `now_ns` of the clock given to [`super::Log::flush`].
    pub fn health(&self, now_ns: u64) -> LogHealth {
        let shared = &*self.shared;
        let since_ns = shared.slot.pending_since_ns();
        let index = shared.segments.lock();
        let stalled = since_ns.filter(|since| {
            shared.config.stall_after.as_nanos() < u128::from(now_ns.saturating_sub(*since))
        });
        let state = match (&index.state, stalled) {
            (LogState::Ok, Some(since_ns)) => LogState::Stalled { since_ns },
            (state, _) => state.clone(),
        };
        let bytes_used = index.bytes_used();
        drop(index);
        let syncs = shared.syncs.lock().expect("recording does not panic");
        LogHealth {
            state,
            bytes_used,
            bytes_max: shared.config.bytes_max,
            sync_p50: syncs.quantile(0.5),
            sync_p99: syncs.quantile(0.99),
            commits: syncs.commits,
            bytes_written: syncs.bytes,
        }
    }

    /// Since when the oldest batch has waited that is not durable, on the clock of [`super::Log::flush`].
    pub fn pending_since_ns(&self) -> Option<u64> {
        self.shared.slot.pending_since_ns()
    }

    /// A reader whose first record is `from`.
    pub fn reader(&self, from: Seq) -> LogReader {
        LogReader::new(Arc::clone(&self.shared.segments), from)
    }

    /// The oldest record there is; one past [`LogHandle::durable`] when there is none.
    pub fn first(&self) -> Seq {
        self.shared.segments.lock().first()
    }

    /// `consumer` has stored what the records up to and including `up_to` say, and will not read them again.
    pub fn release(&self, consumer: Consumer, up_to: Seq) {
        self.shared.segments.lock().release(consumer, up_to);
        self.shared.bell.ring();
    }

    /// How far `consumer` has released; `None` when it is none of this log's.
    pub fn released(&self, consumer: Consumer) -> Option<Seq> {
        self.shared.segments.lock().released(consumer)
    }

    /// The last record of the newest full segment that `consumer` alone keeps from being recycled.
    pub fn awaited(&self, consumer: Consumer) -> Option<Seq> {
        self.shared.segments.lock().awaited(consumer)
    }
}
