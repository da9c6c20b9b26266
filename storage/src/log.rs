//! The event log of one shard.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fleet::{LogId, Seq};

use crate::disk::Disk;

/// Sizes and limits of a [`Log`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Bytes of a segment file. Default 64 MiB.
    pub segment_len: u64,
    /// Bytes that the segments holding records may take. Default 8 GiB. Up to two prepared segments come on top.
    pub bytes_max: u64,
    /// Shortest time between the starts of two commits that do not fill `commit_len`; an idle log commits at
    /// once. Default 1 ms.
    pub commit_wait: Duration,
    /// Bytes of records that do not wait for `commit_wait`. Default 64 KiB.
    pub commit_len: usize,
    /// Bytes of records that wait for a commit before the log refuses more. Default 8 MiB.
    pub batch_len_max: usize,
    /// Longest record, in bytes. Default 2 MiB.
    pub record_len_max: usize,
    /// A commit that takes longer shows as [`LogState::Stalled`]. Default 5 s.
    pub stall_after: Duration,
    /// Who reads this log. A segment is recycled once each of them has released it.
    pub consumers: Vec<Consumer>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_len: 64 << 20,
            bytes_max: 8 << 30,
            commit_wait: Duration::from_millis(1),
            commit_len: 64 << 10,
            batch_len_max: 8 << 20,
            record_len_max: 2 << 20,
            stall_after: Duration::from_secs(5),
            consumers: vec![Consumer::State, Consumer::Lake],
        }
    }
}

/// Who needs the records of a log until it has stored what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Consumer {
    /// The state store.
    State,
    /// The analytic tables.
    Lake,
}

/// Why a log refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The log takes no record now; it will again when a commit ends or space appears.
    #[error("log {log} takes no record now")]
    Full {
        /// The log.
        log: LogId,
    },
    /// The log stays down until a restart.
    #[error("log {log} has stopped: {detail}")]
    Stopped {
        /// The log.
        log: LogId,
        /// What stopped it.
        detail: String,
    },
}

impl LogError {
    /// True when sending the same record again can succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Full { .. })
    }
}

/// What opening a log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The log.
    pub id: LogId,
    /// The oldest record there is; one past `end` when there is none.
    pub first: Seq,
    /// The newest record; `Seq(0)` when there is none. It is durable.
    pub end: Seq,
    /// Where a torn commit was cut off: file and offset.
    pub cut: Option<(PathBuf, u64)>,
}

/// The writing half, owned by the shard's thread. Never blocks.
#[derive(Debug)]
pub struct Log {
    handle: LogHandle,
}

impl Log {
    /// Opens the log in `dir`, or creates it, and starts its threads.
    ///
    /// `on_durable` is called by the committer's thread whenever [`LogHandle::durable`] or the state moved.
    ///
    /// # Errors
    ///
    /// Damage below a recorded durable end, an invalid configuration, or the disk's own error.
    pub fn open(
        dir: &Path,
        config: LogConfig,
        disk: Arc<dyn Disk>,
        on_durable: impl Fn() + Send + 'static,
    ) -> Result<(Self, Recovery), LogError> {
        let _ = (dir, config, disk, Box::new(on_durable));
        todo!()
    }

    /// As [`Log::open`], without threads: nothing commits until [`Stepper::step`] is called. For simulations.
    ///
    /// # Errors
    ///
    /// As [`Log::open`].
    pub fn open_stepped(
        dir: &Path,
        config: LogConfig,
        disk: Arc<dyn Disk>,
    ) -> Result<(Self, Stepper, Recovery), LogError> {
        let _ = (dir, config, disk);
        todo!()
    }

    /// True when records of `record_len_max` bytes together will be taken: ask before each message, read
    /// nothing more from sockets while false.
    pub fn accepts(&self) -> bool {
        todo!()
    }

    /// Appends one record that the caller has encoded.
    ///
    /// # Errors
    ///
    /// As [`Log::append_with`].
    pub fn append(&mut self, record: &[u8]) -> Result<Seq, LogError> {
        self.append_with(|out| out.extend_from_slice(record))
    }

    /// Appends one record that `encode` writes at the end of the batch; it must not touch what is there.
    ///
    /// # Errors
    ///
    /// Full, stopped, or too large a record; then nothing was appended.
    pub fn append_with(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Result<Seq, LogError> {
        let _ = encode;
        todo!()
    }

    /// Offers what was appended to the committer. Call once per turn of the reactor.
    ///
    /// `now_ns` is the monotonic clock on which [`LogHandle::health`] is asked.
    pub fn flush(&mut self, now_ns: u64) {
        let _ = now_ns;
        todo!()
    }

    /// The newest record appended, durable or not.
    pub fn appended(&self) -> Seq {
        todo!()
    }

    /// What other threads share of this log.
    pub fn handle(&self) -> &LogHandle {
        &self.handle
    }

    /// Commits what is left and ends the threads.
    ///
    /// # Errors
    ///
    /// When records that were appended could not be made durable.
    pub fn shutdown(self) -> Result<(), LogError> {
        todo!()
    }
}

/// Drives the committer of a log opened by [`Log::open_stepped`].
#[derive(Debug)]
pub struct Stepper {}

impl Stepper {
    /// Commits the offered batch, if any, and does a piece of the background work. True when something was done.
    pub fn step(&mut self) -> bool {
        todo!()
    }
}

/// What every thread may ask of a log; clones are the same log.
#[derive(Clone, Debug)]
pub struct LogHandle {}

impl LogHandle {
    /// The log's name.
    pub fn id(&self) -> LogId {
        todo!()
    }

    /// The newest record that is safe; one atomic load.
    pub fn durable(&self) -> Seq {
        todo!()
    }

    /// How the log is, at `now_ns` of the clock given to [`Log::flush`].
    pub fn health(&self, now_ns: u64) -> LogHealth {
        let _ = now_ns;
        todo!()
    }

    /// A reader whose first record is `from`.
    pub fn reader(&self, from: Seq) -> LogReader {
        let _ = from;
        todo!()
    }

    /// `consumer` has stored what the records up to and including `up_to` say, and will not read them again.
    pub fn release(&self, consumer: Consumer, up_to: Seq) {
        let _ = (consumer, up_to);
        todo!()
    }

    /// The last record of the newest full segment that `consumer` alone keeps from being recycled.
    pub fn awaited(&self, consumer: Consumer) -> Option<Seq> {
        let _ = consumer;
        todo!()
    }
}

/// How a log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHealth {
    /// What it can do.
    pub state: LogState,
    /// Bytes of the segments that hold records.
    pub bytes_used: u64,
    /// Its limit.
    pub bytes_max: u64,
    /// Median of the last commits' write and sync.
    pub sync_p50: Duration,
    /// 99th percentile of the same.
    pub sync_p99: Duration,
    /// Commits since the log was opened.
    pub commits: u64,
}

impl LogHealth {
    /// True from 80 % of `bytes_max`: a consumer is behind.
    pub fn alarm(&self) -> bool {
        self.bytes_max / 10 * 8 <= self.bytes_used
    }
}

/// What a log can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogState {
    /// Takes records.
    Ok,
    /// A commit has not ended since `since_ns`.
    Stalled {
        /// When it was offered, on the clock of [`Log::flush`].
        since_ns: u64,
    },
    /// `bytes_max` is used; goes on when a consumer releases.
    Full,
    /// The disk has no space; goes on when there is some.
    NoSpace,
    /// Writing failed twice; stays down until a restart.
    Failed {
        /// What the disk said.
        error: String,
    },
}

/// Reads durable records from the files, on any thread.
#[derive(Debug)]
pub struct LogReader {}

impl LogReader {
    /// The next record, or `None` when every durable one was read. Not an `Iterator`: the record is borrowed.
    ///
    /// # Errors
    ///
    /// Damage, a record that was recycled, a start beyond the log's end, or the disk's own error.
    #[expect(clippy::should_implement_trait, reason = "the record is borrowed")]
    pub fn next(&mut self) -> Result<Option<(Seq, &[u8])>, LogError> {
        todo!()
    }

    /// Blocks until [`LogReader::next`] has a record, or `timeout` is over, or the log was shut down. True when
    /// it has.
    pub fn wait(&self, timeout: Duration) -> bool {
        let _ = timeout;
        todo!()
    }

    /// The last record returned; everything up to it has been.
    pub fn position(&self) -> Seq {
        todo!()
    }

    /// The log that is read.
    pub fn log_id(&self) -> LogId {
        todo!()
    }
}

/// The directory of a log, as found on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDir {
    /// `{data_dir}/log/{shard:03}`.
    pub path: PathBuf,
    /// The number in its name.
    pub shard: usize,
    /// The log in it.
    pub id: LogId,
}

impl LogDir {
    /// Removes a log that every consumer has drained.
    ///
    /// # Errors
    ///
    /// The disk's own.
    pub fn remove(self) -> Result<(), LogError> {
        todo!()
    }
}

/// Directory of shard `shard`'s log.
pub fn shard_dir(data_dir: &Path, shard: usize) -> PathBuf {
    data_dir.join("log").join(format!("{shard:03}"))
}

/// The logs of a data directory, by shard number. Those beyond the number of shards of this start are orphans:
/// drain them with [`open_read_only`], then [`LogDir::remove`] them.
///
/// # Errors
///
/// A directory without a readable log, or the disk's own error.
pub fn discover(data_dir: &Path) -> Result<Vec<LogDir>, LogError> {
    let _ = data_dir;
    todo!()
}

/// A reader over the log of a stopped server, or an orphan; it starts at the oldest record there is.
///
/// # Errors
///
/// As [`Log::open`].
pub fn open_read_only(dir: &Path) -> Result<(LogReader, Recovery), LogError> {
    let _ = dir;
    todo!()
}

/// What [`verify`] counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// What opening it would find.
    pub recovery: Recovery,
    /// Segments with records.
    pub segments: u64,
    /// Blocks read.
    pub blocks: u64,
    /// Records read.
    pub records: u64,
    /// Bytes of those records.
    pub record_bytes: u64,
}

/// Reads every record of a stopped log and checks every sum.
///
/// # Errors
///
/// The first damage found, with file and offset.
pub fn verify(dir: &Path) -> Result<VerifyReport, LogError> {
    let _ = dir;
    todo!()
}
