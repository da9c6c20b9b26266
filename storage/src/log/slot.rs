//! Where the shard offers a batch and the committer takes it.
//!
//! The shard fills a batch it owns, offers it at the end of its turn, and takes it back at the next append if
//! the committer was busy meanwhile: the batch grows for as long as the commit before it runs, and the
//! committer never waits for a shard that has nothing to do. Where the shard's thread commits by itself the batch
//! goes the same way, and nobody is woken.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::format::BlockBuilder;

/// Records on their way to the disk.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) block: BlockBuilder,
    /// When it was first offered, on the shard's clock.
    pub(super) since_ns: u64,
    /// Somebody waits until it is durable.
    pub(super) awaited: bool,
}

#[derive(Debug)]
pub(super) struct Slot {
    /// False while the log refuses records: full, no space, failed.
    pub(super) open: AtomicBool,
    inner: Mutex<Inner>,
    changed: Condvar,
    pace: Pace,
}

/// How commits follow each other; the members of [`super::LogConfig`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) commit_wait: Duration,
    pub(super) unawaited_wait: Duration,
    pub(super) commit_len: usize,
}

#[derive(Debug, Default)]
struct Inner {
    offered: Option<Batch>,
    /// When the batch being committed was offered.
    in_flight_since_ns: Option<u64>,
    /// Memory of committed batches, for new ones.
    free: Vec<Vec<u8>>,
    waiting: Waiting,
    /// When the last commit began.
    last: Option<Instant>,
    /// A commit on the shard's thread did not succeed: the committer's thread is to go on with it.
    left: bool,
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
    /// A long batch, one that somebody waits for, or its time.
    UnawaitedPace,
    /// A poke.
    Space,
}

/// Buffers kept for reuse: one that is filled and one in flight take turns.
const FREE_MAX: usize = 2;
/// A buffer that grew beyond this in a burst is given back.
const FREE_LEN_MAX: usize = 256 << 10;

/// Why [`Slot::wait_offer`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Batch,
    /// Nothing is offered and nothing will be.
    Closing,
}

impl Slot {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            open: AtomicBool::new(true),
            inner: Mutex::default(),
            changed: Condvar::new(),
            pace,
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
            awaited: false,
        })
    }

    /// Gives back the memory that is kept for new batches.
    pub(super) fn let_go(&self) {
        self.lock().free = Vec::new();
    }

    /// Bytes of frames in the offered batch.
    pub(super) fn offered_len(&self) -> usize {
        let inner = self.lock();
        inner.offered.as_ref().map_or(0, |b| b.block.frames_len())
    }

    /// True when a batch of `len` bytes may be committed at `now`. For the shard.
    pub(super) fn is_due(&self, len: usize, now: impl Fn() -> Instant) -> bool {
        let wait = self.pace.commit_wait;
        wait.is_zero()
            || self.pace.commit_len <= len
            || self.lock().last.is_none_or(|last| last + wait <= now())
    }

    /// Puts a batch there for the shard's thread itself, which commits it next.
    pub(super) fn place(&self, batch: Batch) {
        let mut inner = self.lock();
        debug_assert!(
            inner.offered.is_none(),
            "the shard reclaims before it offers"
        );
        inner.offered = Some(batch);
    }

    /// The shard's thread leaves a commit that did not succeed to the committer's.
    pub(super) fn leave(&self) {
        self.lock().left = true;
        self.changed.notify_one();
    }

    /// Offers a batch to the committer's thread. For the shard.
    pub(super) fn offer(&self, batch: Batch) {
        let long = self.pace.commit_len <= batch.block.frames_len();
        let awaited = batch.awaited;
        let mut inner = self.lock();
        debug_assert!(
            inner.offered.is_none(),
            "the shard reclaims before it offers"
        );
        inner.offered = Some(batch);
        match inner.waiting {
            Waiting::Offer => self.changed.notify_one(),
            Waiting::Pace if long => self.changed.notify_one(),
            Waiting::UnawaitedPace if long || awaited => self.changed.notify_one(),
            Waiting::Pace | Waiting::UnawaitedPace | Waiting::Space | Waiting::Nothing => {}
        }
    }

    /// Somebody waits for the offered batch now, if it is not being committed. For the shard.
    pub(super) fn hurry(&self) {
        let mut inner = self.lock();
        if let Some(batch) = &mut inner.offered {
            batch.awaited = true;
            if inner.waiting == Waiting::UnawaitedPace {
                self.changed.notify_one();
            }
        }
    }

    /// When the oldest batch that is not durable was offered.
    pub(super) fn pending_since_ns(&self) -> Option<u64> {
        let inner = self.lock();
        let offered = inner.offered.as_ref().map(|b| b.since_ns);
        inner.in_flight_since_ns.or(offered)
    }

    /// The offered batch, in flight from `now` on. For the committer.
    pub(super) fn take(&self, now: impl Fn() -> Instant) -> Option<Batch> {
        let mut inner = self.lock();
        let batch = inner.offered.take()?;
        inner.in_flight_since_ns = Some(batch.since_ns);
        inner.last = Some(now());
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

    /// Blocks until there is a batch to commit: a long one at once, any other its time after the last commit began.
    /// For the committer's thread.
    pub(super) fn wait_offer(&self, now: impl Fn() -> Instant) -> Offer {
        let mut inner = self.lock();
        let offer = loop {
            if std::mem::take(&mut inner.left) {
                break Offer::Batch;
            }
            match &inner.offered {
                None if inner.closing => break Offer::Closing,
                None => {
                    inner.waiting = Waiting::Offer;
                    inner = self.wait(inner);
                }
                Some(batch) => {
                    let (wait, waiting) = match batch.awaited {
                        true => (self.pace.commit_wait, Waiting::Pace),
                        false => (self.pace.unawaited_wait, Waiting::UnawaitedPace),
                    };
                    let left = inner.last.map_or(Duration::ZERO, |last| {
                        (last + wait).saturating_duration_since(now())
                    });
                    let long = self.pace.commit_len <= batch.block.frames_len();
                    if long || inner.closing || left.is_zero() {
                        break Offer::Batch;
                    }
                    inner.waiting = waiting;
                    let woken = self.changed.wait_timeout(inner, left);
                    inner = woken.expect("no thread panics while it holds the slot").0;
                }
            }
        };
        inner.waiting = Waiting::Nothing;
        offer
    }

    /// Blocks until [`Slot::poke`], or `timeout` is over. False when the log is closing.
    pub(super) fn wait_space(&self, timeout: Duration) -> bool {
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    const PACE: Pace = Pace {
        commit_wait: Duration::from_millis(1),
        unawaited_wait: Duration::from_secs(3_600),
        commit_len: 100,
    };

    #[expect(
        clippy::disallowed_methods,
        reason = "the committer paces by this clock, and a wait needs its deadline"
    )]
    fn now() -> Instant {
        Instant::now()
    }

    fn offer(slot: &Slot, len: usize, awaited: bool) {
        let mut batch = slot.reclaim();
        batch
            .block
            .push(len, |out| out.resize(out.len() + len, 1))
            .unwrap();
        batch.awaited = awaited;
        slot.offer(batch);
    }

    /// Runs a committer that has just committed, until it waits in vain; `then` is to end that.
    #[track_caller]
    fn waits_until(len: usize, waiting: Waiting, then: impl FnOnce(&Slot)) {
        let slot = Arc::new(Slot::new(PACE));
        offer(&slot, len, false);
        let (done, ended) = mpsc::channel();
        let committer = Arc::clone(&slot);
        std::thread::spawn(move || {
            committer.lock().last = Some(now());
            let _ = done.send(committer.wait_offer(now));
        });
        let deadline = now() + Duration::from_secs(60);
        while slot.lock().waiting != waiting {
            assert!(now() < deadline, "the committer does not wait");
            std::thread::yield_now();
        }
        then(&slot);
        let offer = ended.recv_timeout(Duration::from_secs(60));
        assert_eq!(offer, Ok(Offer::Batch));
    }

    #[test]
    fn what_nobody_waits_for_waits_until_somebody_does() {
        waits_until(10, Waiting::UnawaitedPace, Slot::hurry);
        waits_until(10, Waiting::UnawaitedPace, |slot| offer(slot, 10, true));
    }

    #[test]
    fn what_the_shard_could_not_commit_goes_at_once() {
        waits_until(10, Waiting::UnawaitedPace, Slot::leave);
    }

    #[test]
    fn the_shard_waits_between_commits_as_the_thread_does() {
        let start = now();
        let slot = Slot::new(PACE);
        assert!(slot.is_due(1, || start), "nothing was before");
        offer(&slot, 10, true);
        slot.take(|| start).unwrap();
        let almost = start + PACE.commit_wait - Duration::from_nanos(1);
        assert!(!slot.is_due(1, || almost));
        assert!(slot.is_due(PACE.commit_len, || almost), "a long one");
        assert!(slot.is_due(1, || start + PACE.commit_wait));
    }

    #[test]
    fn what_nobody_waits_for_goes_when_it_is_long() {
        waits_until(10, Waiting::UnawaitedPace, |slot| offer(slot, 90, false));
    }

    #[test]
    fn a_batch_goes_at_once_when_its_time_is_over_or_nothing_was_before() {
        let start = now();
        for (awaited, wait) in [(true, PACE.commit_wait), (false, PACE.unawaited_wait)] {
            let slot = Slot::new(PACE);
            offer(&slot, 10, awaited);
            assert_eq!(slot.wait_offer(|| start), Offer::Batch);
            slot.lock().last = Some(start);
            assert_eq!(slot.wait_offer(|| start + wait), Offer::Batch);
        }
    }
}
