//! Makes batches durable, one at a time: on a thread of its own, or, while the disk is quick, on the shard's.
//!
//! A commit is one block: written, then synced, then published. What can go wrong:
//!
//! - No space (`ENOSPC`, or `bytes_max` used), no descriptor or no memory of the kernel's: the batch is kept, the log
//!   refuses more, and the commit is tried again, in the next file there is, when something is released or [`RETRY`] is
//!   over.
//! - A failed write or sync: those bytes are never synced again, because the kernel may call them clean. The
//!   segment is sealed at the last durable block, and the batch goes into a new one. When that fails too, the
//!   log stays down until a restart.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use fleet::Seq;
use ring::rand::{SecureRandom, SystemRandom};

use super::format::{BlockBuilder, Cursor, End, Header, PAGE, block_len};
use super::priority;
use super::quick::Quick;
use super::ready::ReadyFile;
use super::segments::Segment;
use super::shared::Shared;
use super::slot::{Batch, Offer};
use super::{LogError, LogState};
use crate::disk::DiskFile;

/// Between two attempts on a full disk.
const RETRY: Duration = Duration::from_millis(100);
/// A file that grows does so up to a multiple of this, with zeros: space for the next commits, which then change no
/// metadata. Grown block by block, ext4 without a journal writes two blocks of metadata with each.
pub(super) const GROWTH: u64 = 256 << 10;
const ZEROS: [u8; 16 << 10] = [0; 16 << 10];

/// The segment that is written.
pub(super) struct Active {
    pub(super) file: Box<dyn DiskFile>,
    pub(super) header: Header,
    /// False until the header is durable, which it becomes with the first block.
    pub(super) begun: bool,
    /// Where the next block goes.
    pub(super) offset: u64,
    /// Bytes of the file that are there, zeros or not.
    pub(super) len: u64,
}

pub(super) struct Committer {
    shared: Arc<Shared>,
    active: Option<Active>,
    /// A segment that was abandoned and could not be removed yet.
    doomed: Option<u32>,
    /// Up to where the log is durable.
    end: End,
    /// True when the last block is the empty one of a clean shutdown.
    marked: bool,
    epoch: u64,
    batch: Option<Batch>,
    /// Failed commits since the last good one.
    failures: u32,
    /// True while the log refuses records for want of space.
    refusing: bool,
    quick: Quick,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A batch is durable.
    Committed,
    /// Nothing is offered.
    Idle,
    /// A batch waits for space.
    Blocked,
    /// A batch failed once and goes into a new segment next.
    Failed,
    /// The log is down.
    Down,
}

/// Why a commit did not happen.
enum Refusal {
    /// `bytes_max` is used.
    Full,
    /// The disk is full, or the system has no descriptor or no memory left for now.
    NoSpace(io::Error),
    Broken(io::Error),
}

impl Active {
    /// How long the file is to be once its first `end` bytes are in use.
    fn len_for(&self, end: u64) -> u64 {
        if end <= self.len {
            return self.len;
        }
        end.next_multiple_of(GROWTH).min(self.header.capacity)
    }
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>, active: Active, end: End, marked: bool) -> Self {
        let quick = Quick::new(shared.config.inline_max, shared.config.inline_after);
        Self {
            shared,
            active: Some(active),
            doomed: None,
            end,
            marked,
            epoch: end.epoch + 1,
            batch: None,
            failures: 0,
            refusing: false,
            quick,
        }
    }

    /// True when the shard's thread may commit `len` bytes of frames by itself: the disk is quick, and no file has to
    /// begin or grow for it, which may wait for the janitor or the filesystem's journal.
    pub(super) fn is_quick_for(&self, len: usize) -> bool {
        let fits = |a: &Active| a.offset + block_len(len) <= a.len;
        let quick = self.quick.is_quick();
        // A commit that did not succeed ended the row of quick ones, and has to before another begins.
        debug_assert!(!quick || self.batch.is_none() && !self.refusing);
        quick && len < self.shared.config.commit_len && self.active.as_ref().is_some_and(fits)
    }

    /// Commits the batch at hand, or the offered one.
    pub(super) fn step(&mut self) -> Step {
        if self.is_down() {
            return Step::Down;
        }
        if self.batch.is_none() {
            self.batch = self.shared.slot.take(now);
        }
        let Some(mut batch) = self.batch.take() else {
            return Step::Idle;
        };
        match self.commit(&mut batch.block) {
            Ok(()) => {
                self.failures = 0;
                self.shared.slot.done(batch);
                if std::mem::take(&mut self.refusing) {
                    tracing::info!(log = %self.shared.segments.id, "log takes records again");
                    self.shared.segments.set_state(LogState::Ok);
                    self.shared.slot.open.store(true, Ordering::Release);
                    self.shared.bell.ring();
                }
                Step::Committed
            }
            Err(refusal) => {
                self.quick.forget();
                self.batch = Some(batch);
                self.refused(refusal)
            }
        }
    }

    fn refused(&mut self, refusal: Refusal) -> Step {
        let (state, error) = match refusal {
            Refusal::Full => (LogState::Full, None),
            Refusal::NoSpace(error) => match self.abandon().map_err(Refusal::of) {
                // What could not be removed for the same reason goes before the next attempt.
                Ok(()) | Err(Refusal::Full | Refusal::NoSpace(_)) => {
                    (LogState::NoSpace, Some(error))
                }
                Err(Refusal::Broken(e)) => return self.broken(&e),
            },
            Refusal::Broken(e) => return self.broken(&e),
        };
        self.refusing = true;
        self.shared.slot.open.store(false, Ordering::Release);
        if self.shared.segments.set_state(state.clone()) {
            let log = self.shared.segments.id;
            let error = error.map(tracing::field::display);
            tracing::warn!(%log, ?state, error, "log takes no records until there is space");
        }
        Step::Blocked
    }

    /// Seals the segment after a first failure; gives up after a second.
    fn broken(&mut self, error: &io::Error) -> Step {
        let log = self.shared.segments.id;
        self.failures += 1;
        let abandoned = if self.failures < 2 {
            self.abandon()
        } else {
            Err(io::Error::other("second failure in a row"))
        };
        match abandoned {
            Ok(()) => {
                tracing::error!(%log, %error, "commit failed, its records go into a new segment");
                Step::Failed
            }
            Err(_) => {
                tracing::error!(%log, %error, "log is down until a restart");
                self.shared.slot.open.store(false, Ordering::Release);
                self.shared.segments.set_state(LogState::Failed {
                    error: error.to_string(),
                });
                self.shared.segments.close();
                Step::Down
            }
        }
    }

    pub(super) fn is_down(&self) -> bool {
        matches!(self.shared.segments.lock().state, LogState::Failed { .. })
    }

    /// Leaves the active segment at its last durable block. One without any is removed before anything else is
    /// written, lest a restart take its header for the log's newest.
    fn abandon(&mut self) -> io::Result<()> {
        self.epoch += 1;
        if let Some(active) = self.active.take_if(|a| !a.begun) {
            self.doomed = Some(active.header.segment);
        }
        self.active = None;
        let Some(no) = self.doomed else {
            return Ok(());
        };
        let segments = &self.shared.segments;
        match segments.disk.remove(&segments.path(no)) {
            // The name went in an attempt whose sync failed.
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            Ok(()) | Err(_) => {}
        }
        segments.disk.sync_dir(&segments.dir)?;
        self.doomed = None;
        Ok(())
    }

    fn commit(&mut self, block: &mut BlockBuilder) -> Result<(), Refusal> {
        if self.doomed.is_some() {
            self.abandon().map_err(Refusal::of)?;
        }
        let len = block_len(block.frames_len());
        let fits = |a: &Active| a.offset + len <= a.header.capacity;
        if !self.active.as_ref().is_some_and(fits) {
            self.active = Some(self.begin_segment()?);
        }
        let active = self.active.as_mut().expect("a segment was begun above");
        let disk = &self.shared.segments.disk;
        let started = disk.now();
        let mut cursor = Cursor {
            segment: active.header.segment,
            salt: active.header.salt,
            epoch: self.epoch,
            seq: Seq(self.end.seq.0 + 1),
            offset: active.offset,
        };
        let (head, bytes) = block.seal(&cursor, active.offset);
        let end = active.offset + len;
        let grown = active.len_for(end);
        let grew = active.len < grown;
        // A file that is long enough is overwritten block by block; what lies behind stays as it is.
        let zeros_from = if grew { end } else { grown };
        let page = (!active.begun).then(|| active.header.encode());
        let page = page.as_deref().unwrap_or_default();
        let file = &active.file;
        file.pwrite(page, 0)
            .and_then(|()| file.pwrite(bytes, active.offset))
            .and_then(|()| write_zeros(&**file, zeros_from, grown))
            .and_then(|()| file.fdatasync())
            .map_err(Refusal::of)?;
        active.len = grown;
        cursor.advance(&head);
        active.begun = true;
        active.offset = cursor.offset;
        self.marked = head.count == 0;
        self.end = End {
            segment: cursor.segment,
            offset: cursor.offset,
            seq: Seq(cursor.seq.0 - 1),
            epoch: cursor.epoch,
        };
        let segment = Segment {
            no: active.header.segment,
            first_seq: active.header.first_seq,
            capacity: active.header.capacity,
            end: active.offset,
        };
        let took = disk.now().saturating_duration_since(started);
        if !grew {
            self.quick.record(took);
        }
        let mut syncs = self.shared.syncs.lock().expect("recording does not panic");
        syncs.record(took, len);
        drop(syncs);
        self.shared.segments.committed(segment, self.end.seq);
        Ok(())
    }

    /// The next segment; its header goes to the disk with its first block, and seals the one before it.
    fn begin_segment(&self) -> Result<Active, Refusal> {
        let Shared {
            segments,
            ready,
            config,
            bell,
            ..
        } = &*self.shared;
        if config.bytes_max < segments.lock().bytes_used() + config.segment_len {
            return Err(Refusal::Full);
        }
        let taken = ready.take(segments, config.segment_len);
        let ReadyFile { no, file, capacity } = taken.map_err(Refusal::of)?;
        let len = file.len().map_err(Refusal::of)?;
        bell.ring();
        let header = Header {
            segment: no,
            log: segments.id,
            salt: random().map_err(|e| Refusal::Broken(io::Error::other(e)))?,
            epoch: self.epoch,
            first_seq: Seq(self.end.seq.0 + 1),
            capacity,
            prev: self.end,
        };
        Ok(Active {
            file,
            header,
            begun: false,
            offset: PAGE,
            len,
        })
    }

    /// Commits what is left, and an empty block after it: with that, a flipped bit in the last records is not
    /// taken for a torn write at the next start.
    pub(super) fn finish(&mut self) -> Result<(), LogError> {
        let log = self.shared.segments.id;
        let stopped = |detail: String| LogError::Stopped { log, detail };
        loop {
            match self.step() {
                Step::Committed | Step::Failed => {}
                Step::Idle => break,
                Step::Blocked => return Err(stopped("no space for the last records".to_owned())),
                Step::Down => {
                    let state = self.shared.segments.lock().state.clone();
                    return Err(stopped(format!("{state:?}")));
                }
            }
        }
        if !self.marked && self.end.seq != Seq(0) {
            let mark = self.commit(&mut BlockBuilder::new(Vec::new()));
            match mark {
                Ok(()) => {}
                Err(Refusal::Full | Refusal::NoSpace(_)) => {
                    tracing::warn!(%log, "no space for the mark of a clean shutdown");
                }
                Err(Refusal::Broken(error)) => {
                    tracing::warn!(%log, %error, "no mark of a clean shutdown was written");
                }
            }
        }
        Ok(())
    }
}

/// The committer's thread: commits what is offered until the log closes, and calls `on_change` after each attempt.
pub(super) fn run(committer: &Mutex<Committer>, on_change: &dyn Fn()) -> Result<(), LogError> {
    priority::raise();
    let shared = Arc::clone(&lock(committer).shared);
    // The shard's thread has its turns between two steps, never while something is wrong.
    let step = || {
        let step = lock(committer).step();
        if step != Step::Idle {
            on_change();
        }
        step
    };
    'open: while shared.slot.wait_offer(now) == Offer::Batch {
        let mut did = step();
        while matches!(did, Step::Blocked | Step::Failed) {
            if did == Step::Blocked && !shared.slot.wait_space(RETRY) {
                // What was offered behind the blocked batch would be found there for ever.
                break 'open;
            }
            did = step();
        }
        if did == Step::Down {
            break;
        }
    }
    let finished = lock(committer).finish();
    shared.segments.close();
    finished
}

/// Nothing when `to` lies before `from`.
fn write_zeros(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    for at in (from..to).step_by(ZEROS.len()) {
        let len = (to - at).min(ZEROS.len() as u64) as usize;
        file.pwrite(&ZEROS[..len], at)?;
    }
    Ok(())
}

/// For who waits its turn; the shard only tries.
pub(super) fn lock(committer: &Mutex<Committer>) -> MutexGuard<'_, Committer> {
    committer
        .lock()
        .expect("a thread that panics in a commit ends the log")
}

impl Refusal {
    fn of(e: io::Error) -> Self {
        let no_space = matches!(
            e.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::OutOfMemory
        );
        // Too many open files have no kind.
        if no_space || matches!(e.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) {
            return Self::NoSpace(e);
        }
        Self::Broken(e)
    }
}

/// A random number that no record can contain by chance.
pub(super) fn random() -> Result<u64, LogError> {
    let mut bytes = [0; 8];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| LogError::Random)?;
    Ok(u64::from_le_bytes(bytes))
}

#[expect(
    clippy::disallowed_methods,
    reason = "commits are paced by this clock; nothing that is decided about records depends on it"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}
