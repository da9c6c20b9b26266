//! Which segments hold records, and how far they are durable: what the committer writes and readers follow.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use fleet::{LogId, Seq};

use super::{Consumer, LogState};
use crate::disk::Disk;

/// Name of segment `no` in `dir`.
pub(super) fn segment_path(dir: &Path, no: u32) -> PathBuf {
    dir.join(format!("{no:010}.seg"))
}

/// The number in a segment's file name.
pub(super) fn segment_no(path: &Path) -> Option<u32> {
    let digits = path.file_name()?.to_str()?.strip_suffix(".seg")?;
    (digits.len() == 10).then(|| digits.parse().ok())?
}

/// A segment that holds records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) no: u32,
    pub(super) first_seq: Seq,
    /// Bytes of its file.
    pub(super) capacity: u64,
    /// Where its durable blocks end.
    pub(super) end: u64,
}

/// One log's segments, shared by its committer, its janitor, its readers and the shard.
pub(super) struct Segments {
    pub(super) id: LogId,
    pub(super) dir: PathBuf,
    pub(super) disk: Arc<dyn Disk>,
    /// The newest durable record, for the shard: the same number as in `index`, without the lock.
    durable: AtomicU64,
    index: Mutex<Index>,
    moved: Condvar,
}

/// The part under the lock; it is held for a few instructions at a time.
#[derive(Debug)]
pub(super) struct Index {
    /// Oldest first, never empty; all but the last are full.
    pub(super) segments: VecDeque<Segment>,
    pub(super) durable: Seq,
    pub(super) state: LogState,
    /// No more records will come.
    pub(super) closed: bool,
    released: Vec<(Consumer, Seq)>,
    waiting_readers: u32,
}

impl Segments {
    pub(super) fn new(
        id: LogId,
        dir: PathBuf,
        disk: Arc<dyn Disk>,
        segments: VecDeque<Segment>,
        durable: Seq,
        consumers: &[Consumer],
    ) -> Self {
        assert!(!segments.is_empty(), "a log has a segment");
        Self {
            id,
            dir,
            disk,
            durable: AtomicU64::new(durable.0),
            index: Mutex::new(Index {
                segments,
                durable,
                state: LogState::Ok,
                closed: false,
                released: consumers.iter().map(|c| (*c, Seq(0))).collect(),
                waiting_readers: 0,
            }),
            moved: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Index> {
        self.index
            .lock()
            .expect("no thread panics while it holds the index")
    }

    pub(super) fn durable(&self) -> Seq {
        Seq(self.durable.load(Ordering::Acquire))
    }

    pub(super) fn path(&self, no: u32) -> PathBuf {
        segment_path(&self.dir, no)
    }

    /// A commit has ended: `segment` is the last one as it is now, a new one or the one there was.
    pub(super) fn committed(&self, segment: Segment, durable: Seq) {
        let mut index = self.lock();
        assert!(index.durable <= durable, "durable never goes back");
        match index.segments.back_mut() {
            Some(last) if last.no == segment.no => *last = segment,
            Some(_) | None => index.segments.push_back(segment),
        }
        index.durable = durable;
        self.durable.store(durable.0, Ordering::Release);
        if 0 < index.waiting_readers {
            self.moved.notify_all();
        }
    }

    /// Records the state; true when it changed.
    pub(super) fn set_state(&self, state: LogState) -> bool {
        let mut index = self.lock();
        let changed = index.state != state;
        index.state = state;
        changed
    }

    /// No more records will come; whoever waits for one returns.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.moved.notify_all();
    }

    /// Blocks until record `seq` is durable, the log is closed, or `timeout` is over. True when it is durable.
    pub(super) fn wait(&self, seq: Seq, timeout: Duration) -> bool {
        let mut index = self.lock();
        index.waiting_readers += 1;
        let (mut index, _) = self
            .moved
            .wait_timeout_while(index, timeout, |i| i.durable < seq && !i.closed)
            .expect("no thread panics while it holds the index");
        index.waiting_readers -= 1;
        seq <= index.durable
    }
}

impl Index {
    /// The oldest record there is; one past `durable` when there is none.
    pub(super) fn first(&self) -> Seq {
        self.segments[0].first_seq
    }

    pub(super) fn bytes_used(&self) -> u64 {
        self.segments.iter().map(|s| s.capacity).sum()
    }

    /// True when segment `no` is recycled or about to be.
    pub(super) fn is_gone(&self, no: u32) -> bool {
        no < self.segments[0].no
    }

    /// The segment that holds `seq`, or will.
    pub(super) fn holding(&self, seq: Seq) -> Option<Segment> {
        let after = self.segments.partition_point(|s| s.first_seq <= seq);
        self.segments.get(after.checked_sub(1)?).copied()
    }

    /// Where segment `no`'s durable blocks end now, and whether a later segment continues it.
    pub(super) fn limit(&self, no: u32) -> Option<(u64, bool)> {
        let at = self.segments.binary_search_by_key(&no, |s| s.no).ok()?;
        Some((self.segments[at].end, at + 1 < self.segments.len()))
    }

    pub(super) fn release(&mut self, consumer: Consumer, up_to: Seq) {
        let entry = self.released.iter_mut().find(|(c, _)| *c == consumer);
        if let Some((_, released)) = entry {
            *released = (*released).max(up_to);
        }
    }

    pub(super) fn released(&self, consumer: Consumer) -> Option<Seq> {
        let mut released = self.released.iter();
        released.find(|(c, _)| *c == consumer).map(|(_, seq)| *seq)
    }

    /// Takes the oldest segment out if it is full and every consumer has released it.
    pub(super) fn take_released(&mut self) -> Option<Segment> {
        let released = self.released.iter().map(|(_, seq)| *seq).min();
        let next = self.segments.get(1)?;
        let passed = released.is_none_or(|seq| next.first_seq.0 <= seq.0 + 1);
        passed.then(|| self.segments.pop_front())?
    }

    /// The last record of the newest full segment that `consumer` alone keeps.
    pub(super) fn awaited(&self, consumer: Consumer) -> Option<Seq> {
        let own = self.released(consumer)?;
        let others = self.released.iter().filter(|(c, _)| *c != consumer);
        let others = others.map(|(_, seq)| *seq).min().unwrap_or(self.durable);
        let mut full = self.segments.iter().skip(1).map(|s| Seq(s.first_seq.0 - 1));
        full.rfind(|last| own < *last && *last <= others)
    }
}
