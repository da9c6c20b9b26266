//! Wakes, timers and bounds of the driver itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use net::driver::{
    Closed, Config, ConnId, Driver, DriverError, DriverKind, Handler, Io, Opened, Uring,
};

use crate::rig::{driver, kinds, start};
use crate::swallow;

#[test]
fn no_message_is_lost_between_wakers_and_driver() {
    const EACH: u64 = 20_000;
    let rig = start(Config::default(), swallow);
    let count = Arc::new(AtomicU64::new(0));
    // Threads that only wake, against acts that are answered only when seen.
    let wakers: Vec<_> = (0..2)
        .map(|_| {
            let (waker, count) = (rig.waker(), count.clone());
            std::thread::spawn(move || {
                for _ in 0..EACH {
                    waker.wake();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for turn in 0..2000_u64 {
        assert_eq!(rig.act(move |_| turn), turn);
    }
    for waker in wakers {
        waker.join().unwrap();
    }
    assert_eq!(count.load(Ordering::Relaxed), 2 * EACH);
    assert_eq!(rig.stop(), []);
}

#[test]
fn the_timer_is_called_when_it_is_due_and_not_before() {
    struct Timed {
        due: Vec<u64>,
        called: Vec<u64>,
        delays: Vec<u64>,
    }
    impl Handler for Timed {
        fn opened(&mut self, _: &mut Io<'_>, _: ConnId, _: Opened) {}
        fn received(&mut self, _: &mut Io<'_>, _: ConnId, _: &mut [u8]) -> usize {
            0
        }
        fn closed(&mut self, _: &mut Io<'_>, _: ConnId, _: Closed) {}
        fn poll_timeout(&self) -> Option<u64> {
            self.due.last().copied()
        }
        fn timer(&mut self, io: &mut Io<'_>) {
            self.called.push(io.now());
            assert!(io.utc_micros() > 0);
            match self.delays.pop() {
                Some(delay) => self.due.push(io.now() + delay),
                None => io.stop(),
            }
        }
    }
    let mut driver = driver(Config::default(), Vec::new());
    // The first is due before the first turn; one lies below the kernel's millisecond.
    let mut timed = Timed {
        due: vec![0],
        called: Vec::new(),
        delays: vec![300_000, 5_000_000, 0, 1],
    };
    driver.run(&mut timed).unwrap();
    assert_eq!(timed.called.len(), 5);
    for (due, called) in timed.due.iter().zip(&timed.called) {
        assert!(due <= called);
    }
}

#[test]
fn a_denied_io_uring_is_named() {
    if kinds() != (DriverKind::IoUring, DriverKind::Epoll) {
        return;
    }
    let error = Uring::new(Config::default(), Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "io_uring is not available: forbidden by a seccomp filter, as containers have it, or by \
         kernel.io_uring_disabled"
    );
}

#[test]
fn bounds_that_make_no_sense_are_refused_by_name() {
    for (config, expected) in [
        (
            Config {
                read_len: 100,
                ..Config::default()
            },
            "read_len is 100, expected at least 4096 bytes",
        ),
        (
            Config {
                events_max: 0,
                ..Config::default()
            },
            "events_max is 0, expected at least 1",
        ),
        (
            Config {
                accepts_max: 0,
                ..Config::default()
            },
            "accepts_max is 0, expected at least 1",
        ),
        (
            Config {
                connections_max: 0,
                ..Config::default()
            },
            "connections_max is 0, expected 1 to 2^32-2",
        ),
    ] {
        let error: DriverError = Driver::new(kinds().0, config, Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
