//! The bounded way into a shard from other threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use ocpp::Instant;

/// Letters a shard keeps waiting; a sender finds the box full and says so to its own caller.
pub(crate) const MAILBOX_LEN_MAX: usize = 4_096;

/// Wakes the thread that owns the other end.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// The sending end; cheap to clone.
pub(crate) struct Mailbox<T> {
    sender: SyncSender<T>,
    wake: Wake,
    /// When the reader is to be gone, in nanoseconds; 0 while it is not. No letter, because the box may be full.
    stop_by: Arc<AtomicU64>,
}

/// Why a letter was not taken; it comes back.
pub(crate) enum Undelivered<T> {
    /// The box is full: the shard is behind.
    Busy(T),
    /// The shard has ended.
    Stopped(T),
}

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            wake: Arc::clone(&self.wake),
            stop_by: Arc::clone(&self.stop_by),
        }
    }
}

/// A mailbox of [`MAILBOX_LEN_MAX`] letters.
pub(crate) fn mailbox<T>(wake: Wake) -> (Mailbox<T>, Receiver<T>) {
    let (sender, receiver) = sync_channel(MAILBOX_LEN_MAX);
    let mailbox = Mailbox {
        sender,
        wake,
        stop_by: Arc::default(),
    };
    (mailbox, receiver)
}

impl<T> Mailbox<T> {
    /// Tells the reader to end, within a time.
    pub(crate) fn stop(&self, deadline: Instant) {
        self.stop_by.store(deadline.0.max(1), Ordering::Release);
        (self.wake)();
    }

    /// When the reader is to be gone, once it has been told.
    pub(crate) fn stop_by(&self) -> Option<Instant> {
        Some(self.stop_by.load(Ordering::Acquire))
            .filter(|at| *at != 0)
            .map(Instant)
    }

    /// Waits for room; a reader that is gone has nothing to be told.
    pub(crate) fn insist(&self, letter: T) {
        if self.sender.send(letter).is_ok() {
            (self.wake)();
        }
    }

    /// Never blocks.
    pub(crate) fn post(&self, letter: T) -> Result<(), Undelivered<T>> {
        match self.sender.try_send(letter) {
            Ok(()) => {
                (self.wake)();
                Ok(())
            }
            Err(TrySendError::Full(letter)) => Err(Undelivered::Busy(letter)),
            Err(TrySendError::Disconnected(letter)) => Err(Undelivered::Stopped(letter)),
        }
    }
}
