//! Wakes, timers and bounds of the driver itself.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use net::clock::monotonic_ns;
use net::driver::{
    Closed, Config, ConnId, Driver, DriverError, DriverKind, Handler, Io, Opened, Uring, Waker,
};

use crate::rig::{DEADLINE, any_port, driver, kinds, start};
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

/// A handler that stands still while the test writes, so that all of it is there when the next turn begins.
struct Standing {
    opened: Sender<()>,
    stands: Sender<()>,
    goes_on: Receiver<()>,
    /// All but this may wait; it is the last to open.
    last: Option<ConnId>,
    turn: usize,
    /// Which turn brought what.
    read: Vec<(usize, Vec<u8>)>,
    wanted: usize,
}

impl Handler for Standing {
    fn opened(&mut self, _: &mut Io<'_>, conn: ConnId, _: Opened) {
        self.last = Some(conn);
        self.opened.send(()).unwrap();
    }

    fn received(&mut self, io: &mut Io<'_>, _: ConnId, bytes: &mut [u8]) -> usize {
        self.read.push((self.turn, bytes.to_vec()));
        self.wanted -= bytes.len();
        if self.wanted == 0 {
            io.stop();
        }
        bytes.len()
    }

    fn may_wait(&self, conn: ConnId) -> bool {
        self.last != Some(conn)
    }

    fn closed(&mut self, _: &mut Io<'_>, _: ConnId, _: Closed) {}

    fn woken(&mut self, _: &mut Io<'_>) {
        self.stands.send(()).unwrap();
        self.goes_on.recv_timeout(DEADLINE).unwrap();
    }

    fn turn_ended(&mut self, _: &mut Io<'_>) {
        self.turn += 1;
    }
}

/// The test's side of it.
struct Stood {
    clients: Vec<TcpStream>,
    waker: Waker,
    standing: Receiver<()>,
    go_on: Sender<()>,
    thread: JoinHandle<Vec<(usize, Vec<u8>)>>,
}

impl Stood {
    /// Six clients, of which the last may not wait, of a driver that ends after `wanted` bytes.
    fn start(slice: usize, wanted: usize) -> Self {
        let listener = any_port();
        let addr = listener.local_addr();
        let config = Config {
            slice,
            ..Config::default()
        };
        let mut driver = driver(config, vec![listener]);
        let waker = driver.waker();
        let (opened, opens) = channel();
        let (stands, standing) = channel();
        let (go_on, goes_on) = channel();
        let mut handler = Standing {
            opened,
            stands,
            goes_on,
            last: None,
            turn: 0,
            read: Vec::new(),
            wanted,
        };
        let thread = std::thread::spawn(move || {
            driver.run(&mut handler).unwrap();
            handler.read
        });
        let clients = (0..6).map(|_| {
            let client = TcpStream::connect(addr).unwrap();
            client.set_nodelay(true).unwrap();
            opens.recv_timeout(DEADLINE).unwrap();
            client
        });
        Self {
            clients: clients.collect(),
            waker,
            standing,
            go_on,
            thread,
        }
    }

    /// Has every client write its number and one of `messages`, for each of these, while the driver stands.
    fn write(&mut self, messages: std::ops::Range<u8>) {
        self.waker.wake();
        self.standing.recv_timeout(DEADLINE).unwrap();
        for message in messages {
            for (name, client) in (0..).zip(&mut self.clients) {
                client.write_all(&[name << 5 | message]).unwrap();
            }
        }
    }

    /// Waits until the kernel has a byte for the driver from every client: it may be late to hand them over.
    fn wait_for_bytes(&self) {
        let give_up_at = monotonic_ns() + DEADLINE.as_nanos() as u64;
        let has_byte = |client: &TcpStream| {
            // The driver's end: addresses in hexadecimal, then the state, and what is to be sent and read.
            let ports = [client.peer_addr(), client.local_addr()].map(|addr| addr.unwrap().port());
            let [local, remote] = ports.map(|port| format!(":{port:04X}"));
            let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
            table.lines().any(|line| {
                let mut words = line.split_whitespace().skip(1);
                let mut next = || words.next().unwrap_or_default();
                next().ends_with(&local) && next().ends_with(&remote) && {
                    next();
                    next().ends_with(":00000001")
                }
            })
        };
        while !self.clients.iter().all(has_byte) {
            assert!(monotonic_ns() < give_up_at, "the kernel has not all bytes");
            std::thread::yield_now();
        }
    }

    fn go_on(&self) {
        self.go_on.send(()).unwrap();
    }
}

#[test]
fn whoever_may_wait_is_served_behind_the_others_and_a_slice_at_a_time() {
    let mut stood = Stood::start(2, 6);
    stood.write(0..1);
    stood.wait_for_bytes();
    stood.go_on();
    let read = stood.thread.join().unwrap();
    let first = read[0].0;
    let turns: Vec<_> = read.iter().map(|(turn, _)| turn - first).collect();
    assert_eq!(turns, [0, 0, 0, 1, 1, 2], "{read:?}");
    let mut names: Vec<_> = read.iter().map(|(_, bytes)| bytes[0] >> 5).collect();
    assert_eq!(names[0], 5, "{read:?}");
    names.sort_unstable();
    assert_eq!(names, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn what_waits_comes_whole_and_in_its_order() {
    let mut stood = Stood::start(1, 6 * 30);
    for begin in [0, 10, 20] {
        stood.write(begin..begin + 10);
        stood.go_on();
    }
    let read = stood.thread.join().unwrap();
    for name in 0..6 {
        let bytes = read.iter().flat_map(|(_, bytes)| bytes);
        let of = bytes.filter(|byte| **byte >> 5 == name);
        let messages: Vec<_> = of.map(|byte| byte & 31).collect();
        assert_eq!(messages, (0..30).collect::<Vec<u8>>());
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
                slice: 0,
                ..Config::default()
            },
            "slice is 0, expected at least 1",
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
