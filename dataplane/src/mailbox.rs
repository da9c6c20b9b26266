//! The bounded way into a shard from other threads.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// Letters a shard keeps waiting; a sender finds the box full and says so to its own caller.
pub(crate) const MAILBOX_LEN_MAX: usize = 4_096;

/// Wakes the thread that owns the other end.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// The sending end; cheap to clone.
pub(crate) struct Mailbox<T> {
    sender: SyncSender<T>,
    wake: Wake,
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
        }
    }
}

/// A mailbox of [`MAILBOX_LEN_MAX`] letters.
pub(crate) fn mailbox<T>(wake: Wake) -> (Mailbox<T>, Receiver<T>) {
    let (sender, receiver) = sync_channel(MAILBOX_LEN_MAX);
    (Mailbox { sender, wake }, receiver)
}

impl<T> Mailbox<T> {
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
