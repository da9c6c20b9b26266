//! Waking a driver from another thread.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::event::{EventfdFlags, eventfd};

const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
const NOTIFIED: u8 = 2;

/// Makes a driver call [`super::Handler::woken`]. Clone it freely; it outlives the driver.
///
/// Put the message into the mailbox first, then wake: the handler sees everything put before. Many
/// wakes before the driver looks are one, and only the one that finds it asleep costs a system call.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: AtomicU8,
    event: OwnedFd,
}

impl Waker {
    pub(super) fn new() -> std::io::Result<Waker> {
        let event = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Waker(Arc::new(Shared {
            state: AtomicU8::new(AWAKE),
            event,
        })))
    }

    /// Wakes the driver, or makes sure that it does not go to sleep. Never blocks.
    pub fn wake(&self) {
        // Release: what was put into the mailbox is seen by who reads NOTIFIED.
        if self.0.state.swap(NOTIFIED, Ordering::AcqRel) == ASLEEP {
            // The event is watched edge-triggered, so nobody reads it: each write is an edge. A
            // counter that is full (after 2^64 writes) would be an edge too, hence no result to check.
            let _ = rustix::io::write(&self.0.event, &1_u64.to_ne_bytes());
        }
    }

    /// Called before waiting; false when a wake came, and the wait must not block.
    pub(super) fn may_sleep(&self) -> bool {
        let slept = (AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Acquire);
        self.0
            .state
            .compare_exchange(slept.0, slept.1, slept.2, slept.3)
            .is_ok()
    }

    /// Called after waiting; true when a wake came since the last call.
    pub(super) fn slept(&self) -> bool {
        self.0.state.swap(AWAKE, Ordering::AcqRel) == NOTIFIED
    }

    pub(super) fn event(&self) -> BorrowedFd<'_> {
        self.0.event.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(waker: &Waker) -> bool {
        let mut count = [0; 8];
        rustix::io::read(waker.event(), &mut count).is_ok()
    }

    #[test]
    fn only_the_wake_that_finds_the_driver_asleep_writes() {
        let waker = Waker::new().unwrap();
        waker.wake();
        assert!(!waker.may_sleep(), "a wake while awake keeps it awake");
        assert!(!written(&waker));
        assert!(waker.slept());
        assert!(!waker.slept(), "and is told once");

        assert!(waker.may_sleep());
        waker.wake();
        waker.wake();
        let mut count = [0; 8];
        rustix::io::read(waker.event(), &mut count).unwrap();
        assert_eq!(u64::from_ne_bytes(count), 1);
        assert!(waker.slept());
    }
}
