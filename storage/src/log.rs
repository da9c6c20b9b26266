//! The event log of one shard: what it has accepted, in order, synced before it is acknowledged.
//!
//! # Parts
//!
//! - [`Log`] is the shard's half. It encodes records straight into a batch and offers the batch once a turn.
//! - The committer makes one batch at a time durable and then says so ([`LogHandle::durable`]). It is a thread, for
//!   which the shard never waits; while the disk is quick, the shard's own thread does its work
//!   ([`LogConfig::inline_max`]).
//! - The janitor, a thread, recycles segments that every [`Consumer`] has released and zeroes one ahead.
//! - [`LogReader`]s follow the durable end through the files, on their own threads.
//!
//! # Invariants
//!
//! - Seqs count from 1 without gaps. A record up to `durable` is there after kill -9 and power cut.
//! - At most one commit is unsynced, and no byte of a synced block is written again, except byte for byte at
//!   start.
//! - Bytes whose sync failed are never trusted: what they held is written elsewhere.
//! - Damage below a recorded durable end stops the start; damage above it is a commit nobody was told of, and is
//!   cut. A flipped bit in the very last block of a killed server looks like the latter (`recovery`).
//!
//! The bytes of a segment are described in `log/format.rs` and fixed by `log/golden/segment-v1.txt`.

mod committer;
mod config;
mod error;
mod format;
mod inspect;
mod janitor;
mod priority;
mod quick;
mod reader;
mod ready;
mod recovery;
mod segments;
mod shared;
mod slot;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use fleet::{LogId, Seq};

use crate::disk::Disk;
use committer::{Active, Committer, Step};
use format::{End, FRAME_HEAD_LEN, Header};
use janitor::{Bell, Janitor, NEW_FILE};
use ready::Ready;
use segments::{Segments, segment_path};
use shared::{Shared, Syncs};
use slot::{Batch, Pace, Slot};

pub use config::LogConfig;
pub use error::LogError;
pub use inspect::{LogDir, VerifyReport, discover, dump, open_read_only, verify};
pub use reader::LogReader;
pub use recovery::Recovery;
pub use shared::LogHandle;

/// Who needs the records of a log until it has stored what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Consumer {
    /// The state store.
    State,
    /// The analytic tables.
    Lake,
}

/// Directory of shard `shard`'s log.
pub fn shard_dir(data_dir: &Path, shard: usize) -> PathBuf {
    data_dir.join("log").join(format!("{shard:03}"))
}

/// The writing half, owned by the shard's thread. Blocks on the disk in [`Log::flush`] only, and there only while
/// commits are quick.
pub struct Log {
    handle: LogHandle,
    committer: Arc<Mutex<Committer>>,
    /// The batch being filled; `None` while it is offered.
    batch: Option<Batch>,
    /// Bytes of frames in the batch that was offered last.
    offered_len: usize,
    /// The batch that was offered last is in no hurry.
    offered_unawaited: bool,
    appended: Seq,
    threads: Option<Threads>,
}

struct Threads {
    committer: JoinHandle<Result<(), LogError>>,
    janitor: JoinHandle<()>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("handle", &self.handle)
            .field("appended", &self.appended)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the log in `dir`, or creates it, and starts its threads.
    ///
    /// `on_change` is called by the committer's thread whenever it has moved [`LogHandle::durable`] or the state; it
    /// wakes the shard. What [`Log::flush`] has committed itself is durable when it returns, and nobody is called.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`], [`LogError::Missing`] or [`LogError::Version`] when the files cannot be trusted;
    /// [`LogError::Config`]; [`LogError::Io`].
    pub fn open(
        dir: &Path,
        config: LogConfig,
        disk: Arc<dyn Disk>,
        on_change: impl Fn() + Send + 'static,
    ) -> Result<(Self, Recovery), LogError> {
        let (mut log, stepper, recovery) = Self::open_stepped(dir, config, disk)?;
        let Stepper { committer, janitor } = stepper;
        let spawn_error = LogError::io("starting a thread for the log in", dir);
        let named = |what| std::thread::Builder::new().name(format!("log-{what}"));
        let threads = named("commit")
            .spawn(move || committer::run(&committer, &on_change))
            .and_then(|committer| {
                let janitor = named("janitor").spawn(move || janitor.run())?;
                Ok(Threads { committer, janitor })
            });
        log.threads = Some(threads.map_err(spawn_error)?);
        Ok((log, recovery))
    }

    /// As [`Log::open`], without threads: what they would commit waits for [`Stepper::step`]. For simulations.
    ///
    /// # Errors
    ///
    /// As [`Log::open`].
    pub fn open_stepped(
        dir: &Path,
        config: LogConfig,
        disk: Arc<dyn Disk>,
    ) -> Result<(Self, Stepper, Recovery), LogError> {
        config.check()?;
        disk.create_dir(dir)
            .map_err(LogError::io("creating", dir))?;
        let mut found = match recovery::find(dir, &*disk)? {
            Some(found) => found,
            None => {
                create(dir, &*disk, &config)?;
                recovery::find(dir, &*disk)?.ok_or_else(|| LogError::NoLog {
                    dir: dir.to_owned(),
                })?
            }
        };
        found.settle(dir, &*disk)?;
        let (ready, next_no) = found.take_ready(dir, &*disk, config.segment_len)?;
        let recovery = found.recovery(dir);
        let end = found.end;
        let len = found
            .tail
            .len()
            .map_err(LogError::io("measuring the newest segment in", dir))?;
        let active = Active {
            file: found.tail,
            header: found.tail_header,
            begun: true,
            offset: end.offset,
            len,
        };
        let segments = Segments::new(
            found.id,
            dir.to_owned(),
            disk,
            found.segments,
            end.seq,
            &config.consumers,
        );
        let shared = Arc::new(Shared {
            slot: Slot::new(Pace {
                commit_wait: config.commit_wait,
                unawaited_wait: config.unawaited_wait.max(config.commit_wait),
                commit_len: config.commit_len,
            }),
            config,
            segments: Arc::new(segments),
            ready: Ready::new(ready, next_no),
            bell: Bell::default(),
            syncs: Mutex::new(Syncs::new()),
        });
        let committer = Committer::new(Arc::clone(&shared), active, end, found.marked);
        let committer = Arc::new(Mutex::new(committer));
        let stepper = Stepper {
            committer: Arc::clone(&committer),
            janitor: Janitor::new(Arc::clone(&shared)),
        };
        let log = Self {
            handle: LogHandle { shared },
            committer,
            batch: None,
            offered_len: 0,
            offered_unawaited: false,
            appended: end.seq,
            threads: None,
        };
        Ok((log, stepper, recovery))
    }

    /// True when records of `record_len_max` bytes together will be taken: ask before each message, and read
    /// nothing more from sockets while false.
    pub fn accepts(&self) -> bool {
        let Shared { config, slot, .. } = &*self.handle.shared;
        let fits = |len| len + config.record_len_max + FRAME_HEAD_LEN <= config.batch_len_max;
        let has_room = match &self.batch {
            Some(batch) => fits(batch.block.frames_len()),
            // What was offered comes back with the next append, unless it is being committed.
            None => fits(self.offered_len) || fits(slot.offered_len()),
        };
        has_room && slot.open.load(Ordering::Acquire)
    }

    /// Appends one record that the caller has encoded.
    ///
    /// # Errors
    ///
    /// As [`Log::append_with`].
    pub fn append(&mut self, record: &[u8]) -> Result<Seq, LogError> {
        self.append_with(|out| out.extend_from_slice(record))
    }

    /// Appends one record, which `encode` writes at the end of the batch without touching what is there.
    ///
    /// # Errors
    ///
    /// [`LogError::Full`], [`LogError::Stopped`] or [`LogError::RecordTooLarge`]; nothing was appended then.
    ///
    /// # Panics
    ///
    /// When `encode` shortens the batch.
    pub fn append_with(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Result<Seq, LogError> {
        let shared = &*self.handle.shared;
        if !shared.slot.open.load(Ordering::Acquire) {
            return Err(shared.refusal());
        }
        let batch = self.batch.get_or_insert_with(|| shared.slot.reclaim());
        let (log, config) = (shared.segments.id, &shared.config);
        let room = config
            .batch_len_max
            .checked_sub(batch.block.frames_len() + FRAME_HEAD_LEN);
        let room = room.ok_or(LogError::Full { log })?;
        let limit = config.record_len_max;
        match batch.block.push(room.min(limit), encode) {
            Ok(()) => {
                self.appended = Seq(self.appended.0 + 1);
                Ok(self.appended)
            }
            Err(len) if limit < len => Err(LogError::RecordTooLarge { log, len, limit }),
            Err(_) => Err(LogError::Full { log }),
        }
    }

    /// Sees to it that what was appended becomes durable: now, on this thread, while the disk is quick; else the
    /// committer's thread is told. Call once per turn of the reactor and look at [`Log::durable`] after it.
    ///
    /// `now_ns` is the monotonic clock on which [`LogHandle::health`] is asked.
    pub fn flush(&mut self, now_ns: u64) {
        let batch = self.take_batch(now_ns, true);
        let before = std::mem::take(&mut self.offered_unawaited);
        if batch.is_none() && !before {
            return;
        }
        let slot = &self.handle.shared.slot;
        // Held from before the offer, so that the committer's thread does not begin with it.
        let committer = self.committer.try_lock().ok();
        let own = committer.filter(|committer| {
            committer.is_quick_for(self.offered_len)
                && slot.is_due(self.offered_len, committer::now)
        });
        match (own, batch) {
            (Some(mut committer), batch) => {
                if let Some(batch) = batch {
                    slot.place(batch);
                }
                match committer.step() {
                    Step::Committed | Step::Idle => {}
                    Step::Blocked | Step::Failed | Step::Down => slot.leave(),
                }
            }
            (None, Some(batch)) => slot.offer(batch),
            (None, None) => slot.hurry(),
        }
    }

    /// As [`Log::flush`], while nobody waits for any record: the committer's thread is told, and the commit may be a
    /// while, so that it takes more.
    pub fn flush_unawaited(&mut self, now_ns: u64) {
        if let Some(batch) = self.take_batch(now_ns, false) {
            self.offered_unawaited = !batch.awaited;
            self.handle.shared.slot.offer(batch);
        }
    }

    /// The batch that was filled, about to be offered.
    fn take_batch(&mut self, now_ns: u64, awaited: bool) -> Option<Batch> {
        let mut batch = self.batch.take_if(|b| 0 < b.block.count())?;
        batch.awaited |= awaited;
        batch.since_ns = batch.since_ns.min(now_ns);
        self.offered_len = batch.block.frames_len();
        Some(batch)
    }

    /// Gives back the memory that is kept for new batches; they allocate theirs.
    pub fn let_go(&self) {
        self.handle.shared.slot.let_go();
    }

    /// The newest record appended, durable or not.
    pub fn appended(&self) -> Seq {
        self.appended
    }

    /// The log's name.
    pub fn id(&self) -> LogId {
        self.handle.id()
    }

    /// The newest record that is safe; one atomic load.
    pub fn durable(&self) -> Seq {
        self.handle.durable()
    }

    /// What other threads share of this log.
    pub fn handle(&self) -> &LogHandle {
        &self.handle
    }

    /// Commits what is left and ends the threads.
    ///
    /// # Errors
    ///
    /// [`LogError::Stopped`] when records that were appended could not be made durable.
    pub fn shutdown(mut self) -> Result<(), LogError> {
        self.flush(u64::MAX);
        self.close();
        let Some(threads) = self.threads.take() else {
            return Ok(());
        };
        let panicked = || LogError::Stopped {
            log: self.handle.id(),
            detail: "a thread of the log has panicked".to_owned(),
        };
        let committed = threads.committer.join().map_err(|_| panicked())?;
        threads.janitor.join().map_err(|_| panicked())?;
        committed
    }

    fn close(&self) {
        self.handle.shared.slot.close();
        self.handle.shared.bell.close();
    }
}

/// The threads end by themselves; [`Log::shutdown`] also waits for them.
impl Drop for Log {
    fn drop(&mut self) {
        self.close();
    }
}

/// Creates an empty log: its first segment appears with its header, or not at all.
fn create(dir: &Path, disk: &dyn Disk, config: &LogConfig) -> Result<(), LogError> {
    let id = loop {
        let id = (committer::random()? >> 1) as i64;
        if id != 0 {
            break LogId(id);
        }
    };
    let header = Header {
        segment: 1,
        log: id,
        salt: committer::random()?,
        epoch: 1,
        first_seq: Seq(1),
        capacity: config.first_len(),
        prev: End::NONE,
    };
    let mut bytes = header.encode();
    bytes.resize(config.first_len() as usize, 0);
    let new = dir.join(NEW_FILE);
    let write = || {
        let file = disk.create(&new)?;
        file.pwrite(&bytes, 0)?;
        file.fdatasync()?;
        // The name is synced with all others when the log is opened.
        disk.rename(&new, &segment_path(dir, 1))
    };
    write().map_err(LogError::io("creating a log in", dir))
}

/// Drives a log opened by [`Log::open_stepped`].
pub struct Stepper {
    committer: Arc<Mutex<Committer>>,
    janitor: Janitor,
}

impl Stepper {
    /// Commits the offered batch, if any, and does a piece of the background work.
    pub fn step(&mut self) {
        committer::lock(&self.committer).step();
        self.janitor.step();
    }

    /// Commits what is left, as [`Log::shutdown`] does.
    ///
    /// # Errors
    ///
    /// As [`Log::shutdown`].
    pub fn finish(&mut self) -> Result<(), LogError> {
        committer::lock(&self.committer).finish()
    }
}

impl std::fmt::Debug for Stepper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stepper").finish_non_exhaustive()
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
    /// Bytes that those commits wrote, padding included.
    pub bytes_written: u64,
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
    /// A commit has not ended since `since_ns`; records are taken while there is room.
    Stalled {
        /// When it was offered, on the clock of [`Log::flush`].
        since_ns: u64,
    },
    /// `bytes_max` is used; goes on when a consumer releases.
    Full,
    /// The disk has no space; goes on when there is some.
    NoSpace,
    /// Writing failed twice in a row; stays down until a restart.
    Failed {
        /// What the disk said.
        error: String,
    },
}

#[cfg(test)]
mod tests;
