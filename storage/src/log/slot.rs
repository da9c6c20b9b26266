//! Where the shard offers a batch and the committer takes it.
//!
//! The shard fills a batch it owns, offers it at the end of its turn, and takes it back at the next append if
//! the committer was busy meanwhile: the batch grows for as long as the commit before it runs, and the
//! committer never waits for a shard that has nothing to do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Instant;

use super::format::BlockBuilder;

/// Records on their way to the disk.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) block: BlockBuilder,
    /// When it was first offered, on the shard's clock.
    pub(super) since_ns: u64,
}

#[derive(Debug)]
pub(super) struct Slot {
    /// False while the log refuses records: full, no space, failed.
    pub(super) open: AtomicBool,
    inner: Mutex<Inner>,
    changed: Condvar,
    commit_len: usize,
}

#[derive(Debug, Default)]
struct Inner {
    offered: Option<Batch>,
    /// When the batch being committed was offered.
    in_flight_since_ns: Option<u64>,
    /// Memory of committed batches, for new ones.
    free: Vec<Vec<u8>>,
    waiting: Waiting,
    closing: bool,
    /// Something that blocked the committer may be over.
    poked: bool,
}

/// What the committer's thread waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Waiting {
    #[default]
    Nothing,
    /// Any batch.
    Offer,
    /// A long batch, or its time.
    Pace,
    /// A poke.
    Space,
}

/// Buffers kept for reuse: one that is filled and one in flight take turns.
const FREE_MAX: usize = 2;
/// A buffer that grew beyond this in a burst is given back.
const FREE_LEN_MAX: usize = 1 << 20;

/// Why [`Slot::wait_offer`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Batch,
    /// Nothing is offered and nothing will be.
    Closing,
}

impl Slot {
    pub(super) fn new(commit_len: usize) -> Self {
        Self {
            open: AtomicBool::new(true),
            inner: Mutex::default(),
            changed: Condvar::new(),
            commit_len,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("no thread panics while it holds the slot")
    }

    /// The offered batch, taken back, or an empty one. For the shard.
    pub(super) fn reclaim(&self) -> Batch {
        let mut inner = self.lock();
        inner.offered.take().unwrap_or_else(|| Batch {
            block: BlockBuilder::new(inner.free.pop().unwrap_or_default()),
            since_ns: u64::MAX,
        })
    }

    /// Bytes of frames in the offered batch.
    pub(super) fn offered_len(&self) -> usize {
        let inner = self.lock();
        inner.offered.as_ref().map_or(0, |b| b.block.frames_len())
    }

    /// Offers a batch. For the shard.
    pub(super) fn offer(&self, batch: Batch) {
        let long = self.commit_len <= batch.block.frames_len();
        let mut inner = self.lock();
        debug_assert!(
            inner.offered.is_none(),
            "the shard reclaims before it offers"
        );
        inner.offered = Some(batch);
        match inner.waiting {
            Waiting::Offer => self.changed.notify_one(),
            Waiting::Pace if long => self.changed.notify_one(),
            Waiting::Pace | Waiting::Space | Waiting::Nothing => {}
        }
    }

    /// When the oldest batch that is not durable was offered.
    pub(super) fn pending_since_ns(&self) -> Option<u64> {
        let inner = self.lock();
        let offered = inner.offered.as_ref().map(|b| b.since_ns);
        inner.in_flight_since_ns.or(offered)
    }

    /// The offered batch, now in flight. For the committer.
    pub(super) fn take(&self) -> Option<Batch> {
        let mut inner = self.lock();
        let batch = inner.offered.take()?;
        inner.in_flight_since_ns = Some(batch.since_ns);
        Some(batch)
    }

    /// The batch in flight is durable; its memory is for the next. For the committer.
    pub(super) fn done(&self, batch: Batch) {
        let bytes = batch.block.into_bytes();
        let mut inner = self.lock();
        inner.in_flight_since_ns = None;
        if inner.free.len() < FREE_MAX && bytes.capacity() <= FREE_LEN_MAX {
            inner.free.push(bytes);
        }
    }

    /// Blocks until there is a batch to commit: a long one at once, any at `earliest`. For the committer.
    pub(super) fn wait_offer(&self, earliest: Instant, now: impl Fn() -> Instant) -> Offer {
        let mut inner = self.lock();
        let offer = loop {
            let len = inner.offered.as_ref().map(|b| b.block.frames_len());
            match len {
                None if inner.closing => break Offer::Closing,
                None => {
                    inner.waiting = Waiting::Offer;
                    inner = self.wait(inner);
                }
                Some(len) => {
                    let left = earliest.saturating_duration_since(now());
                    if self.commit_len <= len || inner.closing || left.is_zero() {
                        break Offer::Batch;
                    }
                    inner.waiting = Waiting::Pace;
                    let woken = self.changed.wait_timeout(inner, left);
                    inner = woken.expect("no thread panics while it holds the slot").0;
                }
            }
        };
        inner.waiting = Waiting::Nothing;
        offer
    }

    /// Blocks until [`Slot::poke`], or `timeout` is over. False when the log is closing.
    pub(super) fn wait_space(&self, timeout: std::time::Duration) -> bool {
        let mut inner = self.lock();
        if !inner.poked && !inner.closing {
            inner.waiting = Waiting::Space;
            let woken = self.changed.wait_timeout(inner, timeout);
            inner = woken.expect("no thread panics while it holds the slot").0;
            inner.waiting = Waiting::Nothing;
        }
        inner.poked = false;
        !inner.closing
    }

    /// Something that blocked the committer may be over.
    pub(super) fn poke(&self) {
        self.lock().poked = true;
        self.changed.notify_all();
    }

    /// No batch will be offered after the one there is.
    pub(super) fn close(&self) {
        self.open.store(false, Ordering::Release);
        self.lock().closing = true;
        self.changed.notify_all();
    }

    fn wait<'a>(&self, inner: MutexGuard<'a, Inner>) -> MutexGuard<'a, Inner> {
        self.changed
            .wait(inner)
            .expect("no thread panics while it holds the slot")
    }
}
