//! The bounded way into a shard from other threads: two lanes, so that what can be many keeps nothing back that must come
//! soon.

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

/// Takes letters.
pub(crate) trait Post<T> {
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// Any [`Undelivered`], with the letter.
    fn post(&self, letter: T) -> Result<(), Undelivered<T>>;
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
}

impl<T> Post<T> for Mailbox<T> {
    fn post(&self, letter: T) -> Result<(), Undelivered<T>> {
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

/// Which lane a letter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Read first: a command to a station, what an errand brought, how a shard does.
    Urgent,
    /// What may come by the thousand: lists, imports, sockets from another shard.
    Bulk,
}

/// A letter that knows its lane.
pub(crate) trait Laned {
    /// Its lane.
    fn lane(&self) -> Lane;
}

/// The sending end of two mailboxes with one reader; cheap to clone. A full lane holds up nothing in the other.
pub(crate) struct Lanes<T> {
    urgent: Mailbox<T>,
    bulk: Mailbox<T>,
}

/// Their reading end.
pub(crate) struct Letters<T> {
    urgent: Receiver<T>,
    bulk: Receiver<T>,
}

impl<T> Clone for Lanes<T> {
    fn clone(&self) -> Self {
        Self {
            urgent: self.urgent.clone(),
            bulk: self.bulk.clone(),
        }
    }
}

/// Two mailboxes of [`MAILBOX_LEN_MAX`] letters each.
pub(crate) fn lanes<T>(wake: Wake) -> (Lanes<T>, Letters<T>) {
    let (urgent, urgent_letters) = mailbox(Arc::clone(&wake));
    let (bulk, bulk_letters) = mailbox(wake);
    let letters = Letters {
        urgent: urgent_letters,
        bulk: bulk_letters,
    };
    (Lanes { urgent, bulk }, letters)
}

impl<T: Laned> Post<T> for Lanes<T> {
    fn post(&self, letter: T) -> Result<(), Undelivered<T>> {
        match letter.lane() {
            Lane::Urgent => self.urgent.post(letter),
            Lane::Bulk => self.bulk.post(letter),
        }
    }
}

impl<T> Lanes<T> {
    /// Tells the reader to end, within a time.
    pub(crate) fn stop(&self, deadline: Instant) {
        self.urgent.stop(deadline);
    }

    /// When the reader is to be gone, once it has been told.
    pub(crate) fn stop_by(&self) -> Option<Instant> {
        self.urgent.stop_by()
    }
}

impl<T> Letters<T> {
    /// The oldest letter of a lane, if there is one.
    pub(crate) fn next(&self, lane: Lane) -> Option<T> {
        let letters = match lane {
            Lane::Urgent => &self.urgent,
            Lane::Bulk => &self.bulk,
        };
        letters.try_recv().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Laned for usize {
        fn lane(&self) -> Lane {
            if *self == 0 { Lane::Urgent } else { Lane::Bulk }
        }
    }

    #[test]
    fn a_full_lane_holds_up_nothing_in_the_other() {
        let (lanes, letters) = lanes(Arc::new(|| {}));
        let posted = (1..).take_while(|letter: &usize| lanes.post(*letter).is_ok());
        assert_eq!(posted.count(), MAILBOX_LEN_MAX);
        assert!(lanes.post(0).is_ok());
        assert_eq!(letters.next(Lane::Urgent), Some(0));
        assert_eq!(letters.next(Lane::Urgent), None);
        assert_eq!(letters.next(Lane::Bulk), Some(1));
    }

    #[test]
    fn a_letter_that_was_not_taken_says_why() {
        let (lanes, letters) = lanes(Arc::new(|| {}));
        (0..MAILBOX_LEN_MAX).for_each(|_| assert!(lanes.post(0).is_ok()));
        assert!(matches!(lanes.post(0), Err(Undelivered::Busy(0))));
        drop(letters);
        assert!(matches!(lanes.post(0), Err(Undelivered::Stopped(0))));
        assert!(matches!(lanes.post(1), Err(Undelivered::Stopped(1))));
    }
}
