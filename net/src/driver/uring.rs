//! The io_uring driver: asks the kernel to accept, receive and send, and calls the handler with the answers.
//!
//! Sockets live in the ring's table of files and take no descriptor of the process; a table may be as long as the limit
//! of open files, and every driver has its own. One request receives for a connection as long as it lives, into a buffer
//! that the kernel takes when bytes have come. What was appended in a turn is queued when it ends and handed over with
//! the wait for the next, so that a turn is one system call, or two where sends have to be waited for.
//!
//! A connection is detached as a descriptor and adopted from one, so both drivers may exchange connections.
//!
//! # When it is full
//!
//! Beyond what [`super`] says: without a place in the table of files nothing is accepted. Without a buffer, connections
//! with bytes to receive wait for the next turn, in which all are back. Accepts under way may take the driver over
//! `connections_max` when the handler connects or adopts meanwhile, by at most 64 for each listener.
#![expect(
    unsafe_code,
    reason = "the kernel works on memory that it was given; every block names the invariant"
)]

mod accepts;
mod buffers;
mod open;
mod ring;
mod sockets;

use std::fmt;
use std::io;
use std::os::fd::AsFd;

pub(super) use ring::Ring;
use ring::{Completion, Kind};

use super::reactor::{Ending, Reactor, Sockets};
use super::slots::State;
use super::{Closed, Config, ConnId, DriverError, Handler, Io, Opened, Waker};
use crate::clock;
use crate::os::{self, Listener};

/// How long accepting pauses when the kernel is out of memory for sockets, in nanoseconds.
const ACCEPT_RETRY_NS: u64 = 100_000_000;
/// The rate of answers is measured over this time, in nanoseconds.
const RATE_WINDOW_NS: u64 = 100_000_000;
/// A wait that gathers ends early with this many.
const GATHER_EVENTS: u32 = 64;
/// Answers that are put off at most, whatever a turn takes of them: each has a buffer that others may be in want of.
const PUT_OFF_MAX: usize = 128;
/// Attempts to have every request answered when the driver ends; each waits a second at most.
const DRAIN_ATTEMPTS: u32 = 30;

/// One reactor on io_uring. Make it anywhere, [`Uring::run`] it on its own thread.
pub struct Uring {
    reactor: Reactor,
    waker: Waker,
    enabled: bool,
    /// Set while nothing is accepted for want of memory.
    accept_retry_at: Option<u64>,
    /// The shortage was logged; it is over when there is room.
    accept_complained: bool,
    /// Connections that found no buffer to receive into.
    starved: Vec<ConnId>,
    rate: Rate,
}

/// Whether answers come so often that it pays to gather them.
#[derive(Debug, Default)]
struct Rate {
    since: u64,
    count: u64,
    high: bool,
}

const fn goes_to_its_thread<T: Send>() {}
const _: () = goes_to_its_thread::<Uring>();

impl Uring {
    /// A driver that accepts from `listeners`, numbered as they stand there.
    ///
    /// # Errors
    ///
    /// [`DriverError::Config`] for a bound out of range, [`DriverError::Unavailable`] where io_uring cannot serve,
    /// [`DriverError::Os`] when the kernel is out of descriptors.
    pub fn new(config: Config, listeners: Vec<Listener>) -> Result<Uring, DriverError> {
        config.check()?;
        let ring = Ring::open(&config, listeners.len())?;
        Uring::on(ring, config, listeners)
    }

    /// As [`Uring::new`], but gives the listeners back where io_uring cannot serve.
    pub(super) fn or_listeners(
        config: Config,
        listeners: Vec<Listener>,
    ) -> Result<Result<Uring, DriverError>, (DriverError, Vec<Listener>)> {
        match config
            .check()
            .and_then(|()| Ring::open(&config, listeners.len()))
        {
            Ok(ring) => Ok(Uring::on(ring, config, listeners)),
            Err(error) => Err((error, listeners)),
        }
    }

    fn on(ring: Ring, config: Config, listeners: Vec<Listener>) -> Result<Uring, DriverError> {
        let os = |doing| move |source| DriverError::Os { doing, source };
        let waker = Waker::new().map_err(os("creating an eventfd"))?;
        for listener in &listeners {
            // Accepted sockets inherit it, as they do TCP_NODELAY.
            os::set_user_timeout(&listener.socket, config.user_timeout)
                .map_err(os("setting TCP_USER_TIMEOUT"))?;
        }
        Ok(Uring {
            reactor: Reactor::new(Sockets::Uring(Box::new(ring)), config, listeners),
            waker,
            enabled: false,
            accept_retry_at: None,
            accept_complained: false,
            starved: Vec::new(),
            rate: Rate::default(),
        })
    }

    /// A handle that wakes this driver.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Runs until the handler calls [`Io::stop`]. The handler's first call is its timer, if one is due,
    /// or whatever happens first. Every run of a driver is on the thread of the first.
    ///
    /// # Errors
    ///
    /// Waiting failed, which is a fault of this program.
    pub fn run<H: Handler>(&mut self, handler: &mut H) -> Result<(), DriverError> {
        let os = |doing| move |source| DriverError::Os { doing, source };
        if !std::mem::replace(&mut self.enabled, true) {
            let enabled = self.reactor.ring().enable();
            enabled.map_err(os("binding an io_uring to its thread"))?;
        }
        let event = self.waker.clone();
        self.reactor.ring().watch_event(event.event());
        self.reactor.read_clocks();
        while !self.reactor.stopping {
            self.turn(handler)?;
        }
        self.reactor.stop(handler);
        self.drain().map_err(os("ending requests"))
    }

    fn turn<H: Handler>(&mut self, handler: &mut H) -> Result<(), DriverError> {
        if !self.starved.is_empty() {
            self.reactor.ring().buffers.lend_more();
        }
        for conn in std::mem::take(&mut self.starved) {
            self.reactor.receive_on(conn);
        }
        let woken = self
            .wait(handler.poll_timeout())
            .map_err(|source| DriverError::Os {
                doing: "waiting for events",
                source,
            })?;
        self.reactor.read_clocks();
        let count = self.reactor.ring().completions_len();
        self.rate
            .note(self.reactor.now, count, self.reactor.config.gather_above);
        if woken {
            self.reactor.woken(handler);
        }
        // What a detach finds meanwhile is among the next turn's.
        for _ in 0..count {
            if self.may_wait(handler) {
                self.reactor.ring().put_off_next();
                continue;
            }
            let Some(completion) = self.reactor.ring().next() else {
                break;
            };
            self.completed(handler, &completion);
        }
        self.serve_put_off(handler);
        self.reactor.late_calls(handler);
        self.accept_retry_at = self.accept_retry_at.filter(|at| self.reactor.now < *at);
        self.reactor.end_turn(handler);
        Ok(())
    }

    /// True when the next answer may wait for the others: it brings bytes of a connection that may, or some that others of
    /// its connection precede.
    fn may_wait<H: Handler>(&mut self, handler: &H) -> bool {
        let Some(completion) = self.reactor.ring().peek().copied() else {
            return false;
        };
        let conn = completion.conn;
        if completion.kind != Kind::Receive || self.reactor.slots.open(conn).is_none() {
            return false;
        }
        self.reactor.ring().has_put_off(conn) || (0 < completion.result && handler.may_wait(conn))
    }

    /// Serves as much of what was put off as a turn takes.
    fn serve_put_off<H: Handler>(&mut self, handler: &mut H) {
        let too_many = self
            .reactor
            .ring()
            .put_off_len()
            .saturating_sub(PUT_OFF_MAX);
        for _ in 0..self.reactor.config.slice.max(too_many) {
            let Some(completion) = self.reactor.ring().next_put_off() else {
                break;
            };
            self.completed(handler, &completion);
        }
    }

    /// Waits for something to do; answers whether the waker was used.
    fn wait(&mut self, timer_at: Option<u64>) -> io::Result<bool> {
        let linger_at = self
            .reactor
            .lingering
            .front()
            .map(|(deadline, _)| *deadline);
        let next = [timer_at, linger_at, self.accept_retry_at];
        let next = next.into_iter().flatten().min();
        loop {
            self.accept_more();
            let idle = self.reactor.resumed.is_empty()
                && !self.reactor.ring().has_completions()
                && self.reactor.ring().put_off_len() == 0;
            if self.waker.may_sleep() && idle {
                // The handler took its time since the clock was read.
                let timeout = next.map(|at| at.saturating_sub(clock::monotonic_ns()));
                let (want, gather_us) = self.gathering(timeout);
                self.reactor.ring().enter(want, timeout, gather_us)?;
            } else {
                self.reactor.ring().enter(0, None, 0)?;
            }
            let woken = self.waker.slept();
            if woken || !self.reactor.ring().has_only_sends() {
                return Ok(woken);
            }
            // Sends that went through are nothing the handler waits for.
            while let Some(completion) = self.reactor.ring().next() {
                self.reactor.sent(&completion);
                self.reactor.release_drained(completion.conn);
            }
            if self.reactor.has_news() {
                return Ok(false);
            }
        }
    }

    /// How many answers to wait for, and for how many microseconds at most before one is enough.
    fn gathering(&self, timeout_ns: Option<u64>) -> (u32, u32) {
        let gather = self.reactor.config.gather;
        if !self.rate.high || gather.is_zero() {
            return (1, 0);
        }
        let longest = timeout_ns.map_or(u64::MAX, |ns| ns / 1_000);
        let gather_us = (gather.as_micros() as u64).min(longest);
        (GATHER_EVENTS, gather_us as u32)
    }

    fn completed<H: Handler>(&mut self, handler: &mut H, completion: &Completion) {
        let conn = completion.conn;
        match completion.kind {
            Kind::Receive => self.received(handler, completion),
            Kind::Send => self.reactor.sent(completion),
            Kind::Errors => self.errors(conn, completion.result),
            Kind::Connect => self.connected(handler, conn),
            Kind::ShutDown => {
                let lingers = |slot: &super::slots::Slot| slot.state == State::Lingering;
                if completion.error().is_some() && self.reactor.slots.get(conn).is_some_and(lingers)
                {
                    // The peer was faster.
                    self.reactor.remove(conn, Ending::InOrder);
                }
            }
            Kind::Accept => return self.accepted(handler, conn.index(), completion.error()),
            Kind::Wake => {
                if !completion.more {
                    let event = self.waker.clone();
                    self.reactor.ring().watch_event(event.event());
                }
                return;
            }
            // `Ring::install` waits for its own; of a silent one nobody hears.
            Kind::Install | Kind::Silent => return,
        }
        self.reactor.tell(handler);
        self.reactor.release_drained(conn);
    }

    fn received<H: Handler>(&mut self, handler: &mut H, completion: &Completion) {
        let conn = completion.conn;
        let mut filled = self.reactor.ring().filled(completion);
        match self.reactor.slots.get(conn).map(|slot| slot.state) {
            Some(State::Open) => match (completion.error(), &mut filled) {
                (Some(error), _) => self.receive_failed(conn, error),
                (None, Some(filled)) if 0 < completion.result => {
                    self.open_received(handler, conn, filled.bytes());
                }
                (None, _) if self.takes_nothing(conn) => self.reactor.park(conn),
                (None, _) => self.reactor.peer_ended(handler, conn),
            },
            Some(State::Closing | State::Lingering) => self.discarded(conn, completion),
            Some(State::Connecting | State::Gone | State::Draining | State::Free) | None => {}
        }
        if let Some(filled) = filled {
            self.reactor.ring().buffers.give_back(filled);
        }
        if !completion.more && completion.error() != Some(libc::ENOBUFS) {
            self.reactor.receive_on(conn);
        }
    }

    fn open_received<H: Handler>(&mut self, handler: &mut H, conn: ConnId, bytes: &mut [u8]) {
        if self.takes_nothing(conn) {
            // They came before the kernel could be told.
            self.reactor.keep(conn, bytes);
            self.reactor.park(conn);
        } else {
            self.reactor.deliver(handler, conn, bytes);
        }
    }

    fn takes_nothing(&mut self, conn: ConnId) -> bool {
        let all_paused = self.reactor.all_paused;
        all_paused
            || self
                .reactor
                .slots
                .open(conn)
                .is_some_and(|slot| slot.paused)
    }

    fn receive_failed(&mut self, conn: ConnId, error: i32) {
        match error {
            libc::ENOBUFS => self.starved.push(conn),
            libc::ECANCELED | libc::EINTR | libc::EAGAIN => {}
            error => {
                let kind = io::Error::from_raw_os_error(error).kind();
                self.reactor.fail(conn, kind);
            }
        }
    }

    /// Something came after our close.
    fn discarded(&mut self, conn: ConnId, completion: &Completion) {
        match completion.error() {
            None if 0 < completion.result => {}
            None => {
                let Some(slot) = self.reactor.slots.get_mut(conn) else {
                    return;
                };
                slot.peer_ended = true;
                if slot.state == State::Lingering {
                    self.reactor.remove(conn, Ending::InOrder);
                }
            }
            Some(libc::ENOBUFS) => self.starved.push(conn),
            Some(libc::ECANCELED | libc::EINTR | libc::EAGAIN) => {}
            Some(_) => self.reactor.remove(conn, Ending::InOrder),
        }
    }

    /// A connection that is not received from has an error, or its sides have ended.
    fn errors(&mut self, conn: ConnId, result: i32) {
        let over = i32::from(libc::POLLERR | libc::POLLHUP);
        let held = match self.reactor.slots.open(conn) {
            Some(slot) if 0 < result && !slot.reads_armed => slot.held,
            Some(_) | None => return,
        };
        if result & over != 0 {
            self.reactor.fail(conn, io::ErrorKind::ConnectionReset);
        } else if held {
            self.reactor.end_at_once(conn, Closed::Peer);
        } else {
            // It was held when this was asked for, and now the bytes before the end count.
            self.reactor.ring().stop_receiving(conn, false);
        }
    }

    fn connected<H: Handler>(&mut self, handler: &mut H, conn: ConnId) {
        let connecting = |slot: &super::slots::Slot| slot.state == State::Connecting;
        if self.reactor.slots.get(conn).is_some_and(connecting)
            && let Some(tag) = self.reactor.finish_connect(conn)
        {
            handler.opened(&mut self.io(), conn, Opened::Connected { tag });
        }
    }

    // ---- accepting ----

    /// Asks for as many connections as there is room for.
    fn accept_more(&mut self) {
        let Sockets::Uring(ring) = &mut self.reactor.sockets else {
            return;
        };
        if self.accept_retry_at.is_some() || self.reactor.listeners.is_empty() {
            return;
        }
        let limit = self.reactor.config.connections_max;
        let mut room = limit.saturating_sub(self.reactor.slots.len() + ring.accepts.len());
        for (index, listener) in self.reactor.listeners.iter().enumerate() {
            while 0 < room
                && ring.accepts.wants(index)
                && ring.accept(index, listener.socket.as_fd())
            {
                room -= 1;
            }
        }
        if 0 < ring.accepts.len() {
            self.accept_complained = false;
        } else {
            self.complain(&"all places for connections are in use");
        }
    }

    fn accepted<H: Handler>(&mut self, handler: &mut H, at: usize, error: Option<i32>) {
        let (index, file, peer) = self.reactor.ring().accepts.end(at);
        let listener = self.reactor.listeners.get(index);
        match (error, listener, peer) {
            (None, Some(listener), Some(peer)) => {
                let local = listener.local_addr();
                let conn = self.reactor.insert_file(file);
                self.reactor.begin_tls_if_wanted(conn, index);
                let opened = Opened::Accepted {
                    listener: index,
                    peer,
                    local,
                };
                handler.opened(&mut self.io(), conn, opened);
                self.reactor.tell(handler);
                if self.reactor.slots.open(conn).is_some() && self.takes_nothing(conn) {
                    // Nothing was asked for yet, so what comes stays in the kernel.
                    self.reactor.park(conn);
                } else {
                    self.reactor.receive_on(conn);
                }
            }
            (None, _, _) => self.reactor.ring().close_file(file),
            (Some(error), _, _) => {
                self.reactor.ring().files_free.push(file);
                if [
                    libc::EMFILE,
                    libc::ENFILE,
                    libc::ENOBUFS,
                    libc::ENOMEM,
                    libc::EINVAL,
                ]
                .contains(&error)
                {
                    self.accept_retry_at = Some(self.reactor.now + ACCEPT_RETRY_NS);
                    self.complain(&io::Error::from_raw_os_error(error));
                }
                // Else the connection died in the backlog, or the network is as accept(2) warns: the next.
            }
        }
    }

    fn complain(&mut self, why: &dyn fmt::Display) {
        if !std::mem::replace(&mut self.accept_complained, true) {
            let connections = self.reactor.connections();
            tracing::warn!(%why, connections, "accepting pauses until connections end");
        }
    }

    /// Waits until the kernel works on nothing of ours any more.
    fn drain(&mut self) -> io::Result<()> {
        self.reactor.ring().cancel_all();
        for _ in 0..DRAIN_ATTEMPTS {
            while let Some(completion) = self.reactor.ring().next_of_all() {
                if let Some(filled) = self.reactor.ring().filled(&completion) {
                    self.reactor.ring().buffers.give_back(filled);
                }
                self.reactor.release_drained(completion.conn);
            }
            if self.reactor.ring().is_idle() {
                return Ok(());
            }
            self.reactor.ring().enter(1, Some(1_000_000_000), 0)?;
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    fn io(&mut self) -> Io<'_> {
        Io {
            reactor: &mut self.reactor,
        }
    }
}

impl Rate {
    fn note(&mut self, now: u64, count: usize, high_from: u32) {
        self.count += count as u64;
        let time = now.saturating_sub(self.since);
        if RATE_WINDOW_NS <= time {
            let per_second = u128::from(self.count) * 1_000_000_000 / u128::from(time);
            self.high = u128::from(high_from) <= per_second;
            (self.since, self.count) = (now, 0);
        }
    }
}

impl fmt::Debug for Uring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uring")
            .field("connections", &self.reactor.connections())
            .finish_non_exhaustive()
    }
}
