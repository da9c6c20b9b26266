//! The epoll driver: waits, calls the handler, flushes.
//!
//! Sockets are watched level-triggered, so one `recv` per event is enough and no connection can starve
//! the others: what it did not deliver in one read comes in the next turn. On the way of a message
//! there is one `epoll_wait` per turn, one `recv` and one `send` per connection, and no `epoll_ctl`.

mod accept;

use std::{fmt, io};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, sockopt};

use accept::listener_data;

use super::reactor::{Ended, READS, Reactor};
use super::slots::State;
use super::{Closed, Config, ConnId, DriverError, Handler, Io, Opened, Waker};
use crate::clock;
use crate::os::{self, Listener};

/// Marks the driver's own events; no connection has this generation.
const OWN: u32 = u32::MAX;
const WAKE: ConnId = ConnId {
    index: u32::MAX,
    generation: OWN,
};

/// One reactor on epoll. Make it anywhere, [`Epoll::run`] it on its own thread.
pub struct Epoll {
    reactor: Reactor,
    waker: Waker,
    read_buffer: Vec<u8>,
    /// Set while the listeners are not watched.
    accept_retry_at: Option<u64>,
    /// The shortage was logged; it is over when nobody waits any more.
    accept_complained: bool,
}

const fn goes_to_its_thread<T: Send>() {}
const _: () = goes_to_its_thread::<Epoll>();

impl Epoll {
    /// A driver that accepts from `listeners`, numbered as they stand there.
    ///
    /// # Errors
    ///
    /// [`DriverError::Config`] for a bound out of range, [`DriverError::Os`] when the kernel is out of
    /// descriptors or watches.
    pub fn new(config: Config, listeners: Vec<Listener>) -> Result<Epoll, DriverError> {
        check(&config)?;
        let os = |doing| {
            move |source: Errno| DriverError::Os {
                doing,
                source: source.into(),
            }
        };
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(os("creating an epoll"))?;
        let waker = Waker::new().map_err(|source| DriverError::Os {
            doing: "creating an eventfd",
            source,
        })?;
        let wake = EventData::new_u64(WAKE.to_bits());
        epoll::add(&epoll, waker.event(), wake, EventFlags::IN | EventFlags::ET)
            .map_err(os("watching an eventfd"))?;
        for (index, listener) in listeners.iter().enumerate() {
            // Accepted sockets inherit it, as they do TCP_NODELAY.
            os::set_user_timeout(&listener.socket, config.user_timeout).map_err(|source| {
                DriverError::Os {
                    doing: "setting TCP_USER_TIMEOUT",
                    source,
                }
            })?;
            epoll::add(
                &epoll,
                &listener.socket,
                listener_data(index),
                EventFlags::IN,
            )
            .map_err(os("watching a listener"))?;
        }
        Ok(Epoll {
            reactor: Reactor::new(epoll, config, listeners),
            waker,
            read_buffer: vec![0; config.read_len],
            accept_retry_at: None,
            accept_complained: false,
        })
    }

    /// A handle that wakes this driver.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Runs until the handler calls [`Io::stop`]. The handler's first call is its timer, if one is due,
    /// or whatever happens first.
    ///
    /// # Errors
    ///
    /// Waiting failed, which is a fault of this program.
    pub fn run<H: Handler>(&mut self, handler: &mut H) -> Result<(), DriverError> {
        let mut events = Vec::with_capacity(self.reactor.config.events_max);
        self.read_clocks();
        while !self.reactor.stopping {
            self.turn(handler, &mut events)?;
        }
        self.stop(handler);
        Ok(())
    }

    fn turn<H: Handler>(
        &mut self,
        handler: &mut H,
        events: &mut Vec<Event>,
    ) -> Result<(), DriverError> {
        self.wait(handler.poll_timeout(), events)?;
        self.read_clocks();
        if self.waker.slept() {
            handler.woken(&mut self.io());
            self.tell(handler);
        }
        for event in events {
            let (conn, flags) = (ConnId::from_bits(event.data.u64()), event.flags);
            match conn {
                WAKE => {}
                ConnId {
                    index,
                    generation: OWN,
                } => self.accept(handler, index as usize),
                conn => self.ready(handler, conn, flags),
            }
        }
        for conn in std::mem::take(&mut self.reactor.resumed) {
            self.offer_again(handler, conn);
        }
        if handler
            .poll_timeout()
            .is_some_and(|at| at <= self.reactor.now)
        {
            handler.timer(&mut self.io());
            self.tell(handler);
        }
        self.reactor.expire_lingering();
        if self
            .accept_retry_at
            .is_some_and(|at| at <= self.reactor.now)
        {
            self.watch_listeners(true);
        }
        self.end_turn(handler);
        Ok(())
    }

    /// Ends the turn; again, if a flush ended connections and the handler had something to do for it.
    fn end_turn<H: Handler>(&mut self, handler: &mut H) {
        loop {
            handler.turn_ended(&mut self.io());
            self.tell(handler);
            self.reactor.flush_all();
            if self.reactor.ended.is_empty() {
                return;
            }
            self.tell(handler);
        }
    }

    fn stop<H: Handler>(&mut self, handler: &mut H) {
        self.reactor.stop_accepting();
        let all: Vec<ConnId> = self.reactor.slots.ids().collect();
        for conn in all {
            match self.reactor.slots.get(conn).map(|slot| slot.state) {
                Some(State::Open) => self.reactor.end_at_once(conn, Closed::Stopped),
                Some(State::Connecting) => {
                    self.reactor
                        .fail_connect(conn, io::ErrorKind::ConnectionAborted.into());
                }
                Some(State::Closing | State::Lingering) => drop(self.reactor.slots.remove(conn)),
                Some(State::Gone | State::Free) | None => {}
            }
        }
        self.tell(handler);
        handler.turn_ended(&mut self.io());
    }

    fn io(&mut self) -> Io<'_> {
        Io {
            reactor: &mut self.reactor,
        }
    }

    fn read_clocks(&mut self) {
        self.reactor.now = clock::monotonic_ns();
        self.reactor.utc_micros = clock::utc_micros();
    }

    fn wait(&mut self, timer_at: Option<u64>, events: &mut Vec<Event>) -> Result<(), DriverError> {
        let linger_at = self
            .reactor
            .lingering
            .front()
            .map(|(deadline, _)| *deadline);
        let next = [timer_at, linger_at, self.accept_retry_at]
            .into_iter()
            .flatten()
            .min();
        let may_sleep = self.waker.may_sleep() && self.reactor.resumed.is_empty();
        let timeout = match next {
            _ if !may_sleep => Some(0),
            // The handler took its time since the clock was read.
            Some(at) => Some(at.saturating_sub(clock::monotonic_ns())),
            None => None,
        };
        events.clear();
        let timeout = timeout.map(clock::timespec);
        match epoll::wait(
            &self.reactor.epoll,
            spare_capacity(events),
            timeout.as_ref(),
        ) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(DriverError::Os {
                doing: "waiting for events",
                source: error.into(),
            }),
        }
    }

    /// Tells the handler which connections have ended. Called after every call of the handler.
    fn tell<H: Handler>(&mut self, handler: &mut H) {
        while let Some((conn, ended)) = self.reactor.ended.pop_front() {
            match ended {
                Ended::Closed(reason) => handler.closed(&mut self.io(), conn, reason),
                Ended::ConnectFailed { tag, error } => {
                    handler.connect_failed(&mut self.io(), tag, error);
                }
            }
            if self
                .reactor
                .slots
                .get(conn)
                .is_some_and(|slot| slot.state == State::Gone)
            {
                self.reactor.slots.remove(conn);
            }
        }
    }

    // ---- connections ----

    fn ready<H: Handler>(&mut self, handler: &mut H, conn: ConnId, flags: EventFlags) {
        // An earlier event of this turn may have ended it.
        let Some(state) = self.reactor.slots.get(conn).map(|slot| slot.state) else {
            return;
        };
        match state {
            State::Connecting => {
                if let Some(tag) = self.reactor.finish_connect(conn) {
                    handler.opened(&mut self.io(), conn, Opened::Connected { tag });
                }
                self.tell(handler);
            }
            State::Open => {
                if flags.contains(EventFlags::OUT) {
                    self.reactor.flush(conn, false);
                    self.tell(handler);
                }
                if flags.intersects(READS | EventFlags::ERR | EventFlags::HUP) {
                    self.read(handler, conn, flags);
                }
            }
            State::Closing | State::Lingering => {
                if flags.contains(EventFlags::OUT) {
                    self.reactor.flush(conn, false);
                }
                self.discard(conn);
            }
            State::Gone | State::Free => {}
        }
    }

    fn read<H: Handler>(&mut self, handler: &mut H, conn: ConnId, flags: EventFlags) {
        let all_paused = self.reactor.all_paused;
        let Some(slot) = self.reactor.slots.open(conn) else {
            return;
        };
        let Some(socket) = &slot.fd else { return };
        if slot.paused || all_paused {
            if flags.intersects(EventFlags::ERR | EventFlags::HUP) {
                // These two cannot be masked.
                let error = sockopt::socket_error(socket).unwrap_or(Ok(())).err();
                let kind = error.map_or(io::ErrorKind::ConnectionReset, |e| {
                    io::Error::from(e).kind()
                });
                self.reactor.fail(conn, kind);
            } else {
                self.reactor.park(conn);
            }
            return self.tell(handler);
        }
        match rustix::net::recv(socket, &mut self.read_buffer[..], RecvFlags::empty()) {
            Ok((0, _)) => self.peer_ended(handler, conn),
            Ok((len, _)) => self.deliver(handler, conn, len),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => {
                self.reactor.fail(conn, io::Error::from(error).kind());
                self.tell(handler);
            }
        }
    }

    fn peer_ended<H: Handler>(&mut self, handler: &mut H, conn: ConnId) {
        // A resume earlier in this turn may have left whole messages to offer; they came before the end.
        self.offer_again(handler, conn);
        let Some(slot) = self.reactor.slots.open(conn) else {
            return;
        };
        if !slot.paused && !self.reactor.all_paused {
            slot.peer_ended = true;
            self.reactor.end_in_order(conn, Closed::Peer);
            self.tell(handler);
        }
    }

    /// Gives the handler the first `len` bytes of the read buffer, behind what it left.
    fn deliver<H: Handler>(&mut self, handler: &mut H, conn: ConnId, len: usize) {
        let reactor = &mut self.reactor;
        let bytes = &mut self.read_buffer[..len];
        let mut carry = match reactor.slots.side_mut(conn) {
            Some(side) => std::mem::take(&mut side.carry),
            None => Vec::new(),
        };
        if carry.is_empty() {
            let consumed = handler.received(&mut Io { reactor }, conn, bytes);
            assert!(consumed <= len);
            if consumed < len {
                self.reactor
                    .store_carry(conn, self.read_buffer[consumed..len].to_vec());
            }
        } else {
            // Only the rest of a message is ever copied.
            carry.extend_from_slice(bytes);
            let consumed = handler.received(&mut Io { reactor }, conn, &mut carry);
            assert!(consumed <= carry.len());
            carry.drain(..consumed);
            self.reactor.store_carry(conn, carry);
        }
        self.tell(handler);
    }

    fn offer_again<H: Handler>(&mut self, handler: &mut H, conn: ConnId) {
        let Some(slot) = self.reactor.slots.open(conn) else {
            return;
        };
        if slot.paused || self.reactor.all_paused {
            return;
        }
        if self
            .reactor
            .slots
            .side(conn)
            .is_some_and(|side| !side.carry.is_empty())
        {
            self.deliver(handler, conn, 0);
        }
    }

    /// Reads past what still comes after our close.
    fn discard(&mut self, conn: ConnId) {
        let Some(slot) = self.reactor.slots.get_mut(conn) else {
            return;
        };
        let Some(socket) = &slot.fd else { return };
        match rustix::net::recv(socket, &mut self.read_buffer[..], RecvFlags::empty()) {
            Ok((0, _)) => {
                slot.peer_ended = true;
                if slot.state == State::Lingering {
                    self.reactor.slots.remove(conn);
                } else {
                    self.reactor.watch(conn, false, true);
                }
            }
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => drop(self.reactor.slots.remove(conn)),
        }
    }
}

impl fmt::Debug for Epoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.reactor.slots.len();
        f.debug_struct("Epoll")
            .field("connections", &connections)
            .finish_non_exhaustive()
    }
}

fn check(config: &Config) -> Result<(), DriverError> {
    let refuse = |name, found, expected| {
        Err(DriverError::Config {
            name,
            found,
            expected,
        })
    };
    match config {
        Config {
            read_len: found @ 0..4096,
            ..
        } => refuse("read_len", *found, "at least 4096 bytes"),
        Config { events_max: 0, .. } => refuse("events_max", 0, "at least 1"),
        Config { accepts_max: 0, .. } => refuse("accepts_max", 0, "at least 1"),
        Config {
            connections_max: found,
            ..
        } if *found == 0 || *found >= u32::MAX as usize => {
            refuse("connections_max", *found, "1 to 2^32-2")
        }
        Config { .. } => Ok(()),
    }
}
