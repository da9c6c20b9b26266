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

use super::reactor::{Ending, READS, Reactor, Sockets};
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
    /// Events of the turn that come after the others.
    later: Vec<(ConnId, EventFlags)>,
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
        config.check()?;
        let config = Config {
            connections_max: config.connections_max.min(config.descriptors_max),
            ..config
        };
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
            reactor: Reactor::new(Sockets::Epoll(epoll), config, listeners),
            waker,
            read_buffer: vec![0; config.read_len],
            later: Vec::new(),
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
        self.reactor.read_clocks();
        while !self.reactor.stopping {
            self.turn(handler, &mut events)?;
        }
        self.reactor.stop(handler);
        Ok(())
    }

    fn turn<H: Handler>(
        &mut self,
        handler: &mut H,
        events: &mut Vec<Event>,
    ) -> Result<(), DriverError> {
        self.wait(handler.poll_timeout(), events)?;
        self.reactor.read_clocks();
        if self.waker.slept() {
            self.reactor.woken(handler);
        }
        for event in events {
            let (conn, flags) = (ConnId::from_bits(event.data.u64()), event.flags);
            match conn {
                WAKE => {}
                conn if conn.generation == OWN || self.may_wait(handler, conn, flags) => {
                    self.later.push((conn, flags));
                }
                conn => self.ready(handler, conn, flags),
            }
        }
        self.serve_later(handler);
        self.reactor.late_calls(handler);
        if self
            .accept_retry_at
            .is_some_and(|at| at <= self.reactor.now)
        {
            self.watch_listeners(true);
        }
        self.reactor.end_turn(handler);
        Ok(())
    }

    fn may_wait<H: Handler>(&self, handler: &H, conn: ConnId, flags: EventFlags) -> bool {
        let is_open = |state| state == State::Open;
        flags.contains(EventFlags::IN)
            && self
                .reactor
                .slots
                .get(conn)
                .is_some_and(|slot| is_open(slot.state))
            && handler.may_wait(conn)
    }

    /// Accepts, and serves as many of those that may wait as a turn takes. The others are ready in the next turn as well.
    fn serve_later<H: Handler>(&mut self, handler: &mut H) {
        let mut later = std::mem::take(&mut self.later);
        let mut left = self.reactor.config.slice;
        for (conn, flags) in later.drain(..) {
            if conn.generation == OWN {
                self.accept(handler, conn.index());
            } else if 0 < left {
                left -= 1;
                self.ready(handler, conn, flags);
            }
        }
        self.later = later;
    }

    fn io(&mut self) -> Io<'_> {
        Io {
            reactor: &mut self.reactor,
        }
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
        let Sockets::Epoll(epoll) = &self.reactor.sockets else {
            unreachable!("made in `Epoll::new`");
        };
        match epoll::wait(epoll, spare_capacity(events), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(DriverError::Os {
                doing: "waiting for events",
                source: error.into(),
            }),
        }
    }

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
                self.reactor.tell(handler);
            }
            State::Open => {
                if flags.contains(EventFlags::OUT) {
                    self.reactor.flush(conn, false);
                    self.reactor.tell(handler);
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
            State::Gone | State::Draining | State::Free => {}
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
            } else if slot.held && flags.contains(EventFlags::RDHUP) {
                self.reactor.end_at_once(conn, Closed::Peer);
            } else {
                self.reactor.park(conn);
            }
            return self.reactor.tell(handler);
        }
        match rustix::net::recv(socket, &mut self.read_buffer[..], RecvFlags::empty()) {
            Ok((0, _)) => self.reactor.peer_ended(handler, conn),
            Ok((len, _)) => {
                let bytes = &mut self.read_buffer[..len];
                self.reactor.deliver(handler, conn, bytes);
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => {
                self.reactor.fail(conn, io::Error::from(error).kind());
                self.reactor.tell(handler);
            }
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
                    self.reactor.remove(conn, Ending::InOrder);
                } else {
                    self.reactor.watch(conn, false, true);
                }
            }
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.reactor.remove(conn, Ending::InOrder),
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
