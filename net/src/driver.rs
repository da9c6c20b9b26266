//! The reactor: one thread, its sockets, and a [`Handler`] that decides.
//!
//! A turn waits for events, calls the handler for each, lets it end the turn, and then sends what the
//! handler appended: one `send` per connection and turn, however many messages were answered. Within a
//! turn: [`Handler::woken`], reads as they come, accepts and a slice of the reads that may wait
//! ([`Handler::may_wait`]), reads that were held back, [`Handler::timer`], and last
//! [`Handler::turn_ended`] (again, when sending ended connections).
//!
//! # Invariants
//!
//! - A [`ConnId`] is never reused: one that is over reaches nothing, whatever took its place.
//! - Every connection that was opened is closed by exactly one [`Handler::closed`], unless it was
//!   detached; its index goes to no other connection before that call returned.
//! - The handler is never re-entered: what it does through [`Io`] shows in a later call.
//! - An idle connection holds no buffer: 20 bytes here, 16 more with io_uring, the rest in the kernel. One with TLS holds
//!   its session, from its peer's first byte on.
//!
//! Two drivers stand behind one shape: [`Epoll`] works everywhere, [`Uring`] where the kernel lets this process have
//! io_uring. [`Driver`] is either.
//!
//! # When it is full
//!
//! A connection that does not read is closed at `pending_len_max`, one whose handler does not consume
//! at `carry_len_max`; where buffers reach `buffers_len_max` together, those that hold most go first. Out of
//! descriptors, or at `connections_max`, accepting pauses and the backlog waits in the kernel.

mod choice;
mod epoll;
mod io;
mod reactor;
mod slots;
mod tls;
mod turn;
mod uring;
mod waker;

pub use choice::{Driver, DriverKind};
pub use epoll::Epoll;
pub use io::Io;
pub use uring::Uring;
pub use waker::Waker;

use reactor::Ending;
use tls::Secured;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;
use std::{fmt, io as std_io};

use crate::tls::{TlsFailure, TlsPeer};

/// A connection of one driver. `Copy`, comparable, safe to keep after the connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnId {
    index: u32,
    generation: u32,
}

impl ConnId {
    /// Where the connection stands in a table of the handler's own: dense, from 0, taken again after
    /// [`Handler::closed`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.index as usize
    }

    /// The id as a number, for a mailbox or a log.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        (self.generation as u64) << 32 | self.index as u64
    }

    /// The id that [`ConnId::to_bits`] wrote; any other number names no connection.
    #[must_use]
    pub const fn from_bits(bits: u64) -> ConnId {
        ConnId {
            index: bits as u32,
            generation: (bits >> 32) as u32,
        }
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}

/// Where a connection came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// A peer called.
    Accepted {
        /// Place of the listener in the list given to [`Driver::new`].
        listener: usize,
        /// The peer.
        peer: SocketAddr,
        /// What the listener is bound to.
        local: SocketAddr,
    },
    /// [`Io::connect`] reached the peer.
    Connected {
        /// The caller's.
        tag: u64,
    },
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// [`Io::close`].
    Local,
    /// [`Io::abort`].
    Aborted,
    /// The peer ended its side.
    Peer,
    /// The network or a reset by the peer.
    Failed(std_io::ErrorKind),
    /// The peer does not read: more than `pending_len_max` bytes stayed unsent.
    SlowConsumer,
    /// The handler left more than `carry_len_max` bytes unconsumed.
    CarryFull,
    /// The driver's buffers together reached `buffers_len_max`, and this one held most of them.
    BuffersFull,
    /// TLS came to nothing.
    Tls(TlsFailure),
    /// [`Io::stop`].
    Stopped,
}

/// A socket between two drivers: [`Io::detach`] gives it, [`Io::adopt`] takes it.
#[derive(Debug)]
pub struct Detached {
    /// The connected socket.
    pub socket: OwnedFd,
    /// Bytes received and not consumed; the adopting handler receives them first.
    pub carry: Vec<u8>,
    /// Bytes that wait to be sent.
    pub unsent: Vec<u8>,
    /// Bytes that came behind `carry` before reading ended, as they came.
    late: Vec<u8>,
    /// Where it speaks TLS.
    tls: Option<Box<Secured>>,
}

/// What the owner of connections does with them. Calls come from the driver's thread, one at a time.
pub trait Handler {
    /// A new connection. It may be closed at once through `io`.
    fn opened(&mut self, io: &mut Io<'_>, conn: ConnId, opened: Opened);

    /// The TLS handshake of `conn` is through; bytes of its peer come after this call.
    fn secured(&mut self, io: &mut Io<'_>, conn: ConnId, peer: &TlsPeer) {
        let _ = (io, conn, peer);
    }

    /// Bytes of `conn`: what was left last time and what is new. Answers how many it consumed; the
    /// rest comes again, followed by more, with the next bytes or after [`Io::resume_reads`].
    ///
    /// Whole messages left behind come back by themselves only after a resume: a handler that leaves
    /// some pauses the connection. One that pauses it in [`Handler::opened`] has nothing of it read.
    fn received(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize;

    /// True of a connection whose bytes may wait for those of the others, as a newcomer's may. They are read behind the
    /// others', of [`Config::slice`] such connections in a turn.
    fn may_wait(&self, conn: ConnId) -> bool {
        let _ = conn;
        false
    }

    /// `conn` is over, for whatever reason; exactly once.
    fn closed(&mut self, io: &mut Io<'_>, conn: ConnId, reason: Closed);

    /// A [`Io::connect`] that was begun found no peer.
    fn connect_failed(&mut self, io: &mut Io<'_>, tag: u64, error: std_io::Error) {
        let _ = (io, tag, error);
    }

    /// A [`Waker`] was used since the last turn: look into the mailbox.
    fn woken(&mut self, io: &mut Io<'_>) {
        let _ = io;
    }

    /// The time of [`Handler::poll_timeout`] is reached; once a turn.
    fn timer(&mut self, io: &mut Io<'_>) {
        let _ = io;
    }

    /// When [`Handler::timer`] is due, in nanoseconds of [`crate::clock::monotonic_ns`]. Asked before
    /// every wait.
    fn poll_timeout(&self) -> Option<u64> {
        None
    }

    /// All calls of this turn were made; what was appended goes out next.
    fn turn_ended(&mut self, io: &mut Io<'_>) {
        let _ = io;
    }
}

/// Bounds of one driver. Lengths in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The read buffer all connections share: most bytes one connection delivers per turn. At least
    /// 4 KiB. Default 64 KiB.
    pub read_len: usize,
    /// Events handled per turn, at least 1. Default 256.
    pub events_max: usize,
    /// Connections accepted per turn and listener, at least 1, so that a storm of new ones does not
    /// starve the others. Default 64.
    pub accepts_max: usize,
    /// Reads per turn of connections that may wait, at least 1: what a turn takes of whoever need not. Default 32.
    pub slice: usize,
    /// Open connections. Default 1,000,000.
    pub connections_max: usize,
    /// Those of them that may take a descriptor of this process, see [`crate::os::descriptors_each`]: with epoll all do, with
    /// io_uring none. Default as many.
    pub descriptors_max: usize,
    /// Unconsumed bytes of one connection: the longest message and its header, and one read buffer.
    /// Default 1 MiB + 128 KiB.
    pub carry_len_max: usize,
    /// Unsent bytes of one connection after its socket took what it could; at least the longest message
    /// sent, or one to a slow peer closes it. Default 64 KiB.
    pub pending_len_max: usize,
    /// Unconsumed and unsent bytes of all connections together; up to twice that is allocated while
    /// buffers grow. Default 256 MiB.
    pub buffers_len_max: usize,
    /// How long a closed connection may take to send the rest and see the peer's end before it is
    /// reset. Default 5 s.
    pub linger: Duration,
    /// How long sent bytes may stay unacknowledged before the kernel gives the connection up
    /// (`TCP_USER_TIMEOUT`); zero leaves the kernel's own 15 minutes or so. Default 30 s.
    pub user_timeout: Duration,
    /// How long the io_uring driver gathers events before it looks at the first, when more than `gather_above` come in a
    /// second: fewer wake-ups for later answers. Zero never gathers. Default 0.
    pub gather: Duration,
    /// Events in a second from which on the io_uring driver gathers. Default 5,000.
    pub gather_above: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            read_len: 64 << 10,
            events_max: 256,
            accepts_max: 64,
            slice: 32,
            connections_max: 1_000_000,
            descriptors_max: 1_000_000,
            carry_len_max: (1 << 20) + (128 << 10),
            pending_len_max: 64 << 10,
            buffers_len_max: 256 << 20,
            linger: Duration::from_secs(5),
            user_timeout: Duration::from_secs(30),
            gather: Duration::ZERO,
            gather_above: 5_000,
        }
    }
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), DriverError> {
        let refuse = |name, found, expected| {
            Err(DriverError::Config {
                name,
                found,
                expected,
            })
        };
        match self {
            Config {
                read_len: found @ 0..4096,
                ..
            } => refuse("read_len", *found, "at least 4096 bytes"),
            Config { events_max: 0, .. } => refuse("events_max", 0, "at least 1"),
            Config { accepts_max: 0, .. } => refuse("accepts_max", 0, "at least 1"),
            Config { slice: 0, .. } => refuse("slice", 0, "at least 1"),
            Config {
                connections_max: found,
                ..
            } if *found == 0 || *found >= u32::MAX as usize => {
                refuse("connections_max", *found, "1 to 2^32-2")
            }
            Config { .. } => Ok(()),
        }
    }
}

/// Why a driver does not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// A bound that makes no sense.
    #[error("{name} is {found}, expected {expected}")]
    Config {
        /// The field of [`Config`].
        name: &'static str,
        /// Its value.
        found: usize,
        /// What it may be.
        expected: &'static str,
    },
    /// This process gets no io_uring that could serve.
    #[error("io_uring is not available: {why}")]
    Unavailable {
        /// What is missing and what would bring it.
        why: String,
        /// What the kernel said, where it said something.
        source: Option<std_io::Error>,
    },
    /// The kernel refused.
    #[error("{doing}")]
    Os {
        /// What was being done.
        doing: &'static str,
        /// What the kernel said.
        source: std_io::Error,
    },
}
