//! The thread that writes shard state into the store, so that no shard waits for it.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fleet::{LogId, Seq};

use super::{Durability, StateBatch, StateError, StateStore};
use crate::log::{Consumer, LogHandle};

/// Rows that reflect a log up to a record.
#[derive(Debug)]
pub struct Projection {
    /// The rows.
    pub batch: StateBatch,
    /// The log they come from.
    pub log: LogHandle,
    /// The newest record they reflect. It is durable: a row must not outlive its record.
    pub up_to: Seq,
}

/// Why a projection was not taken; it is handed back.
#[derive(Debug)]
pub enum SubmitError {
    /// The queue is full: keep the rows dirty and submit later.
    Full(Projection),
    /// The store has failed, or the projector was shut down: nothing is taken until a restart.
    Failed(Projection),
}

/// Owns the writer's thread.
#[derive(Debug)]
pub struct Projector {
    handle: ProjectorHandle,
    thread: JoinHandle<()>,
}

/// Submits to a [`Projector`]; never blocks.
#[derive(Clone, Debug)]
pub struct ProjectorHandle {
    queue: SyncSender<Message>,
    failure: Arc<OnceLock<String>>,
}

#[derive(Debug)]
enum Message {
    Project(Projection),
    /// Write what came before, and end.
    Close,
}

/// How long a stop waits for the store, which on a broken disk may never return: what it has not written is in the log,
/// and a service manager's own patience is no longer than twice this.
const STOP_MAX: Duration = Duration::from_secs(10);
/// Between two looks at whether the thread takes the order to close, and has ended.
const CLOSE_AGAIN: Duration = Duration::from_millis(5);
/// Between two looks at a full disk.
const SPACE_AGAIN: Duration = Duration::from_millis(100);
/// Projections that share one sync, at most.
const GROUP_MAX: usize = 64;
/// The store is at rest when nothing came for so long, or when so many projections in a row had no rows: a fleet that
/// only says it is alive moves a position every second and changes nothing.
const REST_AFTER: Duration = Duration::from_secs(5);
pub(super) const REST_AFTER_ROWLESS: u32 = 8;

/// What is to be done when the store comes to rest; between the two the engine writes files.
#[derive(Clone, Copy, Debug)]
enum Rest {
    /// Sort what waits into files.
    Flush,
    /// Let go of what was sorted, with so many tries left: on a busy machine the engine sorts and merges files for a while.
    LetGo(u32),
}

/// See [`Rest::LetGo`].
const LET_GO: Rest = Rest::LetGo(60);

impl Rest {
    /// How long the store is quiet before this, in time or in projections without rows.
    fn quiet(self) -> (Duration, u32) {
        match self {
            Self::Flush => (REST_AFTER, REST_AFTER_ROWLESS),
            Self::LetGo(_) => (Duration::from_secs(1), 2),
        }
    }
}

impl Projector {
    /// Starts the writer in front of `store`, with room for `queue_len_max` projections. It calls `give_back` when it has
    /// come to rest, for the allocator.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn spawn(
        store: StateStore,
        queue_len_max: usize,
        give_back: fn(),
    ) -> std::io::Result<Self> {
        let (queue, incoming) = sync_channel(queue_len_max);
        let failure = Arc::new(OnceLock::new());
        let failed = Arc::clone(&failure);
        let thread = std::thread::Builder::new()
            .name("projector".to_owned())
            .spawn(move || {
                if let Err(error) = run(&store, &incoming, give_back) {
                    tracing::error!(%error, source = ?std::error::Error::source(&error), "state projection has stopped");
                    // Only this thread sets it, and only here.
                    let _ = failed.set(describe(&error));
                }
            })?;
        Ok(Self {
            handle: ProjectorHandle { queue, failure },
            thread,
        })
    }

    /// What shards submit to.
    pub fn handle(&self) -> &ProjectorHandle {
        &self.handle
    }

    /// Why nothing is written any more, if so; only a restart changes that.
    pub fn failure(&self) -> Option<&str> {
        let panicked = || {
            let ended = self.thread.is_finished();
            ended.then_some("the projector's thread has panicked")
        };
        self.handle.failure().or_else(panicked)
    }

    /// Writes what was submitted and ends the thread. Takes at most ten seconds: what the store has not written by then,
    /// a replay of the log writes at the next start.
    ///
    /// # Errors
    ///
    /// What the store said when it failed, or that it took too long.
    pub fn shutdown(self) -> Result<(), String> {
        self.shutdown_within(STOP_MAX)
    }

    pub(super) fn shutdown_within(self, patience: Duration) -> Result<(), String> {
        let late = || format!("the store has not written what was left within {patience:?}");
        let deadline = now() + patience;
        // A thread that has failed has closed its end; what it said is returned below.
        while let Err(TrySendError::Full(_)) = self.handle.queue.try_send(Message::Close) {
            if deadline <= now() {
                return Err(late());
            }
            std::thread::park_timeout(CLOSE_AGAIN);
        }
        while !self.thread.is_finished() {
            if deadline <= now() {
                return Err(late());
            }
            std::thread::park_timeout(CLOSE_AGAIN);
        }
        self.thread
            .join()
            .map_err(|_| "the projector's thread has panicked".to_owned())?;
        match self.handle.failure() {
            Some(error) => Err(error.to_owned()),
            None => Ok(()),
        }
    }
}

impl ProjectorHandle {
    /// Hands rows to the writer. After they are stored and synced, the log is released for
    /// [`Consumer::State`] up to the same record.
    ///
    /// # Errors
    ///
    /// [`SubmitError`], with the projection.
    pub fn submit(&self, projection: Projection) -> Result<(), SubmitError> {
        let give_back = |message| match message {
            Message::Project(projection) => projection,
            Message::Close => unreachable!("a projection was sent"),
        };
        self.queue
            .try_send(Message::Project(projection))
            .map_err(|error| match error {
                TrySendError::Full(message) => SubmitError::Full(give_back(message)),
                TrySendError::Disconnected(message) => SubmitError::Failed(give_back(message)),
            })
    }

    /// What the store said when it failed.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }
}

/// Applies what is queued, syncs once, releases; until closed.
fn run(
    store: &StateStore,
    incoming: &Receiver<Message>,
    give_back: fn(),
) -> Result<(), StateError> {
    // What comes next, and the projections without rows since the last step; `None` once the store is at rest. Whoever
    // opened it has had it flushed.
    let mut rest = Some((LET_GO, 0));
    let mut open = true;
    while open {
        let first = match rest {
            None => incoming.recv().ok(),
            Some((step, rowless)) if rowless < step.quiet().1 => {
                match incoming.recv_timeout(step.quiet().0) {
                    Err(RecvTimeoutError::Timeout) => {
                        rest = Some((step, u32::MAX));
                        continue;
                    }
                    received => received.ok(),
                }
            }
            Some((Rest::Flush, _)) => {
                wait_for_space(store);
                store.flush_for_rest()?;
                rest = Some((LET_GO, 0));
                continue;
            }
            Some((Rest::LetGo(tries), _)) => {
                wait_for_space(store);
                // What follows fails by itself, if there is anything wrong.
                if let Err(error) = store.let_go() {
                    tracing::warn!(error = describe(&error), "the state store keeps memory");
                }
                give_back();
                rest = match tries.checked_sub(1) {
                    Some(left) if store.keeps_earlier_states() => Some((Rest::LetGo(left), 0)),
                    _ => None,
                };
                continue;
            }
        };
        wait_for_space(store);
        let mut stored: BTreeMap<LogId, (LogHandle, Seq)> = BTreeMap::new();
        let queued = first.into_iter().chain(incoming.try_iter().take(GROUP_MAX));
        open = false;
        for message in queued {
            let Message::Project(projection) = message else {
                open = false;
                break;
            };
            open = true;
            let Projection { batch, log, up_to } = projection;
            assert!(up_to <= log.durable(), "only durable records are projected");
            rest = match rest {
                _ if !batch.is_empty() => Some((Rest::Flush, 0)),
                Some((step, rowless)) => Some((step, rowless + 1)),
                None => None,
            };
            store.write(batch, Some((log.id(), up_to)), Durability::Buffered)?;
            stored.insert(log.id(), (log, up_to));
        }
        if stored.is_empty() {
            continue;
        }
        store.persist()?;
        store.flush_if_full()?;
        for (log, up_to) in stored.into_values() {
            log.release(Consumer::State, up_to);
        }
    }
    Ok(())
}

/// Returns once the disk has space for what is written next. What comes meanwhile stays with the shards, and in the log.
fn wait_for_space(store: &StateStore) {
    let mut warned = false;
    while let Err(error) = store.check_space() {
        if !std::mem::replace(&mut warned, true) {
            tracing::warn!(%error, "the state store waits for space on the disk");
        }
        std::thread::park_timeout(SPACE_AGAIN);
    }
    if warned {
        tracing::info!("the state store is written again");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a stop is bounded by this clock; nothing that is decided about rows depends on it"
)]
fn now() -> Instant {
    Instant::now()
}

fn describe(error: &StateError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
